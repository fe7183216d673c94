"""Scalar code to compile, random and with names, and what its scalar graph says, which every program is held to."""

import ast
import random
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, settings, strategies as st

from micrograd2.compiler import compile
from micrograd2.contributions import grads_of
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, logsumexp, maximum, minimum, total
from micrograd2.nn import MLP
from tests import programs
from tests.bench.clients import flat


# The scalar graph, which is the definition

def graph_of(f, example):
    """What `f` returns for one example: the Values in a list."""
    result = f(*([Value(number) for number in numbers] for numbers in example))
    return [result] if isinstance(result, Value) else list(result)


def rows(arrays):
    return list(zip(*(np.asarray(array).tolist() for array in arrays))) if arrays else [()]


def scalar_outputs(f, arrays):
    return np.array([[value.data for value in graph_of(f, example)] for example in rows(arrays)])


def scalar_average(f, parameters, arrays):
    """The loss and the gradient of a batch, by the scalar graph of one example after the other."""
    costs = [graph_of(f, example)[0] for example in rows(arrays)]
    gradients = [[grads.get(p, 0.0) for p in parameters] for grads in map(grads_of, costs)]
    return np.mean([cost.data for cost in costs]), np.mean(gradients, axis=0)


def assert_close(actual, expected, tolerance=1e-12):
    """Equal, up to rounding, relative to the largest of the numbers, or to 1."""
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.max(np.abs(expected), initial=1.0))


def assert_agrees(program, f, parameters, *arrays, tolerance=1e-10):
    """The program computes what the scalar graph does: outputs, and of a cost the loss and the gradient."""
    outputs = scalar_outputs(f, arrays)
    if program.is_cost:
        loss, gradient = program(program.theta, *arrays)
        expected_loss, expected_gradient = scalar_average(f, parameters, arrays)
        assert isinstance(loss, float)
        assert_close(loss, expected_loss, tolerance)
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


def batch(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng([seed, 1]).uniform(low, high, shape)


PARAMETER = Value(2.0, "p")


def w_(x):
    """A parameter times the first of a list, or a Value."""
    return PARAMETER * (x[0] if isinstance(x, list) else x)


def unused_names(source):
    """Names that the source assigns and never reads; adding to a view writes to what it shows, which is a use."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    added = {node.target.id for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}
    return {node.id for node in names if isinstance(node.ctx, ast.Store)} - \
        {node.id for node in names if isinstance(node.ctx, ast.Load)} - added - {"_"}


# Random programs

slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
number = st.integers(-128, 128).map(lambda n: n / 64)


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


# Ragged programs: parts of lists of any length and order, added up and multiplied, as convolutions and fields are

def part(rng, things):
    """Some of these, in some order: a slice, with a step or backwards, anywhere, one again and again, or numbers."""
    n = len(things)
    start, count = rng.randrange(n), rng.randint(1, 5)
    kind = rng.randrange(8)
    if kind == 0:
        return things[start:start + count]
    if kind == 1:
        return things[start::rng.randint(1, 3)][:6]
    if kind == 2:
        return things[start::-1][:6]
    if kind == 3:
        return [things[start]] * count
    if kind == 4:
        return [rng.choice(things) for _ in range(count)]
    if kind == 5:
        return [rng.choice([0.0, 1.0, -2.5]) for _ in range(count)]
    if kind == 6:
        return [rng.choice([thing, 0.5]) for thing in things[start:start + count]]
    return things[:count]


def ragged(seed):
    """A function of x, and of parameters w, that is made of a few ragged weighted sums; one Value or a list."""
    rng = random.Random(seed)
    form = random.Random(seed + 1).getrandbits(32)
    n, m, lines, is_cost = rng.randint(1, 12), rng.randint(1, 8), rng.randint(1, 7), rng.random() < 0.6

    def f(w, x):
        rng = random.Random(form)
        made = []
        pools = [w, x, x, w]
        for _ in range(lines):
            a, b = part(rng, rng.choice(pools)), part(rng, rng.choice(pools))
            bias = rng.choice([0.0, rng.choice(w), rng.choice(x), 1.5])
            kind = rng.randrange(6)
            k = min(len(a), len(b))
            if kind == 0:
                y = sum((p * q for p, q in zip(a, b)), Value(0.0) if rng.random() < 0.5 else bias + Value(0.0))
            elif kind == 1:
                y = dot(a[:k], b[:k], bias)
            elif kind == 2:
                y = total(a) + total(b) * 0.5
            elif kind == 3:
                y = sum((p * p for p in a), Value(0.0))
            elif kind == 4:
                y = logsumexp([p * q for p, q in zip(a, b)])
            else:
                y = a[0] * b[-1] + a[-1]
            made.append(y if isinstance(y, Value) else Value(y))
            if rng.random() < 0.4:
                pools.append(made[-6:])
        made = [y.tanh() if rng.random() < 0.3 else y for y in made]
        if is_cost:
            return total(y * y * 0.5 for y in made)
        return made

    return f, n, m


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


# Named programs: each makes f, the parameters, and the widths of the arguments

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


# At the edges: of parameters p and inputs x

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
