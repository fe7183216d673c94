"""Health: neurons and layers that hardly learn are found, by name; healthy ones are left alone."""

import math
import random

import pytest
from hypothesis import given, strategies as st

from micrograd2.contributions import flow
from micrograd2.explain import TRY, health
from micrograd2.nn import ACTIVATIONS, MLP
from tests.explain.jobs import close, nothing_changes


def unwrapped(told):
    return " ".join(str(told).split())


def trained_like(activation, output="linear", sizes=(3, 4, 2)):
    return MLP(sizes[0], list(sizes[1:]), activation=activation, output=output, seed=1)


EXAMPLES = [[random.Random(i).gauss(0, 1) for i in range(k, k + 3)] for k in range(30)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_new_network_is_healthy(activation):
    net = MLP(3, [8, 8, 2], activation=activation, seed=4)
    with nothing_changes(net):
        told = health(net, EXAMPLES)
    assert {what for what in told.problems.values()} <= {"dead"} and told.examples == 30
    if activation != "relu":
        assert not told.problems and "Nothing to complain about" in str(told)


@pytest.mark.parametrize("activation, bias, problem", [
    ("relu", -50.0, "dead"), ("sigmoid", 50.0, "saturated"), ("tanh", -50.0, "saturated"), ("linear", -50.0, ""),
    ("relu", 50.0, ""),
])
def test_a_neuron_that_passes_nothing_on_is_found_by_name(activation, bias, problem):
    net = trained_like(activation)
    for neuron in net.layers[0].neurons:
        neuron.b.data = 0.5 if activation == "relu" else 0.0
        for w in neuron.w:
            w.data *= 0.1
    net.layers[0].neurons[2].b.data = bias
    told = health(net, EXAMPLES)
    assert told.problems == ({"layers[0].neurons[2]": problem} if problem else {})
    if problem:
        assert "layers[0].neurons[2]" in str(told) and TRY[problem] in unwrapped(told)
        assert told.layers[0].neurons[2].flat == 1.0
        assert told.tables()[0].rows[0][5 if problem == "dead" else 6] == "1 of 4"


def test_dead_layers_are_the_reason_why_gradients_vanish_before_them():
    net = MLP(3, [2, 4, 1], seed=1)
    for neuron in net.layers[1].neurons:
        neuron.b.data = -50.0
    assert set(health(net, EXAMPLES).problems) <= {f"layers[{k}].neurons[{j}]" for k in (0, 1) for j in range(4)}


def test_an_output_may_be_at_its_ends_but_not_always_at_one():
    net = MLP(1, [2], output="sigmoid", seed=1)
    for neuron, w, b in zip(net.layers[0].neurons, (100.0, 0.0), (0.0, 100.0)):
        neuron.w[0].data, neuron.b.data = w, b
    assert health(net, [[-1.0], [1.0]]).problems == {"layers[0].neurons[1]": "saturated"}
    assert health(net, [[1.0]]).problems == {}           # one example cannot tell


def test_reach_is_how_strongly_the_outputs_change():
    net = MLP(3, [4, 3, 2], activation="tanh", output="sigmoid", seed=5)
    X = EXAMPLES[:4]
    told = health(net, X)
    for k, layer in enumerate(told.layers):
        squares = []
        for x in X:
            traced = net.trace(x)
            for _, a in traced[-1]:
                grads = {a: 1.0} | {s.result.args[s.which]: s.total for s in flow(a)}
                squares += [grads.get(z, 0.0) ** 2 for z, _ in traced[k]]
        assert layer.reach == close(math.sqrt(sum(squares) / len(squares)))


@pytest.mark.parametrize("factor, problem", [(0.05, "vanishing"), (8.0, "exploding")])
def test_gradients_that_vanish_or_explode_are_told_by_layer(factor, problem):
    net = MLP(3, [4] * 6, activation="linear", seed=1)
    for p in net.parameters():
        p.data *= factor
    told = health(net, EXAMPLES)
    assert told.problems.get("layers[0]") == problem and "layers[5]" not in told.problems
    assert TRY[problem] in unwrapped(told)
    assert max(map(len, str(told).splitlines())) <= 80


def test_what_is_not_finite_is_named():
    net = MLP(3, [2, 2], seed=1)
    net.layers[0].neurons[1].b.data = math.nan
    told = health(net, EXAMPLES)
    assert told.problems == {"network": "not finite"} and "layers[0].neurons[1].b is nan" in str(told)


@given(number=st.sampled_from([math.inf, -math.inf, math.nan]), activation=st.sampled_from(sorted(ACTIVATIONS)),
       k=st.integers(0, 10), x=st.floats(-2, 2))
def test_one_parameter_that_is_not_finite_is_named(number, activation, k, x):
    net = MLP(2, [2, 1], activation=activation, seed=1)
    net.parameters()[k % len(net.parameters())].data = number
    try:
        found = health(net, [[x, 1.0], [1.0, x]])
    except ArithmeticError:  # gelu, say, of infinity
        return
    assert found.overflow and list(found.problems) == ["network"]


@pytest.mark.parametrize("dead, said", [(0, "0 %"), (1, "< 1 %"), (100, "50 %"), (199, "> 99 %"), (200, "100 %")])
def test_all_is_said_of_all_alone(dead, said):
    net = MLP(1, [200, 1], seed=1)
    for neuron in net.layers[0].neurons:
        neuron.w[0].data, neuron.b.data = 0.0, 1.0
    for neuron in net.layers[0].neurons[:dead]:
        neuron.b.data = -1.0
    assert said in str(health(net, [[0.5]])).splitlines()[2]


def test_what_health_refuses():
    net = MLP(3, [2], seed=1)
    with pytest.raises(ValueError, match="X must be .*, not empty"):
        health(net, [])
    with pytest.raises(ValueError, match="X must have 3 numbers for each example, .*; got 2"):
        health(net, [1.0, 2.0])
    with pytest.raises(TypeError, match="net must be an MLP; got list"):
        health([], [1.0])
