"""SketchIndex: buckets around centroids, a sketch a vector, exact distances for the best few.

The life of a query: rotate it and round it to 4 bits a dimension; find the buckets with the nearest centroids; estimate
every distance in them by counting bits of sketches; rank the best few by exact distance.
"""

import os
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.clusters import TRAINING_ROWS, Clusters
from lsh.errors import NotFittedError
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare
from lsh.kernels.scanning import scan
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced
from lsh.sketch import Sketches, draw_rotation
from lsh.threads import in_chunks
from lsh.validate import Floats

MAX_BUCKETS = 65_536

_BLOCK_ROWS = 16_384  # rows prepared at a time
_SAMPLE_ROWS = 16_384  # at least so many rows show where the data lies


@dataclass(frozen=True, slots=True)
class Buckets:
    """All that a search reads beside the vectors.

    centre: float32[d], taken away from vectors and queries, so that what they have in common costs no precision.
    order: int32[n], the ids bucket by bucket; bucket b is order[starts[b]:starts[b + 1]]. sketches and penalties
    (float32[n], see `_penalties`) stand in that order. fullest[b]: vectors in the b fullest buckets.
    """

    centre: Floats
    rotation: Floats
    clusters: Clusters
    starts: npt.NDArray[np.int64]
    order: npt.NDArray[np.int32]
    sketches: Sketches
    penalties: Floats
    fullest: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        centre: Floats,
        rotation: Floats,
        clusters: Clusters,
        starts: npt.NDArray[np.int64],
        order: npt.NDArray[np.int32],
        sketches: Sketches,
        penalties: Floats,
    ) -> Self:
        """Return buckets of given arrays, which become read-only."""
        fullest = np.concatenate([[0], np.cumsum(np.sort(np.diff(starts))[::-1])])
        parts = clusters.centroids, clusters.half_squares, sketches.planes, sketches.factors
        for array in (centre, rotation, starts, order, penalties, fullest, *parts):
            array.flags.writeable = False
        return cls(centre, rotation, clusters, starts, order, sketches, penalties, fullest)

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take."""
        arrays = (
            self.centre,
            self.rotation,
            self.clusters.centroids,
            self.starts,
            self.order,
            self.penalties,
            self.fullest,
        )
        return self.sketches.nbytes + sum(array.nbytes for array in arrays)


class SketchIndex:
    """Nearest neighbours from learned buckets and two-bit sketches, for cosine or Euclidean distance.

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    n_buckets: k-means cells, 1 to 65,536; by default the power of two nearest to the square root of n. With one bucket
        every search scans every sketch.
    seed: the same seed and data give the same index on the same machine.

    Decided cases are those of `LSHIndex`. The index takes some 50 bytes a vector beside the vectors, which may be
    memory-mapped. It never changes after `fit`, so any number of threads may search it.
    """

    def __init__(self, metric: str = "cosine", n_buckets: int | None = None, seed: int = 0) -> None:
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.seed = validate.integer(seed, "seed", 0, 2**63 - 1)
        self.wanted_buckets = None if n_buckets is None else validate.integer(n_buckets, "n_buckets", 1, MAX_BUCKETS)
        self._fitted: tuple[ExactSearch, Buckets] | None = None

    def fit(self, X: npt.ArrayLike) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes are converted), n >= 1. Row numbers become ids."""
        exact = ExactSearch(X, self.metric)
        n_buckets = min(self.wanted_buckets or default_buckets(len(exact.X)), len(exact.X))
        self._fitted = exact, _build(exact, n_buckets, np.random.default_rng(self.seed))
        return self

    @classmethod
    def of(cls, metric: str, n_buckets: int | None, seed: int, exact: ExactSearch, buckets: Buckets) -> Self:
        """Return an index of given parts, as `lsh.load` finds them in a file."""
        index = cls(metric, n_buckets, seed)
        index._fitted = exact, buckets
        return index

    def save(self, path: str | os.PathLike[str], *, with_vectors: bool = True) -> None:
        """Write the index into one file, from which `lsh.load` maps it back (see `lsh.storage.save`)."""
        from lsh.storage import save  # knows every kind of index, and so imports this module

        save(self, path, with_vectors=with_vectors)

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
        n_probes = min(validate.integer(n_probes, "n_probes", 1, MAX_BUCKETS), self.n_buckets)
        n_reranked = max(validate.integer(n_reranked, "n_reranked", 1, 2**31 - 1), k)
        vectors = exact.prepare_queries(Q)
        result = SearchResult.empty(len(vectors), k)

        def search_rows(first: int, last: int) -> None:
            scan(
                vectors,
                buckets.centre,
                buckets.rotation,
                buckets.clusters.centroids,
                buckets.clusters.half_squares,
                buckets.starts,
                buckets.order,
                buckets.sketches.planes,
                buckets.sketches.factors,
                buckets.penalties,
                exact.X,
                exact.inverse_norms,
                exact.metric_code,
                n_probes,
                n_reranked,
                buckets.fullest[n_probes],
                first,
                last,
                result.ids,
                result.distances,
                result.n_candidates,
            )

        in_chunks(search_rows, len(vectors), n_threads)
        return result

    @property
    def n(self) -> int:
        """Return the number of vectors indexed."""
        return len(self.exact.X)

    @property
    def n_buckets(self) -> int:
        """Return the number of buckets."""
        return len(self._parts()[1].starts) - 1

    @property
    def nbytes(self) -> int:
        """Return the bytes that the index takes beside the vectors themselves."""
        exact, buckets = self._parts()
        return exact.nbytes + buckets.nbytes

    @property
    def buckets(self) -> Buckets:
        """Return the buckets and sketches, read-only."""
        return self._parts()[1]

    @property
    def exact(self) -> ExactSearch:
        """Return exact search over the same vectors: the baseline and the truth."""
        return self._parts()[0]

    def _parts(self) -> tuple[ExactSearch, Buckets]:
        if self._fitted is None:
            raise NotFittedError("this index holds no data; call fit(X) first")
        return self._fitted


def default_buckets(n: int) -> int:
    """Return the power of two nearest to the square root of n: as many buckets as vectors in one of them."""
    return int(2 ** np.round(np.log2(n) / 2))


def _build(exact: ExactSearch, n_buckets: int, rng: np.random.Generator) -> Buckets:
    """Learn the buckets, sort the vectors into them, and sketch each one's difference from its centroid."""
    X, n, metric = exact.X, len(exact.X), exact.metric
    sample = evenly_spaced(X, max(_SAMPLE_ROWS, n_buckets * TRAINING_ROWS))
    centre = mean_vector(sample, metric)
    sample = prepare(sample, metric, centre)
    clusters = Clusters.train(sample, n_buckets, rng)
    rotation = draw_rotation(sample, rng)
    bucket = np.empty(n, np.int64)
    for start in range(0, n, _BLOCK_ROWS):
        bucket[start : start + _BLOCK_ROWS] = clusters.assign(prepare(X[start : start + _BLOCK_ROWS], metric, centre))
    filled, bucket = np.unique(bucket, return_inverse=True)  # an empty bucket would only waste a probe
    centroids = np.ascontiguousarray(clusters.centroids.T[filled])
    order = np.argsort(bucket, kind="stable").astype(np.int32)
    sketches, penalties = Sketches.empty(n), np.empty(n, np.float32)
    for start in range(0, n, _BLOCK_ROWS):
        rows = order[start : start + _BLOCK_ROWS]
        vectors = prepare(np.ascontiguousarray(X[rows]), metric, centre)
        sketches.fill(start, np.asarray((vectors - centroids[bucket[rows]]) @ rotation, np.float32))
        penalties[start : start + len(rows)] = _penalties(vectors, centre, metric)
    starts = np.concatenate([[0], np.cumsum(np.bincount(bucket))])
    return Buckets.of(centre, rotation, Clusters.of(centroids), starts, order, sketches, penalties)


def _penalties(vectors: Floats, centre: Floats, metric: str) -> Floats:
    """Return what to take from <q - μ, x - μ> so that the rest ranks x as its distance does: float32[n].

    Euclidean: |q - x|² = |q - μ|² - 2 (<q - μ, x - μ> - |x - μ|²/2). Cosine, of unit vectors: <q, x> is, up to terms of
    q alone, <q - μ, x - μ> + <μ, x - μ>.
    """
    if metric == "euclidean":
        return np.asarray(np.einsum("ij,ij->i", vectors, vectors) / np.float32(2))
    return np.asarray(-(vectors @ centre))
