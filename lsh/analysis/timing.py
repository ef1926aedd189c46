"""Interleaved timing: each round runs every setting once per query, so that noise of the machine falls on all alike."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from lsh.analysis import machine
from lsh.arrays import Float32Array, Float64Array

Search = Callable[[Float32Array], object]
Order = Literal["fixed", "alternating", "shuffled"]
T = TypeVar("T")

# CPU time of this thread: on a busy machine wall-clock time includes waiting for a processor, and the longer a search
# takes, the more. Where the system counts CPU time too coarsely, wall-clock time.
_MAX_RESOLUTION_S = 1e-6
clock = time.thread_time if time.get_clock_info("thread_time").resolution <= _MAX_RESOLUTION_S else time.perf_counter
MANY_QUERIES = 200  # enough for a mean, in seconds
_MIN_QUERIES = 20
_MAX_DISTANCES = 8_000_000  # of one round of exact search
_ROUNDS = 5
_RUNNING = threading.Lock()  # measurements of other threads would disturb each other, and the limit of BLAS


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
    BLAS is limited to one thread while they run, and measurements of other threads wait; not while the caller holds
    a measurement, which may so stop at any.
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
            with _RUNNING, blas.limit(limits=1, user_api="blas"):
                measured = {place: settings[place](query) for place in places}
            yield Measurement(number, query, [measured[place] for place in range(len(settings))])


def timed(run: Callable[[int], object], own_clock: Callable[[], float] | None = None) -> Callable[[int], float]:
    """Return a function that calls `run` and returns the seconds that the call took, by default of CPU time."""

    def seconds(query: int) -> float:
        now = own_clock or clock
        start = now()
        run(query)
        return now() - start

    return seconds


def ms_per_query(searches: Sequence[Search], Q: Float32Array, rounds: int = 3) -> list[float]:
    """Return the mean milliseconds of CPU time per query of each search, one query at a time on one thread.

    The searches are interleaved; each query counts with its median over the rounds. Each search runs once before
    anything is timed (compilation, cold caches).
    """
    return ms_and_spread(searches, Q, rounds)[0]


def ms_and_spread(searches: Sequence[Search], Q: Float32Array, rounds: int = 3) -> tuple[list[float], list[float]]:
    """Return what `ms_per_query` returns, and the spread of each search's rounds (see `spread_of_rounds`)."""
    seconds = _seconds(searches, Q, rounds, "fixed")
    return (1000 * np.median(seconds, axis=0).mean(axis=0)).tolist(), spread_of_rounds(seconds).tolist()


def ms_and_spread_in_turns(
    groups: Sequence[Sequence[Search]], Q: Float32Array, rounds: int = 3
) -> tuple[list[float], list[float]]:
    """Return what `ms_and_spread` returns of the searches of all groups, where none reads what another has just read.

    In a round one group after another answers all queries, so that a search that fills the processor's caches, such as
    exact search, can be kept from the others. The searches of a group take turns in shuffled order, and those of a turn
    answer queries far apart: of two indexes that read the same vectors for a query, or two settings of one index, the
    second would find them in the caches.
    """
    n, by_round = len(Q), []

    def setting(group: Sequence[Search], place: int) -> Callable[[int], object]:
        return lambda turn: group[place](Q[(turn + place * n // len(group)) % n][None])

    settings = [[setting(group, place) for place in range(len(group))] for group in groups]
    for runs in settings:
        next(interleaved(runs, [0], rounds=1))
    for number in range(rounds):
        turns = range(number * n, (number + 1) * n)  # shuffled otherwise than in the round before
        taken = [[m.values for m in interleaved(list(map(timed, runs)), turns, 1, "shuffled")] for runs in settings]
        by_round.append(np.concatenate(taken, axis=1))
    seconds = np.stack(by_round)  # of a search, each row is of one query: the same one in all rounds
    return (1000 * np.median(seconds, axis=0).mean(axis=0)).tolist(), spread_of_rounds(seconds).tolist()


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Times of a search and of exact search, which answered the same queries in the same rounds.

    ms, exact_ms: milliseconds of CPU time per query, one query at a time on one thread; each query counts with its
    median over the rounds. spread: the fraction by which the slowest round was slower than the fastest, of the search
    or of exact search, whichever is larger; smaller differences between two times are noise. split: the dataset's
    split that the queries are from, "" if unknown. processor: see `lsh.analysis.machine.processor`.
    """

    ms: float
    exact_ms: float
    spread: float
    n_queries: int
    split: str
    rounds: int
    processor: str


def n_timed(n: int) -> int:
    """Return the number of queries to time in a collection of n rows: 200, down to 20 where exact search is slow."""
    return max(_MIN_QUERIES, min(MANY_QUERIES, _MAX_DISTANCES // max(n, 1)))


def search_times(
    search: Search, exact: Search, Q: Float32Array, split: str = "", own_clock: Callable[[], float] | None = None
) -> SearchTimes:
    """Measure a search beside exact search on queries Q, float32[nq, d], nq >= 1, interleaved in shuffled order.

    own_clock: in seconds; by default the CPU time of this thread, which a search by other processes does not take.
    """
    seconds = _seconds([search, exact], Q, _ROUNDS, "shuffled", own_clock)
    ms, exact_ms = (float(value) for value in 1000 * np.median(seconds, axis=0).mean(axis=0))
    spread = float(spread_of_rounds(seconds).max())
    return SearchTimes(ms, exact_ms, spread, len(Q), split, _ROUNDS, machine.processor())


def spread_of_rounds(seconds: Float64Array) -> Float64Array:
    """Return the fraction by which the slowest round was slower than the fastest, of each search.

    seconds: float64[rounds, nq, ...], where the remaining axes number the searches; the answer has these alone.
    """
    typical = np.maximum(np.median(seconds, axis=0), 1e-9)
    # 1.1 for a round that was 10 % slower than usual; limited, as one interruption says little.
    by_round = np.clip(seconds / typical, 0.5, 2.0).mean(axis=1)
    return np.asarray(np.ptp(by_round, axis=0))


def same_time(one: float, other: float, spread: float) -> bool:
    """Return whether two times differ by no more than `spread`, a fraction of the smaller."""
    return max(one, other) <= (1 + spread) * min(one, other)


def _seconds(
    searches: Sequence[Search], Q: Float32Array, rounds: int, order: Order, own_clock: Callable[[], float] | None = None
) -> Float64Array:
    """Return the seconds of each search: float64[rounds, nq, n_searches]; each runs once before anything is timed."""

    def setting(search: Search) -> Callable[[int], object]:
        return lambda q: search(Q[q : q + 1])

    settings = [setting(search) for search in searches]
    next(interleaved(settings, [0], rounds=1))
    seconds = [m.values for m in interleaved([timed(run, own_clock) for run in settings], range(len(Q)), rounds, order)]
    return np.reshape(seconds, (rounds, len(Q), len(searches)))
