"""Reader of prepared datasets: opens without reading all bytes; returned arrays are read-only.

docs/FORMAT.md describes the folder, `writer` writes it, `verify` checks every byte.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_prep.arrays import BoolArray, FeatureDtype, Int64Array, StoredVectors, UInt8Array, UInt16Array
from data_prep.dataset import schema
from data_prep.dataset.label_sets import LabelSets, run_indices
from data_prep.dataset.manifest import parse_manifest
from data_prep.dataset.npy import open_npy, read_only
from data_prep.dataset.schema import SPLITS, Clip, MediaKind, Metric, row_key
from data_prep.dataset.tables import read_table
from data_prep.errors import DatasetError
from earshot_common.encoded_vectors import EncodedVectors

_BLOCK_ROWS = 65_536  # rows whose labels are read at a time
_MAX_KEPT_CLIPS = 1000
_CLIP_FIELDS = [field.name for field in fields(Clip)]


class Dataset:
    """A prepared dataset, open for reading. Made by `open_dataset`; safe to share between threads.

    Features are memory maps. The two tables are read and checked against their sha256 at first use, then cached.
    """

    def __init__(self, path: Path, manifest_bytes: bytes) -> None:
        self.path = path
        self.manifest: dict[str, Any] = parse_manifest(manifest_bytes, path / schema.MANIFEST)
        self.fingerprint: str = hashlib.sha256(manifest_bytes).hexdigest()
        self.name: str = self.manifest["name"]
        self.title: str = self.manifest["title"]
        self.source: str = self.manifest["source"]
        self.licence: str = self.manifest["licence"]
        self.media: MediaKind = self.manifest["media"]
        self.metric: Metric = self.manifest["metric"]
        self.dim: int = self.manifest["features"]["dim"]
        self.dtype: FeatureDtype = self.manifest["features"]["dtype"]
        self._check_sizes()
        self._features = {split: self._open_features(split) for split in SPLITS}
        self._frames: UInt8Array | None = self._open(schema.FRAMES, np.uint8, (self.manifest["frames"], self.dim))
        self._map: UInt16Array | None = self._open(schema.MAP, np.uint16, (sum(map(self.n_rows, SPLITS)), 2))
        self._kept_clips: dict[int, Clip] = {}  # by row of the table: a page reads the same few again and again

    def __repr__(self) -> str:
        """Return the name and the number of rows of each split."""
        rows = ", ".join(f"{split} {self.n_rows(split):,}" for split in SPLITS)
        return f"<Dataset {self.name!r}: {rows}>"

    def n_rows(self, split: str) -> int:
        """Return the number of clips in a split."""
        return int(self.manifest["rows"][_checked(split)])

    def features(self, split: str) -> StoredVectors:
        """Return the features of a split, read-only and finite: a memory map, float32[n, dim].

        For a dataset whose `dtype` is uint8 or float16, `EncodedVectors` of a memory map: their rows are decoded to
        float32 as they are read, `features[rows]`.
        """
        return self._features[_checked(split)]

    def all_features(self) -> StoredVectors:
        """Return a copy of all features in the stored type, float32[n, dim] or encoded: train, validation, test."""
        parts = [self._features[split] for split in SPLITS]
        first = parts[0]
        if isinstance(first, EncodedVectors):
            stored = np.concatenate([part.stored for part in parts if isinstance(part, EncodedVectors)])
            return EncodedVectors(stored, float(first.scale), float(first.offset))
        return np.concatenate([np.asarray(part) for part in parts])

    def sha256(self, split: str) -> str:
        """Return the sha256 of the file of a split's features, in hexadecimal, as the manifest states it."""
        return str(self.manifest["files"][f"{_checked(split)}.npy"]["sha256"])

    @property
    def indexes(self) -> Path:
        """The folder of the dataset's index files, which may be missing (see `data_prep.dataset.indexes`)."""
        return self.path / schema.INDEXES

    @property
    def has_frames(self) -> bool:
        """Whether the dataset holds the clips' frames, not only their means."""
        return self._frames is not None

    def frames(self, split: str) -> tuple[Int64Array, UInt8Array]:
        """Return the frames of a split: offsets int64[n + 1], and a read-only memory map uint8[offsets[-1], dim].

        The frames of row i are `values[offsets[i]:offsets[i + 1]]`.
        """
        if self._frames is None:
            raise DatasetError(f"{self.path} has no frames: prepare it again with --frames")
        first_row = self._first_row(split)
        ends = np.concatenate([[0], np.cumsum(_numbers(self._clips["n_frames"].chunk(0)))])
        ends = ends[first_row : first_row + self.n_rows(split) + 1]
        return read_only(ends - ends[0]), self._frames[ends[0] : ends[-1]]

    def map(self) -> UInt16Array | None:
        """Return each clip's coordinates on the map: read-only uint16[n, 2], train, then validation, then test.

        None for a dataset without a map; `manifest["map"]` describes its method; `python -m data_prep map` adds one.
        """
        return self._map

    def clips(self, split: str) -> pa.Table:
        """Return the clips of a split, in row order (no copy: a slice of the whole table)."""
        return self._clips.slice(self._first_row(split), self.n_rows(split))

    def clip(self, split: str, row: int) -> Clip:
        """Return one clip; IndexError when the split has no such row."""
        if not 0 <= row < self.n_rows(split):
            raise IndexError(f"row {row} is outside {split}, which has rows 0 to {self.n_rows(split) - 1}")
        at = self._first_row(split) + row
        if (kept := self._kept_clips.get(at)) is not None:
            return kept
        fields = [name for name in _CLIP_FIELDS if name in self._clips.column_names]  # few tables have titles
        (facts,) = self._clips.slice(at, 1).select(fields).to_pylist()
        if len(self._kept_clips) >= _MAX_KEPT_CLIPS:
            self._kept_clips = {}
        return self._kept_clips.setdefault(at, Clip(**{**facts, "labels": tuple(facts["labels"])}))

    def find_clip(self, clip_id: str) -> Clip | None:
        """Return the clip with this id, or None: a binary search, as rows are sorted by `row_key`."""
        key = row_key(clip_id)
        for split in SPLITS:
            ids: Any = self.clips(split)["clip_id"]
            row = bisect_left(range(len(ids)), key, key=lambda i: row_key(ids[i].as_py()))
            if row < len(ids) and ids[row].as_py() == clip_id:
                return self.clip(split, row)
        return None

    @cached_property
    def label_indices(self) -> list[int]:
        """The index column of the label table: 0, 1, 2, ... in a valid dataset."""
        return cast("list[int]", self._labels["index"].to_pylist())

    @cached_property
    def label_names(self) -> list[str]:
        """Display names, by label index."""
        return cast("list[str]", self._labels["name"].to_pylist())

    @cached_property
    def label_mids(self) -> list[str]:
        """AudioSet's ids of the labels (such as "/m/09x0r"), by label index."""
        return cast("list[str]", self._labels["mid"].to_pylist())

    @cached_property
    def label_parents(self) -> list[list[str]]:
        """Names of each label's parents in the ontology, by label index; empty where none are known."""
        return cast("list[list[str]]", self._labels["parents"].to_pylist())

    @cached_property
    def label_definitions(self) -> list[str]:
        """What each label means, by label index; empty where that is not known. `manifest` states their licence."""
        has_any = schema.DEFINITION.name in self._labels.column_names
        return cast("list[str]", self._labels["definition"].to_pylist()) if has_any else [""] * len(self.label_names)

    def label_counts(self, split: str) -> Int64Array:
        """Return the number of clips of a split with each label: int64[n_labels]."""
        return _numbers(self._labels[_checked(split)].chunk(0))

    def label_sets(self, split: str, start: int = 0, stop: int | None = None) -> LabelSets:
        """Return the labels of every row, or of rows `start` to `stop` - 1: (offsets int64[n + 1], values int16[m]).

        The labels of row i are `values[offsets[i]:offsets[i + 1]]`; `values` is a view of the table, not a copy.
        """
        offsets, values = self._stored_labels(split)
        offsets = offsets[: len(offsets) if stop is None else stop + 1][start:]
        return LabelSets(read_only(np.subtract(offsets, offsets[0], dtype=np.int64)), values[offsets[0] : offsets[-1]])

    def labels_of(self, split: str, rows: npt.ArrayLike) -> LabelSets:
        """Return the labels of some rows, int64[m], in the given order; else as `label_sets`."""
        offsets, values = self._stored_labels(split)
        chosen = np.asarray(rows, np.int64)
        first = offsets[chosen].astype(np.int64)
        lengths = offsets[chosen + 1] - first
        return LabelSets(np.concatenate([[0], np.cumsum(lengths)]), values[run_indices(first, lengths)])

    def has_label(self, split: str, labels: Collection[int]) -> BoolArray:
        """Return which rows of a split have one of the labels: bool[n]."""
        has, wanted = np.zeros(self.n_rows(split), np.bool_), list(labels)
        for start in range(0, len(has), _BLOCK_ROWS):
            offsets, values = self.label_sets(split, start, min(start + _BLOCK_ROWS, len(has)))
            places = np.flatnonzero(np.isin(values, wanted))
            has[start + np.searchsorted(offsets, places, side="right") - 1] = True
        return has

    def rows_with_label(self, split: str, label: int) -> Int64Array:
        """Return the rows of a split that have a label, ascending: int64[m]. IndexError for an unknown label."""
        if not 0 <= label < len(self.label_names):
            raise IndexError(f"label {label} is outside the table, which has labels 0 to {len(self.label_names) - 1}")
        return read_only(np.flatnonzero(self.has_label(split, [label])))

    def _stored_labels(self, split: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
        """Return views of the table: the offsets of a split's rows, int32[n + 1], and the labels of all splits."""
        column: Any = self._clips["labels"].chunk(0)
        first_row = self._first_row(split)
        return _numbers(column.offsets)[first_row : first_row + self.n_rows(split) + 1], _numbers(column.values)

    def _first_row(self, split: str) -> int:
        """Return the row of clips.parquet at which a split begins."""
        return sum(map(self.n_rows, SPLITS[: SPLITS.index(_checked(split))]))

    @cached_property
    def _clips(self) -> pa.Table:
        return self._read_table(schema.CLIPS, schema.CLIPS_SCHEMA, sum(map(self.n_rows, SPLITS)))

    @cached_property
    def _labels(self) -> pa.Table:
        labels = self._read_table(schema.LABELS, schema.LABELS_SCHEMA, self.manifest["labels"])
        if schema.DEFINITION.name in labels.column_names and not self.manifest.get("definitions"):
            raise DatasetError(
                f"{self.path / schema.MANIFEST}: 'definitions' is missing, expected source and licence of the labels' "
                "definitions; prepare the dataset again"
            )
        return labels

    def _read_table(self, name: str, columns: pa.Schema, n_rows: int) -> pa.Table:
        return read_table(self.path / name, columns, self.manifest, n_rows, self.indexes)

    def _check_sizes(self) -> None:
        for name, facts in self.manifest["files"].items():
            path = self.path / name
            if not path.is_file():
                raise DatasetError(f"{path} is missing; prepare the dataset again")
            if path.stat().st_size != facts["bytes"]:
                raise DatasetError(
                    f"{path} has {path.stat().st_size:,} bytes, expected {facts['bytes']:,}; prepare the dataset again"
                )

    def _open_features(self, split: str) -> StoredVectors:
        stored = open_npy(self.path / f"{split}.npy", self.dtype, (self.n_rows(split), self.dim))
        if self.dtype == "float32":
            return stored
        facts = self.manifest["features"]
        return EncodedVectors(stored, facts.get("scale", 1), facts.get("offset", 0))

    def _open(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, int]) -> npt.NDArray[Any] | None:
        """Open an optional array; None if the dataset has none."""
        return open_npy(self.path / name, dtype, shape) if name in self.manifest["files"] else None


def open_dataset(path: str | Path) -> Dataset:
    """Open a prepared dataset after checking its manifest, its file sizes and its array headers.

    Raises DatasetError when the folder holds no dataset, a damaged one, or one of another format version.
    """
    path = Path(path)
    manifest_bytes = _read_manifest(path)
    while True:
        try:
            dataset = Dataset(path, manifest_bytes)
        except DatasetError:
            if _read_manifest(path) == manifest_bytes:
                raise
        else:
            if _read_manifest(path) == manifest_bytes:
                return dataset
        manifest_bytes = _read_manifest(path)  # the folder was replaced while it was being opened


def find_datasets(root: str | Path) -> list[Path]:
    """Return the dataset folders in `root` and one level below, sorted; hidden folders are unfinished and left out."""
    found = [*Path(root).glob(f"*/{schema.MANIFEST}"), *Path(root).glob(f"*/*/{schema.MANIFEST}")]
    hidden = {path for path in found if any(name.startswith(".") for name in path.relative_to(root).parts)}
    return sorted(path.parent for path in found if path not in hidden)


def _read_manifest(path: Path) -> bytes:
    try:
        return (path / schema.MANIFEST).read_bytes()
    except FileNotFoundError:
        raise DatasetError(
            f"{path} holds no prepared dataset: {schema.MANIFEST} is missing; make one with `python -m data_prep`"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot read {path / schema.MANIFEST}: {error.strerror}") from error


def _checked(split: str) -> str:
    if split not in SPLITS:
        raise KeyError(f"no split {split!r}: expected one of {', '.join(SPLITS)}")
    return split


def _numbers(column: Any) -> npt.NDArray[Any]:
    """Return a view of an Arrow array of numbers. `to_numpy` would import pandas, which takes a second."""
    return np.from_dlpack(column)
