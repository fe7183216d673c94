"""How pages look: in windows of every shape and with several fonts nothing overlaps, is cut off, or cannot be read; and
pictures in a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from micrograd2 import data, draw, player
from micrograd2.engine import Value
from micrograd2.nn import MLP
from micrograd2.player import Page, play
from micrograd2.player.page import SCRIPTS as SCRIPTS_OF
from tests.programs import VALUES, programs, run
from tests.player.test_player import digit_net, digit_page, neuron, squares, xor_page

SIZES = [(640, 400), (800, 450), (880, 680), (1000, 700), (400, 800), (1366, 650), (1600, 900)]
FONTS = ["DejaVu Sans", "Liberation Sans", "Noto Sans"]

SOUND = """(() => {
  const faults = [], near = 1.5, all = selector => [...document.querySelectorAll(selector)].filter(seen);
  const box = e => e.getBoundingClientRect();
  const seen = e => e.checkVisibility({visibilityProperty: true}) && box(e).width > 0;
  const inside = (a, b) => a.left >= b.left - near && a.right <= b.right + near
    && a.top >= b.top - near && a.bottom <= b.bottom + near;
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > near
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > near;
  const told = e => e.id || e.textContent.slice(0, 30);
  const window = {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
  const parts = all("header, #choices, #plane, #stage, #panel, footer");
  const cut = (e, room) => { if (!inside(box(e), room)) faults.push("cut off: " + told(e)); };
  parts.forEach(e => cut(e, window));
  all("#buttons > *, #scrub, #chapters").forEach(e => cut(e, box(document.querySelector("footer"))));
  all("#plane > *").forEach(e => cut(e, box(document.querySelector("#plane"))));
  all("#legend > *").forEach(e => cut(e, box(document.querySelector("header"))));
  const texts = all("#stage svg text").filter(t => t.textContent && !t.closest(".pulse"));
  texts.forEach(t => cut(t, box(t.closest(".card")?.querySelector(".face") || t.closest("svg"))));
  all(".plot text").forEach(t => cut(t, box(t.closest(".plot"))));
  const lists = [parts, all("#buttons > *, #scrub, #chapters button"), all("h1, #legend > *"), all(".card .face"),
    all("#plane > *"), all(".neuron .body"), texts, all(".plot text"), all(".instrument .held > *"),
    all("#panel td, #panel th"), all(".film td, .film th")];
  for (const list of lists)
    list.forEach((a, i) => list.slice(i + 1).forEach(b => {
      if (meet(box(a), box(b))) faults.push(`overlap: ${told(a)} / ${told(b)}`);
    }));
  for (const e of all("html, body, #panel, #panel > *, #panel td, .words > *, .trainer > *, #plane, #plane > *"))
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
      faults.push("too wide: " + told(e));
  return faults;
})()"""


def mixed_page() -> Page:
    """Activations of several kinds, and numbers that need much room."""
    net = MLP(2, [3, 2], seed=1)
    for one, kind in zip(net.layers[0].neurons, ("tanh", "relu", "sigmoid")):
        one.activation = kind
    return play(net, [[-1.234e-5, 2.5], [-6.78e20, -1.5]], [[-1.23e-7, 1.0], [-4.56e22, 0.0]])


def long_numbers() -> Value:
    a, b = Value(-1.234e-12, "a"), Value(-4.567e-11, "b")
    return a * b * b


def trained_page() -> Page:
    net, X, Y = digit_net()
    other = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=4)
    return play({"0 epochs": net, "1": other, "3": other, "30 epochs": net}, X, Y)


def small_network() -> Value:
    """64 values: a neuron of every layer, with the long names that parameters have."""
    net = MLP(3, [4, 1], activation="tanh", seed=1)
    return (net([Value(1.0, "x0"), Value(-2.0, "x1"), Value(0.5, "x2")]) - 1) ** 2


PAGES = {"neuron": lambda: play(neuron()), "squares": lambda: play(squares()), "xor": xor_page, "digits": digit_page,
         "mixed": mixed_page, "long numbers": lambda: play(long_numbers()), "trained": trained_page,
         "small network": lambda: play(small_network())}


LAYOUT = """(() => {
  const faults = [], cards = [...document.querySelectorAll(".card")], frame = document.querySelector("#stage svg");
  const rooms = cards.map(card => {
    const {e: x, f: y} = card.transform.baseVal[0].matrix;
    const face = card.querySelector(".face").getBBox();
    return {left: x, right: x + face.width, top: y, bottom: y + face.height};
  });
  const last = document.querySelector(".edge .forward"), end = last.getPointAtLength(last.getTotalLength());
  const down = end.x > rooms.at(-1).left + 1;
  const {width, height} = frame.viewBox.baseVal;
  rooms.forEach(({left, right, top, bottom}, i) => {
    if (left < 0 || top < 0 || right > width || bottom > height) faults.push(`outside: ${i}`);
    rooms.slice(i + 1).forEach((other, k) => {
      if (left < other.right + 5 && right > other.left - 5 && top < other.bottom + 5 && bottom > other.top - 5)
        faults.push(`overlap: ${i} ${i + 1 + k}`);
    });
  });
  document.querySelectorAll(".edge .forward").forEach((path, k) => {
    const {operand, result} = page.flow[k], length = path.getTotalLength();
    let before = -Infinity;
    for (let s = 0; s <= length; s += 4) {
      const {x, y} = path.getPointAtLength(s), along = down ? y : x;
      if (along < before - 0.01) faults.push(`turns back: ${k}`);
      before = along;
      rooms.forEach(({left, right, top, bottom}, i) => {
        if (i !== operand && i !== result && x > left && x < right && y > top && y < bottom)
          faults.push(`edge ${k} crosses card ${i}`);
      });
    }
  });
  const paths = [...document.querySelectorAll(".edge .forward")].map(path => path.getAttribute("d"));
  if (new Set(paths).size < paths.length) faults.push("two edges on one path");
  return [...new Set(faults)];
})()"""


@settings(max_examples=4, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(program=programs(longest=30))
def test_no_card_is_covered_by_another_or_crossed_by_an_edge(opened, program):
    tab = opened(play(run(program.steps, [Value(x, f"v{i}") for i, x in enumerate(program.leaves)], VALUES)), calm=True)
    for width, height in ((1600, 300), (400, 1600)):
        tab.size(width, height)
        tab.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tab.run("page.refresh()")
        assert tab.run(LAYOUT) == []


def test_the_fonts_are_there(browser):
    tab = browser.open("<!doctype html><title>fonts</title><canvas></canvas>")
    widths = [tab.run(f"(c => (c.font = '40px \"{font}\", monospace', c.measureText('Wish, 0.25').width))"
                      "(document.querySelector('canvas').getContext('2d'))") for font in ["no such font", *FONTS]]
    tab.close()
    if len(set(widths)) < len(widths):
        pytest.skip("the fonts are missing: apt install fonts-dejavu-core fonts-liberation fonts-noto-core")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_or_is_cut_off(opened, name):
    turn = list(PAGES).index(name)
    tab = opened(PAGES[name](), dark=bool(turn % 2), calm=True)
    last = tab.run("Number(document.querySelector('#scrub').max)")
    for k, (width, height) in enumerate(SIZES):
        font = FONTS[(k + turn) % 3]
        tab.size(width, height)
        tab.run(f"""(async () => {{
          const style = document.querySelector("#font") ?? document.head.appendChild(document.createElement("style"));
          style.id = "font", style.textContent = `body, button, input, select {{ font-family: "{font}" !important; }}`;
          for (const _ of [1, 2, 3]) await new Promise(done => requestAnimationFrame(done));
          page.refresh();
        }})()""")
        for step in sorted({*range(k % 5, last + 1, 5), last}):
            tab.run(f"page.player.go({step})")
            assert tab.run(SOUND) == [], (width, height, font, step)


@pytest.mark.parametrize("width, height", SIZES)
def test_what_is_held_or_picked_is_seen_at_once(opened, width, height):
    def seen(selector: str) -> bool:
        return tab.run(f"(b => b.top >= 0 && b.top + Math.min(b.height, 40) <= innerHeight && b.width > 0)"
                       f"(document.querySelector({selector!r}).getBoundingClientRect())")

    tab = opened(xor_page(), "step=6", width=width, height=height, calm=True)
    tab.run("document.querySelector('#panel').scrollTop = 999")
    tab.click("[data-key='1.2'] .body")
    assert seen(".details h3") and tab.run(SOUND) == []
    tab.run("page.hold({weight: [2, 0, 1]})")
    assert seen(".instrument .held") and tab.run(SOUND) == []
    tab = opened(play(neuron()), "step=99", width=width, height=height, calm=True)
    tab.run("page.hold(1)")
    assert seen(".instrument .held") and tab.run(SOUND) == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_what_is_behind_it(opened, dark):
    tab = opened(play(neuron()), dark=dark)
    faults = tab.run("""(() => {
      const style = getComputedStyle(document.documentElement), rgb = name => style.getPropertyValue(name).trim();
      const shine = hex => hex.slice(1).match(/../g).map(h => parseInt(h, 16) / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const faults = [];
      const pairs = [["--ink", "--soft", "--plus", "--minus-text"].flatMap(front =>
        ["--paper", "--card", "--shade"].map(back => [front, back])), [["--on", "--plus"], ["--on", "--minus-text"],
        ["--paper", "--ink"]]].flat();
      for (const [front, back] of pairs) {
        const [a, b] = [shine(rgb(front)), shine(rgb(back))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) faults.push([front, back, (a + 0.05) / (b + 0.05)]);
      }
      return faults;
    })()""")
    assert faults == []


def test_dark_and_light(opened):
    papers = [opened(play(squares()), dark=dark).run("getComputedStyle(document.body).backgroundColor")
              for dark in (False, True)]
    assert [sum(int(part) for part in paper[4:-1].split(",")) > 380 for paper in papers] == [True, False]


def test_play_is_near_the_start_of_the_tab_order(opened):
    digits = data.digits()
    net = MLP(784, [16, 16, 10], seed=1)
    tab = opened(play(net, digits.x_test[:24], data.one_hot(digits.y_test[:24], 10)), "step=20")
    stops: list[Any] = []
    for _ in range(60):
        tab.key("Tab")
        stops.append(tab.run("document.activeElement.id || document.activeElement.dataset.key"))
    assert stops.index("play") < 6


SCRIPTS = sorted(Path(player.__file__).parent.glob("*.js"))


def test_scripts_are_modules_that_import_what_they_use():
    texts = {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS}
    for name, text in texts.items():
        assert max(map(len, text.splitlines())) <= 120, name
        body = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
        for names, source in re.findall(r'^import {([^}]*)} from "./([^"]*)";', text, re.MULTILINE):
            for wanted in filter(None, map(str.strip, names.split(","))):
                exported = rf"^export (const|function|class|let[^;]*) ({wanted}\b|{{[^}}]*\b{wanted}\b)"
                assert re.search(exported, texts[source], re.MULTILINE), (name, wanted)
                assert re.search(rf"(?<![\w])(?<!\w\.){wanted}(?!\w)", body), (name, wanted)
        assert not re.findall(r"^(?:export )?(?:const|let|var|function) (\w|\$)\b", text, re.MULTILINE), name
    assert {source for scripts in SCRIPTS_OF.values() for source in scripts} | {"rows.js"} == set(texts)


def test_a_wide_picture_is_not_cut_where_it_is_shown(browser):
    value = Value(0.5, "a")
    for _ in range(20):
        value = value.tanh()
    picture = draw(value)
    tab = browser.open(f"<!doctype html><title>n</title><div style='width: 600px'>{picture.svg()}</div>")
    wide, high, shape = tab.run("(e => [e.clientWidth, e.clientHeight, e.viewBox.baseVal.width "
                                "/ e.viewBox.baseVal.height])(document.querySelector('svg'))")
    assert wide == 600 and wide / high == pytest.approx(shape, rel=0.05)
    tab.close()
