"""The player: one offline page that plays the backward pass, of an expression or of a network's examples.

A page is one HTML file that carries everything it needs: the numbers, computed here by the engine, and a script that
only shows, multiplies and adds them. It asks for nothing over the network. Playing changes no gradient.

Width is strength and colour is sign, as in every picture. Each step has an address, such as `page.html#step=12`.

Left out: still pictures (see `draw`), words and tables (see `explain`).
"""

from __future__ import annotations

import base64
import html
import json
import math
import os
import re
import struct
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from .costs import squared_error
from .engine import Value, flow, topological_order
from .files import write_whole
from .nn import MLP
from .pictures import BLUE, MOST_NODES, ORANGE, SIGNS, Picture

POINTS = 72.0   # to an inch, in which Graphviz measures
MOST_EXAMPLES = 100
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Page:
    """One self-contained HTML page: `.html` is its text, `.save(path)` writes it, a notebook shows it.

    >>> a = Value(2.0, "a")
    >>> page = play(a * a)
    >>> page.html[:15]
    '<!doctype html>'
    """

    def __init__(self, text: str) -> None:
        self.html = text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to `path`, whole or not at all; open it with any browser."""
        return write_whole(path, self.html)

    def __repr__(self) -> str:
        return f"<Page of {len(self.html):,} characters: .save(path), then open it in a browser>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        frame = (f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" title="the backward pass, played" '
                 f'style="width: 100%; height: 680px; border: 1px solid #8884; border-radius: 6px"></iframe>')
        return {"text/html": frame, "text/plain": repr(self)}


def play(what: Value | MLP, X: Any = None, Y: Any = None, cost: Callable[..., Value] = squared_error) -> Page:
    """A page that plays the backward pass of the expression that made a Value, or of a network on some examples.

    `play(value)` shows the numbers forward, then every contribution backward, in the order and with the numbers of
    `flow(value)`. It takes at most 300 Values (else a ValueError), and needs Graphviz's `dot` for its layout
    (else a RuntimeError that says how to get it).

    `play(network, X, Y)` tells the story of backpropagation on each of a few examples, X (N, inputs) and Y (N, outputs)
    or (N,) as `cost` expects its targets, and on their average; N is from 1 to 100. Wrong shapes are a ValueError.

    Neither reads nor changes the stored gradients.

    >>> w, x = Value(0.5, "w"), Value(4.0, "x")
    >>> play(w * x)
    <Page of ...
    """
    if isinstance(what, Value):
        if X is not None or Y is not None:
            raise TypeError("play(value) takes no X and Y: they are for play(network, X, Y)")
        return _play_value(what)
    if isinstance(what, MLP):
        return _play_network(what, *_examples(X, Y), cost)
    raise TypeError(f"play takes a Value or an MLP; got {type(what).__name__}")


def _page(kind: str, title: str, data: Any) -> Page:
    """The template with its parts put in, in one pass, so that no part is searched for places of others."""
    room = files(__package__)

    def text(name: str) -> str:
        return room.joinpath(name).read_text(encoding="utf-8")

    parts = {
        "kind": kind, "title": html.escape(_readable(title)), "blue": BLUE, "orange": ORANGE, "css": text("player.css"),
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "js": text("player.js") + text(f"player_{kind}.js"),
    }
    return Page(re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], text("player.html")))


def _readable(text: str, most: int = 160) -> str:
    """A user's text without characters that cannot be shown, and not too long."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most + 1])
    return text if len(text) <= most else text[:most - 1] + "…"


def _number(x: float) -> float | str:
    """A number as JSON has it; those that JSON lacks as JavaScript spells them."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


# An expression

def _play_value(root: Value) -> Page:
    nodes = topological_order(root)
    if len(nodes) > MOST_NODES:
        raise ValueError(f"this expression has {len(nodes):,} values, and a page plays at most {MOST_NODES}: play a "
                         f"smaller one, or a part of it; for a network there is play(network, X, Y)")
    index = {node: i for i, node in enumerate(nodes)}
    names = _names(nodes)
    cards = [_card(node, name) for node, name in zip(nodes, names)]
    steps = list(flow(root))
    edges = [(index[step.result.args[step.which]], index[step.result]) for step in steps]
    data = {
        "nodes": [card | {"label": _readable(node.label), "data": _number(node.data),
                          "args": [index[operand] for operand in node.args]} for card, node in zip(cards, nodes)],
        "flow": [{"operand": operand, "result": result, "upstream": _number(step.upstream),
                  "local": _number(step.local), "adds": _number(step.contribution), "total": _number(step.total)}
                 for (operand, result), step in zip(edges, steps)],
        "layouts": [_layout(direction, cards, edges) for direction in ("LR", "TB")],
    }
    return _page("value", f"Backpropagation of {root.label}" if root.label else "Backpropagation", data)


def _symbol(node: Value) -> str:
    """The operation as a learner writes it: ×, Σ, x²."""
    symbol = node.op.symbol
    if power := re.fullmatch(r"\*\*([-\d.e+]+)", symbol):
        return "x" + (power[1].translate(RAISED) if set(power[1]) <= set("-0123456789") else f"^{power[1]}")
    return SIGNS.get(symbol, symbol)


def _names(nodes: list[Value]) -> list[str]:
    """A short name for each node: its label, or its number if it is a leaf, or how it was made, if that is short."""
    names: dict[Value, str] = {}
    for i, node in enumerate(nodes):
        parts = [f"({name})" if " " in (name := names[operand]) else name for operand in node.args]
        symbol = _symbol(node)
        if node.label or not node.args:
            name = _readable(node.label, 22) or f"{node.data:.4g}".replace("-", "−")
        elif len(parts) == 2 and not symbol[0].isalpha():
            name = f"{parts[0]} {symbol} {parts[1]}"
        elif symbol[0] == "x":
            name = parts[0] + symbol[1:]
        elif symbol == SIGNS["neg"]:
            name = symbol + parts[0]
        else:
            name = f"{symbol}({', '.join(names[operand] for operand in node.args)})"
        names[node] = name if len(name) <= 22 else f"n{i}"
    return list(names.values())


def _card(node: Value, name: str) -> dict[str, Any]:
    """What a node's card shows and its size in pixels; `inset` is the dark cell at its left, for its operation."""
    symbol = _symbol(node) if node.args else ""
    inset = max(26, 8 * len(symbol) + 12) if symbol else 0
    letters = min(max(len(node.label or name), 11), 22)
    return {"name": name, "symbol": symbol, "inset": inset, "width": inset + 7 * letters + 20,
            "height": 60 if node.label or node.args else 46}


def _layout(direction: str, cards: list[dict[str, Any]], edges: list[tuple[int, int]]) -> dict[str, Any]:
    """Where everything stands, in pixels: the middle of each card, and each edge as an SVG path, operand to result."""
    ranksep = "0.95" if direction == "LR" else "0.6"    # room for a number on every edge
    picture = Picture(graph_attr={"rankdir": direction, "nodesep": "0.3", "ranksep": ranksep},
                      node_attr={"shape": "box", "fixedsize": "true", "label": ""}, edge_attr={"arrowhead": "none"})
    for i, card in enumerate(cards):
        picture.node(f"n{i}", width=f"{card['width'] / POINTS:.4f}", height=f"{card['height'] / POINTS:.4f}")
    for operand, result in edges:
        picture.edge(f"n{operand}", f"n{result}")
    lines = [line.split() for line in picture.pipe(format="plain", encoding="utf-8").splitlines()]
    width, height = (float(part) * POINTS for part in lines[0][2:4])
    margin = 14.0

    def place(x: str, y: str) -> tuple[float, float]:
        return round(float(x) * POINTS + margin, 1), round(height - float(y) * POINTS + margin, 1)

    places = {line[1]: place(*line[2:4]) for line in lines if line[0] == "node"}
    paths: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line[0] == "edge":
            numbers = line[4:4 + 2 * int(line[3])]
            points = [" ".join(map(str, place(*pair))) for pair in zip(numbers[::2], numbers[1::2])]
            paths.setdefault((line[1], line[2]), []).append(f"M{points[0]}C{' '.join(points[1:])}")
    return {"width": round(width + 2 * margin, 1), "height": round(height + 2 * margin, 1),
            "nodes": [places[f"n{i}"] for i in range(len(cards))],
            "edges": [paths[f"n{operand}", f"n{result}"].pop(0) for operand, result in edges]}


# A network on a few examples

def _examples(X: Any, Y: Any) -> tuple[list[list[float]], list[list[float]]]:
    """X and Y as lists of lists of numbers; ValueError if they are not, or not of one length."""
    if X is None or Y is None:
        raise TypeError("play(network, X, Y) needs examples: inputs X and targets Y")
    try:
        xs = [[float(number) for number in x] for x in X]
        ys = [[float(number) for number in y] if isinstance(y, Iterable) else [float(y)] for y in Y]
    except (TypeError, ValueError):
        raise ValueError("X must hold rows of numbers, and Y a number or a row of numbers for each; "
                         "for one example: play(network, [x], [y])") from None
    if len(xs) != len(ys) or not 1 <= len(xs) <= MOST_EXAMPLES:
        raise ValueError(f"X and Y must hold the same number of examples, 1 to {MOST_EXAMPLES}; "
                         f"got {len(xs)} and {len(ys)}")
    return xs, ys


def _play_network(net: MLP, X: list[list[float]], Y: list[list[float]], cost: Callable[..., Value]) -> Page:
    sizes = [len(net.layers[0].neurons[0].w), *(len(layer.neurons) for layer in net.layers)]
    side = math.isqrt(sizes[0])
    image = side >= 8 and side * side == sizes[0] and all(0 <= pixel <= 1 for x in X for pixel in x)
    data = {
        "sizes": sizes, "side": side if image else 0, "kinds": [layer.neurons[0].activation for layer in net.layers],
        "weights": [_packed(w.data for neuron in layer.neurons for w in neuron.w) for layer in net.layers],
        "biases": [_packed(neuron.b.data for neuron in layer.neurons) for layer in net.layers],
        "names": [str(j) for j in range(sizes[-1])] if sizes[-1] > 1 else ["out"], "squared": cost is squared_error,
        "cost": _readable(getattr(cost, "__name__", "a function of your own")).replace("_", " "),
        "examples": [_example(net, x, y, cost, image) for x, y in zip(X, Y)],
    }
    return _page("network", f"Backpropagation through {'-'.join(map(str, sizes))}", data)


def _example(net: MLP, x: list[float], y: list[float], cost: Callable[..., Value], image: bool) -> dict[str, Any]:
    """All that the page needs to know of one example: every z and a, and the cost's gradient in each."""
    passes = net.trace(x)
    outputs = [a for _, a in passes[-1]]
    root = cost(outputs[0] if len(outputs) == 1 else outputs, y[0] if len(y) == 1 else y)
    if not isinstance(root, Value):
        raise TypeError(f"the cost of one example must be one Value; got {type(root).__name__}")
    sums = {z for layer in passes for z, _ in layer}
    parameters = set(net.parameters())
    grads = {root: 1.0}
    for step in flow(root):
        operand = step.result.args[step.which]
        if operand in parameters and step.result not in sums:
            raise ValueError(f"the cost reaches {operand.label} other than through the outputs: "
                             f"a page cannot show that")
        grads[operand] = step.total
    classes = len(y) > 1 and sorted(y) == [0.0] * (len(y) - 1) + [1.0]
    target = str(y.index(1.0)) if classes else _told(y)
    return {
        "name": target if image else f"{_told(x)} → {target}",
        "cost": _number(root.data), "y": _packed(y),
        "a": [_packed(x), *(_packed(a.data for _, a in layer) for layer in passes)],
        "z": [_packed(z.data for z, _ in layer) for layer in passes],
        "da": [_packed(grads.get(a, 0.0) for _, a in layer) for layer in passes],
        "dz": [_packed(grads.get(z, 0.0) for z, _ in layer) for layer in passes],
    }


def _told(numbers: list[float]) -> str:
    return (", ".join(f"{number:.3g}" for number in numbers[:3]) + ", …" * (len(numbers) > 3)).replace("-", "−")


def _packed(numbers: Iterable[float]) -> str:
    """Numbers, exactly: float64, the low byte first, in base64."""
    doubles = list(numbers)
    return base64.b64encode(struct.pack(f"<{len(doubles)}d", *doubles)).decode("ascii")
