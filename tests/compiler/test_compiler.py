"""The compiler: every program against the scalar graph, its source, what it refuses, and training with it."""

import ast
import itertools
import math
import random
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st

from micrograd2 import engine
from micrograd2.compiler import CompileError, compile
from micrograd2.compiler.view import view
from micrograd2.contributions import flow
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import ABS, LEAF, LESS, MAX, MIN, RELU, SIGN, Op, Value, dot, logsumexp, maximum, minimum
from micrograd2.engine import gradient, topological_order, total
from micrograd2.expressions import Text
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
    """Names that the source assigns and never reads; adding to a view writes to what it shows, which is a use."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    added = {node.target.id for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}
    return {node.id for node in names if isinstance(node.ctx, ast.Store)} - \
        {node.id for node in names if isinstance(node.ctx, ast.Load)} - added - {"_"}


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
    assert not unused_names(program.source)


# Random programs of wide steps: lists of T positions with D numbers each, that are mixed in all sorts of ways

def normed(u):
    return [v * (dot(u, u, 0.0) / len(u) + 0.1) ** -0.5 for v in u]


def attended(h, seen):
    """Softmax attention without weights; position t looks at the positions seen(t)."""
    out = []
    for t, query in enumerate(h):
        scores = [dot(query, key, 0.0) / 2 for key in h[seen(t)]]
        norm = logsumexp(scores)
        out.append([dot([(s - norm).exp() for s in scores], column, 0.0) for column in zip(*h[seen(t)])])
    return out


WIDE_STEPS = {  # each makes new positions of the old ones h, a matrix W (D rows), and a vector b of D parameters
    "linear": lambda h, W, b: [[dot(w, u, 0.0) for w in W] for u in h],
    "layer": lambda h, W, b: [[(sum(p * v for p, v in zip(w, u)) + c).tanh() for w, c in zip(W, b)] for u in h],
    "wave": lambda h, W, b: [[v.sin() for v in u] for u in h],
    "norm": lambda h, W, b: [normed(u) for u in h],
    "running total": lambda h, W, b: [[total(column[:t + 1]) for column in zip(*h)] for t in range(len(h))],
    "running maximum": lambda h, W, b: [[maximum(v, logsumexp(u[:d + 1])) for d, v in enumerate(u)] for u in h],
    "ragged rows": lambda h, W, b: [[dot(w[:t % len(u) + 1], u[:t % len(u) + 1], c) for w, c in zip(W, b)]
                                    for t, u in enumerate(h)],
    "attention": lambda h, W, b: attended(h, lambda t: slice(None)),
    "causal attention": lambda h, W, b: attended(h, lambda t: slice(t + 1)),
    "mirror": lambda h, W, b: [[p + q for p, q in zip(u, v)] for u, v in zip(h, h[::-1])],
    "scale": lambda h, W, b: [[c * v for c, v in zip(b, u)] for u in h],
    "across": lambda h, W, b: [[dot(b[:1] * len(h), column, 1.0) for column in zip(*h)] for _ in h],
    "transposed": lambda h, W, b: [list(u) for u in zip(*h)] if len(h) == len(h[0]) else h,
    "convolution": lambda h, W, b: [[total(c * u[(d + k) % len(u)] for k, c in enumerate(b[:2]))
                                     for d in range(len(u))] for u in h],
    "outer": lambda h, W, b: [[v * u[0] for v in h[0]] for u in h],
    "two skips": lambda h, W, b: [[total([dot(w, u, 0.0), p, q]) for w, p, q in zip(W, u, u[::-1])] for u in h],
}


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


# 2. Named programs: each makes f, the parameters, and the widths of the arguments

def rnn():
    """A recurrent net over 10 steps."""
    U, W, V = values(3, 2), values(3, 3, seed=1), values(1, 3, seed=2)
    b, c = values(3, seed=3), values(1, seed=4)

    def f(x, y):
        h = [0.0] * 3
        for t in range(10):
            h = [(dot(u, x[2 * t:2 * t + 2], 0.0) + dot(w, h, bias)).tanh() for u, w, bias in zip(U, W, b)]
        return squared_error([dot(v, h, bias) for v, bias in zip(V, c)], y)
    return f, flat(U, W, V, b, c), (20, 1)


def attention(causal, as_list=False, n=5):
    """Softmax attention over n positions of 3 numbers; the causal kind sees only the past."""
    Q, K, V = values(4, 3), values(4, 3, seed=1), values(3, 3, seed=2)

    def f(x, *y):
        positions = [x[3 * t:3 * t + 3] for t in range(n)]
        queries, keys, contents = ([[dot(w, p, 0.0) for w in W] for p in positions] for W in (Q, K, V))
        out = []
        for t, q in enumerate(queries):
            seen = slice(t + 1 if causal else n)
            scores = [dot(q, k, 0.0) / 2 for k in keys[seen]]
            norm = logsumexp(scores)
            shares = [(s - norm).exp() for s in scores]
            out += [sum(share * content[i] for share, content in zip(shares, contents[seen])) for i in range(3)]
        return out if as_list else squared_error(out, y[0])
    return f, flat(Q, K, V), (3 * n,) if as_list else (3 * n, 3 * n)


def convolution():
    """Two channels of a one-dimensional convolution of width 3, averaged, then a weighted sum."""
    kernels, b, out = values(2, 3), values(2, seed=1), values(2, seed=2)

    def f(x, y):
        maps = [[sum(w * x[i + k] for k, w in enumerate(kernel)) + c for i in range(10)]
                for kernel, c in zip(kernels, b)]
        means = [total(z.relu() for z in row) / 10 for row in maps]
        return (dot(out, means, 0.5) - y[0]) ** 2
    return f, flat(kernels, b, out), (12, 1)


def energy(positions, masses):
    pairs = [(i, j) for i in range(len(masses)) for j in range(i)]
    return -total(masses[i] * masses[j] / (sum((a - b) ** 2 for a, b in zip(positions[i], positions[j])) + 0.1).sqrt()
                  for i, j in pairs)


def bodies():
    """The energy of 5 bodies: their places are data, their masses are learnt."""
    masses = values(5, low=0.5, high=2.0)
    return lambda x: energy([x[3 * i:3 * i + 3] for i in range(5)], masses), masses, (15,)


def free_bodies():
    """The same with places that are learnt, and no data at all."""
    places, masses = values(5, 3), values(5, low=0.5, high=2.0)
    return lambda: energy(places, masses), flat(places, masses), ()


def bare_network():
    """A network of bare + and *, no dot."""
    W1, b1, W2, b2 = values(4, 5), values(4, seed=1), values(3, 4, seed=2), values(3, seed=3)

    def f(x, y):
        hidden = [1 / (1 + (-(sum(w * a for w, a in zip(row, x)) + b)).exp()) for row, b in zip(W1, b1)]
        out = [sum(w * a for w, a in zip(row, hidden)) + b for row, b in zip(W2, b2)]
        return sum((a - t) * (a - t) for a, t in zip(out, y))
    return f, flat(W1, b1, W2, b2), (5, 3)


def normalised():
    """A layer, its mean and spread over the neurons taken out, and a skip connection."""
    W, gain = values(4, 4), values(4, seed=1)

    def f(x):
        z = [dot(w, x, 0.0) for w in W]
        mean = total(z) / 4
        spread = (total((a - mean) ** 2 for a in z) / 4 + 0.01).sqrt()
        return [x_i + g * (a - mean) / spread for x_i, g, a in zip(x, gain, z)]
    return f, flat(W, gain), (4,)


def low_rank():
    """A product of two matrices of parameters, which no example touches, applied to the input and to its square."""
    A, B = values(4, 2), values(2, 3, seed=1)

    def f(x, y):
        W = [[dot(row, column, 0.0) for column in zip(*B)] for row in A]
        return squared_error([dot(w, x, 0.0) + dot(w, [a * a for a in x], 1.0) for w in W], y) + \
            0.1 * total(abs(w) for row in W for w in row)
    return f, flat(A, B), (3, 4)


def gated():
    """A recurrent net with gates over 4 steps, its loss taken at every step."""
    gate, new, out = values(3, 4), values(3, 4, seed=1), values(3, seed=2)

    def f(x, y):
        h, losses = [Value(0.0)] * 3, []
        for t in range(4):
            seen = [*h, x[t]]
            g = [dot(w, seen, 0.0).sigmoid() for w in gate]
            h = [a * old + (1 - a) * dot(w, seen, 0.0).tanh() for a, old, w in zip(g, h, new)]
            losses.append((dot(out, h, 0.0) - y[t]) ** 2)
        return total(losses) / 4
    return f, flat(gate, new, out), (4, 4)


def mixture():
    """Minus the log-likelihood of a mixture of three bells."""
    means, spreads, shares = values(3, 2), values(3, seed=1), values(3, seed=2)

    def f(x):
        norm = logsumexp(shares)
        return -logsumexp(share - norm - 2 * s - 0.5 * total(((a - m) / s.exp()) ** 2 for a, m in zip(x, mean))
                          for share, s, mean in zip(shares, spreads, means))
    return f, flat(means, spreads, shares), (2,)


def polynomial():
    """Powers of one input by Horner's rule, and the largest of several pieces."""
    c = values(6)

    def f(x, y):
        result = c[0]
        for coefficient in c[1:]:
            result = result * x[0] + coefficient
        return maximum(abs(result - y[0]), minimum(c[0] * x[0], 1.0))
    return f, c, (1, 1)


NAMED = {"rnn": rnn, "attention": partial(attention, causal=False), "causal attention": partial(attention, causal=True),
         "attention, a list": partial(attention, causal=False, as_list=True), "convolution": convolution,
         "bodies": bodies, "free bodies": free_bodies, "bare network": bare_network, "normalised": normalised,
         "low rank": low_rank, "gated": gated, "mixture": mixture, "polynomial": polynomial}
named = pytest.mark.parametrize("make", NAMED.values(), ids=NAMED)


def arrays_of(widths, examples=3, seed=0):
    return [batch(examples, n, seed=seed + n) for n in widths]


@named
def test_named_programs_equal_the_scalar_graph(make):
    f, parameters, widths = make()
    program = compiled(f, parameters, *arrays_of(widths))
    program.check(program.theta + 0.1, *arrays_of(widths, 2, seed=7))


@named
def test_named_programs_in_float32(make):
    f, parameters, widths = make()
    program = compiled(f, parameters, *arrays_of(widths), tolerance=1e-4, dtype=np.float32)
    assert program.theta.dtype == program.outputs(program.theta, *arrays_of(widths)).dtype == np.float32
    if program.is_cost:
        assert program(program.theta, *arrays_of(widths))[1].dtype == np.float32


COSTS = {squared_error: 3, cross_entropy: 3, max_margin: 1}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_with_every_activation_and_cost(activation, output, cost):
    nout = COSTS[cost]
    net = MLP(4, [5, nout], activation, output, seed=1)
    program = compiled(lambda x, y: cost(net(x), y if nout > 1 else y[0]), net.parameters(), *arrays_of((4, nout)))
    assert not unused_names(program.source)


# 3. How many array operations

def digit_program(sizes, spelling=as_dot, L2=0.0, **options):
    """A network of sigmoids with squared error, written with `spelling`, and examples for it."""
    net = MLP(sizes[0], sizes[1:], "sigmoid", "sigmoid", seed=0)

    def f(x, y):
        for layer in net.layers:
            x = [spelling(neuron.w, x, neuron.b, random.Random(0)).sigmoid() for neuron in layer.neurons]
        cost = squared_error(x, y)
        return cost + L2 * total(w * w for w in net.parameters()) if L2 else cost

    arrays = batch(3, sizes[0], low=0.0), np.eye(sizes[-1])[[1, 0, 1]]
    return compile(f, net.parameters(), *(array[0] for array in arrays), **options), arrays


@pytest.mark.parametrize("spelling", [as_dot, *SPELLINGS])
@pytest.mark.parametrize("L2", [0.0, 0.1])
def test_array_operations_depend_on_depth_and_not_on_width(spelling, L2):
    narrow, wide, deep = (digit_program(sizes, spelling, L2)[0].array_operations
                          for sizes in [(5, 4, 3, 2), (40, 17, 9, 6), (5, 4, 3, 4, 3, 2)])
    assert narrow == wide < deep
    assert narrow == digit_program((5, 4, 3, 2), as_dot, L2)[0].array_operations <= 12


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


def positions(n):
    W, b = values(4, 2), values(4, seed=1)
    return lambda x: total(dot(w, x[2 * i:2 * i + 2], c).tanh() for i in range(n) for w, c in zip(W, b)), flat(W, b), \
        (2 * n,)


def test_a_long_chain_of_different_depths_compiles():
    w = Value(0.5)

    def f(x):
        for _ in range(2000):
            x = [(x[0] * w).sin()]
        return x[0]
    compiled(f, [w], batch(2, 1))


def test_a_sum_of_20000_terms_compiles():
    w = values(20)

    def f(x):
        result = x[0]
        for i in range(20_000):
            result = result + w[i % 20]
        return result
    assert compiled(f, w, batch(2, 1)).array_operations < 10


def test_a_loss_at_every_one_of_many_steps():
    w = Value(0.5)

    def f(x):
        h, losses = x[0], []
        for _ in range(1500):
            h = (w * h).tanh()
            losses.append(h * h)
        return total(losses)
    compiled(f, [w], batch(2, 1))


# 4. Source

def ran_alone(source, *arguments):
    space = {}
    exec(source, space)
    return space["program"](*arguments)


@named
def test_the_source_runs_by_itself(make):
    f, parameters, widths = make()
    arrays = arrays_of(widths)
    program = compile(f, parameters, *(array[0] for array in arrays))
    result, alone = program(program.theta, *arrays), ran_alone(program.source, program.theta, *arrays)
    if program.is_cost:
        assert result[0] == alone[0]
        np.testing.assert_array_equal(result[1], alone[1])
    else:
        np.testing.assert_array_equal(result, alone)


def test_the_source_runs_in_a_file_with_numpy_alone(tmp_path):
    program, arrays = digit_program((6, 4, 3))
    np.savez(tmp_path / "numbers.npz", program.theta, *arrays)
    (tmp_path / "pasted.py").write_text(program.source + (
        f"\n\nimport sys\nfile = np.load({str(tmp_path / 'numbers.npz')!r})\n"
        "loss, gradient = program(*(file[name] for name in file.files))\n"
        "print(float(loss).hex(), *(float(number).hex() for number in gradient))\n"
        "assert 'micrograd2' not in sys.modules\n"))
    done = subprocess.run([sys.executable, "-I", tmp_path / "pasted.py"], capture_output=True, text=True, check=True)
    loss, gradient = program(program.theta, *arrays)
    assert [float.fromhex(word) for word in done.stdout.split()] == [loss, *gradient]


def test_the_source_of_the_digit_network_can_be_read():
    program, _ = digit_program((784, 16, 16, 10))
    assert sum(map(bool, program.source.splitlines())) <= 41
    assert max(map(len, program.source.splitlines())) <= 120
    words = {node.id for node in ast.walk(ast.parse(program.source)) if isinstance(node, ast.Name)}
    assert words >= {f"{letter}{k}" for letter in "Wbza" for k in (1, 2, 3)} | {f"d_z{k}" for k in (1, 2, 3)} | \
        {"loss", "gradient", "theta", "x", "y"}
    assert not unused_names(program.source)
    assert "(16, 784)" in program.source and "(B, 16)" in program.source


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_source_does_not_depend_on_how_sums_are_written(spelling):
    assert digit_program((6, 4, 3), spelling)[0].source.count("@") == digit_program((6, 4, 3))[0].source.count("@")


@named
def test_the_source_has_no_dead_lines(make):
    f, parameters, widths = make()
    assert not unused_names(compile(f, parameters, *(array[0] for array in arrays_of(widths))).source)


@named
def test_the_source_is_the_same_every_time(make):
    def source(keep):
        keep += [[object() for _ in range(n)] for n in (10, 100, 1000)]  # so that addresses differ
        f, parameters, widths = make()
        return compile(f, parameters, *(array[0] for array in arrays_of(widths))).source
    kept = []
    assert len({source(kept) for _ in range(5)}) == 1


@pytest.mark.parametrize("dtype", [None, "int32", "float16", "longdouble", complex, "text", 64])
def test_a_kind_of_number_that_is_not_float64_or_float32_is_refused(dtype):
    with pytest.raises(TypeError, match="float64 or float32"):
        compile(lambda x: PARAMETER * x[0], [PARAMETER], [1.0], dtype=dtype)


def test_a_program_in_float32_has_no_wider_numbers_in_it():
    program = compile(lambda x: [a * (k + 1.0) for k, a in enumerate(x)], [], [0.5] * 8, dtype="float32")
    assert ran_alone(program.source, program.theta, np.ones((2, 8), np.float32)).dtype == np.float32


def test_the_source_of_one_neuron_can_be_read():
    w, b = values(3), Value(0.5)
    source = compile(lambda x: dot(w, x, b).tanh(), [*w, b], [1.0, 2.0, 3.0]).source
    for line in ("z1 = x @ W1.T + b1 ", "a1 = np.tanh(z1) ", "loss = a1.sum() / B"):
        assert f"    {line}" in source
    source = compile(lambda x: dot(w, x, 0.0), w, [1.0, 2.0, 3.0]).source
    assert "    z1 = x @ W1.T " in source and "+ 0" not in source
    source = compile(lambda x: (w[0] * x[0]).exp(), w, [1.0]).source
    assert "    v1 = p1 * x " in source and "    cost = exp(v1) " in source


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


def test_what_no_example_touches_takes_no_bytes_of_an_example():
    w = values(4)
    assert compile(lambda: (w[0] * w[1] + w[2]).exp(), w).bytes_per_example == 0
    assert compile(lambda x: (w[0] * w[1] + w[2]).exp() * x[0], w, [1.0]).bytes_per_example == 8


@pytest.mark.parametrize("start, shape, steps", [
    (0, (4, 6), (6, 1)), (2, (4, 2), (6, 1)), (3, (3, 2), (6, 1)), (5, (2, 2, 3), (12, 4, 1)), (0, (6, 4), (1, 6)),
    (5, (4,), (6,)), (20, (1,), (1,)), (2, (3, 1), (8, 1)), (4, (2, 4), (1, 6)), (13, (3, 2), (1, 4)),
    (1, (3, 2, 2), (1, 12, 4))])
def test_regular_places_are_views(start, shape, steps):
    """A start, and a step for each axis, one of them 1, are written as slices and reshapes that show those places."""
    places = start + sum(np.indices(shape)[axis] * step for axis, step in enumerate(steps))
    seen = view((24,), places, batched=False)
    assert seen is not None
    np.testing.assert_array_equal(eval("v" + "".join(seen), {"v": np.arange(24)}), places)


TWO = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
       "neg": lambda a, b: -a, "square": lambda a, b: a ** 2.0, "a constant": lambda a, b: b * -1.5 + a}


@pytest.mark.parametrize("last", TWO)
def test_arithmetic_on_names_is_written_with_the_brackets_that_it_needs(last):
    numbers = {"a": 0.75, "b": -1.25, "c": 3.0, "d": 1.625}
    a, b, c, d = map(Text, numbers)
    for left, right in itertools.product(TWO.values(), repeat=2):
        written = str(TWO[last](left(a, b), right(c, d)))
        expected = TWO[last](left(numbers["a"], numbers["b"]), right(numbers["c"], numbers["d"]))
        assert eval(written, {}, numbers) == pytest.approx(expected, rel=1e-13), written


@pytest.mark.parametrize("x", [0.0, -0.0, 2.0, -0.5, 1e15, -3e200, 5e-324, math.inf, -math.inf, math.nan])
def test_a_number_is_written_so_that_it_is_read_again_to_the_last_bit(x):
    read = float(eval(str(Text("").like(x)), {"np": np}))
    assert repr(read) == repr(x) and eval(str(2 - Text("").like(x)), {"np": np}) == pytest.approx(2 - x, nan_ok=True)


def test_arguments_are_called_as_in_f():
    program = compile(lambda pixels, label: (pixels[0] - label[0]) ** 2, [], [1.0], [2.0])
    assert "def program(theta, pixels, label):" in program.source
    program = compile(lambda pixels, scale=2.0: pixels[0] * scale, [], [1.0])
    assert "def program(theta, pixels):" in program.source


@pytest.mark.parametrize("name", ["theta", "gradient", "loss", "B", "np", "views", "program", "sigmoid", "less", "v1",
                                  "z1", "W1", "b1", "a1", "cost", "k1", "i1", "p1", "v", "float", "self",
                                  "d_x", "g_W1", "d_z1"])
def test_no_name_of_an_argument_clashes_with_the_source(name):
    w = values(3, 2)
    space = {"w": w, "dot": dot, "total": total, "maximum": maximum}
    f = eval(f"lambda {name}: total(maximum(dot(u, {name}, 0.5).sigmoid(), {name}[0] * {name}[1]) for u in w) + "
             f"total(p * p for u in w for p in u) + 0.25 * {name}[1]", space)
    compiled(f, flat(w), batch(3, 2))


def test_a_gradient_taken_inside_f_is_compiled_with_it():
    w, b = values(2)

    def f(x, y):
        u = (w * x[0] + b).tanh()
        slope, = gradient(u, [x[0]])
        return (u - y[0]) ** 2 + 0.1 * slope ** 2

    compiled(f, [w, b], batch(4, 1), batch(4, 1))


def test_a_printed_program_says_what_became_of_it():
    program, _ = digit_program((6, 4, 3))
    assert str(program.array_operations) in str(program) and f"{len(program.theta)} parameters" in str(program)
    assert f"{program.scalar_nodes:,} scalar nodes" in str(program)


# 5. Truth: what is refused

@pytest.mark.parametrize("f", [
    lambda x: w_(x) if x[0] > 0 else -w_(x), lambda x: w_(x) if 0 > x[0] else -w_(x),
    lambda x: w_(x) if x[0] <= x[1] else -w_(x), lambda x: w_(x) if x[0] >= 1 else x[0], lambda x: w_(max(x)),
    lambda x: sorted(x)[0], lambda x: w_(x) * float(x[0]), lambda x: w_(x) * math.exp(x[0]), lambda x: min(x)])
def test_looking_at_the_numbers_is_refused(f):
    with pytest.raises(CompileError, match="compares Values, or turns one into a plain number"):
        compile(f, [PARAMETER], [1.0, 2.0])


PARAMETER = Value(2.0, "p")


def w_(x):
    """A parameter times the first of a list, or a Value."""
    return PARAMETER * (x[0] if isinstance(x, list) else x)


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


@pytest.mark.parametrize("weights, inputs", [
    ([2.0, 2.0], [3.0, 3.0]), ([2.0, 2.0], [2.0, 2.0]), ([2.0, 3.0], [5.0, 3.0]), ([2.0], [3.0])])
def test_a_weighted_sum_of_plain_numbers(weights, inputs):
    q = Value(0.5, "q")
    program = compile(lambda x: dot(weights, inputs, q) * x[0], [q], [1.0])
    loss, gradient = program([0.5], [[1.0], [3.0]])
    assert (loss, gradient.tolist()) == (2 * (sum(w * x for w, x in zip(weights, inputs)) + 0.5), [2.0])


@pytest.mark.parametrize("parameters, said", [
    ([PARAMETER, PARAMETER], "twice"), ([PARAMETER * 2], "leaves"), ([2.0], "Values"), ([[PARAMETER]], "Values")])
def test_bad_parameters_are_refused(parameters, said):
    with pytest.raises((CompileError, TypeError), match=said):
        compile(lambda x: PARAMETER * x[0], parameters, [1.0])


def drawing(rng):
    return lambda x: PARAMETER * x[0] * rng.random()


def growing(add):
    kept = []

    def f(x):
        kept.append(add(x))
        return total(PARAMETER * thing for thing in kept)
    return f


@pytest.mark.parametrize("f", [drawing(random), drawing(np.random.default_rng(0)), growing(lambda x: 1.0),
                               growing(lambda x: x[0]), growing(lambda x: Value(1.0)), growing(lambda x: PARAMETER)])
def test_random_numbers_and_things_kept_between_calls_are_refused(f):
    with pytest.raises(CompileError):
        compile(f, [PARAMETER], [1.0])


RARE = 300.0  # further away than any number on which a program is proven


@pytest.mark.parametrize("f, unseen", [
    (lambda x: w_(x) if x[0].data < RARE else -w_(x), [RARE]), (lambda x: w_(x) * max(x[0].data, RARE), [RARE + 1]),
    (lambda x: [w_(x)] * (2 if x[0].data < RARE else 3), [RARE]),
    (lambda x: w_(x) if PARAMETER.data * x[0].data < RARE else -w_(x), [RARE])])
def test_what_is_seldom_taken_is_found_by_check(f, unseen):
    program = compile(f, [PARAMETER], [1.0])
    program.check(program.theta, [[1.0]])
    with pytest.raises(CompileError, match="for example 1, .*(does something else|plain number)"):
        program.check(program.theta, [[1.0], unseen])


# Shapes and kinds of numbers

def linear(**options):
    """A cost of two arguments, of 3 numbers and of 1."""
    w = values(4)

    def f(x, y):
        return (dot(w[:3], x, w[3]) - y[0]) ** 2
    return compile(f, w, [1.0, 2.0, 3.0], [1.0], **options)


@pytest.mark.parametrize("shapes", [
    [(5, 3)], [], [(5, 3), (5, 1), (5, 1)], [(5, 4), (5, 1)], [(5, 2), (5, 1)], [(5, 3), (4, 1)], [(5, 3), (5, 2)],
    [(3,), (1,)], [(0, 3), (0, 1)], [(5, 3), (1, 1)], [(5, 3, 1), (5, 1)], [(), (1,)], [(5, 3), ()]], ids=str)
@pytest.mark.parametrize("call", ["__call__", "outputs", "check"])
def test_wrong_shapes_are_refused(shapes, call):
    program = linear()
    with pytest.raises(ValueError, match="array|shape"):
        getattr(program, call)(program.theta, *map(np.zeros, shapes))


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), (1, 4), ()])
def test_a_theta_of_the_wrong_shape_is_refused(shape):
    program, arrays = linear(), (np.zeros((2, 3)), np.zeros(2))
    for act in (program, program.outputs, program.check):
        with pytest.raises(ValueError, match="theta"):
            act(np.zeros(shape), *arrays)
    with pytest.raises(ValueError, match="theta"):
        program.store(np.zeros(shape))


@pytest.mark.parametrize("arrays", [([["a"] * 3], [1.0]), ([[1.0, 2.0, 3.0], [1.0]], [1.0, 2.0])],
                         ids=["text", "ragged"])
def test_what_is_no_array_of_numbers_is_refused(arrays):
    program = linear()
    with pytest.raises((TypeError, ValueError), match="^x must"):
        program(program.theta, *arrays)


@pytest.mark.parametrize("form", [
    np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: np.flip(np.flip(a).copy()), np.ndarray.tolist,
    lambda a: a.astype(int), lambda a: a.astype(np.float32), lambda a: a.astype(np.int8), lambda a: a > 2,
    lambda a: np.broadcast_to(a[:1], a.shape), lambda a: a.astype(object), lambda a: a.astype(">f8")],
    ids="Fortran strided backwards list int float32 int8 bool broadcast object big-endian".split())
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_every_kind(form, dtype):
    program = linear(dtype=dtype)
    x, y = np.arange(12.0).reshape(4, 3) - 5, np.arange(4.0).reshape(4, 1)
    loss, gradient = program(program.theta, form(x), form(y))
    plain = [np.array(form(array), dtype=float) for array in (x, y)]
    expected, expected_gradient = scalar_average(program.f, program.parameters, plain)
    assert_close(loss, expected, 1e-5 if dtype == np.float32 else 1e-12)
    assert_close(gradient, expected_gradient, 1e-5 if dtype == np.float32 else 1e-12)


def test_one_number_for_each_example_may_be_a_row():
    program, x = linear(), batch(4, 3)
    loss, gradient = program(program.theta, x, np.arange(4))
    column_loss, column_gradient = program(program.theta, x, np.arange(4)[:, None])
    assert loss == column_loss and (gradient == column_gradient).all()


def test_a_batch_of_one_and_of_many():
    program = linear()
    for B in (1, 2, 1000):
        assert_agrees(program, program.f, program.parameters, batch(B, 3), batch(B, 1))


def test_theta_may_be_of_any_kind():
    program, arrays = linear(), (batch(2, 3), batch(2, 1))
    expected = program(np.array([1.0, 2.0, 3.0, 4.0]), *arrays)[0]
    for theta in ([1, 2, 3, 4], (1.0, 2.0, 3.0, 4.0), np.arange(1, 5), np.arange(1.0, 9.0)[:4],
                  np.repeat(np.arange(1.0, 5.0), 2)[::2], np.arange(1, 5, dtype=np.float32)):
        assert program(theta, *arrays)[0] == expected


def cut(p, x):
    """Five numbers of one kind, the first three and the others."""
    numbers = [(a * b).tanh() for a in p for b in x]
    return numbers[:3], numbers[3:5]


EDGES = {
    "sums of parts of unequal length": lambda p, x: total(-total(part) for part in cut(p, x)),
    "an input": lambda p, x: x[0], "a parameter": lambda p, x: p[1], "a constant": lambda p, x: Value(3.0),
    "minus a parameter": lambda p, x: -p[0], "an empty sum": lambda p, x: total([]),
    "a sum of one": lambda p, x: total([x[0]]), "zero times": lambda p, x: 0 * p[0] * x[0],
    "power 0": lambda p, x: p[0] ** 0 + x[0] ** 0, "power 1": lambda p, x: (p[0] * x[0]) ** 1,
    "constants only": lambda p, x: Value(2.0) * 3 + 1, "itself": lambda p, x: p[0] * p[0] + p[0] - p[0] / p[1],
    "max of one": lambda p, x: maximum(p[0], p[0]) * minimum(x[0], x[0]),
    "logsumexp of one": lambda p, x: logsumexp([p[0]]),
    "dot of one": lambda p, x: dot([p[0]], [x[0]], 1.0), "dot of none": lambda p, x: dot([], [], p[0]),
    "dot of constants": lambda p, x: dot([1.0, 2.0], [3.0, 4.0], p[0]),
    "dot of constants and an input": lambda p, x: dot([2.0, 2.0], [3.0, 3.0], x[0]) * p[0],
    "dot of constants and a parameter, times an input": lambda p, x: dot([2.0, 2.0], [3.0, 3.0], p[0]) * x[0],
    "dot of a constant": lambda p, x: dot([2.0], [3.0], p[0]) * dot([2.0], [3.0], 0.0) * x[0],
    "dot with itself": lambda p, x: dot(p, p, p[0]),
    "dot of one square": lambda p, x: [dot([2.0, 2.0], [2.0, 2.0], p[0]), x[0]],
    "dot of the same weight": lambda p, x: dot([p[0], p[0]], x, p[0]), "dot of data": lambda p, x: dot(x, x, x[0]),
    "dot of mixtures": lambda p, x: dot([p[0], x[0], 2.0], [x[1], p[1], p[0]], 0.0),
    "constants in a sum": lambda p, x: total([1.0, p[0], 2.0, x[0], 0.0]),
    "constants in logsumexp": lambda p, x: logsumexp([1.0, p[0], 2.0, x[0]]),
    "one weight for all": lambda p, x: total(p[0] - a for a in x) * 2 + total(a - p[0] * p[1] for a in x),
    "a list of everything": lambda p, x: [x[1], p[0], Value(1.0), p[0], x[1] * 2, p[0] * p[1]],
    "a list of parameters": lambda p, x: [p[1], p[0]], "a list of constants": lambda p, x: [Value(1.0), Value(2.0)],
    "a list of one": lambda p, x: [x[0] * p[0]], "a list of inputs": lambda p, x: x,
    "a list of an input twice": lambda p, x: [x[1], x[1]], "a list backwards": lambda p, x: [x[1], x[0]],
    "a tuple": lambda p, x: (p[0], x[0]), "a list of the same constant": lambda p, x: [Value(1.0), Value(1.0)],
}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_edges(edge, dtype):
    p = values(3)
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    program = compiled(lambda x: edge(p, x), p, batch(3, 2), tolerance=tolerance, dtype=dtype)
    assert program.outputs(program.theta, batch(3, 2)).dtype == dtype


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_edges_have_no_dead_lines(edge):
    p = values(3)
    assert not unused_names(compile(lambda x: edge(p, x), p, [1.0, 2.0]).source)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_programs_without_arrays_and_without_parameters(count):
    p = values(count, low=0.5)
    program = compiled(lambda: total(w ** 3 for w in p) + total(p) * 2, p)
    assert program.outputs(program.theta).shape == (1,)
    compiled(lambda x: total(x) * 2 + total(p), p, batch(3, 2))
    compiled(lambda: [Value(1.0), *p], p)


def test_an_argument_of_no_numbers():
    p = values(2)
    compiled(lambda x, y: p[0] * p[1] + total(x) + y[0], p, np.zeros((3, 0)), batch(3, 1))


# Numbers that are not there

BAD = {  # a function, an example that is good, and numbers in a batch that are not, with what NumPy calls it
    "log(0)": (lambda x: x.log(), 0.0, "divide"), "log(-1)": (lambda x: x.log(), -1.0, "invalid"),
    "1/0": (lambda x: 1 / x, 0.0, "divide"), "x/0": (lambda x: PARAMETER / x, 0.0, "divide"),
    "exp(1000)": (lambda x: x.exp(), 1000.0, "overflow"), "sqrt(-1)": (lambda x: x.sqrt(), -1.0, "invalid"),
    "0**-1": (lambda x: x ** -1, 0.0, "divide"), "(-8)**(1/3)": (lambda x: x ** (1 / 3), -8.0, "invalid"),
    "(-1)**p": (lambda x: x ** (PARAMETER + 0.5), -1.0, "invalid"), "big**8": (lambda x: x ** 8, 1e100, "overflow"),
    "2**x": (lambda x: 2 ** x, 5000.0, "overflow"),
}


@pytest.mark.parametrize("function, number, said", BAD.values(), ids=BAD)
def test_where_the_scalar_graph_refuses_a_number_the_program_names_the_line(function, number, said):
    program = compile(lambda x: function(x[0]) * PARAMETER, [PARAMETER], [1.5])
    for act in (program, program.outputs):
        with pytest.raises(FloatingPointError, match=said) as caught:
            act(program.theta, [[1.0], [number]])
        line = str(caught.value).split(": ", 1)[1]
        assert line and line in program.source
    assert_agrees(program, program.f, [PARAMETER], [[1.0], [2.0]])  # and works on


def test_the_slope_of_sqrt_at_zero_is_refused():
    program = compile(lambda x: (PARAMETER * x[0]).sqrt(), [PARAMETER], [1.5])
    with pytest.raises(FloatingPointError, match="divide"):
        program(program.theta, [[0.0]])


@pytest.mark.parametrize("function", [
    lambda x: x + 1, lambda x: x.relu(), lambda x: abs(x), lambda x: maximum(x, 0.5), lambda x: minimum(0.5, x),
    lambda x: x.tanh(), lambda x: x.sigmoid(), lambda x: x.exp(), lambda x: logsumexp([x, 1.0, 2.0]), lambda x: x.sin(),
    lambda x: x ** 3, lambda x: x.log(), lambda x: x.sqrt()])
def test_nan_in_the_data_gives_nan(function):
    program = compile(lambda x: total(function(a) for a in x) * PARAMETER, [PARAMETER], [0.5, 1.5])
    loss, gradient = program(program.theta, [[1.0, 2.0], [1.0, math.nan]])
    assert math.isnan(loss) and np.isnan(gradient).all()
    assert np.isnan(program.outputs(program.theta, [[1.0, 2.0], [1.0, math.nan]])).tolist() == [False, True]


@pytest.mark.parametrize("function", [
    lambda a, b: a.sigmoid() + b.sigmoid(), lambda a, b: a.tanh() - b.tanh(), lambda a, b: logsumexp([a, b, 0.0]),
    lambda a, b: cross_entropy([a, b], [0.25, 0.75]), lambda a, b: a.relu() + abs(b) + maximum(a, b),
    lambda a, b: (-abs(a)).exp()])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-4)])  # float32: 1000 ± 6e-5
def test_large_numbers_are_right_and_silent(function, dtype, tolerance):
    w = [Value(1.0), Value(1.0)]
    X = np.array([[a, b] for a in (-1000.0, -90.0, 0.5, 90.0, 1000.0) for b in (-1000.0, -740.0, 0.25, 740.0, 1000.0)])
    compiled(lambda x: function(w[0] * x[0], w[1] * x[1]), w, X, dtype=dtype, tolerance=tolerance)


# 6. What belongs to whom

def both(make=rnn):
    f, parameters, widths = make()
    arrays = arrays_of(widths)
    return compile(f, parameters, *(array[0] for array in arrays)), arrays


@named
def test_what_is_returned_is_the_callers(make):
    program, arrays = both(make)
    theta = program.theta
    first = [program.outputs(theta, *arrays), program(theta, *arrays)]
    gradients = [first[0], first[1][1] if program.is_cost else first[1]]
    copies = [array.copy() for array in gradients]
    for k in range(3):
        others = [array[::-1] * 0.5 for array in arrays]
        program(theta * 0.9, *others)
        program.outputs(theta * 0.9, *others)
    for array, copy in zip(gradients, copies):
        np.testing.assert_array_equal(array, copy)
        array[:] = 7.0  # nor does the program mind
    np.testing.assert_array_equal(program.outputs(theta, *arrays), copies[0])


@named
def test_what_is_given_stays_as_it_is(make):
    program, arrays = both(make)
    given_ = [program.theta, *arrays]
    copies = [array.copy() for array in given_]
    for array in given_:
        array.flags.writeable = False
    program(*given_)
    program.outputs(*given_)
    program.check(*given_)
    for array, copy in zip(given_, copies):
        np.testing.assert_array_equal(array, copy)


@named
def test_batches_of_many_sizes_in_turn(make):
    f, parameters, widths = make()
    program = both(make)[0]
    for k, B in enumerate((3, 1, 4, 3, 2, 4) if widths else (1, 1)):
        assert_agrees(program, f, parameters, *arrays_of(widths, B, seed=k))


def test_theta_is_a_copy_and_store_writes():
    program, _ = both()
    theta = program.theta
    before = theta.copy()
    theta += 1.0
    np.testing.assert_array_equal(program.theta, before)
    program.store(theta)
    assert [p.data for p in program.parameters] == theta.tolist()
    assert all(type(p.data) is float for p in program.parameters)
    np.testing.assert_array_equal(program.theta, theta)


def test_the_list_of_parameters_is_copied():
    w = values(2)
    listed = list(w)
    program = compile(lambda x: w[0] * x[0] + w[1], listed, [1.0])
    listed.clear()
    assert len(program.theta) == 2
    assert_agrees(program, program.f, w, batch(2, 1))


def numbers_of(parameters):
    return [(p.data, p.grad) for p in parameters]


def test_neither_compiling_nor_running_nor_checking_touches_the_parameters():
    f, parameters, widths = rnn()
    for k, p in enumerate(parameters):
        p.grad = float(k)
    before = numbers_of(parameters)
    program = compiled(f, parameters, *arrays_of(widths))
    program(program.theta * 2, *arrays_of(widths))
    program.check(program.theta * 2, *arrays_of(widths))
    assert numbers_of(parameters) == before


def test_a_check_that_fails_restores_the_parameters():
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0] if x[0].data < RARE else w, [w], [1.0])
    with pytest.raises(CompileError, match="for example 0, the result is 1500.0 in the program but 5.0"):
        program.check([5.0], [[RARE]])
    assert w.data == 2.0


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


def test_numpys_error_state_is_left_alone():
    program = linear()
    before = np.geterr()
    program(program.theta, batch(2, 3), batch(2, 1))
    with pytest.raises(ValueError):
        program(program.theta)
    assert np.geterr() == before


def test_a_program_is_what_an_optimiser_of_functions_wants():
    """fun(theta, *arrays) -> (float, vector), as for scipy.optimize.minimize(jac=True)."""
    w, X = values(3), batch(20, 2)
    y = X @ [1.0, -2.0] + 0.5
    program = compile(lambda x, y: (dot(w[:2], x, w[2]) - y[0]) ** 2, w, X[0], [y[0]])
    theta = program.theta
    for _ in range(500):
        loss, gradient = program(theta, X, y)
        assert type(loss) is float and gradient.shape == theta.shape
        theta = theta - 0.5 * gradient
    assert_close(theta, [1.0, -2.0, 0.5], 1e-6)


# 7. fit

TASKS = {
    "regression": (lambda: MLP(3, [4, 2], "tanh", seed=1), squared_error, batch(9, 3), batch(9, 2)),
    "signs": (lambda: MLP(2, [4, 1], "relu", seed=2), max_margin, batch(9, 2), np.sign(batch(9, 1))),
    "classes": (lambda: MLP(3, [4, 3], "sigmoid", seed=3), cross_entropy, batch(9, 3), np.eye(3)[[0, 1, 2] * 3]),
}
tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@tasks
@pytest.mark.parametrize("optimizer", [partial(SGD, 0.2), partial(SGD, 0.1, momentum=0.9), partial(Adam, 0.05)],
                         ids=["SGD", "momentum", "Adam"])
def test_fit_is_the_same_compiled_or_not(task, optimizer):
    make, cost, X, Y = task
    nets, histories = [make(), make()], []
    for net, compiled_ in zip(nets, (True, False)):
        histories.append(fit(net, X, Y, cost, optimizer(), epochs=4, batch_size=4, seed=5, compiled=compiled_,
                             progress=False))
    assert_close(histories[0].loss, histories[1].loss, 1e-9)
    assert_close(histories[0].epoch_loss, histories[1].epoch_loss, 1e-9)
    assert histories[0].accuracy == histories[1].accuracy
    assert_close(*([p.data for p in net.parameters()] for net in nets), tolerance=1e-9)


class Stopping(SGD):
    """Fails when asked for one step too many."""

    def __init__(self, after, error):
        super().__init__(0.1)
        self.after, self.error, self.last = after, error, None

    def step(self, theta, gradient):
        if self.steps == self.after:
            raise self.error
        self.last = super().step(theta, gradient)
        return self.last


@pytest.mark.parametrize("after", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fit_keeps_the_last_finished_step(after, error):
    make, cost, X, Y = TASKS["regression"]
    net, optimizer = make(), Stopping(after, error)
    with pytest.raises(error):
        fit(net, X, Y, cost, optimizer, epochs=5, batch_size=4, progress=False)
    assert [p.data for p in net.parameters()] == optimizer.last.tolist()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_fit_interrupted_by_its_callback_keeps_the_epoch(error):
    make, cost, X, Y = TASKS["regression"]
    whole, cut = make(), make()

    def stop(history):
        if len(history.epoch_loss) == 2:
            raise error
    fit(whole, X, Y, cost, epochs=2, batch_size=4, progress=False)
    with pytest.raises(error):
        fit(cut, X, Y, cost, epochs=5, batch_size=4, progress=False, callback=stop)
    assert [p.data for p in cut.parameters()] == [p.data for p in whole.parameters()]


def test_an_error_in_the_arithmetic_leaves_the_last_finished_step():
    net = MLP(1, [1], seed=0)
    start = [p.data for p in net.parameters()]
    with pytest.raises(FloatingPointError, match="log"):
        fit(net, [[1.0], [1.0], [0.0]], [1.0, 1.0, 0.0], lambda a, y: a ** 2 + (0 * a + y).log(), progress=False)
    assert [p.data for p in net.parameters()] == start


def test_the_five_lines_in_which_a_user_writes_the_loop():
    make, cost, X, Y = TASKS["regression"]
    net, fitted = make(), make()
    program = compile(lambda x, y: cost(net(x), y), net.parameters(), X[0], Y[0])
    theta = program.theta
    for _ in range(3):
        loss, gradient = program(theta, X, Y)
        theta = theta - 0.1 * gradient
    program.store(theta)
    fit(fitted, X, Y, cost, SGD(0.1), epochs=3, progress=False)
    assert_close(theta, [p.data for p in fitted.parameters()], 1e-12)


# 8. Every operation

OPERATIONS = {  # symbol: the operation on three numbers, and the interval that they come from
    "+": (lambda a, b, c: a + b, -2, 2), "-": (lambda a, b, c: a - b, -2, 2), "*": (lambda a, b, c: a * b, -2, 2),
    "/": (lambda a, b, c: a / b, 0.5, 2), "neg": (lambda a, b, c: -a, -2, 2), "**": (lambda a, b, c: a ** b, 0.5, 2),
    "**3": (lambda a, b, c: a ** 3, -2, 2), "**-2": (lambda a, b, c: a ** -2, 0.5, 2),
    "**0.5": (lambda a, b, c: a ** 0.5, 0.5, 2), "**0": (lambda a, b, c: a ** 0 + b, -2, 2),
    "**1": (lambda a, b, c: a ** 1, -2, 2), "2**": (lambda a, b, c: 2 ** a, -2, 2),
    "exp": (lambda a, b, c: a.exp(), -2, 2), "log": (lambda a, b, c: a.log(), 0.5, 2),
    "sqrt": (lambda a, b, c: a.sqrt(), 0.5, 2), "sin": (lambda a, b, c: a.sin(), -2, 2),
    "atan": (lambda a, b, c: a.atan(), -2, 2), "softplus": (lambda a, b, c: a.softplus(), -2, 2),
    "cos": (lambda a, b, c: a.cos(), -2, 2), "tanh": (lambda a, b, c: a.tanh(), -2, 2),
    "sigmoid": (lambda a, b, c: a.sigmoid(), -2, 2), "relu": (lambda a, b, c: a.relu(), -2, 2),
    "abs": (lambda a, b, c: abs(a), -2, 2), "sign": (lambda a, b, c: SIGN(a) * b, -2, 2),
    "<": (lambda a, b, c: LESS(a, b) * c, -2, 2), "max": (lambda a, b, c: maximum(a, b), -2, 2),
    "min": (lambda a, b, c: minimum(a, b), -2, 2), "sum": (lambda a, b, c: total([a, b, c]), -2, 2),
    "dot": (lambda a, b, c: dot([a, b], [b, c], c), -2, 2),
    "logsumexp": (lambda a, b, c: logsumexp([a, b, c]), -2, 2),
}
each_operation = pytest.mark.parametrize("operation, low, high", OPERATIONS.values(), ids=OPERATIONS)


def test_every_row_of_the_table_is_tried():
    rows_ = {op.symbol for op in vars(engine).values() if isinstance(op, Op) and op is not LEAF}
    assert rows_ <= OPERATIONS.keys()


def grid(low, high, *shape):
    """Random quarters: so few that ties and zeros are common."""
    return np.random.default_rng(0).integers(4 * low, 4 * high + 1, shape) / 4


@each_operation
@pytest.mark.parametrize("kind", ["parameters", "data", "both"])
def test_every_operation_on_many_numbers(operation, low, high, kind):
    """∂C/∂a, ∂C/∂b, ∂C/∂c apart, for 50 triples; s_k in front of each tells them from one another."""
    triples, scale = grid(low, high, 50, 3), np.linspace(0.5, 1.5, 50).tolist()
    if kind == "data":  # 50 examples of one triple, each number shifted by a parameter that is 0
        p = [Value(0.0) for _ in range(3)]
        compiled(lambda x: operation(*(a + w for a, w in zip(x, p))), p, triples)
    elif kind == "parameters":
        p = [[Value(a) for a in triple] for triple in triples.tolist()]
        compiled(lambda x: total(s * x[0] * operation(*triple) for s, triple in zip(scale, p)), flat(p), batch(2, 1))
    else:  # the first number is data, the others are not
        p = [[Value(a) for a in triple[1:]] for triple in triples.tolist()]
        w = Value(1.0)
        compiled(lambda x: total(s * operation(w * a, *pair) for s, a, pair in zip(scale, x, p)), [*flat(p), w],
                 grid(low, high, 2, 50))


@each_operation
def test_every_operation_in_float32_stays_in_float32(operation, low, high):
    p = [Value(0.0) for _ in range(3)]
    f = lambda x: operation(*(a + w for a, w in zip(x, p)))  # noqa: E731
    program = compiled(f, p, grid(low, high, 50, 3), tolerance=1e-5, dtype=np.float32)
    assert program.outputs(program.theta, grid(low, high, 50, 3)).dtype == np.float32


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
