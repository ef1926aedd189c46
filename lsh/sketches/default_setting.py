"""Default setting of sketches: the cheapest search with a recall of 0.93 on a sample of the data's own rows.

As for hash tables (see `lsh.default_setting`), rows are the queries, each left out of its own answer, and a setting's
cost is counted and not timed. A vector as near as the 10th neighbour is as good as that: which of equal vectors have
the best sketches says nothing.
"""

from typing import Any, NamedTuple

import numpy as np

from earshot_common.stages import stage
from lsh.arrays import Collection, Float32Array, Int64Array
from lsh.default_setting import RECALL, K, own_queries
from lsh.exact import ExactSearch
from lsh.params import UNMEASURED, MeasuredSketchSetting, ranked
from lsh.result import SearchResult

# Costs in sketches: what is added for a bucket, and for a vector that is ranked, which lies somewhere in memory.
BUCKET_COST, RANKED_COST = 32, 12
_QUERIES = 128  # fewer than of hash tables, whose build takes longer: exact search takes most of the time
FEWEST_RANKED = 32
_FIRST_STEPS, _STEPS = 3, 2  # numbers of ranked vectors that one search measures: 32, 64 and 128; 256 and 512; ...
_BLOCK_VALUES = 1 << 20  # candidates listed at a time


@stage("lsh", "measuring the default setting")
def measure_sketches(exact: Collection, indexes: Any, n_buckets: int) -> MeasuredSketchSetting:
    """Return the cheapest setting whose recall@10 is at least 0.93, of powers of two of both its numbers.

    indexes: the `SketchIndex` of each part of the collection (see `Collection.map`), with `n_buckets` in common.

    Probes go up to all buckets, and ranked vectors from 32 to all, which find all. The cost of a setting is its mean
    number of sketches, plus 32 for each probe and 12 for each vector ranked. Where there is nothing to measure (see
    `lsh.default_setting`), 8 buckets are searched and 40 vectors ranked.
    """
    rows, nearest = own_queries(exact, _QUERIES)
    if not nearest.ids.size:
        return MeasuredSketchSetting.of(UNMEASURED, None)
    sample, wanted = _Sample(exact, indexes, rows, nearest), int(np.ceil(round(RECALL * nearest.ids.size, 6)))
    best, lowest = MeasuredSketchSetting(*UNMEASURED), np.inf
    left = [*(2**i for i in range((n_buckets - 1).bit_length())), n_buckets]
    tried, n_steps = [FEWEST_RANKED << i for i in range(_FIRST_STEPS)], _STEPS
    n_sketches = dict.fromkeys(left, 0.0)  # not known before the first search
    while left:
        n_ranked, scored = sample.n_ranked(tried), 0.0
        for n_probes in tuple(left):
            scored = max(scored, n_sketches[n_probes])  # at least
            if scored + BUCKET_COST * n_probes + RANKED_COST * n_ranked[0] >= lowest:  # and more so with more probes
                left = [fewer for fewer in left if fewer < n_probes]
                break
            hits, scored, most = sample.search(n_probes, tried)
            n_sketches[n_probes], costs = scored, scored + BUCKET_COST * n_probes + RANKED_COST * n_ranked
            enough = np.flatnonzero(hits >= wanted)
            if len(enough) and costs[enough[0]] < lowest:
                lowest, recall = costs[enough[0]], int(hits[enough[0]]) / nearest.ids.size
                best = MeasuredSketchSetting.of((n_probes, tried[enough[0]]), recall)
            if len(enough) or most <= n_ranked[-1]:  # all in these buckets are ranked
                left.remove(n_probes)
        tried = [tried[-1] << i for i in range(1, n_steps + 1)]
    return best


class _Candidates(NamedTuple):
    """Candidates with the best estimates, best first: ids int64[nq, b], distances and estimates float32[nq, b].

    n_sketches: int64[nq], of all that were scored; n: vectors of the parts that were searched.
    """

    ids: Int64Array
    distances: Float32Array
    estimates: Float32Array
    n_sketches: Int64Array
    n: int


class _Sample:
    """Queries, which are rows of a collection, and how far their neighbours are."""

    def __init__(self, exact: Collection, indexes: Any, rows: Int64Array, nearest: SearchResult) -> None:
        self._exact, self._indexes, self._rows, self._Q = exact, indexes, rows, exact.X[rows]
        self._k, self._farthest = nearest.ids.shape[1], nearest.distances[:, -1:]

    def n_ranked(self, tried: list[int]) -> Int64Array:
        """Return how many vectors a search for 10 neighbours ranks with each n_reranked: int64[s]."""
        return np.array([ranked(n_reranked, K) for n_reranked in tried])

    def search(self, n_probes: int, tried: list[int]) -> tuple[Int64Array, float, int]:
        """Return (neighbours found with each n_reranked, int64[s]; mean number of sketches; the largest number)."""
        n_ranked, counts = self.n_ranked(tried), list[Int64Array]()
        hits, step = np.zeros(len(tried), np.int64), max(1, _BLOCK_VALUES // int(n_ranked[-1]))
        for first in range(0, len(self._rows), step):
            block = slice(first, first + step)
            Q, none = self._Q[block], np.empty((len(self._Q[block]), 0), np.float32)
            empty = _Candidates(none.astype(np.int64), none, none, np.zeros(len(Q), np.int64), 0)
            found: _Candidates = self._exact.fold(
                _add_candidates, empty, self._indexes, Q, int(n_ranked[-1]) + 1, n_probes
            )
            own = found.ids == self._rows[block, None]
            near = ((found.distances <= self._farthest[block]) & ~own).cumsum(axis=1)
            before = own.cumsum(axis=1)  # the query itself takes no place
            for s, n in enumerate(np.minimum(n_ranked, near.shape[1])):
                last = np.minimum(n - 1 + before[:, n - 1], near.shape[1] - 1)
                hits[s] += np.minimum(near[np.arange(len(Q)), last], self._k).sum()
            counts.append(found.n_sketches)
        n_sketches = np.concatenate(counts)
        return hits, float(n_sketches.mean()), int(n_sketches.max())


def _add_candidates(
    found: _Candidates, exact: ExactSearch, index: Any, Q: Float32Array, n_best: int, n_probes: int
) -> _Candidates:
    """Return the `n_best` candidates of several parts and one more, of equal estimates those with the lower ids."""
    own, estimates = index.candidates(Q, n_best, n_probes)
    ids = np.concatenate([found.ids, np.where(own.ids < 0, -1, own.ids + found.n)], axis=1)
    distances = np.concatenate([found.distances, own.distances], axis=1)
    estimates = np.concatenate([found.estimates, estimates], axis=1)
    order = np.lexsort((ids, -estimates), axis=1)[:, :n_best]
    rows = np.arange(len(Q))[:, None]
    chosen = ids[rows, order], distances[rows, order], estimates[rows, order]
    return _Candidates(*chosen, found.n_sketches + own.n_candidates, found.n + len(exact.X))
