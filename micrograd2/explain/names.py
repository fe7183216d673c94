"""Names: what a value is called in an explanation, where its user gave it no label."""

from __future__ import annotations

import math

from ..engine import Value, topological_order
from ..nn import ACTIVATIONS
from .table import printable


def names_of(root: Value) -> dict[Value, str]:
    """A name for every value: its label; the z or a of a neuron, known by the name of its bias; or else its number in
    topological order, as in the pictures, and its operation."""
    names: dict[Value, str] = {}
    for i, value in enumerate(topological_order(root)):
        first, last = (names[value.args[0]], value.args[-1].label) if value.args else ("", "")
        if value.label:
            names[value] = value.label
        elif value.op.symbol == "dot" and last.endswith("].b"):
            names[value] = f"{last[:-2]}.z"
        elif value.op.symbol in ACTIVATIONS and first.endswith("].z"):
            names[value] = f"{first[:-2]}.a"
        else:
            names[value] = f"n{i}" + (f":{value.op.symbol}" if value.args else f"={value.data:.4g}")
    return names


def making(node: Value, names: dict[Value, str]) -> str:
    """How a value was made, with the names of its operands."""
    operands = [printable(names[arg], 32) for arg in node.args]
    symbol = node.op.symbol
    if len(operands) == 2 and symbol in "+-*/**":
        return f"{operands[0]} {symbol} {operands[1]}"
    if len(operands) == 1 and symbol.startswith("**"):
        return f"{operands[0]}{symbol}"
    if len(operands) > 4:
        operands[3:] = [f"… {len(operands) - 3:,} more"]
    return f"{symbol}({', '.join(operands)})"


def counted(count: int) -> str:
    """A whole number of any size."""
    return f"{count:,}" if count < 10 ** 21 else f"about 10^{math.log10(count):,.1f}"
