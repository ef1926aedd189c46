"""Recall grid: every (L, K) against a search."""

import numpy as np
import pytest

from lsh import LSHIndex, exact_search, recall_at_k, recall_grid
from lsh.errors import ParameterError, ShapeError, ZeroVectorError
from tests import reference

METRICS = ["cosine", "euclidean"]
L, K = 6, 7


def plain(rng):
    return rng.standard_normal((90, 5)), rng.standard_normal((6, 5))


def ties_at_the_kth_place(rng):
    """Return a coarse grid of points, most of them several times."""
    X = rng.integers(-2, 3, (90, 2)) + 0.5
    return X, X[:6]


def fewer_than_k(rng):
    return rng.standard_normal((4, 5)), rng.standard_normal((6, 5))


def one_vector_many_times(rng):
    return np.tile(rng.standard_normal((1, 5)), (30, 1)), rng.standard_normal((3, 5))


COLLECTIONS = [plain, ties_at_the_kth_place, fewer_than_k, one_vector_many_times]


def made(collection, metric, seed=0):
    X, Q = collection(np.random.default_rng(seed))
    return LSHIndex(metric, L, K, seed=seed).fit(X), np.float32(Q)


def tied_truth(index, Q, k):
    """Return, for each query, the ids no farther than its k-th neighbour, from the distances of exact search."""
    exact = exact_search(index.exact.X, Q, index.n, index.params.metric)
    last = exact.distances[:, min(k, index.n) - 1]
    return [set(ids[d <= most].tolist()) for ids, d, most in zip(exact.ids, exact.distances, last, strict=True)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("n_probes", [1, 2, 5])
def test_every_cell_is_what_a_search_at_that_setting_gives(metric, collection, n_probes):
    index, Q = made(collection, metric)
    for k in (1, 10):
        measured = recall_grid(index, Q, k, n_probes)
        truth = exact_search(index.exact.X, Q, k, metric)
        for n_tables in range(1, L + 1):
            for n_bits in range(1, K + 1):
                found = index.search(Q, k, n_tables, n_bits, n_probes)
                recall, candidates = measured.at(n_tables, n_bits)
                assert recall == pytest.approx(recall_at_k(found, truth).mean(), abs=1e-12)
                assert candidates == pytest.approx(found.n_candidates.mean() / index.n, abs=1e-12)
                assert np.array_equal(measured.looked_at[:, n_tables - 1, n_bits - 1], found.n_candidates)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("n_probes", [1, 3])
def test_every_cell_is_what_dictionaries_of_lists_give(metric, collection, n_probes):
    index, Q = made(collection, metric)
    k = 5
    measured = recall_grid(index, Q, k, n_probes)
    truth = tied_truth(index, Q, k)
    for n_tables in (1, 3, L):
        for n_bits in (1, 2, 5):
            by_hand = reference.DictionaryLSH(index, n_tables, n_bits)
            for q in range(len(Q)):
                met = by_hand.candidates(Q[q], n_probes)
                assert measured.looked_at[q, n_tables - 1, n_bits - 1] == len(met)
                assert measured.hits[q, n_tables - 1, n_bits - 1] == min(len(met & truth[q]), k)


@pytest.mark.parametrize("metric", METRICS)
def test_recall_and_candidates_are_shares_of_one_that_never_fall_with_l_nor_rise_with_k(metric):
    index, Q = made(plain, metric)
    measured = recall_grid(index, Q, 10)
    for values in (measured.recall, measured.candidate_fraction):
        assert values.shape == (L, K)
        assert ((values >= 0) & (values <= 1)).all()
        assert (np.diff(values, axis=0) >= 0).all()
        assert (np.diff(values, axis=1) <= 0).all()


def test_at_takes_the_numbers_that_a_search_takes():
    index, Q = made(plain, "cosine")
    measured = recall_grid(index, Q, 10)
    assert measured.at(2, 3) == (measured.recall[1, 2], measured.candidate_fraction[1, 2])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_probes": 0}, ParameterError, "n_probes is 0"),
        ({"n_probes": 65}, ParameterError, "n_probes is 65"),
        ({"k": 0}, ParameterError, "k is 0"),
        ({"Q": np.zeros((2, 5))}, ZeroVectorError, "all zeros"),
        ({"Q": np.ones((2, 4))}, ShapeError, "Q has 4 features"),
        ({"Q": np.empty((0, 5))}, ShapeError, "Q has no rows"),
    ],
)
def test_what_a_search_refuses_is_refused(arguments, error, message):
    index, Q = made(plain, "cosine")
    with pytest.raises(error, match=message):
        recall_grid(index, **{"Q": Q, **arguments})


@pytest.mark.parametrize(
    ("setting", "name"), [((0, 1), "n_tables"), ((L + 1, 1), "n_tables"), ((1, 0), "n_bits"), ((1, K + 1), "n_bits")]
)
def test_a_setting_that_was_not_measured_is_refused(setting, name):
    index, Q = made(plain, "cosine")
    with pytest.raises(ParameterError, match=f"{name} is"):
        recall_grid(index, Q).at(*setting)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n_probes", [1, 3])
def test_rows_of_the_index_are_left_out_of_their_own_neighbours_and_candidates(metric, n_probes):
    X = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
    X[50:60] = X[40:50]  # equal vectors are neighbours all the same
    rows = np.arange(0, 200, 7)
    index = LSHIndex(metric, n_tables=4, n_bits=6).fit(X)
    grid = recall_grid(index, X[rows], 5, n_probes, rows=rows)
    truth = index.exact.search(X[rows], 6).without(rows)
    for n_tables, n_bits in ((1, 6), (2, 3), (4, 1)):
        found = index.search(X[rows], 6, n_tables, n_bits, n_probes).without(rows)
        recall, fraction = grid.at(n_tables, n_bits)
        assert not (found.ids == rows[:, None]).any()
        assert recall == pytest.approx(recall_at_k(found, truth).mean())
        assert fraction == pytest.approx(found.n_candidates.mean() / 199)
