"""Searches within a radius, and duplicates among many vectors, beside FAISS: `python -m benchmarks.duplicates`.

With a dataset, its test clips are searched for all clips within a radius, and its clips for all pairs within one; all
methods in turns, on one thread. Without one, vectors like AudioSet's clips are generated, and copies of a hundredth of
them, moved by a part of the usual radius, are put at random places among them. FAISS, where it is installed, answers
the same question for some of the rows with `range_search` of IndexFlat; its time for all rows is that of these in
proportion.
"""

import argparse
import math
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.filters.__main__ import builds
from benchmarks.ground_truth import pairs_within
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.methods import load
from benchmarks.methods._base import Method, Ranges, Settings
from benchmarks.peers.report import on_machine
from benchmarks.search_problem import prepare, unit
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError
from earshot_common.command_line import fraction, whole_number
from lsh import Duplicates, ExactSearch, duplicates
from lsh.analysis.timing import interleaved, timed
from lsh.arrays import Float32Array, Float64Array, Int64Array
from lsh.errors import LSHError
from lsh.pairs.duplicates import usual_radius
from lsh.sampling import evenly_spaced_rows
from lsh.validate import METRICS

PARTS = (0.1, 0.5, 0.95)  # of the radius: the distances of copies
RANKS = (1, 10, 100)  # neighbours whose median distance is a radius
METHODS = ("lsh-sketch", "lsh-tables", "exact", "faiss-flat", "faiss-ivf-flat")
_ALL_PAIRS = ("exact", "faiss-flat", "faiss-ivf-flat")
_COPIES = 100  # one in so many vectors is a copy
_FAISS_ROWS = 500
_BLOCK = 10_000  # copies that are moved at a time
_MOST_TRIED = 100  # queries by which the settings are chosen


_Built = tuple[Method, list[Settings]]  # a method's index, and the settings of its searches within a radius


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.duplicates",
        description="Measure searches within a radius; or find planted near copies among generated vectors.",
    )
    problem = "folder of a prepared dataset, like:N, or BASE.npy,QUERIES.npy (default: planted copies)"
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help=problem)
    parser.add_argument(
        "--rows",
        type=whole_number(1_000, 10_000_000),
        default=2_000_000,
        help="generated vectors (default: %(default)s)",
    )
    parser.add_argument("--metric", choices=METRICS, default="cosine", help="distance (default: %(default)s)")
    parser.add_argument(
        "--threads", type=whole_number(1, 256), default=2, help="threads, with planted copies (default: %(default)s)"
    )
    share = "share to find of what is within the radius, in a dataset (default: %(default)s)"
    parser.add_argument("--recall", type=fraction, default=0.95, help=share)
    parser.add_argument("--queries", type=whole_number(1, 100_000), default=500, help="at most (default: %(default)s)")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="timing rounds (default: %(default)s)")
    options = parser.parse_args(arguments)
    run = _run if options.dataset is None else _compare
    return command_line.run(lambda: run(options), (BenchmarkError, DataError, LSHError, WriteError))


def _compare(options: argparse.Namespace) -> None:
    with TemporaryDirectory(prefix="earshot-") as folder:
        problem = prepare(options.dataset, options.queries, Path(folder), command_line.log)
        X, Q = (np.array(vectors, np.float32) for vectors in problem.vectors())
    metric, wanted, rounds = options.metric, options.recall, options.rounds
    if metric == "cosine":
        X, Q = unit(X), unit(Q)
    print(f"{problem.name}: {len(X):,} vectors, {len(Q):,} queries, {metric}; {on_machine(describe())}\n")
    every, exact = _built(X, metric), ExactSearch(X, metric)
    away = exact.search(Q, RANKS[-1]).distances
    radii = {rank: float(np.median(away[:, rank - 1])) for rank in RANKS if rank <= away.shape[1]}
    rows = []
    for rank, radius in radii.items():
        command_line.log(f"searches within {radius:.4g}")
        true = pairs_within(X, Q, metric, radius)
        searches = chosen(every, X, Q, radius, true, wanted)
        measured = times([search for search, _ in searches.values()], Q, rounds)
        for (name, (search, setting)), own in zip(searches.items(), measured, strict=True):
            found = f"{share(codes_of(search(Q), len(X)), true):.3f}"
            shown = [f"{1e6 * seconds / n:,.0f}" for seconds, n in zip(own, (1, len(Q)), strict=True)]
            rows.append([f"{radius:.4g}", str(rank), f"{len(true) / len(Q):,.1f}", name, found, *shown, setting])
    head = ["radius", "of neighbour", "within it", "method", "found", "us, one at a time", "us, in a batch", "setting"]
    print(table(head, rows, text_columns=(3, 7)))
    rows = []
    joined = {"usual": usual_radius(exact), "of neighbour 1": radii[1]}
    for name, radius in ((name, radius) for name, radius in joined.items() if radius):  # within 0 FAISS finds nothing
        command_line.log(f"all pairs within {radius:.4g}")
        for cells in _all_pairs({name: every[name] for name in _ALL_PAIRS if name in every}, X, radius, options):
            rows.append([f"{radius:.4g}", name, *cells])
    print(f"\nAll pairs of the {len(X):,} vectors:\n")
    print(table(["radius", "", "pairs", "method", "found", "seconds", "setting"], rows, text_columns=(1, 3, 6)))


def _built(X: Float32Array, metric: str) -> dict[str, _Built]:
    """Return the index of each method that is installed."""
    every: dict[str, _Built] = {}
    for name in METHODS:
        try:
            kind = load(name)
        except MethodError as error:
            print(f"- {name}: not measured: {error}\n")
            continue
        build = builds(len(X)).get(name, {})
        given = ({k: v for k, v in one.items() if k != "n_reranked"} for one in kind.searches(len(X), build))
        settings = [dict(one) for one in dict.fromkeys(tuple(one.items()) for one in given)]
        every[name] = kind(X, metric, **build), settings
    return every


def chosen(
    every: dict[str, _Built], X: Float32Array, Q: Float32Array, radius: float, true: Int64Array, wanted: float
) -> dict[str, tuple[Ranges, str]]:
    """Return of each method the search with its fastest setting that finds the wanted share, and that setting.

    true: the pairs of `pairs_within`. Settings are tried with up to 100 queries in a batch. A method of which none
    finds enough is left out.
    """
    some = evenly_spaced_rows(len(Q), _MOST_TRIED)
    of = np.searchsorted(some, true // len(X))
    tried = some[np.minimum(of, len(some) - 1)] == true // len(X)
    own = of[tried] * len(X) + true[tried] % len(X)
    found: dict[str, Any] = {}
    for name, (method, settings) in every.items():
        best, least = None, math.inf
        for setting in settings:
            method.use(**setting)
            search: Any = method.within(radius)  # of METHODS all have one
            for _ in range(2):  # the first compiles and fills caches
                began = time.process_time()
                answer = search(Q[some])
                seconds = time.process_time() - began
            if seconds < least and share(codes_of(answer, len(X)), own) >= wanted:
                best, least = setting, seconds
        if best is None:
            print(f"- {name}: not measured within {radius:.4g}: no setting finds {wanted:g}\n")
            continue
        method.use(**best)
        found[name] = method.within(radius), ", ".join(f"{k} {v}" for k, v in best.items())
    return found


def times(searches: list[Ranges], Q: Float32Array, rounds: int) -> list[tuple[float, float]]:
    """Return the processor seconds of each search: the mean per query, one at a time, and of all queries in one call.

    In turns; the median of the rounds, of each query.
    """
    batches = [timed(lambda _, search=search: search(Q), time.process_time) for search in searches]  # type: ignore[misc]
    ones = [timed(lambda q, s=search: s(Q[q : q + 1]), time.process_time) for search in searches]  # type: ignore[misc]
    every = []
    for turns, queries in ((ones, range(len(Q))), (batches, range(1))):
        seconds = np.array([one.values for one in interleaved(turns, queries, rounds, "shuffled")])
        every.append(np.median(seconds.reshape(rounds, len(queries), -1), axis=0).mean(axis=0).tolist())
    return list(zip(*every, strict=True))


def _all_pairs(
    every: dict[str, _Built], X: Float32Array, radius: float, options: argparse.Namespace
) -> list[list[str]]:
    """Return the rows of the table for one radius: pairs, method, share found, seconds and setting."""
    true = pairs_within(X, X, options.metric, radius)
    searches = chosen(every, X, X, radius, true, options.recall)
    own = partial(duplicates, X, radius, options.metric, min(options.recall, 0.999))
    pairs = _once(true, len(X))
    runs: dict[str, Any] = {"duplicates": own}
    runs |= {name: partial(search, X) for name, (search, _) in searches.items()}
    turns = [timed(lambda _, run=run: run(), time.process_time) for run in runs.values()]  # type: ignore[misc]
    seconds = np.median([one.values for one in interleaved(turns, [0], options.rounds, "shuffled")], axis=0).tolist()
    rows = []
    for (name, run), taken in zip(runs.items(), seconds, strict=True):
        answer, setting = run(), searches[name][1] if name in searches else ""
        if isinstance(answer, Duplicates):
            found = answer.pairs @ np.array([len(X), 1])
            setting = f"recall {answer.recall:g}, {answer.n_tables} tables of {answer.n_bits} bits"
        else:
            found = _once(codes_of(answer, len(X)), len(X))
        rows.append([f"{len(pairs):,}", name, f"{share(found, pairs):.4f}", f"{taken:.2f}", setting])
    return rows


def codes_of(answer: tuple[Any, Any, Any], n: int) -> Int64Array:
    """Return the pairs of a range search among n vectors, as `pairs_within` does."""
    limits, _, ids = answer
    return np.repeat(np.arange(len(limits) - 1), np.diff(limits).astype(np.int64)) * n + np.asarray(ids, np.int64)


def _once(codes: Int64Array, n: int) -> Int64Array:
    """Return those of pairs among n rows whose first is the lower."""
    return codes[codes // n < codes % n]


def share(found: Int64Array, true: Int64Array) -> float:
    """Return the share of the true pairs that was found; 1 of none."""
    return float(np.isin(true, found).mean()) if len(true) else 1.0


def _run(options: argparse.Namespace) -> None:
    machine = describe()
    with TemporaryDirectory(prefix="earshot-") as folder:
        problem = prepare(f"like:{options.rows}", 1, Path(folder), command_line.log)
        X = np.array(np.load(problem.base, mmap_mode="r", allow_pickle=False))
    radius = usual_radius(ExactSearch(X, options.metric))
    pairs, part = plant(X, radius, options.metric, np.random.default_rng(0))
    began = time.perf_counter()
    found = duplicates(X, radius, options.metric, n_threads=options.threads, progress=command_line.log)
    seconds = time.perf_counter() - began
    shares_found, planted = shares(found, pairs, part, len(X)), np.bincount(part, minlength=len(PARTS))
    rows = [
        [f"{size:g} of the radius", f"{number:,}", f"{share:.4f}"]
        for size, number, share in zip(PARTS, planted.tolist(), shares_found, strict=True)
    ]
    print(on_machine(machine))
    print(
        f"\n{len(X):,} vectors of {X.shape[1]}, {options.metric}, radius {radius:.4g}: {seconds:.1f} s on "
        f"{options.threads} threads, {found.n_tables} tables of {found.n_bits} bits; {len(found.pairs):,} pairs, "
        f"{len(found.groups):,} groups; promised {found.recall:g}\n"
    )
    print(table(["distance of copies", "planted", "found"], rows, text_columns=(0,)))
    print(f"\n{_faiss(X, radius, options.metric, options.threads)}")


def plant(X: Float32Array, radius: float, metric: str, rng: np.random.Generator) -> tuple[Int64Array, Int64Array]:
    """Overwrite a hundredth of the rows of X with moved copies of others; return the pairs int64[m, 2], and their part.

    A copy is at PARTS[part] of the radius from its original, in a random direction.
    """
    m = len(X) // _COPIES
    chosen = rng.permutation(len(X))[: 2 * m].reshape(2, m)
    part = np.arange(m) % len(PARTS)
    distance = radius * np.array(PARTS)[part]
    for start in range(0, m, _BLOCK):
        block = slice(start, start + _BLOCK)
        X[chosen[1, block]] = _moved(X[chosen[0, block]].astype(np.float64), distance[block], metric, rng)
    return np.sort(chosen.T, axis=1), part


def _moved(X: Float64Array, distance: Float64Array, metric: str, rng: np.random.Generator) -> Float64Array:
    noise = rng.standard_normal(X.shape)
    length = np.linalg.norm(X, axis=1, keepdims=True)
    if metric == "cosine":
        unit = X / length
        noise -= (noise * unit).sum(axis=1, keepdims=True) * unit
        angle = np.arccos(1 - distance)[:, None]
        noise *= length / np.linalg.norm(noise, axis=1, keepdims=True)
        moved: Float64Array = np.cos(angle) * X + np.sin(angle) * noise
        return moved
    away: Float64Array = X + noise * (distance[:, None] / np.linalg.norm(noise, axis=1, keepdims=True))
    return away


def shares(found: Duplicates, pairs: Int64Array, part: Int64Array, n: int) -> list[float]:
    """Return the share of the planted pairs of each part that was found."""
    listed = np.isin(pairs @ np.array([n, 1]), found.pairs @ np.array([n, 1]))
    return [float(listed[part == p].mean()) for p in range(len(PARTS))]


def _faiss(X: Float32Array, radius: float, metric: str, n_threads: int) -> str:
    """Return the time of FAISS's range search, as a sentence."""
    try:
        import faiss
    except ImportError:
        return "FAISS is not installed, and was not measured"
    faiss.omp_set_num_threads(n_threads)
    if metric == "cosine":
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(X.shape[1]) if metric == "cosine" else faiss.IndexFlatL2(X.shape[1])
    index.add(X)
    limit = 1 - radius if metric == "cosine" else radius**2
    Q = np.ascontiguousarray(X[:: max(1, len(X) // _FAISS_ROWS)])
    began = time.perf_counter()
    index.range_search(Q, limit)
    seconds = time.perf_counter() - began
    return (
        f"FAISS IndexFlat.range_search, {n_threads} threads: {seconds:.1f} s for {len(Q):,} rows, so "
        f"{seconds * len(X) / len(Q):,.0f} s for all"
    )


if __name__ == "__main__":
    sys.exit(main())
