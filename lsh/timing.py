"""How long a query takes, measured so that the machine's moods fall on every method alike."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from lsh.arrays import Float32Array

Search = Callable[[Float32Array], object]

# Processor time of this thread: on a busy machine the clock on the wall also counts what others were doing meanwhile,
# and the longer a search takes, the more of that falls on it. Where the system counts it too coarsely, the wall clock.
_COARSE = 1e-6  # seconds
clock = time.thread_time if time.get_clock_info("thread_time").resolution <= _COARSE else time.perf_counter
MANY_QUERIES = 200  # enough for a mean, few enough to wait for


def ms_per_query(searches: Sequence[Search], Q: Float32Array, rounds: int = 3) -> list[float]:
    """Return the mean milliseconds of processor a query of each search takes, one at a time on one thread.

    The searches take turns on every query, so that a busy moment hits all of them; each query counts with its median
    over the rounds. Nothing is timed before each search has run once (compilation, cold caches).
    """
    seconds = np.empty((len(searches), rounds, len(Q)))
    with threadpool_limits(1, user_api="blas"):
        for search in searches:
            search(Q[:1])
        for turn in range(rounds):
            for q in range(len(Q)):
                for s, search in enumerate(searches):
                    start = clock()
                    search(Q[q : q + 1])
                    seconds[s, turn, q] = clock() - start
    return [float(ms) for ms in 1000 * np.median(seconds, axis=1).mean(axis=1)]
