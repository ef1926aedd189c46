"""Revision of a dataset: a new map, further columns of its clips, or another title; all other files stay."""

import contextlib
import json
import operator
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import BoolArray, Int64Array
from data_prep.dataset.hashed_file import HashedFile
from data_prep.dataset.label_sets import LabelSets
from data_prep.dataset.manifest import manifest_bytes
from data_prep.dataset.output_folder import new_folder
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.schema import (
    CLIPS,
    CLIPS_SCHEMA,
    EXTRA_PREFIX,
    FORMAT_VERSION,
    INDEXES,
    MANIFEST,
    SPLITS,
    problem_of_columns,
)
from data_prep.dataset.tables import parquet_bytes
from data_prep.errors import InputError
from earshot_common.atomic import write_file

# Columns of a label that was taught: bool (null without a mark), and float64.
TAUGHT_PREFIX, SCORE_PREFIX = f"{EXTRA_PREFIX}taught ", f"{EXTRA_PREFIX}score "
_MAX_TITLE = 200
_COMPARED_OTHERWISE = {"row", "first_frame", "labels"}
_BLOCK_ROWS = 16_384  # whose features are compared at a time


class Revision:
    """A copy of a dataset in the making: `write` replaces files, `manifest` holds what the manifest will say."""

    def __init__(self, work: Path, manifest: dict[str, Any]) -> None:
        self._work, self.manifest = work, manifest

    def write(self, name: str, *parts: bytes | np.ndarray[Any, Any]) -> None:
        """Write a file of the dataset, or another one in its place."""
        (self._work / name).unlink(missing_ok=True)  # a hard link: writing to it would change the old dataset
        with HashedFile(self._work / name) as file:
            for part in parts:
                file.write(part)
        self.manifest["files"] = dict(sorted({**self.manifest["files"], name: file.facts}.items()))

    def drop_copies(self, name: str) -> None:
        """Remove the copies of a table that was replaced (see `tables`)."""
        for copy in (self._work / INDEXES).glob(f"{Path(name).stem}-*.arrow"):
            copy.unlink()


@contextlib.contextmanager
def revision(path: Path) -> Iterator[Revision]:
    """Yield a revision of the dataset at `path`, which it replaces in one step when the block succeeds.

    Raises DatasetError if the result is no valid dataset, and OutputError where it cannot be written.
    """
    with new_folder(path, with_all=True) as work:
        unfinished = shutil.ignore_patterns(".*.tmp", ".*.lock")  # an index that is being written
        shutil.copytree(path, work, copy_function=_link, dirs_exist_ok=True, ignore=unfinished)
        revised = Revision(work, json.loads((path / MANIFEST).read_bytes()))
        yield revised
        (work / MANIFEST).unlink()
        write_file(work / MANIFEST, manifest_bytes(revised.manifest))
        open_dataset(work)


def set_columns(path: str | Path, columns: Mapping[str, "pa.Array[Any]"]) -> Dataset:
    """Add columns to the clips of a dataset, or replace those of these names; return the dataset, reopened.

    columns: by name, which begins with `extra_`; a value for each clip, of train, then validation, then test, of a type
    that the format admits. Raises InputError for other columns, DatasetError and OutputError.
    """
    path = Path(path).resolve()
    dataset = open_dataset(path)
    table = pa.concat_tables([dataset.clips(split) for split in SPLITS])
    for name, column in columns.items():
        if len(column) != len(table):
            raise InputError(f"column {name!r} has {len(column):,} values, expected {len(table):,}, one per clip")
        place = table.column_names.index(name) if name in table.column_names else -1
        added: Any = pa.chunked_array([column])
        table = table.append_column(name, added) if place < 0 else table.set_column(place, name, added)
    if problem := problem_of_columns(table.schema, CLIPS_SCHEMA, FORMAT_VERSION):
        raise InputError(f"the table of clips would be invalid: {problem}")
    with revision(path) as revised:
        revised.write(CLIPS, parquet_bytes(table.schema, [table]))
        revised.drop_copies(CLIPS)
        revised.manifest["format_version"] = FORMAT_VERSION
    return open_dataset(path)


def set_title(path: str | Path, title: str) -> Dataset:
    """Give a dataset another title, the name that users see; return it, reopened. Raises InputError, OutputError."""
    path, title = Path(path).resolve(), " ".join(title.split())
    if not 0 < len(title) <= _MAX_TITLE:
        raise InputError(f"the title has {len(title)} characters; expected 1 to {_MAX_TITLE}")
    open_dataset(path)
    with revision(path) as revised:
        revised.manifest["title"] = title
    return open_dataset(path)


@dataclass(frozen=True, slots=True)
class Additions:
    """What a person added to a dataset after it was made: its title, and the columns of labels that were taught."""

    title: str
    columns: pa.Table

    def added_to(self, clips: pa.Table) -> pa.Table:
        """Return the clips of a later version with the columns; clips that the earlier one did not have get null."""
        places: Any = pc.index_in(clips["clip_id"], value_set=self.columns["clip_id"].combine_chunks())
        kept = self.columns.take(places.combine_chunks())
        for name in kept.column_names:
            if name not in clips.column_names:
                clips = clips.append_column(kept.schema.field(name), kept[name])
        return clips


def additions_of(dataset: Dataset) -> Additions:
    """Return the title and the columns of taught labels, to be added when the dataset is made anew."""
    table = pa.concat_tables([dataset.clips(split) for split in SPLITS])
    taught = [name for name in table.column_names if name.startswith((TAUGHT_PREFIX, SCORE_PREFIX))]
    return Additions(dataset.title, table.select(["clip_id", *taught]))


def count_changes(before: Dataset, after: Dataset) -> tuple[int, int]:
    """Return how many clips of a later version are new or differ, and how many of the earlier one are gone.

    Clips with one id in the same split are compared by their features, their labels and all further columns.
    """
    n_changed, n_gone = 0, sum(map(before.n_rows, SPLITS))
    for split in SPLITS:
        ids: Any = before.clips(split)["clip_id"].combine_chunks()
        found: Any = pc.index_in(after.clips(split)["clip_id"].combine_chunks(), value_set=ids)
        rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        places = found.drop_null().to_numpy().astype(np.int64)
        differ = _labels_differ(after, before, split, rows, places)
        own, other = after.clips(split).take(rows), before.clips(split).take(places)
        for name in dict.fromkeys([*own.column_names, *other.column_names]):
            if name not in _COMPARED_OTHERWISE:
                differ |= _unequal(*(table[name] if name in table.column_names else None for table in (own, other)))
        X, earlier = after.features(split), before.features(split)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            same_size = X.shape[1] == earlier.shape[1]
            differ[block] |= (X[rows[block]] != earlier[places[block]]).any(axis=1) if same_size else True
        n_changed += after.n_rows(split) - len(rows) + int(differ.sum())
        n_gone -= len(rows)
    return n_changed, n_gone


def _labels_differ(after: Dataset, before: Dataset, split: str, rows: Int64Array, places: Int64Array) -> BoolArray:
    """Return which rows have other labels, by their ids, than the rows of the earlier version at `places`: bool[m]."""
    known = {mid: label for label, mid in enumerate(before.label_mids)}
    as_before = np.array([known.get(mid, len(known)) for mid in after.label_mids])
    own = after.labels_of(split, rows)
    return LabelSets(own.offsets, as_before[own.values]).differ(before.labels_of(split, places))


def _unequal(own: Any, other: Any) -> BoolArray:
    """Return which values of two columns differ, bool[m]; a column that is missing, None, has none."""
    if own is None or other is None:
        only: Any = other if own is None else own
        return cast("BoolArray", only.is_valid().to_numpy())
    if own.type != other.type or pa.types.is_list(own.type):
        return np.fromiter(map(operator.ne, own.to_pylist(), other.to_pylist()), np.bool_, len(own))
    unequal: Any = pc.fill_null(pc.not_equal(own, other), False)  # noqa: FBT003
    return cast("BoolArray", unequal.to_numpy() | (own.is_valid().to_numpy() != other.is_valid().to_numpy()))


def _link(source: str, target: str) -> None:
    """Create a hard link; copy the file where the disk has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
