"""Files: whole or not at all, whatever fails on the way and whoever else writes there."""

import errno
import os
import random
import shutil
import signal
import stat
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from micrograd2 import MLP, files
from micrograd2.files import write_whole

resource = pytest.importorskip("resource", reason="processes are forked and killed here, which Windows cannot do")
pytestmark = pytest.mark.forks

DRAFT = ".note.txt.0123456789abcdef.part"
NOBODY = 65534


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


def start(work):
    """Do the work in a process of its own, which starts as a copy of this one."""
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


def succeeded(pid):
    return os.waitpid(pid, 0)[1] == 0


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


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


def test_a_full_disk_leaves_the_old_file_and_no_other(note):
    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        with pytest.raises(OSError, match="File too large"):
            write_whole(note, "new" * 10_000)
        assert_untouched(note)
        write_whole(note, "new")

    assert succeeded(start(work))
    assert_untouched(note, "new")


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # that was just being opened: dropped, it is closed
def test_ctrl_c_at_any_moment_leaves_a_whole_file(note):
    texts = [letter * 50_000 for letter in "ab"]

    def interrupt(*_):
        raise KeyboardInterrupt

    rng, before = random.Random(0), signal.signal(signal.SIGALRM, interrupt)
    write_whole(note, texts[0])
    try:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 5e-3))
                while True:
                    write_whole(note, texts[1])
                    write_whole(note, texts[0])
            assert note.read_text() in texts
    finally:
        signal.signal(signal.SIGALRM, before)
    write_whole(note, "new")
    assert_untouched(note, "new")


# What the path leads to

def test_a_missing_folder_is_said_and_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder: make it first: .*nowhere'"):
        write_whole(tmp_path / "nowhere" / "note.txt", "new")
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_said(note):
    with pytest.raises(NotADirectoryError, match="note.txt"):
        write_whole(note / "note.txt", "new")
    assert_untouched(note)


@pytest.mark.parametrize("path", ["folder", "folder/", ".", ""])
def test_a_folder_is_not_replaced_by_a_file(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    with pytest.raises(IsADirectoryError, match="a folder, expected the name of a file"):
        write_whole(path, "new")
    assert os.listdir() == ["folder"] and os.path.isdir("folder")


def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        write_whole(tmp_path / "pipe", "new")
    assert os.listdir(tmp_path) == ["pipe"] and (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("path", [3, 0, True, None, b"note.txt", ["note.txt"]], ids=repr)
def test_what_is_no_path_is_a_type_error(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError):
        write_whole(path, "new")
    assert os.listdir() == []


@pytest.mark.parametrize("name", ["a" * 255, "∂" * 85, "note [1]*?.txt", ".note", "-", "note\n.txt", "🙂" * 63],
                         ids=lambda name: ascii(name[:5]))
def test_any_name_that_the_disk_takes_will_do(tmp_path, name):
    for text in ("new", "newer"):
        write_whole(tmp_path / name, text)
        assert_untouched(tmp_path / name, text)


@pytest.mark.parametrize("links", [{"link": "note.txt"}, {"link": "other", "other": "./note.txt"},
                                   {"link": "sub/link", "sub/link": "../other", "other": "{folder}/note.txt"}])
@pytest.mark.parametrize("there", [True, False])
def test_through_a_link_the_file_it_leads_to_is_written_and_the_link_stays(note, links, there):
    folder = note.parent
    (folder / "sub").mkdir()
    for link, to in links.items():
        (folder / link).symlink_to(to.format(folder=folder))
    if not there:
        note.unlink()
    assert write_whole(folder / "link", "new") == folder / "link"
    assert note.read_text() == "new" and not note.is_symlink()
    for link, to in links.items():
        assert os.readlink(folder / link) == to.format(folder=folder)
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("to, error", [("link", OSError), ("nowhere/note.txt", FileNotFoundError),
                                       ("sub", IsADirectoryError)])
def test_a_link_that_leads_to_no_file_is_said_and_stays(tmp_path, to, error):
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(to)
    with pytest.raises(error):
        write_whole(tmp_path / "link", "new")
    assert os.readlink(tmp_path / "link") == to and sorted(os.listdir(tmp_path)) == ["link", "sub"]


# Who may read and write it

@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o200, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(note, mode):
    note.chmod(mode)
    write_whole(note, "new")
    assert stat.S_IMODE(note.stat().st_mode) == mode
    note.chmod(0o600)
    assert_untouched(note, "new")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_open_would_give(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "new.txt", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o666 & ~mask


def test_a_secret_is_never_readable_in_the_draft(note, monkeypatch):
    modes = []
    note.chmod(0o600)
    monkeypatch.setattr("os.fsync", lambda number: modes.append(stat.S_IMODE(os.fstat(number).st_mode)))
    write_whole(note, "new")
    assert modes == [0o600]


@pytest.fixture
def foreign():
    """A file, alone in a folder, that a user without rights can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    path = folder / "note.txt"
    path.write_text("old")
    path.chmod(0o666)
    yield path
    folder.chmod(0o777)
    shutil.rmtree(folder)


def without_rights(work):
    """A process of its own does the work, not as root, whom permissions do not stop."""
    def drop():
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    return succeeded(start(drop))


def test_a_folder_that_may_not_be_written_is_said_and_the_old_file_stays(foreign):
    def work():
        with pytest.raises(PermissionError):
            write_whole(foreign, "new")
        with pytest.raises(PermissionError):
            write_whole(foreign.parent / "other.txt", "new")

    foreign.parent.chmod(0o555)
    assert without_rights(work)
    assert_untouched(foreign)


def test_a_file_that_may_not_be_written_is_not_replaced(foreign):
    def work():
        with pytest.raises(PermissionError, match="may not be written"):
            write_whole(foreign, "new")

    foreign.chmod(0o444)
    assert without_rights(work)
    assert_untouched(foreign)


def test_a_folder_that_may_not_be_listed_can_be_written(foreign):
    foreign.parent.chmod(0o333)
    assert without_rights(lambda: write_whole(foreign, "new"))
    foreign.parent.chmod(0o777)
    assert_untouched(foreign, "new")


# Several who write

def test_threads_and_processes_that_save_to_one_path_never_show_a_torn_file(note):
    texts = [letter * 20_000 for letter in "abcdefgh"]
    write_whole(note, texts[0])
    done = threading.Event()

    def write(text):
        for _ in range(25):
            write_whole(note, text)

    def read():
        seen = set()
        while not done.is_set():
            seen.add(note.read_text())
        return seen

    with ThreadPoolExecutor(10) as pool:
        others = [start(lambda: write(text)) for text in texts[:2]]
        readers = [pool.submit(read) for _ in range(2)]
        try:
            list(pool.map(write, texts))
        finally:
            done.set()
        assert all(map(succeeded, others))
        assert set().union(*(reader.result() for reader in readers)) <= set(texts)
    assert os.listdir(note.parent) == ["note.txt"]


def test_networks_whose_writers_are_killed_load_and_the_next_one_removes_the_drafts(tmp_path):
    nets = [MLP(2, [8, 1], activation, seed=0) for activation in ("tanh", "relu")]
    path, rng, left = tmp_path / "net.json", random.Random(0), 0

    def work():
        while True:
            nets[1].save(path)
            nets[0].save(path)

    nets[0].save(path)
    for _ in range(50):
        pid = start(work)
        time.sleep(rng.uniform(0.001, 0.02))
        kill(pid)
        assert repr(MLP.load(path)) in map(repr, nets)
        left += len(os.listdir(tmp_path)) - 1
        if rng.random() < 0.5:
            nets[0].save(path)
            assert os.listdir(tmp_path) == ["net.json"]
    nets[0].save(path)
    assert os.listdir(tmp_path) == ["net.json"]
    assert left, "no writer was killed while it had a draft: this has tested nothing"


def stuck(path, reached):
    """What a writer does that never comes to its end: it says so when its draft is on the disk, and waits."""
    def wait(_):
        os.write(reached, b".")
        time.sleep(600)

    def work():
        os.fsync = wait
        write_whole(path, "never")
    return work


def test_the_draft_of_a_living_process_stays_and_goes_when_it_has_been_killed(note):
    said, reached = os.pipe()
    pid = start(stuck(note, reached))
    try:
        os.read(said, 1)
        for digit in "0123456789abcdef":
            note.with_name(f".note.txt.{digit * 16}.part").write_text("left over")
        write_whole(note, "new")
        assert len(os.listdir(note.parent)) == 2, "the abandoned drafts go and the living one stays"
    finally:
        kill(pid)
    write_whole(note.with_name("note.txt.2"), "another name")
    assert len(os.listdir(note.parent)) == 3
    write_whole(note, "newer")
    assert sorted(os.listdir(note.parent)) == ["note.txt", "note.txt.2"] and note.read_text() == "newer"


def test_the_draft_of_another_thread_stays(note, monkeypatch):
    fsync, reached, go_on = os.fsync, threading.Event(), threading.Event()

    def wait(number):
        if threading.current_thread() is not threading.main_thread():
            reached.set()
            go_on.wait()
        fsync(number)

    monkeypatch.setattr("os.fsync", wait)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(write_whole, note, "slow")
        try:
            reached.wait()
            write_whole(note, "fast")
            assert note.read_text() == "fast" and len(os.listdir(note.parent)) == 2
        finally:
            go_on.set()
        slow.result()
    assert_untouched(note, "slow")


def test_a_draft_that_is_taken_for_abandoned_before_it_is_locked_is_made_anew(note, monkeypatch):
    flock, taken = files.fcntl.flock, []

    def late(file, how):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)
        flock(file, how)

    monkeypatch.setattr(files.fcntl, "flock", late)
    write_whole(note, "new")
    assert taken
    assert_untouched(note, "new")


@pytest.mark.parametrize("name", [
    ".note.txt.part", ".note.txt.1234.part", "note.txt.0123456789abcdef.part", ".note.txt.0123456789abcdeg.part",
    ".other.txt.0123456789abcdef.part", ".noteXtxt.0123456789abcdef.part", f"{DRAFT}.txt"])
def test_only_drafts_of_the_same_name_are_removed(note, name):
    note.with_name(name).write_text("mine")
    note.with_name(DRAFT).write_text("left over")
    write_whole(note, "new")
    assert sorted(os.listdir(note.parent)) == sorted([name, "note.txt"])


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_no_draft(note, make):
    make(note.with_name(DRAFT))
    write_whole(note, "new")
    assert sorted(os.listdir(note.parent)) == [DRAFT, "note.txt"]


def test_a_disk_that_knows_no_locks_is_written_and_drafts_stay(note, monkeypatch):
    monkeypatch.setattr(files.fcntl, "flock", failing(OSError(errno.ENOLCK, "No locks available")))
    note.with_name(DRAFT).write_text("perhaps someone's")
    write_whole(note, "new")
    assert sorted(os.listdir(note.parent)) == [DRAFT, "note.txt"] and note.read_text() == "new"


def test_where_the_system_has_no_locks_a_draft_is_closed_before_it_takes_the_place_and_removed_after_a_day(
        note, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    replace = os.replace

    def watched_replace(draft, target):
        assert not [fd for fd in os.listdir("/proc/self/fd")
                    if os.path.realpath(f"/proc/self/fd/{fd}") == str(draft)]
        replace(draft, target)

    monkeypatch.setattr("os.replace", watched_replace)
    draft = note.with_name(DRAFT)
    draft.write_text("perhaps someone's")
    write_whole(note, "new")
    assert sorted(os.listdir(note.parent)) == [DRAFT, "note.txt"]
    os.utime(draft, (time.time() - 2 * files.DAY,) * 2)
    write_whole(note, "newer")
    assert_untouched(note, "newer")
