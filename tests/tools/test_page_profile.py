"""Profile of pages: a row per page, of the runs of its script alone."""

import re

import pytest

from tests.event_loop import call
from tests.ui.apptest import write_small
from tools import page_profile

ROWS = {"train": 60, "validation": 4, "test": 4}


def pages(*modules):
    return [("Title", "path", "icon", module) for module in modules]


@pytest.fixture
def small(tmp_path):
    return write_small(tmp_path / "data" / "small", ROWS)


def test_a_page_has_a_row_with_the_functions_that_take_most_of_a_move(small, monkeypatch, capsys):
    monkeypatch.setattr(page_profile, "PAGES", pages("ui.pages.crate", "ui.pages.learn.page"))
    assert call(page_profile.main, [str(small), "--moves", "2", "--functions", "3"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("|")][2:]
    assert [row[0].strip() for row in rows] == ["crate", "learn.page"]
    for _, ms, calls, functions in rows:
        assert 0.5 < float(ms) < 10_000
        assert 2_000 < int(calls.replace(",", "")) < 200_000  # of one move
        shares = [int(share) for share in re.findall(r"[\w/]+:\w+ (\d+)%", functions)]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
        assert 100 > shares[0] > 0
    assert "pages/learn/" in rows[1][3]
    assert "pages/learn/" not in rows[0][3]


def test_a_dataset_with_too_few_clips_to_ask_with_is_refused(tmp_path, capsys):
    assert call(page_profile.main, [str(write_small(tmp_path / "small", {"train": 60, "test": 1}))]) == 2
    assert "has 1 clips in its test split" in capsys.readouterr().err


def test_a_page_with_an_exception_is_an_error(small, monkeypatch, capsys):
    monkeypatch.setattr(page_profile, "PAGES", pages("ui.pages.crate"))
    monkeypatch.setattr("ui.pages.crate.show", lambda context: 1 / 0)
    assert call(page_profile.main, [str(small), "--moves", "1"]) == 2
    assert "ui.pages.crate shows an exception; open the page" in capsys.readouterr().err


def test_the_time_of_a_run_is_that_of_its_thread_and_ends_with_it(monkeypatch):
    times = iter([1.0, 1.5, 4.0, 4.25])
    runner = page_profile.ScriptRunner
    monkeypatch.setattr(runner, "_run_script", lambda self, *given: given)
    with page_profile._each_run(lambda: next(times)) as seconds:
        runner._run_script(None, "a")
        runner._run_script(None, "b")
    runner._run_script(None, "c")  # is not measured
    assert seconds == [0.5, 0.25]
