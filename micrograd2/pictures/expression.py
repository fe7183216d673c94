"""The picture of an expression: every Value that took part, and what each edge adds to a gradient.

Operands stand left of their results. A leaf is a rounded card, an operation a card that begins with its symbol, the
result such a card in a double frame. Every number shown is a stored one, so the contributions of the edges that leave a
Value add up to its `grad`, together with what the card says came from elsewhere, or from an earlier pass. Edges have a
colour and a width only where the gradients are those of the result that is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..arrays import numbers
from ..engine import DOT, Value, change_since, parts, topological_order
from ..names import is_parameter
from ..nn import ACTIVATIONS
from ..shown import printable
from .canvas import Picture, attribute, blank, draw_edge, explain_signs, nan_last, safe, scale
from .grouping import Group, boxes, layers, neurons, place

MOST_NODES = 300     # a larger expression is summarised
NEAREST = 60         # if that does not help, only so many boxes, the nearest to the result, are drawn
MOST_INTO = 12       # edges into one box of a summary; the rest is counted
MOST_NUMBERS = 40    # edges that bear their number; of more, only the tooltips have it
CHANGED = "✗ is no longer what comes of its operands: a number was changed after the forward pass"


@dataclass
class Reading:
    """The gradients that an expression holds, read once: what every edge adds, and what came from elsewhere."""

    root: Value
    order: list[Value]
    known: bool = False
    without: str = ""     # why no edge has a sign, "" if the gradients stored are those of root.backward()
    changed: dict[Value, str] = field(default_factory=dict)     # what no longer fits the numbers that are there now
    rest: dict[Value, float] = field(default_factory=dict)     # of a gradient, what the edges do not explain

    def __post_init__(self) -> None:
        numbers("the stored gradients", [node.grad for node in self.order])
        self.known = any(node.grad for node in self.order if node.args or node is self.root)
        sums, sizes = {self.root: 1.0}, {self.root: 1.0}
        for node in reversed(self.order):     # in the order of `backward`, so that the sums are equal to the last bit
            for operand, local in zip(node.args, node.local_grads):
                contribution = node.grad * local
                sums[operand] = sums.get(operand, 0.0) + contribution
                sizes[operand] = sizes.get(operand, 0.0) + abs(contribution)
        for node in self.order:
            rest = node.grad - sums[node]
            if abs(rest) > 1e-12 * max(sizes[node], abs(node.grad)):     # more than rounding
                self.rest[node] = rest
        call = f"call {printable(self.root.label, 40)}.backward()" if self.root.label else "call backward() on this one"
        if not self.known:
            self.without = f"no gradient yet: {call}"
        elif any(node.args or node is self.root for node in self.rest):
            self.without = f"these gradients are of another result: {call}"
        self.changed = {node: change for node in self.order if (change := change_since(node))}

    def contribution(self, node: Value, i: int) -> float | None:
        """What the edge from `node` adds to the gradient of its operand number i; None if that is not the result's."""
        return None if self.without else node.grad * node.local_grads[i]

    def remark(self, node: Value) -> str:
        """Where the rest of a gradient comes from, if there is a rest."""
        if not self.known or node not in self.rest or node is self.root:
            return ""
        if not node.args and not node.grad:
            return "cleared since"
        return f"{'elsewhere' if self.without else 'earlier'}: {self.rest[node]:.4g}"

    def multiplication(self, node: Value, i: int) -> str:
        """What the edge adds, with its two factors, as text."""
        if not self.known:
            return "no gradient yet"
        result = "(another result)" if self.without else printable(self.root.label, 40) or "C"
        upstream, local = node.grad, node.local_grads[i]
        return f"∂{result}/∂{printable(node.args[i].label, 40) or 'a'} += " \
               f"upstream {upstream:.4g} × local {local:.4g} = {upstream * local:.4g}"


def draw_expression(root: Value, expand: bool, depth: int | None, dark: bool) -> Picture:
    everything = topological_order(root)
    reading = Reading(root, everything)
    nodes = everything if depth is None else _nearest(root, depth, len(everything))
    groups = boxes(nodes, MOST_NODES)
    summarised = len(groups) < len(nodes) or len(groups) > MOST_NODES
    if len(groups) > MOST_NODES:     # in boxes it is too large as well
        groups = [Group("value", value.label, [value]) for value in _nearest(root, len(everything), NEAREST)]
    at = place(groups)
    edges = list(_edges(reading, groups, at))
    sizes = [edge.strength for edge in edges]
    sizes += [abs(group.last.grad) for group in groups if expand and _products(group)]
    widest = scale(sizes)
    picture = blank("dot", dark, rankdir="LR", nodesep="0.18", ranksep="0.5")
    picture.of = f"{len(everything):,} value{'s' * (len(everything) > 1)}"
    explain_signs(picture, reading.without, "the result",
                  f"the widest adds {widest:.4g}, one of half the width a quarter of that",
                  _not_shown(len(everything) - len(at), len(at), sum(group.kind != "value" for group in groups)),
                  CHANGED if reading.changed else "")
    if summarised:
        _draw_nodes(picture, groups, range(len(groups)), reading, expand)
    else:
        _draw_nodes_in_frames(picture, groups, at, reading, expand)
    _draw_edges(picture, reading, groups, edges, widest, expand, summarised)
    _draw_stubs(picture, at)
    return picture


def _not_shown(left: int, drawn: int, collapsed: int) -> str:
    """A remark where the picture shows less than everything: values left out, or boxes that stand for many."""
    if left:
        return f"the {drawn:,} values nearest the result; {left:,} more are not drawn"
    if collapsed:
        return f"{drawn:,} values, too many to draw one by one: a thick frame stands for many"
    return ""


def _nearest(root: Value, depth: int, most: int) -> list[Value]:
    """At most so many of the Values that `root` was made from, at most so many edges away, in topological order."""
    away = {root: 0}
    queue = [root]
    for node in queue:     # the list grows while it is read
        for operand in node.args:
            if operand not in away and len(away) < most and away[node] < depth:
                away[operand] = away[node] + 1
                queue.append(operand)
    return sorted(away, key=lambda node: node.born)


# Edges

class Edge(NamedTuple):
    """From one box to another, by their numbers: one operand of a Value (`which`), or many edges in one (None)."""

    tail: int
    head: int
    contribution: float | None
    tooltip: str
    which: int | None

    @property
    def strength(self) -> float:
        return abs(self.contribution or 0.0)


def _edges(reading: Reading, groups: list[Group], at: dict[Value, int]) -> Iterator[Edge]:
    """One for every operand; between boxes that stand for many, one for all that raise and one for all that lower."""
    bundles: dict[tuple[int, int], list[float | None]] = {}
    for head, group in enumerate(groups):
        for node in group.values:
            for i, operand in enumerate(node.args):
                tail = at.get(operand)
                if tail is None or tail == head:
                    continue
                contribution = reading.contribution(node, i)
                if group.kind == groups[tail].kind == "value":
                    yield Edge(tail, head, contribution, reading.multiplication(node, i), i)
                else:
                    bundles.setdefault((tail, head), []).append(contribution)
    for (tail, head), contributions in bundles.items():
        yield from _bundled(tail, head, contributions, reading.without)


def _bundled(tail: int, head: int, contributions: list[float | None], without: str) -> Iterator[Edge]:
    many = f"{len(contributions):,} edges"
    raising = [number for number in contributions if number and number > 0]
    lowering = [number for number in contributions if number and number < 0]
    unclear = sum(number is not None and math.isnan(number) for number in contributions)
    if not raising and not lowering and not unclear:
        yield Edge(tail, head, None if without else 0.0, f"{many}, {without or 'adding 0'}", None)
    for verb, part in (("raises", raising), ("lowers", lowering)):
        if part:
            total = sum(part)
            tooltip = f"{len(part):,} of {many}, where raising it {verb} the result: {total:+.4g} in all"
            yield Edge(tail, head, total, tooltip, None)
    if unclear:
        yield Edge(tail, head, math.nan, f"{unclear:,} of {many}, adding nan", None)


def _by_head(edges: list[Edge]) -> dict[int, list[Edge]]:
    into: dict[int, list[Edge]] = {}
    for edge in edges:
        into.setdefault(edge.head, []).append(edge)
    return into


def _draw_edges(picture: Picture, reading: Reading, groups: list[Group], edges: list[Edge], widest: float,
                expand: bool, summarised: bool) -> None:
    few = len(edges) <= MOST_NUMBERS and not summarised
    inputs = {} if summarised else _inputs(groups)
    by_head = _by_head(edges)
    for head, group in enumerate(groups):
        into = by_head.get(head, [])
        if summarised:
            into = _strongest(picture, head, into)
        products = _products(group) if expand else 0
        for i in range(products):     # each reaches the sum as it is
            upstream = None if reading.without else group.last.grad
            tooltip = reading.without or f"upstream {upstream:.4g} × local 1"
            draw_edge(picture, f"n{head}p{i}", f"n{head}", upstream, widest, tooltip, root=True)
        for edge in into:
            to = f"n{head}"
            if edge.which is not None and edge.which < 2 * products:     # a weight or an input, not the bias
                to += f"p{edge.which % products}"
            ranks = "2" if edge.tail in inputs.get(head, ()) else "1"     # inputs stand left of the weights
            draw_edge(picture, f"n{edge.tail}", to, edge.contribution, widest, edge.tooltip,
                      edge.contribution if few else None, root=True, minlen=ranks)


def _strongest(picture: Picture, head: int, into: list[Edge]) -> list[Edge]:
    """The strongest of the edges into one box, in their own order; the box says how many more there are."""
    weaker = sorted(into, key=lambda edge: nan_last(edge.strength), reverse=True)[MOST_INTO:]
    if weaker:
        total = sum(edge.strength for edge in weaker)
        _draw_stub(picture, f"n{head}", "weaker", f"+{len(weaker):,} weaker", f"Σ|contribution| = {total:.4g}")
    return [edge for edge in into if edge not in weaker]


def _products(group: Group) -> int:
    """How many products a weighted sum adds up; 0 of anything else."""
    z = group.last
    return len(parts(z.args)[0]) if group.kind == "value" and z.op is DOT else 0


def _inputs(groups: list[Group]) -> dict[int, set[int]]:
    """The inputs of every neuron, by their numbers and that of its weighted sum."""
    at = place(groups)
    sums = [z for neuron in neurons(at) for z in neuron.sums]
    return {at[z]: {at[x] for x in parts(z.args)[1] if x in at} for z in sums}


def _draw_stubs(picture: Picture, at: dict[Value, int]) -> None:
    """At every box whose operands are not all drawn, how many are not."""
    hidden: dict[int, int] = {}
    for node, i in at.items():
        if missing := sum(operand not in at for operand in node.args):
            hidden[i] = hidden.get(i, 0) + missing
    for i, count in hidden.items():
        _draw_stub(picture, f"n{i}", "more", f"+{count:,} more", "further back, not drawn")


def _draw_stub(picture: Picture, name: str, kind: str, text: str, tooltip: str) -> None:
    look = picture.look
    picture.node(f"{name}{kind}", label=text, shape="plaintext", fontsize="9", fontcolor=look.faint, tooltip=tooltip)
    picture.edge(f"{name}{kind}", name, color=look.grey, style="dashed", arrowsize="0.5", tooltip=tooltip)


# Nodes

def _draw_nodes_in_frames(picture: Picture, groups: list[Group], at: dict[Value, int], reading: Reading,
                          expand: bool) -> None:
    """Every node; those of one neuron in a labelled frame, and the neurons of one layer in another."""
    found = neurons(at)
    loose = set(range(len(groups))) - {at[value] for neuron in found for value in neuron.values}
    for i, layer in enumerate(layers(found)):
        inside = [neuron for neuron in found if set(neuron.values) <= set(layer.values)]
        framed = layer.name if len(inside) > 1 else ""     # a neuron alone needs no second frame
        with picture.subgraph(name=f"cluster_{i}", graph_attr=_frame(picture, framed)) as outer:
            for j, neuron in enumerate(inside):
                name = _within(neuron.name, framed)
                with outer.subgraph(name=f"cluster_{i}_{j}", graph_attr=_frame(picture, name)) as inner:
                    inner.look = picture.look
                    which = sorted(at[value] for value in neuron.values)
                    _draw_nodes(inner, groups, which, reading, expand, neuron.name)
    _draw_nodes(picture, groups, sorted(loose), reading, expand)


def _frame(picture: Picture, name: str) -> dict[str, str]:
    look = picture.look
    label = f'<<font point-size="9" color="{look.faint}">{safe(name, 40)}</font>>' if name else ""
    return {"label": label, "style": "rounded", "color": look.grey if name else "transparent", "margin": "8",
            "labeljust": "l", "tooltip": attribute(printable(name, 40) or " ")}


def _within(label: str, whole: str) -> str:
    """A name such as `layers[0].neurons[3].w[7]`, without what the frame around it says already."""
    return label.removeprefix(f"{whole}.")


def _draw_nodes(picture: Picture, groups: list[Group], which: Iterable[int], reading: Reading, expand: bool,
                frame: str = "") -> None:
    for i in which:
        group = groups[i]
        if group.kind == "value":
            card, tooltip = _card(picture, group.last, reading, frame), _tooltip(group.last, reading)
        else:
            rows = _summary(group, reading)
            card, tooltip = _many(picture, rows), f"{printable(group.name, 200)}: {', '.join(rows[1:])}"
        picture.node(f"n{i}", label=f"<{card}>", tooltip=attribute(tooltip))
        if expand and _products(group):
            _draw_products(picture, f"n{i}", group.last)


def _draw_products(picture: Picture, name: str, z: Value) -> None:
    """Every weight × input of a weighted sum, as a multiplication of its own."""
    weights, inputs, _ = parts(z.args)
    for k, (w, x) in enumerate(zip(weights, inputs)):
        product = w.data * x.data
        factors = f"{printable(w.label, 40) or 'w'} × {printable(x.label, 40) or 'x'}"
        picture.node(f"{name}p{k}", label=f"<{_operation(picture, '×', f'{product:.4g}')}>",
                     tooltip=attribute(f"{factors} = {product!r}"))


def _card(picture: Picture, node: Value, reading: Reading, frame: str) -> str:
    """One node: its operation in a dark cell, if it has one; then label, number, gradient."""
    look = picture.look
    rows = [f"<b>{safe(_within(node.label, frame), 32)}</b>"] if node.label else []
    rows.append(f"✗ {node.data:.4g}" if node in reading.changed else f"{node.data:.4g}")
    if reading.known:
        colour = look.faint if reading.without else look.sign(node.grad)
        rows.append(f'<font color="{colour}">grad {node.grad:.4g}</font>')
    if remark := reading.remark(node):
        rows.append(f'<font color="{look.faint}" point-size="9">{remark}</font>')
    cells = "".join(f'<tr><td align="center">{row}</td></tr>' for row in rows)
    numbers = f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>'
    if not node.args:
        return f'<table border="1" color="{look.grey}" style="rounded" bgcolor="{look.card}" cellborder="0" ' \
               f'cellspacing="0" cellpadding="4"><tr><td>{numbers}</td></tr></table>'
    symbol = safe(node.op.sign)
    card = _operation(picture, symbol, numbers)
    if node is not reading.root:
        return card
    return f'<table border="1" color="{look.ink}" cellborder="0" cellspacing="0" cellpadding="2"><tr><td>{card}</td>' \
           '</tr></table>'


def _operation(picture: Picture, symbol: str, numbers: str) -> str:
    look = picture.look
    return f'<table border="1" color="{look.ink}" bgcolor="{look.paper}" cellborder="0" cellspacing="0" ' \
           f'cellpadding="4"><tr><td bgcolor="{look.ink}"><font color="{look.paper}"><b>{symbol}</b></font></td>' \
           f"<td>{numbers}</td></tr></table>"


def _many(picture: Picture, rows: list[str]) -> str:
    """A box that stands for many Values."""
    look = picture.look
    cells = "".join(f"<tr><td>  {safe(row)}  </td></tr>" for row in rows[1:])
    return f'<table border="2" color="{look.faint}" style="rounded" bgcolor="{look.card}" cellborder="0" ' \
           f'cellspacing="0" cellpadding="3"><tr><td><b>{safe(rows[0], 32)}</b></td></tr>{cells}</table>'


def _summary(group: Group, reading: Reading) -> list[str]:
    """What a box says of the Values that it stands for."""
    leaves = [value for value in group.values if group.kind == "leaves" or is_parameter(value)]
    rows = [group.name]
    if group.kind == "layer":
        rows.append(f"{group.size:,} neuron{'s' * (group.size > 1)}")
    if group.kind == "neuron":
        rows += _activations(group.sums)
    if group.kind != "leaves":
        rows.append(f"{len(leaves):,} weights and biases")
    if reading.known:
        sizes = sorted((abs(leaf.grad) for leaf in leaves), key=nan_last)
        rows.append(f"|grad| up to {sizes[-1] if sizes else 0.0:.4g}")
    return rows


def _activations(sums: dict[Value, Value]) -> list[str]:
    """What became of the weighted sum of a neuron; of a batch, of how many, and from where to where."""
    words = {"z" if a is z else f"{a.op.symbol}(z)" if a.args == (z,) and a.op.symbol in ACTIVATIONS else "a"
             for z, a in sums.items()}
    word = words.pop() if len(words) == 1 else "z"
    shown = sorted((value.data for value in (sums if word == "z" else sums.values())), key=nan_last)
    if len(shown) == 1:
        return [f"{word} = {shown[0]:.4g}"]
    return [f"{len(shown):,} weighted sums", f"{word} from {shown[0]:.4g} to {shown[-1]:.4g}"]


def _tooltip(node: Value, reading: Reading) -> str:
    made = f" = {node.op.symbol} of {len(node.args)}" if node.args else ", a leaf"
    grad = f", grad {node.grad!r}" if reading.known else ""
    changed = f"; changed since: {reading.changed[node]}" if node in reading.changed else ""
    return f"{printable(node.label, 200) or 'a value'}{made}: data {node.data!r}{grad}{changed}"
