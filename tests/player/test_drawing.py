"""An image of one's own: drawn by pointer, touch and keys, scaled as MNIST's were, and then an example as any other."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from micrograd2 import data
from micrograd2.backprop import passes
from micrograd2.costs import cross_entropy
from micrograd2.nn import MLP
from micrograd2.player import play
from micrograd2.train import Adam, accuracy, fit
from tests.player.test_player import digit_net, digit_page, go, titles, xor_page
from tests.player.test_instruments import settle
from tests.player.test_looks import SIZES, SOUND

THREE = [(0.3, 0.25), (0.45, 0.17), (0.64, 0.3), (0.5, 0.47), (0.68, 0.65), (0.5, 0.82), (0.28, 0.74)]

PAINT = """((images, side, smooth, scale, right, down) => {
  const canvas = document.querySelector(".pad canvas"), context = canvas.getContext("2d"), across = canvas.width;
  const tiny = new OffscreenCanvas(side, side), sheet = new ImageData(side, side);
  const middle = across * (1 - scale) / 2;
  context.imageSmoothingEnabled = smooth;
  return images.map(bytes => {
    [...atob(bytes)].forEach((c, p) => (sheet.data[4 * p + 3] = c.charCodeAt(0)));
    tiny.getContext("2d").putImageData(sheet, 0, 0);
    context.clearRect(0, 0, across, across);
    context.drawImage(tiny, middle + right, middle + down, across * scale, across * scale);
    const image = page.sketch.image();
    return [page.classOf(image), btoa(String.fromCharCode(...image.map(v => Math.round(255 * v))))];
  });
})"""


def painted(tab: Any, X: Any, smooth: bool = False, scale: float = 1.0, right: float = 0.0, down: float = 0.0) -> Any:
    """What images are read as, and the images, after they were painted on the pad's own pixels, so much larger, and
    were scaled and centred there."""
    texts = [base64.b64encode(np.round(255 * x).astype(np.uint8).tobytes()).decode() for x in X]
    side = round(len(X[0]) ** 0.5)
    found = tab.run(f"{PAINT}({json.dumps(texts)}, {side}, {json.dumps(smooth)}, {scale}, {right}, {down})")
    return (np.array([label for label, _ in found]),
            np.array([list(base64.b64decode(text)) for _, text in found]) / 255)


def stroke(tab: Any, points: Any, touch: bool = False) -> None:
    """A line through points of the pad, given in its width and height."""
    left, top, width = tab.run("(b => [b.x, b.y, b.width])(document.querySelector('.pad canvas')"
                               ".getBoundingClientRect())")
    kinds = ["Start" if touch else "Pressed", *["Move" if touch else "Moved"] * (len(points) - 1)]
    for kind, (x, y) in zip(kinds, points):
        at = {"x": left + width * x, "y": top + width * y}
        if touch:
            tab.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=[at])
        else:
            tab.call("Input.dispatchMouseEvent", type=f"mouse{kind}", **at, button="left", buttons=1, clickCount=1)
    if touch:
        tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    else:
        tab.call("Input.dispatchMouseEvent", type="mouseReleased", **at, button="left", clickCount=1)
    settle(tab)


def drawn(tab: Any) -> np.ndarray:
    return np.array(tab.run("[...page.examples[page.sketch.exampleNumber].x]"))


def assert_example_is(tab: Any, net: MLP, x: Any, y: Any) -> None:
    (one,) = passes(net, x, y)
    found = tab.run("(p => [p.cost, [...p.a.at(-1)], [...p.dz[0]]])(page.passOf())")
    assert found[0] == pytest.approx(one.cost.data, rel=1e-12)
    assert found[1] == pytest.approx([a.data for a in one.outputs], rel=1e-12)
    assert found[2] == pytest.approx(one.deltas[0], rel=1e-9, abs=1e-15)


def test_digits_through_the_pad_are_read_as_well_as_directly(opened):
    digits = data.digits()
    net = MLP(784, [12, 10], activation="tanh", seed=3)
    fit(net, digits.x_train[:2000], data.one_hot(digits.y_train[:2000], 10), cross_entropy, optimizer=Adam(lr=0.01),
        epochs=3, seed=3, progress=False)
    X, y = digits.x_test[:300], digits.y_test[:300]
    tab = opened(play(net, X[:3], data.one_hot(y[:3], 10), cross_entropy), calm=True)
    tab.click("#draw")
    right = accuracy(net, X, y)
    read, images = painted(tab, X)
    assert np.array_equal(images, X) and np.mean(read == y) == right > 0.8      # to the last grey
    assert np.array_equal(painted(tab, X[:60], scale=0.5, right=40, down=-30)[1], X[:60])
    for smooth, scale, right_by, down in ((True, 0.77, 13.3, -20.4), (True, 1.2, 0.0, 0.0), (False, 0.33, 10.0, 60.0)):
        read, _ = painted(tab, X, smooth, scale, right_by, down)
        assert np.mean(read == y) >= right - 0.02, (smooth, scale)


def test_one_draws_by_pointer_and_the_network_reads_every_stroke(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "example=2", calm=True)
    settle(tab)
    before = tab.run("page.costNow(null)")
    tab.click("#draw")
    assert tab.text("#panel h2") == "The outputs light up" and tab.run("page.now.example") == len(X)
    assert "An empty sheet is read as" in tab.text(".reading") and not drawn(tab).any()
    outputs = [tab.run("[...page.passOf().a.at(-1)]")]
    for points in (THREE[:4], THREE[3:]):
        stroke(tab, points)
        outputs.append(tab.run("[...page.passOf().a.at(-1)]"))
        read = int(np.argmax(outputs[-1]))
        assert tab.text(".reading") == f"It is read as {read}."
        assert tab.run("document.querySelector('.pad [aria-pressed=true]').textContent") == str(read)
    assert outputs[0] != outputs[1] != outputs[2]
    x = drawn(tab)
    ink = np.argwhere(x.reshape(28, 28))
    assert max(np.ptp(ink, axis=0)) + 1 == 20 and (np.round(255 * x) / 255 == x).all() and x.max() == 1
    assert [int(x @ part / x.sum()) for part in np.indices((28, 28)).reshape(2, -1) + 0.5] == [14, 14]
    tab.click(".pad .choice button:nth-child(4)")
    assert tab.text("#examples button:last-child span") == ("3" if read == 3 else f"3→{read}")
    y = data.one_hot([3], 10)[0]
    assert_example_is(tab, net, x, y)
    each = [one.cost.data for one in passes(net, [*X, x], [*Y, y])]
    assert tab.run("page.costNow(null)") == pytest.approx(np.mean(each), rel=1e-12)
    go(tab, titles(tab).index("An image of a 3"))
    assert tab.run("document.querySelectorAll('#examples button').length") == len(X) + 1
    tab.click("[data-key=undo]")
    settle(tab)
    assert tab.run("[...page.passOf().a.at(-1)]") == outputs[1]
    tab.click("[data-key=clear]")
    settle(tab)
    assert not drawn(tab).any() and tab.run("[...page.passOf().a.at(-1)]") == outputs[0]
    x, y = tab.at(".pad canvas")
    tab.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", buttons=1, clickCount=1)
    tab.key("Backspace")                    # while the pen is down
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + 9, y=y, button="left", buttons=1)
    tab.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + 9, y=y, button="left", clickCount=1)
    settle(tab)
    assert not drawn(tab).any()
    tab.click("[data-key=shut]")
    assert tab.run("[page.now.example, page.examples.length, page.costNow(null)]") == [2, len(X), before]
    assert tab.run("document.querySelector('.pad')") is None


def test_what_was_drawn_plays_is_changed_and_put_back_as_any_example(opened):
    net, X, Y = digit_net()
    tab = opened(play({"a": net, "b": MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=4)}, X, Y),
                 calm=True)
    settle(tab)
    tab.click("#draw")
    stroke(tab, THREE)
    tab.click(".pad .choice button:nth-child(9)")
    x, y = drawn(tab), data.one_hot([8], 10)[0]
    for step in range(0, len(titles(tab)), 5):
        go(tab, step)
        assert tab.run("document.querySelector('.pad') !== null")
    tab.run("page.hold({input: 300})")
    assert tab.run("document.querySelector('.pad')") is None and tab.text(".instrument label b") == "pixel 21, 11"
    assert tab.run("page.change({input: 300}, 0.625)") == ""
    changed = x.copy()
    changed[300] = 0.625
    assert_example_is(tab, net, changed, y)
    tab.click("#draw")
    for n, label in ((1, 0), (9, 8)):       # what it should have been is another matter than what it is
        tab.click(f".pad .choice button:nth-child({n})")
        assert_example_is(tab, net, changed, data.one_hot([label], 10)[0])
    tab.run("page.restore()")
    assert np.array_equal(drawn(tab), x)
    assert_example_is(tab, net, x, y)
    tab.run("page.chooseNetwork(1)")
    assert np.array_equal(drawn(tab), x)
    tab.click("#examples button:nth-child(2)")
    assert tab.run("page.now.example") == 1 and tab.run("page.examples.length") == len(X) + 1
    tab.click("#draw")
    assert tab.run("page.now.example") == len(X) and np.array_equal(drawn(tab), x)     # it goes on where it was
    assert tab.run("document.querySelector('.pad [aria-pressed=true]').textContent") == "8"
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert "example" not in tab.run("location.hash")        # for who opens that address has not drawn it


def test_one_draws_by_touch(opened):
    tab = opened(digit_page(), width=400, height=800, calm=True)
    tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    settle(tab)
    tab.click("#draw")
    stroke(tab, THREE, touch=True)
    ink = np.argwhere(drawn(tab).reshape(28, 28))
    assert max(np.ptp(ink, axis=0)) + 1 == 20
    assert tab.run("[scrollY, document.querySelector('#panel').scrollTop]") == [0, 0]


def test_one_draws_by_keys(opened):
    tab = opened(digit_page(), calm=True)
    settle(tab)
    tab.run("document.querySelector('#draw').focus()")
    tab.key("Enter")
    assert tab.run("document.activeElement.matches('.pad canvas')")
    step = tab.run("page.player.step")
    tab.key("ArrowUp")
    assert not drawn(tab).any()
    tab.key(" ")
    for _ in range(6):
        tab.key("ArrowDown")
    settle(tab)
    wide, high = np.ptp(np.argwhere(drawn(tab).reshape(28, 28)), axis=0)[::-1] + 1
    assert high == 20 and wide < 10
    assert tab.run("getComputedStyle(document.querySelector('.pen')).visibility") == "visible"
    tab.key(" ")
    tab.key("ArrowLeft")
    settle(tab)
    assert np.ptp(np.argwhere(drawn(tab).reshape(28, 28)), axis=0)[1] + 1 == wide
    tab.key("Backspace")
    settle(tab)
    assert not drawn(tab).any() and tab.run("page.player.step") == step and not tab.run("page.player.playing")
    tab.key("Escape")
    assert tab.run("document.activeElement.id") == "draw" and tab.run("page.examples.length") == 5


def small(X: Any) -> Any:
    """Images of 8 × 8, in which the ink goes to the edge."""
    return X.reshape(-1, 28, 28)[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)).reshape(-1, 64)


def test_other_sizes_are_scaled_as_the_pages_own_examples_are(opened):
    digits = data.digits()
    X, y = (np.round(255 * small(digits.x_test[:40])) / 255, digits.y_test[:40])
    tab = opened(play(MLP(64, [8, 10], activation="tanh", seed=1), X, data.one_hot(y, 10), cross_entropy), calm=True)
    tab.click("#draw")
    ink = [np.argwhere(x.reshape(8, 8)) for x in X]
    largest = [max(np.ptp(each, axis=0)) + 1 for each in ink]
    usual = sorted(largest)[20]
    _, images = painted(tab, X, scale=0.6, right=30, down=-20)
    assert {max(np.ptp(np.argwhere(x.reshape(8, 8)), axis=0)) + 1 for x in images} == {usual}
    alike = [k for k in range(40) if largest[k] == usual]
    assert len(alike) > 20 and all(sorted(images[k]) == sorted(X[k]) for k in alike)    # moved, by whole pixels, or not


def test_the_pad_is_left_out_where_nobody_could_say_what_was_drawn(opened):
    digits = data.digits()
    X, Y = digits.x_test[:3], data.one_hot(digits.y_test[:3], 10)
    rng = np.random.default_rng(1)
    for page in (xor_page(),                                                            # no image
                 play(MLP(784, [4, 2], seed=1), X, rng.random((3, 2))),                 # no classes
                 play(MLP(784, [4, 10], seed=1), 1 - 0.9 * X, Y),                       # no paper
                 play(MLP(784, [10], activation="tanh", seed=1), X, Y, lambda a, y: max(a, key=lambda v: v.data))):
        tab = opened(page, calm=True)
        assert not tab.run("document.querySelector('#draw').checkVisibility()") and not tab.run("page.sketch")


def test_a_single_output_has_its_two_classes(opened):
    digits = data.digits()
    net = MLP(784, [4, 1], activation="tanh", seed=1)
    X, Y = digits.x_test[:3], [[1.0], [1.0], [1.0]]
    tab = opened(play(net, X, Y), calm=True)
    settle(tab)
    tab.click("#draw")
    stroke(tab, THREE)
    labels = "[...document.querySelectorAll('.pad .choice button')].map(button => button.textContent)"
    assert tab.run(labels) == ["−1", "1"]
    for n, label in ((1, -1.0), (2, 1.0)):
        tab.click(f".pad .choice button:nth-child({n})")
        assert_example_is(tab, net, drawn(tab), [label])


def test_the_pad_and_its_labels_are_seen_in_every_window(opened):
    tab = opened(digit_page(), calm=True)
    tab.click("#draw")
    for width, height in SIZES:
        tab.size(width, height)
        settle(tab)
        assert tab.run(SOUND) == []
        low = tab.run("Math.max(...[...document.querySelectorAll('.pad canvas, .pad button')]"
                      ".map(e => e.getBoundingClientRect().bottom))")
        assert low <= tab.run("document.querySelector('#panel').getBoundingClientRect().bottom") + 1, (width, height)
