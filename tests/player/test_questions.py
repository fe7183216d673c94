"""Predict first: what a page asks before a step, and that its answers are the engine's, and never a tie."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd2.backprop import Pass, passes
from micrograd2.contributions import flow
from micrograd2.costs import squared_error
from micrograd2.engine import topological_order
from micrograd2.nn import MLP
from micrograd2.player import play
from tests.player.test_player import about, digit_net, digit_page, go, neuron, number, squares, titles, xor_page
from tests.player.test_arithmetic import FEW, has_a_kink, stories
from tests.player.test_instruments import settle
from tests.player.test_looks import SIZES, SOUND

QUESTIONS = """page.examples.map((_, k) => {
  page.choose(k);
  return page.steps.map((_, step) => JSON.stringify(page.predict.question(step))).map(JSON.parse);
})"""


def engines(net: MLP, one: Pass, name: str, place: list[int]) -> float:
    """The number that a question is about, as the engine has it."""
    if name == "part":
        return (one.outputs[place[0]].data - one.targets[place[0]]) ** 2
    layer, j = place[0] - 1, place[1]
    if len(place) == 2:
        sign = -1 if name == "nudge" else 1
        return sign * {"upstream": one.upstream, "slope": one.slopes, "bias": one.deltas,
                       "nudge": one.upstream}[name][layer][j]
    w = net.layers[layer].neurons[j].w[place[2]]
    return {"flow": w.data * one.activations[layer][place[2]], "weight": one.grads.get(w, 0.0),
            "wish": -one.deltas[layer][j] * w.data}[name]


def assert_right(question: dict[str, Any], engine: Any) -> None:
    """Its answer is that of the engine's numbers, which are no tie."""
    if question["kind"] == "sign":
        value = engine(question["number"])
        assert question["value"] == pytest.approx(value, rel=1e-9) and abs(value) > 1e-7
        assert question["right"] == (value < 0)
        return
    values = [engine(option["number"]) for option in question["options"]]
    assert [option["value"] for option in question["options"]] == pytest.approx(values, rel=1e-9, abs=1e-15)
    sizes = [abs(value) for value in values]
    assert question["right"] == sizes.index(max(sizes)) and max(sizes) > 1e-7
    assert all(max(pair) > 1.2 * min(pair) for pair in combinations(sizes, 2)), sizes


def test_answers_in_a_hundred_states_are_the_engines_and_none_is_a_tie(opened):
    told: list[str] = []

    @settings(FEW, max_examples=5)
    @given(story=stories(), seed=st.integers(0, 2 ** 32 - 1))
    def ask(story, seed):
        net, X, Y, cost = story
        tab = opened(play(net, X, Y, cost), calm=True)
        rng = np.random.default_rng(seed)
        for strength in (0.3, 1.0, 2.0):                            # the stronger, the flatter
            for p in net.parameters():
                p.data += strength * rng.standard_normal() / len(X[0]) ** 0.5
            if has_a_kink(net, X, Y, cost):
                continue
            put(tab, net)
            for one, asked in zip(passes(net, X, Y, cost), tab.run(QUESTIONS), strict=True):
                for question in filter(None, asked):
                    assert_right(question, lambda named: engines(net, one, named[0], named[1:]))
                    if question["kind"] == "sign" and question["number"][0] == "nudge":
                        _, layer, i = question["number"]
                        parts = [-d * neuron.w[i].data
                                 for d, neuron in zip(one.deltas[layer], net.layers[layer].neurons)]
                        assert abs(sum(parts)) > 0.1 * sum(map(abs, parts))
                    told.append(question["title"])

    ask()
    net, X, Y = digit_net()
    ask.hypothesis.inner_test((net, X[:3], Y[:3], squared_error), 1)
    assert len(told) >= 100
    assert {"Up or down?", "Plus or minus?", "Which weight most?", "Which hears most?"} <= set(told)


def put(tab: Any, net: MLP) -> None:
    """The numbers of a network, into its page."""
    layers = [([w.data for neuron in layer.neurons for w in neuron.w], [neuron.b.data for neuron in layer.neurons])
              for layer in net.layers]
    b = net.layers[0].neurons[0].b.data
    assert tab.run(f"""{json.dumps(layers)}.forEach(([weights, biases], l) => {{
      page.now.network.weights[l].set(weights);
      page.now.network.biases[l].set(biases);
    }}), page.change({{bias: [1, 0]}}, {b!r})""") == ""


@pytest.mark.parametrize("make", [neuron, squares])
def test_what_is_asked_about_an_edge_is_the_sign_of_its_contribution(opened, make):
    root = make()
    tab = opened(play(root), calm=True)
    steps = list(flow(root))
    first = sum(bool(node.args) for node in topological_order(root)) + 3
    asked = tab.run(f"{list(range(first + len(steps)))}.map(k => JSON.stringify(page.predict.question(k)))"
                    ".map(JSON.parse)")
    assert asked[:first] == [None] * first
    for question, step in zip(asked[first:], steps, strict=True):
        assert (question is None) == (step.local == 1)
        if question:
            assert_right(question, lambda _: step.contribution)


def test_nothing_is_asked_until_somebody_turns_it_on(opened):
    for page in (xor_page(), play(neuron())):
        tab = opened(page, calm=True)
        for _ in range(12):
            tab.key("ArrowRight")
        assert tab.run("page.player.step") == 12 and not tab.run("page.predict.isOn")
        assert tab.run("document.querySelector('#predict').getAttribute('aria-pressed')") == "false"
        tab.key("Home")
        tab.click("#predict")
        for _ in range(12):
            tab.key("ArrowRight")
            if tab.run("page.predict.pending") is not None:
                break
        step = tab.run("page.player.step")
        assert tab.run("page.predict.pending") == step + 1 and tab.run("document.querySelector('.quiz') !== null")
        tab.key("ArrowRight")                                       # passed by
        assert tab.run("page.player.step") == step + 1 and tab.run("document.querySelector('.verdict')") is None
        tab.key("ArrowLeft")
        tab.key("ArrowRight")
        assert tab.run("page.predict.pending") == step + 1          # and asked again
        tab.click("#predict")
        assert tab.run("document.querySelector('.quiz')") is None


def test_it_is_answered_by_key_or_click_and_the_numbers_are_those_of_the_step(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X, Y), "predict=1&example=1&step=0", calm=True)
    step = titles(tab).index("Avenue 2: its weights, in proportion to activations")
    (one,) = passes(net, X[1], Y[1])
    label = int(np.argmax(Y[1]))
    slopes = [one.grads[w] for w in net.layers[-1].neurons[label].w]
    for turn, by_click in enumerate((False, True)):
        go(tab, step - 1)
        tab.key("ArrowRight")
        assert tab.run("page.player.step") == step - 1
        texts = tab.run("[...document.querySelectorAll('.options span:first-of-type')].map(e => e.textContent)")
        neurons = [int(text.removeprefix("from neuron ")) for text in texts]
        assert tab.run("document.querySelectorAll('.neuron.asked').length") == len(neurons)
        right = max(range(len(neurons)), key=lambda n: abs(slopes[neurons[n]]))
        chosen = right if by_click else (right + 1) % len(neurons)
        if by_click:
            tab.click(f"[data-key='answer.{chosen}']")
        else:
            tab.type(str(chosen + 1))
        assert tab.run("page.player.step") == step
        assert tab.text(".verdict p").startswith("✓ Right" if by_click else f"✗ Not so: {texts[right]}. ")
        assert tab.text(".score") == f"{turn} of {turn + 1} right"
        shown = tab.run("[...document.querySelectorAll('.verdict td:last-child')].map(cell => cell.textContent)")
        assert [number(cell.lstrip("+")) for cell in shown] == [about(-slopes[i]) for i in neurons]
        first = tab.text(".words table tr:nth-child(3) td:last-child")
        assert shown[right] == first                               # of all weights, in the step's own table
    tab.click("#turn")
    assert tab.run("[...document.querySelectorAll('.verdict td:last-child')].map(cell => cell.textContent)")[
        right] == ("−" if slopes[neurons[right]] < 0 else "+") + shown[right][1:]
    tab.run("page.hold({weight: [2, 0, 0]}), page.change({weight: [2, 0, 0]}, 3), page.player.again()")
    assert tab.run("document.querySelector('.verdict')") is None    # its numbers are no longer those that are there
    tab.run("page.restore()")
    go(tab, step - 1)
    go(tab, step)
    assert tab.run("[page.predict.pending, page.player.step]") == [None, step]      # who jumps is not asked


def test_a_sign_is_answered_by_several_keys(opened):
    net, X, Y = digit_net()
    tab = opened(play(net, X[:2], Y[:2]), "predict=1&example=1", calm=True)
    (one,) = passes(net, X[1], Y[1])
    delta = one.deltas[-1][int(np.argmax(Y[1]))]
    for key, sign in (("ArrowUp", 0), ("ArrowDown", 1), ("+", 0), ("-", 1), ("2", 1)):
        go(tab, 7)
        tab.key("ArrowRight")
        tab.key(key) if key.startswith("Arrow") else tab.type(key)
        words = tab.text(".verdict p")
        assert words.startswith("✓ Right" if (delta < 0) == sign else "✗ Not so")
        assert f"raising it {'lowers' if delta < 0 else 'raises'} the cost" in words
        assert number(words.split("δ = ")[1].split(":")[0].lstrip("+")) == about(delta)


def test_playing_waits_for_an_answer_and_a_change_asks_anew(opened):
    tab = opened(digit_page(), "predict=1&example=1&step=7", calm=True)
    settle(tab)
    tab.key(" ")
    assert not tab.run("page.player.playing") and tab.run("page.predict.pending") == 8
    before = tab.text(".quiz")
    tab.click("#examples button:nth-child(3)")
    assert tab.text(".quiz") != before and tab.run("page.predict.pending") == 8
    tab.run("document.activeElement.blur()")
    tab.key(" ")
    assert tab.run("page.player.playing") and tab.run("page.player.step") == 8     # passed by
    tab.key(" ")
    tab.run("new Promise(done => setTimeout(done, 300))")
    assert tab.run("location.hash") == "#predict=1&example=2&step=8"


def test_a_question_stands_above_what_is_held_or_drawn(opened):
    tab = opened(digit_page(), "predict=1&example=1&step=7", width=640, height=400, calm=True)
    for begin in ("page.hold({weight: [3, 0, 0]})",
                  "document.querySelector('#draw').click(), document.querySelector('.pad .choice button').focus()"):
        tab.run(begin)
        go(tab, 7)
        tab.key("ArrowRight")
        for kind in ("quiz", "verdict"):
            assert tab.run(f"document.querySelector('#panel').firstChild.matches('.{kind}')") and tab.run(SOUND) == []
            assert tab.run("document.querySelector('#panel').scrollTop") == 0
            if kind == "quiz":
                tab.run("page.predict.answer(0)")
        assert tab.run("document.querySelector('.instrument, .pad') !== null")


def test_questions_and_verdicts_fit_into_every_window(opened):
    for turn, page in enumerate((digit_page(), play(neuron()), xor_page())):
        tab = opened(page, "predict=1", dark=turn == 1, calm=True)
        last = tab.run("Number(document.querySelector('#scrub').max)")
        asked = [k for k in range(1, last + 1) if tab.run(f"page.predict.question({k}) !== null")]
        for n, (width, height) in enumerate(SIZES):
            tab.size(width, height)
            settle(tab)
            for k in asked[n % 8::8]:
                go(tab, k - 1)
                tab.key("ArrowRight")
                assert tab.run("document.querySelector('.quiz') !== null") and tab.run(SOUND) == [], (width, height, k)
                low = tab.run("[...document.querySelectorAll('.options button')].at(-1).getBoundingClientRect().bottom")
                assert low <= tab.run("document.querySelector('#panel').getBoundingClientRect().bottom"), (width, k)
                tab.run(f"page.predict.answer({k % 2})")
                assert tab.run(SOUND) == [], (width, height, k)
