"""What a user gives: one check for each kind of argument, so that all say alike what was given and what was expected.

Left out: rows of numbers (see `arrays`), and Values, each of which checks its own number.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Hashable
from numbers import Integral, Real
from typing import Any

MOST = 10 ** 9  # neurons, points, or classes: more than fit into any memory that this is for


def whole(name: str, given: Any, least: int, most: int | None = None) -> int:
    """`given` as an int; ValueError unless it is a whole number, of whatever library, in these bounds.

    >>> whole("epochs", 2.5, least=0)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number, at least 0; got 2.5 (float)
    """
    number = isinstance(given, Integral) and not isinstance(given, bool)
    if not number or given < least or most is not None and given > most:
        bounds = f"at least {least}" if most is None else f"from {least} to {most:,}"
        raise ValueError(f"{name} must be a whole number, {bounds}; got {described(given)}")
    return int(given)


def finite(name: str, given: Any, least: float = -math.inf, wanted: str = "a finite number") -> float:
    """`given` as a float; TypeError unless it is a real number, ValueError unless it is finite and at least so much.

    >>> finite("noise", float("nan"), least=0.0, wanted="a finite number, at least 0")
    Traceback (most recent call last):
    ValueError: noise must be a finite number, at least 0; got nan (float)
    """
    try:
        number = float(given) if isinstance(given, Real) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < least:
        kind = ValueError if isinstance(given, Real) else TypeError
        raise kind(f"{name} must be {wanted}; got {described(given)}")
    return number


def switch(name: str, given: Any) -> bool:
    """`given` as a bool; TypeError unless it is True or False, or equal to one: a text such as "no" would count as yes.

    >>> switch("dark", "no")
    Traceback (most recent call last):
    TypeError: dark must be True or False; got 'no' (str)
    """
    if not isinstance(given, Hashable) or given not in (True, False):
        raise TypeError(f"{name} must be True or False; got {described(given)}")
    return bool(given)


def function(name: str, given: Any, arguments: int, of: str) -> Callable[..., Any]:
    """`given` itself; TypeError, before it is called, unless it is a function that takes so many `arguments`.

    >>> function("cost", "mse", 2, of="outputs and targets")
    Traceback (most recent call last):
    TypeError: cost must be a function of outputs and targets; got 'mse' (str)
    """
    problem = f"{name} must be a function of {of}; got {described(given)}"
    if not callable(given) or isinstance(given, type):
        raise TypeError(problem)
    try:
        takes = inspect.signature(given)
    except (TypeError, ValueError):  # some written in C do not tell
        return given
    try:
        takes.bind(*range(arguments))
    except TypeError as error:
        raise TypeError(f"{problem}: {error}") from None
    return given


def place(name: str, given: Any) -> str:
    """`given` as text; TypeError unless it is a str or a path.

    >>> place("checkpoint", b"run.json")
    Traceback (most recent call last):
    TypeError: checkpoint must be a str or a pathlib.Path; got b'run.json' (bytes)
    """
    if not isinstance(given, (str, os.PathLike)) or isinstance(os.fspath(given), bytes):
        raise TypeError(f"{name} must be a str or a pathlib.Path; got {described(given)}")
    return os.fspath(given)


def described(thing: Any) -> str:
    """A thing and its type on one line, as the end of an error."""
    return "None" if thing is None else f"{' '.join(repr(thing).split()):.60} ({type(thing).__name__})"
