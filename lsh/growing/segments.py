"""Segments: the parts of an index that grows, each an index of its own with the learned parts of the first.

New vectors become a segment, and neighbouring segments are merged when the later one is at least a quarter as large, so
that n vectors lie in about log(n) / log(4) segments (P. O'Neil, E. Cheng, D. Gawlick, E. O'Neil, "The log-structured
merge-tree", Acta Informatica 1996). Removed vectors are marked, and left out by the next merge of their segment. Ids
ascend through all segments, so that ties are broken as in one index.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import BoolArray, Float32Array, Float64Array, Int64Array, StoredVectors, read_only
from lsh.errors import ParameterError, ShapeError
from lsh.filters.allowed import Allowed, Filter, Present, filters
from lsh.growing.merging import merged, merged_best, merged_ranges
from lsh.result import PromisedResult, RangeResult, SearchResult
from lsh.sampling import evenly_spaced_rows, joined, some_rows

_MERGED_RATIO = 4  # a segment is merged with the one before it unless that is more than so many times as large
_NOT_OF_CANDIDATES = ("recall", "n_reranked")  # arguments of `search` alone
_DRIFT_ROWS = 16_384  # vectors whose mean tells how far the data has moved


class Segment(NamedTuple):
    """An index that does not grow; the ids of its rows, int64[n], ascending; the filter of those present; None: all."""

    index: Any
    ids: Int64Array
    only: Present | None = None

    @property
    def n(self) -> int:
        """Return the number of vectors that were not removed."""
        return len(self.ids) if self.only is None else self.only.n

    def present(self) -> BoolArray:
        """Return which rows were not removed, as a new array: bool[n]."""
        return np.ones(len(self.ids), np.bool_) if self.only is None else self.only.mask.copy()

    def kept(self) -> Int64Array | None:
        """Return the rows that were not removed, int64[m]; None for all."""
        return None if self.only is None else self.only.ids


class Learned(NamedTuple):
    """The vectors from which parts were learned: their mean, float32[d]; the root mean square of the distances from it.

    Vectors are scaled to length one under cosine. Those that were added later have ids from `next_id`.
    """

    mean: Float32Array
    spread: float
    next_id: int


class Drift(NamedTuple):
    """How far the data has moved since parts were learned from it.

    added: the share of vectors that were added since. moved: the distance of their present mean from the one then, both
    of up to 16,384 evenly spaced vectors, in units of the spread then (see `Learned`); 0 where that is 0.
    """

    added: float
    moved: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The state of an index that has grown: it never changes, and a new one takes its place."""

    segments: tuple[Segment, ...]
    next_id: int
    learned: Learned

    @classmethod
    def begin(cls, index: Any, ids: Int64Array | None = None, next_id: int | None = None) -> Self:
        """Return the state of an index whose parts were just learned; ids are row numbers by default."""
        X = index.exact.X
        ids = np.arange(len(X)) if ids is None else ids
        read_only(ids)
        next_id = len(X) if next_id is None else next_id
        sample = _unit(X[evenly_spaced_rows(len(X), _DRIFT_ROWS)], index.exact.metric)
        mean = sample.mean(axis=0)
        spread = float(np.sqrt(((sample - mean) ** 2).sum(axis=1).mean()))
        return cls((Segment(index, ids),), next_id, Learned(mean.astype(np.float32), spread, next_id))

    @property
    def n(self) -> int:
        """Return the number of vectors that were not removed."""
        return sum(segment.n for segment in self.segments)

    @property
    def n_removed(self) -> int:
        """Return the number of vectors that were removed and still take memory."""
        return sum(len(segment.ids) for segment in self.segments) - self.n

    @property
    def ids(self) -> Int64Array:
        """Return the ids of the vectors that were not removed, ascending: int64[n]."""
        kept = [s.ids if s.only is None else s.ids[s.only.mask] for s in self.segments]
        return kept[0] if len(kept) == 1 else np.concatenate(kept)

    @property
    def first(self) -> Any:
        """Return the index of the first segment, which has all parts that are learned."""
        return self.segments[0].index

    @property
    def nbytes(self) -> int:
        """Return the bytes that the segments take, without the vectors; what they have in common is counted once."""
        parts = [s.index.nbytes + s.ids.nbytes + (0 if s.only is None else s.only.mask.nbytes) for s in self.segments]
        return int(sum(parts) - (len(parts) - 1) * self.first.nbytes_learned)

    def whole(self) -> Any:
        """Return the index of the only segment; raise ParameterError where there are more, or rows were removed."""
        if len(self.segments) > 1 or self.n_removed:
            raise ParameterError(
                f"this index has grown: it has {len(self.segments)} segments, and {self.n_removed:,} of its vectors "
                "are removed; call compact() first, which gives it one array of vectors and one of each other kind"
            )
        return self.first

    def exact(self) -> Any:
        """Return exact search over the same vectors, with the same ids."""
        segments = tuple(segment._replace(index=segment.index.exact) for segment in self.segments)
        return replace(self, segments=segments).index()

    def index(self) -> Any:
        """Return an index with this state."""
        index = copy.copy(self.first)
        index._fitted = self  # noqa: SLF001
        return index

    def n_neighbours(self, k: object) -> int:
        """Return k, checked, and at most n: how many neighbours a result has room for."""
        return min(validate.integer(k, "k", 1, 2**31 - 1), self.n)

    def search(
        self,
        Q: npt.ArrayLike,
        k: int,
        allowed: Allowed | None = None,
        ranked: Callable[[int, int], int] | None = None,
        **setting: Any,
    ) -> SearchResult:
        """Return the k nearest that the searches of all segments find.

        allowed: bool[next_id], or ids; for all queries, or one for each (see `LSHIndex.search`). ranked: of searches
            that rank the candidates with the best estimates, how many these are, from k and n.
        """
        k, ids, recall = self.n_neighbours(k), [segment.ids for segment in self.segments], setting.get("recall")
        if allowed is None and len(ids) == 1 and self.segments[0].only is None:
            found: SearchResult = self.first.search(Q, k, **setting)
            if ids[0][-1] != len(ids[0]) - 1:  # ids are not row numbers
                found.ids[:] = np.where(found.ids < 0, -1, ids[0][found.ids])
            return found
        if allowed is None and ranked is not None:
            given = {name: setting[name] for name in setting if name not in _NOT_OF_CANDIDATES}
            n_ranked = ranked(k, self.n)
            best = [segment.index.candidates(Q, n_ranked, only=segment.only, **given) for segment in self.segments]
            return merged_best(best, ids, k, n_ranked)
        wanted, parts = None, []
        if allowed is not None:
            Q = validate.matrix(Q, "Q", self.first.dim)
            wanted = filters(allowed, self.next_id, len(Q))
        for segment in self.segments:
            only: Any = segment.only
            if wanted is not None:
                only = _both(segment, wanted)
            elif only is not None and (self.first.kind == "exact" or recall is not None):
                only = only.mask  # that all which are left are ranked must be known
            parts.append(segment.index.search(Q, k, allowed=only, **setting))
        answer = merged(parts, ids, k)
        return answer if recall is None else PromisedResult.of(answer, float(recall))

    def range_search(self, Q: npt.ArrayLike, radius: float, **setting: Any) -> RangeResult:
        """Return all within a radius that the searches of all segments find."""
        found = [segment.index.range_search(Q, radius, **setting) for segment in self.segments]
        return merged_ranges(found, *zip(*((s.ids, s.present()) for s in self.segments), strict=True))

    def vectors(self, ids: npt.ArrayLike) -> Float32Array:
        """Return the vectors with some ids, int64[m]: float32[m, d]; raise ShapeError for ids that are not there."""
        places = self._places(ids)
        out = np.empty((len(places), self.first.dim), np.float32)
        for number, segment in enumerate(self.segments):
            own = places[:, 0] == number
            out[own] = segment.index.exact.X[places[own, 1]]
        return out

    def with_added(self, index: Any) -> tuple[Self, Int64Array]:
        """Return the state with one more segment, merged with those before it where these are small, and its ids."""
        ids = np.arange(self.next_id, self.next_id + len(index.exact.X))
        read_only(ids)
        segments = [*self.segments, Segment(index, ids)]
        first = len(segments) - 1
        while first and segments[first - 1].n <= _MERGED_RATIO * sum(segment.n for segment in segments[first:]):
            first -= 1
        if first < len(segments) - 1:
            segments[first:] = [_merged(segments[first:])]
        return replace(self, segments=tuple(segments), next_id=self.next_id + len(ids)), ids

    def with_removed(self, ids: npt.ArrayLike) -> Self:
        """Return the state without some ids, int64[m]; raise ShapeError for ids that are not there, or twice."""
        places = self._places(ids)
        if len(places) == self.n:
            raise ParameterError(
                f"ids are those of all {self.n:,} vectors; an index keeps at least one: build another index instead"
            )
        segments = []
        for number, segment in enumerate(self.segments):
            rows = places[places[:, 0] == number, 1]
            if len(rows):
                present = segment.present()
                present[rows] = False
                segment = segment._replace(only=Present(present))  # noqa: PLW2901
            if segment.n:
                segments.append(segment)
        return replace(self, segments=tuple(segments))

    def compacted(self) -> Self:
        """Return the state with one segment, in which no row is removed and none has moved since parts were learned."""
        segment = _merged(self.segments)
        return replace(self, segments=(segment,))

    def drift(self) -> Drift:
        """Return how far the data has moved since the present parts were learned."""
        ids, learned = self.ids, self.learned
        added = len(ids) - int(np.searchsorted(ids, learned.next_id))
        sample = self.vectors(ids[evenly_spaced_rows(len(ids), _DRIFT_ROWS)])
        moved = _unit(sample, self.first.exact.metric).mean(axis=0).astype(np.float32) - learned.mean
        return Drift(added / len(ids), float(np.linalg.norm(moved)) / learned.spread if learned.spread else 0.0)

    def stored(self) -> StoredVectors:
        """Return the vectors that were not removed, as they are stored, in order of id."""
        return _stored(self.segments)

    def _places(self, ids: npt.ArrayLike) -> Int64Array:
        """Return the segment and the row of each id: int64[m, 2]."""
        wanted = validate.rows(ids, self.next_id)
        known = self.ids
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        if (missing := known[at] != wanted).any():
            raise ShapeError(f"ids hold {wanted[missing][0]}, which this index has not: it was removed before")
        if len(np.unique(wanted)) < len(wanted):
            raise ShapeError("ids hold an id twice; expected each once")
        firsts = np.array([segment.ids[0] for segment in self.segments])
        number = np.searchsorted(firsts, wanted, side="right") - 1
        row = np.empty(len(wanted), np.int64)
        for i, segment in enumerate(self.segments):
            row[number == i] = np.searchsorted(segment.ids, wanted[number == i])
        return np.stack([number, row], axis=1)


def _both(segment: Segment, wanted: Filter | Callable[[int], Filter]) -> Any:
    """Return the filter of a segment's rows that are allowed and present, or a function that gives that of a query."""
    if not isinstance(wanted, Filter):
        return lambda q: _both(segment, wanted(q))
    mask = wanted.mask[segment.ids]
    return mask if segment.only is None else mask & segment.only.mask


def _merged(segments: Sequence[Segment]) -> Segment:
    """Return one segment of the vectors of several that were not removed."""
    rows = [segment.kept() for segment in segments]
    ids = np.concatenate([s.ids if kept is None else s.ids[kept] for s, kept in zip(segments, rows, strict=True)])
    read_only(ids)
    indexes = [segment.index for segment in segments]
    exact = indexes[0].exact
    norms = [
        np.concatenate([_some(getattr(index.exact, name), kept) for index, kept in zip(indexes, rows, strict=True)])
        for name in ("inverse_norms", "half_squares")
    ]
    read_only(*norms)
    together = type(exact).from_arrays(_stored(segments), exact.metric, *norms)
    return Segment(indexes[0].merged(together, indexes, rows), ids)


def _stored(segments: Sequence[Segment]) -> StoredVectors:
    rows = [segment.kept() for segment in segments]
    every = [segment.index.exact.X for segment in segments]
    return joined([X if kept is None else some_rows(X, kept) for X, kept in zip(every, rows, strict=True)])


def _some(array: npt.NDArray[Any], rows: Int64Array | None) -> npt.NDArray[Any]:
    return array if rows is None else array[rows]


def _unit(X: Float32Array, metric: str) -> Float64Array:
    """Return vectors as float64[n, d], of length one under cosine; zeros stay."""
    vectors = X.astype(np.float64)
    if metric != "cosine":
        return vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
