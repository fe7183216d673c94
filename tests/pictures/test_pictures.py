"""Pictures: the same graph gives the same text, both kinds show themselves, and a wrong call is refused."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from micrograd2 import pictures
from micrograd2.engine import Value
from micrograd2.nn import MLP
from micrograd2.pictures import Picture, draw, draw_dot
from tests.pictures.read_back import SILENT, X, Y, chain, labelled, network, neuron

pytestmark = SILENT
ROOT = Path(pictures.__file__).parents[1]


# The DOT text

SAMPLE = """
from micrograd2 import MLP, Value, draw
a, b = Value(2.0, "a"), Value(-1.5, "b")
c = (a * b + a).tanh() / (a + a)
c.backward()
net = MLP(20, [5, 2], activation="tanh", seed=1)
text = draw(c).source + draw(net).source + draw(net, [0.5] * 20, [1.0, 0.0]).source
"""


def sample() -> str:
    found: dict[str, Any] = {}
    exec(SAMPLE, found)
    return found["text"]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_graph_gives_the_same_text_in_another_process(hash_seed):
    done = subprocess.run([sys.executable, "-c", SAMPLE + "print(ascii(text))"], cwd=ROOT, text=True, check=True,
                          capture_output=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    assert done.stdout.strip() == ascii(sample())


def test_draw_dot_is_draw():
    assert draw_dot(neuron()).source == draw(neuron()).source
    assert isinstance(draw_dot(neuron()), Picture)


@pytest.mark.parametrize("what", [neuron, network])
def test_dark_changes_colours_and_nothing_else(what):
    def plain(source: str) -> str:
        return re.sub(r"#[0-9a-f]{6}", "#", source)

    light, dark = draw(what()).source, draw(what(), dark=True).source
    assert light != dark and plain(light) == plain(dark)
    assert pictures.DARK.paper in dark and pictures.LIGHT.paper not in dark


# Wrong calls

@pytest.mark.parametrize("error, call", [
    (ValueError, lambda: draw(network(), [1.0])),
    (ValueError, lambda: draw(network(), [1.0] * 4, Y)),
    (ValueError, lambda: draw(network(), X, [1.0])),
    (ValueError, lambda: draw(network(), 3.0)),
    (TypeError, lambda: draw(network(), "abc")),
    (ValueError, lambda: draw(network(), [[1.0], [2.0], [3.0]])),
    (ValueError, lambda: draw(network(), [X, X, X], [Y, Y])),
    (TypeError, lambda: draw(network(), X, Y, expand=True)),
    (TypeError, lambda: draw(network(), X, Y, depth=1)),
    ((TypeError, ValueError), lambda: draw(network(), y=Y)),
    (TypeError, lambda: draw(Value(1.0), X)),
    (TypeError, lambda: draw(Value(1.0), y=Y)),
    (TypeError, lambda: draw(3.0)),
    (TypeError, lambda: draw([Value(1.0)])),
    (TypeError, lambda: draw_dot("c")),
    (TypeError, lambda: draw(network().layers[0]))])
def test_a_wrong_call_is_refused(error, call):
    with pytest.raises(error, match=r"\w{4}"):
        call()


# In a notebook

@pytest.mark.parametrize("what", [neuron, network, lambda: MLP(784, [16, 16, 10], seed=0), lambda: chain(2000)])
def test_a_value_and_a_network_show_themselves_in_a_notebook(a_dot, what):
    what = what()
    bundle = what._repr_mimebundle_()
    assert bundle == {"text/plain": repr(what), "image/svg+xml": draw(what).svg()}
    assert what._repr_mimebundle_(include=None, exclude=None) == bundle


def test_without_a_dot_a_notebook_shows_the_text_of_the_picture(nowhere):
    value = labelled("<script>")
    bundle = value._repr_mimebundle_()
    assert bundle["text/plain"] == repr(value) and "image/svg+xml" not in bundle
    text = bundle["text/html"].removeprefix("<pre>").removesuffix("</pre>")
    assert "<" not in text and html.unescape(text) == draw(value).source
