"""The gallery: index.html, and behind each of its cards a live page in gallery/. Open it with any browser.

    python examples/gallery.py [--epochs N] [--without-pictures] [--out FOLDER]

The pictures on the cards are taken of the pages themselves, if there is a Chromium to look at them. With `--out docs`
it is made where the README looks for it, in about a minute. Nothing in it asks for anything over a network.
"""

import argparse
import copy
import html
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from micrograd2 import MLP, SGD, Value, data, dot, fit, max_margin, play, squared_error
from micrograd2.files import write_whole
from micrograd2.player import Page

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=30, help="of training on the digits; of the others in proportion")
options.add_argument("--without-pictures", action="store_true", help="make the pages alone")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for index.html")
args = options.parse_args()


class Card(NamedTuple):
    """What stands on a card, the page behind it, and the address in it that its picture shows."""

    name: str
    title: str
    about: str
    attempt: str
    page: Page
    shown: str


def neuron():
    w, x, b = [Value(0.5, "w0"), Value(1.5, "w1")], [Value(2.0, "x0"), Value(-1.0, "x1")], Value(1.0, "b")
    z = dot(w, x, b)
    a = z.sigmoid()
    cost = (a - 1) ** 2
    z.label, a.label, cost.label = "z", "a", "C"
    return play(cost)


def used_twice():
    a, b = Value(2.0, "a"), Value(-1.5, "b")
    c = a * b
    d = c + a
    cost = d ** 2
    c.label, d.label, cost.label = "c", "d", "C"
    return play(cost)


def states(net, X, Y, epochs, cost=squared_error, lr=0.1):
    """The network before, on the way, and after so many epochs of training, by name."""
    way = {"0": copy.deepcopy(net)}

    def keep(history):
        done = len(history.epoch_loss)
        if done in (epochs // 30, epochs // 10):
            way[f"{done}"] = copy.deepcopy(net)

    fit(net, X, Y, cost=cost, optimizer=SGD(lr=lr), epochs=epochs, seed=3, progress=False, callback=keep)
    return {**way, f"{epochs} epochs": net}


def by_hand():
    """A traffic light: three lamps, and go or stop."""
    light = MLP(3, [2, 1], activation="relu", output="linear")
    for parameter, number in zip(light.parameters(), [1, 1, -1, 0, -1, 0, 1, 0, 0.5, 0.5, 0]):
        parameter.data = float(number)
    return play(light, [[0, 0, 1], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [1, 0, 0, 0])


def xor():
    X, y = data.xor()
    return play(states(MLP(2, [4, 1], activation="tanh", seed=1), X, y, 10 * args.epochs), X, y)


def moons():
    X, y = data.moons(100, noise=0.1, seed=1)
    net = MLP(2, [8, 8, 1], seed=1)
    return play(states(net, X, y, 10 * args.epochs, max_margin, lr=0.3), X, y, max_margin)


def digits():
    images = data.digits()
    net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=3)
    way = states(net, images.x_train, data.one_hot(images.y_train, 10), args.epochs, lr=4.0)
    return play(way, images.x_test[:20], data.one_hot(images.y_test[:20], 10))


CARDS = [
    Card("used-twice", "The chain rule",
         "One value is used twice, so its gradient comes back by two ways, and they pull against each other.",
         "Press play, and watch <b>a</b> collect −2, and then +3.", used_twice(), "step=11"),
    Card("typed", "Type your own",
         "Any expression: it is parsed, laid out and played as you type it, with its numbers beside it.",
         "Type <code>y = x*x - 3*x</code>, and drag <b>x</b> until its gradient is 0.",
         play("C = (a*b + a)**2; a = 2; b = -1.5"), "step=99"),
    Card("neuron", "A neuron",
         "Two inputs, two weights and a bias, squashed by a sigmoid. It should have said 1.",
         "Drag any of the five until the cost is near 0. Which one needs the least?", neuron(), "step=99"),
    Card("by-hand", "Check it by hand",
         "A traffic light: three lamps, two neurons, go or stop. Every weight is 0, ½, 1 or −1.",
         "Take a pencil, and find all gradients before the page does.", by_hand(), "step=13"),
    Card("xor", "One, but not both",
         "XOR: four points that no straight line can tell apart, and four neurons that bend one.",
         "Let it run, and see one line become two. Then choose a corner, and play its backward pass.", xor(),
         "trained=3&example=1&step=99"),
    Card("moons", "Two moons",
         "A hundred points in two bent heaps, and a network that learns where the border is while you watch.",
         "Let it run. Stop it early, choose a point near the line, and play its backward pass.", moons(),
         "trained=2&step=99"),
    Card("digits", "Handwritten digits",
         "13,002 weights and biases read 28 × 28 pixels: the whole story of backpropagation.",
         "Draw a digit of your own, and say what it should have been.", digits(), "trained=0&step=23"),
]

STYLE = """
:root { color-scheme: light dark; --paper: #fcfcfa; --card: #fff; --ink: #24292f; --soft: #5b646e; --line: #d3d8de;
  --blue: #2166ac; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --card: #1d2127; --ink: #e8eaed; --soft: #9aa4af; --line: #363d46; --blue: #74b0ea; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: clamp(20px, 5vw, 56px) clamp(14px, 4vw, 40px);
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 "Helvetica Neue", Helvetica, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
h1 { margin: 0; font-size: clamp(26px, 4.2vw, 42px); line-height: 1.15; letter-spacing: -.015em; }
header p { max-width: 44em; margin: 12px 0 0; color: var(--soft); font-size: clamp(16px, 1.6vw, 19px); }
ul { list-style: none; margin: clamp(22px, 4vw, 40px) 0; padding: 0; display: grid; gap: clamp(14px, 2vw, 24px);
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); }
a { display: flex; flex-direction: column; height: 100%; color: inherit; text-decoration: none; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
a:hover, a:focus-visible { border-color: var(--blue); outline: 2px solid var(--blue); outline-offset: -1px; }
img { display: block; width: 100%; height: auto; aspect-ratio: 8 / 5; object-fit: cover; background: var(--paper);
  border-bottom: 1px solid var(--line); }
div { padding: 14px 18px 18px; display: flex; flex-direction: column; flex: 1; }
h2 { margin: 0; font-size: 20px; line-height: 1.3; }
div p { margin: 4px 0 0; color: var(--soft); }
div p.try { margin-top: auto; padding-top: 12px; color: var(--ink); }
.try::before { content: "Try: "; font-weight: 600; color: var(--blue); }
@media (min-width: 760px) {  /* the last one, alone in its row, takes all of it */
  li:last-child { grid-column: 1 / -1; }
  li:last-child a { flex-direction: row; }
  li:last-child picture { flex: 0 0 min(50%, 560px); }
  li:last-child img { height: 100%; border: 0; }
  li:last-child div { padding: clamp(18px, 3vw, 40px); font-size: 18px; justify-content: center; }
  li:last-child p.try { margin-top: 0; }
}
code { font: .92em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
footer { color: var(--soft); font-size: 14px; }
"""

BARE = """
header, footer, #panel, .network #choices, #zoom { display: none !important; }
body { min-height: 0; padding: 8px 4px; grid-template: "choices" "stage" minmax(0, 1fr) / minmax(0, 1fr) !important; }
body:has(#plane) { grid-template: "plane stage" minmax(0, 1fr) / 42% minmax(0, 1fr) !important; }
#plane > :not(canvas) { display: none !important; }
* { transition: none !important; }
"""

args.out.joinpath("gallery").mkdir(parents=True, exist_ok=True)


def picture_of(card, page, dark):
    """What the page shows there, without its controls, and at rest."""
    bare = card.page.html.replace("</style>", BARE + "</style>", 1)
    with tempfile.TemporaryDirectory() as folder:
        looked_at = write_whole(Path(folder) / "page.html", bare)
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=560,350",
                        "--force-device-scale-factor=1.5", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                        f"--screenshot={page.resolve()}", f"{looked_at.as_uri()}#{card.shown}"],
                       check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


items = []
for card in CARDS:
    print(card.page.save(args.out / "gallery" / f"{card.name}.html"))
    if shutil.which("chromium") and not args.without_pictures:
        for dark, ending in ((False, ".png"), (True, "-dark.png")):
            picture_of(card, args.out / "gallery" / f"{card.name}{ending}", dark)
    items.append(f"""
  <li><a href="gallery/{card.name}.html">
    <picture><source media="(prefers-color-scheme: dark)" srcset="gallery/{card.name}-dark.png">
      <img src="gallery/{card.name}.png" alt="" width="840" height="525"></picture>
    <div><h2>{html.escape(card.title)}</h2>
      <p>{html.escape(card.about)}</p>
      <p class="try">{card.attempt}</p></div></a></li>""")

print(write_whole(args.out / "index.html", f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Backpropagation, live</title>
<style>{STYLE}</style>
</head>
<body>
<header>
  <h1>Backpropagation, live</h1>
  <p>A result can say how sensitive it is to every number behind it. Here you see it do so, one edge at a time: width is
    strength, colour is sign. Every page computes for itself: press play, then change any number, and all the rest
    follows. To be asked before you are told, turn on <b>predict first</b>.</p>
</header>
<main><ul>{"".join(items)}
</ul></main>
<footer><p>Nothing to install, and nothing is sent or fetched: each page is one file. Made with micrograd2 by
  <code>examples/gallery.py</code>.</p></footer>
</body>
</html>
"""))
