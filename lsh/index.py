"""LSHIndex: approximate nearest neighbours from hash tables.

A search prepares the query like the data, projects it on every table's directions, packs the projections into keys,
looks up the bucket of each key, collects the distinct candidates, and ranks them by exact distance: all of them, or
those with the best sketches.
"""

from dataclasses import asdict
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import BoolArray, Collection, Float32Array, Float64Array, Int64Array
from lsh.default_setting import LOOKUP_COST, measure_default
from lsh.exact import ExactSearch
from lsh.families.pstable import PStable
from lsh.filters.allowed import Allowed, Filter, Present
from lsh.filters.search import search_allowed
from lsh.growing.changes import Growing, known, same_parameters
from lsh.growing.segments import Growth
from lsh.hasher import Hasher, mean_of
from lsh.params import MeasuredSetting, Params, SearchSetting
from lsh.quality import Labels
from lsh.result import PromisedResult, RangeResult, SearchResult
from lsh.sampling import some_rows
from lsh.sketches.sketch_rows import SketchRows
from lsh.tables import Tables, build_tables, merged_keys, ranges_with, search_promised, search_with


class _Parts(NamedTuple):
    exact: ExactSearch
    hasher: Hasher
    tables: Tables
    sketches: SketchRows
    default: MeasuredSetting


def _build(
    exact: ExactSearch, params: Params, hasher: Hasher, default: SearchSetting, sketches: SketchRows
) -> "LSHIndex":
    """Return an index of the vectors that `exact` searches, by given hash functions, and the rotation of `sketches`."""
    tables = build_tables(hasher.keys(exact.X, params.n_tables))
    return LSHIndex.from_parts(params, exact, hasher, tables, default, sketches.of(exact) if params.sketches else None)


class LSHIndex(Growing[_Parts]):
    """Locality-sensitive hashing for cosine or Euclidean distance; one build serves every (L, K).

    metric: "cosine" (1 - cos) or "euclidean" (L2, not squared).
    n_tables, n_bits: the largest number of tables (L, 1 to 512) and of hash functions per key (K, 1 to 32) that a
        search may use.
    seed: the same seed and data give the same index, bit for bit, on any machine; of the learned families on machines
        with the same processor and BLAS library.
    bucket_width: w of the p-stable family, in the units of the data; by default 4 times the median distance to the 10th
        neighbour, w = 4R as in E2LSH (Andoni & Indyk 2005).
    centre: subtract the mean before hashing. That changes no distance, only the buckets.
    sketches: also keep a two-bit sketch of each vector, 44 bytes, for searches with `n_reranked`.
    family: "hyperplanes" (the default for cosine; under euclidean they hash the angle about the centre) or "pstable"
        (the default for euclidean, and for it alone), both random; or learned: "itq" from the data, "grh" from the
        data and its labels.

    Rows of zeros have the cosine distance 1 to everything; as queries they raise ZeroVectorError. NaN and infinity
    raise NonFiniteError. Duplicates are kept, and ties are broken by the lower id. The index keeps a reference to the
    data, which may be memory-mapped. Any number of threads may search it, and see it before or after a change. A build
    logs its stages by `logging.getLogger("lsh")` at INFO: their seconds, and how much is done of those that take long.
    """

    kind = "tables"

    def __init__(
        self,
        metric: str = "cosine",
        n_tables: int = 32,
        n_bits: int = 24,
        seed: int = 0,
        bucket_width: float | None = None,
        *,
        centre: bool = True,
        sketches: bool = False,
        family: str | None = None,
    ) -> None:
        self.params = Params(metric, n_tables, n_bits, seed, bucket_width, centre, sketches, family)
        self._fitted: _Parts | Growth | None = None
        self._geometry: tuple[_Parts, Any] | None = None  # of searches with recall, measured by the first

    def fit(self, X: npt.ArrayLike, labels: Labels | None = None, like: "LSHIndex | None" = None) -> Self:
        """Index the rows of X: float32[n, d] (other real dtypes, pandas and Arrow are converted), n >= 1.

        `EncodedVectors` (uint8, float16) are kept and ranked by the values that they stand for. Row numbers become ids.
        labels: (offsets int64[n + 1], values int16[m]) of the rows, for family "grh" alone.
        like: an index with the same parameters, whose learned parts and default setting are taken; none is learned.
        """
        exact = ExactSearch(X, self.params.metric)
        same_parameters(self.params, (like or self).params)
        self._fitted = (like.over(exact) if like else self.fitted_to(exact, labels))._fitted  # noqa: SLF001
        return self

    def fitted_to(self, exact: Collection, labels: Labels | None = None) -> Any:
        """Return an index of each part of a collection (see `Collection.map`), with hash functions drawn once."""
        params, hasher = self.params, Hasher.draw(self.params, exact, labels)
        sketches = SketchRows.none(exact.X.shape[1])
        if params.sketches:
            centre = hasher.centre if params.centre else mean_of(exact)
            sketches = SketchRows.draw(exact, centre, np.random.default_rng(params.seed))
        return exact.map(_build, params, hasher, measure_default(exact, hasher), sketches)

    def subset(self, rows: npt.ArrayLike) -> "LSHIndex":
        """Return an index of some rows, int64[m], m >= 1, with the same hash functions and default setting.

        They get the ids 0 to m - 1, in this order, and are copied. A row is a candidate there exactly when it is here.
        """
        exact = ExactSearch(some_rows(self.exact.X, validate.rows(rows, self.n)), self.params.metric)
        return _build(exact, self.params, self.hasher, SearchSetting(*self.default_setting), self._parts().sketches)

    def over(self, exact: ExactSearch) -> "LSHIndex":
        """Return an index of the vectors that `exact` searches, with the hash functions and default of this one."""
        _, hasher, _, sketches, default = self._learned()
        return _build(exact, self.params, hasher, default, sketches)

    def merged(self, exact: ExactSearch, indexes: list[Any], rows: list[Int64Array | None]) -> "LSHIndex":
        """Return the same of some rows of several such indexes, None for all, of which nothing is hashed again."""
        tables = build_tables(merged_keys([index.tables for index in indexes], rows))
        sketches = SketchRows.merged([index.sketches for index in indexes], rows)
        return LSHIndex.from_parts(self.params, exact, self.hasher, tables, self.default_setting, sketches)

    @classmethod
    def from_parts(
        cls,
        params: Params,
        exact: ExactSearch,
        hasher: Hasher,
        tables: Tables,
        default: SearchSetting,
        sketches: SketchRows | None = None,
    ) -> Self:
        """Return a fitted index made of the parts of another one, such as `lsh.load` reads from a file."""
        index, kept = cls(**asdict(params)), sketches or SketchRows.none(exact.X.shape[1])
        measured = MeasuredSetting.of(params.setting(*default), getattr(default, "recall", None))
        index._fitted = _Parts(exact, hasher, tables, kept, measured)
        return index

    def search(
        self,
        Q: npt.ArrayLike,
        k: int = 10,
        n_tables: int | None = None,
        n_bits: int | None = None,
        n_probes: int | None = None,
        n_threads: int = 1,
        n_reranked: int | None = None,
        recall: float | None = None,
        *,
        allowed: Allowed | None = None,
    ) -> SearchResult:
        """Return the k nearest candidates of each row of Q: float32[nq, d].

        n_tables, n_bits: tables and hash functions per key to use, at most those of the index.
        n_probes: buckets looked up in each table, 1 to 64, the likeliest first (Lv et al. 2007). These are by default
            those of `default_setting`.
        n_threads: threads that share the queries; they do not change the answer.
        n_reranked: candidates ranked by exact distance, those with the best sketches: k if that is more, and an eighth
            more; all by default. Needs `sketches=True`.
        recall: probability with which each true neighbour is found, at least, above 0 and below 1 (see
            `lsh.kernels.promised_search`). Each query then searches table after table until that is reached, with keys
            of n_bits at first (about log2(n) - 2) and n_probes (8). Random families alone; without n_reranked.
        allowed: the vectors that may be found: bool[n], ids, or a `lsh.filters.Filter` of them; for all queries, or for
            each, in a sequence or by a function of the query's number. Keys are shortened until a query has met as many
            allowed vectors as candidates without a filter, and k; where that takes longer, or near vectors tell nothing
            of the allowed ones, all of these are ranked. `n_candidates` counts those that were.
        Where fewer than k are found, the remaining ids are -1 and their distances infinity (see `SearchResult`).
        """
        fitted = self._fitted
        if isinstance(fitted, Growth):
            best = None if n_reranked is None else lambda k, n: self.params.reranked(n_reranked, k, n)
            given: dict[str, Any] = {"n_tables": n_tables, "n_bits": n_bits, "n_probes": n_probes}
            given |= {"n_threads": n_threads, "n_reranked": n_reranked, "recall": recall}
            return fitted.search(Q, k, allowed, best if recall is None else None, **given)
        parts = known(fitted)
        k, n = parts.exact.n_neighbours(k), len(parts.exact.X)
        if recall is None:
            setting, n_ranked = self.setting(n_tables, n_bits, n_probes), self.params.reranked(n_reranked, k, n)
        else:
            setting = self.params.promised(recall, n, (n_tables, n_bits, n_probes), n_reranked)

        def search(Q: npt.ArrayLike, only: Filter | None, n_threads: int) -> SearchResult:
            if recall is None:
                return search_with(*parts[:4], Q, k, setting, n_ranked, n_threads, only=only)[0]
            return search_promised(*parts[:3], self._place(parts), Q, k, setting, recall, n_threads, only)

        if allowed is None or isinstance(allowed, Present):
            return search(Q, allowed, n_threads)
        fewest = LOOKUP_COST * setting.n_probes * (setting.n_tables if recall is None else 1)
        found = search_allowed(parts.exact, Q, k, allowed, search, fewest, n_threads)
        return found if recall is None else PromisedResult.of(found, float(recall))

    def range_search(self, Q: npt.ArrayLike, radius: float, n_threads: int = 1, **setting: int | None) -> RangeResult:
        """Return the candidates of each row of Q, float32[nq, d], at a distance of at most `radius`, from 0.

        setting: n_tables, n_bits and n_probes of a `search`, whose candidates these are (see `ExactSearch`).
        """
        if growth := self.growth:
            return growth.range_search(Q, radius, n_threads=n_threads, **setting)
        return ranges_with(*self._parts()[:3], Q, radius, self.setting(**setting), n_threads)

    def candidates(
        self, Q: npt.ArrayLike, n_best: int, n_threads: int = 1, only: Present | None = None, **setting: int | None
    ) -> tuple[SearchResult, Float32Array]:
        """Return the `n_best` candidates of each row of Q with the best sketches, unsorted, and their estimates.

        setting: as for `search`. Estimates, float32[nq, n_best], are higher for nearer vectors, -infinity for none.
        Those of several indexes with the same functions can be merged, as a search would do.
        """
        self.params.reranked(n_best, 1, self.n)  # raises without sketches
        n_best, chosen = min(n_best, self.n), self.setting(**setting)
        return search_with(*self._parts()[:4], Q, n_best, chosen, n_best, n_threads, estimated=True, only=only)

    def _place(self, parts: _Parts) -> Any:
        """Return where the data lies, measured once."""
        measured = self._geometry
        if measured is None or measured[0] is not parts:
            measured = self._geometry = parts, parts.hasher.geometry(parts.exact)
        return measured[1]

    def matches(
        self,
        q: npt.ArrayLike,
        ids: npt.ArrayLike,
        n_tables: int | None = None,
        n_bits: int | None = None,
        n_probes: int | None = None,
    ) -> BoolArray:
        """Return in which tables a query, float32[d], finds each row, in a probed bucket: bool[len(ids), n_tables]."""
        query, setting = self.exact.prepare_queries(self.exact.one_query(q)), (n_tables, n_bits, n_probes)
        return self.hasher.matches(query, self.vectors_of(ids), *self.setting(*setting))

    def collision_probabilities(self, q: npt.ArrayLike, ids: npt.ArrayLike) -> Float64Array:
        """Return the probability by theory that one function gives q, float32[d], and each row one symbol: float64[m].

        Learned families raise ParameterError.
        """
        return self.hasher.collision_probability(self.exact.one_query(q)[0], self.vectors_of(ids))

    def _nbytes(self) -> int:
        return self.nbytes_of(self.params.n_tables)

    def nbytes_of(self, n_tables: int) -> int:
        """Return the size in bytes, without the vectors, of an index of the first `n_tables` tables alone."""
        tables = self.tables.first(self.params.setting(n_tables, 1, 1).n_tables)
        functions = self.hasher.family.nbytes * n_tables // self.params.n_tables
        return int(tables.nbytes + functions + self.hasher.centre.nbytes + self.sketches.nbytes + self.exact.nbytes)

    @property
    def nbytes_learned(self) -> int:
        """Return how many of these bytes are of the hash functions and the centre."""
        sketches, functions = self._learned().sketches, self.hasher.family.nbytes + self.hasher.centre.nbytes
        return functions + (sketches.centre.nbytes + sketches.rotation.nbytes) * self.params.sketches

    @property
    def bucket_width(self) -> float | None:
        """Return w of the p-stable family in the units of the data; None for hyperplanes."""
        return family.width if isinstance(family := self.hasher.family, PStable) else None

    @property
    def default_setting(self) -> MeasuredSetting:
        """Return the setting of searches that give none: (n_tables, n_bits, n_probes), and its measured `recall`.

        Measured when the index was built (see `lsh.default_setting`): the cheapest with a recall@10 of 0.93 on rows of
        the data, each left out of its own answer. On other queries it is 0.9 or more as a rule, and not promised.
        """
        return self._learned().default

    def setting(
        self, n_tables: int | None = None, n_bits: int | None = None, n_probes: int | None = None
    ) -> SearchSetting:
        """Return the setting of a search, checked; None stands for the default."""
        given = zip((n_tables, n_bits, n_probes), self._learned().default, strict=True)
        return self.params.setting(*(own if one is None else one for one, own in given))

    @property
    def hasher(self) -> Hasher:
        """Return the hasher, which makes keys of vectors."""
        return self._learned().hasher

    @property
    def tables(self) -> Tables:
        """Return the sorted tables, read-only."""
        return self._parts().tables

    @property
    def sketches(self) -> SketchRows:
        """Return the sketches, read-only; none unless the index was built with them."""
        return self._parts().sketches

    def __repr__(self) -> str:
        given = f"LSHIndex({self.params.as_arguments()})"
        if self._fitted is None or self.growth:
            return super().__repr__() if self.growth else given
        return self.default_setting.described(given, f"{self.n:,} x {self.dim}")
