"""Where scalars live: variables, which are arrays, and addresses, which read many scalars at once.

A variable that depends on the example has the batch in front of its `shape` in the program. Its places are counted as
if it were flat. An address is an array of places in one variable. If the places are regular it is a view of the
variable, written as slices and a reshape; otherwise it is an index.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .trace import Node


class Variable:
    """An array of `size` scalars, called `name` in the program; `serial` tells in which order they were made."""

    _serials = itertools.count()

    def __init__(self, nodes: Sequence[Node], name: str = "", shape: tuple[int, ...] | None = None) -> None:
        self.serial = next(self._serials)
        self.nodes, self.size, self.name = nodes, len(nodes), name
        self.shape = shape or (self.size,)
        self.varied = self.size  # what stands behind this many places are constants
        self.batched = any(node.batched for node in nodes)
        self.trained = any(node.trained for node in nodes)
        for place, node in enumerate(nodes):
            node.variable, node.place = self, place

    @property
    def lead(self) -> str:
        """What stands before its shape: the batch, if it depends on the example."""
        return "B, " if self.batched else ""

    @property
    def flat(self) -> str:
        """What to write to see it flat."""
        return self.name if len(self.shape) == 1 else f"{self.name}.reshape({self.lead}{self.size})"


class Address:
    """The places of an array of nodes, all in one variable. An axis along which nothing changes has length 1 here.

    `strides` are how many places apart neighbours are along each axis, or None if that is not the same everywhere.
    """

    def __init__(self, variable: Variable, places: np.ndarray, inner: int = 0) -> None:
        for axis in range(places.ndim - inner):  # the last `inner` axes keep their length
            if (places == places.take([0], axis)).all():
                places = places.take([0], axis)
        strides = [int(places.take(1, axis).flat[0] - places.flat[0]) if n > 1 else 0
                   for axis, n in enumerate(places.shape)]
        indices: Any = np.indices(places.shape, sparse=True)
        regular = sum((index * stride for index, stride in zip(indices, strides)), start=places.flat[0])
        self.variable, self.places, self.shape = variable, places, places.shape
        self.strides: Any = strides if min(strides) >= 0 and (places == regular).all() else None

    def keeping(self, *axes: int) -> Address:
        """The same places with these axes only; the others have length 1."""
        return Address(self.variable, self.places[tuple(slice(None) if axis in axes else 0
                                                        for axis in range(self.places.ndim))], inner=len(axes))

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
        """What to write behind the variable's name to see these places, in this shape; None if slices cannot say it."""
        lead, front = self.variable.lead, ":, " * self.variable.batched
        if self.whole:
            if self.shape == (*self.variable.shape, 1):
                return "[..., None]"
            return "" if self.shape == self.variable.shape else f".reshape({lead}{_list(self.shape)})"
        if self.strides is None or any(n > 1 and stride == 0 for n, stride in zip(self.shape, self.strides)):
            return None
        offset = int(self.places.flat[0])
        axes = sorted((a for a, n in enumerate(self.shape) if n > 1), key=lambda a: -self.strides[a])
        if len(axes) < 2:
            n, step = (self.shape[axes[0]], self.strides[axes[0]]) if axes else (1, 1)
            flat = f".reshape({lead}{self.variable.size})" * (len(self.variable.shape) > 1)
            part = f"{flat}[{front}{offset}:{offset + (n - 1) * step + 1}{f':{step}' if step > 1 else ''}]"
            return part if len(self.shape) == 1 else f"{part}.reshape({lead}{_list(self.shape)})"
        steps = [self.strides[a] for a in axes]
        fits = [outer // inner for outer, inner in zip(steps, steps[1:])]  # how many inner steps make an outer one
        if steps[-1] > 1 or any(outer != inner * n for outer, inner, n in zip(steps, steps[1:], fits)):
            return None
        for start in (offset, offset - offset % steps[0]):  # the block may begin before the first place
            firsts = [(offset - start) % outer // inner for outer, inner in zip(steps, steps[1:])]
            end = start + self.shape[axes[0]] * steps[0]
            if end <= self.variable.size and all(first + self.shape[a] <= n
                                                 for first, a, n in zip(firsts, axes[1:], fits)):
                break
        else:
            return None
        flat = f".reshape({lead}{self.variable.size})" * (len(self.variable.shape) > 1)
        part = "" if (start, end) == (0, self.variable.size) else f"{flat}[{front}{start}:{end}]"
        part += f".reshape({lead}{_list([self.shape[axes[0]], *fits])})"
        if any(self.shape[a] < n for n, a in zip(fits, axes[1:])):
            cuts = [":" if self.shape[a] == n else f"{first or ''}:{first + self.shape[a]}"
                    for first, n, a in zip(firsts, fits, axes[1:])]
            part += f"[{front}:, {', '.join(cuts)}]"
        if axes != sorted(axes):
            order = [axes.index(a) for a in sorted(axes)]
            part += f".transpose({_list([0, *(k + 1 for k in order)] if lead else order)})"
        return part if len(axes) == len(self.shape) else f"{part}.reshape({lead}{_list(self.shape)})"


def _list(numbers: Iterable[Any]) -> str:
    return ", ".join(map(str, numbers))
