"""Tidying an array program: equal lines once, factors together, sums of sums as one; what nobody reads falls away.

Lines are never changed: a tidied program is another one, made line by line from the first to the last.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..engine import MUL, NEG, SUB
from .lines import LEAF, LOG_SUM_EXP, MASKED, NUMBER, READ, SUMMED, ArrayProgram, Line, Places
from .lines import is_whole, masked, number


def tidied(program: ArrayProgram) -> ArrayProgram:
    """The same program in fewer lines. An operand is `free` to be rewritten if nobody else uses it, and no reader
    follows it on the page."""
    lines, shown = program.lines(), {*program.variables, *program.gradients.values()}
    uses = Counter(arg for line in lines for arg in line.args)
    new: dict[Line, Line] = {}
    known: dict[Hashable, Line] = {}
    for line in lines:
        again = Line(line.op, [new[arg] for arg in line.args], line.how, line.shape, line.batched, line.trained)
        free = [uses[arg] == 1 and arg not in shown for arg in line.args]
        if line.op is MUL:
            again = _factors_together(again, free)
        if line.op is SUMMED and uses[line.args[0]] == 1:
            again = _sums_together(again)
        if line.op is READ and free[0]:
            again = _readings_together(again)
        if again.op in (SUMMED, READ) and free[0] and again.args[0] is new[line.args[0]]:
            again = _factor_outside(again)
        if line.op is MASKED:
            again = _mask_inside(again)
        new[line] = again if line.op is LEAF else known.setdefault(key(again, again.args), again)
    return ArrayProgram(
        new.get(program.theta, program.theta), tuple(new[line] for line in program.variables if line in new),
        new[program.result], program.cost and new.get(program.cost), program.gradient and new[program.gradient],
        {new[y]: new[d] for y, d in program.gradients.items() if y in new and d in new})


def _factors_together(line: Line, free: Sequence[bool]) -> Line:
    """(2 / B · v) · w, and not (2 · (1 / B · v)) · w: one factor, on the smaller of the two."""
    (x, j, a), (y, k, b) = (_factor(arg) if may else (1.0, 0, arg) for arg, may in zip(line.args, free))
    if a is line.args[0] and b is line.args[1]:
        return line
    small, large = (a, b) if (a.batched, a.size) <= (b.batched, b.size) else (b, a)
    if small.op is NUMBER:
        return small * number(x * y, j + k) * large
    return (number(x * y, j + k) * small) * large


def _factor(line: Line) -> tuple[float, int, Line]:
    """A line as x · Bᵏ · the rest."""
    if line.op is MUL and line.args[0].op is NUMBER:
        return *line.args[0].how, line.args[1]
    if line.op is NEG:
        x, k, rest = _factor(line.args[0])
        return -x, k, rest
    return 1.0, 0, line


def _sums_together(line: Line) -> Line:
    inner, (axes, over) = line.args[0], line.how
    if inner.op is not SUMMED or inner.how[1]:
        return line
    return Line(SUMMED, inner.args, (tuple({*inner.how[0], *axes}), over), line.shape, line.batched, line.trained)


def _readings_together(line: Line) -> Line:
    inner, (places, distinct) = line.args[0], line.how
    if inner.op is not READ:
        return line
    (a,), places, distinct = inner.args, inner.how.of.ravel()[places], inner.how.distinct and distinct
    if places.shape == a.shape and is_whole(places, a.size):
        return a
    return Line(READ, [a], Places(places, distinct), line.shape, line.batched, line.trained)


def _factor_outside(line: Line) -> Line:
    """2 · the sum, and not the sum of 2 · v."""
    x, k, rest = _factor(line.args[0])
    if rest is line.args[0]:
        return line
    inner = Line(line.op, [rest], line.how, line.shape, line.batched, line.trained)
    return number(x, k) * inner


def _mask_inside(line: Line) -> Line:
    """The log of a softmax, which is only asked for here and there: masked before the normaliser is taken off, as it
    was for the normaliser itself, so that both are the same line."""
    a, filling = line.args[0], line.how[1]
    if filling != -math.inf or a.op is not SUB:
        return line
    normaliser = a.args[1].args[0] if a.args[1].op is READ else a.args[1]
    if normaliser.op is not LOG_SUM_EXP:
        return line
    return masked(a.args[0], line.how[0], filling) - a.args[1]


def key(line: Line, args: Sequence[Line]) -> Hashable:
    return line.op, tuple(args), line.shape, line.batched, _hashable(line.how)


def _hashable(how: Any) -> Hashable:
    if isinstance(how, (list, tuple)):
        return tuple(map(_hashable, how))
    return (how.shape, how.dtype.str, how.tobytes()) if isinstance(how, np.ndarray) else how
