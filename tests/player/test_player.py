"""Pages, opened in a real browser: what stands on the screen is held to the engine's own numbers."""

from __future__ import annotations

import copy
import html
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser import Tab
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from micrograd2 import data, player
from micrograd2.contributions import flow
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value, dot, topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.player import play
from tests.programs import VALUES, programs, run

HOSTILE = ["<script>document.title = 'broken'</script>", '"', "</svg>", "</script>", "a|b", "\\N", "<!--", "&lt;", "🙂🙂",
           "{{data}}", "x" * 10_000, "\ud800", "\0", "' onload='x", "two\nlines"]
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def number(text: str) -> float:
    """A number as a page writes it: −1.268·10⁻⁵."""
    mantissa, _, power = text.strip().replace("−", "-").replace("∞", "inf").partition("·10")
    return float(f"{mantissa}e{power.translate(RAISED)}" if power else mantissa)


def about(x: float) -> Any:
    """x, in four significant digits."""
    return pytest.approx(x, rel=6e-4, abs=1e-300)


def neuron() -> Value:
    w, x = [Value(0.5, "w0"), Value(1.5, "w1")], [Value(2.0, "x0"), Value(-1.0, "x1")]
    z = dot(w, x, Value(1.0, "b"))
    z.label = "z"
    cost = (z.sigmoid() - 1) ** 2
    cost.label = "C"
    return cost


def squares() -> Value:
    a = Value(3.0, "a")
    b = a * a + a
    b.label = "b"
    return b


def go(tab: Tab, step: int) -> None:
    tab.run(f"page.player.go({step})")


def titles(tab: Tab) -> list[str]:
    return tab.run("page.steps.map(step => [step.title()].flat().map(part => part.textContent ?? part).join(''))")


# An expression

def grads_on_screen(tab: Tab) -> list[float | None]:
    texts = tab.run("[...document.querySelectorAll('.card .grad')].map(text => text.textContent)")
    return [number(text.removeprefix("grad ")) if text else None for text in texts]


@settings(max_examples=5, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(program=programs(longest=12))
def test_numbers_on_screen_are_those_of_flow(opened, program):
    root = run(program.steps, [Value(x, f"v{i}") for i, x in enumerate(program.leaves)], VALUES)
    nodes, steps = topological_order(root), list(flow(root))
    seed = sum(bool(node.args) for node in nodes) + 2   # after the graph, all leaves, and the results one by one
    tab = opened(play(root))
    assert tab.run("page.player.step") == 0 and tab.run("document.querySelectorAll('.card.known').length") == 0
    go(tab, seed - 1)
    shown = tab.run("[...document.querySelectorAll('.card.known .data')].map(text => text.textContent)")
    assert [number(text) for text in shown] == [about(node.data) for node in nodes]
    grads: list[float | None] = [None] * (len(nodes) - 1) + [1.0]
    for k, step in list(enumerate(steps))[::max(1, len(steps) // 6)] + [(len(steps) - 1, steps[-1])] * bool(steps):
        go(tab, seed + 1 + k)
        operand = step.result.args[step.which]
        for earlier in steps[:k + 1]:
            grads[nodes.index(earlier.result.args[earlier.which])] = earlier.total
        assert grads_on_screen(tab) == [None if grad is None else about(grad) for grad in grads]
        before = [s.total for s in steps[:k] if s.result.args[s.which] is operand]
        line = re.search(r"\.grad: (\S+) → (\S+)\s+\+= upstream (\S+) × local (\S+)$", tab.text("#panel .main"))
        assert [number(part) for part in line.groups()] == [
            about(before[-1] if before else 0.0), about(step.total), about(step.upstream), about(step.local)]
        assert number(tab.text(".pulse text").lstrip("+")) == about(step.contribution)


def test_a_value_used_twice_adds_up(opened):
    tab = opened(play(squares()), "step=7")
    assert "a.grad: 1 → 4  += upstream 1 × local 3" in tab.text("#panel .main")
    assert tab.text("#panel .sum").endswith("add up: 1 + 3 = 4")
    go(tab, 8)
    assert "a.grad: 4 → 7  += upstream 1 × local 3" in tab.text("#panel .main")
    assert tab.text("#panel .sum").endswith("add up: 1 + 3 + 3 = 7")
    assert tab.run("new Set([...document.querySelectorAll('.lit')].map(path => path.getAttribute('d'))).size") == 4


ARITHMETIC = [
    lambda a: a ** 2, lambda a: a ** 3, lambda a: a ** -1, lambda a: a ** -2, lambda a: abs(a) ** 1.5,
    lambda a: abs(a) ** Value(0.37), lambda a: 7.5 / a, lambda a: a / -2.5, lambda a: a + -1.5, lambda a: 0.5 - a,
    lambda a: a * -0.125, lambda a: -a, lambda a: (-a) ** 2, lambda a: (a ** 2) ** 3, lambda a: (3 / a) ** 2,
    lambda a: total([a, a, a]), lambda a: dot([a, a], [a, Value(-2.0)], Value(-3.0))]


def read_back(text: str, a: str) -> float:
    """What a line of arithmetic means, by Python's rules."""
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**({found[0].translate(RAISED)})", text)
    for sign, plain in (("−", "-"), ("·", "*"), ("×", "*"), ("^", "**"), ("a", a), (f"{a}bs", "abs")):
        text = text.replace(sign, plain)
    return eval(text, {"__builtins__": {}, "abs": abs})


@settings(max_examples=6, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(digits=st.integers(1, 99999), power=st.integers(-12, 7), sign=st.sampled_from([1, -1]),
       label=st.sampled_from(["a", ""]))
def test_what_is_said_of_a_result_is_arithmetic_that_gives_it(opened, digits, power, sign, label):
    a = Value(sign * digits * 10.0 ** power, label)
    root = total([make(a) for make in ARITHMETIC])
    tab = opened(play(root), "step=99", calm=True)
    names = tab.run("[...document.querySelectorAll('.card.op .name')].map(text => text.textContent)")
    lines = tab.run("""page.nodes.filter(({args}) => args.length).map((_, k) => {
        page.player.go(2 + k);
        return document.querySelector("#panel .main").textContent;
    })""")
    results = [node for node in topological_order(root) if node.args]
    for result, name, line in zip(results, names, lines, strict=True):
        rounded = abs(result.data) + sum(abs(k * arg.data) for k, arg in zip(result.local_grads, result.args))
        assert line.startswith(f"{name} = ")
        for part in line.split(" = "):
            if set(part).isdisjoint("…Σwf"):
                assert read_back(part, f"({a.data!r})") == pytest.approx(result.data, abs=1e-3 * rounded), line


def test_width_is_strength_and_colour_is_sign(opened):
    root = neuron()
    tab = opened(play(root), "step=99")
    adds = [step.contribution for step in flow(root)]
    kinds, widths = tab.run("[[...document.querySelectorAll('.edge')].map(edge => edge.classList[1]),"
                            "[...document.querySelectorAll('.lit')].map(path => parseFloat(path.style.strokeWidth))]")
    assert kinds == ["plus" if x > 0 else "minus" for x in adds]
    assert widths == pytest.approx([1.2 + 6.8 * abs(x) / max(map(abs, adds)) for x in adds], abs=1e-4)


@pytest.mark.parametrize("calm", [False, True])
def test_keys_buttons_slider_and_address(opened, calm):
    tab = opened(play(neuron()), "step=12", calm=calm)
    last = sum(bool(node.args) for node in topological_order(neuron())) + 2 + len(list(flow(neuron())))

    def step() -> int:
        assert tab.text("#where") == f"{tab.run('page.player.step')} / {last}"
        return tab.run("page.player.step")

    assert step() == 12
    for key, expected in [("ArrowRight", 13), ("ArrowLeft", 12), ("End", last), ("ArrowRight", last), ("Home", 0),
                          ("ArrowLeft", 0)]:
        tab.key(key)
        assert step() == expected
    for button, expected in [("forth", 1), ("end", last), ("back", last - 1), ("home", 0)]:
        tab.click(f"#{button}")
        assert step() == expected
    tab.run("document.activeElement.blur()")
    tab.key(" ")
    assert tab.run("page.player.playing") and step() == 1
    tab.run("document.querySelector('#speed').value = 4, new Promise(done => setTimeout(done, 700))")
    assert step() > 1
    tab.key(" ")
    assert not tab.run("page.player.playing")
    tab.run("(s => (s.value = 14, s.dispatchEvent(new Event('input'))))(document.querySelector('#scrub'))")
    assert step() == 14
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert tab.run("location.hash") == "#step=14"
    tab.run("location.hash = '#step=3', new Promise(done => setTimeout(done, 100))")
    assert step() == 3
    tab.visit("step=nonsense")
    assert step() == 0
    go(tab, last - 1)
    tab.key(" ")
    tab.run("document.querySelector('#speed').value = 4, new Promise(done => setTimeout(done, 700))")
    assert step() == last and not tab.run("page.player.playing")    # it stops by itself


def test_the_pulse_moves_only_where_motion_is_welcome(opened):
    for calm in (False, True):
        tab = opened(play(neuron()), "step=13", calm=calm)
        moved = tab.run("""(async () => {
            const at = () => document.querySelector('.pulse').getAttribute('transform');
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));  // it has its size
            page.player.go(14, true);
            const first = at();
            await new Promise(done => setTimeout(done, 300));
            return at() !== first;
        })()""")
        assert moved is not calm


def test_hover_and_focus_tell_about_nodes_and_edges(opened):
    tab = opened(play(neuron()), "step=99")
    resting = tab.text("#panel")
    tab.point(*tab.at("[data-node='0'] .face"))
    assert "w0: a leaf" in tab.text("#panel") and "w0.grad = −0.3549" in tab.text("#panel")
    tab.point(2, 2)
    for _ in range(100):  # the pointer's leaving is told with the next frame
        if tab.text("#panel") == resting:
            break
        tab.run("new Promise(done => requestAnimationFrame(done))")
    assert tab.text("#panel") == resting
    tab.run("document.querySelectorAll('.edge')[0].focus()")
    assert "+= upstream 1 × local −0.7551 = −0.7551" in tab.text("#panel")
    names = tab.run("[...document.querySelectorAll('[tabindex], button, input, select')]"
                    ".map(e => e.getAttribute('aria-label') || e.textContent)")
    assert all(names)


def test_hostile_labels_are_text(opened):
    root = total([Value(1.0, label) for label in HOSTILE])
    root.label = HOSTILE[0]
    tab = opened(play(root), "step=40", width=1600)
    assert tab.text("h1").startswith("Backpropagation of <script>")
    labels = tab.run("[...document.querySelectorAll('.card .name')].map(text => text.textContent)")
    assert len(labels) == len(HOSTILE) + 1
    for label, shown in zip(HOSTILE, labels):
        start = shown.rstrip("…")
        assert label.startswith(start) and start or label in "\ud800\0" or "\n" in label
    assert tab.run("document.querySelectorAll('script').length") == 2
    assert tab.run("getComputedStyle(document.querySelector('.root')).display") != "none"


def test_in_a_notebook(browser):
    root = neuron()
    root.label = HOSTILE[0]
    bundle = play(root)._repr_mimebundle_()
    frame = bundle["text/html"]
    assert bundle["text/plain"].startswith("<Page of")
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == play(root).html
    tab = browser.open(f"<!doctype html><title>n</title>{frame}")
    inner = tab.frame()
    assert inner.text("#where") == "0 / 15"
    inner.run("new Promise(done => setTimeout(done, 400))")      # until it would write its address
    assert tab.messages == inner.messages == []
    tab.close()


# A network

def digit_net() -> tuple[MLP, Any, Any]:
    digits = data.digits()
    net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=3)
    return net, digits.x_test[:5], data.one_hot(digits.y_test[:5], 10)


def digit_page() -> player.Page:
    return play(*digit_net())


def xor_page() -> player.Page:
    return play(MLP(2, [4, 1], activation="tanh", seed=1), *data.xor())


def truth(net: MLP, x: Any, y: Any, cost: Any) -> tuple[Value, list, dict[Value, float]]:
    passes = net.trace(x)
    outputs = [a for _, a in passes[-1]]
    root = cost(outputs[0] if len(outputs) == 1 else outputs, y)
    root.backward()
    return root, passes, {v: v.grad for v in topological_order(root)}


NETS = {
    "digits": lambda: (*digit_net(), squared_error),
    "xor": lambda: (MLP(2, [4, 1], activation="tanh", seed=1), *data.xor(), squared_error),
    "margin": lambda: (MLP(2, [5, 1], activation="relu", seed=2), *data.xor(), max_margin),
    "entropy": lambda: (MLP(3, [5, 6, 3], activation="relu", seed=2), [[1, 2, -1], [0, 0.5, 0.2]],
                        [[1, 0, 0], [0, 0, 1]], cross_entropy),
    "one layer": lambda: (MLP(2, [2], output="sigmoid", seed=1), [[1, 2]], [[0, 1]], squared_error),
}


@pytest.mark.parametrize("name", NETS)
def test_a_networks_numbers_are_the_engines(opened, name):
    net, X, Y, cost = NETS[name]()
    page = play(net, X, Y, cost)
    assert len(page.html.encode()) < 2_000_000
    k = len(X) - 1
    root, passes, grads = truth(net, X[k], Y[k], cost)
    tab = opened(page, f"example={k}&step=0")
    assert tab.run("page.now.example") == k
    names = titles(tab)
    go(tab, next(i for i, title in enumerate(names) if title.startswith("The cost is")))
    assert number(tab.text("#cost")) == about(root.data)
    rng = random.Random(name)
    for layer, pairs in enumerate(passes, 1):
        j = rng.randrange(len(pairs))
        z, a = pairs[j]
        tab.run(f"page.pick({layer}, {j})")
        shown = {key: number(tab.text(f".details #{key}")) for key in ("z", "a", "b", "da", "dz")}
        b = net.layers[layer - 1].neurons[j].b
        assert shown == {"z": about(z.data), "a": about(a.data), "b": about(b.data), "da": about(grads[a]),
                         "dz": about(grads[z])}
        i = rng.randrange(len(net.layers[layer - 1].neurons[j].w))
        w = net.layers[layer - 1].neurons[j].w[i]
        assert tab.run(f"page.weightGradient({layer}, {j}, {i})") == pytest.approx(w.grad, rel=1e-12, abs=1e-300)
        if layer > 1:
            wishes = tab.run(f"[...page.passOf().z[{layer - 1}].keys()].map(j => page.wish({layer}, j, {i}))")
            assert sum(wishes) == pytest.approx(-grads[passes[layer - 2][i][1]], rel=1e-9, abs=1e-15)
    for step in range(len(names)):
        go(tab, step)
        assert tab.text("#panel h2") == names[step]


def of_some_targets(outputs: Any, targets: Any) -> Value:
    a = outputs if isinstance(outputs, list) else [outputs]
    y = targets if isinstance(targets, list) else [targets]
    return total([(p - y[j % len(y)]) ** 2 for j, p in enumerate(a)])


@settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(nin=st.sampled_from([2, 3, 64]), n=st.integers(1, 4), squared=st.booleans(), data=st.data())
def test_a_target_stands_beside_the_output_that_it_is_of_or_nowhere(opened, nin, n, squared, data):
    several = st.floats(-9999, 9999) | st.sampled_from([105.0, 1.04, 1.0, 0.0, 1 / 3])
    width = n if squared else data.draw(st.integers(1, 5))
    y = [x + 0.0 for x in data.draw(st.lists(several, min_size=width, max_size=width))]  # −0 is written as 0
    net = MLP(nin, [4, n], activation="tanh", seed=1)
    tab = opened(play(net, [[0.5] * nin], [y], squared_error if squared else of_some_targets), width=1400, calm=True)
    names = titles(tab)
    for title in ("What the outputs should be", "The cost is"):
        go(tab, next(i for i, name in enumerate(names) if name.startswith(title)))
        shown = tab.run("[...document.querySelectorAll('#stage .target')].map(text => text.textContent)")
        assert shown == ([f"target {about_text(x)}" for x in y] if width == n else [])
        assert ("Beside each output stands its target" in tab.text("#panel")) == (
            width == n and title.startswith("What"))
    head, *rows = tab.run("[...document.querySelectorAll('#panel tr')].map(row => [...row.children]"
                          ".map(cell => cell.textContent))")
    assert ("target" in head) == (width == n)
    if width == n:
        assert [row[2] for row in rows[:n]] == list(map(about_text, y))
    told = f"target{'s' * (width > 1)} {', '.join(map(about_text, y[:4]))}" + ", …" * (width > 4)
    assert (told in tab.text("#panel")) == (width != n)


@settings(max_examples=4, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(nin=st.sampled_from([2, 3, 64]), nan=st.sets(st.integers(0, 2), min_size=1), right=st.integers(0, 2))
def test_nothing_is_named_that_is_not_there_where_outputs_are_no_numbers(opened, nin, nan, right):
    net = MLP(nin, [4, 3], activation="tanh", seed=1)
    for j in nan:
        net.layers[-1].neurons[j].b.data = float("nan")
    tab = opened(play(net, [[0.5] * nin] * 2, np.eye(3)[[right, 1]]), calm=True)
    names = titles(tab)
    for step in range(len(names)):
        go(tab, step)
        said = tab.run("document.body.innerText + [...document.querySelectorAll('[title], [aria-label], "
                       "[aria-valuetext]')].map(e => [e.title, e.ariaLabel, e.ariaValueText]).join(' | ')")
        assert not re.search(r"undefined|\b(output|class|neuron) (-1|−1)|null", said), names[step]
        assert right not in nan or "is right as it is" not in said
        fills = tab.run("[...document.querySelectorAll('.glow')].map(e => Number(e.getAttribute('fill-opacity')))")
        assert all(map(math.isfinite, fills))
    assert "The brightest" not in "".join(tab.run(
        "page.steps.flatMap(step => step.words()).filter(part => typeof part === 'string')"))


def about_text(x: float) -> str:
    """A number in four digits, as a page writes it."""
    mantissa, _, power = f"{x:.4g}".partition("e")
    raised = "·10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) if power else ""
    return mantissa.replace("-", "−") + raised


def test_every_output_has_its_three_avenues(opened):
    net, X, Y = digit_net()
    _, passes, grads = truth(net, X[1], Y[1], squared_error)
    tab = opened(play(net, X, Y), "example=1&output=3&step=12")
    before = [a for _, a in passes[-2]]
    assert tab.text("#panel table th") == "the 3"
    for j, neuron in enumerate(net.layers[-1].neurons):
        tab.click(f".outputs button:nth-child({j + 1})")
        delta = grads[passes[-1][j][0]]
        assert tab.text("#panel table th") == f"the {j}"
        shown = [number(cell) for cell in tab.run("[...document.querySelectorAll('#panel td:last-child')]"
                                                  ".map(cell => cell.textContent)")]
        wishes = sorted((-delta * w.data for w in neuron.w), key=abs, reverse=True)
        assert shown == [about(-delta), *map(about, wishes[:5])]
        assert tab.run("document.querySelectorAll('.neuron.focus').length") == 1
        assert tab.run(f"page.weightGradient(3, {j}, 2)") == pytest.approx(delta * before[2].data)
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert tab.run("location.hash") == "#example=1&output=9&step=12"
    go(tab, 10)
    shown = [number(cell) for cell in tab.run("[...document.querySelectorAll('#panel td:last-child')]"
                                              ".map(cell => cell.textContent)")]
    assert shown[1:] == list(map(about, sorted((-w.grad for w in neuron.w), key=abs, reverse=True)[:5]))
    tab.click("[data-key='3.4'] .body")
    assert tab.text("#panel .words th") == "the 4" and tab.text(".details h3 span") == "the 4"
    tab.click("#examples button:nth-child(1)")
    assert tab.text("#panel .words th") == f"the {np.argmax(Y[0])}"


def test_the_average_and_who_agrees_with_it(opened):
    net, X, Y = digit_net()
    gradients = []
    for x, y in zip(X, Y):
        net.zero_grad()
        truth(net, x, y, squared_error)
        gradients.append([p.grad for p in net.parameters()])
    G = np.array(gradients)
    mean = G.mean(axis=0)
    tab = opened(play(net, X, Y), "step=33")
    cosines = G @ mean / np.linalg.norm(G, axis=1) / np.linalg.norm(mean)
    assert tab.run("page.agreement()") == pytest.approx(cosines.tolist())
    names = [name for name, _ in net.named_parameters()]
    held = names.index("layers[1].neurons[3].w[5]")
    assert tab.run("page.weightGradient(2, 3, 5, null)") == pytest.approx(mean[held])
    go(tab, 34)
    tab.click("[data-key='1.4'] .body")
    assert tab.text(".details h3 span") == "neuron 4 of layer 1" and "average −∂C/∂w" in tab.text(".details")
    assert tab.run("document.querySelectorAll('.details canvas').length") == 2 + len(X)
    tab.run("document.activeElement.blur()")
    tab.key("ArrowLeft")
    assert tab.run("page.player.step") == 33
    tab.click("#examples button:nth-child(3)")
    assert tab.run("page.now.example") == 2
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert tab.run("location.hash") == "#example=2&step=33"


def test_every_neuron_is_told_by_its_own_activation_and_its_slope(opened, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "swish", lambda z: z * z.sigmoid())
    net = MLP(2, [3, 2], activation="tanh", output="swish", seed=1)
    net.layers[0].neurons[1].activation, net.layers[0].neurons[2].activation = "relu", "linear"
    x, y = [0.5, -2.0], [1.0, 0.0]
    _, passes, grads = truth(net, x, y, squared_error)
    tab = opened(play(net, x, y))
    names = titles(tab)
    go(tab, 1)
    assert "a = tanh(z) or relu(z) or z." in tab.text("#panel .words")
    go(tab, names.index("Through the activations of layer 1"))
    assert "with the slope f′ of each neuron's own activation" in tab.text("#panel .words")
    cells = tab.run("[...document.querySelectorAll('#panel td')].map(cell => cell.textContent)")
    assert cells[::4] == ["0 tanh", "1 relu", "2 linear"]
    for j, (z, a) in enumerate(passes[0]):
        slope = {"tanh": 1 - a.data ** 2, "relu": float(z.data > 0), "linear": 1.0}[net.layers[0].neurons[j].activation]
        assert [number(cell) for cell in cells[4 * j + 1:4 * j + 4]] == [
            about(-grads[a]), about(slope), about(-grads[z])]
        tab.run(f"page.pick(1, {j})")
        assert f"activation a = {['tanh(z)', 'relu(z)', 'z'][j]}" in tab.text(".details")
        assert number(tab.text(".details #slope")) == about(slope)
    go(tab, 2)
    assert "a = swish(z)." in tab.text("#panel .words")


def test_a_page_begins_with_the_step_that_its_address_names(opened):
    """Before anything is drawn a second time."""
    page = xor_page()
    first = page.html.replace("new ResizeObserver(onResize)", "new ResizeObserver(() => 0)")
    assert first != page.html
    tab = opened(player.Page(first), "step=8")
    assert tab.text("#panel h2") == titles(tab)[8] and tab.run("document.querySelectorAll('.neuron.focus').length") == 1


def test_a_formula_for_the_slope_stands_where_it_holds(opened):
    tab = opened(xor_page())
    names = titles(tab)
    go(tab, names.index("Through the tanh of layer 1"))
    assert "where f′(z) = 1 − a·a." in tab.text("#panel .words")


# Without a browser

def test_playing_changes_nothing():
    root = neuron()
    root.backward()
    net, X, Y = digit_net()
    everything = [*topological_order(root), *net.parameters()]
    before = [(v.data, v.grad, v.label) for v in everything]
    state = random.getstate()
    twin = copy.deepcopy(root)
    assert play(root).html == play(root).html == play(twin).html
    play(net, X[:1], Y[:1])
    assert [(v.data, v.grad, v.label) for v in everything] == before and random.getstate() == state


def test_save_writes_the_page(tmp_path):
    page = play(squares())
    assert page.save(tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert [path.name for path in Path(tmp_path).iterdir()] == ["page.html"]


@pytest.mark.parametrize("value", [Value(1.0), Value(float("nan")) * 2, Value(2.0) * float("nan"),
                                   Value(float("inf")) + 1, Value(0.0) * 1e-300])
def test_odd_numbers(opened, value):
    tab = opened(play(value), "step=9")
    tab.run("document.querySelector('[data-node=\"0\"]').focus()")
    assert ("No number says" in tab.text("#panel")) == math.isnan(tab.run("page.gradients[0]"))


def test_errors_say_what_to_do():
    net, X, Y = MLP(2, [2], seed=0), [[1.0, 2.0]], [[0.0, 1.0]]
    with pytest.raises(TypeError, match="Value or an MLP, or MLPs by name, .*; got int"):
        play(3)
    with pytest.raises(TypeError, match="no X and Y"):
        play(Value(1.0), X)
    with pytest.raises(TypeError, match="needs examples"):
        play(net)
    with pytest.raises(ValueError, match="301 values.*at most 300"):
        play(total([Value(1.0) for _ in range(300)]))
    with pytest.raises(ValueError, match="Y must be a number or a row .*, as X is one example"):
        play(net, X[0], Y)
    for bad in (["ab"], [None]):
        with pytest.raises(TypeError, match="X must hold real numbers"):
            play(net, bad, Y)
    with pytest.raises(ValueError, match=r"Y must be \(1, targets\) .*; got the shape \(2, 2\)"):
        play(net, X, Y + Y)
    with pytest.raises(ValueError, match="at most 500 examples can be shown; got 501"):
        play(net, X * 501, Y * 501)
    with pytest.raises(ValueError, match="at most 100 examples can be shown; got 101"):
        play(MLP(3, [2], seed=0), [[1.0, 2.0, 3.0]] * 101, Y * 101)
    with pytest.raises(ValueError, match="not empty"):
        play(net, [], [])
    with pytest.raises(ValueError, match="X must have 2 numbers for each example, .*; got 3"):
        play(net, [[1, 2, 3]], Y)
    with pytest.raises(ValueError, match="one target for each output"):
        play(net, X, [1])
    with pytest.raises(TypeError, match="must be one Value"):
        play(net, X, Y, lambda a, y: 3.0)
    with pytest.raises(ValueError, match=r"the cost must .*; this one also reads layers\[0\].neurons\[0\].w\[0\]"):
        play(net, X, Y, lambda a, y: squared_error(a, y) + net.parameters()[0] ** 2)


def test_a_page_lays_itself_out_and_needs_no_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))
    assert play(squares()).html.startswith("<!doctype html>")


def test_a_cost_that_is_0_is_a_cost_so_that_a_page_knows_every_class():
    page = play(MLP(64, [3, 2], seed=1), [[0.5] * 64], [[1.0, 0.0]], lambda a, y: 0.0 * total(a))
    assert '"classes":[{"y":' in page.html
