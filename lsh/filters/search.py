"""Filtered search: the k nearest of the allowed vectors, by an index or, where that is faster, by exact search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Float32Array, Int64Array, read_only
from lsh.filters.allowed import Allowed, Filter, filters
from lsh.kernels.ranking import EXACT, nearest
from lsh.result import SearchResult
from lsh.sampling import some_rows
from lsh.threads import in_chunks

_BLOCK_ROWS = 16_384  # allowed vectors that are copied at a time, to be compared with many queries
_FEW_QUERIES = 4  # for which copying takes longer

# (queries float32[nq, d], filter, number of threads) -> the answer, with EXACT for n_candidates where there is none
Search = Callable[[Float32Array, Filter, int], SearchResult]


def search_allowed(
    exact: Any,
    Q: npt.ArrayLike,
    k: int,
    allowed: Allowed,
    search: Search | None = None,
    fewest: int = 0,
    n_threads: int = 1,
) -> SearchResult:
    """Return the k nearest allowed vectors of each row of Q, float32[nq, d], as `search` finds them.

    exact: the `ExactSearch` of the vectors; it answers the queries that `search` leaves to it, all where at most
    `fewest` vectors are allowed, and all without `search`. The threads share the queries, of which each may have its
    own filter.
    """
    readable = exact.readable(Q)
    queries = validate.matrix(Q, "Q", exact.X.shape[1]) if readable is None else readable
    of = filters(allowed, len(exact.X), len(queries))
    if isinstance(of, Filter):
        return _searched(exact, queries, k, of, search, fewest, n_threads)
    exact.prepare_queries(queries)  # errors name the row of Q, which searches of one query do not know
    found = SearchResult.empty(len(queries), k)

    def search_rows(first: int, last: int) -> None:
        for q in range(first, last):
            one = _searched(exact, queries[q : q + 1], k, of(q), search, fewest, 1)
            _put(one, found, np.array([q]))

    in_chunks(search_rows, len(queries), n_threads)
    return found


def _searched(
    exact: Any, Q: Float32Array, k: int, one: Filter, search: Search | None, fewest: int, n_threads: int
) -> SearchResult:
    if search is None or one.n_allowed <= fewest:
        return exact_allowed(exact, Q, k, one)
    found = search(Q, one, n_threads)
    left = np.flatnonzero(found.n_candidates == EXACT)
    if len(left):
        _put(exact_allowed(exact, Q[left], k, one), found, left)
    return found


def _put(part: SearchResult, whole: SearchResult, rows: Int64Array) -> None:
    """Write the answers of some queries, int64[m], to those of all."""
    whole.ids[rows], whole.distances[rows], whole.n_candidates[rows] = part


def exact_allowed(exact: Any, Q: Float32Array, k: int, one: Filter) -> SearchResult:
    """Return the k nearest allowed vectors of each query, float32[nq, d], compared with all of them.

    The ids beyond the allowed ones are -1 and their distances infinity; `n_candidates` is their number for each.
    """
    queries, found = exact.prepare_queries(Q), SearchResult.empty(len(Q), k)
    found.n_candidates[:] = one.n_allowed
    if len(Q) <= _FEW_QUERIES:
        for q, query in enumerate(queries):
            nearest(query, tuple(exact.vectors), one.ids, found.ids[q], found.distances[q])
        return found
    found.ids[:], found.distances[:] = -1, np.inf
    for start in range(0, one.n_allowed, _BLOCK_ROWS):
        rows = one.ids[start : start + _BLOCK_ROWS]
        terms = exact.inverse_norms[rows], exact.half_squares[rows]
        read_only(*terms)
        part = exact.from_arrays(some_rows(exact.X, rows), exact.metric, *terms).search_prepared(
            queries, min(k, len(rows))
        )
        ids = np.concatenate([found.ids, rows[part.ids]], axis=1)
        distances = np.concatenate([found.distances, part.distances], axis=1)
        best = np.lexsort((np.where(ids < 0, np.iinfo(np.int64).max, ids), distances), axis=1)[:, :k]
        found.ids[:] = np.take_along_axis(ids, best, axis=1)
        found.distances[:] = np.take_along_axis(distances, best, axis=1)
    return found
