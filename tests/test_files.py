"""Files: whole or not at all, whatever fails on the way."""

import errno
import os
from pathlib import Path

import pytest

from micrograd2.files import write_whole


@pytest.fixture
def note(tmp_path):
    """A file with something in it that must not be lost, alone in its folder."""
    path = tmp_path / "note.txt"
    path.write_text("old")
    return path


def failing(error):
    def fail(*args, **kwargs):
        raise error
    return fail


def assert_untouched(path, text="old"):
    assert os.listdir(path.parent) == [path.name]
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", "new", "∂C/∂w\n", "a\r\nb\nc\r", "x" * 10 ** 6])
def test_what_is_written_is_there_byte_for_byte_and_nothing_else(note, text):
    assert write_whole(note, text) == note
    assert note.read_bytes() == text.encode()
    assert os.listdir(note.parent) == ["note.txt"]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_may_be_text_or_a_path_and_the_file_may_be_new(tmp_path, kind):
    path = tmp_path / "new.txt"
    assert write_whole(kind(path), "new") == path
    assert path.read_text() == "new"


def test_a_relative_path_is_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("new.txt", "new")
    assert (tmp_path / "new.txt").read_text() == "new"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_a_failure_leaves_the_old_file_and_no_other(note, monkeypatch, step, error):
    with monkeypatch.context() as broken:
        broken.setattr(step, failing(error))
        with pytest.raises(type(error)):
            write_whole(note, "new")
    assert_untouched(note)
    write_whole(note, "new")
    assert_untouched(note, "new")


@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_a_failure_leaves_nothing_where_nothing_was(tmp_path, monkeypatch, step):
    monkeypatch.setattr(step, failing(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output"):
        write_whole(tmp_path / "note.txt", "new")
    assert os.listdir(tmp_path) == []


def test_text_that_cannot_be_encoded_leaves_the_old_file(note):
    with pytest.raises(UnicodeEncodeError):
        write_whole(note, "new" * 10 ** 6 + "\ud800")
    assert_untouched(note)


def test_the_draft_is_on_the_disk_and_complete_before_it_takes_the_place(note, monkeypatch):
    happened = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(number):
        happened.append(f"{os.fstat(number).st_size} bytes on the disk")
        fsync(number)

    def watched_replace(draft, target):
        happened.append(f"{Path(draft).read_text()} replaces {Path(target).read_text()}")
        assert Path(draft).parent == Path(target).parent
        replace(draft, target)

    monkeypatch.setattr("os.fsync", watched_fsync)
    monkeypatch.setattr("os.replace", watched_replace)
    write_whole(note, "new text")
    assert happened == ["8 bytes on the disk", "new text replaces old"]


def test_a_missing_folder_is_said_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "note.txt", "new")
    assert os.listdir(tmp_path) == []


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError):
        write_whole(folder, "new")
    assert folder.is_dir() and os.listdir(tmp_path) == ["folder"]
