"""The player: one offline page that plays the backward pass, of an expression or of a network's examples.

A page is one HTML file that carries everything it needs, and asks for nothing over the network. It computes: any
number can be changed in it, and its arithmetic is printed from the engine's own rows, so that what it shows is what
the engine would find. Playing changes no gradient.

Where the inputs are an image, one can be drawn: it is scaled and centred as those of MNIST were, made as large as the
page's own examples are, read while it is drawn, and then an example as any other. And a page can ask before it shows:
turned on, it has one predict the step that follows, tells with the numbers whether that was right, and counts.

Width is strength and colour is sign, as in every picture. Each step has an address, such as `page.html#step=12`, or
`page.html#predict=1&step=12` with questions.

In reading order: `script` (JavaScript from rows), `page` (one file of many parts), `value`, `typed`, `network`. The
scripts: `rows.js` (what the rows call), `page.js` (elements, numbers, the transport), `wiggle.js` (one number, held),
`asking.js` (a question before a step). Of an expression: `expression.js` (its numbers and names), `layout.js`,
`sentences.js`, `graph.js`, then `value.js`, or `parse.js` and `typed.js`. Of a network: `model.js` (forward and back),
`picture.js`, `training.js`, `plane.js` (two inputs as a place), `drawing.js` (an image of one's own), `words.js`,
`questions.js`, `story.js`, `details.js`, `network.js`.

Left out: still pictures (see `draw`), words and tables (see `explain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backprop import Cost
from ..costs import squared_error
from ..engine import Value
from ..nn import MLP
from .network import network_page
from .page import Page
from .typed import typed_page
from .value import value_page

__all__ = ["Page", "play"]


def play(what: Value | str | MLP | Mapping[str, MLP], X: Any = None, Y: Any = None, cost: Cost = squared_error) -> Page:
    """A page that plays the backward pass of the expression that made a Value, or of a network on some examples.

    `play(value)` shows the numbers forward, then every contribution backward, in the order and with the numbers of
    `flow(value)`; every leaf can be changed. It takes at most 300 Values (else a ValueError).

    `play("C = (a*b + a)**2; a = 2; b = -1.5")` is the same for an expression that the visitor types, from this one on:
    Python's arithmetic and the functions of the engine, read in the page and never run as code, with the numbers of
    its names beside it. The address holds what was typed, so a link shares it. ValueError for over 2,000 letters.

    `play(network, X, Y)` tells the story of backpropagation on one example, X (inputs,), or on each of a few, X
    (N, inputs) and Y (N, targets) or (N,) with N to 100, and on their average; then it takes steps of training.
    Where there are two inputs, examples are points of a plane, N to 500, over what the network makes of every place:
    choose one, let it run, stop it anywhere, and play the backward pass of what it has become.
    `play({"0 epochs": before, "3 epochs": after}, X, Y)` has a switch between states of one network, in that order.
    ValueError for wrong shapes, for networks that differ in more than their numbers, for a weight that stands in
    several places, and for gradients that do not come back layer by layer. A pad to draw on is there if the inputs are
    square images, 8 × 8 or larger, of ink (1) on paper (0), and the targets classes: one-hot, or ±1.

    Neither reads nor changes the stored gradients.

    >>> w, x = Value(0.5, "w"), Value(4.0, "x")
    >>> play(w * x)
    <Page of ...
    """
    if isinstance(what, (Value, str)):
        if X is not None or Y is not None:
            raise TypeError(f"play of an expression takes no X and Y: they are for play(network, X, Y); got "
                            f"{what!r:.60}")
        return value_page(what) if isinstance(what, Value) else typed_page(what)
    networks = {"": what} if isinstance(what, MLP) else what
    if not isinstance(networks, Mapping) or not all(isinstance(net, MLP) for net in networks.values()):
        raise TypeError(f"play takes an expression as text, a Value or an MLP, or MLPs by name, such as {{'3 epochs': "
                        f"network}}; got {type(what).__name__}")
    if not networks or not all(isinstance(name, str) for name in networks):
        raise ValueError(f"networks must each have a text as its name, such as '3 epochs'; got {list(networks)!r:.80}")
    if X is None and Y is None:
        raise TypeError("play of a network needs examples: play(network, X, Y)")
    return network_page(networks, X, Y, cost)
