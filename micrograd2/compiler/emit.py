"""Emitting: from a plan to NumPy source. Forward statement by statement, then backward in reverse order.

`d_v` is the gradient of the loss with respect to the variable v, of the same shape. Every statement hands each of its
operands a contribution, and a variable adds up what it was handed when its own turn comes: the backward pass of the
engine, with arrays for numbers. A gradient that is one number for all, such as 1 / B, stays a number as long as it can:
here it is a float, still to be divided by B if the variable depends on the example.
"""

from __future__ import annotations

import builtins
import itertools
import math
import re
import textwrap
from collections import defaultdict
from typing import Union

import numpy as np

from .address import Address, Variable
from .group import Elementwise, Joined, LogSumExp, Operand, Plan, Statement, Sum, WeightedSum
from .text import HELPERS, Text, spelled, text

Gradient = Union[Text, float]


class Emitter:
    """Writes one function, `program(theta, *inputs)`, of (loss, gradient) or, without `backward`, of the outputs."""

    def __init__(self, plan: Plan, backward: bool, dtype: np.dtype) -> None:
        self.plan, self.dtype = plan, dtype
        self.lines: list[str] = []
        self.constants: dict[str, str] = {}          # an array of places or numbers, as text -> its name
        self.views: dict[str, tuple[str, str]] = {}  # how to see a part of theta -> its name, its shape
        self.names = {"theta", "gradient", "loss", "ones", "B", "np", "views", "program", *HELPERS, *dir(builtins)}
        self.numbers: dict[str, int] = defaultdict(int)
        self.handed: dict[Variable, list[tuple[Address, Gradient]]] = defaultdict(list)
        self.written = np.zeros(plan.theta.size, dtype=bool)  # the parts of the gradient that have been assigned
        self.needs_zeros = False
        for variable in plan.inputs:
            variable.name = self.fresh(variable.name)
        for variable in plan.tables:
            variable.name = self.constant(np.array([node.number for node in variable.nodes]))
        for statement in plan.statements:
            self.forward(statement)
        if backward:
            self.backward()
        else:
            self.line(f"return {self.outputs()}")

    def source(self) -> str:
        """The whole program, to be run as it stands."""
        inputs = [variable.name for variable in self.plan.inputs]
        words = _words(self.lines)
        head = ['@np.errstate(divide="raise", invalid="raise", over="ignore")',
                f"def program({', '.join(['theta', *inputs])}):"]
        if "B" in words:
            head.append(f"    B = len({inputs[0]})" if inputs else "    B = 1")
        head += self.unpacked("", "theta", words)
        blocks = ["import numpy as np", *(code.rstrip() for name, code in HELPERS.items() if name in words)]
        if self.views:
            parts = [f"v{view},  # {name} {shape}" for view, (name, shape) in self.views.items()]
            parts[-1] = parts[-1].replace(",  #", "]  #")
            blocks.append("def views(v):\n    return [" + "\n            ".join(parts))
        constants = [f"{name} = {code}" for code, name in self.constants.items() if name in words]
        if constants:
            blocks.append("\n".join(constants))
        return "\n\n\n".join([*blocks, "\n".join(head + self.lines)]) + "\n"

    # names and lines

    def fresh(self, name: str) -> str:
        """The name, or one like it that is not taken; v and z are numbered."""
        if name in ("v", "z"):
            self.numbers[name] += 1
            name += str(self.numbers[name])
        if re.match("[dg]_", name):  # these are gradients
            name = f"x_{name}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def line(self, code: str, variable: Variable | None = None) -> None:
        self.lines.append(f"    {code:<56}  # {variable.extent(*variable.shape)}" if variable else f"    {code}")

    def constant(self, values: np.ndarray) -> str:
        """The name of an array that the program keeps beside itself."""
        digits = np.array2string(values, separator=", ", threshold=10**9, max_line_width=110, floatmode="unique")
        digits = digits.replace("inf", "np.inf").replace("nan", "np.nan")
        whole = values.dtype.kind == "i"
        code = f"np.array({digits})" if whole or self.dtype == np.float64 else f"np.array({digits}, np.{self.dtype})"
        if whole and values.ndim == 1:
            runs = np.split(values, np.flatnonzero(np.diff(values) != 1) + 1)
            if 3 * len(runs) < len(values):  # 0:16 instead of 0, 1, 2, …
                listed = ", ".join(f"{run[0]}:{run[-1] + 1}" for run in runs)
                code = "\n    ".join(textwrap.wrap(f"np.r_[{listed}]", 110))
        if code not in self.constants:
            self.constants[code] = self.fresh(f"{'i' if whole else 'k'}{len(self.constants) + 1}")
        return self.constants[code]

    def unpacked(self, prefix: str, vector: str, words: set[str]) -> list[str]:
        """The line that names the parts of a parameter vector, those that are used."""
        names = [prefix + name if prefix + name in words else "_" for name, _ in self.views.values()]
        return [f"    {', '.join(names)}{',' * (len(names) == 1)} = views({vector})"] if set(names) - {"_"} else []

    # reading

    def read(self, operand: Operand, role: str = "") -> Text:
        """The operand as an array of its shape, with the batch in front if it depends on it."""
        if not isinstance(operand, Address):
            return text(operand)
        view, variable = operand.view(), operand.variable
        if view is None:
            return Text(f"{variable.flat}[{variable.front}{self.constant(operand.places)}]")
        return Text(self.part(view, operand, role) if variable is self.plan.theta and view else variable.name + view)

    def part(self, view: str, address: Address, role: str = "") -> str:
        """The name of a part of theta."""
        if view not in self.views:
            self.views[view] = self.fresh(role or f"p{len(self.views) + 1}"), str(address.shape)
        return self.views[view][0]

    def outputs(self) -> str:
        output, code = self.plan.outputs, str(self.read(self.plan.outputs))
        whole = isinstance(output, Address) and output.variable.batched and output.shape == (self.plan.width,)
        return code if whole else f"np.broadcast_to({code}, (B, {self.plan.width}))"

    # forward

    def forward(self, statement: Statement) -> None:
        out = statement.out
        out.name = self.fresh(self.role(statement))
        if isinstance(statement, WeightedSum):
            code = self.product(statement)
        elif isinstance(statement, Elementwise):
            code = str(spelled(statement.op, [self.read(operand) for operand in statement.operands]))
        elif isinstance(statement, Sum):
            keep = ", keepdims=True" * (out.size == 1)
            code = " + ".join(self.read(part).within(1) if n == 1 else f"{self.read(part)}.sum(axis=-1{keep})"
                              for part, n in statement.parts)
        elif isinstance(statement, LogSumExp):
            code = f"logsumexp({self.read(statement.operand)})"
        else:
            parts = [v.flat if v.batched or not out.batched else f"np.broadcast_to({v.flat}, (B, {v.size}))"
                     for v in statement.variables]
            code = f"np.concatenate([{', '.join(parts)}], axis=-1)"
        self.line(f"{out.name} = {code}", out)

    def role(self, s: Statement) -> str:
        """z for a layer, which is parameters times data; a1 for the activations of z1; cost for the result; else v."""
        if isinstance(s, WeightedSum) and s.left.variable is self.plan.theta:
            if s.right.variable.batched and s.left.view() is not None:
                return "z"
        if isinstance(s, Elementwise) and len(s.operands) == 1 and s.op.numpy:
            if isinstance(s.operands[0], Address) and (name := s.operands[0].variable.name)[0] == "z":
                return "a" + name[1:]
        return "cost" if self.is_output(s.out) else "v"

    def is_output(self, variable: Variable) -> bool:
        return isinstance(self.plan.outputs, Address) and self.plan.outputs.variable is variable and variable.size == 1

    def product(self, s: WeightedSum) -> str:
        """right · leftᵀ + bias, such as x @ W1.T + b1."""
        k = s.out.name[1:] if s.out.name[0] == "z" else ""
        W, x = self.read(s.left, f"W{k}" if k else ""), self.read(s.right)
        turned = Address(s.left.variable, s.left.places.swapaxes(-1, -2), inner=2)
        if len(s.left.shape) == 2 and not s.left.variable.batched:
            code = f"{x} @ {W}.T"
        else:
            code = f"{x} @ {W}.swapaxes(-1, -2)" if turned.view() is None else f"{x} @ {self.read(turned)}"
        return code if s.bias is None else f"{code} + {self.read(s.bias, f'b{k}' if k else '').within(2)}"

    # backward

    def backward(self) -> None:
        """The loss, the average over the batch, and its gradient, statement by statement from the last to the first."""
        output, statements = self.plan.outputs, self.plan.statements
        loss, batched = self.read(output), isinstance(output, Address) and output.variable.batched
        if batched and statements and isinstance(last := statements[-1], Sum) and self.is_output(last.out):
            if [n > 1 for _, n in last.parts] == [True]:  # one sum for each example: only the sum of all is needed
                self.lines.pop()
                loss = self.read(last.parts[0][0])
        if isinstance(output, Address):
            loss = Text(f"{loss}.sum() / B" if batched else f"{loss}[0]")
        self.line(f"loss = {loss}")
        forward, self.lines = self.lines, []
        self.hand(output, 1.0, (1,), batched)
        for statement in reversed(statements):
            if d := self.gathered(statement.out):
                self.pull(statement, d)
        words = _words(self.lines)
        empty = self.written.all() and not self.needs_zeros
        forward.append(f"    gradient = np.{'empty' if empty else 'zeros'}_like(theta)")
        if "ones" in words:
            forward.append("    ones = np.ones(B, theta.dtype)")
        self.lines = forward + self.unpacked("g_", "gradient", words) + self.lines
        self.line("return loss, gradient")

    def hand(self, operand: Operand, d: Gradient, shape: tuple[int, ...], batched: bool) -> None:
        """Hand an operand, which was spread to this shape, a contribution; `batched` if the batch is in front of it."""
        if not isinstance(operand, Address) or not operand.variable.trained:
            return
        spread = tuple(axis - len(shape) for axis, n in enumerate(shape) if n != operand.shape[axis])
        if isinstance(d, float):
            d *= math.prod(shape[axis] for axis in spread)
        else:
            if spread:
                d = Text(f"{d.within(5)}.sum(axis={spread if len(spread) > 1 else spread[0]}, keepdims=True)")
            if batched and not operand.variable.batched:  # a product with ones is faster than a sum
                vector = len(operand.shape) == 1
                d = Text(f"ones @ {d.within(3)}", 2) if vector else Text(f"{d.within(5)}.sum(axis=0)")
        if operand.variable is not self.plan.theta:
            self.handed[operand.variable].append((operand, d))
            return
        before = self.written[operand.places]
        first = operand.unique and not before.any()
        self.needs_zeros |= not first and not before.all()
        self.written[operand.places] = True
        self.put("gradient", operand, d, first)

    def put(self, name: str, address: Address, d: Gradient, first: bool) -> None:
        """Assign to these places of an array if nothing is there yet, else add."""
        variable, view, amount = address.variable, address.view(), _amount(d, address.variable)
        target = name + variable.flat[len(variable.name):]
        if not address.unique:  # some places come more than once: what each was handed is summed
            first, index = False, self.constant(address.places.ravel())
            if len(address.shape) > 1 and isinstance(d, Text):
                amount = Text(d.within(5) + variable.reshape(address.places.size))
            if isinstance(d, float) or variable.size * address.places.size > 10**6:
                index = f"(slice(None), {index})" if variable.batched else index
                self.line(f"np.add.at({target}, {index}, {amount})")
                return
            amount = Text(f"{amount.within(2)} @ np.eye({variable.size}, dtype=theta.dtype)[{index}]", 2)
        elif view is None:
            target += f"[{variable.front}{self.constant(address.places)}]"
        else:
            target = f"g_{self.part(view, address)}" if view and variable is self.plan.theta else name + view
            if first and target.isidentifier() and amount.strength == 2 and " @ " in amount.text:
                self.line(f"np.matmul({amount.text.replace(' @ ', ', ', 1)}, out={target})")
                return
        if not target.endswith("]") and (first or not target.isidentifier()):
            target += "[:]"
        self.line(f"{target} {'' if first else '+'}= {amount}")

    def gathered(self, variable: Variable) -> Gradient | None:
        """d_variable: all that was handed to it, added up."""
        parts, name = self.handed.pop(variable, []), f"d_{variable.name}"
        if all(address.whole for address, _ in parts):
            number = sum(d for _, d in parts if isinstance(d, float))
            terms = [_reshaped(d, address.shape, variable) for address, d in parts if isinstance(d, Text)]
            if not terms:
                return number or None
            if number:
                terms.append(_amount(number, variable))
            if len(terms) == 1 and terms[0].text.isidentifier():
                return terms[0]
            self.line(f"{name} = {' + '.join(term.within(1) for term in terms)}", variable)
        else:
            order = ', order="C"' * (len(variable.shape) > 1)  # so that a reshape of it is a view
            self.line(f"{name} = np.zeros_like({variable.name}{order})", variable)
            for k, (address, d) in enumerate(parts):
                self.put(name, address, d, first=k == 0)
        return Text(name)

    def filled(self, d: Gradient, out: Variable) -> Text:
        """The gradient as an array."""
        if isinstance(d, Text):
            return d
        self.line(f"d_{out.name} = np.full_like({out.name}, {_amount(d, out)})", out)
        return Text(f"d_{out.name}")

    def pull(self, statement: Statement, d: Gradient) -> None:
        """Hand on to the operands of a statement what its result was handed: upstream × local."""
        out = statement.out
        deeper = Text(f"{d}[..., None]") if isinstance(d, Text) else d
        if isinstance(statement, Joined):
            ends = itertools.accumulate(variable.size for variable in statement.variables)
            for variable, end in zip(statement.variables, ends):
                part = Text(f"{d}[{out.front}{end - variable.size}:{end}]") if isinstance(d, Text) else d
                self.hand(Address(variable, np.arange(variable.size)), part, (variable.size,), out.batched)
        elif isinstance(statement, Elementwise):
            operands = [self.read(operand) if isinstance(operand, Address) else operand
                        for operand in statement.operands]
            locals_ = statement.op.local(Text(out.name), *operands)
            if len(operands) > 1 and any(isinstance(local, Text) for local in locals_):
                d = self.filled(d, out)  # a local derivative may be smaller than the result
            for operand, local in zip(statement.operands, locals_):
                self.hand(operand, _scaled(d, local, out), out.shape, out.batched)
        elif isinstance(statement, Sum):
            for operand, n in statement.parts:
                part, shape = d, out.shape if n == 1 else (n,) if out.size == 1 else (out.size, n)
                if n > 1 and isinstance(d, Text):
                    part = Text(f"np.broadcast_to({d if out.size == 1 else deeper}, {out.extent(*shape)})")
                self.hand(operand, part, shape, out.batched)
        elif isinstance(statement, LogSumExp):
            softmax = Text(f"softmax({self.read(statement.operand)} - {out.name}[..., None])")
            self.hand(statement.operand, _scaled(deeper, softmax, out), statement.operand.shape, out.batched)
        else:
            self.pull_weighted_sum(statement, self.filled(d, out))

    def pull_weighted_sum(self, s: WeightedSum, d: Text) -> None:
        """∂z/∂left = right, ∂z/∂right = left, ∂z/∂bias = 1."""
        *rows, L, n = *s.out.shape, s.left.shape[-1]
        W, x, batched = self.read(s.left), self.read(s.right), s.out.batched
        summed = len(rows) < 2 and not s.left.variable.batched and s.right.variable.batched  # over the batch, as well
        if summed:
            to_left = f"{d}.reshape(-1, {L}).T @ {x}.reshape(-1, {n})" if rows else f"{d}.T @ {x}"
        else:
            to_left = f"{d}.swapaxes(-1, -2) @ {x}" if rows else f"{d}[..., None] * {x}"
        self.hand(s.left, Text(to_left, 2), (*rows[:-1], L, n), batched and not summed)
        self.hand(s.right, Text(f"{d} @ {W}", 2), (*rows, n), batched)
        if s.bias is not None:
            self.hand(s.bias, d, s.out.shape, batched)


def _words(lines: list[str]) -> set[str]:
    """The names that stand in these lines, attributes and comments apart."""
    return {word for line in lines for word in re.findall(r"(?<![\w.])[^\W\d]\w*", line.split("#")[0])}


def _reshaped(d: Text, shape: tuple[int, ...], variable: Variable) -> Text:
    """A contribution of one shape in that of its variable."""
    if shape == variable.shape:
        return d
    if shape == (*variable.shape, 1) and d.text.endswith(".sum(axis=-1, keepdims=True)"):
        return Text(d.text.replace(", keepdims=True)", ")"))
    return Text(d.within(5) + variable.reshape(*variable.shape))


def _amount(d: Gradient, variable: Variable) -> Text:
    """The gradient as it is written: one number for all is still to be divided by B."""
    return text(d) / Text("B") if isinstance(d, float) and variable.batched else text(d)


def _scaled(d: Gradient, local: Gradient, out: Variable) -> Gradient:
    """upstream × local; a number, whatever becomes of it, is one factor: 2 / B * v is one pass over v, not two."""
    if isinstance(d, Text) or isinstance(local, float) or not out.batched:
        return d * local
    if product := re.fullmatch(r"([\d.]+) \* (\w+)", local.text):
        d, local = d * float(product[1]), Text(product[2])
    return d * local / Text("B") if abs(d) == 1 else _amount(d, out) * local
