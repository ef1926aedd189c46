"""The time of a setting, which is the same on every page and for the command line."""

import re
import shutil
import threading
from dataclasses import replace

import pytest

import lsh.analysis.timing
from lsh import ExactSearch, LSHIndex
from lsh.__main__ import main as lsh_command
from tests.ui.apptest import QUIET, alone, opened, said, write_small
from ui.model import setting_metrics, stopwatch
from ui.widgets import metrics_strip

ROWS = {"train": 300, "validation": 30, "test": 5}
LINK = {"L": "4", "K": "5"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("made") / "small", ROWS)


@pytest.fixture
def small(made, home):
    """Return a small dataset whose settings have no times yet."""
    stopwatch.shared.clear()
    return shutil.copytree(made, home / "small")


@pytest.fixture
def fake_clock(monkeypatch):
    """Let an LSH search take 0.21 ms and an exact search 0.84 ms by the clock of every measurement."""
    now = threading.local()

    def taking(search, seconds):
        def timed(*arguments, **options):
            found = search(*arguments, **options)
            now.seconds = getattr(now, "seconds", 0.0) + seconds
            return found

        return timed

    monkeypatch.setattr(LSHIndex, "search", taking(LSHIndex.search, 0.00021))
    monkeypatch.setattr(ExactSearch, "search", taking(ExactSearch.search, 0.00084))
    monkeypatch.setattr(lsh.analysis.timing, "clock", lambda: getattr(now, "seconds", 0.0))


def measured(app):
    """Draw a page again when the times that it waits for are measured."""
    worker = stopwatch.shared()._worker
    if worker is not None:
        worker.join(60)
    return app.run()


def time_of(app):
    """Return the time per query in the strip, exact search's, the change, and how it was measured."""
    (metric,) = (metric for metric in app.metric if metric.label == "time per query")
    return metric.value, metric.proto.delta_description, metric.delta, metric.help


def places(app):
    """Return the kinds of the elements and containers of a page, by their index."""
    return {index: child.type for index, child in app.main.children.items()}


def test_a_setting_has_one_time_on_all_pages_and_on_the_command_line(small, fake_clock, capsys):
    waiting = opened("listen", **LINK)
    assert time_of(waiting)[:2] == ("…", "being measured")
    shown = {page: measured(opened(page, **LINK)) for page in ("listen", "tune", "race", "inside", "map", "learn")}
    assert {time_of(app)[:2] for app in shown.values()} == {("0.21 ms", "exact 0.84 ms")}
    assert {"over 30 validation queries" in time_of(app)[3] for app in shown.values()} == {True}
    tune = said(shown["tune"])
    assert "Exact search takes 0.84 ms per query here. Your setting takes 0.21 ms" in tune
    assert "4.0 times as fast as exact search" in tune
    table = next(table.value for table in shown["tune"].table if "time per query" in table.value.columns)
    assert table["time per query"].str.replace("\u00a0", " ").iloc[[0, -1]].tolist() == ["0.21 ms", "0.84 ms"]
    learn = said(measured(opened("learn", chapter="Brute force", **LINK)))
    assert "One exact search took 0.84 ms" in learn
    assert "with 30 validation queries" in learn
    capsys.readouterr()
    command = re.search(r"python -m lsh (.*)", shown["tune"].code[0].value)[1].split()
    assert lsh_command([command[0], str(small), *command[2:]]) == 0
    assert (
        "0.210 ms per query (exact search: 0.840 ms, 4.00 times as long), spread 0%, over 30" in capsys.readouterr().out
    )


@pytest.mark.parametrize(("spread", "change"), [(0.05, "+0.060 ms"), (0.29, "+0.060 ms"), (0.31, "about the same")])
def test_a_change_of_time_within_the_spread_is_called_about_the_same(small, monkeypatch, spread, change):
    def times(context):
        return replace(QUIET, spread=spread, ms=0.20 + 0.06 * (context.settings.n_tables == 5))

    monkeypatch.setattr(setting_metrics, "times", times)
    app = opened("listen", **LINK)
    app.slider(key="L").set_value(5).run()
    assert time_of(app)[2] == change
    assert {metric.label for metric in app.metric if metric.delta} >= {"looked at, average"}


def test_times_that_arrive_later_are_compared_with_those_of_the_setting_before(small, monkeypatch):
    arrived = {4: QUIET}
    monkeypatch.setattr(setting_metrics, "times", lambda context: arrived.get(context.settings.n_tables))
    app = opened("listen", **LINK)
    app.slider(key="L").set_value(5).run()
    assert time_of(app)[:3] == ("…", "being measured", "")
    for failed, words in ((False, "is being measured"), (True, "could not be timed")):
        with monkeypatch.context() as patch:
            patch.setattr(setting_metrics, "times_failed", lambda _, failed=failed: failed)
            assert f"One exact search {words}." in said(opened("learn", chapter="Brute force", L="5"))
    arrived[5] = replace(QUIET, ms=0.3)
    assert time_of(app.run())[:3] == ("0.30 ms", "exact 0.80 ms", "+0.10 ms")


def test_waiting_for_a_time_leaves_every_other_element_in_its_place(small, monkeypatch):
    arrived = []
    monkeypatch.setattr(setting_metrics, "times", lambda _: arrived[0] if arrived else None)
    app = opened("tune", **LINK)
    before = places(app)
    arrived.append(QUIET)
    assert places(app.run()) == before


def test_a_time_that_cannot_be_measured_is_not_waited_for(small, monkeypatch):
    monkeypatch.setattr(setting_metrics, "search_times", lambda *_: 1 / 0)
    opened("listen", **LINK)
    assert time_of(measured(opened("listen", **LINK)))[:2] == ("…", "not measured")


def test_memory_is_not_compared_with_exact_search(small):
    (index,) = (metric for metric in opened("listen", **LINK).metric if metric.label == "index")
    assert index.proto.delta_description == ""


def test_the_page_is_drawn_again_only_while_a_time_is_being_measured(small, monkeypatch):
    waits = []
    monkeypatch.setattr(metrics_strip, "_wait_for_times", waits.append)
    app = alone("listen", **LINK).run()
    assert len(waits) == 1
    measured(app)
    assert len(waits) == 1
