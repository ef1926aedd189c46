"""Pooling and rank fusion of frames."""

import numpy as np
import pytest

from lsh.analysis.fusion import FUSIONS, POOLINGS, best_frames, fuse, fuse_found, pool
from lsh.errors import ParameterError, ShapeError

TWO = np.array([0, 2, 5])  # two clips, of two and of three frames


def frames(rng, n=5, d=3):
    return rng.standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize(
    ("how", "one"),
    [
        ("mean", lambda clip: clip.mean(axis=0)),
        ("max", lambda clip: clip.max(axis=0)),
        ("mean+std", lambda clip: np.concatenate([clip.mean(axis=0), clip.std(axis=0)])),
        ("first", lambda clip: clip[0]),
    ],
)
def test_pooling_a_clip_is_pooling_its_own_frames(how, one):
    F = frames(np.random.default_rng(0))
    pooled = pool(F, TWO, how)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, [one(F[:2]), one(F[2:])], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", POOLINGS)
def test_a_clip_of_one_frame_is_that_frame(how):
    F = frames(np.random.default_rng(1), 4)
    pooled = pool(F, np.arange(5), how)
    np.testing.assert_array_equal(pooled[:, :3], F)
    assert not pooled[:, 3:].any()


def test_an_unknown_way_to_pool_or_to_fuse_is_refused():
    with pytest.raises(ParameterError, match="'mean', 'max', 'mean\\+std', 'first'"):
        pool(np.ones((5, 3), np.float32), TWO, "median")
    with pytest.raises(ParameterError, match="'best', 'sum', 'rank'"):
        fuse(np.ones((2, 3), np.float32), "worst")


@pytest.mark.parametrize("offsets", [[0], [0, 5, 5], [1, 5], [0, 4], [0, 3, 2, 5]])
def test_offsets_that_do_not_cut_the_frames_into_clips_are_refused(offsets):
    with pytest.raises(ShapeError, match="at least one frame per clip"):
        pool(np.ones((5, 3), np.float32), np.array(offsets))


def test_the_similarity_of_a_clip_is_that_of_its_best_frame():
    similarities = np.array([[0.1, 0.9, 0.3, 0.2, 0.4], [0.5, 0.0, 0.1, 0.2, 0.3]], np.float32)
    np.testing.assert_array_equal(best_frames(similarities, TWO), np.float32([[0.9, 0.4], [0.5, 0.3]]))


def test_the_three_ways_to_fuse_by_hand():
    similarities = np.float32([[0.75, 0.5, -np.inf], [0.25, 0.5, 1.0]])
    np.testing.assert_allclose(fuse(similarities, "best"), [0.75, 0.5, 1.0])
    np.testing.assert_allclose(fuse(similarities, "sum"), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(fuse(similarities, "rank"), [1 / 61 + 1 / 63, 1 / 62 + 1 / 62, 1 / 61])


@pytest.mark.parametrize("how", FUSIONS)
def test_fusing_all_frames_found_ranks_clips_as_fusing_all_similarities_does(how):
    rng = np.random.default_rng(2)
    offsets = np.cumsum([0, *rng.integers(1, 4, 12)])
    similarities = rng.random((3, offsets[-1])).astype(np.float32)
    order = np.argsort(-similarities, axis=1)
    distances = 1 - np.take_along_axis(similarities, order, axis=1)
    expected = np.argsort(-fuse(best_frames(similarities, offsets), how), kind="stable")
    np.testing.assert_array_equal(fuse_found(order, distances, offsets, 12, how), expected)


def test_where_few_frames_were_found_the_remaining_ids_are_minus_one():
    ids = np.array([[4, -1], [1, 3]])
    distances = np.float32([[0.1, np.inf], [0.5, 0.6]])
    assert fuse_found(ids, distances, TWO, 3).tolist() == [1, 0, -1]
    nothing = fuse_found(np.full((2, 2), -1), np.full((2, 2), np.inf, np.float32), TWO, 2)
    assert nothing.tolist() == [-1, -1]
