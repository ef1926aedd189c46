"""Distances estimated from sketches."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.analysis import estimates as estimating
from lsh.analysis import inspecting
from lsh.analysis.estimates import estimated_distances
from lsh.sketches import sketch_rows
from lsh.sketches.sketch_rows import SketchRows
from tests import reference
from tests.lsh.confidence import half_width

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
    # The best four levels for a normal number differ from it by 0.1188 of its variance (Max 1960). So a sketch is at a
    # cosine of √0.8812 to its vector, and estimates of <q, x> are off by |q||x| √(0.1188 / 0.8812 / 127) (RaBitQ 2024).
    # The query's 16 steps add about a hundredth of its variance.
    centred = [
        reference.prepare(rows, metric == "cosine", index.sketches.centre).astype(np.float64)
        for rows in (index.exact.X[ids], q[None])
    ]
    size = np.linalg.norm(centred[0], axis=1) * np.linalg.norm(centred[1])
    off = estimates - distances if metric == "cosine" else (estimates**2 - distances.astype(np.float64) ** 2) / 2
    errors = off / size / np.sqrt((0.1188 / 0.8812 + 0.01) / 127)
    assert abs(errors.mean()) <= half_width(errors, 2)
    assert errors.std() == pytest.approx(1, abs=0.1)


@BOTH
@pytest.mark.parametrize("n_reranked", [12, 40])
def test_the_best_by_these_estimates_are_what_a_search_ranks_exactly(metric, n_reranked):
    index, q = made(metric)
    rows = np.unique(np.concatenate([b.ids for table in inspecting.walk(index, q, 6, 2) for b in table]))
    order = rows[np.argsort(estimated_distances(index.sketches, index.exact, q, rows), kind="stable")]
    found = index.search(q[None], 10, 6, 2, n_reranked=n_reranked).ids[0].tolist()
    lengths = range(n_reranked, n_reranked + n_reranked // 4 + 5)  # a search may rank a few more
    assert found in [inspecting.nearest_of(index, q, order[:length], 10)[0].tolist() for length in lengths]


@BOTH
def test_sketches_of_some_rows_are_those_of_all_rows(metric, monkeypatch):
    index, q = made(metric)
    rows = np.random.default_rng(8).permutation(index.n)[:300]
    monkeypatch.setattr(sketch_rows, "_BLOCK_ROWS", 64)
    few = SketchRows.draw(index.exact, index.hasher.centre, np.random.default_rng(0)).of(index.exact, rows)
    np.testing.assert_array_equal(few.planes, index.sketches.planes[rows])
    np.testing.assert_array_equal(few.terms, index.sketches.terms[rows])
    whole = estimated_distances(index.sketches, index.exact, q, rows)
    monkeypatch.setattr(estimating, "_BLOCK_ROWS", 64)
    np.testing.assert_allclose(estimated_distances(few, index.exact, q, np.arange(300)), whole, rtol=1e-12)


def test_of_no_rows_there_is_no_estimate():
    index, q = made("cosine", n=50)
    assert len(estimated_distances(index.sketches, index.exact, q, [])) == 0


def test_a_query_at_the_centre_has_finite_estimates():
    index = LSHIndex("euclidean", n_tables=1, n_bits=2, sketches=True).fit(np.tile([[1.0, 2.0]], (20, 1)))
    estimates = estimated_distances(index.sketches, index.exact, np.array([1.0, 2.0]), np.arange(20))
    np.testing.assert_allclose(estimates, 0, atol=1e-6)
