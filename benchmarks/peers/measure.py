"""Whose turn it is. Methods differ by less than a shared machine's moods, so they are measured in turns.

First each index is built, one after the other, and each of its settings answers the queries once, which gives its
recall. Then come the rounds: in each, every setting that is worth it has a turn, settings of like recall after one
another whatever their method, every second round in the opposite order. Queries are timed in blocks of ten, and each
block counts with its fastest round: noise only ever adds time, and this strips it from all methods alike.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, methods
from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.ground_truth import Doubles, GroundTruth
from benchmarks.methods._base import Settings
from benchmarks.peers.worker import BLOCK
from benchmarks.peers.worker_process import Child
from benchmarks.search_problem import SearchProblem
from lsh.analysis.timing import interleaved

Say = Callable[[str], None]

_FIRST_SECONDS = 2.0  # a setting's first pass, which gives its recall
_FIRST_QUERIES = 100  # and how many queries it answers however slow it is
_ROUND_SECONDS = 0.2
_ROUND_QUERIES = 20
_BATCH_SECONDS = 1.0  # a batch that may take longer is timed in the first round only
_WORTH = 0.7  # settings slower than this share of a better one of the same method have no more turns
_TOO_MANY_THREADS = 1.3


@dataclass(frozen=True, slots=True)
class Point:
    """A setting of one index, measured.

    recall: mean recall@k over `queries` queries, counted from the vectors, and its standard error. qps: queries a
    second, one at a time, from each block's fastest round; median_qps from its median round; batch_qps: many at once.
    build_s: seconds to build on one thread. Megabytes: index_mb beside the vectors; resident_mb with them, after
    building; peak_mb while building.
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
    """All that one run measured: `skipped` says why a method is missing."""

    machine: dict[str, Any]
    dataset: str
    metric: str
    n: int
    dim: int
    k: int
    points: list[Point]
    skipped: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Results":
        """Undo `as_dict`; raise BenchmarkError when the values are no results."""
        try:
            return cls(**plain | {"points": [Point(**point) for point in plain["points"]]})
        except (KeyError, TypeError) as error:
            raise BenchmarkError(f"these are not results of a benchmark: {error}") from error


@dataclass(slots=True)
class _Trial:
    """One setting of one built index, and its times so far: a row a round, a column a block of queries."""

    child: Child
    method: str
    build: Settings
    search: Settings
    built: dict[str, float]
    recalls: Doubles
    rounds: list[list[float]]
    batches: list[float] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return float(self.recalls.mean())

    def qps(self, summary: Callable[..., Any] = np.min) -> float:
        """Return queries a second, over the blocks that every round reached."""
        blocks = min(map(len, self.rounds))
        seconds = summary(np.array([times[:blocks] for times in self.rounds]), axis=0).sum()
        return float(min(blocks * BLOCK, len(self.recalls)) / seconds)

    def measure(self, n_queries: int) -> None:
        """Search for a fraction of a second one query at a time, then all queries at once where that is fast enough."""
        reply = self.child.ask(call="one_by_one", search=self.search, seconds=_ROUND_SECONDS, at_least=_ROUND_QUERIES)
        self.rounds.append(reply["blocks"])
        if not self.batches or n_queries / self.qps() <= _BATCH_SECONDS:
            seconds = self.child.ask(call="at_once", search=self.search)["seconds"]
            self.batches += [n_queries / seconds] if seconds else []

    def point(self) -> Point:
        error = float(self.recalls.std() / np.sqrt(len(self.recalls)))
        batch = max(self.batches, default=None)
        speeds = self.qps(), self.qps(np.median), batch
        about = {name: self.built[name] for name in ("build_s", "index_mb", "resident_mb", "peak_mb")}
        return Point(self.method, self.build, self.search, self.recall, error, len(self.recalls), *speeds, **about)


def measure(
    problem: SearchProblem,
    names: Sequence[str],
    metric: str,
    k: int,
    rounds: int,
    folder: Path,
    say: Say = lambda _: None,
) -> Results:
    """Measure methods on one problem. A method that cannot run is noted, and the others go on."""
    described = machine.describe()
    X, Q = problem.vectors()
    if k > len(X):
        raise BenchmarkError(f"{k} neighbours of {len(X)} vectors cannot be found; ask for fewer with --k")
    say(f"{problem.name}: {len(X):,} vectors, {len(Q):,} queries, {metric}; finding the truth")
    truth = GroundTruth.compute(X, Q, metric, k)
    skipped: dict[str, str] = {}
    trials: list[_Trial] = []
    with ExitStack() as stack:
        for name in names:
            try:
                trials += _first_pass(name, problem, truth, folder, stack, say)
            except MethodError as error:
                skipped[name] = str(error)
                say(f"{name}: skipped, {error}")
        _take_turns([trial for trial in trials if _worth_a_turn(trial, trials)], rounds, len(Q), say)
        points = [trial.point() for trial in trials]
    described["load_after"] = machine.load()
    return Results(described, problem.name, metric, len(X), X.shape[1], k, points, skipped)


def _first_pass(
    name: str, problem: SearchProblem, truth: GroundTruth, folder: Path, stack: ExitStack, say: Say
) -> list[_Trial]:
    """Build every index of a method, and ask each of its settings once."""
    kind = methods.load(name)
    if truth.metric not in kind.metrics:
        raise MethodError(f"it does not know the metric {truth.metric}")
    n, trials = len(truth.X), []
    for build in kind.builds(n):
        child = stack.enter_context(Child())
        paths = {"base": str(problem.base), "queries": str(problem.queries)}
        built = child.ask(method=name, build=build, metric=truth.metric, k=truth.k, **paths)
        say(f"{name} {_words(build)}: built in {built['build_s']:.1f} s, {built['index_mb']:.1f} MB")
        for search in kind.searches(n, build):
            answers = folder / "answers.npy"
            asked = child.ask(
                call="one_by_one", search=search, seconds=_FIRST_SECONDS, at_least=_FIRST_QUERIES, ids=str(answers)
            )
            if asked["threads"] > _TOO_MANY_THREADS:
                say(f"{name}: warning: it kept {asked['threads']:.1f} threads busy where one was allowed")
            recalls = truth.recalls(np.load(answers, allow_pickle=False))
            trials.append(_Trial(child, name, build, search, built, recalls, [asked["blocks"]]))
            say(f"  {_words(search)}: recall {recalls.mean():.3f}, {trials[-1].qps():,.0f} queries/s")
    return trials


def _worth_a_turn(trial: _Trial, trials: Sequence[_Trial]) -> bool:
    """Tell whether a setting may lie on its method's frontier: no better one of it is much faster."""
    rivals = (t.qps() for t in trials if t.method == trial.method and t.recall >= trial.recall)
    return trial.qps() >= _WORTH * max(rivals)


def _take_turns(trials: Sequence[_Trial], rounds: int, n_queries: int, say: Say) -> None:
    say(f"{rounds} rounds: {len(trials)} settings, interleaved")
    in_order = sorted(trials, key=lambda t: t.recall)
    for done in interleaved([trial.measure for trial in in_order], [n_queries], rounds, "alternating"):
        say(f"round {done.round + 1} of {rounds} is done")


def _words(settings: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "default"
