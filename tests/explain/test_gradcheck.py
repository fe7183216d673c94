"""Gradcheck: what is right passes, what is wrong is shown in a table, what has no derivative is flagged."""

import math
import random
import warnings

import pytest
from hypothesis import given, settings, strategies as st

from micrograd2.costs import squared_error
from micrograd2.engine import MUL, RELU, Op, Value, maximum, minimum
from micrograd2.explain import GradcheckError, gradcheck
from micrograd2.nn import MLP
from tests.programs import VALUES, programs, run
from tests.explain.jobs import nothing_changes


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
