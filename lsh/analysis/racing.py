"""Races: LSH against exact search and sketches, at growing sizes of one collection, in steps that can be stopped.

All racers get the same queries, k, and one thread; they are interleaved on every query, in shuffled order, so that
noise of the machine affects all alike. Exact search races twice: one query at a time, and in blocks, where one matrix
product serves many queries, which is where BLAS is fastest.

Times are CPU time of the thread (see `timing.clock`). On a busy machine wall-clock time would include waiting for a
processor, which affects long searches, such as the blocks, the most.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.analysis.timing import Search, interleaved, spread_of_rounds, timed
from lsh.arrays import Float32Array, Float64Array, Int64Array, StoredVectors
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.params import Params
from lsh.quality import Labels, label_precision_at_k, mean_recall
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows, first_rows
from lsh.sketch_index import SketchIndex

LSH, EXACT, BATCHED, SKETCHES = RACERS = ("lsh", "exact", "batched", "sketches")
MIN_SIZE = 1000
BLOCK = 64  # queries in one matrix product
BLOCK_EVERY = 25  # single queries between two blocks
SKETCH_PROBES, SKETCH_RERANKED = 16, 40
ROUNDS = 7
MAX_TIMED, MIN_TIMED = 200, 10  # queries
BUDGET_S: Final = 4.0  # of timing at one size: slow searches get fewer queries, not more time

T = TypeVar("T")

_OVERHEAD = 3000  # fixed time of any size, in rows, so that the progress bar moves evenly


@dataclass(frozen=True, slots=True)
class Lap:
    """The result of one racer at one size, over the same queries as the others.

    n: vectors searched, the first rows of the collection. ms: mean milliseconds per query, of each query's median over
    the rounds; of a block, its median divided by its queries. p50_ms, p95_ms, p99_ms: percentiles over the `n_timed`
    queries of the time until a query is answered (in a block, the time of the whole block). spread: the fraction by
    which the slowest round was slower than the fastest; smaller differences between two times are noise. recall,
    label_precision (None without labels) and candidates, the fraction of the n vectors that were candidates: means, 0
    to 1. build_s: seconds of CPU time to build the index on one thread. index_bytes: its size, without the vectors.
    """

    racer: str
    n: int
    ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    spread: float
    n_timed: int
    recall: float
    label_precision: float | None
    candidates: float
    build_s: float
    index_bytes: int


class _Racer(NamedTuple):
    """A search, the seconds that building its index took, and the index's size in bytes."""

    search: Callable[[Float32Array], SearchResult]
    build_s: float
    nbytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of a race: the share of the work done, 0 to 1, what is done next, and the laps just finished."""

    share: float
    doing: str
    laps: tuple[Lap, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Parameters of a race: LSH's tables, bits per key and probes per table; and k, the same for all racers."""

    n_tables: int
    n_bits: int
    n_probes: int = 1
    k: int = 10


def sizes_up_to(n: int) -> list[int]:
    """Return 1,000, 2,000, 5,000, 10,000 ... and n itself, without sizes that n exceeds by less than a fifth."""
    steps = [digit * MIN_SIZE * 10**power for power in range(8) for digit in (1, 2, 5)]
    return [*(step for step in steps if 1.2 * step <= n), n]


def race(
    index: LSHIndex,
    Q: npt.ArrayLike,
    setting: Setting,
    sizes: Sequence[int],
    labels: tuple[Labels, Labels] | None,
) -> Generator[Step, None, None]:
    """Race on queries Q (float32[nq, d], nq >= 1) at each of `sizes`; the caller may stop after any step.

    index: of the whole collection. The indexes that race are built with its parameters and the setting's tables, from
    the first rows, which are a fair sample if rows are in random order. labels: of the queries and of the collection,
    for label precision. Raises ParameterError for sizes above that of the collection.
    """
    return race_over(index.exact.X, index.params, Q, setting, sizes, labels)


def race_over(
    X: StoredVectors,
    params: Params,
    Q: npt.ArrayLike,
    setting: Setting,
    sizes: Sequence[int],
    labels: tuple[Labels, Labels] | None,
) -> Generator[Step, None, None]:
    """Race as `race` does, over the rows of X, float32[n, d] or encoded, of which no index has been built."""
    queries = validate.queries(Q, X.shape[1])
    setting = Setting(*params.setting(setting.n_tables, setting.n_bits, setting.n_probes), setting.k)
    if not sizes or min(sizes) < 1 or max(sizes) > len(X):
        raise ParameterError(f"sizes are {list(sizes)}; expected at least one, each from 1 to the {len(X)} vectors")
    done, whole = 0, sum(n + _OVERHEAD for n in sizes)
    for build in _builds(params, first_rows(X, min(MIN_SIZE, *sizes))):
        build()  # compiles, so that no build time includes it
    for n in sizes:
        for step in _race_at(first_rows(X, n), params, queries, setting, labels):
            yield Step((done + step.share * (n + _OVERHEAD)) / whole, step.doing, step.laps)
        done += n + _OVERHEAD


def crossover(n: Sequence[float], mine: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the size from which `mine` stays the smaller time; None if it is not at the last size.

    n: ascending. Between two sizes both times are interpolated linearly on log scales. If `mine` is smaller at every
    size, that is the first size.
    """
    gain = np.log(np.asarray(theirs)) - np.log(np.asarray(mine))  # above 0 where mine is faster
    behind = np.flatnonzero(gain <= 0)
    if not len(behind):
        return float(n[0])
    last = int(behind[-1])
    if last == len(gain) - 1:
        return None
    fraction = -gain[last] / (gain[last + 1] - gain[last])
    return float(np.exp(np.interp(fraction, [0, 1], np.log(n[last : last + 2]))))


def _race_at(
    X: StoredVectors, params: Params, queries: Float32Array, setting: Setting, labels: tuple[Labels, Labels] | None
) -> Iterator[Step]:
    """Race over all rows of X."""
    n = len(X)
    clips = f"{n:,} clips"
    yield Step(0.0, f"{clips}: sorting them into hash tables")
    builds = _builds(replace(params, n_tables=setting.n_tables), X)
    lsh, lsh_s = _timed_build(builds[0])
    exact, exact_s = _timed_build(builds[1])
    yield Step(0.2, f"{clips}: sketching them")
    sketches, sketches_s = _timed_build(builds[2])
    yield Step(0.4, f"{clips}: comparing answers")
    k = setting.k
    racers = [
        _Racer(lambda q: lsh.search(q, k, setting.n_tables, setting.n_bits, setting.n_probes), lsh_s, lsh.nbytes),
        _Racer(lambda q: exact.search(q, k), exact_s, exact.nbytes),
        _Racer(lambda q: exact.search(q, k), exact_s, exact.nbytes),  # batched, once it is given a block
        _Racer(lambda q: sketches.search(q, k, SKETCH_PROBES, SKETCH_RERANKED), sketches_s, sketches.nbytes),
    ]
    found = [racer.search(queries) for racer in racers]
    truth = found[RACERS.index(EXACT)]
    seconds = yield from _time_searches([racer.search for racer in racers], queries, clips)
    results = zip(RACERS, racers, seconds, found, strict=True)
    yield Step(1.0, clips, tuple(_lap(n, *result, truth, labels) for result in results))


def _builds(
    params: Params, X: StoredVectors
) -> tuple[Callable[[], LSHIndex], Callable[[], ExactSearch], Callable[[], SketchIndex]]:
    """Return the functions that build the indexes of a race."""
    return (
        lambda: LSHIndex(**asdict(params)).fit(X),
        lambda: ExactSearch(X, params.metric),
        lambda: SketchIndex(params.metric, seed=params.seed).fit(X),
    )


def _timed_build(build: Callable[[], T]) -> tuple[T, float]:
    """Return what `build` returns, and the seconds of CPU time that it took on one thread."""
    built: list[T] = []
    (seconds,) = next(interleaved([timed(lambda _: built.append(build()))], [0], 1)).values
    return built[0], seconds


def _time_searches(
    searches: Sequence[Search], queries: Float32Array, clips: str
) -> Generator[Step, None, list[Float64Array]]:
    """Return the seconds of each racer: float64[rounds, queries timed]; of the batched one float64[rounds, blocks].

    Every search has run once before, so that no compilation is timed.
    """

    def single(search: Search) -> Callable[[int], float]:
        return timed(lambda row: search(queries[row : row + 1]))

    batched = RACERS.index(BATCHED)
    alone = [single(search) for search in (*searches[:batched], *searches[batched + 1 :])]
    rows = _affordable(sum(next(interleaved(alone, [0], 1)).values), len(queries))
    block = queries[np.arange(BLOCK) % len(queries)]
    blocks = interleaved([timed(lambda _: searches[batched](block))], [0], ROUNDS * len(rows))
    by_query: list[list[float]] = []
    by_block: list[float] = []
    for i, measured in enumerate(interleaved(alone, rows.tolist(), ROUNDS, "shuffled")):
        by_query.append(measured.values)
        if i % len(rows) % BLOCK_EVERY == 0:
            by_block += next(blocks).values
        share = (i + 1) / (ROUNDS * len(rows))
        yield Step(0.4 + 0.6 * share, f"{clips}: round {measured.round + 1} of {ROUNDS}")
    seconds = list(np.moveaxis(np.reshape(by_query, (ROUNDS, len(rows), len(alone))), 2, 0))
    seconds.insert(batched, np.reshape(by_block, (ROUNDS, -1)))
    return seconds


def _affordable(seconds: float, n_queries: int) -> Int64Array:
    """Return the rows of the queries to time: as many as the budget allows, within limits."""
    n_timed = min(max(int(BUDGET_S / ROUNDS / seconds), MIN_TIMED), MAX_TIMED, n_queries)
    return evenly_spaced_rows(n_queries, n_timed)


def _lap(
    n: int,
    name: str,
    racer: _Racer,
    seconds: Float64Array,
    found: SearchResult,
    truth: SearchResult,
    labels: tuple[Labels, Labels] | None,
) -> Lap:
    precision = None if labels is None else float(label_precision_at_k(found.ids, *labels).mean())
    # Every block holds the same queries, so that its times differ by noise alone.
    times = 1000 * (np.median(seconds, keepdims=True)[0] if name == BATCHED else np.median(seconds, axis=0))
    p50, p95, p99 = map(float, np.quantile(times, [0.5, 0.95, 0.99]))
    return Lap(
        racer=name,
        n=n,
        ms=float(times.mean()) / (BLOCK if name == BATCHED else 1),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        spread=float(spread_of_rounds(seconds)),
        n_timed=BLOCK if name == BATCHED else seconds.shape[1],
        recall=mean_recall(found, truth),
        label_precision=precision,
        candidates=float(found.n_candidates.mean()) / n,
        build_s=racer.build_s,
        index_bytes=racer.nbytes,
    )
