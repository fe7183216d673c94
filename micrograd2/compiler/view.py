"""Regular places of an array as NumPy's slices: what to write behind its name to see them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np


class Cut(NamedTuple):
    """Places reached by slices: of a flat array the `part`, in `rows`; of every row a cut; the axes reordered.

    `axes` are those of the places, the longest step first; `counts` how many places there are along each.
    """

    axes: list[int]
    counts: list[int]
    rows: list[int]
    part: slice
    cuts: tuple[slice, ...]


def view(shape: tuple[int, ...], places: np.ndarray, batched: bool) -> tuple[str, str] | None:
    """What to write behind the name of an array of this `shape` to see these flat `places` of it, in their shape: the
    code, and apart from it a reshape that ends it, or ""; None if slices cannot say it. A batch stands in front.

    >>> view((12,), np.array([[4, 5], [8, 9]]), batched=False)     # 4 to 11, in 2 rows of 4, of each the first 2
    ('[4:12].reshape(2, 4)[:, :2]', '')
    >>> view((2, 3), np.array([[0, 3], [1, 4], [2, 5]]), batched=True)
    ('.transpose(0, 2, 1)', '')
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
    cut = _cut(places, size)
    if cut is None:
        return None
    axes, counts, rows, part, cuts = cut
    is_part = len(range(size)[part]) < size
    code = last = ""
    if is_part:
        step = f":{part.step}" if part.step not in (None, 1) else ""
        code = f"{reshape(size) if len(shape) > 1 else ''}[{front}{part.start}:{part.stop}{step}]"
    if cuts and (is_part or tuple(rows) != shape):
        last = reshape(*rows)
    if counts != rows:
        of_rows = (":" if n == row else f"{cut.start or ''}:{cut.stop}"
                   for cut, n, row in zip(cuts, counts[1:], rows[1:]))
        code, last = f"{code}{last}[{front}:, {listed(of_rows)}]", ""
    if axes != sorted(axes):
        order = [axes.index(axis) for axis in sorted(axes)]
        code, last = f"{code}{last}.transpose({listed([0, *(k + 1 for k in order)] if batched else order)})", ""
    return (code, last) if max(len(axes), 1) == len(seen) else (code, reshape(*seen))


def _cut(places: np.ndarray, size: int) -> Cut | None:
    """How slices reach these places of a flat array of this size, if they do.

    >>> _cut(np.array([[4, 5], [8, 9]]), 12)
    Cut(axes=[0, 1], counts=[2, 2], rows=[2, 4], part=slice(4, 12, None), cuts=(slice(0, 2, None),))
    """
    first = int(places.flat[0])
    steps = {axis: int(places.take(1, axis).flat[0]) - first for axis, n in enumerate(places.shape) if n > 1}
    if min(steps.values(), default=1) < 1:
        return None
    axes = sorted(steps, key=lambda axis: -steps[axis])
    counts, nested = [places.shape[axis] for axis in axes], list(zip(axes, axes[1:]))  # an axis, the next inner
    rows = [*counts[:1], *(steps[outer] // steps[inner] for outer, inner in nested)]
    if nested:
        length, start = steps[axes[0]], first
        if first + counts[0] * length > size:  # the rows begin before the first place
            start -= first % length
        part = slice(start, start + counts[0] * length)
    else:
        part = slice(first, int(places.flat[-1]) + 1, *steps.values())
    starts = [(first - part.start) % steps[outer] // steps[inner] for outer, inner in nested]
    cuts = tuple(slice(start, start + n) for start, n in zip(starts, counts[1:]))
    found, rest = np.arange(size)[part], [axis for axis, n in enumerate(places.shape) if n == 1]
    fits = found.size == math.prod(rows) and np.array_equal(
        found.reshape(rows)[(...,) + cuts], places.transpose(axes + rest).reshape(counts))
    return Cut(axes, counts, rows, part, cuts) if fits else None


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
