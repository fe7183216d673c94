"""Grouping: scalars of one kind, made of the same variables at one depth, become one array statement.

Four statements are enough for every program: an elementwise operation, a sum, a log-sum-exp, and a weighted sum, which
is a product of matrices: its rows are sets of inputs, its columns sets of weights that meet them. A fifth joins
variables, where operands come from several.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from operator import attrgetter
from typing import NamedTuple, Union

import numpy as np

from ..engine import DOT, LEAF, LOGSUMEXP, MUL, SUM, Op, to_the
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
    """out[c, r, l] = Σₙ right[c, r, n] · left[c, l, n] + bias[c, r, l]: right · leftᵀ, a product of matrices.

    If there is one product only, the axis c is left out; if it is a layer (one set of inputs for each example), r too.
    """

    out: Variable
    left: Address
    right: Address
    bias: Operand | None


class Joined(NamedTuple):
    """out is these variables, one after the other."""

    out: Variable
    variables: tuple[Variable, ...]


Statement = Union[Elementwise, Sum, LogSumExp, WeightedSum, Joined]


class Plan:
    """All statements of a program in order, its variables `theta`, `inputs` and `tables`, and where its outputs are."""

    def __init__(self, trace: Trace) -> None:
        self.statements: list[Statement] = []
        self.joined: dict[tuple[Variable, ...], Variable] = {}
        self.theta = Variable(trace.parameters, name="theta")
        self.inputs = [Variable(nodes, name=name) for nodes, name in zip(trace.inputs, trace.names)]
        self.tables: list[Variable] = []  # constants
        depth = attrgetter("depth")
        for _, level in itertools.groupby(sorted(trace.nodes, key=depth), depth):
            groups: dict[Hashable, list[Node]] = defaultdict(list)
            for node in level:
                groups[_kind(node)].append(node)
            for nodes in groups.values():
                self._add(sorted(nodes, key=lambda node: [arg.place for arg in node.args[:2]]))
        self.outputs = self.operand(np.array(trace.outputs))
        self.width = len(trace.outputs)
        self.array_operations = len(self.statements)
        self.floats_per_example = sum(s.out.size for s in self.statements if s.out.batched)

    def _add(self, nodes: list[Node]) -> None:
        """The statements that make these nodes, which are of one kind."""
        op = nodes[0].op
        if op is DOT:
            _complete(nodes)
            for count in dict.fromkeys(len(node.args) for node in nodes):
                self._add_weighted_sums([node for node in nodes if len(node.args) == count])
        elif op is LOGSUMEXP:
            operand = self.address(_table([node.args for node in nodes], -math.inf), inner=1)
            self.statements.append(LogSumExp(Variable(nodes), operand))
        elif op is SUM:
            lengths = [n for _, n in _runs(nodes[0].args)]
            rows = _table([node.args for node in nodes], 0.0)
            blocks = np.split(rows, np.cumsum(lengths)[:-1], axis=1)
            shape = _shape([block[:, 0] for block in blocks]) if rows.shape[1] == len(lengths) else (len(nodes),)
            parts = [(self.operand(block.reshape(shape)), 1) if (n := block.shape[1]) == 1 else
                     (self.address(block if len(nodes) > 1 else block[0], inner=1), n) for block in blocks]
            self.statements.append(Sum(Variable(nodes, shape), parts))
        else:
            columns = [np.array(args) for args in zip(*(node.args for node in nodes))]
            shape = _shape(columns)
            operands = [self.operand(column.reshape(shape)) for column in columns]
            self.statements.append(Elementwise(Variable(nodes, shape), op, operands))

    def operand(self, nodes: np.ndarray) -> Operand:
        """Where an array of nodes is read, or a number: the constant that they all are, if it has no place."""
        first, *others = set(nodes.flat)
        return self.address(nodes) if others or first.variable else first.number

    def address(self, nodes: np.ndarray, inner: int = 0) -> Address:
        """Where an array of nodes is read: places in one variable, joined if need be.

        The last `inner` axes of the array are to be summed over, so they keep their length.
        """
        flat = list(dict.fromkeys(nodes.flat))
        if constants := [node for node in flat if node.variable is None]:
            self.tables.append(Variable(constants))
            self.tables[-1].varied = 0
        variables = sorted(dict.fromkeys(node.variable for node in flat), key=lambda variable: variable.varied == 0)
        starts = itertools.accumulate((variable.size for variable in variables), initial=0)  # constants come last
        shift = dict(zip(variables, starts))
        places = np.array([node.place + shift[node.variable] for node in nodes.flat]).reshape(nodes.shape)
        return Address(self._join(*variables), places, inner)

    def _join(self, *variables: Variable) -> Variable:
        """One variable that holds all of these, one after the other."""
        if len(variables) == 1:
            return variables[0]
        if variables not in self.joined:
            joined = Variable([node for variable in variables for node in variable.nodes], settle=False)
            joined.varied = sum(variable.varied for variable in variables)
            self.joined[variables] = joined
            self.statements.append(Joined(joined, variables))
        return self.joined[variables]

    def _add_weighted_sums(self, nodes: list[Node]) -> None:
        """Weighted sums that share weights or inputs are one product of matrices; products of one shape are stacked.

        What shares too little is a sum of products, each by itself.
        """
        sides = {node: _sides(node) for node in nodes}
        stacks: dict[tuple[int, int], list[tuple[list, list, dict]]] = defaultdict(list)
        alone: list[Node] = []
        for block in _connected(nodes, sides):
            lefts, rights = (list(dict.fromkeys(sides[node][this] for node in block)) for this in (0, 1))
            pairs = {sides[node]: node for node in block}
            neuron = len(nodes) == 1 and nodes[0].batched and _is_layer(lefts, rights)
            if 2 * len(pairs) < len(lefts) * len(rights) or len(pairs) < len(block) or len(pairs) == 1 and not neuron:
                alone += block
            else:
                stacks[len(rights), len(lefts)].append((lefts, rights, pairs))
        unasked = Node(DOT, nodes[0].args)  # stands for the products that come along, which nobody reads
        for blocks in stacks.values():
            left, right = (np.array([block[this] for block in blocks]) for this in (0, 1))
            made = np.array([[[pairs.get((w, x), unasked) for w in lefts] for x in rights]
                             for lefts, rights, pairs in blocks])
            if len(blocks) == 1:
                left, right, made = left[0], right[0], made[0]
                if _is_layer(left, right):
                    right, made = right[0], made[0]
            weights, inputs, bias = self.address(left, inner=1), self.address(right, inner=1), None
            if len(nodes[0].args) % 2:
                bias = self.operand(np.array([node.args[-1] for node in made.flat]).reshape(made.shape))
            self.statements.append(WeightedSum(Variable(made.ravel().tolist(), made.shape), weights, inputs, bias))
        if alone:
            self._add_sums_of_products(alone)

    def _add_sums_of_products(self, nodes: list[Node]) -> None:
        squares = all(w is x for node in nodes for w, x in zip(*_sides(node)))
        products: dict[tuple[Node, Node], Node] = {}
        for node in nodes:
            pairs, bias = list(zip(*_sides(node))), node.args[len(node.args) // 2 * 2:]
            for w, x in pairs:  # each product once
                products.setdefault((w, x), Node(to_the(2.0), [w]) if squares else Node(MUL, [w, x]))
            node.op, node.args = SUM, [products[pair] for pair in pairs] + bias
        self._add(list(products.values()))
        self._add(nodes)


def _home(node: Node) -> int:
    """The number of the variable that the node lives in; −1 for a constant that none holds yet."""
    return node.variable.serial if node.variable else -1


def _kind(node: Node) -> Hashable:
    """What nodes must have in common to be made by one statement: the operation, and where the operands live."""
    if node.op is SUM:  # the order of the terms is free
        node.args.sort(key=lambda arg: (_home(arg), arg.place, arg.born))
    runs = _runs(node.args)
    if node.op is DOT:
        sides = [frozenset(map(_home, side)) - {-1} for side in _sides(node)]
        return DOT, *sides, _runs(node.args[len(node.args) // 2 * 2:])
    return node.op, runs[0][0] if node.op in (SUM, LOGSUMEXP) and len(runs) == 1 else runs


def _runs(args: Sequence[Node]) -> tuple[tuple[int, int], ...]:
    """The variables of the operands, with how many stand side by side in each."""
    return tuple((home, len(list(run))) for home, run in itertools.groupby(map(_home, args)))


def _is_layer(left: Sequence, right: Sequence) -> bool:
    """Whether there is one set of inputs for each example, and the weights are the same for all examples."""
    return len(right) == 1 and not any(w.batched for w in left[0])


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

    In causal attention every position sees those before it; this makes one product of matrices of them all. (0 times
    an infinity or a NaN is NaN: beside such a number a sum does not stay as finite as on the scalar graph.)
    """
    zero = Node(LEAF, ())
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
    n, rest = max(map(len, rows)), Node(LEAF, (), filling)
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
