"""Contributions: the backward pass edge by edge, or summed up, and nothing written.

`backward` (see `engine`) leaves its results in the graph; here the same walk is a reading. One edge adds one
contribution, upstream gradient × local derivative, to the gradient of one operand. The names: `flow` yields every
contribution, `grads_of` keeps the last totals, `first_not_finite` looks for the first number that is none.

Left out: tables and words (see `explain`), pictures (see `draw`).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from typing import NamedTuple

from .engine import Value, results, topological_order


class Contribution(NamedTuple):
    """What one edge adds in the backward pass: `contribution = upstream * local`.

    It goes from `result` to its operand number `which`; `total` is what that `operand` has received so far.
    """

    result: Value
    which: int
    upstream: float
    local: float
    contribution: float
    total: float

    @property
    def operand(self) -> Value:
        return self.result.args[self.which]


def flow(root: Value) -> Iterator[Contribution]:
    """The backward pass from `root`, edge by edge in the order in which `backward` works. Writes nothing.

    >>> a = Value(3.0)
    >>> for step in flow(a * a):
    ...     print(f"+= {step.upstream} × {step.local} = {step.contribution}, so far {step.total}")
    += 1.0 × 3.0 = 3.0, so far 3.0
    += 1.0 × 3.0 = 3.0, so far 6.0
    """
    grads = {root: 1.0}
    for node in results(root):
        upstream = grads[node]
        for which, (operand, local) in enumerate(zip(node.args, node.local_grads)):
            contribution = upstream * local
            grads[operand] = grads.get(operand, 0.0) + contribution
            yield Contribution(node, which, upstream, local, contribution, grads[operand])


def grads_of(root: Value, ends: Container[Value] = ()) -> dict[Value, float]:
    """∂root/∂v of every Value v behind `root`, and no farther back than `ends`: the last totals of `flow`.

    It is what `backward` would add to each `grad`. Writes nothing.

    >>> x = Value(2.0)
    >>> z = x * 3
    >>> found = grads_of(z * z.relu(), {z})
    >>> found[z], x in found
    (12.0, False)
    """
    grads = {root: 1.0}
    for node in results(root, ends):
        upstream = grads[node]
        for operand, local in zip(node.args, node.local_grads):
            grads[operand] = grads.get(operand, 0.0) + upstream * local
    return grads


def first_not_finite(root: Value) -> str:
    """Which operation first made a NaN or an infinity on the way to `root`, or else on the way back; "" if none did.

    It is named with its operands, their labels and numbers; of many, the largest three with and without a label.

    >>> a = Value(1e200, "a")
    >>> first_not_finite((a * a).tanh())
    '* of a=1e+200, a=1e+200 is inf'
    """
    for node in topological_order(root):
        if not math.isfinite(node.data):
            if not node.args:
                return f"{node.label or 'a number that was put in'} is {node.data}"
            return f"{node.op.symbol} of {_operands(node)} is {node.data}"
    for step in flow(root):
        if not math.isfinite(step.total):
            return (f"the gradient of {step.operand.label or step.operand.data} is {step.total}: "
                    f"{step.result.op.symbol} adds upstream {step.upstream:g} × local {step.local:g} to it")
    return ""


def _operands(node: Value) -> str:
    """Labels and numbers; of many, the largest three with and without a label."""
    largest = sorted(node.args, key=lambda arg: abs(arg.data), reverse=True)
    labelled = [arg for arg in largest if arg.label][:3]
    others = [arg for arg in largest if not arg.label][:3]
    text = ", ".join([f"{arg.label}={arg.data:g}" for arg in labelled] + [f"{arg.data:g}" for arg in others])
    more = len(largest) - len(labelled) - len(others)
    return f"{text} and {more:,} more" if more else text
