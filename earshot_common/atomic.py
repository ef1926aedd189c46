"""Atomic files and folders: they change from old to new in one step, even if the writing process is interrupted.

Data is written to `.<name>.<random>.tmp` beside the target, while the lock file `.<name>.<random>.lock` is held. When
complete, it is synchronised to the disk and takes the target's name: by one rename or, if a folder is replaced, by one
exchange of two names. Leftovers of crashed writers are removed by the next writer of the same target.

Systems without such locks leave leftovers there; systems that cannot exchange two folders (Windows among them) refuse
to replace one.
"""

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from earshot_common.locks import lock_file

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class WriteError(Exception):
    """A file or folder cannot be written: the message says which, why, and what to do."""


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to the file `path` as `atomic_file` does, and raise what that raises."""
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to; it becomes the file `path` when the block ends without an exception.

    After an exception, an existing file is unchanged. A replaced file's permissions are kept. A symbolic link stays a
    link, and its target is replaced. Raises WriteError if `path` exists and is not a regular file, and for each
    OSError, in the block as well: the disk is full, or not writable.
    """
    with write_errors(path):
        target = Path(os.path.realpath(path))
        mode = _mode_of(target)
        with _work_beside(target) as work:
            handle = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            try:
                with os.fdopen(handle, "wb", closefd=False) as file:
                    yield file
                if mode is not None:
                    work.chmod(mode)
                os.fsync(handle)
            finally:
                os.close(handle)
            work.replace(target)
        _sync_folder(target.parent)


@contextlib.contextmanager
def atomic_folder(path: Path, check: Callable[[], None]) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes the folder `path` when the block ends, and is removed on an exception.

    The block synchronises its files to the disk. Missing parents of `path` are created.
    check: called before the block and again after it, to raise an error if the folder at `path` may not be replaced.
    Raises WriteError if a folder cannot be replaced in one step on this system, and for each OSError.
    """
    target = path.absolute()
    with write_errors(path):
        check()
        target.parent.mkdir(parents=True, exist_ok=True)
        with _work_beside(target) as work:
            work.mkdir()
            yield work
            _sync_folder(work)
            check()  # again: another process may have written there meanwhile
            _put_in_place(work, target)
            _sync_folder(target.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what crashed writers of `path` left beside it; a running writer holds its lock, and keeps its files."""
    hidden = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}")
    found = [file for file in path.absolute().parent.iterdir() if file.suffix in {".tmp", ".lock"}]
    for work in {file.with_suffix(".tmp") for file in found if hidden.fullmatch(file.stem)}:
        # OSError: its writer is running or has just finished, or it may not be removed.
        with contextlib.suppress(OSError), lock_file(work.with_suffix(".lock")) as locked:
            if locked:
                _remove(work)


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn each OSError in the block into a WriteError that names `path` and says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            advice = "there is not enough room on its disk: free some, or choose another folder"
        elif isinstance(error, FileNotFoundError | NotADirectoryError):
            advice = "its folder does not exist: make it first"
        else:
            advice = "check that its folder is writable, or choose another one"
        raise WriteError(f"cannot write {path}: {error.strerror or error}; {advice}") from error


@contextlib.contextmanager
def _work_beside(target: Path) -> Iterator[Path]:
    """Yield the path of a temporary file or folder, and remove it at the end if it still exists."""
    remove_leftovers(target)
    with contextlib.ExitStack() as stack:
        while True:
            work = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
            with contextlib.suppress(BlockingIOError):  # another writer holds this lock for a moment
                stack.enter_context(lock_file(work.with_suffix(".lock")))
                break
        try:
            yield work
        finally:
            with contextlib.suppress(OSError):  # the next writer removes it
                _remove(work)  # unfinished work, or the folder that was replaced


def _remove(work: Path) -> None:
    """Remove a file or a folder, but not a symbolic link."""
    mode = work.lstat().st_mode
    if stat.S_ISDIR(mode):
        shutil.rmtree(work, ignore_errors=True)
    elif stat.S_ISREG(mode):
        work.unlink()


def _mode_of(target: Path) -> int | None:
    """Return the permissions of the file to be replaced, or None if there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise WriteError(f"{target} is not a regular file, so it is not replaced: choose another path")
    return stat.S_IMODE(mode)


def _put_in_place(work: Path, target: Path) -> None:
    if not target.exists():
        work.rename(target)  # fails if another process has just written files there
    elif not _exchange(work, target):
        raise WriteError(
            f"{target} cannot be replaced in one step on this system or disk, and in two steps it might be lost: "
            "remove it first, or choose another folder"
        )


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system or the disk cannot."""
    if sys.platform == "win32":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    exchange_flag = 2  # both RENAME_EXCHANGE on Linux and RENAME_SWAP on macOS
    if sys.platform == "darwin":
        failed = libc.renamex_np(*paths, exchange_flag)
    elif hasattr(libc, "renameat2"):
        here = -100  # AT_FDCWD: paths are as the process sees them
        failed = libc.renameat2(here, paths[0], here, paths[1], exchange_flag)
    else:
        return False
    code = ctypes.get_errno()
    if failed and code not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV}:
        raise OSError(code, os.strerror(code), str(other))
    return not failed


def _sync_folder(folder: Path) -> None:
    """Synchronise a folder's entries to the disk, against power failures. Windows has no such operation."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
