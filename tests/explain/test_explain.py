"""Explanations: every number is held to `backward`, to `flow`, or to a count by brute force; nothing is changed."""

from __future__ import annotations

import html
import math
import random
import warnings
from contextlib import contextmanager
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from micrograd2 import pictures
from micrograd2.contributions import first_not_finite, flow
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import MUL, RELU, Op, Value, dot, maximum, minimum, topological_order, total
from micrograd2.explain import TRY, GradcheckError, Table, gradcheck, health, ledger, nudges, paths, sensitivities
from micrograd2.names import names_of
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.shown import BLUE, ORANGE
from micrograd2.train import SGD, fit
from tests.programs import VALUES, programs, run


def close(x):
    return pytest.approx(x, rel=1e-9, abs=1e-11)


def by_backward(net, X, Y, cost):
    """∂C/∂p of every parameter, averaged over the examples, as `backward` finds it; every gradient is put back."""
    parameters = net.parameters()
    before = [p.grad for p in parameters]
    net.zero_grad()
    for x, y in zip(X, Y):
        cost(net(x), y).backward()
    grads = {name: p.grad / len(X) for name, p in net.named_parameters()}
    for p, grad in zip(parameters, before):
        p.grad = grad
    return grads


def activation_grads(net, x, y, cost):
    """∂C/∂a and ∂C/∂z of every neuron, and ∂C/∂x, for one example, as `backward` finds them."""
    grads = [p.grad for p in net.parameters()]
    leaves = [Value(number) for number in x]
    traced = net.trace(leaves)
    outputs = [a for _, a in traced[-1]]
    cost(outputs[0] if len(outputs) == 1 else outputs, y).backward()
    for p, grad in zip(net.parameters(), grads):
        p.grad = grad
    return [[(a.grad, z.grad) for z, a in layer] for layer in traced], [leaf.grad for leaf in leaves]


@contextmanager
def nothing_changes(net):
    """Neither a weight, nor a gradient, nor the random state is another afterwards."""
    for i, p in enumerate(net.parameters()):
        p.grad = 0.25 * i - 1
    before = [(p.data, p.grad, p.label) for p in net.parameters()], random.getstate(), str(np.random.get_state())
    yield
    assert before == ([(p.data, p.grad, p.label) for p in net.parameters()], random.getstate(),
                      str(np.random.get_state()))


@st.composite
def jobs(draw):
    """A small network with biases, some examples, targets, and a cost that suits them."""
    cost = draw(st.sampled_from([squared_error, cross_entropy, max_margin]))
    nin, hidden = draw(st.integers(1, 4)), draw(st.lists(st.integers(1, 4), max_size=2))
    nout = 1 if cost is max_margin else draw(st.integers(1 + (cost is cross_entropy), 3))
    net = MLP(nin, [*hidden, nout], activation=draw(st.sampled_from(list(ACTIVATIONS))),
              output=draw(st.sampled_from(list(ACTIVATIONS))), seed=draw(st.integers(0, 99)))
    rng = random.Random(draw(st.integers(0, 99)))
    for neuron in (neuron for layer in net.layers for neuron in layer.neurons):
        neuron.b.data = rng.gauss(0, 0.5)
    size = draw(st.integers(1, 5))
    X = [[rng.gauss(0, 1) for _ in range(nin)] for _ in range(size)]
    Y = [rng.choice([-1.0, 1.0]) if nout == 1 else [float(k == at) for k in range(nout)]
         for at in (rng.randrange(nout) for _ in range(size))]
    return net, X, Y, cost


# Nudges

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


# Sensitivities

@given(jobs())
def test_sensitivities_are_all_gradients_ranked(job):
    net, X, Y, cost = job
    grads = by_backward(net, X, Y, cost)
    with nothing_changes(net):
        told = sensitivities(net, X, Y, cost)
    assert {s.name: s.gradient for s in told.ranked} == close(grads)
    assert {s.name: s.value for s in told.ranked} == {name: p.data for name, p in net.named_parameters()}
    sizes = [abs(s.gradient) for s in told.ranked]
    assert sizes == sorted(sizes, reverse=True)


@given(jobs(), st.sampled_from([1e-3, -0.5]))
def test_a_wiggle_is_what_the_cost_really_does(job, h):
    net, X, Y, cost = job
    told = sensitivities(net, X, Y, cost, h=h)
    named = dict(net.named_parameters())
    assert [w.name for w in told.wiggles] == [s.name for s in told.ranked[:3]]
    for wiggle, s in zip(told.wiggles, told.ranked):
        before = np.mean([cost(net(x), y).data for x, y in zip(X, Y)])
        number = named[wiggle.name].data
        named[wiggle.name].data = number + h
        after = np.mean([cost(net(x), y).data for x, y in zip(X, Y)])
        named[wiggle.name].data = number
        assert (wiggle.predicted, wiggle.actual) == close((h * s.gradient, after - before))


def test_ratios():
    net = MLP(1, [1], seed=0)
    told = sensitivities(net, [4.0], 0.0)        # ∂z/∂w = x = 4, ∂z/∂b = 1
    w, b = "layers[0].neurons[0].w[0]", "layers[0].neurons[0].b"
    assert told.ratio(w, b) == close(4.0) and told.ratio(b, w) == close(0.25)
    assert "is 4.0× as sensitive as" in str(told)
    flat = sensitivities(net, [0.0], 0.0)
    assert math.isnan(flat.ratio(w, b)) and "sensitive to no weight" in str(flat)
    assert sensitivities(net, [0.0], 1.0).ratio(b, w) == math.inf
    with pytest.raises(ValueError, match="other must be the name of a parameter, .* got 'v'"):
        told.ratio(w, "v")


def test_a_cost_that_fails_halfway_leaves_the_weights_as_they_were():
    net = MLP(2, [2, 1], seed=1)
    calls = []

    def failing(a, y):
        calls.append(a)
        if len(calls) == 3:
            raise ArithmeticError("on purpose")
        return squared_error(a, y)

    with nothing_changes(net), pytest.raises(ArithmeticError, match="on purpose"):
        sensitivities(net, [1.0, 2.0], 1.0, failing)


# What nudges and sensitivities refuse

@pytest.mark.parametrize("function", [nudges, sensitivities])
@pytest.mark.parametrize("X, Y, error, told", [
    ([], [], ValueError, r"X must be .*, not empty; got the shape \(0,\)"),
    (np.zeros((0, 2)), [], ValueError, r"X must be .*, not empty; got the shape \(0, 2\)"),
    ([[]], [1.0], ValueError, r"X must be .*, not empty; got the shape \(1, 0\)"),
    ([1.0, 2.0, 3.0], 1.0, ValueError, "X must have 2 numbers for each example, .*; got 3"),
    ([[1.0, 2.0], [1.0]], [1.0, 1.0], ValueError, r"X must have rows of one length; .* X\[1\] is of length 1"),
    ([[1.0, 2.0]], [1.0, 1.0], ValueError, r"Y must be \(1, targets\) or \(1,\); got the shape \(2, 1\)"),
    ([[1.0, 2.0]], [], ValueError, r"Y must be \(1, targets\) or \(1,\); got the shape \(0, 1\)"),
    ([1.0, 2.0], [1.0, 1.0], ValueError, "one target for each output"),
    ([1.0, 2.0], None, TypeError, "Y must be a list or an array"),
    ("ab", 1.0, TypeError, "X must be a list or an array"),
    (3.0, 1.0, ValueError, r"X must be one example \(inputs,\) or a batch"),
    ([["a", "b"]], [1.0], TypeError, "X must hold real numbers; got .*'a'"),
    ([[None, 1.0]], [1.0], TypeError, "X must hold real numbers; got None"),
    ([math.nan, 1.0], 1.0, ValueError, "the cost is nan: a number that was put in is nan"),
    ([1e200, 1.0], 1.0, ValueError, r"the cost is inf: \*\*2 of .* is inf|the cost is inf|has no value"),
])
def test_bad_examples_are_refused(function, X, Y, error, told):
    net = MLP(2, [1], seed=1)
    with nothing_changes(net), pytest.raises((error, OverflowError), match=told):
        function(net, X, Y)


@pytest.mark.parametrize("function", [nudges, sensitivities])
def test_bad_networks_and_costs_are_refused(function):
    net = MLP(2, [1], seed=1)
    with pytest.raises(TypeError, match="net must be an MLP; got Value"):
        function(Value(1.0), [1.0], 1.0)
    with pytest.raises(TypeError, match="must be one Value; got float"):
        function(net, [1.0, 2.0], 1.0, lambda a, y: 1.0)
    with pytest.raises(ValueError, match=r"this one also reads layers\[0\]\.neurons\[0\]\.w\[0\] directly"):
        function(net, [1.0, 2.0], 1.0, lambda a, y: (a - y) ** 2 + total(w * w for w in net.parameters()))
    for h in (0, math.nan, math.inf, "1"):
        with pytest.raises((TypeError, ValueError), match="h must be a finite number other than 0"):
            sensitivities(net, [1.0, 2.0], 1.0, h=h)


# Paths

def every_path(root, leaf):
    """All products of local derivatives, path by path; only for small graphs."""
    if root is leaf:
        return [1.0]
    return [local * rest for arg, local in zip(root.args, root.local_grads) for rest in every_path(arg, leaf)]


@given(programs(longest=12), st.integers(0, 3), st.integers(0, 12))
def test_paths_are_those_that_brute_force_finds(program, i, top):
    leaves = [Value(x) for x in program.leaves]
    root, leaf = run(program.steps, leaves, VALUES), leaves[i % len(leaves)]
    if leaf not in topological_order(root):
        with pytest.raises(ValueError, match="is not on the graph of root"):
            paths(root, leaf)
        return
    if paths(root, leaf, 0).count > 3000:
        return
    brute = every_path(root, leaf)
    told = paths(root, leaf, top)
    root.backward()
    assert told.count == len(brute) and told.total == leaf.grad
    assert told.total == pytest.approx(sum(brute), rel=1e-9, abs=1e-9)
    strongest = sorted(map(abs, brute), reverse=True)[:top]
    assert [abs(path.product) for path in told.strongest] == close(strongest)
    for path in told.strongest:
        assert path.values[0] is leaf and path.values[-1] is root
        assert path.product == close(math.prod(path.locals)) and len(path.locals) == len(path.values) - 1
        for operand, result, which, local in zip(path.values, path.values[1:], path.which, path.locals):
            assert result.args[which] is operand and result.local_grads[which] == local
    assert len({tuple(zip(path.values, path.which)) for path in told.strongest}) == len(strongest)  # no path twice
    str(told)


@given(programs(longest=40), st.integers(0, 3))
def test_the_sum_over_all_paths_is_the_gradient_and_nothing_is_written(program, i):
    leaves = [Value(x) for x in program.leaves]
    root, leaf = run(program.steps, leaves, VALUES), leaves[i % len(leaves)]
    nodes = topological_order(root)
    if leaf not in nodes:
        return
    for k, node in enumerate(nodes):
        node.grad = 0.5 * k
    told = paths(root, leaf)
    assert [node.grad for node in nodes] == [0.5 * k for k in range(len(nodes))]
    leaf.grad = 0.0
    root.backward()
    assert told.total == leaf.grad or math.isnan(leaf.grad)


@given(programs(longest=30), st.integers(0, 3), st.integers(0, 5))
def test_what_is_not_listed_is_the_sum_of_what_is_not_listed(program, i, top):
    leaves = [Value(x) for x in program.leaves]
    root = run(program.steps, leaves, VALUES)
    assume(leaves[i % len(leaves)] in topological_order(root))
    whole = paths(root, leaves[i % len(leaves)], top=1000)
    assume(whole.count <= 1000)
    found = paths(root, leaves[i % len(leaves)], top=top)
    left = [path.product for path in whole.strongest[top:]]
    assert found.others == pytest.approx(math.fsum(left), rel=1e-9, abs=1e-300, nan_ok=True)


def test_small_paths_beside_large_ones_are_neither_lost_nor_made_of_rounding():
    a = Value(1.0, "a")
    large = total([a * 1e17 for _ in range(10)])
    assert paths(large + a + a, a).others == 2.0
    zeros = total([a * 0.1 for _ in range(10)] + [a * 0.0 for _ in range(2000)])
    assert paths(zeros, a).others == 0.0 and "2,000 more" in str(paths(zeros, a))
    many = total([a * 1e17 for _ in range(10)] + [a * (1 + k) for k in range(2000)])
    assert math.isnan(paths(many, a).others) and "too small beside these" in str(paths(many, a))


def tower(levels):
    x = Value(1.0, "x")
    y = x
    for _ in range(levels):
        y = y.tanh() * 0.5 + y.sin() * 0.6
    return x, y


def test_more_paths_than_anyone_can_list():
    x, y = tower(60)
    told = paths(y, x)
    y.backward()
    assert told.count == 2 ** 60 > 10 ** 12 and told.total == x.grad
    assert f"{2 ** 60:,} paths" in str(told) and f"{2 ** 60 - 10:,} more" in str(told)


def test_equal_paths_do_not_multiply_the_work():
    x = y = Value(1.0, "x")
    for _ in range(1200):
        y = y * 0.7 + y * 0.7 if _ % 2 else y + y
    told = paths(y, x, top=5)
    assert told.count == 2 ** 1200 and len(told.strongest) == 5
    assert "about 10^361.2 paths" in str(told)


def test_a_long_chain_needs_no_recursion():
    x = y = Value(1.0, "x")
    for _ in range(5000):
        y = y + 1.0
    assert paths(y, x).count == 1 and len(paths(y, x).strongest[0].values) == 5001
    assert len(ledger(y).entries) == 10000 and len(str(ledger(y, order="naive")).splitlines()) > 10000


def test_the_path_from_a_value_to_itself_is_empty():
    x = Value(2.0, "x")
    told = paths(x, x)
    assert (told.count, told.total, told.strongest[0].locals) == (1, 1.0, [])
    y = x - x                                            # the two paths cancel out
    told = paths(y, x)
    assert told.total == 0 and math.isnan(told.share(told.strongest[0]))


def test_paths_of_which_one_takes_away_what_another_brings_have_no_shares():
    x = Value(2.0, "x")
    for y, shares in ((x - x, False), (x * 3 - x, False), (x * x + x, True), (-x - x, True), (x * 0 + x, True)):
        assert ("%" in str(paths(y, x)), "share" in str(paths(y, x))) == (shares, shares)


def test_paths_through_a_network_go_by_its_neurons():
    net = MLP(2, [2, 2], activation="tanh", seed=1)
    cost = squared_error(net([1.0, -1.0]), [0.0, 1.0])
    cost.label = "C"
    text = str(paths(cost, net.layers[0].neurons[1].w[0]))
    for j in (0, 1):
        assert f"layers[0].neurons[1].w[0] → layers[0].neurons[1] → layers[1].neurons[{j}] → C" in text


@pytest.mark.parametrize("f", [Value.tanh, lambda z: z * z.sigmoid(), lambda z: maximum(z, 0.1 * z)])
def test_an_activation_is_named_whatever_it_is_made_of(f, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "made", f)
    net = MLP(2, [2, 2], activation="made", output="made", seed=1)
    traced = net.trace([1.0, -1.0])
    names = names_of(squared_error([a for _, a in traced[-1]], [0.0, 1.0]))
    for j, (z, a) in enumerate(traced[0]):
        assert (names[z], names[a]) == (f"layers[0].neurons[{j}].z", f"layers[0].neurons[{j}].a")
    assert [name for name in names.values() if name.startswith("layers[0]") and name.endswith(".a")] == [
        names[a] for _, a in traced[0]]
    outputs = {value for value, name in names.items() if name.startswith("layers[1]") and name.endswith(".a")}
    assert outputs == ({a for _, a in traced[1]} if f is Value.tanh else set())     # the cost may go on with it


def test_what_paths_refuse():
    a, b = Value(1.0, "a"), Value(1.0, "b")
    with pytest.raises(ValueError, match="leaf, b, is not on the graph of root"):
        paths(a * a, b)
    with pytest.raises(ValueError, match="is not on the graph"):
        paths(a, a * a)
    with pytest.raises(TypeError, match="root must be a Value; got float"):
        paths(1.0, a)
    with pytest.raises(TypeError, match="leaf must be a Value; got str"):
        paths(a, "a")
    for top in (-1, 1.5):
        with pytest.raises(ValueError, match="top must be a whole number"):
            paths(a, a, top)


# The ledger

@given(programs(longest=30))
def test_the_ledger_is_the_flow_line_by_line(program):
    root = run(program.steps, [Value(x) for x in program.leaves], VALUES)
    told = ledger(root)
    assert [(e.result, e.operand, *e[3:7]) for e in told.entries] == [
        (s.result, s.result.args[s.which], *s[2:]) for s in flow(root)]
    assert [e.number for e in told.entries] == list(range(1, len(told.entries) + 1))
    assert not any(e.wrong for e in told.entries)
    root.backward()
    assert told.grads == {node: node.grad for node in told.grads}


def recursive(node, grads):
    """The naive backward pass as a learner writes it."""
    for operand, local in zip(node.args, node.local_grads):
        grads[operand] = grads.get(operand, 0.0) + grads[node] * local
        recursive(operand, grads)


@given(programs(longest=9))
def test_the_naive_ledger_does_what_recursion_does(program):
    root = run(program.steps, [Value(x) for x in program.leaves], VALUES)
    told = ledger(root, order="naive")
    grads = {root: 1.0}
    recursive(root, grads)
    assert told.grads == grads and told.right == ledger(root).grads
    if not any(e.wrong for e in told.entries):
        assert list(told.grads.values()) == close(list(told.right.values()))


def test_the_minimal_case_of_the_wrong_order():
    a = Value(1.0, "a")
    b = a + a
    b.label = "b"
    c = b + b
    c.label = "c"
    told = ledger(c, order="naive")
    assert [(e.upstream, e.total, bool(e.wrong)) for e in told.entries] == [
        (1, 1, False), (1, 1, True), (1, 2, True), (1, 2, False), (2, 4, True), (2, 6, True)]
    assert "b has 1 of 2" in str(told) and "again: these steps were walked before" in str(told)
    assert max(map(len, str(told).splitlines())) <= 80
    assert told.tables()[1].rows == [("a", 6.0, 4.0)]
    assert "comes out right" in str(ledger(a.tanh().exp(), order="naive"))


def test_what_the_ledger_refuses():
    x, y = tower(30)
    with pytest.raises(ValueError, match="the backward pass would have 8,589,934,584 lines"):
        ledger(y, order="naive")
    with pytest.raises(ValueError, match='order must be "topological" or "naive"; got \'best\''):
        ledger(y, order="best")
    with pytest.raises(TypeError, match="root must be a Value"):
        ledger(3.0)


# gradcheck

@given(programs(longest=10))
@settings(max_examples=60)
def test_gradcheck_passes_on_what_is_right(program):
    leaves = [Value(x, f"x{i}") for i, x in enumerate(program.leaves)]
    before = [leaf.data for leaf in leaves]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # kinks: numbers are drawn so that ties happen
        assert gradcheck(lambda *v: run(program.steps, v, VALUES), leaves) is True
    assert [(leaf.data, leaf.grad) for leaf in leaves] == [(x, 0.0) for x in before]


WRONG = Op("wrong", MUL.value, lambda y, a, b: (a, a))


def test_gradcheck_raises_with_a_table_by_name():
    a, b = Value(2.0, "a"), Value(-3.0)
    with pytest.raises(GradcheckError, match="1 of 2 gradients disagree") as error:
        gradcheck(lambda a, b: Value.apply(WRONG, (a, b)), (a, b))
    assert [(name, verdict) for name, *_, verdict in error.value.table.rows] == [("a", "✗ wrong"), ("inputs[1]", "")]
    name, analytic, numeric, difference, _ = error.value.table.rows[0]
    assert (analytic, numeric, difference) == (2.0, pytest.approx(-3), pytest.approx(5))
    assert (a.data, b.data) == (2.0, -3.0)


@pytest.mark.parametrize("f, at, of", [
    (Value.relu, 0.0, "relu at 0"), (abs, 0.0, "abs at 0"), (lambda x: maximum(x, 1.0), 1.0, "max at 1, 1"),
    (lambda x: (x + 1e-7).relu() * 3, 0.0, "relu at 1e-07"),
    (lambda x: x * 2 if x > 0 else x, 0.0, "f, which takes another branch"),
    (lambda x: x.relu() + minimum(0.0, x), 0.0, "relu at 0"),                   # has slope 1, by rules that say 0
])
def test_kinks_are_flagged_not_failed(f, at, of):
    with pytest.warns(UserWarning, match=f"inputs\\[0\\]: a kink, of {of}"):
        assert gradcheck(f, [at])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(f, [at + 0.5])


def test_a_kink_does_not_excuse_a_slope_that_neither_side_has():
    steep = Op("steep", RELU.value, lambda y, x: (7.0 if x == 0 else float(x > 0),))
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: Value.apply(steep, (x,)), [0.0])


def test_gradcheck_of_a_whole_network_and_of_several_outputs():
    net = MLP(2, [3, 2], activation="tanh", seed=1)
    with nothing_changes(net):
        assert gradcheck(lambda *_: squared_error(net([0.5, -0.5]), [0.0, 1.0]), net.parameters())
    with pytest.raises(GradcheckError, match=r"outputs\[1\] by inputs\[0\]"):
        gradcheck(lambda a: [a * a, Value.apply(WRONG, (a, 5.0))], 2.0)
    assert gradcheck(lambda a: Value(1.0), [Value(3.0)])


def test_an_input_may_be_made_of_others_and_be_an_output_itself():
    a = Value(1.5)
    assert gradcheck(lambda b: [b, b.tanh()], [a * 2.0])


@given(st.floats(-1e15, 1e15), st.floats(-3, 3))
def test_a_right_gradient_passes_or_eps_is_too_small_for_the_number(x, slope):
    try:
        assert gradcheck(lambda a: a * slope, [x], eps=1e-3)
    except ValueError as error:
        assert "give a larger eps" in str(error) and abs(x) > 1e12


@pytest.mark.parametrize("inputs, options, error, told", [
    ([], {}, ValueError, "inputs must be at least one"), (None, {}, TypeError, "inputs must be a list"),
    ([1.0], {"eps": 0}, ValueError, "eps must be .* above 0"),
    ([1.0], {"atol": -1}, ValueError, "atol must be .* got -1"),
    ([1.0], {"rtol": math.nan}, ValueError, "rtol must be .* got nan"),
    (["1"], {}, TypeError, "a Value holds one real number"),
])
def test_what_gradcheck_refuses(inputs, options, error, told):
    with pytest.raises(error, match=told):
        gradcheck(lambda x: x * x, inputs, **options)


def test_gradcheck_refuses_functions_that_it_cannot_check():
    rng = random.Random(0)
    with pytest.raises(ValueError, match="returns other numbers when called again"):
        gradcheck(lambda x: x * rng.random(), [1.0])
    with pytest.raises(TypeError, match="must return a Value or a list of Values; got float"):
        gradcheck(lambda x: x.data, [1.0])
    x = Value(0.0)
    with pytest.raises(ValueError, match="log"):
        gradcheck(lambda x: (x + 1e-7).log(), [x])
    assert x.data == 0.0


# Health

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


# What is not finite

def test_the_first_operation_that_is_not_finite_is_named_with_its_operands():
    a, b = Value(1e200, "a"), Value(1e150, "b")
    assert first_not_finite((a * b) * 0.5 - 3) == "* of a=1e+200, b=1e+150 is inf"
    assert first_not_finite(a + b) == ""
    assert first_not_finite(a * b - a * b).startswith("* of a=1e+200")
    assert first_not_finite(Value(math.nan, "x").tanh()) == "x is nan"
    weights = [Value(1.0, f"w{i}") for i in range(20)]
    weights[7].data = 1e200
    told = first_not_finite(dot(weights, [1e200] * 20, 0.0))
    assert told == "dot of w7=1e+200, w0=1, w1=1, 1e+200, 1e+200, 1e+200 and 35 more is inf"
    assert "the gradient of a is inf: * adds upstream" in first_not_finite((Value(1e-300, "a") * 1e200) * 1e200 * 1e-50)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("lr, X, cost, told", [
    (1e30, [[1.0], [2.0]], lambda a, y: (a - y) * (a - y), r"the loss is inf\. .* in example [01]: \* of .* is inf"),
    (0.1, [[1.0], [math.nan]], squared_error, r"step 1: the loss is nan\. .* in example 1: x\[0\] is nan"),
    (1e200, [[1.0], [2.0]], lambda a, y: (a - y) * 1e200, "step 1: the step would make a parameter infinite or NaN"),
    (1.0, [[1.0], [2.0]], lambda a, y: (a - y) * 1e300 * 1e300, r"in example [01]: \* of .*1e\+300.* is -?inf"),
])
def test_training_that_meets_a_nan_or_an_infinity_names_the_first_cause(compiled, lr, X, cost, told):
    net = MLP(1, [1], seed=0)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=told):
        fit(net, X, [1.0, 1.0], cost, SGD(lr), epochs=20, compiled=compiled, progress=False)
    assert all(math.isfinite(p.data) for p in net.parameters())


def test_what_a_program_refuses_is_named_on_the_scalar_graph():
    net = MLP(1, [1], seed=0)
    net.layers[0].neurons[0].b.data = 9.0
    with pytest.raises(FloatingPointError, match=r"in line \d+ of the program: .* log of -.* has no value"):
        fit(net, [[1.0], [2.0]], [1.0, 1.0], lambda a, y: (a - y).log(), SGD(5.0), epochs=20, progress=False)


# How it is shown

class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


HOSTILE = ["<script>alert(1)</script>", "\"'&<b>", "a|b{}\\N", "two\nlines", "\x1b[31m", "é" * 10_000, "🙂"]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_text(label):
    a = Value(2.0, label)
    c = a * a
    c.label = label
    for told in (paths(c, a), ledger(c), ledger(c, order="naive")):
        reader = Reader()
        reader.feed(told._repr_html_())
        assert set(reader.tags) <= {"p", "b", "table", "tr", "th", "td", "div", "br"}
        assert "\x1b" not in str(told) and max(map(len, str(told).splitlines())) < 700
    if len(label) < 30 and label.isprintable():
        assert label in str(ledger(c)) and label in reader.text


def test_bars_grow_with_the_number_and_show_its_sign():
    table = Table("t", {"": "", "n": "+~"}, [("a", 2.0), ("b", -1.0), ("c", 0.0), ("d", math.nan), ("e", "")], bar="n")
    shown = table._repr_html_()
    assert f"width:120.0px;height:0.8em;background:{BLUE}" in shown
    assert f"width:60.0px;height:0.8em;background:{ORANGE}" in shown
    assert (BLUE, ORANGE) == (pictures.BLUE, pictures.ORANGE)
    assert "<div" not in Table("t", {"": ""}, [("a",)])._repr_html_()


def test_numbers_in_a_column_stand_under_one_another():
    lines = str(Table("t", {"n": "+~", "m": "~"}, [(1.0, 1234567.0), (-0.25, 2.5), (12.5, 0.0)])).splitlines()
    assert lines == ["t", "     n        m", " +1.00  1234567", " -0.25        2", "+12.50        0"]
    assert str(Table("t", {"n": "~"}, [(1e-9,), (0.0,)])).splitlines()[2:] == ["1.000e-09", "0.000e+00"]
    assert str(Table("t", {"n": "~"}, [])) == "t\nn"
    assert str(Table("only", {}, [], "a remark")) == "only\na remark"


def test_what_stands_above_and_below_a_table_is_wrapped_to_a_terminal():
    title, remark = " ".join(["title"] * 40), "one line\n" + " ".join(["remark"] * 40)
    lines = str(Table(title, {}, [], remark)).splitlines()
    assert max(map(len, lines)) <= 80 and " ".join(lines) == f"{title} {remark}".replace("\n", " ")
    assert "one line" in lines


def unwrapped(told):
    return " ".join(str(told).split())


def test_a_value_without_a_name_is_called_as_it_was_made():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    for value, name in (((a + b) * a, "(a + b) × a"), ((a * b).tanh(), "tanh(a × b)"), ((a - b) ** 2, "(a − b)²"),
                        (a ** -0.5, "a^-0.5")):
        assert names_of(value)[value] == name
    assert names_of((a * b + a) ** 2 * (a - b))[a] == "a"
    long = ((a * b + a) ** 2 * (a - b)).tanh()
    assert names_of(long)[long] == "tanh(n6:*)"


def test_every_explanation_shows_the_same_numbers_in_a_notebook():
    net = MLP(2, [2, 2], seed=1)
    X, Y = [[1.0, 2.0], [0.5, -1.0]], [[0.0, 1.0], [1.0, 0.0]]
    a = Value(2.0, "a")
    for told in (nudges(net, X, Y), sensitivities(net, X, Y), health(net, X), paths(a * a, a), ledger(a * a)):
        shown = html.unescape(told._repr_html_())
        for table in told.tables():
            for cell in (cell for row in table.cells() for cell in row):
                assert cell in shown and cell in str(told)
