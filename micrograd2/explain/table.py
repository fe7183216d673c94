"""Tables: how every explanation shows itself, as text, and with bars in a notebook.

Numbers of one column have the same decimals, so that they stand under one another. Text from users is shown as text,
on one line, and cut where it is too long. What is said above and below a table is wrapped to a terminal's width.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..shown import BLUE, ORANGE, printable

TERMINAL = 80   # columns
MOST_CELL = 140  # letters of one cell
MOST_LINE = 400  # letters of a line above or below a table


@dataclass(repr=False)
class Table:
    """Rows of text and numbers under named columns, with a title above and a remark below.

    `columns` gives each column its format: "" as it is; "~" or "+~" (with a sign) numbers with as many decimals as the
    largest needs for four digits; else a format such as "+.3g". `bar` is the column that a notebook shows as bars too.

    >>> Table("Two gradients", {"of": "", "∂C/∂w": "+~"}, [("w0", 0.5), ("w1", -12.25)])
    Two gradients
    of   ∂C/∂w
    w0   +0.50
    w1  -12.25
    """

    title: str
    columns: dict[str, str]
    rows: list[tuple]
    remark: str = ""
    bar: str = ""

    def cells(self) -> list[list[str]]:
        """Every row as text, column by column formatted."""
        formatted = [_format([row[c] for row in self.rows], spec) for c, spec in enumerate(self.columns.values())]
        return [list(row) for row in zip(*formatted)]

    def __repr__(self) -> str:
        lines = [[printable(cell, MOST_CELL) for cell in line] for line in (list(self.columns), *self.cells()) if line]
        widths = [max(map(len, column)) for column in zip(*lines)]
        right = [bool(spec) for spec in self.columns.values()]
        text = ["  ".join(cell.rjust(width) if at_right else cell.ljust(width)
                          for cell, width, at_right in zip(line, widths, right)).rstrip() for line in lines]
        return "\n".join([*_wrap(self.title), *text, *_wrap(self.remark)])

    def _repr_html_(self) -> str:
        heads = [f"<th>{_safe(name)}</th>" for name in self.columns]
        sides = ["right" if spec else "left" for spec in self.columns.values()]
        lines = [[f'<td style="text-align:{side}">{_safe(cell)}</td>' for side, cell in zip(sides, cells)]
                 for cells in self.cells()]
        if self.bar:
            at = list(self.columns).index(self.bar)
            widest = max((abs(row[at]) for row in self.rows if _is_number(row[at])), default=0.0)
            heads.append("<th></th>")
            for line, row in zip(lines, self.rows):
                line.append(f"<td>{_bar(row[at], widest)}</td>")
        body = "".join(f"<tr>{''.join(line)}</tr>" for line in (heads, *lines))
        remark = "<br>".join(_safe(line, MOST_LINE) for line in self.remark.splitlines())
        return f"<p><b>{_safe(self.title, MOST_LINE)}</b></p><table>{body}</table><p>{remark}</p>"


def _wrap(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        lines += textwrap.wrap(printable(line, MOST_LINE), TERMINAL, break_long_words=False, break_on_hyphens=False)
    return lines


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and math.isfinite(cell)


def _format(cells: Sequence[Any], spec: str) -> list[str]:
    if spec.endswith("~"):
        top = max((abs(cell) for cell in cells if _is_number(cell)), default=0.0)
        decimals = max(0, 3 - math.floor(math.log10(top))) if top else 1
        spec = spec[:-1] + (f".{decimals}f" if decimals <= 8 and top < 1e7 else ".3e")
    return [cell if isinstance(cell, str) else _spelled(cell, spec) for cell in cells]


def _spelled(number: float, spec: str) -> str:
    """A number in its format, where neither −0.0 nor what is rounded to it has a minus."""
    text = format(number or 0, spec)
    return text if text.strip("+-0.") else format(0, spec)


def count_text(count: int) -> str:
    """A whole number of any size: so many digits that nobody reads them become a power of ten."""
    return f"{count:,}" if count < 10 ** 21 else f"about 10^{math.log10(count):,.1f}"


def examples_text(examples: int) -> str:
    """What the numbers of a table are of."""
    return "one example" if examples == 1 else f"the average over {examples} examples"


def _safe(text: str, most: int = MOST_CELL) -> str:
    return html.escape(printable(text, most))


def _bar(number: Any, widest: float) -> str:
    if not _is_number(number) or not widest:
        return ""
    return (f'<div style="width:{120 * abs(number) / widest:.1f}px;height:0.8em;'
            f'background:{BLUE if number > 0 else ORANGE}"></div>')


class Explanation:
    """What all explanations share: they are `tables()`."""

    def tables(self) -> list[Table]:
        """The tables that are printed, and shown in notebooks."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.tables()))

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables())
