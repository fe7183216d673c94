"""Arithmetic on text: `Text("a") * (1 - Text("b"))` is the text `a * (1 - b)`, with the brackets that it needs.

What writes NumPy, JavaScript, or a formula for a learner, starts from here, and says what it spells otherwise.
"""

from __future__ import annotations

import math
from typing import Any, Union

Like = Union["Text", float]


class Text:
    """An expression, with the strength of its outermost operator: 1 for + and −, up to 5 for a name.

    >>> a = Text("a")
    >>> print(1 - a * a, -(a + 1), 2 * (a - 1) ** 2)
    1 - a * a -(a + 1) 2 * (a - 1) ** 2
    """

    plus, minus, times, over, power = " + ", " - ", " * ", " / ", " ** "
    infinity, not_a_number = "np.inf", "np.nan"

    def __init__(self, text: str, strength: int = 5) -> None:
        self.text, self.strength = text, strength

    def __str__(self) -> str:
        return self.text

    def made(self, text: str, strength: int = 5) -> Any:
        """Another of the same kind."""
        return type(self)(text, strength)

    def like(self, number: Like) -> Any:
        """A plain number of the same kind: 2.0 is written 2, and −0.5 is as strong as a negation."""
        if isinstance(number, Text):
            return number
        x = float(number)
        if math.copysign(1.0, x) < 0 and x == x:
            return -(self.like(-x) if x else self.made("0.0"))
        whole = x.is_integer() and x < 1e15
        return self.made(self.not_a_number if x != x else self.infinity if x == math.inf else
                         repr(int(x)) if whole else repr(x))

    def within(self, strength: int) -> str:
        """The text as an operand of an operator of this strength."""
        return self.text if self.strength >= strength else f"({self.text})"

    def __add__(self, other: Like) -> Any:
        return self.made(f"{self.within(1)}{self.plus}{self.like(other).within(1)}", 1)

    def __radd__(self, other: Like) -> Any:
        return self.like(other) + self

    def __sub__(self, other: Like) -> Any:
        return self.made(f"{self.within(1)}{self.minus}{self.like(other).within(2)}", 1)

    def __rsub__(self, other: Like) -> Any:
        return self.like(other) - self

    def __mul__(self, other: Like) -> Any:
        factor: Text = self.like(other)
        if "1" in (self.text, factor.text):
            return factor if self.text == "1" else self
        one = f"{self.minus.strip()}1"
        if one in (self.text, factor.text):
            return -(factor if self.text == one else self)
        return self.made(f"{self.within(2)}{self.times}{factor.within(3)}", 2)

    def __rmul__(self, other: Like) -> Any:
        return self.like(other) * self

    def __truediv__(self, other: Like) -> Any:
        return self.made(f"{self.within(2)}{self.over}{self.like(other).within(3)}", 2)

    def __rtruediv__(self, other: Like) -> Any:
        return self.like(other) / self

    def __neg__(self) -> Any:
        return self.made(f"{self.minus.strip()}{self.within(4)}", 3)

    def __pow__(self, other: Like) -> Any:
        exponent: Text = self.like(other)
        return self if exponent.text == "1" else self.made(f"{self.within(5)}{self.power}{exponent.within(5)}", 4)

    def __rpow__(self, other: Like) -> Any:
        return self.like(other) ** self
