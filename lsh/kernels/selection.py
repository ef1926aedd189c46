"""Selection: the limits that a number of scores exceed, and the places and ids of the best scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array, Int64Array
from lsh.kernels.jit import fast_kernel, kernel

_STEPS = 32
_GUESSES = 8
_BLOCK = 64


@fast_kernel
def count_above(scores: Float32Array, limit: np.float32) -> np.int32:
    """Return how many scores are above the limit."""
    count = np.int32(0)
    for i in range(scores.shape[0]):
        count += np.int32(scores[i] > limit)
    return count


@fast_kernel
def limit_for(scores: Float32Array, wanted: int, slack: int) -> np.float32:
    """Return a limit that at least `wanted` scores exceed, and at most `slack` more where the values allow it.

    An initial guess from the tail of a normal distribution, then a search by the logarithm of the count. Each step
    counts all scores, vectorised: faster than a heap or quickselect, whose branches are unpredictable.
    """
    n = scores.shape[0]
    if n <= wanted:
        return np.float32(-np.inf)
    total, squares = np.float32(0), np.float32(0)
    for i in range(n):
        total += scores[i]
        squares += scores[i] * scores[i]
    mean = total / np.float32(n)
    spread = np.sqrt(max(squares / np.float32(n) - mean * mean, np.float32(1e-12)))
    share = np.float32(wanted) / np.float32(n)
    limit = np.float32(mean + spread * np.sqrt(-2 * np.log(min(np.float32(2.5) * share, np.float32(0.95)))))
    below, above = np.float32(-np.inf), np.float32(np.inf)  # enough scores exceed `below`, too few exceed `above`
    too_many, too_few = np.float32(0), np.float32(0)  # logarithms of count / target
    target = np.float32(wanted) + np.float32(0.5) * np.float32(slack)
    for step in range(_STEPS):
        count = count_above(scores, limit)
        if wanted <= count <= wanted + slack:
            return limit
        excess = np.log((np.float32(count) + np.float32(0.5)) / target)
        if count > wanted:
            below, too_many = limit, np.float32(max(excess, 0.01))
        else:
            above, too_few = limit, np.float32(max(-excess, 0.01))
        if below == -np.inf or above == np.inf:  # the logarithm of a normal tail falls by about 2.5 per deviation
            jump = max(abs(excess), np.float32(0.1)) * spread * np.float32(0.5)
            limit = np.float32(limit + jump if above == np.inf else limit - jump)
        else:
            share = too_many / (too_many + too_few) if step < _STEPS // 2 else np.float32(0.5)
            limit = np.float32(below + share * (above - below))
            if not below < limit < above:
                break
    return below


@kernel
def keep_best(scores: Float32Array, below: np.float32, wanted: int, ids: Int64Array) -> int:
    """Move the ids with the `wanted` best scores, and these scores, to the front, in their order; return how many.

    scores: float32[n], all above `below`; ids: int64[n]. Of equal scores the lower ids are kept, so that the ids kept
    depend neither on the order of the scores nor on how they are divided: the best of several parts are the best of the
    best of each.
    """
    n = len(scores)
    if n <= wanted:
        return n
    limit, last = limits_of_best(scores, below, wanted, ids)
    count = np.int64(0)
    for i in range(n):
        value, number = scores[i], ids[i]
        scores[count], ids[count] = value, number  # overwritten by the next, unless it is kept
        count += np.int64((value > limit) | ((value == limit) & (number <= last)))
    return int(count)


@kernel
def limits_of_best(
    scores: Float32Array, below: np.float32, wanted: int, ids: Int64Array
) -> tuple[np.float32, np.int64]:
    """Return (limit, last): best are the scores above the limit, and those equal to it of ids up to the last.

    scores: float32[n], more than `wanted`, all above `below`; ids: int64[n], from 0. By bisection, since NumPy's
    partition takes numba seconds to compile in every kernel that calls it.
    """
    limit, last = exact_limit(scores, below, wanted), np.int64(-1)
    n_equal = wanted - count_above(scores, limit)
    if n_equal > 0:  # the limit is a score, of which there are too many
        for i in range(scores.shape[0]):
            if scores[i] == limit:
                last = max(last, ids[i])
        too_low = np.int64(-1)
        while last - too_low > 1:
            middle, count = (too_low + last) // 2, 0
            for i in range(scores.shape[0]):
                count += int((scores[i] == limit) & (ids[i] <= middle))
            if count < n_equal:
                too_low = middle
            else:
                last = middle
    return limit, last


@fast_kernel
def exact_limit(scores: Float32Array, below: np.float32, wanted: int) -> np.float32:
    """Return a number that exactly `wanted` of more scores exceed, or the score of which there are too many for that.

    All scores are above `below`. The first guess is that of an exponential tail, each later one goes on by the density
    there; where that has not found it after a few steps, the interval is halved.
    """
    low, high, total = below, np.float32(np.inf), np.float32(0)
    for i in range(scores.shape[0]):
        total += scores[i] - below
    gap = total / np.float32(scores.shape[0]) / np.float32(wanted)  # between neighbouring scores
    excess, step = scores.shape[0] - wanted, 0
    limit = low
    while True:
        step += 1
        limit = np.float32(limit + gap * np.float32(excess))
        if step > _GUESSES or not low < limit < high:
            if high == np.inf or low == -np.inf:
                low, high = scores[0], scores[0]
                for value in scores:
                    low, high = min(low, value), max(high, value)
                excess = count_above(scores, low) - wanted
                if excess <= 0:
                    return low
            limit = np.float32(np.float32(0.5) * low + np.float32(0.5) * high)
            if not low < limit < high:
                return high
        excess = count_above(scores, limit) - wanted
        if excess == 0:
            return limit
        if excess > 0:
            low = limit
        else:
            high = limit


@fast_kernel
def select_above(scores: Float32Array, limit: np.float32, first: int, rows: npt.NDArray[Any], n_rows: int) -> int:
    """Append first + i to `rows` for every score i above the limit, and return the new count.

    Most blocks of a long array hold no such score and cost one vectorised test. In the others every position is
    written, and overwritten by the next unless its score is above the limit: faster than an unpredictable branch.
    """
    n = scores.shape[0]
    count = np.uint64(n_rows)
    for start in range(0, n, _BLOCK):
        block = scores[start : min(start + _BLOCK, n)]
        if count_above(block, limit) > 0:
            for i in range(block.shape[0]):
                rows[count] = first + start + i
                count += np.uint64(block[i] > limit)
    return int(count)
