"""Clips of a made dataset, of which a test says only what it is about."""

import numpy as np

from data_prep.dataset.schema import ClipBatch


def plain_clips(split, labels, features, **more):
    """Return clips of one second each, `clip-0000` and so on; `more` gives other columns."""
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
    """Return the split of each clip where `rows` says how many each split has."""
    return [split for split, count in rows.items() for _ in range(count)]
