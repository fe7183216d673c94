"""The plane of two inputs, in a real browser: what is painted there is what the network makes of every place."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from micrograd2 import data
from micrograd2.backprop import passes
from micrograd2.costs import cross_entropy, squared_error
from micrograd2.nn import MLP
from micrograd2.player import Page, play
from micrograd2.train import SGD, fit
from tests.player.test_player import about, go, number, titles
from tests.player.test_instruments import settle, wait

GIVEN = data.moons(40, noise=0.1, seed=2)


def moons() -> tuple[MLP, Any, Any, Any]:
    return MLP(2, [8, 6, 1], activation="tanh", seed=4), *GIVEN, squared_error


def hill() -> tuple[MLP, Any, Any, Any]:
    X = GIVEN[0]
    return MLP(2, [6, 1], activation="tanh", seed=1), X, 3 + 2 * np.exp(-(X ** 2).sum(axis=1)), squared_error


def classes() -> tuple[MLP, Any, Any, Any]:
    X = GIVEN[0]
    return MLP(2, [6, 3], activation="tanh", seed=1), X, data.one_hot(np.arange(40) % 3, 3), cross_entropy


def two_numbers() -> tuple[MLP, Any, Any, Any]:
    X = GIVEN[0]
    return MLP(2, [6, 2], activation="relu", seed=1), X, np.c_[X[:, 0], 5 - X[:, 1]], squared_error


PLANES = {"moons": moons, "hill": hill, "classes": classes, "two numbers": two_numbers}


def moons_page() -> Page:
    net, X, y, _ = moons()
    return play(net, X, y)


def shown(net: MLP, x: Any, output: int, are_classes: bool) -> float:
    """The output that is shown; of classes, how far it is ahead."""
    out = [a.data for _, a in net.trace(x)[-1]]
    others = out[:output] + out[output + 1:]
    return out[output] - (max(others) if are_classes else 0.0)


PIXELS = """(canvas => {    // read from a copy, since what is read often is drawn slowly
    const copy = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
    const pen = copy.getContext("2d", {willReadFrequently: true});
    pen.drawImage(canvas, 0, 0);
    return pen.getImageData(0, 0, copy.width, copy.height);
})"""


def colours(tab: Any, places: list[tuple[float, float]]) -> list[list[int]]:
    """The pixels of the plane there: red, green, blue, and how much hides the paper."""
    return tab.run(f"""(({{width, data}}) => {[list(place) for place in places]}
        .map(([x, y]) => 4 * (Math.floor(y) * width + Math.floor(x))).map(at => [...data.slice(at, at + 4)])
    )({PIXELS}(document.querySelector("#plane canvas")))""")


def hues(tab: Any) -> dict[str, list[int]]:
    texts = tab.run("""["--plus", "--minus"].map(name =>
        getComputedStyle(document.documentElement).getPropertyValue(name).trim())""")
    return {name: [int(text[k:k + 2], 16) for k in (1, 3, 5)] for name, text in zip(("plus", "minus"), texts)}


@pytest.mark.parametrize("name", PLANES)
def test_a_place_is_painted_as_what_the_network_makes_of_it(opened, name):
    net, X, Y, cost = PLANES[name]()
    output, ahead = len(net.layers[-1].neurons) - 1, name == "classes"
    targets = [-1.0, 1.0] if ahead else np.reshape(Y, (40, -1))[:, output].tolist()
    middle, reach = (max(targets) + min(targets)) / 2, (max(targets) - min(targets)) / 2
    net.layers[-1].neurons[-1].b.data += middle     # some places are above, some below
    tab = opened(play(net, X, Y, cost), width=1000, height=700, dark=name == "hill")
    settle(tab)
    if output:
        tab.click(f"#plane .outputs button:nth-child({output + 1})")
    ends = tab.run("[...document.querySelector('#plane .scale').childNodes].map(node => node.textContent)")
    assert [number(ends[0]), number(ends[2])] == pytest.approx([min(targets), max(targets)], rel=0.01, abs=0.01)
    columns, rows, right, down, values = tab.run("(f => [f.columns, f.rows, f.right, f.down, [...f.values]])"
                                                 "(page.plane.currentField())")
    points = tab.run("page.plane.points()")
    solid = {}   # far from points and from the line, each alone in its colour
    for n in range(0, columns * rows, 97):
        x, y = n % columns * right, n // columns * down
        v = shown(net, tab.run(f"page.plane.placeOf({x}, {y})"), output, ahead) - middle
        assert values[n] == pytest.approx(v, rel=1e-9, abs=1e-12)
        share = min(1.0, abs(v) / reach)
        near = min(math.hypot(x - px, y - py) for px, py in points)
        inside = 2 < n % columns < columns - 3 and 2 < n // columns < rows - 3
        around = [values[n + i + j * columns] for i in (-1, 0, 1) for j in (-1, 0, 1)] if inside else [0.0]
        if share > 0.2 and near > 16 and (min(around) > 0 or max(around) < 0):
            solid[x, y] = v
    assert len(solid) >= 10 and min(solid.values()) < 0 < max(solid.values())
    hue = hues(tab)
    for v, pixel in zip(solid.values(), colours(tab, list(solid))):
        assert pixel[:3] == pytest.approx(hue["plus" if v > 0 else "minus"], abs=8)
        assert pixel[3] == pytest.approx(255 * 0.62 * min(1.0, abs(v) / reach) ** 0.7, abs=6)


def far_from_points(tab: Any, places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    points = tab.run("page.plane.points()")
    return [(x, y) for x, y in places if min(math.hypot(x - px, y - py) for px, py in points) > 16]


def made_of(tab: Any, net: MLP, pixels: list[tuple[float, float]]) -> list[float]:
    """The only output, at the middles of pixels."""
    return [net(x).data for x in tab.run(f"{[list(p) for p in pixels]}.map(([x, y]) => "
                                         "page.plane.placeOf(x + 0.5, y + 0.5))")]


def steep() -> tuple[MLP, Page]:
    net, X, y, _ = moons()
    for neuron in net.layers[0].neurons:
        for w in neuron.w:
            w.data *= 3.0
    return net, play(net, X, y)


def test_the_line_is_where_the_answer_changes(opened):
    net, page = steep()
    tab = opened(page, width=1000, height=700, calm=True)
    settle(tab)
    wide, high = tab.run("(c => [c.width, c.height])(document.querySelector('#plane canvas'))")
    seen = 0
    for x in range(8, wide - 8, 9):
        column = [(x, y) for y in range(high)]
        values, alphas = made_of(tab, net, column), [alpha for *_, alpha in colours(tab, column)]
        free = {y for _, y in far_from_points(tab, column)}
        crossings = [y + values[y] / (values[y] - values[y + 1]) for y in range(high - 1)
                     if (values[y] > 0) != (values[y + 1] > 0)]
        for y in crossings:
            near = range(round(y) - 4, round(y) + 5)
            if not free.issuperset(near) or sum(abs(y - other) < 12 for other in crossings) > 1:
                continue
            ink = [max(0, alphas[k] - 170) for k in near]       # the field has at most 158
            assert sum(k * weight for k, weight in zip(near, ink)) / sum(ink) == pytest.approx(y, abs=0.8)
            seen += 1
        away = [alphas[y] for y in free if abs(values[y]) > 0.5]
        assert max(away, default=0) < 165
    assert seen >= 5


def test_a_point_is_chosen_by_click_by_dragging_and_by_keys(opened):
    X, y = GIVEN
    tab = opened(moons_page(), "step=1", width=1000, height=700, calm=True)
    settle(tab)

    def chosen() -> int:
        k = tab.run("page.now.example")
        assert tab.text("#plane .chosen b") == f"point {k}"
        assert tab.run("Number(document.querySelector('#plane canvas').getAttribute('aria-valuenow'))") == k
        assert tab.run("[...page.passOf().a[0]]") == X[k].tolist()
        cx, cy, r = tab.run(f"[...page.plane.points()[{k}], document.querySelector('#plane canvas').clientWidth / 60]")
        ring = colours(tab, [(cx + (r + 3.4) * math.cos(t / 4), cy + (r + 3.4) * math.sin(t / 4)) for t in range(25)])
        assert sum(max(pixel[:3]) < 90 and pixel[3] > 240 for pixel in ring) > 20
        return k

    left, top = tab.run("(b => [b.x, b.y])(document.querySelector('#plane canvas').getBoundingClientRect())")
    for k in (17, 3, 30):
        px, py = tab.run(f"page.plane.points()[{k}]")
        for kind in ("mousePressed", "mouseReleased"):
            tab.call("Input.dispatchMouseEvent", type=kind, x=left + px + 1, y=top + py + 1, button="left",
                     clickCount=1)
        assert chosen() == k
    assert tab.run("document.activeElement.dataset.key") == "plane" and tab.run("page.player.step") == 1
    points = np.array(tab.run("page.plane.points()"))
    for key, way in {"ArrowRight": (1, 0), "ArrowDown": (0, 1), "ArrowLeft": (-1, 0), "ArrowUp": (0, -1)}.items():
        before = tab.run("page.now.example")
        along = (points - points[before]) @ way
        aside = np.abs((points - points[before]) @ way[::-1])
        tab.key(key)
        assert chosen() == np.argmin(np.where(along > 0, along + 2.5 * aside, np.inf))
        assert tab.run("document.querySelector('#plane canvas').matches(':focus-visible')")
    k = tab.run("page.now.example")
    tab.key("PageDown")
    assert chosen() == k + 1
    tab.key("PageUp")
    assert chosen() == k and tab.run("page.player.step") == 1
    seen = {k}
    for key in ["PageUp"] * 40 + ["PageDown"] * 40:     # every point is within reach
        tab.key(key)
        seen.add(tab.run("page.now.example"))
    assert seen == set(range(40))
    tab.drag("#plane canvas", right=60)
    assert chosen() == np.argmin(np.linalg.norm(points - np.array(tab.run(
        "(c => [c.clientWidth / 2 + 60, c.clientHeight / 2])(document.querySelector('#plane canvas'))")), axis=1))


def test_after_so_many_live_steps_everything_is_as_gradient_descent_leaves_it(opened):
    net, X, Y, _ = moons()
    tab = opened(moons_page(), "example=5")
    settle(tab)
    tab.click("[data-key='live']")
    assert tab.text("[data-key='live']") == "Stop" and tab.run("page.player.step === page.steps.length - 1")
    for _ in range(100):
        wait(tab, 50)
        if tab.run("page.training.costs.length") > 25:
            break
    tab.run("document.activeElement.blur()")
    tab.key(" ")                                        # pauses it, and plays nothing
    assert tab.text("[data-key='live']") == "Let it run" and not tab.run("page.player.playing")
    steps, rate = tab.run("[page.training.costs.length - 1, page.training.rate]")
    assert steps >= 20
    fit(net, X, Y, optimizer=SGD(lr=rate), epochs=steps, batch_size=40, progress=False)
    found = tab.run("[...[...page.now.network.weights].map(w => [...w]), ...page.now.network.biases.map(b => [...b])]")
    expected = [[w.data for neuron in layer.neurons for w in neuron.w] for layer in net.layers]
    expected += [[neuron.b.data for neuron in layer.neurons] for layer in net.layers]
    for row, numbers in zip(found, expected, strict=True):
        assert row == pytest.approx(numbers, rel=1e-12, abs=1e-12)
    values = tab.run("(f => [...f.values])(page.plane.currentField())")
    columns, right, down = tab.run("(f => [f.columns, f.right, f.down])(page.plane.currentField())")
    for n in range(0, len(values), 501):                # the plane is that of these weights
        place = tab.run(f"page.plane.placeOf({n % columns * right}, {n // columns * down})")
        assert values[n] == pytest.approx(net(place).data, rel=1e-9, abs=1e-12)
    # and its backward pass is played, for the example that was chosen
    tab.click("[data-key='back']")
    assert tab.run("page.player.playing") and tab.text("#panel h2").startswith("The cost is")
    (one,) = passes(net, X[5], Y[5])
    assert number(tab.text("#cost")) == about(one.cost.data)
    assert tab.run("page.passOf().dz.map(row => [...row])") == [pytest.approx(row, rel=1e-9) for row in one.deltas]


def test_where_many_are_averaged_neurons_are_those_of_the_chosen_point(opened):
    net, X, Y, _ = moons()
    tab = opened(moons_page(), "example=7&step=99", calm=True)
    every = list(passes(net, X, Y))
    assert "filled as the chosen point" in tab.text(".trainer")
    glows = tab.run("[...document.querySelectorAll('.glow')].map(glow => Number(glow.getAttribute('fill-opacity')))")
    assert glows == pytest.approx([min(1.0, abs(a)) for row in every[7].activations for a in row], abs=1e-3)
    rings = tab.run("[...document.querySelectorAll('[data-key^=\"2.\"] .ring')].map(ring => ring.classList[1])")
    assert rings == ["plus" if sum(one.deltas[1][j] for one in every) < 0 else "minus" for j in range(6)]


def test_lines_can_show_the_weights_themselves(opened):
    net, X, Y, _ = moons()
    tab = opened(moons_page(), "step=99", calm=True)
    settle(tab)
    tab.click("#weigh")
    assert tab.text("#legend .plus") == "weight above 0" and tab.run("document.querySelector('.ring')") is None
    weights = [w.data for w in net.layers[2].neurons[0].w]
    i = int(np.argmax(np.abs(weights)))
    (left, top), (right, bottom) = tab.at(f"[data-key='2.{i}'] .body"), tab.at("[data-key='3.0'] .body")
    for shift in (1, 0):
        tab.point((left + right) / 2, (top + bottom) / 2 + shift)
    wait(tab)
    what, told = tab.run("document.querySelector('#stage').title").split(": ")
    assert what == f"w, from neuron {i} of layer 2 to the output" and number(told) == about(weights[i])
    tab.click("#weigh")
    assert "should rise" in tab.text("#legend .plus")


@pytest.mark.parametrize("calm", [False, True])
def test_lines_come_edge_by_edge_only_where_motion_is_welcome(opened, calm):
    net, X, Y, _ = moons()
    k, one = next((k, one) for k, one in enumerate(passes(net, X, Y))
                  if abs(one.activations[2][1]) < abs(one.activations[2][0]))   # the newest is not the strongest
    tab = opened(moons_page(), f"example={k}", calm=calm)
    settle(tab)
    step = titles(tab).index("Every weight's nudge")
    drawn = (f"{PIXELS}(document.querySelector('.ground canvas'))"
             ".data.reduce((n, x, i) => n + (i % 4 === 3 && x > 0), 0)")
    go(tab, step - 1)
    first = tab.run(f"page.player.go({step}, true), {drawn}")
    go(tab, step)
    whole = tab.run(drawn)
    assert (first < 0.5 * whole) is not calm and (first == whole) is calm
    tab.run("document.querySelector('#speed').value = 0.5")
    told = tab.run(f"""new Promise(done => {{
        const told = [], began = performance.now();
        page.player.go({step - 1}), page.player.go({step}, true);
        requestAnimationFrame(function frame() {{
            told.push(document.querySelector(".caption.small")?.textContent);
            if (performance.now() - began < 2000) requestAnimationFrame(frame);
            else done(told.filter(Boolean));
        }});
    }})""")
    places = []
    for line in told:                               # from the output back; first all of its own lines, in order
        i, j, *numbers = re.fullmatch(r"(\d+) → (\w+): (\S+) × (\S+) = (\S+)", line).groups()
        delta, a = (one.deltas[2][0], one.activations[2][int(i)])
        assert j == "out" and list(map(number, numbers)) == [about(-delta), about(a), about(-delta * a)]
        places.append(int(i))
    each = sorted(set(places))
    assert places == sorted(places) and each == list(range(len(each))) and (len(each) > 1) is not calm


def test_where_the_page_cannot_compute_there_are_points_alone(opened):
    X, y = GIVEN
    net = MLP(2, [3, 1], activation=lambda z: z if z.data > 0 else z * 0.1, seed=1)
    tab = opened(play(net, X, y), "example=4", calm=True)
    settle(tab)
    assert tab.run("document.querySelector('[data-key=live]').disabled")
    points = tab.run("page.plane.points()")
    size = tab.run("(c => [c.width, c.height])(document.querySelector('#plane canvas'))")
    free = [(x, y) for x in range(5, size[0], 20) for y in range(5, size[1], 20)
            if min(math.hypot(x - px, y - py) for px, py in points) > 16]
    assert {alpha for *_, alpha in colours(tab, free)} == {0}
    tab.run("document.querySelector('#plane canvas').focus()")
    tab.key("PageDown")
    assert tab.text("#plane .chosen b") == "point 5"


def test_targets_that_are_not_one_for_each_output_colour_no_point(opened):
    net = MLP(2, [4, 3], activation="tanh", seed=1)
    tab = opened(play(net, GIVEN[0], np.arange(40.0) % 3, lambda a, y: (a[0] - y) ** 2 + a[1] ** 2 + a[2] ** 2),
                 calm=True)
    settle(tab)
    x, y = tab.run("page.plane.points()[1]")
    (pixel,) = colours(tab, [(x, y)])
    assert max(pixel[:3]) - min(pixel[:3]) < 40     # grey
    told = f"target 0, output 0 is {net(GIVEN[0][0])[0].data:.3g}".replace("-", "−")
    assert tab.text("#plane .chosen").endswith(told)
