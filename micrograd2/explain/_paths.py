"""Paths: a gradient is the sum, over all paths, of the product of the local derivatives on the way.

There may be more paths than anyone can list, and none needs to be: how many pass a value is the sum of how many pass
what reads it, and the strongest that lead to it go on from the strongest that lead to its operands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

from ..contributions import grads_of
from ..engine import Value, topological_order
from ..given import whole
from ..names import names_of
from ..shown import printable
from .table import Explanation, Table, count_text

ADDED_UP = 1000  # so many paths can be added up one by one
ROUNDED = 1e-9   # of the strongest paths: what is left of the total is rounding, where it is less


class Path(NamedTuple):
    """One way from a leaf to the root: the values on it, the local derivative of each step, and their product.

    `which` says for each step as which operand of the next value, since `a + a` has two edges.
    """

    values: list[Value]
    which: list[int]
    locals: list[float]
    product: float


@dataclass(repr=False)
class Paths(Explanation):
    """All ways from `leaf` to `root`, from `paths`: their exact `count`, their `total`, the `strongest`, and the sum of
    all `others`, NaN where rounding leaves nothing of it."""

    root: Value
    leaf: Value
    count: int
    total: float
    strongest: list[Path]
    others: float

    def share(self, path: Path) -> float:
        """The share of one path in the gradient; NaN where the gradient is 0, since the paths cancel out."""
        if not isinstance(path, Path):
            raise TypeError(f"path must be a Path, such as one of strongest; got {type(path).__name__}")
        return path.product / self.total if self.total else math.nan

    def tables(self) -> list[Table]:
        names = names_of(self.root)
        rows: list[tuple] = [(f"{k}", _way(_stations([names[value] for value in path.values]), " → ", 7),
                              _way([f"{local:.4g}" for local in path.locals], " × ", 5) or "1", path.product,
                              self._share(path.product))
                             for k, path in enumerate(self.strongest, 1)]
        rest = self.count - len(self.strongest)
        if rest and math.isnan(self.others):
            rows.append(("", f"{count_text(rest)} more, too small beside these to be told", "", "", ""))
        elif rest:
            rows.append(("", f"{count_text(rest)} more", "", self.others, self._share(self.others)))
        rows.append(("", "sum", "", self.total, ""))
        columns = {"": " ", "path": "", "local derivatives": "", "product": "+.6g", "share": " "}
        products = [row[3] for row in rows if row[3] != ""]
        if not self.total or min(product / self.total for product in products) < -1e-9:  # some cancel: shares puzzle
            del columns["share"]
            rows = [row[:-1] for row in rows]
        c, leaf = names[self.root], names[self.leaf]
        ways = f"{count_text(self.count)} path{'s' * (self.count != 1)}"
        return [Table(f"∂{c}/∂{leaf}: {ways} from {leaf} to {c}", columns, rows,
                      "The gradient is the sum over all paths of these products.", "product")]

    def _share(self, product: float) -> str:
        return f"{100 * product / self.total:.3g} %" if self.total else ""


def paths(root: Value, leaf: Value, top: int = 10) -> Paths:
    """Every path from `leaf` to `root`, counted exactly; the `top` strongest; and their sum, which is ∂root/∂leaf.

    Paths are never listed to be counted, added up, or ranked, so there may be as many as you like: their number is
    what a backward pass gives in which every local derivative is 1. ValueError if `root` was not made from `leaf`.

    >>> a = Value(3.0, "a"); b = a * a; b.label = "b"; c = b + a; c.label = "c"
    >>> paths(c, a)
    ∂c/∂a: 3 paths from a to c
       path       local derivatives  product   share
    1  a → b → c  3 × 1                   +3  42.9 %
    2  a → b → c  3 × 1                   +3  42.9 %
    3  a → c      1                       +1  14.3 %
       sum                                +7
    The gradient is the sum over all paths of these products.
    """
    for name, value in (("root", root), ("leaf", leaf)):
        if not isinstance(value, Value):
            raise TypeError(f"{name} must be a Value; got {type(value).__name__}")
    top = whole("top", top, 0)
    count = next((many for value, many in visits(root) if value is leaf), 0)
    if not count:
        raise ValueError(f"leaf, {leaf.label or repr(leaf)}, is not on the graph of root, {root.label or repr(root)}: "
                         f"it must be one of the Values that root was made from")
    total, strongest = grads_of(root)[leaf], _strongest(root, leaf, count if count <= ADDED_UP else top + 1)
    return Paths(root, leaf, count, total, strongest[:top], _others(count, total, [p.product for p in strongest], top))


def visits(root: Value) -> Iterator[tuple[Value, int]]:
    """Every value behind `root`, results first, and how many paths there are between the two."""
    ways = {root: 1}
    for value in reversed(topological_order(root)):
        many = ways.pop(value)  # all that reads it is done
        yield value, many
        for operand in value.args:
            ways[operand] = ways.get(operand, 0) + many


def _others(count: int, total: float, products: list[float], top: int) -> float:
    """The sum of all products but the first `top`, given the strongest; NaN where too many are not among these, and
    what is left of the total is no more than its rounding."""
    if len(products) == count or not products[-1]:  # none is stronger than the last
        return math.fsum(products[top:])
    others = total - math.fsum(products[:top])
    return others if abs(others) >= ROUNDED * math.fsum(map(abs, products[:top])) else math.nan


class _Lead(NamedTuple):
    """One of the strongest paths to some value: its product, its last step, and the path before that."""

    product: float
    value: Value
    which: int
    local: float
    before: _Lead | None


def _strongest(root: Value, leaf: Value, top: int) -> list[Path]:
    """The `top` paths with the largest products in size: the best of a value are made of the best of its operands."""
    leads = {leaf: [_Lead(1.0, leaf, 0, 1.0, None)][:top]}
    for value in topological_order(root):
        if value.born > leaf.born:
            found = [_Lead(local * lead.product, value, which, local, lead)
                     for which, (operand, local) in enumerate(zip(value.args, value.local_grads))
                     for lead in leads.get(operand, ())]
            if found:
                leads[value] = nlargest(top, found, key=lambda lead: abs(lead.product))
    return [_path_of(lead) for lead in leads.get(root, [])]


def _path_of(lead: _Lead) -> Path:
    product, steps = lead.product, []
    while lead.before:
        steps.append(lead)
        lead = lead.before
    steps.reverse()
    return Path([lead.value, *(step.value for step in steps)], [step.which for step in steps],
                [step.local for step in steps], product)


def _way(steps: list[str], between: str, most: int) -> str:
    steps = [printable(step, 32) for step in steps]
    if len(steps) > most:
        half = most // 2
        steps = [*steps[:half], f"… {len(steps) - 2 * half:,} more …", *steps[-half:]]
    return between.join(steps)


def _stations(names: list[str]) -> list[str]:
    """The names on a path, where the z and a of a neuron are one station, and so is what a cost does to one output."""
    named = [name[:-2] if name.endswith(("].z", "].a")) else name for name in names]
    stations = [name for i, name in enumerate(named) if name not in named[i - 1:i]]
    neurons = [i for i, name in enumerate(stations) if name.endswith("]") and ".neurons[" in name]
    return stations[:neurons[-1] + 1] + stations[-1:] if neurons and neurons[-1] + 1 < len(stations) else stations
