"""Features of clips: the dequantised means of their frames."""

import numpy as np
import pytest

from data_prep.dataset.features import frame_sums, mean_features


def test_a_feature_is_the_dequantised_mean_of_its_frames() -> None:
    rng = np.random.default_rng(0)
    n_frames = np.array([1, 10, 3, 9])
    frames = rng.integers(0, 256, (n_frames.sum(), 128), dtype=np.uint8)
    features = mean_features(frames, n_frames)
    assert features.dtype == np.float32
    start = 0
    for feature, n in zip(features, n_frames, strict=True):
        plain = [frame.astype(float) / 255 * 4 - 2 for frame in frames[start : start + n]]
        np.testing.assert_allclose(feature, np.mean(plain, axis=0), atol=1e-6)
        start += n


@pytest.mark.parametrize("length", [1, 10, 257, 258, 300])
def test_sums_of_many_frames_do_not_overflow(length: int) -> None:
    frames = np.full((length + 2, 3), 255, np.uint8)
    n_frames = np.array([length, 2])
    assert frame_sums(frames, n_frames).tolist() == [[255 * length] * 3, [510] * 3]
    assert frame_sums(frames[:length], n_frames[:1]).tolist() == [[255 * length] * 3]
    assert mean_features(frames, n_frames).tolist() == [[2.0] * 3] * 2


def test_no_clips_have_no_sums() -> None:
    assert frame_sums(np.empty((0, 128), np.uint8), np.empty(0, np.int64)).shape == (0, 128)


def test_the_codes_0_and_255_are_the_ends_of_the_range() -> None:
    frames = np.array([[0, 255]], np.uint8)
    assert mean_features(frames, np.array([1])).tolist() == [[-2.0, 2.0]]


def test_a_feature_has_the_same_bits_in_any_batch() -> None:
    rng = np.random.default_rng(1)
    n_frames = rng.integers(1, 11, 50)
    frames = rng.integers(0, 256, (n_frames.sum(), 128), dtype=np.uint8)
    together = mean_features(frames, n_frames)
    ends = np.cumsum(n_frames)
    alone = [mean_features(frames[end - n : end], np.array([n]))[0] for end, n in zip(ends, n_frames, strict=True)]
    np.testing.assert_array_equal(together, alone)
