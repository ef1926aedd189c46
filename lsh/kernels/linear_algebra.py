"""Linear algebra in a fixed order of operations: the same bits for any number of threads and on any processor.

BLAS and LAPACK add in an order that depends on both. What an index stores is computed here, or by `hashing.project`.
"""

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array
from lsh.kernels.jit import kernel
from lsh.kernels.selection import count_above

_ROUNDING = 4 * float(np.finfo(np.float32).eps)  # times the dimension: twice the error of two inner products


@kernel
def multiply(A: Float64Array, B: Float64Array, out: Float64Array) -> None:
    """Fill out = A @ B, adding one column of A after another: float64[n, d], float64[d, m] -> float64[n, m]."""
    for i in range(A.shape[0]):
        row = out[i]
        row[:] = 0
        for t in range(A.shape[1]):
            factor, other = A[i, t], B[t]
            for j in range(row.shape[0]):
                row[j] += factor * other[j]


@kernel
def orthonormalise(A: Float64Array) -> None:
    """Replace the columns of A, float64[m, n] with n <= m, by the Q of its QR decomposition.

    By reflections (Householder 1958), which gives orthonormal columns also where those of A depend on each other; their
    signs are those of LAPACK.
    """
    m, n = A.shape
    factors, products = np.zeros(n), np.empty(n)
    for j in range(n):
        below = 0.0
        for i in range(j + 1, m):
            below += A[i, j] * A[i, j]
        if below == 0:
            continue
        first = A[j, j]
        reflected = -np.copysign(np.sqrt(first * first + below), first)
        factors[j] = (reflected - first) / reflected
        for i in range(j + 1, m):
            A[i, j] /= first - reflected
        _reflect(A, j, factors[j], products)
    for j in range(n - 1, -1, -1):
        _reflect(A, j, factors[j], products)
        for i in range(j):
            A[i, j] = 0
        A[j, j] = 1 - factors[j]
        for i in range(j + 1, m):
            A[i, j] *= -factors[j]


@kernel
def _reflect(A: Float64Array, j: int, factor: float, products: Float64Array) -> None:
    """Reflect the columns after j, in the rows from j on, by the vector (1, A[j + 1:, j])."""
    m, n = A.shape
    for k in range(j + 1, n):
        products[k] = A[j, k]
    for i in range(j + 1, m):
        for k in range(j + 1, n):
            products[k] += A[i, j] * A[i, k]
    for k in range(j + 1, n):
        A[j, k] -= factor * products[k]
    for i in range(j + 1, m):
        scaled = factor * A[i, j]
        for k in range(j + 1, n):
            A[i, k] -= scaled * products[k]


@kernel
def settle_close(
    X: Float32Array, centroids: Float32Array, halves: Float32Array, closeness: Float32Array, nearest: Int64Array
) -> None:
    """Correct nearest, int64[n], where a rounding error may have decided which centroid is the nearest.

    X: float32[n, d]; centroids: float32[m, d]; halves: float32[m], |c|²/2; closeness: float32[n, m], <x, c> - |c|²/2
    with the rounding errors of any order of additions; nearest: its largest value in each row. Where others are within
    the largest error of it (Higham 2002, section 3.1; |x||c| <= |x|²/2 + |c|²/2), sums in float64 decide, and of equal
    ones the first.
    """
    longest = 0.0
    for c in range(halves.shape[0]):
        longest = max(longest, np.float64(halves[c]))
    for i in range(X.shape[0]):
        square = 0.0
        for t in range(X.shape[1]):
            square += np.float64(X[i, t]) * np.float64(X[i, t])
        margin = _ROUNDING * X.shape[1] * (square / 2 + longest)
        limit = np.float32(closeness[i, nearest[i]] - margin)
        if count_above(closeness[i], limit) <= 1:
            continue
        best = -np.inf
        for c in range(centroids.shape[0]):
            if closeness[i, c] > limit:
                total = -np.float64(halves[c])
                for t in range(X.shape[1]):
                    total += np.float64(X[i, t]) * np.float64(centroids[c, t])
                if total > best:
                    best, nearest[i] = total, c


@kernel
def add_by_bucket(X: Float32Array, bucket: Int64Array, totals: Float64Array, sizes: Int64Array) -> None:
    """Add each vector, float32[n, d], to the total of its bucket, float64[m, d], and count it in sizes, int64[m]."""
    for i in range(X.shape[0]):
        total = totals[bucket[i]]
        sizes[bucket[i]] += 1
        for t in range(X.shape[1]):
            total[t] += X[i, t]


@kernel
def half_squares(X: Float32Array, out: Float32Array) -> None:
    """Fill out, float32[n], with half the squared length of each vector, float32[n, d], summed in float64."""
    for i in range(X.shape[0]):
        total = 0.0
        for t in range(X.shape[1]):
            total += np.float64(X[i, t]) * np.float64(X[i, t])
        out[i] = total / 2
