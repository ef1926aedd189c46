"""Duplicates among many vectors: time, and the share of planted near copies found: `python -m benchmarks.duplicates`.

Vectors like AudioSet's clips are generated, and copies of a hundredth of them, moved by a part of the usual radius, are
put at random places among them. FAISS, where it is installed, answers the same question for some of the rows with
`range_search` of IndexFlat; its time for all rows is that of these in proportion.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.peers.report import on_machine
from benchmarks.search_problem import prepare
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh import Duplicates, ExactSearch, duplicates
from lsh.arrays import Float32Array, Float64Array, Int64Array
from lsh.errors import LSHError
from lsh.pairs.duplicates import usual_radius
from lsh.validate import METRICS

PARTS = (0.1, 0.5, 0.95)  # of the radius: the distances of copies
_COPIES = 100  # one in so many vectors is a copy
_FAISS_ROWS = 500
_BLOCK = 10_000  # copies that are moved at a time


def main(arguments: list[str] | None = None) -> int:
    """Print the table and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.duplicates", description="Find planted near copies among generated vectors."
    )
    parser.add_argument(
        "--rows", type=whole_number(1_000, 10_000_000), default=2_000_000, help="vectors (default: %(default)s)"
    )
    parser.add_argument("--metric", choices=METRICS, default="cosine", help="distance (default: %(default)s)")
    parser.add_argument("--threads", type=whole_number(1, 256), default=2, help="threads (default: %(default)s)")
    options = parser.parse_args(arguments)
    return command_line.run(lambda: _run(options), (BenchmarkError, LSHError))


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
