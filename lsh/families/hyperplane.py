"""Random hyperplanes: the hash family for cosine distance (Charikar 2002).

Draw a normal vector a with independent Gaussian entries. The hash of x is the side of the hyperplane on which x lies,
    h(x) = 1 if a.x > 0 else 0.
The plane separates two vectors at angle θ with probability θ/π, so they collide with
    P[h(x) = h(y)] = 1 - θ/π                                                       (Charikar 2002, section 3)
One hash is one bit, and a key of K bits gives the sides of K planes on which a vector lies.

Vectors are centred first (see `LSHIndex`): where all have a similar direction, every angle is small, most planes have
all of them on one side, and the buckets do not separate them.

M. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
"""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Float64Array, UInt8Array, read_only
from lsh.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Hyperplanes:
    """Normals of the planes, one per column: float32[dim, n_functions]. Each hash is one bit."""

    directions: Float32Array
    symbol_bits: int = 1
    n_perturbations: int = 1  # per symbol: a bit can only flip

    @classmethod
    def draw(cls, dim: int, n_functions: int, rng: np.random.Generator) -> "Hyperplanes":
        """Draw `n_functions` planes through the origin of a `dim`-dimensional space."""
        directions = rng.standard_normal((n_functions, dim), dtype=np.float32).T.copy()
        read_only(directions)
        return cls(directions)

    def hash(self, projections: Float32Array) -> UInt8Array:
        """Return the side on which each vector lies: uint8[n, f], 0 or 1, from its projections a.x."""
        return (projections > 0).astype(np.uint8)

    def perturbations(self, projections: Float32Array) -> tuple[UInt8Array, Float32Array]:
        """Return, for each hash, the other symbol and the cost of probing it, uint8 and float32[n, f, 1].

        A vector close to a plane may have its neighbours on the other side: the cost is the squared distance to the
        plane (Lv et al. 2007, section 4.3, with one boundary instead of two).
        """
        flipped = (projections <= 0).astype(np.uint8)
        return flipped[..., None], (projections**2)[..., None]

    @property
    def nbytes(self) -> int:
        """Return the bytes that the functions take."""
        return self.directions.nbytes

    @staticmethod
    def collision_probability(angle: Float64Array) -> Float64Array:
        """Return 1 - θ/π for angles θ in radians (Charikar 2002)."""
        return 1.0 - angle / np.pi


@dataclass(frozen=True, slots=True)
class LearnedPlanes(Hyperplanes):
    """Planes whose normals were learned from the data (see `itq` and `grh`): they hash the same way, without theory."""

    @staticmethod
    def collision_probability(angle: Float64Array) -> Float64Array:
        """Raise ParameterError: the probability depends on where the two vectors lie, not on their angle alone."""
        del angle
        raise ParameterError(
            "learned hash functions have no collision probability; measure recall (`recall_grid`), or build the index "
            "with family='hyperplanes' or 'pstable', for which theory predicts it"
        )
