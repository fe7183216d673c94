"""The page of an expression: its Values, how each was made, where each stands, and how to compute them again."""

from __future__ import annotations

import re
from typing import Any

from ..engine import NEG, Op, Power, Value, topological_order
from ..pictures import MOST_NODES, Picture
from .page import Page, number, page_of, readable
from .script import is_spelled, printed_row

POINTS = 72.0   # to an inch, in which Graphviz measures
LETTERS = 22    # of a name, at most


def value_page(root: Value) -> Page:
    """The page that `play(value)` makes."""
    nodes = topological_order(root)
    if len(nodes) > MOST_NODES:
        raise ValueError(f"this expression has {len(nodes):,} values, and a page plays at most {MOST_NODES}: play a "
                         f"smaller one, or a part of it; for a network there is play(network, X, Y)")
    index = {node: i for i, node in enumerate(nodes)}
    cards = [_card(node, name) for node, name in zip(nodes, _names(nodes))]
    edges = [(index[operand], index[node]) for node in reversed(nodes) for operand in node.args]  # as `flow` goes
    still = _still(nodes)
    rows: dict[tuple[Op, int], int] = {}
    for node in nodes:
        if node.args and not still:
            rows.setdefault((node.op, len(node.args)), len(rows))
    data = {
        "nodes": [card | {"label": readable(node.label), "data": number(node.data),
                          "args": [index[operand] for operand in node.args],
                          "locals": [number(local) for local in node.local_grads],
                          "row": rows.get((node.op, len(node.args)), -1)} for card, node in zip(cards, nodes)],
        "layouts": [_layout(direction, cards, edges) for direction in ("LR", "TB")],
        "still": still,
    }
    printed = "const rows = [\n" + "".join(f"  {printed_row(*row)},\n" for row in rows) + "];"
    return page_of("value", f"Backpropagation of {root.label}" if root.label else "Backpropagation", data, printed)


def _still(nodes: list[Value]) -> str:
    """Why the page may not compute anew, "" if it may: what it would find must be what the record holds."""
    for node in nodes:
        if not is_spelled(node.op) and node.args:
            return f"A page does not know how to compute {node.op.symbol}, so nothing can be changed here."
        operands = [arg.data for arg in node.args]
        try:
            now = [node.op.value(*operands), *node.op.local(node.data, *operands)] if node.args else [node.data]
        except (ArithmeticError, ValueError):
            now = []
        then = [node.data, *node.local_grads]
        if len(now) != len(then) or any(x != y and (x == x or y == y) for x, y in zip(now, then)):
            return "A number was changed after the forward pass, so this page shows the pass that was made."
    return ""


def _names(nodes: list[Value]) -> list[str]:
    """A short name for each node: its label, or its number if it is a leaf, or how it was made."""
    names: dict[Value, str] = {}
    for node in nodes:
        if node.label or not node.args:
            names[node] = _last_part(readable(node.label)) or f"{node.data:.4g}".replace("-", "−")
            continue
        operands = [names[operand] for operand in node.args]
        name = _made(node, operands)
        if len(name) > LETTERS:
            name = _made(node, [operand if len(operand) <= 8 else "…" for operand in operands])
        names[node] = name if len(name) <= LETTERS else f"{node.op.sign} of {len(operands)}"
    return list(names.values())


def _made(node: Value, operands: list[str]) -> str:
    symbol = node.op.sign
    parts = [f"({name})" if " " in name else name for name in operands]
    if " " in symbol:  # w·x + b
        return symbol
    if len(parts) == 2 and not symbol[0].isalpha():
        return f"{parts[0]} {symbol} {parts[1]}"
    if isinstance(node.op, Power):
        return parts[0] + symbol[1:]
    return symbol + parts[0] if node.op is NEG else f"{symbol}({', '.join(operands)})"


def _last_part(label: str) -> str:
    """A label at most so long, of a parameter the end, since it is what tells it apart.

    >>> _last_part("layers[0].neurons[12].w[3]"), _last_part("a long name of something else")
    ('…[0].neurons[12].w[3]', 'a long name of someth…')
    """
    if len(label) <= LETTERS:
        return label
    if not re.fullmatch(r"[\w.\[\]]+", label) or "." not in label:
        return label[:LETTERS - 1] + "…"
    return "…" + re.sub(r"^\w*(?=[\[.])", "", label[1 - LETTERS:])


def _card(node: Value, name: str) -> dict[str, Any]:
    """What a node's card shows and its size in pixels; `inset` is the dark cell at its left, for its operation."""
    symbol = node.op.sign if node.args else ""
    inset = max(26, 8 * len(symbol) + 12) if symbol else 0
    letters = min(max(len(name), 11), LETTERS)
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
