"""The backward pass of an array program: the engine's, with arrays for numbers.

Every line hands what it was handed on to its operands, by its adjoint. A loop does so turn by turn, from the last to
the first: what a turn hands back to what was carried into it is carried to the turn before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from .lines import (LOOP, NUMBER, PLACE, READ, STACK, TURN, ArrayOp, ArrayProgram, Line, Places, body_of, carried,
                    carry_of, elementwise_adjoint, number, place, spread, stack, turn)
from .turns import Turns

Contributions = list[tuple[Line, Line]]  # the parts of an adjoint, and the line that handed back each


def with_gradient(program: ArrayProgram) -> ArrayProgram:
    """The program of a loss, with its gradient."""
    handed: dict[Line, Contributions] = defaultdict(list)
    handed[program.result].append((number(1.0), program.result))
    gradients: dict[Line, Line] = {}
    for y in reversed(program.lines()):
        if y not in handed:
            continue
        if y.op is LOOP:
            for arg, part in _through_the_turns(y, handed.pop(y), gradients):
                handed[arg].append((part, y))
        else:
            gradients[y] = _propagated(y, handed)
    theta = program.theta
    gradient = spread(gradients[theta], theta.shape, False) if theta in gradients else place([], theta)
    return program._replace(gradient=gradient, gradients={y: gradients[y] for y in program.variables if y in gradients})


def _propagated(y: Line, handed: dict[Line, Contributions]) -> Line:
    """The adjoint of y: what it was handed, added up. Its operands are handed their parts."""
    d = _accumulated(handed.pop(y), y)
    adjoint = y.op.adjoint if isinstance(y.op, ArrayOp) else elementwise_adjoint
    for arg, part in zip(y.args, adjoint(d, y)):
        if arg.trained:
            handed[arg].append((part, y))
    return d


def _through_the_turns(loop: Line, ends: Contributions, gradients: dict[Line, Line]) -> Iterator[tuple[Line, Line]]:
    """What a loop hands back to everything outside that it uses: (line, part).

    h[t] = f(h[t−1], x[t], w) goes back as the loop d_h[t−1] = d_h[t] · ∂f/∂h, from the last turn; x is handed all of
    d_h[t] · ∂f/∂x at once, w the sum over the turns of d_h[t] · ∂f/∂w, and what h begins with, d_h[0].
    """
    turns, backward = loop.how
    formals, firsts, afters = carry_of(loop)
    body = body_of(loop)
    slices = {y: y.args[0] if y.op is TURN else stack(loop, y) for y in (*formals, *body) if y.op is not READ}
    carries = {formal: carried(formal.shape, formal.batched, formal.trained) for formal in formals}
    handed, at_end = _contributions_of_users(ends, slices)
    for formal, after in zip(formals, afters):
        if after.trained:
            handed[after].append((carries[formal], loop))
    given = {y: _propagated(y, handed) for y in reversed(body) if y in handed and y.op is not TURN}
    back = {}  # what is carried backwards -> what it is before the last turn, and what a turn makes of it
    for formal in formals:
        d = _accumulated(handed.pop(formal), formal) if formal in handed else number(0.0)
        first = sum(at_end[formal][1:], at_end[formal][0]) if formal in at_end else number(0.0)
        back[carries[formal]] = _like(first, formal), _like(d, formal)
    parts: list[tuple[Line, Line]] = []  # what is left in `handed` is of lines outside, and of the slices of arrays
    for y, pairs in handed.items():
        parts += [(y, _like(_accumulated(pairs, y), y))] if y.op is TURN else [(y, part) for part, _ in pairs]
    ends_back = [carries[formal] for formal, first in zip(formals, firsts) if first.trained]
    made = Turns(turns, not backward, back, slices, [part for _, part in parts], ends_back)
    for y, part in parts:
        yield (y.args[0], made.every_turn(part)) if y.op is TURN else (y, made.total(part))
    for formal, first in zip(formals, firsts):
        if first.trained:
            yield first, made.last(carries[formal])
    gradients.update({y: made.in_loop[d] for y, d in given.items() if d in made.in_loop})


def _contributions_of_users(ends: Contributions, slices: dict[Line, Line]) -> tuple[
        dict[Line, Contributions], dict[Line, list[Line]]]:
    """What the users of a loop hand to the lines of every turn (as `slices` of it), and to what is left at the end."""
    handed: dict[Line, Contributions] = defaultdict(list)
    at_end: dict[Line, list[Line]] = defaultdict(list)
    for d, by in ends:
        line = by.args[1]
        if by.op is not STACK:
            at_end[line].append(d)
        elif d.op is NUMBER:
            handed[line].append((d, by))
        else:
            here = turn(spread(d, by.shape, by.batched))
            slices[here] = here.args[0]
            handed[line].append((here, by))
    return handed, at_end


def _like(d: Line, y: Line) -> Line:
    return spread(d, y.shape, y.batched)


def _accumulated(parts: Sequence[tuple[Line, Line]], y: Line) -> Line:
    """The sum of what y was handed, and by whom; what its readings handed to some of its places is one line."""
    placed = [part for part, by in parts if by.op is READ and part.op is PLACE]
    whole = [part for part, _ in parts if part not in placed]
    if not placed:
        return sum(whole[1:], whole[0])
    terms = [pair for part in placed for pair in zip(part.args, part.how)]
    if whole:
        everywhere = Places(np.arange(y.size).reshape(y.shape), True)
        terms.insert(0, (spread(sum(whole[1:], whole[0]), y.shape, y.batched), everywhere))
    return place(terms, y)
