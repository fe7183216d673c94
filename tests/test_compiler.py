"""The compiler: every program against the scalar graph, its source, what it refuses, and training with it."""

import ast
import inspect
import math
import random
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from micrograd2 import engine
from micrograd2.compiler import CompileError, compile
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import ABS, LEAF, LESS, MAX, MIN, RELU, SIGN, Op, Value, dot, flow, logsumexp, maximum, minimum
from micrograd2.engine import topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.train import SGD, Adam, fit
from tests import programs

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


# The scalar graph, which is the definition

def graph_of(f, example):
    """What `f` returns for one example: the Values in a list."""
    result = f(*([Value(number) for number in numbers] for numbers in example))
    return [result] if isinstance(result, Value) else list(result)


def gradient_of(cost, parameters):
    grads = {cost: 1.0}
    for step in flow(cost):
        grads[step.result.args[step.which]] = step.total
    return [grads.get(p, 0.0) for p in parameters]


def rows(arrays):
    return list(zip(*(np.asarray(array).tolist() for array in arrays))) if arrays else [()]


def scalar_outputs(f, arrays):
    return np.array([[value.data for value in graph_of(f, example)] for example in rows(arrays)])


def scalar_average(f, parameters, arrays):
    """The loss and the gradient of a batch, by the scalar graph of one example after the other."""
    costs = [graph_of(f, example)[0] for example in rows(arrays)]
    gradients = [gradient_of(cost, parameters) for cost in costs]
    return np.mean([cost.data for cost in costs]), np.mean(gradients, axis=0)


def assert_close(actual, expected, tolerance=1e-10):
    """Equal up to rounding, relative to the largest of the numbers."""
    expected = np.asarray(expected)
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale)


def assert_agrees(program, f, parameters, *arrays, tolerance=1e-10):
    """The program computes what the scalar graph does: outputs, and of a cost the loss and the gradient."""
    outputs = scalar_outputs(f, arrays)
    if program.is_cost:
        loss, gradient = program(program.theta, *arrays)
        expected_loss, expected_gradient = scalar_average(f, parameters, arrays)
        assert isinstance(loss, float)
        assert_close(loss, expected_loss, tolerance)
        assert gradient.shape == (len(parameters),)
        assert_close(gradient, expected_gradient, tolerance)
        outputs = outputs[:, 0]
    else:
        assert_close(program(program.theta, *arrays), outputs, tolerance)
    assert_close(program.outputs(program.theta, *arrays), outputs, tolerance)


def compiled(f, parameters, *arrays, tolerance=1e-10, **options):
    """The program of f, traced on the first example and held to the scalar graph on all of them."""
    program = compile(f, parameters, *(array[0] for array in arrays), **options)
    assert_agrees(program, f, parameters, *arrays, tolerance=tolerance)
    return program


def values(*shape, seed=0, low=-1.0, high=1.0):
    """Parameters: a Value, or lists of them."""
    numbers = np.random.default_rng(seed).uniform(low, high, shape).tolist()

    def wrap(thing):
        return [wrap(part) for part in thing] if isinstance(thing, list) else Value(thing)

    return wrap(numbers)


def flat(*things):
    return [value for thing in things for value in (flat(*thing) if isinstance(thing, (list, tuple)) else [thing])]


def batch(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng([seed, 1]).uniform(low, high, shape)


# 1. Random programs

slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
number = st.integers(-128, 128).map(lambda n: n / 64)


def on_a_knife_edge(roots):
    """Whether rounding alone decides which side of a kink a number is on: then both slopes are right."""
    for node in topological_order(total(roots)):
        if node.op in (RELU, ABS, MAX, MIN):
            a, b = (*(arg.data for arg in node.args), 0.0)[:2]
            exact = a == b and (len(set(node.args)) == 1 if len(node.args) == 2 else not node.args[0].args
                                or all(not arg.args for arg in node.args))
            if abs(a - b) < 1e-9 and not exact and any(arg.args for arg in node.args):
                return True
    return False


@st.composite
def placed_programs(draw, several=False):
    """A random program with its leaves dealt out to parameters and arguments: f, parameters, arrays of 3 examples.

    Some parameters and some columns of the arrays are used by nobody. With `several`, f returns a list.
    """
    plan = draw(programs.programs(longest=30))
    places = [draw(st.integers(-1, 1)) for _ in plan.leaves]  # -1: a parameter, 0 and 1: an argument
    parameters = [Value(leaf) for leaf, place in zip(plan.leaves, places) if place < 0]
    spare = draw(st.integers(0, 2))
    everything = [*parameters, *(Value(0.5) for _ in range(spare))]
    widths = [places.count(0) + draw(st.integers(0, 1)), places.count(1) + draw(st.integers(0, 1))]
    arrays = [np.array(draw(st.lists(number, min_size=3 * n, max_size=3 * n))).reshape(3, n) for n in widths if n]
    order = [sum(place == other for other in places[:i]) for i, place in enumerate(places)]
    sources = {-1: -1, 0: 0, 1: 1 if widths[0] else 0}
    decay = draw(st.booleans()) and not several

    def f(*arguments):
        leaves = [(parameters if place < 0 else arguments[sources[place]])[k] for place, k in zip(places, order)]
        made = []
        result = programs.run(plan.steps, leaves, programs.VALUES, lambda x: made.append(x) or x)
        if several:
            return [result, *made[::3]]
        return result + 0.25 * total(p * p for p in everything) if decay else result

    return f, everything, arrays


def unused_names(source):
    """Names that the source assigns and never reads."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Store)} - \
        {node.id for node in names if isinstance(node.ctx, ast.Load)}


@slow
@given(placed_programs())
def test_random_costs_equal_the_scalar_graph(placed):
    f, parameters, arrays = placed
    assume(not any(on_a_knife_edge(graph_of(f, example)) for example in rows(arrays)))
    compiled(f, parameters, *arrays)


@settings(slow, max_examples=50)
@given(placed_programs(several=True))
def test_random_lists_equal_the_scalar_graph(placed):
    f, parameters, arrays = placed
    assert_agrees(compile(f, parameters, *(array[0] for array in arrays)), f, parameters, *arrays)


@settings(slow, max_examples=30)
@given(placed_programs())
def test_the_source_of_random_programs_has_no_dead_lines(placed):
    f, parameters, arrays = placed
    assume(not on_a_knife_edge(graph_of(f, rows(arrays)[0])))
    program = compile(f, parameters, *(array[0] for array in arrays))
    assert not unused_names(program.source) | unused_names(program.outputs_source)


# Weighted sums, however they are written

def as_sum(w, x, b, rng):
    return sum(p * q for p, q in zip(w, x)) + b


def as_sum_from_bias(w, x, b, rng):
    return sum((q * p for p, q in zip(w, x)), b)


def as_chain(w, x, b, rng):
    """Terms in any order, added to one another in any order, factors either way round."""
    terms = [p * q if rng.random() < 0.5 else q * p for p, q in zip(w, x)] + [b]
    while len(terms) > 1:
        terms.append(terms.pop(rng.randrange(len(terms))) + terms.pop(rng.randrange(len(terms))))
    return terms[0]


def as_total(w, x, b, rng):
    terms = [p * q for p, q in zip(w, x)] + [b]
    rng.shuffle(terms)
    return total(terms)


def as_dot(w, x, b, rng):
    return dot(w, x, b)


def as_swapped_dot(w, x, b, rng):
    return dot(x, w, b)


SPELLINGS = [as_sum, as_sum_from_bias, as_chain, as_total, as_swapped_dot]
each_spelling = pytest.mark.parametrize("spelling", SPELLINGS)


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


@each_spelling
def test_rows_of_weights_in_any_order_in_the_parameters(spelling):
    W, b = values(4, 3), values(4, seed=1)
    parameters = flat(W, b)
    random.Random(5).shuffle(parameters)
    compiled(lambda x: total(spelling(w, x, c, random.Random(0)).tanh() for w, c in zip(W, b)), parameters,
             batch(3, 3))


@pytest.mark.parametrize("layout", [lambda W, b: [W, b], lambda W, b: [b, W], lambda W, b: [*zip(W, b)],
                                    lambda W, b: [*zip(b, W)], lambda W, b: [*zip(*W), b], lambda W, b: [b, W[::-1]]],
                         ids=["W b", "b W", "w b w b", "b w b w", "transposed", "backwards"])
def test_weights_at_regular_distances_are_views(layout):
    W, b = values(4, 3), values(4, seed=1)
    program = compiled(lambda x: total(dot(w, x, c).tanh() for w, c in zip(W, b)), flat(layout(W, b)), batch(3, 3))
    assert "@" in program.source
