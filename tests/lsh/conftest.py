"""Fixtures: a small dataset, and a function that runs the command line."""

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from lsh.__main__ import main
from tests.commands import runner

SIZES = {"train": 240, "validation": 40, "test": 40}
ODD_CLIP = "-starts_with-a.dash"


def clips(metric_seed=0):
    """Return clips in ten clusters, labelled by their cluster, so that neighbours share labels."""
    rng = np.random.default_rng(metric_seed)
    split = np.repeat(list(SIZES), list(SIZES.values())).tolist()
    n = len(split)
    cluster = rng.integers(0, 10, n)
    ids = [f"clip-{i}" for i in range(n - 1)] + [ODD_CLIP]
    return ClipBatch(
        clip_id=ids,
        split=split,
        media=["{}"] * n,
        start_s=np.zeros(n),
        end_s=np.full(n, 10.0),
        labels=[[int(c)] if i % 9 else [] for i, c in enumerate(cluster)],
        n_frames=np.full(n, 10),
        features=(rng.standard_normal((10, 8))[cluster] * 2 + rng.standard_normal((n, 8))).astype(np.float32),
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the folder of a prepared dataset of 320 clips."""
    out = tmp_path_factory.mktemp("datasets") / "tiny"
    about = About(title="Ten clusters", source="a test", licence="none", media="synth", metric="euclidean")
    write_dataset(out, about, [Label(f"/m/{i}", f"kind {i}") for i in range(10)], [clips()])
    return out


@pytest.fixture(scope="session")
def tiny_dataset(tiny):
    return open_dataset(tiny)


@pytest.fixture
def run(capsys):
    return runner(main, capsys)
