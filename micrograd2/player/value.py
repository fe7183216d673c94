"""The page of an expression: its Values, how each was made, and how to compute them again."""

from __future__ import annotations

from ..engine import Op, Value, topological_order
from ..pictures import MOST_NODES
from ..shown import printable
from .page import Page, number, page_of
from .script import is_spelled, printed_row


def value_page(root: Value) -> Page:
    """The page that `play(value)` makes."""
    nodes = topological_order(root)
    if len(nodes) > MOST_NODES:
        raise ValueError(f"this expression has {len(nodes):,} values, and a page plays at most {MOST_NODES}: play a "
                         f"smaller one, or a part of it; for a network there is play(network, X, Y)")
    index = {node: i for i, node in enumerate(nodes)}
    still = _why_still(nodes)
    rows: dict[tuple[Op, int], int] = {}
    for node in nodes:
        if node.args and not still:
            rows.setdefault((node.op, len(node.args)), len(rows))
    data = {
        "nodes": [{"label": printable(node.label, 160), "symbol": node.op.sign if node.args else "", "why": node.op.why,
                   "data": number(node.data), "args": [index[operand] for operand in node.args],
                   "locals": [number(local) for local in node.local_grads],
                   "row": rows.get((node.op, len(node.args)), -1)} for node in nodes],
        "still": still,
    }
    printed = "const rows = [\n" + "".join(f"  {printed_row(*row)},\n" for row in rows) + "];"
    return page_of("value", f"Backpropagation of {root.label}" if root.label else "Backpropagation", data, printed)


def _why_still(nodes: list[Value]) -> str:
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
