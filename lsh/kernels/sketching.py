"""Sketches (RaBitQ): encode vectors in two bits per dimension, estimate inner products from them.

A sketch replaces each of 128 rotated coordinates y by a level c in {-1.5, -0.5, 0.5, 1.5}, in 32 bytes. With one float
per vector, |y|²/<y, c>, the estimate
    <q, y> ~ <q, c> |y|² / <y, c>
is unbiased over random rotations (J. Gao, C. Long, "RaBitQ", SIGMOD 2024; more than one bit: J. Gao et al., SIGMOD
2025). The query is rounded to 4 bits per dimension, so that <q, c> becomes a sum of bit counts: for bit planes b of the
level and u of the query, Σ u b = Σ over planes 2^(p + r) · popcount(b_p & u_r). A CPU counts 512 bits at once.
"""

import numpy as np

from lsh.arrays import Float32Array, UInt64Array
from lsh.kernels.intrinsics import fma, popcount
from lsh.kernels.jit import fast_kernel, kernel

DIMENSIONS = 128
PLANES = 4  # two words of low bits, two words of high bits
QUERY_PLANES = 8  # two words for each of four bits
_QUERY_MIDDLE = np.float32(7.5)
_LEVEL_MIDDLE = np.float32(1.5)
_LANES = 16
_VANISHING = np.float32(1e-30)  # a squared length below which a vector is its bucket's centroid
_WIDTHS = np.array([0.8, 0.9, 1.0, 1.1, 1.2], np.float32)  # of a level, in standard deviations of a coordinate


@fast_kernel
def matvec(vector: Float32Array, matrix: Float32Array, out: Float32Array) -> None:
    """Fill out = vector @ matrix: float32[d], float32[d, m] -> float32[m].

    Four rows at a time, because loading and storing `out` takes most of the time.
    """
    out[:] = 0
    d = matrix.shape[0]
    whole = d - d % 4
    for t in range(0, whole, 4):
        x0, x1, x2, x3 = vector[t], vector[t + 1], vector[t + 2], vector[t + 3]
        row0, row1, row2, row3 = matrix[t], matrix[t + 1], matrix[t + 2], matrix[t + 3]
        for j in range(out.shape[0]):
            out[j] += x0 * row0[j] + x1 * row1[j] + x2 * row2[j] + x3 * row3[j]
    for t in range(whole, d):
        x, row = vector[t], matrix[t]
        for j in range(out.shape[0]):
            out[j] += x * row[j]


# Sums are of _LANES partial sums: an order of additions that vectorises and is the same on every processor, so that
# sketches, which are stored, have the same bits everywhere.
@kernel
def encode(Y: Float32Array, planes: UInt64Array, factors: Float32Array) -> None:
    """Sketch rotated vectors: float32[n, 128] -> planes uint64[4, n], factors float32[2, n].

    Of a few widths of the levels, each vector takes the one with the smallest angle between sketch and vector.
    factors[0] is f = |y|²/<y, c>, and factors[1] is f times the sum of the level numbers 0 to 3 (see `score`).
    """
    n, dim = Y.shape
    products, squares = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    for i in range(n):
        y = Y[i]
        squares[:] = 0
        for start in range(0, dim, _LANES):
            for lane in range(_LANES):
                squares[lane] += y[start + lane] * y[start + lane]
        square = _sum(squares)
        if square < _VANISHING:
            planes[:, i] = 0
            factors[:, i] = 0
            continue
        best, chosen, product = np.float32(-1), np.float32(1), np.float32(1)
        for width in _WIDTHS:
            scale = np.float32(1) / (width * np.sqrt(square / np.float32(dim)))
            products[:], squares[:] = 0, 0
            for start in range(0, dim, _LANES):
                for lane in range(_LANES):
                    value = y[start + lane]
                    level = min(max(np.floor(value * scale), np.float32(-2)), np.float32(1)) + np.float32(0.5)
                    products[lane] += value * level
                    squares[lane] += level * level
            along, length = _sum(products), _sum(squares)
            if along > best * np.sqrt(length):
                best, chosen, product = along / np.sqrt(length), scale, along
        total = np.int32(0)
        for word in range(2):
            low, high = np.uint64(0), np.uint64(0)
            for j in range(64):
                value = y[64 * word + j]
                number = np.int32(min(max(np.floor(value * chosen), np.float32(-2)), np.float32(1))) + np.int32(2)
                total += number
                low |= np.uint64(number & 1) << np.uint64(j)
                high |= np.uint64(number >> 1) << np.uint64(j)
            planes[word, i] = low
            planes[2 + word, i] = high
        factors[0, i] = square / product
        factors[1, i] = square / product * np.float32(total)


@kernel
def _sum(values: Float32Array) -> np.float32:
    total = np.float32(0)
    for value in values:
        total += value
    return total


@fast_kernel
def quantise(y: Float32Array, planes: UInt64Array) -> tuple[np.float32, np.float32]:
    """Round a rotated query to 4 bits per dimension, planes uint64[8]; return (step, sum of the rounded values)."""
    largest = np.float32(1e-30)
    for j in range(DIMENSIONS):
        largest = max(largest, abs(y[j]))
    scale = _QUERY_MIDDLE / largest
    planes[:] = 0
    total = np.float32(0)
    for word in range(2):
        p0, p1, p2, p3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for j in range(64):
            number = np.int32(min(y[64 * word + j] * scale + np.float32(8), np.float32(15)))
            total += np.float32(number) - _QUERY_MIDDLE
            u, place = np.uint64(number), np.uint64(j)
            p0 |= (u & np.uint64(1)) << place
            p1 |= ((u >> np.uint64(1)) & np.uint64(1)) << place
            p2 |= ((u >> np.uint64(2)) & np.uint64(1)) << place
            p3 |= (u >> np.uint64(3)) << place
        planes[word], planes[2 + word], planes[4 + word], planes[6 + word] = p0, p1, p2, p3
    return np.float32(1) / scale, total / scale


# Strict, with fused multiplications where fastmath would choose some: a sketch gets the same estimate wherever it is in
# a block, so that an index divided into several, whose blocks differ, ranks the same vectors.
@kernel
def score(
    planes: UInt64Array,
    factors: Float32Array,
    penalties: Float32Array,
    start: int,
    query: UInt64Array,
    step: np.float32,
    total: np.float32,
    offset: np.float32,
    out: Float32Array,
) -> None:
    """Estimate offset + <q, y> - penalty of the m sketches from `start` on, of planes uint64[4, n] and factors [2, n].

    With q = step (u - 7.5) and c = b - 1.5:  <q, c> = step Σ u b - 7.5 step Σ b - 1.5 Σ q.
    """
    stop = start + out.shape[0]
    a, b, c, d = planes[0][start:stop], planes[1][start:stop], planes[2][start:stop], planes[3][start:stop]
    f, g, penalty = factors[0][start:stop], factors[1][start:stop], penalties[start:stop]
    q0, q1, q2, q3 = query[0], query[1], query[2], query[3]
    q4, q5, q6, q7 = query[4], query[5], query[6], query[7]
    lowest, shift = -_QUERY_MIDDLE * step, -_LEVEL_MIDDLE * total
    for i in range(out.shape[0]):
        low, low2, high, high2 = a[i], b[i], c[i], d[i]
        count = popcount(low & q0) + popcount(low2 & q1)
        count += 2 * (popcount(low & q2) + popcount(low2 & q3) + popcount(high & q0) + popcount(high2 & q1))
        count += 4 * (popcount(low & q4) + popcount(low2 & q5) + popcount(high & q2) + popcount(high2 & q3))
        count += 8 * (popcount(low & q6) + popcount(low2 & q7) + popcount(high & q4) + popcount(high2 & q5))
        count += 16 * (popcount(high & q6) + popcount(high2 & q7))
        product = fma(step, np.float32(np.int32(count)), shift)
        out[i] = fma(f[i], product, fma(lowest, g[i], offset - penalty[i]))
