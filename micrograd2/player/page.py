"""A page: one HTML file that carries everything it needs, with its template, styles and scripts put in.

The scripts are modules, in strict mode; what one imports of another is joined here into one module, since a page may
ask for nothing. The numbers go in as JSON, and the arithmetic as JavaScript printed from the engine's rows.
"""

from __future__ import annotations

import base64
import html
import json
import math
import os
import re
import struct
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..shown import BLUE, ORANGE, printable


class Page:
    """One self-contained HTML page: `.html` is its text, `.save(path)` writes it, a notebook shows it.

    >>> from micrograd2 import Value, play
    >>> a = Value(2.0, "a")
    >>> page = play(a * a)
    >>> page.html[:15]
    '<!doctype html>'
    """

    def __init__(self, text: str) -> None:
        self.html = text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to `path`, whole or not at all; open it with any browser."""
        return write_whole(path, self.html)

    def __repr__(self) -> str:
        return f"<Page of {len(self.html):,} characters: .save(path), then open it in a browser>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        frame = (f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" title="the backward pass, played" '
                 f'style="width: 100%; height: 680px; border: 1px solid #8884; border-radius: 6px"></iframe>')
        return {"text/html": frame, "text/plain": repr(self)}


def page_of(kind: str, title: str, data: Any, printed: str) -> Page:
    """A page of one of the kinds of SCRIPTS, about this data; `printed` is the arithmetic that its script finds."""
    parts = {
        "kind": kind, "title": html.escape(printable(title, 160)), "blue": BLUE, "orange": ORANGE,
        "css": _text("page.css"),
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "js": "\n".join([_text("rows.js"), printed, *(_text(name) for name in SCRIPTS[kind])]),
    }
    parts["js"] = re.sub(r"^import [^;]*;\n|^export ", "", parts["js"], flags=re.MULTILINE)
    # in one pass, so that no part is searched for places of others
    return Page(re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _text("page.html")))


EXPRESSION = ("page.js", "wiggle.js", "asking.js", "expression.js", "layout.js", "sentences.js", "graph.js")
SCRIPTS = {  # in an order in which each finds what it imports
    "value": (*EXPRESSION, "value.js"),
    "value typed": (*EXPRESSION, "parse.js", "typed.js"),
    "network": ("page.js", "wiggle.js", "asking.js", "model.js", "picture.js", "training.js", "plane.js", "drawing.js",
                "words.js", "questions.js", "story.js", "details.js", "network.js"),
}


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def number(x: float) -> float | str:
    """A number as JSON has it; those that JSON lacks as JavaScript spells them."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def pack(numbers: Iterable[float]) -> str:
    """Numbers, exactly, in base64: as bytes after a ":" if all are n/255, as pixels are; else float64, low byte first.

    >>> pack([0.0, 1.0, 0.2]), pack([0.3])
    (':AP8z', 'MzMzMzMz0z8=')
    """
    doubles = list(numbers)
    levels = [round(255 * x) if 0 <= x <= 1 else 0 for x in doubles]
    if all(level / 255 == x for level, x in zip(levels, doubles)):
        return ":" + base64.b64encode(bytes(levels)).decode("ascii")
    return base64.b64encode(struct.pack(f"<{len(doubles)}d", *doubles)).decode("ascii")
