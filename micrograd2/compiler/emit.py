"""Emitting: from a plan to NumPy source. Forward statement by statement, then backward in reverse order.

`d_v` is the gradient of the loss with respect to the variable v, of the same shape. Every statement hands each of its
operands a contribution, and a variable adds up what it was handed when its own turn comes: the backward pass of the
engine, with arrays for numbers. A gradient that is one number for all, such as 1 / B, stays that number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

import numpy as np

from ..engine import RELU, SIGMOID, TANH
from .address import Address, Variable
from .group import Elementwise, Joined, LogSumExp, Operand, Plan, Statement, Sum, WeightedSum
from .text import HELPERS, Text, spelled, text


class Handed(NamedTuple):
    """A contribution to a variable: where, and how much; `alike` if it is one number for all of these places."""

    address: Address
    text: Text
    alike: bool


class Emitter:
    """Writes one function, `program(theta, *inputs)`, of (loss, gradient) or, without `backward`, of the outputs."""

    def __init__(self, plan: Plan, backward: bool, dtype: np.dtype) -> None:
        self.plan, self.dtype = plan, dtype
        self.lines: list[str] = []
        self.tables: dict[str, str] = {}             # an array of places or constants, as text -> its name
        self.views: dict[str, tuple[str, str]] = {}  # how to see a part of theta -> its name, its shape
        self.names = {"theta", "gradient", "loss", "ones", "B", "np", "views", "program", *HELPERS}
        self.numbers: dict[str, int] = defaultdict(int)
        self.handed: dict[Variable, list[Handed]] = defaultdict(list)
        self.written = np.zeros(plan.theta.size, dtype=bool)  # the parts of the gradient that have been assigned
        self.needs_zeros = False
        for variable in plan.inputs:
            variable.name = self.fresh(variable.name)
        for statement in plan.statements:
            self.forward(statement)
        if backward:
            self.backward()
        else:
            self.line(f"return {self.outputs()}")

    def source(self) -> str:
        """The whole program, to be run as it stands."""
        inputs = [variable.name for variable in self.plan.inputs]
        body = "\n".join(self.lines)
        head = ['@np.errstate(divide="raise", invalid="raise", over="ignore")',
                f"def program({', '.join(['theta', *inputs])}):"]
        if re.search(r"\bB\b", re.sub("#.*", "", body)):
            head.append(f"    B = len({inputs[0]})" if inputs else "    B = 1")
        head += self.unpacked([name for name, _ in self.views.values()], "theta", body)
        blocks = ["import numpy as np"]
        blocks += [code.rstrip() for name, code in HELPERS.items() if re.search(rf"(?<![\w.]){name}\(", body)]
        if self.views:
            parts = ",\n            ".join(f"v{view}" for view in self.views)
            blocks.append(f"def views(v):\n    return ({parts}{',' * (len(self.views) == 1)})")
            notes = ["  # " + " ".join(pair) for pair in self.views.values()]
            lines = blocks[-1].split("\n")
            blocks[-1] = "\n".join([lines[0]] + [line + note for line, note in zip(lines[1:], notes)])
        tables = [f"{name} = {code}" for code, name in self.tables.items() if re.search(rf"\b{name}\b", body)]
        if tables:
            blocks.append("\n".join(tables))
        return "\n\n\n".join(blocks + ["\n".join(head) + "\n" + body]) + "\n"

    # names and lines

    def fresh(self, name: str) -> str:
        """The name, or one like it that is not taken; "v" gets a number."""
        if name == "v":
            self.numbers["v"] += 1
            name = f"v{self.numbers['v']}"
        if re.match("[dg]_", name):  # these are gradients
            name = f"x_{name}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def line(self, code: str, variable: Variable | None = None) -> None:
        if variable is not None:
            comma = "," * (len(variable.shape) == 1 and not variable.batched)
            code = f"{code:<56}  # ({variable.lead}{', '.join(map(str, variable.shape))}{comma})"
        self.lines.append(f"    {code}")

    def table(self, values: np.ndarray) -> str:
        """The name of an array that the program keeps beside itself."""
        digits = np.array2string(values, separator=", ", threshold=10**9, max_line_width=110, floatmode="unique")
        digits = digits.replace("inf", "np.inf").replace("nan", "np.nan")
        whole = values.dtype.kind == "i"
        code = f"np.array({digits})" if whole or self.dtype == np.float64 else f"np.array({digits}, np.{self.dtype})"
        if code not in self.tables:
            self.tables[code] = self.fresh(f"{'i' if whole else 'k'}{len(self.tables) + 1}")
        return self.tables[code]

    def unpacked(self, names: list[str], vector: str, body: str) -> list[str]:
        """The line that names the parts of a parameter vector, those that the body uses."""
        used = [name if re.search(rf"\b{name}\b", body) else "_" for name in names]
        if not set(used) - {"_"}:
            return []
        return [f"    {', '.join(used)}{',' * (len(used) == 1)} = views({vector})"]

    # reading

    def read(self, operand: Operand, role: str = "") -> Text:
        """The operand as an array of its shape, with the batch in front if it depends on it."""
        if not isinstance(operand, Address):
            return text(operand)
        view, variable = operand.view(), operand.variable
        if view is None:
            return Text(f"{variable.flat}[{':, ' if variable.batched else ''}{self.table(operand.places)}]")
        return Text(self.part(view, operand, role) if variable is self.plan.theta and view else variable.name + view)

    def part(self, view: str, address: Address, role: str = "") -> str:
        """The name of a part of theta."""
        if view not in self.views:
            name = self.fresh(role or f"p{len(self.views) + 1}")
            self.views[view] = name, f"({', '.join(map(str, address.shape))}{',' * (len(address.shape) == 1)})"
        return self.views[view][0]

    def outputs(self) -> str:
        output = self.plan.outputs
        if not isinstance(output, Address):
            return f"np.full((B, {self.plan.width}), {text(output)}, theta.dtype)"
        code = str(self.read(output))
        whole = output.variable.batched and output.shape == (self.plan.width,)
        return code if whole else f"np.broadcast_to({code}, (B, {self.plan.width}))"

    # forward

    def forward(self, statement: Statement) -> None:
        out = statement.out
        if isinstance(statement, Joined) and not statement.variables:
            out.name = self.table(np.array([node.number for node in out.nodes]))
            return
        if isinstance(statement, WeightedSum):
            code = self.weighted_sum(statement)
        elif isinstance(statement, Elementwise):
            out.name = self.fresh(self.role(statement))
            code = str(spelled(statement.op, [self.read(operand) for operand in statement.operands]))
        elif isinstance(statement, Sum):
            out.name = self.fresh("cost" if self.is_output(out) else "v")
            code = " + ".join(self.read(part).within(1) if n == 1 else self.summed(part, out)
                              for part, n in statement.parts)
        elif isinstance(statement, LogSumExp):
            out.name = self.fresh("v")
            code = f"logsumexp({self.read(statement.operand)})"
        else:
            out.name = self.fresh("v")
            parts = [v.flat if v.batched or not out.batched else f"np.broadcast_to({v.flat}, (B, {v.size}))"
                     for v in statement.variables]
            code = f"np.concatenate([{', '.join(parts)}], axis=-1)"
        self.line(f"{out.name} = {code}", out)

    def is_output(self, variable: Variable) -> bool:
        return isinstance(self.plan.outputs, Address) and self.plan.outputs.variable is variable and variable.size == 1

    def role(self, statement: Elementwise) -> str:
        """a1 for the activations of the weighted sums z1, cost for the last variable, else v and a number."""
        first = statement.operands[0]
        if statement.op in (TANH, SIGMOID, RELU) and isinstance(first, Address) and first.variable.name[0] == "z":
            return "a" + first.variable.name[1:]
        return "cost" if self.is_output(statement.out) else "v"

    def summed(self, part: Operand, out: Variable) -> str:
        assert isinstance(part, Address)
        if out.size == 1:
            return f"{self.read(part.keeping(1))}.sum(axis=-1, keepdims=True)"
        return f"{self.read(part)}.sum(axis=-1)"

    def weighted_sum(self, s: WeightedSum) -> str:
        """right · left, over the last axis of both: a product of matrices, or row by row where each meets only one."""
        (C, R, L), lead, k = s.shape, s.out.lead, 0
        left, right = s.sides()
        if left.variable is self.plan.theta and right.variable.batched and left.view() is not None:
            k = self.numbers["z"] = self.numbers["z"] + 1  # a layer: z = W x + b
        s.out.name = self.fresh(f"z{k}" if k else "cost" if self.is_output(s.out) else "v")
        W, x = self.read(left, f"W{k}" if k else ""), self.read(right)
        if s.rowwise:
            code = f"({W} * {x}).sum(axis=-1{', keepdims=True' if C == 1 else ''})"
        else:
            turned = Address(left.variable, left.places.swapaxes(-1, -2), inner=2)
            if C == 1 and not left.variable.batched:
                code = f"{x} @ {W}.T"
            else:
                code = f"{x} @ {W}.swapaxes(-1, -2)" if turned.view() is None else f"{x} @ {self.read(turned)}"
        if s.bias is not None:
            bias = s.bias.keeping(*s.axes) if isinstance(s.bias, Address) else s.bias
            code += f" + {self.read(bias, f'b{k}' if k else '').within(2)}"
        if s.keep is None:
            return code
        flat = f"({code})" if len(s.axes) == 1 else f"({code}).reshape({lead}{C * R * L})"
        return f"{flat}[{':, ' * s.out.batched}{self.table(s.keep)}]"

    # backward

    def backward(self) -> None:
        """The loss, the average over the batch, and its gradient, statement by statement from the last to the first."""
        output = self.plan.outputs
        if isinstance(output, Address):
            batched = output.variable.batched
            sums = rf" +{output.variable.name} = (\w+)\.sum\(axis=-1, keepdims=True\) +#.*"
            if batched and self.lines and (summed := re.fullmatch(sums, self.lines[-1])):  # only their sum is needed
                self.lines[-1] = f"    loss = {summed[1]}.sum() / B"
            else:
                self.line(f"loss = {self.read(output)}{'.sum() / B' if batched else '[0]'}")
            start = len(self.lines)
            self.hand(output, Text("1 / B", 2) if batched else Text("1"), True, (1,), batched)
            for statement in reversed(self.plan.statements):
                if (d := self.gathered(statement.out)) is not None:
                    self.pull(statement, *d)
        else:
            self.line(f"loss = {text(output)}")
            start = len(self.lines)
        make = "empty_like" if self.written.all() and not self.needs_zeros else "zeros_like"
        head = [f"    gradient = np.{make}(theta)"]
        after = "\n".join(self.lines[start:])
        if "(ones, " in after:
            head.append("    ones = np.ones(B, theta.dtype)")
        head += self.unpacked([f"g_{name}" for name, _ in self.views.values()], "gradient", after)
        self.lines[start:start] = head
        self.line("return loss, gradient")

    def hand(self, operand: Operand, contribution: Text, alike: bool, shape: tuple[int, ...], batched: bool) -> None:
        """Hand an operand, which was spread to this shape, a contribution; `batched` if the batch is in front of it."""
        if not isinstance(operand, Address) or not operand.variable.trained:
            return
        spread = [axis - len(shape) for axis, (n, kept) in enumerate(zip(shape, operand.shape)) if n != kept]
        over_batch = batched and not operand.variable.batched
        if alike:
            count = int(np.prod([shape[axis] for axis in spread]))
            contribution = contribution * count
            if over_batch:
                contribution = _times_batch(contribution)
        else:
            if spread:
                axes = str(spread[0]) if len(spread) == 1 else str(tuple(spread))
                contribution = Text(f"{contribution.within(5)}.sum(axis={axes}, keepdims=True)")
            if over_batch:
                contribution = Text(f"{contribution.within(5)}.sum(axis=0)")
        if operand.variable is self.plan.theta:
            self.write(operand, contribution, alike)
        else:
            self.handed[operand.variable].append(Handed(operand, contribution, alike))

    def write(self, address: Address, contribution: Text, alike: bool) -> None:
        """Into the gradient: assigned where it is the first, added elsewhere."""
        view, before = address.view(), self.written[address.places]
        first = not before.any() and address.unique
        self.needs_zeros |= not first and not before.all()
        self.written[address.places] = True
        target = "gradient" if view == "" else f"gradient[{self.table(address.places)}]" if view is None \
            else f"g_{self.part(view, address)}"
        if not address.unique:
            self.add_by_place("gradient", address, contribution, alike)
        elif first and view is not None and (product := re.fullmatch(r"(\w+\.T) @ (\w+)", contribution.text)):
            self.line(f"np.matmul({product[1]}, {product[2]}, out={target})")
        elif first and view is not None and (summed := re.fullmatch(r"(\w+)\.sum\(axis=0\)", contribution.text)):
            faster = len(address.shape) == 1  # a product with ones, than a sum
            self.line(f"np.matmul(ones, {summed[1]}, out={target})" if faster
                      else f"{summed[1]}.sum(axis=0, out={target})")
        else:
            self.line(f"{target}{'[:]' if first and view is not None else ''} {'' if first else '+'}= {contribution}")

    def add_by_place(self, name: str, address: Address, contribution: Text, alike: bool) -> None:
        """Add to the places of a flat array, some of which come more than once: what each was handed, summed."""
        variable, index = address.variable, self.table(address.places.ravel())
        if not alike and len(address.shape) > 1:
            contribution = Text(f"{contribution.within(5)}.reshape({variable.lead}{address.places.size})")
        if alike or variable.size * address.places.size > 10**6:
            self.line(f"np.add.at({name}, {f'(slice(None), {index})' if variable.batched else index}, {contribution})")
        else:
            summed = Text(f"{contribution.within(2)} @ np.eye({variable.size}, dtype=theta.dtype)[{index}]", 2)
            self.line(f"{name} += {summed}")

    def gathered(self, variable: Variable) -> tuple[Text, bool] | None:
        """d_variable: all that was handed to it, added up, and whether it is one number for all."""
        parts = self.handed.pop(variable, [])
        if not parts:
            return None
        name = f"d_{variable.name}"
        if all(part.address.whole for part in parts):
            if len(parts) == 1 and parts[0].alike:
                return parts[0].text, True
            terms = [part.text if part.alike else _reshaped(part.text, part.address.shape, variable) for part in parts]
            if len(terms) == 1 and terms[0].text.isidentifier():
                return terms[0], False
            if not all(part.alike for part in parts):
                self.line(f"{name} = {' + '.join(term.within(1) for term in terms)}", variable)
                return Text(name), False
        order = ', order="C"' * (len(variable.shape) > 1)  # so that a reshape of it is a view
        self.line(f"{name} = np.zeros_like({variable.name}{order})", variable)
        flat = name + variable.flat[len(variable.name):]
        for k, (address, contribution, alike) in enumerate(parts):
            sign = "+=" if k else "="
            if (view := address.view()) is not None:
                self.line(f"{name}{view}{'' if view.endswith(']') else '[...]'} {sign} {contribution}")
            elif address.unique:
                self.line(f"{flat}[{':, ' * variable.batched}{self.table(address.places)}] {sign} {contribution}")
            else:
                self.add_by_place(flat + "[...]" * (flat != name), address, contribution, alike)
        return Text(name), False

    def pull(self, statement: Statement, d: Text, alike: bool) -> None:
        """Hand on to the operands of a statement what its result was handed: upstream × local."""
        out = statement.out
        if isinstance(statement, Joined):
            start = 0
            for variable in statement.variables:
                end = start + variable.size
                part = d if alike else Text(f"{d}[{':, ' * out.batched}{start}:{end}]")
                self.hand(Address(variable, np.arange(variable.size)), part, alike, (variable.size,), out.batched)
                start = end
        elif isinstance(statement, Elementwise):
            operands = [self.read(operand) for operand in statement.operands]
            locals_ = statement.op.local(Text(out.name), *operands)
            if alike and len(operands) > 1 and any(isinstance(local, Text) for local in locals_):
                d, alike = self.filled(out, d), False
            for operand, local in zip(statement.operands, locals_):
                varied = isinstance(local, Text)
                if varied or local != 0:
                    self.hand(operand, _scaled(d, local), alike and not varied, out.shape, out.batched)
        elif isinstance(statement, Sum):
            for operand, n in statement.parts:
                if n == 1:
                    self.hand(operand, d, alike, out.shape, out.batched)
                else:
                    spread = d if alike else Text(f"np.repeat({d}, {n}, axis=-1).reshape("
                                                  f"{'B, ' * out.batched}{out.size}, {n})")
                    self.hand(operand, spread, alike, (out.size, n), out.batched)
        elif isinstance(statement, LogSumExp):
            upstream = d if alike else Text(f"{d}[..., None]")
            softmax = Text(f"np.exp({self.read(statement.operand)} - {out.name}[..., None])")
            self.hand(statement.operand, _scaled(upstream, softmax), False, statement.operand.shape, out.batched)
        elif statement.squares:
            (left, _), shape = statement.sides(), (statement.n,) if out.size == 1 else (out.size, statement.n)
            upstream = d if alike or out.size == 1 else Text(f"{d}[..., None]")
            self.hand(left, _scaled(upstream, 2 * self.read(left)), False, shape, out.batched)
        else:
            self.pull_weighted_sum(statement, self.filled(out, d) if alike else d)

    def filled(self, out: Variable, d: Text) -> Text:
        self.line(f"d_{out.name} = np.full_like({out.name}, {d})", out)
        return Text(f"d_{out.name}")

    def pull_weighted_sum(self, s: WeightedSum, d: Text) -> None:
        """∂z/∂left = right, ∂z/∂right = left, ∂z/∂bias = 1."""
        (C, R, L), n, batched = s.shape, s.n, s.out.batched
        shape, lead, name = tuple(s.shape[axis] for axis in s.axes), s.out.lead, f"d_{s.out.name}_"
        if s.keep is not None:
            self.line(f"{name} = np.zeros(({lead}{C * R * L}{',' * (not batched)}), theta.dtype)")
            self.line(f"{name}[{':, ' * batched}{self.table(s.keep)}] = {d}")
            d = Text(name)
            if len(shape) > 1:
                self.line(f"{name} = {name}.reshape({lead}{', '.join(map(str, shape))})")
        left, right = s.sides()
        W, x = self.read(left), self.read(right)
        to_right, over = f"{d} @ {W}", batched  # `over`: the batch has still to be summed over
        if s.rowwise:
            up = f"{d}[..., None]" if C > 1 else str(d)
            to_left, to_right = f"{up} * {x}", f"{up} * {W}"
        elif s.flat:
            by_row = batched and right.variable.batched
            to_left = f"{d}.T @ {x}" if by_row else f"np.outer({d}{'.sum(axis=0)' * batched}, {x})"
            over = False
        elif C == 1 and not left.variable.batched and right.variable.batched:
            to_left = f"{d}.reshape(-1, {L}).T @ {x}.reshape(-1, {n})"
            over = False
        else:
            to_left = f"{d}.swapaxes(-1, -2) @ {x}"
        rows = () if s.flat else shape if s.rowwise and C > 1 else () if s.rowwise else shape[:-1]
        columns = rows if s.rowwise else (*shape[:-2], L)
        self.hand(left, Text(to_left, 2), False, (*columns, n), over)
        self.hand(right, Text(to_right, 2), False, (*rows, n), batched)
        if isinstance(s.bias, Address):
            self.hand(s.bias.keeping(*s.axes), d, False, shape, batched)


def _reshaped(d: Text, shape: tuple[int, ...], variable: Variable) -> Text:
    """A contribution of one shape in that of its variable."""
    if shape == variable.shape:
        return d
    if shape == (*variable.shape, 1) and d.text.endswith(".sum(axis=-1, keepdims=True)"):
        return Text(d.text.replace(", keepdims=True)", ")"))
    return Text(f"{d.within(5)}.reshape({variable.lead}{', '.join(map(str, variable.shape))})")


def _times_batch(number: Text) -> Text:
    """One number for all, added up over the batch."""
    return text(float(number.text[:-4])) if re.fullmatch(r"[-\d.]+ / B", number.text) else number * Text("B")


def _scaled(d: Text, local: Text | float) -> Text:
    """upstream × local, where 1 / B is a division by B."""
    if isinstance(local, Text) and d.text in ("1 / B", "-1 / B"):
        if number := re.match(r"([\d.]+) \* ", local.text):  # 2 / B * v: one pass over v, not two
            return Text(f"{d.text.replace('1', number[1])} * {local.text[number.end():]}", 2)
        return (local if d.text[0] == "1" else -local) / Text("B")
    return d * local
