"""What a page computes is what the engine computes: in Chromium, on random expressions and networks, after changes."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from micrograd2 import engine
from micrograd2.backprop import passes
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.contributions import flow, grads_of
from micrograd2.engine import LEAF, Op, Value, logsumexp, maximum, to_the, topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP, Neuron
from micrograd2.player import play
from micrograd2.player.script import Symbol, printed_function, printed_row
from micrograd2.train import SGD, accuracy
from tests.programs import VALUES, programs, run
from tests.test_rows import ANY, operands

FEW = settings(suppress_health_check=list(HealthCheck), phases=[Phase.generate])
KINKS = {"relu", "abs", "max", "min", "<", "sign"}
ROWS = [row for row in vars(engine).values() if isinstance(row, Op) and row is not LEAF]


def near(numbers: Any) -> Any:
    """Equal to 1e-12, of the largest where it is more than 1, for what is small beside it may be what it left over."""
    return pytest.approx(numbers, rel=1e-12, abs=1e-12 * max(1.0, max(map(abs, numbers), default=0.0)))


def at_a_kink(root: Value) -> bool:
    """Whether rounding alone may decide which way an operation goes."""
    for node in topological_order(root):
        if node.op.symbol in KINKS:
            a, b = [*(arg.data for arg in node.args), 0.0][:2]
            if 0 < abs(a - b) < 1e-9:
                return True
    return False


def again(root: Value, numbers: dict[int, float]) -> Value:
    """The same expression with other numbers at some leaves, by their place in topological order."""
    twins: dict[Value, Value] = {}
    for i, node in enumerate(topological_order(root)):
        operands = [twins[arg] for arg in node.args]
        twins[node] = Value.apply(node.op, operands) if operands else Value(numbers.get(i, node.data))
    return twins[root]


def assert_page_is(tab: Any, root: Value) -> None:
    nodes, grads = topological_order(root), grads_of(root)
    numbers, gradients, contributions = tab.run(
        "[page.numbers, page.gradients, page.flow.map(edge => edge.contribution)]")
    assert numbers == near([node.data for node in nodes])
    assert gradients == near([grads[node] for node in nodes])
    assert contributions == near([step.contribution for step in flow(root)])


@settings(FEW, max_examples=4)
@given(several=st.lists(programs(longest=18), min_size=5, max_size=8), data=st.data())
def test_every_number_of_an_expression_is_the_engines_before_and_after_changes(opened, several, data):
    root = total([run(p.steps, [Value(x) for x in p.leaves], VALUES) for p in several])
    nodes = topological_order(root)
    assume(len(nodes) <= 300 and not at_a_kink(root))
    tab = opened(play(root), calm=True)
    assert tab.run("page.numbers") == [node.data for node in nodes]
    assert tab.run("page.gradients") == [grads_of(root)[node] for node in nodes]
    leaves = [i for i, node in enumerate(nodes) if not node.args]
    changed: dict[int, float] = {}
    for _ in range(4):
        for i in data.draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=5)):
            changed[i] = nodes[i].data * data.draw(st.floats(0.98, 1.02)) + data.draw(st.floats(-0.01, 0.01))
        try:
            other = again(root, changed)
        except (ArithmeticError, ValueError):
            continue
        if at_a_kink(other):
            continue
        for i, x in changed.items():
            assert tab.run(f"page.change(page.numbers.with({i}, {x!r}))") == ""
        assert_page_is(tab, other)
    tab.run("page.restore()")
    assert tab.run("page.numbers") == [node.data for node in nodes]
    assert tab.run("page.gradients") == [grads_of(root)[node] for node in nodes]


def test_a_change_that_has_no_value_is_refused_and_named(opened):
    a, b = Value(2.0, "a"), Value(3.0, "b")
    tab = opened(play((a - b + 2).log() + a.sqrt() / b))
    before = tab.run("page.numbers")
    assert tab.run("page.change(page.numbers.with(0, -1.5))") == "log((a − b) + 2) has no value there."
    assert tab.run("page.change(page.numbers.with(1, 0))").endswith("/ b has no value there.")
    assert tab.run("page.change(page.numbers.with(0, 0))").endswith("has no value there.")
    assert tab.run("page.numbers") == before
    tab = opened(play(Value(2.0, "a").sqrt() * 3.0))
    assert tab.run("page.change(page.numbers.with(0, 0))") == "sqrt(a) has no slope there."


def test_a_record_that_its_rows_would_not_make_again_is_only_shown(opened):
    half = Op("half", lambda x: x / 2, lambda y, x: (0.5,))
    tab = opened(play(Value.apply(half, [Value(3.0, "x")])))
    assert "does not know how to compute half" in tab.text("#panel .more")
    assert tab.run("document.querySelectorAll('.card[role=button]').length") == 0
    a = Value(3.0, "a")
    b = a * a
    a.data = 5.0
    tab = opened(play(b))
    assert "changed after the forward pass" in tab.text("#panel .more")
    assert tab.run("page.numbers") == [5.0, 9.0] and tab.run("page.gradients")[0] == 6.0


# Networks

def own(z: Value) -> Value:
    return maximum(z * (1 + (-z).exp()) ** -1, 0.1 * z) - 0.25


def own_cost(outputs: Any, targets: Any) -> Value:
    a = outputs if isinstance(outputs, list) else [outputs]
    y = targets if isinstance(targets, list) else [targets]
    return total([((p - q) ** 2 + 1).log() for p, q in zip(a, y)]) * 0.5 + a[0].tanh()


def label_cost(scores: Any, label: Any) -> Value:
    return logsumexp(scores) - scores[int(label)]


@st.composite
def stories(draw: Any) -> Any:
    """A network, examples, and a cost."""
    kinds = st.sampled_from([*ACTIVATIONS, "own"])
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    seed = draw(st.integers(0, 2 ** 32 - 1))
    one = sizes[-1] == 1
    cost = draw(st.sampled_from([squared_error, own_cost, *([max_margin] if one else [cross_entropy, label_cost])]))
    net = MLP(draw(st.integers(1, 4)), sizes, seed=seed)
    for layer in net.layers:
        for neuron in layer.neurons:
            kind = draw(kinds)
            neuron.activation = own if kind == "own" else kind
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.data += 0.3 * rng.standard_normal()
    n = draw(st.integers(1, 4))
    X = rng.standard_normal((n, len(net.layers[0].neurons[0].w)))
    Y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=n)] if sizes[-1] > 1 else rng.choice([-1.0, 1.0], (n, 1))
    return net, X, Y.argmax(axis=1)[:, None] if cost is label_cost else Y, cost


PASS = """page.examples.map((_, k) => {
  const one = page.passOf(k), rows = part => one[part].map(row => [...row]);
  return {cost: one.cost, a: rows("a"), z: rows("z"), slopes: rows("slopes"), da: rows("da"), dz: rows("dz")};
})"""
ROWS_OF = "(({weights, biases}) => [weights.map(row => [...row]), biases.map(row => [...row])])"
GRADIENT = ROWS_OF + "(page.gradientOf(%s))"


def assert_passes_are(tab: Any, net: MLP, X: Any, Y: Any, cost: Any) -> None:
    mean = 0.0
    for k, (one, found) in enumerate(zip(passes(net, X, Y, cost), tab.run(PASS), strict=True)):
        assert found["cost"] == near_one(one.cost.data)
        for part, rows in (("a", one.activations), ("z", one.sums), ("slopes", one.slopes), ("da", one.upstream),
                           ("dz", one.deltas)):
            assert [len(row) for row in found[part]] == [len(row) for row in rows]
            for row, expected in zip(found[part], rows):
                assert row == near(expected), part
        gradient = np.array([one.grads.get(p, 0.0) for p in net.parameters()])
        assert flat(net, tab.run(GRADIENT % k)) == near(gradient.tolist())
        mean = mean + gradient / len(X)
    assert flat(net, tab.run(GRADIENT % "null")) == near(mean.tolist())


def near_one(x: float) -> Any:
    return pytest.approx(x, rel=1e-12, abs=1e-12)


def flat(net: MLP, layers: Any) -> list[float]:
    """Weights and biases, layer by layer, in the order of `net.parameters()`."""
    weights, biases = layers
    found = []
    for layer, ws, bs in zip(net.layers, weights, biases):
        n = len(layer.neurons[0].w)
        for j in range(len(layer.neurons)):
            found += [*ws[j * n:(j + 1) * n], bs[j]]
    return found


def has_a_kink(net: MLP, X: Any, Y: Any, cost: Any) -> bool:
    return any(at_a_kink(one.cost) for one in passes(net, X, Y, cost) if one.cost is not None)


@settings(FEW, max_examples=8)
@given(story=stories(), data=st.data())
def test_every_number_of_a_network_is_the_engines_before_and_after_changes(opened, story, data):
    net, X, Y, cost = story
    assume(not has_a_kink(net, X, Y, cost))
    tab = opened(play(net, X, Y, cost), calm=True)
    assert tab.run("page.passOf(0).a.length") == len(net.layers) + 1 and not tab.run("page.still")
    assert_passes_are(tab, net, X, Y, cost)
    before = [p.data for p in net.parameters()]
    X = X.copy()
    for _ in range(3):
        layer = data.draw(st.integers(1, len(net.layers)))
        neurons = net.layers[layer - 1].neurons
        j = data.draw(st.integers(0, len(neurons) - 1))
        i = data.draw(st.integers(0, len(neurons[j].w) - 1))
        x = data.draw(st.floats(-2, 2))
        place = data.draw(st.sampled_from(["weight", "bias", "input"]))
        if place == "weight":
            neurons[j].w[i].data = x
            told = f"weight: [{layer}, {j}, {i}]"
        elif place == "bias":
            neurons[j].b.data = x
            told = f"bias: [{layer}, {j}]"
        else:
            k, i = len(X) - 1, data.draw(st.integers(0, X.shape[1] - 1))
            X[k, i] = x
            told = f"input: {i}"
            tab.run(f"page.choose({k})")
        assert tab.run(f"page.change({{{told}}}, {x!r})") == ""
    if not has_a_kink(net, X, Y, cost):
        assert_passes_are(tab, net, X, Y, cost)
    tab.run("page.restore()")
    for p, x in zip(net.parameters(), before):
        p.data = x
    assert_passes_are(tab, net, story[1], Y, cost)
    assert flat(net, tab.run(f"{ROWS_OF}(page.now.network)")) == before


@settings(FEW, max_examples=3)
@given(story=stories(), rate=st.sampled_from([0.03, 0.1]))
def test_steps_are_those_of_gradient_descent(opened, story, rate):
    net, X, Y, cost = story
    assume(not has_a_kink(net, X, Y, cost))
    tab = opened(play(net, X, Y, cost), calm=True)
    tab.run("page.player.go(1e9)")
    for alone in (False, True):
        tab.run(f"page.training.rate = {rate}, page.training.all = {str(not alone).lower()}")
        for _ in range(2):
            rows = [0] if alone else range(len(X))

            def loss_and_gradient():
                each = [one for k, one in enumerate(passes(net, X, Y, cost)) if k in rows]
                gradient = np.mean([[one.grads.get(p, 0.0) for p in net.parameters()] for one in each], axis=0)
                return np.mean([one.cost.data for one in each]), gradient

            before, gradient = loss_and_gradient()
            theta = SGD(lr=rate).step(np.array([p.data for p in net.parameters()]), gradient)
            for p, x in zip(net.parameters(), theta.tolist()):
                p.data = x
            try:
                unsure = has_a_kink(net, X, Y, cost)
            except ArithmeticError:     # the engine has no numbers there, so the page may not step there
                tab.run("document.querySelector('.trainer .go').onclick()")
                assert tab.run("page.training.failed")
                return
            if unsure:
                return
            after, _ = loss_and_gradient()
            tab.run("document.querySelector('.trainer .go').onclick()")
            happened = tab.run("page.training.latest")
            assert happened["predicted"] == near_one(-rate * float(gradient @ gradient))
            assert happened["actual"] == pytest.approx(after - before, rel=1e-9, abs=1e-12)
            assert_passes_are(tab, net, X, Y, cost)
    if tab.run("document.querySelector('#right') !== null"):
        labels = Y.argmax(axis=1) if Y.shape[1] > 1 else Y[:, 0]
        share = accuracy(net, X, labels)
        assert tab.text("#right") == f"{round(share * len(X))} of {len(X)}"


def test_what_the_engine_refuses_the_page_refuses_though_its_result_were_finite(opened):
    net = MLP(1, [1], output=lambda z: 1 / (1 + (-z).exp()), seed=1)
    tab = opened(play(net, [[1.0]], [[0.5]]))
    assert tab.run("page.change({weight: [1, 0, 0]}, -700)") == ""
    assert "no cost" in tab.run("page.change({weight: [1, 0, 0]}, -710)")     # exp(710) overflows; 1/∞ would be 0
    assert tab.run("page.weight(1, 0, 0)") == -700
    net = MLP(1, [1], output=lambda z: (z * z).sqrt(), seed=1)
    tab = opened(play(net, [[1.0]], [[0.5]]))
    assert "no slope" in tab.run("page.change({weight: [1, 0, 0]}, 0)")       # the slope of a root is infinite at 0


def test_a_network_whose_numbers_are_not_finite_is_only_shown(opened):
    net = MLP(1, [1], output="relu", seed=1)
    net.layers[0].neurons[0].w[0].data = 1e200
    tab = opened(play(net, [[1e200]], [[0.5]], lambda a, y: a * 0.0 + a.tanh()))
    assert "not finite" in tab.text("#panel .words")


def peeking(z: Value) -> Value:
    return z * 2.0 if z.data > 0 else z * 0.5


def test_one_example_alone_does_not_hide_that_an_activation_decides(opened):
    tab = opened(play(MLP(2, [3, 1], activation=peeking, seed=1), [0.0, 0.0], 1.0))
    assert "made in another way" in tab.text("#panel .words")


class Shy(Neuron):
    """Needs two inputs, whatever it is asked."""

    def trace(self, x: Any) -> tuple[Value, Value]:
        first, second = x
        return super().trace([first, second])


def looked_up(z: Value) -> Value:
    return z * {True: 2.0}[abs(z.data) < 5]


def test_what_cannot_be_asked_about_other_numbers_is_only_shown(opened):
    net = MLP(2, [2, 1], activation=looked_up, seed=1)
    tab = opened(play(net, [0.1, 0.2], 1.0))
    assert "fails where the numbers are others: KeyError(False)" in tab.text("#panel .words")
    net = MLP(2, [2, 1], seed=1)
    net.layers[0].neurons[1] = Shy(2)
    tab = opened(play(net, [0.1, 0.2], 1.0))
    assert "layers[0].neurons[1] is of a class of its own" in tab.text("#panel .words")


def sorting_cost(outputs: Any, targets: Any) -> Value:
    return max(outputs, key=lambda a: a.data) * 2.0


@pytest.mark.parametrize("activation, cost, why", [
    (peeking, squared_error, "the activation peeking is made in another way where the numbers are others"),
    ("tanh", sorting_cost, "the cost is made in another way where the numbers are others")])
def test_what_decides_by_looking_at_its_numbers_is_only_shown(opened, activation, cost, why):
    net = MLP(2, [3, 2], activation=activation, seed=1)
    X, Y = [[1.0, 2.0], [-0.5, 0.3]], [[1.0, 0.0], [0.0, 1.0]]
    tab = opened(play(net, X, Y, cost))
    assert why in tab.text("#panel .words")
    assert_passes_are(tab, net, X, Y, cost)
    tab.run("page.hold({bias: [1, 0]}), page.player.go(1e9)")
    assert tab.run("document.querySelector('.instrument')") is None
    assert tab.run("document.querySelector('.trainer .go').disabled")


@st.composite
def costs_with_branches(draw: Any) -> Any:
    """A cost that takes another way where the outputs, or their differences from the targets, are large."""
    low, high = sorted(draw(st.lists(st.floats(-2, 1.3).map(lambda x: 10 ** x), min_size=2, max_size=2)))
    if high < 6 * low:
        high = low
    of_difference = draw(st.booleans())

    def one(a: Value, y: float) -> Value:
        d = a - y
        size = abs((d if of_difference else a).data)
        return 0.5 * d * d if size <= low else abs(d) - 0.5 if size <= high else abs(d) * 2.0

    def cost(outputs: Any, targets: Any) -> Value:
        a = outputs if isinstance(outputs, list) else [outputs]
        y = targets if isinstance(targets, list) else [targets]
        return total([one(p, q) for p, q in zip(a, y)])

    return cost


@settings(FEW, max_examples=8)
@given(cost=costs_with_branches(), n=st.integers(1, 3), near=st.floats(-1.5, 2), data=st.data())
def test_a_cost_that_decides_by_looking_is_only_shown_wherever_it_was_tried(opened, cost, n, near, data):
    net = MLP(2, [2, n], activation="tanh", seed=data.draw(st.integers(0, 99)))
    for p in net.parameters():
        p.data *= 0.2
    targets = [10 ** near * data.draw(st.floats(-1, 1)) for _ in range(n)]
    tab = opened(play(net, [0.1, 0.2], targets if n > 1 else targets[0], cost), calm=True)
    if tab.run("page.still"):
        return
    for j in range(n):
        x = data.draw(st.sampled_from([-30.0, 30.0]) | st.floats(-30, 30))
        net.layers[-1].neurons[j].b.data = x
        assert tab.run(f"page.change({{bias: [2, {j}]}}, {x!r})") == ""
        assert_passes_are(tab, net, [[0.1, 0.2]], [targets], cost)


# Printing

def test_a_row_is_computed_as_it_is_printed(browser):
    rows = [*ROWS, *map(to_the, (2.0, -1.5, 0.0, 1.0))]
    tab = browser.open(play(total([Value(1.0)])).html)
    helpers = files("micrograd2.player").joinpath("rows.js").read_text(encoding="utf-8").replace("export ", "")
    for row in rows:
        for numbers in operands(row):
            assert len(numbers) == ANY.get(row.symbol, len(numbers))
            script = f"{helpers} const row = {printed_row(row, len(numbers))}; const y = row.value(...{numbers});"
            y, local = tab.run(f"(() => {{ {script} return [y, row.local(y, ...{numbers})]; }})()")
            expected = row.value(*numbers)
            assert [y, *local] == near([expected, *row.local(expected, *numbers)])
    tab.close()


def test_what_is_used_twice_is_computed_once():
    x = [Value(float(i)) for i in range(40)]
    text = printed_function(engine.logsumexp(x), x).text
    assert text.count("Math.exp") == 40 and text.count("sum(") == 1
    lines: list[str] = []
    a = Symbol("a", lines=lines)
    assert str(engine.EXP(a) + engine.EXP(a)) == "t0 + t0" and len(lines) == 1


def test_precedence_is_kept():
    a, b = Symbol("a"), Symbol("b")
    assert str((a - b) - (a - b)) == "a - b - (a - b)" and str(a / (b / a)) == "a / (b / a)"
    assert str(a * (b / a)) == "a * (b / a)" and str((a * b) / a) == "a * b / a"
    assert str(-(a + b) * 2) == "-(a + b) * 2" and str(-(-a)) == "-(-a)"
