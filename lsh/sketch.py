"""Sketches: 44 bytes that rank a vector almost as well as its 512.

A random rotation spreads each vector evenly over 128 coordinates, so that two bits a coordinate lose little and lose it
everywhere alike; `lsh.kernels.sketching` explains the estimate. What is sketched is the vector's difference from the
centroid of its bucket: <q, x> = <q, centroid> + <q, x - centroid>, the first term is exact, and the second is small.
"""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, UInt64Array
from lsh.kernels.sketching import DIMENSIONS, PLANES, encode


@dataclass(frozen=True, slots=True)
class Sketches:
    """planes: uint64[4, n], two low and two high words of level bits; factors: float32[2, n] (see `encode`)."""

    planes: UInt64Array
    factors: Float32Array

    @classmethod
    def empty(cls, n: int) -> "Sketches":
        """Return room for n sketches."""
        return cls(np.empty((PLANES, n), np.uint64), np.empty((2, n), np.float32))

    def fill(self, start: int, rotated: Float32Array) -> None:
        """Sketch rotated vectors, float32[m, 128], into the places from `start` on."""
        stop = start + len(rotated)
        encode(rotated, self.planes[:, start:stop], self.factors[:, start:stop])

    @property
    def nbytes(self) -> int:
        """Return the bytes that the sketches take."""
        return self.planes.nbytes + self.factors.nbytes


def draw_rotation(sample: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Return a random map to 128 dimensions with orthonormal rows or columns: float32[d, 128].

    Up to 128 dimensions it keeps every inner product. Beyond, it keeps the 128 directions in which `sample` (float32[s,
    d]) varies most, and estimates what lies in them; the exact ranking at the end sees all of them.
    """
    dim = sample.shape[1]
    turn = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    if dim <= DIMENSIONS:
        return np.ascontiguousarray(turn[:dim], dtype=np.float32)
    centred = sample - sample.mean(axis=0, dtype=np.float64)
    principal = np.linalg.eigh(centred.T @ centred)[1][:, -DIMENSIONS:]  # [d, 128], the widest last
    return np.ascontiguousarray(principal @ turn, dtype=np.float32)


def penalties(vectors: Float32Array, centre: Float32Array, metric: str) -> Float32Array:
    """Return what to take from <q - μ, x - μ> so that the rest ranks x as its distance does: float32[n].

    Euclidean: |q - x|² = |q - μ|² - 2 (<q - μ, x - μ> - |x - μ|²/2). Cosine, of unit vectors: <q, x> is, up to terms of
    q alone, <q - μ, x - μ> + <μ, x - μ>.
    """
    if metric == "euclidean":
        return np.asarray(np.einsum("ij,ij->i", vectors, vectors) / np.float32(2))
    return np.asarray(-(vectors @ centre))
