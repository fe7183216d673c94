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
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from .backprop import Cost, Pass, kind, passes, places, through_the_layers
from .contributions import flow
from .costs import squared_error
from .engine import NEG, RELU, SIGMOID, TANH, Power, Value, topological_order
from .files import write_whole
from .nn import MLP
from .pictures import BLUE, MOST_NODES, ORANGE, Picture

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


def play(what: Value | MLP, X: Any = None, Y: Any = None, cost: Cost = squared_error) -> Page:
    """A page that plays the backward pass of the expression that made a Value, or of a network on some examples.

    `play(value)` shows the numbers forward, then every contribution backward, in the order and with the numbers of
    `flow(value)`. It takes at most 300 Values (else a ValueError), and needs Graphviz's `dot` for its layout
    (else a RuntimeError that says how to get it).

    `play(network, X, Y)` tells the story of backpropagation on one example, X (inputs,), or on each of a few, X
    (N, inputs) and Y (N, targets) or (N,) with N to 100, and on their average. ValueError for wrong shapes, for a
    weight that stands in several places, and for gradients that do not come back layer by layer.

    Neither reads nor changes the stored gradients.

    >>> w, x = Value(0.5, "w"), Value(4.0, "x")
    >>> play(w * x)
    <Page of ...
    """
    if isinstance(what, Value):
        if X is not None or Y is not None:
            raise TypeError("play of a Value takes no X and Y: they are for play(network, X, Y)")
        return _play_value(what)
    if isinstance(what, MLP):
        return _play_network(what, X, Y, cost)
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
    if isinstance(node.op, Power):
        exponent = node.op.symbol.removeprefix("**")
        return "x" + (exponent.translate(RAISED) if node.op.p.is_integer() and "e" not in exponent else f"^{exponent}")
    return node.op.sign


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
        elif isinstance(node.op, Power):
            name = parts[0] + symbol[1:]
        elif node.op is NEG:
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
    return {"name": name, "symbol": symbol, "why": node.op.why, "inset": inset, "width": inset + 7 * letters + 20,
            "height": 63 if node.label or node.args else 46}


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

FORMULAS = {SIGMOID: "σ′(z) = a·(1 − a)", TANH: "tanh′(z) = 1 − a²", RELU: "1 where z is above 0, else 0"}


def _play_network(net: MLP, X: Any, Y: Any, cost: Cost) -> Page:
    if X is None and Y is None:
        raise TypeError("play of a network needs examples: play(network, X, Y)")
    given = passes(net, X, Y, cost, MOST_EXAMPLES)
    many = places(net)
    if tied := [name for name, p in net.named_parameters() if many[p] > 1]:
        raise ValueError(f"{tied[0]} stands in several places of the network, and a page shows ∂C/∂w = δ·a of each "
                         f"place, not their sum; draw(network, x, y) shows that")
    examples: list[dict[str, Any]] = []
    formulas: list[list[set[str]]] = [[set() for _ in layer.neurons] for layer in net.layers]
    for one in through_the_layers(net, given):
        examples.append(_example(one))
        for of_layer, pairs in zip(formulas, one.layers):
            for of_neuron, (z, a) in zip(of_layer, pairs):
                of_neuron.add(_formula(z, a))
    sizes = [len(net.layers[0].neurons[0].w), *(len(layer.neurons) for layer in net.layers)]
    data = {
        "sizes": sizes, "kinds": [[_readable(kind(neuron), 22) for neuron in layer.neurons] for layer in net.layers],
        "formulas": [[found.pop() if len(found) == 1 else "" for found in layer] for layer in formulas],
        "weights": [_packed(w.data for neuron in layer.neurons for w in neuron.w) for layer in net.layers],
        "biases": [_packed(neuron.b.data for neuron in layer.neurons) for layer in net.layers],
        "names": [str(j) for j in range(sizes[-1])] if sizes[-1] > 1 else ["out"], "squared": cost is squared_error,
        "cost": _readable(getattr(cost, "__name__", "a function of your own")).replace("_", " "),
        "examples": examples,
    }
    return _page("network", f"Backpropagation through {'-'.join(map(str, sizes))}", data)


def _formula(z: Value, a: Value) -> str:
    """f′(z) as a formula, of an activation that the graph shows to be one known operation; else ""."""
    return "1" if a is z else FORMULAS.get(a.op, "") if a.args == (z,) else ""


def _example(one: Pass) -> dict[str, Any]:
    """All that the page needs to know of one example: every z, a and f′(z), and the cost's gradient in z and a."""
    x, y = one.activations[0], one.targets
    classes = len(y) > 1 and sorted(y) == [0.0] * (len(y) - 1) + [1.0]
    return {
        "input": _told(x), "target": str(y.index(1.0)) if classes else _told(y),
        "cost": _number(one.cost.data) if one.cost is not None else "", "y": _packed(y),
        "a": list(map(_packed, one.activations)), "z": list(map(_packed, one.sums)),
        "slopes": list(map(_packed, one.slopes)),
        "da": list(map(_packed, one.pulls)), "dz": list(map(_packed, one.deltas)),
    }


def _told(numbers: list[float]) -> str:
    return (", ".join(f"{number:.3g}" for number in numbers[:3]) + ", …" * (len(numbers) > 3)).replace("-", "−")


def _packed(numbers: Iterable[float]) -> str:
    """Numbers, exactly: float64, the low byte first, in base64."""
    doubles = list(numbers)
    return base64.b64encode(struct.pack(f"<{len(doubles)}d", *doubles)).decode("ascii")
