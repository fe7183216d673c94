"""Rounding: how far apart two right computations may be; right code that loses digits is never refused."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, reject, strategies as st

from micrograd2.compiler import compile
from micrograd2.compiler.rounding import Rounded, Unit, _passed_on, rounding_errors
from micrograd2.contributions import grads_of
from micrograd2.engine import ABS, ATAN, COS, DIV, EXP, LESS, LOGSUMEXP, MAX, MIN, MUL, RELU, SIGMOID, SIGN, SIN, SUB
from micrograd2.engine import SUM, TANH, Value, dot, logsumexp, maximum, minimum, topological_order, total
from tests.programs import DUALS, VALUES, Dual, programs, run

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises
W, B = Value(0.7, "w"), Value(-0.3, "b")


# Programs that are right, though digits are lost

ILL = {  # right, though most of their digits are lost on the way
    "large numbers cancel": lambda x: W * 1e16 + B * x[0] - W * 1e16,
    "a difference of squares": lambda x: (W * x[0] + 1e8) ** 2 - (W * x[0] - 1e8) ** 2,
    "1 − 1": lambda x: (1.0 - (W * x[0] * 1e-9).exp()) * 1e9,
    "a saturated tanh": lambda x: 1.0 - (W * 20.0 + x[0]).tanh(),
    "a variance": lambda x: (total((W * v + 1e7) ** 2 for v in x) / len(x)
                             - (total(W * v + 1e7 for v in x) / len(x)) ** 2),
    "log of nearly 1": lambda x: (1.0 + W * x[0] * 1e-12).log() * 1e12,
    "sin of many turns": lambda x: (W * 1e10 * x[0]).sin(), "a long alternating sum": lambda x: total(
        (W * v * 1e10 if i % 2 else -W * v * 1e10) for i, v in enumerate(x * 20)) + B,
    "near a kink": lambda x: (W * x[0] - W * x[0] * 1.0 + (W + 1e16) - 1e16 - W).relu() * 3.0,
    "a tie": lambda x: logsumexp([W * 1e8, W * 1e8 + x[0]]) - W * 1e8,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ILL)
def test_ill_conditioned_code_compiles(name, dtype):
    compile(ILL[name], [W, B], [0.5, -1.25, 2.0], dtype=dtype)


def noise(x):
    """What is left of 1e17 − 1e17: rounding alone, some 16 for one order of adding and 0 for another."""
    return dot([W, B, W], x, 1e17) - 1e17


OF_NOISE = {  # where the slope at the number itself does not tell how far the result may move
    "relu": lambda v: v.relu() + W, "abs": lambda v: abs(v), "max": lambda v: maximum(0.0, v),
    "min": lambda v: minimum(v, 0.0), "square": lambda v: v ** 2, "product": lambda v: v * v, "cube": lambda v: v ** 3,
    "tanh": lambda v: v.tanh(), "sigmoid": lambda v: v.sigmoid(), "logsumexp": lambda v: logsumexp([v, W]),
    "exp": lambda v: (v * 0.01).exp(), "root": lambda v: (v * v + 0.01).sqrt(), "over": lambda v: W / (v * v + 0.01),
    "over 1 and": lambda v: W / (v * 1e-3 + 1.0), "power": lambda v: (v * v + 0.5) ** W,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OF_NOISE)
def test_what_is_made_of_rounding_alone_is_not_refused(name, dtype):
    for k in range(20):
        example = [0.5 * 1.37 ** k - 3, k * 0.77 - 9, 2.0 - k * 1.3]
        compile(lambda x: OF_NOISE[name](noise(x)), [W, B], example, dtype=dtype)


@given(programs(longest=30), st.sampled_from(["float64", "float32"]), st.integers(0, 2 ** 32), st.booleans())
def test_a_right_program_is_not_refused_however_many_digits_are_lost(program, dtype, seed, as_list):
    half = len(program.leaves) // 2
    parameters = [W, *map(Value, program.leaves[:half])]

    def f(x):
        rng, made = random.Random(seed), []

        def lossy(v):
            if rng.random() < 0.3:
                large = 10.0 ** rng.randint(0, 18)
                v = OF_NOISE[rng.choice(list(OF_NOISE))](dot([v, v, v], [0.25, 0.75, x[0]], large) - large).tanh()
            made.append(v)
            return v
        result = run(program.steps, [*parameters[1:], *x], VALUES, lossy)
        return [result, *made[::3]] if as_list else result

    try:
        compile(f, parameters, program.leaves[half:], dtype=dtype)
    except ArithmeticError:
        reject()  # the noise is beyond exp


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_logarithm_of_a_sum_that_is_nearly_1_is_right_to_one_rounding_of_1(dtype):
    for z in range(-60, 60, 4):
        compile(lambda x: logsumexp([W * x[0], 0.0]), [W], [z + 0.03], dtype=dtype)
        compile(lambda x: logsumexp([W * x[0], 0.0, W * x[1]]), [W], [z + 0.03, z - 0.3], dtype=dtype)


# Numbers with errors

@given(programs())
def test_rounding_explains_what_another_order_of_adding_does(program):
    """The errors told are never less than those that there are, held against the same program in long doubles."""
    leaves = [Value(x) for x in program.leaves]
    result = run(program.steps, leaves, VALUES)
    errors, of_gradients = rounding_errors(topological_order(result), result, 4 * 2.0 ** -53, 1e-300)
    duals = run(program.steps, [Dual(x, {i: 1.0}) for i, x in enumerate(program.leaves)], DUALS)
    duals = duals if isinstance(duals, Dual) else Dual(duals)
    grads = grads_of(result)
    assert abs(duals.value - result.data) <= 20 * errors[result]
    for i, leaf in enumerate(leaves):
        if math.isfinite(of_gradients.get(leaf, 0.0)):
            assert abs(duals.slopes.get(i, 0.0) - grads.get(leaf, 0.0)) <= 20 * of_gradients.get(leaf, 0.0) + 1e-12


def test_a_rounded_number_knows_where_its_sign_is_open():
    unit = Unit(2.0 ** -53, 0.0)
    sure, open_ = Rounded(1e-3, 1e-9, unit), Rounded(1e-10, 1e-9, unit)
    assert SIGN(sure).error == 0.0 and SIGN(open_).error == 2.0 and SIGN(Rounded(0.0, 0.0, unit)).error == 0.0
    assert LESS(sure, open_).error == 0.0 and LESS(open_, Rounded(0.0, 0.0, unit)).error == 1.0
    assert math.isinf((1 / open_).error) and not math.isinf((1 / sure).error)


ROUNDED = {
    "a + b": lambda a, b: a + b, "a - b": lambda a, b: a - b, "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "1.5 - a": lambda a, b: 1.5 - a, "2 / b": lambda a, b: 2.0 / b, "a ** 3": lambda a, b: a ** 3.0,
    "b ** a": lambda a, b: b ** a, "2 ** a": lambda a, b: 2.0 ** a, "-a": lambda a, b: -a,
    "1 + a": lambda a, b: 1.0 + a, "3 * a": lambda a, b: 3.0 * a,
}


@pytest.mark.parametrize("name", ROUNDED)
def test_an_error_is_as_large_as_the_operands_can_make_it_and_hardly_larger(name):
    rng = random.Random(name)
    f, exact = ROUNDED[name], Unit(0.0, 0.0)
    for _ in range(200):
        a, b = rng.uniform(-3.0, 3.0), rng.uniform(0.5, 3.0)
        da, db = rng.choice([0.0, 10.0 ** rng.uniform(-9, -4)]), rng.choice([0.0, 10.0 ** rng.uniform(-9, -4)])
        found = f(Rounded(a, da, exact), Rounded(b, db, exact))
        y = f(a, b)
        furthest = max(abs(f(a + s * da, b + t * db) - y) for s in (-1, 0, 1) for t in (-1, 0, 1))
        assert found.number == y
        assert furthest <= found.error * (1 + 1e-3) + 1e-15 and found.error <= 2.1 * furthest + 1e-13
        once = f(Rounded(a, 0.0, Unit(1e-10, 0.0)), Rounded(b, 0.0, Unit(1e-10, 0.0)))
        assert (name == "-a") or once.error >= 1e-10 * abs(y)
        assert once.error <= 1e-10 * (abs(y) + abs(a) + abs(b) + 1.5) * 1.01


def test_two_numbers_are_compared_by_their_distance():
    unit = Unit(2.0 ** -53, 0.0)
    for a, b, error, open_ in [(5.0, 5.0, 1e-3, True), (5.0, 5.0 + 1e-3, 1e-3, True), (5.0, 5.1, 1e-3, False),
                               (5.0, -5.0, 1e-3, False), (5.0, 5.0, 0.0, False)]:
        assert (LESS(Rounded(a, error, unit), Rounded(b, error, unit)).error > 0) == open_


def test_sizes_that_cancel_count():
    """The error of a sum is that of what was added up, and not of what is left."""
    a = Value(1e8)
    left = a + 1.0 - a
    errors, _ = rounding_errors(topological_order(left), None, 1e-16, 0.0)
    assert 2e-8 <= errors[left] <= 1e-7


def test_what_may_be_0_divides_nothing():
    unit = Unit(2.0 ** -53, 0.0)
    for number, error in [(1e-3, 1e-3), (-1e-3, 1e-3), (0.0, 0.0), (0.0, 1.0)]:
        assert math.isinf((1.0 / Rounded(number, error, unit)).error)
        assert math.isinf((Rounded(0.0, 0.0, unit) / Rounded(number, error, unit)).error)


@pytest.mark.parametrize("power, furthest", [(-1.0, 8.0), (0.5, 0.5 ** 0.5 - 0.1 ** 0.5), (3.0, 0.9 ** 3 - 0.5 ** 3)])
def test_a_power_may_be_further_away_on_one_side_than_on_the_other(power, furthest):
    error = (Rounded(0.5, 0.4, Unit(0.0, 0.0)) ** power).error
    assert math.isclose(error, furthest)


@pytest.mark.parametrize("op", [MUL, DIV, SUB, MAX, MIN, SUM, LOGSUMEXP], ids=lambda op: op.symbol)
def test_no_corner_is_further_away_than_the_error_passed_on_however_large_it_is(op):
    rng = random.Random(0)
    for _ in range(300):
        numbers = [rng.choice([-1, 1]) * rng.choice([0.5, 1.0, 2.0]) for _ in range(2)]
        errors = [rng.choice([0.0, 0.1, 0.4]) for _ in range(2)]
        y = op.value(*numbers)
        passed_on = _passed_on(op, y, numbers, errors, op.local(y, *numbers))
        furthest = max(abs(op.value(numbers[0] + s * errors[0], numbers[1] + t * errors[1]) - y)
                       for s in (-1, 1) for t in (-1, 1))
        assert furthest <= passed_on * (1 + 1e-12) + 1e-15


@pytest.mark.parametrize("op", [SIN, COS, TANH, ATAN, EXP, RELU, ABS, SIGMOID], ids=lambda op: op.symbol)
@given(number=st.floats(-9, 9), error=st.floats(0, 30))
def test_no_number_between_is_further_away_than_the_error_passed_on(op, number, error):
    y = op.value(number)
    passed_on = _passed_on(op, y, [number], [error], op.local(y, number))
    furthest = max(abs(op.value(x) - y) for x in np.linspace(number - error, number + error, 201).tolist())
    assert furthest <= passed_on * (1 + 1e-12) + 1e-15
