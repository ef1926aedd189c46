"""Iterative quantisation (ITQ): hyperplanes rotated so that the data lies far from them (Gong & Lazebnik 2011).

Random hyperplanes do not depend on the data. ITQ keeps the c directions W in which centred vectors X vary most,
V = X W, and finds a rotation R that moves the vectors as near as possible to the corners of a cube, each of them a key:
    minimise  Q(B, R) = |B - V R|²,   B in {-1, 1}[n, c],  R orthogonal                         (section 2.2, eq. 2)
by alternating two steps. For a given R the nearest corners are B = sgn(V R); for given B the best rotation is
R = Ŝ Sᵀ, from the singular value decomposition Bᵀ V = S Ω Ŝᵀ (the orthogonal Procrustes problem). The normals of the
planes are W R, and hashing, tables and probing are those of `hyperplane`.

The paper makes one key of c bits; an index here has many tables with shorter keys. The local minimum depends on the
initial rotation, so each table starts from its own, and learns from its own part of the data. A rotation spreads the
variance evenly over the bits, so any K of them, and so the first K, are equally good. The directions kept are those
that hold half of the variance: with fewer, the tables repeat each other; with all, the rest, which is mostly noise,
gets as many bits as the part that identifies neighbours.

Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to learning binary codes", CVPR 2011.
"""

import numpy as np

from lsh.arrays import Float32Array

_ROUNDS = 50  # as in the paper
_TABLE_ROWS = 4096  # vectors from which one table is learned
_VARIANCE_KEPT = 0.5


def learn_itq(X: Float32Array, n_tables: int, n_bits: int, rng: np.random.Generator) -> Float32Array:
    """Return the normals of each table's planes, learned from centred vectors, float32[n, d]: float32[d, L * K].

    Where a key has more than c bits, further rotations follow the first.
    """
    dim = X.shape[1]
    variances, axes = np.linalg.eigh(X.T.astype(np.float64) @ X)  # ascending
    held = np.cumsum(variances[::-1]) < _VARIANCE_KEPT * variances.sum()
    width = max(int(held.sum()) + 1, min(n_bits, dim))  # c
    W = axes[:, : -width - 1 : -1].astype(np.float32)  # [d, c], by descending variance
    V = X @ W  # [n, c]
    normals = np.empty((dim, n_tables, n_bits), np.float32)
    for table in range(n_tables):
        for bit in range(0, n_bits, width):
            rows = rng.choice(len(V), min(len(V), _TABLE_ROWS), replace=False)
            normals[:, table, bit : bit + width] = W @ _rotation(V[rows], rng)[:, : n_bits - bit]
    return normals.reshape(dim, n_tables * n_bits)


def _rotation(V: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Return the rotation that moves vectors, float32[n, c], near the corners of a cube: float32[c, c]."""
    R = np.linalg.qr(rng.standard_normal((V.shape[1], V.shape[1])))[0].astype(np.float32)
    for _ in range(_ROUNDS):
        B = np.where(V @ R > 0, np.float32(1), np.float32(-1))  # [n, c]
        S, _, S_hat_T = np.linalg.svd(B.T @ V)  # [c, c]
        R = (S @ S_hat_T).T
    return np.asarray(R, np.float32)
