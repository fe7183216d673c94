"""The truth of a Value is its number, so code that asks for it takes another way for other examples, and is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from micrograd2 import CompileError, Value, compile, squared_error

W = Value(2.0, "w")


@pytest.mark.parametrize("f", [
    lambda x: W if x[0] else -W, lambda x: W * 2 if not x[0] else W, lambda x: W * (x[0] or 1.0),
    lambda x: W * (x[0] and x[1]), lambda x: W * len(list(filter(None, x))), lambda x: W * any(x), lambda x: W * all(x),
    lambda x: W * bool(x[0]), lambda x: W * x[0] if W else x[0], lambda x: W * round(x[0], 2)])
@given(numbers=st.lists(st.floats(-2, 2), min_size=2, max_size=2))
@settings(max_examples=10)
def test_asking_whether_a_value_is_true_is_refused_like_a_comparison(f, numbers):
    with pytest.raises(CompileError, match="compares Values, or turns one into a plain number"):
        compile(f, [W], numbers)


@given(numbers=st.lists(st.floats(-2, 2), min_size=1, max_size=4))
def test_a_cost_that_is_0_on_its_example_is_a_cost(numbers):
    w = [Value(x, f"w{i}") for i, x in enumerate(numbers)]

    def f(x, y):
        outputs = [p * v for p, v in zip(w, x)]
        return squared_error(outputs, y), outputs

    x = [1.0] * len(w)
    program = compile(f, w, x, numbers)
    loss, gradient = program(program.theta, [x, x], [numbers, [y - 1.0 for y in numbers]])
    assert (loss, gradient.tolist()) == (pytest.approx(len(w) / 2), pytest.approx([1.0] * len(w)))
    assert program.outputs(program.theta, [x], [numbers]).tolist() == [pytest.approx(numbers)]


@given(x=st.floats(-2, 2))
@settings(max_examples=10)
def test_an_operation_that_comes_to_0_is_named_where_it_reads_a_plain_number(x):
    with pytest.raises(CompileError, match="makes a plain number of its Values, .* and uses it in `-`.* softmax"):
        compile(lambda v: W * (v[0] - v[0].data).exp(), [W], [x])
