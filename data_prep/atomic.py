"""The folder that a dataset is written to: it appears whole or not at all, and replaces nothing but a dataset."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from data_prep.errors import OutputError
from data_prep.schema import FORMAT, MANIFEST
from earshot_common.atomic import WriteError, atomic_folder, write_errors

_CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what systems leave in folders that were looked at


@contextlib.contextmanager
def new_folder(target: Path, *, overwrite: bool = False, with_all: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes `target` when the block ends well, and vanishes when it does not.

    with_all: the block takes over all that `target` holds, so whatever that is may be replaced.
    Raises OutputError when `target` exists (unless it may be overwritten, see `check_target`), or when its disk is full
    or not writable.
    """

    def check() -> None:
        if not with_all:
            check_target(target, overwrite=overwrite)

    with as_output_error(target), atomic_folder(target, check) as folder:
        yield folder


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


@contextlib.contextmanager
def as_output_error(target: Path) -> Iterator[None]:
    """Turn a failed write into an OutputError that names the target; a failed read is its reader's to explain."""
    try:
        with write_errors(target):
            yield
    except WriteError as error:
        raise OutputError(str(error)) from error
