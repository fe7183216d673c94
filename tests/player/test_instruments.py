"""What one can do in a page: change a number, put it back, choose a state of training, take the step."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd2 import data
from micrograd2.backprop import passes
from micrograd2.costs import squared_error
from micrograd2.contributions import grads_of
from micrograd2.engine import Value, topological_order, total
from micrograd2.nn import MLP
from micrograd2.player import play
from micrograd2.train import SGD, fit
from tests.player.test_arithmetic import FEW
from tests.player.test_player import ARITHMETIC, about, digit_net, go, neuron, number, titles, xor_page


def wait(tab: Any, milliseconds: int = 100) -> None:
    tab.run(f"new Promise(done => setTimeout(done, {milliseconds}))")


def settle(tab: Any) -> None:
    """Until a page has its size, and has been drawn for it."""
    tab.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    wait(tab, 50)


def curve(tab: Any, selector: str = ".instrument .curve") -> list[list[float]]:
    """The points of a curve, in its own coordinates."""
    path = tab.run(f"document.querySelector({selector!r}).getAttribute('d')")
    return [[float(part) for part in point.split()] for point in re.findall(r"-?[\d.]+ -?[\d.]+", path)]


# An expression

def cost_of(root: Value, leaf: int, x: float) -> tuple[float, float]:
    """The result, and its slope in a leaf, were that leaf x."""
    twin = copy.deepcopy(root)
    nodes = topological_order(twin)
    nodes[leaf].data = x
    made: dict[Value, Value] = {}
    for node in nodes:
        made[node] = Value.apply(node.op, [made[arg] for arg in node.args]) if node.args else Value(node.data)
    return made[twin].data, grads_of(made[twin])[made[nodes[leaf]]]


def test_a_leaf_is_dragged_typed_moved_by_keys_and_put_back(opened):
    root = neuron()
    tab = opened(play(root), "step=3", calm=True)
    before = tab.run("page.numbers")
    tab.click("[data-node='1'] .face")
    wait(tab)
    assert tab.text(".instrument label b") == "w1" and tab.text("#where") == "15 / 15"
    tab.drag("[data-node='1'] .face", right=60)
    x = tab.run("page.numbers[1]")
    assert x == pytest.approx(1.5 + 60 * 0.015)
    cost, slope = cost_of(root, 1, x)
    assert tab.run("page.numbers.at(-1)") == pytest.approx(cost, rel=1e-12)
    assert number(tab.text(".instrument .slope b")) == about(slope)
    assert tab.run("document.querySelector('[data-node=\"1\"]').matches('.changed')")
    tab.run("document.querySelector('[data-node=\"1\"]').focus()")
    tab.key("ArrowUp")
    assert tab.run("page.numbers[1]") == pytest.approx(x + 0.015)
    tab.key("ArrowDown")
    tab.run("document.querySelector('.instrument input[type=text]').select()")
    tab.write("-0.25")
    tab.key("Enter")
    assert tab.run("page.numbers[1]") == -0.25
    assert tab.run("page.gradients[1]") == pytest.approx(cost_of(root, 1, -0.25)[1], rel=1e-12)
    tab.run("document.querySelector('.instrument input[type=text]').select()")
    tab.write("no number")
    tab.key("Enter")
    assert tab.text(".instrument .slope") == "That is no number." and tab.run("page.numbers[1]") == -0.25
    tab.click(".instrument button")
    assert tab.run("page.numbers") == before and tab.run("page.gradients[1]") == grads_of(root)[
        topological_order(root)[1]]
    tab.run("page.hold(0)")
    tab.key("Escape")
    assert tab.run("document.querySelector('.instrument')") is None


DIGITS = st.text("0123456789", min_size=1, max_size=4)
TYPED = st.text("0123456789,.-−e ", max_size=9) | st.tuples(
    st.sampled_from(["", "-", "−"]), DIGITS, st.sampled_from([",", ".", ""]), DIGITS, st.sampled_from(["", "e2", " "])
).map("".join)


def readings(text: str) -> set[float]:
    """The numbers that a text may mean: its comma as a point, or as what parts thousands."""
    found = set()
    for commas in (text.replace(",", "."), *([text.replace(",", "")] if THOUSANDS.fullmatch(text.strip()) else [])):
        try:
            found.add(float(commas.replace("−", "-")))
        except ValueError:
            pass
    return {x for x in found if math.isfinite(x)}


THOUSANDS = re.compile(r"[-−]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?(e\d+)?")


@settings(FEW, max_examples=2)
@given(texts=st.lists(TYPED, min_size=40, max_size=80))
def test_only_what_can_be_read_in_one_way_is_taken_as_a_number(opened, texts):
    held = opened(play(Value(0.25, "a") * 2.0), calm=True)
    held.run("page.hold(0)")
    field = opened(play("y = a*2; a = 0.25"), calm=True)
    for text in [*texts, "1,000", "−12,500", "0,125", "3,1416", " ", "1,000,000"]:
        held.run(f"(i => (i.value = {text!r}, i.onchange()))(document.querySelector('.instrument input[type=text]'))")
        field.run(f"(i => (i.value = {text!r}, i.oninput()))(document.querySelector('.numbers input'))")
        meant = readings(text)
        for tab, refused in ((held, held.text(".instrument .slope") == "That is no number."),
                             (field, "a has no number" in field.text("#fault"))):
            assert refused or {tab.run("page.numbers[0]")} == meant, text
            assert not refused or len(meant) != 1 or "," in text, text


def test_a_leaf_is_dragged_by_touch(opened):
    tab = opened(play(neuron()), "step=99", calm=True)
    tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    settle(tab)
    x, y = tab.at("[data-node='1'] .face")
    for kind, points in (("touchStart", [x]), ("touchMove", [x + 20]), ("touchMove", [x + 40]), ("touchEnd", [])):
        tab.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": at, "y": y} for at in points])
        wait(tab, 50)
    assert tab.run("page.numbers[1]") == pytest.approx(1.5 + 40 * 0.015)


def test_the_curve_is_the_true_result_and_its_tangent_touches_it(opened):
    root = neuron()
    tab = opened(play(root), calm=True)
    tab.run("page.hold(2), page.hold(1)")
    points = curve(tab)
    costs = [cost_of(root, 1, -1.5 + 6 * i / 64)[0] for i in range(65)]
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    expected = [bottom - (cost - min(costs)) / (max(costs) - min(costs)) * (bottom - top) for cost in costs]
    assert [y for _, y in points] == pytest.approx(expected, abs=0.11)
    (x0, y0), (x1, y1) = curve(tab, ".instrument .tangent")
    here = [tab.run(f"Number(document.querySelector('.here').getAttribute('{name}'))") for name in ("cx", "cy")]
    assert (here[0] - x0) * (y1 - y0) == pytest.approx((here[1] - y0) * (x1 - x0), abs=0.5)
    step = 1e-3 * (x1 - x0)
    near = [cost_of(root, 1, 1.5 + side * 6e-3)[0] for side in (1, -1)]
    rise = (near[0] - near[1]) / (max(costs) - min(costs)) * (bottom - top)
    assert (y1 - y0) / (x1 - x0) * 2 * step == pytest.approx(-rise, rel=0.01)
    slope, other = (grads_of(root)[topological_order(root)[i]] for i in (1, 2))
    told = tab.text(".instrument .slope")
    assert number(told.split()[1].rstrip(":")) == about(slope)
    ratio = abs(slope / other)
    assert told.endswith(f"as sensitive as {ratio:.3g} of x0" if ratio >= 1 else f"as {1 / ratio:.3g} of it")


def test_how_sensitive_it_is_beside_another_follows_every_change(opened):
    tab = opened(play(neuron()), calm=True)
    tab.run("page.hold(0), page.hold(4)")
    tab.run("page.change(page.numbers.with(2, 7.0)), page.player.again()")     # x0, along which w0 counts
    first, second = tab.run("[page.gradients[0], page.gradients[4]]")
    assert tab.text(".instrument .slope").endswith(f"w0 is as sensitive as {abs(first / second):.3g} of it")
    tab = opened(xor_page(), "example=1", calm=True)
    tab.run("page.hold({weight: [2, 0, 1]}), page.hold({weight: [2, 0, 2]}), page.choose(2)")
    first, second = tab.run("[page.weightGradient(2, 0, 1), page.weightGradient(2, 0, 2)]")
    ratio = abs(second / first)
    expected = f"{ratio:.3g} of weight from 1" if ratio >= 1 else f"as sensitive as {1 / ratio:.3g} of it"
    assert expected in tab.text(".instrument .slope")


@settings(FEW, max_examples=2)
@given(nin=st.integers(1, 5), n=st.integers(1, 3), data=st.data())
def test_a_changed_network_is_told_as_one_that_was_given_those_numbers(opened, nin, n, data):
    numbers = st.floats(-3, 3)
    net = MLP(nin, [2, n], activation="tanh", seed=data.draw(st.integers(0, 99)))
    X, Y = (np.array(data.draw(st.lists(st.lists(numbers, min_size=m, max_size=m), min_size=2, max_size=2)))
            for m in (nin, n))
    tab = opened(play(net, X, Y), "step=3", width=1400, calm=True)
    k, i, j = data.draw(st.integers(0, 1)), data.draw(st.integers(0, nin - 1)), data.draw(st.integers(0, n - 1))
    tab.run(f"page.choose({k})")
    X[k, i] = data.draw(numbers | st.just(1234.5))
    net.layers[0].neurons[1].w[i].data, net.layers[1].neurons[j].b.data = data.draw(numbers), data.draw(numbers)
    for place, x in ((f"input: {i}", X[k, i]), (f"weight: [1, 1, {i}]", net.layers[0].neurons[1].w[i].data),
                     (f"bias: [2, {j}]", net.layers[1].neurons[j].b.data)):
        tab.run(f"page.hold({{{place}}}), page.now.held.put({float(x)!r})")
        assert tab.text("#panel .slope").startswith("slope ")
    tab.run("page.now.held.drop()")
    names = "[...document.querySelectorAll('#examples button')].map(button => [button.textContent, button.title])"
    fresh = opened(play(net, X, Y), f"example={k}", width=1400, calm=True)
    assert tab.run(names) == fresh.run(names)
    assert tab.run(SAID) == fresh.run(SAID)


def test_the_curve_itself_can_be_dragged(opened):
    tab = opened(play(neuron()), calm=True)
    tab.run("page.hold(1)")
    tab.drag(".instrument .plot", right=50)
    width = tab.run("document.querySelector('.plot').clientWidth")
    assert tab.run("page.numbers[1]") == pytest.approx(1.5 + 6 * 50 / (width * (280 - 16) / 280), abs=0.05)


SAID = """[...Array(Number(document.querySelector("#scrub").max) + 1).keys()].map(k => {
    page.player.go(k);
    const restore = document.querySelector("#restore");
    restore?.parentNode.remove();
    return [document.querySelector("#panel .words").textContent.trim(),
      ...[...document.querySelectorAll("#stage [aria-label], #examples button, #plane [aria-valuetext]")].map(
        e => [e.ariaLabel, e.ariaValueText, e.title, e.tagName === "BUTTON" ? e.textContent : ""]),
      ...[...document.querySelectorAll("#stage table")].map(e => e.textContent)];
})"""


@settings(FEW, max_examples=2)
@given(x=st.floats(-9, 9), others=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3),
       label=st.sampled_from(["", "x"]))
def test_a_changed_expression_is_told_as_one_that_was_made_of_those_numbers(opened, x, others, label):
    def made_of(x: float) -> Value:
        a = Value(x, label)
        return (a * 3.0 - 0.75 / (a * a + 7.0)) ** 2 + total([make(a) for make in ARITHMETIC[8:12]])

    leaf = 0
    tab = opened(play(made_of(x)), "step=99", calm=True)
    for y in others:
        tab.run(f"page.hold({leaf}), document.querySelector('.instrument input[type=text]').value = {str(y)!r}, "
                "document.querySelector('.instrument input[type=text]').onchange()")
        fresh = opened(play(made_of(y)), calm=True)
        assert tab.run(SAID) == fresh.run(SAID)
        names, full = (one.run("[...document.querySelectorAll('.card .name')].map(text => text.textContent)")
                       for one in (tab, fresh))
        for name, whole in zip(names, full, strict=True):
            assert name.rstrip("…").startswith(whole.rstrip("…")) or whole.startswith(name.rstrip("…"))
        held = tab.text(".instrument label b")
        assert held == label or "number" in held
        assert fresh.run("page.hold(%d), document.querySelector('.instrument .slope').textContent" % leaf) == tab.text(
            ".instrument .slope")


# A network

def states() -> tuple[dict[str, MLP], Any, Any]:
    digits = data.digits()
    net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=3)
    way = {"0": copy.deepcopy(net)}
    fit(net, digits.x_train[:600], data.one_hot(digits.y_train[:600], 10), optimizer=SGD(lr=4.0), epochs=2, seed=3,
        progress=False)
    way["2 epochs"] = net
    return way, digits.x_test[:6], data.one_hot(digits.y_test[:6], 10)


def test_the_switch_shows_the_network_as_it_was_then(opened):
    way, X, Y = states()
    page = play(way, X, Y)
    assert len(page.html.encode()) < 1_500_000
    tab = opened(page, "step=2", calm=True)
    assert tab.text("#trained").startswith("trained so far 02 epochs")
    for n, net in enumerate(way.values()):
        tab.click(f"#trained button:nth-child({n + 1})")
        for k, one in enumerate(passes(net, X, Y)):
            assert tab.run(f"page.passOf({k}).cost") == pytest.approx(one.cost.data, rel=1e-12)
            assert tab.run(f"[...page.passOf({k}).dz[0]]") == pytest.approx(one.deltas[0], rel=1e-10)
        read = [int(np.argmax([a.data for a in net(x)])) for x in X]
        marks = [str(y) if y == r else f"{y}→{r}" for y, r in zip(Y.argmax(axis=1).tolist(), read)]
        shown = "[...document.querySelectorAll('#examples span')].map(span => span.textContent)"
        assert tab.run(shown) == marks
        wait(tab, 300)
        assert tab.run("location.hash") == f"#trained={n}&example=0&step=2"
        assert opened(page, f"trained={n}&step=2", calm=True).run(shown) == marks


def test_wishes_shrink_as_the_network_learns(opened):
    way, X, Y = states()
    tab = opened(play(way, X, Y), width=1400, height=900, calm=True)
    go(tab, titles(tab).index("All wishes, added up"))
    shares = []
    for n, net in enumerate(way.values()):
        tab.run(f"page.chooseNetwork({n})")
        wishes = tab.run("[...document.querySelectorAll('.wish rect')].map(rect => Number(rect.getAttribute('width')))")
        (one,) = passes(net, X[0], Y[0])
        wish = max(abs(delta * w.data) for delta, neuron in zip(one.deltas[-1], net.layers[-1].neurons)
                   for w in neuron.w)
        nudge = max(map(abs, one.upstream[-2]))
        shares.append((max(wishes[:160]) ** 2 / wish, max(wishes[160:]) ** 2 / nudge))
    for first, second in zip(*shares):      # areas on one scale
        assert first == pytest.approx(second, rel=1e-3)


def test_networks_of_a_page_differ_in_nothing_but_numbers():
    X, Y = [[1.0, 2.0]], [[0.0, 1.0]]
    with pytest.raises(ValueError, match="differ in nothing but their numbers"):
        play({"a": MLP(2, [3, 2], seed=1), "b": MLP(2, [4, 2], seed=1)}, X, Y)
    with pytest.raises(ValueError, match="differ in nothing but their numbers"):
        play({"a": MLP(2, [3, 2], seed=1), "b": MLP(2, [3, 2], activation="tanh", seed=1)}, X, Y)
    for bad in ({}, {1: MLP(2, [2])}):
        with pytest.raises(ValueError, match="a text as its name"):
            play(bad, X, Y)
    with pytest.raises(TypeError, match="MLPs by name"):
        play({"a": 3}, X, Y)


def test_weights_biases_inputs_and_pixels_are_held_by_pointer_and_keys(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=2&step=8", calm=True)
    before = tab.run("[page.weight(2, 1, 1), page.examples[2].x[377]]")
    x, y = tab.run("""(() => {const at = key => document.querySelector(`[data-key="${key}"] .body`)
        .getBoundingClientRect(); const [a, b] = [at("1.1"), at("2.1")];
        return [a.right + 3, (a.top + a.bottom) / 2]; })()""")
    for kind in ("mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=x + 4, y=y, button="left", clickCount=1)
    assert re.fullmatch(r"weight from 1 to neuron \d+ of layer 2", tab.text(".instrument label b"))
    tab.run("page.hold({weight: [2, 1, 1]}), document.querySelector('.instrument input[type=range]').focus()")
    tab.key("ArrowRight")
    assert tab.run("page.weight(2, 1, 1)") > before[0]
    net.layers[1].neurons[1].w[1].data = tab.run("page.weight(2, 1, 1)")
    (one,) = passes(net, X[2], Y[2])
    assert tab.run("page.passOf(2).cost") == pytest.approx(one.cost.data, rel=1e-12)
    assert tab.run("page.player.step") == 8     # the key was the slider's
    tab.run("document.querySelector('.image').focus()")
    tab.key("Enter")
    assert tab.text(".instrument label b") == "pixel 15, 15"
    tab.key("ArrowLeft")
    tab.key("ArrowUp")
    assert tab.text(".instrument label b") == "pixel 14, 14"
    assert tab.run("document.activeElement.matches('.image')")
    tab.run("document.querySelector('.instrument input[type=text]').select()")
    tab.write("1")
    tab.run("document.querySelector('.instrument input[type=text]').blur()")
    X = X.copy()
    X[2, 13 * 28 + 13] = 1.0
    (one,) = passes(net, X[2], Y[2])
    assert tab.run("page.passOf(2).cost") == pytest.approx(one.cost.data, rel=1e-12)
    gradient = sum(delta * neuron.w[13 * 28 + 13].data for delta, neuron in zip(one.deltas[0], net.layers[0].neurons))
    assert tab.run("page.numberAt({input: 13 * 28 + 13}).gradient()") == pytest.approx(gradient, rel=1e-9)
    tab.click("#restore")
    assert tab.run("[page.weight(2, 1, 1), page.examples[2].x[377]]") == before


def test_blue_means_should_rise_to_the_end_and_turned_round_the_gradient(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=1", calm=True)
    (one,) = passes(net, X[1], Y[1])
    names = titles(tab)
    told = {"Which way, and how much?": one.upstream[-1], "Through the sigmoid of the outputs": one.deltas[-1],
            "The biases of all outputs at once": one.deltas[-1], "Every weight's nudge": one.deltas[-1],
            "Who agrees with whom?": one.deltas[-1]}
    for title, gradient in told.items():
        go(tab, names.index(title))
        for turned in (False, True):
            signs = tab.run("[...document.querySelectorAll('[data-key^=\"3.\"] .ring')].map(r => r.classList[1])")
            assert signs == ["plus" if (g < 0) != turned else "minus" for g in gradient], title
            assert ("raises the cost" if turned else "should rise") in tab.text("#legend .plus")
            tab.click("#turn")
    go(tab, names.index("Through the sigmoid of the outputs"))
    cells = [number(cell) for cell in tab.run("[...document.querySelectorAll('#panel td')].map(c => c.textContent)")]
    for j in range(10):
        assert cells[4 * j:4 * j + 4] == [j, about(-one.upstream[-1][j]), about(one.slopes[-1][j]),
                                          about(-one.deltas[-1][j])]


def test_the_table_of_the_film_has_every_examples_nudge_and_their_average(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=1", width=1400, calm=True)
    go(tab, titles(tab).index("What every example asks of the weights"))
    gradients = [dict(zip([name for name, _ in net.named_parameters()], [one.grads[p] for p in net.parameters()]))
                 for one in passes(net, X, Y)]
    rows = tab.run("[...document.querySelectorAll('.film tr')].slice(1).map(row => [...row.children]"
                   ".map(cell => cell.textContent))")
    assert len(rows) >= 4
    for name, *cells in rows:
        i, where = name.split(" → ")
        output = re.fullmatch(r"the (\d)", where)
        layer, j = (2, output[1]) if output else (1, re.fullmatch(r"(\d+) of layer 2", where)[1])
        each = [-gradient[f"layers[{layer}].neurons[{j}].w[{i}]"] for gradient in gradients]
        shown = [number(cell.lstrip("+")) for cell in cells]
        assert shown == [*map(about, each[1:] + each[:1]), about(sum(each) / len(each))]


def test_training_runs_and_listening_to_one_alone_is_warned_of(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=1&step=99", calm=True)
    first = tab.run("page.costNow(null)")
    tab.click("[data-key='run']")
    wait(tab, 700)
    tab.click("[data-key='run']")
    steps = tab.run("page.training.costs.length")
    wait(tab, 100)
    assert tab.run("page.training.costs.length") == steps > 3 and tab.text("#taken") == str(steps - 1)
    assert tab.run("page.costNow(null)") < first
    assert len(curve(tab, ".trainer .curve")) == steps
    label = int(np.argmax(Y[1]))
    tab.run("document.querySelector('#restore').click()")
    assert tab.run("page.costNow(null)") == first and tab.run("page.training.costs") == []
    assert tab.text("[data-key='only']") == f"Listen only to this {label}"
    tab.click("[data-key='only']")
    for _ in range(40):
        wait(tab, 100)
        if "must be heard" in tab.text(".trainer"):
            break
    assert f"It reads 5 of 5 as {label}. This is why all must be heard." in tab.text(".trainer")
    tab.key("Home")
    steps = tab.run("page.training.costs.length")
    wait(tab)
    assert tab.run("page.training.costs.length") == steps      # left, it stops


def test_an_average_is_shown_with_the_average_of_what_the_examples_are(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=1", calm=True)
    go(tab, titles(tab).index("The average over 5 examples"))
    assert tab.text("#stage .caption.small") == "5 images, averaged"
    ink = tab.run("(c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3))"
                  "(document.querySelector('.image canvas'))")
    assert ink == pytest.approx((255 * X.mean(axis=0)).tolist(), abs=1)
    each = [one.activations for one in passes(net, X, Y)]
    means = [np.mean([a[k] for a in each], axis=0).tolist() for k in (1, 2, 3)]
    glows = tab.run("[...document.querySelectorAll('.glow')].map(glow => Number(glow.getAttribute('fill-opacity')))")
    assert glows == pytest.approx([a for layer in means for a in layer], abs=1e-3)


def test_a_step_too_far_is_not_taken(opened):
    net = MLP(1, [1], seed=1)
    tab = opened(play(net, [[1e3]], [[1.0]]), "step=99", calm=True)
    tab.run("page.training.rate = 1e300")
    before = tab.run("[page.weight(1, 0, 0), page.costNow(null)]")
    tab.click(".trainer .go")
    assert "take a smaller η" in tab.text(".trainer") and tab.text("#taken") == "0"
    assert tab.run("[page.weight(1, 0, 0), page.costNow(null)]") == before


@pytest.mark.parametrize("calm", [False, True])
def test_wishes_fly_only_where_motion_is_welcome(opened, calm):
    tab = opened(xor_page(), calm=calm)
    settle(tab)
    for title in ("The outputs light up", "What the output asks of the layer before", "All wishes, added up"):
        step = titles(tab).index(title)
        go(tab, step - 1)
        tab.run(f"page.player.go({step}, true)")
        assert (tab.run("document.getAnimations().length") > 0) is not calm
    wait(tab, 1800)
    assert tab.run("document.getAnimations().length") == 0
    wishes = tab.run("document.querySelectorAll('.wish').length")
    go(tab, titles(tab).index("All wishes, added up"))
    assert tab.run("document.querySelectorAll('.wish').length") == wishes    # what flew is gone


def test_a_key_for_a_neuron_presses_it_and_plays_nothing(opened):
    tab = opened(xor_page(), "step=3", calm=True)
    tab.run("document.querySelector('[data-key=\"1.2\"]').focus()")
    tab.key(" ")
    assert tab.text(".details h3 span") == "neuron 2 of layer 1" and not tab.run("page.player.playing")
    assert tab.run("document.activeElement.dataset.key") == "1.2"
    tab.key("Escape")
    assert tab.run("document.querySelector('.details')") is None
    tab.key("PageDown")
    assert tab.text("#panel .over").startswith("4 · ") and tab.run("page.player.step") == 5
    tab.key("PageUp")
    assert tab.run("page.player.step") == 3


def test_every_cost_is_told_in_the_step(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=3&step=99", calm=True)
    each = [one.cost.data for one in passes(net, X, Y, squared_error)]
    assert number(tab.text("#this-cost")) == about(each[3]) and number(tab.text("#mean-cost")) == about(np.mean(each))


def test_a_wire_has_the_colour_of_its_sign_and_tells_its_number(opened):
    tab = opened(xor_page(), "example=1&step=99", calm=True)
    net, (X, Y) = MLP(2, [4, 1], activation="tanh", seed=1), data.xor()
    go(tab, titles(tab).index("Every weight's nudge"))
    settle(tab)
    (one,) = passes(net, X[1], Y[1])
    nudges = [-one.grads[w] for w in net.layers[1].neurons[0].w]
    i = int(np.argmax(np.abs(nudges)))
    (left, top), (right, bottom) = tab.at(f"[data-key='1.{i}'] .body"), tab.at("[data-key='2.0'] .body")
    x, y = (left + right) / 2, (top + bottom) / 2
    tab.point(x, y)
    tab.point(x, y + 1)
    wait(tab)
    what, told = tab.run("document.querySelector('#stage').title").split(": ")
    assert what == f"−∂C/∂w, from neuron {i} of layer 1 to the output"
    numbers = [number(part) for part in re.split(" [×=] ", told)]
    assert numbers == [about(-one.deltas[1][0]), about(one.activations[1][i]), about(nudges[i])]
    colour, expected = tab.run(f"""(() => {{
        const ground = document.querySelector(".ground canvas"), box = ground.getBoundingClientRect(),
          style = getComputedStyle(document.documentElement);
        const pixel = ground.getContext("2d").getImageData({x} - box.left, {y} - box.top, 1, 1).data;
        return [[...pixel].slice(0, 3), style.getPropertyValue({"--plus" if nudges[i] > 0 else "--minus"!r}).trim()];
    }})()""")
    assert colour == pytest.approx([int(expected[k:k + 2], 16) for k in (1, 3, 5)], abs=3)
