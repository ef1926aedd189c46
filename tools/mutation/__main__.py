"""Mutation testing: `python -m tools.mutation run|report`. Faults drawn by seed, and whether the tests notice each.

`run` copies the tree (the files that git tracks) into a working folder, records there which tests reach which line
(once), draws the mutants, and tries each in a copy of its own: it puts the fault into the file and runs the tests that
reach its line until one fails. Each verdict is appended to OUT at once; the same command resumes an interrupted run.
As in `make test`, tests on real data run where EARSHOT_TEST_DATA, or `shared` beside this checkout, holds it.
`report` prints the share noticed per package with 95 % intervals, and the mutants that no test noticed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from earshot_common.command_line import whole_number
from tools.mutation.mutants import Mutant, mutants_of
from tools.mutation.reach import FOLDER, Reach

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ui", "data_prep", "lsh", "benchmarks")
NOT_RUN = ("tests/browser", "tests/meta", "tests/package", "tests/tools")  # they run no code of the packages in-process
NOTICED, SURVIVED, UNREACHED = "noticed", "survived", "unreached"
_TIMEOUT_FACTOR = 3  # a run of the tests may take this many times as long as the recorded one, and a minute more


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="draw mutants and try each; resumes where it was interrupted")
    run.add_argument("out", type=Path, help="file of the verdicts, one JSON object per line")
    run.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="of the draw (default 0)")
    run.add_argument("--each", type=whole_number(1, 100_000), default=100, help="mutants per package (default 100)")
    run.add_argument("--packages", nargs="+", default=PACKAGES, help=f"default: {' '.join(PACKAGES)}")
    run.add_argument("--under", default="", help="draw only from files whose path begins so (default: all)")
    run.add_argument("--tests", nargs="+", default=["tests"], help="folders of the tests to run (default: all tests)")
    run.add_argument("--work", type=Path, required=True, help="folder for copies of the tree and the record of lines")
    run.add_argument("--workers", type=whole_number(1, 64), default=2, help="mutants tried at a time (default 2)")
    run.add_argument(
        "--limit", type=whole_number(1, 36_000), default=180, help="seconds of tests per mutant at most (default 180)"
    )
    report = commands.add_parser("report", help="print the share of mutants noticed, and those not noticed")
    report.add_argument("out", type=Path, nargs="+", help="files that `run` wrote")
    report.add_argument(
        "--equivalent", type=Path, help="file of mutants that change nothing: key, tab, reason per line"
    )
    args = parser.parse_args()
    if args.command == "run":
        _run(args)
    else:
        _report(args.out, args.equivalent)


def draw(root: Path, package: str, n: int, seed: int, under: str = "") -> list[Mutant]:
    """Return n mutants of a package drawn by seed, at most one per line and as many of each operator as there are."""
    paths = sorted(path.relative_to(root).as_posix() for path in (root / package).rglob("*.py"))
    by_operator: dict[str, list[Mutant]] = {}
    for path in paths:
        for mutant in mutants_of(path, (root / path).read_bytes()) if path.startswith(under) else ():
            by_operator.setdefault(mutant.operator, []).append(mutant)
    chance = random.Random(f"{seed} {package}")  # noqa: S311  (a draw by seed)
    for group in by_operator.values():
        chance.shuffle(group)
    in_turn = [m for row in zip_longest(*(by_operator[name] for name in sorted(by_operator))) for m in row if m]
    by_line: dict[tuple[str, int], Mutant] = {}
    for mutant in in_turn:
        by_line.setdefault((mutant.path, mutant.line), mutant)
    return list(by_line.values())[:n]


def _run(args: argparse.Namespace) -> None:
    args.work = args.work.resolve()
    pristine = _copy(args.work / "tree-0")
    reach = _recorded(pristine, args.work, args.tests)
    drawn = [m for package in args.packages for m in draw(pristine, package, args.each, args.seed, args.under)]
    done = {record["key"] for record in _records([args.out])} if args.out.exists() else set()
    waiting = [mutant for mutant in drawn if mutant.key not in done]
    print(f"{len(drawn)} mutants drawn, {len(drawn) - len(waiting)} already tried", flush=True)
    trees: SimpleQueue[Path] = SimpleQueue()
    for i in range(args.workers):
        trees.put(_copy(args.work / f"tree-{i}"))
    lock = threading.Lock()

    def attempt(mutant: Mutant) -> None:
        tree = trees.get()
        try:
            verdict = _try(tree, mutant, reach, args)
        finally:
            trees.put(tree)
        with lock, args.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(mutant.as_record() | verdict) + "\n")
            print(f"{verdict['verdict']:10}{verdict['seconds']:6.0f} s  {_shown(mutant.as_record())}", flush=True)

    with ThreadPoolExecutor(args.workers) as pool:
        list(pool.map(attempt, waiting))


def _copy(tree: Path) -> Path:
    """Return a folder with a copy of the files that git tracks, as they are in this checkout."""
    if not tree.exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
    return tree


def _recorded(tree: Path, work: Path, tests: list[str]) -> Reach:
    """Return which tests reach which lines, recorded once per working folder and set of tests; failed ones left out."""
    folder = work / "-".join(["reach", *(name.replace("/", ".") for name in tests)])
    if not (folder / "done").exists():
        ignored = [f"--ignore={path}" for path in NOT_RUN]
        command = ["-q", "-p", "tools.mutation.reach", "-n", "2", *ignored, *tests]
        environment = _environment(work) | {FOLDER: str(folder)}
        subprocess.run([sys.executable, "-m", "lsh.warm"], cwd=tree, env=environment, check=True)
        code = subprocess.run(_pytest(*command), cwd=tree, env=environment, check=False).returncode
        if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            raise SystemExit(f"the tests could not be recorded: pytest ended with {code}; see what it says above")
        (folder / "done").touch()
    return Reach(folder, tree)


def _try(tree: Path, mutant: Mutant, reach: Reach, args: argparse.Namespace) -> dict[str, Any]:
    """Put the fault in, run the tests that reach it until one fails, take the fault out; return the verdict."""
    tests = reach.tests_of(mutant.path, mutant.line, args.limit)
    if not tests:
        return {"verdict": UNREACHED, "seconds": 0.0, "tests": 0, "by": ""}
    path, start = tree / mutant.path, time.monotonic()
    source = path.read_bytes()
    chosen = tree.parent / f"{tree.name}.tests"
    chosen.write_text("\n".join(tests), encoding="utf-8")
    try:
        path.write_bytes(mutant.apply(source))
        by = _first_failure(tree, chosen, args)
    finally:
        path.write_bytes(source)
    verdict = SURVIVED if by is None else NOTICED
    return {"verdict": verdict, "seconds": round(time.monotonic() - start, 1), "tests": len(tests), "by": by or ""}


def _first_failure(tree: Path, chosen: Path, args: argparse.Namespace) -> str | None:
    """Return the first test that failed, or what else went wrong; None if every test passed."""
    command = _pytest("-x", "-p", "no:cacheprovider", "-q", "--no-header", f"@{chosen}")
    timeout = 60 + _TIMEOUT_FACTOR * args.limit
    try:
        ended = subprocess.run(
            command, cwd=tree, env=_environment(args.work), capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end after {timeout:.0f} s"
    if ended.returncode == 0:
        return None
    failed = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0][:300] if failed else (ended.stdout + ended.stderr)[-300:]


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-o", "addopts=--import-mode=importlib", *arguments]


def _environment(work: Path) -> dict[str, str]:
    """Return an environment in which compiled kernels are shared, and real data is found where `make test` finds it."""
    data = os.environ.get("EARSHOT_TEST_DATA", str(ROOT.parent / "shared"))
    folders = {"NUMBA_CACHE_DIR": str(work / "kernels"), "EARSHOT_TEST_DATA": data}
    return {**os.environ, **folders, "PYTHONDONTWRITEBYTECODE": "1"}


def _records(paths: list[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def interval(noticed: int, tried: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share = noticed / tried
    middle = (share + z * z / (2 * tried)) / (1 + z * z / tried)
    half = z * ((share * (1 - share) + z * z / (4 * tried)) / tried) ** 0.5 / (1 + z * z / tried)
    return middle - half, middle + half


def _report(paths: list[Path], equivalent: Path | None) -> None:
    lines = equivalent.read_text(encoding="utf-8").splitlines() if equivalent else []
    reasons = dict(line.split("\t", 1) for line in lines if line)
    records = list(_records(paths))
    counted = [record for record in records if record["key"] not in reasons or record["verdict"] == NOTICED]
    print("| package | tried | noticed | share | 95 % interval |\n| --- | --- | --- | --- | --- |")
    for package in (*PACKAGES, "all"):
        own = [record for record in counted if package in ("all", record["path"].partition("/")[0])]
        if own:
            noticed = sum(record["verdict"] == NOTICED for record in own)
            low, high = interval(noticed, len(own))
            print(f"| {package} | {len(own)} | {noticed} | {noticed / len(own):.1%} | {low:.0%} to {high:.0%} |")
    print("\nNot noticed:")
    for record in counted:
        if record["verdict"] != NOTICED:
            print(f"  {record['verdict']:10}{_shown(record)}")
    print("\nLeft out, since they change nothing:")
    for record in records:
        if record not in counted:
            print(f"  {_shown(record)}: {reasons[record['key']]}")


def _shown(record: dict[str, Any]) -> str:
    before, after = (" ".join(str(record[name]).split())[:70] for name in ("before", "after"))
    return f"{record['path']}:{record['line']} {record['operator']}: {before} -> {after}"


if __name__ == "__main__":
    main()
