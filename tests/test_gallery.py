"""The gallery that is committed: every link opens, it is small enough, and made by the code that is here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.player.test_instruments import settle

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "index.html"
WIDTHS = (400, 880, 1600)


def links(page: Path) -> list[Path]:
    text = page.read_text(encoding="utf-8")
    return [page.parent / link for link in re.findall(r'(?:href|src|srcset)="([^"]*)"', text) if link != "data:,"]


def pages() -> list[Path]:
    return [link for link in links(INDEX) if link.suffix == ".html"]


def test_all_that_is_linked_is_there_and_nothing_else():
    assert len(pages()) == 7 and all("://" not in str(link) for link in links(INDEX))
    assert {link.resolve() for link in links(INDEX)} == set((DOCS / "gallery").resolve().iterdir())


def test_the_gallery_is_at_most_six_megabytes():
    assert sum(path.stat().st_size for path in [INDEX, *(DOCS / "gallery").iterdir()]) <= 6_000_000


def visited(browser: Any, page: Path, dark: bool) -> Any:
    """A tab in which a page was seen at every width; it said nothing, and asked for nothing but files beside it."""
    tab = browser.open(page, dark=dark, calm=True)
    for width in WIDTHS:
        tab.size(width, 800)
        tab.visit()
        settle(tab)
        assert tab.run("document.documentElement.scrollWidth <= innerWidth"), width
        assert tab.run("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.messages == []
    assert all(url.startswith(("about:", "data:", DOCS.resolve().as_uri())) for url in tab.requests), tab.requests
    return tab


def test_the_cards_can_be_seen_and_reached_by_keyboard(browser):
    tab = visited(browser, INDEX, dark=True)
    found = []
    for _ in pages():
        tab.key("Tab")
        found.append(tab.run("document.activeElement.getAttribute('href')"))
    assert [DOCS / link for link in found] == pages()
    assert tab.run("[...document.querySelectorAll('a')].every(a => a.textContent.trim().length > 40)")
    tab.close()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_link_opens_a_page_that_plays(browser, page):
    tab = visited(browser, page, dark=pages().index(page) % 2 == 1)
    tab.run("document.activeElement.blur()")
    tab.key("End")
    last = tab.run("Number(document.querySelector('#scrub').max)")
    assert last > 8 and tab.run("page.player.step") == last and tab.run("document.querySelector('#stage svg') !== null")
    assert tab.messages == []
    tab.close()


def skeleton(thing: Any) -> Any:
    """What data consists of, whatever its numbers are, and however many there are of a kind."""
    if isinstance(thing, dict):
        return {key: skeleton(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return sorted({json.dumps(skeleton(part), sort_keys=True) for part in thing})
    return type(thing).__name__ if not isinstance(thing, (int, float)) else "number"


def parts(page: Path) -> tuple[str, Any]:
    """The text of a page without its data, and what these consist of."""
    before, data, after = re.split(r'(?<=<script id="data" type="application/json">)(.*)(?=</script>\n<script)',
                                   page.read_text(encoding="utf-8"))
    return before + after, skeleton(json.loads(data))


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    """The same gallery, made by the code that is here, with hardly any training."""
    folder = tmp_path_factory.mktemp("gallery")
    subprocess.run([sys.executable, str(ROOT / "examples" / "gallery.py"), "--epochs", "1", "--without-pictures",
                    "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def test_what_is_committed_is_what_the_code_here_makes(anew):
    told = "docs/ is older than the code: run python examples/gallery.py --out docs"
    assert (anew / "index.html").read_text(encoding="utf-8") == INDEX.read_text(encoding="utf-8"), told
    for page in pages():
        assert parts(page) == parts(anew / "gallery" / page.name), (page.name, told)


def test_the_readme_begins_with_the_gallery():
    first = re.search(r"\]\(([^)]*)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert first[1] == "docs/index.html"
