"""Preparation of vectors as a dataset: one clip per good vector, with its id, labels, sound, times and metadata."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_prep.arrays import FeatureDtype
from data_prep.dataset.output_folder import check_target
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.revise import count_changes
from data_prep.dataset.schema import About
from data_prep.dataset.writer import new_dataset
from data_prep.errors import DatasetError, InputError
from data_prep.vectors.clip_columns import Asked, ClipColumns, absolute
from data_prep.vectors.join import Joined, join_metadata
from data_prep.vectors.values import Problems
from data_prep.vectors.vector_file import VectorFile, open_vectors

_MAX_SKIPPED = 1000  # rows that the manifest lists
_EMBEDDER = "unknown: vectors of one's own"

Progress = Callable[[int, int], None]  # rows done, all rows


@dataclass(slots=True)
class Outcome:
    """Result of preparing vectors: rows in the file and clips in the dataset, numbers per vector, and what was said.

    left_out: what is wrong with a row that is in no dataset, by row number. left_over: of a join with metadata.
    changes: of an update, how many clips are new or differ, and how many are gone; else None.
    """

    n_rows: int = 0
    n_clips: int = 0
    dim: int = 0
    said: list[str] = field(default_factory=list)
    left_out: Problems = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    changes: tuple[int, int] | None = None


def prepare_vectors(
    vectors: str | Path,
    out: str | Path,
    *,
    meta: str | Path | None = None,
    asked: Asked | None = None,
    dtype: FeatureDtype | None = None,
    overwrite: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Write the dataset of a file of vectors to `out`, whole or not at all.

    A dataset of the same file is updated: what was added to it stays, and of its saved index the rows that are as they
    were (see `new_dataset`).

    Raises InputError for files that cannot be used, OutputError where `out` is another dataset and `overwrite` is not
    given, or is not a dataset.
    """
    path, target, asked = absolute(vectors), Path(out), asked or Asked()
    meta_path = None if meta is None else absolute(meta)
    source = f"the file {path}" + ("" if meta_path is None else f" with {meta_path}")
    before = _earlier(target, path)
    overwrite = overwrite or before is not None
    check_target(target, overwrite=overwrite)
    file = open_vectors(path, asked.vector, pool=asked.pool)
    joined = columns_of(file, meta_path, asked)
    outcome = Outcome(n_rows=file.n_rows, said=[*file.said, *joined.said], left_over=joined.left_over)
    clips = ClipColumns(file, joined, asked)
    outcome.said += clips.said
    problems = file.problems | clips.problems
    with new_dataset(target, clips.labels, dtype=dtype or "float32", overwrite=overwrite, before=before) as writer:
        for batch in file.batches():
            progress(int(batch.rows[0]), file.n_rows)
            wrong = batch.problems | {row: problems[row] for row in batch.rows.tolist() if row in problems}
            outcome.left_out |= wrong
            good = ~np.isin(batch.rows, list(wrong)) if wrong else slice(None)
            rows = batch.rows[good]
            outcome.n_clips, outcome.dim = outcome.n_clips + len(rows), batch.values.shape[1]
            if len(rows):
                writer.add(clips.batch(rows, batch.values[good]))
        outcome.left_out = dict(sorted((file.problems | outcome.left_out).items()))
        if not outcome.n_clips:
            some = "".join(f"\n  row {row:,}: {text}" for row, text in list(outcome.left_out.items())[:5])
            raise InputError(f"{path} has no row that can be used:{some}")
        if file.n_frames:
            low, high = min(file.n_frames), max(file.n_frames)
            frames = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            outcome.said.append(f"pooled: vectors are the mean of {frames} frames")
        about = About(
            title=f"{path.name.split('.')[0] or path.name}: your own embeddings",
            source=source,
            licence="as the files themselves",
            media=clips.media_kind,
            media_folder=clips.media_folder,
            features={"aggregation": "one vector per row", "embedder": _EMBEDDER, "vectors": str(path)},
        )
        skipped = [
            {"where": f"{path.name}, row {row:,}", "reason": text}
            for row, text in list(outcome.left_out.items())[:_MAX_SKIPPED]
        ]
        writer.finish(about, skipped=skipped, notes=[*outcome.said, *outcome.left_over, *_uncounted(outcome)])
    if before is not None:
        outcome.changes = count_changes(before, open_dataset(target))
    progress(file.n_rows, file.n_rows)
    return outcome


def _uncounted(outcome: Outcome) -> list[str]:
    more = len(outcome.left_out) - _MAX_SKIPPED
    return [f"{more:,} more rows were left out than are listed"] if more > 0 else []


def _earlier(target: Path, path: Path) -> Dataset | None:
    """Return the dataset at `target` if it was made of this file."""
    try:
        before = open_dataset(target)
    except DatasetError:
        return None
    if before.manifest["features"].get("vectors") != str(path):
        return None
    _ = before.label_mids  # a table is read at its first use, and will have been replaced
    return before


def columns_of(file: VectorFile, meta: Path | None, asked: Asked) -> Joined:
    """Return the columns of a file of vectors, with those of its metadata. Raises what `join_metadata` raises."""
    if meta is None:
        text_names = set(file.table.column_names) if file.is_text else set()
        return Joined(file.table, None, text_names, is_single=False, said=[], left_over=[])
    joined = join_metadata(file, meta, asked.roles.id)
    if file.is_text:
        joined.text_names.update(set(file.table.column_names) - set(joined.table.column_names) | {joined.id_name or ""})
    return joined
