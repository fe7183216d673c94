"""What is handed out: the text that a package index shows, where the names of an example come from, the changes."""

import hashlib
import re
import runpy
from pathlib import Path

import pytest

import micrograd2

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
described = runpy.run_path(str(ROOT / "setup.py"))["described"]
TARGET = re.compile(r'(?:src(?:set)?|href)="([^"]*)"|\]\(([^)]*)\)')


def targets(text):
    return ["".join(found) for found in TARGET.findall(text)]


@pytest.mark.parametrize("path", sorted({path for path in targets(README) if "://" not in path}))
def test_every_path_of_the_readme_exists(path):
    assert any((place / path).exists() for place in (ROOT, Path(micrograd2.__file__).parents[1]))


@pytest.mark.parametrize("url", ["", "https://example.org/who/what"])
def test_on_a_package_index_no_link_or_picture_leads_nowhere(url):
    text = described(README, url)
    paths, outside = [path for path in targets(README) if "://" not in path], f"{url}/"
    assert all("://" in path for path in targets(text)) and "<picture>" not in text
    led = {re.sub("^(raw|blob)/HEAD/", "", path[len(outside):]) for path in targets(text) if path.startswith(outside)}
    assert led == ({path for path in paths if "-dark." not in path} if url else set())
    assert [line for line in text.splitlines() if line.startswith(">>>")] == [
        line for line in README.splitlines() if line.startswith(">>>")]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_test_that_is_named_is_where_its_link_leads(page):
    named = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    stands = {name: path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")
              for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert named and {name: path for name, path in named} == {name: stands.get(name) for name, _ in named}


def test_the_names_are_those_whose_source_is_told():
    source = (ROOT / "examples" / "SOURCE.md").read_text(encoding="utf-8")
    names = (ROOT / "examples" / "names.txt").read_bytes()
    assert hashlib.sha256(names).hexdigest() in source and f"{len(names.split()):,} first names" in source


def test_the_newest_changes_are_those_of_this_version():
    versions = re.findall("^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == micrograd2.__version__
