"""Loops: where the lines of a program are one block of lines, again and again, they are written as a loop.

The lines are put into the order in which the scalar code made them, turn by turn. A line is that of a turn later if it
is the same operation, and each operand is the same one (a matrix of weights), or one turn later too (what is carried),
or the next slice of an array (x[t]), or a number in its place. The longest stretch of such lines is found, cut where
the least is carried from turn to turn, and lengthened towards the beginning, where what is carried may be anything.
Readings of places, and what is given, are no lines of their own here: they belong to those who use them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine import ADD
from .lines import (LEAF, NUMBER, PLACE, PRODUCT, READ, TABLE, ArrayProgram, Line, Places, Shape, carried, joined,
                    number, read, reshaped, spread, table, turn)
from .tidy import key
from .turns import Turns

FEWEST = 4   # turns that are worth a loop
GIVEN = LEAF, TABLE, NUMBER
SAME, NEXT, NUMBERS, SLICE, STRETCH = "same", "next", "numbers", "slice", "stretch"


def rolled(program: ArrayProgram, births: Mapping[Line, int]) -> ArrayProgram:
    """The program with a loop wherever lines are repeated; `births` say when the scalar code made some of them."""
    order = _Order(program, births)
    stretches = list(order.stretches(0, len(order.lines)))
    return _Rolling(program, order).program() if stretches else program


class _Order:
    """The `lines` of a program, each once, in the order in which the scalar code made them; their operands, `args`."""

    def __init__(self, program: ArrayProgram, births: Mapping[Line, int]) -> None:
        known: dict[Hashable, Line] = {}
        self.one: dict[Line, Line] = {}   # the first of equal lines
        self.args: dict[Line, tuple[Line, ...]] = {}
        self.at: dict[Line, tuple[_Stretch, int, int]] = {}   # where a line is: its stretch, line of a turn, turn
        for line in program.lines():
            args = tuple(self.one[arg] for arg in line.args)
            one = self.one[line] = known.setdefault(key(line, args), line)
            self.args[one] = args
        born = self.births(births)
        lines = [line for line in self.args if line.op is not READ and line.op not in GIVEN]
        self.lines = sorted(lines, key=lambda line: born[line])
        self.place = {line: i for i, line in enumerate(self.lines)}
        self.users: dict[Line, list[Line]] = defaultdict(list)
        for line in self.lines:
            for arg in self.args[line]:
                self.users[self.base(arg)].append(line)
        codes: dict[Hashable, int] = {}
        self.codes = np.array([codes.setdefault((key(line, ()), len(line.args), line.trained), len(codes))
                               for line in self.lines])

    def births(self, given: Mapping[Line, int]) -> dict[Line, int]:
        """When the scalar code made each line; a detail of others comes right before them, but what is added up, as
        soon as it is there."""
        born: dict[Line, int] = {}
        users: dict[Line, list[Line]] = defaultdict(list)
        for line, args in self.args.items():
            born[line] = max([given.get(line, 0), *(born[arg] for arg in args)])
            for arg in args:
                users[arg].append(line)
        for line in reversed([*self.args]):
            if line not in given and users[line]:
                sums = [user for user in users[line] if user.op is ADD and any(
                    one not in given and one.op is ADD for one in (user, *self.args[user]))]
                if not sums:
                    born[line] = max(born[line], min(born[user] for user in users[line]))
        return born

    def base(self, line: Line) -> Line:
        """What is read, in the end."""
        while line.op is READ:
            line, = self.args[line]
        return line

    def given(self, line: Line) -> Line:
        """A line that is made of no others."""
        self.args[line] = ()
        return line

    def relation(self, a: Line, b: Line, period: int) -> Any:
        """How an operand b is that of one turn after a; None if it is not."""
        if a.op in (NUMBER, TABLE):
            alike = a.op is b.op and a.shape == b.shape and (a.op is TABLE or a.how[1] == b.how[1])
            return NUMBERS if alike else None
        if a is b:
            return SAME
        if a.op is READ:
            if b.op is not READ or a.shape != b.shape or a.batched != b.batched:
                return None
            steps, (x,), (y,) = b.how.of - a.how.of, self.args[a], self.args[b]
            step = int(steps.flat[0])
            if (steps != step).any():
                return None
            if x is y:
                return SLICE, step
            return step == 0 and (inner := self.relation(x, y, period)) and (READ, inner) or None
        if a in self.at and b in self.at:  # one loop reads what another has left, turn by turn
            (stretch, q, t), (other, p, u) = self.at[a], self.at[b]
            return (STRETCH, u - t) if stretch is other and q == p and a.shape == b.shape else None
        later = a in self.place and self.place.get(b) == self.place[a] + period and a.shape == b.shape
        return NEXT if later else None

    def relations(self, i: int, period: int) -> Any:
        pairs = zip(self.args[self.lines[i]], self.args[self.lines[i + period]])
        found = tuple(self.relation(a, b, period) for a, b in pairs)
        return found if None not in found else None

    def stretches(self, low: int, high: int) -> Iterator[_Stretch]:
        """The longest stretch of repeated lines among these; then those before it, and those behind it."""
        best = None
        for period in self.periods(low, high):
            longest = _longest_run(self.codes[low:high - period] == self.codes[low + period:high])
            if longest[1] - longest[0] + period <= (best.covered if best else (FEWEST - 2) * period):
                continue
            found = self.stretch(low, high, period)
            if found and (best is None or found.covered > best.covered):
                best = found
        if best:
            self.at.update({line: (best, q, t) for t, lines in enumerate(best.turns) for q, line in enumerate(lines)
                            if line})
            yield from self.stretches(low, best.begin)
            yield best
            yield from self.stretches(best.end, high)

    def periods(self, low: int, high: int) -> list[int]:
        """How far apart lines of one kind are, the commonest first; twice as far, if every other turn is another."""
        order = np.argsort(self.codes[low:high], kind="stable")
        sorted_codes, gaps = self.codes[low:high][order], np.diff(order)
        gaps = gaps[sorted_codes[1:] == sorted_codes[:-1]]
        found = [gap for gap, n in Counter(gaps.tolist()).most_common(12) if n >= FEWEST - 2]
        return [period for period in dict.fromkeys(k * gap for k in (1, 2) for gap in found) if period < high - low]

    def stretch(self, low: int, high: int, period: int) -> _Stretch | None:
        """The longest stretch with this period, cut where the least is carried."""
        equal = self.codes[low:high - period] == self.codes[low + period:high]
        relations = [self.relations(low + i, period) if same else None for i, same in enumerate(equal)]
        steady = np.array([a is not None and a == b for a, b in zip(relations, relations[period:])], bool)
        first, last = _longest_run(steady)
        if last - first < period:
            return None
        length, found = last - first + 2 * period, []
        of_turn = relations[first:first + period]
        for cut in self.cuts(low + first, period, of_turn, length):
            turns = (length - cut) // period
            begin = low + first + cut
            one = _Stretch(self, begin, period, turns, of_turn[cut:] + of_turn[:cut], low)
            if all(back <= 2 for _, back in one.firsts):
                one.lengthen()
                found.append(one)
        if not found:
            return None
        best = max(found, key=lambda one: (len(one.turns), -len(one.firsts)))
        if best.skips() and (longer := self.stretch(low, high, 2 * period)):
            return longer
        return best if len(best.turns) >= FEWEST else None

    def cuts(self, first: int, period: int, relations: Sequence[Any], length: int) -> list[int]:
        """Where the turns of a stretch may begin: so that the fewest lines are carried from one to the next, or that
        there are the most turns."""
        reach: dict[int, int] = {}  # the last use of a line, counted from the first
        for i in range(first + period, first + 2 * period):
            for arg, relation in zip(self.args[self.lines[i]], relations[i - first - period]):
                if _is_next(relation):
                    source = self.place[self.base(arg)]
                    shift = (source - first) % period - source
                    reach[source + shift] = max(reach.get(source + shift, 0), i + shift)
        crossed = np.zeros(period, int)
        for source, use in reach.items():
            for cut in range(source + 1, use + 1):
                crossed[cut % period] += 1
        cuts = np.arange(period)
        fewest, most = np.argsort(crossed, kind="stable"), np.lexsort([cuts, crossed, (cuts - length) // period])
        return list(dict.fromkeys([*fewest[:8].tolist(), *most[:8].tolist()]))


def _how(line: Line) -> Any:
    """What else an operation knows, but for the batch: what is carried into the first turn may have none."""
    return [axes.strip("B") for axes in line.how] if line.op is PRODUCT else key(Line(line.op, (), line.how, ()), ())


def _is_next(relation: Any) -> bool:
    while isinstance(relation, tuple) and relation[0] is READ:
        relation = relation[1]
    return relation is NEXT


def _is_short(shape: Shape, of: Shape) -> bool:
    """Whether an array of this shape is the same along axes of another."""
    return len(shape) <= len(of) and all(n in (1, whole) for n, whole in zip(shape[::-1], of[::-1]))


def _longest_run(of: np.ndarray) -> tuple[int, int]:
    """Where the longest run of True begins, and where it ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], of, [False]]).astype(int)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return 0, 0
    k = int(np.argmax(ends - begins))
    return int(begins[k]), int(ends[k])


class _Stretch:
    """Lines that are repeated: `turns`, each a list of so many lines (None for a sum that has not begun); how operands
    go on from turn to turn, `relations`; which line of a turn they are, or are made of, and how many turns before,
    `sources`; and what is carried into the first turn, `firsts`: (line of a turn, how many turns later) -> a line."""

    def __init__(self, order: _Order, begin: int, period: int, turns: int, relations: Sequence[Any], low: int) -> None:
        self.order, self.begin, self.end, self.low = order, begin, begin + turns * period, low
        self.relations, self.period = relations, period
        self.turns: list[list[Any]] = [
            order.lines[begin + t * period:begin + (t + 1) * period] for t in range(turns)]
        self.sources: list[list[tuple[int, int]]] = []
        self.firsts: dict[tuple[int, int], Line] = {}
        for line, found in zip(self.turns[1], relations):
            places = [order.place.get(order.base(arg), 0) - begin for arg in order.args[line]]
            self.sources.append([(place % period, 1 - place // period) for place in places])
            for (q, back), relation in zip(self.sources[-1], found):
                if _is_next(relation):
                    for k in range(1, back + 1):
                        self.firsts[q, k] = order.lines[begin + q - k * period]

    def skips(self) -> bool:
        """Whether something is carried over a turn that does not need it: then two chains take turns here."""
        used = {source for found, relations in zip(self.sources, self.relations)
                for source, relation in zip(found, relations) if _is_next(relation)}
        return any((q, k) not in used for q, back in used for k in range(1, back))

    @property
    def covered(self) -> int:
        return len(self.turns) * self.period

    def lengthen(self) -> None:
        """Add turns before the first, as long as there are any."""
        while None not in self.turns[0] and all(back == 1 for _, back in self.firsts):
            before = _TurnBefore(self)
            if not before.is_found() or self.is_entangled(found := set(filter(None, before.lines.values()))):
                return
            turns = found.union(*self.turns)
            if any(line and line.batched < self.turns[-1][q].batched and not turns.issuperset(self.order.users[line])
                   for q, line in before.lines.items()):  # others need it as one for all examples
                return
            self.turns.insert(0, [before.lines[q] for q in range(self.period)])
            self.firsts = before.firsts
            self.begin = min([self.begin, *(self.order.place[line] for line in found)])

    def is_entangled(self, before: set[Line]) -> bool:
        """Whether the turns, with these lines before them, need something that is made of them elsewhere."""
        turns = {*before, *(line for lines in self.turns for line in lines)}
        made: set[Line] = set()
        for line in self.order.lines[min(map(self.order.place.__getitem__, before), default=0):self.end]:
            bases = {self.order.base(arg) for arg in self.order.args[line]}
            if line not in turns and not (bases.isdisjoint(turns) and bases.isdisjoint(made)):
                made.add(line)
            elif line in turns and not bases.isdisjoint(made):
                return True
        return False


class _TurnBefore:
    """The `lines` of the turn before the first of a stretch, if there is one, and what is carried into it, `firsts`."""

    def __init__(self, stretch: _Stretch) -> None:
        self.stretch, self.order, self.after = stretch, stretch.order, stretch.turns[0]
        self.lines: dict[int, Line | None] = {}
        self.firsts: dict[tuple[int, int], Line] = {}
        self.waiting: list[tuple[int, Line]] = []

    def is_found(self) -> bool:
        if not self.settled([(q, line) for (q, _), line in self.stretch.firsts.items()]):
            return False
        for q in range(self.stretch.period):  # what nothing else in the turn needs is found by what it uses
            if q not in self.lines and not any(self.settled([(q, line)]) for line in self.alike(q)):
                return False
        found = [line for line in self.lines.values() if line]
        older = {self.order.base(line) for line in self.firsts.values()}
        return len(set(found)) == len(found) and older.union(self.after).isdisjoint(found)

    def alike(self, q: int) -> list[Line]:
        for (source, back), relation in zip(self.stretch.sources[q], self.stretch.relations[q]):
            if _is_next(relation) and not back and (line := self.lines.get(source)):
                return self.order.users[line]
            if _is_next(relation) and back and (source, back) in self.firsts:
                return self.order.users[self.order.base(self.firsts[source, back])]
        return []

    def settled(self, waiting: list[tuple[int, Line]]) -> bool:
        """Whether these can be lines of the turn, with all that this asks of others; if they cannot, nothing is."""
        lines, firsts = dict(self.lines), dict(self.firsts)
        self.waiting = waiting
        while self.waiting:
            q, line = self.waiting.pop()
            if q in self.lines:
                fits = self.lines[q] is line
            else:
                fits = self.is_before(q, line) or self.is_begun(q, line)
            if not fits:
                self.lines, self.firsts = lines, firsts
                return False
        return True

    def is_before(self, q: int, line: Line) -> bool:
        a, args = self.after[q], self.order.args
        if line.op is not a.op or line.shape != a.shape or _how(line) != _how(a):
            return False
        if not self.stretch.low <= self.order.place.get(line, -1) or len(args[line]) != len(args[a]):
            return False
        self.lines[q] = line
        return all(map(self.fits, self.stretch.relations[q], self.stretch.sources[q], args[a], args[line]))

    def is_begun(self, q: int, line: Line) -> bool:
        """A sum to which each turn adds begins with the first thing that is added: before that it is 0."""
        if self.after[q].op is not ADD or (q, 1) not in self.stretch.sources[q]:
            return False
        k = 1 - self.stretch.sources[q].index((q, 1))
        self.lines[q], self.firsts[q, 1] = None, self.order.given(number(0.0))
        return _is_next(self.stretch.relations[q][k]) and self.stretch.sources[q][k][1] == 0 and self.fits(
            self.stretch.relations[q][k], self.stretch.sources[q][k], self.order.args[self.after[q]][k], line)

    def fits(self, relation: Any, source: tuple[int, int], x: Line, y: Line) -> bool:
        """Whether y is the operand one turn before x; what that asks of other lines waits."""
        if relation is SAME:
            return x is y
        if relation is NUMBERS:
            return self.order.relation(y, x, 0) is NUMBERS
        if relation is NEXT:
            q, back = source
            if back:
                return _is_short(y.shape, self.stretch.turns[-1][q].shape) and self.firsts.setdefault((q, 1), y) is y
            self.waiting.append((q, y))
            return True
        if relation[0] is STRETCH:
            (stretch, q, t), (other, p, u) = self.order.at[x], self.order.at.get(y, (None, 0, 0))
            return stretch is other and q == p and u == t - relation[1]
        if y.op is not READ or y.shape != x.shape:
            return False
        (a,), (b,), step = self.order.args[x], self.order.args[y], 0 if relation[0] is READ else relation[1]
        if not np.array_equal(y.how.of + step, x.how.of):
            return False
        return self.fits(relation[1], source, a, b) if relation[0] is READ else a is b


class _Rolling:
    """The lines of a program made again, with a loop for every stretch."""

    def __init__(self, program: ArrayProgram, order: _Order) -> None:
        self.old, self.order = program, order
        self.new: dict[Line, Line] = {}
        self.at = order.at
        self.loops: dict[_Stretch, _Loop] = {}
        self.wanted: dict[_Stretch, set[tuple[int, bool]]] = defaultdict(set)
        asked = [(None, order.one[line]) for line in (program.result, program.cost) if line]
        for user, arg in [*asked, *((line, arg) for line in order.lines for arg in order.args[line])]:
            if here := self.at.get(order.base(arg)):
                stretch, q, t = here
                if user not in self.at or self.at[user][0] is not stretch:
                    self.wanted[stretch].add((q, t == len(stretch.turns) - 1 and (q, 1) in stretch.firsts))

    def program(self) -> ArrayProgram:
        one = self.order.one
        self.make(one[line] for line in (self.old.result, self.old.cost) if line)
        variables = [self.shown(one[line]) for line in self.old.variables if line in one]
        return ArrayProgram(self.new.get(self.old.theta, self.old.theta), tuple(dict.fromkeys(filter(None, variables))),
                            self.new[one[self.old.result]], self.old.cost and self.new[one[self.old.cost]])

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
            parts.append((read(self.loops[stretch].all(q), places), where))
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
    """A stretch as a loop: `value(q, t)` is line q of turn t, `all(q)` that of all turns."""

    def __init__(self, stretch: _Stretch, new: Mapping[Line, Line], wanted: Iterable[tuple[int, bool]],
                 loops: Mapping[_Stretch, _Loop]) -> None:
        self.stretch, self.new, self.order, self.loops = stretch, new, stretch.order, loops
        self.formals: dict[tuple[int, int], Line] = {}
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

    def operand(self, relation: Any, source: tuple[int, int], args: Sequence[Any]) -> Line:
        """An operand of a line of a turn, given those of all turns."""
        a = args[-1]
        if relation is SAME:
            return self.new[a]
        if relation is NEXT:
            q, back = source
            return self.formals[q, back] if back else self.lines[q]
        if relation is NUMBERS:
            numbers = np.array([arg.how if arg.op is TABLE else arg.how[0] for arg in args])
            if (numbers == numbers[0]).all():
                return self.new[a]
            return self.slice(table(numbers))
        if relation[0] is STRETCH:
            stretch, q, _ = self.order.at[a]
            turns = np.array([self.order.at[arg][2] for arg in args])
            whole = self.loops[stretch].all(q)
            places = turns.reshape(-1, *[1] * len(a.shape)) * a.size + np.arange(a.size).reshape(a.shape)
            return self.slice(read(whole, places))
        if relation[0] is READ:
            inner = self.operand(relation[1], source, [arg and self.order.args[arg][0] for arg in args])
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
        return self.made.copy.get(line) or self.made.arrays.get(line)

    def all(self, q: int) -> Line:
        return self.made.all(self.lines[q])

    def value(self, q: int, t: int) -> Line:
        if t == len(self.stretch.turns) - 1 and (q, 1) in self.formals:
            return self.made.last(self.formals[q, 1])
        line = self.lines[q]
        return read(self.all(q), t * line.size + np.arange(line.size).reshape(line.shape))
