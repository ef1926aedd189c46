"""Staging files: clips are stored on disk until all are known, so that memory holds one batch at a time.

Each batch is sorted by split and `row_key` before it is written, so that adjacent rows of the finished dataset are read
together (merging of sorted runs: Knuth, The Art of Computer Programming 3, 5.4).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import BoolArray, Int8Array, Int64Array, UInt8Array, UInt64Array
from data_prep.dataset.label_sets import LabelSets, run_indices
from data_prep.dataset.schema import CLIPS_SCHEMA, FORMAT_VERSION, SPLITS, ClipBatch, problem_of_columns, row_key
from data_prep.errors import InputError

_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_STAGED = [field for field in CLIPS_SCHEMA if field.name not in {"row", "first_frame"}]
_MAX_FLOAT32 = float(np.finfo(np.float32).max)


class Staging:
    """Clips in staging files. Each batch is checked when it is added.

    largest: the largest magnitude of a feature's values.
    """

    def __init__(self, folder: Path, n_labels: int, largest: float = _MAX_FLOAT32) -> None:
        self._n_labels, self._largest = n_labels, largest
        self._paths = folder / "features.staged", folder / "frames.staged", folder / "clips.staged"
        self._features, self._frames, self._clips = (path.open("wb+") for path in self._paths)
        self._keys: list[UInt64Array] = []
        self._splits: list[Int8Array] = []
        self.label_counts = np.zeros((len(SPLITS), n_labels), np.int64)  # clips with each label, by split
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self.dim: int | None = None
        self.has_frames = False
        self.further: list[pa.Field[Any]] = []  # columns of the clips besides those that every dataset has

    def add(self, batch: ClipBatch) -> None:
        """Stage a batch, or raise InputError naming the clip that violates the format."""
        if not len(batch):
            return
        if self.dim is None:
            self.dim, self.has_frames = batch.features.shape[1], batch.frames is not None
            self._dtype = batch.features.dtype
            self.further = _further(batch)
            self._schema = pa.schema([*_STAGED, *self.further])
            self._columns = pa.ipc.new_stream(self._clips, self._schema)
        check_batch(batch, self.dim, self._dtype, self._n_labels, self._largest, with_frames=self.has_frames)
        if _further(batch) != self.further:
            raise InputError("batches must all have the same further columns, of the same types")
        columns = [*(_column(batch, field) for field in _STAGED), *batch.further.values()]
        keys = np.frombuffer(b"".join(map(row_key, batch.clip_id)), ">u8").astype(np.uint64).reshape(-1, 2)
        places: Any = pc.index_in(columns[self._schema.get_field_index("split")], value_set=pa.array(SPLITS))
        splits = places.to_numpy().astype(np.int8)
        order = np.lexsort((keys[:, 0], splits))
        self._keys.append(keys[order])
        self._splits.append(splits[order])
        labels = LabelSets.from_rows(batch.labels)
        np.add.at(self.label_counts, (splits[labels.rows], labels.values), 1)
        self._columns.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema).take(order))
        self._features.write(batch.features[order].data)
        if batch.frames is not None:
            n_frames = np.asarray(batch.n_frames, np.int64)
            first = np.cumsum(n_frames) - n_frames
            self._frames.write(batch.frames[run_indices(first[order], n_frames[order])].data)

    def __len__(self) -> int:
        """Return the number of clips."""
        return sum(map(len, self._splits))

    def table(self) -> pa.Table:
        """Return the clips' columns in staging order; no more clips can be added."""
        self._columns.close()
        self._clips.flush()
        with pa.memory_map(str(self._paths[2])) as file:
            return pa.ipc.open_stream(file).read_all()

    def order(self) -> tuple[UInt64Array, Int8Array]:
        """Return the sort keys of the table.

        Each clip's `row_key` as two numbers, the higher first: uint64[n, 2]; and the index of its split in SPLITS.
        """
        return np.concatenate(self._keys), np.concatenate(self._splits)

    def features(self, places: Int64Array) -> npt.NDArray[Any]:
        """Return the features, or sums of frames, of the clips at some rows of the table: [len(places), dim]."""
        return self._read(self._features, places, np.ones_like(places), self._dtype)

    def frames(self, first: Int64Array, n: Int64Array) -> UInt8Array:
        """Return runs of frames, n[i] from frame first[i] of the table on: uint8[sum(n), dim]."""
        return self._read(self._frames, first, n, np.uint8)

    def close(self) -> None:
        """Remove the files."""
        for file, path in zip((self._features, self._frames, self._clips), self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)

    def _read(self, file: BinaryIO, first: Int64Array, n: Int64Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return runs of rows of a file, n[i] from row first[i] on; adjacent runs are read together.

        A memory map is not used: random reads would bring the whole file into memory.
        """
        dim = self.dim or 1
        order = np.argsort(first)
        begins, ends = first[order], (first + n)[order]
        apart = begins[1:] != ends[:-1]
        begins, ends = begins[np.append(True, apart)], ends[np.append(apart, True)]
        row = dim * np.dtype(dtype).itemsize
        parts = []
        for begin, end in zip((begins * row).tolist(), (ends * row).tolist(), strict=True):
            file.seek(begin)
            parts.append(file.read(end - begin))
        rows = np.frombuffer(b"".join(parts), dtype).reshape(-1, dim)
        at = np.empty_like(first)
        at[order] = np.cumsum(n[order]) - n[order]
        return rows[run_indices(at, n)]


def check_batch(
    batch: ClipBatch, dim: int, dtype: np.dtype[Any], n_labels: int, largest: float, *, with_frames: bool
) -> None:
    """Raise InputError unless the batch satisfies docs/FORMAT.md and has the same columns as earlier batches."""
    ids = batch.clip_id
    n_frames = np.asarray(batch.n_frames)
    labels = LabelSets.from_rows(batch.labels)
    columns: tuple[Any, ...] = batch.split, batch.media, batch.start_s, batch.end_s, labels.offsets[1:], batch.n_frames
    columns = *columns, batch.features, *batch.further.values()
    if any(len(column) != len(ids) for column in columns):
        raise InputError(f"the columns of a batch of {len(ids)} clips differ in length: {[len(c) for c in columns]}")
    if batch.features.dtype not in (np.float32, np.uint16) or batch.features.shape != (len(ids), dim):
        given = f"{batch.features.dtype}{list(batch.features.shape)}"
        raise InputError(f"features are {given}, expected float32[n, {dim}] or sums of frames, uint16[n, {dim}]")
    _reject(ids, _invalid_ids(ids), "an id may hold letters, digits and -._~ only")
    _reject(ids, _invalid_splits(batch.split), f"its split is none of {', '.join(SPLITS)}")
    if batch.features.dtype == np.float32:
        _reject(ids, ~np.isfinite(batch.features).all(axis=1), "its feature is not finite")
        too_large = f"its feature exceeds {largest:g}, which the dtype cannot store: choose float32"
        _reject(ids, np.abs(batch.features).max(axis=1, initial=0) > largest, too_large)
    start_s, end_s = np.asarray(batch.start_s), np.asarray(batch.end_s)
    _reject(ids, ~((start_s >= 0) & (end_s > start_s) & np.isfinite(end_s)), "its times are not 0 <= start < end")
    _reject(ids, n_frames < 1, "it has no frame")
    _reject(ids, _invalid_labels(labels, n_labels), f"labels must differ and be in 0..{n_labels - 1}")
    if batch.features.dtype != dtype:
        raise InputError("batches must all have features, or all sums of frames")
    if (batch.frames is not None) != with_frames:
        raise InputError("batches must all have frames, or none")
    if batch.frames is not None and (batch.frames.dtype != np.uint8 or batch.frames.shape != (n_frames.sum(), dim)):
        raise InputError(
            f"frames are {batch.frames.dtype}{list(batch.frames.shape)}, expected uint8[{n_frames.sum()}, {dim}]"
        )


def _further(batch: ClipBatch) -> "list[pa.Field[Any]]":
    """Return the further columns of a batch; raise InputError for one that the format does not admit."""
    fields: list[Any] = [pa.field(name, column.type) for name, column in batch.further.items()]
    problem = problem_of_columns(pa.schema([*CLIPS_SCHEMA, *fields]), CLIPS_SCHEMA, FORMAT_VERSION)
    if problem:
        raise InputError(f"the table of clips is invalid: {problem}")
    return fields


def _column(batch: ClipBatch, field: "pa.Field[Any]") -> "pa.Array[Any]":
    column: Any
    if field.name == "labels":
        sets = LabelSets.from_rows(batch.labels)
        offsets: Any = pa.array(sets.offsets.astype(np.int32))
        values: Any = pa.array(sets.values.astype(np.int16))
        column = pa.ListArray.from_arrays(offsets, values, type=field.type)
    else:
        column = pa.array(getattr(batch, field.name), field.type)
    return cast("pa.Array[Any]", column)


def _invalid_ids(ids: Sequence[str]) -> npt.ArrayLike:
    """Return which ids have invalid characters; all are checked at once first, as invalid ones are rare."""
    if all(ids) and _URL_SAFE.fullmatch("".join(ids)):
        return False
    return [_URL_SAFE.fullmatch(clip_id) is None for clip_id in ids]


def _invalid_splits(splits: Sequence[str]) -> npt.ArrayLike:
    return False if set(splits) <= set(SPLITS) else [split not in SPLITS for split in splits]


def _invalid_labels(sets: LabelSets, n_labels: int) -> BoolArray:
    """Return which clips have a label twice, or one outside the table: bool[n]."""
    invalid = np.zeros(sets.n_rows, bool)
    invalid[sets.rows[(sets.values < 0) | (sets.values >= n_labels) | sets.repeats()]] = True
    return invalid


def _reject(ids: Sequence[str], invalid: npt.ArrayLike, reason: str) -> None:
    if np.any(invalid):
        raise InputError(f"clip {ids[int(np.argmax(invalid))]!r} is invalid: {reason}")
