"""Nudges: each is minus a gradient that `backward` finds; wishes are their parts; signs are counted one by one."""

import numpy as np
import pytest
from hypothesis import given

from micrograd2.explain import health, nudges
from micrograd2.nn import MLP
from tests.explain.jobs import activation_grads, by_backward, close, jobs, nothing_changes


@given(jobs())
def test_nudges_are_minus_the_gradients_of_backward(job):
    net, X, Y, cost = job
    grads = by_backward(net, X, Y, cost)
    with nothing_changes(net):
        told = nudges(net, X, Y, cost)
    assert told.examples == len(X)
    assert told.cost == close(sum(cost(net(x), y).data for x, y in zip(X, Y)) / len(X))
    for layer in told.layers:
        for neuron in layer.neurons:
            assert neuron.bias == close(-grads[f"{neuron.name}.b"])
            assert neuron.weights == close([-grads[f"{neuron.name}.w[{i}]"] for i in range(len(neuron.weights))])


@given(jobs())
def test_nudges_and_deltas_are_those_of_backward_and_their_signs_are_counted(job):
    net, X, Y, cost = job
    told = nudges(net, X, Y, cost)
    examples = [activation_grads(net, x, y, cost) for x, y in zip(X, Y)]
    for k, layer in enumerate(told.layers):
        for j, neuron in enumerate(layer.neurons):
            upstream, deltas = zip(*(passes[k][j] for passes, _ in examples))
            assert (neuron.nudge, neuron.delta) == close((-np.mean(upstream), np.mean(deltas)))
            for numbers, mean, agree in ((upstream, -neuron.nudge, neuron.agree_nudge),
                                         (deltas, neuron.delta, neuron.agree_delta)):
                if abs(mean) > 1e-9:
                    assert agree == sum(np.sign(numbers) == np.sign(mean))
        before = [[a for a, _ in passes[k - 1]] for passes, _ in examples] if k else [inputs for _, inputs in examples]
        assert layer.input_nudges == close(list(-np.mean(before, axis=0)))


@given(jobs())
def test_wishes_are_weight_times_delta_and_add_up(job):
    net, X, Y, cost = job
    told = nudges(net, X, Y, cost)
    for layer, made in zip(told.layers, net.layers):
        assert layer.input_nudges == close([sum(column) for column in zip(*layer.wishes)])
        for neuron, wishes, parameters in zip(layer.neurons, layer.wishes, made.neurons):
            assert wishes == close([-w.data * neuron.delta for w in parameters.w])
    for layer, before in zip(told.layers[1:], told.layers):
        assert layer.input_nudges == close([neuron.nudge for neuron in before.neurons])
        assert layer.inputs == [neuron.a for neuron in before.neurons]


@given(jobs())
def test_of_one_example_every_avenue_is_a_product(job):
    net, (x, *_), (y, *_), cost = job
    told = nudges(net, x, y, cost)
    assert told.examples == 1
    for layer in told.layers:
        for neuron in layer.neurons:
            assert neuron.delta == close(-neuron.nudge * neuron.slope)        # the recursion δ = (Wᵀ δ) ∘ f′(z)
            assert neuron.weights == close([-a * neuron.delta for a in layer.inputs])


@given(jobs())
def test_how_many_examples_agree_on_a_weight_is_counted_one_by_one(job):
    net, X, Y, cost = job
    told, alone = nudges(net, X, Y, cost), [nudges(net, x, y, cost) for x, y in zip(X, Y)]
    for k, layer in enumerate(told.layers):
        for j, neuron in enumerate(layer.neurons):
            for i, nudge in enumerate(neuron.weights):
                if abs(nudge) > 1e-9:
                    signs = [np.sign(one.layers[k].neurons[j].weights[i]) for one in alone]
                    assert neuron.agree_weights[i] == signs.count(np.sign(nudge))


def test_one_example_is_a_batch_of_one():
    net = MLP(3, [2, 2], seed=1)
    x, y = [0.1, 0.2, -0.3], [0.0, 1.0]
    assert nudges(net, x, y).layers == nudges(net, [x], [y]).layers == nudges(net, np.array(x), np.array(y)).layers
    assert nudges(MLP(3, [1], seed=1), x, 1).layers == nudges(MLP(3, [1], seed=1), [x], [[1]]).layers


def test_the_three_avenues_are_told_with_their_factors():
    net = MLP(2, [1], activation="tanh", seed=0)
    (neuron,) = net.layers[0].neurons
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    told = nudges(net, [3.0, 0.25], 0.0)                # a = z = 6.25, δ = ∂C/∂z = 12.5
    text = str(told.avenues("layers[0].neurons[0]"))
    for part in ("δ = +12.5", "−δ × a = -12.5 × 3", "-37.50", "−δ × w = -12.5 × +2", "-25.00"):
        assert part in text
    neuron.w[0].data = 9.0                              # what was told stays as it was told
    assert str(told.avenues("layers[0].neurons[0]")) == text
    with pytest.raises(ValueError, match=r"name must be that of a neuron, .* got 'w'"):
        told.avenues("w")


def columns_of(table):
    return [int(name[2:-1]) for name in table.columns if name]


def test_a_table_of_wishes_fits_a_terminal_and_says_what_it_leaves_out():
    net = MLP(40, [20, 2], activation="sigmoid", seed=1)
    told = nudges(net, [0.5] * 40, [0.0, 1.0])
    text = str(told.wishes(0))
    assert "34 more columns, 4 more rows" in text and max(map(len, text.splitlines())) <= 80
    sums = told.layers[0].input_nudges
    assert told.wishes(0).cells()[-1][1:] == [f"{sums[i]:+.4f}" for i in columns_of(told.wishes(0))]
    assert len(told.wishes(0).rows) == 17 and told.wishes(0).rows[-1][0] == "sum"
    assert "more" not in str(nudges(MLP(2, [2, 2], seed=1), [1.0, 1.0], [0.0, 1.0]).wishes(1))


@pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-310, 1e-30, 1e30])
def test_nudges_of_any_size_can_be_printed(tiny):
    net = MLP(2, [2, 1], activation="linear", seed=1)
    assert str(nudges(net, [1.0, 2.0], 1.0, lambda a, y: a * tiny)) and health(net, [tiny, tiny])._repr_html_()


def test_the_strongest_increase_is_between_the_most_active_and_the_most_nudged():
    net = MLP(5, [4, 3], activation="sigmoid", output="sigmoid", seed=2)
    told = nudges(net, [0.1, 0.9, 0.3, 0.0, 0.2], [1.0, 0.0, 0.0])
    rows = told.hebbian().rows
    assert rows[0][0].startswith("layers[1]") and rows[0][3] == "1 of 4" and rows[0][5] == "1 of 3"
    first = next(row for row in rows if row[0].startswith("layers[0]"))
    assert "w[1]" in first[0] and first[3] == "1 of 5" and first[5] == "1 of 4"
