"""Exact search in blocks of rows: lists of the rows that may be among the k nearest of each query."""

import numpy as np

from lsh.arrays import Float32Array, Int64Array
from lsh.kernels.jit import fast_kernel, kernel
from lsh.kernels.ranking import COSINE
from lsh.kernels.selection import count_above, limit_for

FULL = -1  # the count of a list that has no room for all rows that it needs
BLOCK = 128  # scores that are tested at once; a list has at least so much room left
_NO_LIMIT = np.float32(-np.inf)


@kernel
def collect(
    scores: Float32Array,
    terms: Float32Array,
    metric: int,
    first: int,
    k: int,
    margins: Float32Array,
    limits: Float32Array,
    counts: Int64Array,
    rows: Int64Array,
    values: Float32Array,
) -> None:
    """Append the rows of a block to the list of each query for which they may be among the k nearest.

    scores float32[nq, m]: inner products of the queries with the rows from `first` on, which are overwritten. terms
    float32[m]: of these rows 1/|x| for COSINE, |x|²/2 for EUCLIDEAN. margins float32[nq]: what a score may be below the
    k-th best. limits float32[nq]: what scores must exceed so far, -inf at first. counts int64[nq]: lengths of the lists
    rows int64[nq, room] and values float32[nq, room], room > k + k // 4 + 4 + 2 BLOCK; FULL if a list was too short.
    """
    for q in range(scores.shape[0]):
        if counts[q] == FULL:
            continue
        own = scores[q]
        if metric == COSINE:
            _multiply(own, terms)
        else:
            _subtract(own, terms)
        if limits[q] == _NO_LIMIT and own.shape[0] > k:
            limits[q] = limit_for(own, k, k // 4 + 4) - margins[q]
        for start in range(0, own.shape[0], BLOCK):
            block = own[start : min(start + BLOCK, own.shape[0])]
            if count_above(block, limits[q]) == 0:
                continue
            counts[q] = _append(block, limits[q], first + start, counts[q], rows[q], values[q])
            if counts[q] > rows.shape[1] - BLOCK:
                tighten(k, margins[q : q + 1], limits[q : q + 1], counts[q : q + 1], rows[q : q + 1], values[q : q + 1])
                if counts[q] > rows.shape[1] - BLOCK:
                    counts[q] = FULL
                    break


@kernel
def tighten(
    k: int,
    margins: Float32Array,
    limits: Float32Array,
    counts: Int64Array,
    rows: Int64Array,
    values: Float32Array,
) -> None:
    """Leave in each list the rows that can be among the k nearest of those in it; arguments as of `collect`."""
    for q in range(counts.shape[0]):
        if counts[q] <= k:  # also FULL
            continue
        listed = values[q, : counts[q]]
        limit = limit_for(listed, k, k // 4 + 4) - margins[q]
        count = 0
        for i in range(listed.shape[0]):
            rows[q, count], values[q, count] = rows[q, i], listed[i]
            count += int(listed[i] > limit)
        limits[q], counts[q] = limit, count


@fast_kernel
def _multiply(values: Float32Array, factors: Float32Array) -> None:
    for i in range(values.shape[0]):
        values[i] *= factors[i]


@fast_kernel
def _subtract(values: Float32Array, terms: Float32Array) -> None:
    for i in range(values.shape[0]):
        values[i] -= terms[i]


@fast_kernel
def _append(
    block: Float32Array, limit: np.float32, first: int, count: int, rows: Int64Array, values: Float32Array
) -> int:
    """Append the rows of a block above the limit, and their scores; return the new length of both lists.

    Each is written, and overwritten by the next unless its score is above the limit: faster than a branch.
    """
    length = np.uint64(count)
    for i in range(block.shape[0]):
        rows[length], values[length] = first + i, block[i]
        length += np.uint64(block[i] > limit)
    return int(length)
