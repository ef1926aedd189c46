"""Sketch construction: the random rotation, the two-bit codes, and the penalties that complete the estimate.

A random rotation spreads each vector evenly over 128 coordinates, so that rounding each to two bits loses little, and
about the same for all vectors; `lsh.kernels.sketching` explains the estimate. The sketch is of the vector's difference
from the centroid of its bucket: <q, x> = <q, centroid> + <q, x - centroid>, where the first term is exact and the
second small. A sketch takes some 40 bytes; a vector of 128 dimensions takes 512.
"""

import numpy as np

from lsh.arrays import Float32Array, Float64Array, UInt64Array
from lsh.kernels.hashing import projections
from lsh.kernels.linear_algebra import half_squares, multiply, orthonormalise
from lsh.kernels.sketching import DIMENSIONS, PLANES, encode
from lsh.sampling import evenly_spaced

_PRINCIPAL_ROWS = 4096
_ROUNDS = 10  # of the iteration that finds the principal directions


def draw_rotation(sample: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Return a random map to 128 dimensions with orthonormal rows or columns: float32[d, 128].

    Up to 128 dimensions it preserves every inner product. Beyond, it keeps 128 directions in which `sample`
    (float32[s, d]) varies most, and sketches estimate inner products in those; exact ranking uses all dimensions.
    """
    dim = sample.shape[1]
    rotation = rng.standard_normal((max(dim, DIMENSIONS), DIMENSIONS))
    orthonormalise(rotation)
    if dim > DIMENSIONS:
        _turn_to_principal_directions(rotation, sample)
    return np.ascontiguousarray(rotation[:dim], dtype=np.float32)


def _turn_to_principal_directions(axes: Float64Array, sample: Float32Array) -> None:
    """Turn orthonormal axes, float64[d, m], into the subspace in which a sample, float32[s, d], varies most.

    By subspace iteration (H. Rutishauser, "Simultaneous iteration method for symmetric matrices", 1970).
    """
    rows = evenly_spaced(sample, _PRINCIPAL_ROWS).astype(np.float64)
    centred = rows - rows.mean(axis=0)
    covariance, moved = np.empty((len(axes), len(axes))), np.empty(axes.shape)
    multiply(np.ascontiguousarray(centred.T), centred, covariance)
    for _ in range(_ROUNDS):
        multiply(covariance, axes, moved)
        orthonormalise(moved)
        axes[:] = moved


def sketch(differences: Float32Array, rotation: Float32Array) -> tuple[UInt64Array, Float32Array]:
    """Return the sketches of differences from centroids, float32[n, d]: planes uint64[4, n], factors float32[2, n]."""
    planes, factors = np.empty((PLANES, len(differences)), np.uint64), np.empty((2, len(differences)), np.float32)
    encode(projections(differences, rotation), planes, factors)
    return planes, factors


def penalties(vectors: Float32Array, centre: Float32Array, metric: str) -> Float32Array:
    """Return what to subtract from <q - μ, x - μ> so that the difference ranks x as its distance does: float32[n].

    vectors: x - μ, float32[n, d]; centre: μ, float32[d].
    Euclidean: |q - x|² = |q - μ|² - 2 (<q - μ, x - μ> - |x - μ|²/2). Cosine, of unit vectors: <q, x> is, up to terms of
    q alone, <q - μ, x - μ> + <μ, x - μ>.
    """
    if metric == "euclidean":
        halves = np.empty(len(vectors), np.float32)
        half_squares(vectors, halves)
        return halves
    return -projections(vectors, np.ascontiguousarray(centre[:, None]))[:, 0]
