"""Pictures: the record of a Value, or a network, with the gradient flowing back along every edge.

In every picture width is strength and colour is sign: an edge's width grows with the size of its contribution, the
number that it adds to a gradient; blue means that raising the operand raises the result, orange that it lowers it.
Rest the pointer on an edge to read its multiplication with the real numbers.

A picture is first DOT text (`.source`), the same for the same graph; only showing or saving it calls Graphviz's `dot`:
the one on the PATH, or else the executable of the package graphviz-pure. Drawing never changes a gradient.

In reading order: `canvas` (what all pictures share), `grouping` (which Values stand together), `expression`, `network`,
`motion` (a picture that plays the backward pass). Left out: pages to click in (see `play`), words (see `explain`).
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from ..costs import squared_error
from ..engine import Value
from ..given import switch, whole
from ..nn import MLP
from ..shown import BLUE, DARK, LIGHT, ORANGE, Palette
from .canvas import Picture, find_dot
from .expression import MOST_NODES, NEAREST, draw_expression
from .motion import animate
from .network import draw_network

__all__ = ["BLUE", "DARK", "LIGHT", "MOST_NODES", "NEAREST", "ORANGE", "Palette", "Picture", "animate", "draw",
           "draw_dot", "find_dot"]


def draw(what: Value | MLP, x: Sequence[Any] | None = None, y: Any = None, cost: Callable[..., Value] = squared_error,
         *, expand: bool = False, depth: int | None = None, dark: bool = False) -> Picture:
    """A picture of the expression that made a Value, or of a network; `dark` for a dark background.

    `draw(value)` shows every Value that took part, and the gradients that are stored: call `value.backward()` first.
    `expand` shows the products of a weighted sum, `depth` goes only so many operations back. More than 300 Values are
    summarised: neurons, then layers, become one box each.

    `draw(network, x, y)` shows the gradient of `cost(network(x), y)` in every weight, of one example or on average over
    a batch x (B, inputs), y (B, outputs) or (B,), and leaves the stored gradients alone; `draw(network, x)` shows only
    the activations, `draw(network)` the stored gradients.

    >>> w, x = Value(0.5, "w"), Value(4.0, "x")
    >>> y = w * x
    >>> y.backward()
    >>> "∂C/∂w += upstream 1 × local 4 = 4" in draw(y).source
    True
    """
    expand, dark = switch("expand", expand), switch("dark", dark)
    depth = None if depth is None else whole("depth", depth, 0)
    if isinstance(what, Value):
        if x is not None or y is not None:
            raise TypeError("draw of a Value takes no x and y: they are for draw(network, x, y)")
        return draw_expression(what, expand, depth, dark)
    if isinstance(what, MLP):
        if expand or depth is not None:
            raise TypeError(f"draw(network, x, y) takes no expand and depth: they are for draw(value); got "
                            f"expand={expand}, depth={depth}")
        return draw_network(what, x, y, cost, dark)
    raise TypeError(f"draw takes a Value or an MLP; got {type(what).__name__}")


def draw_dot(root: Value) -> Picture:
    """`draw(root)`, under the name that code written for micrograd uses."""
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value; got {type(root).__name__}")
    return draw(root)


def _shown(what: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a Value or a network: its picture; without any `dot` the DOT text.

    The plain text stays what it is, since that is what a terminal shows.
    """
    picture = draw(what)
    try:
        return {"text/plain": repr(what), "image/svg+xml": picture.svg()}
    except RuntimeError:
        return {"text/plain": repr(what), "text/html": f"<pre>{html.escape(picture.source)}</pre>"}


setattr(Value, "_repr_mimebundle_", _shown)     # here, so that the engine knows nothing of pictures
setattr(MLP, "_repr_mimebundle_", _shown)
