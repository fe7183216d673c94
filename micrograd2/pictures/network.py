"""The picture of a network: columns of neurons at pinned places, so that nothing moves between two pictures of it.

A neuron is filled by its activation a and ringed by δ = ∂C/∂z, which is also the gradient of its bias; an edge is a
weight, as wide as its gradient. Of wide columns only the strongest neurons are drawn, and of many weights the strongest
into each neuron; the rest is counted. 784 inputs from 0 to 1 are the image of a digit, and drawn as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ..arrays import numbers as reals
from ..backprop import Cost, averages, forward, passes
from ..engine import Value
from ..nn import MLP
from ..shown import printable
from .canvas import Picture, attribute, blank, edge, explain_signs

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


def draw_network(net: MLP, x: Any, y: Any, cost: Cost, dark: bool) -> Picture:
    numbers = _numbers(net, x, y, cost)
    weights = [[neuron.w for neuron in layer.neurons] for layer in net.layers]
    known, felt = numbers.known, any(numbers.grads.values())
    strength = {w: abs(numbers.grads[w] if felt else w.data) for layer in weights for row in layer for w in row}
    nin = len(weights[0][0])
    image = bool(numbers.columns) and nin == SIDE ** 2 and all(0 <= pixel <= 1 for pixel in numbers.columns[0])
    shown = [list(range(nin)) if image else
             _strongest(range(nin), lambda i: sum(strength[row[i]] for row in weights[0]), MOST_NEURONS)]
    shown += [_strongest(range(len(layer)), lambda j: sum(strength[w] for w in layer[j]), MOST_NEURONS)
              for layer in weights]
    drawn = [_drawn(layer, shown[c + 1], shown[c], strength) for c, layer in enumerate(weights)]
    picture = blank("neato", dark, splines="line")
    bundled = any(len(layer) * len(layer[0]) > MOST_WEIGHTS for layer in weights)
    many = f"on average over {numbers.examples:,} examples" if numbers.examples > 1 else ""
    explain_signs(picture, felt, "the cost", "widest at the size above each column", many,
                  "the small number under a neuron counts the weaker weights into it" if bundled else "",
                  without="every gradient is 0" if known else "no gradient yet")
    height = max(len(rows) for c, rows in enumerate(shown) if c or not image)
    if image:
        _image(picture, numbers.columns[0], {i for _, i in drawn[0]})
        _caption(picture, "c0", _column(0, True), height, f"{nin:,} inputs")
    for c, rows in enumerate(shown):
        if c or not image:
            _draw_column(picture, net, numbers, c, rows, _column(c, image), height)
    for c, layer in enumerate(weights):
        widest = max(strength[layer[j][i]] for j, i in drawn[c])
        for j, i in sorted(drawn[c], key=lambda pair: strength[layer[pair[0]][pair[1]]]):  # the strongest on top
            w = layer[j][i]
            factors = (numbers.deltas[c][j], numbers.columns[c][i]) if numbers.examples == 1 else None
            edge(picture, f"c0:p{i}:c" if image and not c else f"c{c}n{i}", f"c{c + 1}n{j}",
                 numbers.grads[w] if known else None, widest,
                 _weight_told(w, numbers.grads[w] if known else None, factors), most=3.0, arrowhead="none")
        size, total_drawn = len(layer) * len(layer[0]), len(drawn[c])
        rest = f", +{size - total_drawn:,} more" if size > total_drawn else ""
        scale = f"∂C/∂w up to ±{widest:.3g}" if felt else ""
        _caption(picture, f"w{c}", (_column(c, image) + _column(c + 1, image)) / 2 + 0.18 * (image and not c), height,
                 f"{total_drawn} weights{rest}\\n{scale}")
        for j in shown[c + 1]:
            left = [w for i, w in enumerate(layer[j]) if (j, i) not in drawn[c]]
            if left and size > MOST_WEIGHTS:
                place = _place(_column(c + 1, image), shown[c + 1].index(j) + 0.51, len(shown[c + 1]))
                sizes = f", Σ|∂C/∂w| = {sum(strength[w] for w in left):.4g}" if felt else ""
                picture.node(f"c{c + 1}r{j}", label=f"+{len(left):,}", shape="plaintext", fontsize="7", pos=place,
                             fontcolor=picture.look.faint, tooltip=f"{len(left):,} weaker weights{sizes}")
    return picture


# The numbers

def _numbers(net: MLP, x: Any, y: Any, cost: Cost) -> Numbers:
    if x is None:
        if y is not None:
            raise TypeError("draw(network, x, y) needs the inputs x that the targets y belong to; got x=None")
        stored = {p: p.grad for p in net.parameters()}
        reals("the stored gradients", list(stored.values()))
        return Numbers([], [], stored, any(stored.values()), 0, [])
    told = averages(net, forward(net, x) if y is None else passes(net, x, y, cost))
    return Numbers([column.mean for column in told.activations], [layer.mean for layer in told.deltas],
                   dict(zip(net.parameters(), told.gradient.mean)), y is not None, told.examples,
                   told.targets.mean if told.examples == 1 else [])


# What is drawn

def _strongest(items: Iterable[Any], strength: Callable[[Any], float], most: int) -> list[Any]:
    """At most so many of the items, the strongest, in their own order."""
    items = list(items)
    return items if len(items) <= most else sorted(sorted(items, key=strength, reverse=True)[:most])


def _drawn(layer: list[list[Value]], rows: list[int], columns: list[int],
           strength: dict[Value, float]) -> dict[tuple[int, int], None]:
    """The pairs (neuron, input) whose weight is drawn."""
    into = MOST_INTO if len(rows) * len(columns) > MOST_WEIGHTS else len(columns)
    return {(j, i): None for j in rows for i in _strongest(columns, lambda i: strength[layer[j][i]], into)}


# Where

def _column(c: int, image: bool) -> float:
    """An image takes more room to the left."""
    return c - 0.35 * (image and not c)


def _place(column: float, row: float, rows: int) -> str:
    """The pinned position, in points, of a row in a column of so many rows; columns are centred on one line."""
    return f"{column * 260:.0f},{((rows - 1) / 2 - row) * 40:.0f}!"


def _caption(picture: Picture, name: str, column: float, height: int, text: str) -> None:
    picture.node(f"{name}caption", label=text, shape="plaintext", fontsize="9", fontcolor=picture.look.faint,
                 pos=_place(column, -1.2, height))


def _draw_column(picture: Picture, net: MLP, numbers: Numbers, c: int, rows: list[int], column: float,
                 height: int) -> None:
    last = c == len(net.layers)
    size = len(net.layers[c - 1].neurons) if c else len(net.layers[0].neurons[0].w)
    kind = "output" if last else "neuron" if c else "input"
    deltas = numbers.deltas[c - 1] if c and numbers.deltas else []
    widest = max(map(abs, deltas), default=0.0)
    ring = f"\\nring: δ up to ±{widest:.3g}" if widest else ""
    _caption(picture, f"c{c}", column, height, f"{size:,} {kind}{'s' * (size > 1)}{ring}")
    for place, j in enumerate(rows):
        a = numbers.columns[c][j] if numbers.columns else None
        _neuron(picture, f"c{c}n{j}", _place(column, place, len(rows)), a, deltas[j] if deltas else 0.0, widest,
                f"{kind} {j}")
        if last or not c:     # a label to the right of the last column, to the left of the first
            target = f", target {numbers.targets[j]:g}" if j < len(numbers.targets) else ""
            told = f"output {j}{target}" if c else f"x[{j}]"
            picture.node(f"c{c}l{j}", label=told, shape="plaintext", fontsize="9",
                         pos=_place(column + (0.3 if c else -0.17), place, len(rows)))
    if size > len(rows):
        picture.node(f"c{c}more", label=f"+{size - len(rows):,} more", shape="plaintext", fontsize="9",
                     fontcolor=picture.look.faint, pos=_place(column, len(rows), len(rows)))


def _neuron(picture: Picture, name: str, pos: str, a: float | None, delta: float, widest: float, told: str) -> None:
    """A circle filled by its activation and ringed by δ."""
    look = picture.look
    looks = {"fillcolor": look.paper, "color": look.faint, "label": ""}
    if a is not None:
        dark = min(1.0, abs(a)) if a == a else 0.0
        looks |= {"label": f"{a:.2f}", "fillcolor": _shade(picture, 0.8 * dark),
                  "fontcolor": look.paper if dark > 0.6 else look.ink}
        told += f": activation {a!r}"
    if delta:
        looks |= {"color": look.sign(delta), "penwidth": f"{1 + 3 * abs(delta) / widest:.2f}"}
        told += f", δ = ∂C/∂z = {delta!r}"
    picture.node(name, shape="circle", style="filled", fixedsize="true", width="0.4", fontsize="9", pos=pos,
                 tooltip=attribute(told), **looks)


def _shade(picture: Picture, dark: float) -> str:
    """A colour between paper (0) and ink (1)."""
    paper, ink = (bytes.fromhex(colour[1:]) for colour in (picture.look.paper, picture.look.ink))
    return "#" + "".join(f"{round(p + (i - p) * dark):02x}" for p, i in zip(paper, ink))


def _image(picture: Picture, pixels: Sequence[float], ports: set[int]) -> None:
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
    picture.node("c0", label=f"<{table}>", pos=_place(_column(0, True), 0, 1),
                 tooltip="the image that the network sees; the lines begin at its pixels")


def _weight_told(w: Value, grad: float | None, factors: tuple[float, float] | None) -> str:
    """What an edge says: its weight, and the multiplication (δ, activation) where there is one."""
    name = printable(w.label, 40) or "w"
    if grad is None:
        return f"{name} = {w.data:.4g}"
    if not factors:
        return f"∂C/∂{name} = {grad:.4g}, where {name} = {w.data:.4g}"
    upstream, local = factors
    adds = upstream * local
    more = "" if adds == grad else f" of {grad:.4g} in all"
    return f"∂C/∂{name} += upstream {upstream:.4g} × local {local:.4g} = {adds:.4g}{more}, where {name} = {w.data:.4g}"
