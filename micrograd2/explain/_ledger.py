"""Ledger: the backward pass line by line, in the right order or in none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ..contributions import flow
from ..engine import Value
from ..names import making, names_of
from ..shown import printable
from ._paths import visits
from .table import Explanation, Table, count_text

MOST_LINES = 100_000  # of a ledger without an order, which repeats itself


class Entry(NamedTuple):
    """One line of the ledger: what one edge adds to the gradient of an operand, and what that has received so far.

    `wrong` says what is wrong with it; "" in the right order.
    """

    number: int
    result: Value
    operand: Value
    upstream: float
    local: float
    contribution: float
    total: float
    wrong: str


@dataclass(repr=False)
class Ledger(Explanation):
    """The backward pass from `root`, line by line, from `ledger`; `grads` is what each value holds at the end."""

    root: Value
    order: str
    entries: list[Entry]
    grads: dict[Value, float]
    right: dict[Value, float]

    def tables(self) -> list[Table]:
        names = names_of(self.root)
        title = f"The backward pass from {names[self.root]}"
        columns = {"": "d", "result": "", "to": "", "upstream": ".6g", "× local": ".6g", "= contribution": "+.6g",
                   "so far": ".6g"}
        rows: list[tuple] = [(e.number, f"{names[e.result]} = {making(e.result, names)}", names[e.operand], e.upstream,
                              e.local, e.contribution, e.total) for e in self.entries]
        if self.order != "naive":
            return [Table(f"{title}, in reverse topological order", columns, rows, "", "= contribution")]
        rows = [(*row, f"✗ {e.wrong}" if e.wrong else "") for row, e in zip(rows, self.entries)]
        return [Table(f"{title}, by recursion, without topological order", columns | {"wrong": ""}, rows, "",
                      "= contribution"), self._wrong(names)]

    def _wrong(self, names: dict[Value, str]) -> Table:
        """The gradients that recursion without an order gets wrong."""
        rows: list[tuple] = [(names[value], self.grads[value], right) for value, right in reversed(self.right.items())
                             if not _close(self.grads[value], right)]
        if not rows:
            return Table("Here it comes out right: no result is used twice on the way.", {}, [])
        again = any(entry.wrong.startswith("again") for entry in self.entries)
        return Table("What comes out wrong", {"value": "", "gradient": ".6g", "should be": ".6g"}, rows,
                     "✗ again: these steps were walked before." if again else "")


def ledger(root: Value, order: str = "topological") -> Ledger:
    """The backward pass as a numbered table: result, operand, upstream, local, contribution, running gradient.

    With `order="naive"`, what happens instead when a pass recurses from every result into its operands at once: where
    a result is used twice, it passes an unfinished gradient on, and later passes all of it on again.

    >>> a = Value(1.0, "a"); b = a + a; b.label = "b"; c = b + b; c.label = "c"
    >>> ledger(c)
    The backward pass from c, in reverse topological order
       result     to  upstream  × local  = contribution  so far
    1  c = b + b  b          1        1              +1       1
    2  c = b + b  b          1        1              +1       2
    3  b = a + a  a          2        1              +2       2
    4  b = a + a  a          2        1              +2       4
    >>> naive = ledger(c, order="naive")
    >>> naive.grads[a], naive.right[a], [entry.number for entry in naive.entries if entry.wrong]
    (6.0, 4.0, [2, 3, 5, 6])
    """
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value; got {type(root).__name__}")
    if not isinstance(order, str) or order not in ("topological", "naive"):
        raise ValueError(f'order must be "topological" or "naive"; got {order!r}')
    entries = [Entry(number, step.result, step.operand, *step[2:], "")
               for number, step in enumerate(flow(root), 1)]
    right = {root: 1.0} | {entry.operand: entry.total for entry in entries}
    if order == "topological":
        return Ledger(root, order, entries, right, right)
    return Ledger(root, order, *_recurse(root, right), right)


def _recurse(root: Value, right: dict[Value, float]) -> tuple[list[Entry], dict[Value, float]]:
    """What recursion without an order does, without recursion: visit(result) adds to an operand, then visits it."""
    lines = sum(many * len(node.args) for node, many in visits(root))  # it comes by once on every path
    if lines > MOST_LINES:
        raise ValueError(f"without an order the backward pass would have {count_text(lines)} lines, since it walks "
                         f"again through all that lies behind a value used twice; the ledger shows at most "
                         f"{MOST_LINES:,}")
    grads = dict.fromkeys(right, 0.0) | {root: 1.0}
    entries: list[Entry] = []
    visited: set[Value] = set()
    stack = [(root, 0)]
    while stack:
        node, which = stack.pop()
        if which == len(node.args):
            visited.add(node)
            continue
        stack.append((node, which + 1))
        operand, local, upstream = node.args[which], node.local_grads[which], grads[node]
        grads[operand] += upstream * local
        again, unfinished = node in visited, not _close(upstream, right[node])
        wrong = "again" if again else ""
        if again and unfinished:
            wrong = f"again, and with {upstream:.4g}, not {right[node]:.4g}"
        elif unfinished:
            wrong = f"{printable(node.label, 32) or 'it'} has {upstream:.4g} of {right[node]:.4g}"
        entries.append(Entry(len(entries) + 1, node, operand, upstream, local, upstream * local, grads[operand], wrong))
        stack.append((operand, 0))
    return entries, grads


def _close(grad: float, right: float) -> bool:
    """Whether two gradients differ by no more than rounding."""
    return math.isclose(grad, right, rel_tol=1e-9, abs_tol=1e-12)
