"""True neighbours, computed once and kept in a file."""

import numpy as np
import pytest

from benchmarks.ground_truth import GroundTruth, pairs_within

METRICS = ["cosine", "euclidean"]


def distance(x, q, metric):
    x, q = x.astype(np.float64), q.astype(np.float64)
    if metric == "euclidean":
        return float(np.sqrt(sum((a - b) ** 2 for a, b in zip(x, q, strict=True))))
    length = np.sqrt(sum(x * x)) * np.sqrt(sum(q * q))
    return 1 - float(sum(x * q) / length) if length else 1.0


def definition(X, q, ids, metric, k):
    """Return recall by its definition: sort all distances, and count the ids within the k-th."""
    far = [distance(x, q, metric) for x in X]
    limit = sorted(far)[k - 1] + 1e-6
    return len({i for i in ids if 0 <= i < len(X) and far[i] <= limit}) / k


@pytest.mark.parametrize("metric", METRICS)
def test_recall_is_that_of_the_definition(metric):
    rng = np.random.default_rng(1)
    X, Q = rng.standard_normal((300, 12), dtype=np.float32), rng.standard_normal((8, 12), dtype=np.float32)
    truth = GroundTruth.compute(X, Q, metric, 5)
    order = np.argsort([[distance(x, q, metric) for x in X] for q in Q], axis=1)
    ids = order[:, [0, 2, 4, 5, 9]]  # three of the five nearest
    expected = [definition(X, q, row.tolist(), metric, 5) for q, row in zip(Q, ids, strict=True)]
    assert expected == [0.6] * 8
    assert truth.recalls(ids).tolist() == expected


@pytest.mark.parametrize("metric", METRICS)
def test_the_distances_do_not_depend_on_the_block_sizes(metric, monkeypatch):
    rng = np.random.default_rng(2)
    X, Q = rng.standard_normal((101, 6), dtype=np.float32), rng.standard_normal((23, 6), dtype=np.float32)
    whole = GroundTruth.compute(X, Q, metric, 10).kth_distances
    monkeypatch.setattr("benchmarks.ground_truth._BLOCK_ROWS", 7)
    monkeypatch.setattr("benchmarks.ground_truth._BLOCK_QUERIES", 5)
    np.testing.assert_allclose(GroundTruth.compute(X, Q, metric, 10).kth_distances, whole, rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_either_of_two_equal_vectors_counts_in_the_last_place(metric):
    X = np.array([[1, 0], [0.5, 0.5], [0.5, 0.5], [-1, 0.1]], np.float32)
    truth = GroundTruth.compute(X, np.array([[1, 0.1]], np.float32), metric, 2)
    assert truth.recalls(np.array([[0, 1]])).item() == 1
    assert truth.recalls(np.array([[0, 2]])).item() == 1
    assert truth.recalls(np.array([[0, 3]])).item() == 0.5


def test_equal_vectors_do_not_bring_recall_above_1():
    X = np.ones((6, 3), np.float32)
    truth = GroundTruth.compute(X, np.ones((1, 3), np.float32), "euclidean", 2)
    assert truth.recalls(np.arange(6)[None]).item() == 1


def test_a_repeated_id_counts_once_and_ids_outside_the_collection_do_not_count():
    X = np.arange(20, dtype=np.float32).reshape(10, 2)
    truth = GroundTruth.compute(X, X[:1], "euclidean", 4)
    assert truth.recalls(np.array([[0, 0, 0, 0]])).item() == 0.25
    assert truth.recalls(np.array([[0, -1, 10, 1]])).item() == 0.5


def test_recall_is_1_if_all_of_fewer_than_k_vectors_are_found():
    X = np.arange(6, dtype=np.float32).reshape(3, 2)
    truth = GroundTruth.compute(X, X[:1], "euclidean", 10)
    assert truth.recalls(np.array([[0, 1, 2, -1]])).item() == 1


def test_a_zero_vector_has_cosine_distance_1():
    X = np.array([[0, 0], [-1, 0], [0, 1]], np.float32)
    truth = GroundTruth.compute(X, np.array([[1, 0]], np.float32), "cosine", 2)
    assert truth.kth_distances.item() == 1
    assert truth.recalls(np.array([[0, 2]])).item() == 1


@pytest.mark.parametrize("metric", METRICS)
def test_pairs_within_a_radius_are_those_of_the_definition(metric, monkeypatch):
    rng = np.random.default_rng(3)
    X, Q = rng.standard_normal((101, 6), dtype=np.float32), rng.standard_normal((23, 6), dtype=np.float32)
    X[4] = 0
    away = np.array([[distance(x, q, metric) for x in X] for q in Q])
    monkeypatch.setattr("benchmarks.ground_truth._BLOCK_ROWS", 40)
    monkeypatch.setattr("benchmarks.ground_truth._BLOCK_QUERIES", 7)
    for radius in (float(np.median(away)), float(away.min() * 0.9)):
        expected = [q * 101 + row for q in range(23) for row in range(101) if away[q, row] <= radius]
        assert pairs_within(X, Q, metric, radius).tolist() == expected
