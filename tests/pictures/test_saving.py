"""Saving: a file holds what its name says, and a terminal is told how to see a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import graphviz
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from micrograd2 import MLP, Value, draw
from micrograd2.pictures import Picture

pytestmark = pytest.mark.filterwarnings("error")
ONCE = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
endings = st.sampled_from(["", ".gv", ".dot", *(f".{ending}" for ending in sorted(graphviz.FORMATS))])


def picture() -> Picture:
    c = Value(2.0, "a") * Value(-3.0, "b")
    c.backward()
    return draw(c)


def is_svg(path: Path) -> bool:
    return path.read_text(encoding="utf-8").startswith("<?xml") and ET.parse(path).getroot().tag.endswith("}svg")


@given(stem=st.sampled_from(["c", "two.parts", "c.svg"]), ending=endings, upper=st.booleans(),
       kind=st.sampled_from([str, Path]),
       how=st.sampled_from(["a path", "a directory", "by keyword"]))
@ONCE
def test_a_file_that_save_writes_holds_what_its_ending_says(tmp_path, stem, ending, upper, kind, how):
    name = stem + (ending.upper() if upper else ending)
    for old in tmp_path.iterdir():
        old.unlink()
    path, shown = tmp_path / name, picture()
    try:
        if how == "a path":
            saved = shown.save(kind(path))
        elif how == "by keyword":
            saved = shown.save(filename=kind(path))
        else:
            saved = shown.save(kind(name), tmp_path)
    except ValueError as error:
        assert ".save_svg(path), or .render(outfile=" in str(error) and name in str(error)
        assert path.suffix.lower() not in ("", ".svg", ".gv", ".dot") and not list(tmp_path.iterdir())
        return
    assert list(tmp_path.iterdir()) == [path] == [Path(saved)]
    if path.suffix.lower() == ".svg":
        assert is_svg(path) and path.read_text(encoding="utf-8") == shown.svg()
    else:
        assert path.read_text(encoding="utf-8") == shown.source
        assert path.suffix.lower() not in (".png", ".pdf", ".jpg", ".gif", ".ps", ".eps", ".webp", ".json")


def test_save_without_a_name_is_that_of_graphviz(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(picture().save()).read_text(encoding="utf-8") == picture().source


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "PNG"])
def test_render_does_not_put_dot_text_under_the_name_of_a_picture(tmp_path, ending):
    shown = picture()
    with pytest.raises(ValueError, match=rf"write \.render\(outfile='.*c\.{ending}'\)"):
        shown.render(tmp_path / f"c.{ending}")
    assert not list(tmp_path.iterdir())
    path = Path(shown.render(outfile=tmp_path / "c.svg", cleanup=True))
    assert list(tmp_path.iterdir()) == [path] and is_svg(path)


@pytest.mark.parametrize("shown", [picture(), draw(MLP(2, [3, 1], seed=0))], ids=repr)
def test_a_rendered_picture_is_laid_out_as_a_saved_one(tmp_path, shown):
    rendered = ET.parse(shown.render(outfile=tmp_path / "c.svg")).getroot()
    saved = ET.fromstring(shown.svg())
    assert [rendered.get(size) for size in ("width", "height", "viewBox")] == [
        saved.get(size) for size in ("width", "height", "viewBox")]


@pytest.mark.parametrize("path", [b"c.svg", 3, 2.5, ["c.svg"], object()])
def test_a_name_that_is_no_path_is_told(path):
    for write in (picture().save, picture().render):
        with pytest.raises(TypeError, match="filename must be a str or a pathlib.Path; got"):
            write(path)


@given(count=st.integers(1, 400))
@settings(deadline=None, max_examples=10)
def test_in_a_terminal_a_picture_says_what_it_is_of_and_how_to_see_it(count):
    value = Value(0.5)
    for _ in range(count - 1):
        value = value.sin()
    told = ".save_svg(path), then open it in a browser>"
    assert repr(draw(value)) == f"<Picture of {count} value{'s' * (count > 1)}: {told}"
    assert repr(draw(MLP(2, [3, 1], seed=0))) == f"<Picture of {MLP(2, [3, 1], seed=0)}: {told}"
    assert repr(Picture()) == f"<Picture: {told}"
