"""The picture of a network: columns of neurons at pinned places, so that nothing moves between two pictures of it.

A neuron is filled by its activation a and ringed by δ = ∂C/∂z, which is also the gradient of its bias; an edge is a
weight, as wide as its gradient. Of wide columns only the strongest neurons are drawn, and of many weights the strongest
into each neuron; the rest is counted. 784 inputs from 0 to 1 are the image of a digit, and drawn as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..arrays import numbers as reals
from ..backprop import Cost, averages, forward, passes
from ..engine import Value
from ..nn import MLP
from ..shown import printable
from .canvas import Picture, attribute, blank, draw_edge, explain_signs, nan_last, scale

MOST_NEURONS = 16    # of one column
MOST_WEIGHTS = 80    # between two columns; if there are more, only the strongest into each neuron are drawn
MOST_INTO = 5        # of them
SIDE = 28            # pixels of an image, across and down
PIXEL = 8            # points


class Numbers(NamedTuple):
    """What a picture shows: of one example, or on average over so many."""

    columns: list[list[float]]     # the inputs, then the activations of every layer; empty without inputs
    deltas: list[list[float]]      # δ of every neuron, layer by layer; empty without inputs
    grads: dict[Value, float]      # ∂C/∂p of every parameter
    known: bool                    # whether these come of a backward pass
    examples: int
    targets: list[float]           # of one example; else empty


class Plan(NamedTuple):
    """What is drawn of a network: all of it, or of wide layers the strongest."""

    weights: list[list[list[Value]]]     # layer by layer, neuron by neuron
    strength: dict[Value, float]         # of every weight: |∂C/∂w|, or |w| where every gradient is 0
    image: bool                          # whether the inputs are drawn as one
    shown: list[list[int]]               # of every column, which inputs, or which neurons
    drawn: list[list[tuple[int, int]]]   # of every layer, the pairs (neuron, input) whose weight is drawn

    def column(self, c: int) -> float:
        """Where a column stands; an image takes more room to the left."""
        return -0.35 if self.image and c == 0 else c

    @property
    def height(self) -> int:
        """The rows of the tallest column."""
        return max(len(rows) for c, rows in enumerate(self.shown) if c or not self.image)

    def weights_into(self, c: int) -> int:
        """How many weights there are between columns c and c + 1, drawn or not."""
        return len(self.weights[c]) * len(self.weights[c][0])


def draw_network(net: MLP, x: Any, y: Any, cost: Cost, dark: bool) -> Picture:
    numbers = _numbers(net, x, y, cost)
    felt = any(numbers.grads.values())
    plan = _planned(net, numbers, felt)
    picture = blank("neato", dark, splines="line")
    picture.of = repr(net)
    _draw_legend(picture, numbers, plan, felt)
    if plan.image:
        _draw_image(picture, numbers.columns[0], {i for _, i in plan.drawn[0]}, plan.column(0))
        _draw_caption(picture, "c0", plan.column(0), plan.height, f"{len(numbers.columns[0]):,} inputs")
    for c in range(int(plan.image), len(plan.shown)):
        _draw_column(picture, numbers, plan, c)
    for c in range(len(plan.weights)):
        _draw_weights(picture, numbers, plan, c, felt)
        if plan.weights_into(c) > MOST_WEIGHTS:
            _draw_rests(picture, plan, c, felt)
    return picture


def _draw_legend(picture: Picture, numbers: Numbers, plan: Plan, felt: bool) -> None:
    many = f"on average over {numbers.examples:,} examples" if numbers.examples > 1 else ""
    left_out = any(plan.weights_into(c) > MOST_WEIGHTS for c in range(len(plan.weights)))
    without = "" if felt else "every gradient is 0"
    if not numbers.known:
        without = f"no gradient yet: give {'the targets y too' if numbers.columns else 'an example, x and y'}"
    explain_signs(picture, without, "the cost", "widest at the size above each column", many,
                  "the small number under a neuron counts the weaker weights into it" if left_out else "")


# The numbers

def _numbers(net: MLP, x: Any, y: Any, cost: Cost) -> Numbers:
    if x is None:
        if y is not None:
            raise TypeError("draw(network, x, y) needs the inputs x that the targets y belong to; got x=None")
        stored = {p: p.grad for p in net.parameters()}
        reals("the stored gradients", list(stored.values()))
        return Numbers([], [], stored, any(stored.values()), 0, [])
    average = averages(net, forward(net, x) if y is None else passes(net, x, y, cost))
    return Numbers([column.mean for column in average.activations], [layer.mean for layer in average.deltas],
                   dict(zip(net.parameters(), average.gradient.mean)), y is not None, average.examples,
                   average.targets.mean if average.examples == 1 else [])


# What is drawn

def _planned(net: MLP, numbers: Numbers, felt: bool) -> Plan:
    weights = [[neuron.w for neuron in layer.neurons] for layer in net.layers]
    strength = {w: abs(numbers.grads[w] if felt else w.data) for layer in weights for row in layer for w in row}
    nin = len(weights[0][0])
    image = bool(numbers.columns) and nin == SIDE ** 2 and all(0 <= pixel <= 1 for pixel in numbers.columns[0])
    out_of = [sum(strength[row[i]] for row in weights[0]) for i in range(nin)]
    shown = [list(range(nin)) if image else _strongest(range(nin), out_of, MOST_NEURONS)]
    for layer in weights:
        into = [sum(strength[w] for w in row) for row in layer]
        shown.append(_strongest(range(len(layer)), into, MOST_NEURONS))
    drawn = [_drawn(layer, shown[c + 1], shown[c], strength) for c, layer in enumerate(weights)]
    return Plan(weights, strength, image, shown, drawn)


def _strongest(items: Sequence[int], strength: Sequence[float], most: int) -> list[int]:
    """At most so many of the items, the strongest, in their own order; `strength` is indexed by item."""
    return sorted(sorted(items, key=lambda item: nan_last(strength[item]), reverse=True)[:most])


def _drawn(layer: list[list[Value]], rows: list[int], columns: list[int],
           strength: dict[Value, float]) -> list[tuple[int, int]]:
    """The pairs (neuron, input) whose weight is drawn: all, or the strongest into each neuron."""
    most = MOST_INTO if len(rows) * len(columns) > MOST_WEIGHTS else len(columns)
    return [(j, i) for j in rows for i in _strongest(columns, [strength[w] for w in layer[j]], most)]


# The parts of the picture

def _at(column: float, row: float, rows: int) -> str:
    """The pinned position, in points, of a row in a column of so many rows; columns are centred on one line."""
    return f"{column * 260:.0f},{((rows - 1) / 2 - row) * 40:.0f}!"


def _draw_caption(picture: Picture, name: str, column: float, height: int, text: str) -> None:
    picture.node(f"{name}caption", label=text, shape="plaintext", fontsize="9", fontcolor=picture.look.faint,
                 pos=_at(column, -1.2, height))


def _draw_weights(picture: Picture, numbers: Numbers, plan: Plan, c: int, felt: bool) -> None:
    """The weights between columns c and c + 1, and above them how many there are, and the scale."""
    layer, strength, drawn = plan.weights[c], plan.strength, plan.drawn[c]
    from_image = plan.image and c == 0
    ordered = sorted(drawn, key=lambda pair: nan_last(strength[layer[pair[0]][pair[1]]]))
    sizes = [strength[layer[j][i]] for j, i in ordered]
    widest = scale(sizes)
    for j, i in ordered:     # the strongest on top
        w = layer[j][i]
        grad = numbers.grads[w] if numbers.known else None
        factors = (numbers.deltas[c][j], numbers.columns[c][i]) if numbers.examples == 1 else None
        tail = f"c0:p{i}:c" if from_image else f"c{c}n{i}"
        draw_edge(picture, tail, f"c{c + 1}n{j}", grad, widest, _weight_tooltip(w, grad, factors), most=3.0,
                  arrowhead="none")
    more = plan.weights_into(c) - len(drawn)
    counts = f"{len(drawn)} weights" + (f", +{more:,} more" if more else "")
    reach = f"∂C/∂w up to ±{sizes[-1]:.3g}" if felt else ""
    middle = (plan.column(c) + plan.column(c + 1)) / 2 + (0.18 if from_image else 0)
    _draw_caption(picture, f"w{c}", middle, plan.height, f"{counts}\\n{reach}")


def _draw_rests(picture: Picture, plan: Plan, c: int, felt: bool) -> None:
    """Under every neuron of column c + 1, how many weaker weights into it are not drawn."""
    rows, drawn = plan.shown[c + 1], set(plan.drawn[c])
    for place, j in enumerate(rows):
        rest = [w for i, w in enumerate(plan.weights[c][j]) if (j, i) not in drawn]
        if rest:
            total = f", Σ|∂C/∂w| = {sum(plan.strength[w] for w in rest):.4g}" if felt else ""
            picture.node(f"c{c + 1}r{j}", label=f"+{len(rest):,}", shape="plaintext", fontsize="7",
                         pos=_at(plan.column(c + 1), place + 0.51, len(rows)), fontcolor=picture.look.faint,
                         tooltip=f"{len(rest):,} weaker weights{total}")


def _draw_column(picture: Picture, numbers: Numbers, plan: Plan, c: int) -> None:
    rows, column = plan.shown[c], plan.column(c)
    last = c == len(plan.weights)
    size = len(plan.weights[c - 1]) if c else len(plan.weights[0][0])
    kind = "output" if last else "neuron" if c else "input"
    deltas = numbers.deltas[c - 1] if c and numbers.deltas else []
    sizes = sorted(map(abs, deltas), key=nan_last)
    widest = scale(sizes)
    ring = f"\\nring: δ up to ±{sizes[-1]:.3g}" if any(sizes) else ""
    _draw_caption(picture, f"c{c}", column, plan.height, f"{size:,} {kind}{'s' * (size > 1)}{ring}")
    for place, j in enumerate(rows):
        a = numbers.columns[c][j] if numbers.columns else None
        delta = deltas[j] if deltas else 0.0
        _draw_neuron(picture, f"c{c}n{j}", _at(column, place, len(rows)), a, delta, widest, f"{kind} {j}")
        if last or not c:     # a label to the right of the last column, to the left of the first
            target = f", target {numbers.targets[j]:g}" if len(numbers.targets) == size else ""
            label = f"output {j}{target}" if c else f"x[{j}]"
            picture.node(f"c{c}l{j}", label=label, shape="plaintext", fontsize="9",
                         pos=_at(column + (0.3 if c else -0.17), place, len(rows)))
    if size > len(rows):
        picture.node(f"c{c}more", label=f"+{size - len(rows):,} more", shape="plaintext", fontsize="9",
                     fontcolor=picture.look.faint, pos=_at(column, len(rows), len(rows)))


def _draw_neuron(picture: Picture, name: str, pos: str, a: float | None, delta: float, widest: float,
                 tooltip: str) -> None:
    """A circle filled by its activation and ringed by δ."""
    look = picture.look
    looks = {"fillcolor": look.paper, "color": look.faint, "label": "", "fontsize": "9"}
    if a is not None:
        dark = min(1.0, abs(a)) if a == a else 0.0
        label = _short(a)
        looks |= {"label": label, "fontsize": f"{min(9, 45 / len(label)):.3g}",     # so that it fits into the circle
                  "fillcolor": _shade(picture, 0.8 * dark), "fontcolor": look.paper if dark > 0.6 else look.ink}
        tooltip += f": activation {a!r}"
    if delta:
        looks |= {"color": look.sign(delta), "penwidth": f"{1 + 3 * min(1.0, abs(delta) / widest):.2f}"}
        tooltip += f", δ = ∂C/∂z = {delta!r}"
    picture.node(name, shape="circle", style="filled", fixedsize="true", width="0.4", pos=pos,
                 tooltip=attribute(tooltip), **looks)


def _short(number: float) -> str:
    """A number in few letters, and no −0.00."""
    return f"{round(number, 2) or 0:.2f}" if abs(number) < 1000 else f"{number:.1e}"


def _shade(picture: Picture, dark: float) -> str:
    """A colour between paper (0) and ink (1)."""
    paper, ink = (bytes.fromhex(colour[1:]) for colour in (picture.look.paper, picture.look.ink))
    return "#" + "".join(f"{round(p + (i - p) * dark):02x}" for p, i in zip(paper, ink))


def _draw_image(picture: Picture, pixels: Sequence[float], ports: set[int], column: float) -> None:
    """The inputs as the image that they are: a table of small cells, where edges begin."""
    rows = []
    for top in range(0, len(pixels), SIDE):
        cells = []
        for i, pixel in enumerate(pixels[top:top + SIDE], top):
            port = f' port="p{i}"' if i in ports else ""
            filled = f' bgcolor="{_shade(picture, pixel)}"' if pixel else ""
            cells.append(f'<td width="{PIXEL}" height="{PIXEL}" fixedsize="true"{port}{filled}></td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    look = picture.look
    table = f'<table border="1" color="{look.grey}" bgcolor="{look.paper}" cellborder="0" cellspacing="0" ' \
            f"""cellpadding="0">{''.join(rows)}</table>"""
    picture.node("c0", label=f"<{table}>", pos=_at(column, 0, 1),
                 tooltip="the image that the network sees; the lines begin at its pixels")


def _weight_tooltip(w: Value, grad: float | None, factors: tuple[float, float] | None) -> str:
    """What an edge says: its weight, and the multiplication (δ, activation) where there is one."""
    name = printable(w.label, 40) or "w"
    if grad is None:
        return f"{name} = {w.data:.4g}"
    if not factors:
        return f"∂C/∂{name} = {grad:.4g}, where {name} = {w.data:.4g}"
    upstream, local = factors
    contribution = upstream * local
    more = "" if contribution == grad else f" of {grad:.4g} in all"
    return f"∂C/∂{name} += upstream {upstream:.4g} × local {local:.4g} = {contribution:.4g}{more}, " \
           f"where {name} = {w.data:.4g}"
