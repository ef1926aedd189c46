"""Disk space that downloading and converting AudioSet needs, checked beforehand.

The disk is fullest when the last file of the dataset is written. Then it holds

- the download: for `full` the archive, for `balanced` the shards of the two small splits (`resume`);
- the staging files (`staging`): per clip the sum of its frames, the frames if they are stored, and a table row;
- the dataset (docs/FORMAT.md): per clip its feature, its frames if they are stored, and a compressed table row.

Sizes of features and frames follow from the format. Sizes that depend on content are means over the 32,331 real clips
of `bal_train` and `eval` (tests/data_prep/audioset/test_disk_space.py measures them); a compressing file system may
need less.
"""

import shutil
from collections.abc import Callable
from math import ceil, floor
from pathlib import Path

from data_prep.arrays import FeatureDtype
from data_prep.errors import OutputError

# Bytes per clip.
_SUM = 128 * 2
_FEATURE = {"float32": 128 * 4, "float16": 128 * 2, "uint8": 128}
_FRAMES = 10 * 128
_STAGED_ROW = 71
_TABLE_ROW = 31
_INDEX_ROW = 32 * 8 + 8  # of hash tables with norms, saved when the staging files are gone
_IN_SHARDS = 1_628  # with the padding of tar

PUBLISHED_CLIPS = {"balanced": 42_531, "full": 2_084_320}
_ARCHIVE_BYTES = 2_400_000_000


def published_bytes(subset: str) -> tuple[int, int]:
    """Return the bytes that a subset of the published size needs: for its download, and for its conversion."""
    n_clips = PUBLISHED_CLIPS[subset]
    download = shard_bytes(n_clips) if subset == "balanced" else _ARCHIVE_BYTES
    return download, conversion_bytes(n_clips, frames=False)


def conversion_bytes(n_clips: int, dtype: FeatureDtype = "float32", *, frames: bool) -> int:
    """Return the bytes that converting `n_clips` needs in addition to the download."""
    stored = _FRAMES if frames else 0
    return n_clips * (_SUM + stored + _STAGED_ROW + _FEATURE[dtype] + stored + _TABLE_ROW)


def kept_bytes(n_clips: int) -> int:
    """Return the bytes of a dataset of `n_clips` in float32 without frames, with the index of a large one."""
    from data_prep.dataset.indexes import MIN_ROWS  # needs an extra, and `python -m data_prep --help` does not

    return n_clips * (_FEATURE["float32"] + _TABLE_ROW + (_INDEX_ROW if n_clips >= MIN_ROWS else 0))


def shard_bytes(n_clips: int) -> int:
    """Return the bytes that the shards of `n_clips` take."""
    return n_clips * _IN_SHARDS


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk of an existing folder."""
    return shutil.disk_usage(folder).free


def check_disk_space(folder: Path, download: int, conversion: int) -> None:
    """Raise OutputError where `download` more bytes, and `conversion` bytes to convert them, do not fit on the disk."""
    free = free_bytes(folder)
    if free >= download + conversion:
        return
    to_download = f"{format_bytes(download)} are still to be downloaded, and " if download else ""
    raise OutputError(
        f"there is not enough space on the disk of {folder.parent}: {to_download}{format_bytes(conversion)} are needed "
        f"while the clips are converted, and {format_bytes(free, floor)} are free; free "
        f"{format_bytes(download + conversion - free)} more, or choose a folder on another disk, and run it again: it "
        "continues where it stopped"
    )


def format_bytes(n_bytes: int, rounded: Callable[[float], int] = ceil) -> str:
    """Return a size as text, in GB to one decimal or in whole MB; `rounded` rounds (default: up)."""
    return f"{rounded(n_bytes / 1e8) / 10:,.1f} GB" if n_bytes >= 1e9 else f"{rounded(n_bytes / 1e6):,} MB"
