"""Exact search by NumPy alone, for a process whose kernels are not compiled yet."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array, Int64Array
from lsh.exact import ExactSearch
from lsh.filters import Filter
from lsh.filters.allowed import Allowed
from lsh.result import SearchResult
from lsh.sampling import some_rows


class NumPySearch(ExactSearch):
    """The same search without kernels: slower for many queries.

    Distances may differ from those of `ExactSearch` in the last bits, and with them the order of rows that are equally
    near but for rounding.
    """

    def search(self, Q: npt.ArrayLike, k: int = 10, *, allowed: Allowed | None = None) -> SearchResult:
        """Return what `ExactSearch.search` does; allowed: one filter for all queries, and k at most what it allows."""
        if allowed is None:
            return super().search(Q, k)
        only: Any = allowed
        ids = Filter.of(only, len(self.X)).ids
        if not len(ids):
            empty = SearchResult.empty(len(self.prepare_queries(Q)), 0)
            empty.n_candidates[:] = 0
            return empty
        norms = self.inverse_norms[ids], self.half_squares[ids]
        found = self.from_arrays(some_rows(self.X, ids), self.metric, *norms).search(Q, k)
        return found._replace(ids=ids[found.ids])

    def prepare_queries(self, Q: npt.ArrayLike) -> Float32Array:
        """Return queries checked, and scaled to length one under cosine: float32[nq, d]."""
        vectors, norms = self._checked(Q)
        return vectors if norms is None else (vectors / norms[:, None]).astype(np.float32)

    def _supersets(self, Q: Float32Array, k: int) -> Iterator[Int64Array]:
        return self._supersets_in_blocks(Q, k)

    def _rank(self, q: Float32Array, rows: Int64Array, ids: Int64Array, distances: Float32Array) -> None:
        X = self.X[rows].astype(np.float64)
        if self.metric == "cosine":
            true = np.clip(1 - (X @ q.astype(np.float64)) * self.inverse_norms[rows], 0, 2)
        else:
            true = np.linalg.norm(X - q, axis=1)
        true = true.astype(np.float32)
        order = np.lexsort((rows, true))[: len(ids)]
        ids[:], distances[:] = -1, np.inf
        ids[: len(order)], distances[: len(order)] = rows[order], true[order]

    def _shortlist(self, scores: Float32Array, k: int, margin: float, places: Int64Array) -> Int64Array:
        del places
        if len(scores) <= k:
            return np.arange(len(scores))
        return np.flatnonzero(scores >= np.partition(scores, -k)[-k] - np.float32(margin))

    def _inner_products(self, Q: Float32Array, start: int, out: Float32Array) -> None:
        np.matmul(Q, self.X[start : start + out.shape[1]].T, out=out)
