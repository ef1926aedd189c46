"""Clips for test datasets, with default values for every column."""

import numpy as np

from data_prep.dataset.schema import ClipBatch


def plain_clips(split, labels, features, **more):
    """Return clips of one second each, `clip-0000`, `clip-0001`, ...; `more` replaces columns."""
    n = len(labels)
    plain = {
        "clip_id": [f"clip-{i:04}" for i in range(n)],
        "media": ["{}"] * n,
        "start_s": np.zeros(n),
        "end_s": np.ones(n),
        "n_frames": np.ones(n, np.int64),
    }
    return ClipBatch(**{**plain, "split": split, "labels": labels, "features": features, **more})


def splits_of(rows):
    """Return the split of each clip; `rows` maps each split to its number of clips."""
    return [split for split, count in rows.items() for _ in range(count)]
