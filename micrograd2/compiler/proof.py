"""Proof: that a program does what its scalar function does, on numbers that it was not made from.

A program is made from one run of f. If f looks at its numbers, that run was only one of many: so f runs again, where
parameters and inputs are other numbers: far away on either side, 0, and near; all graphs must be one graph. Then the
program's results must be those of the graphs, on the example and near it, entry by entry, up to `rounding`.

The other numbers are the same in every run, and lie where f is defined: an error such as log(−1) makes them move less.
Meanwhile the parameters themselves hold them, so only one thread at a time is in here; but a thread that
reads the same parameters elsewhere, while they are moved, would see other numbers.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import ADD, LEAF, SUB, SUM, Value
from .graph import CompileError, Run
from .rounding import rounding_errors

ALONE = threading.RLock()  # parameters are moved, or read for a graph, by one thread at a time
ROUNDINGS = 1e3            # two numbers that differ by so many units of rounding of their size are equal without more
SEVERAL = 16.0             # units of rounding in each operation: exp and tanh are right to a few, sums to more

NUMBER = ("f makes a plain number of its Values, {a} on the example and {b} on other numbers, and uses it in {use}: a "
          "program keeps the first for every example. Compute with the Values, not with their .data")
SHIFT = (". If it is the shift of a softmax, leave it out: [(v - logsumexp(vs)).exp() for v in vs] cannot overflow; or "
         "shift by a Value, made with maximum")
OTHERS = " of other operands"
SHIFTS = ADD, SUB, SUM
BRANCH = ("f does something else on other numbers: {a} on the example, {b} there. A program does the first for every "
          "example: write it as arithmetic (maximum, minimum, relu, a mask), and pick operands without looking at "
          "their numbers{hint}")
FAULT = "the graphs are the same, and rounding does not explain this"
AGAIN = ("f made a different graph when it was run again on the same example: it must not draw random numbers or "
         "change anything outside itself")


def prove(f: Callable[..., Any], parameters: Sequence[Value], own: list[float], example: Sequence[Sequence[float]],
          first: Run, apart: Callable[[Run, np.ndarray], str], largest: float) -> None:
    """CompileError unless f makes the graph of its `first` run on other numbers too, and `apart` finds nothing.

    `own` are the numbers that the parameters held in the first run. (Read now, they may be those to which another
    thread has moved them.)
    `apart(run, theta)` says how the program differs from a run: from the first, and from one nearby. The program holds
    numbers up to the `largest`.
    """
    try:
        fault = apart(first, np.array(own))
    except (FloatingPointError, ValueError) as error:  # of a number beyond float32, say
        raise CompileError(f"on the example, the program stops: {error}") from None
    if fault:
        raise CompileError(f"on the example, {fault}; {FAULT}")
    holds = _is_within(first, own, largest)
    with moving(parameters) as move:
        for way in ("beyond", "further", "at 0", "near"):
            compared = way == "near" and holds
            theta, run = _elsewhere(f, parameters, move, [own, *example], way, largest if compared else math.inf)
            if fault := difference(first, run):
                move(own)
                raise CompileError(AGAIN if difference(first, Run(f, parameters, example)) else fault)
            if compared and (fault := apart(run, theta)):
                raise CompileError(f"on other numbers, {fault}; {FAULT}")


def _elsewhere(f: Callable[..., Any], parameters: Sequence[Value], move: Callable[[list[float]], None],
               numbers: Sequence[Sequence[float]], way: str, largest: float) -> tuple[np.ndarray, Run]:
    """Other numbers for the parameters, which come first of all `numbers`, and a run of f on them and on other inputs,
    as far away as f is defined (and no number is beyond the `largest`). The parameters are moved there."""
    rng, reach, why = np.random.default_rng(0), 1.0, ""
    here = [np.where(np.isfinite(row), row, 1.0) for row in numbers]
    while reach > 1e-7:
        for across in (True, False):
            with np.errstate(invalid="ignore"):  # from infinity there is no way to other numbers
                theta, *moved = (row + reach * (_other(row, way, across, rng) - row) for row in here)
            try:
                move(theta.tolist())
                run = Run(f, parameters, [row.tolist() for row in moved])
                if largest == math.inf or _is_within(run, theta, largest):
                    return theta, run
            except CompileError as error:
                raise CompileError(f"on other numbers than the example's, {error}") from None
            except (ArithmeticError, ValueError, AssertionError) as error:
                why = f": {error}"  # it is not defined there
            except Exception as error:  # whatever f raises there, it does not do what it does on the example
                what = f"it raises {type(error).__name__} ({error})"
                raise CompileError(BRANCH.format(a="it returns a result", b=what, hint="")) from error
        reach /= 3
    raise CompileError(f"f is not defined on any other numbers, so nothing shows that it does the same there{why}")


def _is_within(run: Run, theta: Any, largest: float) -> bool:
    return all(abs(node.data) <= largest for node in run.made) and bool((np.abs(theta) <= largest).all())


def _other(numbers: np.ndarray, way: str, across: bool, rng: np.random.Generator) -> np.ndarray:
    """Other numbers: beyond 0, on the other side; further out on their own; 0; or near. Unless they may go `across` 0,
    they only change their size, as a logarithm needs it."""
    a, b, size = *rng.random((2, len(numbers))), np.abs(numbers)
    side = np.where(numbers == 0, np.where(rng.random(len(numbers)) < 0.5, -1.0, 1.0), np.sign(numbers))
    if not across:
        return np.where(numbers == 0, b / 2, numbers * 2 ** (2 * a - 1))
    if way == "near":
        return numbers + (size + 0.3) * (a - 0.5)
    return side * {"beyond": -size * (0.5 + a) - 1.2 - 2 * b, "further": size * (1.5 + a) + 1.2 + 2 * b,
                   "at 0": 0.0}[way]


@contextmanager
def moving(parameters: Sequence[Value]) -> Iterator[Callable[[Sequence[float]], None]]:
    """A function that gives the parameters other numbers, while this lasts; then they hold their own again. One thread
    at a time."""
    def move(theta: Sequence[float]) -> None:
        for p, number in zip(parameters, theta):
            p.data = number

    with ALONE:
        own = [p.data for p in parameters]
        try:
            yield move
        finally:
            move(own)


def difference(one: Run, other: Run) -> str:
    """What tells the graphs of two runs apart, in words; "" if they are one graph on different numbers."""
    image: dict[Any, Any] = {}  # of a Value of one run, that of the other that must stand in its place; or itself
    for here, there in zip(one.given, other.given):
        image.update(zip(here, there))
    given = set(image.values())
    for a, b in zip(one.made, other.made):
        if a in image:
            if image[a] is not b:
                return _branch(a, b)
        elif a.op is not b.op or tuple(map(image.get, a.args, a.args)) != b.args or b in given:
            return _branch(a, b)
        elif a.op is LEAF and repr(a.data) != repr(b.data):
            op = next((node.op for node in one.made if a in node.args), None)
            use = f"`{op.symbol}`" if op else "the result"
            return NUMBER.format(a=a.data, b=b.data, use=use) + (SHIFT if op in SHIFTS else "")
        image[a] = b
    if [image.get(v, v) for v in one.outputs] != other.outputs or image.get(one.cost, one.cost) is not other.cost:
        return BRANCH.format(a=f"{len(one.order):,} Values and {len(one.roots):,} of them returned",
                             b=f"{len(other.order):,} and {len(other.roots):,}, or others", hint="")
    return ""


def _branch(a: Value, b: Value) -> str:
    here, there = _in_words(a), _in_words(b)
    return BRANCH.format(a=here, b=there + OTHERS if here == there else there, hint=SHIFT if a.op in SHIFTS else "")


def _in_words(value: Value) -> str:
    """A Value as a reader of f knows it."""
    if not value.args:
        return value.label or f"{value.data:g}"
    operands = [arg.label or f"{arg.data:g}" for arg in value.args[:3]] + ["…"] * (len(value.args) > 3)
    return f"`{value.op.symbol}` of {', '.join(operands)}"


def apart(what: str, program: np.ndarray, graph: Sequence[float], errors: Callable[[], Sequence[float]],
          labels: Sequence[str] = ()) -> str:
    """Which of the program's numbers differs from the graph's by more than rounding explains; "" if none does.

    `errors()` says how much that is, for each number; it is asked only if they are not equal as they are.
    """
    expected = np.array(graph)
    if program.shape != expected.shape:
        return f"{what} has {program.size} numbers in the program, {expected.size} in the scalar graph"
    finfo = np.finfo(program.dtype)
    with np.errstate(all="ignore"):
        distance = np.abs(program - expected)
        wrong = ~((distance <= ROUNDINGS * finfo.eps * np.abs(expected)) | (program == expected)
                  | np.isnan(program) & np.isnan(expected))
        if wrong.any():
            wrong &= ~(distance <= np.nan_to_num(errors(), nan=np.inf))  # NaN: 0 times an error without bound
    if not wrong.any():
        return ""
    k = int(np.argmax(wrong))
    name = f" of {labels[k]}" if labels and labels[k] else f"[{k}]" if expected.size > 1 else ""
    beyond = f" (beyond the range of {program.dtype})" * bool(abs(expected[k]) > finfo.max)
    return f"{what}{name} is {program[k]} in the program but {expected[k]} in the scalar graph{beyond}"


def errors_of(run: Run, dtype: np.dtype) -> tuple[dict[Value, float], dict[Value, float]]:
    """How much rounding explains, of every Value that a run returned or used, and of the gradient of its cost by it."""
    finfo = np.finfo(dtype)
    return rounding_errors(run.order, run.cost, SEVERAL * float(finfo.eps) / 2, SEVERAL * float(finfo.tiny))
