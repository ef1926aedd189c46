"""A folder that appears whole or not at all, whatever kills the process that makes it.

The work happens in a hidden folder beside the target, `.<name>.<random>.tmp`, locked while its maker lives. When
complete, every file is on disk before the folder takes the target's name: one rename, or, where something is
replaced, one exchange of two names. Only a prepared dataset is ever replaced. Folders of dead makers are removed by the
next one. POSIX only.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from data_prep.errors import OutputError
from data_prep.schema import FORMAT, MANIFEST

_CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what systems leave in folders that were looked at


@contextlib.contextmanager
def new_folder(target: Path, *, overwrite: bool = False, with_all: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes `target` when the block ends well, and vanishes when it does not.

    with_all: the block takes over all that `target` holds, so whatever that is may be replaced.
    Raises OutputError when `target` exists (unless it may be overwritten, see `check_target`), or when its disk is full
    or not writable.
    """
    target = target.absolute()
    with as_output_error(target):
        if not with_all:
            check_target(target, overwrite=overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _open_folder(target.parent) as parent:
            fcntl.flock(parent, fcntl.LOCK_EX)  # or others might take our work for dead before it is locked
            _remove_dead_work(target)
            work = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
            work.mkdir()
            lock = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield work
            _sync(work)
            if not with_all:
                check_target(target, overwrite=overwrite)  # again, as others may have come meanwhile
            _put_in_place(work, target)
            _sync(target.parent)
        finally:
            os.close(lock)
            shutil.rmtree(work, ignore_errors=True)  # what is left under this name: failed work, or the replaced folder


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a target that exists; with `overwrite`, refuse what is not a prepared dataset and nothing more.

    An empty folder may be replaced, too. Raises OutputError.
    """
    if not is_text(target):
        raise OutputError(f"{str(target)!a} is not valid UTF-8: choose another name")
    with as_output_error(target):
        if not os.path.lexists(target):
            return
        if target.is_symlink() or not target.is_dir():
            raise OutputError(f"{target} is not a folder, so it is not replaced: remove it or choose another folder")
        foreign = _foreign(target)
        if foreign:
            raise OutputError(f"{target} exists already and {foreign}, so it is not replaced: choose another folder")
        if not overwrite:
            raise OutputError(f"{target} exists already: choose another folder, or pass --overwrite to replace it")


def _foreign(folder: Path) -> str:
    """Say what in a folder would be lost with it that no prepared dataset holds; nothing where it may go."""
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if entry.name not in _CLUTTER or entry.is_dir()}
    if not names:
        return ""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = set(manifest["files"]) if manifest["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        files = None
    if files is None:
        return "is no prepared dataset"
    foreign = sorted(name for name in names - {MANIFEST} if name not in files or (folder / name).is_dir())
    return f"holds more than a dataset ({', '.join(map(ascii, foreign[:3]))})" if foreign else ""


def is_text(path: str | Path) -> bool:
    """Tell whether a path is valid UTF-8, as tables and manifests need it; names on a disk may be anything."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def remove_dead_work(target: Path) -> None:
    """Give the disk back what makers of `target` left there when they were killed; a new one does that, too."""
    target = target.absolute()
    with as_output_error(target), _open_folder(target.parent) as parent:
        fcntl.flock(parent, fcntl.LOCK_EX)  # or what is not locked yet might be taken for dead
        _remove_dead_work(target)


def write_file(path: Path, data: bytes) -> None:
    """Write one file and wait until it is on disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(work: Path, target: Path) -> None:
    if not target.exists():
        work.rename(target)  # fails, and so replaces nothing, where somebody else has meanwhile put files
    elif not _exchange(work, target):
        raise OutputError(
            f"the disk of {target} cannot exchange two folders in one step, so replacing it might lose it: "
            "remove it first, or choose another folder"
        )


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system or the disk cannot."""
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


def _remove_dead_work(target: Path) -> None:
    """Remove work on this target whose makers died; a living maker holds the lock on its folder."""
    for work in target.parent.iterdir():
        if not (work.name.startswith(f".{target.name}.") and work.name.endswith(".tmp")):
            continue
        # BlockingIOError: its maker lives. FileNotFoundError: its maker has just finished.
        with contextlib.suppress(BlockingIOError, FileNotFoundError), _open_folder(work) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(work, ignore_errors=True)


def _sync(folder: Path) -> None:
    with _open_folder(folder) as handle:
        os.fsync(handle)


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def as_output_error(target: Path) -> Iterator[None]:
    """Turn a failed write into an OutputError that names the target; a failed read is its reader's to explain."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            advice = "there is not enough room on its disk: free some, or choose another folder"
        else:
            advice = "check that the folder is writable, or choose another one"
        raise OutputError(f"cannot write {target}: {error.strerror or error}; {advice}") from error
