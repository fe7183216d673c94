"""The page of an expression that its visitor types: all of the table, so that whatever is typed can be computed.

The text is read in the page, by `parse.js`; here it is only handed on. The page has a row for each number of operands
that an operation may have, printed as any other.
"""

from __future__ import annotations

import inspect
from typing import Any

from .. import engine
from ..engine import DOT, LESS, LOGSUMEXP, MAX, MIN, SIGN, SUM, Op
from ..pictures import MOST_NODES
from .page import Page, page_of
from .script import is_spelled, printed_row

MOST_LETTERS = 2000
MOST_OPERANDS = 13                                       # of an operation that takes any number
LISTS = {SUM: 1, LOGSUMEXP: 1, DOT: 2}                   # so many lists it is given
NAMES = {SUM: "total", MAX: "maximum", MIN: "minimum"}   # where that is not the symbol
ROWS = [row for row in vars(engine).values() if isinstance(row, Op) and is_spelled(row) and row not in (SIGN, LESS)]


def typed_page(text: str) -> Page:
    """The page that `play("C = (a*b + a)**2; a = 2; b = -1.5")` makes."""
    if len(text) > MOST_LETTERS:
        raise ValueError(f"an expression to be typed has at most {MOST_LETTERS:,} letters; got {len(text):,}: make it "
                         f"of Values, and play the result")
    rows: list[str] = []
    table: dict[str, Any] = {}
    for row in ROWS:
        counts = range(1, MOST_OPERANDS + 1) if row in LISTS else [len(inspect.signature(row.local).parameters) - 1]
        entry = table[NAMES.get(row, row.symbol)] = {
            "symbol": row.symbol, "sign": row.sign, "why": row.why, "lists": LISTS.get(row, 0), "rows": {}}
        for count in counts:
            entry["rows"][count] = len(rows)
            rows.append(printed_row(row, count))
    printed = "const rows = [\n" + "".join(f"  {row},\n" for row in rows) + "];"
    data = {"text": text, "table": table, "most": {"values": MOST_NODES, "letters": MOST_LETTERS}}
    return page_of("value typed", "Backpropagation of what you type", data, printed)
