"""Exact search (brute force): the baseline that LSH must beat, and the truth that it is judged by.

One matrix product a block finds roughly how far every vector is, which picks a safe superset of the neighbours; that
superset is ranked by the kernel that also ranks LSH's candidates. So the answer is exact, ties included, its distances
are those of LSH bit for bit, and it is faster than plain NumPy.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Float32Array, Int64Array
from lsh.errors import ShapeError, ZeroVectorError
from lsh.kernels.checking import normalise
from lsh.kernels.ranking import COSINE, EUCLIDEAN, nearest, products, shortlist
from lsh.result import SearchResult

_BLOCK_ROWS = 32_768  # database rows a block: with 64 queries the product takes 8 MB
_BLOCK_QUERIES = 64
_FLOAT32 = np.dtype(np.float32)


class ExactSearch:
    """Brute-force search over X: float32[n, d], n >= 1, which may be memory-mapped and is not copied.

    Memory beyond X: 8 bytes a row, and some megabytes a search whatever n is.
    """

    def __init__(self, X: npt.ArrayLike, metric: str = "cosine") -> None:
        self.X = _read_only(validate.matrix(X, "X"))
        if not len(self.X):
            raise ShapeError("X has no rows; expected at least one vector to search")
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.metric_code = COSINE if metric == "cosine" else EUCLIDEAN
        lengths = validate.norms(self.X, "X")
        # A vector of zeros has no direction: with 0 for its inverse length, its cosine with everything is 0.
        self.inverse_norms = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0).astype(np.float32)
        self.half_squares = (lengths**2 / 2).astype(np.float32)
        for array in (self.inverse_norms, self.half_squares):
            array.flags.writeable = False

    @classmethod
    def from_arrays(cls, X: Float32Array, metric: str, inverse_norms: Float32Array, half_squares: Float32Array) -> Self:
        """Return exact search over vectors whose norms were computed before, as those of a saved index were."""
        search = cls.__new__(cls)
        search.X, search.metric = _read_only(X), metric
        search.metric_code = COSINE if metric == "cosine" else EUCLIDEAN
        search.inverse_norms, search.half_squares = inverse_norms, half_squares
        return search

    @property
    def nbytes(self) -> int:
        """Return the bytes taken beside the vectors."""
        return self.inverse_norms.nbytes + self.half_squares.nbytes

    def search(self, Q: npt.ArrayLike, k: int = 10) -> SearchResult:
        """Return the k nearest rows of each query (float32[nq, d]); `n_candidates` is n for each."""
        vectors = self.prepare_queries(Q)
        k = validate.integer(k, "k", 1, 2**31 - 1)
        result = SearchResult.empty(len(vectors), k)
        for q, superset in enumerate(self._supersets(vectors, k)):
            self._rank(vectors[q], superset, result.ids[q], result.distances[q])
        result.n_candidates[:] = len(self.X)
        return result

    def neighbours_with_ties(self, Q: npt.ArrayLike, k: int = 10) -> tuple[Int64Array, Int64Array]:
        """Return, for each query, every row no farther than the k-th neighbour, as (offsets int64[nq + 1], ids).

        That is k rows, and more where several tie for the last place.
        """
        vectors = self.prepare_queries(Q)
        k = validate.integer(k, "k", 1, 2**31 - 1)
        rows: list[Int64Array] = [np.empty(0, np.int64)]
        for q, superset in enumerate(self._supersets(vectors, k)):
            ids, distances = np.empty(len(superset), np.int64), np.empty(len(superset), np.float32)
            self._rank(vectors[q], superset, ids, distances)
            rows.append(ids[distances <= distances[min(k, len(ids)) - 1]])
        offsets = np.cumsum([len(ids) for ids in rows])
        return offsets, np.concatenate(rows)

    def prepare_queries(self, Q: npt.ArrayLike) -> Float32Array:
        """Return queries as the kernels want them, checked, and scaled to length one under cosine: float32[nq, d]."""
        readable = self.readable(Q)
        if readable is not None:
            out = np.empty(readable.shape, np.float32)
            if normalise(readable, *self.limits, out):
                return out
        return self._prepare_doubtful(validate.matrix(Q, "Q", self.X.shape[1]))

    def readable(self, Q: npt.ArrayLike) -> Float32Array | None:
        """Return Q as kernels are compiled to read it, or None when only `validate` can tell what it is.

        That is float32 of the right width, in C order and writeable, though none writes to it.
        """
        if type(Q) is not np.ndarray or Q.dtype is not _FLOAT32 or Q.shape[1:] != self.X.shape[1:]:
            return None
        return Q if Q.flags.carray else Q.copy()

    @property
    def limits(self) -> tuple[bool, float, float]:
        """Return what `normalise` is told: whether queries are scaled to length one, and lengths beyond doubt."""
        return self.metric == "cosine", validate.SHORTEST, validate.LARGEST

    def _prepare_doubtful(self, Q: Float32Array) -> Float32Array:
        lengths = validate.norms(Q, "Q")
        if self.metric == "euclidean":
            return Q
        if (lengths == 0).any():
            row = int((lengths == 0).argmax())
            raise ZeroVectorError(f"Q row {row} is all zeros, which has no angle to anything; drop it or use euclidean")
        return (Q / lengths[:, None]).astype(np.float32)

    def _rank(self, q: Float32Array, rows: Int64Array, ids: Int64Array, distances: Float32Array) -> None:
        nearest(q, self.X, self.inverse_norms, self.metric_code, rows, ids, distances)

    def _supersets(self, Q: Float32Array, k: int) -> Iterator[Int64Array]:
        """Yield, for each prepared query, rows that surely hold the k nearest and all their ties."""
        places = np.empty(min(_BLOCK_ROWS, len(self.X)), np.int64)
        for first in range(0, len(Q), _BLOCK_QUERIES):
            block = Q[first : first + _BLOCK_QUERIES]
            kept: list[list[Int64Array]] = [[] for _ in block]
            for start in range(0, len(self.X), _BLOCK_ROWS):
                scores, margins = self._rough_scores(block, start, start + _BLOCK_ROWS)
                for rows, own, margin in zip(kept, scores, margins.tolist(), strict=True):
                    rows.append(start + places[: shortlist(own, k, margin, places)])
            yield from map(np.concatenate, kept)

    def _rough_scores(self, Q: Float32Array, start: int, stop: int) -> tuple[Float32Array, Float32Array]:
        """Return how near a block of rows is, roughly, and how much less rounding may make it: float32[nq, rows], [nq].

        Nearness is the cosine, or <q, x> - |x|²/2, which falls as |q - x|² grows. A float32 inner product of d terms is
        off by at most about d ε |q||x| (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1),
        on both sides of a comparison, and once more in the kernel.
        """
        X = self.X[start:stop]
        rounding = np.float32(4 * X.shape[1] * np.finfo(np.float32).eps)
        scores = np.empty((len(Q), len(X)), np.float32)
        if len(Q) == 1:
            products(Q[0], X, scores[0])  # BLAS takes a third longer for one query alone
        else:
            np.matmul(Q, X.T, out=scores)
        if self.metric == "cosine":
            scores *= self.inverse_norms[start:stop]
            return scores, np.full(len(Q), rounding)
        halves = self.half_squares[start:stop]
        scores -= halves
        return scores, rounding * (np.einsum("ij,ij->i", Q, Q) / 2 + halves.max())


def _read_only(X: Float32Array) -> Float32Array:
    """Return a view that cannot be written through: kernels are compiled for such arrays, and again for others."""
    view = X.view()
    view.flags.writeable = False
    return view


def exact_search(X: npt.ArrayLike, Q: npt.ArrayLike, k: int = 10, metric: str = "cosine") -> SearchResult:
    """Return the true k nearest rows of X for each query: float32[n, d], float32[nq, d].

    For many searches of the same X make an `ExactSearch` once.
    """
    return ExactSearch(X, metric).search(Q, k)
