"""Measurement of methods: recall and speed of each index and setting, timed interleaved.

First all indexes are built, one after the other, and each search setting answers the queries once, which gives its
recall. Then every setting that may be on the Pareto front of its method is timed once per round, settings of similar
recall next to each other whatever their method, in reverse order every second round. Queries are timed in blocks of
ten, and each block counts with its fastest round: other work on the machine only ever adds time, to all methods alike.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from benchmarks import machine, methods
from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.ground_truth import GroundTruth
from benchmarks.methods._base import Method, Settings
from benchmarks.peers import cache as first_passes
from benchmarks.peers.cache import Cache, FirstPass, Passed
from benchmarks.peers.worker import BLOCK, WorkerProcess
from benchmarks.search_problem import Progress, SearchProblem
from lsh.analysis.timing import interleaved
from lsh.arrays import Float64Array

_FIRST_SECONDS, _FIRST_QUERIES = 2.0, 100  # of a setting's first pass: time limit, and queries whatever they take
_ROUND_SECONDS, _ROUND_QUERIES = 0.2, 20
_BATCH_SECONDS = 1.0  # a batch that is expected to take longer is timed in the first round only
_MIN_SPEED = 0.7  # share of the speed of a setting with higher recall, below which a setting is not timed again
_MAX_THREADS = 1.3


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of one index, measured.

    recall: mean recall@k over `queries` queries, computed from the vectors, with its standard error. qps: queries per
    second, one at a time, from the fastest round of each block; median_qps: from the median round; batch_qps: all in
    one call. build_s: seconds to build, on one thread. index_mb: megabytes (10^6 bytes) of the index without the
    vectors; resident_mb: memory of the process with the vectors, after building; peak_mb: its maximum while building.
    """

    method: str
    build: Settings
    search: Settings
    recall: float
    recall_error: float
    queries: int
    qps: float
    median_qps: float
    batch_qps: float | None
    build_s: float
    index_mb: float
    resident_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run measured. skipped: the reason for each method that could not be measured."""

    machine: dict[str, Any]
    dataset: str
    metric: str
    n: int
    dim: int
    k: int
    points: list[Point]
    skipped: dict[str, str]


@dataclass(slots=True)
class _Trial:
    """One setting of one built index. rounds: seconds per round and block of queries; batches: queries per second.

    worker: None if the first pass was read from the cache, until its index is needed.
    """

    worker: WorkerProcess | None
    method: str
    build: Settings
    search: Settings
    built: dict[str, Any]
    recalls: Float64Array
    rounds: list[list[float]]
    batches: list[float] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return float(self.recalls.mean())

    def qps(self, summary: Callable[..., Any] = np.min) -> float:
        """Return queries per second over the blocks that every round reached."""
        blocks = min(map(len, self.rounds))
        seconds = summary(np.array([times[:blocks] for times in self.rounds]), axis=0).sum()
        return float(min(blocks * BLOCK, len(self.recalls)) / seconds)

    def measure(self, n_queries: int) -> None:
        """Run one round: single queries for a limited time, then all in one call unless that takes too long."""
        worker = cast("WorkerProcess", self.worker)
        self.rounds.append(worker.call("search_singly", self.search, _ROUND_SECONDS, _ROUND_QUERIES).blocks)
        if not self.batches or n_queries / self.qps() <= _BATCH_SECONDS:
            seconds = worker.call("search_batch", self.search)
            self.batches += [n_queries / seconds] if seconds else []

    def point(self) -> Point:
        error = float(self.recalls.std() / np.sqrt(len(self.recalls)))
        speeds = self.qps(), self.qps(np.median), max(self.batches, default=None)
        described = self.method, self.build, self.search
        return Point(*described, self.recall, error, len(self.recalls), *speeds, **self.built)


def measure(
    problem: SearchProblem,
    names: Sequence[str],
    metric: str,
    k: int,
    rounds: int,
    progress: Progress,
    libraries: Mapping[str, Path] = MappingProxyType({}),
    folder: Path | None = None,
) -> Results:
    """Measure methods on one problem. A method or a build that cannot run is recorded as skipped.

    libraries: folder of the library of each method whose module has another one's name (`Method.own_folder`).
    folder: where first passes and indexes are kept for later calls, if they are.
    """
    described = machine.describe()
    X, Q = problem.vectors()
    if k > len(X):
        raise BenchmarkError(f"{k} neighbours of {len(X)} vectors cannot be found; ask for fewer with --k")
    progress(f"{problem.name}: {len(X):,} vectors, {len(Q):,} queries, {metric}; computing the true neighbours")
    truth = GroundTruth.compute(X, Q, metric, k)
    cache = Cache.of(folder, problem, metric, k) if folder else None
    skipped: dict[str, str] = {}
    trials: list[_Trial] = []
    with ExitStack() as stack:
        for name in names:
            try:
                found, failed = _first_pass(name, problem, truth, stack, progress, libraries.get(name), cache)
            except MethodError as error:
                found, failed = [], {name: str(error)}
            for what, why in failed.items():
                progress(f"{what}: skipped, {why}")
            trials += found
            skipped |= failed
        timed = sorted((trial for trial in trials if _worth_timing(trial, trials)), key=lambda trial: trial.recall)
        progress(f"{rounds} rounds: {len(timed)} settings, interleaved")
        for done in interleaved([trial.measure for trial in timed], [len(Q)], rounds, "alternating"):
            progress(f"round {done.round + 1} of {rounds} is done")
        points = [trial.point() for trial in trials]
    described["load_after"] = machine.load()
    return Results(described, problem.name, metric, len(X), X.shape[1], k, points, skipped)


def _first_pass(
    name: str,
    problem: SearchProblem,
    truth: GroundTruth,
    stack: ExitStack,
    progress: Progress,
    library: Path | None,
    cache: Cache | None,
) -> tuple[list[_Trial], dict[str, str]]:
    """Build every index of a method, and search once with each of its settings; also return why builds failed.

    A first pass that is in the cache is read. The processes of builds of which no setting is worth timing end here, and
    free their memory; where one is and the first pass was read, a process with the index is started.
    """
    kind = methods.load(name)
    if truth.metric not in kind.metrics:
        raise MethodError(f"it does not support the metric {truth.metric}")
    if kind.own_folder and library is None:
        raise MethodError(f"its module has another library's name: name its folder with --library {name}=FOLDER")
    start = partial(WorkerProcess, library, numpy_blas=kind.numpy_blas)
    kept, n = cache and cache.of_method(kind, library), len(truth.X)
    trials: list[_Trial] = []
    failed: dict[str, str] = {}
    for build in kind.builds(n):
        place = kept and kept.place(name, build, kind.searches(n, build))
        if place and (record := first_passes.read(place)):
            progress(f"{name} {_text(build)}: first pass read from {place}")
            trials += _of_record(name, build, record)
            continue
        worker = stack.enter_context(start())
        try:
            found = _searched_once(worker, kind, name, build, problem, truth, progress)
            if place:
                first_passes.write(place, _record(found), partial(worker.call, "save"))
            trials += found
        except MethodError as error:
            failed[f"{name} {_text(build)}" if build else name] = str(error)
            worker.end()
    for build, of_build in [(build, list(group)) for build, group in groupby(trials, attrgetter("build"))]:
        worthy = any(_worth_timing(trial, trials) for trial in of_build)
        if (started := of_build[0].worker) and not worthy:
            started.end()
        elif kept and worthy and not started:
            worker = stack.enter_context(start())
            place = kept.place(name, build, kind.searches(n, build))
            progress(f"{name} {_text(build)}: its index for the rounds")
            try:
                worker.call("build", name, build, truth.metric, problem, truth.k, place)
            except MethodError as error:
                raise MethodError(f"its index in {place} cannot be used: {error}; remove that folder") from error
            for trial in of_build:
                trial.worker = worker
    return trials, failed


def _record(trials: Sequence[_Trial]) -> FirstPass:
    """Return the first pass of one build, as the cache keeps it."""
    passed = [Passed(search=t.search, recalls=t.recalls.tolist(), blocks=t.rounds[0]) for t in trials]
    return FirstPass(built=trials[0].built, passed=passed)


def _of_record(name: str, build: Settings, record: FirstPass) -> list[_Trial]:
    """Return the same trials again, without a process."""
    return [
        _Trial(None, name, build, one["search"], record["built"], np.array(one["recalls"]), [one["blocks"]])
        for one in record["passed"]
    ]


def _searched_once(
    worker: WorkerProcess,
    kind: type[Method],
    name: str,
    build: Settings,
    problem: SearchProblem,
    truth: GroundTruth,
    progress: Progress,
) -> list[_Trial]:
    """Build one index, and search once with each of its settings."""
    trials: list[_Trial] = []
    built = worker.call("build", name, build, truth.metric, problem, truth.k)
    progress(f"{name} {_text(build)}: built in {built['build_s']:.1f} s, {built['index_mb']:.1f} MB")
    for search in kind.searches(len(truth.X), build):
        searched = worker.call("search_singly", search, _FIRST_SECONDS, _FIRST_QUERIES)
        if searched.threads > _MAX_THREADS:
            progress(f"{name}: warning: it used {searched.threads:.1f} threads, but 1 is allowed")
        recalls = truth.recalls(searched.ids)
        trials.append(_Trial(worker, name, build, search, built, recalls, [searched.blocks]))
        progress(f"  {_text(search)}: recall {recalls.mean():.3f}, {trials[-1].qps():,.0f} queries/s")
    return trials


def _worth_timing(trial: _Trial, trials: Sequence[_Trial]) -> bool:
    """Return True if a setting may be on its method's Pareto front: none with higher recall is much faster."""
    rivals = (t.qps() for t in trials if t.method == trial.method and t.recall >= trial.recall)
    return trial.qps() >= _MIN_SPEED * max(rivals)


def _text(settings: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "default"
