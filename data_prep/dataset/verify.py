"""Verification of a prepared dataset: every byte and every rule of the format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_prep.dataset.hashed_file import file_facts
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.schema import SPLITS, invalid_medium, row_key
from data_prep.errors import DatasetError

_CHUNK = 65_536  # features checked at a time


def verify_dataset(path: str | Path) -> list[str]:
    """Return all problems of a dataset, one sentence each; an empty list if it is valid.

    Checks every hash, size, count, row number, split, order, time and label index, and that all features are finite.
    """
    try:
        dataset = open_dataset(path)
        damaged = list(_damaged_files(dataset))
        return damaged or [*_wrong_clips(dataset), *_wrong_labels(dataset), *_wrong_features(dataset)]
    except DatasetError as error:
        return [str(error)]


def _damaged_files(dataset: Dataset) -> Iterator[str]:
    for name, expected in dataset.manifest["files"].items():
        try:
            facts = file_facts(dataset.path / name)
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}"
            continue
        for fact in ("bytes", "sha256"):
            if facts[fact] != expected[fact]:
                yield f"{name}: {fact} is {facts[fact]}, the manifest states {expected[fact]}"


def _wrong_clips(dataset: Dataset) -> Iterator[str]:
    ids: set[str] = set()
    first_frame = 0
    for split in SPLITS:
        clips = dataset.clips(split)
        columns: dict[str, Any] = {name: clips[name].to_pylist() for name in ("clip_id", "split", "first_frame")}
        if (medium := invalid_medium(dataset.media, clips["media"])) is not None:
            yield f"clips.parquet: {medium!r:.80}, a medium of {split}, is not an address of http:// or https://"
        ids.update(columns["clip_id"])
        keys = [row_key(clip_id) for clip_id in columns["clip_id"]]
        if set(columns["split"]) - {split}:
            yield f"clips.parquet: not all of its {split} rows have the split {split}"
        if not np.array_equal(_numbers(clips, "row"), np.arange(len(clips))):
            yield f"clips.parquet: the rows of {split} are not numbered 0 to {len(clips) - 1}"
        if keys != sorted(keys):
            yield f"clips.parquet: the rows of {split} are not in the order of their keys"
        start_s, end_s = _numbers(clips, "start_s"), _numbers(clips, "end_s")
        if not ((start_s >= 0) & (start_s < end_s) & np.isfinite(end_s)).all():
            yield f"clips.parquet: not all times of {split} are 0 <= start < end"
        n_frames = _numbers(clips, "n_frames")
        if (n_frames < 1).any():
            yield f"clips.parquet: a clip of {split} has no frame"
        firsts = (first_frame + np.cumsum(n_frames) - n_frames).tolist() if dataset.has_frames else [None] * len(clips)
        if columns["first_frame"] != firsts:
            yield f"clips.parquet: first_frame of {split} does not follow from n_frames"
        first_frame += int(n_frames.sum())
    if len(ids) != sum(map(dataset.n_rows, SPLITS)):
        yield "clips.parquet: a clip id occurs twice"
    if dataset.has_frames and first_frame != dataset.manifest["frames"]:
        yield f"clips.parquet counts {first_frame:,} frames, frames.npy has {dataset.manifest['frames']:,}"


def _wrong_labels(dataset: Dataset) -> Iterator[str]:
    n_labels = len(dataset.label_names)
    if dataset.label_indices != list(range(n_labels)):
        yield "labels.parquet: its index is not 0, 1, 2, ..."
    for split in SPLITS:
        _, values = dataset.label_sets(split)
        if len(values) and not 0 <= values.min() <= values.max() < n_labels:
            yield f"clips.parquet: a clip of {split} has a label outside 0 to {n_labels - 1}"
        elif not np.array_equal(np.bincount(values, minlength=n_labels), dataset.label_counts(split)):
            yield f"labels.parquet: its counts for {split} are not those of clips.parquet"


def _wrong_features(dataset: Dataset) -> Iterator[str]:
    for split in SPLITS:
        features = dataset.features(split)
        for start in range(0, len(features), _CHUNK):
            bad = ~np.isfinite(features[start : start + _CHUNK]).all(axis=1)
            if bad.any():
                yield f"{split}.npy: row {start + int(np.argmax(bad))} is not finite"
                break


def _numbers(clips: pa.Table, name: str) -> Any:
    return clips[name].to_numpy()
