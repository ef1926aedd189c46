"""SketchIndex: buckets around centroids, a sketch a vector, exact distances for the best few.

The life of a query: rotate it and round it to 4 bits a dimension; find the buckets with the nearest centroids; estimate
every distance in them by counting bits of sketches; rank the best few by exact distance.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.errors import NotFittedError, ParameterError
from lsh.exact import ExactSearch
from lsh.kernels.sketch_search import search_buckets
from lsh.partition import FAMILIES, Buckets, build
from lsh.result import SearchResult
from lsh.threads import MAX_THREADS, in_chunks

MAX_BUCKETS = 65_536

_PREPARED = False, 0.0, np.inf  # limits for queries that are checked and scaled already


class SketchIndex:
    """Nearest neighbours from buckets and two-bit sketches, for cosine or Euclidean distance.

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    n_buckets: 1 to 65,536; by default the power of two nearest to the square root of n. With one bucket every search
        scans every sketch.
    seed: the same seed and data give the same index on the same machine.
    family: what sorts vectors into buckets: "kmeans", learned (see `lsh.clusters`), or one that knows nothing of the
        data, "crosspolytopes" or "hyperplanes" (see `lsh.cells`); of hyperplanes n_buckets is a power of two.

    Decided cases are those of `LSHIndex`. The index takes some 50 bytes a vector beside the vectors, which may be
    memory-mapped. It never changes after `fit`, so any number of threads may search it.
    """

    def __init__(
        self, metric: str = "cosine", n_buckets: int | None = None, seed: int = 0, family: str = "kmeans"
    ) -> None:
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.seed = validate.integer(seed, "seed", 0, 2**63 - 1)
        self.wanted_buckets = None if n_buckets is None else validate.integer(n_buckets, "n_buckets", 1, MAX_BUCKETS)
        self.family = validate.choice(family, "family", FAMILIES)
        if self.family == "hyperplanes" and (self.wanted_buckets or 1).bit_count() != 1:
            raise ParameterError(f"n_buckets is {n_buckets}; b hyperplanes make 2^b buckets: expected 1, 2, 4, 8, ...")
        self._fitted: tuple[ExactSearch, Buckets] | None = None

    def fit(self, X: npt.ArrayLike) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes are converted), n >= 1. Row numbers become ids."""
        exact = ExactSearch(X, self.metric)
        n_buckets = self.wanted_buckets or default_buckets(len(exact.X))
        if self.family == "kmeans":
            n_buckets = min(n_buckets, len(exact.X))
        self._set(exact, build(exact, self.family, n_buckets, np.random.default_rng(self.seed)))
        return self

    @classmethod
    def from_parts(
        cls, metric: str, n_buckets: int | None, seed: int, family: str, exact: ExactSearch, buckets: Buckets
    ) -> Self:
        """Return a fitted index made of parts that belong together, as `lsh.load` finds them in a file."""
        index = cls(metric, n_buckets, seed, family)
        index._set(exact, buckets)
        return index

    def search(
        self, Q: npt.ArrayLike, k: int = 10, n_probes: int = 8, n_reranked: int = 40, n_threads: int = 1
    ) -> SearchResult:
        """Return the k nearest of each row of Q (float32[nq, d]) among the vectors of the probed buckets.

        n_probes: buckets looked into, those with the nearest centroids first; at most as many as there are.
        n_reranked: how many of them, the best by their sketches, are ranked by exact distance; at least k are.
        n_threads: threads that share the queries; the answer is the same for any number.

        `n_candidates` counts the vectors whose sketches were looked at.
        """
        exact, buckets = self._parts()
        k = validate.integer(k, "k", 1, 2**31 - 1)
        n_probes = min(validate.integer(n_probes, "n_probes", 1, MAX_BUCKETS), len(buckets.centroids))
        n_reranked = max(validate.integer(n_reranked, "n_reranked", 1, 2**31 - 1), k)
        arguments = *self._arrays, n_probes, n_reranked, buckets.fullest[n_probes]
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
        """Return the bytes that the index takes beside the vectors themselves."""
        return self.exact.nbytes + self.buckets.nbytes

    @property
    def buckets(self) -> Buckets:
        """Return the buckets and sketches, read-only."""
        return self._parts()[1]

    @property
    def exact(self) -> ExactSearch:
        """Return exact search over the same vectors: the baseline and the truth."""
        return self._parts()[0]

    def _set(self, exact: ExactSearch, buckets: Buckets) -> None:
        self._fitted = exact, buckets
        self._arrays: tuple[tuple[Any, ...], tuple[Any, ...]] = tuple(buckets.arrays), tuple(exact.vectors)

    def _parts(self) -> tuple[ExactSearch, Buckets]:
        if self._fitted is None:
            raise NotFittedError("this index holds no data; call fit(X) first")
        return self._fitted


def default_buckets(n: int) -> int:
    """Return the power of two nearest to the square root of n: as many buckets as vectors in one of them."""
    return int(2 ** np.round(np.log2(n) / 2))
