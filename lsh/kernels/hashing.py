"""Hashing: from vectors to normalised vectors, projections, bucket numbers and packed keys.

A vector is scaled to length one under cosine distance, centred, and projected on random directions. A hash family makes
each projection one symbol of a few bits, and the symbols are packed into a key so that a shorter key is its prefix.
"""

import numpy as np

from lsh.arrays import Float32Array, Int64Array, UInt8Array, UInt32Array
from lsh.kernels.jit import kernel

WORD_BITS = 32
PREPARED = False, 0.0, np.inf  # limits of `normalise` for queries that are checked and scaled already
_MAX_BUCKET_NUMBER = 2.0**62


@kernel
def _norm(x: Float32Array) -> float:
    total = 0.0
    for t in range(x.shape[0]):
        total += np.float64(x[t]) * np.float64(x[t])
    return float(np.sqrt(total))


@kernel
def normalise(Q: Float32Array, unit: bool, min_norm: float, max_norm: float, out: Float32Array) -> bool:
    """Copy queries to `out`, float32[nq, d], scaled to length one when `unit`.

    Return False if a norm is not finite or outside [min_norm, max_norm]; the caller then runs the slow check, which
    names the row.
    """
    for i in range(Q.shape[0]):
        norm = _norm(Q[i])
        if not min_norm <= norm <= max_norm:
            return False
        scale = norm if unit else 1.0
        for t in range(Q.shape[1]):
            out[i, t] = Q[i, t] / scale
    return True


@kernel
def prepare(X: Float32Array, unit: bool, centre: Float32Array, out: Float32Array) -> None:
    """Fill out = X, scaled to length one when `unit`, less the centre: float32[n, d], float32[d] -> float32[n, d].

    A vector of zeros has no direction and is not scaled.
    """
    for i in range(X.shape[0]):
        norm = _norm(X[i]) if unit else 1.0
        scale = norm if norm > 0 else 1.0
        for t in range(X.shape[1]):
            out[i, t] = np.float32(X[i, t] / scale) - centre[t]


# No fastmath: additions stay in one order, so a vector has the same projections alone and in a batch, bit for bit.
# Otherwise a vector that lies almost on a plane could fall into one bucket when indexed and another when it is a query.
@kernel
def project(X: Float32Array, directions: Float32Array, out: Float32Array) -> None:
    """Fill out[i, j] = X[i] . directions[:, j] for the first f directions: float32[n, d], [d, >= f] -> [n, f].

    Four dimensions at a time, added one after another, because loading and storing `out` takes most of the time.
    """
    d = X.shape[1]
    whole = d - d % 4
    for i in range(X.shape[0]):
        x, row = X[i], out[i]
        row[:] = 0
        for t in range(0, whole, 4):
            x0, x1, x2, x3 = x[t], x[t + 1], x[t + 2], x[t + 3]
            a0, a1, a2, a3 = directions[t], directions[t + 1], directions[t + 2], directions[t + 3]
            for j in range(row.shape[0]):
                row[j] = row[j] + x0 * a0[j] + x1 * a1[j] + x2 * a2[j] + x3 * a3[j]
        for t in range(whole, d):
            direction = directions[t]
            for j in range(row.shape[0]):
                row[j] += x[t] * direction[j]


def projections(X: Float32Array, directions: Float32Array) -> Float32Array:
    """Return X @ directions in the order of `project`: float32[n, d], float32[d, f] -> float32[n, f]."""
    out = np.empty((len(X), directions.shape[1]), np.float32)
    project(X, directions, out)
    return out


@kernel
def bucket_numbers(
    projections: Float32Array, offsets: Float32Array, width: float, lowest: Int64Array, top: int, out: UInt8Array
) -> bool:
    """Fill out, uint8[n, f], with floor(projection / width + offset) - lowest, clipped to 0..top.

    projections float32[n, f], offsets float32[>= f], lowest int64[>= f]. Return False when a number overflows 64 bits.
    """
    for i in range(projections.shape[0]):
        for j in range(projections.shape[1]):
            scaled = np.float64(projections[i, j]) / width + offsets[j]
            if not abs(scaled) < _MAX_BUCKET_NUMBER:
                return False
            out[i, j] = np.uint8(min(max(np.floor(scaled) - lowest[j], 0), top))
    return True


@kernel
def adjacent_buckets(
    projections: Float32Array,
    offsets: Float32Array,
    width: float,
    lowest: Int64Array,
    top: int,
    symbols: UInt8Array,
    costs: Float32Array,
) -> None:
    """Fill symbols and costs, both [n, f, 2], with the bucket below and the one above; call `bucket_numbers` first.

    A cost is the squared distance to the boundary of that bucket, in widths; infinity where no such symbol is stored.
    """
    for i in range(projections.shape[0]):
        for j in range(projections.shape[1]):
            scaled = np.float64(projections[i, j]) / width + offsets[j]
            floor = np.floor(scaled)
            symbol = min(max(floor - lowest[j], 0), top)
            below, above = scaled - floor, 1 - (scaled - floor)
            symbols[i, j, 0], symbols[i, j, 1] = np.uint8(max(symbol - 1, 0)), np.uint8(min(symbol + 1, top))
            costs[i, j, 0] = below * below if symbol > 0 else np.inf
            costs[i, j, 1] = above * above if symbol < top else np.inf


@kernel
def pack(symbols: UInt8Array, bits: int, out: UInt32Array) -> None:
    """Pack symbols of `bits` bits into 32-bit words, the first symbol highest: uint8[n, L, K] -> uint32[L, n, W].

    Left-aligned like this, two keys agree in their first K symbols exactly when they agree in their leading bits, and
    sorting the words sorts by every prefix at once. A symbol never straddles two words.
    """
    per_word = WORD_BITS // bits
    out[:] = 0
    n, n_tables, n_symbols = symbols.shape
    for i in range(n):
        for table in range(n_tables):
            for j in range(n_symbols):
                shift = WORD_BITS - bits * (j % per_word + 1)
                out[table, i, j // per_word] |= np.uint32(symbols[i, table, j]) << np.uint32(shift)


def words_for(n_symbols: int, bits: int) -> int:
    """Return how many 32-bit words a key of `n_symbols` symbols takes."""
    per_word = WORD_BITS // bits
    return -(-n_symbols // per_word)
