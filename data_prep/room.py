"""Whether a disk has room for AudioSet: reckoned before gigabytes come, not found out when they have come.

The disk is fullest when the last file of the dataset is written. Then it holds

- what was downloaded: for `full` the archive, for `balanced` the shards of the two small splits (`data_prep.kept`);
- every clip as it waits (`data_prep.staging`): the sum of its frames, these if they are kept, a row of its columns;
- the dataset (docs/FORMAT.md): its feature, its frames if they are kept, and a row of a compressed table.

Features and frames have the sizes that the format gives them. What depends on content is the mean over the 32,331 real
clips of `bal_train` and `eval` that were measured: a file system that compresses may take less.
"""

import shutil
from collections.abc import Callable
from math import ceil, floor
from pathlib import Path

from data_prep.errors import OutputError

_SUM = 128 * 2  # bytes
_FEATURE = 128 * 4
_FRAMES = 10 * 128
_WAITING_ROW = 71
_TABLE_ROW = 31
_SHARDS = 1_628  # of a clip, with the padding of tar


_CLIPS = {"balanced": 42_531, "full": 2_084_320}  # as AudioSet's page says, and so
_ARCHIVE = 2_400_000_000  # bytes


def to_make(subset: str) -> tuple[int, int]:
    """Return how many bytes a subset takes as published: what is kept of the download, and what converting it needs."""
    n_clips = _CLIPS[subset]
    return of_shards(n_clips) if subset == "balanced" else _ARCHIVE, while_converting(n_clips, frames=False)


def while_converting(n_clips: int, *, frames: bool) -> int:
    """Return how many bytes `n_clips` take at the end of their conversion, beside what was downloaded."""
    kept = _FRAMES if frames else 0
    return n_clips * (_SUM + kept + _WAITING_ROW + _FEATURE + kept + _TABLE_ROW)


def of_shards(n_clips: int) -> int:
    """Return how many bytes the shards of `n_clips` take."""
    return n_clips * _SHARDS


def free(folder: Path) -> int:
    """Return how many bytes may still be written to the disk of a folder that exists."""
    return shutil.disk_usage(folder).free


def check_room(folder: Path, to_come: int, to_write: int) -> None:
    """Raise OutputError where `to_come` bytes of a download and `to_write` of its conversion do not fit."""
    there = free(folder)
    if there >= to_come + to_write:
        return
    download = f"{said(to_come)} are still to be downloaded, and " if to_come else ""
    lacking = said(to_come + to_write - there)
    raise OutputError(
        f"there is not enough room on the disk of {folder.parent}: {download}{said(to_write)} are needed while the "
        f"clips are converted, and {said(there, floor)} are free; free {lacking} more, or choose a folder on another "
        "disk, and run it again: it carries on"
    )


def said(n_bytes: int, rounded: Callable[[float], int] = ceil) -> str:
    """Put a size into words."""
    return f"{rounded(n_bytes / 1e8) / 10:,.1f} GB" if n_bytes >= 1e9 else f"{rounded(n_bytes / 1e6):,} MB"
