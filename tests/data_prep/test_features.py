import numpy as np

from data_prep.features import mean_features


def test_a_feature_is_the_mean_of_its_frames_brought_back_to_two() -> None:
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


def test_the_ends_of_the_code_are_the_ends_of_the_range() -> None:
    frames = np.array([[0, 255]], np.uint8)
    assert mean_features(frames, np.array([1])).tolist() == [[-2.0, 2.0]]


def test_a_feature_is_the_same_bits_in_any_batch() -> None:
    rng = np.random.default_rng(1)
    n_frames = rng.integers(1, 11, 50)
    frames = rng.integers(0, 256, (n_frames.sum(), 128), dtype=np.uint8)
    together = mean_features(frames, n_frames)
    ends = np.cumsum(n_frames)
    alone = [mean_features(frames[end - n : end], np.array([n]))[0] for end, n in zip(ends, n_frames, strict=True)]
    np.testing.assert_array_equal(together, alone)
