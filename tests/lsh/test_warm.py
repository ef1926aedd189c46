"""Kernel warm-up."""

from pathlib import Path

import pytest

from lsh import warm


def test_after_warming_is_warm_returns_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "_marker", lambda: tmp_path / "note")
    assert not warm.is_warm()
    told = []
    warm.warm(lambda: told.append(warm.is_warm()))
    assert told == [False]  # searching is ready before all of it is
    assert warm.is_warm()


def test_warming_succeeds_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "_marker", lambda: tmp_path / "no folder" / "note")
    warm.warm()
    assert not warm.is_warm()
