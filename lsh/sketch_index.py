"""SketchIndex: approximate nearest neighbours from buckets around centroids and a sketch per vector.

A search rotates the query, finds the buckets with the nearest centroids, estimates every distance in them from sketches
by look-ups in tables of the query (`lsh.kernels.fast_scan`), and ranks the best few by exact distance.
"""

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Collection, Float32Array
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.filters.allowed import Allowed, Filter, OfPart
from lsh.filters.search import search_allowed
from lsh.growing.changes import Growing, known, same_parameters
from lsh.growing.segments import Growth
from lsh.kernels.hashing import PREPARED
from lsh.kernels.sketch_search import ALL, Counts, search_buckets
from lsh.params import MAX_BUCKETS, UNMEASURED, MeasuredSketchSetting, SketchSetting, ranked
from lsh.result import RangeResult, SearchResult
from lsh.sketches.default_setting import measure_sketches
from lsh.sketches.partition import (
    FAMILIES,
    Arguments,
    Buckets,
    Partition,
    Parts,
    build,
    default_buckets,
    nearest_buckets,
    ranges_in,
)
from lsh.threads import MAX_THREADS, in_chunks

_NO_FILTER = ALL, 0
FEW_ALLOWED = 256  # vectors, which are ranked in less time than the nearest buckets are found
_FLOAT32 = np.dtype(np.float32)  # `np.empty` takes longer with the type of the elements

_Given = tuple[str, int | None, int, str]


def _assembled(
    exact: ExactSearch, arguments: _Given, buckets: Buckets, gaps: Float32Array, default: SketchSetting
) -> "SketchIndex":
    return SketchIndex.from_parts(*arguments, exact, buckets, gaps, default)


class _Setting(NamedTuple):
    """The parameters of a search as they were given, and as the kernel takes them after they were checked.

    A parameter is the same if it is the same object: True, which equals 1, is refused.
    """

    parts: Parts
    k: object
    n_probes: object
    n_reranked: object
    n_neighbours: int
    arguments: Arguments


class SketchIndex(Growing[Parts]):
    """Nearest neighbours from buckets and two-bit sketches, for cosine or Euclidean distance.

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    n_buckets: 1 to 65,536; by default the power of two nearest to the square root of n. With one bucket every search
        scans every sketch.
    seed: the same seed and data give the same index, bit for bit, on any machine.
    family: how vectors are sorted into buckets: "kmeans", learned from the data (`families.clusters`), or drawn at
        random, "crosspolytopes" or "hyperplanes" (`families.cells`); with hyperplanes n_buckets is a power of two.

    Zeros, NaN, duplicates and ties are treated, and builds logged, as in `LSHIndex`. The index takes some 52 bytes per
    vector and 1.1 KB per bucket, without the vectors, which may be memory-mapped. Any number of threads may search it;
    one that searches while another one adds or removes vectors sees the index before or after.
    """

    kind = "sketches"

    def __init__(
        self, metric: str = "cosine", n_buckets: int | None = None, seed: int = 0, family: str = "kmeans"
    ) -> None:
        self.metric = validate.choice(metric, "metric", validate.METRICS)
        self.seed = validate.integer(seed, "seed", 0, 2**63 - 1)
        self.wanted_buckets = None if n_buckets is None else validate.integer(n_buckets, "n_buckets", 1, MAX_BUCKETS)
        self.family = validate.choice(family, "family", FAMILIES)
        if self.family == "hyperplanes" and (self.wanted_buckets or 1).bit_count() != 1:
            raise ParameterError(f"n_buckets is {n_buckets}; b hyperplanes make 2^b buckets: expected a power of two")
        self._fitted: Parts | Growth | None = None
        self._last: _Setting | None = None  # of the last search, whose checks take longer than a search of few vectors

    def fit(self, X: npt.ArrayLike, like: "SketchIndex | None" = None) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes, pandas and Arrow are converted), n >= 1.

        `EncodedVectors` (uint8, float16) are kept and ranked by the values that they stand for. Row numbers become ids.
        like: an index with the same parameters, whose centre, rotation, centroids, gaps and default setting are taken
            instead of learned from X; each vector comes into the bucket with the nearest centroid.
        """
        exact = ExactSearch(X, self.metric)
        same_parameters(self._given(), (like or self)._given())  # noqa: SLF001
        self._fitted = (like.over(exact) if like else self.fitted_to(exact))._fitted  # noqa: SLF001
        return self

    def fitted_to(self, exact: Collection) -> Any:
        """Return an index of each part of a collection (see `Collection.map`), with buckets learned or drawn once."""
        n = len(exact.X)
        n_buckets = self.wanted_buckets or default_buckets(n)
        if self.family == "kmeans":
            n_buckets = min(n_buckets, n)
        partition = Partition.learn(exact, self.family, n_buckets, np.random.default_rng(self.seed))
        parts, given = build(exact, partition), self._given()
        default = measure_sketches(exact, exact.map(_assembled, given, *parts, UNMEASURED), len(parts[1]))
        return exact.map(_assembled, given, *parts, default)

    def over(self, exact: ExactSearch) -> "SketchIndex":
        """Return an index of the vectors that `exact` searches, with the centre, rotation and centroids of this one."""
        _, buckets, gaps, _, default = self._learned()
        return _assembled(exact, self._given(), nearest_buckets(exact, buckets), gaps, default)

    def _given(self) -> _Given:
        return self.metric, self.wanted_buckets, self.seed, self.family

    @classmethod
    def from_parts(
        cls,
        metric: str,
        n_buckets: int | None,
        seed: int,
        family: str,
        exact: ExactSearch,
        buckets: Buckets,
        gaps: Float32Array,
        default: SketchSetting,
    ) -> Self:
        """Return a fitted index made of the parts of another one, such as `lsh.load` reads from a file."""
        index, measured = cls(metric, n_buckets, seed, family), MeasuredSketchSetting.checked(default)
        sizes = np.sort(np.diff(buckets.bucket_starts))[::-1]
        index._fitted = Parts(exact, buckets, gaps, np.concatenate([[0], np.cumsum(sizes)]), measured)
        return index

    def search(
        self,
        Q: npt.ArrayLike,
        k: int = 10,
        n_probes: int | None = None,
        n_reranked: int | None = None,
        n_threads: int = 1,
        *,
        allowed: Allowed | None = None,
    ) -> SearchResult:
        """Return the k nearest of each row of Q (float32[nq, d]) among the vectors of the probed buckets.

        n_probes: buckets searched, those with the nearest centroids; all, if there are no more. Under cosine distance
            that is the mean over the indexed vectors: fewer are searched where one centroid is much nearer than the
            others, and up to four times as many where many are about as near.
        n_reranked: vectors ranked by exact distance, those with the best sketches: k if that is more, and an eighth
            more. Both are by default those of `default_setting`.
        n_threads: threads that share the queries; they do not change the answer.
        allowed: the vectors that may be found (see `LSHIndex.search`). Further buckets are searched until as many
            allowed vectors are in them as all together in those of a search without a filter, and k; where that takes
            longer, or near vectors tell nothing of the allowed ones, all of these are ranked.

        `n_candidates` counts the vectors whose sketches were scored, or that were ranked without.
        """
        last, fitted = self._last, self._fitted
        if not (
            last is not None
            and last.parts is fitted
            and (last.k is k and last.n_probes is n_probes and last.n_reranked is n_reranked)
        ):
            first = known(fitted.first._fitted if isinstance(fitted, Growth) else fitted)  # noqa: SLF001
            best = first.default.n_reranked if n_reranked is None else n_reranked
            if isinstance(fitted, Growth):
                given = {"n_probes": n_probes, "n_reranked": best, "n_threads": n_threads}
                return fitted.search(Q, k, allowed, lambda k, _: ranked(best, k), **given)
            parts = known(fitted)
            n_neighbours = parts.exact.n_neighbours(k)
            arguments = parts.arguments(n_probes, ranked(best, n_neighbours))
            last = self._last = _Setting(parts, k, n_probes, n_reranked, n_neighbours, arguments)
        exact, n_neighbours, arguments = last.parts.exact, last.n_neighbours, last.arguments
        if allowed is None:
            return self._search(Q, exact, n_neighbours, arguments, n_threads)[0]

        def search(Q: Float32Array, only: Filter, n_threads: int) -> SearchResult:
            filtered = (*arguments[:-1], len(exact.X))
            return self._search(Q, exact, n_neighbours, filtered, n_threads, only=only)[0]

        return search_allowed(exact, Q, n_neighbours, allowed, search, max(arguments[4], FEW_ALLOWED), n_threads)

    def range_search(
        self, Q: npt.ArrayLike, radius: float, n_probes: int | None = None, n_threads: int = 1
    ) -> RangeResult:
        """Return the vectors of the probed buckets at a distance of at most `radius`, from 0: Q float32[nq, d].

        n_probes: buckets searched, the same number for each query (see `search`), as one near a centroid has the most
            within a radius. The distances of all vectors in them are computed, so that none is lost.
        """
        if growth := self.growth:
            return growth.range_search(Q, radius, n_probes=n_probes, n_threads=n_threads)
        exact, buckets, _, _, default = self._parts()
        chosen = default.n_probes if n_probes is None else n_probes
        return ranges_in(exact, buckets, Q, radius, validate.integer(chosen, "n_probes", 1, MAX_BUCKETS), n_threads)

    def candidates(
        self, Q: npt.ArrayLike, n_best: int, n_probes: int | None = None, n_threads: int = 1, only: Filter | None = None
    ) -> tuple[SearchResult, Float32Array]:
        """Return the `n_best` vectors in the probed buckets with the best sketches, unsorted, and their estimates.

        Estimates, float32[nq, n_best], are higher for nearer vectors, -infinity for none. Those of several indexes with
        the same buckets can be merged: what a search ranks exactly are the best of all. only: `Present` or `OfPart`.
        """
        exact = (parts := self._parts()).exact
        n_best = min(n_best, len(exact.X))
        arguments = *parts.arguments(n_probes, n_best)[:-1], len(exact.X)  # a filter may lead to further buckets
        return self._search(Q, exact, n_best, arguments, n_threads, estimated=True, only=only)

    @staticmethod
    def _search(
        Q: npt.ArrayLike,
        exact: ExactSearch,
        k: int,
        arguments: Arguments,
        n_threads: int,
        estimated: bool = False,
        only: Filter | None = None,
    ) -> tuple[SearchResult, Float32Array]:
        readable, width = exact.readable(Q), k if estimated else 0
        filtered: Any = _NO_FILTER
        if only is not None:
            counts = only.counts if isinstance(only, OfPart) else Counts.of(arguments[0][2], only.n_allowed, k)
            filtered = only.mask, tuple(counts)
        if readable is not None and validate.integer(n_threads, "n_threads", 1, MAX_THREADS) == 1:
            found, estimates = SearchResult.empty(len(readable), k), np.empty((len(readable), width), _FLOAT32)
            if search_buckets(readable, exact.limits, *arguments, *found, estimates, *filtered):
                return found, estimates
        vectors = exact.prepare_queries(Q)
        found, estimates = SearchResult.empty(len(vectors), k), np.empty((len(vectors), width), _FLOAT32)

        def search_rows(first: int, last: int) -> None:
            own = *found.part(first, last), estimates[first:last]
            search_buckets(vectors[first:last], PREPARED, *arguments, *own, *filtered)

        in_chunks(search_rows, len(vectors), n_threads)
        return found, estimates

    @property
    def default_setting(self) -> MeasuredSketchSetting:
        """Return the setting of searches that give none: (n_probes, n_reranked), and its measured `recall`.

        Measured when the index was built (see `lsh.sketches.default_setting`): the cheapest with a recall@10 of 0.93 on
        rows of the data, as for `LSHIndex`.
        """
        return self._learned().default

    @property
    def n_buckets(self) -> int:
        """Return the number of buckets."""
        return len(self._learned().gaps)

    def _nbytes(self) -> int:
        exact, buckets, gaps, capacity, _ = self._parts()
        return exact.nbytes + buckets.nbytes + gaps.nbytes + capacity.nbytes

    @property
    def nbytes_learned(self) -> int:
        """Return how many of these bytes are of the centre, the rotation, the centroids and the gaps."""
        _, buckets, gaps, *_ = self._learned()
        return buckets.points.nbytes + buckets.rotation.nbytes + gaps.nbytes

    @property
    def buckets(self) -> Buckets:
        """Return the buckets and sketches, read-only."""
        return self._parts().buckets

    @property
    def gaps(self) -> Float32Array:
        """Return, for 1 to m probes, how much farther than the nearest centroid one may be: float32[m], squared."""
        return self._learned().gaps

    def __repr__(self) -> str:
        if self.growth:
            return super().__repr__()
        given = f"SketchIndex(metric={self.metric!r}, seed={self.seed}, family={self.family!r})"
        if self._fitted is None:
            return given
        return self.default_setting.described(given, f"{self.n:,} x {self.dim} in {self.n_buckets:,} buckets")
