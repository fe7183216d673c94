"""Grouping: scalars of one kind, made of the same variables at one depth, become one line of an array program.

Four kinds of line make every program: a row of the engine's table for many numbers, a sum, a log-sum-exp, and a
product of matrices: weighted sums, whose rows are sets of inputs and whose columns are sets of weights that meet them.

Scalars live at places of a variable, which is an array. Some places may be padding, which nobody asked for, where that
makes the others regular: where a position attends to those before it, all are compared with all. Before an operation
that could be refused on it, such as the logarithm of 0, padding is replaced by a harmless number.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from ..engine import DIV, DOT, EXP, LEAF, LOG, LOGSUMEXP, MUL, POW, SQRT, SUM, Op, Power, parts, to_the
from .graph import Graph, Node
from .layout import affine, filled_up, in_pieces, in_rows, is_piece, laid_out, map_nodes, squeezed
from .lines import (ArrayProgram, Line, Shape, elementwise, joined, leaf, logsumexp, masked, number, product, read,
                    reshaped, spread, summed, table)

MOST_PIECES = 6  # that are joined as they are asked for; more are read from whole variables, joined, by an index
HARMLESS = {EXP: -math.inf, LOG: 1.0, SQRT: 1.0, DIV: 1.0, POW: 1.0}  # for operands that nobody asked for


class Recipe(NamedTuple):
    """How a node is made, which may be otherwise than f made it: with padding, or in two steps."""

    node: Node
    op: Op
    args: tuple[Node, ...]


class Variable:
    """Where scalars live: `nodes`, of which those that nobody asked for are None, at the places of a `line`.

    Behind the first `varied` places stand only constants, which are handed no gradient; `blank` is what the padding is,
    if that is known.
    """

    _serials = itertools.count()

    def __init__(self, nodes: Sequence[Node | None], line: Line, blank: float | None = None) -> None:
        self.serial = next(self._serials)
        self.nodes, self.line, self.size, self.varied, self.blank = nodes, line, len(nodes), len(nodes), blank
        for place, node in enumerate(nodes):
            if node is not None:
                node.variable, node.place = self, place


class Block(NamedTuple):
    """Weighted sums that share operands: those that are `made` of a row of `lefts` (weights) and one of `rights`."""

    lefts: list[tuple[Node, ...]]
    rights: list[tuple[Node, ...]]
    made: dict[tuple[tuple[Node, ...], tuple[Node, ...]], Recipe]


class Plan:
    """The lines of a program: `theta`, `inputs`, the `variables` that are made of them in order, its `outputs`, and its
    `cost`, or None."""

    def __init__(self, graph: Graph) -> None:
        self.variables: list[Variable] = []
        self.joined: dict[tuple[Hashable, ...], Variable] = {}
        self.births: dict[Line, int] = {}  # of lines, when f made the first of their nodes
        self.theta = Variable(graph.parameters, leaf("theta", len(graph.parameters), trained=True))
        self.inputs = [Variable(nodes, leaf(name, len(nodes), batched=True))
                       for nodes, name in zip(graph.inputs, graph.names)]
        depth = attrgetter("depth")
        for _, level in itertools.groupby(sorted(graph.nodes, key=depth), depth):
            groups: dict[Hashable, list[Recipe]] = defaultdict(list)
            for node in level:
                made = _in_order(node)
                groups[_kind(made)].append(made)
            for ones in groups.values():
                self._add(ones)
        self.outputs = self.read(np.array(graph.outputs), inner=1)
        self.cost = self.read(np.array([graph.cost]), inner=1) if graph.cost else None
        self.floats_per_example = sum(variable.size for variable in self.variables if variable.line.batched)
        for variable in (self.theta, *self.inputs, *self.variables):  # nodes refer to variables, and not they to them:
            variable.nodes = ()                                       # so that all is freed at once

    def program(self, result: Line) -> ArrayProgram:
        """The program whose result is this line, made of what it needs of the others."""
        return ArrayProgram(self.theta.line, tuple(variable.line for variable in self.variables), result, self.cost)

    def _make(self, nodes: Iterable[Node | None], line: Line, shape: Shape, blank: float | None = None) -> None:
        """A variable where these live from now on."""
        nodes = list(nodes)
        if line.shape != shape:  # where all operands have length 1 along an axis, so has the line
            line = reshaped(line, *shape) if line.size == math.prod(shape) else spread(line, shape, line.batched)
        self.variables.append(Variable(nodes, line, blank))
        self.births[line] = min(node.born for node in nodes if node)

    def _add(self, ones: list[Recipe]) -> None:
        """The lines that make these, which are of one kind: products of matrices for weighted sums; for what is summed
        over a list, rows that are filled up; for all else one line, operand by operand."""
        ones = sorted(ones, key=lambda made: [arg.place for arg in made.args[:2]])  # so that operands are slices
        op, nodes, rows = ones[0].op, np.array([made.node for made in ones]), [made.args for made in ones]
        if op is DOT:
            by_length: dict[int, list[Recipe]] = defaultdict(list)
            for made in _padded(ones):
                by_length[len(made.args)].append(made)
            for alike in by_length.values():
                self._add_weighted_sums(alike)
        elif op is LOGSUMEXP:
            operands = in_rows(filled_up(rows, -math.inf))
            self._make(nodes, logsumexp(self.read(operands, inner=1)), operands.shape[:-1] or (1,))
        elif op is SUM and any(n > 1 for _, n in _runs(rows[0])):
            ends = list(itertools.accumulate(n for _, n in _runs(rows[0])))
            blocks = np.split(filled_up(rows, 0.0), ends[:-1], axis=1)
            if len(nodes) == 1 or len(blocks) == 1:
                blocks = list(map(in_rows, blocks))
            terms = [summed(self.read(block, inner=1), (-1,)) for block in blocks]
            shape = blocks[0].shape[:-1] or (1,)
            self._make(nodes, _total([reshaped(term, *(term.shape[:-1] or (1,))) for term in terms]), shape)
        else:
            nodes, *columns = laid_out(nodes, *map(np.array, zip(*rows)))
            args, blank = list(map(self.read, columns)), None
            if None in nodes:
                blank = _made_harmless(op, args, map_nodes(nodes, lambda node: True, False))
            self._make(nodes.flat, _total(args) if op is SUM else elementwise(op, *args), nodes.shape, blank)

    def read(self, nodes: np.ndarray, inner: int = 0) -> Line:
        """The line that reads an array of nodes, or the number that they all are. None is what nobody asks for.

        An axis along which nothing changes has length 1 then; but not the last `inner` axes, which are summed over, or
        returned. It is a slice of one variable if it can be, else a few slices joined, else read by an index.
        """
        flat = [node for node in nodes.flat if node is not None]
        constants = {node: None for node in flat if node.variable is None}
        variables = list(dict.fromkeys(node.variable for node in flat if node.variable is not None))
        numbers = {repr(node.number) for node in constants}
        if not variables:
            if len(numbers) == 1 and not inner:
                return number(flat[0].number)
            return table(squeezed(map_nodes(nodes, lambda node: node.number, flat[0].number), inner))
        if len(variables) == 1 and (not numbers or len(numbers) == 1 and nodes.ndim > 1):
            variable, = variables
            grid = affine(map_nodes(nodes, lambda node: node.place if node.variable else -1, -1), variable.size)
            if grid is not None:
                line = read(variable.line, squeezed(grid, inner), variable.varied)
                if constants:
                    filling = next(iter(constants)).number
                    asked = map_nodes(nodes, lambda node: node.variable is not None, True)
                    if variable.blank != filling or any(variable.nodes[place] for place in grid[~asked]):
                        line = masked(line, squeezed(asked, 0), filling)
                return line
        mixed = len(variables) > 1 or constants
        if mixed and (len(flat),) == nodes.shape and len(pieces := in_pieces(flat)) <= MOST_PIECES:
            return self._concatenated_pieces(pieces)
        of_each = {variable: np.unique([node.place for node in flat if node.variable is variable])
                   for variable in variables}
        whole, shift = self._concatenated_variables(of_each, [node.number for node in constants])
        last = dict(zip(constants, itertools.count(whole.varied)))  # constants come last
        places = map_nodes(nodes, lambda node: last[node] if node in last else node.place + shift[node.variable], 0)
        return read(whole.line, squeezed(places, inner), whole.varied)

    def _concatenated_pieces(self, pieces: list[list[Node]]) -> Line:
        """These pieces of variables, and numbers, one after the other."""
        key = tuple((piece[0].variable, piece[0].place, len(piece)) if piece[0].variable else
                    tuple(repr(node.number) for node in piece) for piece in pieces)
        if key not in self.joined:
            lines = [read(piece[0].variable.line, piece[0].place + np.arange(len(piece))) if piece[0].variable else
                     table(np.array([node.number for node in piece])) for piece in pieces]
            self.joined[key] = Variable((), joined(lines))
            self.variables.append(self.joined[key])
        return self.joined[key].line

    def _concatenated_variables(self, asked: dict[Variable, np.ndarray],
                                numbers: list[float]) -> tuple[Variable, dict[Variable, int]]:
        """One variable that holds these, one after the other, and then these numbers, and how far each is moved there;
        nothing lives in it. Of a variable of which only a small piece is asked for it holds this piece."""
        pieces = [(variable, int(places[0]), len(places)) if is_piece(places, variable.size) else
                  (variable, 0, variable.size) for variable, places in asked.items()]
        starts = itertools.accumulate((size for _, _, size in pieces), initial=0)
        shift = {variable: start - first for start, (variable, first, _) in zip(starts, pieces)}
        if len(pieces) == 1 and not numbers:
            return pieces[0][0], {pieces[0][0]: 0}
        key = (*pieces, *map(repr, numbers))
        if key not in self.joined:
            lines = [variable.line if size == variable.size else read(variable.line, np.arange(first, first + size))
                     for variable, first, size in pieces] + [table(np.array(numbers))] * bool(numbers)
            whole = self.joined[key] = Variable((), joined(lines))
            whole.size, whole.varied = whole.line.size, sum(size for _, _, size in pieces)
            self.variables.append(whole)
        return self.joined[key], shift

    def _add_weighted_sums(self, ones: list[Recipe]) -> None:
        """Weighted sums that share weights or inputs are one product of matrices; products of one shape are stacked.

        What shares too little is a sum of products, each by itself.
        """
        stacks: dict[tuple[int, int], list[Block]] = defaultdict(list)
        alone: list[Recipe] = []
        for connected in _connected(ones):
            block = _block(connected)
            is_full = len(block.made) == len(connected) and 2 * len(block.made) >= len(block.lefts) * len(block.rights)
            is_neuron = len(ones) == 1 and ones[0].node.batched and _is_layer(block.lefts, block.rights)
            if is_full and (len(block.made) > 1 or is_neuron):
                stacks[len(block.rights), len(block.lefts)].append(block)
            else:
                alone += connected
        for blocks in stacks.values():
            self._add_products(blocks, len(ones[0].args) % 2 == 1)
        if alone:
            self._add_sums_of_products(alone)

    def _add_products(self, blocks: list[Block], with_bias: bool) -> None:
        """The line of these blocks, all of one shape: right @ left.T for each."""
        left, right = np.array([block.lefts for block in blocks]), np.array([block.rights for block in blocks])
        made = [[[block.made.get((w, x)) for w in block.lefts] for x in block.rights] for block in blocks]
        nodes = np.array([[[one and one.node for one in row] for row in rows] for rows in made])
        biases = np.array([[[one and one.args[-1] for one in row] for row in rows] for rows in made])
        axes = "crl"  # block, right, left; the operands are left (c, l, n) and right (c, r, n)
        if left.flat[0].batched:  # no weights: the first of the two makes the rows
            left, right, nodes, biases = right, left, nodes.swapaxes(1, 2), biases.swapaxes(1, 2)
        if len(blocks) == 1:
            left, right, axes = left[0], right[0], "rl"
            if _is_layer(left, right):
                right, axes = right[0], "l"
        shape = right.shape[:-1] + left.shape[-2:-1]
        line = _product(self.read(right, inner=min(right.ndim, 2)), self.read(left, inner=2), axes)
        if with_bias:
            line = line + self.read(biases.reshape(shape))
        self._make(nodes.flat, line, shape)

    def _add_sums_of_products(self, ones: list[Recipe]) -> None:
        squares = all(w is x for made in ones for w, x in zip(*parts(made.args)[:2]))
        products: dict[tuple[Node, Node], Recipe] = {}
        sums = []
        for made in ones:
            pairs = list(zip(*parts(made.args)[:2]))
            for w, x in pairs:  # each product once
                products.setdefault((w, x), _times(w, x, squares))
            terms = tuple(products[pair].node for pair in pairs)
            sums.append(Recipe(made.node, SUM, terms + parts(made.args)[2]))
        if made_here := [product for product in products.values() if product.op is not LEAF]:
            self._add(made_here)
        self._add(sums)


def _product(right: Line, left: Line, axes: str) -> Line:
    """Σₙ right[c, r, n] · left[c, l, n]: for each c, or if there is no such axis, the product right · leftᵀ."""
    names = []
    for line, other in ((right, "l"), (left, "r")):
        name = axes.replace(other, "") + "n"
        if "c" in name and line.shape[0] == 1:  # the same for every c
            name, line = name[1:], reshaped(line, *line.shape[1:])
        names.append((line, "B" * line.batched + name))
    (right, of_right), (left, of_left) = names
    return product(right, left, (of_right, of_left, "B" * (right.batched or left.batched) + axes))


def _times(w: Node, x: Node, square: bool) -> Recipe:
    """The product of two nodes; of two constants, the number that it is."""
    if not (w.batched or w.trained or x.batched or x.trained):
        return Recipe(Node(LEAF, (), w.number * x.number), LEAF, ())
    op, args = (to_the(2.0), (w,)) if square else (MUL, (w, x))
    return Recipe(Node(op, args), op, args)


def _variable_id(node: Node) -> int:
    """The number of the variable that the node lives in; −1 for a constant, which lives in none."""
    return node.variable.serial if node.variable else -1


def _in_order(node: Node) -> Recipe:
    """The node as f made it; the order of the terms of a sum is free."""
    args = sorted(node.args, key=lambda arg: (_variable_id(arg), arg.place, arg.born)) if node.op is SUM else node.args
    return Recipe(node, node.op, tuple(args))


def _kind(made: Recipe) -> Hashable:
    """What nodes must have in common to be made by one line: the operation, and where the operands live. Sums within
    one variable may have any length, as their rows are filled up."""
    runs = _runs(made.args)
    if made.op is DOT:
        sides = [frozenset(map(_variable_id, side)) - {-1} for side in parts(made.args)[:2]]
        return DOT, *sides, _runs(parts(made.args)[2])
    return made.op, runs[0][0] if made.op in (SUM, LOGSUMEXP) and len(runs) == 1 else runs


def _runs(args: Sequence[Node]) -> tuple[tuple[int, int], ...]:
    """The variables of the operands, with how many stand side by side in each."""
    return tuple((home, len(list(run))) for home, run in itertools.groupby(map(_variable_id, args)))


def _block(ones: list[Recipe]) -> Block:
    made = {parts(one.args)[:2]: one for one in ones}
    return Block(list(dict.fromkeys(left for left, _ in made)), list(dict.fromkeys(right for _, right in made)), made)


def _is_layer(left: Sequence, right: Sequence) -> bool:
    """Whether there is one set of inputs for each example, and the weights are the same for all examples."""
    return len(right) == 1 and not any(w.batched for w in left[0])


def _made_harmless(op: Op, operands: list[Line], asked: np.ndarray) -> float | None:
    """Put a harmless number where the operation might be refused though nobody asked for it; what then stands there."""
    filling = 1.0 if isinstance(op, Power) and op.p not in (1, 2, 3) else HARMLESS.get(op)
    for k, operand in enumerate(operands):
        if filling is not None and operand.shape and not (op is DIV and k == 0):  # any numerator will do
            operands[k] = masked(operand, squeezed(asked, 0), filling)
    return 0.0 if op is EXP else None


def _total(terms: list[Line]) -> Line:
    return sum(terms[1:], terms[0])


def _padded(ones: list[Recipe]) -> list[Recipe]:
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


def _connected(ones: list[Recipe]) -> list[list[Recipe]]:
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
