"""The bounds are the calibration's own figures, in the module's docstring, give or take what sampling does to them."""

import hashlib

import numpy as np
import pytest

from benchmarks import audioset_like
from benchmarks.audioset_like import clips, draw_model


@pytest.fixture(scope="module")
def model():
    return draw_model()


@pytest.fixture(scope="module")
def vectors(model):
    return np.concatenate(list(clips(model, 22_160, 3)))


def test_the_same_seed_gives_the_same_bytes(model):
    again = np.concatenate(list(clips(draw_model(), 500, 3)))
    first = np.concatenate(list(clips(model, 500, 3)))
    assert hashlib.sha256(again.tobytes()).digest() == hashlib.sha256(first.tobytes()).digest()


def test_another_seed_gives_other_vectors_of_the_same_world(model):
    one, other = (next(clips(model, 2_000, seed)) for seed in (3, 777))
    assert not (one == other).all(axis=1).any()
    assert abs(one.mean(axis=0) - other.mean(axis=0)).max() < 0.15  # 0.85 / sqrt(2000) = 0.02 a value, 128 values


def test_chunks_follow_one_another_and_sum_to_what_was_asked_for(model, monkeypatch):
    monkeypatch.setattr(audioset_like, "CHUNK", 100)
    sizes = [chunk.shape for chunk in clips(model, 250, 1)]
    assert sizes == [(100, 128), (100, 128), (50, 128)]
    alone = next(clips(model, 100, 1))
    np.testing.assert_array_equal(next(clips(model, 250, 1)), alone)


def test_values_are_means_of_ten_8_bit_frames_between_minus_two_and_two(vectors):
    assert vectors.dtype == np.float32
    assert abs(vectors).max() <= 2
    steps = (vectors[:1000].astype(np.float64) + 2) * 255 / 4 * 10
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


def test_values_and_lengths_spread_as_the_real_ones_do(vectors):
    assert vectors.std() == pytest.approx(0.85, abs=0.02)
    assert np.linalg.norm(vectors, axis=1).mean() == pytest.approx(9.4, abs=0.2)


def test_variance_is_spread_over_as_many_directions_as_the_calibration_says(vectors):
    variances = np.linalg.eigvalsh(np.cov(vectors, rowvar=False))
    assert variances.sum() ** 2 / (variances**2).sum() == pytest.approx(62, abs=4)


def test_neighbours_are_as_far_and_local_dimension_is_as_high_as_the_calibration_says(model, vectors):
    queries = next(clips(model, 400, 777))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = -np.sort(-(queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ unit.T, axis=1)
    assert np.median(cosines[:, 9]) == pytest.approx(0.60, abs=0.03)
    squares = (vectors**2).sum(axis=1) - 2 * queries @ vectors.T + (queries**2).sum(axis=1)[:, None]
    nearest = np.sqrt(np.sort(squares, axis=1)[:, :100])
    # The maximum-likelihood estimate of Levina & Bickel (2004) from the hundred nearest.
    dimension = -1 / np.log(nearest[:, :-1] / nearest[:, -1:]).mean(axis=1)
    assert np.median(dimension) == pytest.approx(14, abs=2)
