"""A `dot` to draw with: every one that this machine has, in turn; and a machine without any."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.pictures.read_back import DOTS

NO_DOT = pytest.param("", marks=pytest.mark.skip(reason="no dot: apt install graphviz, or pip install graphviz-pure"))


@pytest.fixture(params=list(DOTS) or [NO_DOT])
def a_dot(request, tmp_path, monkeypatch) -> str:
    """The name of the only `dot` on the PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / request.param).symlink_to(DOTS[request.param])
    monkeypatch.setenv("PATH", str(folder))
    return request.param


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """A machine without any `dot`: an empty folder is the PATH, the interpreter's folder, and that of its scripts."""
    empty = tmp_path / "nowhere"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(sys, "executable", str(empty / "python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(empty))
    return empty
