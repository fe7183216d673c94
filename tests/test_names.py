"""Names: no two Values have one name, and a neuron's z and a are what the network computed as such."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, maximum, total
from micrograd2.explain import ledger, paths
from micrograd2.names import names_of
from micrograd2.nn import ACTIVATIONS, MLP
from tests.programs import VALUES, programs, run

NETS = [(2, [2, 2]), (3, [1, 1]), (2, [3, 3, 1])]
FUNCTIONS = [*ACTIVATIONS, lambda z: 1.7 * z.tanh(), lambda z: (2 * z).tanh(), lambda z: z * z.sigmoid(),
             lambda z: maximum(z, 0.1 * z) + 1.0, lambda z: z ** 2]


def skipping(net: MLP, x: list[float]) -> Value:
    """Every layer but the first adds what it read to what it gives, as far as there is any."""
    h = net.layers[0](x)
    for layer in net.layers[1:]:
        h = [p + q for p, q in zip(h, layer(h))]
    return total(h)


def tied(net: MLP, x: list[float]) -> Value:
    for layer in net.layers:
        for neuron in layer.neurons:
            neuron.b = layer.neurons[0].b
    return squared_error(net(x), [0.5] * len(net.layers[-1].neurons))


def batch(net: MLP, x: list[float]) -> Value:
    return total(squared_error(net([k * number for number in x]), [0.5] * len(net.layers[-1].neurons))
                 for k in range(3))


def scaled(net: MLP, x: list[float]) -> Value:
    """Of every neuron two numbers are read: its activation, and the double of that."""
    a = net.layers[0](x)
    return total(dot(net.layers[1].neurons[0].w[:1], [read], net.layers[1].neurons[0].b)
                 for h in a for read in (h, 2 * h))


def assert_no_name_comes_twice(root: Value) -> None:
    names = names_of(root)
    given = Counter(name for value, name in names.items() if not value.label)
    assert not given.keys() & {value.label for value in names if value.label}
    assert max(given.values(), default=1) == 1, given.most_common(3)


@pytest.mark.parametrize("make", [skipping, tied, batch, scaled])
@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("nin, nouts", NETS)
def test_no_two_values_of_networks_have_one_name(nin, nouts, f, make):
    net = MLP(nin, nouts, activation=f, output=f, seed=1)
    assert_no_name_comes_twice(make(net, [0.3, -0.7, 1.1][:nin]))


@given(programs(longest=20))
@settings(deadline=None)
def test_no_two_values_of_a_program_have_one_name(program):
    for labels in ("", "a", "a × a", "n2=1"):
        leaves = [Value(x, label=labels * (i % 2)) for i, x in enumerate(program.leaves)]
        assert_no_name_comes_twice(run(program.steps, leaves, VALUES))


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("nin, nouts", NETS)
def test_a_hidden_neuron_has_the_z_and_the_a_of_the_trace(nin, nouts, f):
    net = MLP(nin, nouts, activation=f, seed=2)
    traced = net.trace([0.3, -0.7, 1.1][:nin])
    names = names_of(total(a for _, a in traced[-1]))
    for i, layer in enumerate(traced[:-1]):
        for j, (z, a) in enumerate(layer):
            assert names[z] == f"layers[{i}].neurons[{j}].z"
            assert names[a] == f"layers[{i}].neurons[{j}].{'z' if a is z else 'a'}"
    activations = {value for value, name in names.items() if name.endswith(".a")}
    assert activations <= {a for layer in traced for _, a in layer}


def test_what_a_skip_connection_adds_up_is_no_activation():
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    h1 = net.layers[0]([0.3, -0.7])
    h2 = net.layers[1](h1)
    h = [p + q for p, q in zip(h1, h2)]
    root = net.layers[2](h)[0]
    names = names_of(root)
    assert [names[a] for a in (*h1, *h2)] == [f"layers[{i}].neurons[{j}].a" for i in (0, 1) for j in (0, 1)]
    assert not [names[value] for value in h if names[value].endswith(".a")]
    assert "neurons[1].a = layers" not in str(ledger(root))


@pytest.mark.parametrize("outside", [Value(0.5, "gate"), Value(0.5), None])
def test_what_is_made_with_a_value_from_outside_the_neuron_is_no_activation(outside):
    net = MLP(2, [1, 2], activation="tanh", seed=1)
    a = net.layers[0]([0.3, -0.7])[0]
    outside = outside or Value(0.25)     # which is younger than a, and read by a neuron itself
    gated = a * outside
    first, second = net.layers[1].neurons
    names = names_of(first([gated]) + second([outside]))
    assert names[a] == "layers[0].neurons[0].a" and not names[gated].endswith(".a")


def test_neurons_that_share_a_bias_are_told_apart_by_their_weights():
    net = MLP(2, [2, 1], activation="tanh", seed=1)
    net.layers[0].neurons[1].b = net.layers[0].neurons[0].b
    told = str(paths(net([0.3, -0.7]), net.layers[0].neurons[1].w[0]))
    assert "→ layers[0].neurons[1] →" in told and "→ layers[0].neurons[0]" not in told


def test_a_sum_with_weights_of_two_neurons_is_neither_of_them():
    net = MLP(2, [2, 1], seed=1)
    first, second = net.layers[0].neurons
    z = dot([first.w[0], second.w[0]], [1.0, 2.0], first.b)
    assert "neurons[0].z" not in names_of(z)[z]


def test_a_weighted_sum_of_nothing_has_a_name():
    z = dot([], [], Value(2.0, "layers[0].neurons[0].b"))
    assert names_of(z)[z] == "n1:dot"


def test_every_example_of_a_batch_goes_through_a_neuron_of_its_own():
    net = MLP(2, [1, 1], activation="tanh", seed=1)
    w = net.layers[0].neurons[0].w[0]
    root = total(net([0.3 * k, -0.7]) for k in (1, 2))
    names = names_of(root)
    hidden = [name for name in names.values() if "layers[0]" in name and name.endswith((".z", ".a"))]
    assert len(hidden) == len(set(hidden)) == 4
    assert len({name[:-2] for name in hidden}) == 2     # z and a of one example are of one neuron
    assert all(name[:-2] in str(paths(root, w)) for name in hidden)


@pytest.mark.parametrize("base, name", [
    (Value(-3.0), "(n0=-3)²"), (Value(2.0, "a"), "a²"), (Value(2.0, "-3"), "(-3)²"), (Value(2.0, "a") ** 3, "(a³)²"),
    (-Value(2.0, "a"), "(neg(a))²"), (Value(1.0, "neurons[1].b"), "neurons[1].b²")])
def test_what_is_raised_to_a_power_stands_in_brackets_unless_it_is_a_word(base, name):
    root = base ** 2
    assert names_of(root)[root] == name
