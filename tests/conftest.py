"""What all tests share: in CI nothing is skipped, `--hypothesis-profile=long` searches longer, pages are opened."""

import os

import pytest
from tests.browser import Browser, find_chromium
from hypothesis import Phase, settings

pytest.register_assert_rewrite("tests.compiler.scalar_code", "tests.pictures.read_back")
settings.register_profile("default", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.register_profile("mutants", deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True)
settings.load_profile("default")


def pytest_collection_modifyitems(items):
    """Tests that fork come first: once JAX or a browser is there, so are threads, and a fork has none of them."""
    items.sort(key=lambda item: "forks" not in item.keywords)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must run: {report.longrepr}"


@pytest.fixture(scope="session")
def browser():
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on the PATH: apt install chromium")
    with Browser(program) as running:
        yield running


@pytest.fixture
def opened(browser):
    """A function that opens a page; at the end each must have said nothing, and asked for nothing but itself."""
    tabs = []

    def open_page(page, address="", **looks):
        tabs.append(browser.open(page.html, address, **looks))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        assert tab.messages == []
        assert all(url.startswith(("file:", "about:", "data:")) for url in tab.requests), tab.requests
        assert {url.split("#")[0] for url in tab.requests if url.startswith("file:")} == {tab.page.resolve().as_uri()}
        tab.close()
