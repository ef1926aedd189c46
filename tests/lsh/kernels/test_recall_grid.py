"""Counts of candidates and hits at every (L, K)."""

import numpy as np
import pytest

from lsh.kernels.recall_grid import count_grid, count_grid_probed
from tests import reference
from tests.lsh.kernels.random_tables import random_tables, truth_of

SHAPES = [(1, 1, 1), (2, 2, 3), (25, 3, 4), (6, 1, 9)]  # n, nq, L


def counts_of(tables, n_bits, bits, n_probes, truth):
    L, nq, _ = tables.query_keys.shape
    hits, candidates = np.zeros((nq, L, n_bits), np.int32), np.zeros((nq, L, n_bits), np.int32)
    if n_probes is None:
        count_grid(*tables[:3], n_bits, bits, *truth, hits, candidates)
    else:
        count_grid_probed(*tables, n_bits, bits, n_probes, *truth, hits, candidates)
    return hits, candidates


@pytest.mark.parametrize("bits", [1, 2, 5, 8])
@pytest.mark.parametrize("K", [1, 2, 7, 24])
@pytest.mark.parametrize(("n", "nq", "L"), SHAPES)
def test_grid_equals_a_search_for_each_cell(bits, K, n, nq, L):
    rng = np.random.default_rng([bits, K, n])
    tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=1, variety=2)
    lists, truth = truth_of(rng, n, nq)
    hits, candidates = counts_of(tables, K, bits, None, truth)
    expected_hits, expected_candidates = reference.count_grid(*tables[:3], K, bits, lists)
    assert np.array_equal(hits, expected_hits)
    assert np.array_equal(candidates, expected_candidates)


@pytest.mark.parametrize(("bits", "m"), [(1, 1), (2, 2), (8, 2)])
@pytest.mark.parametrize(("K", "n_probes"), [(1, 2), (4, 3), (5, 16), (3, 64)])
@pytest.mark.parametrize(("n", "nq", "L"), SHAPES)
def test_grid_probed_equals_a_search_for_each_cell(bits, m, K, n_probes, n, nq, L):
    rng = np.random.default_rng([bits, K, n_probes, n])
    tables = random_tables(rng, n=n, nq=nq, L=L, K=K, bits=bits, m=m)
    lists, truth = truth_of(rng, n, nq)
    hits, candidates = counts_of(tables, K, bits, n_probes, truth)
    expected_hits, expected_candidates = reference.count_grid_probed(*tables, K, bits, n_probes, lists)
    assert np.array_equal(hits, expected_hits)
    assert np.array_equal(candidates, expected_candidates)


@pytest.mark.parametrize("K", [1, 9, 32])
def test_grid_probed_with_one_probe_equals_grid(K):
    rng = np.random.default_rng(K)
    tables = random_tables(rng, n=200, nq=6, L=5, K=K, bits=1, m=1)
    _, truth = truth_of(rng, 200, 6)
    assert np.array_equal(counts_of(tables, K, 1, 1, truth), counts_of(tables, K, 1, None, truth))


def test_equal_keys_are_candidates_in_every_cell():
    rng = np.random.default_rng(0)
    tables = random_tables(rng, n=20, nq=2, L=3, K=6, bits=2, m=1, variety=1)
    _, truth = truth_of(rng, 20, 2)
    hits, candidates = counts_of(tables, 6, 2, None, truth)
    assert (candidates == 20).all()
    assert (hits == np.diff(truth[0])[:, None, None]).all()


def test_queries_do_not_affect_each_other():
    """What one query marks must not be seen by the next: the same query twice gives the same row twice."""
    rng = np.random.default_rng(0)
    tables = random_tables(rng, n=50, nq=1, L=3, K=5, bits=2, m=2)
    doubled = tables._replace(
        query_keys=tables.query_keys.repeat(3, axis=1),
        symbols=tables.symbols.repeat(3, axis=0),
        costs=tables.costs.repeat(3, axis=0),
    )
    truth = np.array([0, 4, 8, 12]), np.tile([3, 1, 4, 15], 3)
    for n_probes in (None, 4):
        hits, candidates = counts_of(doubled, 5, 2, n_probes, truth)
        assert (hits == hits[0]).all()
        assert (candidates == candidates[0]).all()
