"""Random programs: scalar arithmetic as plain data, to be run on numbers of any kind.

A program is a list of leaves and a list of steps `(name, back, c)`. A step applies the recipe of that name to earlier
numbers, found by counting back from the latest one (0 is the latest, and too large a count wraps around), and to the
plain number c. The result is the total of the numbers that no step has used, so that every step matters.

    program = programs().example()
    run(program.steps, [Value(x) for x in program.leaves], VALUES)
    run(program.steps, program.leaves, FLOATS)
    run(program.steps, [Dual(x, {i: 1.0}) for i, x in enumerate(program.leaves)], DUALS).slopes

Every recipe takes numbers from −2 to 2 to a number from −2 to 2, by shifting or shrinking where its operation needs it.
So a program may be run on any leaves from −2 to 2: nothing overflows and nothing leaves its domain, by construction.
Since any list of steps is a program, Hypothesis can drop and simplify steps as it likes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

from hypothesis import strategies as st

from micrograd2.engine import ABS, MAX, MIN, RELU, Value, dot, logsumexp, maximum, minimum, topological_order, total

Step = tuple[str, Sequence[int], float]


class Program(NamedTuple):
    """Where to start, and what to do; see the top of this file."""

    leaves: list[float]
    steps: list[Step]


class Maths(NamedTuple):
    """What a program needs beside the operators, for one kind of number."""

    absolute: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cos: Callable[[Any], Any]
    atan: Callable[[Any], Any]
    softplus: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    maximum: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    total: Callable[[Sequence[Any]], Any]
    dot: Callable[[Sequence[Any], Sequence[Any], Any], Any]
    logsumexp: Callable[[Sequence[Any]], Any]


VALUES = Maths(abs, Value.exp, Value.log, Value.sqrt, Value.sin, Value.cos, Value.atan, Value.softplus, Value.tanh,
               Value.sigmoid, Value.relu, maximum, minimum, total, dot, logsumexp)

FLOATS = Maths(abs, math.exp, math.log, math.sqrt, math.sin, math.cos, math.atan,
               lambda x: math.log(1 + math.exp(x)), math.tanh, lambda x: 1 / (1 + math.exp(-x)),
               lambda x: max(x, 0.0), max, min, math.fsum, lambda w, x, b: math.fsum([b, *map(operator.mul, w, x)]),
               lambda xs: math.log(math.fsum(map(math.exp, xs))))


class Dual:
    """The oracle: a number and its slopes, how fast it changes with each seed, carried forward.

    Derivatives are known here for + * 1/x exp log sin cos; everything else is composed of these.
    """

    def __init__(self, value: float, slopes: dict[int, float] | None = None) -> None:
        self.value, self.slopes = value, slopes or {}

    def through(self, value: float, slope: float) -> Dual:
        return Dual(value, {seed: slope * s for seed, s in self.slopes.items()})

    def __add__(self, other: Any) -> Dual:
        other = dual(other)
        seeds = self.slopes.keys() | other.slopes.keys()
        return Dual(self.value + other.value, {s: self.slopes.get(s, 0.0) + other.slopes.get(s, 0.0) for s in seeds})

    def __mul__(self, other: Any) -> Dual:
        other = dual(other)
        product = self.value * other.value
        return self.through(product, other.value) + other.through(0.0, self.value)

    def __pow__(self, p: Any) -> Dual:
        if isinstance(p, int):
            return reduce(operator.mul, [self if p > 0 else 1 / self] * abs(p))
        return exp(p * log(self))

    def __neg__(self) -> Dual:
        return self * -1

    def __sub__(self, other: Any) -> Dual:
        return self + -dual(other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __truediv__(self, other: Any) -> Dual:
        other = dual(other)
        return self * other.through(1 / other.value, -1 / other.value ** 2)

    def __rtruediv__(self, other: Any) -> Dual:
        return dual(other) / self

    def __rpow__(self, other: Any) -> Dual:
        return dual(other) ** self

    __radd__, __rmul__ = __add__, __mul__


def dual(x: Any) -> Dual:
    return x if isinstance(x, Dual) else Dual(x)


def exp(x: Any) -> Dual:
    return dual(x).through(math.exp(dual(x).value), math.exp(dual(x).value))


def log(x: Any) -> Dual:
    return dual(x).through(math.log(dual(x).value), 1 / dual(x).value)


DUALS = Maths(
    absolute=lambda x: x if x.value > 0 else -x if x.value < 0 else Dual(0.0),
    exp=exp,
    log=log,
    sqrt=lambda x: exp(log(x) * 0.5),
    sin=lambda x: x.through(math.sin(x.value), math.cos(x.value)),
    cos=lambda x: x.through(math.cos(x.value), -math.sin(x.value)),
    atan=lambda x: x.through(math.atan(x.value), 1 / (1 + x.value ** 2)),
    softplus=lambda x: log(exp(x) + 1),
    tanh=lambda x: 1 - 2 / (exp(2 * x) + 1),
    sigmoid=lambda x: 1 / (exp(-x) + 1),
    relu=lambda x: x if x.value > 0 else Dual(0.0),
    maximum=lambda a, b: dual(b if dual(b).value > dual(a).value else a),
    minimum=lambda a, b: dual(b if dual(b).value < dual(a).value else a),
    total=lambda xs: sum(xs, Dual(0.0)),
    dot=lambda w, x, b: sum(map(operator.mul, w, x), dual(b)),
    logsumexp=lambda xs: log(sum(map(exp, xs), Dual(0.0))))


def _dot(m: Maths, v: list, c: float) -> Any:
    n = len(v) // 2
    return m.dot(v[:n], v[n:2 * n], v[-1]) * (1 / (2 * n + 1))


# m: Maths; v: two to five earlier numbers; c: a plain number. All numbers lie between -2 and 2.
RECIPES: dict[str, Callable[[Maths, list, float], Any]] = {
    "a+b": lambda m, v, c: (v[0] + v[1]) * 0.5,
    "a+c": lambda m, v, c: (v[0] + c) * 0.5,
    "c+a": lambda m, v, c: 0.5 * (c + v[0]),
    "a-b": lambda m, v, c: (v[0] - v[1]) * 0.5,
    "a-c": lambda m, v, c: (v[0] - c) * 0.5,
    "c-a": lambda m, v, c: 0.5 * (c - v[0]),
    "a*b": lambda m, v, c: v[0] * v[1] * 0.5,
    "a*c": lambda m, v, c: v[0] * c * 0.5,
    "c*a": lambda m, v, c: c * v[0] * 0.5,
    "a/b": lambda m, v, c: v[0] / (v[1] + 3),
    "a/c": lambda m, v, c: v[0] / (abs(c) + 1),
    "c/a": lambda m, v, c: c / (3 + v[0]),
    "a**b": lambda m, v, c: (v[0] * 0.5 + 2) ** (v[1] * 0.25),
    "a**c": lambda m, v, c: (v[0] * 0.5 + 2) ** c * 0.2,
    "c**a": lambda m, v, c: (abs(c) + 0.5) ** v[0] * 0.3,
    "a**2": lambda m, v, c: v[0] ** 2 * 0.5,
    "a**3": lambda m, v, c: v[0] ** 3 * 0.25,
    "a**-1": lambda m, v, c: (v[0] - 3) ** -1,
    "-a": lambda m, v, c: -v[0],
    "abs": lambda m, v, c: m.absolute(v[0]),
    "exp": lambda m, v, c: m.exp(v[0]) * 0.25,
    "log": lambda m, v, c: m.log(v[0] + 3),
    "sqrt": lambda m, v, c: m.sqrt(v[0] * 0.5 + 1.5),
    "sin": lambda m, v, c: m.sin(v[0]),
    "cos": lambda m, v, c: m.cos(v[0]),
    "atan": lambda m, v, c: m.atan(v[0]),
    "softplus": lambda m, v, c: m.softplus(v[0]) * 0.5,
    "tanh": lambda m, v, c: m.tanh(v[0]),
    "sigmoid": lambda m, v, c: m.sigmoid(v[0]),
    "relu": lambda m, v, c: m.relu(v[0]),
    "max(a,b)": lambda m, v, c: m.maximum(v[0], v[1]),
    "max(a,c)": lambda m, v, c: m.maximum(v[0], c),
    "max(c,a)": lambda m, v, c: m.maximum(c, v[0]),
    "min(a,b)": lambda m, v, c: m.minimum(v[0], v[1]),
    "min(a,c)": lambda m, v, c: m.minimum(v[0], c),
    "min(c,a)": lambda m, v, c: m.minimum(c, v[0]),
    "total": lambda m, v, c: m.total(v) * (1 / len(v)),
    "total with c": lambda m, v, c: m.total([c, *v]) * (1 / (len(v) + 1)),
    "dot": _dot,
    "dot of c": lambda m, v, c: m.dot(v, [c] * len(v), c) * (1 / (2 * len(v) + 1)),
    "dot with c": lambda m, v, c: m.dot([c, *v], [*v, c], v[0]) * (1 / (2 * len(v) + 3)),
    "logsumexp": lambda m, v, c: m.logsumexp(v) - math.log(len(v)),
    "logsumexp with c": lambda m, v, c: m.logsumexp([*v, c]) - math.log(len(v) + 1),
}


def run(steps: Sequence[Step], leaves: Sequence[Any], maths: Maths, each: Callable[[Any], Any] = lambda x: x) -> Any:
    """The result of a program. `each` is called with every leaf and every step's number, and may put another there."""
    numbers = [each(leaf) for leaf in leaves]
    loose = set(range(len(numbers)))
    for name, back, c in steps:
        at = [len(numbers) - 1 - count % len(numbers) for count in back]
        loose = loose - set(at) | {len(numbers)}
        numbers.append(each(RECIPES[name](maths, [numbers[i] for i in at], c)))
    ends = [numbers[i] for i in sorted(loose)]
    return ends[0] if len(ends) == 1 else maths.total(ends)


def programs(longest: int = 60) -> st.SearchStrategy[Program]:
    """Programs of one to four leaves and at most `longest` steps, short ones and long ones."""
    number = st.integers(-128, 128).map(lambda n: n / 64)  # few enough for ties to happen
    back = st.lists(st.one_of(st.integers(0, 3), st.integers(0, longest)), min_size=2, max_size=5).map(tuple)
    step = st.tuples(st.sampled_from(list(RECIPES)), back, number)
    short = st.lists(step, min_size=1, max_size=min(6, longest))
    long = st.lists(step, min_size=longest // 3, max_size=longest)
    return st.builds(Program, st.lists(number, min_size=1, max_size=4), short | long)


def record(root: Value) -> list[tuple]:
    """All that there is to know about a graph."""
    return [(v.data, v.grad, v.op, v.args, v.local_grads, v.label, v.born) for v in topological_order(root)]


def on_a_knife_edge(roots: Sequence[Value]) -> bool:
    """Whether rounding alone decides which side of a kink a number is on: then both slopes are right."""
    for node in topological_order(total(roots)):
        if node.op in (RELU, ABS, MAX, MIN):
            a, b = (*(arg.data for arg in node.args), 0.0)[:2]
            exact = a == b and (len(set(node.args)) == 1 if len(node.args) == 2 else not node.args[0].args
                                or all(not arg.args for arg in node.args))
            if abs(a - b) < 1e-9 and not exact and any(arg.args for arg in node.args):
                return True
    return False
