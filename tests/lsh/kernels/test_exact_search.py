"""The lists of rows that exact search keeps while block follows block, against the scores of all rows."""

import numpy as np
import pytest

from lsh.kernels.exact_search import BLOCK, FULL, collect, tighten
from lsh.kernels.ranking import COSINE, EUCLIDEAN
from tests import reference
from tests.lsh.kernels.random_tables import protected

K = 5


def listed(products, terms, metric, block_rows, margin, room=K + K // 4 + 4 + 3 * BLOCK):
    """Return the counts, rows and values of the lists after all blocks of products float32[nq, n]."""
    nq, n = products.shape
    margins = np.full(nq, margin, np.float32)
    limits, counts = np.full(nq, -np.inf, np.float32), np.zeros(nq, np.int64)
    rows, values = np.empty((nq, room), np.int64), np.empty((nq, room), np.float32)
    (terms,) = protected(terms)
    for start in range(0, n, block_rows):
        block = np.ascontiguousarray(products[:, start : start + block_rows])
        collect(block, terms[start : start + block_rows], metric, start, K, margins, limits, counts, rows, values)
    tighten(K, margins, limits, counts, rows, values)
    return counts, rows, values


@pytest.mark.parametrize("metric", [COSINE, EUCLIDEAN])
@pytest.mark.parametrize("n", [1, 4, 5, 127, 128, 129, 1000, 5000])
@pytest.mark.parametrize("block_rows", [3, 128, 600, 5000])
@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_the_lists_hold_every_row_within_the_margin_of_the_kth_best_and_few_others(metric, n, block_rows, margin):
    rng = np.random.default_rng([n, block_rows])
    products, terms = rng.standard_normal((3, n), np.float32), rng.random(n, np.float32) + np.float32(0.5)
    scores = products * terms if metric == COSINE else products - terms
    counts, rows, values = listed(products, terms, metric, block_rows, margin)
    for q in range(3):
        own = rows[q, : counts[q]]
        blocks = np.split(scores[q], range(block_rows, n, block_rows))
        assert set(reference.collect(blocks, K, margin)) <= set(own.tolist())
        assert own.tolist() == sorted(set(own.tolist()))
        assert np.array_equal(values[q, : counts[q]], scores[q, own])
        widest = np.sort(scores[q])[::-1][: K + K // 4 + 4].min() - 2 * np.float32(margin)
        assert (scores[q, own] >= widest).all()


@pytest.mark.parametrize("margin", [0.0, 0.3])
@pytest.mark.parametrize("n", [0, 1, K, K + 1, 200])
def test_a_tightened_list_holds_every_row_within_the_margin_of_its_kth_best(n, margin):
    rng = np.random.default_rng(n)
    rows, values = rng.permutation(1000)[None, :200].copy(), rng.standard_normal((1, 200), np.float32)
    expected = reference.tighten(rows[0, :n].tolist(), values[0, :n], K, margin) if n else []
    limits, counts = np.full(1, -np.inf, np.float32), np.array([n])
    tighten(K, np.full(1, margin, np.float32), limits, counts, rows, values)
    kept = rows[0, : counts[0]].tolist()
    assert set(expected) <= set(kept)
    assert len(kept) == len(set(kept)) <= n
    assert (values[0, : counts[0]] > limits[0]).all()


def test_rows_in_rising_order_do_not_overflow_a_list():
    products = np.arange(3000, dtype=np.float32)[None]
    counts, rows, _ = listed(products, np.ones(3000, np.float32), COSINE, 500, 0.0)
    assert set(range(2995, 3000)) <= set(rows[0, : counts[0]].tolist())


def test_a_list_without_room_for_all_ties_is_full_and_the_others_are_not():
    products = np.random.default_rng(0).standard_normal((3, 3000), np.float32)
    products[1] = 1
    counts, rows, _ = listed(products, np.ones(3000, np.float32), COSINE, 500, 0.0)
    assert counts[1] == FULL
    for q in (0, 2):
        assert set(reference.shortlist(products[q], K, 0.0)) <= set(rows[q, : counts[q]].tolist())
