"""Turns: so many runs at once, in order of arrival; a turn ends with its run, however the run ends."""

import threading
import time

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from ui.frame import shell
from ui.model import exclusive
from ui.model.exclusive import Turns
from ui.paths import ROOT

SOON_S = 10.0


def until(condition):
    """Wait for a condition that another thread fulfils."""
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


class Run(threading.Thread):
    """A run in a thread of its own, which lasts until `ends` is set; events are noted in `log` by session."""

    def __init__(self, turns, session, log, waiting=lambda: None):
        super().__init__(daemon=True)
        self.turns, self.session, self.log, self.waiting = turns, session, log, waiting
        self.ends = threading.Event()
        self.start()

    def run(self):
        try:
            with self.turns.take(self.session, self.waiting):
                self.log.append(self.session)
                self.ends.wait(SOON_S)
        except StopException:
            self.log.append(f"{self.session} left")


def waits(turns, n):
    """Return a condition: n runs wait."""
    return lambda: len(turns._waiting) == n


def test_so_many_runs_go_on_at_once_and_the_others_in_order_of_arrival():
    turns, log = Turns(2), []
    runs = []
    for i, session in enumerate("abcde"):
        runs.append(Run(turns, session, log))
        until(lambda i=i: len(log) == i + 1 if i < 2 else len(turns._waiting) == i - 1)
    assert log == ["a", "b"]
    for i, run in enumerate(runs):
        run.ends.set()
        run.join()
        until(lambda i=i: len(log) == min(5, i + 3))
    assert log == list("abcde")
    assert turns._free == 2


@pytest.mark.parametrize("end", [RerunException(RerunData()), StopException(), ValueError("a fault"), None])
def test_a_turn_ends_with_its_run_however_that_ends(end):
    turns = Turns(1)
    if end is None:
        with turns.take("a", pytest.fail):
            pass
    else:
        with pytest.raises(type(end)), turns.take("a", pytest.fail):
            raise end
    assert turns._free == 1


def test_work_that_nobody_waits_for_begins_when_no_run_has_a_turn():
    turns, log = Turns(2), []
    first, second = Run(turns, "a", log), Run(turns, "b", log)
    until(lambda: len(log) == 2)
    turns.wait_until_idle(0.01)
    idle = threading.Thread(target=turns.wait_until_idle, args=(SOON_S,), daemon=True)
    idle.start()
    first.ends.set()
    first.join()
    idle.join(0.2)
    assert idle.is_alive()
    second.ends.set()
    second.join()
    idle.join(SOON_S)
    assert not idle.is_alive()


def test_a_run_that_is_interrupted_while_it_waits_leaves_and_its_next_run_keeps_the_place(monkeypatch):
    monkeypatch.setattr(exclusive, "_TOLD_AFTER_S", 0.01)
    turns, log = Turns(1), []

    def leave():
        raise StopException

    first = Run(turns, "a", log)
    until(lambda: log == ["a"])
    Run(turns, "b", log, leave)
    until(lambda: log == ["a", "b left"])
    assert turns._waiting == []
    others = [Run(turns, "c", log)]
    until(waits(turns, 1))
    others.append(Run(turns, "b", log))
    until(waits(turns, 2))
    for run in (first, *others):
        run.ends.set()
    for run in others:
        run.join(SOON_S)
    assert log == ["a", "b left", "b", "c"]
    assert turns._free == 1


def test_a_turn_that_comes_to_a_run_while_that_is_interrupted_is_passed_on(monkeypatch):
    monkeypatch.setattr(exclusive, "_TOLD_AFTER_S", 0.01)
    turns, log = Turns(1), []
    first = Run(turns, "a", log)
    until(lambda: log == ["a"])

    def turn_comes_and_run_is_interrupted():
        first.ends.set()
        first.join(SOON_S)
        raise StopException

    with pytest.raises(StopException), turns.take("b", turn_comes_and_run_is_interrupted):
        pass
    assert turns._free == 1


def test_sessions_whose_interrupted_runs_never_came_back_are_forgotten(monkeypatch):
    monkeypatch.setattr(exclusive, "_TOLD_AFTER_S", 0.0)
    monkeypatch.setattr(exclusive, "_REMEMBERED_S", 0.0)
    turns = Turns(0)

    def leave():
        raise StopException

    for session in "abc":
        with pytest.raises(StopException), turns.take(session, leave):
            pass
    assert list(turns._since) == ["c"]


def test_during_exclusive_work_others_have_the_turn(monkeypatch):
    turns, log = Turns(1), []
    monkeypatch.setattr(exclusive, "RUNS", turns)
    with turns.take("a", lambda: None):
        with exclusive.hold(threading.Lock(), pytest.fail):
            other = Run(turns, "b", log)
            until(lambda: log == ["b"])
            other.ends.set()
        assert turns._free == 0
    assert turns._free == 1


def test_an_exception_in_exclusive_work_keeps_no_turn(monkeypatch):
    turns = Turns(1)
    monkeypatch.setattr(exclusive, "RUNS", turns)
    with pytest.raises(StopException), turns.take("a", pytest.fail), exclusive.hold(threading.Lock(), pytest.fail):
        raise StopException
    assert turns._free == 1


def test_exclusive_work_needs_no_turn():
    with exclusive.hold(threading.Lock(), pytest.fail):
        pass


def test_a_visitor_who_waits_is_told_in_one_line_and_gets_the_page(monkeypatch):
    turns = Turns(0)
    monkeypatch.setattr(exclusive, "RUNS", turns)
    monkeypatch.setattr(exclusive, "_TOLD_AFTER_S", 0.05)
    told = shell.waiting_note

    def waiting_note():
        draw, times = told(), []

        def draw_and_end_the_wait():
            draw()
            times.append(1)
            if len(times) == 2:
                turns._leave()

        return draw_and_end_the_wait

    monkeypatch.setattr(shell, "waiting_note", waiting_note)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert [toast.value for toast in app.toast] == [shell.WAITING]
    assert app.title[0].value == "Hear what sounds alike"
    assert turns._free == 1
