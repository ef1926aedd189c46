"""Sketches in order of id, by which `LSHIndex` pre-ranks its candidates.

The sketches are those of `SketchIndex` (see `sketch`), of the vector minus the common centre μ. `SketchIndex` reads
them in runs and stores them by column; candidates have random ids, so here the numbers of one vector are adjacent.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from lsh.arrays import Collection, Float32Array, Int64Array, read_only
from lsh.exact import ExactSearch
from lsh.hasher import prepare
from lsh.kernels.sketching import DIMENSIONS, PLANES
from lsh.kernels.table_search import SketchArrays
from lsh.sampling import evenly_spaced
from lsh.sketches.sketch import draw_rotation, penalties, sketch

_BLOCK_ROWS = 4096  # vectors sketched at a time
_SAMPLE_ROWS = 16_384  # vectors that choose the directions kept of more than 128


class SketchRows(SketchArrays):
    """Sketches of n vectors, possibly none; the arrays are those of `SketchArrays`, read-only."""

    __slots__ = ()

    @classmethod
    def none(cls, dim: int) -> Self:
        """Return no sketches, for an index built without them."""
        centre, rotation = np.empty(dim, np.float32), np.empty((dim, DIMENSIONS), np.float32)
        return cls._read_only(centre, rotation, np.empty((0, PLANES), np.uint64), np.empty((0, 3), np.float32))

    @classmethod
    def draw(cls, exact: Collection, centre: Float32Array, rng: np.random.Generator) -> Self:
        """Return no sketches, but the rotation for those of a collection.

        centre: float32[d], the mean of the vectors as `mean_of` returns it; a hasher with a centre has the same.
        """
        sample = prepare(evenly_spaced(exact.X, _SAMPLE_ROWS if len(centre) > DIMENSIONS else 1), exact.metric, centre)
        return cls.none(len(centre))._replace(centre=centre, rotation=draw_rotation(sample, rng))

    def of(self, exact: ExactSearch, rows: Int64Array | None = None) -> Self:
        """Sketch some rows of the vectors that `exact` searches, int64[m], in this order; by default all."""
        n = len(exact.X) if rows is None else len(rows)
        planes, terms = np.empty((n, PLANES), np.uint64), np.empty((n, 3), np.float32)
        for start in range(0, n, _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, n))
            vectors = prepare(exact.X[block if rows is None else rows[block]], exact.metric, self.centre)
            block_planes, block_factors = sketch(vectors, self.rotation)
            planes[block], terms[block, :2] = block_planes.T, block_factors.T
            terms[block, 2] = penalties(vectors, self.centre, exact.metric)
        return self._read_only(self.centre, self.rotation, planes, terms)

    @classmethod
    def merged(cls, parts: Sequence[Self], rows: Sequence[Int64Array | None]) -> Self:
        """Return the sketches of some rows of several parts with one rotation, None for all, in order."""
        if not len(parts[0].planes):
            return parts[0]
        chosen = [slice(None) if kept is None else kept for kept in rows]
        planes = np.concatenate([part.planes[kept] for part, kept in zip(parts, chosen, strict=True)])
        terms = np.concatenate([part.terms[kept] for part, kept in zip(parts, chosen, strict=True)])
        return cls._read_only(parts[0].centre, parts[0].rotation, planes, terms)

    @classmethod
    def _read_only(cls, *arrays: Any) -> Self:
        read_only(*arrays)
        return cls(*arrays)

    @property
    def nbytes(self) -> int:
        """Return the bytes that these arrays take; none when there are no sketches."""
        return sum(array.nbytes for array in self) if len(self.planes) else 0
