"""Regular places of an array as NumPy's slices: what to write behind its name to see them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np


def view(shape: tuple[int, ...], places: np.ndarray, batched: bool) -> tuple[str, str] | None:
    """What to write behind the name of an array of this shape to see these places of it, in theirs, a reshape at the
    end by itself; None if slices cannot say it. The places are counted as if the array were flat; if it is `batched`,
    the batch stands in front.

    A part of the array, in rows as long as the longest step between neighbours, these in rows again; a cut of every
    row; then the axes in their order.

    >>> view((12,), np.array([[4, 5], [8, 9]]), batched=False)
    ('[4:12].reshape(2, 4)[:, :2]', '')
    """
    lead, front, size, seen = "B, " * batched, ":, " * batched, math.prod(shape), places.shape

    def reshape(*lengths: int) -> str:
        return f".reshape({lead}{listed(lengths) or '()' * (not batched)})"

    if places.size == size and (places.ravel() == np.arange(size)).all():
        if seen == (*shape, 1):
            return "[..., None]", ""
        return "", "" if seen == shape else reshape(*seen)
    if (finer := split(places)).ndim > places.ndim:
        inner = view(shape, finer, batched)
        return inner and ("".join(inner), reshape(*seen))
    first = int(places.flat[0])
    steps = {axis: int(places.take(1, axis).flat[0]) - first for axis, n in enumerate(seen) if n > 1}
    if min(steps.values(), default=1) < 1:
        return None
    axes = sorted(steps, key=lambda axis: -steps[axis])
    counts, pairs = [seen[axis] for axis in axes], list(zip(axes, axes[1:]))
    rows = [*counts[:1], *(steps[outer] // steps[inner] for outer, inner in pairs)]
    if pairs:
        length, start = steps[axes[0]], first
        if first + counts[0] * length > size:  # the rows begin before the first place
            start -= first % length
        part = slice(start, start + counts[0] * length)
    else:
        part = slice(first, int(places.flat[-1]) + 1, *steps.values())
    starts = [(first - part.start) % steps[outer] // steps[inner] for outer, inner in pairs]
    cuts = tuple(slice(start, start + n) for start, n in zip(starts, counts[1:]))
    found, rest = np.arange(size)[part], [axis for axis, n in enumerate(seen) if n == 1]
    if found.size != math.prod(rows) or not np.array_equal(
            found.reshape(rows)[(...,) + cuts], places.transpose(axes + rest).reshape(counts)):
        return None
    code = last = ""
    if found.size < size:
        step = f":{part.step}" if part.step not in (None, 1) else ""
        code = f"{reshape(size) if len(shape) > 1 else ''}[{front}{part.start}:{part.stop}{step}]"
    if pairs and (code or tuple(rows) != shape):
        last = reshape(*rows)
    if counts != rows:
        code, last = code + last, ""
        code += f"[{front}:, " + listed(":" if n == row else f"{cut.start or ''}:{cut.stop}"
                                        for cut, n, row in zip(cuts, counts[1:], rows[1:])) + "]"
    if axes != sorted(axes):
        order = [axes.index(axis) for axis in sorted(axes)]
        code, last = code + last, ""
        code += f".transpose({listed([0, *(k + 1 for k in order)] if batched else order)})"
    return (code, last) if max(len(axes), 1) == len(seen) else (code, reshape(*seen))


def split(places: np.ndarray) -> np.ndarray:
    """The places with every axis of regular pieces, all of one length, as two: from piece to piece, and within them."""
    lengths: list[int] = []
    for axis, n in enumerate(places.shape):
        steps = np.diff(places, axis=axis)
        first = n
        if n > 2:
            others = tuple(k for k in range(places.ndim) if k != axis)
            breaks = (steps != steps.take([0], axis)).any(axis=others)
            first = int(np.argmax(breaks)) + 1 if breaks.any() else n
        lengths += [n // first, first] if first < n and n % first == 0 else [n]
    return places if len(lengths) == places.ndim else split(places.reshape(lengths))


def ranges(places: np.ndarray) -> str | None:
    """Regular places as a sum of ranges, one for each axis, such as windows that overlap; None if they are not regular.

    >>> ranges(np.array([[0, 1, 2], [5, 6, 7]]))
    '5 * np.arange(2)[:, None] + np.arange(3)'
    """
    finer = split(places)
    first, terms, grid = int(finer.flat[0]), [], np.zeros((1,) * finer.ndim, int)
    for axis, n in enumerate(finer.shape):
        if n > 1:
            step, behind = int(finer.take(1, axis).flat[0]) - first, finer.ndim - axis - 1
            grid = grid + (step * np.arange(n)).reshape(-1, *[1] * behind)
            code = f"np.arange({n})" if step == 1 else f"{step} * np.arange({n})"
            terms.append(code + f"[:{', None' * behind}]" * bool(behind))
    if not terms or not np.array_equal(np.broadcast_to(grid + first, finer.shape), finer):
        return None
    code = " + ".join([str(first)] * (first != 0) + terms)
    if finer.shape != places.shape or places.shape[0] == 1:  # no range says the length of the first axis then
        code = f"({code}).reshape({listed(places.shape)})"
    return code if len(code) < 110 else "\n    ".join(textwrap.wrap(f"({code})", 110))


def listed(numbers: Iterable[Any]) -> str:
    return ", ".join(map(str, numbers))
