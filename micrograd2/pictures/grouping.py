"""Which Values of an expression belong together: those of one neuron, of one layer; and what stands for what, in boxes.

A neuron is found by its form, not by its name: a weighted sum (`dot`) whose weights are labelled leaves, with these
weights, its bias, and what leads to its activation. Weighted sums with the same weights, as of a batch, are one neuron;
neurons with the same inputs are one layer.

A large expression is drawn in few boxes: `boxes` puts every neuron into one, then all leaves that have the same
readers, then every layer, and stops as soon as what is left can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..engine import Value, parts
from ..names import activations, is_parameter, neuron_of

MANY_LEAVES = 9     # with the same readers, to stand in one box


@dataclass
class Group:
    """Values that stand together: of one neuron, of one layer, or (`kind` "value") one alone."""

    kind: str
    name: str
    values: list[Value]
    size: int = 1     # how many neurons, or leaves
    sums: dict[Value, Value] = field(default_factory=dict)     # of a neuron: every z, and its a, or z if unknown

    @property
    def last(self) -> Value:
        """The latest born: what the rest of the group is there for."""
        return max(self.values, key=lambda value: value.born)


def neurons(nodes: Iterable[Value]) -> list[Group]:
    """The neurons among these Values, in the order of their birth; no Value is in two of them."""
    nodes = list(nodes)
    present, taken = set(nodes), set()
    by_weights: dict[tuple[Value, ...], Group] = {}
    for z, made in activations(nodes).items():
        weights, _, bias = parts(z.args)
        group = by_weights.setdefault(weights, Group("neuron", neuron_of(z) or z.label or "neuron", []))
        members = [*weights, *filter(is_parameter, bias), *made]
        new = [value for value in dict.fromkeys(members) if value in present and value not in taken]
        taken.update(new)
        group.values += new
        group.sums[z] = made[-1]
    return list(by_weights.values())


def layers(of: list[Group]) -> list[Group]:
    """The layers that neurons make up: one for all that read the same inputs."""
    by_inputs: dict[tuple[Value, ...], Group] = {}
    for neuron in of:
        _, inputs, _ = parts(next(iter(neuron.sums)).args)
        layer = by_inputs.setdefault(inputs, Group("layer", neuron.name.rpartition(".neurons[")[0] or "layer", [], 0))
        layer.values += neuron.values
        layer.size += 1
    return list(by_inputs.values())


def boxes(nodes: list[Value], most: int) -> list[Group]:
    """Groups that every Value is in exactly once, in topological order: each alone if there are at most so many, else
    collapsed step by step until there are, and at most so many pairs of them are joined by edges."""
    drawn = _with_the_rest([], nodes)
    if len(drawn) > most:
        for collapsed in _collapsed(nodes):
            drawn = _with_the_rest(collapsed, nodes)
            if len(drawn) <= most and _joins(drawn) <= most:
                break
    return drawn


def _collapsed(nodes: list[Value]) -> Iterator[list[Group]]:
    """What is collapsed, step by step: neurons; leaves that are alike too; layers instead of neurons."""
    found = neurons(nodes)
    yield found
    yield found + _like_leaves(nodes, found)
    found = layers(found)
    yield found + _like_leaves(nodes, found)


def _with_the_rest(groups: list[Group], nodes: list[Value]) -> list[Group]:
    """The groups, and every other Value alone, in topological order."""
    inside = place(groups)
    alone = [Group("value", value.label, [value]) for value in nodes if value not in inside]
    return sorted(groups + alone, key=lambda group: group.last.born)


def place(groups: list[Group]) -> dict[Value, int]:
    """Which group every Value is in."""
    return {value: i for i, group in enumerate(groups) for value in group.values}


def _joins(groups: list[Group]) -> int:
    """How many pairs of groups are joined by an edge."""
    at = place(groups)
    return len({(at[operand], i) for value, i in at.items() for operand in value.args if operand in at})


def _like_leaves(nodes: list[Value], groups: list[Group]) -> list[Group]:
    """Leaves outside the groups that the same groups and Values read, where there are many."""
    at = place(groups)
    readers: dict[Value, dict[int | Value, None]] = {}     # of every leaf, in order, each once
    for node in nodes:
        for operand in node.args:
            if not operand.args and operand not in at:
                readers.setdefault(operand, {})[at.get(node, node)] = None
    alike: dict[tuple[int | Value, ...], list[Value]] = {}
    for leaf, read_by in readers.items():
        alike.setdefault(tuple(read_by), []).append(leaf)
    return [Group("leaves", f"{len(leaves):,} values", leaves, len(leaves)) for leaves in alike.values()
            if len(leaves) >= MANY_LEAVES]
