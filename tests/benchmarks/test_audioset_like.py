"""Generated vectors, and real ones, have the statistics that the module's docstring states, within sampling error."""

import hashlib
import re

import numpy as np
import pytest

from benchmarks import audioset_like
from benchmarks.audioset_like import clips, draw_model, statistics
from data_prep.dataset import open_dataset


@pytest.fixture(scope="module")
def model():
    return draw_model()


@pytest.fixture(scope="module")
def vectors(model):
    return np.concatenate(list(clips(model, 22_160, 3)))


def test_the_same_seed_gives_the_same_vectors(model):
    again = np.concatenate(list(clips(draw_model(), 500, 3)))
    first = np.concatenate(list(clips(model, 500, 3)))
    assert hashlib.sha256(again.tobytes()).digest() == hashlib.sha256(first.tobytes()).digest()


def test_another_seed_gives_other_vectors_of_the_same_model(model):
    one, other = (next(clips(model, 2_000, seed)) for seed in (3, 777))
    assert not (one == other).all(axis=1).any()
    assert abs(one.mean(axis=0) - other.mean(axis=0)).max() < 0.15  # 0.85 / sqrt(2000) = 0.02 a value, 128 values


def test_chunks_have_as_many_vectors_as_were_asked_for(model, monkeypatch):
    monkeypatch.setattr(audioset_like, "CHUNK", 100)
    sizes = [chunk.shape for chunk in clips(model, 250, 1)]
    assert sizes == [(100, 128), (100, 128), (50, 128)]
    alone = next(clips(model, 100, 1))
    np.testing.assert_array_equal(next(clips(model, 250, 1)), alone)


def test_values_are_means_of_ten_frames_of_8_bits_from_minus_2_to_2(vectors):
    assert vectors.dtype == np.float32
    assert abs(vectors).max() <= 2
    steps = (vectors[:1000].astype(np.float64) + 2) * 255 / 4 * 10
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


STATED = [  # of the real clips, and of the generated vectors
    tuple(map(float, pair)) for pair in re.findall(r"([0-9.]*[0-9]) \(([0-9.]+)\)", audioset_like.__doc__)
]
TOLERANCES = 0.01, 0.1, 0.01, 1, 1  # of figures with so many digits, and of the sampling of queries


def test_the_statistics_of_generated_vectors_are_those_stated(model, vectors):
    found = list(statistics(vectors, next(clips(model, 400, 777))).values())
    assert found == [
        pytest.approx(generated, abs=allowed) for (_, generated), allowed in zip(STATED, TOLERANCES, strict=True)
    ]


def test_the_statistics_of_real_clips_are_those_stated(real_dataset):
    dataset = open_dataset(real_dataset)
    found = list(statistics(dataset.features("train"), dataset.features("validation")[:400]).values())
    assert found == [pytest.approx(real, abs=allowed) for (real, _), allowed in zip(STATED, TOLERANCES, strict=True)]


def test_the_statistics_of_uniform_vectors_are_known():
    rng = np.random.default_rng(0)
    X, Q = rng.random((5000, 4), dtype=np.float32), rng.uniform(0.4, 0.6, (200, 4)).astype(np.float32)
    found = statistics(X, Q)
    assert found["standard deviation of a value"] == pytest.approx(1 / np.sqrt(12), abs=0.01)
    assert found["median local dimension"] == pytest.approx(4, abs=0.4)
    assert found["participation ratio"] == pytest.approx(4, abs=0.05)
