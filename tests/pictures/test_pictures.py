"""Pictures: read back from the SVG, as a learner sees them, and held to the engine's own numbers."""

from __future__ import annotations

import copy
import html
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from graphviz.backend import dot_command
from hypothesis import HealthCheck, given, settings

from micrograd2 import pictures
from micrograd2.contributions import flow
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import DOT, SIGMOID, Value, dot, topological_order, total
from micrograd2.nn import MLP
from micrograd2.pictures import Picture, animate, draw, draw_dot, find_dot
from tests.programs import VALUES, programs, run

pytestmark = [pytest.mark.filterwarnings("error"),
              pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")]

ROOT = Path(pictures.__file__).parents[1]
SVG, TITLE = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}title"
PRODUCT = re.compile(r"∂(?P<of>.+?)/∂(?P<by>.+) \+= "
                     r"upstream (?P<upstream>\S+) × local (?P<local>\S+) = (?P<adds>[^\s,]+)")
GRADIENT = re.compile(r"\bgrad -?\d|upstream|δ = |∂C/∂")


# A `dot` to draw with: every one that this machine has, in turn

BESIDE = os.pathsep.join([os.path.dirname(sys.executable), sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
DOTS = {name: found for name in ("dot", "graphviz-pure") if (found := shutil.which(name, path=BESIDE))}
NO_DOT = pytest.param("", marks=pytest.mark.skip(reason="no dot: apt install graphviz, or pip install graphviz-pure"))


@pytest.fixture(params=list(DOTS) or [NO_DOT])
def a_dot(request, tmp_path, monkeypatch) -> str:
    """The name of the only `dot` on the PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / request.param).symlink_to(DOTS[request.param])
    monkeypatch.setenv("PATH", str(folder))
    return request.param


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """A machine without any `dot`: an empty folder is the PATH, the interpreter's folder, and that of its scripts."""
    empty = tmp_path / "nowhere"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(sys, "executable", str(empty / "python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(empty))
    return empty


def executable(path: Path, script: str = "exit 0") -> Path:
    """A program that reads its input to the end, as `dot` does, and then runs the script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nwhile read -r line; do :; done\n{script}\n")
    path.chmod(0o755)
    return path


# Reading a picture back

class Node(NamedTuple):
    texts: list[str]
    tooltip: str
    place: tuple[float, float] | None     # of a circle


class Edge(NamedTuple):
    tail: str
    head: str
    colour: str
    width: float
    tooltips: list[str]

    def product(self) -> re.Match:
        """The multiplication that the tooltip tells."""
        return PRODUCT.search(self.tooltips[0])

    def numbers(self) -> tuple[float, float, float]:
        """Upstream, local and contribution, as the tooltip tells them."""
        return tuple(map(number, self.product().group("upstream", "local", "adds")))


class Drawn(NamedTuple):
    nodes: dict[str, Node]
    edges: list[Edge]
    texts: list[str]
    tooltips: list[str]
    anatomy: list[tuple]     # every element and the names of its attributes: all but texts and numbers


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def texts_of(element: ET.Element) -> list[str]:
    return [(text.text or "").replace("\xa0", " ").strip() for text in element.iter(f"{SVG}text")]


def tooltips_of(element: ET.Element) -> list[str]:
    return [a.get(TITLE, "") for a in element.iter(f"{SVG}a")]


def read_node(group: ET.Element) -> Node:
    circle = group.find(f".//{SVG}ellipse")
    place = None if circle is None else (float(circle.get("cx")), float(circle.get("cy")))
    return Node(texts_of(group), "".join(tooltips_of(group)), place)


def read_edge(group: ET.Element) -> Edge:
    line = group.find(f".//{SVG}path")
    tail, head = group.find(f"{SVG}title").text.split("->")
    return Edge(tail, head, hue(line.get("stroke")), float(line.get("stroke-width", 1)), tooltips_of(group))


def hue(colour: str) -> str:
    red, _, blue = bytes.fromhex(colour.lstrip("#"))
    return "blue" if blue > red + 60 else "orange" if red > blue + 60 else "grey"


def read(picture: Picture) -> Drawn:
    root = ET.fromstring(picture.svg())
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") in ("node", "edge")]
    nodes = {group.find(f"{SVG}title").text: read_node(group) for group in groups if group.get("class") == "node"}
    edges = [read_edge(group) for group in groups if group.get("class") == "edge"]
    anatomy = [(element.tag, element.get("class"), sorted(element.keys())) for element in root.iter()]
    return Drawn(nodes, edges, texts_of(root), tooltips_of(root), anatomy)


def names_of(root: Value) -> dict[Value, str]:
    return {value: f"n{i}" for i, value in enumerate(topological_order(root))}


def rounded(x: float, abs: float = 0.0) -> Any:
    """Equal to four significant digits."""
    return pytest.approx(x, rel=6e-4, abs=abs)


def assert_stronger_is_wider(edges: list[tuple[float, float]]) -> None:
    """Of pairs of (contribution, width)."""
    for (adds, width), (more, wider) in combinations(sorted((abs(adds), width) for adds, width in edges), 2):
        assert width <= wider + 0.02, (adds, width, more, wider)


def sign_hue(x: float) -> str:
    return "blue" if x > 0 else "orange" if x < 0 else "grey"


# What to draw

def neuron() -> Value:
    """tanh(x · w + b), everything with a label, after backward; one contribution is 0."""
    x, w = [Value(2.0, "x1"), Value(0.0, "x2")], [Value(-3.0, "w1"), Value(1.0, "w2")]
    z = x[0] * w[0] + x[1] * w[1] + Value(6.5, "b")
    o = z.tanh()
    z.label, o.label = "z", "o"
    o.backward()
    return o


def chain(nodes: int) -> Value:
    value = Value(0.5)
    for _ in range(nodes - 1):
        value = value.sin()
    return value


def digit_cost() -> Value:
    return squared_error(MLP(784, [16, 16, 10], "sigmoid", "sigmoid", seed=0)([0.5] * 784), [1.0] + [0.0] * 9)


def labelled(label: str) -> Value:
    """A leaf and a result, both with this label."""
    leaf = Value(3.0, label)
    result = leaf * 2.0
    result.label = label
    result.backward()
    return result


def network(output: str = "linear") -> MLP:
    return MLP(3, [4, 2], activation="tanh", output=output, seed=2)


X, OTHER_X, Y = [0.5, -1.0, 2.0], [-2.0, 0.25, 1.0], [1.0, 0.0]


# The DOT text

SAMPLE = """
from micrograd2 import MLP, Value, draw
a, b = Value(2.0, "a"), Value(-1.5, "b")
c = (a * b + a).tanh() / (a + a)
c.backward()
net = MLP(20, [5, 2], activation="tanh", seed=1)
text = draw(c).source + draw(net).source + draw(net, [0.5] * 20, [1.0, 0.0]).source
"""


def sample() -> str:
    found: dict[str, Any] = {}
    exec(SAMPLE, found)
    return found["text"]


def test_the_same_graph_gives_the_same_text():
    assert sample() == sample()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_graph_gives_the_same_text_in_another_process(hash_seed):
    done = subprocess.run([sys.executable, "-c", SAMPLE + "print(ascii(text))"], cwd=ROOT, text=True, check=True,
                          capture_output=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    assert done.stdout.strip() == ascii(sample())


def test_draw_dot_is_draw():
    assert draw_dot(neuron()).source == draw(neuron()).source
    assert isinstance(draw_dot(neuron()), Picture)


# An expression

def test_nodes_are_named_in_topological_order(a_dot):
    root = neuron()
    for i, value in enumerate(topological_order(root)):
        value.label = f"v{i}"
    nodes = read(draw(root)).nodes
    assert set(nodes) == set(names_of(root).values())
    assert all(f"v{name[1:]}" in node.texts for name, node in nodes.items())


def test_a_plus_a_has_two_edges(a_dot):
    a = Value(3.0, "a")
    b = a + a
    b.backward()
    edges = read(draw(b)).edges
    assert [(edge.tail, edge.head) for edge in edges] == [("n0", "n1")] * 2
    assert [edge.numbers() for edge in edges] == [(1.0, 1.0, 1.0)] * 2


def test_every_node_shows_its_label_number_and_gradient(a_dot):
    root = neuron()
    nodes = read(draw(root)).nodes
    for value, name in names_of(root).items():
        *before, shown, grad = nodes[name].texts
        assert (value.label in before) if value.label else len(before) == 1
        assert number(shown) == rounded(value.data)
        assert grad.startswith("grad ") and number(grad[5:]) == rounded(value.grad)


def test_every_operation_shows_its_symbol(a_dot):
    a, b = Value(0.5, "a"), Value(2.0, "b")
    root = total([dot([a], [b], a * b), a - b, -a, a / b, a ** 2, b.exp(), a + b])
    shown = {text for node in read(draw(root)).nodes.values() for text in node.texts}
    assert {"×", "+", "−", "/", "x²", "exp", "Σ", "w·x + b"} <= shown


@given(programs(longest=9))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edges_tell_what_the_backward_pass_does(a_dot, program):
    root = run(program.steps, [Value(x, f"x{i}") for i, x in enumerate(program.leaves)], VALUES)
    root.backward()
    names, edges = names_of(root), read(draw(root)).edges
    steps = sorted((names[step.result.args[step.which]], names[step.result], step.local, step.upstream,
                    step.contribution) for step in flow(root))
    told = sorted((e.tail, e.head, local, upstream, adds) for e in edges for upstream, local, adds in [e.numbers()])
    assert [edge[:2] for edge in told] == [step[:2] for step in steps]
    assert [edge[2:] for edge in told] == [rounded(step[2:]) for step in steps]
    for value, name in names.items():
        parts = [adds for tail, *_, adds in told if tail == name] + [1.0] * (value is root)
        assert sum(parts) == rounded(value.grad, abs=6e-4 * sum(map(abs, parts)))
    assert [edge.colour for edge in edges] == [sign_hue(edge.numbers()[2]) for edge in edges]
    assert_stronger_is_wider([(edge.numbers()[2], edge.width) for edge in edges])


def test_width_grows_with_the_contribution_and_the_legend_gives_the_scale(a_dot):
    a, b, c, d = Value(1.0, "a"), Value(1.0, "b"), Value(1.0, "c"), Value(1.0, "d")
    root = dot([a, b, c, d], [0.1, 1.0, -4.0, 0.0], 0.0)
    root.backward()
    drawn = read(draw(root))
    looks = {edge.tail: (edge.colour, edge.width) for edge in drawn.edges}
    assert [looks[f"n{i}"][0] for i in range(4)] == ["blue", "blue", "orange", "grey"]
    assert looks["n3"][1] < looks["n0"][1] < looks["n1"][1] < looks["n2"][1]
    assert any(text.endswith("the widest adds 4, one of half the width a quarter of that") for text in drawn.texts)
    assert {"+0.1", "+1", "-4"} <= {text.replace("−", "-") for text in drawn.texts}


def test_half_as_wide_is_a_quarter_as_the_legend_says(a_dot):
    strong, quarter, weak = Value(1.0, "strong"), Value(1.0, "quarter"), Value(1.0, "weak")
    root = dot([strong, quarter, weak], [8.0, 2.0, 0.08], 0.0)
    root.backward()
    widths = {edge.tail: edge.width for edge in read(draw(root)).edges}
    assert (widths["n0"] - 0.5) == rounded(2 * (widths["n1"] - 0.5), abs=0.02)
    assert (widths["n2"] - 0.5) == rounded(0.1 * (widths["n0"] - 0.5), abs=0.02)


@pytest.mark.parametrize("what", [neuron, lambda: draw(network(), X, Y)])
def test_the_legend_explains_the_colours(a_dot, what):
    picture = what() if isinstance(what(), Picture) else draw(what())
    legend = {text.text.strip("━ \xa0"): text for text in ET.fromstring(picture.svg()).iter(f"{SVG}text")}
    raises, lowers = (next(t for told, t in legend.items() if word in told) for word in ("raises", "lowers"))
    assert (hue(raises.get("fill")), hue(lowers.get("fill"))) == ("blue", "orange")


def test_a_tooltip_names_the_gradient_that_it_adds_to(a_dot):
    root = neuron()
    labels = {name: value.label for value, name in names_of(root).items()}
    for edge in read(draw(root)).edges:
        assert edge.product()["of"] == "o"     # the derivative of the result, not of the next node
        assert edge.product()["by"] == labels[edge.tail] or not labels[edge.tail]


def test_before_backward_there_is_no_gradient_yet(a_dot):
    a, b = Value(2.0, "a"), Value(3.0, "b")
    drawn = read(draw(a * b + a))
    assert "no gradient yet: call backward() on this one" in drawn.texts
    assert {edge.colour for edge in drawn.edges} == {"grey"}
    assert not any(GRADIENT.search(text) for text in drawn.texts + drawn.tooltips)


def test_gradients_left_by_another_result_are_not_this_ones(a_dot):
    w = Value(2.0, "w")
    (w * 3.0).backward()
    drawn = read(draw(w * 5.0))
    assert "no gradient yet: call backward() on this one" in drawn.texts
    assert not any(GRADIENT.search(text) for text in drawn.texts)


@pytest.mark.parametrize("weird", [float("nan"), float("inf"), 5e-324, 1e308])
def test_numbers_at_the_edge_can_be_drawn(a_dot, weird):
    a = Value(weird, "a")
    root = a * a + a
    root.backward()
    assert len(read(draw(root)).edges) == 4


def record(root: Value) -> list[tuple]:
    return [(v.data, v.grad, v.op, v.args, v.local_grads, v.label, v.born) for v in topological_order(root)]


def test_drawing_an_expression_changes_nothing(a_dot):
    root, fresh = neuron(), Value(2.0) * Value(3.0)
    before = record(root), record(fresh)
    draw(root).svg()
    draw(fresh).svg()
    assert (record(root), record(fresh)) == before


# Large expressions

def count(source: str, pattern: str) -> int:
    return len(re.findall(pattern, source, re.M))


def random_expression(size: int) -> Value:
    """So many operations on ten leaves, each used by later ones."""
    values = [Value(0.1 * i, f"x{i}") for i in range(10)]
    for i in range(size):
        values.append((values[i * 7 % len(values)] + values[-1] * 0.5).tanh())
    return values[-1]


LARGE = {
    "chain": lambda: chain(5000),
    "scalars": lambda: random_expression(1700),
    "sum": lambda: total([Value(0.001 * i) for i in range(2000)]),
    "digit": digit_cost,
    "batch": lambda: total(squared_error(MLP(4, [16, 1], seed=0)([i, 1.0, 2.0, 3.0]), 1.0) for i in range(70)),
    "one network on a batch": lambda: (lambda net: total(squared_error(net([i, 1.0, 2.0, 3.0]), 1.0)
                                                         for i in range(70)))(MLP(4, [16, 1], seed=0)),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_expression_is_summarised_before_dot_is_called(name, known):
    root = LARGE[name]()
    root.label = "the result"
    if known:
        root.backward()
    source = draw(root).source
    size = len(topological_order(root))
    assert size > 1000
    assert 0 < count(source, r"^\t+n\d+ \[") <= pictures.MOST_NODES
    assert count(source, r"^\t+n\w+ -> ") < 4 * pictures.MOST_NODES
    assert "the result" in source
    left_out = re.search(r"the (\d+) values nearest the result; ([\d,]+) more are not drawn", source)
    if left_out:
        assert int(left_out[1]) + int(left_out[2].replace(",", "")) == size
    else:
        assert f"{size:,} values, too many to draw one by one" in source


@pytest.mark.parametrize("size, drawn", [(300, 300), (301, 60)])
def test_only_what_is_too_large_is_summarised(size, drawn):
    assert (pictures.MOST_NODES, pictures.NEAREST) == (300, 60)
    source = draw(chain(size)).source
    assert count(source, r"^\t+n\d+ \[") == drawn
    assert ("more are not drawn" in source) == (drawn < size)


def test_a_summary_of_a_digit_has_a_box_for_every_layer_and_its_bundles_add_up(a_dot):
    root = digit_cost()
    root.backward()
    drawn = read(draw(root))
    boxes = {node.texts[0]: name for name, node in drawn.nodes.items()}
    assert {"784 values", "layers[0]", "layers[1]", "layers[2]"} <= set(boxes)
    assert {"16 neurons", "10 neurons", "12,560 weights and biases"} <= set(drawn.texts)
    inputs = {x for z in topological_order(root) if z.op is DOT and len(z.args) > 700 for x in z.args[784:-1]}
    assert len(inputs) == 784
    outputs = [a for a in topological_order(root) if a.op is SIGMOID][-10:]
    for box, values, most in (("784 values", inputs, 2), ("layers[2]", outputs, 10)):
        told = [number(re.search(r"([+-]\S+) in all", edge.tooltips[0])[1]) for edge in drawn.edges
                if edge.tail == boxes[box]]
        assert len(told) <= most
        assert sum(told) == rounded(sum(x.grad for x in values), abs=1e-3 * sum(map(abs, told)))


def test_of_many_edges_into_a_box_the_strongest_are_drawn_and_the_rest_counted(a_dot):
    net = MLP(4, [16, 1], activation="tanh", seed=0)
    costs = [squared_error(net([i / 20, 1.0, 2.0, 3.0]), 1.0) for i in range(20)]
    root = dot([0.1 * i for i in range(20)], costs, 0.0)
    root.backward()
    drawn = read(draw(root))
    assert {"layers[0].neurons[15]", "80 values"} <= set(drawn.texts)
    assert [text for text in drawn.texts if re.fullmatch(r"\+\d+ weaker", text)]
    last = max((name for name in drawn.nodes if name[1:].isdigit()), key=lambda name: int(name[1:]))
    into = [edge for edge in drawn.edges if edge.head == last]
    assert len(into) == 12 + 1     # and the one of the rest
    factors = [edge.numbers()[1] for edge in into if edge.product()]
    assert len(factors) > 8 and min(factors) > 0.6     # of 0, 0.1 … 1.9


# What the options show

def test_depth_goes_only_so_far_back(a_dot):
    root = neuron()
    assert len(read(draw(root, depth=0)).nodes) == 2     # the result, and "+1 more"
    drawn = read(draw(root, depth=1))
    assert {text for node in drawn.nodes.values() for text in node.texts} >= {"o", "z", "tanh"}
    assert "+2 more" in drawn.texts and "the 2 values nearest the result; 8 more are not drawn" in drawn.texts
    assert draw(root, depth=99).source == draw(root).source


@pytest.mark.parametrize("depth", [-1, 1.5, "2"])
def test_a_depth_must_be_a_whole_number(depth):
    with pytest.raises(ValueError, match="depth"):
        draw(neuron(), depth=depth)


def test_expand_shows_the_products_of_a_weighted_sum(a_dot):
    w, x, b = [Value(2.0, "w0"), Value(-3.0, "w1")], [Value(0.5, "x0"), Value(4.0, "x1")], Value(1.0, "b")
    z = dot(w, x, b)
    (z * 2).backward()
    root = z.tanh()
    root.backward()
    drawn = read(draw(root, expand=True))
    name = names_of(root)[z]
    assert drawn.nodes[f"{name}p0"].texts == ["×", "1"] and drawn.nodes[f"{name}p1"].texts == ["×", "-12"]
    for i in range(2):
        factors = {names_of(root)[value] for value in (w[i], x[i])}
        assert {edge.tail for edge in drawn.edges if edge.head == f"{name}p{i}"} == factors
        assert [edge.head for edge in drawn.edges if edge.tail == f"{name}p{i}"] == [name]
    told = {edge.product()["by"]: edge.numbers()[2] for edge in drawn.edges if edge.tooltips and edge.product()}
    assert told == {v.label or "a": rounded(z.grad * local) for v, local in zip((*w, *x, b), z.local_grads)} | {
        "a": rounded(z.grad)}
    assert "×" not in read(draw(root)).texts


def test_the_values_of_a_neuron_stand_in_a_labelled_frame(a_dot):
    net = MLP(2, [3, 1], activation="tanh", seed=1)
    cost = squared_error(net([0.5, -1.0]), 1.0)
    root = ET.fromstring(draw(cost).svg())
    frames = [texts_of(group) for group in root.iter(f"{SVG}g") if group.get("class") == "cluster"]
    assert sorted(text for frame in frames for text in frame) == [
        "layers[0]", "layers[1].neurons[0]", "neurons[0]", "neurons[1]", "neurons[2]"]
    texts = read(draw(cost)).texts
    assert texts.count("w[0]") == 4 and texts.count("w[2]") == 1 and texts.count("b") == 4


def test_earlier_gradients_are_told_apart(a_dot):
    a, b = Value(2.0, "a"), Value(3.0, "b")
    first, second = a * b, a * a + b
    first.backward()
    second.backward()
    assert {"earlier: 3", "earlier: 2"} <= set(read(draw(second)).texts)
    drawn = read(draw(first))
    assert {"earlier: 4", "earlier: 1"} <= set(drawn.texts)
    a.grad = 0.0
    assert "cleared since" in read(draw(second)).texts
    fresh = a * b
    assert not [text for text in read(draw(fresh)).texts if "earlier" in text]


def test_within_another_result_the_gradients_are_that_ones(a_dot):
    a = Value(2.0, "a")
    b = a * 3.0
    b.label = "b"
    cost = b * a
    cost.backward()
    drawn = read(draw(b))
    assert "elsewhere: 6" in drawn.texts     # the other path from a to the cost
    assert {edge.product()["of"] for edge in drawn.edges} == {"(another result)"}
    assert {edge.colour for edge in drawn.edges} == {"grey"}
    assert "these gradients are of another result: call b.backward()" in drawn.texts


@given(programs(longest=9))
@settings(deadline=None, max_examples=30)
def test_what_the_picture_says_adds_up_to_every_gradient(program):
    """Read from the text: the edges that leave a Value, and the rest that its card tells, are its gradient."""
    leaves = [Value(x, f"x{i}") for i, x in enumerate(program.leaves)]
    root = run(program.steps, leaves, VALUES)
    for leaf in leaves[::2]:
        (leaf * 3.0).backward()
    root.backward()
    for expand in (False, True):
        source = draw(root, expand=expand).source
        for value, name in names_of(root).items():
            edges = re.findall(rf'^\t+{name} -> n\d+(?:p\d+)? \[.*? tooltip="[^"]*= (\S+)"', source, re.M)
            card = re.search(rf"^\t+{name} \[label=<(.*)> tooltip", source, re.M)[1]
            rest = re.search(r"earlier: ([^<]+)<", card)
            parts = [number(adds) for adds in [*edges, *([rest[1]] if rest else [])]] + [1.0] * (value is root)
            assert sum(parts) == rounded(value.grad, abs=1e-3 * sum(map(abs, parts)))


@pytest.mark.parametrize("what", [neuron, network])
def test_dark_changes_colours_and_nothing_else(what):
    def plain(source: str) -> str:
        return re.sub(r"#[0-9a-f]{6}", "#", source)

    light, dark = draw(what()).source, draw(what(), dark=True).source
    assert light != dark and plain(light) == plain(dark)
    assert pictures.DARK.paper in dark and pictures.LIGHT.paper not in dark


# Hostile labels

HOSTILE = ["<script>alert(1)</script>", "<b>", '"', "'", "</svg>", "]]>", "<!--", "a|b", r"\N", r"\G", r"\L", r"\E",
           r"\n", "\\", r"a\\b", "{x}", "&lt;", "&", "&#38;", "&bogus;", "%s", "😀", "e\u0301", "שלום", "مرحبا", "日本",
           "n0:port", "n0", " ", "\x00\x01\x1b", "a\nb", "a\r\tb", "\u202eabc", "\ud800", "\ufffe", "x" * 10_000]
each_hostile_label = pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label)[1:20])


def tells(text: str, label: str) -> bool:
    """Whether a text holds a label, but for characters that cannot be printed."""
    printable = "".join(c if c.isprintable() else "\n" for c in label).split("\n")
    return all(part in text for part in printable)


@cache
def harmless(a_dot: str) -> tuple[list, list]:
    """What this `dot` makes of both pictures below when all labels are harmless."""
    return read(draw(labelled("harmless"))).anatomy, read(draw(network(), X, Y)).anatomy


@each_hostile_label
def test_a_label_on_a_value_is_text_whatever_it_says(a_dot, label):
    drawn = read(draw(labelled(label)))
    assert drawn.anatomy == harmless(a_dot)[0]
    assert max(map(len, drawn.texts + drawn.tooltips)) < 300
    if len(label) <= 40:
        assert tells(drawn.edges[0].tooltips[0], label)
        assert all(tells(drawn.nodes[name].tooltip, label) for name in ("n0", "n2"))
    if len(label) <= 24:
        assert all(any(tells(text, label.strip()) for text in drawn.nodes[name].texts) for name in ("n0", "n2"))


def framed(label: str) -> Value:
    """A neuron whose parameters, sum and frame bear this label."""
    z = dot([Value(2.0, f"{label}.w[0]")], [Value(3.0, label)], Value(1.0, label))
    z.label = label
    z.backward()
    return z


@each_hostile_label
def test_a_label_on_a_frame_is_text_whatever_it_says(a_dot, label):
    assert read(draw(framed(label), expand=True)).anatomy == read(draw(framed("safe"), expand=True)).anatomy


@each_hostile_label
def test_a_label_in_a_network_is_text_whatever_it_says(a_dot, label):
    net = network()
    net.layers[0].neurons[0].w[0].label = net.layers[1].neurons[1].w[3].label = label
    drawn = read(draw(net, [Value(0.5, label), -1.0, 2.0], Y))
    assert drawn.anatomy == harmless(a_dot)[1]
    assert max(map(len, drawn.texts + drawn.tooltips)) < 300
    if len(label) <= 40:
        assert sum(tells(tooltip, label) for tooltip in drawn.tooltips) >= 2


def test_the_names_of_weights_are_not_cut_short(a_dot):
    a, b = (Value(1.0, f"layers[2].neurons[15].w[{i}]") for i in (782, 783))
    assert {a.label, b.label} <= set(read(draw(a * b)).texts)


# A network

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


# Wrong calls

@pytest.mark.parametrize("error, call", [
    (ValueError, lambda: draw(network(), [1.0])),
    (ValueError, lambda: draw(network(), [1.0] * 4, Y)),
    (ValueError, lambda: draw(network(), X, [1.0])),
    (ValueError, lambda: draw(network(), 3.0)),
    (TypeError, lambda: draw(network(), "abc")),
    (ValueError, lambda: draw(network(), [[1.0], [2.0], [3.0]])),
    (ValueError, lambda: draw(network(), [X, X, X], [Y, Y])),
    (TypeError, lambda: draw(network(), X, Y, expand=True)),
    (TypeError, lambda: draw(network(), X, Y, depth=1)),
    ((TypeError, ValueError), lambda: draw(network(), y=Y)),
    (TypeError, lambda: draw(Value(1.0), X)),
    (TypeError, lambda: draw(Value(1.0), y=Y)),
    (TypeError, lambda: draw(3.0)),
    (TypeError, lambda: draw([Value(1.0)])),
    (TypeError, lambda: draw_dot("c")),
    (TypeError, lambda: draw(network().layers[0]))])
def test_a_wrong_call_is_refused(error, call):
    with pytest.raises(error, match=r"\w{4}"):
        call()


# Saving and showing

def test_save_svg_writes_the_whole_picture_and_nothing_else(a_dot, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "neuron.svg"
    path.write_text("what was here before")
    picture = draw(neuron())
    assert picture.save_svg(str(path)) == path
    assert path.read_text(encoding="utf-8") == picture.svg()
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "what was here before"])
def test_save_svg_writes_nothing_when_dot_fails(nowhere, tmp_path, monkeypatch, before):
    executable(tmp_path / "bin" / "dot", "echo '<svg>'; echo no >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = nowhere / "neuron.svg"
    if before:
        path.write_text(before)
    with pytest.raises(subprocess.CalledProcessError, match="no"):
        draw(neuron()).save_svg(path)
    assert [file.read_text() for file in nowhere.iterdir()] == [before] * bool(before)


def test_render_finds_a_dot_as_well(a_dot, tmp_path):
    path = draw(neuron()).render(tmp_path / "neuron", format="svg")
    assert ET.parse(path).getroot().tag == f"{SVG}svg"


def test_a_notebook_gets_svg_and_text(a_dot):
    picture = draw(neuron())
    assert picture._repr_mimebundle_() == {"image/svg+xml": picture.svg(), "text/plain": picture.source}
    assert picture._repr_mimebundle_(include=["image/svg+xml"], exclude=[])["image/svg+xml"] == picture.svg()


def test_a_notebook_gets_the_text_where_there_is_no_dot(nowhere):
    picture = draw(neuron())
    assert picture._repr_mimebundle_() == {"text/plain": picture.source}


@pytest.mark.parametrize("what", [neuron, network, lambda: MLP(784, [16, 16, 10], seed=0), lambda: chain(2000)])
def test_a_value_and_a_network_show_themselves_in_a_notebook(a_dot, what):
    what = what()
    bundle = what._repr_mimebundle_()
    assert bundle == {"text/plain": repr(what), "image/svg+xml": draw(what).svg()}
    assert what._repr_mimebundle_(include=None, exclude=None) == bundle


def test_without_a_dot_a_notebook_shows_the_text_of_the_picture(nowhere):
    value = labelled("<script>")
    bundle = value._repr_mimebundle_()
    assert bundle["text/plain"] == repr(value) and "image/svg+xml" not in bundle
    text = bundle["text/html"].removeprefix("<pre>").removesuffix("</pre>")
    assert "<" not in text and html.unescape(text) == draw(value).source


# A picture that moves

def frames(svg: str) -> dict[str, list[tuple[float, float]]]:
    """For every class of the style sheet, its key frames: (percent, opacity)."""
    found = {}
    for name, body in re.findall(r"@keyframes (m\d+)\{((?:[^{}]*\{[^{}]*\})*)\}", svg):
        keys = re.findall(r"([\d.%,]+)\{[^{}]*opacity:(\d)\}", body)
        found[name] = [(float(at.rstrip("%")), float(opacity)) for ats, opacity in keys for at in ats.split(",")]
    return found


def twice() -> Value:
    a, b = Value(2.0, "a"), Value(-1.5, "b")
    c = a * b
    d = c + a
    c.label, d.label = "c", "d"
    root = d * c
    root.label = "C"
    root.backward()
    return root


@pytest.mark.parametrize("dark", [False, True])
def test_a_moving_picture_lights_the_edges_in_the_order_of_flow(a_dot, dark):
    root = twice()
    svg = animate(root, dark=dark)
    names, keys = names_of(root), frames(svg)
    order = []
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") == "edge":
            path = next(path for path in group.iter(f"{SVG}path") if path.get("class"))
            tooltip = "".join(tooltips_of(group)[:1])
            begin = min(at for at, opacity in keys[path.get("class")] if opacity)
            order.append((begin, group.find(f"{SVG}title").text, number(PRODUCT.search(tooltip)["adds"])))
    assert [step[1:] for step in sorted(order)] == [
        (f"{names[step.result.args[step.which]]}->{names[step.result]}", step.contribution) for step in flow(root)]


def test_a_moving_picture_shows_every_total_on_the_way_and_the_gradient_at_the_end(a_dot):
    root = twice()
    svg = animate(root)
    keys, totals = frames(svg), {root: [1.0]}
    for step in flow(root):
        totals.setdefault(step.result.args[step.which], []).append(step.total)
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") == "node":
            value = next(v for v, name in names_of(root).items() if name == group.find(f"{SVG}title").text)
            grads = [text for text in group.iter(f"{SVG}text") if (text.text or "").startswith("grad")]
            assert [number(text.text[5:]) for text in grads] == totals[value]
            seen = [keys[text.get("class")] for text in grads]
            assert [dict(one)[100.0] for one in seen] == [0.0] * (len(seen) - 1) + [1.0]
            for at in range(0, 101):     # never two of them at once
                assert sum(opacity_at(one, at) > 0.5 for one in seen) <= 1


def opacity_at(keys: list[tuple[float, float]], at: float) -> float:
    return next((opacity for start, opacity in reversed(keys) if start <= at), keys[0][1])


def test_a_moving_picture_has_no_script_and_can_stand_still(a_dot):
    svg = animate(labelled("</style><script>alert(1)</script>"))
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert "script" not in tags and "animate" not in tags and "style" in tags
    assert "prefers-reduced-motion:reduce" in svg and "infinite" in svg


def test_a_moving_picture_changes_nothing_and_is_the_same_for_the_same_graph(a_dot):
    root = twice()
    before = record(root)
    assert animate(root) == animate(root) == animate(twice())
    assert record(root) == before


@pytest.mark.parametrize("make", [lambda: Value(2.0) * 3.0, lambda: Value(1.0), lambda: chain(301)])
def test_what_cannot_be_played_is_refused(make):
    root = make()
    if root.op.symbol == "sin":
        root.backward()
    with pytest.raises(ValueError, match="backward|too large"):
        animate(root)


# Finding a dot

def test_dot_on_the_path_comes_first(nowhere, tmp_path, monkeypatch):
    expected = executable(tmp_path / "bin" / "dot")
    executable(tmp_path / "bin" / "graphviz-pure")
    executable(nowhere / "graphviz-pure")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_dot() == expected


@pytest.mark.parametrize("place", ["executable", "scripts", "path"])
@pytest.mark.parametrize("path", ["", "nowhere"])
def test_graphviz_pure_comes_next_even_if_its_environment_is_not_activated(nowhere, tmp_path, monkeypatch, place, path):
    expected = executable(tmp_path / "bin" / "graphviz-pure")
    monkeypatch.setenv("PATH", str(nowhere) if path else "")
    if place == "executable":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    elif place == "scripts":
        monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "bin"))
    else:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_dot() == expected


@pytest.mark.skipif("graphviz-pure" not in DOTS, reason="pip install graphviz-pure")
def test_this_environment_draws_with_nothing_on_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert len(read(draw(neuron())).edges) == 9


@pytest.mark.parametrize("path", ["", "nowhere"])
def test_without_a_dot_the_error_says_what_to_install_and_the_text_is_there(nowhere, monkeypatch, path):
    monkeypatch.setenv("PATH", str(nowhere) if path else "")
    picture = draw(neuron())
    for call in (find_dot, picture.svg, picture.pipe, lambda: picture.save_svg(nowhere / "neuron.svg")):
        with pytest.raises(RuntimeError, match=r"pip install 'micrograd2\[dot\]'.*Graphviz.*PATH.*\.source"):
            call()
    assert picture.source.startswith("digraph {") and "tanh" in picture.source
    assert not list(nowhere.iterdir())


def test_nothing_is_run_from_the_current_folder(nowhere, tmp_path, monkeypatch):
    executable(tmp_path / "here" / "graphviz-pure")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError):
        find_dot()


@pytest.mark.parametrize("script, error", [("exit 1", subprocess.CalledProcessError), (None, RuntimeError)])
def test_the_setting_of_graphviz_is_restored_after_an_error(nowhere, monkeypatch, script, error):
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("theirs"))
    if script:
        executable(nowhere / "dot", script)
    with pytest.raises(error):
        draw(neuron()).svg()
    assert dot_command.DOT_BINARY == Path("theirs")


def test_the_setting_of_graphviz_is_restored(a_dot, monkeypatch):
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("theirs"))
    draw(neuron()).svg()
    draw(network()).pipe(format="svg")
    assert dot_command.DOT_BINARY == Path("theirs")
