"""What all pictures share: labels are text, the legend, saving and showing, and the `dot` that is found."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest
from graphviz.backend import dot_command

from micrograd2.engine import Value, dot
from micrograd2.pictures import Picture, draw, find_dot
from tests.pictures.read_back import DOTS, SILENT, SVG, X, Y, executable, hue, labelled, network, neuron, read

pytestmark = SILENT


@pytest.mark.parametrize("what", [neuron, lambda: draw(network(), X, Y)])
def test_the_legend_explains_the_colours(a_dot, what):
    picture = what() if isinstance(what(), Picture) else draw(what())
    legend = {text.text.strip("━ \xa0"): text for text in ET.fromstring(picture.svg()).iter(f"{SVG}text")}
    raises, lowers = (next(t for told, t in legend.items() if word in told) for word in ("raises", "lowers"))
    assert (hue(raises.get("fill")), hue(lowers.get("fill"))) == ("blue", "orange")


# Hostile labels

HOSTILE = ["<script>alert(1)</script>", "<b>", '"', "'", "</svg>", "]]>", "<!--", "a|b", r"\N", r"\G", r"\L", r"\E",
           r"\n", "\\", r"a\\b", "{x}", "&lt;", "&", "&#38;", "&bogus;", "%s", "😀", "e\u0301", "שלום", "مرحبا", "日本",
           "n0:port", "n0", " ", "\x00\x01\x1b", "a\nb", "a\r\tb", "\u202eabc", "\ud800", "\ufffe", "x" * 10_000]
each_hostile_label = pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label)[1:20])


def tells(text: str, label: str) -> bool:
    """Whether a text holds a label, but for characters that cannot be printed."""
    printable = "".join(c if c.isprintable() else "\n" for c in label).split("\n")
    return all(part in text for part in printable)


@cache
def harmless(a_dot: str) -> tuple[list, list]:
    """What this `dot` makes of both pictures below when all labels are harmless."""
    return read(draw(labelled("harmless"))).anatomy, read(draw(network(), X, Y)).anatomy


@each_hostile_label
def test_a_label_on_a_value_is_text_whatever_it_says(a_dot, label):
    drawn = read(draw(labelled(label)))
    assert drawn.anatomy == harmless(a_dot)[0]
    assert max(map(len, drawn.texts + drawn.tooltips)) < 300
    if len(label) <= 40:
        assert tells(drawn.edges[0].tooltips[0], label)
        assert all(tells(drawn.nodes[name].tooltip, label) for name in ("n0", "n2"))
    if len(label) <= 24:
        assert all(any(tells(text, label.strip()) for text in drawn.nodes[name].texts) for name in ("n0", "n2"))


def framed(label: str) -> Value:
    """A neuron whose parameters, sum and frame bear this label."""
    z = dot([Value(2.0, f"{label}.w[0]")], [Value(3.0, label)], Value(1.0, label))
    z.label = label
    z.backward()
    return z


@each_hostile_label
def test_a_label_on_a_frame_is_text_whatever_it_says(a_dot, label):
    assert read(draw(framed(label), expand=True)).anatomy == read(draw(framed("safe"), expand=True)).anatomy


@each_hostile_label
def test_a_label_in_a_network_is_text_whatever_it_says(a_dot, label):
    net = network()
    net.layers[0].neurons[0].w[0].label = net.layers[1].neurons[1].w[3].label = label
    drawn = read(draw(net, [Value(0.5, label), -1.0, 2.0], Y))
    assert drawn.anatomy == harmless(a_dot)[1]
    assert max(map(len, drawn.texts + drawn.tooltips)) < 300
    if len(label) <= 40:
        assert sum(tells(tooltip, label) for tooltip in drawn.tooltips) >= 2


def test_the_names_of_weights_are_not_cut_short(a_dot):
    a, b = (Value(1.0, f"layers[2].neurons[15].w[{i}]") for i in (782, 783))
    assert {a.label, b.label} <= set(read(draw(a * b)).texts)


# Saving and showing

def test_save_svg_writes_the_whole_picture_and_nothing_else(a_dot, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "neuron.svg"
    path.write_text("what was here before")
    picture = draw(neuron())
    assert picture.save_svg(str(path)) == path
    assert path.read_text(encoding="utf-8") == picture.svg()
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "what was here before"])
def test_save_svg_writes_nothing_when_dot_fails(nowhere, tmp_path, monkeypatch, before):
    executable(tmp_path / "bin" / "dot", "echo '<svg>'; echo no >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = nowhere / "neuron.svg"
    if before:
        path.write_text(before)
    with pytest.raises(subprocess.CalledProcessError, match="no"):
        draw(neuron()).save_svg(path)
    assert [file.read_text() for file in nowhere.iterdir()] == [before] * bool(before)


def test_render_finds_a_dot_as_well(a_dot, tmp_path):
    path = draw(neuron()).render(tmp_path / "neuron", format="svg")
    assert ET.parse(path).getroot().tag == f"{SVG}svg"


def test_a_notebook_gets_svg_and_text(a_dot):
    picture = draw(neuron())
    assert picture._repr_mimebundle_() == {"image/svg+xml": picture.svg(), "text/plain": picture.source}
    assert picture._repr_mimebundle_(include=["image/svg+xml"], exclude=[])["image/svg+xml"] == picture.svg()


def test_a_notebook_gets_the_text_where_there_is_no_dot(nowhere):
    picture = draw(neuron())
    assert picture._repr_mimebundle_() == {"text/plain": picture.source}


# Finding a dot

def test_dot_on_the_path_comes_first(nowhere, tmp_path, monkeypatch):
    expected = executable(tmp_path / "bin" / "dot")
    executable(tmp_path / "bin" / "graphviz-pure")
    executable(nowhere / "graphviz-pure")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_dot() == expected


@pytest.mark.parametrize("place", ["executable", "scripts", "path"])
@pytest.mark.parametrize("path", ["", "nowhere"])
def test_graphviz_pure_comes_next_even_if_its_environment_is_not_activated(nowhere, tmp_path, monkeypatch, place, path):
    expected = executable(tmp_path / "bin" / "graphviz-pure")
    monkeypatch.setenv("PATH", str(nowhere) if path else "")
    if place == "executable":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    elif place == "scripts":
        monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "bin"))
    else:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_dot() == expected


@pytest.mark.skipif("graphviz-pure" not in DOTS, reason="pip install graphviz-pure")
def test_this_environment_draws_with_nothing_on_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert len(read(draw(neuron())).edges) == 9


@pytest.mark.parametrize("path", ["", "nowhere"])
def test_without_a_dot_the_error_says_what_to_install_and_the_text_is_there(nowhere, monkeypatch, path):
    monkeypatch.setenv("PATH", str(nowhere) if path else "")
    picture = draw(neuron())
    for call in (find_dot, picture.svg, picture.pipe, lambda: picture.save_svg(nowhere / "neuron.svg")):
        with pytest.raises(RuntimeError, match=r"pip install 'micrograd2\[dot\]'.*Graphviz.*PATH.*\.source"):
            call()
    assert picture.source.startswith("digraph {") and "tanh" in picture.source
    assert not list(nowhere.iterdir())


def test_nothing_is_run_from_the_current_folder(nowhere, tmp_path, monkeypatch):
    executable(tmp_path / "here" / "graphviz-pure")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError):
        find_dot()


@pytest.mark.parametrize("script, error", [("exit 1", subprocess.CalledProcessError), (None, RuntimeError)])
def test_the_setting_of_graphviz_is_restored_after_an_error(nowhere, monkeypatch, script, error):
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("theirs"))
    if script:
        executable(nowhere / "dot", script)
    with pytest.raises(error):
        draw(neuron()).svg()
    assert dot_command.DOT_BINARY == Path("theirs")


def test_the_setting_of_graphviz_is_restored(a_dot, monkeypatch):
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("theirs"))
    draw(neuron()).svg()
    draw(network()).pipe(format="svg")
    assert dot_command.DOT_BINARY == Path("theirs")
