"""Where scalars live: variables, which are arrays, and addresses, which read many scalars at once.

A variable that depends on the example has the batch in front of its `shape` in the program. Its places are counted as
if it were flat. An address is an array of places in one variable. If the places are regular it is a view of the
variable, written as slices and a reshape; otherwise it is an index.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .trace import Node


class Variable:
    """An array of `size` scalars, called `name` in the program; `serial` tells in which order they were made."""

    _serials = itertools.count()

    def __init__(self, nodes: Sequence[Node], shape: tuple[int, ...] | None = None, name: str = "",
                 settle: bool = True) -> None:
        self.serial = next(self._serials)
        self.nodes, self.size, self.name = nodes, len(nodes), name
        self.shape = shape or (self.size,)
        self.varied = self.size  # what stands behind this many places are constants
        self.batched = any(node.batched for node in nodes)
        self.trained = any(node.trained for node in nodes)
        if settle:  # the nodes live here from now on
            for place, node in enumerate(nodes):
                node.variable, node.place = self, place

    @property
    def lead(self) -> str:
        """What stands before its shape: the batch, if it depends on the example."""
        return "B, " if self.batched else ""

    @property
    def front(self) -> str:
        """What stands before an index: the whole batch, if it depends on the example."""
        return ":, " if self.batched else ""

    def extent(self, *shape: int) -> str:
        """What this shape is in the program."""
        return f"(B, {_list(shape)})" if self.batched else str(shape)

    @property
    def flat(self) -> str:
        """What to write to see it flat."""
        return self.name if len(self.shape) == 1 else self.name + self.reshape(self.size)

    def reshape(self, *shape: int) -> str:
        """What to write behind its name, or that of its gradient, to see it in this shape."""
        return f".reshape({self.lead}{_list(shape)})"


class Address:
    """The places of an array of nodes, all in one variable. An axis along which nothing changes has length 1 here."""

    def __init__(self, variable: Variable, places: np.ndarray, inner: int = 0) -> None:
        for axis in range(places.ndim - inner):  # the last `inner` axes keep their length
            if (places == places.take([0], axis)).all():
                places = places.take([0], axis)
        self.variable, self.places, self.shape = variable, places, places.shape

    @property
    def whole(self) -> bool:
        """Whether this is all of the variable, in order."""
        size = self.variable.size
        return bool(self.places.size == size and (self.places.ravel() == np.arange(size)).all())

    @property
    def unique(self) -> bool:
        """Whether no place comes twice, constants apart."""
        places = self.places[self.places < self.variable.varied]
        return len(np.unique(places)) == places.size

    def view(self) -> str | None:
        """What to write behind the variable's name to see these places, in this shape; None if slices cannot say it.

        A part of the variable, in rows as long as the longest step between neighbours, these in rows again; a cut of
        every row; then the axes in their order.
        """
        variable, shape, first = self.variable, self.shape, int(self.places.flat[0])
        if self.whole:
            if shape == (*variable.shape, 1):
                return "[..., None]"
            return "" if shape == variable.shape else variable.reshape(*shape)
        steps = {axis: int(self.places.take(1, axis).flat[0]) - first for axis, n in enumerate(shape) if n > 1}
        if min(steps.values(), default=1) < 1:
            return None
        axes = sorted(steps, key=lambda axis: -steps[axis])
        counts, pairs = [shape[axis] for axis in axes], list(zip(axes, axes[1:]))
        rows = [*counts[:1], *(steps[outer] // steps[inner] for outer, inner in pairs)]
        if pairs:
            length, start = steps[axes[0]], first
            if first + counts[0] * length > variable.size:  # the rows begin before the first place
                start -= first % length
            part = slice(start, start + counts[0] * length)
        else:
            part = slice(first, int(self.places.flat[-1]) + 1, *steps.values())
        starts = [(first - part.start) % steps[outer] // steps[inner] for outer, inner in pairs]
        cuts = tuple(slice(start, start + n) for start, n in zip(starts, counts[1:]))
        seen, rest = np.arange(variable.size)[part], [axis for axis, n in enumerate(shape) if n == 1]
        if seen.size != math.prod(rows) or not np.array_equal(
                seen.reshape(rows)[(...,) + cuts], self.places.transpose(axes + rest).reshape(counts)):
            return None
        code = ""
        if seen.size < variable.size:
            step = f":{part.step}" if part.step not in (None, 1) else ""
            code = f"{variable.flat[len(variable.name):]}[{variable.front}{part.start}:{part.stop}{step}]"
        if pairs:
            code += variable.reshape(*rows)
        if counts != rows:
            code += f"[{variable.front}:, " + _list(":" if n == row else f"{cut.start or ''}:{cut.stop}"
                                                    for cut, n, row in zip(cuts, counts[1:], rows[1:])) + "]"
        if axes != sorted(axes):
            order = [axes.index(axis) for axis in sorted(axes)]
            code += f".transpose({_list([0, *(k + 1 for k in order)] if variable.batched else order)})"
        return code if max(len(axes), 1) == len(shape) else code + variable.reshape(*shape)


def _list(numbers: Iterable[Any]) -> str:
    return ", ".join(map(str, numbers))
