"""Recall and time of searches among some vectors alone, by several libraries: `python -m benchmarks.filters DATASET`.

Each method searches with its fastest setting that has the wanted recall without a filter, and keeps it. Queries are
searched one at a time, on one thread, all methods in turns.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.ground_truth import GroundTruth
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.methods import load
from benchmarks.methods._base import Answer, Method, Settings
from benchmarks.peers.report import on_machine
from benchmarks.search_problem import prepare, unit
from data_prep.dataset import open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError
from earshot_common.command_line import fraction, whole_number
from lsh.analysis.timing import interleaved, timed
from lsh.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from lsh.errors import LSHError

K = 10
SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)
_MOST_TRIED = 100  # queries by which the settings are chosen
_Search = Callable[[Float32Array, int], Answer]


class Filter(NamedTuple):
    """A filter to measure: its kind, and which vectors it allows, bool[n]."""

    kind: str
    allowed: BoolArray


class Cell(NamedTuple):
    """A method under a filter: recalls of the queries, float64[nq], and microseconds per query."""

    recalls: Float64Array
    microseconds: float


def builds(n: int) -> dict[str, Settings]:
    """Return the methods, and how their indexes of n vectors are built."""
    cells = 2 ** round(math.log2(n) / 2)
    return {
        "lsh-sketch": {"n_buckets": cells},
        "lsh-tables": load("lsh-tables").builds(n)[0],
        "exact": {},
        "hnswlib": {"M": 16, "ef_construction": 200},
        "faiss-ivf-flat": {"cells": cells},
        "faiss-hnsw": {"M": 16},
        "usearch": {"connectivity": 16, "dtype": "f32"},
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.filters", description="Measure searches among some of the vectors alone."
    )
    problem = "folder of a prepared dataset, like:N, or BASE.npy,QUERIES.npy"
    parser.add_argument("dataset", metavar="DATASET", help=problem)
    parser.add_argument("--metric", choices=("cosine", "euclidean"), default="cosine", help="(default: cosine)")
    parser.add_argument("--recall", type=fraction, default=0.9, help="without a filter (default: 0.9)")
    parser.add_argument("--queries", type=whole_number(2, 100_000), default=500, help="at most (default: 500)")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="timing rounds (default: 3)")
    options = parser.parse_args(arguments)
    return command_line.run(lambda: _run(options), (BenchmarkError, DataError, LSHError, WriteError))


def _run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        problem = prepare(options.dataset, options.queries, Path(folder), lambda text: print(text, file=sys.stderr))
        X, Q = (np.asarray(vectors, np.float32) for vectors in problem.vectors())
        if options.metric == "cosine":
            X, Q = unit(X), unit(Q)
        print(f"{problem.name}: {len(X):,} vectors, {len(Q):,} queries; {on_machine(describe())}\n")
        methods = _built(X, Q, options.metric, options.recall)
        usual = measure([method.search_one for method in methods.values()], X, Q, options.metric, None, options.rounds)
        before = dict(zip(methods, usual, strict=True))
        rows = [("none", "", before)]
        for one in filters(options.dataset, X, Q, options.metric):
            searches = {name: method.filtered(one.allowed) for name, method in methods.items()}
            able: dict[str, _Search] = {name: search for name, search in searches.items() if search is not None}
            cells = measure(list(able.values()), X, Q, options.metric, one.allowed, options.rounds)
            rows.append((one.kind, _percent(one.allowed.mean()), dict(zip(able, cells, strict=True))))
    able_of = rows[1][2]
    print(f"\nRecall of {K} neighbours; marked < where it is below that without a filter by two standard errors:\n")
    print(table(["filter", "allowed", *able_of], [[*row[:2], *_recalls(row[2], before, able_of)] for row in rows]))
    print("\nMicroseconds per query:\n")
    print(table(["filter", "allowed", *able_of], [[*row[:2], *_times(row[2], able_of)] for row in rows]))


def _built(X: Float32Array, Q: Float32Array, metric: str, recall: float) -> dict[str, Method]:
    """Return the index of each method that is installed, with its fastest setting of the wanted recall."""
    found: dict[str, Method] = {}
    tried = Q[:_MOST_TRIED]
    truth = GroundTruth.compute(X, tried, metric, K)
    for name, build in builds(len(X)).items():
        try:
            kind = load(name)
        except MethodError as error:
            print(f"- {name}: not measured: {error}")
            continue
        method, best, least = kind(X, metric, **build), None, math.inf
        if method.filtered(np.ones(len(X), np.bool_)) is None:
            print(f"- {name}: not measured: its Python package has no filter for searches")
            continue
        for setting in kind.searches(len(X), build):
            method.use(**setting)
            for round_ in range(2):  # the first compiles and fills caches
                seconds, answers = _timed_answers(method.search_one, tried[: None if round_ else 5])
            if truth.recalls(answers).mean() >= recall and seconds < least:
                best, least = setting, seconds
        if best is None:
            print(f"- {name}: not measured: no setting has a recall of {recall:g}")
            continue
        method.use(**best)
        print(f"- {name}: {', '.join(f'{key} {value}' for key, value in {**build, **best}.items()) or 'no setting'}")
        found[name] = method
    return found


def _timed_answers(search: _Search, Q: Float32Array) -> tuple[float, Int64Array]:
    answers = np.full((len(Q), K), -1, np.int64)

    def run(q: int) -> None:
        one = np.asarray(search(Q[q], K)).astype(np.int64)[:K]
        answers[q, : len(one)] = one

    call = timed(run)
    return sum(map(call, range(len(Q)))), answers


def filters(dataset: str, X: Float32Array, Q: Float32Array, metric: str) -> Iterator[Filter]:
    """Yield random vectors, those with a label and those farthest from the queries, of about each share.

    dataset: as the command line takes it; one without labels has no such filters.
    """
    n, rng = len(X), np.random.default_rng(0)
    order = rng.permutation(n)
    centre = Q.astype(np.float64).mean(axis=0)
    away = -X @ centre if metric == "cosine" else ((X - centre) ** 2).sum(axis=1)
    farthest = np.argsort(-away, kind="stable")
    known: set[int] = set()
    counts = open_dataset(dataset).label_counts("train") if Path(dataset).is_dir() else np.zeros(0, np.int64)
    for share in SHARES:
        size = max(1, round(share * n))
        yield Filter("random", _mask(order[:size], n))
        if counts.any():
            label = int(np.abs(np.log(np.maximum(counts, 1e-9) / size)).argmin())
            if label not in known:
                opened = open_dataset(dataset)
                yield Filter(f"label {opened.label_names[label]}", opened.has_label("train", [label]))
            known.add(label)
        yield Filter("farthest", _mask(farthest[:size], n))


def measure(
    searches: list[_Search], X: Float32Array, Q: Float32Array, metric: str, allowed: BoolArray | None, rounds: int
) -> list[Cell]:
    """Return recalls and times of searches, one query at a time and in turns; allowed: what they may find, or None."""
    rows = np.arange(len(X)) if allowed is None else np.flatnonzero(allowed)
    k = min(K, len(rows))
    truth, place = GroundTruth.compute(X[rows], Q, metric, k), np.full(len(X) + 1, -1)
    place[rows] = np.arange(len(rows))
    answers = np.full((len(searches), len(Q), k), -1, np.int64)

    def call(number: int, q: int) -> None:
        one = np.asarray(searches[number](Q[q], k)).astype(np.int64)[:k]
        answers[number, q, : len(one)] = one

    turns = [timed(lambda q, number=number: call(number, q)) for number in range(len(searches))]  # type: ignore[misc]
    for turn in turns:
        turn(0)
    seconds = np.array([one.values for one in interleaved(turns, range(len(Q)), rounds, "shuffled")])
    times = np.median(seconds.reshape(rounds, len(Q), -1), axis=0).mean(axis=0)
    answers[(answers < 0) | (answers >= len(X))] = -1  # place[-1] is -1
    return [Cell(truth.recalls(place[own]), 1e6 * one) for own, one in zip(answers, times.tolist(), strict=True)]


def is_below(recalls: Float64Array, before: Float64Array) -> bool:
    """Return whether the mean recall is below that without a filter by more than two standard errors, paired."""
    gain = recalls - before
    return bool(gain.mean() < -2 * gain.std(ddof=1) / math.sqrt(len(gain)))


def _recalls(cells: dict[str, Cell], before: dict[str, Cell], names: dict[str, Cell]) -> list[str]:
    below = {name: is_below(cells[name].recalls, before[name].recalls) for name in names}
    return [f"{'< ' if below[name] else ''}{cells[name].recalls.mean():.3f}" for name in names]


def _times(cells: dict[str, Cell], names: dict[str, Cell]) -> list[str]:
    return [f"{cells[name].microseconds:,.0f}" for name in names]


def _mask(rows: Int64Array, n: int) -> BoolArray:
    mask = np.zeros(n, np.bool_)
    mask[rows] = True
    return mask


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


if __name__ == "__main__":
    sys.exit(main())
