"""Sketch construction: the random rotation, the two-bit codes, and the penalties that complete the estimate.

A random rotation spreads each vector evenly over 128 coordinates, so that rounding each to two bits loses little, and
about the same for all vectors; `lsh.kernels.sketching` explains the estimate. The sketch is of the vector's difference
from the centroid of its bucket: <q, x> = <q, centroid> + <q, x - centroid>, where the first term is exact and the
second small. A sketch takes 44 bytes; a vector of 128 dimensions takes 512.
"""

import numpy as np

from lsh.arrays import Float32Array, UInt64Array
from lsh.kernels.sketching import DIMENSIONS, PLANES, encode


def draw_rotation(sample: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Return a random map to 128 dimensions with orthonormal rows or columns: float32[d, 128].

    Up to 128 dimensions it preserves every inner product. Beyond, it keeps the 128 directions in which `sample`
    (float32[s, d]) varies most, and sketches estimate inner products in those; exact ranking uses all dimensions.
    """
    dim = sample.shape[1]
    rotation = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    if dim <= DIMENSIONS:
        return np.ascontiguousarray(rotation[:dim], dtype=np.float32)
    centred = sample - sample.mean(axis=0, dtype=np.float64)
    principal = np.linalg.eigh(centred.T @ centred)[1][:, -DIMENSIONS:]  # [d, 128], by ascending variance
    return np.ascontiguousarray(principal @ rotation, dtype=np.float32)


def sketch(differences: Float32Array, rotation: Float32Array) -> tuple[UInt64Array, Float32Array]:
    """Return the sketches of differences from centroids, float32[n, d]: planes uint64[4, n], factors float32[2, n]."""
    planes, factors = np.empty((PLANES, len(differences)), np.uint64), np.empty((2, len(differences)), np.float32)
    encode(np.asarray(differences @ rotation, np.float32), planes, factors)
    return planes, factors


def penalties(vectors: Float32Array, centre: Float32Array, metric: str) -> Float32Array:
    """Return what to subtract from <q - μ, x - μ> so that the difference ranks x as its distance does: float32[n].

    vectors: x - μ, float32[n, d]; centre: μ, float32[d].
    Euclidean: |q - x|² = |q - μ|² - 2 (<q - μ, x - μ> - |x - μ|²/2). Cosine, of unit vectors: <q, x> is, up to terms of
    q alone, <q - μ, x - μ> + <μ, x - μ>.
    """
    if metric == "euclidean":
        return np.asarray(np.einsum("ij,ij->i", vectors, vectors) / np.float32(2))
    return np.asarray(-(vectors @ centre))
