"""Grouping: scalars of one kind, made of the same variables at one depth, become one array statement.

Four statements are enough for every program: an elementwise operation, a sum, a log-sum-exp, and a weighted sum, which
is a product of matrices: its rows are sets of inputs, its columns sets of weights that meet them. A fifth joins
variables, where operands come from several.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple, Union

import numpy as np

from ..engine import DOT, LEAF, LOGSUMEXP, SUM, Op
from .address import Address, Variable
from .trace import Node, Trace

Operand = Union[Address, float]  # a float is a constant, the same for all


class Elementwise(NamedTuple):
    """out[k] = op(operand₁[k], …), in the shape of the variable that it is made of."""

    out: Variable
    op: Op
    operands: list[Operand]


class Sum(NamedTuple):
    """out[k] = Σ parts: an operand with n = 1 adds itself, one of shape (K, n) its sum over n."""

    out: Variable
    parts: list[tuple[Operand, int]]


class LogSumExp(NamedTuple):
    """out[k] = log Σₙ exp(operand[k, n])"""

    out: Variable
    operand: Address


class WeightedSum(NamedTuple):
    """out[c, r, l] = Σₙ right[c, r, n] · left[c, l, n] + bias[c, r, l], of shape (C, R, L).

    `keep` are the places of this product that the program wants, None for all.
    """

    out: Variable
    left: Address
    right: Address
    bias: Operand | None
    shape: tuple[int, int, int]
    n: int
    keep: np.ndarray | None

    @property
    def rowwise(self) -> bool:
        """Whether every set of inputs meets one set of weights only, and nothing is a matrix."""
        C, R, L = self.shape
        return R == L == 1 and (C > 1 or self.left.variable.batched or not self.right.variable.batched)

    @property
    def squares(self) -> bool:
        """Whether each is the sum of the squares of its inputs, without a bias."""
        same = self.left.variable is self.right.variable and np.array_equal(self.left.places, self.right.places)
        return self.rowwise and same and self.bias is None and self.keep is None

    @property
    def flat(self) -> bool:
        """Whether this is a layer: one set of inputs for each example, the same weights for all examples."""
        return self.shape[:2] == (1, 1) and not self.left.variable.batched and not self.rowwise

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of (C, R, L) that the code needs; the others have length 1."""
        if self.rowwise:
            return (0,)
        return (2,) if self.flat else (1, 2) if self.shape[0] == 1 else (0, 1, 2)

    def sides(self) -> tuple[Address, Address]:
        """left and right without the axes that the code does not need."""
        if self.rowwise:
            kept = (0, 2) if self.shape[0] > 1 else (2,)
            return self.left.keeping(*kept), self.right.keeping(*kept)
        if self.shape[0] > 1:
            return self.left, self.right
        return self.left.keeping(1, 2), self.right.keeping(2) if self.flat else self.right.keeping(1, 2)


class Joined(NamedTuple):
    """out is these variables, one after the other."""

    out: Variable
    variables: tuple[Variable, ...]


Statement = Union[Elementwise, Sum, LogSumExp, WeightedSum, Joined]


class Plan:
    """All statements of a program in order, its variables `theta` and `inputs`, and the address of its outputs."""

    def __init__(self, trace: Trace) -> None:
        self.statements: list[Statement] = []
        self.joined: dict[tuple[Variable, ...], Variable] = {}
        self.theta = Variable(trace.parameters, "theta")
        self.inputs = [Variable(nodes, name) for nodes, name in zip(trace.inputs, trace.names)]
        self.constants = Variable([], "constants")
        levels: dict[int, list[Node]] = defaultdict(list)
        for node in trace.nodes:
            levels[node.depth].append(node)
        for depth in sorted(levels):
            groups: dict[Hashable, list[Node]] = defaultdict(list)
            for node in levels[depth]:
                groups[self._kind(node)].append(node)
            for nodes in groups.values():
                self._add(sorted(nodes, key=lambda node: [arg.place for arg in node.args[:2]]))
        self.outputs = self.operand(np.array(trace.outputs))
        self.width = len(trace.outputs)
        made = [s for s in self.statements if not isinstance(s, Joined) or s.variables]
        self.array_operations = len(made)
        self.floats_per_example = sum(s.out.size for s in made if s.out.batched)

    def variable(self, node: Node) -> Variable:
        """Where a node lives; constants, which nobody has placed, live together."""
        return node.variable or self.constants

    def _kind(self, node: Node) -> Hashable:
        if node.op is SUM:  # the order of the terms is free
            node.args.sort(key=lambda arg: (self.variable(arg).serial, arg.place, arg.born))
        if node.op is DOT:
            sides = [{self.variable(arg) for arg in side} - {self.constants} for side in _sides(node)]
            return DOT, *map(frozenset, sides), self._runs(node.args[len(node.args) // 2 * 2:])
        runs = self._runs(node.args)
        return node.op, runs[0][0] if node.op in (SUM, LOGSUMEXP) and len(runs) == 1 else runs

    def _runs(self, args: Sequence[Node]) -> tuple[tuple[int, int], ...]:
        """The variables of the operands, with how many stand side by side in each."""
        runs: list[tuple[int, int]] = []
        for arg in args:
            variable = self.variable(arg).serial
            if runs and runs[-1][0] == variable:
                runs[-1] = variable, runs[-1][1] + 1
            else:
                runs.append((variable, 1))
        return tuple(runs)

    def _add(self, nodes: list[Node]) -> None:
        op = nodes[0].op
        if op is DOT:
            _complete(nodes)
            for count in dict.fromkeys(len(node.args) for node in nodes):
                self._add_weighted_sums([node for node in nodes if len(node.args) == count])
        elif op is LOGSUMEXP:
            operand = self.operand(_table([node.args for node in nodes], -math.inf), inner=1)
            assert isinstance(operand, Address)
            self.statements.append(LogSumExp(Variable(nodes), operand))
        elif op is SUM:
            lengths = [n for _, n in self._runs(nodes[0].args)]
            rows = _table([node.args for node in nodes], 0.0)
            blocks = np.split(rows, np.cumsum(lengths)[:-1], axis=1)
            shape = _shape([block[:, 0] for block in blocks]) if rows.shape[1] == len(lengths) else (len(nodes),)
            parts = [(self.operand(block, inner=1), block.shape[1]) if block.shape[1] > 1 else
                     (self.operand(block.reshape(shape)), 1) for block in blocks]
            self.statements.append(Sum(Variable(nodes, shape=shape), parts))
        else:
            columns = [np.array(args) for args in zip(*(node.args for node in nodes))]
            shape = _shape(columns)
            operands = [self.operand(column.reshape(shape)) for column in columns]
            self.statements.append(Elementwise(Variable(nodes, shape=shape), op, operands))

    def operand(self, nodes: np.ndarray, inner: int = 0) -> Operand:
        """Where an array of nodes is read: places in one variable, joined if need be, or the constant that all are.

        The last `inner` axes of the array are to be summed over, so they keep their length.
        """
        flat = nodes.ravel().tolist()
        variables = tuple(dict.fromkeys(map(self.variable, flat)))
        if variables == (self.constants,) and not inner and len({node.number for node in flat}) == 1:
            return flat[0].number
        if self.constants in variables:
            constants = Variable([node for node in dict.fromkeys(flat) if node.variable is None], "constant")
            variables = tuple(constants if variable is self.constants else variable for variable in variables)
            constants.varied = 0
            self.statements.append(Joined(constants, ()))
        shift = {}
        if len(variables) > 1:
            variables = tuple(sorted(variables, key=lambda variable: variable.varied == 0))  # constants last
            start = 0
            for variable in variables:
                shift[variable] = start
                start += variable.size
        places = np.array([node.place + shift.get(node.variable, 0) for node in flat]).reshape(nodes.shape)
        return Address(self._join(variables) if len(variables) > 1 else variables[0], places, inner)

    def _join(self, variables: tuple[Variable, ...]) -> Variable:
        if variables not in self.joined:
            joined = Variable([])
            joined.size = sum(variable.size for variable in variables)
            joined.shape = (joined.size,)
            joined.varied = sum(variable.varied for variable in variables)
            joined.batched = any(variable.batched for variable in variables)
            joined.trained = any(variable.trained for variable in variables)
            self.joined[variables] = joined
            self.statements.append(Joined(joined, variables))
        return self.joined[variables]

    def _add_weighted_sums(self, nodes: list[Node]) -> None:
        """Weighted sums that share weights or inputs are one product; products of one shape are stacked."""
        n = len(nodes[0].args) // 2
        sides = {node: _sides(node) for node in nodes}
        stacks: dict[tuple[int, int], list[tuple[list, list, dict]]] = defaultdict(list)
        for block in _connected(nodes, sides):
            lefts = list(dict.fromkeys(sides[node][0] for node in block))
            rights = list(dict.fromkeys(sides[node][1] for node in block))
            pairs = {sides[node]: node for node in block}
            if 2 * len(pairs) < len(lefts) * len(rights) or len(pairs) < len(block):  # too sparse: each by itself
                for node in block:
                    stacks[1, 1].append(([sides[node][0]], [sides[node][1]], {sides[node]: node}))
            else:
                stacks[len(rights), len(lefts)].append((lefts, rights, pairs))
        for (R, L), blocks in stacks.items():
            left = self.operand(np.array([block[0] for block in blocks]), inner=1)
            right = self.operand(np.array([block[1] for block in blocks]), inner=1)
            made = [pairs.get((w, x)) for lefts, rights, pairs in blocks for x in rights for w in lefts]
            there = [node for node in made if node is not None]
            keep = None if len(there) == len(made) else np.array([k for k, node in enumerate(made) if node is not None])
            bias = None
            if len(nodes[0].args) % 2:
                biases = np.array([(node or there[0]).args[-1] for node in made]).reshape(len(blocks), R, L)
                bias = self.operand(biases)
            assert isinstance(left, Address) and isinstance(right, Address)
            s = WeightedSum(Variable(there), left, right, bias, (len(blocks), R, L), n, keep)
            if keep is None:
                s.out.shape = tuple(s.shape[axis] for axis in s.axes)
            self.statements.append(s)


def _shape(columns: list[np.ndarray]) -> tuple[int, ...]:
    """The shape in which to write an operation on these operands: that of a variable among them, else flat."""
    shapes = [variable.shape for column in columns
              if (variable := column[0].variable) is not None and list(variable.nodes) == column.tolist()]
    return max(shapes, key=len, default=columns[0].shape)


def _sides(node: Node) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The weights and the inputs of a weighted sum."""
    n = len(node.args) // 2
    return tuple(node.args[:n]), tuple(node.args[n:2 * n])


def _complete(nodes: list[Node]) -> None:
    """Weighted sums over the beginning of a list, where others are over all of it: as these, with 0 for what they lack.

    In causal attention every position sees those before it; this makes one product of matrices of them all.
    """
    zero = Node(LEAF, (), 0.0, 0)
    for this in (0, 1):
        whole: dict[Node, tuple[Node, ...]] = {}  # by its first element
        for node in sorted(nodes, key=lambda node: len(node.args)):
            whole[_sides(node)[this][0]] = _sides(node)[this]
        for node in nodes:
            sides, bias = list(_sides(node)), node.args[len(node.args) // 2 * 2:]
            n, full = len(sides[this]), whole[sides[this][0]]
            if n < len(full) and full[:n] == sides[this]:
                sides[this], sides[1 - this] = full, sides[1 - this] + (zero,) * (len(full) - n)
                node.args = [*sides[0], *sides[1], *bias]


def _table(rows: Sequence[Sequence[Node]], filling: float) -> np.ndarray:
    """The rows as one array of nodes; those that are shorter than the longest are filled up with a constant."""
    n, rest = max(map(len, rows)), Node(LEAF, (), filling, 0)
    return np.array([[*row, *[rest] * (n - len(row))] for row in rows])


def _connected(nodes: list[Node], sides: dict[Node, tuple[tuple, tuple]]) -> list[list[Node]]:
    """The nodes in blocks: those in one block are linked by weights or inputs that they share."""
    users: dict[tuple[int, tuple], list[Node]] = defaultdict(list)
    for node in nodes:
        for side in enumerate(sides[node]):
            users[side].append(node)
    order = {node: k for k, node in enumerate(nodes)}
    blocks, seen = [], set()
    for first in nodes:
        if first not in seen:
            seen.add(first)
            block = [first]
            for node in block:  # the block grows while it is read
                for side in enumerate(sides[node]):
                    fresh = [other for other in users.pop(side, ()) if other not in seen]
                    seen.update(fresh)
                    block.extend(fresh)
            blocks.append(sorted(block, key=order.__getitem__))
    return blocks
