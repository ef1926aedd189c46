"""Distances estimated from sketches, in plain NumPy: the estimates by which a search filters its candidates.

`lsh.kernels.sketching` counts bits; here the same numbers are unpacked into levels and multiplied. With a sketch's
levels c, its factor f and its penalty p, and the query q minus the centre μ, rotated and rounded to 4 bits,
    score = f <q, c> - p
ranks vectors nearly as their distances do. It lacks terms that depend on q alone, which are added here.
"""

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float64Array, UInt64Array
from lsh.exact import ExactSearch
from lsh.sketches.sketch_rows import SketchRows

_LEVEL_MIDDLE = 1.5
_QUERY_MIDDLE = 7.5
_HIGHEST = 15
_BLOCK_ROWS = 4096  # sketches unpacked at a time


def estimated_distances(sketches: SketchRows, exact: ExactSearch, q: npt.ArrayLike, ids: npt.ArrayLike) -> Float64Array:
    """Return the distances from a query, float32[d], to rows `ids` of the sketches, estimated: float64[len(ids)]."""
    query = exact.prepare_queries(exact.one_query(q))[0].astype(np.float64)
    rows = np.asarray(ids, np.int64)
    centred = query - sketches.centre
    factors, _, penalties = sketches.terms[rows].T.astype(np.float64)
    rounded, products = _rounded(centred @ sketches.rotation), np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        products[block] = _levels(sketches.planes[rows[block]]) @ rounded
    scores = factors * products - penalties
    if exact.metric == "cosine":  # score ~ <q, x - μ>
        return np.asarray(1 - scores - query @ sketches.centre)
    return np.asarray(np.sqrt(np.maximum(centred @ centred - 2 * scores, 0)))  # score ~ <q - μ, x - μ> - |x - μ|²/2


def _levels(planes: UInt64Array) -> Float64Array:
    """Return the levels of sketches, two bits each: uint64[m, 4] -> float64[m, 128], -1.5 to 1.5."""
    bits = np.unpackbits(np.ascontiguousarray(planes, "<u8").view(np.uint8), axis=1, bitorder="little")
    low, high = bits[:, :128].astype(np.float64), bits[:, 128:]
    return low + 2.0 * high - _LEVEL_MIDDLE


def _rounded(rotated: Float64Array) -> Float64Array:
    """Round a rotated query to 16 levels per coordinate, as `quantise` does: float64[128]."""
    scale = _QUERY_MIDDLE / max(float(np.abs(rotated).max()), 1e-30)
    numbers = np.floor(np.minimum(rotated * scale + _QUERY_MIDDLE + 0.5, _HIGHEST))
    return (numbers - _QUERY_MIDDLE) / scale
