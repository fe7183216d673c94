"""Networks brought from scikit-learn, PyTorch and JAX: the outputs are the same, and the gradients too."""

from importlib.util import find_spec

import numpy as np
import pytest

from libraries import needs_jax, needs_sklearn
from micrograd2 import MLP, logsumexp, squared_error

TOLERANCE = {"float64": 1e-12, "float32": 1e-6}
SIZES = [3, 5, 3, 5]


def listed(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def softmax(scores):
    norm = logsumexp(scores)
    return [(score - norm).exp() for score in scores]


@needs_sklearn
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("classes", [2, 3, None])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_what_scikit_learn_trained_gives_the_same_outputs(activation, classes, dtype):
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(dtype)
    shape = {"hidden_layer_sizes": [5, 4], "activation": activation, "random_state": 0}
    if classes is None:
        there = MLPRegressor(**shape).partial_fit(X, X[:, :2] * X[:, 1:])
        expected = there.predict(X)
    else:
        there = MLPClassifier(**shape)
        expected = there.partial_fit(X, np.arange(40) % classes, classes=range(classes)).predict_proba(X)
    assert expected.dtype == there.coefs_[0].dtype == dtype
    names = {"identity": "linear", "softmax": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
    kinds = [names[activation]] * 2 + [names[there.out_activation_]]
    here = MLP.from_arrays([(W.T, b, kind) for W, b, kind in zip(there.coefs_, there.intercepts_, kinds)])
    outputs = [softmax(here(x)) if classes == 3 else listed(here(x)) for x in X]
    if classes == 2:
        expected = expected[:, 1:]  # of the second class; the first has the rest
    np.testing.assert_allclose([[a.data for a in row] for row in outputs], expected, rtol=0, atol=TOLERANCE[dtype])


# A state: the arrays of a network by name, "0.weight" (nout, nin), "0.bias" (nout,), "2.weight", "2.bias" and so on, as
# those of PyTorch's nn.Sequential are called, since its activations stand between

def state_of_torch(kind, dtype, biases, X, Y):
    """A state, the network's outputs for X, and the gradients of its mean squared error to Y, by name."""
    import torch
    nn = torch.nn
    squash = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky_relu": nn.LeakyReLU,
              "gelu": lambda: nn.GELU("tanh"), "softplus": nn.Softplus}[kind]
    torch.manual_seed(0)
    parts = [part for nin, nout in zip(SIZES, SIZES[1:]) for part in (nn.Linear(nin, nout, biases), squash())]
    model = nn.Sequential(*parts[:-1]).to(getattr(torch, dtype))
    outputs = model(torch.tensor(X))
    (outputs - torch.tensor(Y)).square().sum(1).mean().backward()
    return model.state_dict(), outputs.detach(), {name: p.grad for name, p in model.named_parameters()}


def state_of_jax(kind, dtype, biases, X, Y):
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)
    squash = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "leaky_relu": jax.nn.leaky_relu,
              "gelu": jax.nn.gelu, "softplus": jax.nn.softplus}[kind]
    rng, state = np.random.default_rng(0), {}
    for i, (nin, nout) in enumerate(zip(SIZES, SIZES[1:])):
        state[f"{2 * i}.weight"] = jnp.asarray(rng.normal(size=(nout, nin)) / nin, dtype)
        if biases:
            state[f"{2 * i}.bias"] = jnp.asarray(rng.normal(size=nout), dtype)

    def outputs(state):
        x = X
        for i in (0, 2, 4):
            z = x @ state[f"{i}.weight"].T + state.get(f"{i}.bias", 0)
            x = z if i == 4 else squash(z)
        return x

    return state, outputs(state), jax.grad(lambda state: ((outputs(state) - Y) ** 2).sum(1).mean())(state)


@pytest.mark.parametrize("state_of", [pytest.param(state_of_jax, marks=needs_jax),
                                      *([state_of_torch] if find_spec("torch") else [])])
@pytest.mark.parametrize("biases, dtype", [(True, "float64"), (False, "float32")])
@pytest.mark.parametrize("kind", ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "softplus"])
def test_a_network_of_another_library_gives_the_same_outputs_and_gradients(kind, biases, dtype, state_of):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(6, 3)).astype(dtype), rng.normal(size=(6, 5)).astype(dtype)
    state, expected, grads = state_of(kind, dtype, biases, X, Y)
    assert set(state) == set(grads) and len(state) == (6 if biases else 3)
    here = MLP.from_arrays([(state[f"{i}.weight"], state.get(f"{i}.bias"), name)
                            for i, name in zip((0, 2, 4), [kind, kind, "linear"])])
    outputs = [here(x) for x in X]
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose([[a.data for a in row] for row in outputs], expected, **close)
    for row, y in zip(outputs, Y):
        squared_error(row, y).backward()  # leaves add up over the examples
    for i, layer in zip((0, 2, 4), here.layers):
        ours = [[w.grad / len(X) for w in neuron.w] for neuron in layer.neurons]
        np.testing.assert_allclose(ours, grads[f"{i}.weight"], **close)
        if biases:
            np.testing.assert_allclose([n.b.grad / len(X) for n in layer.neurons], grads[f"{i}.bias"], **close)
