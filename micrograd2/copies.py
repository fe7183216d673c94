"""Copies: what `copy`, `deepcopy` and `pickle` make of Values and of rows of the table.

Whatever the depth of a record, nothing here recurses: it is written flat, operands first. A copy is born anew, here or
in another process, so that birth stays an order. A row is copied as its name, and is itself again elsewhere.

Left out: files of a network, which are readable text (see `MLP.save`); and a small pickle of many Values of one record,
each of which brings all that it was made from: pickle the result, from which the others are found.
"""

from __future__ import annotations

from typing import Any

from . import engine
from .engine import Op, Power, Value, recorded, to_the, topological_order


def _twin(node: Value, args: tuple[Value, ...]) -> Value:
    twin = recorded(node.op, node.data, args, node.local_grads)
    twin.grad, twin.label = node.grad, node.label
    return twin


def _copied(self: Value) -> Value:
    return _twin(self, self.args)


def _deeply_copied(self: Value, memo: dict[int, Any]) -> Value:
    for node in topological_order(self):
        if id(node) not in memo:
            memo[id(node)] = _twin(node, tuple(memo[id(arg)] for arg in node.args))
    return memo[id(self)]


def _written(self: Value) -> Any:
    nodes = topological_order(self)
    columns = [[getattr(node, name) for node in nodes] for name in ("born", "data", "grad", "op", "label")]
    args = [arg.born for node in nodes for arg in node.args]
    local_grads = [local for node in nodes for local in node.local_grads]
    return _revived, (_TOGETHER, [len(node.args) for node in nodes], *columns, args, local_grads)


class _Together(dict):
    """The Values that are unpickled in one go, by the birth numbers that they had: what was shared is shared again."""

    def __reduce__(self) -> Any:
        return _Together, ()  # one for each pickle, empty at first


_TOGETHER = _Together()


def _revived(known: dict[int, Value], counts: list[int], births: list[int], data: list[float], grads: list[float],
             ops: list[Op], labels: list[str], args: list[int], local_grads: list[float]) -> Value:
    end = 0
    for count, born, number, grad, op, label in zip(counts, births, data, grads, ops, labels):
        start, end = end, end + count
        if born not in known:
            operands = tuple(known[arg] for arg in args[start:end])
            node = known[born] = recorded(op, number, operands, tuple(local_grads[start:end]))
            node.grad, node.label = grad, label
    return known[births[-1]]


def _named(self: Op) -> Any:
    for name, row in vars(engine).items():
        if row is self:
            return name
    raise TypeError(f"{self!r} is not in the engine's table, so it cannot be copied to another process")


setattr(Value, "__copy__", _copied)  # here, so that the engine knows nothing of copies
setattr(Value, "__deepcopy__", _deeply_copied)
setattr(Value, "__reduce__", _written)
setattr(Op, "__reduce__", _named)
setattr(Power, "__reduce__", lambda self: (to_the, (self.p,)))
