"""Writer of prepared datasets: takes batches of clips in any order, and writes a complete folder or none.

Each split is sorted by `row_key`, so a dataset does not depend on the order of its clips. Clips are staged in files; at
the end their columns are read into memory, about 100 bytes per clip.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_prep.arrays import FeatureDtype, Float32Array, Int64Array
from data_prep.dataset import schema
from data_prep.dataset.features import FeatureEncoder, means_of_sums
from data_prep.dataset.hashed_file import HashedFile
from data_prep.dataset.indexes import carry_index_over
from data_prep.dataset.manifest import manifest_bytes
from data_prep.dataset.npy import npy_header
from data_prep.dataset.output_folder import new_folder
from data_prep.dataset.reader import Dataset
from data_prep.dataset.revise import Additions, additions_of
from data_prep.dataset.schema import SPLITS, About, ClipBatch, Label
from data_prep.dataset.staging import Staging
from data_prep.dataset.tables import parquet_bytes
from data_prep.errors import InputError
from data_prep.read_ahead import read_ahead
from earshot_common.atomic import write_file

_CHUNK = 16_384  # clips whose features are copied at a time
_GROUP = 1 << 18  # clips in a row group of the table


def write_dataset(
    out: str | Path,
    about: About,
    labels: Sequence[Label],
    batches: Iterable[ClipBatch],
    *,
    dtype: FeatureDtype = "float32",
    overwrite: bool = False,
) -> None:
    """Write a prepared dataset to the folder `out`; the dataset is named after the folder.

    `batches` is iterated once, so it may be a generator. `dtype`: of the stored features. Raises InputError for a clip
    that violates the format or occurs twice, OutputError when `out` exists (unless `overwrite`) or cannot be written.
    """
    with new_dataset(out, labels, dtype=dtype, overwrite=overwrite) as writer:
        for batch in batches:
            writer.add(batch)
        writer.finish(about)


@contextlib.contextmanager
def new_dataset(
    out: str | Path,
    labels: Sequence[Label],
    *,
    dtype: FeatureDtype = "float32",
    overwrite: bool = False,
    before: Dataset | None = None,
) -> Iterator["DatasetWriter"]:
    """Yield a writer. Its `finish` must be called in the block; the folder `out` appears, complete, after the block.

    before: an earlier version of the dataset, whose title, columns of taught labels and index are taken over.
    """
    additions = None if before is None else additions_of(before)
    with new_folder(Path(out), overwrite=overwrite) as folder:
        writer = DatasetWriter(folder, Path(out).absolute().name, labels, dtype, additions)
        try:
            yield writer
        finally:
            writer.close()
        if not writer.finished:
            raise RuntimeError("the dataset is not finished: call DatasetWriter.finish")
        if before is not None:
            carry_index_over(before, folder)


class DatasetWriter:
    """Writes the files of one dataset into an empty folder. Created by `new_dataset`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        labels: Sequence[Label],
        dtype: FeatureDtype,
        additions: Additions | None = None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._labels = labels
        self._additions = additions
        self._encoder = FeatureEncoder(dtype)
        self._staging = Staging(folder, len(labels), self._encoder.largest)
        self._files: dict[str, dict[str, int | str]] = {}
        self.finished = False

    def add(self, batch: ClipBatch) -> None:
        """Add clips; raises InputError for one that violates the format."""
        self._staging.add(batch)
        if len(batch):
            self._encoder.widen(_extremes(batch))

    def finish(self, about: About, *, skipped: Sequence[Mapping[str, Any]] = (), notes: Sequence[str] = ()) -> None:
        """Write every file, the manifest last.

        `skipped` lists what was left out of the input and why; `notes` are sentences about it for users.
        """
        if not self._staging:
            raise InputError("there are no clips to write")
        staged = self._staging.table()
        if self._additions is not None:
            staged, about = self._additions.added_to(staged), replace(about, title=self._additions.title)
        if (medium := schema.invalid_medium(about.media, staged["media"])) is not None:
            raise InputError(f"the medium {medium!r:.80} is not the address of a sound: expected http:// or https://")
        rows, n_frames = self._rows(staged), staged["n_frames"].to_numpy().astype(np.int64)
        with ThreadPoolExecutor(1) as executor:
            tables = executor.submit(self._write_tables, staged, rows, n_frames)
            self._write_features(rows, n_frames)
            tables.result()
        total_frames = self._write_frames(rows, n_frames) if self._staging.has_frames else 0
        self._staging.close()
        facts = {
            "format": schema.FORMAT,
            "format_version": schema.FORMAT_VERSION,
            "name": self._name,
            **{name: value for name, value in asdict(about).items() if name != "definitions"},
            "features": {**about.features, "dim": self._staging.dim, **self._encoder.facts()},
            "rows": {split: len(rows[split]) for split in SPLITS},
            "labels": len(self._labels),
            "frames": total_frames,
            "files": dict(sorted(self._files.items())),
            "skipped": list(skipped),
            "notes": list(notes),
            **self._definitions(about),
        }
        write_file(self._folder / schema.MANIFEST, manifest_bytes(facts))
        self.finished = True

    def _definitions(self, about: About) -> dict[str, Any]:
        """Return the manifest's field about the labels' definitions, if any label has one."""
        if not any(label.definition for label in self._labels):
            return {}
        if about.definitions is None:
            raise InputError("labels have definitions without a source and a licence: state both in the description")
        return {"definitions": dict(about.definitions)}

    def close(self) -> None:
        """Remove the staged files."""
        self._staging.close()

    def _rows(self, staged: pa.Table) -> dict[str, Int64Array]:
        """Return, for each split, the rows of its clips in the table, sorted by `row_key`."""
        keys, splits = self._staging.order()
        high, low = keys.T
        order = np.argsort(high)
        if (high[order[1:]] == high[order[:-1]]).any():  # equal ids, or (rarely) hashes with equal first halves
            order = np.lexsort((low, high))
            twice = np.flatnonzero((high[order[1:]] == high[order[:-1]]) & (low[order[1:]] == low[order[:-1]]))
            if len(twice):
                clip_id = staged["clip_id"][order[twice[0]]].as_py()
                raise InputError(f"clip {clip_id!r} occurs twice: ids must be unique in a dataset")
        return {split: order[splits[order] == place] for place, split in enumerate(SPLITS)}

    def _write_tables(self, staged: pa.Table, rows: Mapping[str, Int64Array], n_frames: Int64Array) -> None:
        usual = set(schema.CLIPS_SCHEMA.names)
        columns = pa.schema([*schema.CLIPS_SCHEMA, *(field for field in staged.schema if field.name not in usual)])
        groups = _clips(staged, columns, rows, n_frames if self._staging.has_frames else None)
        self._write_table(schema.CLIPS, columns, groups)
        labels = _labels_table(self._labels, self._staging.label_counts)
        self._write_table(schema.LABELS, labels.schema, [labels])

    def _write_table(self, name: str, columns: pa.Schema, groups: Iterable[pa.Table]) -> None:
        """Write a table as Parquet, to memory first: it is small, and the file is hashed as it is written."""
        with self._hashed(name) as file:
            file.write(parquet_bytes(columns, groups))

    def _write_features(self, rows: Mapping[str, Int64Array], n_frames: Int64Array) -> None:
        def features(chunk: Int64Array) -> npt.NDArray[Any]:
            given: npt.NDArray[Any] = self._staging.features(chunk)
            return self._encoder.encode(means_of_sums(given, n_frames[chunk]) if given.dtype == np.uint16 else given)

        for split in SPLITS:
            header = npy_header(self._encoder.dtype, (len(rows[split]), self._staging.dim or 0))
            with self._hashed(f"{split}.npy", header) as file:
                reading = read_ahead(map(features, _chunks(rows[split])), 1)
                with contextlib.closing(reading) as chunks:
                    for chunk in chunks:
                        file.write(chunk)

    def _write_frames(self, rows: Mapping[str, Int64Array], n_frames: Int64Array) -> int:
        """Write the frames; return their number."""
        first, total = np.cumsum(n_frames) - n_frames, int(n_frames.sum())
        with self._hashed(schema.FRAMES, npy_header(np.uint8, (total, self._staging.dim or 0))) as file:
            for split in SPLITS:
                for chunk in _chunks(rows[split]):
                    file.write(self._staging.frames(first[chunk], n_frames[chunk]))
        return total

    @contextlib.contextmanager
    def _hashed(self, name: str, header: bytes = b"") -> Iterator[HashedFile]:
        with HashedFile(self._folder / name) as file:
            file.write(header)
            yield file
        self._files[name] = file.facts


def _extremes(batch: ClipBatch) -> Float32Array:
    """Return features, float32[m, 2], with the same smallest and largest value as a batch's."""
    given = batch.features
    extremes = np.stack([given.min(axis=1), given.max(axis=1)], axis=1)  # of a clip's sums, those of its means too
    return means_of_sums(extremes, np.asarray(batch.n_frames)) if extremes.dtype == np.uint16 else extremes


def _clips(
    staged: pa.Table, schema_of_clips: pa.Schema, rows: Mapping[str, Int64Array], n_frames: Int64Array | None
) -> Iterator[pa.Table]:
    """Yield the table of clips, one row group at a time. `n_frames`: None for a dataset without frames."""
    order = np.concatenate([rows[split] for split in SPLITS])
    row = np.concatenate([np.arange(len(rows[split]), dtype=np.int32) for split in SPLITS])
    first_frame = None if n_frames is None else np.cumsum(n_frames[order]) - n_frames[order]
    for start in range(0, len(order), _GROUP):
        group = slice(start, start + _GROUP)
        places = pa.array(order[group])
        columns: dict[str, Any] = {
            "row": pa.array(row[group].astype(np.int64)),
            "first_frame": pa.nulls(len(places), pa.int64()) if first_frame is None else pa.array(first_frame[group]),
        }
        yield pa.table(
            [columns.get(field.name) or staged[field.name].take(places) for field in schema_of_clips],
            schema=schema_of_clips,
        )


def _labels_table(labels: Sequence[Label], counts: Int64Array) -> pa.Table:
    columns: dict[str, Any] = {
        "index": range(len(labels)),
        "mid": [label.mid for label in labels],
        "name": [label.name for label in labels],
        "parents": [list(label.parents) for label in labels],
        **dict(zip(SPLITS, counts, strict=True)),
    }
    fields: list[Any] = list(schema.LABELS_SCHEMA)
    if any(label.definition for label in labels):
        columns["definition"] = [label.definition for label in labels]
        fields.append(schema.DEFINITION)
    return pa.table(columns, schema=pa.schema(fields))


def _chunks(rows: Int64Array) -> Iterator[Int64Array]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
