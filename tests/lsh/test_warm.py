"""Kernel warm-up."""

import queue
import threading
from pathlib import Path

import pytest

from earshot_common.locks import lock_file
from lsh import warm
from lsh.kernels.jit import READY


def test_after_warming_is_warm_returns_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "_marker", lambda: tmp_path / "note")
    assert not warm.is_warm()
    told = []
    warm.warm(lambda: told.append(warm.is_warm()))
    assert told == [False]  # searching is ready before all of it is
    assert warm.is_warm()


def test_a_second_process_waits_for_the_first_and_compiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    printed: queue.Queue[str] = queue.Queue()  # capsys may lose what a thread prints while it is read
    monkeypatch.setattr(warm, "print", lambda text, **_: printed.put(text), raising=False)
    monkeypatch.setattr(warm, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(warm, "warm", lambda *_: compiled.append("again") or 0.0)
    with lock_file(tmp_path / "compiling.lock"):
        second = threading.Thread(target=warm.main)
        second.start()
        assert printed.get(timeout=60) == warm.WAITING
        (tmp_path / READY).touch()
    second.join()
    assert compiled == []


def test_warming_succeeds_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "_marker", lambda: tmp_path / "no folder" / "note")
    warm.warm()
    assert not warm.is_warm()
