"""The one writer of prepared datasets: clips go in by batches in any order, a whole folder comes out or none.

Each split is sorted by `row_key`, so a dataset depends on its clips alone, never on the order in which they came.
Until then everything waits in files; only when all clips are there are their columns read, about 100 bytes a clip.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.ahead import read_ahead
from data_prep.atomic import new_folder, write_file
from data_prep.errors import InputError
from data_prep.files import HashedFile
from data_prep.manifest import manifest_bytes
from data_prep.npy import npy_header
from data_prep.schema import (
    CLIPS,
    CLIPS_SCHEMA,
    FORMAT,
    FORMAT_VERSION,
    FRAMES,
    LABELS,
    LABELS_SCHEMA,
    MANIFEST,
    SPLITS,
    About,
    ClipBatch,
    Label,
)
from data_prep.staging import Staging

_CHUNK = 32_768  # clips copied at a time

Rows = npt.NDArray[np.int64]


def write_dataset(
    out: str | Path,
    about: About,
    labels: Sequence[Label],
    batches: Iterable[ClipBatch],
    *,
    overwrite: bool = False,
) -> None:
    """Write a prepared dataset to the folder `out`; its name is the folder's.

    `batches` is consumed once, so it may be a generator that makes the clips as it goes. Raises InputError for a clip
    that breaks the format or occurs twice, OutputError when `out` exists (unless `overwrite`) or cannot be written.
    """
    with new_dataset(out, labels, overwrite=overwrite) as writer:
        for batch in batches:
            writer.add(batch)
        writer.finish(about)


@contextlib.contextmanager
def new_dataset(out: str | Path, labels: Sequence[Label], *, overwrite: bool = False) -> Iterator["DatasetWriter"]:
    """Yield a writer; call its `finish` before the block ends, then the folder `out` appears, whole."""
    with new_folder(Path(out), overwrite=overwrite) as folder:
        writer = DatasetWriter(folder, Path(out).absolute().name, labels)
        try:
            yield writer
        finally:
            writer.close()
        if not writer.finished:
            raise RuntimeError("a dataset was begun and not finished: call DatasetWriter.finish")


class DatasetWriter:
    """Takes clips and writes the files of one dataset into an empty folder. Made by `new_dataset`."""

    def __init__(self, folder: Path, name: str, labels: Sequence[Label]) -> None:
        self._folder = folder
        self._name = name
        self._labels = labels
        self._staging = Staging(folder, len(labels))
        self._files: dict[str, dict[str, int | str]] = {}
        self.finished = False

    def add(self, batch: ClipBatch) -> None:
        """Take some clips; InputError for one that breaks a rule of the format."""
        self._staging.add(batch)

    def finish(self, about: About, *, skipped: Sequence[Mapping[str, Any]] = (), notes: Sequence[str] = ()) -> None:
        """Write every file, the manifest last.

        `skipped` lists what was lost of the input and why; `notes` are sentences a person should know.
        """
        staged = self._staging.table()
        if not len(staged):
            raise InputError("there is no clip to write a dataset of")
        rows = _rows_by_split(staged, self._staging.keys())
        clips = _clips_table(staged, rows, with_frames=self._staging.has_frames)
        n_frames = staged["n_frames"].to_numpy().astype(np.int64)
        del staged  # some 80 bytes a clip
        with ThreadPoolExecutor(1) as beside:
            tables = beside.submit(self._write_tables, clips, rows)
            self._write_features(rows)
            if self._staging.has_frames:
                self._write_frames(n_frames, rows)
            tables.result()
        self._staging.close()
        facts = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": self._name,
            "title": about.title,
            "source": about.source,
            "licence": about.licence,
            "media": about.media,
            "media_folder": about.media_folder,
            "metric": about.metric,
            "features": {**about.features, "dim": self._staging.dim, "dtype": "float32"},
            "rows": {split: len(rows[split]) for split in SPLITS},
            "labels": len(self._labels),
            "frames": int(n_frames.sum()) if self._staging.has_frames else 0,
            "files": dict(sorted(self._files.items())),
            "skipped": list(skipped),
            "notes": list(notes),
        }
        write_file(self._folder / MANIFEST, manifest_bytes(facts))
        self.finished = True

    def close(self) -> None:
        """Remove what was staged."""
        self._staging.close()

    def _write_features(self, rows: Mapping[str, Rows]) -> None:
        for split in SPLITS:
            header = npy_header(np.float32, (len(rows[split]), self._staging.dim or 0))
            with self._hashed(f"{split}.npy", header) as file:
                for features in read_ahead(map(self._staging.features, _chunks(rows[split])), 1):
                    file.write(features)

    def _write_frames(self, n_frames: Rows, rows: Mapping[str, Rows]) -> None:
        first = np.cumsum(n_frames) - n_frames
        with self._hashed(FRAMES, npy_header(np.uint8, (int(n_frames.sum()), self._staging.dim or 0))) as file:
            for split in SPLITS:
                for chunk in _chunks(rows[split]):
                    file.write(self._staging.frames(first[chunk], n_frames[chunk]))

    def _write_tables(self, clips: pa.Table, rows: Mapping[str, Rows]) -> None:
        self._write_table(CLIPS, clips)
        self._write_table(LABELS, _labels_table(self._labels, clips, rows))

    @contextlib.contextmanager
    def _hashed(self, name: str, header: bytes = b"") -> Iterator[HashedFile]:
        with HashedFile(self._folder / name) as file:
            file.write(header)
            yield file
        self._files[name] = file.facts

    def _write_table(self, name: str, table: pa.Table) -> None:
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
        data: Any = buffer.getvalue()
        with self._hashed(name) as file:
            file.write(np.frombuffer(data, np.uint8))


def _rows_by_split(staged: pa.Table, keys: npt.NDArray[np.uint64]) -> dict[str, Rows]:
    """Return, for each split, the places of its clips in the table, sorted by `row_key`."""
    high, low = keys.T
    order = np.argsort(high)
    if (high[order[1:]] == high[order[:-1]]).any():  # the same clip twice, or the wonder of two alike by chance
        order = np.lexsort((low, high))
        twice = np.flatnonzero((high[order[1:]] == high[order[:-1]]) & (low[order[1:]] == low[order[:-1]]))
        if len(twice):
            clip_id = staged["clip_id"][order[twice[0]]].as_py()
            raise InputError(f"clip {clip_id!r} occurs twice: ids must be unique in a dataset")
    places: Any = pc.index_in(staged["split"], value_set=pa.array(SPLITS))
    splits = places.to_numpy()[order]
    return {split: order[splits == place] for place, split in enumerate(SPLITS)}


def _clips_table(staged: pa.Table, rows: Mapping[str, Rows], *, with_frames: bool) -> pa.Table:
    clips = staged.take(pa.array(np.concatenate([rows[split] for split in SPLITS])))
    row = np.concatenate([np.arange(len(rows[split])) for split in SPLITS])
    n_frames = clips["n_frames"].to_numpy().astype(np.int64)
    first_frame = pa.array(np.cumsum(n_frames) - n_frames) if with_frames else pa.nulls(len(clips), pa.int64())
    columns = {"row": pa.array(row), "first_frame": first_frame}
    return pa.table([columns.get(field.name) or clips[field.name] for field in CLIPS_SCHEMA], schema=CLIPS_SCHEMA)


def _labels_table(labels: Sequence[Label], clips: pa.Table, rows: Mapping[str, Rows]) -> pa.Table:
    columns: dict[str, Any] = {
        "index": range(len(labels)),
        "mid": [label.mid for label in labels],
        "name": [label.name for label in labels],
        "parents": [list(label.parents) for label in labels],
    }
    start = 0
    for split in SPLITS:
        of_split: Any = clips["labels"].slice(start, len(rows[split])).combine_chunks()
        columns[split] = np.bincount(of_split.flatten().to_numpy(), minlength=len(labels))
        start += len(rows[split])
    return pa.table(columns, schema=LABELS_SCHEMA)


def _chunks(rows: Rows) -> Iterator[Rows]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
