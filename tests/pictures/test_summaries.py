"""What a picture says in few words of many numbers: it is what the numbers are."""

from __future__ import annotations

import html
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, maximum, topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.pictures import draw
from tests.pictures.read_back import number, rounded

FUNCTIONS = [*ACTIVATIONS, lambda z: 1.7 * z.tanh(), lambda z: (2 * z).tanh(), lambda z: z * z.sigmoid(),
             lambda z: maximum(z, 0.1 * z) + 1.0, lambda z: z ** 2]


def tooltips(source: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r' tooltip="(.*?[^\\])"', source)]


def told(source: str) -> dict[str, str]:
    """Of every neuron in a box of its own, what the box says of its number: name → "tanh(z) = 0.5"."""
    boxes = re.findall(r'tooltip="(layers\[\d+\]\.neurons\[\d+\]): ([^"]*?), [\d,]+ weights and biases', source)
    return {name: html.unescape(row) for name, row in boxes}


def assert_true_of(row: str, pairs: list[tuple[Value, Value]]) -> None:
    """The words are true of the pairs (z, a) of one neuron, of as many examples."""
    times, word, numbers = re.fullmatch(r"(?:([\d,]+) weighted sums, )?(\S+) (?:= |from )(.+)", row).groups()
    of = {"z": lambda z, a: z, "a": lambda z, a: a}
    of |= {f"{name}(z)": lambda z, a, f=f: f(z) for name, f in ACTIVATIONS.items()}
    right = [of[word](z, a).data for z, a in pairs]
    assert int(times or 1) == len(pairs)
    shown = [number(text) for text in numbers.split(" to ")]
    assert shown == [rounded(x) for x in ([min(right), max(right)] if times else right)], row


@pytest.mark.parametrize("output", [*FUNCTIONS, "linear"])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_box_of_a_neuron_shows_its_own_number(f, output):
    net = MLP(20, [12, 2], activation=f, output=output, seed=1)
    traced = net.trace([0.1 * i - 1 for i in range(20)])
    cost = squared_error([a for _, a in traced[-1]], [0.5, 1.0])
    cost.backward()
    boxes = told(draw(cost).source)
    assert len(boxes) == 14
    for name, row in boxes.items():
        i, j = map(int, re.findall(r"\d+", name))
        assert_true_of(row, [traced[i][j]])
        if i == 0 and f in ACTIVATIONS:
            assert row.startswith("z") == (f == "linear")     # an activation that is known is shown


@given(st.sampled_from(FUNCTIONS), st.lists(st.floats(-2, 2), min_size=16, max_size=40), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_the_box_of_a_neuron_that_ran_for_a_batch_shows_where_its_numbers_lie(f, xs, seed):
    net = MLP(3, [4, 1], activation=f, seed=seed)
    traced = [net.trace([x, x * x, 1.0]) for x in xs]
    loss = total(squared_error(of[-1][0][1], 1.0) for of in traced)
    loss.backward()
    for name, row in told(draw(loss).source).items():
        i, j = map(int, re.findall(r"\d+", name))
        assert_true_of(row, [of[i][j] for of in traced])
