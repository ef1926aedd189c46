"""Which further buckets to look into: query-directed multi-probe (Lv et al. 2007)."""

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array, UInt8Array, UInt32Array, UInt64Array
from lsh.kernels.bits import highest, lowest, without_lowest
from lsh.kernels.hashing import WORD_BITS
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

    A move (j, m) replaces symbol j by its neighbour symbols[j, m], at costs[j, m]. A probe is a set of moves with at
    most one a symbol, and its cost is the sum of theirs; probes come in order of cost, cheapest first. Sets are grown
    from a heap by two steps that reach each set exactly once: shift (the dearest move becomes the next dearer) and
    expand (the next dearer is added). Q. Lv, W. Josephson, Z. Wang, M. Charikar, K. Li, "Multi-probe LSH: efficient
    indexing for high-dimensional similarity search", VLDB 2007, section 4.4.
    """
    _copy(key, out[0])
    if n_probes == 1:
        return 1
    moves = costs.shape[1]
    n_moves = n_symbols * moves
    order, cost_of = np.empty(n_moves, np.int64), np.empty(n_moves, np.float64)
    _sort(costs, n_symbols, order, cost_of)
    found = 1
    heap_cost = np.empty(n_probes + 2, np.float64)  # only a valid set adds to the heap, one net, and ends up in `out`
    heap_set = np.empty(heap_cost.shape[0], np.uint64)  # bit i: the i-th cheapest move is in the set
    heap_cost[0] = cost_of[0]
    heap_set[0] = 1
    size = 1
    while found < n_probes and size > 0:
        cost, chosen = heap_cost[0], heap_set[0]
        size = _pop(heap_cost, heap_set, size)
        if not np.isfinite(cost):
            break
        last = highest(chosen)
        valid = _apply(key, symbols, order, chosen, moves, bits, out[found])
        if last + 1 < n_moves:
            top, following = _ONE << np.uint64(last), _ONE << np.uint64(last + 1)
            dearer = cost_of[last + 1]
            size = _push(heap_cost, heap_set, size, cost - cost_of[last] + dearer, (chosen ^ top) | following)
            if valid:  # two moves of one symbol stay at odds in every larger set
                size = _push(heap_cost, heap_set, size, cost + dearer, chosen | following)
        found += valid
    return found


@kernel
def _sort(costs: Float32Array, n_symbols: int, order: Int64Array, cost_of: Float64Array) -> None:
    """Fill `order` with the moves, cheapest first and ties by number, and `cost_of` with their costs: by insertion."""
    moves = costs.shape[1]
    for move in range(n_symbols * moves):
        cost = np.float64(costs[move // moves, move % moves])
        place = move
        while place > 0 and cost_of[place - 1] > cost:
            order[place], cost_of[place] = order[place - 1], cost_of[place - 1]
            place -= 1
        order[place], cost_of[place] = move, cost


@kernel
def _apply(
    key: UInt32Array,
    symbols: UInt8Array,
    order: Int64Array,
    chosen: np.uint64,
    moves: int,
    bits: int,
    out: UInt32Array,
) -> bool:
    """Write `key` with the chosen moves made; return False when two moves want the same symbol."""
    per_word = WORD_BITS // bits
    touched = np.uint64(0)
    _copy(key, out)
    while chosen:
        move = order[lowest(chosen)]
        chosen = without_lowest(chosen)
        j, m = move // moves, move % moves
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
    """Copy a key word by word: what `out[:] = key` says when shapes differ takes numba 2 s to compile."""
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
