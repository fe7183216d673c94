"""Outside oracles: what JAX and PyTorch make of the same programs, networks, steps, and special points; and networks
brought from there, and from scikit-learn.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from tests.libraries import LIBRARIES, Library, jax_library, jax_slope, needs_jax, needs_sklearn
from micrograd2.compiler import compile
from micrograd2.contributions import grads_of
from micrograd2.costs import cross_entropy, example_cost, max_margin, squared_error
from micrograd2.engine import SIGMOID, Value, gradient, logsumexp, topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.train import SGD, Adam, fit
from tests.programs import RECIPES, VALUES, Maths, Program, programs, run

few = settings(max_examples=settings().max_examples // 4)  # a library takes many times as long as the engine
very_few = settings(max_examples=settings().max_examples // 20)
NAN, INF = math.nan, math.inf


def assert_close(ours: Value, *others: Any) -> None:
    """Equal but for rounding: every number on the way is rounded, here and there, by about half an epsilon of itself.

    What that does to the result is as much again as the slope there says, and these add up. (Slopes below 1 count as 1:
    a library may round more often. XLA makes a sigmoid of a tanh, so that a small one is right to an epsilon of 1.)
    """
    on_the_way = sum((1.0 if v.op is SIGMOID else abs(v.data)) * max(1.0, abs(slope))
                     for v, slope in grads_of(ours).items())
    for other in others:
        assert abs(ours.data - float(other)) <= sys.float_info.epsilon * on_the_way


# Random programs

def leaves_and_result(program: Program) -> tuple[list[Value], Value]:
    leaves = [Value(x) for x in program.leaves]
    return leaves, run(program.steps, leaves, VALUES)


def at_a_kink(program: Program) -> bool:
    """Whether convention, or the rounding of one number, decides a slope on the way to the result."""
    result = leaves_and_result(program)[1]
    kinks = [v for v in topological_order(result) if v._op in ("relu", "abs", "max", "min")]
    return any(abs(v.args[0].data - (v.args[1].data if len(v.args) == 2 else 0.0)) < 1e-9 for v in kinks)


@pytest.mark.parametrize("library", LIBRARIES)
@given(program=programs())
@few
def test_values_and_first_derivatives_equal_the_librarys(library, program):
    assume(not at_a_kink(program))
    leaves, result = leaves_and_result(program)
    value, slopes = library().slopes(lambda xs: run(program.steps, xs, library().maths), program.leaves)
    compiled = compile(lambda: run(program.steps, leaves, VALUES), leaves)
    loss, grads = compiled(compiled.theta)
    result.backward()
    assert_close(result, value, loss)
    for slope, leaf, *others in zip(gradient(result, leaves), leaves, slopes, grads):
        assert_close(slope, leaf.grad, *others)


def assert_higher_derivatives_equal_those_of_jax(program: Program, i: int, j: int) -> None:
    """∂²/∂xᵢ∂xⱼ of the result, and every slope of that."""
    leaves, result = leaves_and_result(program)
    first = jax_slope(lambda xs: run(program.steps, xs, jax_library().maths), i)
    second, third = jax_library().slopes(jax_slope(first, j), program.leaves)
    ours = gradient(gradient(result, leaves)[i], leaves)[j]
    assert_close(ours, second)
    for slope, their_slope in zip(gradient(ours, leaves), third):
        assert_close(slope, their_slope)


@needs_jax
@pytest.mark.parametrize("i, j", [(0, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("recipe", RECIPES)
def test_second_and_third_derivatives_of_every_recipe_equal_those_of_jax(recipe, i, j):
    assert_higher_derivatives_equal_those_of_jax(Program([0.75, -1.25], [(recipe, (0, 1), 0.5)]), i, j)


@needs_jax
@given(program=programs(longest=12), i=st.integers(0, 3), j=st.integers(0, 3))
@few
def test_second_and_third_derivatives_equal_those_of_jax(program, i, j):
    assume(not at_a_kink(program))
    assert_higher_derivatives_equal_those_of_jax(program, i % len(program.leaves), j % len(program.leaves))


# Networks

COSTS = {
    squared_error: lambda library, outputs, targets: ((outputs - targets) ** 2).sum(),
    cross_entropy: lambda library, outputs, targets: library.cross_entropy(outputs, targets),
    max_margin: lambda library, outputs, targets: library.maths.relu(1 - targets * outputs).sum(),
}


def matrices(net: MLP) -> list[np.ndarray]:
    """The weights and the biases of each layer in turn."""
    return [np.array(part) for layer in net.layers for part in ([[w.data for w in n.w] for n in layer.neurons],
                                                                [n.b.data for n in layer.neurons])]


def flat(parts: list) -> np.ndarray:
    """The numbers of such matrices in the order of `net.parameters()`."""
    return np.concatenate([np.column_stack(layer).ravel() for layer in zip(parts[::2], parts[1::2])])


def loss_of(library: Library, net: MLP, cost: Any, X: np.ndarray, Y: np.ndarray) -> Any:
    """The average cost of the examples, as a function of the matrices."""
    activate = {"linear": lambda z: z, "relu": library.maths.relu, "tanh": library.maths.tanh,
                "sigmoid": library.maths.sigmoid, "softplus": library.maths.softplus,
                "leaky_relu": lambda z: library.maths.maximum(z, 0.01 * z),
                "gelu": lambda z: z * 0.5 * (1 + library.maths.tanh(0.7978845608028654 * (z + 0.044715 * z * z * z)))}
    kinds = [layer.neurons[0].activation for layer in net.layers]

    def loss(parts: list) -> Any:
        costs = []
        for x, y in zip(library.array(X), library.array(Y)):
            for weights, biases, kind in zip(parts[::2], parts[1::2], kinds):
                x = activate[kind](weights @ x + biases)
            costs.append(COSTS[cost](library, x, y))
        return sum(costs) / len(costs)

    return loss


def examples(cost: Any, count: int, nin: int, nout: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, nin))
    if cost is squared_error:
        return X, rng.normal(size=(count, nout))
    if cost is cross_entropy:
        return X, np.eye(nout)[rng.integers(0, nout, count)]
    return X, rng.choice([-1.0, 1.0], (count, 1))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), output=st.sampled_from(list(ACTIVATIONS)),
       seed=st.integers(0, 1000))
@very_few
def test_losses_and_gradients_of_networks_equal_the_librarys(library, activation, cost, sizes, output, seed):
    nin, *nouts = sizes[:-1] + [1 if cost is max_margin else max(sizes[-1], 1 + (cost is cross_entropy))]
    net = MLP(nin, nouts, activation, output, seed)
    for neuron in (neuron for layer in net.layers for neuron in layer.neurons):
        neuron.b.data = neuron.w[0].data / 2  # a new network has biases of 0, which prove little
    X, Y = examples(cost, 3, nin, nouts[-1], seed)
    theirs, slopes = library().slopes(loss_of(library(), net, cost, X, Y), matrices(net))
    compiled = compile(lambda x, y: example_cost(net, x, y, cost), net.parameters(), X[0], Y[0])
    loss, grads = compiled(compiled.theta, X, Y)
    ours = total(example_cost(net, x, y, cost) for x, y in zip(X.tolist(), Y.tolist())) / len(X)
    assert_close(ours, theirs, loss)
    for slope, *others in zip(gradient(ours, net.parameters()), flat(slopes), grads):
        assert_close(slope, *others)


LR = 0.05


def momentum(gradients: list[np.ndarray]) -> np.ndarray:
    """The step of SGD with momentum 0.9: each gradient so far, worth less by a tenth for every step since."""
    return sum(LR * 0.9 ** age * gradient for age, gradient in enumerate(reversed(gradients)))


def adam(gradients: list[np.ndarray]) -> np.ndarray:
    """The step of Adam: the average gradient, over the root of the average square, weighted by age."""
    ages = np.arange(len(gradients))[::-1]
    mean = np.average(gradients, axis=0, weights=0.9 ** ages)
    square = np.average(np.square(gradients), axis=0, weights=0.999 ** ages)
    return LR * mean / (np.sqrt(square) + 1e-8)


RULES = [(lambda: SGD(LR, momentum=0.9), momentum), (lambda: Adam(LR), adam)]


@needs_jax
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("optimizer, rule", RULES, ids=["SGD", "Adam"])
def test_ten_steps_of_training_equal_the_rules_written_out(optimizer, rule, compiled):
    net = MLP(3, [4, 2], activation="tanh", seed=5)
    X, Y = examples(cross_entropy, 18, 3, 2, seed=6)
    library, parts, losses, gradients = jax_library(), matrices(net), [], []
    for epoch in range(2):
        order = np.random.default_rng([7, epoch]).permutation(18)
        for batch in np.split(order, [4, 8, 12, 16]):
            loss, slopes = library.slopes(loss_of(library, net, cross_entropy, X[batch], Y[batch]), parts)
            losses.append(loss)
            gradients.append(slopes)
            parts = [part - rule([slopes[k] for slopes in gradients]) for k, part in enumerate(parts)]
    history = fit(net, X, Y, cross_entropy, optimizer=optimizer(), epochs=2, batch_size=4, seed=7, compiled=compiled,
                  progress=False)
    assert history.loss == pytest.approx(losses, rel=0, abs=1e-14)  # numbers about 1, gradients of 1e-4 and more
    assert flat(matrices(net)) == pytest.approx(flat(parts), rel=0, abs=1e-14)


# Special points

SAME = "as ours"
CHOSEN = "a tie goes to the first operand: the result is one of the two, and so is the way back"
EDGE = "refused by name here, rather than met as inf or NaN many operations later"
BASE = "an operand as the exponent wants a base above 0, since log x is part of its slope"
HIDDEN = "a NaN is never hidden: a slope that nobody knows is NaN, not 0 or 1"
TINY = "JAX takes a number below 2.2e-308 for 0"

# what, at which x, y, z; the value and its slopes, or the error: ours, JAX's, PyTorch's; and why they differ
POINTS: list[tuple[str, tuple[float, ...], Any, Any, Any, str]] = [
    # kinks
    ("relu(x)", (0,), (0, 0), SAME, SAME, ""),
    ("relu(1 - x)", (1,), (0, 0), SAME, SAME, ""),
    ("absolute(x)", (0,), (0, 0), (0, 1), SAME, "midway between −1 and 1, and the only slope that leaves |−x| = |x|"),
    ("maximum(x, y)", (2, 2), (2, 1, 0), (2, 0.5, 0.5), (2, 0.5, 0.5), CHOSEN),
    ("minimum(x, y)", (2, 2), (2, 1, 0), (2, 0.5, 0.5), (2, 0.5, 0.5), CHOSEN),
    ("maximum(y, x)", (2, 2), (2, 0, 1), (2, 0.5, 0.5), (2, 0.5, 0.5), CHOSEN),
    ("maximum(x, y)", (0, -0.0), (0, 1, 0), (0, 0.5, 0.5), (0, 0.5, 0.5), CHOSEN),
    ("maximum(x, x)", (2,), (2, 1), SAME, SAME, ""),
    # the edge of a domain
    ("sqrt(x)", (0,), ZeroDivisionError, (0, INF), (0, INF), EDGE),
    ("sqrt(x)", (1e-300,), (1e-150, 5e149), SAME, SAME, ""),
    ("sqrt(x)", (1e-320,), (1e-320 ** 0.5, 0.5 / 1e-320 ** 0.5), (0, INF), SAME, TINY),
    ("sqrt(x)", (-1,), ValueError, (NAN, NAN), (NAN, NAN), EDGE),
    ("log(x)", (0,), ValueError, (-INF, INF), (-INF, INF), EDGE),
    ("log(x)", (1e-300,), (-300 * math.log(10), 1e300), SAME, SAME, ""),
    ("log(x)", (1e-320,), (math.log(1e-320), INF), (-INF, INF), SAME, TINY),
    ("log(x)", (-1,), ValueError, (NAN, -1), (NAN, -1), EDGE),
    ("1 / x", (0,), ZeroDivisionError, (INF, -INF), (INF, -INF), EDGE),
    ("1 / x", (1e-200,), (1e200, -INF), SAME, SAME, ""),
    ("x / y", (0, 0), ZeroDivisionError, (NAN, INF, NAN), (NAN, INF, NAN), EDGE),
    # powers with a plain number
    ("x ** 0.0", (0,), (1, 0), (1, NAN), SAME, "x⁰ is 1 for every x, so its slope is 0"),
    ("x ** 0.0", (-2,), (1, 0), SAME, SAME, ""),
    ("x ** 1.0", (0,), (0, 1), SAME, SAME, ""),
    ("x ** 2.0", (0,), (0, 0), SAME, SAME, ""),
    ("x ** 2.0", (-8,), (64, -16), SAME, SAME, ""),
    ("x ** 0.5", (0,), ZeroDivisionError, (0, INF), (0, INF), EDGE),
    ("x ** -1.0", (0,), ValueError, (INF, -INF), (INF, -INF), EDGE),
    ("x ** (1 / 3)", (-8,), ValueError, (NAN, NAN), (NAN, NAN), EDGE),
    ("x ** 400.0", (10,), OverflowError, (INF, INF), (INF, INF), EDGE),
    # powers of operands
    ("x ** y", (2, 0), (1, 0, math.log(2)), SAME, SAME, ""),
    ("x ** y", (0, 0), ZeroDivisionError, (1, NAN, 0), (1, 0, 0), BASE),
    ("x ** y", (0, 2), ValueError, (0, 0, 0), (0, 0, 0), BASE),
    ("x ** y", (0, -1), ValueError, (INF, -INF, NAN), (INF, -INF, -INF), BASE),
    ("x ** y", (-8, 2), ValueError, (64, -16, NAN), (64, -16, NAN), BASE),
    ("0.0 ** x", (2,), ValueError, (0, 0), (0, 0), BASE),
    ("10.0 ** x", (400,), OverflowError, (INF, INF), (INF, INF), EDGE),
    # far out
    ("exp(x)", (1000,), OverflowError, (INF, INF), (INF, INF), EDGE),
    ("exp(x)", (-1000,), (0, 0), SAME, SAME, ""),
    ("sigmoid(x)", (1000,), (1, 0), SAME, SAME, ""),
    ("sigmoid(x)", (-1000,), (0, 0), SAME, SAME, ""),
    ("sigmoid(x)", (-700,), (math.exp(-700), math.exp(-700)), SAME, SAME, ""),
    ("softplus(x)", (1000,), (1000, 1), SAME, SAME, ""),
    ("softplus(x)", (-1000,), (0, 0), SAME, SAME, ""),
    ("softplus(x)", (0,), (math.log(2), 0.5), SAME, SAME, ""),
    ("atan(x)", (1e200,), (math.pi / 2, 0), SAME, SAME, ""),
    ("tanh(x)", (1000,), (1, 0), SAME, SAME, ""),
    ("tanh(x)", (-1000,), (-1, 0), SAME, SAME, ""),
    ("x * y", (1e200, 1e200), (INF, 1e200, 1e200), SAME, SAME, ""),
    # logsumexp and cross-entropy
    ("logsumexp([x, y])", (1000, -1000), (1000, 1, 0), SAME, SAME, ""),
    ("logsumexp([x, y])", (1000, 1000), (1000 + math.log(2), 0.5, 0.5), SAME, SAME, ""),
    ("logsumexp([x, y])", (-1000, -1000), (-1000 + math.log(2), 0.5, 0.5), SAME, SAME, ""),
    ("logsumexp([x, y])", (1e16, 1e16), (1e16, 0.5, 0.5), SAME, (1e16, 1, 1), "shares add up to 1, rounded or not"),
    ("logsumexp([x, y])", (INF, 0), (INF, NAN, NAN), (INF, NAN, 0), (INF, NAN, 0), "a share of inf is open"),
    ("logsumexp([x, y])", (-INF, -INF), (-INF, NAN, NAN), SAME, SAME, ""),
    ("cross_entropy([x, y], [1, 0])", (1e16, 1e16), (math.log(2), -0.5, 0.5), SAME, SAME, ""),
    ("logsumexp([x, y, z])", (0, 0, 0), (math.log(3), 1 / 3, 1 / 3, 1 / 3), SAME, SAME, ""),
    ("logsumexp([x, x, x])", (3,), (3 + math.log(3), 1), SAME, SAME, ""),
    ("logsumexp([x])", (5,), (5, 1), SAME, SAME, ""),
    ("cross_entropy([x, y], [1, 0])", (1000, -1000), (0, 0, 0), SAME, SAME, ""),
    ("cross_entropy([x, y], [0, 1])", (1000, -1000), (2000, 1, -1), SAME, SAME, ""),
    ("cross_entropy([x, y], [1, 0])", (1000, 1000), (math.log(2), -0.5, 0.5), SAME, SAME, ""),
    # infinities
    ("relu(x)", (INF,), (INF, 1), SAME, SAME, ""),
    ("relu(x)", (-INF,), (0, 0), SAME, SAME, ""),
    ("absolute(x)", (-INF,), (INF, -1), SAME, SAME, ""),
    ("exp(x)", (INF,), (INF, INF), SAME, SAME, ""),
    ("exp(x)", (-INF,), (0, 0), SAME, SAME, ""),
    ("log(x)", (INF,), (INF, 0), SAME, SAME, ""),
    ("sqrt(x)", (INF,), (INF, 0), SAME, SAME, ""),
    ("sigmoid(x)", (-INF,), (0, 0), SAME, SAME, ""),
    ("tanh(x)", (INF,), (1, 0), SAME, SAME, ""),
    ("sin(x)", (INF,), ValueError, (NAN, NAN), (NAN, NAN), EDGE),
    ("maximum(x, y)", (-INF, 1), (1, 0, 1), SAME, SAME, ""),
    ("maximum(x, y)", (INF, INF), (INF, 1, 0), (INF, 0.5, 0.5), (INF, 0.5, 0.5), CHOSEN),
    ("x - y", (INF, INF), (NAN, 1, -1), SAME, SAME, ""),
    ("x * y", (0, INF), (NAN, INF, 0), SAME, SAME, ""),
    ("logsumexp([x, y])", (-INF, 0), (0, 0, 1), SAME, SAME, ""),
    ("cross_entropy([x, y], [1, 0])", (-INF, 0), (NAN, NAN, NAN), (INF, -1, 1), (INF, -1, 1),
     "scores are subtracted first, so that large ones do not cancel; −inf − −inf is NaN"),
    # not a number
    ("relu(x)", (NAN,), (NAN, NAN), (NAN, 0), (NAN, 1), HIDDEN),
    ("absolute(x)", (NAN,), (NAN, NAN), (NAN, -1), (NAN, 0), HIDDEN),
    ("maximum(x, y)", (NAN, 1), (NAN, NAN, NAN), (NAN, 0, 0), (NAN, 1, 1), HIDDEN),
    ("minimum(x, y)", (1, NAN), (NAN, NAN, NAN), (NAN, 0, 0), (NAN, 1, 1), HIDDEN),
    ("exp(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("log(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("sqrt(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("sigmoid(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("tanh(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("sin(x)", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("x ** 2.0", (NAN,), (NAN, NAN), SAME, SAME, ""),
    ("x ** 0.0", (NAN,), (1, 0), (1, NAN), SAME, "x⁰ is 1 for every x, so its slope is 0"),
    ("logsumexp([x, y])", (0, NAN), (NAN, NAN, NAN), SAME, SAME, ""),
    ("cross_entropy([x, y], [1, 0])", (0, NAN), (NAN, NAN, NAN), SAME, SAME, ""),
]


def at_point(expression: str, maths: Maths, cross_entropy: Any, xs: list) -> Any:
    return eval(expression, maths._asdict() | {"cross_entropy": cross_entropy} | dict(zip("xyz", xs)))


def equal(expected: tuple) -> Any:
    """Equal up to rounding at numbers of a thousand; a NaN equals a NaN, and 0 equals −0."""
    return pytest.approx(expected, rel=1e-13, abs=0, nan_ok=True)


@pytest.mark.parametrize("expression, at, ours", [point[:3] for point in POINTS])
def test_special_points_are_as_the_table_says(expression, at, ours):
    xs = [Value(x) for x in at]
    if isinstance(ours, type):
        with pytest.raises(ours):
            at_point(expression, VALUES, cross_entropy, xs)
    else:
        y = at_point(expression, VALUES, cross_entropy, xs)
        y.backward()
        assert (y.data, *(x.grad for x in xs)) == equal(ours)
        assert tuple(slope.data for slope in gradient(y, xs)) == equal(ours[1:])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("expression, at, ours, jax, torch", [point[:5] for point in POINTS])
def test_special_points_of_the_library_are_as_the_table_says(expression, at, ours, jax, torch, library):
    theirs = jax if library is jax_library else torch
    value, slopes = library().slopes(partial(at_point, expression, library().maths, library().cross_entropy), at)
    assert (value, *map(float, slopes)) == equal(ours if theirs is SAME else theirs)


def test_the_table_says_why_wherever_ours_differs():
    for *_, jax, torch, why in POINTS:
        assert bool(why) == ((jax, torch) != (SAME, SAME))


# Networks brought from there

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
