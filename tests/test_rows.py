"""Both tables, row by row: whatever reads a row gives the same numbers, and a new row needs nothing but itself."""

import json
import math

import numpy as np
import pytest

from micrograd2 import MLP, compile, draw, engine, explain, fit, gradient, play, squared_error
from micrograd2.contributions import grads_of
from micrograd2.engine import LEAF, Op, Power, Value, to_the
from micrograd2.nn import ACTIVATIONS, Neuron
from micrograd2.player.script import is_spelled

ROWS = [row for row in vars(engine).values() if isinstance(row, Op) and row is not LEAF]
ROWS += [to_the(p) for p in (2.0, 3.0, -1.5, 0.0, 1.0)]
ANY = {"sum": 3, "dot": 5, "logsumexp": 3}  # how many operands a row has that takes any number
POINTS = [0.37, 1.21, 0.83, 1.64, 0.55]     # where every row is defined and smooth; in another order, too


EVERYWHERE = {"sin", "cos", "tanh", "atan", "abs", "relu", "neg", "sigmoid", "softplus", "+", "-", "*", "sum", "dot"}


def operands(row):
    count = ANY.get(row.symbol) or row.local.__code__.co_argcount - 1
    backwards = [1.7 * x for x in POINTS[count - 1::-1]]
    return [POINTS[:count], [-x for x in backwards] if row.symbol in EVERYWHERE else backwards]


def slope(f, numbers, i, h=1e-5):
    """∂f/∂x of operand i by differences."""
    ends = [f(*(x + sign * h * (k == i) for k, x in enumerate(numbers))) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * h)


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_floats_values_and_second_derivatives(row):
    for numbers in operands(row):
        values = [Value(x) for x in numbers]
        y = Value.apply(row, values)
        assert y.data == row.value(*numbers) == row(*numbers)
        assert y.op is row and y.args == tuple(values)
        first = gradient(y, values)
        for i, value in enumerate(values):
            assert y.local_grads[i] == pytest.approx(slope(row.value, numbers, i), rel=1e-7, abs=1e-9)
            assert first[i].data == pytest.approx(y.local_grads[i], rel=1e-15)
            for k, second in enumerate(gradient(first[i], values)):
                by_differences = slope(lambda *xs: row.local(row.value(*xs), *xs)[i], numbers, k)
                assert second.data == pytest.approx(by_differences, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 2e-6)])
@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_compiled(row, dtype, tolerance):
    for numbers in operands(row):
        w = [Value(1.0 + 0.1 * i) for i in range(len(numbers))]
        program = compile(lambda x: Value.apply(row, [p * v for p, v in zip(w, x)]) * 1.5, w, numbers, dtype=dtype)
        assert row.numpy.split("(")[0] in program.source
        X = np.array([numbers, [x * 1.01 for x in numbers]])
        loss, found = program(program.theta, X)
        costs = [Value.apply(row, [p * v for p, v in zip(w, x)]) * 1.5 for x in X.tolist()]
        assert loss == pytest.approx(np.mean([cost.data for cost in costs]), rel=tolerance)
        expected = np.mean([[grads_of(cost)[p] for p in w] for cost in costs], axis=0)
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_drawn_played_and_told(row):
    values = [Value(x, f"v{i}") for i, x in enumerate(operands(row)[0])]
    y = Value.apply(row, values)
    y.backward()
    assert row.why.endswith(".") and row.sign
    assert is_spelled(row), f"{row} has no spelling in JavaScript, so no page can compute it"
    source = draw(y).source
    for v, local in zip(values, y.local_grads):
        assert f"∂C/∂{v.label} += upstream 1 × local {local:.4g} = {local:.4g}" in source
    assert json.dumps(row.why) in play(y).html
    told = explain.ledger(y)
    assert [entry.local for entry in told.entries] == list(y.local_grads) and str(told)


def test_only_powers_carry_an_exponent():
    assert [row.p for row in ROWS if isinstance(row, Power)] == [2.0, 3.0, -1.5, 0.0, 1.0]


# Activations: by name, and as the function that a user gives

OWN = {"a function": lambda z: z * z.sigmoid(), "a method": Value.atan}
KINDS = list(ACTIVATIONS) + list(OWN)
X = np.random.default_rng(1).standard_normal((6, 3))
Y = np.random.default_rng(2).random((6, 2))


def network(kind):
    return MLP(3, [4, 2], activation=OWN.get(kind, kind), output=OWN.get(kind, kind), seed=3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_activation_is_read_alike_by_everything(kind, tmp_path):
    net = network(kind)
    cost = squared_error(net(X[0]), Y[0])
    exact = grads_of(cost)
    program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
    assert program(program.theta, X[:1], Y[:1])[1] == pytest.approx([exact[p] for p in net.parameters()], rel=1e-11)
    told = explain.nudges(net, X[0], Y[0])
    for layer, row in zip(told.layers, net.layers):
        for found, neuron in zip(layer.neurons, row.neurons):
            assert found.bias == -exact[neuron.b] and found.weights == [0.0 - exact[w] for w in neuron.w]
            assert found.delta == pytest.approx(-found.nudge * found.slope, rel=1e-12)
    z = Value(0.7)
    f = OWN.get(kind) or ACTIVATIONS[kind]
    assert grads_of(f(z)).get(z, 0.0) == pytest.approx(slope(lambda x: f(Value(x)).data, [0.7], 0), rel=1e-8)
    assert set(explain.health(net, X).problems.values()) <= ({"dead"} if kind == "relu" else set())
    assert "weights" in draw(net, X[0], Y[0]).source and "<html" in play(net, X, Y).html
    history = fit(net, X, Y, epochs=3, progress=False)
    scalar = network(kind)
    assert history.loss == pytest.approx(fit(scalar, X, Y, epochs=3, progress=False, compiled=False).loss, rel=1e-12)
    path = tmp_path / "net.json"
    if kind in ACTIVATIONS:
        net.save(path)
        assert [p.data for p in MLP.load(path).parameters()] == [p.data for p in net.parameters()]
        assert repr(MLP.load(path)) == repr(net)
    else:
        with pytest.raises(ValueError, match="a function as its activation"):
            net.save(path)
        assert not path.exists() and "activation=" in repr(net)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_keep_their_values_and_slopes_at_the_ends(kind):
    for x in (-1000.0, -40.0, 40.0, 1000.0):
        z = Value(x)
        a = ACTIVATIONS[kind](z)
        assert math.isfinite(a.data) and math.isfinite(grads_of(a).get(z, 0.0))


@pytest.mark.parametrize("wrong", [None, 3, "swish", Value, MLP, ["relu"], Value(1.0)], ids=repr)
def test_what_is_no_activation_is_told(wrong):
    with pytest.raises(ValueError, match="unknown activation .*; known: linear, relu"):
        Neuron(2, wrong)
