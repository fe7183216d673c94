"""The scalar graph: ordinary scalar code runs once, on one example, and its graph is kept in a form made for grouping.

Sums are put into one shape on the way, however they were written: a chain of + is one sum; products within a sum, when
there are several, are one weighted sum (`dot`), the side that does not depend on the example first.

What one run cannot see is whether f looks at its numbers (`if x[0].data > 0`): see `proof`.
"""

from __future__ import annotations

import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

from ..engine import ADD, DOT, LEAF, MUL, SUM, Op, Value, on_sight, parts, results, topological_order, total


class CompileError(Exception):
    """A function that cannot be compiled, or a program that does not agree with its scalar graph: where, and why."""


class Node:
    """A scalar of the program: its operation and operands; whether it depends on the example, and on the parameters.

    `depth` is the longest way to it from a leaf, `born` when f made it, `number` what it was in the example; `variable`
    and `place` say where it lives, once it has been grouped. Once the graph is made, `op` and `args` stay as they are.
    """

    __slots__ = ("op", "args", "batched", "trained", "depth", "variable", "place", "number", "born")

    def __init__(self, op: Op, args: Sequence[Node], number: float = 0.0, born: int = 0, batched: bool = False,
                 trained: bool = False) -> None:
        self.args: Any = args  # a list where it is a sum, so that a long chain of them is put together in linear time
        self.op, self.number, self.born = op, number, born
        self.batched, self.trained, self.depth = batched, trained, 0
        for arg in args:
            self.batched |= arg.batched
            self.trained |= arg.trained
        self.variable: Any = None
        self.place = 0


class Run:
    """One run of f on `numbers`: the Values that it was `given` for each argument; its `cost`, or None, and its
    `outputs`, which are the cost if f returned that one Value; these are the `roots`."""

    def __init__(self, f: Callable[..., Any], parameters: Sequence[Value], example: Sequence[Sequence[float]]) -> None:
        self.start, self.numbers = Value(0.0).born, [list(row) for row in example]
        self.given = [[Value(number) for number in row] for row in self.numbers]
        leaves = [*parameters, *itertools.chain(*self.given)]
        before, token = [leaf.data for leaf in leaves], on_sight.set(_refuse)
        try:
            result = f(*map(list, self.given))  # copies: f may change its lists
        finally:
            on_sight.reset(token)
        for leaf, number in zip(leaves, before):
            if leaf.data is not number:
                raise CompileError(f"f sets the .data of {leaf.label or 'a Value that it is given'} from {number} to "
                                   f"{leaf.data}, which no program does: compute a new Value instead")
        pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], (list, tuple))
        cost, outputs = result if pair else (result, [result]) if isinstance(result, Value) else (None, result)
        values = [cost, *outputs] if pair else outputs
        if not isinstance(outputs, (list, tuple)) or not outputs or not all(isinstance(v, Value) for v in values):
            raise CompileError(f"f must return one Value, or a list of Values, or a pair of both; it returned "
                               f"{result!r:.80}")
        self.is_one = isinstance(result, Value)
        self.cost: Value | None = cost
        self.outputs: list[Value] = list(outputs)
        self.roots = list(dict.fromkeys(values))

    @property
    def is_cost(self) -> bool:
        return self.cost is not None

    @cached_property
    def order(self) -> list[Value]:
        """All Values behind the roots, operands first."""
        return topological_order(total(self.roots))[:-1]

    @cached_property
    def made(self) -> list[Value]:
        """The same without what is older than the run: the parameters."""
        values = set(self.roots)
        for result in results(total(self.roots))[1:]:
            values.update(result.args)
        return sorted((value for value in values if value.born > self.start), key=attrgetter("born"))


def _refuse() -> None:
    raise CompileError("f compares Values, or turns one into a plain number: the program would take the example's "
                       "branch for every example. Write it as arithmetic: maximum, minimum, relu, a mask. (A softmax "
                       "needs no maximum: [(v - logsumexp(vs)).exp() for v in vs] cannot overflow)")


class Graph:
    """The graph of one run of f: `parameters`, `inputs` (a list of Nodes for each argument), its `cost`, or None, and
    `outputs`, and all `nodes` that are not leaves, operands first."""

    def __init__(self, run: Run, parameters: Sequence[Value], names: Sequence[str]) -> None:
        self.names, self.scalar_nodes = names, len(run.order)
        table: dict[Value, Node] = {p: Node(LEAF, (), p.data, p.born, trained=True) for p in parameters}
        self.parameters = [table[p] for p in parameters]
        self.inputs = [[Node(LEAF, (), v.data, v.born, batched=True) for v in values] for values in run.given]
        for values, leaves in zip(run.given, self.inputs):
            table.update(zip(values, leaves))
        constants: dict[str, Node] = {}
        nodes: list[Node] = []
        for value in run.order:
            if value in table:
                continue
            if value.born < run.start:
                name = value.label or "a Value"
                instead = "list it there, or use a plain number" if value.op is LEAF else "make it within f"
                raise CompileError(f"f uses {name} = {value.data}, made before the call, which is not among the "
                                   f"parameters: {instead}")
            node = Node(value.op, [table[arg] for arg in value.args], value.data, value.born)
            if node.batched or node.trained:
                nodes.append(node)
            else:  # a constant, or made of constants alone
                node = constants.setdefault(repr(value.data), Node(LEAF, (), value.data, value.born))
            table[value] = node
        results = [table[value] for value in [*run.outputs, *([run.cost] if run.cost is not None else [])]]
        self.nodes = _merged(_sums_in_shape(nodes, results), results)
        self.outputs, self.cost = results[:len(run.outputs)], results[-1] if run.cost is not None else None


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's parameters where they are usable, else x1, x2, …"""
    try:
        names = [name for name in inspect.signature(f).parameters][:count]
    except (TypeError, ValueError):
        names = []
    good = len(names) == count and all(name.isidentifier() and len(name) < 20 for name in names)
    return names if good else [f"x{i + 1}" for i in range(count)]


def _sums_in_shape(nodes: list[Node], outputs: list[Node]) -> list[Node]:
    """The nodes that are left when chains of + are sums and summed products are weighted sums.

    What a sum has taken in is `gone`, if nobody else uses it.
    """
    uses = Counter(arg for node in nodes for arg in node.args if arg.op is not LEAF)
    uses.update(outputs)
    gone: set[Node] = set()
    zeros: dict[Node, Node] = {}  # of sums of one term, such as x + 0
    for node in nodes:
        if node.op in (ADD, SUM):
            zero = next(filter(_is_zero, node.args), None)
            node.op, node.args = SUM, _flattened(node.args, uses, gone)
            if zero and len(node.args) == 1 and node.args[0] is not zero:
                zeros[node] = zero
    if any(node.op is SUM and node not in gone and len(node.args) == 2 and any(map(_is_constant, node.args))
           for node in nodes):
        for node, zero in zeros.items():  # of a mask, which adds 0 here and −∞ there: both in one line
            if node not in gone:
                node.args.append(zero)
    kept: list[Node] = []
    for node in nodes:
        if node.op is DOT:
            w, x, bias = parts(node.args)
            if any(weight.batched for weight in w) and not any(number.batched for number in x):
                w, x = x, w
            bias = [b for b in bias if not _is_zero(b)]
            node.args = (*w, *x, *bias)
            if not w:  # nothing but a bias
                node.op = SUM
        if node.op is SUM and node not in gone:
            products = [term for term in node.args if term.op is MUL and uses[term] == 1]
            if len(products) > 1:
                gone.update(products)
                pairs = sorted((_weight_first(*term.args) for term in products), key=lambda pair: pair[1].born)
                rest = [term for term in node.args if term not in gone]
                operands = [w for w, _ in pairs] + [x for _, x in pairs]
                if len(rest) > 1:
                    kept.append(Node(DOT, operands, 0.0, node.born))
                    node.args = [kept[-1], *rest]
                else:
                    node.op, node.args = DOT, operands + rest
        kept.append(node)
    return [node for node in kept if node not in gone]


def _merged(nodes: list[Node], outputs: list[Node]) -> list[Node]:
    """The nodes, with each operation on the same operands only once; a sum of one term is that term."""
    same: dict[Node, Node] = {}
    known: dict[tuple, Node] = {}
    for node in nodes:
        node.args = [same.get(arg, arg) for arg in node.args]
        if node.op is SUM and len(node.args) == 1:
            same[node] = node.args[0]
        else:
            operands = sorted(node.args, key=id) if node.op is SUM else node.args
            first = known.setdefault((node.op, *operands), node)
            if first is not node:
                same[node] = first
            node.depth = 1 + max(arg.depth for arg in node.args)
    outputs[:] = [same.get(output, output) for output in outputs]
    return list(known.values())


def _flattened(args: list[Node], uses: Counter[Node], gone: set[Node]) -> list[Node]:
    """The terms of a sum: sums among them that nobody else uses are taken apart, and `gone`; zeros are left out."""
    terms: list[Node] = []
    for arg in args:
        if arg.op is SUM and uses[arg] == 1:
            gone.add(arg)
            terms, shorter = (terms, arg.args) if len(terms) >= len(arg.args) else (arg.args, terms)
            terms.extend(shorter)  # to the longer list, so that a long chain takes linear time
        elif not _is_zero(arg):
            terms.append(arg)
    return terms or args[:1]


def _weight_first(a: Node, b: Node) -> tuple[Node, Node]:
    return (b, a) if a.batched and not b.batched else (a, b)


def _is_zero(node: Node) -> bool:
    return _is_constant(node) and node.number == 0


def _is_constant(node: Node) -> bool:
    return node.op is LEAF and not node.batched and not node.trained
