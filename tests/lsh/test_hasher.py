"""Keys, centre and default bucket width."""

import numpy as np
import pytest

import lsh.hasher
from lsh import LSHIndex
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare, typical_width
from tests import reference

METRICS = ["cosine", "euclidean"]


def data(n=60, dim=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("centre", [True, False])
def test_keys_are_the_hashes_of_the_papers_packed(metric, centre):
    X = data()
    index = LSHIndex(metric, 3, 7, seed=1, centre=centre).fit(X)
    symbols = reference.DictionaryLSH(index, 3, 7).symbols(X)[0]
    assert np.array_equal(index.hasher.keys(X, 3), reference.pack(symbols, index.hasher.family.symbol_bits))


@pytest.mark.parametrize("metric", METRICS)
def test_a_vector_has_the_same_key_alone_in_a_block_and_as_a_query(metric, monkeypatch):
    X = data()
    index = LSHIndex(metric, 4, 9).fit(X)
    keys = index.hasher.keys(X, 4)
    for i in range(len(X)):
        assert np.array_equal(index.hasher.keys(X[i : i + 1], 4)[:, 0], keys[:, i])
    for queries in (X, X.astype(np.float64), np.asfortranarray(X)):
        assert np.array_equal(index.hasher.query(index.exact.prepare_queries(queries), 4, 3).keys, keys)
    monkeypatch.setattr(lsh.hasher, "_BLOCK_ROWS", 7)
    assert np.array_equal(index.hasher.keys(X, 4), keys)


@pytest.mark.parametrize("metric", METRICS)
def test_keys_of_fewer_tables_are_the_first_ones(metric):
    X = data()
    index = LSHIndex(metric, 6, 5).fit(X)
    assert np.array_equal(index.hasher.keys(X, 2), index.hasher.keys(X, 6)[:2])


@pytest.mark.parametrize("metric", METRICS)
def test_perturbations_are_given_only_when_there_is_more_than_one_probe(metric):
    index = LSHIndex(metric, 3, 5).fit(data())
    n_perturbations = 1 if metric == "cosine" else 2
    assert index.hasher.query(data(4), 2, 1).symbols.shape == (4, 2, 0, n_perturbations)
    query = index.hasher.query(data(4), 2, 2)
    assert query.symbols.shape == query.costs.shape == (4, 2, 5, n_perturbations)


def test_prepare_scales_to_length_one_under_cosine_and_subtracts_the_centre():
    X, centre = np.float32([[3, 4], [0, 0]]), np.float32([0.5, -0.5])
    assert np.array_equal(prepare(X, "cosine", centre), np.float32([[0.6, 0.8], [0, 0]]) - centre)
    assert np.array_equal(prepare(X, "euclidean", centre), X - centre)


def test_the_centre_is_the_mean_of_the_directions_under_cosine(monkeypatch):
    monkeypatch.setattr(lsh.hasher, "_BLOCK_ROWS", 7)
    X = data(50) * np.random.default_rng(1).uniform(0.1, 10, (50, 1)).astype(np.float32)
    wide = X.astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    eps = np.finfo(np.float32).eps  # each direction is rounded to float32, and so is their mean
    assert np.abs(mean_vector(X, "cosine") - unit.mean(axis=0)).max() <= eps
    assert np.abs(mean_vector(X, "euclidean") - wide.mean(axis=0)).max() <= eps * np.abs(wide).max()


def test_the_centre_of_many_vectors_far_from_the_origin_is_not_lost_to_rounding():
    X = np.full((20_000, 2), 16_777_215.0, np.float32)  # in float32 such a sum stands still after a few steps
    assert mean_vector(X, "euclidean").tolist() == [16_777_215.0, 16_777_215.0]


def test_the_default_width_is_four_times_the_median_distance_to_the_tenth_neighbour():
    X = data(100, 3)
    tenth = np.sort(reference.exact(X, X, 1, "euclidean"), axis=1)[:, 10]
    assert typical_width(ExactSearch(X, "euclidean")) == pytest.approx(4 * np.median(tenth), rel=1e-6)


def test_without_a_tenth_neighbour_the_width_uses_the_farthest():
    X = np.float32([[0], [1], [4]])
    assert typical_width(ExactSearch(X, "euclidean")) == 4 * 4.0  # farthest at 4, 3 and 4


@pytest.mark.parametrize("n", [1, 2, 500])
def test_where_all_vectors_are_equal_the_width_is_four(n):
    assert typical_width(ExactSearch(np.full((n, 3), 7.0), "euclidean")) == 4.0


def test_where_most_vectors_are_duplicates_the_width_uses_the_mean_distance_above_zero():
    X = np.zeros((100, 1), np.float32)
    X[:3, 0] = [10, 20, 30]
    # Of 100 vectors the three that are not duplicates have their tenth neighbour at the origin.
    assert typical_width(ExactSearch(X, "euclidean")) == pytest.approx(4 * 20.0)


def test_drawn_functions_and_the_centre_are_read_only():
    for metric in METRICS:
        hasher = LSHIndex(metric, 2, 3).fit(data()).hasher
        for array in (hasher.centre, hasher.family.directions):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
