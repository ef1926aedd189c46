"""Exact search (brute force): the baseline for speed, and the ground truth for recall.

One matrix product per block estimates the distances to all vectors, from which a superset of the neighbours is
selected; that superset is ranked by the kernel that also ranks LSH's candidates. So the answer is exact, ties included,
its distances are those of LSH bit for bit, and it is faster than plain NumPy.
"""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors
from lsh import validate
from lsh.array_input import as_array
from lsh.arrays import Float32Array, Float64Array, Int64Array, StoredVectors, read_only, read_only_parts
from lsh.errors import ShapeError, ZeroVectorError
from lsh.filters.allowed import Allowed
from lsh.filters.search import search_allowed
from lsh.growing.changes import GrowingVectors
from lsh.kernels.exact_search import BLOCK, FULL, collect, tighten
from lsh.kernels.hashing import normalise
from lsh.kernels.range_search import list_within
from lsh.kernels.ranking import COSINE, EUCLIDEAN, Vectors, decode_rows, inner_products, nearest, shortlist
from lsh.result import RangeResult, SearchResult

_BLOCK_QUERIES = 256
_BLOCK_SCORES = 1 << 20  # of a matrix product, 4 MB: they are read again while they are in the cache
_BLOCK_ROWS = 4_096, 32_768  # of a matrix product, with many queries and with few
_MIN_ROOM = 512  # rows listed per query while blocks are searched
_MAX_LISTED = 1 << 20  # rows listed for all queries of a block
_FLOAT32 = np.dtype(np.float32)
_ANY_NORM = True, 0.0, np.inf  # limits for `normalise` when `validate` has checked the queries


class ExactSearch(GrowingVectors):
    """Brute-force search over X: float32[n, d], n >= 1, which may be memory-mapped and is not copied.

    X may be `EncodedVectors`: then the distances are those of the values that they stand for, as float32, and each is
    decoded as it is ranked.

    Memory in addition to X: 8 bytes per row, and some megabytes per search, for any n.
    """

    kind = "exact"

    def __init__(self, X: npt.ArrayLike, metric: str = "cosine") -> None:
        vectors = validate.vectors(X, "X")
        if not len(vectors):
            raise ShapeError("X has no rows; expected at least one vector to search")
        norms = validate.norms(vectors, "X")
        # A vector of zeros has no direction: with 0 for its inverse norm, its cosine with everything is 0.
        inverse_norms = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0).astype(np.float32)
        half_squares = (norms**2 / 2).astype(np.float32)
        read_only(inverse_norms, half_squares)
        self._set(vectors, validate.choice(metric, "metric", validate.METRICS), inverse_norms, half_squares)

    @classmethod
    def from_arrays(
        cls, X: StoredVectors, metric: str, inverse_norms: Float32Array, half_squares: Float32Array
    ) -> Self:
        """Return exact search over vectors with the given norms, those of a saved index."""
        search = cls.__new__(cls)
        cls._set(search, X, metric, inverse_norms, half_squares)
        return search

    def __getstate__(self) -> Any:
        """Return the vectors once, and not the second view of them that the kernels read."""
        return self._X, self.metric, self._inverse_norms, self._half_squares, self._fitted

    def __setstate__(self, state: Any) -> None:
        read_only_parts(state)
        *parts, self._fitted = state
        self._set(*parts)

    def _set(self, X: StoredVectors, metric: str, inverse_norms: Float32Array, half_squares: Float32Array) -> None:
        if isinstance(X, EncodedVectors):
            stored, scale, offset = X.stored, X.scale, X.offset
        else:
            stored, scale, offset = (X := X.view()), np.float32(1), np.float32(0)
        read_only(stored)
        self._X, self._dim = X, X.shape[1]
        self.metric, self._inverse_norms, self._half_squares = metric, inverse_norms, half_squares
        self._vectors = Vectors.of(stored, inverse_norms, COSINE if metric == "cosine" else EUCLIDEAN, scale, offset)
        self.limits = metric == "cosine", validate.MIN_NORM, validate.MAX_VALUE  # for `normalise`

    def map(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return `function(self, *arguments)`: the whole collection is one part (see `Collection`)."""
        return function(self, *arguments)

    def fold(self, step: Callable[..., Any], initial: Any, *arguments: Any) -> Any:
        """Return `step(initial, self, *arguments)`: the whole collection is one part (see `Collection`)."""
        return step(initial, self, *arguments)

    @property
    def exact(self) -> "ExactSearch":
        """Return itself, as every index returns exact search over its vectors."""
        return self

    def _nbytes(self) -> int:
        return self._inverse_norms.nbytes + self._half_squares.nbytes

    def search(self, Q: npt.ArrayLike, k: int = 10, *, allowed: Allowed | None = None) -> SearchResult:
        """Return the k nearest rows of each query (float32[nq, d]), or all n; `n_candidates` is n for each.

        allowed: the rows that may be found (see `LSHIndex.search`); then `n_candidates` is their number.
        """
        if self._fitted is not None:
            return self._fitted.search(Q, k, allowed)
        k = self.n_neighbours(k)
        if allowed is not None:
            return search_allowed(self, Q, k, allowed)
        return self.search_prepared(self.prepare_queries(Q), k)

    def search_prepared(self, Q: Float32Array, k: int) -> SearchResult:
        """Return the same for queries of `prepare_queries`, float32[nq, d], and k of at most n."""
        result = SearchResult.empty(len(Q), k)
        for q, superset in enumerate(self._supersets(Q, k)):
            self._rank(Q[q], superset, result.ids[q], result.distances[q])
        result.n_candidates[:] = len(self._X)
        return result

    def range_search(self, Q: npt.ArrayLike, radius: float) -> RangeResult:
        """Return every row at a distance of at most `radius`, from 0, of each query: float32[nq, d].

        radius: compared with distances as float32. Raises ParameterError for a negative or infinite one.
        """
        if growth := self.growth:
            return growth.range_search(Q, radius)
        vectors, limit = self.prepare_queries(Q), np.float32(validate.radius(radius))
        listed = list[tuple[Int64Array, Float32Array]]()
        for q, superset in enumerate(self._supersets_within(vectors, float(limit))):
            ids, distances = np.empty(len(superset), np.int64), np.empty(len(superset), np.float32)
            count = list_within(vectors[q], tuple(self._vectors), superset, limit, ids, distances)
            listed.append((ids[:count], distances[:count]))
        return RangeResult.of(np.array([len(ids) for ids, _ in listed], np.int64), listed)

    def neighbours_with_ties(self, Q: npt.ArrayLike, k: int = 10) -> tuple[Int64Array, Int64Array]:
        """Return, for each query, every row no farther than the k-th neighbour: (offsets int64[nq + 1], ids int64[m]).

        That is k rows, and more if several tie at the k-th distance.
        """
        vectors, k = self.prepare_queries(Q), self.n_neighbours(k)
        rows: list[Int64Array] = [np.empty(0, np.int64)]
        for q, superset in enumerate(self._supersets(vectors, k)):
            ids, distances = np.empty(len(superset), np.int64), np.empty(len(superset), np.float32)
            self._rank(vectors[q], superset, ids, distances)
            rows.append(ids[distances <= distances[k - 1]])
        offsets = np.cumsum([len(ids) for ids in rows])
        return offsets, np.concatenate(rows)

    def one_query(self, q: npt.ArrayLike) -> Float32Array:
        """Return a single query, float32[d] or float32[1, d], as float32[1, d]; raise the errors of a search."""
        query = validate.matrix(np.atleast_2d(as_array(q, "q")), "q", self._dim)
        if len(query) != 1:
            raise ShapeError(f"q has shape {query.shape}; expected one vector of {self._dim} features")
        self.prepare_queries(query)
        return query

    def prepare_queries(self, Q: npt.ArrayLike) -> Float32Array:
        """Return queries as the kernels take them: checked, and scaled to length one under cosine: float32[nq, d]."""
        if (readable := self.readable(Q)) is not None:
            out = np.empty(readable.shape, np.float32)
            if normalise(readable, *self.limits, out):
                return out
        vectors, norms = self._checked(Q)
        if norms is not None:
            normalise(vectors, *_ANY_NORM, out := np.empty(vectors.shape, np.float32))
            return out
        return vectors

    def readable(self, Q: npt.ArrayLike) -> Float32Array | None:
        """Return Q as kernels read it, float32 in C order and writeable; None where `validate` must convert it."""
        if type(Q) is not np.ndarray or Q.dtype is not _FLOAT32 or Q.ndim != 2 or Q.shape[1] != self._dim:
            return None
        return Q if Q.flags.carray else Q.copy()

    def _checked(self, Q: npt.ArrayLike) -> tuple[Float32Array, Float64Array | None]:
        """Return queries as float32[nq, d], and the norms to divide them by: float64[nq], None under euclidean."""
        vectors = validate.matrix(Q, "Q", self._dim)
        vectors = vectors if vectors.flags.carray else vectors.copy()  # kernels are compiled for writeable arrays
        norms = validate.norms(vectors, "Q")
        if self.metric == "euclidean":
            return vectors, None
        if (norms == 0).any():
            row = int((norms == 0).argmax())
            raise ZeroVectorError(f"Q row {row} is all zeros, which has no angle to anything; drop it or use euclidean")
        return vectors, norms

    def _rank(self, q: Float32Array, rows: Int64Array, ids: Int64Array, distances: Float32Array) -> None:
        nearest(q, tuple(self._vectors), rows, ids, distances)

    def _shortlist(self, scores: Float32Array, k: int, margin: float, places: Int64Array) -> Int64Array:
        """Return in `places`, int64[n], those of all scores within `margin` of the k-th best, and perhaps more."""
        return places[: shortlist(scores, k, margin, places)]

    def _inner_products(self, Q: Float32Array, start: int, out: Float32Array) -> None:
        """Fill out with the inner products of queries and rows from `start`: float32[nq, d] -> float32[nq, rows]."""
        if len(Q) == 1:
            inner_products(Q[0], tuple(self._vectors), start, out[0])  # for a single query BLAS takes a third longer
        else:
            np.matmul(Q, self._block(start, out.shape[1]).T, out=out)

    def _block(self, start: int, n: int) -> Float32Array:
        """Return n rows from `start` as float32[n, d]."""
        if not isinstance(self._X, EncodedVectors):
            return self._X[start : start + n]
        decoded = np.empty((n, self._X.shape[1]), np.float32)
        decode_rows(tuple(self._vectors), start, decoded)
        return decoded

    def _supersets(self, Q: Float32Array, k: int) -> Iterator[Int64Array]:
        """Yield, for each prepared query, a superset of its k nearest rows and all their ties."""
        room = max(_MIN_ROOM, 2 * (k + k // 4 + 4) + 2 * BLOCK)
        if 2 * k >= len(self._X) or room > _MAX_LISTED:
            yield from self._supersets_in_blocks(Q, k)
            return
        size = max(1, min(_BLOCK_QUERIES, _MAX_LISTED // room, len(Q)))
        rows, values = np.empty((size, room), np.int64), np.empty((size, room), np.float32)
        for first in range(0, len(Q), size):
            block = Q[first : first + size]
            counts = self._collect(block, k, rows[: len(block)], values[: len(block)])
            for q, count in enumerate(counts.tolist()):
                if count == FULL:
                    yield from self._supersets_in_blocks(block[q : q + 1], k)
                else:
                    yield rows[q, :count]

    def _collect(self, Q: Float32Array, k: int, rows: Int64Array, values: Float32Array) -> Int64Array:
        """List a superset of the k nearest rows of each query in rows[q, :counts[q]]; return counts int64[nq].

        A count is FULL where the rows within rounding errors of the k-th nearest are too many for the list.
        """
        terms = self._inverse_norms if self.metric == "cosine" else self._half_squares
        margins, limits, counts = self._margins(Q), np.full(len(Q), -np.inf, np.float32), np.zeros(len(Q), np.int64)
        for start, products in self._products(Q):
            own = terms[start : start + products.shape[1]]
            collect(products, own, self._vectors.metric, start, k, margins, limits, counts, rows, values)
        tighten(k, margins, limits, counts, rows, values)
        return counts

    def _supersets_within(self, Q: Float32Array, radius: float) -> Iterator[Int64Array]:
        """Yield, for each prepared query, a superset of the rows within a radius."""
        for first in range(0, len(Q), _BLOCK_QUERIES):
            block = Q[first : first + _BLOCK_QUERIES]
            least = np.full(len(block), 1 - radius)
            if self.metric == "euclidean":  # |q - x|² = |q|² - 2 score
                least = (np.einsum("ij,ij->i", block, block, dtype=np.float64) - radius**2) / 2
            least -= 4 * (self._margins(block) + np.finfo(np.float32).eps * np.abs(least))
            kept = [[np.empty(0, np.int64)] for _ in block]
            for start, products in self._products(block):
                for rows, near in zip(kept, self._scores(start, products) >= least[:, None], strict=True):
                    rows.append(start + np.flatnonzero(near))
            yield from map(np.concatenate, kept)

    def _scores(self, start: int, products: Float32Array) -> Float32Array:
        """Return scores of rows from `start`, higher for nearer ones, from their inner products with the queries."""
        own = slice(start, start + products.shape[1])
        return products * self._inverse_norms[own] if self.metric == "cosine" else products - self._half_squares[own]

    def _supersets_in_blocks(self, Q: Float32Array, k: int) -> Iterator[Int64Array]:
        """Yield the same supersets, or larger ones, which take as much memory as they need."""
        places = np.empty(len(self._X), np.int64)
        for first in range(0, len(Q), _BLOCK_QUERIES):
            block = Q[first : first + _BLOCK_QUERIES]
            margins, kept = self._margins(block).tolist(), [[np.empty(0, np.int64)] for _ in block]
            for start, products in self._products(block):
                for rows, score, margin in zip(kept, self._scores(start, products), margins, strict=True):
                    rows.append(start + self._shortlist(score, k, margin, places))
            yield from map(np.concatenate, kept)

    def _products(self, Q: Float32Array) -> Iterator[tuple[int, Float32Array]]:
        """Yield the first row of each block, and the products of queries and rows, in memory that is used again."""
        n_rows = min(max(_BLOCK_SCORES // len(Q), _BLOCK_ROWS[0]), _BLOCK_ROWS[1], len(self._X))
        memory = np.empty(len(Q) * n_rows, np.float32)
        for start in range(0, len(self._X), n_rows):
            products = memory[: len(Q) * min(n_rows, len(self._X) - start)].reshape(len(Q), -1)
            self._inner_products(Q, start, products)
            yield start, products

    def _margins(self, Q: Float32Array) -> Float32Array:
        """Return by how much rounding may change the difference of two scores of each query: float32[nq].

        The score is the cosine, or <q, x> - |x|²/2, which falls as |q - x|² grows. The error of a float32 inner product
        of d terms is at most about d ε |q||x| (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section
        3.1); the margin allows for it on both sides of a comparison, and once more in the kernel.
        """
        rounding = np.float32(4 * self._X.shape[1] * np.finfo(np.float32).eps)
        if self.metric == "cosine":
            return np.full(len(Q), rounding)
        return np.asarray(rounding * (np.einsum("ij,ij->i", Q, Q) / 2 + self._half_squares.max()))


def exact_search(X: npt.ArrayLike, Q: npt.ArrayLike, k: int = 10, metric: str = "cosine") -> SearchResult:
    """Return the true k nearest rows of X for each query: float32[n, d], float32[nq, d].

    To search the same X repeatedly, create one `ExactSearch`.
    """
    return ExactSearch(X, metric).search(Q, k)
