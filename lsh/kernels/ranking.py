"""Exact ranking: the distances of candidates, and the k nearest of them.

Vectors are stored as float32, float16 or uint8, and decoded value by value as they are ranked (`decode`), so that no
float32 copy is needed and fewer bytes are read from memory.
"""

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array, Int64Array, UInt8Array, UInt16Array
from lsh.kernels.intrinsics import decode, fma
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.selection import limit_for, select_above

COSINE = 0
EUCLIDEAN = 1
EXACT = -1  # the number of candidates of a query that a search with a filter leaves to exact search
FLOAT32 = 0
FLOAT16 = 1
UINT8 = 2
_VALUES_PER_ID = 8  # of vectors, which are ranked in the time in which one id is looked up
_ENCODINGS = {"float32": FLOAT32, "float16": FLOAT16, "uint8": UINT8}  # by the name of the dtype


class Vectors(NamedTuple):
    """The indexed vectors: rows uint8[n, bytes of a row], whose values have the encoding FLOAT32, FLOAT16 or UINT8.

    scale, offset: of UINT8, see `decode`; inverse_norms float32[n]: 1/|x| or 0; metric: COSINE or EUCLIDEAN.
    """

    rows: UInt8Array
    encoding: int
    scale: np.float32
    offset: np.float32
    inverse_norms: Float32Array
    metric: int

    @classmethod
    def of(
        cls,
        stored: npt.NDArray[Any],
        inverse_norms: Float32Array,
        metric: int,
        scale: float | np.float32 = 1,
        offset: float | np.float32 = 0,
    ) -> Self:
        """Return vectors stored as float32[n, d], float16[n, d] or uint8[n, d], in C order."""
        encoding = _ENCODINGS[stored.dtype.name]
        return cls(stored.view(np.uint8), encoding, np.float32(scale), np.float32(offset), inverse_norms, metric)

    def arguments(self) -> tuple[Any, ...]:
        """Return the fields with numbers as `float`, since numba takes long to recognise float32 of NumPy."""
        return tuple(float(value) if isinstance(value, np.float32) else value for value in self)


@fast_kernel
def _cosine_distances(
    q: Float32Array,
    X: Float32Array | UInt16Array | UInt8Array,
    scale: np.float32,
    offset: np.float32,
    inverse_norms: Float32Array,
    candidates: Int64Array,
    out: Float32Array,
) -> None:
    """Fill out[c] = 1 - q.x/|x|, clipped to [0, 2], for row x of X[candidates[c]] and a query of length one."""
    for c in range(candidates.shape[0]):
        row = np.uint64(candidates[c])  # an index that cannot be negative needs no check for wrapping around
        x, total = X[row], np.float32(0)
        for t in range(q.shape[0]):
            total += q[t] * decode(x[t], scale, offset)
        # Rounded once: compiled code may have several paths, of which not all would fuse a product and a difference.
        cosine_distance = fma(-total, inverse_norms[row], np.float32(1))
        out[c] = min(max(cosine_distance, np.float32(0)), np.float32(2))


@fast_kernel
def _euclidean_distances(
    q: Float32Array,
    X: Float32Array | UInt16Array | UInt8Array,
    scale: np.float32,
    offset: np.float32,
    candidates: Int64Array,
    out: Float32Array,
) -> None:
    """Fill out[c] = |q - x|, from the differences: expanding the square loses small distances of long vectors."""
    for c in range(candidates.shape[0]):
        x, total = X[np.uint64(candidates[c])], np.float32(0)
        for t in range(q.shape[0]):
            difference = q[t] - decode(x[t], scale, offset)
            total += difference * difference
        out[c] = np.float32(np.sqrt(total))


@kernel
def distances_to(q: Float32Array, vectors: tuple[Any, ...], candidates: Int64Array, out: Float32Array) -> None:
    """Fill out[c] with the distance of row candidates[c]; vectors: the fields of `Vectors`."""
    rows, encoding, scale, offset, inverse_norms, metric = vectors
    if metric == COSINE:
        if encoding == UINT8:
            _cosine_distances(q, rows, scale, offset, inverse_norms, candidates, out)
        elif encoding == FLOAT16:
            _cosine_distances(q, rows.view(np.uint16), scale, offset, inverse_norms, candidates, out)
        else:
            _cosine_distances(q, rows.view(np.float32), scale, offset, inverse_norms, candidates, out)
    elif encoding == UINT8:
        _euclidean_distances(q, rows, scale, offset, candidates, out)
    elif encoding == FLOAT16:
        _euclidean_distances(q, rows.view(np.uint16), scale, offset, candidates, out)
    else:
        _euclidean_distances(q, rows.view(np.float32), scale, offset, candidates, out)


@fast_kernel
def _inner_products_of(
    q: Float32Array,
    X: Float32Array | UInt16Array | UInt8Array,
    scale: np.float32,
    offset: np.float32,
    out: Float32Array,
) -> None:
    """Fill out = X @ q: float32[d], [n, d] -> float32[n]. X is read in order, at the speed of memory."""
    for r in range(np.uint64(X.shape[0])):
        x, total = X[r], np.float32(0)
        for t in range(q.shape[0]):
            total += q[t] * decode(x[t], scale, offset)
        out[r] = total


@kernel
def inner_products(q: Float32Array, vectors: tuple[Any, ...], first: int, out: Float32Array) -> None:
    """Fill `out`, float32[m], with the inner products of q and the m rows from `first`; vectors: as in `Vectors`."""
    rows, encoding, scale, offset = vectors[:4]
    block = rows[first : first + out.shape[0]]
    if encoding == UINT8:
        _inner_products_of(q, block, scale, offset, out)
    elif encoding == FLOAT16:
        _inner_products_of(q, block.view(np.uint16), scale, offset, out)
    else:
        _inner_products_of(q, block.view(np.float32), scale, offset, out)


@fast_kernel
def _decode_all(
    X: Float32Array | UInt16Array | UInt8Array, scale: np.float32, offset: np.float32, out: Float32Array
) -> None:
    for r in range(out.shape[0]):
        x = X[r]
        for t in range(out.shape[1]):
            out[r, t] = decode(x[t], scale, offset)


@kernel
def decode_rows(vectors: tuple[Any, ...], first: int, out: Float32Array) -> None:
    """Fill `out`, float32[m, d], with the m rows from `first`; vectors: the fields of `Vectors`."""
    rows, encoding, scale, offset = vectors[:4]
    block = rows[first : first + out.shape[0]]
    if encoding == UINT8:
        _decode_all(block, scale, offset, out)
    elif encoding == FLOAT16:
        _decode_all(block.view(np.uint16), scale, offset, out)
    else:
        _decode_all(block.view(np.float32), scale, offset, out)


@kernel
def exact_is_faster(n_allowed: int, n_ranked: int, n_ids: int, dim: int) -> bool:
    """Return whether ranking all allowed vectors takes less time than looking up some ids and ranking fewer vectors."""
    return (n_allowed - n_ranked) * dim <= n_ids * _VALUES_PER_ID


@kernel
def is_rare(count: int, n_met: int, n_allowed: int, n: int) -> bool:
    """Return whether the allowed vectors among some that were met are less than half as frequent as among all."""
    return 2 * count * n < n_met * n_allowed


@kernel
def shortlist(scores: Float32Array, k: int, margin: float, rows: Int64Array) -> int:
    """Write to `rows` the positions of all scores within `margin` of the k-th best, and a few more; return how many."""
    return select_above(scores, np.float32(limit_for(scores, k, k // 4 + 4) - margin), 0, rows, 0)


@kernel
def nearest(
    q: Float32Array, vectors: tuple[Any, ...], candidates: Int64Array, ids: Int64Array, distances: Float32Array
) -> int:
    """Fill ids and distances (both [k]) with the nearest candidates, ties by id, then -1; return how many there are.

    vectors: the fields of `Vectors`.
    """
    ids[:] = -1
    distances[:] = np.inf
    return rank_more(q, vectors, candidates, np.empty(candidates.shape[0], np.float32), 0, ids, distances)


@kernel
def rank_more(
    q: Float32Array,
    vectors: tuple[Any, ...],
    candidates: Int64Array,
    measured: Float32Array,
    found: int,
    ids: Int64Array,
    distances: Float32Array,
) -> int:
    """Rank further candidates among the `found` nearest so far, in ids and distances (both [k]); return the new number.

    vectors: the fields of `Vectors`; measured: memory for the distances, float32[n], n >= the number of candidates.
    """
    distances_to(q, vectors, candidates, measured)
    k = ids.shape[0]
    for c in range(candidates.shape[0]):
        d = measured[c]
        if found == k and d > distances[k - 1]:
            continue
        i = candidates[c]
        if found == k and d == distances[k - 1] and i > ids[k - 1]:
            continue
        at = found if found < k else k - 1
        while at > 0 and (distances[at - 1] > d or (distances[at - 1] == d and ids[at - 1] > i)):
            distances[at], ids[at] = distances[at - 1], ids[at - 1]
            at -= 1
        distances[at], ids[at] = d, i
        found = min(found + 1, k)
    return found


@kernel
def list_all(
    q: Float32Array,
    vectors: tuple[Any, ...],
    candidates: Int64Array,
    scores: Float32Array,
    ids: Int64Array,
    distances: Float32Array,
    estimates: Float32Array,
) -> None:
    """Fill ids, distances and estimates (all [k]) with at most k candidates, in their order, and their scores.

    vectors: the fields of `Vectors`. Places beyond the candidates get the id -1, infinity and -infinity.
    """
    count = candidates.shape[0]
    distances_to(q, vectors, candidates, distances[:count])
    ids[:count], estimates[:count] = candidates, scores[:count]
    ids[count:], distances[count:], estimates[count:] = -1, np.inf, -np.inf
