"""A function that returns a cost and a list: one trace, the program of the cost, and the list as its outputs."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd2 import MLP, CompileError, Value, compile, cross_entropy, squared_error
from tests.programs import VALUES, programs, run


def shifted(steps, w, picked):
    """A random program of x, shifted by the parameters w: its result is the cost, numbers on the way are outputs."""
    def f(x):
        on_the_way = []

        def seen(number):
            on_the_way.append(number)
            return number

        cost = run(steps, [(a + b) * 0.5 for a, b in zip(w, x)], VALUES, seen)
        return cost, [on_the_way[k % len(on_the_way)] for k in picked]
    return f


@given(programs(30), st.lists(st.integers(0, 40), min_size=1, max_size=5), st.sampled_from(["float64", "float32"]))
@settings(deadline=None)
def test_a_pair_does_what_its_halves_do_alone(program, picked, dtype):
    leaves, steps = program
    w = [Value(number, f"w{i}") for i, number in enumerate(leaves)]
    f, X = shifted(steps, w, picked), np.random.default_rng(0).uniform(-2, 2, (4, len(leaves)))
    both = compile(f, w, X[0], dtype=dtype)
    cost, outputs = compile(lambda x: f(x)[0], w, X[0], dtype=dtype), compile(lambda x: f(x)[1], w, X[0], dtype=dtype)
    theta, tolerance = both.theta, {"float64": 1e-9, "float32": 1e-3}[dtype]
    (loss, gradient), (loss_alone, gradient_alone) = both(theta, X), cost(theta, X)
    assert both.is_cost and gradient.dtype == dtype
    np.testing.assert_allclose(loss, loss_alone, tolerance, tolerance)
    np.testing.assert_allclose(gradient, gradient_alone, tolerance, tolerance)
    assert both.outputs(theta, X).shape == (4, len(picked))
    np.testing.assert_allclose(both.outputs(theta, X), outputs(theta, X), tolerance, tolerance)


def digit_like(cost=squared_error):
    net = MLP(3, [4, 2], "tanh", seed=1)

    def f(x, y):
        outputs = net(x)
        return cost(outputs, y), outputs
    return net, f, [0.5, -1.0, 2.0], [0.0, 1.0]


X, Y = np.random.default_rng(1).normal(size=(5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]


@pytest.mark.parametrize("cost", [squared_error, cross_entropy])
def test_the_page_of_the_outputs_has_nothing_of_the_cost(cost):
    net, f, x, y = digit_like(cost)
    both, alone = compile(f, net.parameters(), x, y), compile(lambda x: net(x), net.parameters(), x)
    lines, lines_alone = both.outputs_source.splitlines(), alone.source.splitlines()
    assert [line for line in lines if line not in lines_alone] == ["def program(theta, x, y):"]
    assert both.source == compile(lambda x, y: f(x, y)[0], net.parameters(), x, y).source
    assert np.array_equal(both.outputs(both.theta, X, np.full((5, 2), np.nan)), alone(alone.theta, X))


def test_outputs_that_the_cost_does_not_read_are_outputs_all_the_same():
    a, b = Value(2.0, "a"), Value(-1.0, "b")
    program = compile(lambda x: (a * x[0], [x[1] * b, a, x[0], (b + x[1]).tanh()]), [a, b], [1.0, 2.0])
    loss, gradient = program([3.0, 0.5], [[1.0, 2.0], [4.0, -0.5]])
    assert (loss, gradient.tolist()) == (7.5, [2.5, 0.0]) and "tanh" not in program.source
    assert program.outputs([3.0, 0.5], [[1.0, 2.0], [4.0, -0.5]]) == pytest.approx(np.array(
        [[1.0, 3.0, 1.0, np.tanh(2.5)], [-0.25, 3.0, 4.0, 0.0]]))


def test_a_pair_that_looks_at_its_numbers_is_refused_for_either_half():
    w = Value(0.5, "w")
    for f in (lambda x: (w * x[0], [w if x[0].data > 0 else x[0]]),
              lambda x: (w * x[0] if x[0].data > 0 else w + x[0], [w])):
        with pytest.raises(CompileError, match="f does something else on other numbers"):
            compile(f, [w], [1.0])


@pytest.mark.parametrize("f, told", [
    (lambda w, x: (w * x[0], [w * x[0] if x[0].data < 300 else w - x[0]]), "the result"),
    (lambda w, x: (w * x[0] if x[0].data < 300 else w - x[0], [w * x[0]]), "the loss"),
    (lambda w, x: (w * x[0] if x[0].data < 300 else w.data * x[0], [w * x[0]]), "the gradient")])
def test_both_halves_are_held_to_the_scalar_graph(f, told):
    w = Value(0.5, "w")
    program = compile(lambda x: f(w, x), [w], [1.0])
    program.check([0.5], [[2.0]])
    with pytest.raises(CompileError, match=f"for example 1, {told}"):
        program.check([0.5], [[2.0], [400.0]])


@pytest.mark.parametrize("returned", [
    lambda w: (1.0, [w]), lambda w: ([w], [w]), lambda w: (w, [1.0]), lambda w: (w, "w"), lambda w: (w, [w], [w]),
    lambda w: (w, {"w": w}), lambda w: (w, None)])
def test_what_is_no_pair_is_refused(returned):
    w = Value(0.5, "w")
    with pytest.raises(CompileError, match="f must return one Value, or a list of Values"):
        compile(lambda x: returned(w * x[0]), [w], [1.0])


def test_two_values_are_a_list_as_ever():
    w = Value(0.5, "w")
    program = compile(lambda x: (w * x[0], w + x[0]), [w], [1.0])
    assert not program.is_cost and program([0.5], [[2.0]]).tolist() == [[1.0, 2.5]]


def test_a_pair_pickles():
    net, f, x, y = digit_like()
    program = compile(f, net.parameters(), x, y)
    twin = pickle.loads(pickle.dumps(program))
    assert np.array_equal(twin.outputs(program.theta, X, Y), program.outputs(program.theta, X, Y))
    assert twin(program.theta, X, Y)[0] == program(program.theta, X, Y)[0]
