"""Search in hash tables: look up a query's buckets, list the distinct candidates, filter by sketch, rank exactly.

Candidates are marked in a bit array of one bit per vector: buckets of several tables overlap, and setting a bit twice
costs no more than testing it. Read back, the bits give each candidate once and in ascending order of id, so that
vectors are read in the order of memory.
"""

from typing import Any, NamedTuple

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array
from lsh.kernels.buckets import find_bucket_by_head, prefix_mask
from lsh.kernels.intrinsics import clear_lowest, lowest_bit
from lsh.kernels.jit import kernel
from lsh.kernels.probing import probe_keys
from lsh.kernels.ranking import EXACT, exact_is_faster, is_rare, list_all, nearest
from lsh.kernels.selection import keep_best, limit_for, select_above
from lsh.kernels.sketching import DIMENSIONS, PLANES, QUERY_PLANES, matvec, quantise, score

_BLOCK = 512  # sketches scored at a time, to stay in the first-level cache
_ZERO = np.float32(0)
_ONE = np.uint64(1)
_WORD_SHIFT = np.uint64(6)  # a word holds 2^6 marks
_BIT_MASK = np.uint64(63)


class QueryArrays(NamedTuple):
    """nq queries: vectors float32[nq, d], of length one under cosine; keys uint32[L, nq, W]; and their perturbations.

    symbols uint8[nq, L, K, m], costs float32[nq, L, K, m]: see `probe_keys`; K = 0 when n_probes is 1.
    """

    vectors: Float32Array
    keys: UInt32Array
    symbols: UInt8Array
    costs: Float32Array


class TableArrays(NamedTuple):
    """L sorted tables: keys uint32[L, n, W]; ids int32[L, n], in the same order; starts int32[L, 2^h + 1].

    starts: the positions at which the keys with each head of h bits begin (see `find_bucket_by_head`).
    """

    keys: UInt32Array
    ids: Int32Array
    starts: Int32Array


class SketchArrays(NamedTuple):
    """Sketches in order of id: centre float32[d], rotation float32[d, 128], planes uint64[n, 4], terms float32[n, 3].

    terms: the two factors of a sketch (see `encode`) and its penalty (see `lsh.sketches.sketch.penalties`).
    """

    centre: Float32Array
    rotation: Float32Array
    planes: UInt64Array
    terms: Float32Array


@kernel
def mark_candidates(
    keys: UInt32Array, ids: Int32Array, starts: Int32Array, probes: UInt32Array, mask: UInt32Array, marks: UInt64Array
) -> int:
    """Mark the ids in the probed buckets of one table; return how many there are.

    keys uint32[n, W], ids int32[n] and starts are one table of `TableArrays`; probes: uint32[T, W]; marks:
    uint64[n / 64, rounded up], id i being bit i % 64 of word i // 64.
    """
    count = 0
    for t in range(probes.shape[0]):
        start, stop = find_bucket_by_head(keys, starts, probes[t], mask)
        count += stop - start
        for i in ids[start:stop]:
            bit = np.uint64(i)
            marks[bit >> _WORD_SHIFT] |= _ONE << (bit & _BIT_MASK)
    return count


@kernel
def mark_found(
    keys: UInt32Array,
    ids: Int32Array,
    starts: Int32Array,
    query_keys: UInt32Array,
    symbols: UInt8Array,
    costs: Float32Array,
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    marks: UInt64Array,
) -> None:
    """Mark the ids that each query finds in one table, as a search does.

    keys, ids, starts: one table of `TableArrays`; query_keys uint32[nq, W], symbols uint8[nq, K, m] and costs: the
    queries in it, of `QueryArrays`; marks: uint64[nq, n / 64, rounded up].
    """
    mask = np.empty(keys.shape[1], np.uint32)
    prefix_mask(n_bits, symbol_bits, mask)
    probes = np.empty((n_probes, keys.shape[1]), np.uint32)
    for q in range(query_keys.shape[0]):
        n_keys = probe_keys(query_keys[q], symbols[q], costs[q], n_bits, symbol_bits, n_probes, probes)
        mark_candidates(keys, ids, starts, probes[:n_keys], mask, marks[q])


@kernel
def collect_marked(marks: UInt64Array, candidates: Int64Array) -> int:
    """Write the marked ids to `candidates`, ascending, and clear the marks; return how many there were."""
    count = 0
    for w in range(marks.shape[0]):
        word = marks[w]
        while word:
            candidates[count] = 64 * w + lowest_bit(word)
            count += 1
            word = clear_lowest(word)
        marks[w] = 0
    return count


@kernel
def collect_allowed(marks: UInt64Array, allowed: BoolArray, candidates: Int64Array) -> tuple[int, int]:
    """Write the marked ids that are allowed to `candidates`, ascending; return (number of marks, number of these)."""
    n_marked, count = 0, 0
    for w in range(marks.shape[0]):
        word = marks[w]
        while word:
            i = 64 * w + lowest_bit(word)
            candidates[count] = i
            n_marked += 1
            count += int(allowed[i])
            word = clear_lowest(word)
    return n_marked, count


@kernel
def score_rows(
    planes: UInt64Array,
    terms: Float32Array,
    rows: Int64Array,
    query: UInt64Array,
    step: np.float32,
    total: np.float32,
    out: Float32Array,
) -> None:
    """Estimate <q, y> - penalty for some of the sketches: planes uint64[n, 4], terms float32[n, 3], as `SketchArrays`.

    They are first copied into adjacent memory, so that `score` can count eight at once: half the time of scoring each
    alone.
    """
    dense_planes, dense_terms = np.empty((PLANES, _BLOCK), np.uint64), np.empty((3, _BLOCK), np.float32)
    factors, penalties = dense_terms[:2], dense_terms[2]
    for start in range(0, rows.shape[0], _BLOCK):
        block = rows[start : start + _BLOCK]
        _gather(planes, terms, block, dense_planes, dense_terms)
        score(dense_planes, factors, penalties, 0, query, step, total, _ZERO, out[start : start + block.shape[0]])


@kernel
def _gather(
    planes: UInt64Array, terms: Float32Array, rows: Int64Array, dense_planes: UInt64Array, dense_terms: Float32Array
) -> None:
    a, b, c, d = dense_planes[0], dense_planes[1], dense_planes[2], dense_planes[3]
    e, f, g = dense_terms[0], dense_terms[1], dense_terms[2]
    for r in range(rows.shape[0]):
        i = np.uint64(rows[r])  # an unsigned index needs no check for wrapping around
        a[r], b[r], c[r], d[r] = planes[i, 0], planes[i, 1], planes[i, 2], planes[i, 3]
        e[r], f[r], g[r] = terms[i, 0], terms[i, 1], terms[i, 2]


@kernel
def best_candidates(scores: Float32Array, n_kept: int, candidates: Int64Array) -> int:
    """Move the `n_kept` candidates with the best scores, and these scores, to the front; return how many there are."""
    limit = limit_for(scores, n_kept, n_kept // 8 + 2)
    places = np.empty(scores.shape[0], np.uint32)
    count = select_above(scores, limit, 0, places, 0)
    for r in range(count):
        scores[r], candidates[r] = scores[places[r]], candidates[places[r]]
    return keep_best(scores[:count], limit, n_kept, candidates[:count])


@kernel
def mark_probed(
    tables: tuple[Any, ...],
    query_keys: UInt32Array,
    symbols: UInt8Array,
    costs: Float32Array,
    q: int,
    n_bits: int,
    symbol_bits: int,
    probes: UInt32Array,
    mask: UInt32Array,
    marks: UInt64Array,
) -> int:
    """Mark the candidates of a query in all tables; return the number of ids in its buckets.

    query_keys: uint32[L, nq, W]; symbols and costs: of query q alone; probes: memory for the keys, uint32[T, W].
    """
    keys, ids, starts = tables
    n_ids = 0
    for t in range(keys.shape[0]):
        n_keys = probe_keys(query_keys[t, q], symbols[t], costs[t], n_bits, symbol_bits, probes.shape[0], probes)
        n_ids += mark_candidates(keys[t], ids[t], starts[t], probes[:n_keys], mask, marks)
    return n_ids


@kernel
def search_tables(
    queries: tuple[Any, ...],
    tables: tuple[Any, ...],
    vectors: tuple[Any, ...],
    sketches: tuple[Any, ...],
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    n_reranked: int,
    found_ids: Int64Array,
    found_distances: Float32Array,
    n_candidates: Int64Array,
    estimates: Float32Array,
    allowed: BoolArray | None = None,
    n_allowed: int = 0,
) -> None:
    """Search every query: look up its buckets, list distinct candidates, rank the best `n_reranked` of them exactly.

    queries, tables, vectors, sketches: the fields of `QueryArrays`, `TableArrays`, `ranking.Vectors` and
    `SketchArrays`; sketches are read only where there are more candidates than are ranked.
    -> found_ids int64[nq, k], found_distances float32[nq, k], n_candidates int64[nq]; where estimates, float32[nq, k],
    has columns, the k = n_reranked best candidates are not sorted, and come with what their sketches estimate.

    allowed: bool[n], True for the n_allowed vectors that may be found, or None for all. Keys are shortened by one
    symbol after another until as many allowed vectors are candidates as all together with keys of n_bits, and at least
    k. Where ranking all allowed ones is faster, or they are less than half as frequent among those candidates as
    elsewhere, so that near vectors tell nothing of them, n_candidates is EXACT and there is no answer.
    """
    Q, query_keys, symbols, costs = queries
    centre, rotation, planes, terms = sketches
    _, n, n_words = tables[0].shape
    mask = np.empty(n_words, np.uint32)
    prefix_mask(n_bits, symbol_bits, mask)
    probes = np.empty((n_probes, n_words), np.uint32)
    marks, candidates = np.zeros((n + 63) // 64, np.uint64), np.empty(n, np.int64)
    scores = np.empty(n, np.float32)
    rotated, rounded = np.empty(DIMENSIONS, np.float32), np.empty(QUERY_PLANES, np.uint64)
    for q in range(Q.shape[0]):
        n_ids = mark_probed(tables, query_keys, symbols[q], costs[q], q, n_bits, symbol_bits, probes, mask, marks)
        if allowed is None:
            count = collect_marked(marks, candidates)
        else:
            n_marked, count = collect_allowed(marks, allowed, candidates)
            wanted = min(max(n_marked, found_ids.shape[1]), n_allowed)
            left, bits = is_rare(count, n_marked, n_allowed, n), n_bits
            while count < wanted and not left:
                bits -= 1
                left = bits == 0 or exact_is_faster(n_allowed, wanted, 2 * n_ids, Q.shape[1])
                if not left:
                    prefix_mask(bits, symbol_bits, mask)
                    n_ids = mark_probed(
                        tables, query_keys, symbols[q], costs[q], q, bits, symbol_bits, probes, mask, marks
                    )
                    _, count = collect_allowed(marks, allowed, candidates)
            prefix_mask(n_bits, symbol_bits, mask)
            marks[:] = 0
            if count < wanted:
                n_candidates[q] = EXACT
                continue
        n_candidates[q] = count
        if count > n_reranked or estimates.shape[1] > 0:
            matvec(Q[q] - centre, rotation, rotated)
            step, total = quantise(rotated, rounded)
            score_rows(planes, terms, candidates[:count], rounded, step, total, scores[:count])
            count = best_candidates(scores[:count], n_reranked, candidates)
        if estimates.shape[1] > 0:
            list_all(Q[q], vectors, candidates[:count], scores, found_ids[q], found_distances[q], estimates[q])
        else:
            nearest(Q[q], vectors, candidates[:count], found_ids[q], found_distances[q])
