"""Cells of random hyperplanes: buckets that know nothing of the data (Charikar 2002).

The hash of a vector is the number whose bits say on which side of each of b planes it lies, so 2^b buckets. The planes
are at right angles to each other: each then cuts what the others leave whole, and the buckets come out more even.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh.hyperplane import Hyperplanes
from lsh.validate import Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some planes."""

    planes: Hyperplanes

    @classmethod
    def draw(cls, dim: int, n_bits: int, rng: np.random.Generator) -> "Cells":
        """Draw `n_bits` planes; where there are more of them than dimensions, each full set is at right angles."""
        drawn = Hyperplanes.draw(dim, n_bits, rng).directions
        sets = [np.linalg.qr(drawn[:, first : first + dim])[0] for first in range(0, n_bits, dim)]
        return cls(Hyperplanes(np.concatenate([np.empty((dim, 0), np.float32), *sets], axis=1)))

    def assign(self, X: Floats) -> npt.NDArray[np.int64]:
        """Return the number of each vector's cell: float32[n, d] -> int64[n]."""
        bits = self.planes.hash(X @ self.planes.directions)
        return bits @ (1 << np.arange(bits.shape[1]))
