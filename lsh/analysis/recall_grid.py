"""Recall grid: recall and candidates of every setting (L, K) of an index, in one pass over its tables.

Keys are sorted and a shorter key is a prefix, so a vector t is a candidate of query q at (L, K) exactly when
    max over the first L tables of lcp(key(q), key(t)) >= K
where lcp is the longest common prefix in symbols. One pass over the tables keeps that maximum for each vector, and so
counts, for every L and K, the candidates and the true neighbours among them. Since candidates are ranked exactly, the
true neighbours among them are what a search at (L, K) returns.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Float64Array, Int32Array, Int64Array
from lsh.index import LSHIndex
from lsh.kernels.recall_grid import count_grid, count_grid_probed
from lsh.params import MAX_PROBES


@dataclass(frozen=True, slots=True)
class RecallGrid:
    """Hits and candidates of nq queries, for each number of tables (1 to L_max, axis 1) and bits (1 to K_max, axis 2).

    hits, looked_at: int32[nq, L, K], the true neighbours found (at most k) and the candidates; n: vectors indexed.
    Cell [l, b] of `recall` and `candidate_fraction` is the setting n_tables = l + 1, n_bits = b + 1.
    """

    hits: Int32Array
    looked_at: Int32Array
    n: int
    k: int
    n_probes: int

    @property
    def recall(self) -> Float64Array:
        """Return the mean recall@k: float64[L, K]."""
        return np.asarray(self.hits.sum(axis=0) / (min(self.k, self.n) * len(self.hits)))

    @property
    def recall_error(self) -> Float64Array:
        """Return the standard error of the mean recall over queries: float64[L, K]."""
        return np.asarray(self.hits.std(axis=0) / (min(self.k, self.n) * np.sqrt(len(self.hits))))

    @property
    def candidate_fraction(self) -> Float64Array:
        """Return the mean fraction of the collection that become candidates: float64[L, K]."""
        return np.asarray(self.looked_at.mean(axis=0) / self.n)

    def at(self, n_tables: int, n_bits: int) -> tuple[float, float]:
        """Return (recall, candidate fraction) at one setting."""
        n_tables = validate.integer(n_tables, "n_tables", 1, self.hits.shape[1])
        n_bits = validate.integer(n_bits, "n_bits", 1, self.hits.shape[2])
        cell = n_tables - 1, n_bits - 1
        return float(self.recall[cell]), float(self.candidate_fraction[cell])


def recall_grid(
    index: LSHIndex, Q: npt.ArrayLike, k: int = 10, n_probes: int = 1, rows: Int64Array | None = None
) -> RecallGrid:
    """Measure recall@k and candidates of queries (float32[nq, d]) at every (L, K) of the index.

    rows: int64[nq], of the index, which are the queries: each is left out of its own neighbours and candidates.
    """
    n_probes = validate.integer(n_probes, "n_probes", 1, MAX_PROBES)
    queries = validate.queries(Q, index.dim)
    exact = index.exact
    truth: tuple[Int64Array, Int64Array] = exact.neighbours_with_ties(queries, k if rows is None else k + 1)
    if rows is not None:
        truth = _without(*truth, rows)
    _, keys, symbols, costs = index.hasher.query(exact.prepare_queries(queries), index.params.n_tables, n_probes)
    shape = (len(queries), index.params.n_tables, index.params.n_bits)
    hits, candidates = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    n_bits, symbol_bits = index.params.n_bits, index.hasher.family.symbol_bits
    tables = index.tables.keys, index.tables.ids
    if n_probes == 1:
        count_grid(*tables, keys, n_bits, symbol_bits, *truth, hits, candidates)
    else:
        count_grid_probed(*tables, keys, symbols, costs, n_bits, symbol_bits, n_probes, *truth, hits, candidates)
    np.minimum(hits, k, out=hits)  # of the neighbours that tie for the last place, a search returns k
    if rows is None:
        return RecallGrid(hits, candidates, index.n, k, n_probes)
    return RecallGrid(hits, candidates - 1, index.n - 1, k, n_probes)  # a row is in its own bucket of every table


def _without(offsets: Int64Array, ids: Int64Array, rows: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the neighbours of each query, as `neighbours_with_ties` does, without the row that it is."""
    owners = np.repeat(np.arange(len(rows)), np.diff(offsets))
    others = ids != rows[owners]
    kept = np.bincount(owners[others], minlength=len(rows))
    return np.concatenate([[0], np.cumsum(kept)]), ids[others]
