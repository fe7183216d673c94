"""The picture of a network, held to what backward finds on a copy."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from typing import Any, NamedTuple

import numpy as np
import pytest

from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value, total
from micrograd2.nn import MLP
from micrograd2.pictures import Picture, draw
from tests.pictures.read_back import GRADIENT, OTHER_X, SILENT, SVG, X, Y, assert_stronger_is_wider, hue, network
from tests.pictures.read_back import number, read, rounded, sign_hue, tooltips_of

pytestmark = SILENT


class Truth(NamedTuple):
    """What backward finds on a copy: for every weight ∂C/∂w = δ · a, and the δ of every neuron."""

    factors: dict[str, tuple[float, float, float]]
    deltas: list[float]


def truth(net: MLP, x: Any, y: Any, cost: Any) -> Truth:
    net = copy.deepcopy(net)
    net.zero_grad()
    passes = net.trace(x)
    outputs = [a for _, a in passes[-1]]
    cost(outputs[0] if len(outputs) == 1 else outputs, y).backward()
    factors, inputs = {}, [float(number) for number in x]
    for layer, traced in zip(net.layers, passes):
        for one, (z, _) in zip(layer.neurons, traced):
            factors |= {w.label: (z.grad, a, w.grad) for w, a in zip(one.w, inputs)}
        inputs = [a.data for _, a in traced]
    return Truth(factors, [z.grad for traced in passes for z, _ in traced])


EXAMPLES = {
    "squared error": (network(), X, Y, squared_error),
    "sigmoid": (network("sigmoid"), X, Y, squared_error),
    "cross-entropy": (network(), X, [0.0, 1.0], cross_entropy),
    "margin": (MLP(2, [4, 3, 1], "tanh", seed=1), [0.5, -1.0], -1.0, max_margin),
    "one neuron": (MLP(1, [1], seed=3), [2.0], 1.0, squared_error),
    "arrays": (network(), np.array(X), np.array(Y), squared_error),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_network_with_an_example_shows_what_backward_finds(a_dot, example):
    net, x, y, cost = EXAMPLES[example]
    drawn, true = read(draw(net, x, y, cost)), truth(net, x, y, cost)
    edges = {edge.product()["by"]: edge for edge in drawn.edges}
    assert edges.keys() == true.factors.keys() and len(drawn.edges) == len(edges)
    for name, edge in edges.items():
        assert edge.product()["of"] == "C"
        assert edge.numbers() == rounded(true.factors[name])
        assert edge.colour == sign_hue(true.factors[name][2])
    for layer in net.layers:
        weights = [w.label for one in layer.neurons for w in one.w]
        assert_stronger_is_wider([(true.factors[name][2], edges[name].width) for name in weights])
    deltas = [match[1] for node in drawn.nodes.values() if (match := re.search(r"δ = \S+ = (\S+)", node.tooltip))]
    assert sorted(map(number, deltas)) == rounded(sorted(true.deltas))


def test_width_in_a_network_grows_with_the_gradient_and_the_caption_gives_the_scale(a_dot):
    drawn = read(draw(MLP(3, [1], seed=1), [0.1, -1.0, 4.0], 1.0, lambda output, _: output))
    looks = {edge.product()["by"][-4:]: (edge.colour, edge.width) for edge in drawn.edges}
    assert [looks[f"w[{i}]"][0] for i in range(3)] == ["blue", "orange", "blue"]
    assert looks["w[0]"][1] < looks["w[1]"][1] < looks["w[2]"][1]
    assert "∂C/∂w up to ±4" in drawn.texts


def test_a_contribution_of_zero_still_tells_its_multiplication(a_dot):
    net = MLP(2, [3, 1], "relu", seed=1)
    net.layers[0].neurons[0].b.data = -100.0
    true = truth(net, [1.0, 0.0], 1.0, squared_error)
    edges = read(draw(net, [1.0, 0.0], 1.0)).edges
    assert 0.0 in {adds for _, _, adds in true.factors.values()}
    assert all(edge.product() for edge in edges)
    assert {edge.product()["by"]: edge.numbers() for edge in edges} == {
        name: rounded(factors) for name, factors in true.factors.items()}


def test_the_multiplication_is_true_when_the_cost_holds_the_weights_themselves(a_dot):
    net = network()

    def decayed(outputs: list[Value], targets: list[float]) -> Value:
        return squared_error(outputs, targets) + total(w * w for w in net.parameters())

    for edge in read(draw(net, X, Y, decayed)).edges:
        if edge.product():
            upstream, local, adds = edge.numbers()
            assert upstream * local == pytest.approx(adds, rel=3e-3)


def test_a_cost_may_leave_an_output_out(a_dot):
    assert len(read(draw(network(), X, 1, lambda outputs, label: -outputs[int(label)])).edges) == 20


@pytest.mark.parametrize("y", [1.0, 1, [1.0], np.float64(1.0), np.int64(1), np.array([1.0]), Value(1.0)],
                         ids=lambda y: type(y).__name__)
def test_the_target_of_one_output_may_be_any_number(a_dot, y):
    drawn = read(draw(MLP(2, [3, 1], "tanh", seed=1), [0.5, -1.0], y))
    assert any(text.endswith("target 1") for text in drawn.texts)


@pytest.mark.parametrize("y", [2.0, [2.0, 0.5], [2.0, 0.5, 1.0], [2.0, 0.5, 1.0, 3.0]])
def test_an_output_has_a_target_only_where_each_has(a_dot, y):
    net = MLP(2, [4, 3], "tanh", seed=1)
    drawn = read(draw(net, [0.5, -1.0], y, lambda outputs, targets: total((a - 1.0) ** 2 for a in outputs)))
    shown = [text.split("target ")[1] for text in drawn.texts if "target " in text]
    assert shown == (["2", "0.5", "1"] if np.size(y) == 3 else [])


def test_a_network_with_inputs_alone_shows_activations(a_dot):
    net = network()
    drawn = read(draw(net, X))
    activations = [*X, *(a.data for layer in net.trace(X) for _, a in layer)]
    shown = [node.texts[0] for node in drawn.nodes.values() if node.place]
    assert sorted(map(number, shown)) == pytest.approx(sorted(activations), abs=0.006)
    assert "no gradient yet: give the targets y too" in drawn.texts
    assert not any(GRADIENT.search(text) for text in drawn.texts + drawn.tooltips)


def test_a_network_alone_without_stored_gradients(a_dot):
    drawn = read(draw(network()))
    assert len(drawn.edges) == 20
    assert "no gradient yet: give an example, x and y" in drawn.texts
    assert {edge.colour for edge in drawn.edges} == {"grey"}
    assert not any(GRADIENT.search(text) for text in drawn.texts + drawn.tooltips)


@pytest.mark.parametrize("cost", [lambda outputs, targets: total(outputs) * 0.0, squared_error])
def test_a_network_whose_gradients_are_all_0_says_so(a_dot, cost):
    net = network()
    drawn = read(draw(net, X, [a.data for a in net(X)], cost))     # nothing to improve
    assert "every gradient is 0" in drawn.texts and not any("no gradient yet" in text for text in drawn.texts)
    assert {edge.colour for edge in drawn.edges} == {"grey"}
    assert all(edge.numbers()[2] == 0 for edge in drawn.edges)


def test_a_network_alone_shows_the_stored_gradients(a_dot):
    net = network()
    squared_error(net(X), Y).backward()
    squared_error(net(OTHER_X), Y).backward()
    told = [re.search(r"∂C/∂(\S+) .*?(-?\d\S*?), where", edge.tooltips[0]) for edge in read(draw(net)).edges]
    stored = {w.label: w.grad for w in net.parameters() if not w.label.endswith(".b")}
    assert {match[1]: number(match[2]) for match in told} == {name: rounded(grad) for name, grad in stored.items()}


def test_an_example_is_shown_whatever_gradients_are_stored(a_dot):
    net = network()
    expected = draw(net, X, Y).source
    squared_error(net(OTHER_X), Y).backward()
    assert draw(net, X, Y).source == expected
    assert "no gradient yet: give the targets y too" in read(draw(net, X)).texts


@pytest.mark.parametrize("example", [(), (X,), (X, Y)])
def test_drawing_a_network_changes_nothing(a_dot, example):
    net = network()
    squared_error(net(OTHER_X), Y).backward()
    x = [Value(number, "x") for number in X]
    x[0].grad = 7.0

    def state() -> list[tuple]:
        return [(v.data, v.grad, v.label, v.born, v.args) for v in [*net.parameters(), *x]]

    before = state()
    draw(net, x if example else None, *example[1:]).svg()
    assert state() == before


def test_nothing_moves_between_two_pictures_of_one_network(a_dot):
    def places(picture: Picture) -> tuple:
        frame = re.findall(r'viewBox="[^"]*"|translate\([^)]*\)', picture.svg())
        return frame, {name: node.place for name, node in read(picture).nodes.items() if node.place}

    net = network()
    one, other = places(draw(net, X, Y)), places(draw(net, OTHER_X, Y))
    assert one == other
    assert len(set(one[1].values())) == 3 + 4 + 2
    assert places(draw(net))[1] == one[1]


@pytest.mark.parametrize("sizes, captions, more", [
    ((783, 16, 16, 10), ["783 inputs", "16 neurons", "10 outputs"],
     ["+767 more", "50 weights, +110 more", "80 weights, +12,448 more", "80 weights, +176 more"]),
    ((17, 2), ["17 inputs", "2 outputs"], ["+1 more", "32 weights, +2 more"]),
    ((2, 30, 20), ["2 inputs", "30 neurons", "20 outputs"],
     ["+14 more", "+4 more", "32 weights, +28 more", "80 weights, +520 more"]),
    ((16, 5), ["16 inputs", "80 weights", "5 outputs"], []),
    ((1, 1), ["1 input", "1 output"], [])])
def test_a_large_network_says_how_many_are_left_out(a_dot, sizes, captions, more):
    nin, *nouts = sizes
    net, x, y = MLP(nin, nouts, "tanh", seed=0), [0.5] * nin, [1.0] * nouts[-1]
    for picture in (draw(net), draw(net, x), draw(net, x, y)):
        drawn = read(picture)
        assert set(captions) <= set(drawn.texts)
        assert sorted(text for text in drawn.texts if "more" in text) == more
        assert len([node for node in drawn.nodes.values() if node.place]) == sum(min(16, size) for size in sizes)


@pytest.mark.parametrize("known", [True, False])
def test_what_is_left_out_is_the_weakest(a_dot, known):
    """By gradient, or by weight while there is no gradient."""
    net, x, y = MLP(40, [3], "tanh", seed=5), [i * 17 % 40 / 40 for i in range(40)], [1.0, 0.0, -1.0]
    size = {w.label: w.data for w in net.parameters() if not w.label.endswith(".b")}
    if known:
        size = {name: adds for name, (_, _, adds) in truth(net, x, y, squared_error).factors.items()}
    strength = [sum(abs(n) for name, n in size.items() if name.endswith(f"w[{i}]")) for i in range(40)]
    drawn = read(draw(net, x, y) if known else draw(net))
    shown = {int(re.search(r"w\[(\d+)\]", edge.tooltips[0])[1]) for edge in drawn.edges}
    assert shown == set(sorted(range(40), key=strength.__getitem__)[-16:])


@pytest.mark.parametrize("example", ["squared error", "cross-entropy", "margin"])
def test_a_batch_shows_the_average(a_dot, example):
    net, x, y, cost = EXAMPLES[example]
    others = [[-number for number in x], [0.5 * number for number in x]]
    true = [truth(net, one, y, cost) for one in (x, *others)]
    drawn = read(draw(net, [x, *others], [y] * 3, cost))
    assert "on average over 3 examples" in drawn.texts
    told = [re.search(r"∂C/∂(\S+) = (-?\d\S*?), where", edge.tooltips[0]) for edge in drawn.edges]
    assert {match[1]: number(match[2]) for match in told} == {
        name: rounded(sum(one.factors[name][2] for one in true) / 3, abs=1e-12) for name in true[0].factors}
    deltas = [match[1] for node in drawn.nodes.values() if (match := re.search(r"δ = \S+ = (\S+)", node.tooltip))]
    means = [sum(parts) / 3 for parts in zip(*(one.deltas for one in true))]
    assert sorted(map(number, deltas)) == rounded(sorted(mean for mean in means if mean))


def test_a_batch_may_be_arrays_and_one_example_of_a_batch_is_that_example():
    net = network()
    many = draw(net, np.array([X, OTHER_X]), np.array([Y, Y])).source
    assert many == draw(net, [X, OTHER_X], [Y, Y]).source
    assert draw(net, [X], [Y]).source == draw(net, X, Y).source
    assert "on average over 2 examples" in draw(net, [X, OTHER_X]).source
    one = MLP(2, [3, 1], activation="tanh", seed=1)
    assert draw(one, [X[:2], OTHER_X[:2]], [1.0, -1.0], max_margin).source


def test_a_ring_grows_with_delta(a_dot):
    net = network()
    root = ET.fromstring(draw(net, X, Y).svg())
    true = truth(net, X, Y, squared_error).deltas
    rings = {}
    for group in root.iter(f"{SVG}g"):
        if match := re.search(r"(neuron|output) (\d): .*δ = ∂C/∂z = (\S+)", "".join(tooltips_of(group))):
            ring = group.find(f".//{SVG}ellipse")
            rings[match[1], match[2]] = float(match[3]), hue(ring.get("stroke")), float(ring.get("stroke-width", 1))
    assert sorted(delta for delta, *_ in rings.values()) == rounded(sorted(true))
    for kind in ("neuron", "output"):
        ones = [ring for (of, _), ring in rings.items() if of == kind]
        assert [colour for _, colour, _ in ones] == [sign_hue(delta) for delta, *_ in ones]
        assert_stronger_is_wider([(delta, width) for delta, _, width in ones])
        assert max(width for *_, width in ones) == 4.0


def test_into_each_neuron_the_strongest_weights_are_drawn_and_the_rest_counted(a_dot):
    net = MLP(20, [6, 2], activation="tanh", seed=4)
    x, y = [(-1) ** i * 0.05 * i for i in range(20)], [1.0, 0.0]
    true = truth(net, x, y, squared_error).factors
    drawn = read(draw(net, x, y))
    for j in range(6):
        name = f"layers[0].neurons[{j}]."
        shown = {edge.product()["by"] for edge in drawn.edges if edge.product()["by"].startswith(name)}
        assert shown == set(sorted((w for w in true if w.startswith(name)), key=lambda w: abs(true[w][2]))[-5:])
        left = [abs(true[w][2]) for w in true if w.startswith(name) and w not in shown]
        rest = drawn.nodes[f"c1r{j}"]
        assert rest.texts == ["+15"]
        told, size = rest.tooltip.split(", Σ|∂C/∂w| = ")
        assert told == "15 weaker weights" and number(size) == rounded(sum(left))


def test_784_inputs_are_drawn_as_the_image_that_they_are(a_dot):
    net, x = MLP(784, [3, 2], activation="tanh", seed=0), [0.0] * 784
    x[0], x[30], x[783] = 1.0, 0.5, 0.25
    source = draw(net, x, [1.0, 0.0]).source
    assert source.count("<td width=") == 784 and source.count("<td ") == source.count("</td>")
    assert len(re.findall(r'<td [^>]*bgcolor="', source)) == 3
    drawn = read(draw(net, x, [1.0, 0.0]))
    image = {edge.product()["by"] for edge in drawn.edges if re.match(r"c0\b", edge.tail)}
    assert len(image) == 3 * 5 and {f"layers[0].neurons[0].w[{i}]" for i in (0, 30, 783)} <= image
    assert "<td width=" not in draw(net).source
    assert "<td width=" not in draw(net, [2.0] * 784).source
