"""Layout: how an array of scalars lies in the variables where they live.

In an array of nodes, None is padding, which nobody asked for. Places of a variable are counted as if it were flat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import LEAF
from .graph import Node
from .view import view


def map_nodes(nodes: np.ndarray, what: Callable[[Any], Any], otherwise: Any) -> np.ndarray:
    """Something of each of these, in the same shape; where there is None, something else."""
    found = (otherwise if node is None else what(node) for node in nodes.flat)
    return np.fromiter(found, type(otherwise), nodes.size).reshape(nodes.shape)


def filled_up(rows: Sequence[Sequence[Node]], filling: float) -> np.ndarray:
    """The rows as one array of nodes; those that are shorter than the longest are filled up with a constant."""
    n, rest = max(map(len, rows)), Node(LEAF, (), filling)
    return np.array([[*row, *[rest] * (n - len(row))] for row in rows])


def in_rows(nodes: np.ndarray) -> np.ndarray:
    """An array (K, n) of nodes with its rows laid out as those of the variable are that they read, if they are all; or
    a single row by itself."""
    if len(nodes) == 1:
        return nodes[0]
    variable = nodes[0, 0].variable
    if variable and nodes[0, 0].place == 0:
        *lead, n = variable.line.shape
        if lead and nodes.shape == (math.prod(lead), n) and nodes[-1, 0].variable is variable:
            return nodes.reshape(*lead, n)
    return nodes


def in_pieces(nodes: list[Node]) -> list[list[Node]]:
    """A row of nodes as pieces, each of which stands side by side in one variable, or is of constants."""
    pieces = [nodes[:1]]
    for before, node in zip(nodes, nodes[1:]):
        if node.variable is before.variable and (node.variable is None or node.place == before.place + 1):
            pieces[-1].append(node)
        else:
            pieces.append([node])
    return pieces


def is_piece(places: np.ndarray, size: int) -> bool:
    """Whether these places, in order, stand side by side, and are less than half of so many."""
    return 2 * len(places) < size and int(places[-1] - places[0]) == len(places) - 1


def squeezed(numbers: np.ndarray, inner: int) -> np.ndarray:
    """These, with length 1 along each axis along which nothing changes, but for the last `inner` axes."""
    for axis in range(numbers.ndim - inner):
        if (numbers == numbers.take([0], axis)).all():
            numbers = numbers.take([0], axis)
    return numbers


def affine(places: np.ndarray, size: int) -> np.ndarray | None:
    """The places first + Σ stepₖ·iₖ, regular along every axis k, that these are, where −1 may be any; None if there are
    none such in an array of `size`."""
    known = places >= 0
    grid = np.zeros((1,) * places.ndim, int)
    for axis, n in enumerate(places.shape):
        here, next_ = (places.take(range(k, n - 1 + k), axis) for k in (0, 1))
        steps = (next_ - here)[(here >= 0) & (next_ >= 0)]
        step = int(steps[0]) if steps.size else 0
        grid = grid + (step * np.arange(n)).reshape([-1 if k == axis else 1 for k in range(places.ndim)])
    first = int(np.argmax(known))
    grid = grid + (places.flat[first] - grid.flat[first])
    fits = (grid == places)[known].all() and 0 <= grid.min() and grid.max() < size
    return grid if fits else None


def is_affine(nodes: np.ndarray) -> bool:
    """Whether these are one number, or regular places of one variable, up to those that nobody asks for."""
    homes = {node.variable if node.variable else repr(node.number) for node in nodes.flat if node}
    variable = homes.pop()
    if homes or isinstance(variable, str):
        return not homes
    return affine(map_nodes(nodes, lambda node: node.place, -1), variable.size) is not None


def laid_out(*columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """The results of an operation and its operands, column by column, in the shape of a variable among the operands.

    Where an operand is most of a variable, in no regular order, the results are laid out like all of it, with None for
    padding, if this makes all operands regular: q₀k₀ q₁k₀ q₁k₁ becomes [[q₀k₀ None] [q₁k₀ q₁k₁]].
    """
    found = columns
    for column in columns[1:]:
        variable = column[0].variable
        if variable is None or any(node.variable is not variable for node in column):
            continue
        shape, places = variable.line.shape, map_nodes(column, lambda node: node.place, 0)
        if variable.size == len(column):
            if np.array_equal(places, np.arange(variable.size)) and len(shape) > found[0].ndim:
                found = tuple(each.reshape(shape) for each in columns)
        elif found is columns and variable.size <= 2 * len(column) == 2 * len(set(places.tolist())):
            if view(shape, places, False) is None:
                spaced = tuple(np.full(variable.size, None) for _ in columns)
                for each, spacious in zip(columns, spaced):
                    spacious[places] = each
                spaced = tuple(each.reshape(shape) for each in spaced)
                if all(map(is_affine, spaced[1:])):
                    found = spaced
    return found
