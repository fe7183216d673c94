"""What is shown: the colours that mean a sign, text from users that is safe to put on a line, and shares.

Pictures, pages and tables have these in common. Blue is a gradient above 0, orange one below it. A label is a user's
own text, and may be long, or hold a line break.

Left out: how text is escaped, which is a matter of what it is put into.
"""

from __future__ import annotations

from typing import NamedTuple


class Palette(NamedTuple):
    """The colours of a picture. `blue`: raising it raises the result; `orange`: raising it lowers the result."""

    paper: str
    card: str
    ink: str
    faint: str
    grey: str
    blue: str
    orange: str

    def sign(self, grad: float) -> str:
        """The colour of a gradient.

        >>> LIGHT.sign(+0.5) == BLUE, LIGHT.sign(-0.5) == ORANGE
        (True, True)
        """
        return self.blue if grad > 0 else self.orange if grad < 0 else self.faint


LIGHT = Palette("#ffffff", "#f6f8fa", "#24292f", "#6e7781", "#b8bec6", "#2166ac", "#d9730d")
DARK = Palette("#0d1117", "#1b222c", "#e6edf3", "#9198a1", "#59626d", "#62a8f0", "#f09a4a")
BLUE, ORANGE = LIGHT.blue, LIGHT.orange


def printable(text: str, most: int | None = None) -> str:
    """Text from users on one line: no control characters, and where `most` is given no more letters than that.

    >>> printable("two\\nlines"), printable("a long label", 7)
    ('two�lines', 'a long…')
    """
    if most is not None and len(text) > most:
        text = text[:most - 1] + "…"
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def percent(share: float, decimals: int = 0) -> str:
    """A share from 0 to 1 in per cent: 100 % is said of all alone, and 0 % of none.

    >>> percent(0.5), percent(0.9996), percent(0.9996, 1), percent(0.0001, 1), percent(1.0, 1)
    ('50 %', '> 99 %', '> 99.9 %', '< 0.1 %', '100.0 %')
    """
    text, least = f"{100 * share:.{decimals}f}", 10.0 ** -decimals
    if 0 < share < 1 and float(text) in (0, 100):
        return f"< {least:.{decimals}f} %" if share < 0.5 else f"> {100 - least:.{decimals}f} %"
    return f"{text} %"
