"""Files are written whole or not at all: into a draft beside the target, which then takes its place.

A draft is called `.{name}.{16 hex digits}.part`, and its writer holds a lock on it. The lock dies with the writer, so a
draft that nobody holds was left by one that was killed, and the next writer of that name removes it.

Left out: the owner and the other hard links of a file that is replaced. After a power cut the old file may be back,
whole.
"""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .given import place

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

DAY = 24 * 60 * 60


def write_whole(path: str | os.PathLike[str], text: str) -> Path:
    """Write `text` to `path` in UTF-8. If anything fails, what was there before is still there, whole.

    Through a link, the file it leads to is written, and the link stays. A file that is replaced keeps its permissions.
    Before anything is written, TypeError for what is no path, and OSError where the folder is missing, and where a
    folder, a device or a file that may not be written is in the way.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_whole(path, "∂C/∂w").read_text(encoding="utf-8")
    '∂C/∂w'
    """
    target = Path(os.path.realpath(Path(place("path", path))))
    permissions = permissions_at(target)
    _remove_abandoned(target)
    with _new_draft(target) as draft:
        with open(draft, "w", encoding="utf-8", newline="\n") as file:
            if permissions is not None:  # before there is anything to read
                os.chmod(draft, permissions)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    return Path(path)


def permissions_at(target: Path) -> int | None:
    """The permissions of the file that is to be replaced, None for a new file; OSError if neither can be written."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such folder: make it first", str(target.parent)) from None
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, expected the name of a file", str(target))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "a device or a pipe, which cannot be replaced by a file", str(target))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file may not be written: change its permissions first", str(target))
    return stat.S_IMODE(mode)


@contextmanager
def _new_draft(target: Path) -> Iterator[Path]:
    """An empty file beside `target`, held until the end, when it is gone."""
    while True:
        draft = target.with_name(f".{_stem(target)}.{secrets.token_hex(8)}.part")
        try:
            with open(draft, "x") as held:
                if fcntl:
                    with suppress(OSError):  # some network disks know no locks, and no one removes drafts there
                        fcntl.flock(held, fcntl.LOCK_EX)
                else:
                    held.close()  # what is open on Windows cannot take another's place
                if draft.exists():  # no one took it for abandoned in the moment before the lock
                    yield draft
                    return
        finally:
            draft.unlink(missing_ok=True)


def _remove_abandoned(target: Path) -> None:
    """Remove every draft of `target` that no living writer holds. What cannot be looked at or removed stays."""
    ours = re.compile(rf"\.{re.escape(_stem(target))}\.[0-9a-f]{{16}}\.part")
    with suppress(OSError):
        for name in os.listdir(target.parent):  # in one call: an interrupted iterdir would leave the folder open
            draft = target.parent / name
            if ours.fullmatch(name) and draft.is_file():
                with suppress(OSError), open(draft, "rb") as file:
                    if fcntl:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    elif time.time() - draft.stat().st_mtime < DAY:
                        continue
                    draft.unlink()


def _stem(target: Path) -> str:
    """The name of `target`, so short that the name of a draft is never too long for the disk."""
    return target.name[:40]
