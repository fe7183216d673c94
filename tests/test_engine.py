"""The engine: random programs against an oracle and finite differences, and the behaviour table, row by row."""

from __future__ import annotations

import copy
import gc
import math
import operator
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from micrograd2 import MLP, engine
from micrograd2.contributions import flow, grads_of
from micrograd2.engine import Value, dot, gradient, logsumexp, maximum, minimum, on_sight, parts, to_the
from micrograd2.engine import topological_order, total
from tests.programs import DUALS, FLOATS, RECIPES, VALUES, Dual, Program, dual, on_a_knife_edge, programs, record, run

ROOT = Path(engine.__file__).parents[1]
NAN, INF = math.nan, math.inf
NASTY = [NAN, INF, -INF, 0.0, -0.0, 1.5, -1.5, 5e-324, 1e308]


def close(x: float, rel: float = 1e-9, abs: float = 1e-10) -> Any:
    """Equal up to rounding; a NaN equals a NaN."""
    return pytest.approx(x, rel=rel, abs=abs, nan_ok=True)


def leaves_of(program: Program) -> list[Value]:
    return [Value(x, f"x{i}") for i, x in enumerate(program.leaves)]


def local_grads(result: Value) -> tuple[float, ...]:
    return result.local_grads


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Finite differences

def probe(program: Program, leaf: int = 0, shift: float = 0.0) -> tuple[np.ndarray, list]:
    """The result and its gradient when a leaf is shifted, and which way every kink has gone."""
    leaves = leaves_of(program)
    leaves[leaf].data += shift
    result = run(program.steps, leaves, VALUES)
    result.backward()
    kinks = [v.local_grads for v in topological_order(result) if v._op in ("relu", "abs", "max", "min")]
    return np.array([result.data, *(v.grad for v in leaves)]), kinks


def differences(program: Program, leaf: int, h: float = 5e-4) -> tuple[np.ndarray, np.ndarray] | None:
    """The slopes of all that `probe` measures, and a bound on their error; None if a kink is near."""
    points = {n: probe(program, leaf, n * h) for n in (-2, -1, 0, 1, 2)}
    if any(kinks != points[0][1] for _, kinks in points.values()):
        return None
    coarse, fine = (points[2][0] - points[-2][0]) / (4 * h), (points[1][0] - points[-1][0]) / (2 * h)
    return (4 * fine - coarse) / 3, abs(fine - coarse) + 1e-8 * (1 + abs(fine))


# Random programs

def test_recipes_use_every_operation_that_a_user_can_reach():
    used = {v._op for recipe in RECIPES.values() for v in topological_order(recipe(VALUES, [Value(0.5)] * 2, 1.5))}
    table = {row.symbol for row in vars(engine).values() if isinstance(row, engine.Op)}
    assert table - used == {"sign", "<"} and {"**2", "**3", "**-1", "**1.5"} <= used


@given(programs())
@settings(deadline=None)
def test_programs_stay_between_minus_two_and_two(program):
    seen: list[float] = []
    run(program.steps, program.leaves, FLOATS, each=lambda x: seen.append(x) or x)
    assert all(abs(x) <= 2 + 1e-9 for x in seen)


@given(programs())
@settings(deadline=None)
def test_value_and_every_gradient_equal_the_oracle(program):
    made: list[Value] = []
    seeds: list[Dual] = []

    def seeded(x: Any) -> Dual:
        seeds.append(Dual(dual(x).value, {**dual(x).slopes, len(seeds): 1.0}))
        return seeds[-1]

    result = run(program.steps, leaves_of(program), VALUES, each=lambda v: made.append(v) or v)
    expected = run(program.steps, program.leaves, DUALS, each=seeded)
    result.backward()
    assert result.data == close(expected.value) == close(run(program.steps, program.leaves, FLOATS))
    assert [v.data for v in made] == close([x.value for x in seeds])
    assume(not on_a_knife_edge([result]))  # where the other rounding takes the other slope
    assert [v.grad for v in made] == close([expected.slopes.get(i, 0.0) for i in range(len(made))])


@given(programs())
@settings(deadline=None)
def test_gradients_equal_finite_differences(program):
    grads = probe(program)[0][1:]
    for leaf, grad in enumerate(grads):
        if measured := differences(program, leaf):
            slopes, error = measured
            assert abs(grad - slopes[0]) <= error[0]


@given(programs())
@settings(deadline=None)
def test_gradient_equals_backward_and_writes_nothing(program):
    made: list[Value] = []
    result = run(program.steps, leaves_of(program), VALUES, each=lambda v: made.append(v) or v)
    before = record(result)
    grads = gradient(result, made)
    assert record(result) == before
    result.backward()
    assert [g.data for g in grads] == close([v.grad for v in made])


@given(programs(longest=12))
@settings(deadline=None)
def test_second_derivatives_equal_differences_of_the_first_and_are_symmetric(program):
    leaves = leaves_of(program)
    first = gradient(run(program.steps, leaves, VALUES), leaves)
    hessian = np.array([[h.data for h in gradient(g, leaves)] for g in first])
    assert hessian == close(hessian.T)
    for leaf in range(len(leaves)):
        if measured := differences(program, leaf):
            slopes, error = measured
            assert (abs(hessian[:, leaf] - slopes[1:]) <= error[1:]).all()


def test_third_derivatives():
    x, y = Value(0.7, "x"), Value(-1.2, "y")

    def along(output: Value, *path: Value) -> float:
        for v in path:
            (output,) = gradient(output, [v])
        return output.data

    p, t = x.data * y.data, math.tanh(x.data)
    assert along((x * y).exp(), x, y, x) == close((2 * y.data + p * y.data) * math.exp(p))
    assert along(x.tanh(), x, x, x) == close((6 * t * t - 2) * (1 - t * t))
    assert along(x ** 3 * y, x, x, x) == close(6 * y.data) and along(x ** 3, x, x, x, x) == 0.0
    assert along(x ** y, x, x, x) == close(y.data * (y.data - 1) * (y.data - 2) * x.data ** (y.data - 3))
    assert along(dot([x, y], [y, x], x) * x, x, y, x) == 4.0


# The forms written out for speed agree with their rows

@pytest.mark.parametrize("a", NASTY)
@pytest.mark.parametrize("b", NASTY)
def test_inlined_forms_agree_with_their_rows(a, b):
    v, w = Value(a), Value(b)
    for inlined, row in [(v + w, engine.ADD), (v * w, engine.MUL), (v.relu(), engine.RELU),
                         (v + b, engine.ADD), (a * w, engine.MUL), (a + w, engine.ADD)]:
        numbers = [arg.data for arg in inlined.args]
        value = row.value(*numbers)
        assert (inlined.op, repr(inlined.data)) == (row, repr(value))
        assert [repr(g) for g in inlined.local_grads] == [repr(g) for g in row.local(value, *numbers)]


@given(st.lists(st.tuples(*[st.sampled_from(NASTY) | st.floats()] * 2), max_size=5), st.floats())
def test_dot_agrees_with_its_row(pairs, bias):
    z = dot([w for w, _ in pairs], [x for _, x in pairs], bias)
    numbers = [*(w for w, _ in pairs), *(x for _, x in pairs), bias]
    assert repr([arg.data for arg in z.args]) == repr(numbers)
    assert (z.op, repr(z.data)) == (engine.DOT, repr(engine.DOT.value(*numbers)))
    assert repr(z.local_grads) == repr(engine.DOT.local(z.data, *numbers))


# Accumulation, order, and numbers that change

def test_leaves_accumulate_and_interior_values_start_anew():
    a = Value(3.0)
    c = a * 2
    d = c * c
    for times in (1, 2, 3):
        d.backward()
        assert (a.grad, c.grad, d.grad) == (24.0 * times, 12.0, 1.0)
    assert [(step.upstream, step.total) for step in flow(c)] == [(1.0, 2.0), (1.0, 3.0)]
    c.backward()
    assert (a.grad, c.grad) == (74.0, 1.0)


@given(programs())
@settings(deadline=None)
def test_a_second_backward_adds_exactly_once_more_to_the_leaves(program):
    leaves = leaves_of(program)
    result = run(program.steps, leaves, VALUES)
    result.backward()
    once = [v.grad for v in leaves]
    inside = [v.grad for v in topological_order(result) if v.args]
    result.backward()
    assert [v.grad for v in leaves] == close([2 * g for g in once])
    assert [v.grad for v in topological_order(result) if v.args] == inside


def test_a_leaf_is_its_own_result():
    a, b = Value(2.0), Value(3.0)
    a.backward()
    a.backward()
    assert a.grad == 2.0 and list(flow(a)) == [] and topological_order(a) == [a]
    assert [g.data for g in gradient(a, [a, b, a])] == [1.0, 0.0, 1.0]


def test_a_value_used_twice_is_two_operands():
    a = Value(3.0, "a")
    b = a + a
    c = b + b
    assert b.args == (a, a) and b.local_grads == (1.0, 1.0)
    assert topological_order(c) == [a, b, c]
    c.backward()
    assert (a.grad, b.grad) == (4.0, 2.0)


@given(programs())
@settings(deadline=None)
def test_order_is_complete_operands_first_and_always_the_same(program):
    result = run(program.steps, leaves_of(program), VALUES)
    order = topological_order(result)
    place = {v: i for i, v in enumerate(order)}
    assert order == topological_order(result) and len(place) == len(order) and order[-1] is result
    assert all(place[operand] < place[v] for v in order for operand in v.args)
    assert all(any(v in later.args for later in order) for v in order[:-1])
    again = topological_order(run(program.steps, leaves_of(program), VALUES))
    assert [v._op for v in again] == [v._op for v in order]


def test_gradients_belong_to_the_forward_pass_that_was_made():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    e = c.exp()
    a.data, c.data = 100.0, -5.0
    e.backward()
    assert (a.grad, b.grad) == (close(3 * math.exp(6)), close(2 * math.exp(6)))
    with pytest.raises(RuntimeError, match=r"exp was 403.42.* and is now 0.0067"):
        gradient(e, [b])
    with pytest.raises(RuntimeError, match=r"\* was 2.0 and is now 100.0"):
        gradient(c, [b])


def test_gradient_refuses_numbers_that_no_longer_fit():
    for f in (lambda x: x * x, lambda x: x ** 3, Value.sin, Value.log, abs, lambda x: maximum(x, 0.5),
              lambda x: dot([x], [x], 0)):
        x = Value(0.7)
        y = f(x)
        x.data = -2.0
        with pytest.raises(RuntimeError, match="changed after the forward pass"):
            gradient(y, [x])
    for f in (Value.exp, Value.tanh, Value.sigmoid, Value.sqrt, Value.relu, lambda x: logsumexp([x, 1])):
        y = f(Value(0.7))
        y.data = -1.0
        with pytest.raises(RuntimeError, match=y._op):
            gradient(y * 3, y.args)


CHANGES = {  # the captured derivative fits the changed number, too
    "odd": lambda x: x ** 3, "sum": lambda x: x + 1, "difference": lambda x: 1 - x,
    "negation": lambda x: -x, "total": lambda x: total([x, 2.0]), "product with 0": lambda x: dot([x], [1.0], 0.5),
}


@pytest.mark.parametrize("name", CHANGES)
def test_gradient_refuses_a_changed_number_though_its_derivative_fits(name):
    x = Value(2.0)
    y = CHANGES[name](x)
    x.data = -2.0
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        gradient(y * 1.0, [x])


def test_gradient_refuses_numbers_with_which_the_operation_cannot_be_done():
    x = Value(2.0)
    y = x.log()
    x.data = -2.0
    with pytest.raises(RuntimeError, match="log"):
        gradient(y, [x])


def test_gradient_does_not_mind_changes_elsewhere():
    a, w = Value(2.0), Value(3.0)
    square = w * w
    y = a * 2 + square
    w.data = 50.0
    assert gradient(y, [a])[0].data == 2.0 and gradient(square, [a])[0].data == 0.0
    with pytest.raises(RuntimeError):
        gradient(y, [w])


# Plain numbers and exponents

def test_plain_numbers_become_unlabelled_leaves():
    v = Value(3.0, "v")
    for result, numbers in [(v + 2, (3, 2)), (2 + v, (2, 3)), (v - 2, (3, 2)), (2 - v, (2, 3)), (v * 2, (3, 2)),
                            (2 * v, (2, 3)), (v / 2, (3, 2)), (2 / v, (2, 3)), (2 ** v, (2, 3)),
                            (maximum(2, v), (2, 3)), (minimum(v, 2), (3, 2)), (total([2, v]), (2, 3)),
                            (logsumexp([v, 2]), (3, 2)), (dot([v], [2], 1), (3, 2, 1))]:
        assert tuple(arg.data for arg in result.args) == numbers
        assert all(arg is v or (arg.label, arg._op, arg.args) == ("", "", ()) for arg in result.args)
    assert (2 ** v).data == 8.0 and sum([v, v]).data == 6.0 and total([]).data == 0.0


def test_minus_is_an_operation_of_its_own():
    a, b = Value(5.0), Value(3.0)
    assert ((a - b)._op, (a - b)._prev, (a - b).local_grads) == ("-", (a, b), (1.0, -1.0))
    assert ((-a)._op, (-a)._prev, (-a).local_grads) == ("neg", (a,), (-1.0,))


def test_powers():
    x, y = Value(3.0, "x"), Value(2.0, "y")
    assert ((x ** 2).args, (x ** 2)._op, local_grads(x ** 2)) == ((x,), "**2", (6.0,))
    assert ((x ** y).args, (x ** y)._op, local_grads(x ** y)) == ((x, y), "**", (6.0, close(9 * math.log(3))))
    assert ((2 ** x).data, local_grads(2 ** x)) == (8.0, (12.0, close(8 * math.log(2))))
    assert float((x ** (1 / 3))._op[2:]) == 1 / 3
    assert (Value(-2.0) ** 3).data == -8.0 and local_grads(Value(-2.0) ** -1) == (-0.25,)
    for base in (0.0, -2.0, 5.0):
        assert ((Value(base) ** 0).data, local_grads(Value(base) ** 0)) == (1.0, (0.0,))
        assert ((Value(base) ** 1).data, local_grads(Value(base) ** 1)) == (base, (1.0,))


# Numbers at the edges

def test_kinks():
    a, b = Value(2.0), Value(2.0)
    for zero in (0.0, -0.0):
        assert local_grads(Value(zero).relu()) == local_grads(abs(Value(zero))) == (0.0,)
    for tie in (maximum, minimum):
        assert tie(a, b).local_grads == (1.0, 0.0)
        assert [g.data for g in gradient(tie(a, b), [a, b])] == [1.0, 0.0]
        assert gradient(tie(a, a), [a])[0].data == 1.0
        assert str(tie(0.0, -0.0).data) == "0.0" and str(tie(-0.0, 0.0).data) == "-0.0"
    assert gradient(gradient(a.relu() + abs(b), [a])[0], [a])[0].data == 0.0


@pytest.mark.parametrize("f, data, grads", [
    (lambda v: v[0].sigmoid(), 1.0, (0.0,)), (lambda v: v[1].sigmoid(), 0.0, (0.0,)),
    (lambda v: v[0].tanh(), 1.0, (0.0,)), (lambda v: v[1].tanh(), -1.0, (0.0,)),
    (logsumexp, 1000.0, (1.0, 0.0)), (lambda v: logsumexp(v[::-1]), 1000.0, (0.0, 1.0)),
    (lambda v: logsumexp([v[0], v[0]]), 1000 + math.log(2), (0.5, 0.5)),
    (lambda v: logsumexp([v[1], v[1]]), -1000 + math.log(2), (0.5, 0.5)),
    (lambda v: logsumexp([v[1]]), -1000.0, (1.0,)), (lambda v: v[1].exp(), 0.0, (0.0,))])
def test_a_thousand_is_not_too_large(f, data, grads):
    v = [Value(1000.0), Value(-1000.0)]
    assert (f(v).data, f(v).local_grads) == (close(data, rel=1e-15), close(grads, abs=1e-12))
    for slope in gradient(f(v), v):
        assert all(g.data == close(0.0) for g in gradient(slope, v))


@pytest.mark.parametrize("f", [
    Value.relu, abs, Value.sigmoid, Value.tanh, Value.exp, Value.log, Value.sqrt, Value.sin, Value.cos,
    lambda x: maximum(x, 1), lambda x: maximum(1, x), lambda x: minimum(x, 1), lambda x: minimum(1, x),
    lambda x: logsumexp([x, 1]), lambda x: logsumexp([1, x, 2]), lambda x: x ** 2, lambda x: 2 / x, lambda x: x ** x])
def test_nan_is_never_hidden(f):
    x = Value(NAN)
    y = f(x)
    y.backward()
    assert math.isnan(y.data) and math.isnan(x.grad) and math.isnan(gradient(y, [x])[0].data)
    assert all(math.isnan(z.data) for z in (x + 1, 1 - x, x * 0, x / 2, total([1, x]), dot([0], [x], 0)))


# What is refused

@pytest.mark.parametrize("f, named", [
    (lambda v: v["zero"].log(), "log of zero=0.0"),
    (lambda v: v["minus"].log(), "log of minus=-8.0"),
    (lambda v: 1 / v["zero"], "/ of 1.0, zero=0.0"),
    (lambda v: v["minus"] / v["zero"], "/ of minus=-8.0, zero=0.0"),
    (lambda v: v["big"] / 0, "/ of big=1000.0, 0.0"),
    (lambda v: v["minus"] ** (1 / 3), "**0.333"),
    (lambda v: v["minus"] ** 0.25, "**0.25 of minus=-8.0"),
    (lambda v: v["zero"] ** -1, "**-1 of zero=0.0"),
    (lambda v: v["zero"] ** 0.5, "**0.5 of zero=0.0 has no derivative"),
    (lambda v: v["zero"] ** v["big"], "** of zero=0.0, big=1000.0 has no derivative"),
    (lambda v: v["minus"] ** Value(2), "** of minus=-8.0, 2.0 has no derivative"),
    (lambda v: 0 ** v["big"], "** of 0.0, big=1000.0 has no derivative"),
    (lambda v: (-2) ** v["big"], "** of -2.0, big=1000.0"),
    (lambda v: v["big"] ** 1000, "**1000 of big=1000.0"),
    (lambda v: v["big"].exp(), "exp of big=1000.0"),
    (lambda v: (v["zero"] + 1000).exp(), "exp of 1000.0"),
    (lambda v: v["zero"].sqrt(), "sqrt of zero=0.0 has no derivative"),
    (lambda v: v["minus"].sqrt(), "sqrt of minus=-8.0"),
    (lambda v: Value(INF, "inf").sin(), "sin of inf=inf")])
def test_errors_of_arithmetic_name_the_operation_the_labels_and_the_numbers(f, named):
    v = {name: Value(x, name) for name, x in [("zero", 0.0), ("minus", -8.0), ("big", 1000.0)]}
    with pytest.raises((ArithmeticError, ValueError)) as caught:
        f(v)
    assert str(caught.value).startswith(named)


BAD = [("3", "'3' (str)"), (None, "None"), (1j, "1j (complex)"), ([1.0], "[1.0] (list)"), (np.complex128(1), ""),
       (np.array([1.0, 2.0]), "an array of shape (2,)"), (np.array([3.0]), "an array of shape (1,)"),
       (np.array(1j), "1j (complex)"), (np.array("3"), "'3' (str)")]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt, operator.le,
             operator.gt, operator.ge, maximum, minimum, lambda a, b: total([a, b]), lambda a, b: logsumexp([a, b]),
             lambda a, b: dot([a], [b], 0), lambda a, b: dot([1], [a], Value(b) if b is None else b)]


@pytest.mark.parametrize("bad, described", [
    *BAD, (Value(3), "another Value, Value(data=3.0, grad=0.0)"), (np.ma.masked, "an array of shape ()")])
def test_a_value_holds_one_real_number(bad, described):
    with pytest.raises(TypeError) as caught:
        Value(bad)
    assert "a Value holds one real number; got" in str(caught.value) and described in str(caught.value)


@pytest.mark.parametrize("bad, described", BAD)
@pytest.mark.parametrize("f", OPERATORS)
def test_operands_are_real_numbers(f, bad, described):
    for operands in [(Value(2), bad), (bad, Value(2))]:
        with pytest.raises(TypeError, match="a Value holds one real number; got"):
            f(*operands)


@pytest.mark.parametrize("f", OPERATORS)
@pytest.mark.parametrize("two", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.uint8(2), np.array(2.0),
                                 np.array(2), Fraction(2)])
def test_real_numbers_of_every_kind_are_stored_as_floats(f, two):
    assert type(Value(two).data) is float and type(Value(True).data) is float
    for result, expected in [(f(two, Value(3)), f(2.0, Value(3))), (f(Value(3), two), f(Value(3), 2.0))]:
        assert type(result) is type(expected) and float(result) == float(expected)
        if isinstance(result, Value):
            assert all(type(x) is float for x in [result.data, *result.local_grads, *(a.data for a in result.args)])


@pytest.mark.parametrize("two", [2 + 0j, np.complex64(2), Decimal(2)])
def test_an_exponent_that_only_equals_a_number_is_refused_though_there_is_a_row_for_it(two):
    assert (Value(3.0) ** 2).data == 9.0
    with pytest.raises(TypeError, match="a Value holds one real number; got"):
        Value(3.0) ** two


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="got 2 weights and 1 inputs"):
        dot([1, 2], [Value(1)], 0)
    with pytest.raises(ValueError, match="at least one"):
        logsumexp([])
    for output, inputs in [(3.0, [Value(1)]), (Value(1), [2.0])]:
        with pytest.raises(TypeError, match="gradient takes a Value and a list of Values; got"):
            gradient(output, inputs)


@given(programs(longest=9), st.data())
def test_an_array_that_was_put_into_a_value_is_refused_before_anything_is_written(program, data):
    leaves = leaves_of(program)
    read = topological_order(run(program.steps, leaves, VALUES))
    leaf = data.draw(st.sampled_from([leaf for leaf in leaves if leaf in read]))
    leaf.data = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=2, max_size=3)))
    with pytest.raises((TypeError, ValueError)) as caught:
        root = run(program.steps, leaves, VALUES)
        for refused in (lambda: gradient(root, leaves), root.backward):
            with pytest.raises(TypeError, match="a Value holds one real number; got an array of shape") as caught:
                refused()
        raise caught.value
    assert caught.value and all(leaf.grad == 0.0 for leaf in leaves)


@pytest.mark.parametrize("x", [[Value(1.0)], [1.0, 2.0], (Value(1.0),), [Value(0.1)] * 784])
def test_a_list_in_place_of_a_number_is_told_to_be_taken_apart_in_few_words(x):
    for read in (lambda: Value(2.0) * x, lambda: x * Value(2.0), lambda: dot([Value(1.0)], [x], 0.0)):
        with pytest.raises(TypeError, match=r"take one of it, as in x\[0\], or one after the other") as caught:
            read()
        assert len(str(caught.value)) < 200


# A Value among other Python objects

def test_comparisons_look_at_the_number_and_equality_at_the_object():
    a, b, c = Value(1.0), Value(2.0), Value(2.0)
    for low, high in [(a, b), (1, b), (a, 2), (np.float64(1), b)]:
        assert low < high and low <= high and high > low and high >= low
        assert not (high < low or high <= low or low > high or low >= high)
    assert b <= c and b >= c and not (b < c or b > c)
    assert b == b and b != c and b != 2.0 and len({b, c, b}) == 2 and {b: "b", c: "c"}[c] == "c"
    assert max([a, b]) is b and sorted([b, a]) == [a, b]
    assert not any(compare(Value(NAN), 1) for compare in (operator.lt, operator.le, operator.gt, operator.ge))


@given(st.floats() | st.sampled_from(NASTY))
def test_a_value_is_as_true_as_its_number_and_is_rounded_and_signed_like_it(x):
    v = Value(x, "v")
    assert bool(v) is bool(x) and (not v) is (not x)
    assert +v is v
    assert repr(round(v, 2)) == repr(round(x, 2)) and type(round(v, 2)) is float
    if math.isfinite(x):
        assert round(v) == round(x) and type(round(v)) is int


def test_float_format_repr_and_the_names_of_micrograd():
    v = Value(2.5, "v")
    y = v * 2
    y.backward()
    assert repr(v) == str(v) == f"{v}" == "Value(data=2.5, grad=2.0, label='v')"
    assert repr(y) == str(y) == f"{y}" == "Value(data=5.0, grad=1.0)"
    assert (float(v), f"{v:.3f}", math.sqrt(Value(9))) == (2.5, "2.500", 3.0)
    assert (y._prev, y._op, v._prev, v._op) == (y.args, "*", (), "")
    for name in ("_prev", "_op"):
        with pytest.raises(AttributeError):
            setattr(v, name, None)


# Large graphs, and what they leave behind

def values_alive() -> int:
    return sum(type(thing) is Value for thing in gc.get_objects())


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def everything_done_to_a_graph() -> None:
    x = Value(0.5, "x")
    loss = total([dot([x, 2], [x, 3], x).tanh(), x.relu(), maximum(x, 1), x ** 2]) / 3
    loss.backward()
    for _ in flow(loss):
        gradient(gradient(loss, [x])[0], [x])
    next(flow(loss))
    copy.deepcopy([copy.copy(loss), topological_order(loss)])
    try:
        (loss - loss).log()
    except ValueError:
        pass


def test_a_dropped_graph_is_freed_without_the_collector(no_collector):
    before = values_alive()
    everything_done_to_a_graph()
    assert values_alive() == before
    assert gc.collect() == 0


def test_sums_of_a_hundred_thousand_terms():
    x = Value(1.0)
    for result in (sum([x] * 100_000), total([x] * 100_000), dot([x] * 100_000, [1] * 100_000, 0)):
        x.grad = 0.0
        result.backward()
        assert result.data == x.grad == 100_000


def test_a_long_chain_can_be_copied_replayed_and_differentiated_again():
    x = y = Value(0.9)
    for _ in range(30_000):
        y = y * 1
    assert len(topological_order(copy.deepcopy(y))) == 60_001
    assert sum(1 for _ in flow(y)) == 60_000
    (slope,) = gradient(y * y, [x])
    assert gradient(slope, [x])[0].data == 2.0


def test_a_chain_of_a_million_values_at_the_default_recursion_limit():
    assert python("""
import gc, sys
from micrograd2.engine import Value, topological_order
assert sys.getrecursionlimit() <= 1000
x = y = Value(1.0)
for _ in range(999_999):
    y = y + x
y.backward()
print(int(y.data), int(x.grad), len(topological_order(y)))
del y
print(sum(type(thing) is Value for thing in gc.get_objects()))
""").split() == ["1000000", "1000000", "1000000", "1"]


# The outside world

def test_the_example_of_micrograds_readme():
    a, b = Value(-4.0), Value(2.0)
    c, d = a + b, a * b + b ** 3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    f = (c - d) ** 2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [f"{x:.4f}" for x in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]


def test_the_engine_alone_needs_nothing_but_the_standard_library():
    assert python(f"""
import importlib.util, sys
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("engine", {str(engine.__file__)!r})
sys.modules["engine"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.Value(2.0) * 3)
print(sorted({{name.split(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names)))
""").split("\n")[:2] == ["Value(data=6.0, grad=0.0)", "['engine']"]


# Code that looks at numbers

def test_numpys_scalars_and_functions_meet_values():
    v = Value(2.0, "v")
    assert (np.float64(3) * v).data == 6.0 and (np.float32(3) - v).data == 1.0 and (np.array(3.0) / v).data == 1.5
    assert np.float64(3) > v and not np.float64(1) >= v
    for name in ("exp", "log", "tanh", "sqrt", "sin"):
        with pytest.raises(TypeError, match=rf"write v\.{name}\(\)"):
            getattr(np, name)(v)
    for wrong in (lambda: np.maximum(v, 1.0), lambda: np.add(v, 1.0, out=np.zeros(1)), lambda: np.add.outer(v, v)):
        with pytest.raises(TypeError, match="arithmetic with Values"):
            wrong()


def test_refusing_to_be_seen_is_a_matter_of_one_thread():
    def refuse():
        raise LookupError("not here")

    a, b = Value(1.0), Value(2.0)
    token = on_sight.set(refuse)
    try:
        for look in (lambda: a < b, lambda: a >= 1.0, lambda: 1.0 > a, lambda: float(a)):
            with pytest.raises(LookupError):
                look()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: a < b and float(a) == 1.0).result()
    finally:
        on_sight.reset(token)
    assert a < b


# What is given wrongly

@pytest.mark.parametrize("wrong, told", [
    (lambda v, net: total(v), "values must be a list"), (lambda v, net: logsumexp(v), "values must be a list"),
    (lambda v, net: dot(v, [v], 0), "weights must be a list"),
    (lambda v, net: dot([v], 3.0, 0), "inputs must be a list"),
    (lambda v, net: total("abc"), "got 'abc'"), (lambda v, net: gradient(v, v), "inputs must be a list"),
    (lambda v, net: gradient(v, net), r"say inputs\.parameters\(\)"),
    (lambda v, net: Value(1.0, 3), "a label is text; got 3"),
    (lambda v, net: Value(1.0, None), "a label is text"), (lambda v, net: gradient(3.0, [v]), "got 3.0"),
    (lambda v, net: gradient(v, [3.0]), "got 3.0")])
def test_what_was_given_and_what_was_expected_is_told(wrong, told):
    with pytest.raises(TypeError, match=told):
        wrong(Value(1.0), MLP(1, [1]))


def test_logsumexp_of_infinities():
    assert logsumexp([math.inf, 0.0]).data == math.inf == logsumexp([math.inf, math.inf]).data
    assert logsumexp([math.inf, -math.inf]).data == math.inf
    assert logsumexp([-math.inf, 2.0]).data == 2.0 and logsumexp([-math.inf]).data == -math.inf
    assert math.isnan(logsumexp([math.nan, math.inf]).data) and math.isnan(logsumexp([math.inf, math.nan]).data)


# The record, however it is stored

@given(programs())
@settings(max_examples=20)
def test_every_way_of_making_a_node_is_its_row(program):
    """What is written out for speed has the value and the local derivatives of its row, to the last bit."""
    result = run(program.steps, [Value(x) for x in program.leaves], VALUES)
    for node in topological_order(result):
        if node.args:
            twin = Value.apply(node.op, node.args)
            assert (repr(twin.data), repr(twin.local_grads)) == (repr(node.data), repr(node.local_grads)), node.op
            assert twin.args == node.args


@pytest.mark.parametrize("x", [2.0, -2.0, 0.5, 1e-300, 1e300, 0.0, -0.0, 3, NAN, INF, -INF])
@pytest.mark.parametrize("p", [2, 2.0, 3, -1, -1.0, 0.5, -0.5, 1.5, 0, 0.0, 1, True, np.float64(2), Fraction(1, 2), 99])
def test_a_power_written_out_is_its_row(x, p):
    made = []
    for power in (lambda: Value(x) ** p, lambda: Value.apply(to_the(float(p)), (Value(x),))):
        try:
            made.append(repr((power().data, power().local_grads, power().op)))
        except (ArithmeticError, ValueError) as error:
            made.append(f"{type(error).__name__}: {error}")
    assert made[0] == made[1]


def test_a_power_has_one_row():
    assert to_the(2) is to_the(2.0) is (Value(3.0) ** 2).op is (Value(0.0) ** 2.0).op is (Value(-1.0) ** 2).op
    assert to_the(2).p == 2.0 and type(to_the(2).p) is float


@pytest.mark.parametrize("args", [(), (2.0,), (2.0, 3.0), (2.0, 3.0, 4.0)])
def test_operands_and_local_derivatives_can_be_read_however_many_there_are(args):
    values = [Value(x) for x in args]
    y = total(values)
    assert y.args == tuple(values) and y.local_grads == (1.0,) * len(args)
    assert (Value(1.0).args, Value(1.0).local_grads) == ((), ())
    for name in ("args", "local_grads"):
        with pytest.raises(AttributeError):
            setattr(y, name, ())


def test_a_weighted_sum_may_have_no_bias_and_comes_apart():
    w, x, b = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)], Value(1.0)
    for bias in (None, b):
        z = dot(w, x, bias)
        z.backward()
        assert z.data == 31.0 + (bias is b)
        assert z.local_grads == (5.0, 7.0, 2.0, 3.0) + (1.0,) * (bias is b)
        assert tuple(map(list, parts(z.args))) == (w, x, [b] if bias is b else [])
    assert dot([2.0], [3.0]).local_grads == (3.0, 2.0) and dot([], []).data == 0.0


@pytest.mark.parametrize("wrong", [None, "0", [0.0]])
@pytest.mark.parametrize("f", [lambda a: a * 2, lambda a: a.tanh(), lambda a: dot([a, 2.0, 3.0], [1.0, 2.0, a]),
                               lambda a: a])
def test_a_gradient_that_is_no_number_is_told_and_zero_mends_it(f, wrong):
    a = Value(0.5, "a")
    a.grad = wrong
    with pytest.raises(TypeError, match=r"every grad must be a number: .*zero_grad\(\)"):
        f(a).backward()
    a.grad = 0.0
    f(a).backward()
    y = f(a)
    assert a.grad == grads_of(y)[a]


@pytest.mark.parametrize("wrong", [None, 3, b"a", ["a"]])
def test_a_label_is_text_whenever_it_is_set(wrong):
    a = Value(1.0, "a")
    with pytest.raises(TypeError, match="a label is text; got"):
        a.label = wrong
    assert a.label == "a" and (a * 2).label == ""


def test_apply_says_what_is_no_operation_and_how_many_operands_are_too_many():
    with pytest.raises(TypeError, match="op must be a row of the table, .* got 'tanh'"):
        Value.apply("tanh", (Value(1.0),))
    with pytest.raises(TypeError, match="tanh takes another number of operands; got 2"):
        Value.apply(engine.TANH, (Value(1.0), Value(2.0)))


@pytest.mark.parametrize("large", [10 ** 400, -10 ** 400, Fraction(10 ** 400, 3)], ids=["whole", "below", "fraction"])
def test_a_number_too_large_for_a_float_is_said(large):
    with pytest.raises(ValueError, match="a Value holds one real number; got .*, too large for a float"):
        Value(large)
