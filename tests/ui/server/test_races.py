"""Races in a process of their own: progress, results, and the end of the process with its last visitor."""

import contextlib
import time
from pathlib import Path

import pytest

from data_prep.errors import DataError
from lsh.analysis.racing import Setting
from tests.ui.apptest import write_small
from ui.model import exclusive
from ui.server import races
from ui.server.races import Race, follow

SOON_S = 60.0


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("small") / "small", {"train": 260, "validation": 20, "test": 30})


@pytest.fixture
def processes(monkeypatch):
    """Return the list of the processes that are started."""
    real, started = races.subprocess.Popen, []

    def start(*arguments, **options):
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(races.subprocess, "Popen", start)
    return started


def over(path: Path, seed=0):
    return Race(str(path), "0123", "cosine", seed, None, Setting(4, 5, 1, 10), 260)


def until(condition):
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_race_of_another_process_arrives_whole(small, processes):
    told = list(follow(over(small)))
    run = told[-1].run
    assert (run.raced, run.finished, run.n_queries, run.setting) == ([260], True, 30, Setting(4, 5, 1, 10))
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    assert [process.returncode for process in processes] == [0]


def test_two_visitors_share_one_race_which_ends_with_the_last(small, processes):
    with contextlib.closing(follow(over(small))) as first, contextlib.closing(follow(over(small))) as second:
        next(first)
        next(second)
        until(lambda: processes)
        first.close()
        assert not next(second).run
        assert processes[0].poll() is None
    until(lambda: not exclusive.MEASURING.locked())
    assert len(processes) == 1
    assert processes[0].returncode < 0


def test_a_visitor_who_leaves_before_the_turn_comes_starts_no_process(small, processes):
    with exclusive.hold(exclusive.MEASURING, lambda: None):
        with contextlib.closing(follow(over(small))) as waiting:
            assert next(waiting).share is None
        time.sleep(0.5)
    until(lambda: not exclusive.MEASURING.locked())
    assert not processes


def test_a_race_ends_when_its_visitor_is_no_longer_connected(small, processes, monkeypatch):
    monkeypatch.setattr(races, "_LEFT_AFTER_S", 0.3)
    told = list(follow(over(small), lambda: not processes))
    assert told[-1].run is None
    until(lambda: not exclusive.MEASURING.locked())
    assert processes[0].returncode < 0


def test_a_race_that_fails_raises_the_last_line_of_its_process(tmp_path):
    with pytest.raises(DataError, match=r"ended before its time: .*manifest.json is missing"):
        list(follow(over(tmp_path)))
