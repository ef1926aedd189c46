"""Search in a collection of AudioSet's size with little memory: `python -m benchmarks.large_collection`.

The vectors stay in their file, memory-mapped. A process of its own builds a `SketchIndex` on all cores and searches
with one query at a time on one thread. Its memory includes the pages of the file that it has read. With `--dtype`, the
same buckets and sketches are searched in turns with vectors of other types, which are read when the best are re-ranked.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.ground_truth import GroundTruth
from benchmarks.machine import describe, peak, resident
from benchmarks.markdown import table
from benchmarks.search_problem import CACHE, SearchProblem, prepare
from data_prep.arrays import FEATURE_DTYPES
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError
from earshot_common.command_line import whole_number
from lsh import EncodedVectors, ExactSearch, SketchIndex
from lsh.analysis.timing import interleaved
from lsh.arrays import Float32Array, Int64Array
from lsh.errors import LSHError
from lsh.validate import METRICS
from lsh.warm import warm

SETTINGS = [(8, 40), (8, 70), (16, 70), (16, 120), (32, 120), (64, 200)]  # n_probes, n_reranked
K = 10
_ROUNDS = 5
_BLOCK = 10  # queries timed together; the fastest round of each block counts, since noise only ever adds time


class Measured(NamedTuple):
    """What the process of the index measured.

    answers: per setting and dtype, ids int64[nq, k] and milliseconds per query.

    build_cpu_s: processor time on all cores together, which other work on the machine hardly changes.
    """

    build_s: float
    build_cpu_s: float
    peak_mb: float
    resident_mb: float
    index_mb: float
    answers: list[tuple[Int64Array, float]]


def measure(problem: SearchProblem, metric: str, dtypes: Sequence[str]) -> Measured:
    """Build and search, in a fresh process, since its memory is measured."""
    warm()
    X, Q = problem.vectors()
    start, cpu_start = time.perf_counter(), time.process_time()
    index = SketchIndex(metric).fit(X)
    seconds = time.perf_counter() - start, time.process_time() - cpu_start
    highest = peak()
    stored = [index if dtype == "float32" else _stored_as(dtype, index) for dtype in dtypes]
    ids = [one.search(Q, K, *setting).ids for setting in SETTINGS for one in stored]
    settings = [_block_timer(one, Q, *setting) for setting in SETTINGS for one in stored]
    fastest = np.full((-(-len(Q) // _BLOCK), len(settings)), np.inf)
    for measured in interleaved(settings, range(len(fastest)), _ROUNDS):
        fastest[measured.query] = np.minimum(fastest[measured.query], measured.values)
    ms = (1e3 * fastest.sum(axis=0) / len(Q)).tolist()
    return Measured(*seconds, highest / 1e6, resident() / 1e6, index.nbytes / 1e6, list(zip(ids, ms, strict=True)))


def _stored_as(dtype: str, index: SketchIndex) -> SketchIndex:
    """Return an index with the same buckets and sketches that ranks vectors of another type, mapped from a file too."""
    encoded = EncodedVectors.encode(np.asarray(index.exact.X), dtype)
    with TemporaryDirectory() as folder:  # the mapping keeps the file
        np.save(path := Path(folder) / "vectors.npy", encoded.stored)
        X = EncodedVectors(np.load(path, mmap_mode="r"), encoded.scale, encoded.offset)
    chosen = index.metric, index.wanted_buckets, index.seed, index.family
    return SketchIndex.from_parts(*chosen, ExactSearch(X, index.metric), index.buckets, index.gaps)


def _block_timer(index: SketchIndex, Q: Float32Array, n_probes: int, n_reranked: int) -> Callable[[int], float]:
    """Return a function of a block's number: the seconds its queries take, waiting for pages of the file included."""

    def seconds(block: int) -> float:
        start = time.perf_counter()
        for q in range(block * _BLOCK, min((block + 1) * _BLOCK, len(Q))):
            index.search(Q[q : q + 1], K, n_probes, n_reranked)
        return time.perf_counter() - start

    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_collection",
        description="Build a SketchIndex over a memory-mapped file; measure memory, recall and time per query.",
    )
    parser.add_argument(
        "--dataset", default="like:2000000", help="what to search, as in `python -m benchmarks` (default: like:2000000)"
    )
    parser.add_argument("--metric", default="cosine", choices=METRICS, help="distance (default: cosine)")
    parser.add_argument(
        "--queries", type=whole_number(1, 1_000_000), default=300, help="maximum number of queries (default: 300)"
    )
    parser.add_argument(
        "--dtype",
        nargs="+",
        default=["float32"],
        choices=FEATURE_DTYPES,
        help="types of the vectors that are re-ranked, measured in turns (default: float32)",
    )
    options = parser.parse_args(arguments)

    def command() -> None:
        with TemporaryDirectory() as folder:
            problem = prepare(options.dataset, options.queries, Path(folder), command_line.log)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                measured = pool.submit(measure, problem, options.metric, options.dtype).result()
            _report(problem, options.dtype, measured, GroundTruth.compute(*problem.vectors(), options.metric, K))
            if problem.base.is_relative_to(CACHE):
                print(f"\n{problem.base} is kept for the next run; delete it when you no longer need it.")

    return command_line.run(command, (BenchmarkError, DataError, LSHError, WriteError))


def _report(problem: SearchProblem, dtypes: Sequence[str], measured: Measured, truth: GroundTruth) -> None:
    machine = describe()
    print(f"{problem.name}, {truth.metric}; {machine['cpu']}, {machine['cores']} cores, load {machine['load']}")
    print(f"built in {measured.build_s:.1f} s ({measured.build_cpu_s:.1f} s of processor time on all cores together)")
    print(f"the index takes {measured.index_mb:.0f} MB without the vectors")
    print(f"memory with the vectors' pages: {measured.resident_mb:.0f} MB, {measured.peak_mb:.0f} MB while building\n")
    answers = iter(measured.answers)
    rows = []
    for setting in SETTINGS:
        own = [next(answers) for _ in dtypes]
        figures = [(f"{truth.recalls(ids).mean():.3f}", f"{ms:.3f}") for ids, ms in own]
        rows.append([*map(str, setting), *(text for pair in figures for text in pair)])
    titles = [f"{what}, {dtype}" for dtype in dtypes for what in (f"recall@{K}", "ms per query")]
    print(table(["probes", "re-ranked", *titles], rows, text_columns=()))


if __name__ == "__main__":
    sys.exit(main())
