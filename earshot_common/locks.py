"""Lock files that exist only while they are held, on every system that the library filelock supports."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor

_OPEN_FILES_STAY = os.name == "nt"  # Windows removes no file that is open


def try_lock(handle: int, *, wait: bool = False) -> bool | None:
    """Lock an open file for this handle alone, until it is closed.

    Returns True when it is locked, False when another handle holds it (unless `wait`), and None where the system or
    the disk has no locks.
    """
    try:
        return lock_descriptor(handle, blocking=wait)
    except OSError:
        return None


@contextlib.contextmanager
def lock_file(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Create the file `path`, hold its lock and remove it; a file left by another process is reused.

    Yields True, or False where the system or the disk has no locks: then other processes are not excluded. Raises
    BlockingIOError when another process holds the lock (unless `wait`), and OSError when the file cannot be created.
    """
    handle, locked = _take(path, wait=wait)
    try:
        yield locked
    finally:
        try:
            _remove(path)  # before the lock is released: later, the file may be another process's
        finally:
            os.close(handle)
            if _OPEN_FILES_STAY:
                _remove(path)


def _take(path: Path, *, wait: bool) -> tuple[int, bool]:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        keep = False
        try:
            locked = try_lock(handle, wait=wait)
            # Not the file at `path` any more if its holder removed it between opening and locking.
            keep = locked is not False and _is_at(handle, path)
        finally:
            if not keep:
                os.close(handle)
        if locked is False:
            raise BlockingIOError(errno.EAGAIN, "another process holds its lock", str(path))
        if keep:
            return handle, bool(locked)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # the next process reuses it
        path.unlink()
