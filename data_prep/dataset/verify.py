"""Verification of a prepared dataset: every byte and every rule of the format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
    """Yield what is wrong with clips.parquet, each once; a block at a time, as a column of Python objects is large."""
    problems: dict[str, None] = {}
    hashes = [np.empty(0, np.uint64)]  # of all ids
    first_frame = 0
    for split in SPLITS:
        last = b""
        for start in range(0, dataset.n_rows(split), _CHUNK):
            clips = dataset.clips(split).slice(start, _CHUNK)
            ids: list[Any] = clips["clip_id"].to_pylist()
            keys = [row_key(clip_id) for clip_id in ids]
            problems |= dict.fromkeys(_wrong_block(dataset, split, clips, start, [last, *keys], first_frame))
            hashes.append(_hashes(keys))
            last = keys[-1]
            first_frame += int(_numbers(clips, "n_frames").sum())
    yield from problems
    if _is_one_twice(dataset, np.concatenate(hashes)):
        yield "clips.parquet: a clip id occurs twice"
    if dataset.has_frames and first_frame != dataset.manifest["frames"]:
        yield f"clips.parquet counts {first_frame:,} frames, frames.npy has {dataset.manifest['frames']:,}"


def _wrong_block(
    dataset: Dataset, split: str, clips: pa.Table, start: int, keys: list[bytes], first_frame: int
) -> Iterator[str]:
    """Yield what is wrong with the rows of a split from `start` on; keys: theirs, after that of the row before."""
    if (medium := invalid_medium(dataset.media, clips["media"])) is not None:
        yield f"clips.parquet: {medium!r:.80}, a medium of {split}, is not an address of http:// or https://"
    if set(clips["split"].to_pylist()) - {split}:
        yield f"clips.parquet: not all of its {split} rows have the split {split}"
    if not np.array_equal(_numbers(clips, "row"), np.arange(start, start + len(clips))):
        yield f"clips.parquet: the rows of {split} are not numbered 0 to {dataset.n_rows(split) - 1}"
    if keys != sorted(keys):
        yield f"clips.parquet: the rows of {split} are not in the order of their keys"
    start_s, end_s = _numbers(clips, "start_s"), _numbers(clips, "end_s")
    if not ((start_s >= 0) & (start_s < end_s) & np.isfinite(end_s)).all():
        yield f"clips.parquet: not all times of {split} are 0 <= start < end"
    n_frames = _numbers(clips, "n_frames")
    if (n_frames < 1).any():
        yield f"clips.parquet: a clip of {split} has no frame"
    firsts = (first_frame + np.cumsum(n_frames) - n_frames).tolist() if dataset.has_frames else [None] * len(clips)
    if clips["first_frame"].to_pylist() != firsts:
        yield f"clips.parquet: first_frame of {split} does not follow from n_frames"


def _hashes(keys: list[bytes]) -> npt.NDArray[np.uint64]:
    """Return the first 8 bytes of each key."""
    return np.frombuffer(b"".join(key[:8] for key in keys), np.uint64)


def _is_one_twice(dataset: Dataset, hashes: npt.NDArray[np.uint64]) -> bool:
    """Return whether a clip id occurs twice; hashes: of all ids, sorted here in place. Equal ids have equal hashes."""
    hashes.sort()
    repeated = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not repeated:
        return False
    ids = [clip_id for split in SPLITS for clip_id in dataset.clips(split)["clip_id"].to_pylist()]
    return len(set(ids)) < len(ids)


def _wrong_labels(dataset: Dataset) -> Iterator[str]:
    n_labels = len(dataset.label_names)
    if dataset.label_indices != list(range(n_labels)):
        yield "labels.parquet: its index is not 0, 1, 2, ..."
    for split in SPLITS:
        counts = np.zeros(n_labels, np.int64)
        for start in range(0, dataset.n_rows(split), _CHUNK):
            _, values = dataset.label_sets(split, start, min(start + _CHUNK, dataset.n_rows(split)))
            if len(values) and not 0 <= values.min() <= values.max() < n_labels:
                yield f"clips.parquet: a clip of {split} has a label outside 0 to {n_labels - 1}"
                break
            counts += np.bincount(values, minlength=n_labels)
        else:
            if not np.array_equal(counts, dataset.label_counts(split)):
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
