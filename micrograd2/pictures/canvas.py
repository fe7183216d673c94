"""What all pictures share: the Picture that finds a `dot`, the legend, the edge, and text that is never markup."""

from __future__ import annotations

import html
import math
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command

from ..files import write_whole
from ..given import place
from ..shown import DARK, LIGHT, Palette, printable

PICTURES = graphviz.FORMATS - {"dot", "gv", "canon", "xdot"}     # endings of files that Graphviz makes of DOT text


class Picture(graphviz.Digraph):
    """A `graphviz.Digraph` that finds a `dot` for itself and shows itself in notebooks; without any, its DOT text.

    >>> from micrograd2 import Value, draw
    >>> draw(Value(2.0) * 3.0)
    <Picture of 3 values: .save_svg(path), then open it in a browser>
    """

    look: Palette = LIGHT
    of: str = ""     # what it shows

    def svg(self) -> str:
        """The picture as SVG text, never wider than where it is shown.

        RuntimeError, saying what to install, if there is no `dot`.
        """
        text = self.pipe(format="svg", encoding="utf-8")
        return text.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)

    def save_svg(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path` as an SVG file, whole or not at all."""
        return write_whole(path, self.svg())

    def save(self, filename: str | os.PathLike[str] | None = None, directory: str | os.PathLike[str] | None = None, *,
             skip_existing: bool | None = False) -> str:
        """`save_svg` where the name ends in .svg; else like `graphviz.Digraph.save`, which writes the DOT text.

        ValueError for the ending of another kind of picture.
        """
        ending = _ending(filename)
        if filename is not None and ending == "svg":
            return str(self.save_svg(Path(directory or "", filename)))
        if ending in PICTURES:
            raise ValueError(f"save writes an SVG file, or DOT text under other names; got {filename!r}: write "
                             f".save_svg(path), or .render(outfile={str(filename)!r}, cleanup=True)")
        return super().save(filename, directory=directory, skip_existing=skip_existing)

    def pipe(self, format: str | None = None, renderer: str | None = None, formatter: str | None = None,
             neato_no_op: bool | int | None = None, quiet: bool = True, *, engine: str | None = None,
             encoding: str | None = None) -> Any:
        """Like `graphviz.Digraph.pipe`, with the `dot` that was found, pinned positions kept, and without warnings."""
        with _found_dot():
            return super().pipe(format, renderer, formatter, neato_no_op or self._pinned(engine), quiet, engine=engine,
                                encoding=encoding)

    def render(self, filename: str | os.PathLike[str] | None = None, *args: Any, neato_no_op: bool | int | None = None,
               **kwargs: Any) -> str:
        """Like `graphviz.Digraph.render`, with the `dot` that was found, and pinned positions kept.

        ValueError for a `filename`, which is where the DOT text goes, with the ending of a picture.
        """
        if _ending(filename) in PICTURES:
            raise ValueError(f"filename is where render puts the DOT text; got {filename!r}: write "
                             f".render(outfile={str(filename)!r})")
        with _found_dot():
            return super().render(filename, *args, neato_no_op=neato_no_op or self._pinned(kwargs.get("engine")),
                                  **kwargs)

    def _pinned(self, engine: str | None) -> int | None:
        return 2 if (engine or self.engine) == "neato" else None

    def __repr__(self) -> str:
        return f"<Picture{' of ' * bool(self.of)}{self.of}: .save_svg(path), then open it in a browser>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.svg(), "text/plain": self.source}
        except RuntimeError:
            return {"text/plain": self.source}


def _ending(filename: str | os.PathLike[str] | None) -> str:
    return "" if filename is None else Path(place("filename", filename)).suffix[1:].lower()


def find_dot() -> Path:
    """The `dot` on the PATH, else the executable of graphviz-pure; RuntimeError, saying how to get either."""
    if on_path := shutil.which("dot"):
        return Path(on_path)
    beside = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]  # environments are not always activated
    places = os.pathsep.join(filter(None, [*beside, os.environ.get("PATH", "")]))
    if pure := shutil.which("graphviz-pure", path=places):
        return Path(pure)
    raise RuntimeError("no `dot` to lay out the picture: `pip install 'micrograd2[dot]'`, or install Graphviz and put "
                       "its `dot` on the PATH; the DOT text is in `.source`")


@contextmanager
def _found_dot() -> Iterator[None]:
    before = dot_command.DOT_BINARY
    dot_command.DOT_BINARY = find_dot()
    try:
        yield
    finally:
        dot_command.DOT_BINARY = before


def blank(engine: str, dark: bool, **layout: str) -> Picture:
    """A picture with nothing in it yet."""
    look = DARK if dark else LIGHT
    font = {"fontname": "Helvetica", "fontsize": "11", "fontcolor": look.ink}
    picture = Picture(engine=engine, node_attr={"shape": "plain", **font},
                      edge_attr={**font, "fontsize": "9", "arrowsize": "0.6"},
                      graph_attr={"bgcolor": look.paper, "pad": "0.2", "outputorder": "edgesfirst", "labeljust": "l",
                                  **layout, **font})
    picture.look = look
    return picture


def explain_signs(picture: Picture, without: str, result: str, *remarks: str) -> None:
    """The legend: why no edge has a sign (`without`), or what colour and width mean; then remarks, each on its line."""
    look = picture.look
    lines = [font(without, look.ink)]
    if not without:
        lines = [font(f"━━ raising it raises {result}   ", look.blue)
                 + font(f"━━ raising it lowers {result}   ", look.orange)
                 + font("width is strength" + (f": {remarks[0]}" if remarks[0] else ""), look.ink)]
    lines += [font(remark, look.ink) for remark in remarks[1:] if remark]
    legend = "".join(f'{line}<br align="left"/>' for line in lines)
    picture.attr("graph", label=f'<<font point-size="6"> <br/></font>{legend}>')


def font(text: str, colour: str) -> str:
    return f'<font point-size="10" color="{colour}">{safe(text)}</font>'


def draw_edge(picture: Picture, tail: str, head: str, contribution: float | None, widest: float, tooltip: str,
              number: float | None = None, most: float = 5.0, root: bool = False, **looks: str) -> None:
    """An edge with its contribution to a gradient (None: not known yet), and a `number` above it.

    The one that contributes as much as `widest` is `most` points wider than one that contributes nothing. With `root`,
    width grows with the square root, so that one strong edge leaves the others more than a hair.
    """
    strength = min(1.0, abs(contribution) / widest) if contribution and widest else 0.0
    strength = math.sqrt(strength) if root else strength
    colour = picture.look.sign(contribution) if contribution else picture.look.grey
    above = f'<{number:+.4g}<br/><font point-size="{2 + most * strength:.0f}"> </font>>' if number else ""
    picture.edge(tail, head, above, color=colour, fontcolor=colour, penwidth=f"{0.5 + most * strength:.2f}",
                 tooltip=attribute(tooltip), labeltooltip=attribute(tooltip), **looks)


def nan_last(number: float) -> tuple[bool, float]:
    """A key for sorting that puts a NaN, which is neither less nor more than a number, above them all."""
    return math.isnan(number), number


def scale(sizes: Iterable[float]) -> float:
    """The size that is drawn widest: the largest that is a number; NaN only where no number is above 0.

    >>> scale([math.nan, 1.0, 2.0]), scale([0.0, math.nan]), scale([0.0])
    (2.0, nan, 0.0)
    """
    return min(filter(None, sizes), key=lambda size: (math.isnan(size), -size), default=0.0)


def safe(text: str, most: int | None = None) -> str:
    """Text from users, safe inside an HTML-like label: never markup, never a character that XML forbids."""
    return html.escape(printable(text, most)).replace("\\", "\\\\")


def attribute(text: str) -> str:
    """Text from users, safe as an attribute such as a tooltip: neither an entity nor an escape such as \\N."""
    return graphviz.escape(safe(text))
