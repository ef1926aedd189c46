"""The grid of times on Tune."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lsh import LSHIndex
from ui.pages.tune import time_grid
from ui.pages.tune.time_grid import TimeGrid, Times


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    return rng.standard_normal((300, 8)).astype(np.float32), rng.standard_normal((6, 8)).astype(np.float32)


@pytest.fixture
def watch(data, monkeypatch):
    monkeypatch.setattr(time_grid, "BUDGET_S", 0.01)
    monkeypatch.setattr(time_grid, "MIN_QUERIES", 10)
    return TimeGrid(LSHIndex("cosine", n_tables=5, n_bits=3).fit(data[0]), data[1], k=3, n_probes=1)


@pytest.fixture
def times():
    ms = np.array([[0.4, 0.1], [0.8, 0.2], [1.6, 0.4]])
    return Times(np.array([1, 2, 4]), np.array([1, 2]), ms, np.zeros((3, 2)), 1.0, 6, 5)


def test_every_k_is_timed_at_doubling_numbers_of_tables(watch):
    times = watch.run(lambda _: None)
    assert (times.n_tables.tolist(), times.n_bits.tolist()) == ([1, 2, 4, 5], [1, 2, 3])
    assert times.ms.shape == (4, 3)
    assert (times.ms > 0).all()
    assert times.exact_ms > 0
    assert times.spread.shape == (4, 3)
    assert (times.spread > 0).all()


def test_a_finished_measurement_holds_no_index(data):
    index = LSHIndex("cosine", n_tables=5, n_bits=3).fit(data[0])
    held = weakref.ref(index)
    grid = TimeGrid(index, data[1], k=3, n_probes=1)
    assert grid.done is False
    grid.run(lambda _: None)
    del index
    gc.collect()
    assert grid.done is True
    assert held() is None


def test_progress_increases_to_one(watch):
    shares = []
    watch.run(shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_interrupted_measurement_is_resumed(watch, data):
    class LeftError(Exception):
        pass

    def leave(_share):
        raise LeftError

    with pytest.raises(LeftError):
        watch.run(leave)
    assert watch.done is False
    shares = []
    watch.run(shares.append)
    again = []
    watch.run(again.append)
    assert len(shares) == len(data[1]) - 1  # the first query was timed before the interruption
    assert again == []
    assert watch.done is True


def test_progress_is_reported_to_visitors_who_wait(watch, data):
    waiting, shares = threading.Event(), []

    def second(share):
        shares.append(share)
        waiting.set()

    with ThreadPoolExecutor(2) as visitors:
        begun = threading.Event()
        first = visitors.submit(watch.run, lambda _: (begun.set(), waiting.wait(60)))
        assert begun.wait(60)
        again = visitors.submit(watch.run, second)
        assert np.array_equal(again.result().ms, first.result().ms)
    assert shares[0] == 1 / len(data[1])


def test_a_measured_setting_has_its_measured_time(times):
    assert times.at(2, 2) == pytest.approx(0.2)


def test_times_between_measured_tables_are_interpolated_on_log_scales(times):
    assert times.at(3, 1) == pytest.approx(0.8 * 2 ** np.log2(1.5))


def test_fastest_returns_the_fastest_among_the_given_settings(times):
    reaches = np.array([[False, False], [True, False], [True, True]])
    assert times.fastest(reaches) == (4, 2)
    assert times.fastest(np.zeros((3, 2), bool)) is None
