"""SketchIndex: approximate nearest neighbours from buckets around centroids and a sketch per vector.

A search rotates the query and rounds it to 4 bits per dimension, finds the buckets with the nearest centroids,
estimates every distance in them by counting bits of sketches, and ranks the best few by exact distance.
"""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Int64Array
from lsh.errors import NotFittedError, ParameterError
from lsh.exact import ExactSearch
from lsh.kernels.sketch_search import search_buckets
from lsh.result import SearchResult
from lsh.sketches.partition import FAMILIES, Buckets, build
from lsh.threads import MAX_THREADS, in_chunks

MAX_BUCKETS = 65_536

_PREPARED = False, 0.0, np.inf  # limits for queries that are checked and scaled already


class _Parts(NamedTuple):
    """capacity[p]: the number of vectors in the p fullest buckets, int64[m + 1]."""

    exact: ExactSearch
    buckets: Buckets
    capacity: Int64Array


class SketchIndex:
    """Nearest neighbours from buckets and two-bit sketches, for cosine or Euclidean distance.

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    n_buckets: 1 to 65,536; by default the power of two nearest to the square root of n. With one bucket every search
        scans every sketch.
    seed: the same seed and data give the same index, bit for bit, on any machine.
    family: how vectors are sorted into buckets: "kmeans", learned from the data (`families.clusters`), or drawn at
        random, "crosspolytopes" or "hyperplanes" (`families.cells`); with hyperplanes n_buckets is a power of two.

    Zeros, NaN, duplicates and ties are treated as in `LSHIndex`. The index takes some 50 bytes per vector, without the
    vectors, which may be memory-mapped. It never changes after `fit`, so any number of threads may search it.
    """

    def __init__(
        self, metric: str = "cosine", n_buckets: int | None = None, seed: int = 0, family: str = "kmeans"
    ) -> None:
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.seed = validate.integer(seed, "seed", 0, 2**63 - 1)
        self.wanted_buckets = None if n_buckets is None else validate.integer(n_buckets, "n_buckets", 1, MAX_BUCKETS)
        self.family = validate.choice(family, "family", FAMILIES)
        if self.family == "hyperplanes" and (self.wanted_buckets or 1).bit_count() != 1:
            raise ParameterError(f"n_buckets is {n_buckets}; b hyperplanes make 2^b buckets: expected a power of two")
        self._fitted: _Parts | None = None

    def fit(self, X: npt.ArrayLike) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes, pandas and Arrow are converted), n >= 1.

        `EncodedVectors`, of uint8 or float16, are kept as they are and ranked by the values that they stand for. Row
        numbers become ids.
        """
        exact = ExactSearch(X, self.metric)
        n_buckets = self.wanted_buckets or default_buckets(len(exact.X))
        if self.family == "kmeans":
            n_buckets = min(n_buckets, len(exact.X))
        buckets = build(exact, self.family, n_buckets, np.random.default_rng(self.seed))
        self._fitted = _Parts(exact, buckets, _capacity(buckets))
        return self

    @classmethod
    def from_parts(
        cls, metric: str, n_buckets: int | None, seed: int, family: str, exact: ExactSearch, buckets: Buckets
    ) -> Self:
        """Return a fitted index made of the parts of another one, such as `lsh.load` reads from a file."""
        index = cls(metric, n_buckets, seed, family)
        index._fitted = _Parts(exact, buckets, _capacity(buckets))
        return index

    def search(
        self, Q: npt.ArrayLike, k: int = 10, n_probes: int = 8, n_reranked: int = 40, n_threads: int = 1
    ) -> SearchResult:
        """Return the k nearest of each row of Q (float32[nq, d]) among the vectors of the probed buckets.

        n_probes: buckets searched, those with the nearest centroids; all, if there are no more.
        n_reranked: vectors ranked by exact distance, those with the best sketches; at least k are.
        n_threads: threads that share the queries; the answer is the same for any number.

        `n_candidates` counts the vectors whose sketches were scored.
        """
        exact, buckets, capacity = self._parts()
        k = exact.n_neighbours(k)
        n_probes = min(validate.integer(n_probes, "n_probes", 1, MAX_BUCKETS), len(buckets.centroids))
        n_reranked = max(validate.integer(n_reranked, "n_reranked", 1, 2**31 - 1), k)
        arguments = tuple(buckets), tuple(exact.vectors), n_probes, n_reranked, capacity[n_probes]
        readable = exact.readable(Q)
        if readable is not None and validate.integer(n_threads, "n_threads", 1, MAX_THREADS) == 1:
            found = SearchResult.empty(len(readable), k)
            if search_buckets(readable, exact.limits, *arguments, *found):
                return found
        vectors = exact.prepare_queries(Q)
        found = SearchResult.empty(len(vectors), k)

        def search_rows(first: int, last: int) -> None:
            search_buckets(vectors[first:last], _PREPARED, *arguments, *found.part(first, last))

        in_chunks(search_rows, len(vectors), n_threads)
        return found

    @property
    def n(self) -> int:
        """Return the number of vectors indexed."""
        return len(self.exact.X)

    @property
    def n_buckets(self) -> int:
        """Return the number of buckets."""
        return len(self.buckets.centroids)

    @property
    def nbytes(self) -> int:
        """Return the size of the index in bytes, without the vectors."""
        exact, buckets, capacity = self._parts()
        return exact.nbytes + buckets.nbytes + capacity.nbytes

    @property
    def buckets(self) -> Buckets:
        """Return the buckets and sketches, read-only."""
        return self._parts().buckets

    @property
    def exact(self) -> ExactSearch:
        """Return exact search over the same vectors, the baseline for speed and recall."""
        return self._parts().exact

    def _parts(self) -> _Parts:
        if self._fitted is None:
            raise NotFittedError("this index holds no data; call fit(X) first")
        return self._fitted


def _capacity(buckets: Buckets) -> Int64Array:
    sizes = np.sort(np.diff(buckets.starts))[::-1]
    return np.concatenate([[0], np.cumsum(sizes)])


def default_buckets(n: int) -> int:
    """Return the power of two nearest to the square root of n, so that there are as many buckets as vectors in each."""
    return int(2 ** np.round(np.log2(n) / 2))
