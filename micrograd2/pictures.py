"""Pictures: the record of a Value, or a network, with the gradient flowing back along every edge.

In every picture width is strength and colour is sign: an edge's width grows with the size of its contribution, the
number that it adds to a gradient; blue means that raising the operand raises the result, orange that it lowers it.
Rest the pointer on an edge to read its multiplication with the real numbers.

A picture is first DOT text (`.source`), the same for the same graph; only showing or saving it calls Graphviz's `dot`:
the one on the PATH, or else the executable of the package graphviz-pure. Drawing never changes a gradient.

Left out: motion (see `play`), words (see `explain`).
"""

from __future__ import annotations

import html
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command

from .costs import squared_error
from .engine import Number, Value, flow, topological_order, total
from .files import write_whole
from .nn import MLP

BLUE, ORANGE = "#2166ac", "#d9730d"
INK, FAINT, GREY = "#24292f", "#6e7781", "#b8bec6"
MOST_NODES = 300     # of an expression; of a larger one, only the nearest to its result are drawn
NEAREST = 60
MOST_NEURONS = 16    # of one column of a network
MOST_WEIGHTS = 80   # between two columns of a network
SIGNS = {"*": "×", "-": "−", "neg": "−", "sum": "Σ", "dot": "w·x + b"}


class Picture(graphviz.Digraph):
    """A `graphviz.Digraph` that finds a `dot` for itself and shows itself in notebooks; without any, its DOT text.

    >>> a = Value(2.0, "a")
    >>> picture = draw(a * a)
    >>> picture.source.splitlines()[0]
    'digraph {'
    """

    def svg(self) -> str:
        """The picture as SVG text. RuntimeError, saying what to install, if there is no `dot`."""
        return self.pipe(format="svg", encoding="utf-8")

    def save_svg(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path` as an SVG file, whole or not at all."""
        return write_whole(path, self.svg())

    def pipe(self, format: str | None = None, renderer: str | None = None, formatter: str | None = None,
             neato_no_op: bool | int | None = None, quiet: bool = True, *, engine: str | None = None,
             encoding: str | None = None) -> Any:
        """Like `graphviz.Digraph.pipe`, with the `dot` that was found, pinned positions kept, and without warnings."""
        pinned = 2 if (engine or self.engine) == "neato" else None
        with _found_dot():
            return super().pipe(format, renderer, formatter, neato_no_op or pinned, quiet, engine=engine,
                                encoding=encoding)

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Like `graphviz.Digraph.render`, with the `dot` that was found."""
        with _found_dot():
            return super().render(*args, **kwargs)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.svg(), "text/plain": self.source}
        except RuntimeError:
            return {"text/plain": self.source}


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


def draw(what: Value | MLP, x: Sequence[Number] | None = None, y: Any = None,
         cost: Callable[..., Value] = squared_error) -> Picture:
    """A picture of the expression that made a Value, or of a network.

    `draw(value)` shows every Value that took part, and the gradients that are stored: call `value.backward()` first.
    `draw(network, x, y)` shows the gradient of `cost(network(x), y)` for one example, in every weight, and leaves the
    stored gradients alone; `draw(network, x)` shows only the activations, `draw(network)` the stored gradients.

    >>> w, x = Value(0.5, "w"), Value(4.0, "x")
    >>> y = w * x
    >>> y.backward()
    >>> "∂C/∂w += upstream 1 × local 4 = 4" in draw(y).source
    True
    """
    if isinstance(what, Value):
        if x is not None or y is not None:
            raise TypeError("draw(value) takes no x and y: they are for draw(network, x, y)")
        return _draw_value(what)
    if isinstance(what, MLP):
        return _draw_network(what, x, y, cost)
    raise TypeError(f"draw takes a Value or an MLP; got {type(what).__name__}")


def draw_dot(root: Value) -> Picture:
    """`draw(root)`, under the name that code written for micrograd uses."""
    return draw(root)


# An expression

def _draw_value(root: Value) -> Picture:
    everything = topological_order(root)
    nodes = everything if len(everything) <= MOST_NODES else _nearest(root, NEAREST)
    names = {node: f"n{i}" for i, node in enumerate(nodes)}
    known = any(node.grad for node in nodes if node.args or node is root)
    adds = {(node, i): node.grad * local for node in nodes for i, local in enumerate(node.local_grads)}
    widest = max(map(abs, adds.values()), default=0.0)
    legend = _legend(widest, known, "the result")
    if left_out := len(everything) - len(nodes):
        legend += f"<br/>{_font(f'the {len(nodes)} values nearest the result; {left_out:,} more are not drawn')}"
    picture = _picture("dot", legend)
    few = len(adds) <= 40
    for node, name in names.items():
        picture.node(name, label=f"<{_card(node, known)}>", tooltip=_attribute(_told(node, known)))
        for i, operand in enumerate(node.args):
            if operand in names:
                adding = adds[node, i] if known else None
                told = "no gradient yet" if adding is None else _multiplication(root, node, i, adding)
                _edge(picture, names[operand], name, adding, widest, told, f"{adding:+.3g}" if few and adding else "")
        hidden = sum(operand not in names for operand in node.args)
        if hidden:
            picture.node(f"{name}more", label=f"+{hidden:,} more", shape="plaintext", fontcolor=GREY)
            picture.edge(f"{name}more", name, color=GREY, style="dashed", arrowsize="0.5")
    return picture


def _nearest(root: Value, most: int) -> list[Value]:
    """At most so many of the Values that `root` was made from, the nearest to it, in topological order."""
    near: dict[Value, None] = {root: None}
    queue = [root]
    for node in queue:
        for operand in node.args:
            if operand not in near and len(near) < most:
                near[operand] = None
                queue.append(operand)
    return sorted(near, key=lambda node: node.born)


def _card(node: Value, known: bool) -> str:
    """One node: its operation in a dark cell, if it has one; then label, number, gradient."""
    rows = [f"<b>{_text(_short(node.label, 32))}</b>"] if node.label else []
    rows.append(f"{node.data:.4g}")
    if known:
        rows.append(f'<font color="{_colour(node.grad)}">grad {node.grad:.4g}</font>')
    cells = "".join(f'<tr><td align="center">{row}</td></tr>' for row in rows)
    numbers = f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>'
    if not node.args:
        return f'<table border="1" color="{GREY}" style="rounded" bgcolor="#f6f8fa" cellborder="0" cellspacing="0" ' \
               f'cellpadding="4"><tr><td>{numbers}</td></tr></table>'
    symbol = _text(SIGNS.get(node.op.symbol, node.op.symbol))
    return f'<table border="1" color="{INK}" cellborder="0" cellspacing="0" cellpadding="4"><tr>' \
           f'<td bgcolor="{INK}"><font color="white"><b>{symbol}</b></font></td><td>{numbers}</td></tr></table>'


def _told(node: Value, known: bool) -> str:
    made = f" = {node.op.symbol} of {len(node.args)}" if node.args else ", a leaf"
    return f"{_short(node.label, 200) or 'a value'}{made}: data {node.data!r}{f', grad {node.grad!r}' * known}"


def _multiplication(root: Value, result: Value, index: int, contribution: float) -> str:
    operand, local = result.args[index], result.local_grads[index]
    wiggle = f"∂{_short(root.label, 40) or 'C'}/∂{_short(operand.label, 40) or 'a'}"
    return f"{wiggle} += upstream {result.grad:.4g} × local {local:.4g} = {contribution:.4g}"


# A network: columns of neurons at pinned places, so that nothing moves between two pictures of one network

def _draw_network(net: MLP, x: Sequence[Number] | None, y: Any, cost: Callable[..., Value]) -> Picture:
    if x is None and y is not None:
        raise TypeError("draw(network, x, y) needs the inputs x that the targets y belong to")
    passes = [] if x is None else net.trace(x)
    weights = [[neuron.w for neuron in layer.neurons] for layer in net.layers]
    grads = _gradients(passes, y, cost) if passes else {p: p.grad for p in net.parameters()}
    grads = dict.fromkeys(net.parameters(), 0.0) | grads
    known = any(grads.values())
    strength = {w: abs(grads[w] if known else w.data) for layer in weights for row in layer for w in row}
    nin = len(weights[0][0])
    shown = [_strongest(range(nin), lambda i: sum(strength[row[i]] for row in weights[0]), MOST_NEURONS)]
    shown += [_strongest(range(len(layer)), lambda j: sum(strength[w] for w in layer[j]), MOST_NEURONS)
              for layer in weights]
    height = max(map(len, shown))
    picture = _picture("neato", _legend(None, known, "the cost"))
    columns = [_input_values(passes, nin)] + [[a for _, a in layer] for layer in passes]
    for c, rows in enumerate(shown):
        size, last = len(weights[c - 1]) if c else nin, c == len(weights)
        kind = "output" if last else "neuron" if c else "input"
        _caption(picture, f"c{c}", c, height, f"{size:,} {kind}{'s' * (size > 1)}")
        for place, j in enumerate(rows):
            a = columns[c][j] if passes else None
            delta = grads.get(passes[c - 1][j][0]) if passes and c else None
            _neuron(picture, f"c{c}n{j}", _place(c, place, len(rows)), a, delta, f"{kind} {j}")
            if last or not c:
                _beside(picture, f"c{c}l{j}", c, place, len(rows), f"output {j}{_target(y, j)}" if c else f"x[{j}]")
        if size > len(rows):
            picture.node(f"c{c}more", label=f"+{size - len(rows):,} more", shape="plaintext", fontsize="9",
                         fontcolor=FAINT, pos=_place(c, len(rows), len(rows)))
    for c, layer in enumerate(weights):
        pairs = [(j, i) for j in shown[c + 1] for i in shown[c]]
        drawn = _strongest(pairs, lambda pair: strength[layer[pair[0]][pair[1]]], MOST_WEIGHTS)
        widest = max(strength.get(layer[j][i], 0.0) for j, i in drawn)
        for j, i in sorted(drawn, key=lambda pair: strength[layer[pair[0]][pair[1]]]):  # the strongest on top
            w = layer[j][i]
            factors = (grads.get(passes[c][j][0], 0.0), columns[c][i].data) if passes else None
            _edge(picture, f"c{c}n{i}", f"c{c + 1}n{j}", grads[w] if known else None, widest,
                  _weight_told(w, grads[w] if known else None, factors), most=3.0, arrowhead="none")
        size = len(layer) * len(layer[0])
        rest = f", +{size - len(drawn):,} more" if size > len(drawn) else ""
        _caption(picture, f"w{c}", c + 0.5, height, f"{len(drawn)} weights{rest}\\n"
                 + (f"the widest: ∂C/∂w = ±{widest:.3g}" if known else ""))
    return picture


def _gradients(passes: list[list[tuple[Value, Value]]], y: Any, cost: Callable[..., Value]) -> dict[Value, float]:
    """The gradient of the cost with respect to every Value behind it, read off `flow`; all 0 without targets."""
    outputs = [a for _, a in passes[-1]]
    if y is None:
        return dict.fromkeys(topological_order(total(outputs)), 0.0)
    root = cost(outputs[0] if len(outputs) == 1 else outputs, y)
    return {root: 1.0} | {step.result.args[step.which]: step.total for step in flow(root)}


def _input_values(passes: list[list[tuple[Value, Value]]], nin: int) -> Sequence[Value]:
    return passes[0][0][0].args[nin:2 * nin] if passes else []


def _target(y: Any, j: int) -> str:
    targets = [] if y is None else list(y) if isinstance(y, Iterable) else [y]
    return f", target {float(targets[j]):g}" if j < len(targets) else ""


def _strongest(items: Iterable[Any], strength: Callable[[Any], float], most: int) -> list[Any]:
    """At most so many of the items, the strongest, in their own order."""
    items = list(items)
    return items if len(items) <= most else sorted(sorted(items, key=strength, reverse=True)[:most])


def _place(column: float, row: float, rows: int) -> str:
    """The pinned position, in points, of a row in a column of so many rows; columns are centred on one line."""
    return f"{column * 260:.0f},{((rows - 1) / 2 - row) * 36:.0f}!"


def _caption(picture: Picture, name: str, column: float, height: int, text: str) -> None:
    picture.node(f"{name}caption", label=text, shape="plaintext", fontsize="9", fontcolor=FAINT,
                 pos=_place(column, -1.2, height))


def _beside(picture: Picture, name: str, column: int, row: int, rows: int, text: str) -> None:
    """A label to the left of the first column, to the right of the last."""
    picture.node(name, label=text, shape="plaintext", fontsize="9",
                 pos=_place(column + (0.3 if column else -0.17), row, rows))


def _neuron(picture: Picture, name: str, pos: str, a: Value | None, delta: float | None, told: str) -> None:
    """A circle filled by its activation and ringed by δ."""
    looks = {"fillcolor": "white", "color": FAINT, "label": ""}
    if a is not None:
        dark = min(1.0, abs(a.data)) if a.data == a.data else 0.0
        looks |= {"label": f"{a.data:.2f}", "fillcolor": "#" + f"{round(255 - 190 * dark):02x}" * 3,
                  "fontcolor": "white" if dark > 0.7 else INK}
        told += f": activation {a.data!r}"
    if delta:
        looks |= {"color": _colour(delta)}
        told += f", δ = ∂C/∂z = {delta!r}"
    picture.node(name, shape="circle", style="filled", fixedsize="true", width="0.4", fontsize="9", pos=pos,
                 tooltip=_attribute(told), **looks)


def _weight_told(w: Value, grad: float | None, factors: Any) -> str:
    """What an edge of a network says: its weight, and the multiplication (δ, activation) where there is one."""
    name = _short(w.label, 40) or "w"
    if grad is None:
        return f"{name} = {w.data:.4g}"
    if not factors:
        return f"∂C/∂{name} = {grad:.4g}, where {name} = {w.data:.4g}"
    upstream, local = factors
    adds = upstream * local
    more = "" if adds == grad else f" of {grad:.4g} in all"
    return f"∂C/∂{name} += upstream {upstream:.4g} × local {local:.4g} = {adds:.4g}{more}, where {name} = {w.data:.4g}"


# What both share

def _picture(engine: str, legend: str) -> Picture:
    font = {"fontname": "Helvetica", "fontsize": "11", "fontcolor": INK}
    layout = {"rankdir": "LR", "nodesep": "0.18", "ranksep": "0.5"} if engine == "dot" else {"splines": "line"}
    return Picture(engine=engine, graph_attr={"bgcolor": "white", "pad": "0.2", "outputorder": "edgesfirst",
                                              "label": f"<{legend}>", "labeljust": "l", **layout, **font},
                   node_attr={"shape": "plain", **font}, edge_attr={**font, "fontsize": "9", "arrowsize": "0.6"})


def _legend(widest: float | None, known: bool, result: str) -> str:
    if not known:
        return _font("no gradient yet")
    scale = "" if widest is None else f": the widest adds {widest:.4g}"
    return (_font(f"━━ raising it raises {result}   ", BLUE) + _font(f"━━ raising it lowers {result}   ", ORANGE)
            + _font(f"width is strength{scale}"))


def _font(text: str, colour: str = INK) -> str:
    return f'<font point-size="10" color="{colour}">{_text(text)}</font>'


def _edge(picture: Picture, tail: str, head: str, adds: float | None, widest: float, told: str,
          label: str = "", most: float = 5.0, **looks: str) -> None:
    """An edge that adds so much to a gradient (None: not known yet), at `most` so many points wide."""
    strength = min(1.0, abs(adds) / widest) if adds and widest else 0.0
    colour = _colour(adds) if adds else GREY
    picture.edge(tail, head, label, color=colour, fontcolor=colour, penwidth=f"{0.5 + most * strength:.2f}",
                 tooltip=_attribute(told), labeltooltip=_attribute(told), **looks)


def _colour(grad: float) -> str:
    return BLUE if grad > 0 else ORANGE if grad < 0 else FAINT


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else label[:most - 1] + "…"


def _text(text: str) -> str:
    """Text from users, safe inside an HTML-like label: never markup, never a character that XML forbids."""
    return html.escape("".join(c if c.isprintable() else "�" for c in text)).replace("\\", "\\\\")


def _attribute(text: str) -> str:
    """Text from users, safe as an attribute such as a tooltip: neither an entity nor an escape such as \\N."""
    return graphviz.escape(_text(text))
