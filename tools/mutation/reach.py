"""Reach: which tests execute a line, and how long each takes; recorded by a pytest plugin with coverage contexts.

`pytest -p tools.mutation.reach` writes `reach-*.json` into the folder that EARSHOT_REACH names, one file per process.
"""

import ast
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import coverage
import pytest

FOLDER = "EARSHOT_REACH"
COMPILED = "lsh/kernels/"  # coverage sees these run only where a test calls them uncompiled
PACKAGES = ("earshot_common", "lsh", "data_prep", "ui", "benchmarks")
_USUAL_SECONDS = 5.0  # of a test that was not timed


class Recorder:
    """The plugin: one coverage context per test, and the seconds of its set-up and call."""

    def __init__(self, folder: Path, packages: Sequence[str]) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.coverage = coverage.Coverage(
            data_file=None, source_dirs=[name for name in packages if Path(name).is_dir()], config_file=False
        )
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Attribute the lines that run from here on to the test."""
        self.coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the seconds of a test's phases, and keep which tests failed: they would fail with any mutant."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the lines and the seconds."""
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {
            os.path.relpath(path): {line: sorted({*tests} - {""} - self.failed) for line, tests in contexts.items()}
            for path in data.measured_files()
            if (contexts := data.contexts_by_lineno(path))
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"seconds": self.seconds, "failed": sorted(self.failed), "lines": lines})
        (self.folder / f"reach-{os.getpid()}.json").write_text(text, encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Record in each process that runs tests: in the workers of pytest-xdist, or in the only process."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(Recorder(Path(os.environ[FOLDER]), PACKAGES), "reach-recorder")


class Reach:
    """Tests by line, from the files of a run recorded over the tree at `root`."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.importers = _importers(root)
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for part in sorted(folder.glob("reach-*.json")):
            record = json.loads(part.read_text(encoding="utf-8"))
            self.seconds |= record["seconds"]
            self.failed.update(record.get("failed", ()))
            for path, lines in record["lines"].items():
                for line, tests in lines.items():
                    self.lines[path][int(line)].update(tests)

    def tests_of(self, path: str, line: int, limit_s: float) -> list[str]:
        """Return the tests that reach a line, quick ones and those of the mirrored test file first, up to a limit.

        A line that coverage does not see in a test is taken to be reached by every test that reaches its file, or, if
        none does, the files that import it: it runs compiled or at import. What is compiled is taken to be reached by
        both. What runs in a fixture that tests share is recorded for the first of them, so the other tests of the files
        come last. limit_s: the seconds that the tests may take together by the recorded run; one test is returned in
        any case.
        """
        found = set(self.lines.get(path, {}).get(line, ()))
        if path.startswith(COMPILED):
            found |= self._tests_of_file(path) | self._tests_of_importers(path)
        found = found or self._tests_of_file(path) or self._tests_of_importers(path)
        files = {test.partition("::")[0] for test in found}
        sharing = {test for test in self.seconds if test.partition("::")[0] in files and test not in self.failed}

        def order(test: str) -> tuple[bool, float, str]:
            return test not in found, self._seconds(test) / 10 ** _closeness(path, test), test

        chosen, total = [], 0.0
        for test in sorted(found | sharing, key=order):
            if chosen and total + self._seconds(test) > limit_s:
                continue
            chosen.append(test)
            total += self._seconds(test)
        return chosen

    def _tests_of_file(self, path: str) -> set[str]:
        return {test for tests in self.lines.get(path, {}).values() for test in tests}

    def _tests_of_importers(self, path: str) -> set[str]:
        """Return the tests that reach the files that import a file: those nearest to it that any test reaches."""
        found: set[str] = set()
        waiting, seen = [path], {path}
        while waiting:
            for importer in self.importers[waiting.pop()] - seen:
                seen.add(importer)
                tests = self._tests_of_file(importer)
                found |= tests
                if not tests:
                    waiting.append(importer)
        return found

    def _seconds(self, test: str) -> float:
        return self.seconds.get(test, _USUAL_SECONDS)


def _closeness(path: str, test: str) -> int:
    """Return how well a test file mirrors a module: 2 its own, 1 of the same folder, 0 elsewhere."""
    module, tests = Path(path), Path(test.partition("::")[0])
    if tests.parent != Path("tests") / module.parent:
        return 0
    return 2 if tests.stem == f"test_{module.stem}" else 1


def _importers(root: Path) -> dict[str, set[str]]:
    """Return the files that import each file of the packages, anywhere in them, as paths in the tree at `root`."""
    paths = [path.relative_to(root) for name in PACKAGES for path in (root / name).rglob("*.py")]
    by_module = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path.as_posix() for path in paths}
    importers: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        for node in ast.walk(ast.parse((root / path).read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name in by_module:
                    importers[by_module[name]].add(path.as_posix())
    return importers
