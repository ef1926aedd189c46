"""Search in a collection of AudioSet's size with little memory: `python -m benchmarks.large_collection`.

The vectors stay in their file, memory-mapped. A process of its own builds a `SketchIndex` on all cores and searches
with one query at a time on one thread. Its memory includes the pages of the file that it has read. With `--dtype`, the
same buckets and sketches are searched in turns with vectors of other types, which are read when the best are re-ranked.

With `--frames`, every frame of generated clips is indexed in uint8: the frames of a clip are searched one after another
and fused to clips, beside the same with exact search. The time is shown with the speed at which this machine reads.
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

from benchmarks.audioset_like import DATABASE_SEED, DIM, FRAMES, OFFSET, QUERY_SEED, SCALE, draw_model, frames
from benchmarks.errors import BenchmarkError
from benchmarks.ground_truth import GroundTruth
from benchmarks.machine import describe, peak, read_speed, resident
from benchmarks.markdown import table
from benchmarks.search_problem import CACHE, SearchProblem, prepare
from data_prep.arrays import FEATURE_DTYPES
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError, atomic_file, write_errors
from earshot_common.command_line import whole_number
from lsh import EncodedVectors, ExactSearch, SketchIndex
from lsh.analysis.fusion import fuse_found
from lsh.analysis.timing import interleaved
from lsh.arrays import Float32Array, Int64Array
from lsh.errors import LSHError
from lsh.validate import METRICS
from lsh.warm import warm

SETTINGS = [(8, 40), (8, 70), (16, 70), (16, 120), (32, 120), (64, 200)]  # n_probes, n_reranked
K = 10
FRAME_SETTINGS = [(8, 200), (16, 200), (32, 400), (64, 800)]
FUSED = 100  # frames found for each frame of a query, of which clips are made
_ROUNDS = 5
_SKETCH_BYTES = 40  # that are read per candidate: 32 of codes, 8 of terms
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
    return SketchIndex.from_parts(
        *chosen, ExactSearch(X, index.metric), index.buckets, index.gaps, index.default_setting
    )


def _block_timer(index: SketchIndex, Q: Float32Array, n_probes: int, n_reranked: int) -> Callable[[int], float]:
    """Return a function of a block's number: the seconds its queries take, waiting for pages of the file included."""

    def seconds(block: int) -> float:
        start = time.perf_counter()
        for q in range(block * _BLOCK, min((block + 1) * _BLOCK, len(Q))):
            index.search(Q[q : q + 1], K, n_probes, n_reranked)
        return time.perf_counter() - start

    return seconds


class MeasuredFrames(NamedTuple):
    """What the process of the index measured of frames, as `Measured` does.

    answers: per setting, ids int64[nq, FUSED] of frames; clips int64[nq / 10, K], fused; milliseconds per clip, of
    which all frames are searched on one thread and fused; candidates per frame.
    """

    build_s: float
    build_cpu_s: float
    peak_mb: float
    resident_mb: float
    index_mb: float
    answers: list[tuple[Int64Array, Int64Array, float, float]]


def measure_frames(base: Path, Q: Float32Array) -> MeasuredFrames:
    """Build and search an index of frames, in a fresh process; base: a file of uint8[n, 128]; Q: float32[nq, 128]."""
    warm()
    X = _decoded(base)
    start, cpu_start = time.perf_counter(), time.process_time()
    index = SketchIndex("cosine").fit(X)
    seconds = time.perf_counter() - start, time.process_time() - cpu_start
    highest, answers = peak(), []
    for setting in FRAME_SETTINGS:
        found = index.search(Q, FUSED, *setting)
        ms = []
        for first in range(0, len(Q), FRAMES):
            own, best = Q[first : first + FRAMES], np.inf
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                one = index.search(own, FUSED, *setting)
                fused_clips(one.ids, one.distances, len(X))
                best = min(best, time.perf_counter() - start)
            ms.append(1e3 * best)
        clips = fused_clips(found.ids, found.distances, len(X))
        answers.append((found.ids, clips, float(np.mean(ms)), float(found.n_candidates.mean())))
    return MeasuredFrames(*seconds, highest / 1e6, resident() / 1e6, index.nbytes / 1e6, answers)


def fused_clips(ids: Int64Array, distances: Float32Array, n_frames: int) -> Int64Array:
    """Return the K best clips of each query clip, of FRAMES frames each: int64[nq, m] -> int64[nq / 10, K]."""
    offsets = np.arange(0, n_frames + 1, FRAMES)
    firsts = range(0, len(ids), FRAMES)
    return np.array([fuse_found(ids[q : q + FRAMES], distances[q : q + FRAMES], offsets, K) for q in firsts])


def _decoded(base: Path) -> EncodedVectors:
    return EncodedVectors(np.load(base, mmap_mode="r", allow_pickle=False), SCALE, OFFSET)


def _frames_file(n_clips: int) -> Path:
    """Return a .npy file of the frames of generated clips, uint8[10 n, 128], made unless it is there."""
    base, shape = CACHE / f"frames-{n_clips * FRAMES}.npy", (n_clips * FRAMES, DIM)
    if not base.exists():
        command_line.log(f"generating {shape[0]:,} frames like AudioSet's in {base}")
        with write_errors(base):
            CACHE.mkdir(parents=True, exist_ok=True)
        with atomic_file(base) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for chunk in frames(draw_model(), n_clips, DATABASE_SEED):
                file.write(chunk.tobytes())
    return base


def _run_frames(n_frames: int, n_queries: int) -> None:
    n_clips, query_clips = n_frames // FRAMES, max(1, n_queries // FRAMES)
    base = _frames_file(n_clips)
    stored = next(frames(draw_model(), query_clips, QUERY_SEED)).astype(np.float32)
    Q = (stored * np.float32(SCALE) + np.float32(OFFSET)).astype(np.float32)
    disk, memory = read_speed(base)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        measured = pool.submit(measure_frames, base, Q).result()
    X = _decoded(base)
    command_line.log(f"comparing {len(Q):,} frames with all {len(X):,}")
    start = time.perf_counter()
    truth = ExactSearch(X, "cosine").search(Q, FUSED)
    exact_ms = 1e3 * (time.perf_counter() - start) / query_clips
    clips = fused_clips(truth.ids, truth.distances, len(X))
    machine = describe()
    print(f"{len(X):,} frames of {n_clips:,} clips like AudioSet's, cosine, uint8; {query_clips:,} clips as queries")
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}")
    print(f"one thread reads {disk:.2f} GB/s from the disk, and {memory:.1f} GB/s from memory")
    _print_build(measured)
    rows = []
    for (n_probes, n_reranked), (ids, found, ms, met) in zip(FRAME_SETTINGS, measured.answers, strict=True):
        recalls = _overlap(ids[:, :K], truth.ids[:, :K]), _overlap(ids, truth.ids), _overlap(found, clips)
        scanned = 1e-6 * met * FRAMES * _SKETCH_BYTES / ms
        texts = [*(f"{recall:.3f}" for recall in recalls), f"{met:,.0f}", f"{ms:.1f}", f"{scanned:.1f}"]
        rows.append([str(n_probes), str(n_reranked), *texts])
    titles = ["recall@10 of frames", f"recall@{FUSED}", "recall@10 of clips", "candidates per frame", "ms per clip"]
    print(table(["probes", "re-ranked", *titles, "GB/s of sketches"], rows, text_columns=()))
    print(f"\nexact search, all queries in one batch on all cores: {exact_ms:.0f} ms per clip")
    print(f"{base} is kept for the next run; delete it when you no longer need it.")


def _overlap(found: Int64Array, truth: Int64Array) -> float:
    """Return the mean share of the true ids that were found: both int64[nq, k]."""
    shares = [len(np.intersect1d(a[a >= 0], b)) / len(b) for a, b in zip(found, truth, strict=True)]
    return float(np.mean(shares))


def _print_build(measured: Measured | MeasuredFrames) -> None:
    print(f"built in {measured.build_s:.1f} s ({measured.build_cpu_s:.1f} s of processor time on all cores together)")
    print(f"the index takes {measured.index_mb:.0f} MB without the vectors")
    print(f"memory with the vectors' pages: {measured.resident_mb:.0f} MB, {measured.peak_mb:.0f} MB while building\n")


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
    frames_help = "index so many single frames in uint8, and fuse what is found to clips, in place of --dataset"
    parser.add_argument("--frames", type=whole_number(FRAMES * K, 10**9), metavar="N", help=frames_help)
    options = parser.parse_args(arguments)

    def command() -> None:
        if options.frames:
            _run_frames(options.frames, options.queries)
            return
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
    _print_build(measured)
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
