"""Output folder of a dataset: created atomically, and only a dataset is ever replaced."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from data_prep.dataset.indexes import is_index_file
from data_prep.dataset.schema import FORMAT, INDEXES, MANIFEST
from data_prep.errors import OutputError
from earshot_common.atomic import WriteError, atomic_folder, write_errors

_CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # files that desktops leave in folders


@contextlib.contextmanager
def new_folder(target: Path, *, overwrite: bool = False, with_all: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes `target` when the block succeeds, and is removed when it fails.

    with_all: the block copies every file of `target`, so a folder with other files may be replaced too.
    Raises OutputError when `target` exists (unless it may be overwritten, see `check_target`), or when its disk is full
    or not writable.
    """

    def check() -> None:
        if not with_all:
            check_target(target, overwrite=overwrite)

    with as_output_error(target), atomic_folder(target, check) as folder:
        yield folder


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raise OutputError for a target that exists, unless `overwrite` and it is empty or a dataset and nothing else."""
    if not is_utf8(target):
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
    """Describe what in a folder does not belong to a prepared dataset; "" where the folder may be replaced."""
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
        return "is not a prepared dataset"
    foreign = sorted(
        name for name in names - {MANIFEST, INDEXES} if name not in files or (folder / name).is_dir()
    ) + list(_foreign_indexes(folder / INDEXES))
    return f"holds more than a dataset ({', '.join(map(ascii, foreign[:3]))})" if foreign else ""


def _foreign_indexes(folder: Path) -> Iterator[str]:
    """Yield what does not belong to the folder of a dataset's indexes: the folder itself if it is a file or a link."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        yield INDEXES
    elif folder.exists():
        with os.scandir(folder) as entries:
            others = [entry for entry in entries if not is_index_file(entry)]
        yield from sorted(f"{INDEXES}/{e.name}" for e in others if e.name not in _CLUTTER or e.is_dir())


def is_utf8(path: str | Path) -> bool:
    """Return whether a path is valid UTF-8, as tables and manifests require; file names may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def as_output_error(target: Path) -> Iterator[None]:
    """Convert each OSError in the block, which writes `target`, to an OutputError that names it."""
    try:
        with write_errors(target):
            yield
    except WriteError as error:
        raise OutputError(str(error)) from error
