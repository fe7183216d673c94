"""The arithmetic of a page: JavaScript printed from the rows of the engine's table.

A row, given names instead of numbers, writes its own code: its value as the row spells it, its local derivatives with
`op.local`, which is plain arithmetic and so needs nothing more. A `Symbol` is such a name, or an expression of names;
a `Formula` is the same as a learner writes it: `a·(1 − a)`.

What is printed here is run by the page; the functions that the spellings call, such as `sigmoid`, are in `rows.js`.
Nothing that a user wrote gets in: only the table's own spellings, and numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from ..contributions import grads_of
from ..engine import ADD, DIV, MUL, NEG, SUB, Op, Power, Value
from ..expressions import Like, Text

OPERATORS = (ADD, SUB, MUL, DIV, NEG)


class Symbol(Text):
    """An expression in JavaScript.

    What a function of the table gives is put on a line of its own, in `lines`, and named there, so that an expression
    that is used many times is written and computed once.

    >>> lines = []
    >>> a = Symbol("a", lines=lines)
    >>> print(1 - a * a, -(a + 1), lines)
    1 - a * a -(a + 1) []
    >>> print(1 - Symbol("tanh", lines=lines) * (1 - a), (a - 1) ** 2.0, lines)
    1 - tanh * (1 - a) t0 ['const t0 = Math.pow(a - 1, 2);']
    """

    infinity, not_a_number = "Infinity", "NaN"

    def __init__(self, text: str, strength: int = 5, lines: list[str] | None = None) -> None:
        super().__init__(text, strength)
        self.lines = [] if lines is None else lines

    def made(self, text: str, strength: int = 5) -> Any:
        """Another of the same kind, whose functions are put on the same lines."""
        return type(self)(text, strength, self.lines)

    def __pow__(self, other: Like) -> Any:
        return self.name_of(f"Math.pow({self}, {self.like(other)})")

    def apply(self, op: Op, operands: Sequence[Like]) -> Any:
        """What a row of the table does when it is called with Symbols."""
        symbols = [self.like(operand) for operand in operands]
        if op in OPERATORS:
            value: Any = op.value  # the operators themselves
            return value(*symbols)
        if isinstance(op, Power):
            return symbols[0] ** op.p
        return self.function(op, ", ".join(map(str, symbols)))

    def function(self, op: Op, operands: str) -> Any:
        return self.name_of(op.javascript.format(operands))

    def name_of(self, text: str) -> Any:
        """The name of a line that computes this text."""
        line = next((line for line in self.lines if line.endswith(f" = {text};")), "")
        if not line:
            line = f"const t{len(self.lines)} = {text};"
            self.lines.append(line)
        return self.made(line.split()[1])


class Formula(Symbol):
    """The same as a learner writes it.

    >>> a = Formula("a")
    >>> print(a * (1 - a), 1 / (2 * a), Formula("a") ** 2.0)
    a·(1 − a) 1/(2·a) a^2
    """

    minus, times, over, power = " − ", "·", "/", "^"

    __pow__ = Text.__pow__

    def function(self, op: Op, operands: str) -> Any:
        return self.made(f"{op.sign}({operands})")


def is_spelled(op: Op) -> bool:
    """Whether a page can compute this operation."""
    return op in OPERATORS or isinstance(op, Power) or bool(op.javascript)


def printed_row(op: Op, count: int) -> str:
    """A row for so many operands, as JavaScript: {value, local}.

    >>> from ..engine import MUL, TANH
    >>> print(printed_row(MUL, 2))
    {value: (x0, x1) => x0 * x1, local: (y, x0, x1) => [x1, x0]}
    >>> print(printed_row(TANH, 1))
    {value: (x0) => { const t0 = Math.tanh(x0); return t0; }, local: (y, x0) => [1 - y * y]}
    """
    names = [f"x{i}" for i in range(count)]
    value: list[str] = []
    local: list[str] = []
    y = Symbol("", lines=value).apply(op, [Symbol(name, lines=value) for name in names])
    slopes = op.local(Symbol("y", lines=local), *(Symbol(name, lines=local) for name in names))
    given = ", ".join(names)
    gradient = f"[{', '.join(_number(slope) for slope in slopes)}]"
    return (f"{{value: ({given}) => {_body(value, str(y))}, "
            f"local: ({', '.join(['y', *names])}) => {_body(local, gradient)}}}")


class Printed(NamedTuple):
    """A function of some inputs: JavaScript `(x, k) => [value, gradient]`, and the constants `k` that go with it."""

    text: str
    constants: list[float]


def printed_function(root: Value, inputs: Sequence[Value]) -> Printed:
    """The function that made `root` from `inputs`, and its gradient in these, printed from the record.

    All other leaves are constants. NotImplementedError, naming it, for an operation that the table does not spell.

    >>> x = Value(3.0)
    >>> print(*printed_function(x - 5.0, [x]))
    (x, k) => { const v0 = x[0] - k[0]; return known(v0, [1], [v0]); } [5.0]
    """
    lines: list[str] = []
    names = {value: Symbol(f"x[{i}]", lines=lines) for i, value in enumerate(inputs)}
    between = set(inputs)  # and all that depends on them
    constants: list[float] = []
    results = []
    for node in sorted(grads_of(root, between), key=attrgetter("born")):
        if node in names:
            continue
        if not node.args:
            names[node] = Symbol(f"k[{len(constants)}]", lines=lines)
            constants.append(node.data)
            continue
        if not is_spelled(node.op):
            raise NotImplementedError(f"the operation {node.op.symbol!r} has no spelling in JavaScript")
        names[node] = _line("v", Symbol("", lines=lines).apply(node.op, [names[arg] for arg in node.args]))
        if not between.isdisjoint(node.args):
            between.add(node)
            results.append(node)
    parts: dict[Value, list[Any]] = {root: [1.0]}
    for node in reversed(results):
        if node not in parts:
            continue
        upstream = _line("g", _sum(parts[node]))
        for operand, local in zip(node.args, node.op.local(names[node], *(names[arg] for arg in node.args))):
            if operand in between:
                parts.setdefault(operand, []).append(upstream * local)
    gradient = [_number(_sum(parts[value])) if value in parts else "0" for value in inputs]
    between_lines = ", ".join(line.split()[1] for line in lines)
    result = f"known({names[root]}, [{', '.join(gradient)}], [{between_lines}])"
    return Printed(f"(x, k) => {_body(lines, result)}", constants)


def _line(letter: str, x: Any) -> Any:
    """The name of a line that computes x, if it is more than a name or a number."""
    if not isinstance(x, Symbol) or x.strength == 5:
        return x
    name = f"{letter}{len(x.lines)}"
    x.lines.append(f"const {name} = {x};")
    return x.made(name)


def _sum(parts: list[Any]) -> Any:
    """What has come back to a node, added up in order."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def _number(x: Like) -> str:
    return str(Symbol("").like(x))


def _body(lines: list[str], result: str) -> str:
    return f"{{ {' '.join(lines)} return {result}; }}" if lines else result


def formula(op: Op) -> str:
    """The local derivative of an activation a = f(z) as a learner writes it.

    >>> from ..engine import SIGMOID, TANH
    >>> formula(SIGMOID), formula(TANH)
    ('a·(1 − a)', '1 − a·a')
    """
    return str(Formula("").like(op.local(Formula("a"), Formula("z"))[0]))
