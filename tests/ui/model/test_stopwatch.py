"""The stopwatch: times of settings, measured once for all pages."""

import json
import subprocess
import sys
import threading

import pytest

from lsh.analysis.timing import SearchTimes
from ui.model import stopwatch
from ui.model.exclusive import Turns
from ui.model.stopwatch import Stopwatch, TimeKey

KEY = TimeKey("fingerprint", "cosine", "L=20 K=8")
OTHER = KEY._replace(setting="L=4 K=8")
TIMES = SearchTimes(0.1, 0.4, 0.03, 200, "validation", 5, "Abacus 3000")


def spread(share):
    """Return times with this spread."""
    return SearchTimes(0.1, 0.4, share, 200, "validation", 5, "Abacus 3000")


def never():
    """Fail, as this setting is not to be measured."""
    raise AssertionError


def measured(watch, key, measure):
    """Request a setting, wait until nothing is being measured, and return its times."""
    watch.times(key, measure)
    finish(watch)
    return watch.times(key, measure)


def finish(watch):
    """Wait until nothing is being measured."""
    worker = watch._worker
    if worker is not None:
        worker.join(60)


def only_file(folder):
    """Return the file of times in a folder, which holds nothing else."""
    (file,) = folder.iterdir()
    return file


def test_a_setting_has_no_times_until_it_is_measured_and_is_measured_once():
    watch, begin, calls = Stopwatch(None), threading.Event(), []

    def measure():
        calls.append(1)
        begin.wait(60)
        return TIMES

    assert [watch.times(KEY, measure) for _ in range(3)] == [None] * 3
    begin.set()
    finish(watch)
    assert watch.times(KEY, never) == TIMES
    assert calls == [1]


def test_a_measurement_waits_for_runs_to_end_but_not_for_long(monkeypatch):
    turns, waited = Turns(1), []
    turns.wait_until_idle = waited.append
    monkeypatch.setattr(stopwatch, "RUNS", turns)
    watch = Stopwatch(None)
    assert measured(watch, KEY, lambda: TIMES if waited == [2.0] else never()) == TIMES


def test_the_setting_requested_last_is_measured_first_and_old_requests_are_dropped():
    watch, begun, begin, order = Stopwatch(None), threading.Event(), threading.Event(), []
    watch.times(KEY, lambda: begun.set() or (begin.wait(60) and TIMES))
    assert begun.wait(60)
    for n in range(stopwatch.MAX_WAITING + 2):
        watch.times(KEY._replace(setting=str(n)), lambda n=n: order.append(n) or TIMES)
    watch.times(KEY._replace(setting="5"), lambda: order.append(5) or TIMES)
    begin.set()
    finish(watch)
    assert order == [5, 9, 8, 7, 6, 4, 3, 2]


def test_exact_search_has_one_time_and_a_setting_keeps_its_ratio_to_it():
    watch = Stopwatch(None)
    measured(watch, KEY, lambda: TIMES)
    slower = measured(watch, OTHER, lambda: SearchTimes(0.4, 0.8, 0.03, 200, "validation", 5, "Abacus 3000"))
    assert (slower.ms, slower.exact_ms) == pytest.approx((0.2, 0.4))
    assert watch.times(KEY, never) == TIMES


def test_noisy_times_are_shown_and_measured_again_later(monkeypatch):
    watch = Stopwatch(None)
    assert measured(watch, KEY, lambda: spread(0.5)).spread == 0.5
    assert measured(watch, KEY, never).spread == 0.5
    monkeypatch.setattr(stopwatch, "RETRY_S", 0.0)
    watch._retry_at.clear()
    assert measured(watch, KEY, lambda: spread(0.1)).spread == 0.1
    assert measured(watch, KEY, never).spread == 0.1


def test_known_times_are_steady_ones_and_are_not_measured(tmp_path):
    watch = Stopwatch(tmp_path)
    assert watch.known(KEY) is None
    assert watch._worker is None
    measured(watch, KEY, lambda: TIMES)
    measured(watch, OTHER, lambda: spread(0.5))
    assert Stopwatch(tmp_path).known(KEY) == TIMES
    assert Stopwatch(tmp_path).known(OTHER) is None


def test_a_measurement_that_fails_is_logged_and_not_repeated(caplog):
    watch = Stopwatch(None)
    assert measured(watch, KEY, never) is None
    assert watch.has_failed(KEY)
    assert watch.times(KEY, lambda: pytest.fail("measured again")) is None
    assert KEY not in watch._waiting
    assert "cannot measure the time" in caplog.text
    assert measured(watch, OTHER, lambda: TIMES) == TIMES


def test_times_are_reused_by_another_process(tmp_path, root):
    assert measured(Stopwatch(tmp_path), KEY, lambda: TIMES) == TIMES
    program = (
        "import sys; from pathlib import Path; from ui.model.stopwatch import Stopwatch, TimeKey;"
        "print(Stopwatch(Path(sys.argv[1])).times(TimeKey(*sys.argv[2:]), lambda: 1 / 0).ms)"
    )
    command = [sys.executable, "-c", program, str(tmp_path), *KEY[:3]]
    assert subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip() == "0.1"


def test_times_that_another_process_stored_meanwhile_are_taken_and_kept(tmp_path):
    mine, other = Stopwatch(tmp_path), Stopwatch(tmp_path)
    assert mine.times(KEY._replace(setting="first"), lambda: TIMES) is None
    finish(mine)
    measured(other, KEY, lambda: TIMES)
    assert measured(mine, KEY, never) == TIMES
    assert set(json.loads(only_file(tmp_path).read_text())) == {"first", KEY.setting}


def test_each_dataset_and_metric_has_its_own_times(tmp_path):
    watch = Stopwatch(tmp_path)
    for key in (KEY, KEY._replace(metric="euclidean"), KEY._replace(fingerprint="other")):
        assert measured(watch, key, lambda: TIMES) == TIMES
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "[]",
        lambda _: '{"L=20 K=8": 3}',
        lambda text: text.replace("0.1", '"0.1"'),
        lambda text: text.replace("0.1", "NaN"),
        lambda text: text.replace("0.1", "-0.1"),
        lambda text: text.replace("0.4", "0.0"),
        lambda text: text.replace("200", "2.5"),
        lambda text: text.replace('"split"', '"half"'),
        lambda text: "é" + text,
    ],
)
def test_a_damaged_file_is_ignored_and_replaced(tmp_path, damage):
    measured(Stopwatch(tmp_path), KEY, lambda: TIMES)
    file = only_file(tmp_path)
    whole = file.read_text()
    file.write_text(damage(whole), encoding="latin-1")
    assert measured(Stopwatch(tmp_path), KEY, lambda: TIMES) == TIMES
    assert file.read_text() == whole


def test_without_a_writable_folder_times_are_kept_in_memory(tmp_path):
    for folder in (tmp_path / "missing", None):
        watch = Stopwatch(folder)
        assert measured(watch, KEY, lambda: TIMES) == TIMES
        assert watch.times(KEY, never) == TIMES
    assert list(tmp_path.iterdir()) == []


def test_times_that_are_not_kept_stay_in_memory_the_newest_of_many(tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch, "MAX_IN_MEMORY", 3)
    watch = Stopwatch(tmp_path)
    keys = [KEY._replace(fingerprint=str(i), is_kept=False) for i in range(5)]
    for key in keys:
        assert measured(watch, key, lambda: TIMES) == TIMES
    assert not list(tmp_path.iterdir()) or [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    assert len(watch._in_memory) == 3
    assert watch.times(keys[4], never) == TIMES
    assert watch.known(keys[0]) is None
