"""Cells of random hyperplanes and cross-polytopes: buckets that do not depend on the data.

Hyperplanes (Charikar 2002): the bits of a bucket's number are the sides of b planes on which its vectors lie, so there
are 2^b buckets. The planes are orthogonal: each then divides the cells of the others, and the buckets have more equal
sizes.

Cross-polytopes: the bucket is that of the nearest of m directions, the corners ±e of randomly rotated cross-polytopes.
Of equally many buckets they keep more neighbours together: two vectors at distance s on the unit sphere share one with
probability about d^(-s²/(4 - s²)), which is asymptotically optimal (A. Andoni, P. Indyk, T. Laarhoven, I. Razenshteyn,
L. Schmidt, "Practical and optimal LSH for angular distance", NIPS 2015).
"""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Int64Array
from lsh.families.hyperplane import Hyperplanes
from lsh.kernels.hashing import projections
from lsh.kernels.linear_algebra import orthonormalise


@dataclass(frozen=True, slots=True)
class HyperplaneCells:
    """The cells into which planes divide space."""

    planes: Hyperplanes

    @classmethod
    def draw(cls, dim: int, n_bits: int, rng: np.random.Generator) -> "HyperplaneCells":
        """Draw `n_bits` planes, orthogonal within each `dim` of them."""
        return cls(Hyperplanes(_random_axes(dim, n_bits, rng)))

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's cell: float32[n, d] -> int64[n]."""
        bits = self.planes.hash(projections(X, self.planes.directions))
        return bits @ (1 << np.arange(bits.shape[1]))


@dataclass(frozen=True, slots=True)
class CrossPolytopeCells:
    """The corners of cross-polytopes, one per column: float32[d, m]."""

    corners: Float32Array

    @classmethod
    def draw(cls, dim: int, n_cells: int, rng: np.random.Generator) -> "CrossPolytopeCells":
        """Draw `n_cells` corners, two opposite ones on each axis, the axes orthogonal within each `dim` of them."""
        axes = _random_axes(dim, -(-n_cells // 2), rng)
        return cls(np.ascontiguousarray(np.stack([axes, -axes], axis=2).reshape(dim, -1)[:, :n_cells]))

    def assign(self, X: Float32Array) -> Int64Array:
        """Return the number of each vector's nearest corner: float32[n, d] -> int64[n]."""
        along = projections(X, np.ascontiguousarray(self.corners[:, ::2]))
        both = np.stack([along, -along], axis=2).reshape(len(X), -1)
        nearest: Int64Array = both[:, : self.corners.shape[1]].argmax(axis=1)
        return nearest


def _random_axes(dim: int, n_axes: int, rng: np.random.Generator) -> Float32Array:
    """Return axes in random directions, one per column: float32[dim, n_axes]; each `dim` of them are orthogonal."""
    drawn = rng.standard_normal((dim, n_axes))
    for first in range(0, n_axes, dim):
        one_set = np.ascontiguousarray(drawn[:, first : first + dim])
        orthonormalise(one_set)
        drawn[:, first : first + dim] = one_set
    return drawn.astype(np.float32)
