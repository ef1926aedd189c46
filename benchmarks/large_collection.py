"""A collection of AudioSet's size on a small machine: `python -m benchmarks.large_collection`.

The vectors stay in their file, mapped into memory. A process of its own builds a `SketchIndex` on all cores and answers
one query at a time on one thread. What it holds in memory counts the pages of the file that it has touched.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.errors import BenchmarkError
from benchmarks.ground_truth import GroundTruth
from benchmarks.machine import describe, peak, resident
from benchmarks.search_problem import CACHE, SearchProblem, prepare
from earshot_common import command_line
from lsh import SketchIndex
from lsh.analysis.timing import interleaved
from lsh.validate import METRICS
from lsh.warm import warm

SETTINGS = [(8, 40), (8, 70), (16, 70), (16, 120), (32, 120), (64, 200)]  # n_probes, n_reranked
_ROUNDS = 5
_BLOCK = 10  # queries timed together; the fastest round of each block counts, since noise only ever adds time


class Measured(NamedTuple):
    """What the process that built the index has to say: ids int64[nq, k] and milliseconds a query by setting.

    build_cpu_s: seconds of work on all cores together, which other work on the machine hardly changes.
    """

    build_s: float
    build_cpu_s: float
    peak_mb: float
    resident_mb: float
    index_mb: float
    answers: list[tuple[npt.NDArray[np.int64], float]]


def measure(problem: SearchProblem, metric: str, k: int) -> Measured:
    """Build and search; to be run in a fresh process, whose memory is nobody else's."""
    warm()
    X, Q = problem.vectors()
    start, cpu_start = time.perf_counter(), time.process_time()
    index = SketchIndex(metric).fit(X)
    seconds = time.perf_counter() - start, time.process_time() - cpu_start
    highest = peak()
    answers = [index.search(Q, k, *setting).ids for setting in SETTINGS]
    ms = _ms_per_query([partial(_block_seconds, index, Q, k, *setting) for setting in SETTINGS], len(Q))
    return Measured(*seconds, highest / 1e6, resident() / 1e6, index.nbytes / 1e6, list(zip(answers, ms, strict=True)))


def _block_seconds(
    index: SketchIndex, Q: npt.NDArray[np.float32], k: int, n_probes: int, n_reranked: int, block: int
) -> float:
    """Return the seconds that a block of queries takes, one at a time, with the waiting for pages of the file."""
    start = time.perf_counter()
    for q in range(block * _BLOCK, min((block + 1) * _BLOCK, len(Q))):
        index.search(Q[q : q + 1], k, n_probes, n_reranked)
    return time.perf_counter() - start


def _ms_per_query(settings: Sequence[Callable[[int], float]], n_queries: int) -> list[float]:
    """Return milliseconds per query of each setting, of the fastest round of each block."""
    fastest = np.full((-(-n_queries // _BLOCK), len(settings)), np.inf)
    for measured in interleaved(settings, range(len(fastest)), _ROUNDS):
        np.minimum(fastest[measured.query], measured.values, out=fastest[measured.query])
    return [float(seconds * 1e3 / n_queries) for seconds in fastest.sum(axis=0)]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_collection", description=__doc__)
    parser.add_argument("--dataset", default="like:2000000", help="as for python -m benchmarks (like:2000000)")
    parser.add_argument("--metric", default="cosine", choices=METRICS)
    parser.add_argument("--queries", type=int, default=300, help="how many (300)")
    options = parser.parse_args(arguments)

    def command() -> None:
        with TemporaryDirectory() as folder:
            problem = prepare(options.dataset, options.queries, Path(folder), command_line.log)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                measured = pool.submit(measure, problem, options.metric, 10).result()
            _report(problem, measured, GroundTruth.compute(*problem.vectors(), options.metric, 10))
            if problem.base.is_relative_to(CACHE):
                print(f"\n{problem.base} is kept as a cache; delete it when you are done.")

    return command_line.run(command, (BenchmarkError,))


def _report(problem: SearchProblem, measured: Measured, truth: GroundTruth) -> None:
    machine = describe()
    print(f"{problem.name}, {truth.metric}; {machine['cpu']}, {machine['cores']} cores, load {machine['load']}")
    print(f"built in {measured.build_s:.1f} s ({measured.build_cpu_s:.1f} s of work on all cores together)")
    print(f"the index takes {measured.index_mb:.0f} MB beside the vectors")
    print(f"memory with the vectors' pages: {measured.resident_mb:.0f} MB, {measured.peak_mb:.0f} MB while building")
    print("\n| probes | re-ranked | recall@10 | ms a query |\n| --: | --: | --: | --: |")
    for (n_probes, n_reranked), (ids, ms) in zip(SETTINGS, measured.answers, strict=True):
        print(f"| {n_probes} | {n_reranked} | {truth.recalls(ids).mean():.3f} | {ms:.3f} |")


if __name__ == "__main__":
    sys.exit(main())
