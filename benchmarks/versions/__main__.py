"""Speed of `SketchIndex` beside another version of this project: `python -m benchmarks.versions OTHER --dataset DIR`.

Each version runs in a process of its own, on one thread, and answers one query at a time. First every setting of a grid
answers all queries, which gives its recall. Then the settings that may be the fastest at one of the recalls are timed,
in rounds that alternate between the versions; a block of ten queries counts with its fastest round.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from benchmarks import machine, markdown, search_problem
from benchmarks.errors import BenchmarkError
from benchmarks.methods.lsh import Sketch
from benchmarks.peers.pareto_front import pareto_front, qps_at_recall
from benchmarks.versions.worker import BLOCK
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh.validate import METRICS

DEFAULT_RECALL = 0.95
_ROOT = Path(__file__).parents[2]
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_BELOW = 0.4  # of the share of neighbours that a recall leaves out: how much lower a timed setting may be
_MIN_SPEED = 0.75  # share of the speed in a batch of a setting with higher recall, below which none is timed


@dataclass(slots=True)
class _Setting:
    """One setting of one version. rounds: seconds per round and block of queries."""

    version: str
    n_buckets: int
    search: dict[str, Any]
    recall: float
    candidates: float
    batch_s: float
    rounds: list[list[float]] = field(default_factory=list)

    @property
    def qps(self) -> float:
        """Return queries per second, each block with its fastest round; before any, in a batch."""
        if not self.rounds:
            return 1 / self.batch_s
        return len(self.rounds[0]) * BLOCK / float(np.min(self.rounds, axis=0).sum())


class _Version:
    """The process of one version: `ask` calls a method of its `Worker`."""

    def __init__(self, name: str, root: Path, variables: dict[str, str]) -> None:
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1"), **variables, "PYTHONPATH": str(root)}
        command = [sys.executable, "-P", str(Path(__file__).with_name("worker.py"))]
        pipe = subprocess.PIPE
        self.name, self._process = name, subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)
        self._requests, self._answers = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)

    def ask(self, *request: Any) -> Any:
        """Return the answer to a request; raise BenchmarkError if the process ends."""
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise BenchmarkError(f"the process of {self.name} ended with exit code {self._process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        """End the process, which does when there is nothing more to read."""
        self._process.communicate()


def main(arguments: list[str] | None = None) -> int:
    """Print a table of both versions; return the exit code."""
    options = _parser().parse_args(arguments)
    options.recall = options.recall or [DEFAULT_RECALL]
    return command_line.run(lambda: _run(options), (BenchmarkError, DataError))


def _run(options: argparse.Namespace) -> None:
    if not (options.other / "lsh" / "sketch_index.py").is_file():
        raise BenchmarkError(f"{options.other} holds no version of this project; expected a folder with lsh in it")
    variables = {"NUMBA_CPU_NAME": options.cpu, "NUMBA_CPU_FEATURES": options.features}
    forced = {name: value for name, value in variables.items() if value is not None}
    with tempfile.TemporaryDirectory() as folder:
        problem = search_problem.prepare(options.dataset, options.queries, Path(folder), _say)
        versions = [_Version("this", _ROOT, forced), _Version("other", options.other.resolve(), forced)]
        try:
            settings = [_settings(version, problem, options.metric) for version in versions]
            timed = [[s for s in own if _worth_timing(s, own, options.recall)] for own in settings]
            _say(f"{options.rounds} rounds of {' + '.join(str(len(own)) for own in timed)} settings")
            _time(versions, timed, options.rounds)
        finally:
            for version in versions:
                version.end()
    print(_report(problem.name, options, timed))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _settings(version: _Version, problem: search_problem.SearchProblem, metric: str) -> list[_Setting]:
    """Build the indexes of a version, and measure the recall of all of its settings."""
    X, _ = problem.vectors()
    version.ask("load", str(problem.base), str(problem.queries), metric, 10)
    found = []
    for build in Sketch.builds(len(X)):
        n_buckets = build["n_buckets"]
        seconds, nbytes = version.ask("build", n_buckets)
        _say(f"{version.name}: {n_buckets} buckets built in {seconds:.1f} s, {nbytes / len(X):.0f} bytes per vector")
        searches = Sketch.searches(len(X), build)
        found += [_Setting(version.name, n_buckets, s, *version.ask("measure", n_buckets, s)) for s in searches]
    return found


def _worth_timing(setting: _Setting, settings: Sequence[_Setting], recalls: Sequence[float]) -> bool:
    """Return whether a setting may be on the front of its version, at one of the recalls or somewhat below."""
    rivals = max(s.qps for s in settings if s.recall >= setting.recall)
    reaching = [max((s.qps for s in settings if s.recall >= recall), default=0) for recall in recalls]
    lowest = [recall - _BELOW * (1 - recall) for recall in recalls]
    near = any(
        setting.recall >= low and setting.qps >= _MIN_SPEED * qps for low, qps in zip(lowest, reaching, strict=True)
    )
    return near and setting.qps >= _MIN_SPEED * rivals


def _time(versions: Sequence[_Version], timed: Sequence[list[_Setting]], rounds: int) -> None:
    """Time all settings once per round, those of similar recall after each other."""
    by_name = {version.name: version for version in versions}
    ordered = sorted((s for own in timed for s in own), key=lambda s: s.recall)
    for number in range(rounds):
        for setting in ordered[:: -1 if number % 2 else 1]:
            setting.rounds.append(by_name[setting.version].ask("time", setting.n_buckets, setting.search))


def _report(name: str, options: argparse.Namespace, timed: Sequence[list[_Setting]]) -> str:
    rows = [["recall", "this, queries/s", "other, queries/s", "ratio", "this: setting", "other: setting"]]
    for recall in options.recall:
        found = [qps_at_recall(pareto_front(own), recall) for own in timed]
        speeds = [f"{at[0]:,.0f}" if at else "-" for at in found]
        ratio = f"{found[0][0] / found[1][0]:.2f}" if found[0] and found[1] else "-"
        rows.append([f"{recall:g}", *speeds, ratio, *(_text(at[1]) if at else "-" for at in found)])
    described = machine.describe()
    forced = f", compiled for {options.cpu or 'this processor'} {options.features}" if options.features else ""
    return (
        f"{name}, {options.metric}, {options.queries} queries, {options.rounds} rounds; {described['cpu']}{forced}, "
        f"load {described['load']}\n\n" + markdown.table(rows[0], rows[1:], (4, 5))
    )


def _text(setting: _Setting) -> str:
    searched = ", ".join(f"{name} {value}" for name, value in setting.search.items())
    return f"n_buckets {setting.n_buckets}, {searched}: {setting.candidates:,.0f} sketches"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.versions",
        description="Compare the speed of SketchIndex with that of another version of this project.",
    )
    parser.add_argument("other", type=Path, metavar="OTHER", help="folder of the other version")
    parser.add_argument("--dataset", required=True, help="a prepared dataset, like:N, or BASE.npy,QUERIES.npy")
    parser.add_argument("--metric", choices=METRICS, default="cosine", help="distance (default: %(default)s)")
    parser.add_argument(
        "--recall",
        type=command_line.fraction,
        action="append",
        help=f"recall@10; may be repeated (default: {DEFAULT_RECALL})",
    )
    parser.add_argument(
        "--queries", type=whole_number(10, 100_000), default=1000, help="number of queries (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=whole_number(1, 1000), default=10, help="rounds of timing (default: %(default)s)"
    )
    parser.add_argument("--cpu", metavar="NAME", help="processor to compile for, as LLVM names it")
    parser.add_argument("--features", metavar="LIST", help="its features, such as +avx2,+fma")
    return parser


if __name__ == "__main__":
    sys.exit(main())
