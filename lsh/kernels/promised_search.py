"""Search in hash tables that stops when the neighbours have been found with a wanted probability.

After each table it is known how near the k-th best candidate so far is, and with what probability a vector as near as
that is in one of the buckets looked up so far, given where the query lies between the walls of its buckets. The search
stops once the probability that all tables missed such a vector is at most 1 - recall. This is the rule of PUFFINN (M.
Aumüller, T. Christiani, R. Pagh, M. Vesterli, "PUFFINN: parameterless and universally fast finding of nearest
neighbors", ESA 2019) with probabilities of the query's own buckets in place of those of all queries, and with
multi-probe. When all tables have been searched, keys are shortened by one symbol and the tables searched again, as in
an LSH forest (Bawa, Condie & Ganesan 2005); without symbols left, every vector is ranked.

The probability. Let f be the chance that one symbol of a vector at angle t, or at distance r, from the query differs
from the query's. For a hyperplane with normal a, on which the query q has the projection a.q, the projection of the
vector given that of the query is normal, and f = Phi(-|a.q| cot(t) / |q|). For a p-stable projection, whose offset is
uniform, the difference of projections is normal with deviation r, whatever the query's place in its bucket. Symbols are
independent, so that a table finds the vector with H = the sum, over the sets of symbols that its probes change, of the
product of these chances. With a set, probes contain all of its subsets, which are cheaper; so H falls as t or r grows,
and the k-th best so far, which is never nearer than the true k-th neighbour, gives a lower bound.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from lsh.arrays import (
    BoolArray,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
    UInt64Array,
)
from lsh.kernels.angles import widest_angle
from lsh.kernels.buckets import find_bucket_by_head, prefix_mask
from lsh.kernels.hashing import WORD_BITS
from lsh.kernels.jit import kernel
from lsh.kernels.probing import probe_keys
from lsh.kernels.ranking import EXACT, exact_is_faster, rank_more

PLANES, PSTABLE = 0, 1
_TAIL_STEPS = 128  # per unit of the table of Phi
_TAILS = np.array([0.5 * math.erfc(i / _TAIL_STEPS / math.sqrt(2)) for i in range(8 * _TAIL_STEPS + 2)])
_TAIL_ERROR = 2e-6  # of the linear interpolation
_REFRESH_TABLES = 4  # after so many tables the chances of all are computed anew, at the present distance
_ALL_SHARE = 2  # one in so many vectors as candidates: then all are ranked


class Geometry(NamedTuple):
    """Where the data lies: family PLANES or PSTABLE; bucket width; centre float64[d]; least distance of a row from it.

    The width is of p-stable families alone, the centre of planes alone.
    """

    family: int
    width: float
    centre: Float64Array
    least_norm: float


@kernel
def tail(x: float) -> float:
    """Return at least 1 - Phi(x) = Phi(-x) of the standard normal distribution, and at most 4e-6 more."""
    if x < 0:
        return 1.0 - tail(-x) + 2 * _TAIL_ERROR
    place = x * _TAIL_STEPS
    if place >= _TAILS.shape[0] - 1:
        return _TAIL_ERROR
    i = int(place)
    return float(_TAILS[i] + (place - i) * (_TAILS[i + 1] - _TAILS[i]) + _TAIL_ERROR)


@kernel
def fill_chances(costs: Float32Array, n_symbols: int, family: int, scale: float, chances: Float64Array) -> None:
    """Fill chances, float64[K, 1 + m], with those of each symbol: to be the query's, and to be each of its neighbours.

    costs: float32[K, m], of one query in one table. scale: of planes cot(t) / |q|; of p-stable projections w / r.
    """
    for j in range(n_symbols):
        if family == PLANES:
            differs = tail(math.sqrt(np.float64(costs[j, 0])) * scale)
            chances[j, 0], chances[j, 1] = max(0.0, 1 - differs), max(0.0, differs - 2 * _TAIL_ERROR)
        else:
            below, above = math.sqrt(np.float64(costs[j, 0])), math.sqrt(np.float64(costs[j, 1]))
            beyond_below, beyond_above = tail(below * scale), tail(above * scale)
            chances[j, 0] = max(0.0, 1 - beyond_below - beyond_above)
            chances[j, 1] = max(0.0, beyond_below - tail((below + 1) * scale) - 2 * _TAIL_ERROR)
            chances[j, 2] = max(0.0, beyond_above - tail((above + 1) * scale) - 2 * _TAIL_ERROR)


@kernel
def hit_chance(patterns: UInt8Array, n_patterns: int, n_symbols: int, chances: Float64Array) -> float:
    """Return H: the chance that a vector is in one of the probed buckets of a table.

    patterns: uint8[T, K], 0 where a probe keeps the symbol of the query, 1 + m where it takes the neighbour m.
    """
    total = 0.0
    for p in range(n_patterns):
        product = 1.0
        for j in range(n_symbols):
            product *= chances[j, patterns[p, j]]
        total += product
    return min(total, 1.0)


@kernel
def _read_patterns(
    key: UInt32Array,
    probes: UInt32Array,
    n_probes: int,
    symbols: UInt8Array,
    n_symbols: int,
    bits: int,
    out: UInt8Array,
) -> None:
    """Fill out, uint8[T, K], with the patterns of probes (see `hit_chance`): uint32[T, W], of the query's key."""
    per_word, field = WORD_BITS // bits, np.uint32((1 << bits) - 1)
    for p in range(n_probes):
        for j in range(n_symbols):
            shift, word = np.uint32(WORD_BITS - bits * (j % per_word + 1)), j // per_word
            symbol = (probes[p, word] >> shift) & field
            out[p, j] = 0 if symbol == (key[word] >> shift) & field else 1
            if out[p, j] == 1 and symbols.shape[1] > 1 and symbol != np.uint32(symbols[j, 0]):
                out[p, j] = 2


@kernel
def _new_ids(
    keys: UInt32Array,
    ids: Int32Array,
    starts: Int32Array,
    probes: UInt32Array,
    mask: UInt32Array,
    marks: UInt64Array,
    new: Int64Array,
    allowed: BoolArray | None,
) -> tuple[int, int]:
    """Write the ids of the probed buckets that are not marked and allowed, and mark them.

    Return how many there were, and how many ids in the buckets.
    """
    count, n_ids = 0, 0
    for t in range(probes.shape[0]):
        start, stop = find_bucket_by_head(keys, starts, probes[t], mask)
        n_ids += stop - start
        for i in ids[start:stop]:
            word, bit = np.uint64(i) >> np.uint64(6), np.uint64(1) << (np.uint64(i) & np.uint64(63))
            new[count] = i
            if allowed is None:
                count += (marks[word] & bit) == 0
            else:
                count += ((marks[word] & bit) == 0) & allowed[i]
            marks[word] |= bit
    return count, n_ids


@kernel
def search_until(
    queries: tuple[Any, ...],
    tables: tuple[Any, ...],
    vectors: tuple[Any, ...],
    geometry: tuple[Any, ...],
    n_bits: int,
    symbol_bits: int,
    n_probes: int,
    miss: float,
    found_ids: Int64Array,
    found_distances: Float32Array,
    n_candidates: Int64Array,
    n_searched: Int64Array,
    allowed: BoolArray | None = None,
    n_allowed: int = 0,
) -> None:
    """Search every query until a neighbour is missed with probability `miss` at most.

    queries, tables, vectors, geometry: the fields of `QueryArrays`, with perturbations, `TableArrays`,
    `ranking.Vectors` and `Geometry`. -> found_ids int64[nq, k], found_distances float32[nq, k], n_candidates int64[nq];
    n_searched int64[nq]: tables searched, counting each time. allowed: bool[n], True for the n_allowed vectors that may
    be found, or None for all; where all allowed ones had to be ranked, n_candidates is EXACT and there is no answer.
    """
    Q, query_keys, symbols, costs = queries
    keys, ids, starts = tables
    n_tables, n, n_words = keys.shape
    limit, k = math.log(miss), found_ids.shape[1]
    mask, probes = np.empty(n_words, np.uint32), np.empty((n_probes, n_words), np.uint32)
    marks, new = np.empty((n + 63) // 64, np.uint64), np.empty(n, np.int64)
    measured = np.empty(n, np.float32)
    patterns, n_patterns = np.empty((n_tables, n_probes, n_bits), np.uint8), np.zeros(n_tables, np.int64)
    bits_of, misses = np.zeros(n_tables, np.int64), np.empty(n_tables)
    chances = np.empty((n_bits, 1 + costs.shape[3]))
    for q in range(Q.shape[0]):
        marks[:], bits_of[:], misses[:] = np.uint64(0), 0, 0.0
        found, count, n_ids, searched, done, bits = 0, 0, 0, 0, False, n_bits
        found_ids[q], found_distances[q] = -1, np.inf
        measured_at, scaled_at, scale = (
            np.float32(np.inf),
            np.float32(np.inf),
            0.0,
        )  # distances of chances, of the scale
        while not done:
            prefix_mask(bits, symbol_bits, mask)
            for t in range(n_tables):
                n_keys = probe_keys(query_keys[t, q], symbols[q, t], costs[q, t], bits, symbol_bits, n_probes, probes)
                fresh, met = _new_ids(keys[t], ids[t], starts[t], probes[:n_keys], mask, marks, new, allowed)
                found = rank_more(Q[q], vectors, new[:fresh], measured, found, found_ids[q], found_distances[q])
                _read_patterns(query_keys[t, q], probes, n_keys, symbols[q, t], bits, symbol_bits, patterns[t])
                n_patterns[t], bits_of[t] = n_keys, bits
                count += fresh
                n_ids += met
                searched += 1
                if found < k:
                    continue
                last = found_distances[q, k - 1]
                if last < scaled_at:
                    scaled_at, scale = last, _scale_of(Q[q], np.float64(last), vectors[5], geometry)
                refresh = last < measured_at and (t % _REFRESH_TABLES == 0 or t == n_tables - 1)
                for other in range(0 if refresh or measured_at == np.inf else t, n_tables if refresh else t + 1):
                    misses[other] = _log_miss(
                        patterns[other], n_patterns[other], bits_of[other], costs[q, other], geometry[0], scale, chances
                    )
                if refresh or measured_at == np.inf:
                    measured_at = last
                if misses.sum() <= limit:
                    done = True
                    break
            bits -= 1
            if allowed is not None:
                if not done and (
                    bits == 0 or _ALL_SHARE * count > n_allowed or exact_is_faster(n_allowed, count, n_ids, Q.shape[1])
                ):
                    count, done = EXACT, True
            elif not done and (bits == 0 or _ALL_SHARE * count > n):
                rest = 0
                for i in range(n):
                    new[rest] = i
                    rest += (marks[np.uint64(i) >> np.uint64(6)] >> (np.uint64(i) & np.uint64(63))) & np.uint64(1) == 0
                found = rank_more(Q[q], vectors, new[:rest], measured, found, found_ids[q], found_distances[q])
                count, done = n, True
        n_candidates[q], n_searched[q] = count, searched


@kernel
def _scale_of(q: Float32Array, distance: float, metric: int, geometry: tuple[Any, ...]) -> float:
    """Return what `fill_chances` takes for a vector as far away as `distance`, with room for its rounding."""
    away = distance * (1 + 1e-5) + 1e-6
    if geometry[0] == PSTABLE:
        return geometry[1] / away  # type: ignore[no-any-return]
    own = 0.0
    for t in range(q.shape[0]):
        difference = np.float64(q[t]) - geometry[2][t]
        own += difference * difference
    return widest_angle(q, away, metric, geometry) / math.sqrt(max(own, 1e-30))


@kernel
def _log_miss(
    patterns: UInt8Array,
    n_patterns: int,
    n_symbols: int,
    costs: Float32Array,
    family: int,
    scale: float,
    chances: Float64Array,
) -> float:
    """Return the logarithm of the chance that a table misses a vector; 0 for one that was not searched."""
    if n_patterns == 0 or n_symbols == 0:
        return 0.0
    fill_chances(costs, n_symbols, family, scale, chances)
    return math.log(max(1 - hit_chance(patterns, n_patterns, n_symbols, chances), 1e-300))
