"""The turns of a loop: what must be done one turn after the other, and what can be done for all of them at once.

Given are the lines of one turn. Only what a turn needs of the turn before, and what that is made of, is left in the
loop. All else is done for all turns at once, with one axis more: before the loop, if it needs nothing of it, or after
it, from what was kept of every turn. What is only added up, turn by turn, is a sum over all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from string import ascii_lowercase

import numpy as np

from ..engine import ADD, Op
from .lines import (LOG_SUM_EXP, MASKED, NUMBER, PLACE, PRODUCT, SPREAD, SUMMED, Line, Places, ancestors, elementwise,
                    last, logsumexp, loop, masked, number, product, reshaped, spread, stack, summed, turn, varying)


class Turns:
    """Lines of a turn, made of what is `carried` (line -> what it is in the first turn, and after each) and of `slices`
    (line -> the array that holds it for every turn), put together. `wanted` are the lines that others use, in every
    turn; `ends` what is carried that others use at the end."""

    def __init__(self, turns: int, backward: bool, carried: Mapping[Line, tuple[Line, Line]],
                 slices: Mapping[Line, Line], wanted: Sequence[Line], ends: Collection[Line]) -> None:
        self.turns, self.carried = turns, carried
        self.stacked = dict(slices)        # a line of a turn -> all turns of it
        self.in_loop: dict[Line, Line] = {}  # a line of a turn -> the one that is in the loop
        self._slices: dict[Line, Line] = {}
        leaves = {*carried, *slices}
        oldest = min(line.born for line in leaves)
        body = varying(ancestors([*wanted, *(after for _, after in carried.values())], oldest), leaves)
        self.varying = {*leaves, *body}
        self.sums = self._sums(body, wanted)
        for formal, (first, after) in carried.items():
            if after is formal:  # it stays what it is
                self.stacked[formal], self.in_loop[formal] = self._same(first), first
        needed = self._needed([*wanted, *ends])
        formals = [formal for formal in carried if formal in needed - set(self.sums) - set(self.stacked)]
        self.in_loop.update(zip(formals, formals))
        afters = [carried[formal][1] for formal in formals]
        for line in self._recurrent(body, formals, afters):
            self.in_loop[line] = Line(line.op, list(map(self._of_turn, line.args)), line.how, line.shape, line.batched,
                                      line.trained)
        if formals:
            firsts = [carried[formal][0] for formal in formals]
            self.loop = loop(turns, backward, formals, firsts, list(map(self._of_turn, afters)))

    def _sums(self, body: list[Line], wanted: Sequence[Line]) -> dict[Line, list[Line]]:
        """What is carried only to have something added to it, and what that is."""
        uses = Counter(arg for line in body for arg in line.args)
        uses.update([*wanted, *(after for _, after in self.carried.values())])
        sums = {}
        for formal, (_, after) in self.carried.items():
            terms = _added(formal, after, uses) if uses[formal] == 1 else None
            if terms and all((term.shape, term.batched) == (formal.shape, formal.batched) for term in terms):
                sums[formal] = terms
        return sums

    def _needed(self, roots: Sequence[Line]) -> set[Line]:
        """The lines of a turn that are needed for these."""
        needed: set[Line] = set()
        waiting = list(roots)
        while waiting:
            line = waiting.pop()
            if line not in needed:
                needed.add(line)
                if line in self.sums:
                    args: Sequence[Line] = self.sums[line]
                elif line in self.carried:
                    args = [self.carried[line][1]]
                else:
                    args = [] if line in self.stacked else line.args
                waiting += [arg for arg in args if arg in self.varying]
        return needed

    def _recurrent(self, body: list[Line], formals: Sequence[Line], afters: Sequence[Line]) -> list[Line]:
        """The lines on a way from something carried to something carried: only these need the loop."""
        moved = set(formals)
        for line in body:
            if any(arg in moved for arg in line.args):
                moved.add(line)
        asked = {after for after in afters if after in moved}
        for line in reversed(body):
            if line in asked and line not in formals:
                asked.update(arg for arg in line.args if arg in moved)
        return [line for line in body if line in asked and line not in self.carried]

    def _of_turn(self, line: Line) -> Line:
        """A line, as it is in the loop."""
        if line in self.in_loop or line not in self.varying:
            return self.in_loop.get(line, line)
        if line not in self._slices:
            self._slices[line] = turn(self.every_turn(line))
        return self._slices[line]

    def every_turn(self, line: Line) -> Line:
        """A line of every turn: (turns, ...)."""
        if line not in self.varying:
            return line if line.op is NUMBER else self._same(line)
        waiting = [line]
        while waiting:
            one = waiting[-1]
            missing = [arg for arg in one.args if arg in self.varying and arg not in self.stacked
                       ] if one not in self.in_loop else []
            if one not in self.stacked and not missing:
                self.stacked[one] = stack(self.loop, self.in_loop[one]) if one in self.in_loop else self._at_once(one)
            if one in self.stacked:
                waiting.pop()
            waiting += missing
        return self.stacked[line]

    def _same(self, line: Line) -> Line:
        """A line that is the same in every turn, for every turn."""
        return spread(reshaped(line, 1, *line.shape), (self.turns, *line.shape), line.batched)

    def last(self, formal: Line) -> Line:
        """What the last turn leaves of something carried."""
        if self.carried[formal][1] is formal:
            return self.carried[formal][0]
        if formal in self.sums:
            first, terms = self.carried[formal][0], list(map(self.total, self.sums[formal]))
            total = sum(terms[1:], terms[0])
            begins_with_0 = first.op is SPREAD and first.args[0].op is NUMBER and first.args[0].how[0] == 0
            return total if begins_with_0 else first + total
        return last(self.loop, formal)

    def total(self, line: Line) -> Line:
        """The sum of a line over all turns."""
        if line not in self.varying:
            return line * number(self.turns)
        if line.op is PRODUCT and line not in self.in_loop and line not in self.stacked:
            if all(arg in self.varying for arg in line.args):
                return self._product(line, summed_up=True)
            a, b = (self._sum_over_turns(arg) if arg in self.varying else arg for arg in line.args)
            return product(a, b, line.how)
        return self._sum_over_turns(line)

    def _sum_over_turns(self, line: Line) -> Line:
        return reshaped(summed(self.every_turn(line), (-1 - len(line.shape),)), *line.shape)

    def _at_once(self, line: Line) -> Line:
        """The operation of a line, for all turns at once."""
        op, shape = line.op, line.shape
        args = [self._operand(arg, len(shape)) for arg in line.args]
        if isinstance(op, Op):
            return elementwise(op, *args)
        if op is SPREAD:
            return spread(args[0], (self.turns, *shape), line.batched)
        if op is MASKED:
            return masked(args[0], *line.how)
        if op is PRODUCT:
            return self._product(line)
        args = list(map(self.every_turn, line.args))
        if op is SUMMED:
            return summed(args[0], *line.how)
        if op is LOG_SUM_EXP:
            return logsumexp(args[0])
        sizes = [line.size] * len(args) if op is PLACE else [line.args[0].size]
        places = [Places(self._every(where.of, size), where.distinct)
                  for where, size in zip(line.how if op is PLACE else [line.how], sizes)]
        return Line(op, args, places if op is PLACE else places[0], (self.turns, *shape), line.batched, line.trained)

    def _every(self, places: np.ndarray, size: int) -> np.ndarray:
        """These places, in an array of so many numbers for each turn."""
        return size * np.arange(self.turns).reshape(-1, *[1] * places.ndim) + places

    def _operand(self, arg: Line, axes: int) -> Line:
        """An operand of what has so many axes in a turn; if it changes, with an axis for the turns in front of them."""
        if arg not in self.varying:
            return arg
        array = self.every_turn(arg)
        return reshaped(array, self.turns, *[1] * (axes - len(arg.shape)), *arg.shape)

    def _product(self, line: Line, summed_up: bool = False) -> Line:
        (a, b), (of_a, of_b, of_y) = line.args, line.how
        letter = next(c for c in ascii_lowercase if c not in of_a + of_b + of_y)

        def every(names: str) -> str:
            return f"B{letter}{names[1:]}" if names.startswith("B") else letter + names

        if a in self.varying:
            a, of_a = self.every_turn(a), every(of_a)
        if b in self.varying:
            b, of_b = self.every_turn(b), every(of_b)
        return product(a, b, (of_a, of_b, of_y if summed_up else every(of_y)))


def _added(formal: Line, line: Line, uses: Counter[Line]) -> list[Line] | None:
    """The terms t of line = ((formal + t₁) + t₂) + …, the innermost first; None if more is done than adding."""
    outer: dict[Line, Line] = {}  # an operand -> the sum that it is part of
    waiting = [line]
    while waiting:
        one = waiting.pop()
        if one.op is ADD and uses[one] == 1:
            outer.update(dict.fromkeys(one.args, one))
            waiting += one.args
    if formal not in outer:
        return None
    terms, one = [], formal
    while one is not line:
        a, b = outer[one].args
        terms.append(b if one is a else a)
        one = outer[one]
    return terms
