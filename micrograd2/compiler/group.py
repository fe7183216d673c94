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

from ..engine import DOT, LEAF, LOGSUMEXP, MUL, SUM, Op, parts, to_the
from .address import Address, Variable
from .trace import Node, Trace

Operand = Union[Address, float]  # a float is a constant, the same for all


class Made(NamedTuple):
    """A node and how it is made. Nodes stay as they were traced; what is made otherwise is another one of these."""

    node: Node
    op: Op
    args: tuple[Node, ...]


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
            groups: dict[Hashable, list[Made]] = defaultdict(list)
            for node in level:
                made = _in_order(node)
                groups[_kind(made)].append(made)
            for ones in groups.values():
                self._add(sorted(ones, key=lambda made: [arg.place for arg in made.args[:2]]))
        self.outputs = self.operand(np.array(trace.outputs))
        self.width = len(trace.outputs)
        self.array_operations = len(self.statements)
        self.floats_per_example = sum(s.out.size for s in self.statements if s.out.batched)

    def _add(self, ones: list[Made]) -> None:
        """The statements that make these, which are of one kind."""
        op, rows, nodes = ones[0].op, [made.args for made in ones], [made.node for made in ones]
        if op is DOT:
            by_length: dict[int, list[Made]] = defaultdict(list)
            for made in _completed(ones):
                by_length[len(made.args)].append(made)
            for alike in by_length.values():
                self._add_weighted_sums(alike)
        elif op is LOGSUMEXP:
            operand = self.address(_table(rows, -math.inf), inner=1)
            self.statements.append(LogSumExp(Variable(nodes), operand))
        elif op is SUM:
            lengths = [n for _, n in _runs(rows[0])]
            table = _table(rows, 0.0)
            blocks = np.split(table, np.cumsum(lengths)[:-1], axis=1)
            shape = _shape([block[:, 0] for block in blocks]) if table.shape[1] == len(lengths) else (len(nodes),)
            parts = [(self.operand(block.reshape(shape)), 1) if (n := block.shape[1]) == 1 else
                     (self.address(block if len(nodes) > 1 else block[0], inner=1), n) for block in blocks]
            self.statements.append(Sum(Variable(nodes, shape), parts))
        else:
            columns = [np.array(args) for args in zip(*rows)]
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

    def _add_weighted_sums(self, ones: list[Made]) -> None:
        """Weighted sums that share weights or inputs are one product of matrices; products of one shape are stacked.

        What shares too little is a sum of products, each by itself.
        """
        stacks: dict[tuple[int, int], list[tuple[list, list, dict]]] = defaultdict(list)
        alone: list[Made] = []
        for block in _connected(ones):
            lefts, rights = (list(dict.fromkeys(parts(made.args)[this] for made in block)) for this in (0, 1))
            pairs = {parts(made.args)[:2]: made for made in block}
            neuron = len(ones) == 1 and ones[0].node.batched and _is_layer(lefts, rights)
            if 2 * len(pairs) < len(lefts) * len(rights) or len(pairs) < len(block) or len(pairs) == 1 and not neuron:
                alone += block
            else:
                stacks[len(rights), len(lefts)].append((lefts, rights, pairs))
        for blocks in stacks.values():
            left, right = (np.array([block[this] for block in blocks]) for this in (0, 1))
            made = [[[pairs.get((w, x)) for w in lefts] for x in rights] for lefts, rights, pairs in blocks]
            shape = np.shape(left)[:1] + (len(made[0]), len(made[0][0]))
            if len(blocks) == 1:
                left, right, shape = left[0], right[0], shape[1:]
                if _is_layer(left, right):
                    right, shape = right[0], shape[1:]
            flat = [one for rows in made for row in rows for one in row]
            weights, inputs, bias = self.address(left, inner=1), self.address(right, inner=1), None
            if len(ones[0].args) % 2:
                biases = [(one or ones[0]).args[-1] for one in flat]
                bias = self.operand(np.array(biases).reshape(shape))
            unasked = Node(DOT, ones[0].args)  # stands for the products that come along, which nobody reads
            nodes = [one.node if one else unasked for one in flat]
            self.statements.append(WeightedSum(Variable(nodes, shape), weights, inputs, bias))
        if alone:
            self._add_sums_of_products(alone)

    def _add_sums_of_products(self, ones: list[Made]) -> None:
        squares = all(w is x for made in ones for w, x in zip(*parts(made.args)[:2]))
        products: dict[tuple[Node, Node], Made] = {}
        sums = []
        for made in ones:
            pairs = list(zip(*parts(made.args)[:2]))
            for w, x in pairs:  # each product once
                products.setdefault((w, x), _product(w, x, squares))
            terms = tuple(products[pair].node for pair in pairs)
            sums.append(Made(made.node, SUM, terms + parts(made.args)[2]))
        if made_here := [product for product in products.values() if product.op is not LEAF]:
            self._add(made_here)
        self._add(sums)


def _product(w: Node, x: Node, square: bool) -> Made:
    """The product of two nodes; of two constants, the number that it is."""
    if not (w.batched or w.trained or x.batched or x.trained):
        return Made(Node(LEAF, (), w.number * x.number), LEAF, ())
    op, args = (to_the(2.0), (w,)) if square else (MUL, (w, x))
    return Made(Node(op, args), op, args)


def _home(node: Node) -> int:
    """The number of the variable that the node lives in; −1 for a constant that none holds yet."""
    return node.variable.serial if node.variable else -1


def _in_order(node: Node) -> Made:
    """The node as it was traced; the order of the terms of a sum is free."""
    args = sorted(node.args, key=lambda arg: (_home(arg), arg.place, arg.born)) if node.op is SUM else node.args
    return Made(node, node.op, tuple(args))


def _kind(made: Made) -> Hashable:
    """What nodes must have in common to be made by one statement: the operation, and where the operands live."""
    runs = _runs(made.args)
    if made.op is DOT:
        sides = [frozenset(map(_home, side)) - {-1} for side in parts(made.args)[:2]]
        return DOT, *sides, _runs(parts(made.args)[2])
    return made.op, runs[0][0] if made.op in (SUM, LOGSUMEXP) and len(runs) == 1 else runs


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


def _completed(ones: list[Made]) -> list[Made]:
    """Weighted sums over the beginning of a list, where others are over all of it: as these, with 0 for what they lack.

    In causal attention every position sees those before it; this makes one product of matrices of them all. (0 times
    an infinity or a NaN is NaN: beside such a number a sum does not stay as finite as on the scalar graph.)
    """
    zero = Node(LEAF, ())
    for this in (0, 1):
        whole = {}  # the longest list by its first element
        for made in sorted(ones, key=lambda made: len(made.args)):
            side = parts(made.args)[this]
            whole[side[0]] = side
        completed = []
        for made in ones:
            sides = list(parts(made.args)[:2])
            n, full = len(sides[this]), whole[sides[this][0]]
            if n < len(full) and full[:n] == sides[this]:
                sides[this], sides[1 - this] = full, sides[1 - this] + (zero,) * (len(full) - n)
            completed.append(made._replace(args=(*sides[0], *sides[1], *parts(made.args)[2])))
        ones = completed
    return ones


def _table(rows: Sequence[Sequence[Node]], filling: float) -> np.ndarray:
    """The rows as one array of nodes; those that are shorter than the longest are filled up with a constant."""
    n, rest = max(map(len, rows)), Node(LEAF, (), filling)
    return np.array([[*row, *[rest] * (n - len(row))] for row in rows])


def _connected(ones: list[Made]) -> list[list[Made]]:
    """These in blocks: those in one block are linked by weights or inputs that they share."""
    users: dict[tuple[int, tuple], list[int]] = defaultdict(list)
    for k, made in enumerate(ones):
        for side in enumerate(parts(made.args)[:2]):
            users[side].append(k)
    blocks, seen = [], set()
    for first in range(len(ones)):
        if first not in seen:
            seen.add(first)
            block = [first]
            for k in block:  # the block grows while it is read
                for side in enumerate(parts(ones[k].args)[:2]):
                    fresh = [other for other in users.pop(side, ()) if other not in seen]
                    seen.update(fresh)
                    block.extend(fresh)
            blocks.append([ones[k] for k in sorted(block)])
    return blocks
