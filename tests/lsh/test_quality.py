"""Recall, label precision and average precision."""

import numpy as np
import pytest

from lsh import SearchResult, exact_search, label_precision_at_k, recall_at_k
from lsh.errors import ShapeError
from lsh.quality import average_precision, mean_recall
from tests import reference


def result(ids, distances):
    ids = np.array(ids, np.int64)
    return SearchResult(ids, np.array(distances, np.float32), np.zeros(len(ids), np.int64))


def test_recall_is_the_share_of_the_true_neighbours_found():
    truth = result([[4, 7, 1, 3]], [[0.1, 0.2, 0.3, 0.4]])
    assert recall_at_k(result([[4, 1, 9, -1]], [[0.1, 0.3, 0.9, np.inf]]), truth).tolist() == [0.5]
    assert recall_at_k(truth, truth).tolist() == [1.0]
    assert recall_at_k(result([[-1] * 4], [[np.inf] * 4]), truth).tolist() == [0.0]


def test_a_neighbour_tied_with_the_kth_counts_as_found():
    truth = result([[4, 7, 1]], [[0.1, 0.2, 0.2]])
    assert recall_at_k(result([[4, 8, 9]], [[0.1, 0.2, 0.2]]), truth).tolist() == [1.0]


def test_of_fewer_than_k_vectors_finding_all_is_recall_one():
    truth = result([[0, 1, -1]], [[0.1, 0.2, np.inf]])
    assert recall_at_k(truth, truth).tolist() == [1.0]
    assert recall_at_k(result([[1, -1, -1]], [[0.2, np.inf, np.inf]]), truth).tolist() == [0.5]


def test_a_missing_neighbour_never_counts_even_where_true_distances_are_infinite():
    truth = result([[-1, -1]], [[np.inf, np.inf]])
    missing = result([[-1, -1]], [[np.inf, np.inf]])
    assert recall_at_k(missing, truth).tolist() == [1.0]  # there was nothing to find


def test_recall_of_no_queries_is_empty():
    empty = SearchResult.empty(0, 5)
    assert recall_at_k(empty, empty).shape == (0,)


@pytest.mark.parametrize("hits", range(1, 1000, 7))
def test_mean_recall_is_a_quotient_of_whole_numbers(hits):
    found = np.arange(1000).reshape(100, 10) < hits
    truth = result(np.arange(1000).reshape(100, 10), np.ones((100, 10)))
    assert mean_recall(result(np.where(found, truth.ids, -1), np.ones((100, 10))), truth) == hits / 1000


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_recall_of_exact_search_is_one_where_many_vectors_tie(metric):
    X = np.random.default_rng(0).integers(1, 3, (50, 3))
    truth = exact_search(X, X[:9], 7, metric)
    assert recall_at_k(truth, truth).tolist() == [1.0] * 9


@pytest.mark.parametrize("shape", [(2, 4), (3, 3)])
def test_results_of_other_queries_or_another_k_are_refused(shape):
    with pytest.raises(ShapeError, match=r"found has shape .*, truth \(2, 3\)"):
        recall_at_k(SearchResult.empty(*shape), SearchResult.empty(2, 3))


def random_labels(rng, n):
    return [set(rng.integers(0, 8, rng.integers(0, 4)).tolist()) for _ in range(n)]


@pytest.mark.parametrize("k", [1, 3, 12])
def test_label_precision_is_the_share_of_neighbours_with_a_label_in_common(k):
    rng = np.random.default_rng(k)
    queries, base = random_labels(rng, 20), random_labels(rng, 40)
    ids = rng.integers(-1, 40, (20, k))
    found = label_precision_at_k(ids, reference.csr(queries), reference.csr(base))
    assert found.tolist() == [count / k for count in reference.count_sharing(ids, queries, base)]


def test_a_missing_neighbour_counts_as_wrong():
    one = reference.csr([{3}])
    assert label_precision_at_k(np.array([[0, -1]]), one, one).tolist() == [0.5]


def test_a_query_without_labels_shares_none():
    assert label_precision_at_k(np.array([[0]]), reference.csr([set()]), reference.csr([{1}])).tolist() == [0.0]


def test_read_only_labels_are_read():
    labels = reference.csr([{1}, {1, 2}])
    for array in labels:
        array.flags.writeable = False
    assert label_precision_at_k(np.array([[0, 1], [1, 0]]), labels, labels).tolist() == [1.0, 1.0]


def test_labels_for_other_queries_are_refused():
    with pytest.raises(ShapeError, match="query_labels are for 1 queries; ids has 2 rows"):
        label_precision_at_k(np.zeros((2, 3), int), reference.csr([{1}]), reference.csr([{1}]))


def test_ids_beyond_the_labelled_rows_are_refused():
    with pytest.raises(ShapeError, match="ids reach row 2; base_labels are for 2 rows"):
        label_precision_at_k(np.array([[0, 2]]), reference.csr([{1}]), reference.csr([{1}, {2}]))


@pytest.mark.parametrize("offsets", [[0, 1, 3], [1, 1, 2], [0, 3, 2], [-1, 1, 2], [0, 0, 1]])
@pytest.mark.parametrize("whose", ["query_labels", "base_labels"])
def test_offsets_outside_the_labels_are_refused(offsets, whose):
    right = reference.csr([{1}, {2}])
    labels = {"query_labels": right, "base_labels": right} | {whose: (np.array(offsets), right[1])}
    with pytest.raises(ShapeError, match=f"the offsets of {whose} do not rise from 0 to the number of its labels, 2"):
        label_precision_at_k(np.zeros((2, 3), int), **labels)


@pytest.mark.parametrize("depth", [1, 5, 40])
def test_average_precision_agrees_with_its_reference(depth):
    rng = np.random.default_rng(depth)
    queries, base = random_labels(rng, 20), random_labels(rng, 40)
    ids = np.array([rng.permutation(40)[:depth] for _ in range(20)])
    ids[3, -1] = -1
    found = average_precision(ids, reference.csr(queries), reference.csr(base))
    np.testing.assert_allclose(found, reference.average_precision(ids, queries, base), atol=1e-12)


def test_average_precision_by_hand():
    base = reference.csr([{1}, {2}, {1, 2}, {3}])
    ranking = np.array([[0, 1, 2, 3], [3, 1, 2, 0], [0, 1, 2, 3]])
    found = average_precision(ranking, reference.csr([{1}, {1}, {9}]), base)
    np.testing.assert_allclose(found, [(1 / 1 + 2 / 3) / 2, (1 / 3 + 2 / 4) / 2, 0])


def test_a_ranking_with_all_relevant_rows_first_has_average_precision_one():
    base = reference.csr([{1}, {2}, {1, 2}, {3}])
    ranking = np.array([[2, 0], [2, 0]])
    assert average_precision(ranking, reference.csr([{1}, {1, 2}]), base).tolist() == [1.0, 1.0]


def test_average_precision_refuses_labels_of_other_queries():
    with pytest.raises(ShapeError, match="query_labels are for 1 queries; ids has 2 rows"):
        average_precision(np.zeros((2, 3), int), reference.csr([{1}]), reference.csr([{1}]))


def test_a_row_that_is_the_query_is_left_out_also_when_equal_vectors_hide_it():
    ids = np.array([[7, 2, 5], [1, 2, 3], [4, -1, -1]])
    distances = np.array([[0, 1, 2], [0, 0, 0], [0, np.inf, np.inf]], np.float32)
    found = SearchResult(ids, distances, np.array([30, 40, 1])).without(np.array([7, 9, 4]))
    assert found.ids.tolist() == [[2, 5], [1, 2], [-1, -1]]
    assert found.distances.tolist() == [[1, 2], [0, 0], [np.inf, np.inf]]
    assert found.n_candidates.tolist() == [29, 40, 0]
