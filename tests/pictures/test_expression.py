"""The picture of an expression, held to the engine's own numbers: every node, every edge, large and small."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings

from micrograd2 import pictures
from micrograd2.contributions import flow
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, topological_order, total
from micrograd2.nn import MLP
from micrograd2.pictures import draw
from tests.pictures.read_back import GRADIENT, SILENT, assert_stronger_is_wider, chain, digit_cost, names_of, neuron
from tests.pictures.read_back import number, read, rounded, sign_hue
from tests.programs import VALUES, programs, record, run

pytestmark = SILENT


# Nodes and edges

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
