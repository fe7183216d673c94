"""The network: its parameters and their names, the forward and backward pass against NumPy, and its file."""

import copy
import json
import math
import os
import random
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from micrograd2 import SGD, compile, draw, fit, play, squared_error
from micrograd2.engine import Value, topological_order, total
from micrograd2.explain import nudges
from micrograd2.nn import ACTIVATIONS, MLP, Layer, Module, Neuron

SQUASH = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.heaviside(z, 0)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z))),
    "leaky_relu": (lambda z: np.where(z < 0, z / 100, z), lambda z: np.where(z < 0, 0.01, 1.0)),
    "gelu": (lambda z: z * (1 + np.tanh(inner(z))) / 2, lambda z: (1 + np.tanh(inner(z))) / 2 + z * np.sqrt(
        2 / np.pi) * (1 + 3 * 0.044715 * z * z) * (1 - np.tanh(inner(z)) ** 2) / 2),
}


def inner(z):
    return np.sqrt(2 / np.pi) * (z + 0.044715 * z ** 3)


def close(x):
    return pytest.approx(np.array(x), rel=1e-9, abs=1e-12)


def numbers(values):
    return [value.data for value in values]


def data_of(net):
    return numbers(net.parameters())


def names_of(module):
    return [name for name, _ in module.named_parameters()]


def labels_of(module):
    return [value.label for value in module.parameters()]


def outputs_of(net, x):
    """What the network returns, always as a list."""
    outputs = net(x)
    return [outputs] if isinstance(outputs, Value) else outputs


def inputs_of(neuron, x):
    """The operands of a neuron's weighted sum that stand for its inputs."""
    z, _ = neuron.trace(x)
    return z.args[len(neuron.w):2 * len(neuron.w)]


def randomised(net, seed=0, spread=1.0):
    """The network with every parameter drawn anew, biases too."""
    rng = np.random.default_rng(seed)
    for parameter in net.parameters():
        parameter.data = float(rng.normal(0, spread))
    return net


@st.composite
def networks(draw):
    """A network of any shape, with any parameters, and inputs for it; its neurons may differ in their activation."""
    kinds, sizes = st.sampled_from(list(ACTIVATIONS)), st.integers(1, 4)
    nin, nouts = draw(sizes), draw(st.lists(sizes, min_size=1, max_size=3))
    net = randomised(MLP(nin, nouts, draw(kinds), draw(kinds), seed=0), draw(st.integers(0, 10 ** 6)))
    for layer in net.layers:
        for neuron in draw(st.sets(st.sampled_from(layer.neurons))):
            neuron.activation = draw(kinds)
    x = draw(st.lists(st.integers(-32, 32).map(lambda n: n / 8), min_size=nin, max_size=nin))
    return net, x


# Parameters, their order and their names

@pytest.mark.parametrize("module, count", [
    (MLP(784, [16, 16, 10], seed=0), 13002), (MLP(2, [16, 16, 1]), 337), (MLP(3, [1, 4]), 12), (MLP(1, [1]), 2),
    (Layer(5, 3), 18), (Neuron(7), 8),
])
def test_number_of_parameters(module, count):
    assert len(module.parameters()) == count == len(set(module.parameters()))


def test_order_is_neuron_by_neuron_weights_then_bias():
    net = MLP(2, [3, 2])
    assert net.parameters() == [p for layer in net.layers for neuron in layer.neurons for p in [*neuron.w, neuron.b]]
    assert net.layers[1].parameters() == [p for neuron in net.layers[1].neurons for p in neuron.parameters()]


@pytest.mark.parametrize("module, names", [
    (Neuron(2), ["w[0]", "w[1]", "b"]),
    (Layer(1, 2), ["neurons[0].w[0]", "neurons[0].b", "neurons[1].w[0]", "neurons[1].b"]),
    (MLP(2, [1, 1]), ["layers[0].neurons[0].w[0]", "layers[0].neurons[0].w[1]", "layers[0].neurons[0].b",
                      "layers[1].neurons[0].w[0]", "layers[1].neurons[0].b"]),
])
def test_every_parameter_is_named_by_where_it_stands_and_labelled_so(module, names):
    assert names_of(module) == labels_of(module) == names


def test_a_name_leads_to_its_parameter():
    net = MLP(3, [4, 2])
    assert dict(net.named_parameters())["layers[1].neurons[1].w[3]"] is net.layers[1].neurons[1].w[3]


def test_a_tied_value_comes_once_under_its_first_name():
    net = MLP(1, [2, 1])
    net.layers[0].neurons[1].w[0] = net.layers[0].neurons[0].w[0]
    assert len(net.parameters()) == 6
    assert names_of(net)[:3] == ["layers[0].neurons[0].w[0]", "layers[0].neurons[0].b", "layers[0].neurons[1].b"]


def test_zero_grad_clears_every_parameter_and_nothing_else():
    net, x = MLP(2, [3, 2], "tanh", seed=1), [Value(1.0), Value(2.0)]
    total(net(x)).backward()
    before = data_of(net)
    assert any(p.grad for p in net.parameters())
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [0.0] * 17
    assert data_of(net) == before and all(value.grad for value in x)


@pytest.mark.parametrize("text", [
    "Neuron(2, 'tanh')", "Layer(3, 1, 'sigmoid')", "MLP(2, [4, 1], activation='relu', output='linear')",
    "MLP(1, [1], activation='tanh', output='tanh')", "MLP(2, [3, 3, 1], activation='sigmoid', output='tanh')",
])
def test_repr_is_how_to_make_it(text):
    assert repr(eval(text)) == text


def test_repr_tells_the_activations_that_the_neurons_have_now():
    net = MLP(2, [2, 2, 1], "tanh", seed=0)
    net.layers[1].neurons[0].activation = "relu"
    assert repr(net) == "MLP(2, [2, 2, 1], activations=['tanh', ['relu', 'tanh'], 'linear'])"
    assert repr(net.layers[1]) == "Layer(2, 2, ['relu', 'tanh'])"
    net.layers[1].neurons[1].activation = "relu"
    assert repr(net) == "MLP(2, [2, 2, 1], activations=['tanh', 'relu', 'linear'])"
    for neuron in net.layers[0].neurons:
        neuron.activation = "relu"
    assert repr(net) == "MLP(2, [2, 2, 1], activation='relu', output='linear')"
    net.layers.append(Layer(1, 3, "sigmoid"))
    assert repr(net) == "MLP(2, [2, 2, 1, 3], activations=['relu', 'relu', 'linear', 'sigmoid'])"
    assert repr(MLP(2, [1], "tanh")) == "MLP(2, [1], activation='linear', output='linear')", "none has a tanh"


# Initial numbers

@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_the_same_seed_gives_the_same_network(seed):
    assert data_of(MLP(3, [4, 2], seed=seed)) == data_of(MLP(3, [4, 2], seed=seed))
    assert data_of(MLP(3, [4, 2], seed=seed)) != data_of(MLP(3, [4, 2], seed=seed + 1))


@pytest.mark.parametrize("make", [lambda: MLP(3, [4, 2]), lambda: Layer(3, 4), lambda: Neuron(3)])
def test_without_a_seed_random_seed_decides(make):
    def after(seed):
        random.seed(seed)
        return data_of(make())

    assert after(1337) == after(1337) != after(1338)
    random.seed(1337)
    assert data_of(make()) != data_of(make())


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32])
def test_a_seed_may_be_a_whole_number_of_numpy(kind):
    assert data_of(MLP(3, [4, 2], seed=kind(3))) == data_of(MLP(3, [4, 2], seed=3))


@pytest.mark.parametrize("seed", ["3", b"3", 3.0, True, -3, [3], np.array([3]), ...], ids=repr)
def test_what_is_no_seed_is_said(seed):
    with pytest.raises(ValueError, match="seed must be a whole number, at least 0; got "):
        MLP(3, [4, 2], seed=seed)


@pytest.mark.parametrize("rng", [None, 3, np.random.default_rng(0)], ids=["None", "3", "a Generator of NumPy"])
@pytest.mark.parametrize("make", [Neuron, lambda nin, rng: Layer(nin, 2, rng=rng)])
def test_random_numbers_from_elsewhere_must_be_normal(make, rng):
    with pytest.raises(TypeError, match="rng must have a method gauss"):
        make(3, rng=rng)


def test_a_seeded_network_leaves_the_global_random_numbers_alone():
    state = random.getstate()
    MLP(3, [4, 2], seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize("nin", [10, 100, 1000])
@pytest.mark.parametrize("activation, spread", [("tanh", 1.0), ("relu", math.sqrt(2))])
def test_weighted_sums_keep_their_size_whatever_the_number_of_inputs(nin, activation, spread):
    rng = random.Random(0)
    w = np.array([numbers(Neuron(nin, activation, rng).w) for _ in range(50)])
    z = w @ np.random.default_rng(0).normal(size=(nin, 100))
    assert z.std() == pytest.approx(spread, rel=0.15)
    assert abs(z.mean()) < 0.1


def test_relu_starts_wider_than_the_others_and_all_biases_at_zero():
    def weights(activation):
        return numbers(Neuron(50, activation, random.Random(3)).w)

    assert weights("relu") == close(math.sqrt(2) * np.array(weights("tanh")))
    assert weights("tanh") == weights("sigmoid") == weights("linear")
    assert all(neuron.b.data == 0 for layer in MLP(2, [3, 2]).layers for neuron in layer.neurons)


# The forward pass

@pytest.mark.parametrize("activation, expected", [
    ("linear", -0.5), ("relu", 0.0), ("tanh", -0.46211715726000975), ("sigmoid", 0.3775406687981454),
])
def test_a_neuron_by_hand(activation, expected):
    neuron = Neuron(2, activation)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -3.0, 1.5
    z, a = neuron.trace([0.5, 1.0])
    assert (z.data, a.data) == (-0.5, pytest.approx(expected))
    assert neuron([0.5, 1.0]).data == a.data


def forward(net, x):
    """Layer by layer: the inputs, the weights, the weighted sums, the activations and their slopes."""
    a, passes = np.array(x), []
    for layer in net.layers:
        W = np.array([numbers(neuron.w) for neuron in layer.neurons])
        z = W @ a + np.array([neuron.b.data for neuron in layer.neurons])
        kinds = [neuron.activation for neuron in layer.neurons]
        assert SQUASH.keys() >= set(kinds), f"write {set(kinds) - SQUASH.keys()} in NumPy: a row of SQUASH"
        read, squash = a, [SQUASH[kind] for kind in kinds]
        a = np.array([f(n) for (f, _), n in zip(squash, z)])
        passes.append((read, W, z, a, np.array([slope(n) for (_, slope), n in zip(squash, z)])))
    return a, passes


@given(networks())
@settings(deadline=None)
def test_forward_equals_numpy_and_trace_equals_the_call(example):
    net, x = example
    expected, passes = forward(net, x)
    traced = net.trace(x)
    assert numbers(outputs_of(net, x)) == close(expected) == numbers(a for _, a in traced[-1])
    assert len(traced) == len(passes)
    for layer, (_, _, z, a, _) in zip(traced, passes):
        assert numbers(pair[0] for pair in layer) == close(z)
        assert numbers(pair[1] for pair in layer) == close(a)


@given(networks())
@settings(deadline=None)
def test_every_gradient_equals_the_textbook_backward_pass(example):
    net, x = example
    outputs, passes = forward(net, x)
    upstream = np.arange(1.0, len(outputs) + 1)
    expected = []
    for read, W, _, _, slopes in reversed(passes):
        delta = upstream * slopes
        expected.insert(0, np.column_stack([np.outer(delta, read), delta]).ravel())
        upstream = W.T @ delta
    inputs = [Value(number) for number in x]
    total(output * (i + 1) for i, output in enumerate(outputs_of(net, inputs))).backward()
    assert [p.grad for p in net.parameters()] == close(np.concatenate(expected))
    assert [value.grad for value in inputs] == close(upstream)


def test_a_layer_always_gives_a_list_and_an_mlp_with_one_output_that_value():
    for nout in (1, 3):
        outputs = Layer(2, nout)([1.0, 2.0])
        assert type(outputs) is list and len(outputs) == nout
    assert type(MLP(2, [3, 2])([1.0, 2.0])) is list
    assert type(MLP(2, [3, 1])([1.0, 2.0])) is Value
    assert type(MLP(2, [1])([1.0, 2.0])) is Value


def test_a_layer_of_one_neuron_may_stand_inside():
    net = MLP(3, [1, 4], seed=0)
    assert [len(layer) for layer in net.trace([1.0, 2.0, 3.0])] == [1, 4]
    assert len(net([1.0, 2.0, 3.0])) == 4


@pytest.mark.parametrize("x", [
    [1.0, 2.0], [1, 2], (1.0, 2.0), np.array([1.0, 2.0]), np.array([1, 2]), np.array([1.0, 2.0], dtype=np.float32),
    [Value(1.0), Value(2.0)], [Value(1.0), 2.0], range(1, 3), np.array([Value(1.0), 2.0]), [np.float32(1), np.int8(2)],
])
def test_inputs_may_be_numbers_or_values_in_any_row(x):
    for module in (MLP(2, [3, 2], seed=0), Layer(2, 3), Neuron(2)):
        expected = outputs_of(module, [1.0, 2.0])
        assert numbers(outputs_of(module, x)) == numbers(outputs_of(module, iter(x))) == numbers(expected)


def test_plain_inputs_become_leaves_once_that_all_neurons_share():
    net = MLP(2, [3, 2], "tanh", seed=0)
    first, second = net.trace([1.0, 2.0])
    shared = first[0][0].args[2:4]
    assert numbers(shared) == [1.0, 2.0] and all(leaf.args == () for leaf in shared)
    assert all(z.args[2:4] == shared for z, _ in first)
    assert all(list(z.args[3:6]) == [a for _, a in first] for z, _ in second)
    assert len(topological_order(total(net([1.0, 2.0])))) == 17 + 2 + 2 * 3 + 2 + 1


def test_inputs_that_are_values_are_used_as_they_are():
    x = [Value(1.0), Value(2.0)]
    for neuron in Layer(2, 3).neurons:
        assert inputs_of(neuron, x) == tuple(x)
    (pairs,) = MLP(2, [3]).trace(x)
    assert all(z.args[2:4] == tuple(x) for z, _ in pairs)


def test_a_neuron_is_one_weighted_sum_and_linear_adds_nothing():
    neuron = Neuron(3, "linear")
    z, a = neuron.trace([1.0, 2.0, 3.0])
    assert a is z and z._op == "dot"
    assert z.args == (*neuron.w, *z.args[3:6], neuron.b)


# Mistakes

@pytest.mark.parametrize("given", [0, 2, 4, 784])
@pytest.mark.parametrize("make", [lambda: Neuron(3), lambda: Layer(3, 2), lambda: MLP(3, [4, 1])])
def test_a_wrong_number_of_inputs_is_said_with_both_numbers(make, given):
    for x in ([1.0] * given, np.ones(given), (1.0 for _ in range(given))):
        with pytest.raises(ValueError, match=f"expected 3 inputs; got {given}$"):
            make()(x)


@pytest.mark.parametrize("x", [["a", "b"], [None, 1.0], [[1.0, 2.0], [3.0, 4.0]], np.ones((2, 2)), [1.0, 1j]], ids=repr)
@pytest.mark.parametrize("make", [lambda: Neuron(2), lambda: Layer(2, 2), lambda: MLP(2, [2, 1])])
def test_inputs_that_are_not_numbers_are_a_type_error(make, x):
    with pytest.raises(TypeError, match="a Value holds one real number; got"):
        make()(x)


@pytest.mark.parametrize("x", [5, 3.0, None, True, "ab", b"ab", bytearray(b"ab"), {1.0, 2.0}, {1.0: 2.0, 3.0: 4.0},
                               frozenset({1.0, 2.0}), {1: 2, 3: 4}.keys(), Value(1.0), np.array(1.0), len], ids=repr)
@pytest.mark.parametrize("make", [lambda: Neuron(2), lambda: Layer(2, 2), lambda: MLP(2, [2, 1])])
def test_what_is_no_row_of_inputs_is_said_before_any_value_is_made(make, x):
    module, before = make(), Value(0.0).born
    with pytest.raises(TypeError, match=r"expected a list of 2 inputs; got .* \(\w+\)$"):
        module(x)
    assert Value(0.0).born == before + 1


def test_a_type_error_inside_a_generator_is_not_taken_for_a_wrong_input():
    with pytest.raises(TypeError, match="unsupported operand"):
        Layer(2, 2)(1 + x for x in [1.0, "2"])


@pytest.mark.parametrize("make", [
    lambda kind: Neuron(2, kind), lambda kind: Layer(2, 2, kind), lambda kind: MLP(2, [2, 1], activation=kind),
    lambda kind: MLP(2, [2, 1], output=kind), lambda kind: MLP(2, [1], activation=kind),
])
@pytest.mark.parametrize("kind", ["cosine", "ReLU", "", None, 3, ["relu"], {}])
def test_an_unknown_activation_is_named_beside_the_known_ones(make, kind):
    with pytest.raises(ValueError, match=f"{re.escape(repr(kind))}.*linear, relu, tanh, sigmoid"):
        make(kind)


@pytest.mark.parametrize("make", [
    lambda: Neuron(0), lambda: Neuron(-1), lambda: Neuron(2.0), lambda: Neuron("2"), lambda: Layer(0, 2),
    lambda: Layer(2, 0), lambda: Layer(2, -3), lambda: Layer(2, 1.5), lambda: Layer(2, None), lambda: MLP(0, [1]),
    lambda: MLP(2, []), lambda: MLP(2, [3, 0]), lambda: MLP(2, [0, 3]), lambda: MLP(2, [-1]), lambda: MLP(2, [1.5]),
    lambda: MLP(2, 3), lambda: MLP(2, "31"), lambda: MLP(2, [[3], 1]), lambda: MLP(2, None), lambda: MLP([2], [1]),
    lambda: Neuron(True), lambda: Layer(True, 2), lambda: Layer(2, True), lambda: MLP(2, [True]),
    lambda: MLP(True, [2]), lambda: Neuron(np.True_),
    lambda: Neuron(np.float64(2)), lambda: MLP(2, {3: 1}), lambda: MLP(2, {3, 1}),
    lambda: MLP(2, b"31"), lambda: MLP(2, np.array([3.0, 1.0])), lambda: MLP(2, np.array([[3, 1]])),
    lambda: MLP(2, np.array(3)), lambda: MLP(2, iter([])), lambda: MLP(2, np.array([])),
])
def test_bad_sizes_are_a_value_error(make):
    with pytest.raises(ValueError, match="got"):
        make()


@pytest.mark.parametrize("nouts", [(3, 1), np.array([3, 1]), iter([3, 1]), [np.int64(3), np.int8(1)], range(3, 0, -2)])
def test_sizes_may_be_whole_numbers_of_any_kind(nouts):
    net = MLP(np.int64(2), nouts, "tanh", seed=0)
    assert repr(net) == "MLP(2, [3, 1], activation='tanh', output='linear')"
    assert data_of(net) == data_of(MLP(2, [3, 1], "tanh", seed=0))


@given(n=st.integers(1, 4), rows=st.integers(1, 5), kind=st.sampled_from([list, tuple, np.array]))
def test_a_matrix_in_place_of_one_example_is_told(n, rows, kind):
    net, X = MLP(n, [2], seed=0), kind([[0.5] * n for _ in range(rows)])
    with pytest.raises((TypeError, ValueError), match=r"\[net\(x\) for x in X\]|\[f\(x\) for x in X\]|array of shape"):
        net(X)


PLAIN = [math.tanh, math.exp, math.sin, math.atan, math.floor, math.isfinite, float, lambda z: z.data, lambda z: None]


@pytest.mark.parametrize("f", PLAIN)
@settings(deadline=None, max_examples=20)
@given(x=st.floats(-3, 3), seed=st.integers(0, 99), nouts=st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_an_activation_that_returns_a_plain_number_is_refused_since_no_gradient_comes_back(f, x, seed, nouts):
    for kinds in ({"output": lambda z: f(z)}, {"activation": lambda z: f(z)}):
        net = MLP(2, [*nouts, 1], seed=seed, **kinds)
        before = data_of(net)
        for read in (lambda: net([x, 1.0]), lambda: net.trace([x, 1.0]), lambda: draw(net, [x, 1.0], 1.0),
                     lambda: fit(net, [[x, 1.0]], [1.0], compiled=False, progress=False)):
            with pytest.raises(TypeError, match="an activation must return a Value; <lambda> returned "):
                read()
        assert data_of(net) == before


def test_a_function_of_plain_numbers_is_told_the_method_of_a_value():
    told = "an activation must return a Value"
    with pytest.raises(TypeError, match=rf"{told}; tanh returned 0\.\d+ \(float\): write lambda z: z\.tanh\(\)$"):
        MLP(2, [4, 1], activation=math.tanh, seed=1)([1.0, 2.0])
    with pytest.raises(TypeError, match=rf"{told}; floor returned -?\d \(int\): write lambda z: arithmetic with z$"):
        MLP(2, [4, 1], activation=math.floor, seed=1)([1.0, 2.0])


# Networks brought from elsewhere

def arrays_of(net):
    """Each layer as (W, b, activation), the numbers in arrays; its first neuron's activation for all."""
    return [(np.array([numbers(neuron.w) for neuron in layer.neurons]),
             np.array([neuron.b.data for neuron in layer.neurons]), layer.neurons[0].activation)
            for layer in net.layers]


class Tensor:
    """What other libraries keep numbers in: an array when asked."""

    def __init__(self, numbers):
        self.numbers = np.array(numbers)

    def __array__(self, dtype=None, copy=None):
        return self.numbers.astype(dtype or self.numbers.dtype)


def transposed_twice(array):
    return array.T.copy().T  # in another order in memory


@pytest.mark.parametrize("kind", [np.asarray, transposed_twice, np.ndarray.tolist, tuple, list, Tensor])
@given(networks())
@settings(max_examples=30)
def test_a_network_comes_back_from_its_arrays(kind, drawn):
    net, x = drawn
    for layer in net.layers:
        for neuron in layer.neurons:
            neuron.activation = layer.neurons[0].activation
    here = MLP.from_arrays((kind(W), kind(b), activation) for W, b, activation in arrays_of(net))
    assert data_of(here) == data_of(net) and repr(here) == repr(net)
    assert names_of(here) == labels_of(here) == names_of(net)
    assert numbers(outputs_of(here, x)) == numbers(outputs_of(net, x))


def test_float32_is_brought_to_the_last_bit():
    W, b = np.random.default_rng(0).normal(size=(3, 4)).astype("float32"), np.float32([0.1, 0.2, -0.0])
    here = arrays_of(MLP.from_arrays([(W, b, "relu")]))[0]
    assert (here[0] == W).all() and (here[1] == b).all() and math.copysign(1, here[1][2]) == -1


def test_without_biases_they_are_0_and_are_parameters():
    net = MLP.from_arrays([(np.ones((2, 3)), None, "tanh"), (np.ones((1, 2)), None, "linear")])
    assert len(net.parameters()) == 11
    assert [neuron.b.data for layer in net.layers for neuron in layer.neurons] == [0, 0, 0]


def test_arrays_are_copied_and_the_global_random_numbers_left_alone():
    W, state = np.ones((1, 2)), random.getstate()
    net = MLP.from_arrays([(W, None, "linear")])
    W[:] = 7.0
    assert data_of(net) == [1, 1, 0] and random.getstate() == state


def test_an_activation_brought_may_be_a_function():
    assert MLP.from_arrays([([[2.0]], [1.0], lambda z: z * z)])([3.0]).data == 49


def test_a_network_brought_is_like_any_other(tmp_path):
    net = MLP.from_arrays(arrays_of(randomised(MLP(2, [3, 1], "tanh"), spread=0.5)))
    X, Y = [[-1.0, 1.0], [1.0, 1.0]], [1.0, -1.0]
    cost = squared_error(net(X[0]), Y[0]).data
    program = compile(lambda x, y: squared_error([net(x)], y), net.parameters(), X[0], Y[:1])
    assert program(program.theta, np.array(X[:1]), np.array([Y[:1]]))[0] == close(cost)
    assert "∂C/∂layers[1].neurons[0].w[2]" in draw(net, X[0], Y[0]).source
    assert nudges(net, X[0], Y[0]).cost == close(cost) and "2-3-1" in play(net, X, Y).html
    fit(net, X, Y, optimizer=SGD(lr=0.1), epochs=200, progress=False)
    assert squared_error(net(X[0]), Y[0]).data < 0.1 * cost
    net.save(tmp_path / "net.json")
    assert data_of(MLP.load(tmp_path / "net.json")) == data_of(copy.deepcopy(net)) == data_of(net)


sizes = st.integers(1, 4)
shapes_of_any_kind = st.tuples(sizes, sizes) | st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(st.lists(sizes, min_size=2, max_size=4), st.data())
def test_a_shape_that_does_not_fit_is_told_with_its_layer(widths, data):
    layers = [[np.ones((nout, nin)), np.ones(nout), "relu"] for nin, nout in zip(widths, widths[1:])]
    i, part = data.draw(st.integers(0, len(layers) - 1)), data.draw(st.sampled_from([0, 1]))
    nout, nin = layers[i][0].shape
    free = (nout,) if i == 0 else (nout, nin)  # the first layer may read any number of inputs
    wrong = data.draw(shapes_of_any_kind)
    assume(wrong != (nout,) if part else len(wrong) != 2 or 0 in wrong or wrong[:len(free)] != free)
    layers[i][part] = np.ones(wrong)
    with pytest.raises(ValueError) as caught:
        MLP.from_arrays(layers)
    told, (W, b) = str(caught.value), (layers[i][0].shape, layers[i][1].shape)
    assert told.startswith(f"layers[{i}] needs W (nout, nin) and b (nout,)") and f"got W {W} and b {b}" in told
    assert (f"nin = {nin} as the layer before has {nin} neurons" in told) == (i > 0)
    turned = len(W) == 2 and 0 not in W and b == W[1:] and (i == 0 or W[0] == nin)
    assert ("W.T would fit" in told) == turned


def test_weights_kept_as_nin_nout_are_noticed_in_every_layer():
    right = arrays_of(MLP(3, [4, 2, 1], seed=0))
    for i, (W, b, activation) in enumerate(right):
        for biases in (b, None) if i else (b,):  # in the first layer only biases could tell
            with pytest.raises(ValueError, match=rf"layers\[{i}\] needs .*; W.T would fit: bring that"):
                MLP.from_arrays([*right[:i], (W.T, biases, activation), *right[i + 1:]])


@pytest.mark.parametrize("layers, error, said", [
    ([(np.ones((2, 0)), [1, 2], "relu")], ValueError, r"layers\[0\] needs W .*; got W \(2, 0\) and b \(2,\)$"),
    ([(np.ones((0, 2)), [], "relu")], ValueError, r"layers\[0\] needs W .*; got W \(0, 2\) and b \(0,\)$"),
    ([(np.ones((2, 0)), None, "relu")], ValueError, r"layers\[0\] needs W .*; got W \(2, 0\)$"),
    ([([[1, 2], [3]], None, "relu")], ValueError, r"layers\[0\]: W must have rows of one length"),
    ([([[1, 2]], None, "relu"), ([[math.nan]], None, "relu")], ValueError, r"layers\[1\]: W\[0, 0\] .*; got nan"),
    ([([[1, 2], [3, -math.inf]], None, "relu")], ValueError, r"layers\[0\]: W\[1, 1\] must be a finite .*; got -inf"),
    ([([[1, 2], [3, 4]], [0, math.nan], "relu")], ValueError, r"layers\[0\]: b\[1\] must be a finite number; got nan"),
    ([([[1, 2]], [1], "identity")], ValueError, r"layers\[0\]: unknown activation 'identity'; known: linear, relu"),
    ([([[1, 2]], [1], "relu"), ([[1]], [1], None)], ValueError, r"layers\[1\]: unknown activation None; known: "),
    ([(None, [1], "relu")], TypeError, r"layers\[0\]: W must be a list or an array of real numbers; got None"),
    ([([["1"]], [1], "relu")], TypeError, r"layers\[0\]: W must hold real numbers; got "),
    ([([[1]], [1j], "relu")], TypeError, r"layers\[0\]: b must hold real numbers; got "),
    ([(np.ma.masked_array([[1.0]], [[True]]), [1], "relu")], TypeError, r"layers\[0\]: W .* masked array"),
    ([([[1, 2]], [1])], TypeError, r"layers\[0\] must be \(W, b, activation\); got "),
    ([([[1, 2]], [1], "relu"), "W, b"], TypeError, r"layers\[1\] must be \(W, b, activation\); got 'W, b' \(str\)"),
    (({"0.weight": [[1, 2]], "0.bias": [1]}), TypeError, r"layers must be a list with \(W, b, activation\) for each"),
    ([], TypeError, "layers must be a list with .*; got "),
    (None, TypeError, "layers must be a list with .*; got None"),
])
def test_what_cannot_be_brought_is_named_before_anything_is_made(layers, error, said):
    before = Value(0.0).born
    with pytest.raises(error, match=said):
        MLP.from_arrays(layers)
    assert Value(0.0).born == before + 1


def test_a_class_of_ones_own_is_not_made_of_arrays():
    with pytest.raises(TypeError, match="without the code of OwnNet: bring it with MLP.from_arrays"):
        OwnNet.from_arrays([([[1]], None, "relu")])


# Modules of one's own

class Bag(Module):
    """A module of every kind of part."""

    def __init__(self):
        self.name, self.size, self.nothing = "bag", 3, None
        self.scale = Value(2.0)
        self.pair = (Value(3.0), [Value(4.0), "text", 5.0])
        self.inner = Layer(1, 1)
        self.inners = [Neuron(1), Neuron(1)]
        self.again = self.scale


def test_values_lists_and_modules_inside_a_module_are_found():
    bag = Bag()
    assert names_of(bag) == ["scale", "pair[0]", "pair[1][0]", "inner.neurons[0].w[0]", "inner.neurons[0].b",
                             "inners[0].w[0]", "inners[0].b", "inners[1].w[0]", "inners[1].b"]
    assert data_of(bag)[:3] == [2.0, 3.0, 4.0]
    assert bag.parameters()[-1] is bag.inners[1].b
    for parameter in bag.parameters():
        parameter.grad = 1.0
    bag.zero_grad()
    assert not any(parameter.grad for parameter in bag.parameters())


def test_a_module_without_parameters_has_none():
    assert Module().parameters() == Module().named_parameters() == []


nested = st.recursive(st.builds(Value, st.floats(-9, 9)) | st.none() | st.text(max_size=2), lambda parts: (
    st.lists(parts, max_size=3) | st.lists(parts, max_size=3).map(tuple)
    | st.dictionaries(st.text(max_size=2) | st.integers(0, 9), parts, max_size=3)), max_leaves=8)


def values_in(thing):
    if isinstance(thing, Value):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, (list, tuple)) else ()
    return [value for part in parts for value in values_in(part)]


@given(nested)
def test_every_value_in_lists_tuples_and_dictionaries_is_a_parameter_with_a_name_that_finds_it(thing):
    module = Module()
    module.part = thing
    assert module.parameters() == values_in(thing)
    for name, value in module.named_parameters():
        assert eval(f"module.{name}", {"module": module}) is value


@pytest.mark.parametrize("part", [{Value(1.0)}, frozenset([Neuron(1)]), [{"w": {Value(1.0)}}]])
def test_a_set_of_parameters_has_no_order_and_is_refused(part):
    module = Module()
    module.part = part
    with pytest.raises(TypeError, match=r"part.* is a set of parameters, which has no order: write a list"):
        module.parameters()


def test_parameters_are_found_anew_each_time():
    bag = Bag()
    bag.late = Value(9.0)
    bag.inners.pop()
    assert names_of(bag)[-2:] == ["inners[0].b", "late"]


# Copies

def test_a_deep_copy_is_the_same_network_and_independent():
    net = MLP(2, [3, 1], "tanh", seed=0)
    net([1.0, 2.0]).backward()
    twin = copy.deepcopy(net)
    assert repr(twin) == repr(net) and names_of(twin) == labels_of(twin) == names_of(net)
    assert data_of(twin) == data_of(net) and twin([1.0, 2.0]).data == net([1.0, 2.0]).data
    assert [p.grad for p in twin.parameters()] == [p.grad for p in net.parameters()]
    assert not set(twin.parameters()) & set(net.parameters())

    data, grads = data_of(net), [p.grad for p in net.parameters()]
    randomised(twin)([1.0, 2.0]).backward()
    assert (data_of(net), [p.grad for p in net.parameters()]) == (data, grads)


def test_a_deep_copy_keeps_tied_values_tied():
    net = MLP(1, [2, 1])
    net.layers[0].neurons[1].w[0] = net.layers[0].neurons[0].w[0]
    twin = copy.deepcopy(net)
    assert twin.layers[0].neurons[1].w[0] is twin.layers[0].neurons[0].w[0]


# Save and load

@pytest.fixture
def path(tmp_path):
    """The file of a saved network, alone in its folder."""
    path = tmp_path / "net.json"
    MLP(2, [3, 1], activation="tanh", output="sigmoid", seed=0).save(path)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A file to be written over and over."""
    return tmp_path_factory.mktemp("scratch") / "net.json"


def bits(net):
    return [number.hex() for number in data_of(net)]


@pytest.mark.parametrize("net", [
    MLP(2, [3, 1], seed=0), MLP(1, [1], output="sigmoid", seed=0), MLP(3, (1, 4), "sigmoid", "relu", seed=0),
    MLP(784, [16, 16, 10], "relu", "linear", seed=0),
])
def test_load_gives_the_saved_network_to_the_last_bit(net, tmp_path):
    randomised(net, spread=1e3).save(tmp_path / "net.json")
    loaded = MLP.load(tmp_path / "net.json")
    assert type(loaded) is MLP and repr(loaded) == repr(net)
    assert names_of(loaded) == labels_of(loaded) == names_of(net)
    assert bits(loaded) == bits(net)
    x = [0.5] * len(net.layers[0].neurons[0].w)
    assert [a.data.hex() for a in outputs_of(loaded, x)] == [a.data.hex() for a in outputs_of(net, x)]


@given(networks(), st.data())
@settings(deadline=None)
def test_any_network_of_any_finite_numbers_comes_back_to_the_last_bit(scratch, example, data):
    net, x = example
    finite = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 5e-324, -2e-308, 1.7e308])
    for parameter in net.parameters():
        parameter.data = data.draw(finite)
    net.save(scratch)
    loaded = MLP.load(scratch)
    assert repr(loaded) == repr(net) and names_of(loaded) == labels_of(loaded) == names_of(net)
    assert bits(loaded) == bits(net)
    assert [a.data.hex() for a in outputs_of(loaded, x)] == [a.data.hex() for a in outputs_of(net, x)]


UNIFORM = '''{
 "MLP": {
  "nin": 1,
  "nouts": [
   2,
   1
  ],
  "activation": "tanh",
  "output": "linear"
 },
 "parameters": {
  "layers[0].neurons[0].w[0]": 0.5,
  "layers[0].neurons[0].b": -0.0,
  "layers[0].neurons[1].w[0]": 1.5,
  "layers[0].neurons[1].b": 2.0,
  "layers[1].neurons[0].w[0]": 2.5,
  "layers[1].neurons[0].w[1]": 1e-320,
  "layers[1].neurons[0].b": 3.5
 }
}
'''
MIXED = UNIFORM.replace('''  "activation": "tanh",
  "output": "linear"
''', '''  "activations": [
   [
    "tanh",
    "relu"
   ],
   "linear"
  ]
''')


@pytest.mark.parametrize("text, shown", [
    (UNIFORM, "MLP(1, [2, 1], activation='tanh', output='linear')"),
    (MIXED, "MLP(1, [2, 1], activations=[['tanh', 'relu'], 'linear'])")])
def test_a_file_looks_like_this(path, text, shown):
    path.write_text(text)
    net = MLP.load(path)
    assert repr(net) == shown
    assert data_of(net) == [0.5, 0.0, 1.5, 2.0, 2.5, 1e-320, 3.5]
    net.save(path)
    assert path.read_text() == text


def test_the_activation_of_hidden_layers_means_nothing_where_there_are_none(path):
    saved = {"MLP": {"nin": 1, "nouts": [1], "activation": "relu", "output": "tanh"},
             "parameters": {"layers[0].neurons[0].w[0]": 1, "layers[0].neurons[0].b": 2}}
    path.write_text(json.dumps(saved))
    assert MLP.load(path)([3.0]).data == math.tanh(5)


def changed(net, change):
    change(net)
    return net


@pytest.mark.parametrize("change", [
    lambda net: setattr(net.layers[0].neurons[1], "activation", "relu"),
    lambda net: setattr(net.layers[1].neurons[0], "activation", "sigmoid"),
    lambda net: net.layers.append(Layer(1, 2, "relu")),
    lambda net: net.layers.pop(),
    lambda net: net.layers[0].neurons.reverse(),
    lambda net: setattr(net, "layers", (Layer(3, 2, "sigmoid"), Layer(2, 2, "tanh"), Layer(2, 1, "linear"))),
    lambda net: setattr(net.layers[0].neurons[0], "w", tuple(net.layers[0].neurons[0].w)),
    lambda net: setattr(net.layers[0].neurons[0], "b", Value(3.0)),
    lambda net: setattr(net.layers[0].neurons[0].b, "data", 3),
    lambda net: setattr(net.layers[0].neurons[0].b, "data", np.float64(0.1)),
    lambda net: setattr(net, "note", "trained for a day"),
])
def test_a_network_that_was_changed_comes_back_as_it_is(path, change):
    net = changed(MLP(2, [3, 1], "tanh", seed=0), change)
    net.save(path)
    loaded = MLP.load(path)
    x = [0.5] * len(net.layers[0].neurons[0].w)
    assert numbers(outputs_of(loaded, x)) == numbers(outputs_of(net, x))
    assert repr(loaded) == repr(net) and data_of(loaded) == data_of(net)


class OwnNet(MLP):
    def __call__(self, x):
        return [a * 2 for a in super().__call__(x)]


class OwnLayer(Layer):
    """A layer of one's own."""


class OwnNeuron(Neuron):
    """A neuron of one's own."""


def first(net):
    return net.layers[0].neurons[0]


@pytest.mark.parametrize("change, said", [
    (lambda net: setattr(net, "__class__", OwnNet), "the network is of class OwnNet, expected MLP"),
    (lambda net: net.layers.append(OwnLayer(1, 1)), r"layers\[2\] is of class OwnLayer, expected Layer"),
    (lambda net: net.layers.append(Neuron(1)), r"layers\[2\] is of class Neuron, expected Layer"),
    (lambda net: net.layers[0].neurons.append(OwnNeuron(2)), r"layers\[0\].neurons\[3\] is of class OwnNeuron"),
    (lambda net: setattr(net, "trace", None), "the network has its own trace"),
    (lambda net: setattr(net.layers[1], "trace", None), r"layers\[1\] has its own trace"),
    (lambda net: setattr(first(net), "trace", None), r"layers\[0\].neurons\[0\] has its own trace"),
    (lambda net: setattr(first(net), "activation", "cosine"), r"layers\[0\].neurons\[0\]: unknown activation 'cosine'"),
    (lambda net: setattr(first(net), "activation", Value.tanh),
     r"layers\[0\].neurons\[0\] has a function as its activation, tanh: a file holds no code, only the names linear, "),
    (lambda net: net.layers.clear(), "a network without layers"),
    (lambda net: net.layers[0].neurons.clear(), "a layer without neurons"),
    (lambda net: net.layers.append(Layer(2, 1)), r"layers\[2\].neurons\[0\].w\[1\] is one parameter too many"),
    (lambda net: net.layers[0].neurons.pop(), r"layers\[1\].neurons\[0\].w\[2\] is one parameter too many"),
    (lambda net: net.layers[0].neurons.append(Neuron(2)), r"layers\[1\].neurons\[0\].w\[3\] is missing"),
    (lambda net: net.layers[0].neurons[1].w.pop(), r"layers\[0\].neurons\[1\].w\[1\] is missing"),
    (lambda net: net.layers[0].neurons[1].w.append(Value(1.0)), r"layers\[0\].neurons\[1\].w\[2\] is one"),
    (lambda net: setattr(first(net), "b", 0.5), r"layers\[0\].neurons\[0\].b is missing, or no Value"),
    (lambda net: setattr(first(net), "scale", Value(1.0)), r"layers\[0\].neurons\[0\].scale is one parameter too many"),
    (lambda net: setattr(net, "scales", [1.0, Value(1.0)]), r"scales\[1\] is one parameter too many"),
    (lambda net: setattr(net.layers[0].neurons[1], "b", first(net).w[1]),
     r"layers\[0\].neurons\[1\].b and layers\[0\].neurons\[0\].w\[1\] are one Value"),
    (lambda net: net.layers.extend([Layer(1, 1)] * 2), r"layers\[3\] and layers\[2\] are one Layer"),
    (lambda net: setattr(net.layers[0].neurons[1], "w", first(net).w),
     r"layers\[0\].neurons\[1\].w and layers\[0\].neurons\[0\].w are one list, and would be two when loaded"),
    *[(lambda net, number=number: setattr(first(net).w[1], "data", number), r"layers\[0\].neurons\[0\].w\[1\] is ")
      for number in (math.nan, math.inf, -math.inf, "1.5", None, True, [1.0], 2 ** 53 + 1, np.single(1), np.int8(1))],
])
def test_what_would_not_come_back_is_named_and_the_old_file_kept(path, change, said):
    old, net = path.read_bytes(), changed(MLP(2, [3, 1], "tanh", seed=0), change)
    with pytest.raises(ValueError, match=said):
        net.save(path)
    assert path.read_bytes() == old and os.listdir(path.parent) == ["net.json"]


def test_a_class_of_ones_own_does_not_load_what_has_no_code(path):
    with pytest.raises(TypeError, match="without the code of OwnNet: read it with MLP.load"):
        OwnNet.load(path)


@pytest.mark.parametrize("wrong", [0, True, None, b"net.json", ["net.json"]], ids=repr)
def test_what_is_no_path_is_not_loaded(wrong):
    with pytest.raises(TypeError):
        MLP.load(wrong)


def test_the_file_is_readable_json_with_one_named_parameter_a_line(path):
    net = MLP.load(path)
    parameters = json.loads(path.read_text())["parameters"]
    assert list(parameters.items()) == [(name, value.data) for name, value in net.named_parameters()]
    lines = [line.strip().rstrip(",") for line in path.read_text().splitlines()]
    assert all(f'"{name}": {value.data!r}' in lines for name, value in net.named_parameters())


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_paths_may_be_text(path, kind):
    net = MLP.load(kind(path))
    randomised(net).save(kind(path))
    assert bits(MLP.load(kind(path))) == bits(net)
    assert os.listdir(path.parent) == ["net.json"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_a_failure_while_saving_keeps_the_old_file_and_leaves_no_other(path, monkeypatch, step, error):
    def fail(*args):
        raise error

    old = path.read_bytes()
    monkeypatch.setattr(step, fail)
    with pytest.raises(type(error)):
        MLP(5, [5, 5], seed=1).save(path)
    assert path.read_bytes() == old and os.listdir(path.parent) == ["net.json"]


def test_loading_leaves_the_global_random_numbers_alone(path):
    state, numpy_state = random.getstate(), np.random.get_state()[1].tolist()
    MLP.load(path)
    assert random.getstate() == state and np.random.get_state()[1].tolist() == numpy_state


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        MLP.load(tmp_path / "nowhere.json")


# Damaged files

def assert_refused(path, content, said=None):
    """Loading a file of this content is a ValueError that names the path and says what is wrong."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ValueError, match=said) as caught:
        MLP.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", [UNIFORM, MIXED])
def test_a_file_cut_off_anywhere_is_refused(path, text):
    content = text.encode().rstrip()
    for length in range(len(content)):
        assert_refused(path, content[:length])


@pytest.mark.parametrize("content", [
    b"", b" \n", b"hello", b"\x00\x01\x02\xff\xfe", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\x80\x04\x95pickle",
    b"{", b"}", b"{}{}", b"{'MLP': 1}", b'{"MLP": NaN}', b"null", b"true", b"3", b'"text"', b"[]", b"[1, 2]", b"{}",
    b'{"MLP": {}}', b'{"parameters": {}}', b'{"MLP": {}, "parameters": {}}', b'{"MLP": null, "parameters": null}',
    b'{"MLP": [], "parameters": []}', b'{"MLP": {"nin": 1, "nouts": []}, "parameters": {}}', b"[" * 100_000,
    b'{"a":' * 100_000, b'{"MLP": ' + b"[" * 100_000, b"1" * 10_000,
], ids=lambda content: repr(content[:24]))
def test_what_is_not_a_saved_network_is_refused(tmp_path, content):
    assert_refused(tmp_path / "net.json", content, "not a saved MLP")


@pytest.mark.parametrize("key", ["MLP", "parameters"])
def test_a_missing_part_is_named(path, key):
    saved = json.loads(path.read_text())
    del saved[key]
    assert_refused(path, saved, key)


@pytest.mark.parametrize("key", ["nin", "nouts", "activation", "output"])
def test_a_missing_part_of_the_shape_is_named(path, key):
    saved = json.loads(path.read_text())
    del saved["MLP"][key]
    assert_refused(path, saved, key)


@pytest.mark.parametrize("key, found", [
    ("nin", 1), ("nin", 3), ("nin", 0), ("nin", -2), ("nin", 2.0), ("nin", "2"), ("nin", None), ("nin", [2]),
    ("nouts", [3]), ("nouts", [3, 2]), ("nouts", [3, 1, 1]), ("nouts", []), ("nouts", 3), ("nouts", "31"),
    ("nouts", None), ("nouts", [3, "1"]), ("nouts", [3, None]), ("nouts", [3, 1.0]), ("nouts", [[3], [1]]),
    ("nouts", {"3": 1}), ("nouts", [-3, -1]), ("nouts", [0]), ("nouts", [10 ** 400]), ("nin", math.nan),
    ("nin", math.inf), ("nouts", [math.inf]), ("activation", "cosine"), ("activation", None), ("activation", 3),
    ("activation", ["tanh"]), ("activation", {}), ("output", "cosine"), ("output", None), ("output", ["tanh"]),
    ("seed", 1), ("colour", "blue"),
])
def test_a_wrong_shape_is_refused(path, key, found):
    saved = json.loads(path.read_text())
    saved["MLP"][key] = found
    assert_refused(path, saved)


@pytest.mark.parametrize("found", [
    math.nan, math.inf, -math.inf, "1.5", "", None, True, False, [1.5], {"data": 1.5}, 10 ** 400,
], ids=lambda found: repr(found)[:10])
def test_a_parameter_that_is_not_a_finite_number_is_refused(path, found):
    saved = json.loads(path.read_text())
    saved["parameters"]["layers[0].neurons[1].w[0]"] = found
    assert_refused(path, saved)


def without(name):
    def change(parameters):
        del parameters[name]
    return change


def renamed(old, new):
    def change(parameters):
        parameters[new] = parameters.pop(old)
    return change


@pytest.mark.parametrize("change", [
    without("layers[0].neurons[0].w[0]"), without("layers[1].neurons[0].b"), dict.clear, lambda p: p.update(extra=1.0),
    lambda p: p.update({"layers[0].neurons[3].b": 1.0}), renamed("layers[0].neurons[0].b", "layers[0].neurons[0].c"),
    renamed("layers[1].neurons[0].w[0]", "layers[1].neurons[0].w[00]"), renamed("layers[0].neurons[2].b", ""),
])
def test_a_missing_extra_or_renamed_parameter_is_refused(path, change):
    saved = json.loads(path.read_text())
    change(saved["parameters"])
    assert_refused(path, saved, r"layers|parameters")


@pytest.mark.parametrize("parameters", [None, 13, "text", [1.0] * 13, "thirteen text", True])
def test_parameters_that_are_no_table_are_refused(path, parameters):
    saved = json.loads(path.read_text())
    saved["parameters"] = parameters
    assert_refused(path, saved)


@pytest.mark.parametrize("nin, nouts, count", [
    (10 ** 5, [1], 13), (1, [10 ** 5], 13), (300, [300, 1], 13), (1, [1, 10 ** 5], 0), (10 ** 30, [10 ** 30], 13),
    (1, [5000, -2, -3], 1), (-1, [5000], 0), (1, [-1, 5000], 0),
])
def test_sizes_that_the_parameters_do_not_fit_cost_no_memory(tmp_path, nin, nouts, count):
    shape = {"nin": nin, "nouts": nouts, "activation": "relu", "output": "linear"}
    tracemalloc.start()
    try:
        assert_refused(tmp_path / "net.json", {"MLP": shape, "parameters": {str(i): 1.0 for i in range(count)}})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def loads_or_refuses(path, content):
    """Whether it loads; then it is what the file says and would be saved as the same. Else the error names the path."""
    path.write_bytes(content)
    try:
        net = MLP.load(path)
    except ValueError as error:
        assert str(path) in str(error)
        return False
    net.save(path)
    said, saved = json.loads(content), json.loads(path.read_bytes())
    if len(net.layers) == 1:
        saved["MLP"]["activation"] = said["MLP"]["activation"]  # which no layer has
    assert saved == said
    return True


@pytest.mark.parametrize("text", [UNIFORM, MIXED])
def test_any_bit_may_flip_and_no_other_network_than_the_file_says_is_loaded(scratch, text):
    loaded = 0
    for position in range(len(text)):
        for bit in range(8):
            content = bytearray(text.encode())
            content[position] ^= 1 << bit
            loaded += loads_or_refuses(scratch, bytes(content))
    assert 0 < loaded < len(text), "digits may become other digits, and spaces other spaces"


@pytest.mark.parametrize("line", ['"nin": 1,', '"activation": "tanh",', '"layers[0].neurons[1].b": 2.0,'])
def test_a_key_that_comes_twice_is_refused(path, line):
    assert line in UNIFORM
    assert_refused(path, UNIFORM.replace(line, line + line).encode(), "comes twice")


@pytest.mark.parametrize("found", [
    "tanh", None, [], ["tanh"], ["tanh", "linear", "linear"], [["tanh"], "linear"], ["tanh", []],
    [["tanh", "relu", "relu"], "linear"], ["tanh", "cosine"], [["tanh", None], "linear"], {"tanh": 1, "linear": 1},
    "tl", [["tanh", ["relu"]], "tanh"],
])
def test_wrong_activations_are_refused(path, found):
    saved = json.loads(MIXED)
    saved["MLP"]["activations"] = found
    assert_refused(path, saved, "activation")


def test_what_has_no_place_in_a_file_is_refused(path):
    for where in ([], ["MLP"], ["parameters"]):
        saved = json.loads(path.read_text())
        table = saved
        for key in where:
            table = table[key]
        table["colour"] = 1.0
        with pytest.raises(ValueError, match="colour|parameters"):
            path.with_name("other.json").write_text(json.dumps(saved))
            MLP.load(path.with_name("other.json"))


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_a_file_with_any_bytes_changed_loads_or_is_refused(scratch, data):
    MLP(2, [2, 1], seed=0).save(scratch)
    content = bytearray(scratch.read_bytes())
    start = data.draw(st.integers(0, len(content)))
    content[start:start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    loads_or_refuses(scratch, bytes(content))


anything = st.sampled_from([None, True, -1, 0, 2, 1.0, math.nan, "", "text", [], [1], [[1]], {}, {"b": 1}])
shapes = anything | st.fixed_dictionaries(
    {"nin": st.integers(-3, 3) | anything, "nouts": st.lists(st.integers(-3, 3), max_size=3) | anything},
    optional={"activation": st.sampled_from(list(ACTIVATIONS)) | anything, "output": anything, "seed": anything})


@given(shapes, anything | st.integers(0, 12).map(lambda count: {str(i): 1.0 for i in range(count)}))
@settings(deadline=None, max_examples=60)
def test_any_json_of_the_right_outline_loads_or_is_refused(scratch, shape, parameters):
    loads_or_refuses(scratch, json.dumps({"MLP": shape, "parameters": parameters}).encode())


class Holder(Module):
    """A Module that holds what it is told to."""


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from(["itself", "list", "dict"])),
                max_size=20))
def test_modules_may_refer_to_one_another_in_any_way(links):
    modules = [Holder() for _ in range(8)]
    for i, module in enumerate(modules):
        module.w = Value(float(i))
    for number, (start, end, form) in enumerate(links):
        target = {"itself": modules[end], "list": [modules[end]], "dict": {"to": modules[end]}}[form]
        setattr(modules[start], f"link{number}", target)
    reached = [0]
    for i in reached:
        reached += sorted({end for start, end, _ in links if start == i} - set(reached))
    named = modules[0].named_parameters()
    assert {value.data for _, value in named} == set(map(float, reached)) and len(named) == len(reached)
    for name, value in named:
        assert eval(f"net.{name}", {"net": modules[0]}) is value


def test_a_long_row_of_modules_and_a_list_within_itself_are_named():
    first = last = Holder()
    for _ in range(5000):
        last.next = Holder()
        last = last.next
    last.w, first.ring = Value(1.0), [Value(2.0)]
    first.ring.append(first.ring)
    assert [name for name, _ in first.named_parameters()] == ["next." * 5000 + "w", "ring[0]"]
