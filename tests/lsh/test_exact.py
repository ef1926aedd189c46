"""Exact search against distances in float64 by definition."""

import numpy as np
import pytest

import lsh.exact
from lsh import LSHIndex, exact_search
from lsh.analysis.numpy_search import NumPySearch
from lsh.errors import ParameterError, ShapeError, ZeroVectorError
from lsh.exact import ExactSearch
from lsh.kernels.ranking import nearest
from tests import reference

METRICS = ["cosine", "euclidean"]
DIMS = [1, 2, 3, 7, 128, 1000]
UNIT = float(np.finfo(np.float32).eps) / 2


@pytest.fixture
def small_blocks(monkeypatch):
    """Let a few rows be many blocks."""
    monkeypatch.setattr(lsh.exact, "_BLOCK_ROWS", (7, 7))
    monkeypatch.setattr(lsh.exact, "_BLOCK_QUERIES", 3)


def ranked_by_kernel(X, Q, k, metric):
    """Rank every row with the kernel that ranks candidates: what exact search must equal bit for bit."""
    exact = ExactSearch(X, metric)
    queries = exact.prepare_queries(np.asarray(Q, np.float32))
    ids, distances = np.empty((len(Q), k), np.int64), np.empty((len(Q), k), np.float32)
    everything = np.arange(len(exact.X))
    for q in range(len(Q)):
        nearest(queries[q], tuple(exact.vectors), everything, ids[q], distances[q])
    return ids, distances


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_answers_are_the_nearest_rows_by_definition_in_float64(metric, dim, n, small_blocks):
    rng = np.random.default_rng([dim, n])
    X, Q = rng.standard_normal((n, dim)).astype(np.float32), rng.standard_normal((5, dim)).astype(np.float32)
    true = reference.exact(X, Q, n, metric)
    sorted_true = np.sort(true, axis=1)
    # Under cosine q, 1/|x|, their sum of products and the subtraction are rounded (Higham 2002, section 3.1).
    error = (dim + 6) * UNIT * (true if metric == "euclidean" else np.ones_like(true))
    for k in sorted({1, n, n + 1}):
        found = exact_search(X, Q, k, metric)
        for q in range(5):
            ids = found.ids[q, : min(k, n)]
            assert len(set(ids.tolist())) == min(k, n)
            assert (np.abs(found.distances[q, : min(k, n)] - true[q, ids]) <= error[q, ids]).all()
            assert (true[q, ids] <= sorted_true[q, : min(k, n)] + 2 * error[q].max()).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("offset", [0.0, 1.0, 100.0])
def test_the_estimates_never_lose_a_neighbour_that_ranking_every_row_finds(metric, dim, offset, small_blocks):
    for seed in range(4):
        rng = np.random.default_rng([dim, int(offset), seed])
        X = (rng.standard_normal((40, dim)) + offset).astype(np.float32)
        X[rng.integers(0, 40, 8)] = X[rng.integers(0, 40, 8)]
        Q = np.concatenate([X[:5], X[5:8] + np.float32(1e-4)])
        for k in (1, 3, 10):
            found = exact_search(X, Q, k, metric)
            ids, distances = ranked_by_kernel(X, Q, k, metric)
            assert np.array_equal(found.ids, ids)
            assert np.array_equal(found.distances, distances)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_distinct", [3, 40, 3000])
def test_ties_that_overflow_the_list_of_rows_are_ranked_all_the_same(metric, n_distinct, monkeypatch):
    monkeypatch.setattr(lsh.exact, "_BLOCK_ROWS", (500, 500))
    rng = np.random.default_rng(n_distinct)
    X = rng.standard_normal((n_distinct, 6)).astype(np.float32)[rng.integers(0, n_distinct, 3000)]
    Q = np.concatenate([X[:4], rng.standard_normal((4, 6)).astype(np.float32)])
    for k in (1, 10, 400):
        found = exact_search(X, Q, k, metric)
        ids, distances = ranked_by_kernel(X, Q, k, metric)
        assert np.array_equal(found.ids, ids)
        assert np.array_equal(found.distances, distances)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 7, 128])
def test_numpy_alone_gives_the_same_answers_and_calls_no_kernel(metric, dim, small_blocks, monkeypatch):
    rng = np.random.default_rng(dim)
    X, Q = (rng.standard_normal((m, dim)).astype(np.float32) for m in (60, 8))
    X[40:50] = X[:10]
    X[50] = 0
    expected = [exact_search(X, Q, k, metric) for k in (1, 10, 61)]
    refused = []
    for kernel in ("collect", "inner_products", "nearest", "normalise", "shortlist", "tighten"):
        monkeypatch.setattr(lsh.exact, kernel, lambda *_: refused.append("called"))
    for k, true in zip((1, 10, 61), expected, strict=True):
        found = NumPySearch(X, metric).search(Q, k)
        assert np.array_equal(found.ids, true.ids)
        np.testing.assert_allclose(found.distances, true.distances, rtol=1e-5, atol=1e-6)
    assert refused == []


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_allowed", [0, 1, 4, 25])
def test_numpy_alone_finds_the_same_among_the_allowed_rows_and_calls_no_kernel(metric, n_allowed, monkeypatch):
    rng = np.random.default_rng(n_allowed)
    X, Q = (rng.standard_normal((m, 6)).astype(np.float32) for m in (60, 2))
    mask = np.isin(np.arange(60), rng.permutation(60)[:n_allowed])
    true = ExactSearch(X, metric).search(Q, 5, allowed=mask)
    monkeypatch.setattr(lsh.filters.search, "nearest", None)
    found = NumPySearch(X, metric).search(Q, 5, allowed=mask)
    k = min(5, n_allowed)
    assert np.array_equal(found.ids, true.ids[:, :k])
    np.testing.assert_allclose(found.distances, true.distances[:, :k], rtol=1e-5, atol=1e-6)
    assert found.n_candidates.tolist() == [n_allowed] * 2


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_on_whole_numbers_euclidean_order_is_exact_and_ties_go_to_the_lower_id(dim, small_blocks):
    rng = np.random.default_rng(dim)
    X, Q = rng.integers(-3, 4, (60, dim)), rng.integers(-3, 4, (9, dim))
    squares = ((Q[:, None, :] - X[None, :, :]) ** 2).sum(axis=2)
    found = exact_search(X, Q, 20, "euclidean")
    for q in range(9):
        order = sorted(range(60), key=lambda i: (squares[q, i], i))[:20]
        assert found.ids[q].tolist() == order
        assert np.array_equal(found.distances[q], np.sqrt(squares[q, order].astype(np.float32)))


@pytest.mark.parametrize("metric", METRICS)
def test_of_duplicates_the_lower_ids_come_first(metric, small_blocks):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 4)).astype(np.float32)[np.arange(40) % 5]
    found = exact_search(X, X[:5], 6, metric)
    for q in range(5):
        assert found.ids[q].tolist() == [q, q + 5, q + 10, q + 15, q + 20, q + 25]


@pytest.mark.parametrize("metric", METRICS)
def test_for_a_repeated_vector_the_first_rows_are_returned(metric):
    X = np.tile(np.float32([[3, -1, 2]]), (100_000, 1))
    found = exact_search(X, np.float32([[3, -1, 2], [1, 1, 1]]), 10, metric)
    assert (found.ids == np.arange(10)).all()
    assert (np.ptp(found.distances, axis=1) == 0).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 7, 128])
def test_a_query_alone_gets_the_same_bits_as_in_a_batch(metric, dim):
    rng = np.random.default_rng(dim)
    X, Q = (rng.standard_normal((m, dim)).astype(np.float32) for m in (500, 150))
    batch = exact_search(X, Q, 10, metric)
    for q in range(len(Q)):
        alone = exact_search(X, Q[q : q + 1], 10, metric)
        assert np.array_equal(alone.ids[0], batch.ids[q])
        assert np.array_equal(alone.distances[0], batch.distances[q])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dim", [1, 7, 128])
def test_lsh_gives_a_pair_the_same_distance_bits_as_exact_search_does(metric, dim):
    rng = np.random.default_rng(dim)
    X, Q = (rng.standard_normal((m, dim)).astype(np.float32) for m in (80, 20))
    exact = exact_search(X, Q, 80, metric)
    found = LSHIndex(metric, 4, 4).fit(X).search(Q, 80)
    assert found.n_found.sum() > 0
    for q in range(20):
        distance_of = dict(zip(exact.ids[q].tolist(), exact.distances[q].tolist(), strict=True))
        n_found = int(found.n_found[q])
        for i, d in zip(found.ids[q, :n_found].tolist(), found.distances[q, :n_found].tolist(), strict=True):
            assert distance_of[i] == d


@pytest.mark.parametrize("metric", METRICS)
def test_more_neighbours_than_rows_are_all_rows(metric):
    X = np.eye(3, dtype=np.float32)
    found = exact_search(X, X[:1], 5, metric)
    assert found.ids.shape == found.distances.shape == (1, 3)
    assert found.n_found.tolist() == [3]


@pytest.mark.parametrize("metric", METRICS)
def test_every_row_counts_as_a_candidate(metric):
    rng = np.random.default_rng(0)
    found = exact_search(rng.standard_normal((9, 2)), rng.standard_normal((4, 2)), 3, metric)
    assert found.n_candidates.tolist() == [9] * 4


@pytest.mark.parametrize("metric", METRICS)
def test_no_queries_get_an_empty_answer(metric):
    found = exact_search(np.eye(3), np.empty((0, 3)), 2, metric)
    assert found.ids.shape == found.distances.shape == (0, 2)
    assert len(found.n_candidates) == 0


@pytest.mark.parametrize("metric", METRICS)
def test_a_mapped_file_is_searched_without_a_copy(metric, tmp_path):
    X = np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    search = ExactSearch(mapped, metric)
    assert np.shares_memory(search.X, mapped)
    found, expected = search.search(X[:20], 4), exact_search(X, X[:20], 4, metric)
    assert np.array_equal(found.ids, expected.ids)
    assert np.array_equal(found.distances, expected.distances)


def test_an_array_that_is_float32_already_is_not_copied():
    X = np.ones((4, 3), np.float32)
    assert np.shares_memory(ExactSearch(X).X, X)


def test_a_row_of_zeros_is_at_cosine_distance_one_from_everything():
    X = np.float32([[0, 0], [1, 1], [-1, -1], [-1, 1]])
    found = exact_search(X, np.float32([[2, 2]]), 4)
    assert found.ids[0].tolist() == [1, 0, 3, 2]
    assert found.distances[0, 1] == 1.0


def test_a_zero_query_under_cosine_is_refused_with_its_row():
    with pytest.raises(ZeroVectorError, match="Q row 1 is all zeros"):
        exact_search(np.eye(2), [[1, 0], [0, 0]])


def test_a_zero_query_under_euclidean_is_a_point_like_others():
    assert exact_search([[3, 4], [1, 0]], [[0, 0]], 2, "euclidean").distances.tolist() == [[1.0, 5.0]]


@pytest.mark.parametrize("k", [0, -1, 1.0, "3", None, True])
def test_a_wrong_k_is_refused(k):
    with pytest.raises(ParameterError, match="k is"):
        exact_search(np.eye(3), np.eye(3), k)


def test_an_unknown_metric_is_refused_with_the_ones_available():
    with pytest.raises(ParameterError, match="metric is 'manhattan'; expected one of 'cosine', 'euclidean'"):
        ExactSearch(np.eye(2), "manhattan")


def test_a_collection_without_rows_is_refused():
    with pytest.raises(ShapeError, match="X has no rows"):
        ExactSearch(np.empty((0, 4)))


@pytest.mark.parametrize("k", [1, 4, 59, 60, 61])
def test_neighbours_with_ties_are_all_rows_no_farther_than_the_kth(k, small_blocks):
    rng = np.random.default_rng(k)
    X, Q = rng.integers(-2, 3, (60, 2)), rng.integers(-2, 3, (8, 2))
    squares = ((Q[:, None, :] - X[None, :, :]) ** 2).sum(axis=2)
    offsets, ids = ExactSearch(X, "euclidean").neighbours_with_ties(Q, k)
    for q in range(8):
        last = np.sort(squares[q])[min(k, 60) - 1]
        order = sorted(np.flatnonzero(squares[q] <= last).tolist(), key=lambda i: (squares[q, i], i))
        assert ids[offsets[q] : offsets[q + 1]].tolist() == order


def test_the_arrays_of_exact_search_are_read_only():
    search = ExactSearch(np.eye(3))
    with pytest.raises(ValueError, match="read-only"):
        search.inverse_norms[0] = 2
    assert search.nbytes == 8 * 3


@pytest.mark.parametrize("n", [1, 4, 5, 6, 40, 1000])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_the_shortlist_of_numpy_is_every_score_within_the_margin_of_the_kth_best_and_no_other(n, k, margin):
    scores = np.random.default_rng([n, k]).standard_normal(n).astype(np.float32)
    kth = np.sort(scores)[-min(k, n)]
    found = NumPySearch(np.ones((n, 2), np.float32), "cosine")._shortlist(scores, k, margin, np.empty(n, np.int64))
    expected = range(n) if n <= k else np.flatnonzero(scores >= kth - np.float32(margin))
    assert found.tolist() == list(expected)
