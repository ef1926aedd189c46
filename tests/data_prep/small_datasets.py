"""Small prepared datasets for tests."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.dataset.label_sets import LabelSets
from data_prep.dataset.schema import SPLITS, About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset

LABELS = [Label(f"/m/{i}", f"label {i}", ("sounds",) if i else ()) for i in range(5)]
ABOUT = About(title="Thirty clips", source="a test", licence="none", media="synth", features={"embedder": "dice"})


def batch(
    n: int = 30, *, seed: int = 0, dim: int = 8, with_frames: bool = False, first: int = 0, **replaced: Any
) -> ClipBatch:
    """Return n clips `clip-0`, `clip-1`, ... that depend on their number and the seed alone."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(first, first + n)
    n_frames = 1 + numbers % 10
    columns: dict[str, Any] = {
        "clip_id": [f"clip-{i}" for i in numbers],
        "split": [SPLITS[i % 3] for i in numbers],
        "media": [f'{{"recipe": {i}}}' for i in numbers],
        "start_s": numbers / 2,
        "end_s": numbers / 2 + 10,
        "labels": [[] if i % 4 == 0 else sorted({i % 5, (i + 2) % 5}) for i in numbers.tolist()],
        "n_frames": n_frames,
        "features": rng.normal(size=(first + n, dim)).astype(np.float32)[first:],
        "frames": np.repeat(numbers, n_frames)[:, None].astype(np.uint8).repeat(dim, axis=1) if with_frames else None,
    }
    return ClipBatch(**{**columns, **replaced})


def write(out: Path, **options: Any) -> Path:
    """Write the dataset of `batch(**options)`; the option `dtype` is that of the stored features."""
    dtype = options.pop("dtype", "float32")
    write_dataset(out, ABOUT, LABELS, [batch(**options)], dtype=dtype)
    return out


def rows_of(sets: LabelSets) -> list[list[int]]:
    """Return the labels of each row as a list."""
    return [sets.values[start:end].tolist() for start, end in itertools.pairwise(sets.offsets)]
