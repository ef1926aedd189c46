"""Search in sketched buckets."""

import numpy as np
import pytest

from lsh.kernels.sketch_search import ALL, centroid_products, ids_at, search_buckets, select_best
from lsh.result import SearchResult
from lsh.sketch_index import SketchIndex
from tests import reference
from tests.lsh.confidence import half_width

UNIT = float(np.finfo(np.float32).eps) / 2
METRICS = ["cosine", "euclidean"]


def clustered(n, dim, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((20, dim))[rng.integers(0, 20, n)] + rng.standard_normal((n, dim))).astype(np.float32)


def expected_of(index, Q, n_probes, n_reranked, k):
    exact = index.exact
    vectors = reference.normalise(Q, index.metric == "cosine", 1e-18, 1e18)
    return reference.search_buckets(
        vectors, index.buckets, index.gaps, exact.X, exact.inverse_norms, exact.vectors.metric, n_probes, n_reranked, k
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", ["kmeans", "crosspolytopes", "hyperplanes"])
@pytest.mark.parametrize("dim", [3, 128, 140])
def test_where_all_candidates_are_ranked_a_search_agrees_with_its_reference(metric, family, dim):
    X, Q = clustered(150, dim, 0), clustered(12, dim, 1)
    index = SketchIndex(metric, n_buckets=16, family=family).fit(X)
    for n_probes in (1, 3, 16):
        found = index.search(Q, 7, n_probes, n_reranked=150)
        ids, distances, n_candidates = expected_of(index, Q, n_probes, 150, 7)
        assert np.array_equal(found.n_candidates, n_candidates)
        assert np.array_equal(found.ids, ids)
        there = ids >= 0
        assert np.array_equal(np.isfinite(found.distances), there)
        # The query, 1/|x|, their products, the sum and the subtraction are rounded (Higham 2002, section 3.1).
        size = distances[there].astype(np.float64) if metric == "euclidean" else 1
        assert (np.abs(found.distances[there].astype(np.float64) - distances[there]) <= (dim + 6) * UNIT * size).all()


# Of up to 6 probes + 16 buckets all centroids are compared exactly, of more those with the best sketches.
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n_buckets", "n_probes"), [(1, 1), (18, 1), (19, 1), (60, 4), (60, 60), (300, 5)])
def test_the_buckets_with_the_nearest_centroids_are_probed_among_few_buckets_and_many(metric, n_buckets, n_probes):
    X, Q = clustered(600, 24, 0), clustered(20, 24, 1)
    index = SketchIndex(metric, n_buckets).fit(X)
    found = index.search(Q, 7, n_probes, n_reranked=600)
    ids, _, n_candidates = expected_of(index, Q, n_probes, 600, 7)
    assert np.array_equal(found.n_candidates, n_candidates)
    assert np.array_equal(found.ids, ids)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n_buckets", "n_probes"), [(1, 1), (16, 2), (16, 16), (100, 3), (100, 50)])
def test_where_few_are_ranked_a_search_has_the_recall_of_its_reference(metric, n_buckets, n_probes):
    X, Q = clustered(600, 64, 0), clustered(60, 64, 1)
    index = SketchIndex(metric, n_buckets).fit(X)
    truth = index.exact.search(Q, 10).ids
    found = index.search(Q, 10, n_probes, n_reranked=20).ids
    expected = expected_of(index, Q, n_probes, 20, 10)[0]
    shares = [
        np.array([len(set(a) & set(b)) / 10 for a, b in zip(ids, truth, strict=True)]) for ids in (found, expected)
    ]
    # The query is rounded here and not there, and a few more may be ranked.
    assert shares[0].mean() >= shares[1].mean() - half_width(shares[0] - shares[1], 1)
    assert shares[1].mean() < 1


@pytest.mark.parametrize("n", [1, 9, 400])
def test_select_best_lists_places_of_the_best_scores_in_ascending_order(n):
    for seed in range(10):
        scores = np.random.default_rng([n, seed]).standard_normal(n).astype(np.float32)
        for wanted, slack in [(1, 0), (5, 0), (40, 14)]:
            places = np.full(n, -1)
            count = select_best(scores, wanted, slack, places)
            assert min(wanted, n) <= count <= min(wanted + slack, n)
            assert places[:count].tolist() == reference.select_best(scores, count)


@pytest.mark.parametrize("dim", [1, 7, 128])
def test_centroid_products_measures_the_chosen_centroids_alone(dim):
    rng = np.random.default_rng(dim)
    q, centroids = rng.standard_normal(dim, dtype=np.float32), rng.standard_normal((9, dim), dtype=np.float32)
    penalties, chosen = rng.random(9, dtype=np.float32), np.array([1, 4, 8])
    offsets, closeness = np.full((2, 4), 99, np.float32)
    centroid_products(q, centroids, penalties, chosen, offsets, closeness)
    bound = dim * UNIT / (1 - dim * UNIT) * (np.abs(centroids[chosen]).astype(np.float64) @ np.abs(q))  # Higham, 3.1
    expected = reference.centroid_products(q, centroids, penalties, chosen)
    assert (np.abs(offsets[:3] - expected[0]) <= bound).all()
    assert (np.abs(closeness[:3] - expected[1]) <= bound + UNIT * np.abs(expected[1])).all()
    assert offsets[3] == closeness[3] == 99


def test_ids_at_finds_the_ids_of_sketches_that_follow_those_of_centroids():
    order = np.random.default_rng(0).permutation(9).astype(np.int32)
    for places in ([], [3], [11, 4, 3], list(range(3, 12))):
        rows = np.full(len(places), -1)
        ids_at(np.array(places, np.int64), 3, order, np.zeros((9, 20), np.uint8), rows)
        assert rows.tolist() == reference.ids_at(places, 3, order)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e-30])
def test_a_query_that_cannot_be_scaled_is_left_to_the_caller(value):
    index = SketchIndex("cosine", n_buckets=3).fit(clustered(50, 4, 0))
    exact, Q = index.exact, np.float32([[1, 2, 3, 4], [value, 0, 0, 0]])
    found = *SearchResult.empty(2, 5), np.empty((2, 0), np.float32)
    vectors = tuple(float(value) if isinstance(value, np.float32) else value for value in exact.vectors)  # as it does
    arguments = tuple(index.buckets), vectors, 3, np.inf, 50, exact.X.shape[0]
    assert not search_buckets(Q, exact.limits, *arguments, *found, ALL, 0)
