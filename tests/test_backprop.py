"""Back through a network: every number that is drawn, played or told is held to `backward`, whatever it is made of."""

from __future__ import annotations

import base64
import itertools
import json
import math
import random
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

from micrograd2 import draw, explain, play
from micrograd2.backprop import Average, forward, passes, through_the_layers
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Op, Value, logsumexp, maximum, minimum, total
from micrograd2.nn import ACTIVATIONS, MLP, Layer, Neuron

SLOPE = Value(0.3, "slope")
SOFT = Op("soft", lambda x: x / (1 + abs(x)), lambda y, x: ((1 - abs(y)) * (1 - abs(y)),))
MADE = {
    "leaky": lambda z: maximum(z, 0.1 * z),
    "swish": lambda z: z * z.sigmoid(),
    "gelu by hand": lambda z: 0.5 * z * (1 + (0.8 * z + 0.04 * z ** 3).tanh()),
    "softplus by hand": lambda z: logsumexp([z, 0.0]),
    "learned": lambda z: maximum(z, SLOPE * z),
    "branching": lambda z: z if z > 0 else 0.1 * z,
    "negated": lambda z: -z,
    "steep": lambda z: (2 * z).tanh(),
    "step": lambda z: Value(float(z > 0)),
    "wave": lambda z: z.sin() + z.sin(),
    "own operation": lambda z: Value.apply(SOFT, (z,)),
}


def absolute(outputs: Any, targets: Any) -> Value:
    """A user's own cost, of one output or of many; a factor of its own stands in it twice."""
    factor = Value(1.5)
    pairs = zip(outputs, targets) if isinstance(outputs, list) else [(outputs, targets)]
    return total(abs(a - y) * factor + 0.1 * a * a * factor for a, y in pairs)


@pytest.fixture(autouse=True, scope="module")
def made() -> Any:
    ACTIVATIONS.update(MADE)
    yield
    for name in MADE:
        del ACTIVATIONS[name]


class Job(NamedTuple):
    net: MLP
    X: list[list[float]]
    Y: list[list[float]]
    cost: Any


def slots(net: MLP) -> list[tuple[list[Value], int]]:
    return [(neuron.w, i) for layer in net.layers for neuron in layer.neurons for i in range(len(neuron.w))]


@st.composite
def jobs(draw: Any, tied: bool = True) -> Job:
    """A small network with examples; its neurons may have activations of their own, and some weights may be tied."""
    cost = draw(st.sampled_from([squared_error, cross_entropy, max_margin, absolute]))
    nout = 1 if cost is max_margin else draw(st.integers(1 + (cost is cross_entropy), 3))
    nin, hidden = draw(st.integers(1, 3)), draw(st.lists(st.integers(1, 3), max_size=3))
    net = MLP(nin, [*hidden, nout], seed=draw(st.integers(0, 99)))
    rng = random.Random(draw(st.integers(0, 999)))
    mixed = draw(st.booleans())
    for layer in net.layers:
        kind = rng.choice(list(ACTIVATIONS))
        for neuron in layer.neurons:
            neuron.activation = rng.choice(list(ACTIVATIONS)) if mixed else kind
            neuron.b.data = rng.gauss(0, 0.5)
    if tied:
        for _ in range(draw(st.integers(0, 3))):
            (w, i), (v, j) = rng.choice(slots(net)), rng.choice(slots(net))
            w[i] = v[j]
        if draw(st.booleans()):
            rng.choice(net.layers[-1].neurons).b = net.layers[0].neurons[0].b
    size = draw(st.integers(1, 4))
    X = [[rng.gauss(0, 1) for _ in range(nin)] for _ in range(size)]
    Y = [[rng.choice([-1.0, 1.0])] if nout == 1 else [float(k == at) for k in range(nout)]
         for at in (rng.randrange(nout) for _ in range(size))]
    return Job(net, X, Y, cost)


class Truth(NamedTuple):
    """One example, as `backward` finds it: a, z, ∂C/∂a, δ and f′(z) by layer; ∂C/∂p by parameter."""

    cost: float
    a: list
    z: list
    upstream: list
    deltas: list
    slopes: list
    grads: dict[Value, float]


def truth(net: MLP, x: list[float], y: list[float], cost: Any) -> Truth:
    before = [p.grad for p in net.parameters()]
    net.zero_grad()
    traced = net.trace(x)
    outputs = [a for _, a in traced[-1]]
    root = cost(outputs[0] if len(outputs) == 1 else outputs, y[0] if len(y) == 1 else y)
    root.backward()
    grads = {p: p.grad for p in net.parameters()}
    for p, grad in zip(net.parameters(), before):
        p.grad = grad
    slopes = []
    for layer, pairs in zip(net.layers, traced):
        slopes.append([])
        for neuron, (z, _) in zip(layer.neurons, pairs):
            alone = Value(z.data)                       # f, on a number that nothing else reads
            ACTIVATIONS[neuron.activation](alone).backward()
            slopes[-1].append(alone.grad)
    return Truth(root.data, [x, *([a.data for _, a in layer] for layer in traced)],
                 [[z.data for z, _ in layer] for layer in traced], [[a.grad for _, a in layer] for layer in traced],
                 [[z.grad for z, _ in layer] for layer in traced], slopes, grads)


def truths(job: Job) -> list[Truth]:
    return [truth(job.net, x, y, job.cost) for x, y in zip(job.X, job.Y)]


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=1e-11)


def averaged(rows: Any) -> list[float]:
    return [sum(column) / len(column) for column in zip(*rows)]


# The passes

@given(jobs())
def test_every_number_of_a_pass_is_the_engines(job):
    found = list(passes(*job))
    assert len(found) == len(job.X)
    for one, true, x, y in zip(found, truths(job), job.X, job.Y):
        assert (one.cost.data, one.targets) == (true.cost, y)
        assert (one.activations, one.sums) == (true.a, true.z)
        assert (one.upstream, one.deltas) == (true.upstream, true.deltas)
        assert [one.grads.get(p, 0.0) for p in job.net.parameters()] == list(true.grads.values())
        for told, right in zip(one.slopes, true.slopes):
            assert told == close(right)
    assert list(through_the_layers(job.net, found)) == found


@given(jobs())
def test_forward_alone_has_the_same_activations_and_slopes_and_no_gradient(job):
    for one, there in zip(passes(*job), forward(job.net, job.X)):
        assert (one.activations, one.sums, one.slopes) == (there.activations, there.sums, there.slopes)
        assert there.cost is None and not there.grads and not any(map(any, there.upstream + there.deltas))


def test_the_average_counts_who_agrees_with_its_sign():
    rows = np.random.default_rng(0).integers(-2, 3, (7, 200)).astype(float)
    average = Average()
    for row in rows:
        average.add(row.tolist())
    assert average.mean == close(rows.mean(axis=0).tolist())
    signs = np.sign(rows.sum(axis=0))
    assert average.agree == (np.sign(rows) == signs).sum(axis=0).tolist() and set(signs) == {-1.0, 0.0, 1.0}


# What explanations tell

@given(jobs())
def test_nudges_tell_what_backward_finds(job):
    net, true = job.net, truths(job)
    told = explain.nudges(*job)
    assert told.examples == len(true) and told.cost == close(sum(t.cost for t in true) / len(true))
    gradient = dict(zip(net.parameters(), averaged(t.grads.values() for t in true)))
    for k, (layer, made) in enumerate(zip(told.layers, net.layers)):
        assert layer.inputs == close(averaged(t.a[k] for t in true))
        assert [n.a for n in layer.neurons] == close(averaged(t.a[k + 1] for t in true))
        assert [-n.nudge for n in layer.neurons] == close(averaged(t.upstream[k] for t in true))
        assert [n.delta for n in layer.neurons] == close(averaged(t.deltas[k] for t in true))
        assert [n.slope for n in layer.neurons] == close(averaged(t.slopes[k] for t in true))
        if k:
            assert layer.input_nudges == close([-gradient for gradient in averaged(t.upstream[k - 1] for t in true)])
        for j, (neuron, of) in enumerate(zip(layer.neurons, made.neurons)):
            assert neuron.weights == close([-gradient[w] for w in of.w]) and neuron.bias == close(-gradient[of.b])
            for numbers, count in (([t.upstream[k][j] for t in true], neuron.agree_nudge),
                                   ([t.deltas[k][j] for t in true], neuron.agree_delta),
                                   ([t.grads[of.b] for t in true], neuron.agree_bias),
                                   *zip(([t.grads[w] for t in true] for w in of.w), neuron.agree_weights)):
                if abs(sum(numbers)) > 1e-9:
                    assert count == list(np.sign(numbers)).count(np.sign(sum(numbers)))
    str(told)


@given(jobs())
def test_sensitivities_put_every_gradient_under_its_own_name(job):
    named = job.net.named_parameters()
    told = explain.sensitivities(*job)
    gradient = averaged(t.grads.values() for t in truths(job))
    assert {s.name: s.gradient for s in told.ranked} == close(dict(zip(dict(named), gradient)))
    assert {s.name: s.value for s in told.ranked} == {name: p.data for name, p in named}
    assert len(told.ranked) == len(named)
    str(told)


@given(jobs())
def test_health_is_told_from_the_engines_slopes(job):
    net, true = job.net, truths(job)
    told = explain.health(net, job.X)
    for k, layer in enumerate(told.layers):
        assert [n.slope for n in layer.neurons] == close(averaged(t.slopes[k] for t in true))
        assert [n.a for n in layer.neurons] == close(averaged(t.a[k + 1] for t in true))
        squares = []
        for x in job.X:
            traced = net.trace(x)
            for _, a in traced[-1]:
                for z, _ in (pair for pairs in traced for pair in pairs):
                    z.grad = 0.0
                a.backward()
                squares += [z.grad ** 2 for z, _ in traced[k]]
        assert layer.reach == close(math.sqrt(sum(squares) / len(squares)))
    str(told)


def test_of_tied_weights_every_name_has_the_total():
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    first, second = (net.layers[k].neurons for k in (0, 1))
    second[0].w[1] = first[1].w[0]
    second[1].b = first[0].b
    true = truth(net, [1.0, -0.5], [1.0], squared_error)
    told = explain.nudges(net, [1.0, -0.5], 1.0)
    assert told.layers[0].neurons[1].weights[0] == told.layers[1].neurons[0].weights[1] == -true.grads[first[1].w[0]]
    assert told.layers[0].neurons[0].bias == told.layers[1].neurons[1].bias == -true.grads[first[0].b]
    assert told.layers[1].neurons[0].tied == ["layers[1].neurons[0].w[1]"]
    assert told.layers[1].neurons[1].tied == ["layers[1].neurons[1].b"] and not told.layers[2].neurons[0].tied
    for name, many in (("layers[0].neurons[0]", 1), ("layers[0].neurons[1]", 1), ("layers[1].neurons[0]", 1),
                       ("layers[2].neurons[0]", 0)):
        assert str(told.avenues(name)).count("its other places add") == many
    assert "stands in other places too" in str(told.hebbian()) or true.grads[first[1].w[0]] >= 0


def test_the_nudge_of_a_neuron_is_its_own_where_biases_are_tied():
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    for neuron in (neuron for layer in net.layers for neuron in layer.neurons):
        neuron.b = net.layers[0].neurons[0].b
    told = explain.nudges(net, [1.0, -0.5], 1.0)
    deltas = {n.name: n.delta for layer in told.layers for n in layer.neurons}
    assert len({n.bias for layer in told.layers for n in layer.neurons}) == 1
    assert told.hebbian().rows
    assert all(nudge == -deltas[name.partition(".w[")[0]] for name, _, _, _, nudge, _ in told.hebbian().rows)


# Health, found out from the function itself

def biased(activation: str, bias: float, last: bool = False) -> dict[str, str]:
    """The problems of a network one of whose neurons is pushed to one side."""
    net = MLP(1, [2, 2], activation="linear", seed=1)
    for layer in net.layers:
        for neuron in layer.neurons:
            neuron.w = [Value(0.5) for _ in neuron.w]
    pushed = net.layers[last].neurons[1]
    pushed.activation, pushed.b.data = activation, bias
    return explain.health(net, [[-1.0], [0.5], [1.0]]).problems


@pytest.mark.parametrize("activation, below, above", [
    ("relu", "dead", ""), ("capped", "dead", "saturated"), ("sigmoid", "saturated", "saturated"),
    ("tanh", "saturated", "saturated"), ("hard", "saturated", "saturated"), ("swish", "saturated", ""),
    ("softplus by hand", "saturated", ""), ("own operation", "saturated", "saturated"), ("step", "dead", "saturated"),
    ("leaky", "", ""), ("very leaky", "", ""), ("learned", "", ""), ("branching", "", ""), ("linear", "", ""),
    ("negated", "", ""), ("logarithm", "", "")])
@pytest.mark.parametrize("last", [False, True])
def test_dead_and_saturated_are_told_by_what_a_function_does(activation, below, above, last, monkeypatch):
    for name, f in {"capped": lambda z: minimum(maximum(z, 0.0), 6.0), "very leaky": lambda z: maximum(z, 0.001 * z),
                    "hard": lambda z: minimum(maximum(0.2 * z + 0.5, 0.0), 1.0), "logarithm": Value.log}.items():
        monkeypatch.setitem(ACTIVATIONS, name, f)
    name = f"layers[{int(last)}].neurons[1]"
    at_rest = "saturated" if activation == "step" and not last else ""     # it is flat everywhere
    for bias, expected in ((-40.0, below), (0.0, at_rest), (40.0, above)):
        if activation != "logarithm" or bias > 0:
            assert biased(activation, bias, last).get(name, "") == expected


def test_a_layer_of_several_activations_is_mixed_and_each_neuron_judged_by_its_own():
    net = MLP(1, [4, 1], activation="relu", seed=1)
    for neuron, activation in zip(net.layers[0].neurons, ("relu", "tanh", "leaky", "swish")):
        neuron.activation, neuron.b.data = activation, -60.0
    told = explain.health(net, [[-1.0], [1.0]])
    assert [layer.activation for layer in told.layers] == ["mixed", "linear"]
    assert told.problems == {"layers[0].neurons[0]": "dead", "layers[0].neurons[1]": "saturated",
                             "layers[0].neurons[3]": "saturated"}


# What pictures show

EDGE = re.compile(r'c(\d+)n(\d+) -> c(\d+)n(\d+) \[.*?tooltip="([^"]*)"')
NEURON = re.compile(r'^\s*c(\d+)n(\d+) \[.*?tooltip="([^"]*)"', re.M)


def rounded(x: float) -> Any:
    return pytest.approx(x, rel=6e-4, abs=1e-15)


def numbers_in(told: str, pattern: str) -> list[float]:
    match = re.search(pattern, told)
    assert match, told
    return list(map(float, match.groups()))


@given(jobs())
def test_a_picture_shows_what_backward_finds(job):
    net, true = job.net, truths(job)
    source = draw(*job).source
    gradient = dict(zip(net.parameters(), averaged(t.grads.values() for t in true)))
    neurons = [(int(c), int(j), told) for c, j, told in NEURON.findall(source)]
    assert len(neurons) == sum(map(len, true[0].a))
    for c, j, told in neurons:
        assert numbers_in(told, r"activation (\S+?)(?:,|$)") == close([averaged(t.a[c] for t in true)[j]])
        delta = averaged(t.deltas[c - 1] for t in true)[j] if c else 0.0
        assert (numbers_in(told, r"δ = ∂C/∂z = (\S+)") if "δ" in told else [0.0]) == close([delta])
    edges = EDGE.findall(source)
    assert len(edges) == len(slots(net))
    for c, i, into, j, told in edges:
        w = net.layers[int(c)].neurons[int(j)].w[int(i)]
        if len(true) > 1:
            assert numbers_in(told, r" = (\S+), where") == [rounded(gradient[w])]
        else:
            (one,) = true
            adds = one.deltas[int(c)][int(j)] * one.a[int(c)][int(i)]
            assert numbers_in(told, r"upstream (\S+) × local (\S+) = ([^\s,]+)") == [
                rounded(one.deltas[int(c)][int(j)]), rounded(one.a[int(c)][int(i)]), rounded(adds)]
            if adds != gradient[w]:
                assert numbers_in(told, r"of (\S+) in all") == [rounded(gradient[w])]


# What pages hold

def packed(text: str) -> list[float]:
    if text.startswith(":"):    # n/255
        return [n / 255 for n in base64.b64decode(text[1:])]
    return np.frombuffer(base64.b64decode(text), "<f8").tolist()


def page_data(page: Any) -> dict[str, Any]:
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', page.html, re.S)[1])


@given(jobs(tied=False))
def test_a_page_holds_what_backward_finds(job):
    """A page that computes holds what it starts from; one that cannot, all of its passes."""
    net, data = job.net, page_data(play(*job))
    neurons = [layer.neurons for layer in net.layers]
    (state,) = data["networks"]
    assert [packed(row) for row in state["weights"]] == [[w.data for n in layer for w in n.w] for layer in neurons]
    assert [packed(row) for row in state["biases"]] == [[n.b.data for n in layer] for layer in neurons]
    assert data["kinds"] == [[n.activation for n in layer] for layer in neurons]
    assert bool(data["still"]) == bool(data["passes"])
    assert bool(data["still"]) or "branching" not in itertools.chain(*data["kinds"])
    for e, (shown, true, y) in enumerate(zip(data["examples"], truths(job), job.Y, strict=True)):
        assert (packed(shown["x"]), packed(shown["y"])) == (true.a[0], y)
        if data["still"]:
            passed = data["passes"][0][e]
            assert passed["cost"] == true.cost
            for key, rows in (("a", true.a), ("z", true.z), ("da", true.upstream), ("dz", true.deltas)):
                assert [packed(row) for row in passed[key]] == rows
            for row, slopes in zip(passed["slopes"], true.slopes, strict=True):
                assert packed(row) == close(slopes)
        for k, layer in enumerate(net.layers):          # what the page multiplies by itself
            for j, neuron in enumerate(layer.neurons):
                assert [true.deltas[k][j] * a for a in true.a[k]] == [true.grads[w] for w in neuron.w]
                assert true.deltas[k][j] == true.grads[neuron.b]


FORMULAS = {"1": lambda z, a: 1.0, "−1": lambda z, a: -1.0, "a·(1 − a)": lambda z, a: a * (1 - a),
            "1 − a·a": lambda z, a: 1 - a * a, "sign(a)": lambda z, a: float(a > 0),
            "sigmoid(z)": lambda z, a: 1 / (1 + math.exp(-z))}


@given(jobs(tied=False))
def test_a_formula_in_a_page_holds_in_every_example(job):
    data = page_data(play(*job))
    for true in truths(job):
        for k, layer in enumerate(data["formulas"]):
            for j, formula in enumerate(layer):
                if formula:
                    assert FORMULAS[formula](true.z[k][j], true.a[k + 1][j]) == close(true.slopes[k][j])
    for kinds, formulas in zip(data["kinds"], data["formulas"]):
        for kind, formula in zip(kinds, formulas):
            known = ("linear", "relu", "tanh", "sigmoid", "softplus", "negated")
            assert bool(formula) == (kind in known) or kind == "branching"


def test_no_formula_stands_for_an_activation_that_is_made_in_two_ways(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "branching", lambda z: z if z > 0 else z.tanh())
    net = MLP(1, [4, 1], activation="branching", seed=1)
    for neuron, w in zip(net.layers[0].neurons, (1.0, -1.0, 1.0, -1.0)):
        neuron.w[0].data = w
    assert page_data(play(net, [[1.0], [-1.0]], [1.0, 1.0]))["formulas"] == [[""] * 4, ["1"]]
    assert page_data(play(net, [1.0], 1.0))["formulas"] == [["1", "1 − a·a"] * 2, ["1"]]


def test_an_activation_is_known_by_its_record_not_by_its_name(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "relu", lambda z: 2 * z)
    monkeypatch.setitem(ACTIVATIONS, "linear", Value.tanh)
    data = page_data(play(MLP(1, [2, 1], seed=1), [1.0], 1.0))
    assert data["formulas"] == [["", ""], ["1 − a·a"]]


# What may be given

NET = MLP(2, [3, 1], activation="tanh", seed=1)
FUNCTIONS = {"draw": lambda *given: draw(*given).source, "play": lambda *given: play(*given).html,
             "nudges": lambda *given: repr(explain.nudges(*given)),
             "sensitivities": lambda *given: repr(explain.sensitivities(*given))}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("cost", [squared_error, max_margin, absolute])
def test_all_take_the_same_forms_of_examples(name, cost):
    function = FUNCTIONS[name]
    rows = ([1.0], (1,), np.array([1]), [Value(1.0)])
    one = {function(NET, x, y, cost) for x in ([0.5, -1], (0.5, -1), np.array([0.5, -1]), [Value(0.5), Value(-1)])
           for y in (*rows, 1, 1.0, np.float32(1), Value(1.0))}
    one |= {function(NET, [[0.5, -1]], y, cost) for y in (*rows, [[1.0]])}
    assert len(one) == 1
    X = [[0.5, -1.0], [2.0, 0.0]]
    batch = {function(NET, x, y, cost) for x in (X, tuple(X), np.array(X), [[Value(n) for n in row] for row in X])
             for y in ([1, -1], (1.0, -1.0), [[1], [-1]], np.array([1, -1]), [Value(1.0), Value(-1.0)])}
    assert len(batch) == 1 and batch != one


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("wrong", [
    "ab", {0.5, -1.0}, [None, 1.0], ["a", "b"], [1j, 1.0], np.ma.array([1.0, 2.0]), ...], ids=repr)
def test_what_are_no_numbers_is_refused_by_name(name, wrong):
    with pytest.raises(TypeError, match="^X must"):
        FUNCTIONS[name](NET, wrong, 1.0)
    with pytest.raises(TypeError, match="^Y must"):
        FUNCTIONS[name](NET, [0.5, -1.0], wrong)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_wrong_shapes_and_costs_are_refused_alike(name):
    function = FUNCTIONS[name]
    for X, Y in (([], []), ([1.0], 1.0), ([1.0, 2.0, 3.0], 1.0), ([[1.0, 2.0]] * 2, [1.0]), ([1.0, 2.0], [[1.0]]),
                 ([[1.0, 2.0], [1.0]], [1.0, 1.0]), ([1.0, 2.0], []), (3.0, 1.0)):
        with pytest.raises(ValueError, match="^[XY] must"):
            function(NET, X, Y)
    if name != "draw":                                  # which shows the activations then
        with pytest.raises(TypeError, match="needs examples|^Y must be .*; got None"):
            function(NET, [1.0, 2.0], None)
    for cost in ("mse", None, 3):
        with pytest.raises(TypeError, match=f"^cost must be a function .* got {cost!r}"):
            function(NET, [1.0, 2.0], 1.0, cost)
    for cost in (lambda a, y: 1.0, lambda a, y: [a], lambda a, y: None):
        with pytest.raises(TypeError, match="the cost of one example must be one Value"):
            function(NET, [1.0, 2.0], 1.0, cost)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_changed(name):
    net = MLP(2, [3, 1], activation="swish", seed=1)
    for i, p in enumerate(net.parameters()):
        p.grad = i - 3.5
    before = [(p.data, p.grad, p.label) for p in net.parameters()], random.getstate()
    FUNCTIONS[name](net, [[0.5, -1.0], [1.0, 1.0]], [1.0, -1.0])
    assert before == ([(p.data, p.grad, p.label) for p in net.parameters()], random.getstate())


# What cannot be told rightly

class Doubled(MLP):
    def __call__(self, x):
        return super().__call__(x) * 2


class Loud(Neuron):
    def trace(self, x):
        z, a = super().trace(x)
        return (z * 2, ACTIVATIONS[self.activation](z * 2))


class Summed(Neuron):
    """The operands of a weighted sum, in another operation."""

    def trace(self, x):
        z = total([*self.w, *x, self.b])
        return z, z.tanh()


class Swapped(Layer):
    """Its neurons read the inputs the other way round."""

    def trace(self, x):
        return super().trace(list(x)[::-1])


class Softmax(Layer):
    """Every activation reads every z."""

    def trace(self, x):
        pairs = super().trace(x)
        scale = logsumexp([z for z, _ in pairs])
        return [(z, (z - scale).exp()) for z, _ in pairs]


class Constant(Layer):
    """All neurons have one and the same activation."""

    def trace(self, x):
        one = Value(1.0)
        return [(z, one) for z, _ in super().trace(x)]


class Skipping(Layer):
    """Every activation reads what its layer reads once more."""

    def trace(self, x):
        return [(z, a + x[0]) for z, a in super().trace(x)]


class Short(MLP):
    def trace(self, x):
        return super().trace(x)[:1]


def changed(where: str, to: Any) -> MLP:
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    if where == "neuron":
        net.layers[1].neurons[0].__class__ = to
    elif where == "layer":
        net.layers[1].__class__ = to
    else:
        net.__class__ = to
    return net


EVERY = {**FUNCTIONS, "health": lambda net, x, y: explain.health(net, x), "activations": lambda net, x, y: draw(net, x)}
TOLD = [name for name in EVERY if name not in ("draw", "activations")]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("where, to, error, reason", [
    ("net", Doubled, TypeError, "Doubled has a __call__ of its own"),
    ("neuron", Loud, ValueError, r"layers\[1\].neurons\[0\]: z must be the weighted sum of exactly its w"),
    ("neuron", Summed, ValueError, r"layers\[1\].neurons\[0\]: z must be the weighted sum of exactly its w"),
    ("layer", Swapped, ValueError, r"layers\[1\].neurons\[0\]: z must be the weighted sum of exactly its w"),
    ("net", Short, ValueError, r"Short.trace must give a pair \(z, a\) for every neuron"),
])
def test_a_network_with_a_way_of_its_own_is_refused(name, where, to, error, reason):
    net = changed(where, to)
    with pytest.raises(error, match=reason):
        EVERY[name](net, [1.0, 2.0], 1.0)
    draw(net)                                            # what is stored can be shown


@pytest.mark.parametrize("to, reason", [
    (Softmax, r"the activation of layers\[1\].neurons\[0\] must look .* alone, .* reads layers\[1\].neurons\[1\].z"),
    (Constant, r"layers\[1\].neurons\[1\] must have a z and an a of its own; .* with layers\[1\].neurons\[0\]")])
def test_an_activation_that_reads_other_neurons_is_refused_where_its_slope_would_be_told(to, reason):
    net = changed("layer", to)
    for name in TOLD:
        with pytest.raises(ValueError, match=reason):
            EVERY[name](net, [1.0, 2.0], 1.0)
    true, source = truth_of_any(net, [1.0, 2.0], 1.0), draw(net, [1.0, 2.0], 1.0).source   # what it shows holds still
    shown = {(int(c), int(j)): told for c, j, told in NEURON.findall(source)}
    for k, layer in enumerate(true):
        for j, (z, a) in enumerate(layer):
            assert numbers_in(shown[k + 1, j], r"activation (\S+?)(?:,|$)") == [a.data]
            assert f"δ = ∂C/∂z = {z.grad!r}" in shown[k + 1, j] or not z.grad


class Forked(Layer):
    """One weighted sum, with two activations."""

    def trace(self, x):
        z, _ = super().trace(x)[0]
        return [(z, z.tanh()), (z, z.sin())]


def test_neurons_that_share_a_weighted_sum_are_refused_though_each_has_an_activation_of_its_own():
    net = changed("layer", Forked)
    net.layers[1].neurons = net.layers[1].neurons[:1] * 2
    for name in TOLD:
        with pytest.raises(ValueError, match="must have a z and an a of its own|in several places of the network"):
            EVERY[name](net, [1.0, 2.0], 1.0)


@pytest.mark.parametrize("k, read", [(0, r"x\[0\]"), (1, r"layers\[0\].neurons\[0\].z")])
def test_a_connection_that_skips_a_layer_is_refused_where_layers_are_told(k, read):
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    net.layers[k].__class__ = Skipping
    for name in TOLD:
        with pytest.raises(ValueError, match=rf"the activation of layers\[{k}\].* must .* reads {read} directly"):
            EVERY[name](net, [1.0, 2.0], 1.0)


def truth_of_any(net: MLP, x: list[float], y: float) -> list:
    traced = net.trace(x)
    squared_error(traced[-1][0][1], y).backward()
    return traced


@pytest.mark.parametrize("read, reason", [
    (lambda net, inside: net.layers[0].neurons[0].w[0], r"layers\[0\].neurons\[0\].w\[0\]"),
    (lambda net, inside: net.layers[2].neurons[0].b, r"layers\[2\].neurons\[0\].b"),
])
def test_a_cost_or_an_activation_that_reads_a_weight_is_refused_where_layers_are_told(read, reason, monkeypatch):
    net = MLP(2, [2, 2, 1], activation="tanh", seed=1)
    weight = read(net, None)
    for name in FUNCTIONS:
        if name != "draw":
            for cost in (lambda a, y: squared_error(a, y) + weight ** 2, lambda a, y: weight,
                         lambda a, y: squared_error(net([0.0, 0.0]), y) + a):
                with pytest.raises(ValueError, match="the cost must look at the outputs alone, .* reads layers"):
                    FUNCTIONS[name](net, [1.0, 2.0], 1.0, cost)
    monkeypatch.setitem(ACTIVATIONS, "tanh", lambda z: z.tanh() * weight)
    for name in TOLD:
        with pytest.raises(ValueError, match=f"the activation of .* must look at its own z alone, .* reads {reason}"):
            EVERY[name](net, [1.0, 2.0], 1.0)


def test_an_activation_that_learns_is_told_with_its_own_parameter():
    class Learning(MLP):
        pass

    net = Learning(2, [3, 1], activation="learned", seed=3)
    net.slope = SLOPE
    told = {s.name: s.gradient for s in explain.sensitivities(net, [1.0, -2.0], 3.0).ranked}
    true = truth(net, [1.0, -2.0], [3.0], squared_error)
    assert told == {name: close(true.grads[p]) for name, p in net.named_parameters()} and told["slope"]


def test_a_page_refuses_tied_weights_and_names_one():
    net = MLP(2, [2, 1], seed=1)
    net.layers[1].neurons[0].w[1] = net.layers[0].neurons[1].w[0]
    with pytest.raises(ValueError, match=r"layers\[0\].neurons\[1\].w\[0\] stands in several places"):
        play(net, [1.0, 2.0], 1.0)
