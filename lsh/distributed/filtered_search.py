"""Filtered search on shards, which goes as far in each of them as one machine would go among all vectors.

How far that is depends on the vectors met so far, so the shards count theirs first. The counts are added, the decisions
of `search_tables` and `search_buckets` are made with the sums, and the shards search as far as these say.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lsh.arrays import Float32Array, Int32Array, Int64Array
from lsh.default_setting import LOOKUP_COST
from lsh.distributed.filters import Part, allowed_of, cut
from lsh.distributed.shards import Shards, Sized
from lsh.filters.allowed import Allowed, Filter, OfPart, Present, filters
from lsh.growing.merging import joined, merged, merged_best
from lsh.kernels.ranking import EXACT, exact_is_faster, is_rare
from lsh.kernels.sketch_search import Counts
from lsh.params import SearchSetting
from lsh.result import SearchResult
from lsh.sketch_index import FEW_ALLOWED
from lsh.tables import count_with

_Own = Callable[[int, Int64Array], Any]  # (number of a shard, rows of the batch) -> what is sent to that shard alone


class Batch(NamedTuple):
    """Queries float32[nq, d] with filters: how many vectors each allows, int64[nq]; the parts of each shard.

    parts: of each shard a filter for all queries, or one of each.
    """

    shards: Shards
    Q: Float32Array
    n_allowed: Int64Array
    parts: list[Part | list[Part]]

    def part(self, shard: int, rows: Int64Array) -> Part | list[Part]:
        """Return the filter of a shard for some of the queries, int64[m]."""
        of_shard = self.parts[shard]
        return of_shard if isinstance(of_shard, Part) else [of_shard[row] for row in rows.tolist()]

    def ask(
        self, rows: Int64Array, function: Callable[..., Any], *arguments: Any, own: _Own | None = None
    ) -> list[Any]:
        """Return `function(index, queries, *arguments, own)` of all shards for some queries; by default of filters."""
        own = own or self.part
        (answers,) = self.shards.ask(
            self.Q[rows], function, *arguments, own=lambda shard, first, last: own(shard, rows[first:last])
        )
        return answers

    def exact(self, rows: Int64Array, k: int) -> SearchResult:
        """Return the exact answer of some queries."""
        return merged(self.ask(rows, _exact, k), self.shards.firsts[:-1], k)


Search = Callable[[Batch, int], SearchResult]  # of k neighbours


def search_allowed(shards: Shards, Q: Float32Array, k: int, allowed: Allowed, search: Search) -> SearchResult:
    """Return the k nearest allowed vectors of each query, float32[nq, d], as `search` finds them batch by batch."""
    of, bounds, found = filters(allowed, len(shards), len(Q)), shards.bounds, []
    parts: list[Part | list[Part]] = [*cut(of, bounds)] if isinstance(of, Filter) else []
    for first, last in shards.batches(len(Q)):
        each = [of] * (last - first) if isinstance(of, Filter) else [of(q) for q in range(first, last)]
        if not isinstance(of, Filter):
            cuts = [cut(one, bounds) for one in each]
            parts = [[one[shard] for one in cuts] for shard in range(len(bounds))]
        n_allowed = np.array([one.n_allowed for one in each], np.int64)
        found.append(search(Batch(shards, Q[first:last], n_allowed, parts), k))
    return joined(found)


def in_tables(setting: SearchSetting, n_ranked: int | None) -> Search:
    """Return a search in hash tables; n_ranked: candidates ranked by exact distance, None for all."""

    def search(batch: Batch, k: int) -> SearchResult:
        bits, found = _key_lengths(batch, setting, k), SearchResult.empty(len(batch.Q), k)
        for n_bits in np.unique(bits).tolist():
            rows, places = np.flatnonzero(bits == n_bits), batch.shards.firsts[:-1]
            applied = setting._replace(n_bits=n_bits)._asdict()
            if not n_bits:
                part = batch.exact(rows, k)
            elif n_ranked is None:
                part = merged(batch.ask(rows, _all_met, k, applied), places, k)
            else:
                part = merged_best(batch.ask(rows, _best_met, n_ranked, applied), places, k, n_ranked)
            _put(part, found, rows)
        return found

    return search


def in_sketches(n_probes: int, n_ranked: int) -> Search:
    """Return a search in sketches, of which the best n_ranked are ranked by exact distance."""

    def search(batch: Batch, k: int) -> SearchResult:
        found, places = SearchResult.empty(len(batch.Q), k), batch.shards.firsts[:-1]
        found.n_candidates[:] = EXACT
        rows = np.flatnonzero(batch.n_allowed > max(n_ranked, FEW_ALLOWED))
        if len(rows):
            counted = batch.ask(rows, _in_groups)
            sizes, allowed_in = (np.array(arrays, np.int64).sum(axis=0) for arrays in zip(*counted, strict=True))

            def own(shard: int, some: Int64Array) -> Any:
                each = allowed_in if allowed_in.ndim == 1 else allowed_in[np.searchsorted(rows, some)]
                return batch.part(shard, some), (len(batch.shards), batch.n_allowed[some], k, sizes, each)

            answers = batch.ask(rows, _best_in_groups, n_ranked, n_probes, own=own)
            counts = answers[0][0].n_candidates  # the same from all shards
            answered = np.flatnonzero(counts != EXACT)
            best = [(SearchResult(*(array[answered] for array in one)), scores[answered]) for one, scores in answers]
            part = merged_best(best, places, k, n_ranked)
            _put(part._replace(n_candidates=counts[answered]), found, rows[answered])
        left = np.flatnonzero(found.n_candidates == EXACT)
        if len(left):
            _put(batch.exact(left, k), found, left)
        return found

    return search


def _key_lengths(batch: Batch, setting: SearchSetting, k: int) -> Int64Array:
    """Return the number of symbols per key with which each query meets enough, 0 for exact search: int64[nq]."""
    n, (nq, dim), n_bits = len(batch.shards), batch.Q.shape, setting.n_bits
    bits, counts = np.zeros(nq, np.int64), np.zeros((3, nq), np.int64)
    rows = np.flatnonzero(batch.n_allowed > LOOKUP_COST * setting.n_probes * setting.n_tables)
    wanted = np.zeros(nq, np.int64)
    while len(rows):
        counts[:, rows] = np.sum(batch.ask(rows, _counted, setting._replace(n_bits=n_bits)), axis=0)
        n_ids, n_met, count = counts
        if n_bits == setting.n_bits:
            wanted = np.minimum(np.maximum(n_met, k), batch.n_allowed)
        enough = count[rows] >= wanted[rows]
        bits[rows[enough]] = n_bits
        rows = rows[~enough]
        if n_bits == setting.n_bits:
            rare = [is_rare(count[q], n_met[q], batch.n_allowed[q], n) for q in rows.tolist()]
            rows = rows[~np.array(rare, np.bool_)]
        n_bits -= 1
        given = ((batch.n_allowed[q], wanted[q], 2 * n_ids[q]) for q in rows.tolist())
        slower = [not n_bits or exact_is_faster(*numbers, dim) for numbers in given]
        rows = rows[~np.array(slower, np.bool_)]
    return bits


def _put(part: SearchResult, whole: SearchResult, rows: Int64Array) -> None:
    whole.ids[rows], whole.distances[rows], whole.n_candidates[rows] = part


# Functions below run on the workers.


def _each(
    Q: Float32Array, parts: Part | list[Part], function: Callable[[Float32Array, Any, int], tuple[Any, ...]]
) -> tuple[Any, ...]:
    """Return the arrays of `function(queries, mask, first query)`, called once for all queries or for each alone."""
    if isinstance(parts, Part):
        return function(Q, parts.mask, 0)
    found = [function(Q[q : q + 1], part.mask, q) for q, part in enumerate(parts)]
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))


def _exact(one: Sized, Q: Float32Array, k: int, parts: Part | list[Part]) -> SearchResult:
    found: SearchResult = one.index.exact.search(Q, k, allowed=allowed_of(parts))
    return found


def _counted(one: Sized, Q: Float32Array, setting: SearchSetting, parts: Part | list[Part]) -> Int64Array:
    index = one.index
    given = index.exact, index.hasher, index.tables
    (counts,) = _each(Q, parts, lambda q, mask, _: (count_with(*given, q, setting, Filter(mask)).T,))
    return counts.T  # type: ignore[no-any-return]


def _all_met(one: Sized, Q: Float32Array, k: int, setting: dict[str, int], parts: Part | list[Part]) -> SearchResult:
    return SearchResult(
        *_each(Q, parts, lambda q, mask, _: tuple(one.index.search(q, k, **setting, allowed=Present(mask))))
    )


def _best_met(
    one: Sized, Q: Float32Array, n_best: int, setting: dict[str, int], parts: Part | list[Part]
) -> tuple[SearchResult, Float32Array]:
    def search(q: Float32Array, mask: Any, _: int) -> tuple[Any, ...]:
        found, estimates = one.index.candidates(q, n_best, **setting, only=Present(mask))
        return *found, estimates

    *found, estimates = _each(Q, parts, search)
    return SearchResult(*found), estimates


def _in_groups(one: Sized, Q: Float32Array, parts: Part | list[Part]) -> tuple[Int32Array, Int32Array]:
    """Return how many vectors are in each group of sketches, and how many allowed ones, perhaps of each query."""
    del Q
    buckets = one.index.buckets
    starts, m = buckets.bucket_starts, len(buckets.centroids)

    def allowed_in(part: Part) -> Int32Array:
        sums = np.concatenate([[0], np.cumsum(part.mask[buckets.order])])
        return np.concatenate([[0], np.diff(sums[starts])]).astype(np.int32)

    sizes = np.concatenate([[m], np.diff(starts)]).astype(np.int32)
    return sizes, allowed_in(parts) if isinstance(parts, Part) else np.array([allowed_in(part) for part in parts])


def _best_in_groups(
    one: Sized, Q: Float32Array, n_best: int, n_probes: int, own: tuple[Any, tuple[Any, ...]]
) -> tuple[SearchResult, Float32Array]:
    parts, (n, n_allowed, k, *counted) = own
    sizes, allowed_in = (np.array(array) for array in counted)  # what was sent may be read-only

    def search(q: Float32Array, mask: Any, first: int) -> tuple[Any, ...]:
        counts = Counts(n, int(n_allowed[first]), k, sizes, allowed_in if allowed_in.ndim == 1 else allowed_in[first])
        found, estimates = one.index.candidates(q, n_best, n_probes, only=OfPart(mask, counts))
        return *found, estimates

    *found, estimates = _each(Q, parts, search)
    return SearchResult(*found), estimates
