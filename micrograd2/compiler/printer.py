"""Printing: an array program as a page of NumPy, or of JAX, which is much the same. Only here lines get names.

What a reader follows has a line of its own: the variables of the scalar code (z a layer's weighted sums, a their
activations, v others) and their gradients (d_z1); all else stands within the lines that use it. Parts of the parameters
are views, W and b of a layer, and so are those of the gradient, g_W: a product is written right into its place.
"""

from __future__ import annotations

import builtins
import math
import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engine import ADD, Op
from ..expressions import Text
from .lines import (GIVEN, LAST, LEAF, LOG_SUM_EXP, LOOP, MASKED, NUMBER, PLACE, PRODUCT, READ, SPREAD, STACK, SUMMED,
                    TABLE, TURN, ArrayProgram, Line, Places, body_of, carry_of, is_whole, leaf, varying)
from .text import HELPERS, IN_JAX, spelled, text
from .view import listed, ranges, split, view

LONGEST = 88  # an expression that is longer gets a line of its own
SHORT = 20    # a view that is not, and is used more than once, gets a name


class Page:
    """Writes one function, `program(theta, *inputs)`: of a result, or of a loss and its gradient."""

    def __init__(self, program: ArrayProgram, inputs: Sequence[str], dtype: np.dtype, jax: bool = False) -> None:
        self.program, self.dtype, self.jax = program, dtype, jax
        self.lines: list[tuple[str, str]] = []            # code and comment
        self.texts: dict[Line, Text] = {}
        self.own: set[Line] = set()                       # those that have a line of their own, and so a name
        self.factors: dict[Line, tuple[Text, Text]] = {}  # of products that can be written right into their place
        self.constants: dict[str, str] = {}               # an array of places or numbers, as text -> its name
        self.parts: dict[str, tuple[str, Line]] = {}      # how to see a part of theta -> its name, and the reading
        self.taken = {"theta", "gradient", "loss", "ones", "B", "np", "jax", "views", "program", *HELPERS, *IN_JAX,
                      *dir(builtins)}
        self.numbers: Counter[str] = Counter()
        self.inputs = {name: self.fresh(name) for name in inputs}
        self.t, self.carried, self.slices = map(self.fresh, ("t", "carried", "slices"))
        self.layers: dict[Line, int] = {}
        self.indent = ""
        self.begin: dict[Line, Text] = {}                 # with what a loop begins
        self.names = self.named()
        self.adjoint_of = {d: y for y, d in reversed(program.gradients.items())
                           if y in self.names and d not in self.names}
        self.write(program.result)

    def source(self) -> str:
        """The whole program, to be run as it stands."""
        inputs, words = list(self.inputs.values()), self.words()
        head = [f"def program({', '.join(['theta', *inputs])}):"]
        if not self.jax:
            head.insert(0, '@np.errstate(divide="raise", invalid="raise", over="ignore", under="ignore")')
        body = [f"    {code:<56}  {comment}" if comment else f"    {code}" for code, comment in self.lines]
        if "B" in words:
            head.append(f"    B = len({inputs[0]})" if inputs else "    B = 1")
        head += [f"    {code}" for code in self.unpacked("", "theta", words)]
        words |= {"sums"} if "logsumexp" in words else set()
        blocks = ["import jax\nimport jax.numpy as np" if self.jax else "import numpy as np"]
        blocks += [code.rstrip() for name, code in (IN_JAX if self.jax else HELPERS).items() if name in words]
        if self.parts:
            ends = [","] * (len(self.parts) - 1) + ["]"]
            views = [f"v{seen}{end}  # {name} {self.extent(line)}"
                     for (seen, (name, line)), end in zip(self.sorted_parts(), ends)]
            blocks.append("def views(v):\n    return [" + "\n            ".join(views))
        if self.constants:
            blocks.append("\n".join(f"{name} = {code}" for code, name in self.constants.items()))
        return "\n\n\n".join([*blocks, "\n".join(head + body)]) + "\n"

    # names

    def fresh(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        if name[:2] in ("d_", "g_"):  # these are gradients
            name = f"x_{name}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def numbered(self, letter: str) -> str:
        self.numbers[letter] += 1
        return self.fresh(f"{letter}{self.numbers[letter]}")

    def named(self) -> dict[Line, str]:
        """z for a layer, which is parameters times data; a1 for the activations of z1; cost for the result; v for
        others, which are numbered when they are written."""
        names: dict[Line, str] = {}
        needed = set(self.program.lines())
        for line in self.program.variables:
            if line in names or line not in needed or line.op in GIVEN:
                continue
            inner = line.args[0] if line.op is ADD else line
            if inner.op is PRODUCT and inner not in names and self.is_part(inner.args[1]) and inner.args[0].batched:
                k = self.layers[line] = len(self.layers) + 1
                names[line] = self.fresh(f"z{k}")
                self.part(inner.args[1], f"W{k}")
                if line is not inner and self.is_part(line.args[1]):
                    self.part(line.args[1], f"b{k}")
            elif isinstance(line.op, Op) and line.op.numpy and len(line.args) == 1 and line.args[0] in self.layers:
                names[line] = self.fresh(f"a{self.layers[line.args[0]]}")
            else:
                names[line] = self.fresh("cost") if line is self.program.cost else ""
        return names

    def is_part(self, line: Line) -> bool:
        return line.op is READ and line.args[0].trained and line.args[0].op is LEAF and bool(self.view(line))

    def part(self, line: Line, role: str = "") -> str:
        """The name of a part of theta."""
        seen = self.view(line)
        assert seen
        if seen not in self.parts:
            self.parts[seen] = (self.fresh(role) if role else self.numbered("p")), line
        return self.parts[seen][0]

    def sorted_parts(self) -> list[tuple[str, tuple[str, Line]]]:
        return sorted(self.parts.items(), key=lambda item: int(item[1][1].how.of.min()))

    def unpacked(self, prefix: str, vector: str, words: set[str]) -> list[str]:
        """The line that names the parts of a parameter vector, those that are used."""
        names = [prefix + name if prefix + name in words else "_" for _, (name, _) in self.sorted_parts()]
        return [f"{', '.join(names)}{',' * (len(names) == 1)} = views({vector})"] if set(names) - {"_"} else []

    def words(self) -> set[str]:
        """The names that the lines use."""
        return {word for code, _ in self.lines for word in _words(code)}

    # lines

    def line(self, code: str, line: Line | None = None) -> None:
        self.lines.append((self.indent + code, f"# {self.extent(line)}" if line else ""))

    def write(self, result: Line) -> None:
        """All lines, operands first; the parts of the gradient go to their places as soon as they are known."""
        lines, gradient = self.program.lines(), self.program.gradient
        self.uses = Counter(arg for line in lines for arg in line.args)
        within = set(varying(lines))
        self.used_in_loops = {arg for line in within for arg in line.args if arg not in within}
        self.stacks = {line.args: line for line in lines if line.op is STACK}
        lines = [line for line in lines if line not in within]
        if gradient is None:
            for line in lines:
                self.spell(line)
            self.line(f"return {self.text(result)}")
            return
        parts = [(gradient, Places(np.arange(gradient.size), True))]
        if gradient.op is PLACE:
            parts, lines = list(zip(gradient.args, gradient.how)), [line for line in lines if line is not gradient]
        forward, backward = lines[:lines.index(result) + 1], lines[lines.index(result) + 1:]
        for line in forward:
            self.spell(line)
        self.line(f"loss = {self.text(result)}")
        self.line(f"gradient = np.{'empty' if _are_all(parts, gradient) else 'zeros'}_like(theta)")
        start, written = len(self.lines), np.zeros(gradient.size, bool)
        later, ready = set(backward), defaultdict(list)  # what is known before the loss goes to its place right after
        for part, places in parts:
            ready[part if part in later else result].append((part, places))
        for line in (result, *backward):
            self.spell(line)
            for part, places in ready[line]:
                self.put("gradient", gradient, part, places, written)
        room = ["ones = np.ones(B, theta.dtype)"] * ("ones" in self.words())
        self.lines[start:start] = [(code, "") for code in room + self.unpacked("g_", "gradient", self.words())]
        self.line("return loss, gradient")

    def spell(self, line: Line) -> None:
        """The text of a line; if it is more than a detail of the lines that use it, a line of its own."""
        if line in self.texts or line.op in GIVEN:
            return
        if line.op is LOOP:
            self.loop(line)
            return
        if line.op is PLACE and not _is_joined(line):
            self.texts[line] = Text(self.name(line))
            self.add_up(line)
            return
        code = self.expression(line)
        often = self.uses[line] > 1 and not self.is_cheap(line) or len(code.text) > LONGEST and self.uses[line] > 0
        often |= line in self.used_in_loops and not self.is_part(line)  # once, and not in every turn
        is_followed = line in self.names or line in self.adjoint_of
        if (is_followed or often or line.op is PLACE) and not code.text.isidentifier():
            name = self.name(line)
            self.line(f"{name} = {code}", line)
            code = Text(name)
        self.texts[line] = code

    def name(self, line: Line) -> str:
        """The name of a line that is written by itself."""
        self.own.add(line)
        if line in self.adjoint_of and self.adjoint_of[line] in self.texts:
            name = f"d_{self.texts[self.adjoint_of[line]]}"
            if name not in self.taken:
                self.taken.add(name)
                return name
        return self.names.get(line) or self.numbered("v")

    def has_name(self, line: Line) -> bool:
        return line in self.own or line.op in GIVEN

    def is_cheap(self, line: Line) -> bool:
        """Whether it may as well be written twice: a short view of what has a name."""
        if line.op is not READ:
            return line.op in (SPREAD, TURN)
        seen = self.view(line)
        return self.is_part(line) or self.has_name(line.args[0]) and seen is not None and len(seen) < SHORT

    def text(self, line: Line) -> Text:
        if line.op is NUMBER:
            x, k = line.how
            return text(x) if not k else text(x) * Text("B") if k > 0 else text(x) / Text("B")
        if line.op is LEAF:
            return Text("theta" if line.trained else self.inputs[line.how])
        return Text(self.constant(line.how)) if line.op is TABLE else self.texts[line]

    def expression(self, line: Line) -> Text:
        """How the operation is spelled."""
        if isinstance(line.op, Op):
            return spelled(line.op, [self.text(arg) for arg in line.args], self.jax)
        if line.op is READ:
            return self.reading(line, line.how.of)
        if line.op is SUMMED:
            return self.total(line, keep=True)
        if line.op is PRODUCT:
            return self.product(line)
        if line.op in (STACK, LAST):  # the loop has given them their names
            return self.texts[line.args[1]] if line.op is LAST else self.texts[line]
        inner = self.text(line.args[0])
        if line.op is TURN:
            return Text(f"{inner.within(5)}[{':, ' * line.batched}{self.t}]")
        if line.op is LOG_SUM_EXP:
            return Text(f"logsumexp({inner})")
        if line.op is MASKED:
            return Text(f"np.where({self.mask(line.how[0])}, {inner}, {text(line.how[1])})")
        if line.op is SPREAD:
            if line.args[0].op is NUMBER and line.args[0].how[0] == 0:
                return Text(f"np.zeros({self.extent(line)}, theta.dtype)")
            if line.args[0].op is NUMBER:
                return Text(f"np.full({self.extent(line)}, {inner}, theta.dtype)")
            return Text(f"np.broadcast_to({inner}, {self.extent(line)})")
        whole = [Text(f"np.broadcast_to({self.text(arg)}, (B, {listed(arg.shape)}))") if line.batched and not
                 arg.batched else self.text(arg) for arg in line.args]
        return Text(f"np.concatenate([{listed(whole)}], axis=-1)")

    # loops

    def loop(self, loop: Line) -> None:
        """The lines of a loop; what is kept of every turn is put into an array."""
        formals, firsts, afters = carry_of(loop)
        body = body_of(loop)
        stacks = {line: self.stacks[loop, line] for line in (*formals, *body) if (loop, line) in self.stacks}
        for formal, first, after in zip(formals, firsts, afters):
            name = self.name(formal if formal in self.adjoint_of else after)
            if after in self.names:
                self.names[after] = ""  # what is carried bears its name
            self.texts[formal], self.begin[formal] = Text(name), self.text(first)
            self.line(f"{name} = {self.text(first)}", formal)
        before = {formal: after for formal, after in zip(formals, afters) if formal in stacks and after in stacks}
        kept = {line: array for line, array in stacks.items() if line not in before}
        for array in stacks.values():
            self.texts[array] = Text(self.numbered("s"))
        (self.scan if self.jax else self.turns)(loop, body, kept)
        for formal, after in before.items():  # what is carried into a turn is what the one before has left
            axis, of, backward = int(formal.batched), ":, " * formal.batched, loop.how[1]
            begin_with = self.begin[formal].within(5) + f"[{of}None]"
            others = f"{self.texts[stacks[after]]}[{of}{'1:' if backward else ':-1'}]"
            parts = [others, begin_with] if backward else [begin_with, others]
            code = f"{self.texts[stacks[formal]]} = np.concatenate([{listed(parts)}], axis={axis})"
            self.line(code, stacks[formal])

    def turns(self, loop: Line, body: list[Line], kept: dict[Line, Line]) -> None:
        turns, backward = loop.how
        formals, _, afters = carry_of(loop)
        for array in kept.values():
            self.line(f"{self.texts[array]} = np.empty({self.extent(array)}, theta.dtype)", array)
        counts = self.t if kept or any(line.op is TURN for line in body) else "_"
        self.line(f"for {counts} in {f'reversed(range({turns}))' if backward else f'range({turns})'}:")
        self.indent, begin = "    ", len(self.lines)
        for line in (*formals, *body):
            self.spell(line)
            if line in kept:
                self.line(f"{self.texts[kept[line]]}[{':, ' * line.batched}{self.t}] = {self.text(line)}")
        self.carry(formals, afters, begin)
        if len(self.lines) == begin:  # what is carried stays what it is
            self.lines.pop()
        self.indent = ""

    def scan(self, loop: Line, body: list[Line], kept: dict[Line, Line]) -> None:
        """The same in JAX: a function of what is carried and of the slices of a turn."""
        formals, _, afters = carry_of(loop)
        slices = [line for line in body if line.op is TURN]
        arrays = _tuple(self.text(line.args[0]).within(5) + ".swapaxes(0, 1)" * line.batched for line in slices)
        for line in slices:
            self.texts[line] = Text(self.numbered("x"))
        names, turn = _tuple(self.text(formal) for formal in formals), self.numbered("turn")
        self.line(f"def {turn}({self.carried}, {self.slices}):")
        self.indent = "    "
        self.line(f"{names} = {self.carried}")
        if slices:
            self.line(f"{_tuple(self.text(line) for line in slices)} = {self.slices}")
        for line in body:
            self.spell(line)
        self.line(f"return {_tuple(map(self.text, afters))}, {_tuple(self.text(line) for line in kept)}")
        self.indent = ""
        results = _tuple(self.texts[array] for array in kept.values())
        rest = arrays if slices else f"None, {loop.how[0]}"
        self.line(f"{names}, {results} = jax.lax.scan({turn}, {names}, {rest})")
        for line, array in kept.items():
            if line.batched:
                self.line(f"{self.texts[array]} = {self.texts[array]}.swapaxes(0, 1)", array)

    def carry(self, formals: Sequence[Line], afters: Sequence[Line], begin: int) -> None:
        """Give what is carried its new numbers: under its own name as soon as the old ones are not used any more.

        v5 = np.tanh(v4); a1 = v5 becomes a1 = np.tanh(v4), if a1 is not used behind v5.
        """
        given = {str(self.text(formal)): str(self.text(after)) for formal, after in zip(formals, afters)}
        for formal, after, (old, new) in zip(formals, afters, [*given.items()]):
            made = [k for k, (code, _) in enumerate(self.lines[begin:], begin) if code.startswith(f"    {new} = ")]
            if len(made) != 1 or afters.count(after) > 1 or after in formals:
                continue
            later = [code for code, _ in self.lines[made[0] + 1:]]
            if not any(old in _words(code) for code in (*later, *given.values())):
                self.lines[made[0]:] = [(_renamed(code, new, old), comment) for code, comment in self.lines[made[0]:]]
                given = {name: _renamed(code, new, old) for name, code in given.items()}
                self.texts[after] = Text(old)
        left = {old: new for old, new in given.items() if old != new}
        if left:
            self.line(f"{listed(left)} = {listed(left.values())}")

    # reading

    def extent(self, line: Line) -> str:
        """The shape of an array, as it is in the program."""
        if not line.batched:
            return str(line.shape)
        return f"(B, {listed(line.shape)})" if line.shape else "(B,)"

    def view(self, line: Line, places: np.ndarray | None = None) -> str | None:
        """What to write behind the text of what is read."""
        a, places = line.args[0], line.how.of if places is None else places
        seen = view(a.shape, places, a.batched)
        return seen and "".join(seen)

    def reading(self, line: Line, places: np.ndarray) -> Text:
        """Places of an array: the name of a part of theta, a view, or else an index."""
        a = line.args[0]
        seen = self.view(line, places)
        if a.op is SUMMED and is_whole(places, a.size) and not self.has_name(a):
            if places.shape == tuple(n for axis, n in enumerate(a.shape) if axis - len(a.shape) not in a.how[0]):
                return self.total(a, keep=False)
        if seen is None:
            return Text(self.indexed(self.text(a).within(5), a, places))
        if a.op is LEAF and a.trained and seen:
            return Text(self.part(Line(READ, [a], Places(places, True), places.shape)))
        return Text(self.text(a).within(5) + seen) if seen else self.text(a)

    def reshape(self, line: Line, *shape: int) -> str:
        return f".reshape({'B, ' * line.batched}{listed(shape)})"

    def total(self, line: Line, keep: bool) -> Text:
        """A sum over axes, which are kept with length 1 or not, and the batch."""
        a, (axes, over) = line.args[0], line.how
        inner = self.text(a)
        if over and not axes and len(a.shape) == 1 and not self.jax:  # a product with ones is faster than a sum
            self.factors[line] = Text("ones"), inner
            return Text("ones @ " + inner.within(3), 2)
        if tuple(axes) == (-1,) and not over:
            return Text(f"sums({inner})" + "[..., None]" * keep)
        if len(axes) == len(a.shape) and over == a.batched and not keep:
            return Text(f"{inner.within(5)}.sum()")
        first = ".sum(axis=0)" if over and (keep or not axes) else ""
        rest: list[int] = [] if first or not over else [0]
        rest += sorted(axes)
        keepdims = ", keepdims=True" * keep
        last = f".sum(axis={tuple(rest) if len(rest) > 1 else rest[0]}{keepdims})" if rest else ""
        return Text(inner.within(5) + first + last)

    def mask(self, asked: np.ndarray) -> str:
        """The name of what says where numbers are asked for: in each row the first so many, as a rule."""
        while asked.ndim > 1 and len(asked) == 1:  # along the first axes all are alike
            asked = asked[0]
        n, lengths = len(asked.T), asked.sum(axis=-1)
        if np.array_equal(asked, np.arange(n) < lengths[..., None]):
            return self.kept(f"np.arange({n}) < {self.written(lengths)}[..., None]", "m")
        return self.kept(self.written(asked.astype(int)) + " == 1", "m")

    def product(self, line: Line) -> Text:
        """A sum of products over the axes that the result lacks: of matrices with @, if it can be said so."""
        (a, b), (of_a, of_b, of_y) = line.args, line.how
        if of_y and of_y[-1] not in of_b:
            a, b, of_a, of_b = b, a, of_b, of_a
        code = self.of_matrices(line, a, b, of_a, of_b, of_y) or self.of_stacks(a, b, of_a, of_b, of_y)
        return code or Text(f'np.einsum("{of_a},{of_b}->{of_y}", {self.text(a)}, {self.text(b)})')

    def of_matrices(self, line: Line, a: Line, b: Line, of_a: str, of_b: str, of_y: str) -> Text | None:
        """a @ b, if no axis is common to all three: each is a matrix then, with several axes for rows, it may be."""
        over = [axis for axis in of_a if axis in of_b]
        rows, columns = ([axis for axis in names if axis not in over] for names in (of_a, of_b))
        if not over or not columns or list(of_y) != rows + columns:
            return None
        left, right = self.matrix(a, of_a, rows, over), self.matrix(b, of_b, over, columns)
        if left is None or right is None:
            return None
        if len(rows) > 1 or len(columns) > 1:
            return Text(f"({left.within(2)} @ {right.within(3)})" + self.reshape(line, *line.shape))
        self.factors[line] = left, right
        return Text(f"{left.within(2)} @ {right.within(3)}", 2)

    def matrix(self, a: Line, names: str, rows: list[str], columns: list[str]) -> Text | None:
        """The text of an array as a matrix with these axes for rows and for columns, the turned one if need be."""
        first, last = (rows, columns) if list(names) == rows + columns else (columns, rows)
        if list(names) != first + last:
            return None
        seen = self.text(a)
        if len(first) > 1 or len(last) > 1:
            parts = view(a.args[0].shape, a.how.of, a.batched) if a.op is READ and a not in self.own else None
            if parts:  # one reshape is enough
                seen = Text(self.text(a.args[0]).within(5) + parts[0])
            seen = Text(f"{seen.within(5)}.reshape(-1, {math.prod(a.shape[len(a.shape) - len(last):])})")
        return seen if first is rows else Text(f"{seen.within(5)}.T")

    def of_stacks(self, a: Line, b: Line, of_a: str, of_b: str, of_y: str) -> Text | None:
        """a @ b for each of the first axes, of which one operand may lack some; summed over the batch if y lacks it."""
        whole = of_y if "B" not in of_a + of_b or of_y[0] == "B" else f"B{of_y}"
        row, column, lead = whole[-2:-1], whole[-1], whole[:-2]
        over = [axis for axis in of_a if axis not in whole]
        shorter, longer = sorted((of_a[:-2], of_b[:-2]), key=len)
        if len(over) != 1 or longer != lead or not longer.endswith(shorter):
            return None
        if set(of_a[-2:]) != {row, *over} or set(of_b[-2:]) != {column, *over}:
            return None
        left = self.text(a) if of_a[-1] == over[0] else self.turned(a)
        right = self.text(b) if of_b[-1] == column else self.turned(b)
        stacks = Text(f"{left.within(2)} @ {right.within(3)}", 2)
        return stacks if whole == of_y else Text(f"({stacks}).sum(axis=0)")

    def turned(self, a: Line) -> Text:
        """An array with its last two axes in turn."""
        if a.op is READ and a not in self.own:
            if self.view(a, places := a.how.of.swapaxes(-1, -2)) is not None:
                return self.reading(a, places)
        return Text(self.text(a).within(5) + (".T" if len(a.shape) == 2 and not a.batched else ".swapaxes(-1, -2)"))

    # adding up

    def add_up(self, line: Line) -> None:
        """The lines that add every part to its places."""
        name, parts = self.text(line).text, list(zip(line.args, line.how))
        room, written = "empty" if _are_all(parts, line) else "zeros", np.zeros(line.size, bool)
        self.line(f"{name} = np.{room}({self.extent(line)}, theta.dtype)", line)
        for part, places in parts:
            self.put(name, line, part, places, written)

    def put(self, name: str, line: Line, part: Line, places: Places, written: np.ndarray) -> None:
        """Assign a part to its places of an array if nothing is there yet, else add it."""
        where, amount = places.of, self.text(part)
        first = places.distinct and not written[where].any()
        written[where] = True
        if not places.distinct:
            self.scatter_add(name, line, part, where)
            return
        if (finer := split(where)).ndim > where.ndim:  # a cut that is reshaped would be a copy
            where, amount = finer, amount if part.op is NUMBER else Text(
                amount.within(5) + self.reshape(part, *finer.shape))
        seen = view(line.shape, where, line.batched)
        sign = "=" if first else "+="
        if seen is None:
            self.line(f"{self.indexed(name, line, where)} {sign} {amount}")
        elif seen == ("", ""):
            self.line(f"{name}{'[:]' * first} {sign} {amount}")
        elif line is not self.program.gradient:
            self.line(f"{name}{''.join(seen)}[...] {sign} {amount}")
        else:
            theta = leaf("theta", line.size, trained=True)
            target = f"g_{self.part(Line(READ, [theta], Places(where, True), where.shape))}"
            if first and part in self.factors and part not in self.own and where is places.of:
                left, right = self.factors[part]
                self.line(f"np.matmul({left}, {right}, out={target})")
            else:
                self.line(f"{target}{'[:]' * first} {sign} {amount}")

    def scatter_add(self, name: str, line: Line, part: Line, where: np.ndarray) -> None:
        """Add a part to places some of which come more than once: what each was handed is summed."""
        rows, inner = _rows(where, line.size)
        target, amount, size = self.flat(name, line, rows), self.text(part), line.size // rows
        every, index = ":, " * (line.batched + (rows > 1)), self.constant(inner.ravel())
        if part.op is not NUMBER and (where.ndim > 1 + (rows > 1) or rows > 1 and where.ndim == 1):
            amount = Text(amount.within(5) + self.reshape(part, *[rows] * (rows > 1), inner.size))
        if part.op is NUMBER or size * inner.size > 10**6:
            self.line(f"np.add.at({target}, {f'np.s_[{every}{index}]' if every else index}, {amount})")
        else:
            target += "[:]" * (line.shape != (*[rows] * (rows > 1), size))
            self.line(f"{target} += {amount.within(2)} @ np.eye({size}, dtype=theta.dtype)[{index}]")

    def indexed(self, name: str, line: Line, places: np.ndarray) -> str:
        """Places of an array that are not regular: the same in every row of it, it may be."""
        rows, inner = _rows(places, line.size)
        return f"{self.flat(name, line, rows)}[{':, ' * (line.batched + (rows > 1))}{self.constant(inner)}]"

    def flat(self, name: str, line: Line, rows: int = 1) -> str:
        """An array as one row, or as so many."""
        shape = (line.size,) if rows == 1 else (rows, line.size // rows)
        return name + (self.reshape(line, *shape) if line.shape != shape else "")

    def constant(self, values: np.ndarray) -> str:
        """The name of an array that the program keeps beside itself."""
        return self.kept(self.written(values), "k" if values.dtype.kind == "f" else "i")

    def kept(self, code: str, letter: str) -> str:
        if code not in self.constants:
            self.constants[code] = self.fresh(f"{letter}{len(self.constants) + 1}")
        return self.constants[code]

    def written(self, values: np.ndarray) -> str:
        """The text of an array."""
        digits = np.array2string(values, separator=", ", threshold=10**9, max_line_width=110, floatmode="unique")
        digits = digits.replace("inf", "np.inf").replace("nan", "np.nan")
        of = f", np.{self.dtype}" * (values.dtype.kind == "f" and self.dtype != np.float64)
        if values.size > 8 and (values == values.flat[0]).all():
            return f"np.full({values.shape}, {digits.strip('[ ').replace(']', ',').split(',')[0]}{of})"
        if values.dtype.kind == "f":
            return f"np.array({digits}{of})"
        if values.size > 8 and (code := ranges(values)):
            return code
        if values.ndim == 1:
            runs = np.split(values, np.flatnonzero(np.diff(values) != 1) + 1)
            if 3 * len(runs) < len(values):  # 0:16 instead of 0, 1, 2, …
                code = f"np.r_[{listed(f'{run[0]}:{run[-1] + 1}' for run in runs)}]"
                return "\n    ".join(textwrap.wrap(code, 110))
        return f"np.array({digits})"


def _rows(places: np.ndarray, size: int) -> tuple[int, np.ndarray]:
    """The number of rows in which these are the same places, and these; or 1, and all of them."""
    rows = len(places)
    if places.ndim < 2 or size % rows:
        return 1, places
    starts = size // rows * np.arange(rows).reshape(-1, *[1] * (places.ndim - 1))
    inner = places - starts
    same = (inner == inner[0]).all() and 0 <= inner.min() and inner.max() < size // rows
    return (rows, inner[0]) if same and rows > 1 else (1, places)


def _tuple(parts: Iterable[Any]) -> str:
    """These as a tuple."""
    parts = list(map(str, parts))
    return f"({listed(parts)}{',' * (len(parts) == 1)})"


def _words(code: str) -> set[str]:
    """The names that a line uses, attributes apart."""
    return set(re.findall(r"(?<![\w.])[^\W\d]\w*", code))


def _renamed(code: str, name: str, other: str) -> str:
    return re.sub(rf"(?<![\w.]){name}\b", other, code)


def _are_all(parts: Sequence[tuple[Line, Places]], line: Line) -> bool:
    """Whether these fill an array, every place once."""
    places = [np.arange(0), *(places.of.ravel() for _, places in parts)]
    return all(places.distinct for _, places in parts) and np.array_equal(
        np.sort(np.concatenate(places)), np.arange(line.size))


def _is_joined(line: Line) -> bool:
    """Whether the parts stand side by side along the last axis."""
    *lead, n = line.shape or (0,)
    sides = [places.of for places in line.how]
    return not any(part.op is NUMBER for part in line.args) and all(
        side.shape[:-1] == tuple(lead) and side.ndim == len(line.shape) for side in sides) and np.array_equal(
        np.concatenate(sides, axis=-1), np.arange(line.size).reshape(line.shape))
