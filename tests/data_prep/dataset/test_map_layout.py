"""Map layouts: clusters stay together, and coordinates fill their square."""

import sys

import numpy as np
import pytest

from data_prep.dataset import map_layout
from data_prep.dataset.map_layout import MAX_COORDINATE, as_coordinates, principal_plane, tsne_layout
from data_prep.errors import InputError


def separate_clusters(n: int = 300, dim: int = 12, n_clusters: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    cluster = rng.integers(0, n_clusters, n)
    centres = 4 * rng.standard_normal((n_clusters, dim))
    return (centres[cluster] + 0.4 * rng.standard_normal((n, dim))).astype(np.float32), cluster


def share_of_neighbours_in_the_same_cluster(places: np.ndarray, cluster: np.ndarray) -> float:
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    nearest = distances.argsort(axis=1)[:, 1:6]
    return float((cluster[nearest] == cluster[:, None]).mean())


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_separate_clusters_stay_separate(metric: str) -> None:
    features, cluster = separate_clusters()
    places = tsne_layout(features, metric, 0, lambda _: None)
    assert places.shape == (300, 2)
    assert share_of_neighbours_in_the_same_cluster(places, cluster) > 0.95


def test_cosine_lays_out_by_direction_and_not_by_length() -> None:
    features, cluster = separate_clusters()
    lengths = np.random.default_rng(5).uniform(0.01, 100, (300, 1)).astype(np.float32)
    places = tsne_layout(features * lengths, "cosine", 0, lambda _: None)
    assert share_of_neighbours_in_the_same_cluster(places, cluster) > 0.95


def test_clips_placed_later_land_in_their_own_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_layout, "MAX_FITTED", 120)
    monkeypatch.setattr(map_layout, "_CHUNK", 50)
    features, cluster = separate_clusters()
    told: list[int] = []
    places = tsne_layout(features, "euclidean", 0, told.append)
    assert told == sorted(told)
    assert told[0] < 5  # while the first ones are fitted
    assert [done for done in told if done >= 119] == [119, 120, 170, 220, 270, 300]
    assert share_of_neighbours_in_the_same_cluster(places, cluster) > 0.9


def test_the_seed_decides_the_layout() -> None:
    features, _ = separate_clusters(60)
    first, again, other = (tsne_layout(features, "cosine", seed, lambda _: None) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_clips_and_a_missing_library_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="15 clips are too few for a map: expected 16 or more"):
        tsne_layout(np.zeros((15, 4), np.float32), "cosine", 0, lambda _: None)
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(InputError, match=r"this needs openTSNE: pip install .*\[map\]"):
        tsne_layout(np.zeros((20, 4), np.float32), "cosine", 0, lambda _: None)


def test_the_principal_plane_is_the_one_in_which_clips_differ_most() -> None:
    rng = np.random.default_rng(6)
    plane = np.linalg.qr(rng.standard_normal((10, 2)))[0]
    features = (rng.standard_normal((500, 2)) * [5, 3]) @ plane.T + 0.01 * rng.standard_normal((500, 10))
    places = principal_plane(features.astype(np.float32)).project(features)
    distances, shown = (np.linalg.norm(x[:, None] - x[None], axis=2) for x in (features, places))
    np.testing.assert_allclose(shown, distances, atol=0.2)
    assert places[:, 0].std() > places[:, 1].std()


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (40, 1), (5, 2)])
def test_the_principal_plane_takes_few_clips_and_few_dimensions(shape: tuple[int, int]) -> None:
    features = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    places = principal_plane(features).project(features)
    assert places.shape == (shape[0], 2)
    assert np.isfinite(places).all()


def test_coordinates_fill_the_square_on_one_scale_and_are_centred() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 5.0]])
    coordinates = as_coordinates(places)
    assert coordinates.dtype == np.uint16
    assert coordinates[:, 0].min() == MAX_COORDINATE - coordinates[:, 0].max() == round(0.02 * MAX_COORDINATE)
    height, width = np.ptp(coordinates[:, 1].astype(int)), np.ptp(coordinates[:, 0].astype(int))
    assert abs(width - 2 * height) <= 1


def test_the_principal_plane_of_parts_in_blocks_is_that_of_all_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(8).standard_normal((70, 5)).astype(np.float32) * np.arange(1, 6, dtype=np.float32)
    whole = principal_plane(features)
    monkeypatch.setattr(map_layout, "_BLOCK_ROWS", 16)
    parts = principal_plane(features[:33], features[33:40], features[:0], features[40:])
    np.testing.assert_allclose(parts.centre, whole.centre, rtol=1e-5)
    np.testing.assert_allclose(parts.axes, whole.axes, rtol=1e-5)
    np.testing.assert_allclose(parts.project(features), whole.project(features), atol=1e-4)
    expected = np.linalg.svd(features - features.mean(axis=0, dtype=np.float64))[2][:2].T
    np.testing.assert_allclose(np.abs(whole.axes), np.abs(expected), atol=1e-5)


def test_of_many_clips_an_evenly_spaced_sample_gives_the_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(9).standard_normal((60, 4)).astype(np.float32)
    every_third = principal_plane(features[::3])
    monkeypatch.setattr(map_layout, "_SAMPLE", 20)
    np.testing.assert_array_equal(principal_plane(features).axes, every_third.axes)


def test_places_beyond_the_corners_end_at_the_edge_of_the_square() -> None:
    corners = np.array([[0.0, 0.0], [10.0, 5.0]])
    places = np.array([[0.0, 0.0], [10.0, 5.0], [-100.0, 2.0], [5.0, 1e9]])
    coordinates = as_coordinates(places, corners)
    np.testing.assert_array_equal(coordinates[:2], as_coordinates(places[:2]))
    assert coordinates[2, 0] == 0
    assert coordinates[3, 1] == MAX_COORDINATE


def test_clips_at_one_point_are_placed_in_the_middle() -> None:
    assert as_coordinates(np.full((4, 2), 3.0)).tolist() == [[32768, 32768]] * 4
