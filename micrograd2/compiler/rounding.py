"""Rounding: how far apart two right computations of one scalar graph may be, entry by entry.

A program adds up in another order than the scalar graph, calls other functions for exp and tanh, and may hold float32.
Both are right if they differ by no more than rounding explains. How much that is follows from the graph itself: every
operation adds an error as if its operands and its result had been rounded once more (so a sum of large numbers that
cancel has a large one), and passes the errors of its operands on by its local derivatives. The backward pass is
followed in the same way: the engine's rows, given numbers with errors, say how wrong each local derivative may be.

    error(y)  =  Σ |∂y/∂a| · error(a)  +  u · (|y| + Σ |∂y/∂a · a|)  +  η

u is the unit of rounding, η what is lost where a number is too small to be held; what is made of zeros is exact. At a
kink, at the bottom of a square, or where most digits are lost, the local derivatives do not tell the whole: if the
result moves further when its operands move by their errors, then that is what they pass on.
The source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3 (running error analysis).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Union

from ..engine import COS, LESS, LOGSUMEXP, SIGN, SIN, Op, Value

Like = Union["Rounded", float]


class Unit(NamedTuple):
    """What one rounding may lose: a share `u` of a number, and `eta` of one that is too small to be held."""

    u: float
    eta: float

    def of(self, sizes: float) -> float:
        """Of numbers with these sizes, added up."""
        return self.u * sizes + self.eta if sizes else 0.0


class Rounded:
    """A number that is right up to an error; arithmetic follows both.

    >>> x = Rounded(1e16, 0.0, Unit(1e-16, 0.0)) + 1.0
    >>> (x - 1e16).number, round((x - 1e16).error)              # what is left is all error
    (0.0, 4)
    """

    __slots__ = ("number", "error", "unit")

    def __init__(self, number: float, error: float, unit: Unit) -> None:
        self.number, self.error, self.unit = number, error, unit

    def _made(self, number: float, passed_on: float, sizes: float) -> Rounded:
        return Rounded(number, passed_on + self.unit.of(abs(number) + sizes), self.unit)

    def _lift(self, other: Like) -> Rounded:
        return other if isinstance(other, Rounded) else Rounded(other, 0.0, self.unit)

    def __add__(self, other: Like) -> Rounded:
        a, b = self, self._lift(other)
        return self._made(a.number + b.number, a.error + b.error, abs(a.number) + abs(b.number))

    def __neg__(self) -> Rounded:
        return Rounded(-self.number, self.error, self.unit)

    def __sub__(self, other: Like) -> Rounded:
        return self + -self._lift(other)

    def __mul__(self, other: Like) -> Rounded:
        a, b = self, self._lift(other)
        passed_on = abs(a.number) * b.error + a.error * abs(b.number) + a.error * b.error
        return self._made(a.number * b.number, passed_on, 0.0)

    def __truediv__(self, other: Like) -> Rounded:
        a, b = self, self._lift(other)
        if abs(b.number) <= b.error:
            return Rounded(math.nan, math.inf, self.unit)  # the divisor may be 0
        quotient = a.number / b.number
        passed_on = (a.error + abs(quotient) * b.error) / (abs(b.number) - b.error)
        return self._made(quotient, passed_on, 0.0)

    def __pow__(self, other: Like) -> Rounded:
        a, b = self, self._lift(other)
        try:
            power = math.pow(a.number, b.number)
            low, high = (math.pow(a.number + sign * a.error, b.number) for sign in (-1, 1))
        except (ValueError, OverflowError):
            return Rounded(math.nan, math.inf, self.unit)
        of_exponent = abs(power * math.log(abs(a.number)) * b.error) if b.error and a.number else 0.0
        return self._made(power, max(abs(low - power), abs(high - power)) + of_exponent, 0.0)

    def __radd__(self, other: float) -> Rounded:
        return self + other

    def __rsub__(self, other: float) -> Rounded:
        return self._lift(other) - self

    def __rmul__(self, other: float) -> Rounded:
        return self * other

    def __rtruediv__(self, other: float) -> Rounded:
        return self._lift(other) / self

    def __rpow__(self, other: float) -> Rounded:
        return self._lift(other) ** self

    def apply(self, op: Op, operands: Sequence[Like]) -> Rounded:
        """What a row of the table does when it is called with these."""
        lifted = [self._lift(operand) for operand in operands]
        numbers, errors = [x.number for x in lifted], [x.error for x in lifted]
        try:
            y = op.value(*numbers)
        except (ArithmeticError, ValueError):
            return Rounded(math.nan, math.inf, self.unit)
        if op in (SIGN, LESS):  # their values jump: either may be right where the operands are as near as their errors
            near = abs(numbers[0] - (numbers[1] if op is LESS else 0.0)) <= sum(errors) > 0
            jump = 1.0 if op is LESS else 1.0 + abs(y)  # from 1 to −1, or from 0 to either
            return Rounded(y, jump if near else 0.0, self.unit)
        slopes = op.local(y, *numbers)
        sizes = sum(abs(slope * number) for slope, number in zip(slopes, numbers))
        return self._made(y, _passed_on(op, y, numbers, errors, slopes), sizes)


def rounding_errors(order: Sequence[Value], cost: Value | None, u: float, eta: float
                    ) -> tuple[dict[Value, float], dict[Value, float]]:
    """How wrong each of these Values, operands first, may be by rounding; and, if there is a cost, ∂cost/∂v by each v.

    >>> from micrograd2.engine import topological_order
    >>> a, b = Value(1e8, "a"), Value(1.0, "b")
    >>> cost = (a + b - a) * b
    >>> errors, of_gradients = rounding_errors(topological_order(cost), cost, 1e-16, 0.0)
    >>> round(errors[cost], 8), round(of_gradients[b], 8), of_gradients[a] < 1e-14
    (6e-08, 6e-08, True)
    """
    unit = Unit(u, eta)
    errors: dict[Value, float] = {}
    for node in order:
        if not node.args:
            errors[node] = unit.of(abs(node.data))
            continue
        numbers, theirs = [arg.data for arg in node.args], [errors[arg] for arg in node.args]
        sizes = abs(node.data) + sum(abs(local * number) for local, number in zip(node.local_grads, numbers))
        if node.op is LOGSUMEXP:
            sizes += 1.0  # the largest of the exponentials, of whose sum it is the logarithm
        errors[node] = _passed_on(node.op, node.data, numbers, theirs, node.local_grads) + unit.of(sizes)
    if cost is None:
        return errors, {}
    grads = dict.fromkeys(order, 0.0) | {cost: 1.0}
    wrong = dict.fromkeys(order, 0.0)
    for node in reversed(order):
        if node.args:
            upstream, off = grads[node], wrong[node]
            for operand, local in zip(node.args, _locals(node, errors, unit)):
                number, error = (local.number, local.error) if isinstance(local, Rounded) else (local, 0.0)
                adds = upstream * number
                grads[operand] += adds
                wrong[operand] += abs(upstream) * error + off * (abs(number) + error) + unit.of(2 * abs(adds))
    return errors, wrong


def _passed_on(op: Op, y: float, numbers: Sequence[float], errors: Sequence[float], slopes: Sequence[float]) -> float:
    """How far the result moves when all operands move by their errors, up the slopes or down."""
    if not any(errors):
        return 0.0
    ends = []
    for way in (1.0, -1.0):
        moved = [number + way * math.copysign(error, slope) for number, error, slope in zip(numbers, errors, slopes)]
        try:
            ends.append(abs(op.value(*moved) - y))
        except (ArithmeticError, ValueError):
            return math.inf  # it may not be defined there
    along = sum(abs(slope) * error for slope, error in zip(slopes, errors))
    if op in (SIN, COS):  # they turn on the way: |sin(x + e) − sin x| ≤ |cos x| · e + e² / 2, and never above 2
        return min(2.0, along + errors[0] ** 2 / 2)
    return max(*ends, along)


def _locals(node: Value, errors: dict[Value, float], unit: Unit) -> Sequence[Any]:
    """The local derivatives of a node, with their errors."""
    operands = [Rounded(arg.data, errors[arg], unit) for arg in node.args]
    return node.op.local(Rounded(node.data, errors[node], unit), *operands)
