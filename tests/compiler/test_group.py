"""Grouping: scalars of one kind become few array operations, however wide, ragged or unordered they are."""

import functools
import random
import re

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from micrograd2.compiler import compile
from micrograd2.contributions import grads_of
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, logsumexp, total
from tests.bench.clients import flat
from tests.compiler.scalar_code import NAMED, SPELLINGS, WIDE_STEPS, arrays_of, as_dot, assert_agrees, attention, batch
from tests.compiler.scalar_code import compiled, digit_program, each_spelling, ragged, slow, unused_names, values

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises
MANY = 30 * min(settings.default.max_examples, 1000)


# Wide programs and ragged ones

@slow
@given(steps=st.lists(st.sampled_from(sorted(WIDE_STEPS)), min_size=1, max_size=6), T=st.integers(1, 4),
       D=st.integers(1, 4), shuffled=st.booleans(), decay=st.booleans(), as_list=st.booleans())
@example(steps=["layer", "running total", "attention"], T=2, D=2, shuffled=True, decay=False, as_list=False)
@example(steps=["convolution"] * 3 + ["norm", "running total"], T=3, D=4, shuffled=False, decay=False, as_list=False)
def test_random_wide_programs_equal_the_scalar_graph(steps, T, D, shuffled, decay, as_list):
    W, b = values(D, D), values(D, seed=1)
    parameters = flat(W, b)
    if shuffled:
        random.Random(0).shuffle(parameters)

    def f(x, *y):
        h = [x[D * t:D * t + D] for t in range(T)]
        for step in steps:
            h = WIDE_STEPS[step](h, W, b)
        if as_list:
            return [v for u in h for v in u]
        cost = squared_error([v for u in h for v in u], y[0])
        return cost + 0.1 * total(p * p for p in parameters) if decay else cost
    arrays = [batch(3, T * D), batch(3, T * D, seed=1)][:1 if as_list else 2]
    program = compile(f, parameters, *(array[0] for array in arrays))
    assert_agrees(program, f, parameters, *arrays)
    assert not unused_names(program.source)


def numbers(count, rng, kind):
    if kind == "zeros":
        return [0.0] * count
    return [rng.gauss(0.0, 1e-9 if kind == "tiny" else 1.0) for _ in range(count)]


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-11), ("float32", 1e-3)])
@pytest.mark.parametrize("made_on", ["zeros", "tiny", "random"])
def test_ragged_programs_are_right_on_numbers_they_were_not_made_from(made_on, dtype, tolerance):
    count = MANY // 6
    largest = 0.0
    for seed in range(count):
        f, n, m = ragged(seed)
        rng = random.Random(seed)
        w = [Value(number, f"w{i}") for i, number in enumerate(numbers(m, rng, made_on))]
        program = compile(functools.partial(f, w), w, numbers(n, rng, made_on), dtype=dtype)
        theta, X = numbers(m, rng, "random"), np.array([numbers(n, rng, "random") for _ in range(3)])
        expected = [f([Value(number) for number in theta], [Value(number) for number in x]) for x in X.tolist()]
        if program.is_cost:
            expected = [[cost] for cost in expected]
        expected = np.array([[value.data for value in values] for values in expected])
        outputs = program.outputs(theta, X).reshape(expected.shape)
        apart = np.abs(outputs - expected) / (1 + np.abs(expected))
        assert apart.max() < tolerance, seed
        if program.is_cost:
            for p, number in zip(w, theta):
                p.data = number
            costs = [f(w, [Value(number) for number in x]) for x in X.tolist()]
            exact = np.mean([[grads_of(cost).get(p, 0.0) for p in w] for cost in costs], axis=0)
            difference = np.abs(program(theta, X)[1] - exact) / (1 + np.abs(exact).max())
            assert difference.max() < tolerance, seed
            largest = max(largest, difference.max())
        largest = max(largest, apart.max())
    print(f"{count} ragged programs made on {made_on} numbers, {dtype}: at most {largest:.2g} apart")


def test_a_program_of_two_ragged_sums():
    def f(x):
        return [x[0] * x[1] + x[2] * x[3] + x[4] * x[5] + x[6] * x[7], x[8] * x[9] + x[10] * x[11]]

    assert compile(f, [], [0.0] * 12)([], [range(1, 13)]).tolist() == [[100.0, 222.0]]


def test_fields_of_different_sizes_over_an_image_whose_corners_are_0():
    rng = random.Random(0)
    fields = [list(range(8)), list(range(8, 16)), list(range(16, 20))]
    weights = [[Value(rng.gauss(0, 1), "w") for _ in field] for field in fields]
    flat = [w for row in weights for w in row]

    def f(x, y):
        sums = [sum((w * x[i] for w, i in zip(row, field)), Value(0.0)) for row, field in zip(weights, fields)]
        return squared_error([z.sigmoid() for z in sums], y)

    program = compile(f, flat, [0.0] * 20, [1.0, 0.0, 0.0])
    program.check(program.theta, np.random.default_rng(0).random((5, 20)), np.eye(3)[[0, 1, 2, 1, 0]])


# Weights in any order

@each_spelling
def test_rows_of_weights_in_any_order_in_the_parameters(spelling):
    W, b = values(4, 3), values(4, seed=1)
    parameters = flat(W, b)
    random.Random(5).shuffle(parameters)
    compiled(lambda x: total(spelling(w, x, c, random.Random(0)).tanh() for w, c in zip(W, b)), parameters,
             batch(3, 3))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_weights_may_be_born_in_any_order(spelling):
    W, b = values(4, 5), values(4, seed=1)
    born_in_order = compile(lambda x: total(spelling(w, x, c, random.Random(0)).tanh() for w, c in zip(W, b)),
                            flat(W, b), [1.0] * 5).array_operations
    for row in W:
        random.Random(row[0].data).shuffle(row)
    program = compiled(lambda x: total(spelling(w, x, c, random.Random(0)).tanh() for w, c in zip(W, b)), flat(W, b),
                       batch(3, 5))
    assert program.array_operations == born_in_order and "@" in program.source


# How many array operations

@pytest.mark.parametrize("spelling", [as_dot, *SPELLINGS])
@pytest.mark.parametrize("L2", [0.0, 0.1])
def test_array_operations_depend_on_depth_and_not_on_width(spelling, L2):
    narrow, wide, deep = (digit_program(sizes, spelling, L2)[0].array_operations
                          for sizes in [(5, 4, 3, 2), (40, 17, 9, 6), (5, 4, 3, 4, 3, 2)])
    assert narrow == wide < deep
    assert narrow == digit_program((5, 4, 3, 2), as_dot, L2)[0].array_operations <= 12


def positions(n):
    W, b = values(4, 2), values(4, seed=1)
    return lambda x: total(dot(w, x[2 * i:2 * i + 2], c).tanh() for i in range(n) for w, c in zip(W, b)), flat(W, b), \
        (2 * n,)


@pytest.mark.parametrize("make", [lambda n: attention(False, n=n), lambda n: attention(True, n=n),
                                  lambda n: positions(n)], ids=["attention", "causal", "one weight everywhere"])
def test_array_operations_do_not_depend_on_the_number_of_positions(make):
    few, many = (compiled(f, parameters, *arrays_of(widths)) for f, parameters, widths in map(make, (4, 9)))
    assert few.array_operations == many.array_operations <= 20


@pytest.mark.parametrize("reduce", [total, logsumexp])
def test_rows_of_different_lengths_are_one_array_operation(reduce):
    w = values(6)

    def f(x):
        scaled = [a * b for a, b in zip(w, x)]
        return total(reduce(scaled[:k]).tanh() for k in (2, 6, 3, 5))
    program = compiled(f, w, batch(3, 6))
    assert program.source.count("np.tanh(") == 1


def test_weighted_sums_over_the_beginning_of_a_list_join_those_over_all_of_it():
    W = [values(k, seed=k) for k in (2, 4, 3)]
    program = compiled(lambda x: total(dot(w, x[:len(w)], 1.0).tanh() for w in W), flat(W), batch(3, 4))
    assert program.source.count("np.tanh(") == 1 and program.source.count(" @ ") == 2  # forward, backward


@pytest.mark.parametrize("name", ["attention", "causal attention"])
def test_attention_is_read_by_views_and_masks_alone(name):
    f, parameters, widths = NAMED[name]()
    source = compile(f, parameters, *(array[0] for array in arrays_of(widths))).source
    assert " @ " in source and not re.search(r"\bi\d+ = ", source)


def test_a_constant_that_several_sums_share():
    w, v = values(2)

    def f(x):
        c = Value(0.75)
        first = dot([c, w], [w, c], 0.0)
        second = dot([c, v, v], [v, v, c], 0.0)  # v comes twice, next to the constant
        return dot([c, x[0] * v, first], [second, c, x[0]], 0.0) + dot([c, first, first], [first, first, c], second)
    compiled(f, [w, v], batch(3, 1))


def test_what_no_example_touches_takes_no_bytes_of_an_example():
    w = values(4)
    assert compile(lambda: (w[0] * w[1] + w[2]).exp(), w).bytes_per_example == 0
    assert compile(lambda x: (w[0] * w[1] + w[2]).exp() * x[0], w, [1.0]).bytes_per_example == 8


# What nobody asks for: position t asks for those up to t, and all are compared with all

REFUSED = {  # an operation, what it is applied to where it is asked for, and where it is not
    "log": (Value.log, 0.5, -1.0), "log 0": (Value.log, 0.5, 0.0), "exp": (Value.exp, 0.5, 1e4),
    "sqrt": (Value.sqrt, 0.5, -1.0), "1/": (lambda v: 1 / v, 0.5, 0.0), "v/v": (lambda v: v / v, 0.5, 0.0),
    "**-0.5": (lambda v: v ** -0.5, 0.5, -1.0), "**7": (lambda v: v ** 7, 0.5, 1e200),
    "2**": (lambda v: 2 ** v, 0.5, 1e4), "v**v": (lambda v: v ** v, 0.5, -1.0),
    "logsumexp": (lambda v: logsumexp([v, v * 2.0]), 0.5, 1e300), "tanh": (Value.tanh, 0.5, np.inf)}


@pytest.mark.parametrize("weighted", [False, True], ids=["summed", "weighted"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_asks_for_is_never_refused_and_changes_nothing(name, weighted):
    operation, asked, unasked = REFUSED[name]
    T, rng = 5, np.random.default_rng(0)
    w = values(T)

    def f(x):
        """x holds, for every position, a query and a key of T numbers each; of the answers those up to it are used."""
        rows = [x[T * t:T * t + T] for t in range(2 * T)]
        answers = [[operation(dot(query, key)) for key in rows[T:T + t + 1]] for t, query in enumerate(rows[:T])]
        return total(dot(w[:len(row)], row) if weighted else total(row) * w[0] for row in answers)

    def examples(answers):
        """Queries that are the answers, row by row, to keys that are unit vectors."""
        return np.concatenate([answers, np.broadcast_to(np.eye(T), answers.shape)], axis=1).reshape(len(answers), -1)

    answers = asked + rng.random((3, T, T))
    program = compile(f, w, examples(answers)[0])
    assert program.array_operations < 12
    expected = program(program.theta, examples(answers))
    answers[:, ~np.tri(T, dtype=bool)] = unasked
    if np.isfinite(unasked):  # an infinity times the 0 of a unit vector is NaN on the scalar graph, too
        loss, gradient = program(program.theta, examples(answers))
        assert loss == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-12)
        program.check(program.theta, examples(answers))
