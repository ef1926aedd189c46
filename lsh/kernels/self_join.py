"""Self-join: signatures of vectors, the pairs within a radius among those that share a prefix of one, and groups."""

from typing import Any

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int64Array, UInt8Array, UInt64Array
from lsh.kernels.hashing import prepare
from lsh.kernels.intrinsics import highest_bit, popcount
from lsh.kernels.jit import kernel
from lsh.kernels.ranking import COSINE, decode_rows, distances_to

SIGNATURE_BITS = 64


@kernel
def pack_signs(projections: Float32Array, out: UInt64Array) -> None:
    """Fill out, uint64[n], with the signs of projections, float32[n, 64]: the first is the highest bit, 1 if > 0."""
    for i in range(projections.shape[0]):
        word = np.uint64(0)
        for j in range(projections.shape[1]):
            word = (word << np.uint64(1)) | np.uint64(projections[i, j] > 0)
        out[i] = word


@kernel
def prefix_pairs(signatures: UInt64Array, out: Int64Array) -> None:
    """Fill out[b] with the number of pairs that share b first bits, of signatures in rising order: uint64[n].

    out: int64[65].
    """
    runs = np.ones(SIGNATURE_BITS + 1, np.int64)  # signatures so far that share b first bits with the present one
    out[:] = 0
    for i in range(1, signatures.shape[0]):
        differing = signatures[i] ^ signatures[i - 1]
        shared = SIGNATURE_BITS if differing == 0 else SIGNATURE_BITS - 1 - highest_bit(differing)
        for b in range(shared + 1):
            out[b] += runs[b]
            runs[b] += 1
        runs[shared + 1 :] = 1


@kernel
def first_equal(rows: UInt8Array, order: Int64Array, starts: Int64Array, out: Int64Array) -> None:
    """Fill out, int64[n], with the lowest row that has the same bytes as each row: uint8[n, bytes].

    order, int64[n]: the rows, those of a run in rising order; starts, int64[r + 1]: first places of the runs in it, and
    n. Equal rows are in one run.
    """
    for run in range(starts.shape[0] - 1):
        for place in range(starts[run], starts[run + 1]):
            row = order[place]
            out[row] = row
            for before in range(starts[run], place):
                other = order[before]
                if out[other] == other and np.array_equal(rows[other], rows[row]):
                    out[row] = other
                    break


@kernel
def near_pairs(
    order: Int64Array,
    signatures: UInt64Array,
    ends: Int64Array,
    first: int,
    last: int,
    max_differing: int,
    vectors: tuple[Any, ...],
    radius: float,
    most: int,
    pairs: Int64Array,
    is_cut: BoolArray,
) -> tuple[int, int]:
    """Write the pairs within `radius` of rows and later rows of their runs; return their number, and the next place.

    order: int64[m], rows by run; signatures: uint64[m], theirs; ends: int64[m], where the run of each place ends;
    first, last: places of the rows to take; max_differing: bits in which the signatures of a pair may differ;
    vectors: the fields of `Vectors`; most: pairs of one row, after which is_cut, bool[n], is set for it. pairs:
    int64[c, 2], the lower row first, c >= most; ends at a row whose pairs may not fit.
    """
    q, zero = np.empty((1, _dim_of(vectors)), np.float32), np.zeros(_dim_of(vectors), np.float32)
    candidates, measured = np.empty(0, np.int64), np.empty(0, np.float32)
    found = 0
    for a in range(first, last):
        if found + most > pairs.shape[0]:
            return found, a
        if ends[a] - a > candidates.shape[0]:
            candidates, measured = np.empty(ends[a] - a, np.int64), np.empty(ends[a] - a, np.float32)
        near = 0
        for b in range(a + 1, ends[a]):
            candidates[near] = order[b]
            near += popcount(signatures[a] ^ signatures[b]) <= np.uint64(max_differing)
        if near == 0:
            continue
        decode_rows(vectors, order[a], q)
        prepare(q, vectors[5] == COSINE, zero, q)
        distances_to(q[0], vectors, candidates[:near], measured)
        listed = 0
        for c in range(near):
            if measured[c] <= radius:
                if listed == most:
                    is_cut[order[a]] = True
                    break
                pairs[found, 0], pairs[found, 1] = min(order[a], candidates[c]), max(order[a], candidates[c])
                found += 1
                listed += 1
    return found, last


@kernel
def pair_distances(pairs: Int64Array, vectors: tuple[Any, ...], out: Float32Array) -> None:
    """Fill out, float32[m], with the distance of each pair of rows, int64[m, 2], when its first row is the query.

    vectors: the fields of `Vectors`. Pairs with one first row that follow each other decode it once.
    """
    q, zero = np.empty((1, _dim_of(vectors)), np.float32), np.zeros(_dim_of(vectors), np.float32)
    other, measured = np.empty(1, np.int64), np.empty(1, np.float32)
    for p in range(pairs.shape[0]):
        if p == 0 or pairs[p, 0] != pairs[p - 1, 0]:
            decode_rows(vectors, pairs[p, 0], q)
            prepare(q, vectors[5] == COSINE, zero, q)
        other[0] = pairs[p, 1]
        distances_to(q[0], vectors, other, measured)
        out[p] = measured[0]


@kernel
def _dim_of(vectors: tuple[Any, ...]) -> int:
    """Return the number of values of a vector; vectors: the fields of `Vectors`."""
    return int(vectors[0].shape[1] // (4, 2, 1)[vectors[1]])


@kernel
def unite(pairs: Int64Array, parents: Int64Array) -> None:
    """Point parents, int64[n], of each row to the lowest row that pairs, int64[m, 2], connect it with.

    Union-find with path halving (Tarjan & van Leeuwen 1984); the lower root becomes the root of both. parents: of every
    row itself, or a lower row of its group, before and after.
    """
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        parents[max(a, b)] = min(a, b)
    for row in range(parents.shape[0]):
        parents[row] = parents[parents[row]]
