"""A picture that moves: the order of flow, every total on the way, and an end that stands still."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from micrograd2.contributions import flow
from micrograd2.engine import Value
from micrograd2.pictures import animate
from tests.pictures.read_back import PRODUCT, SILENT, SVG, chain, labelled, names_of, number, tooltips_of
from tests.programs import record

pytestmark = SILENT


def frames(svg: str) -> dict[str, list[tuple[float, float]]]:
    """For every class of the style sheet, its key frames: (percent, opacity)."""
    found = {}
    for name, body in re.findall(r"@keyframes (m\d+)\{((?:[^{}]*\{[^{}]*\})*)\}", svg):
        keys = re.findall(r"([\d.%,]+)\{[^{}]*opacity:(\d)\}", body)
        found[name] = [(float(at.rstrip("%")), float(opacity)) for ats, opacity in keys for at in ats.split(",")]
    return found


def twice() -> Value:
    a, b = Value(2.0, "a"), Value(-1.5, "b")
    c = a * b
    d = c + a
    c.label, d.label = "c", "d"
    root = d * c
    root.label = "C"
    root.backward()
    return root


@pytest.mark.parametrize("dark", [False, True])
def test_a_moving_picture_lights_the_edges_in_the_order_of_flow(a_dot, dark):
    root = twice()
    svg = animate(root, dark=dark)
    names, keys = names_of(root), frames(svg)
    order = []
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") == "edge":
            path = next(path for path in group.iter(f"{SVG}path") if path.get("class"))
            tooltip = "".join(tooltips_of(group)[:1])
            begin = min(at for at, opacity in keys[path.get("class")] if opacity)
            order.append((begin, group.find(f"{SVG}title").text, number(PRODUCT.search(tooltip)["adds"])))
    assert [step[1:] for step in sorted(order)] == [
        (f"{names[step.result.args[step.which]]}->{names[step.result]}", step.contribution) for step in flow(root)]


def test_a_moving_picture_shows_every_total_on_the_way_and_the_gradient_at_the_end(a_dot):
    root = twice()
    svg = animate(root)
    keys, totals = frames(svg), {root: [1.0]}
    for step in flow(root):
        totals.setdefault(step.result.args[step.which], []).append(step.total)
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") == "node":
            value = next(v for v, name in names_of(root).items() if name == group.find(f"{SVG}title").text)
            grads = [text for text in group.iter(f"{SVG}text") if (text.text or "").startswith("grad")]
            assert [number(text.text[5:]) for text in grads] == totals[value]
            seen = [keys[text.get("class")] for text in grads]
            assert [dict(one)[100.0] for one in seen] == [0.0] * (len(seen) - 1) + [1.0]
            for at in range(0, 101):     # never two of them at once
                assert sum(opacity_at(one, at) > 0.5 for one in seen) <= 1


def opacity_at(keys: list[tuple[float, float]], at: float) -> float:
    return next((opacity for start, opacity in reversed(keys) if start <= at), keys[0][1])


def test_a_moving_picture_has_no_script_and_can_stand_still(a_dot):
    svg = animate(labelled("</style><script>alert(1)</script>"))
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert "script" not in tags and "animate" not in tags and "style" in tags
    assert "prefers-reduced-motion:reduce" in svg and "infinite" in svg


def test_a_moving_picture_changes_nothing_and_is_the_same_for_the_same_graph(a_dot):
    root = twice()
    before = record(root)
    assert animate(root) == animate(root) == animate(twice())
    assert record(root) == before


@pytest.mark.parametrize("make", [lambda: Value(2.0) * 3.0, lambda: Value(1.0), lambda: chain(301)])
def test_what_cannot_be_played_is_refused(make):
    root = make()
    if root.op.symbol == "sin":
        root.backward()
    with pytest.raises(ValueError, match="backward|too large"):
        animate(root)
