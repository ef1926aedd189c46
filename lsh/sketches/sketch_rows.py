"""Sketches in order of id, by which `LSHIndex` pre-ranks its candidates.

The sketches are those of `SketchIndex` (see `sketch`), of the vector minus the common centre μ. `SketchIndex` reads
them in runs and stores them by column; candidates have random ids, so here the numbers of one vector are adjacent.
"""

from typing import Any, Self

import numpy as np

from lsh.arrays import read_only
from lsh.exact import ExactSearch
from lsh.hasher import mean_vector, prepare
from lsh.kernels.sketching import DIMENSIONS, PLANES
from lsh.kernels.table_search import SketchArrays
from lsh.sampling import evenly_spaced
from lsh.sketches.sketch import draw_rotation, penalties, sketch

_BLOCK_ROWS = 16_384
_SAMPLE_ROWS = 16_384


class SketchRows(SketchArrays):
    """Sketches of n vectors, possibly none; the arrays are those of `SketchArrays`, read-only."""

    __slots__ = ()

    @classmethod
    def none(cls, dim: int) -> Self:
        """Return no sketches, for an index built without them."""
        centre, rotation = np.empty(dim, np.float32), np.empty((dim, DIMENSIONS), np.float32)
        return cls._read_only(centre, rotation, np.empty((0, PLANES), np.uint64), np.empty((0, 3), np.float32))

    @classmethod
    def build(cls, exact: ExactSearch, rng: np.random.Generator) -> Self:
        """Sketch the vectors that `exact` searches."""
        X, metric = exact.X, exact.metric
        centre = mean_vector(X, metric)
        rotation = draw_rotation(prepare(evenly_spaced(X, _SAMPLE_ROWS), metric, centre), rng)
        planes, terms = np.empty((len(X), PLANES), np.uint64), np.empty((len(X), 3), np.float32)
        for start in range(0, len(X), _BLOCK_ROWS):
            vectors = prepare(X[start : start + _BLOCK_ROWS], metric, centre)
            rows = slice(start, start + len(vectors))
            block_planes, block_factors = sketch(vectors, rotation)
            planes[rows], terms[rows, :2] = block_planes.T, block_factors.T
            terms[rows, 2] = penalties(vectors, centre, metric)
        return cls._read_only(centre, rotation, planes, terms)

    @classmethod
    def _read_only(cls, *arrays: Any) -> Self:
        read_only(*arrays)
        return cls(*arrays)

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take; none when there are no sketches."""
        return sum(array.nbytes for array in self) if len(self.planes) else 0
