"""Query-directed multi-probe: the keys of the likeliest buckets beside the query's own (Lv et al. 2007)."""

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array, UInt8Array, UInt32Array, UInt64Array
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.intrinsics import clear_lowest, highest_bit, lowest_bit
from lsh.kernels.jit import kernel

_ONE = np.uint64(1)


@kernel
def probe_keys(
    key: UInt32Array,
    symbols: UInt8Array,
    costs: Float32Array,
    n_symbols: int,
    bits: int,
    n_probes: int,
    out: UInt32Array,
) -> int:
    """Write the keys of the `n_probes` likeliest buckets to out (uint32[T, W]), the query's own first; return how many.

    A perturbation (j, m) replaces symbol j by its neighbour symbols[j, m], at costs[j, m]. A probe is a set of
    perturbations of different symbols, and its cost is the sum of theirs; probes come in ascending order of cost. Sets
    are generated from a heap by two operations that reach each set exactly once: shift (replace the costliest member
    by the next costlier perturbation) and expand (add the next costlier one).

    Q. Lv, W. Josephson, Z. Wang, M. Charikar, K. Li, "Multi-probe LSH: efficient indexing for high-dimensional
    similarity search", VLDB 2007, section 4.4.
    """
    _copy(key, out[0])
    if n_probes == 1:
        return 1
    per_symbol = costs.shape[1]
    n_perturbations = n_symbols * per_symbol
    order, cost_of = np.empty(n_perturbations, np.int64), np.empty(n_perturbations, np.float64)
    _sort(costs, n_symbols, order, cost_of)
    found = 1
    heap_cost = np.empty(n_probes + 2, np.float64)  # each set that is written to `out` adds at most one net
    heap_set = np.empty(heap_cost.shape[0], np.uint64)  # bit i: the i-th cheapest perturbation is in the set
    heap_cost[0] = cost_of[0]
    heap_set[0] = 1
    size = 1
    while found < n_probes and size > 0:
        cost, chosen = heap_cost[0], heap_set[0]
        size = _pop(heap_cost, heap_set, size)
        if not np.isfinite(cost):
            break
        last = highest_bit(chosen)
        valid = _apply(key, symbols, order, chosen, per_symbol, bits, out[found])
        if last + 1 < n_perturbations:
            top, following = _ONE << np.uint64(last), _ONE << np.uint64(last + 1)
            next_cost = cost_of[last + 1]
            size = _push(heap_cost, heap_set, size, cost - cost_of[last] + next_cost, (chosen ^ top) | following)
            if valid:  # two perturbations of one symbol conflict in every larger set too
                size = _push(heap_cost, heap_set, size, cost + next_cost, chosen | following)
        found += valid
    return found


@kernel
def _sort(costs: Float32Array, n_symbols: int, order: Int64Array, cost_of: Float64Array) -> None:
    """Fill `order` with the perturbations, by cost and then number, and `cost_of` with their costs (insertion sort)."""
    per_symbol = costs.shape[1]
    for i in range(n_symbols * per_symbol):
        cost = np.float64(costs[i // per_symbol, i % per_symbol])
        place = i
        while place > 0 and cost_of[place - 1] > cost:
            order[place], cost_of[place] = order[place - 1], cost_of[place - 1]
            place -= 1
        order[place], cost_of[place] = i, cost


@kernel
def _apply(
    key: UInt32Array,
    symbols: UInt8Array,
    order: Int64Array,
    chosen: np.uint64,
    per_symbol: int,
    bits: int,
    out: UInt32Array,
) -> bool:
    """Write `key` with the chosen perturbations to `out`; return False when two of them are of the same symbol."""
    per_word = WORD_BITS // bits
    touched = np.uint64(0)
    _copy(key, out)
    while chosen:
        i = order[lowest_bit(chosen)]
        chosen = clear_lowest(chosen)
        j, m = i // per_symbol, i % per_symbol
        flag = _ONE << np.uint64(j)
        if touched & flag:
            return False
        touched |= flag
        shift = np.uint32(WORD_BITS - bits * (j % per_word + 1))
        field = np.uint32((1 << bits) - 1) << shift
        out[j // per_word] = (out[j // per_word] & ~field) | (np.uint32(symbols[j, m]) << shift)
    return True


@kernel
def _copy(key: UInt32Array, out: UInt32Array) -> None:
    """Copy a key in a loop: the error of `out[:] = key` for different shapes takes numba 2 s to compile."""
    for word in range(key.shape[0]):
        out[word] = key[word]


@kernel
def _push(cost: Float64Array, chosen: UInt64Array, size: int, new_cost: float, new_set: np.uint64) -> int:
    """Add to a binary heap ordered by (cost, set)."""
    i = size
    while i > 0:
        parent = (i - 1) // 2
        if cost[parent] < new_cost or (cost[parent] == new_cost and chosen[parent] <= new_set):
            break
        cost[i], chosen[i] = cost[parent], chosen[parent]
        i = parent
    cost[i], chosen[i] = new_cost, new_set
    return size + 1


@kernel
def _pop(cost: Float64Array, chosen: UInt64Array, size: int) -> int:
    """Remove the root of the heap."""
    size -= 1
    moved_cost, moved_set = cost[size], chosen[size]
    i = 0
    while 2 * i + 1 < size:
        child = 2 * i + 1
        right = child + 1
        if right < size and (
            cost[right] < cost[child] or (cost[right] == cost[child] and chosen[right] < chosen[child])
        ):
            child = right
        if moved_cost < cost[child] or (moved_cost == cost[child] and moved_set <= chosen[child]):
            break
        cost[i], chosen[i] = cost[child], chosen[child]
        i = child
    cost[i], chosen[i] = moved_cost, moved_set
    return size
