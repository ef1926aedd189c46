"""The deploy check fails for a broken page and for too much memory."""

import os
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("playwright")


class Visitors:
    """Visits with given results."""

    def __init__(self, *results: str | None) -> None:
        self.results = results
        self.done = Counter(visits=len(results))

    def visit(self, number: int) -> str | None:
        return self.results[number]


@pytest.fixture
def check(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(root / "tools")
    import deploy_check

    monkeypatch.setattr(deploy_check, "ALLOWED_MB", 100_000)
    monkeypatch.setattr(deploy_check, "MAX_MB", 100_000)
    return deploy_check


def test_good_visits_within_the_limits_pass(check) -> None:
    assert check.visit_all(Visitors(None, None), os.getpid(), 2) == []


def test_a_broken_page_fails_and_is_named(check) -> None:
    assert check.visit_all(Visitors(None, "map, cosine: it broke"), os.getpid(), 2) == [
        "visit 2: map, cosine: it broke"
    ]


def test_too_much_own_memory_fails(check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "ALLOWED_MB", 1)
    (failure,) = check.visit_all(Visitors(None), os.getpid(), 1)
    assert failure.endswith("MB of own memory at the peak, allowed are 1")


def test_own_memory_that_is_free_again_counts(check, monkeypatch: pytest.MonkeyPatch) -> None:
    figures, ended = [10.0, 70.0, 30.0], threading.Event()

    def memory_mb(_: int) -> tuple[float, float, float]:
        if len(figures) == 1:
            ended.set()
        return 0.0, 0.0, figures.pop(0) if len(figures) > 1 else figures[0]

    monkeypatch.setattr(check, "memory_mb", memory_mb)
    watch = check.OwnMemory(os.getpid())
    watch.start()
    assert ended.wait(10)
    assert watch.stop() == 70.0


def test_too_much_memory_at_any_moment_fails(check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_MB", 1)
    (failure,) = check.visit_all(Visitors(None), os.getpid(), 1)
    assert failure.endswith("MB of memory at the peak, allowed are 1")


def test_a_folder_without_dataset_is_an_error_message(
    check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check.shutil, "which", lambda _: sys.executable)
    monkeypatch.setattr("sys.argv", ["deploy_check", str(tmp_path)])
    assert check.main() == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path} holds no prepared dataset")


def test_what_is_hidden_from_the_server_is_not_installed_on_a_host(check, root: Path) -> None:
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    installed = {line.split("==")[0] for line in lines}
    assert "numba" in installed
    assert installed.isdisjoint(check.HIDDEN)
