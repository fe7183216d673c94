"""What a picture says in few words of many numbers: it is what the numbers are."""

from __future__ import annotations

import html
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, maximum, total
from micrograd2.explain.table import Table
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.pictures import animate, draw
from tests.pictures.read_back import SVG, assert_stronger_is_wider, number, read, rounded
from tests.programs import VALUES, programs, run

FUNCTIONS = [*ACTIVATIONS, lambda z: 1.7 * z.tanh(), lambda z: (2 * z).tanh(), lambda z: z * z.sigmoid(),
             lambda z: maximum(z, 0.1 * z) + 1.0, lambda z: z ** 2]


def tooltips(source: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r' tooltip="(.*?[^\\])"', source)]


def told(source: str) -> dict[str, str]:
    """Of every neuron in a box of its own, what the box says of its number: name → "tanh(z) = 0.5"."""
    boxes = re.findall(r'tooltip="(layers\[\d+\]\.neurons\[\d+\]): ([^"]*?), [\d,]+ weights and biases', source)
    return {name: html.unescape(row) for name, row in boxes}


def assert_true_of(row: str, pairs: list[tuple[Value, Value]]) -> None:
    """The words are true of the pairs (z, a) of one neuron, of as many examples."""
    times, word, numbers = re.fullmatch(r"(?:([\d,]+) weighted sums, )?(\S+) (?:= |from )(.+)", row).groups()
    of = {"z": lambda z, a: z, "a": lambda z, a: a}
    of |= {f"{name}(z)": lambda z, a, f=f: f(z) for name, f in ACTIVATIONS.items()}
    right = [of[word](z, a).data for z, a in pairs]
    assert int(times or 1) == len(pairs)
    shown = [number(text) for text in numbers.split(" to ")]
    assert shown == [rounded(x) for x in ([min(right), max(right)] if times else right)], row


@pytest.mark.parametrize("output", [*FUNCTIONS, "linear"])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_box_of_a_neuron_shows_its_own_number(f, output):
    net = MLP(20, [12, 2], activation=f, output=output, seed=1)
    traced = net.trace([0.1 * i - 1 for i in range(20)])
    cost = squared_error([a for _, a in traced[-1]], [0.5, 1.0])
    cost.backward()
    boxes = told(draw(cost).source)
    assert len(boxes) == 14
    for name, row in boxes.items():
        i, j = map(int, re.findall(r"\d+", name))
        assert_true_of(row, [traced[i][j]])
        if i == 0 and f in ACTIVATIONS:
            assert row.startswith("z") == (f == "linear")     # an activation that is known is shown


@given(st.sampled_from(FUNCTIONS), st.lists(st.floats(-2, 2), min_size=16, max_size=40), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_the_box_of_a_neuron_that_ran_for_a_batch_shows_where_its_numbers_lie(f, xs, seed):
    net = MLP(3, [4, 1], activation=f, seed=seed)
    traced = [net.trace([x, x * x, 1.0]) for x in xs]
    loss = total(squared_error(of[-1][0][1], 1.0) for of in traced)
    loss.backward()
    for name, row in told(draw(loss).source).items():
        i, j = map(int, re.findall(r"\d+", name))
        assert_true_of(row, [of[i][j] for of in traced])


# NaN

def with_gradients(grads: list[float]) -> Value:
    """A neuron with so many weights, and more beside it than can be read, whose gradients are what is given."""
    net = MLP(len(grads), [16, 1], activation="tanh", seed=1)
    root = net([0.1] * len(grads)) * 1.0
    root.backward()
    for w, grad in zip(net.layers[0].neurons[0].w, grads):
        w.grad = grad
    return root


@pytest.mark.parametrize("weird", [lambda o: o * math.inf * 0.0, lambda o: o * math.nan, lambda o: o + math.nan * o])
def test_a_nan_is_not_hidden_in_a_summary(weird):
    net = MLP(20, [16, 1], activation="tanh", seed=1)
    root = weird(net([0.1] * 20))
    root.backward()
    source = draw(root).source
    assert "too many to draw one by one" in source
    assert not [text for text in tooltips(source) if "adding 0" in text]
    boxes = [text for text in tooltips(source) if "weights and biases" in text]
    assert len(boxes) == 17 and all(text.endswith("|grad| up to nan") for text in boxes)
    bundles = [text for text in tooltips(source) if text.endswith("20 of 20 edges, adding nan")]
    assert len(bundles) == 16     # from the inputs to every neuron of the first layer


@given(st.lists(st.sampled_from([0.0, 1.0, -2.0, math.inf, math.nan]), min_size=20, max_size=20))
@settings(deadline=None, max_examples=30)
def test_what_a_box_says_of_gradients_is_nan_if_one_is(grads):
    source = draw(with_gradients(grads)).source
    said = re.search(r'tooltip="layers\[0\]\.neurons\[0\]: [^"]*\|grad\| up to (\S+)"', source)[1]
    if any(map(math.isnan, grads)):
        assert said == "nan"
    elif max(map(abs, grads)) >= 1:
        assert float(said) == max(map(abs, grads))


@given(st.lists(st.sampled_from([0.0, 1.0, -2.0, math.inf, -math.inf, math.nan]), max_size=40))
@settings(deadline=None)
def test_what_many_edges_in_one_say_is_all_that_they_add(slopes):
    root = dot([Value(0.0)] * 300 + [Value(0.0) for _ in slopes], [*[0.0] * 300, *slopes])
    root.backward()
    many, said = f"{len(root.args):,} edges", {}
    for text in tooltips(draw(root).source):
        if found := re.match(rf"(\d+) of {many}, where raising it (raises|lowers) the result: (\S+) in all", text):
            said[found[2]] = int(found[1]), float(found[3])
        elif found := re.match(rf"(\d+) of {many}, adding nan", text):
            said["nan"] = int(found[1]), 0.0
        elif text == f"{many}, adding 0":
            said["0"] = 0, 0.0
    up, down = [x for x in slopes if x > 0], [x for x in slopes if x < 0]
    right = {"raises": (len(up), sum(up)), "lowers": (len(down), sum(down)),
             "nan": (sum(map(math.isnan, slopes)), 0.0)}
    assert said == ({name: part for name, part in right.items() if part[0]} or {"0": (0, 0.0)})


def test_a_nan_leaves_the_other_edges_their_widths(a_dot):
    leaves = [Value(0.0, f"x{i}") for i in range(6)]
    for slopes in ([math.nan, 4.0, 1.0, 0.25, 0.0, -1.0], [4.0, 1.0, 0.25, 0.0, -1.0, math.nan]):
        root = dot(leaves, slopes, 0.0)
        root.backward()
        drawn = read(draw(root))
        assert any("the widest adds 4," in text for text in drawn.texts)
        widths = {slope: edge.width for slope, edge in zip(slopes, sorted(drawn.edges, key=lambda e: int(e.tail[1:])))}
        assert widths[4.0] > widths[1.0] == widths[-1.0] > widths[0.25] > widths[0.0]


@given(st.permutations([math.nan, math.nan, *[2.0 ** -i for i in range(20)]]))
@settings(deadline=None, max_examples=20)
def test_of_many_edges_a_nan_is_among_the_strongest(slopes):
    """The twelve strongest are drawn."""
    root = dot([*(Value(0.0).sin() for _ in slopes), *[Value(0.0) for _ in range(300)]], [*slopes, *[0.0] * 300])
    root.backward()
    adds = [re.search(r" = (\S+)$", text)[1] for text in tooltips(draw(root).source) if "upstream 1 × local" in text]
    drawn = [slope for slope in slopes if f"{slope:.4g}" in adds]
    assert sorted(drawn, key=str) == sorted([math.nan, math.nan, *[2.0 ** -i for i in range(10)]], key=str)


# The products of a weighted sum

@pytest.mark.parametrize("then", [lambda z: z, lambda z: z * 3.0, lambda z: z * 0.1 + z * 0.2])
@given(numbers=st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=2, max_size=8))
@settings(deadline=None, max_examples=40)
def test_with_and_without_products_a_stronger_edge_is_wider(then, numbers):
    half = len(numbers) // 2
    leaves = [Value(x, f"x{i}") for i, x in enumerate(numbers)]
    root = then(dot(leaves[:half], leaves[half:2 * half]))
    root.backward()
    for expand in (False, True):
        source = draw(root, expand=expand).source
        edges = re.findall(r'-> .*? penwidth=([\d.]+) tooltip="([^"]+)"', source)
        pairs = [(number(re.search(r"(?:= |upstream )(\S+)(?: × local 1)?$", text)[1]), float(width))
                 for width, text in edges]
        assert len(pairs) >= 2 * half + half * expand
        assert_stronger_is_wider(pairs)
        assert f"the widest adds {max(abs(adds) for adds, _ in pairs):.4g}" in source


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_products_lead_to_their_sum_where_the_factors_are_not_drawn(depth):
    root = dot([Value(2.0, "w"), Value(3.0, "v")], [Value(0.5).sin(), Value(-0.5).sin()])
    root.backward()
    source = draw(root, expand=True, depth=depth).source
    assert [len(re.findall(rf"^\t+n\d+p{i} -> ", source, re.M)) for i in (0, 1)] == [1, 1]


# A moving picture

def cards(svg: str) -> dict[str, list[str]]:
    """Of every node its texts, as they stand where nothing moves: of a gradient that grows, the last."""
    hidden = set(re.findall(r"\.(m\d+)\{opacity:0;", svg))
    groups = [group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("class") == "node"]
    return {group.find(f"{SVG}title").text: [text.text for text in group.iter(f"{SVG}text")
                                             if text.get("class") not in hidden] for group in groups}


LABELS = ["grad", "grad 1", "grad scale", "grad -0.5", "earlier: 2", "cleared since", "", " ", "\xa0", "a\nb", "×"]


@given(programs(longest=6), st.lists(st.sampled_from(LABELS), min_size=4, max_size=4), st.integers(0, 2))
@settings(deadline=None, max_examples=15)
def test_a_moving_picture_ends_as_the_drawing_is(program, labels, before):
    leaves = [Value(x, labels[i % 4]) for i, x in enumerate(program.leaves)]
    root = run(program.steps, leaves, VALUES)
    root.label = labels[-1]
    for leaf in leaves[::2]:
        (leaf * 1234.5).backward()     # for another result
    for _ in range(before + 1):
        root.backward()
    assert cards(animate(root)) == cards(draw(root).svg())


def grown(root: Value) -> list[list[str]]:
    """The texts of every gradient that moves, in the order of the picture's nodes."""
    groups = [group for group in ET.fromstring(animate(root)).iter(f"{SVG}g") if group.get("class") == "node"]
    return [[text.text for text in group.iter(f"{SVG}text") if text.get("class")] for group in groups]


def test_a_gradient_that_an_earlier_pass_left_grows_from_there():
    a = Value(3.0)
    b = a * 2 + a
    b.backward()
    b.backward()
    assert grown(b)[0] == ["grad 3", "grad 4", "grad 6"]


def test_what_was_cleared_since_is_not_played():
    a = Value(3.0, "a")
    b = a * 2
    b.backward()
    a.grad = 0.0
    with pytest.raises(ValueError, match="gradient of a is 0"):
        animate(b)


# Numbers in few letters

EDGES = [0.0, -0.0, -0.001, -0.004999, -0.005, 0.995, 99.995, -999.994, -999.996, 1e3, -12345.0, 1e300, -1e-300]
EXTREME = st.sampled_from(EDGES) | st.floats(-1e308, 1e308)


@given(st.lists(EXTREME, min_size=2, max_size=2))
@settings(deadline=None)
def test_the_number_in_a_neuron_is_short_and_nearly_what_it_is(x):
    source = draw(MLP(2, [1], seed=1), x).source
    for i, right in enumerate(x):
        shown = re.search(rf'^\t+c0n{i} \[label="?([^" ]+)"? ', source, re.M)[1]
        assert len(shown) <= 9 and not re.fullmatch(r"-0\.0*", shown)
        assert float(shown) == pytest.approx(right, abs=0.00501, rel=0.051)


@given(st.lists(EXTREME | st.floats(-1, 1), min_size=1, max_size=6), st.sampled_from(["~", "+~", ".2f", ".3g", "+.3g"]))
def test_no_column_of_a_table_has_a_zero_below_zero(numbers, spec):
    cells = [cell for cell, in Table("t", {"n": spec}, [(x,) for x in numbers]).cells()]
    for cell in cells:
        assert not cell.startswith("-") or float(cell) < 0
        assert cell.startswith("+") == (spec[0] == "+" and float(cell) >= 0)


# NaN in a network

@pytest.mark.parametrize("nin, nout", [(2, 3), (30, 20)])
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_the_picture_of_a_network_shows_a_nan_wherever_it_is(nin, nout, data):
    net = MLP(nin, [nout, 1], seed=1)
    for i, p in enumerate(net.parameters()):
        p.grad = 1.0 + i
    neuron = data.draw(st.sampled_from(net.layers[0].neurons))
    w = data.draw(st.sampled_from(neuron.w))
    w.grad = math.nan
    source = draw(net).source
    assert source.count("∂C/∂w up to ±nan") == 1     # above the first layer, and not above the second
    assert f"∂C/∂{w.label} = nan" in source
    edges = {text: float(width) for width, text in re.findall(r'penwidth=(\S+) tooltip="∂C/∂(\S+) = ', source)}
    first = {text: width for text, width in edges.items() if text.startswith("layers[0]") and text != w.label}
    assert len(set(first.values())) > 1 and max(first.values()) <= 3.5


@pytest.mark.parametrize("other", ["tanh", lambda z: z * 0.0, lambda z: z * math.inf])
def test_a_delta_that_is_nan_has_a_ring_that_can_be_drawn(other):
    net = MLP(2, [2, 1], activation=lambda z: z * math.nan, seed=1)
    net.layers[0].neurons[0].activation = other
    net.layers[1].neurons[0].activation = lambda z: z.relu() + z * z
    source = draw(net, [1.0, 2.0], 1.0).source
    assert "δ up to ±nan" in source and "penwidth=nan" not in source
    assert draw(net, [[1.0, 2.0]] * 2, [1.0] * 2).source
