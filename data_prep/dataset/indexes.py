"""Index files of a dataset, in its folder `indexes`: `python -m lsh` builds and checks them, in a process of its own.

The manifest does not list them: each names in its file name the features that it was built on, by the first digits of
their sha256, and holds checksums of its own. The memory that building takes is free when the process ends.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.tables import is_table_copy
from data_prep.errors import OutputError
from data_prep.processes import environment, last_line

if TYPE_CHECKING:
    import os

MIN_ROWS = 50_000  # of an index that is worth a file: fewer clips are indexed in less than a second
_DIGITS = 16  # of the sha256 of the features
_NAME = r"(tables|sketches|graph)-[A-Za-z0-9.+-]+-[0-9a-f]{16}\.lsh"
_FILE = re.compile(rf"{_NAME}(\.unusable)?|\.{_NAME}\.[0-9a-f]{{8}}\.(tmp|lock)")  # or set aside, or being written


def build_default_index(path: Path) -> str | None:
    """Build and save the index that the app opens first, of a dataset of at least `MIN_ROWS` clips; else do nothing.

    One that was carried over from an earlier version of the dataset stays (see `carry_index_over`). The copy of a large
    table is written too, so that the first start is as quick as those that follow. Returns a sentence about what was
    saved, or None. Raises OutputError where that failed: the dataset is complete.
    """
    dataset = open_dataset(path)
    if dataset.n_rows("train") < MIN_ROWS:
        return None
    dataset.find_clip("")
    if carried := index_files(dataset, "tables"):
        return f"its index has {carried[0].stat().st_size / 1e6:,.1f} MB; only clips that are new were hashed for it"
    report, message = _run("build", path)
    if "bytes" not in report:
        raise OutputError(f"{path} is complete, but its index was not saved{message}; the app builds it when it starts")
    return f"its index has {report['bytes'] / 1e6:,.1f} MB and took {report['build_s']:.1f} s"


def carry_index_over(before: Dataset, path: Path) -> None:
    """Save the index that the app opens first, of a dataset at `path`, made of that of an earlier version.

    Nothing is saved where there is none, or it does not fit any more (see `lsh.storage.carrying`).
    """
    if index_files(before, "tables"):
        _run("build", path, "--earlier", str(before.path.resolve()))


def problems_of_indexes(dataset: Dataset) -> list[str]:
    """Return what is wrong with the index files of a dataset, one sentence each, after reading every byte of them."""
    if not any(dataset.indexes.glob("*.lsh")):
        return []
    report, message = _run("verify", dataset.path)
    found: list[str] = report.get("problems", [f"its index files cannot be checked{message}"])
    return found


def index_files(dataset: Dataset, *kinds: str) -> list[Path]:
    """Return the dataset's index files of some kinds, by default all, sorted: those of its present features."""
    found = dataset.indexes.glob("*.lsh")
    return sorted(path for path in found if is_index_of(dataset.sha256("train"), path.name, *kinds))


def is_index_of(features_sha256: str, name: str, *kinds: str) -> bool:
    """Return whether a file of this name holds an index, of one of some kinds, of features with this sha256."""
    found = re.fullmatch(_NAME, name)
    return found is not None and found[1] in (kinds or found[1]) and name.endswith(f"-{features_sha256[:_DIGITS]}.lsh")


def is_index_file(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry of the folder of indexes is an index or a table's copy, complete or not, or set aside."""
    is_own = _FILE.fullmatch(entry.name) is not None or is_table_copy(entry.name)
    return is_own and entry.is_file(follow_symlinks=False)


def _run(command: str, path: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Run a command of `lsh` on a dataset; return its report, and ": " with the last line of its messages.

    The report is empty where the command failed.
    """
    words = [sys.executable, "-m", "lsh", command, str(path.resolve()), *options, "--json"]
    with TemporaryFile() as messages:
        done = subprocess.run(
            words, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages, check=False
        )
        try:
            return json.loads(done.stdout), ""
        except ValueError:
            return {}, last_line(messages)
