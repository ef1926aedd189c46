"""Default setting of an index: the cheapest search with a recall of 0.93 on a sample of the data's own rows.

Rows, evenly spaced, are the queries, each left out of its own answer: it is neither among its neighbours nor among its
candidates. A setting's cost is counted and not timed, so that the same data give the same setting.
"""

import numpy as np

from earshot_common.stages import stage
from lsh.arrays import Collection, Int64Array
from lsh.exact import ExactSearch
from lsh.hasher import Hasher
from lsh.kernels.table_search import mark_found
from lsh.params import MeasuredSetting, SearchSetting
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows
from lsh.tables import build_tables

PROBES = (1, 2, 4, 8)  # per table
QUERIES = 256
OTHER_ROWS = 512  # rows that stand for all of those that are no neighbour of a query
K = 10
RECALL = 0.93  # on the sample, whose cheapest setting is better there than elsewhere: other queries find 0.9
LOOKUP_COST = 20  # candidates: hashing and one bucket take as long as some 20 distances in 128 dimensions
_WORD = 64  # marks


@stage("lsh", "measuring the default setting")
def measure_default(exact: Collection, hasher: Hasher) -> MeasuredSetting:
    """Return the cheapest setting whose recall@10 is at least 0.93, of every L and K, and of 1, 2, 4 and 8 probes.

    The cost of a setting is its mean number of candidates, plus 20 for each bucket looked up. Settings of equal cost
    are taken with fewer bits, then fewer probes. Where none reaches the recall, the highest recall is asked for. Where
    there is nothing to measure, because the collection has no second vector, or under cosine none with a direction, all
    tables with one bit and the most probes are taken.

    With longer keys, a search of as many tables and probes finds a part of what it finds with shorter ones. So for each
    number of probes the fewest tables that reach the recall are sought with one bit, then with two, and so on: they
    never become fewer, and the last bits are those for which there are not enough tables, or too many look-ups.
    """
    rows, nearest = own_queries(exact, QUERIES)
    neighbours = nearest.ids
    best = MeasuredSetting(hasher.n_tables, 1, PROBES[-1])
    if not neighbours.size:
        return best
    sample = _Sample(exact, hasher, rows, neighbours)
    wanted = int(np.ceil(round(RECALL * neighbours.size, 6)))
    wanted = min(wanted, sample.fewest_tables(SearchSetting(1, 1, PROBES[-1]), wanted, np.inf)[1])
    lowest, fewest = np.inf, dict.fromkeys(PROBES, 1)
    for n_bits in range(1, hasher.n_bits + 1):
        for n_probes in tuple(fewest):
            setting = SearchSetting(fewest[n_probes], n_bits, n_probes)
            n_tables, hits, cost = sample.fewest_tables(setting, wanted, lowest)
            fewest[n_probes] = n_tables if hits >= wanted else n_tables + 1
            if hits >= wanted and cost < lowest:
                found = SearchSetting(n_tables, n_bits, n_probes)
                best, lowest = MeasuredSetting.of(found, hits / neighbours.size), cost
            if fewest[n_probes] > hasher.n_tables or LOOKUP_COST * fewest[n_probes] * n_probes >= lowest:
                del fewest[n_probes]
    return best


class _Sample:
    """Queries, their neighbours, and the tables of these and of other rows."""

    def __init__(self, exact: Collection, hasher: Hasher, rows: Int64Array, neighbours: Int64Array) -> None:
        n, k = len(exact.X), neighbours.shape[1]
        kept = np.unique(np.concatenate([rows, neighbours.ravel(), evenly_spaced_rows(n, OTHER_ROWS)]))
        sample = ExactSearch(exact.X[kept], exact.metric)
        self._tables, self._symbol_bits = (
            build_tables(hasher.keys(sample.X, hasher.n_tables)),
            hasher.family.symbol_bits,
        )
        queries = sample.prepare_queries(sample.X[np.searchsorted(kept, rows)])
        self._queries = hasher.query(queries, hasher.n_tables, PROBES[-1])
        self._marks = np.zeros((len(rows), -(-len(kept) // _WORD)), np.uint64)
        places = np.searchsorted(kept, neighbours)
        self._words, self._bits = places // _WORD, (places % _WORD).astype(np.uint64)
        self._scale = (n - 1 - k) / max(len(kept) - 1 - k, 1)

    def fewest_tables(self, least: SearchSetting, wanted: int, limit: float) -> tuple[int, int, float]:
        """Return (tables, neighbours found, cost) of the fewest tables, not below `least`, that find `wanted`.

        Where these cost `limit` or more: of the fewest tables that do; where all tables find too little: of all.
        """
        (keys, ids, starts), (_, query_keys, symbols, costs) = self._tables, self._queries
        setting, hits, cost = (least.n_bits, self._symbol_bits, least.n_probes), 0, 0.0
        self._marks[:] = 0
        for t in range(len(keys)):
            queries = query_keys[t], symbols[:, t], costs[:, t]
            mark_found(keys[t], ids[t], starts[t], *queries, *setting, self._marks)
            if t + 1 >= least.n_tables:
                hits, candidates = self._counted()
                cost = candidates + LOOKUP_COST * (t + 1) * least.n_probes
                if hits >= wanted or cost >= limit:
                    break
        return t + 1, hits, cost

    def _counted(self) -> tuple[int, float]:
        """Return the neighbours found, of all queries, and the mean number of candidates.

        Candidates that are no neighbours are estimated from the rows of the sample: all of a small collection.
        """
        n_queries = len(self._marks)
        found = np.take_along_axis(self._marks, self._words, axis=1) >> self._bits & np.uint64(1)
        hits, marked = int(found.sum()), int(np.bitwise_count(self._marks).sum(dtype=np.int64))
        return hits, (hits + (marked - n_queries - hits) * self._scale) / n_queries  # a query finds itself


def own_queries(exact: Collection, max_rows: int) -> tuple[Int64Array, SearchResult]:
    """Return evenly spaced rows, int64[m], and the k nearest other rows of each; under cosine no zeros."""
    zeros = np.empty(0, np.int64)
    if exact.metric == "cosine":
        zeros, _ = exact.fold(_append_zeros, (zeros, 0))
    directed = evenly_spaced_rows(len(exact.X) - len(zeros), max_rows)  # counted without the rows of zeros
    rows = directed + np.searchsorted(zeros - np.arange(len(zeros)), directed, side="right")
    found: SearchResult = exact.search(exact.X[rows], K + 1).without(rows)
    return rows, found


def _append_zeros(found: tuple[Int64Array, int], exact: ExactSearch) -> tuple[Int64Array, int]:
    """Return (rows of zeros, number of rows) with those of one more part."""
    zeros, first = found
    return np.concatenate([zeros, first + np.flatnonzero(exact.inverse_norms == 0)]), first + len(exact.X)
