"""A picture that moves by itself: the backward pass of a small expression, edge by edge, in an SVG file without script.

The forward numbers stand, the edges are thin and grey. Then, in the order of `flow`, colour runs along one edge after
the other from the result to the operand, and the operand's gradient appears, or grows: from what an earlier pass left,
or where it is used once more. It rests at the end, and begins again. Where motion is not wanted
(`prefers-reduced-motion`), the end stands still.

The places are those of `draw`; the motion is CSS.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET

from ..contributions import Contribution, flow
from ..engine import Value, topological_order
from ..given import switch
from ..shown import printable
from .canvas import Picture
from .expression import MOST_NODES, Reading, draw_expression

SVG = "{http://www.w3.org/2000/svg}"
FIRST, STEP, REST = 1.2, 0.9, 4.0     # seconds: before the first edge, for each, after the last


class Moving(str):
    """SVG text that shows itself in a notebook."""

    def _repr_svg_(self) -> str:
        return str(self)


def animate(root: Value, *, dark: bool = False) -> Moving:
    """The backward pass of an expression as a moving picture: SVG text, shown in a notebook. Call `backward()` first.

    RuntimeError if there is no `dot`; ValueError before a backward pass from `root`, after its gradients were cleared,
    and for more than 300 Values.

    >>> animate(Value(2.0) * 3.0)
    Traceback (most recent call last):
    ValueError: nothing to play: call backward() on this Value first
    """
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value; got {type(root).__name__}")
    dark = switch("dark", dark)
    steps, order = list(flow(root)), topological_order(root)
    if len(order) > MOST_NODES:
        raise ValueError(f"too large to play: {len(order):,} values, and at most {MOST_NODES} can be read")
    reading = Reading(root, order)
    if not steps or reading.without:
        raise ValueError("nothing to play: call backward() on this Value first")
    for value in reading.rest:
        if not value.grad:
            raise ValueError(f"nothing to play: the gradient of {printable(value.label, 40) or 'a leaf'} is 0, and not "
                             "what this pass adds to it: call backward() again")
    picture = draw_expression(root, False, None, dark)
    return Moving(_moving(picture, reading, steps))


def _moving(picture: Picture, reading: Reading, steps: list[Contribution]) -> str:
    names = {value: f"n{i}" for i, value in enumerate(reading.order)}
    for prefix, uri in (("", SVG[1:-1]), ("xlink", "http://www.w3.org/1999/xlink")):
        ET.register_namespace(prefix, uri)
    tree = ET.fromstring(picture.svg())
    groups: dict[str, list[ET.Element]] = {}
    for group in tree.iter(f"{SVG}g"):
        if group.get("class") in ("node", "edge"):
            groups.setdefault(group.find(f"{SVG}title").text or "", []).append(group)     # type: ignore[union-attr]
    clock = Clock(len(steps))
    states: dict[Value, list[tuple[int, float]]] = {value: [(-1, grad)] for value, grad in reading.rest.items()}
    states[reading.root] = [(-1, 1.0)]
    for i, step in enumerate(steps):
        operand = step.operand
        states.setdefault(operand, []).append((i, reading.rest.get(operand, 0.0) + step.total))
        _light(groups[f"{names[operand]}->{names[step.result]}"].pop(0), i, clock, picture)
    for value, name in names.items():
        _grow(groups[name][0], states[value], bool(reading.remark(value)), clock, picture)
    style = ET.Element(f"{SVG}style")
    style.text = clock.css()
    tree.insert(0, style)
    return ET.tostring(tree, encoding="unicode")


class Clock:
    """One round of the motion, and the CSS of everything that appears in it."""

    def __init__(self, steps: int) -> None:
        self.round = FIRST + STEP * steps + REST
        self.rules: list[str] = []

    def at(self, step: float) -> float:
        """When a step begins, in percent of the round; step −1 is the beginning."""
        return 0.0 if step < 0 else 100 * (FIRST + STEP * step) / self.round

    def shown(self, start: float, end: float | None) -> str:
        """The class of something that is seen from one step to another, or to the end."""
        a, b = self.at(start), 100.0 if end is None else self.at(end)
        frames = f"0%,{a:.2f}%{{opacity:0}}{a + 0.4:.2f}%" if a else "0%"
        frames += f",{b:.2f}%{{opacity:1}}" + (f"{b + 0.4:.2f}%,100%{{opacity:0}}" if end is not None else "")
        still = "" if end is None else "opacity:0;"
        return self._rule(frames, still)

    def drawn(self, start: float) -> str:
        """The class of a line that is drawn from its end to its beginning during a step."""
        a, b = self.at(start), self.at(start + 0.6)
        frames = (f"0%,{a:.2f}%{{stroke-dashoffset:-1;opacity:0}}{a + 0.05:.2f}%{{stroke-dashoffset:-1;opacity:1}}"
                  f"{b:.2f}%,100%{{stroke-dashoffset:0;opacity:1}}")
        return self._rule(frames, "stroke-dasharray:1 2;")

    def _rule(self, frames: str, still: str) -> str:
        name = f"m{len(self.rules)}"
        self.rules.append(f"@keyframes {name}{{{frames}}}.{name}{{{still}animation:{name} {self.round:.1f}s infinite}}")
        return name

    def css(self) -> str:
        return "\n".join([*self.rules, "@media (prefers-reduced-motion:reduce){*{animation:none!important}}"])


def _light(group: ET.Element, i: int, clock: Clock, picture: Picture) -> None:
    """One edge: its thin grey line stays below; the coloured one runs back over it."""
    for parent in list(group.iter()):
        for child in list(parent):
            if child.tag == f"{SVG}path":
                below = copy.deepcopy(child)
                below.set("stroke", picture.look.grey)
                below.set("stroke-width", "1")
                parent.insert(list(parent).index(child), below)
                child.set("pathLength", "1")
                child.set("class", clock.drawn(i))
            elif child.tag == f"{SVG}polygon":
                below = copy.deepcopy(child)
                for key in ("fill", "stroke"):
                    below.set(key, picture.look.grey)
                parent.insert(list(parent).index(child), below)
                child.set("class", clock.shown(i, None))
            elif child.tag == f"{SVG}text":
                child.set("class", clock.shown(i + 0.3, None))


def _grow(group: ET.Element, states: list[tuple[int, float]], remark: bool, clock: Clock, picture: Picture) -> None:
    """A gradient: one text for every number that it has on the way, and at the end the one that was drawn.

    That is the last text of its card, but for a remark.
    """
    texts = [(parent, text) for parent in group.iter() for text in parent if text.tag == f"{SVG}text"]
    parent, drawn = texts[-2 if remark else -1]
    at = list(parent).index(drawn)
    for k, (i, grad) in enumerate(states):
        start = i + 0.6 if i >= 0 else -1
        if k + 1 == len(states):
            drawn.set("class", clock.shown(start, None))
            break
        one = copy.deepcopy(drawn)
        one.text = f"grad {grad:.4g}"
        one.set("fill", picture.look.sign(grad))
        one.set("class", clock.shown(start, states[k + 1][0] + 0.6))
        parent.insert(at + k, one)
