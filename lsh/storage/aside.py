"""A file that changes from old to new in one step, whatever kills the process that writes it.

The bytes go into a hidden file beside the target, `.<name>.<random>.tmp`, locked while its maker lives. When complete
they are forced onto the disk, and the file takes the target's name by one rename. Files of dead makers are removed by
the next one. POSIX only.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from lsh.errors import IndexFileError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Yield a descriptor to write to; what was written becomes the file `path` when the block ends well.

    When it does not, the old file stays as it was, or absent. Raises IndexFileError when the disk is full or not
    writable, or when `path` is there and not a regular file. A link stays a link, and what it points to is replaced.
    """
    with _as_index_file_error(path):
        target = Path(os.path.realpath(path))
        mode = _mode_of(target)
        _remove_dead_work(target)
        work, handle = _create_locked(target)
        try:
            yield handle
            if mode is not None:
                os.fchmod(handle, mode)
            os.fsync(handle)
            work.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                work.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        _sync_folder(target.parent)


def _mode_of(target: Path) -> int | None:
    """Return the permissions of the file to be replaced, or None when there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise IndexFileError(f"{target} is not a regular file, so it is not replaced: choose another path")
    return stat.S_IMODE(status.st_mode)


def _create_locked(target: Path) -> tuple[Path, int]:
    """Create the hidden file and lock it; again, when another saver took it for dead before it was locked."""
    while True:
        work = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
        handle = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with contextlib.suppress(OSError):  # a disk without locks: nobody can take the file for dead there either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return work, handle
        except BaseException:
            os.close(handle)
            work.unlink(missing_ok=True)
            raise
        os.close(handle)


def _remove_dead_work(target: Path) -> None:
    """Remove hidden files for this target whose makers died; a living maker holds the lock on its file."""
    hidden = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\.tmp")
    for work in target.parent.iterdir():
        if hidden.fullmatch(work.name):
            with contextlib.suppress(OSError):  # its maker lives or has just finished, or it is not ours to remove
                handle = os.open(work, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    work.unlink()
                finally:
                    os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Force the new name onto the disk, so that it outlives a power failure."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _as_index_file_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            advice = "there is not enough room on its disk: free some, or choose another folder"
        elif isinstance(error, FileNotFoundError | NotADirectoryError):
            advice = "its folder is not there: make it first"
        else:
            advice = "check that its folder is writable, or choose another one"
        raise IndexFileError(f"cannot write {path}: {error.strerror or error}; {advice}") from error
