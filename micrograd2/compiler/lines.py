"""An array program as data: lines `y = op(*args)`, of a small closed set of array operations, each with its adjoint.

An array has a `shape` for one example; if it is `batched`, the batch stands in front. What depends on the parameters is
`trained`. Operands are born before results, as in the engine, and no line is ever changed.

    y                   is                                                   hands back, of d = ∂C/∂y
    a row of the table  of the engine, for every number                      d · its local derivatives
    read(a, places)     a gather: places of `a`, counted as if it were flat  place(d)
    place(a, …)         a scatter-add: zeros, and each added to its places   read(d) for each
    summed(a)           over axes, which keep length 1, or over the batch    d: what is the same along an axis is short
    spread(a)           the same along axes, or for all examples             summed(d)
    product(a, b)       Σ over what the result lacks, as in np.einsum        product(d, b), product(d, a)
    masked(a)           a number in place of what nobody asks for            masked(d), with 0
    logsumexp(a)        log Σ eᵃ over the last axis                          d · softmax(a)
    a loop              its body, turn after turn                            a loop, from the last turn to the first

d is the adjoint of y; what y hands back to an operand is a contribution to that operand's adjoint. Where d is the same
along an axis it may have length 1, or no batch. Five passes work on lines: `group` makes them of scalars, `loops` finds
what is repeated, `backward` follows them back, `tidy` simplifies, `printer` alone knows how they are spelled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Union

import numpy as np

from ..engine import ADD, DIV, EXP, MUL, NEG, POW, SUB, Op, Power, to_the

Like = Union["Line", float]
Shape = tuple[int, ...]
_birth = itertools.count().__next__


class ArrayOp(NamedTuple):
    """A row of the table: its name, and what each operand of y is handed of d."""

    name: str
    adjoint: Callable[[Line, Line], Iterator[Line]]


class Line:
    """One line of an array program: y = op(*args), op being a row of this table or of the engine's.

    `how` is what else the operation must know, such as places.
    """

    __slots__ = ("op", "args", "how", "shape", "batched", "trained", "born")

    batched: bool
    trained: bool

    def __init__(self, op: Any, args: Sequence[Line], how: Any, shape: Shape, batched: bool | None = None,
                 trained: bool | None = None) -> None:
        self.op, self.args, self.how, self.shape, self.born = op, tuple(args), how, shape, _birth()
        self.batched = any(arg.batched for arg in args) if batched is None else batched
        self.trained = any(arg.trained for arg in args) if trained is None else trained

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __add__(self, other: Like) -> Line:
        return elementwise(ADD, self, other)

    def __radd__(self, other: Like) -> Line:
        return elementwise(ADD, other, self)

    def __sub__(self, other: Like) -> Line:
        return elementwise(SUB, self, other)

    def __rsub__(self, other: Like) -> Line:
        return elementwise(SUB, other, self)

    def __mul__(self, other: Like) -> Line:
        return elementwise(MUL, self, other)

    def __rmul__(self, other: Like) -> Line:
        return elementwise(MUL, other, self)

    def __truediv__(self, other: Like) -> Line:
        return elementwise(DIV, self, other)

    def __rtruediv__(self, other: Like) -> Line:
        return elementwise(DIV, other, self)

    def __pow__(self, p: Like) -> Line:
        return elementwise(POW, self, p) if isinstance(p, Line) else elementwise(to_the(p), self)

    def __rpow__(self, other: float) -> Line:
        return elementwise(POW, other, self)

    def __neg__(self) -> Line:
        return elementwise(NEG, self)

    def apply(self, op: Op, operands: Sequence[Like]) -> Line:
        """What a row of the engine's table does when it is called with Lines."""
        return elementwise(op, *operands)


# What is given: the parameters, the inputs, constants

def _nothing(d: Line, y: Line) -> Iterator[Line]:
    return iter(())


LEAF = ArrayOp("leaf", _nothing)       # how: its name
TABLE = ArrayOp("table", _nothing)     # how: an array of constants
NUMBER = ArrayOp("number", _nothing)   # how: a float x and an integer k, for x · Bᵏ, B being the size of the batch
GIVEN = LEAF, TABLE, NUMBER


def leaf(name: str, size: int, batched: bool = False, trained: bool = False) -> Line:
    return Line(LEAF, (), name, (size,), batched, trained)


def table(numbers: np.ndarray) -> Line:
    return Line(TABLE, (), numbers, numbers.shape)


def number(x: float, k: int = 0) -> Line:
    return Line(NUMBER, (), (float(x), k), ())


def added(lines: Sequence[Line]) -> Line:
    """Their sum."""
    return sum(lines[1:], lines[0])


# Rows of the engine's table

def elementwise(op: Op, *operands: Like) -> Line:
    """A row of the engine's table for every number, operands of length 1 being the same along an axis."""
    args = [operand if isinstance(operand, Line) else number(operand) for operand in operands]
    return _simpler(op, args) or Line(op, args, None, np.broadcast_shapes(*(arg.shape for arg in args)))


def _simpler(op: Op, args: list[Line]) -> Line | None:
    """What needs no line: the product of numbers, what is multiplied by 1, or more by 0, the power 1."""
    if isinstance(op, Power) and op.p == 1:
        return args[0]
    numbers = [arg.how for arg in args if arg.op is NUMBER]
    if len(numbers) == len(args):
        (x, j), (y, k) = numbers[0], numbers[-1]
        if op is MUL:
            return number(x * y, j + k)
        if op is DIV and y:
            return number(x / y, j - k)
        if op is ADD and j == k:
            return number(x + y, k)
        if op is NEG:
            return number(-x, j)
    elif op is MUL and args[1].op is NUMBER:
        return elementwise(MUL, args[1], args[0])
    elif op is MUL and numbers and numbers[0] in ((1.0, 0), (-1.0, 0)):
        return args[1] if numbers[0][0] == 1 else -args[1]
    elif op is ADD and numbers and numbers[0] == (0.0, 0):
        return args[1] if args[0].op is NUMBER else args[0]
    return None


def elementwise_adjoint(d: Line, y: Line) -> Iterator[Line]:
    """d · ∂y/∂arg for every operand, by the engine's row."""
    operands = [arg.how[0] if arg.op is NUMBER and not arg.how[1] else arg for arg in y.args]
    for arg, local in zip(y.args, y.op.local(y, *operands)):
        yield unbroadcast(d * local, y, arg)


def unbroadcast(d: Line, y: Line, arg: Line) -> Line:
    """d, the adjoint of y, summed over the axes, and the batch, along which the operand `arg` was the same for all y.

    Where d is the same there as well, the sum is d times the length.
    """
    axes = [axis for axis in range(-len(y.shape), 0) if _length(arg, axis) == 1 < y.shape[axis]]
    along = [axis for axis in axes if _length(d, axis) > 1]
    over = y.batched and not arg.batched
    times = math.prod(y.shape[axis] for axis in axes if axis not in along)  # where d is the same for so many
    d = summed(d, along, over and d.batched) * number(times, over and not d.batched)
    return reshaped(d, *d.shape[-len(arg.shape):]) if len(d.shape) > len(arg.shape) > 0 else d


def _length(line: Line, axis: int) -> int:
    return line.shape[axis] if -axis <= len(line.shape) else 1


# Where numbers stand

class Places(NamedTuple):
    """Places of an array, counted as if it were flat; whether none comes twice, so that what is put there need not be
    added. (Places of constants do not count, since they are handed nothing.)"""

    of: np.ndarray
    distinct: bool


def read(a: Line, places: np.ndarray, varied: int | None = None) -> Line:
    """The numbers of `a` at these places, in their shape. What is behind the first `varied` places are constants."""
    if places.shape == a.shape and is_whole(places, a.size):
        return a
    kept, found = places if varied is None else places[places < varied], np.zeros(a.size, bool)
    found[kept] = True
    return Line(READ, [a], Places(places, found.sum() == kept.size), places.shape)


def reshaped(a: Line, *shape: int) -> Line:
    return a if a.op is NUMBER else read(a, np.arange(a.size).reshape(shape))


def is_whole(places: np.ndarray, size: int) -> bool:
    return places.size == size and bool((places.ravel() == np.arange(size)).all())


def _read_adjoint(d: Line, y: Line) -> Iterator[Line]:
    yield place([(d if d.op is NUMBER else spread(d, y.shape, y.batched), y.how)], y.args[0])


def place(parts: Sequence[tuple[Line, Places]], like: Line) -> Line:
    """Zeros of the shape of `like`, and every part added to its places."""
    if len(parts) == 1:
        (part, places), = parts
        order = np.argsort(places.of, axis=None, kind="stable")
        if is_whole(places.of.ravel()[order], like.size):  # every place once, in another order
            return part if part.op is NUMBER else read(part, order.reshape(like.shape))
    return Line(PLACE, [part for part, _ in parts], [places for _, places in parts], like.shape, like.batched)


def joined(arrays: Sequence[Line]) -> Line:
    """These, one after the other."""
    ends = list(itertools.accumulate(a.size for a in arrays))
    places = [Places(np.arange(end - a.size, end), True) for a, end in zip(arrays, ends)]
    batched = any(a.batched for a in arrays)
    return Line(PLACE, [reshaped(a, a.size) for a in arrays], places, (ends[-1],), batched)


def _place_adjoint(d: Line, y: Line) -> Iterator[Line]:
    for places, arg in zip(y.how, y.args):
        part = d if d.op is NUMBER else read(spread(d, y.shape, y.batched), places.of)
        yield unbroadcast(part, Line(READ, [y], places, arg.shape), arg)


READ = ArrayOp("read", _read_adjoint)
PLACE = ArrayOp("place", _place_adjoint)   # how: the places of each operand


# Sums

def summed(a: Line, axes: Sequence[int], over_batch: bool = False) -> Line:
    """The sum over these axes, which are counted from the end and keep length 1, and over the batch."""
    if not axes and not over_batch:
        return a
    shape = tuple(1 if axis - len(a.shape) in axes else n for axis, n in enumerate(a.shape))
    return Line(SUMMED, [a], (tuple(axes), over_batch), shape, a.batched and not over_batch)


def spread(a: Line, shape: Shape, batched: bool) -> Line:
    """The same numbers, repeated along axes, or for every example."""
    return a if (a.shape, a.batched) == (shape, batched) else Line(SPREAD, [a], None, shape, batched)


def average(cost: Line) -> Line:
    """The average of what each example costs over the batch, as one number."""
    return reshaped(summed(cost, (-1,), cost.batched)) / number(1.0, int(cost.batched))


SUMMED = ArrayOp("sum", lambda d, y: iter((d,)))  # how: the axes; whether over the batch as well
SPREAD = ArrayOp("spread", lambda d, y: iter((unbroadcast(d, y, y.args[0]),)))


def product(a: Line, b: Line, axes: tuple[str, str, str]) -> Line:
    """Σ a · b over the axes that the result lacks: letters name the axes of a, b, result, as in np.einsum; B the batch.

    >>> product(leaf("x", 3, batched=True), reshaped(leaf("w", 6), 2, 3), ("Bn", "ln", "Bl")).shape
    (2,)
    """
    lengths = dict(zip(axes[0].strip("B") + axes[1].strip("B"), a.shape + b.shape))
    return Line(PRODUCT, [a, b], axes, tuple(lengths[axis] for axis in axes[2].strip("B")), axes[2].startswith("B"))


def _product_adjoint(d: Line, y: Line) -> Iterator[Line]:
    (a, b), (of_a, of_b, of_y) = y.args, y.how
    d = spread(d, y.shape, y.batched)

    def handed_to(arg: Line, of_arg: str, other: Line, of_other: str) -> Line:
        known = "".join(axis for axis in of_arg if axis in of_y + of_other)  # along others it is the same
        part = product(d, other, (of_y, of_other, known))
        lengths = [n if axis in known else 1 for axis, n in zip(of_arg.strip("B"), arg.shape)]
        return part if known == of_arg else reshaped(part, *lengths)

    to_b = handed_to(b, of_b, a, of_a)  # made first, and so written first
    yield handed_to(a, of_a, b, of_b)
    yield to_b


PRODUCT = ArrayOp("product", _product_adjoint)


def logsumexp(a: Line) -> Line:
    """log Σ eᵃ over the last axis, which is gone then."""
    return Line(LOG_SUM_EXP, [a], None, a.shape[:-1])


def _logsumexp_adjoint(d: Line, y: Line) -> Iterator[Line]:
    a, rows = y.args[0], (*y.shape, 1)
    powers = elementwise(EXP, a - reshaped(y, *rows))
    yield reshaped(d if d.op is NUMBER else spread(d, y.shape, y.batched), *rows) * (powers / summed(powers, (-1,)))


LOG_SUM_EXP = ArrayOp("logsumexp", _logsumexp_adjoint)


def masked(a: Line, asked: np.ndarray, filling: float) -> Line:
    """`a` where it is asked for, a number elsewhere."""
    return Line(MASKED, [a], (asked, filling), np.broadcast_shapes(a.shape, asked.shape))


MASKED = ArrayOp("masked", lambda d, y: iter((unbroadcast(masked(d, y.how[0], 0.0), y, y.args[0]),)))


# Loops: the lines of one turn, made of what the turn before left and of slices of arrays, one for each turn

def _of_the_whole_loop(d: Line, y: Line) -> Iterator[Line]:
    raise TypeError("a loop is followed back as a whole")


CARRIED = ArrayOp("carried", _nothing)        # what a turn receives of the turn before; how: which
TURN = ArrayOp("turn", _of_the_whole_loop)          # the slice of this turn; how: which
LOOP = ArrayOp("loop", _of_the_whole_loop)          # see `loop`; how: the number of turns; whether the last comes first
STACK = ArrayOp("stack", lambda d, y: iter((d,)))  # a line of every turn, along a new first axis
LAST = ArrayOp("last", lambda d, y: iter((d,)))    # what the last turn left


def carried(shape: Shape, batched: bool, trained: bool) -> Line:
    return Line(CARRIED, (), _birth(), shape, batched, trained)


def turn(a: Line) -> Line:
    """The slice of an array (turns, ...) that belongs to a turn."""
    return Line(TURN, [a], _birth(), a.shape[1:])


def loop(turns: int, backward: bool, formals: Sequence[Line], firsts: Sequence[Line], afters: Sequence[Line]) -> Line:
    """A loop. What it carries is, as in jax.lax.scan, a list: `formals` as a turn sees it, `firsts` before the first
    turn, `afters` after a turn. Its body is whatever `afters` are made of that changes from turn to turn; all other
    lines can be used in it."""
    return Line(LOOP, [*formals, *firsts, *afters], (turns, backward), ())


def carry_of(loop: Line) -> tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]:
    """What a loop carries: its formals, their firsts, their afters."""
    n = len(loop.args) // 3
    return loop.args[:n], loop.args[n:2 * n], loop.args[2 * n:]


def stack(loop: Line, line: Line) -> Line:
    """A line of the body, or what is carried into it, of all turns: (turns, ...)."""
    return Line(STACK, [loop, line], None, (loop.how[0], *line.shape), line.batched, line.trained)


def last(loop: Line, formal: Line) -> Line:
    """What the last turn leaves of what is carried."""
    return Line(LAST, [loop, formal], None, formal.shape, formal.batched, formal.trained)


def varying(lines: Iterable[Line], leaves: Collection[Line] = ()) -> list[Line]:
    """Those of the lines, operands first, that change from turn to turn: made of what is carried, of a slice, or of
    these leaves."""
    found: dict[Line, None] = {}
    for y in lines:
        if y not in leaves and (y.op in (CARRIED, TURN) or y.op not in (LOOP, STACK, LAST) and any(
                arg in found or arg in leaves for arg in y.args)):
            found[y] = None
    return list(found)


def body_of(loop: Line) -> list[Line]:
    """The lines of a turn, operands first."""
    formals, _, afters = carry_of(loop)
    return varying([y for y in ancestors(afters, min(y.born for y in formals)) if y not in formals], formals)


def ancestors(roots: Iterable[Line], born: int = 0) -> list[Line]:
    """These and all that they are made of, operands first; but nothing born before `born`."""
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        fresh = {arg for arg in waiting.pop().args if arg.born >= born} - seen
        seen |= fresh
        waiting += fresh
    return sorted(seen, key=attrgetter("born"))


class ArrayProgram(NamedTuple):
    """A whole program: its `result`, made of the parameters `theta` and of inputs; with a `gradient`, or None.

    A reader follows the `variables`, one of which may be the `cost`, and their `gradients`.
    """

    theta: Line
    variables: tuple[Line, ...]
    result: Line
    cost: Line | None = None
    gradient: Line | None = None
    gradients: dict[Line, Line] = {}

    def lines(self) -> list[Line]:
        """All lines, operands first."""
        return ancestors([self.result] if self.gradient is None else [self.result, self.gradient])
