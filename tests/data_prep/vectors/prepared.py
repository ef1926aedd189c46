"""Files of vectors made into datasets, and their rows as dictionaries."""

import numpy as np

from data_prep.dataset import open_dataset, verify_dataset
from data_prep.vectors.clip_columns import Asked
from data_prep.vectors.collection import prepare_vectors
from data_prep.vectors.roles import Roles


def prepare(path, out, meta=None, *, pool=False, vector=None, time_unit=None, audio_folder=None, **roles):
    """Return the outcome, the rows by clip id (with `vector` and label names), and the open dataset."""
    label = roles.pop("label", [])
    asked = Asked(vector, Roles(label=[label] if isinstance(label, str) else list(label), **roles), time_unit)
    asked.pool, asked.audio_folder = pool, audio_folder
    outcome = prepare_vectors(path, out, meta=meta, asked=asked)
    assert verify_dataset(out) == []
    dataset = open_dataset(out)
    rows = {}
    for split in ("train", "validation", "test"):
        for clip in dataset.clips(split).to_pylist():
            clip["labels"] = [dataset.label_names[label] for label in clip["labels"]]
            clip["vector"] = np.asarray(dataset.features(split)[clip["row"]])
            rows[clip["clip_id"]] = clip
    return outcome, rows, dataset


def vectors(n=6, dim=5, seed=0):
    """Return float32[n, dim]."""
    return np.random.default_rng(seed).standard_normal((n, dim), dtype=np.float32)
