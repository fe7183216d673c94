"""Loops: what is repeated in the lines of a program is written as a loop.

Every stretch of repeated lines (`repeats`) becomes the lines of one turn, made of what is carried into it and of slices
of arrays; `turns` decides what of it must be done one turn after the other. Whoever uses one of these lines elsewhere
reads it from what was kept of all turns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .lines import PLACE, READ, TABLE, ArrayProgram, Line, Places, carried, joined, read, reshaped, spread, table, turn
from .repeats import NEXT, NUMBERS, SAME, Order, Relation, Source, Stretch
from .turns import Turns


def rolled(program: ArrayProgram, births: Mapping[Line, int]) -> ArrayProgram:
    """The program with a loop wherever lines are repeated; `births` say when the scalar code made some of them."""
    order = Order(program, births)
    return _Rolling(program, order).program() if order.at else program


class _Rolling:
    """The lines of a program made again, with a loop for every stretch."""

    def __init__(self, program: ArrayProgram, order: Order) -> None:
        self.old, self.order = program, order
        self.new: dict[Line, Line] = {}
        self.at = order.at
        self.loops: dict[Stretch, _Loop] = {}
        self.wanted: dict[Stretch, set[tuple[int, bool]]] = defaultdict(set)
        asked = [(None, order.one[line]) for line in (program.result, program.cost) if line in order.one]
        for user, arg in [*asked, *((line, arg) for line in order.lines for arg in order.args[line])]:
            if here := self.at.get(order.base(arg)):
                stretch, q, t = here
                if user not in self.at or self.at[user][0] is not stretch:
                    self.wanted[stretch].add((q, t == len(stretch.turns) - 1 and (q, 1) in stretch.firsts))

    def program(self) -> ArrayProgram:
        one = self.order.one
        self.make(one[line] for line in (self.old.result, self.old.cost) if line in one)
        variables = [self.shown(one[line]) for line in self.old.variables if line in one]
        cost = self.old.cost and one.get(self.old.cost)
        return ArrayProgram(self.new.get(self.old.theta, self.old.theta), tuple(dict.fromkeys(filter(None, variables))),
                            self.new[one[self.old.result]], cost and self.new[cost])

    def shown(self, line: Line) -> Line | None:
        if line not in self.at:
            return self.new.get(line)
        stretch, q, _ = self.at[line]
        return self.loops[stretch].shown(q) if stretch in self.loops else None

    def make(self, roots: Iterable[Line]) -> None:
        """Make these again, and all that they need first."""
        waiting = list(roots)
        while waiting:
            line = waiting[-1]
            needed = self.needed(line) if line not in self.new else []
            missing = [arg for arg in needed if arg not in self.new]
            if not missing:
                waiting.pop()
                if line not in self.new:
                    self.new[line] = self.made(line)
            waiting += missing

    def needed(self, line: Line) -> Iterable[Line]:
        """What must be made before this line: if it is within a stretch, all that the stretch uses."""
        if line not in self.at:
            return self.order.args[line] if line.op is not PLACE else [
                arg if self.order.base(arg) not in self.at else self.order.base(arg) for arg in self.order.args[line]]
        stretch = self.at[line][0]
        if stretch in self.loops:
            return ()
        uses = [stretch.firsts[of] for of in stretch.firsts]
        for lines in stretch.turns:
            for one in filter(None, lines):
                for arg in self.order.args[one]:
                    base = self.order.base(arg)
                    if base not in self.at or self.at[base][0] is not stretch:
                        uses.append(arg)
        return dict.fromkeys(uses)

    def made(self, line: Line) -> Line:
        if line in self.at:
            stretch, q, t = self.at[line]
            if stretch not in self.loops:
                self.loops[stretch] = _Loop(stretch, self.new, self.wanted[stretch], self.loops)
            return self.loops[stretch].value(q, t)
        if line.op is PLACE:
            return self.placed(line)
        return Line(line.op, [self.new[arg] for arg in self.order.args[line]], line.how, line.shape, line.batched,
                    line.trained)

    def placed(self, line: Line) -> Line:
        """What is put together of many turns is read from all of them at once."""
        parts: list[tuple[Line, np.ndarray]] = []
        of_turns: dict[tuple[Any, ...], list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
        for arg, where in zip(self.order.args[line], line.how):
            base = self.order.base(arg)
            if base not in self.at:
                parts.append((self.new[arg], where.of))
                continue
            stretch, q, t = self.at[base]
            inner = np.arange(base.size).reshape(base.shape)
            for reading in reversed(self.readings(arg)):
                inner = inner.ravel()[reading.how.of]
            of_turns[stretch, q, inner.tobytes(), inner.shape].append((t * base.size + inner, where.of))
        for (stretch, q, *_), found in of_turns.items():
            places, where = (np.stack(one) for one in zip(*found))
            parts.append((read(self.loops[stretch].every_turn(q), places), where))
        parts.sort(key=lambda part: part[1].min())
        order = np.argsort(np.concatenate([where.ravel() for _, where in parts]), kind="stable")
        whole = joined([part for part, _ in parts]) if len(parts) > 1 else reshaped(parts[0][0], line.size)
        return read(spread(whole, whole.shape, line.batched), order.reshape(line.shape))

    def readings(self, line: Line) -> list[Line]:
        found = []
        while line.op is READ:
            found.append(line)
            line, = self.order.args[line]
        return found


class _Loop:
    """A stretch as a loop: `value(q, t)` is line q of turn t, `every_turn(q)` that of all turns."""

    def __init__(self, stretch: Stretch, new: Mapping[Line, Line], wanted: Iterable[tuple[int, bool]],
                 loops: Mapping[Stretch, _Loop]) -> None:
        self.stretch, self.new, self.order, self.loops = stretch, new, stretch.order, loops
        self.formals: dict[Source, Line] = {}
        self.slices: dict[Line, Line] = {}
        steady = stretch.turns[-1]
        for q, back in stretch.firsts:
            a = steady[q]
            assert a
            self.formals[q, back] = carried(a.shape, a.batched, a.trained)
        self.lines: list[Line] = []
        for q, a in enumerate(steady):
            assert a
            args = [self.operand(relation, source, [self.order.args[lines[q]][k] if lines[q] else None
                                                    for lines in stretch.turns])
                    for k, (relation, source) in enumerate(zip(stretch.relations[q], stretch.sources[q]))]
            self.lines.append(Line(a.op, args, a.how, a.shape, a.batched, a.trained))
        carries = {}
        for (q, back), formal in self.formals.items():
            first = new[stretch.firsts[q, back]]
            if missing := len(formal.shape) - len(first.shape):
                first = reshaped(first, *[1] * missing, *first.shape)
            after = self.lines[q] if back == 1 else self.formals[q, back - 1]
            carries[formal] = spread(first, formal.shape, formal.batched), after
        asked = [self.lines[q] for q, at_end in wanted if not at_end]
        ends = [self.formals[q, 1] for q, at_end in wanted if at_end]
        self.made = Turns(len(stretch.turns), False, carries, self.slices, asked, ends)

    def operand(self, relation: Relation, source: Source, args: Sequence[Any]) -> Line:
        """An operand of a line of a turn, given those of all turns."""
        a = args[-1]
        if relation == SAME:
            return self.new[a]
        if relation == NEXT:
            q, back = source
            return self.formals[q, back] if back else self.lines[q]
        if relation == NUMBERS:
            numbers = np.array([arg.how if arg.op is TABLE else arg.how[0] for arg in args])
            if (numbers == numbers[0]).all():
                return self.new[a]
            return self.slice(table(numbers))
        if relation.kind == "stretch":
            stretch, q, _ = self.order.at[a]
            turns = np.array([self.order.at[arg][2] for arg in args])
            whole = self.loops[stretch].every_turn(q)
            places = turns.reshape(-1, *[1] * len(a.shape)) * a.size + np.arange(a.size).reshape(a.shape)
            return self.slice(read(whole, places))
        if relation.inner:
            inner = self.operand(relation.inner, source, [arg and self.order.args[arg][0] for arg in args])
            return Line(READ, [inner], a.how, a.shape)
        base, places = self.new[self.order.args[a][0]], np.stack([arg.how.of for arg in args])
        distinct = a.how.distinct and np.unique(places).size == places.size
        return self.slice(Line(READ, [base], Places(places, distinct), places.shape))

    def slice(self, array: Line) -> Line:
        line = turn(array)
        self.slices[line] = array
        return line

    def shown(self, q: int) -> Line | None:
        line = self.lines[q]
        return self.made.in_loop.get(line) or self.made.stacked.get(line)

    def every_turn(self, q: int) -> Line:
        return self.made.every_turn(self.lines[q])

    def value(self, q: int, t: int) -> Line:
        if t == len(self.stretch.turns) - 1 and (q, 1) in self.formals:
            return self.made.last(self.formals[q, 1])
        line = self.lines[q]
        return read(self.every_turn(q), t * line.size + np.arange(line.size).reshape(line.shape))
