"""Growing indexes: rows added and removed per second, and the cost of segments: `python -m benchmarks.growing`.

Vectors like AudioSet's clips are generated. An index of the first ones grows by batches; then the same vectors are
searched in 1, 2 and 8 segments and, interleaved with that, after `compact`.
"""

import argparse
import copy
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.peers.report import on_machine
from benchmarks.search_problem import prepare
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh import ExactSearch, LSHIndex, SketchIndex
from lsh.analysis.timing import ms_and_spread
from lsh.arrays import Float32Array
from lsh.errors import LSHError

SEGMENTS = (1, 2, 8)
_SHARE = 4.5  # a segment is so many times as large as the next one, so that the two are not merged
_BATCH = 1_000
_BATCHES = 20
_REMOVED = 100  # one in so many vectors
_QUERIES = 100
_ROUNDS = 5


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growing", description="Measure adding, removing, and searching in segments."
    )
    parser.add_argument(
        "--rows", type=whole_number(100, 10_000_000), default=200_000, help="vectors at first (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    return command_line.run(lambda: _run(options.rows), (BenchmarkError, LSHError))


def _run(n: int) -> None:
    machine, n_more = describe(), max(n // 2, _BATCHES * _BATCH)
    with TemporaryDirectory(prefix="earshot-") as folder:
        problem = prepare(f"like:{n + n_more}", _QUERIES, Path(folder), command_line.log)
        X, Q = (np.array(np.load(path, mmap_mode="r", allow_pickle=False)) for path in (problem.base, problem.queries))
    changes, searches = [], []
    for name, index in _indexes(X[:n]).items():
        command_line.log(name)
        changes.append([name, *_changes(copy.copy(index), X[n:])])
        searches.append([name, *(f"{ratio:.2f}" for ratio in _ratios(index, X[n:], Q))])
    print(on_machine(machine))
    print(
        f"\n{n:,} vectors of {X.shape[1]}, cosine; {_BATCHES} batches of {_BATCH:,} added, one in {_REMOVED} removed\n"
    )
    heads = ["index", "fit, s", "rows added per s", "slowest batch, s", "removed per s", "compact, s"]
    print(table(heads, changes, text_columns=(0,)))
    print(f"\nTime per query, one at a time, as a multiple of that after `compact` ({_ROUNDS} rounds, interleaved)\n")
    cases = [f"{count} segment{'s' * (count > 1)}" for count in SEGMENTS]
    print(table(["index", *cases, "1 in 100 removed"], searches, text_columns=(0,)))


def _indexes(X: Float32Array) -> dict[str, Any]:
    return {"hash tables": LSHIndex().fit(X), "sketches": SketchIndex().fit(X), "exact search": ExactSearch(X)}


def _changes(index: Any, more: Float32Array) -> list[str]:
    """Return the time of `fit`, the rates of adding and removing, and the time of `compact`, as text."""
    began = time.perf_counter()
    fresh = ExactSearch(index.exact.X) if index.kind == "exact" else type(index)().fit(index.exact.X)
    fit_s = time.perf_counter() - began
    index, seconds = fresh, []
    for start in range(0, _BATCHES * _BATCH, _BATCH):
        began = time.perf_counter()
        index.add(more[start : start + _BATCH])
        seconds.append(time.perf_counter() - began)
    removed = np.arange(0, index.n, _REMOVED)
    began = time.perf_counter()
    index.remove(removed)
    remove_s = time.perf_counter() - began
    began = time.perf_counter()
    index.compact()
    compact_s = time.perf_counter() - began
    rates = _BATCHES * _BATCH / sum(seconds), len(removed) / remove_s
    return [f"{fit_s:.2f}", f"{rates[0]:,.0f}", f"{max(seconds):.2f}", f"{rates[1]:,.0f}", f"{compact_s:.2f}"]


def _ratios(index: Any, more: Float32Array, Q: Float32Array) -> list[float]:
    """Return the time of a search in each number of segments, and with removed rows, by that after `compact`."""
    ratios = []
    for count in SEGMENTS:
        grown = copy.copy(index)
        add_segments(grown, more, count)
        ratios.append(_ratio(grown, Q))
    grown = copy.copy(index)
    grown.remove(np.arange(0, grown.n, _REMOVED))
    return [*ratios, _ratio(grown, Q)]


def add_segments(index: Any, more: Float32Array, count: int) -> None:
    """Add vectors so that the index has some number of segments, each less than a quarter of the one before."""
    size, start = index.n / _SHARE, 0
    for _ in range(count - 1):
        rows = max(1, int(size))
        index.add(more[start : start + rows])
        start, size = start + rows, rows / _SHARE
    if index.n_segments != count:
        raise BenchmarkError(f"{index.n:,} vectors lie in {index.n_segments} segments; expected {count}: add --rows")


def _ratio(grown: Any, Q: Float32Array) -> float:
    compacted = copy.copy(grown)
    compacted.compact()
    times, _ = ms_and_spread([grown.search, compacted.search], Q, _ROUNDS)
    return times[0] / times[1]


if __name__ == "__main__":
    sys.exit(main())
