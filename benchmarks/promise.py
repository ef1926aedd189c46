"""Cost of a promised recall, and whether it is kept: `python -m benchmarks.promise`.

For the cost, a promise and the settings of the same index are timed in turns, all queries in one call, on one thread;
of each the fastest round counts. A search with a promise is compared with the fastest setting that reaches the mean
recall which it has, and which it promised. Whether it is kept is told by the means over many seeds.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from math import pi, sqrt, tan
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.methods._base import grid
from benchmarks.peers.report import on_machine
from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh import ExactSearch, LSHIndex, SearchResult, recall_at_k
from lsh.analysis.timing import interleaved, timed
from lsh.arrays import Float32Array, Float64Array
from lsh.errors import LSHError
from lsh.sampling import evenly_spaced_rows
from lsh.validate import METRICS

K = 10
SEARCHED = (("cosine", "hyperplanes"), ("euclidean", "hyperplanes"), ("euclidean", "pstable"))
CONFIDENCE = 0.99
PROMISES = (0.8, 0.9, 0.95, 0.98)
SETTINGS = grid(n_tables=(4, 8, 12, 16, 24, 32, 48, 64), n_bits=(6, 8, 10, 12, 14), n_probes=(1, 2, 4, 8))


class Measured(NamedTuple):
    """A search: its mean recall, mean number of candidates, and microseconds per query."""

    recall: float
    candidates: float
    microseconds: float


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.promise", description="Measure the cost of a promised recall in hash tables."
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset")
    parser.add_argument("--queries", type=whole_number(1, 100_000), default=1000, help="at most (default: 1000)")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=5, help="timing rounds (default: 5)")
    parser.add_argument(
        "--seeds",
        type=whole_number(2, 1000),
        metavar="N",
        help="in place of the cost, test with seeds 0 to N - 1 that each promise is kept: exit with 1 if one is not",
    )
    options = parser.parse_args(arguments)
    return command_line.run(
        lambda: _run(open_dataset(options.dataset), options.queries, options.rounds, options.seeds),
        (BenchmarkError, DataError, LSHError),
    )


def _run(dataset: Dataset, n_queries: int, rounds: int, n_seeds: int | None) -> int:
    if not dataset.n_rows("test"):
        raise BenchmarkError(f"{dataset.path} has no test clips, which are the queries; expected one or more")
    X = np.asarray(dataset.features("train")[:])
    Q = np.asarray(dataset.features("test")[evenly_spaced_rows(dataset.n_rows("test"), n_queries)])
    print(f"{dataset.title}: {len(X):,} clips, {len(Q):,} queries; {on_machine(describe())}")
    if n_seeds:
        return _test(X, Q, n_seeds)
    for metric in METRICS:
        index = LSHIndex(metric, 64, 16).fit(X)
        true = ExactSearch(X, metric).search(Q, K)
        searches: list[Callable[[], SearchResult]] = [partial(index.search, Q, K, recall=r) for r in PROMISES]
        searches += [partial(index.search, Q, K, **setting) for setting in SETTINGS]
        measured = measure(searches, true, rounds)
        rows = [_row(promise, own, measured[len(PROMISES) :]) for promise, own in zip(PROMISES, measured, strict=False)]
        print(f"\n{metric}, {len(SETTINGS)} settings of the same 64 tables\n")
        head = ["promised", "recall", "candidates", "us per query", "fastest of that recall", "ratio"]
        print(table([*head, "fastest of the promised one", "ratio"], rows))
    return 0


def _test(X: Float32Array, Q: Float32Array, n_seeds: int) -> int:
    """Print what each promise came to; return 1 if one was not kept."""
    rows, kept = [], True
    for metric, family in SEARCHED:
        recalls = recalls_of(X, Q, metric, family, n_seeds)
        for promise, own in zip(PROMISES, recalls.T, strict=True):
            lowest = own.mean() - margin(own)
            kept &= bool(lowest >= promise)
            numbers = [f"{x:.4f}" for x in (own.mean(), margin(own), lowest, own.min())]
            rows.append([metric, family, f"{promise:g}", *numbers, "yes" if lowest >= promise else "no"])
    head = ["distance", "family", "promised", "mean recall", "margin", "less the margin", "lowest seed", "kept"]
    print(f"\n{n_seeds} seeds; margin of the mean over seeds: one-sided, {CONFIDENCE:.0%}\n")
    print(table(head, rows, (0, 1)))
    return 0 if kept else 1


def recalls_of(X: Float32Array, Q: Float32Array, metric: str, family: str, n_seeds: int) -> Float64Array:
    """Return the mean recall over the queries, with each seed and for each of `PROMISES`: float64[seeds, promises]."""
    true = ExactSearch(X, metric).search(Q, K)
    indexes = (LSHIndex(metric, 64, 16, seed, family=family).fit(X) for seed in range(n_seeds))
    return np.array([[recall_at_k(one.search(Q, K, recall=r), true).mean() for r in PROMISES] for one in indexes])


def margin(values: Float64Array) -> float:
    """Return how far the expectation may be below the mean of values, one-sided, by Student's t distribution."""
    n = len(values)
    return student_quantile(CONFIDENCE, n - 1) * float(np.std(values, ddof=1)) / sqrt(n)


def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution for a probability above one half.

    By the angle whose tangent is t / sqrt(freedom), over which the density is a power of its cosine.
    """
    angles = np.linspace(0, pi / 2, 100_001)
    density = np.cos(angles) ** (freedom - 1)
    total = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return sqrt(freedom) * tan(float(np.interp(2 * probability - 1, total / total[-1], angles)))


def measure(searches: list[Callable[[], SearchResult]], true: SearchResult, rounds: int) -> list[Measured]:
    """Return the recall, candidates and time of each search."""
    found = [search() for search in searches]
    turns = interleaved([timed(partial(_call, search)) for search in searches], [0], rounds, "alternating")
    seconds = np.min([turn.values for turn in turns], axis=0).tolist()
    return [
        Measured(float(recall_at_k(f, true).mean()), float(f.n_candidates.mean()), 1e6 * s / len(f.ids))
        for f, s in zip(found, seconds, strict=True)
    ]


def _call(search: Callable[[], SearchResult], _: int) -> None:
    search()


def _row(promise: float, own: Measured, others: list[Measured]) -> list[str]:
    cells = [f"{promise:g}", f"{own.recall:.3f}", f"{own.candidates:,.0f}", f"{own.microseconds:.0f}"]
    for wanted in (own.recall, promise):
        times = [other.microseconds for other in others if other.recall >= wanted]
        cells += [f"{min(times):.0f}", f"{own.microseconds / min(times):.2f}"] if times else ["-", "-"]
    return cells


if __name__ == "__main__":
    sys.exit(main())
