"""Repeats: where the lines of a program are one block of lines, again and again.

The lines are put into the order in which the scalar code made them, turn by turn. A line is that of a turn later if it
is the same operation, and each operand is the same one (a matrix of weights), or one turn later too (what is carried),
or the next slice of an array (x[t]), or a number in its place. The longest stretch of such lines is found, cut where
the least is carried from turn to turn, and lengthened towards the beginning, where what is carried may be anything.
Readings of places, and what is given, are no lines of their own here: they belong to those who use them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import ADD, MUL
from .lines import GIVEN, NUMBER, PRODUCT, READ, TABLE, ArrayProgram, Line, Shape, number
from .tidy import key

FEWEST = 4   # turns that are worth a loop


class Relation(NamedTuple):
    """How an operand is another in the next turn: it stays the `same`; or is the line that the `next` turn has in its
    place, or another of the `numbers`; or, a `step` further, a `slice` of an array, or the line of another `stretch`;
    or it is `read` from what is another in one of these ways."""

    kind: str
    step: int = 0
    inner: Relation | None = None

    @property
    def is_next(self) -> bool:
        return self.kind == "next" or self.inner is not None and self.inner.is_next


SAME, NEXT, NUMBERS = Relation("same"), Relation("next"), Relation("numbers")
Source = tuple[int, int]  # a line of a turn, and its age: made in this turn (0), or in the one before (1), or …


class Order:
    """The `lines` of a program, each once, in the order in which the scalar code made them; their operands, `args`; and
    where lines are that are repeated, `at`: the stretch, the line of a turn, the turn."""

    def __init__(self, program: ArrayProgram, births: Mapping[Line, int]) -> None:
        known: dict[Hashable, Line] = {}
        self.one: dict[Line, Line] = {}   # the first of equal lines
        self.args: dict[Line, tuple[Line, ...]] = {}
        self.at: dict[Line, tuple[Stretch, int, int]] = {}
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
        self.kinds = self.refined(self.codes.tolist())
        self.find()

    def refined(self, codes: list[int]) -> np.ndarray:
        """Codes that also say what the operands are made of, three deep: a turn has many products, but few of the same
        things, so that lines of one kind are a turn apart."""
        for _ in range(3):
            known: dict[Hashable, int] = {}
            codes = [known.setdefault((code, *(self.operand_code(arg, codes) for arg in self.args[line])), len(known))
                     for line, code in zip(self.lines, codes)]
        return np.array(codes, int)

    def operand_code(self, arg: Line, codes: list[int]) -> Hashable:
        base = self.base(arg)
        return codes[self.place[base]] if base in self.place else base.op if base.op in (NUMBER, TABLE) else base

    def births(self, given: Mapping[Line, int]) -> dict[Line, int]:
        """When the scalar code made each line. What it did not make, such as a sum over an axis, comes right before the
        first line that uses it, but what is added to a running sum as soon as its operands are there."""
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

    def relation(self, a: Line, b: Line, period: int) -> Relation | None:
        """How an operand b is that of one turn after a; None if it is not."""
        if a.op in (NUMBER, TABLE):
            alike = a.op is b.op and a.shape == b.shape and (a.op is TABLE or a.how[1] == b.how[1])
            return NUMBERS if alike else None
        if a is b:
            return SAME
        if a.op is READ:
            return self.reading(a, b, period)
        if a in self.at and b in self.at:  # one loop reads what another has left, turn by turn
            (stretch, q, t), (other, p, u) = self.at[a], self.at[b]
            return Relation("stretch", u - t) if stretch is other and q == p and a.shape == b.shape else None
        later = a in self.place and self.place.get(b) == self.place[a] + period and a.shape == b.shape
        return NEXT if later else None

    def reading(self, a: Line, b: Line, period: int) -> Relation | None:
        if b.op is not READ or a.shape != b.shape or a.batched != b.batched:
            return None
        (x,), (y,), steps = self.args[a], self.args[b], b.how.of - a.how.of
        step = int(steps.flat[0])
        if (steps != step).any():
            return None
        if x is y:
            return Relation("slice", step)
        inner = self.relation(x, y, period) if step == 0 else None
        return Relation("read", 0, inner) if inner else None

    def relations(self, i: int, period: int) -> tuple[Relation, ...] | None:
        """Those of the operands of a line to those of the line that is a turn later; None if one has none."""
        pairs = zip(self.args[self.lines[i]], self.args[self.lines[i + period]])
        found = [self.relation(a, b, period) for a, b in pairs]
        return None if None in found else tuple(filter(None, found))

    def find(self) -> None:
        """Find the longest stretch of repeated lines; then those before it, and those behind it."""
        waiting = [(0, len(self.lines))]
        while waiting:
            low, high = waiting.pop()
            best = None
            for period in self.periods(low, high):
                found = self.stretch(low, high, period, best.covered if best else (FEWEST - 2) * period)
                best = found if found and (best is None or found.covered > best.covered) else best
            if best:
                for t, lines in enumerate(best.turns):
                    self.at.update({line: (best, q, t) for q, line in enumerate(lines) if line})
                waiting += [(best.end, high), (low, best.begin)]

    def periods(self, low: int, high: int) -> list[int]:
        """How far apart lines of one kind are, the commonest first; twice as far, if every other turn is another."""
        found: dict[int, None] = {}
        for codes, most in ((self.kinds[low:high], 4), (self.codes[low:high], 12)):
            order = np.argsort(codes, kind="stable")
            gaps = np.diff(order)[np.diff(codes[order]) == 0]
            common = [gap for gap, n in Counter(gaps.tolist()).most_common(most) if n >= FEWEST - 2]
            found |= dict.fromkeys(k * gap for k in (1, 2) for gap in common)
        return [period for period in found if period < high - low]

    def stretch(self, low: int, high: int, period: int, covered: int) -> Stretch | None:
        """The longest stretch with this period, cut where the least is carried; None if it has no more lines than are
        `covered` already."""
        first, length, of_turn = self.steady(low, high, period, covered)
        found: list[Stretch] = []
        for cut in self.cuts(first, period, of_turn, length) if length else ():
            turns = (length - cut) // period
            begin = first + cut
            one = Stretch(self, begin, period, turns, of_turn[cut:] + of_turn[:cut], low)
            if all(back <= 2 for _, back in one.firsts):
                one.lengthen()
                found.append(one)
        if not found:
            return None
        best = max(found, key=lambda one: (len(one.turns), -len(one.firsts)))
        return best if len(best.turns) >= FEWEST else None

    def steady(self, low: int, high: int, period: int, covered: int) -> tuple[int, int, list[tuple[Relation, ...]]]:
        """The longest row of lines that go on from turn to turn in one way: the first, how many, and the relations of
        the lines of a turn; (0, 0, []) if there is none of three turns."""
        best: tuple[int, int, list[tuple[Relation, ...]]] = 0, 0, []
        alike = _runs(self.codes[low:high - period] == self.codes[low + period:high])
        for begin, end in sorted(alike, key=lambda run: run[0] - run[1]):  # the longest first
            if end - begin < 2 * period or end - begin + period <= max(covered, best[1]):
                break
            relations = [self.relations(low + i, period) for i in range(begin, end)]
            same = [a is not None and a == b for a, b in zip(relations, relations[period:])]
            for i, j in _runs(np.array(same)):
                if j - i >= period and j - i + 2 * period > best[1]:
                    best = low + begin + i, j - i + 2 * period, [found or () for found in relations[i:i + period]]
        return best

    def cuts(self, first: int, period: int, relations: Sequence[tuple[Relation, ...]], length: int) -> list[int]:
        """Where the turns of a stretch may begin: so that the fewest lines are carried from one to the next, or that
        there are the most turns.

        A line is live from where it is made to its last use, which may be a turn later; a cut in between carries it.
        """
        last_use: dict[int, int] = {}  # of each line of a turn, counted as the line is, from the beginning of its turn
        for i in range(first + period, first + 2 * period):
            for arg, relation in zip(self.args[self.lines[i]], relations[i - first - period]):
                if relation.is_next:
                    source = self.place[self.base(arg)]
                    q = (source - first) % period
                    last_use[q] = max(last_use.get(q, 0), q + i - source)
        live = np.zeros(period, int)
        for q, use in last_use.items():
            for cut in range(q + 1, use + 1):
                live[cut % period] += 1
        cuts = np.arange(period)
        fewest, most = np.argsort(live, kind="stable"), np.lexsort([cuts, live, -((length - cuts) // period)])
        return list(dict.fromkeys([*fewest[:8].tolist(), *most[:8].tolist()]))


def _how(line: Line) -> Any:
    """What else an operation knows, but for the batch: what is carried into the first turn may have none."""
    return [axes.strip("B") for axes in line.how] if line.op is PRODUCT else key(Line(line.op, (), line.how, ()), ())


def _is_short(shape: Shape, of: Shape) -> bool:
    """Whether an array of this shape is the same along axes of another."""
    return len(shape) <= len(of) and all(n in (1, whole) for n, whole in zip(shape[::-1], of[::-1]))


def _runs(of: np.ndarray) -> list[tuple[int, int]]:
    """Where each run of True begins, and where it ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], of, [False]]).astype(int))).tolist()
    return list(zip(edges[::2], edges[1::2]))


class Stretch:
    """Lines that are repeated: `turns`, each a list of so many lines (None for a sum that has not begun); how operands
    go on from turn to turn, `relations`; which line of a turn they are, or are made of, and how many turns before,
    `sources`; and what is carried into the first turn, `firsts`: (line of a turn, how many turns later) -> a line."""

    def __init__(self, order: Order, begin: int, period: int, turns: int, relations: Sequence[tuple[Relation, ...]],
                 low: int) -> None:
        self.order, self.begin, self.end, self.low = order, begin, begin + turns * period, low
        self.relations, self.period = relations, period
        self.turns: list[list[Any]] = [
            order.lines[begin + t * period:begin + (t + 1) * period] for t in range(turns)]
        self.sources: list[list[Source]] = []
        self.firsts: dict[Source, Line] = {}
        for line, found in zip(self.turns[1], relations):
            places = [order.place.get(order.base(arg), 0) - begin for arg in order.args[line]]
            self.sources.append([(place % period, 1 - place // period) for place in places])
            for (q, back), relation in zip(self.sources[-1], found):
                if relation.is_next:
                    for k in range(1, back + 1):
                        self.firsts[q, k] = order.lines[begin + q - k * period]

    @property
    def covered(self) -> int:
        return len(self.turns) * self.period

    def lengthen(self) -> None:
        """Add turns before the first, as long as there are any.

        The first turn may look otherwise, as it begins with a constant, or with what has no batch; so it is not found
        by looking for equal lines, but by following the operands of the first turn that was found.
        """
        while None not in self.turns[0] and all(back == 1 for _, back in self.firsts):
            before = TurnBefore(self)
            if not before.match() or self.has_cycle(found := set(filter(None, before.lines.values()))):
                return
            turns = found.union(*self.turns)
            if any(line and line.batched < self.turns[-1][q].batched and not turns.issuperset(self.order.users[line])
                   for q, line in before.lines.items()):  # others need it as one for all examples
                return
            self.turns.insert(0, [before.lines[q] for q in range(self.period)])
            self.firsts = before.firsts
            self.begin = min([self.begin, *(self.order.place[line] for line in found)])

    def has_cycle(self, before: set[Line]) -> bool:
        """Whether something outside the turns, with these lines before them, is made of them and used by them: then
        they cannot be one loop."""
        turns = {*before, *(line for lines in self.turns for line in lines)}
        made: set[Line] = set()
        for line in self.order.lines[min(map(self.order.place.__getitem__, before), default=0):self.end]:
            bases = {self.order.base(arg) for arg in self.order.args[line]}
            if line not in turns and not (bases.isdisjoint(turns) and bases.isdisjoint(made)):
                made.add(line)
            elif line in turns and not bases.isdisjoint(made):
                return True
        return False


class TurnBefore:
    """The `lines` of the turn before the first of a stretch, if there is one, and what is carried into it, `firsts`."""

    def __init__(self, stretch: Stretch) -> None:
        self.stretch, self.order, self.after = stretch, stretch.order, stretch.turns[0]
        self.lines: dict[int, Line | None] = {}
        self.firsts: dict[Source, Line] = {}
        self.waiting: list[tuple[int, Line]] = []

    def match(self) -> bool:
        if not self.match_all([(q, line) for (q, _), line in self.stretch.firsts.items()]):
            return False
        for q in range(self.stretch.period):  # what nothing else in the turn needs is found by what it uses
            if q not in self.lines and not any(self.match_all([(q, line)]) for line in self.candidates(q)):
                return False
        found = [line for line in self.lines.values() if line]
        older = {self.order.base(line) for line in self.firsts.values()}
        return len(set(found)) == len(found) and older.union(self.after).isdisjoint(found)

    def candidates(self, q: int) -> list[Line]:
        for (source, back), relation in zip(self.stretch.sources[q], self.stretch.relations[q]):
            if relation.is_next and not back and (line := self.lines.get(source)):
                return self.order.users[line]
            if relation.is_next and back and (source, back) in self.firsts:
                return self.order.users[self.order.base(self.firsts[source, back])]
        return []

    def match_all(self, waiting: list[tuple[int, Line]]) -> bool:
        """Whether these can be lines of the turn, with all others that must be then; if they cannot, nothing is."""
        lines, firsts = dict(self.lines), dict(self.firsts)
        self.waiting = waiting
        while self.waiting:
            q, line = self.waiting.pop()
            if q in self.lines:
                match_operand = self.lines[q] is line
            else:
                match_operand = self.match_line(q, line) or self.match_running_sum(q, line)
            if not match_operand:
                self.lines, self.firsts = lines, firsts
                return False
        return True

    def match_line(self, q: int, line: Line) -> bool:
        a, args = self.after[q], self.order.args
        if line.op is not a.op or line.shape != a.shape or _how(line) != _how(a):
            return False
        if not self.stretch.low <= self.order.place.get(line, -1) or len(args[line]) != len(args[a]):
            return False
        self.lines[q] = line
        for operands in (args[line], args[line][::-1]) if line.op in (ADD, MUL) else (args[line],):
            firsts, waiting = dict(self.firsts), list(self.waiting)
            if all(map(self.match_operand, self.stretch.relations[q], self.stretch.sources[q], args[a], operands)):
                args[line] = operands
                return True
            self.firsts, self.waiting = firsts, waiting
        return False

    def match_running_sum(self, q: int, line: Line) -> bool:
        """A sum to which each turn adds begins with the first thing that is added: before that it is 0."""
        if self.after[q].op is not ADD or (q, 1) not in self.stretch.sources[q]:
            return False
        k = 1 - self.stretch.sources[q].index((q, 1))
        self.lines[q], self.firsts[q, 1] = None, self.order.given(number(0.0))
        return self.stretch.relations[q][k].is_next and self.stretch.sources[q][k][1] == 0 and self.match_operand(
            self.stretch.relations[q][k], self.stretch.sources[q][k], self.order.args[self.after[q]][k], line)

    def match_operand(self, relation: Relation, source: Source, x: Line, y: Line) -> bool:
        """Whether y is the operand one turn before x; what that asks of other lines waits."""
        if relation == SAME:
            return x is y
        if relation == NUMBERS:
            return self.order.relation(y, x, 0) == NUMBERS
        if relation == NEXT:
            q, back = source
            if back:
                return _is_short(y.shape, self.stretch.turns[-1][q].shape) and self.firsts.setdefault((q, 1), y) is y
            self.waiting.append((q, y))
            return True
        if relation.kind == "stretch":
            (stretch, q, t), (other, p, u) = self.order.at[x], self.order.at.get(y, (None, 0, 0))
            return stretch is other and q == p and u == t - relation.step
        if y.op is not READ or y.shape != x.shape or not np.array_equal(y.how.of + relation.step, x.how.of):
            return False
        (a,), (b,) = self.order.args[x], self.order.args[y]
        return self.match_operand(relation.inner, source, a, b) if relation.inner else a is b
