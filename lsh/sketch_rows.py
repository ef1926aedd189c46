"""Sketches in order of id, by which `LSHIndex` pre-ranks its candidates.

The sketches are those of `SketchIndex` (see `lsh.sketch`), of the vector less the common centre μ. `SketchIndex` reads
them in runs and stores them by column; candidates have random ids, so here the numbers of one vector are adjacent.
"""

from typing import Self

import numpy as np

from lsh.arrays import Float32Array, UInt64Array
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare
from lsh.kernels.sketching import DIMENSIONS, PLANES
from lsh.kernels.table_search import SketchArrays
from lsh.sampling import evenly_spaced
from lsh.sketch import Sketches, draw_rotation, penalties

_BLOCK_ROWS = 16_384
_SAMPLE_ROWS = 16_384


class SketchRows(SketchArrays):
    """Sketches of n vectors, or of none; the arrays are those of `SketchArrays`, read-only."""

    __slots__ = ()

    @classmethod
    def from_arrays(
        cls, centre: Float32Array, rotation: Float32Array, planes: UInt64Array, terms: Float32Array
    ) -> Self:
        """Return the sketches that these arrays hold; the arrays become read-only."""
        for array in (centre, rotation, planes, terms):
            array.flags.writeable = False
        return cls(centre, rotation, planes, terms)

    @classmethod
    def none(cls, dim: int) -> Self:
        """Return no sketches, for an index built without them."""
        rotation = np.empty((dim, DIMENSIONS), np.float32)
        return cls.from_arrays(
            np.empty(dim, np.float32), rotation, np.empty((0, PLANES), np.uint64), np.empty((0, 3), np.float32)
        )

    @classmethod
    def build(cls, exact: ExactSearch, rng: np.random.Generator) -> Self:
        """Sketch the vectors that `exact` searches."""
        X, metric = exact.X, exact.metric
        centre = mean_vector(X, metric)
        rotation = draw_rotation(prepare(evenly_spaced(X, _SAMPLE_ROWS), metric, centre), rng)
        planes, terms = np.empty((len(X), PLANES), np.uint64), np.empty((len(X), 3), np.float32)
        for start in range(0, len(X), _BLOCK_ROWS):
            vectors = prepare(X[start : start + _BLOCK_ROWS], metric, centre)
            block, rows = Sketches.empty(len(vectors)), slice(start, start + len(vectors))
            block.fill(0, np.asarray(vectors @ rotation, np.float32))
            planes[rows], terms[rows, :2] = block.planes.T, block.factors.T
            terms[rows, 2] = penalties(vectors, centre, metric)
        return cls.from_arrays(centre, rotation, planes, terms)

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take; none when there are no sketches."""
        return sum(array.nbytes for array in self) if len(self.planes) else 0
