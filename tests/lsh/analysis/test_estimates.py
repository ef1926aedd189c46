"""Distances estimated from sketches."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.analysis import inspecting
from lsh.analysis.estimates import estimated_distances

BOTH = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


def made(metric, n=2000, dim=40):
    rng = np.random.default_rng(7)
    X = (rng.standard_normal((n, dim)) + 0.5).astype(np.float32)
    return LSHIndex(metric, n_tables=6, n_bits=10, sketches=True).fit(X), rng.standard_normal(dim).astype(np.float32)


@BOTH
def test_estimates_scatter_closely_around_the_true_distances(metric):
    index, q = made(metric)
    ids, distances = inspecting.nearest_of(index, q, np.arange(index.n), index.n)
    estimates = estimated_distances(index.sketches, index.exact, q, ids)
    off = estimates - distances
    assert np.abs(off.mean()) < 0.1 * distances.std()
    assert np.corrcoef(estimates, distances)[0, 1] > 0.9


@BOTH
@pytest.mark.parametrize("n_reranked", [12, 40])
def test_the_best_by_these_estimates_are_what_a_search_ranks_exactly(metric, n_reranked):
    index, q = made(metric)
    rows = np.unique(np.concatenate([b.ids for table in inspecting.walk(index, q, 6, 2) for b in table]))
    order = rows[np.argsort(estimated_distances(index.sketches, index.exact, q, rows), kind="stable")]
    found = index.search(q[None], 10, 6, 2, n_reranked=n_reranked).ids[0].tolist()
    lengths = range(n_reranked, n_reranked + n_reranked // 4 + 5)  # a search may rank a few more
    assert found in [inspecting.nearest_of(index, q, order[:length], 10)[0].tolist() for length in lengths]


def test_of_no_rows_there_is_no_estimate():
    index, q = made("cosine", n=50)
    assert len(estimated_distances(index.sketches, index.exact, q, [])) == 0


def test_a_query_at_the_centre_has_finite_estimates():
    index = LSHIndex("euclidean", n_tables=1, n_bits=2, sketches=True).fit(np.tile([[1.0, 2.0]], (20, 1)))
    estimates = estimated_distances(index.sketches, index.exact, np.array([1.0, 2.0]), np.arange(20))
    np.testing.assert_allclose(estimates, 0, atol=1e-6)
