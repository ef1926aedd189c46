"""Recall grid: candidates and hits for every number of tables L and of symbols K, in one pass over the tables."""

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int32Array, Int64Array, UInt8Array, UInt32Array
from lsh.kernels.buckets import find_bucket, prefix_mask
from lsh.kernels.jit import kernel
from lsh.kernels.probing import probe_keys


@kernel
def _suffix_sums(histogram: Int64Array, out: Int32Array) -> None:
    """Fill out[K - 1] with the number of points whose longest common prefix has at least K symbols."""
    total = 0
    for length in range(histogram.shape[0] - 1, 0, -1):
        total += histogram[length]
        out[length - 1] = total


@kernel
def _extend(
    ids: Int32Array, length: int, longest: UInt8Array, is_true: BoolArray, counts: Int64Array, true_counts: Int64Array
) -> None:
    """Raise the longest shared prefix of `ids` to at least `length`, and update the counts at each length."""
    for i in ids:
        before = longest[i]
        if before < length:
            longest[i] = length
            counts[before] -= 1
            counts[length] += 1
            if is_true[i]:
                true_counts[before] -= 1
                true_counts[length] += 1


@kernel
def count_grid(
    keys: UInt32Array,
    ids: Int32Array,
    query_keys: UInt32Array,
    n_bits: int,
    symbol_bits: int,
    truth_offsets: Int64Array,
    truth_ids: Int64Array,
    hits: Int32Array,
    candidates: Int32Array,
) -> None:
    """Count candidates, and true neighbours among them (hits), for every number of tables and of bits at once.

    A point is a candidate at (L, K) if and only if the longest prefix that its key shares with the query's, over the
    first L tables, has at least K symbols. So one running maximum per point, and after each table the number of points
    at each length, give a whole row of the grid. Buckets are nested: the points are visited from the longest prefix
    outwards, and those that share no symbol are never read.
    hits, candidates: int32[nq, L, K]; query q has the true neighbours truth_ids[truth_offsets[q]:truth_offsets[q + 1]].
    """
    n_tables, n, n_words = keys.shape
    masks = np.empty((n_bits, n_words), np.uint32)
    for length in range(1, n_bits + 1):
        prefix_mask(length, symbol_bits, masks[length - 1])
    longest = np.empty(n, np.uint8)
    is_true = np.zeros(n, np.bool_)
    starts = np.empty(n_bits + 2, np.int64)
    stops = np.empty(n_bits + 2, np.int64)
    counts = np.empty(n_bits + 1, np.int64)  # counts[k]: points whose longest shared prefix is k symbols
    true_counts = np.empty(n_bits + 1, np.int64)
    for q in range(query_keys.shape[1]):
        truth = truth_ids[truth_offsets[q] : truth_offsets[q + 1]]
        is_true[truth] = True
        longest[:], counts[:], true_counts[:] = 0, 0, 0
        for table in range(n_tables):
            low, high = 0, n
            for length in range(1, n_bits + 1):
                low, high = find_bucket(keys[table], query_keys[table, q], masks[length - 1], low, high)
                starts[length], stops[length] = low, high
            starts[n_bits + 1], stops[n_bits + 1] = high, high
            for length in range(n_bits, 0, -1):
                inner_start, inner_stop = starts[length + 1], stops[length + 1]
                _extend(ids[table, starts[length] : inner_start], length, longest, is_true, counts, true_counts)
                _extend(ids[table, inner_stop : stops[length]], length, longest, is_true, counts, true_counts)
            _suffix_sums(counts, candidates[q, table])
            _suffix_sums(true_counts, hits[q, table])
        is_true[truth] = False


@kernel
def count_grid_probed(
    keys: UInt32Array,
    ids: Int32Array,
    query_keys: UInt32Array,
    symbols: UInt8Array,
    costs: Float32Array,
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    truth_offsets: Int64Array,
    truth_ids: Int64Array,
    hits: Int32Array,
    candidates: Int32Array,
) -> None:
    """Count as `count_grid` does, with several probes per table.

    The order of probes depends on K, so there is one pass for each K, which still serves every number of tables.
    """
    n_tables, n, n_words = keys.shape
    mask = np.empty(n_words, np.uint32)
    probes = np.empty((n_probes, n_words), np.uint32)
    seen = np.zeros(n, np.uint32)
    is_true = np.zeros(n, np.bool_)
    visit = np.uint32(0)
    for q in range(query_keys.shape[1]):
        truth = truth_ids[truth_offsets[q] : truth_offsets[q + 1]]
        is_true[truth] = True
        for length in range(1, n_bits + 1):
            prefix_mask(length, symbol_bits, mask)
            visit += np.uint32(1)
            count, true_count = 0, 0
            for table in range(n_tables):
                n_keys = probe_keys(
                    query_keys[table, q], symbols[q, table], costs[q, table], length, symbol_bits, n_probes, probes
                )
                for t in range(n_keys):
                    start, stop = find_bucket(keys[table], probes[t], mask, 0, n)
                    for position in range(start, stop):
                        i = ids[table, position]
                        if seen[i] != visit:
                            seen[i] = visit
                            count += 1
                            true_count += is_true[i]
                candidates[q, table, length - 1] = count
                hits[q, table, length - 1] = true_count
        is_true[truth] = False
