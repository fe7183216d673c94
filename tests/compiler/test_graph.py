"""The scalar graph: sums are put into one shape however they are written, and what cannot be a graph is refused."""

import math
import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd2.compiler import CompileError, compile
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, gradient, total
from tests.bench.clients import flat
from tests.compiler.scalar_code import PARAMETER, SPELLINGS, as_dot, batch, compiled, digit_program, each_spelling
from tests.compiler.scalar_code import slow, values, w_

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


# Sums, however they are written

def two_layers(spelling, W1, b1, W2, b2, seed=0):
    """A network with one hidden layer that is also its own second head, and an L2 penalty."""
    def f(x, y):
        rng = random.Random(seed)
        hidden = [spelling(w, x, b, rng).tanh() for w, b in zip(W1, b1)]
        out = [spelling(w, hidden, b, rng).sigmoid() for w, b in zip(W2, b2)]
        shared = total(h * h for h in hidden)
        return squared_error(out, y) + 0.1 * shared + 0.01 * total(w ** 2 for w in flat(W1, W2))
    return f


@each_spelling
@settings(slow, max_examples=8)
@given(nin=st.integers(2, 6), hidden=st.integers(2, 5), nout=st.integers(1, 4), seed=st.integers(0, 1000))
def test_wide_sums_become_products_of_matrices_however_they_are_written(spelling, nin, hidden, nout, seed):
    weights = values(hidden, nin), values(hidden, seed=1), values(nout, hidden, seed=2), values(nout, seed=3)
    arrays = batch(3, nin), batch(3, nout)
    make = partial(two_layers, W1=weights[0], b1=weights[1], W2=weights[2], b2=weights[3], seed=seed)
    program = compiled(make(spelling), flat(*weights), *arrays)
    assert "@" in program.source
    assert program.array_operations == compile(make(as_dot), flat(*weights), *(a[0] for a in arrays)).array_operations


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_source_does_not_depend_on_how_sums_are_written(spelling):
    assert digit_program((6, 4, 3), spelling)[0].source == digit_program((6, 4, 3))[0].source


@pytest.mark.parametrize("weights, inputs", [
    ([2.0, 2.0], [3.0, 3.0]), ([2.0, 2.0], [2.0, 2.0]), ([2.0, 3.0], [5.0, 3.0]), ([2.0], [3.0])])
def test_a_weighted_sum_of_plain_numbers(weights, inputs):
    q = Value(0.5, "q")
    program = compile(lambda x: dot(weights, inputs, q) * x[0], [q], [1.0])
    loss, gradient = program([0.5], [[1.0], [3.0]])
    assert (loss, gradient.tolist()) == (2 * (sum(w * x for w, x in zip(weights, inputs)) + 0.5), [2.0])


def test_a_sum_of_20000_terms_compiles():
    w = values(20)

    def f(x):
        result = x[0]
        for i in range(20_000):
            result = result + w[i % 20]
        return result
    assert compiled(f, w, batch(2, 1)).array_operations < 10


# What stands in the graph

def test_arguments_are_called_as_in_f():
    program = compile(lambda pixels, label: (pixels[0] - label[0]) ** 2, [], [1.0], [2.0])
    assert "def program(theta, pixels, label):" in program.source
    program = compile(lambda pixels, scale=2.0: pixels[0] * scale, [], [1.0])
    assert "def program(theta, pixels):" in program.source


def test_a_gradient_taken_inside_f_is_compiled_with_it():
    w, b = values(2)

    def f(x, y):
        u = (w * x[0] + b).tanh()
        slope, = gradient(u, [x[0]])
        return (u - y[0]) ** 2 + 0.1 * slope ** 2

    compiled(f, [w, b], batch(4, 1), batch(4, 1))


# What is refused

@pytest.mark.parametrize("f", [
    lambda x: w_(x) if x[0] > 0 else -w_(x), lambda x: w_(x) if 0 > x[0] else -w_(x),
    lambda x: w_(x) if x[0] <= x[1] else -w_(x), lambda x: w_(x) if x[0] >= 1 else x[0], lambda x: w_(max(x)),
    lambda x: sorted(x)[0], lambda x: w_(x) * float(x[0]), lambda x: w_(x) * math.exp(x[0]), lambda x: min(x)])
def test_looking_at_the_numbers_is_refused(f):
    with pytest.raises(CompileError, match="compares Values, or turns one into a plain number"):
        compile(f, [PARAMETER], [1.0, 2.0])


@pytest.mark.parametrize("result", [3.0, None, [], (), "w", np.zeros(2), [PARAMETER * 2, 1.0], [[PARAMETER]], {}, True])
def test_a_result_that_is_no_value_is_refused(result):
    with pytest.raises(CompileError, match="must return one Value, or a list of Values"):
        compile(lambda x: result, [PARAMETER], [1.0])


def test_a_value_that_is_not_listed_is_refused_by_name():
    w, other = Value(1.0, "w"), Value(2.0, "forgotten weight")
    with pytest.raises(CompileError, match="forgotten weight"):
        compile(lambda x: w * x[0] + other, [w], [1.0])
    made = other * 2
    with pytest.raises(CompileError):
        compile(lambda x: w * x[0] + made, [w], [1.0])
    square = w * w
    with pytest.raises(CompileError, match="a Value = 1.0, made before the call, .*: make it within f"):
        compile(lambda x: square * x[0], [w], [1.0])


@pytest.mark.parametrize("f", [lambda x: x[0] if x[0] > 0 else x[1], lambda x: 3.0, lambda x: 1 / 0, lambda x: x[0],
                               lambda x: (0 * x[0]).log()])
def test_nothing_stays_refused(f):
    before = dict(vars(Value))
    try:
        compile(f, [], [1.0, 2.0])
    except (CompileError, ArithmeticError, ValueError):
        pass
    assert dict(vars(Value)) == before
    assert Value(1.0) < Value(2.0) and float(Value(3.0)) == 3.0
