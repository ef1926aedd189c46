"""Interleaved timing: each round runs every setting once per query, so that noise of the machine falls on all alike."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from lsh.arrays import Float32Array

Search = Callable[[Float32Array], object]
Order = Literal["fixed", "alternating", "shuffled"]
T = TypeVar("T")

# CPU time of this thread: on a busy machine wall-clock time includes waiting for a processor, and the longer a search
# takes, the more. Where the system counts CPU time too coarsely, wall-clock time.
_MAX_RESOLUTION_S = 1e-6
clock = time.thread_time if time.get_clock_info("thread_time").resolution <= _MAX_RESOLUTION_S else time.perf_counter
MANY_QUERIES = 200  # enough for a mean, in seconds


class Measurement(NamedTuple, Generic[T]):
    """One query (or block of queries) of one round: `values` holds what each setting returned, in their given order."""

    round: int
    query: int
    values: list[T]


def interleaved(
    settings: Sequence[Callable[[int], T]], queries: Iterable[int], rounds: int, order: Order = "fixed"
) -> Iterator[Measurement[T]]:
    """Yield a measurement per round and query, for which every setting was called once with the query's number.

    settings: callables that return their seconds (see `timed`) or another measurement. order: in which order
    they run: as given; every second round reversed; or shuffled anew for each round and query, the same at each run.
    BLAS is limited to one thread while they run, not while the caller holds a measurement, which may so stop at any.
    """
    blas = ThreadpoolController()
    queries = list(queries)
    for number in range(rounds):
        for query in queries:
            places: Sequence[int] = range(len(settings))
            if order == "shuffled":
                places = np.random.default_rng([number, query]).permutation(len(settings)).tolist()
            elif order == "alternating" and number % 2:
                places = places[::-1]
            with blas.limit(limits=1, user_api="blas"):
                measured = {place: settings[place](query) for place in places}
            yield Measurement(number, query, [measured[place] for place in range(len(settings))])


def timed(run: Callable[[int], object]) -> Callable[[int], float]:
    """Return a function that calls `run` and returns the seconds of CPU time that the call took."""

    def seconds(query: int) -> float:
        start = clock()
        run(query)
        return clock() - start

    return seconds


def ms_per_query(searches: Sequence[Search], Q: Float32Array, rounds: int = 3) -> list[float]:
    """Return the mean milliseconds of CPU time per query of each search, one query at a time on one thread.

    The searches are interleaved; each query counts with its median over the rounds. Each search runs once before
    anything is timed (compilation, cold caches).
    """

    def setting(search: Search) -> Callable[[int], object]:
        return lambda q: search(Q[q : q + 1])

    settings = [setting(search) for search in searches]
    next(interleaved(settings, [0], rounds=1))
    seconds = [m.values for m in interleaved([timed(run) for run in settings], range(len(Q)), rounds)]
    by_round = np.reshape(seconds, (rounds, len(Q), len(searches)))
    return [float(ms) for ms in 1000 * np.median(by_round, axis=0).mean(axis=0)]
