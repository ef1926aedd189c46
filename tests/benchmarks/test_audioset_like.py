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
NAMES = ["standard deviation of a value", "mean length", "median cosine of the 10th neighbour"]
NAMES += ["median local dimension", "participation ratio"]
LAST = [0.0947, 0.9685, 0.3608]
TOLERANCES = 0.01, 0.1, 0.01, 1, 1  # of figures with so many digits, and of the sampling of queries


def test_the_statistics_of_generated_vectors_are_those_stated(model, vectors, capsys, monkeypatch):
    expected = {}

    def of(X, Q):
        np.testing.assert_array_equal(X, vectors)
        np.testing.assert_array_equal(Q, next(clips(model, 400, 777)))
        expected.update(statistics(X, Q))
        return expected

    monkeypatch.setattr(audioset_like, "draw_model", lambda: model)
    monkeypatch.setattr(audioset_like, "statistics", of)
    assert audioset_like.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{name}: {value:.2f}" for name, value in expected.items()]
    assert [line.partition(": ")[0] for line in lines] == NAMES
    assert list(expected.values()) == [
        pytest.approx(generated, abs=allowed) for (_, generated), allowed in zip(STATED, TOLERANCES, strict=True)
    ]


def test_the_model_and_its_vectors_are_those_of_earlier_figures(model):
    shown = {
        "centres": (model.centres[[0, 700, 1999], :3], [[0.0106, -1.1134, 1.4018], [-1.2685, -0.3617, -0.2408], LAST]),
        "axes": (model.subspaces[[0, 1999], [0, 15], :3], [[-0.2090, -0.0077, 0.0192], [0.0912, 0.0080, 0.0748]]),
        "noise": (model.noise[[0, 127], :3], [[-0.0602, -0.0475, -0.0960], [0.0018, -0.0019, 0.0011]]),
        "vectors": (next(clips(model, 50, 3))[[0, 49], :3], [[0.5490, -0.5459, 0.3671], [-1.4525, -1.1482, -0.8235]]),
    }
    for values, recorded in shown.values():
        np.testing.assert_allclose(values, recorded, atol=2e-4)
    parts = model.centres, model.subspaces, model.noise, next(clips(model, 50, 3))
    lengths = [np.linalg.norm(part.astype(np.float64)) for part in parts]
    assert lengths == pytest.approx([303.14038, 307.26663, 2.8346455, 69.702599], rel=1e-5)
    assert model.weights[[0, 1, 1999]] == pytest.approx([0.0542627239, 0.0311657509, 0.000124073089])


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
    assert found["mean length"] == pytest.approx(np.sqrt((X**2).sum(axis=1)).mean(), rel=1e-5)
    cosines = (Q @ X.T) / (np.linalg.norm(Q, axis=1)[:, None] * np.linalg.norm(X, axis=1))
    tenth = np.median(np.sort(cosines, axis=1)[:, -10])
    assert found["median cosine of the 10th neighbour"] == pytest.approx(tenth, abs=1e-5)
    distances = np.sort(np.linalg.norm(X - Q[:, None], axis=2), axis=1)[:, :100]
    dimension = np.median(1 / np.log(distances[:, 99:] / distances[:, :99]).mean(axis=1))  # Levina & Bickel (2004)
    assert found["median local dimension"] == pytest.approx(dimension, rel=1e-4)
