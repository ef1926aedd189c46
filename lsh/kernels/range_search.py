"""Range search in hash tables: the distinct candidates of each query within a radius; and counts of candidates."""

from typing import Any

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int64Array
from lsh.kernels.buckets import prefix_mask
from lsh.kernels.jit import kernel
from lsh.kernels.ranking import distances_to
from lsh.kernels.table_search import collect_allowed, collect_marked, mark_probed


@kernel
def list_within(
    q: Float32Array,
    vectors: tuple[Any, ...],
    candidates: Int64Array,
    radius: np.float32,
    ids: Int64Array,
    distances: Float32Array,
) -> int:
    """List the candidates at a distance of at most `radius`, in their order, and their distances; return how many.

    vectors: the fields of `Vectors`; ids, distances: room for as many as there are candidates.
    """
    distances_to(q, vectors, candidates, distances)
    count = 0
    for c in range(candidates.shape[0]):
        if distances[c] <= radius:
            ids[count], distances[count] = candidates[c], distances[c]
            count += 1
    return count


@kernel
def range_tables(
    queries: tuple[Any, ...],
    tables: tuple[Any, ...],
    vectors: tuple[Any, ...],
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    radius: np.float32,
    first: int,
    counts: Int64Array,
    ids: Int64Array,
    distances: Float32Array,
) -> int:
    """List the candidates within a radius of the queries from `first`; return the first query without an answer.

    queries, tables, vectors: as for `search_tables`, whose candidates these are. ids int64[m], distances float32[m]: of
    one query after another, each in rising order of id; counts int64[nq]: how many. The search ends where there is not
    room for all n vectors, so m must be n at least.
    """
    Q, query_keys, symbols, costs = queries
    _, n, n_words = tables[0].shape
    mask = np.empty(n_words, np.uint32)
    prefix_mask(n_bits, symbol_bits, mask)
    probes = np.empty((n_probes, n_words), np.uint32)
    marks, candidates = np.zeros((n + 63) // 64, np.uint64), np.empty(n, np.int64)
    end = 0
    for q in range(first, Q.shape[0]):
        if ids.shape[0] - end < n:
            return q
        mark_probed(tables, query_keys, symbols[q], costs[q], q, n_bits, symbol_bits, probes, mask, marks)
        met = candidates[: collect_marked(marks, candidates)]
        room = slice(end, end + met.shape[0])
        counts[q] = list_within(Q[q], vectors, met, radius, ids[room], distances[room])
        end += counts[q]
    return len(Q)


@kernel
def count_met(
    queries: tuple[Any, ...],
    tables: tuple[Any, ...],
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    allowed: BoolArray,
    counts: Int64Array,
) -> None:
    """Count what each query meets in its buckets: ids, distinct vectors, and the allowed ones among them: int64[3, nq].

    queries, tables: as for `search_tables`, whose candidates these are; allowed: bool[n].
    """
    _, query_keys, symbols, costs = queries
    _, n, n_words = tables[0].shape
    mask = np.empty(n_words, np.uint32)
    prefix_mask(n_bits, symbol_bits, mask)
    probes = np.empty((n_probes, n_words), np.uint32)
    marks, met = np.zeros((n + 63) // 64, np.uint64), np.empty(n, np.int64)
    for q in range(counts.shape[1]):
        counts[0, q] = mark_probed(
            tables, query_keys, symbols[q], costs[q], q, n_bits, symbol_bits, probes, mask, marks
        )
        counts[1, q], counts[2, q] = collect_allowed(marks, allowed, met)
        marks[:] = 0
