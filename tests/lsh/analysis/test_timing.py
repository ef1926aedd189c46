"""Interleaved timing."""

import itertools
import time

import numpy as np
import pytest

import lsh.analysis.timing
from lsh.analysis import machine
from lsh.analysis.timing import (
    interleaved,
    ms_and_spread_in_turns,
    ms_per_query,
    n_timed,
    same_time,
    search_times,
    spread_of_rounds,
    timed,
)


def test_searches_are_interleaved_on_each_query(monkeypatch):
    calls = []
    Q = np.arange(3, dtype=np.float32)[:, None]
    ms_per_query([lambda q, name=name: calls.append((name, q.tolist())) for name in "ab"], Q, rounds=2)
    warm, timed = calls[:2], calls[2:]
    assert [name for name, _ in warm] == ["a", "b"]
    assert timed == [(name, [[float(q)]]) for _ in range(2) for q in range(3) for name in "ab"]


def test_each_query_counts_with_its_median_over_the_rounds_and_the_mean_is_over_queries(monkeypatch):
    now = [0.0]
    seconds = iter([0.0, *[1.0, 10.0], *[2.0, 20.0], *[90.0, 30.0]])  # a warm-up, then three rounds of two queries

    def search(q):
        now[0] += next(seconds)

    monkeypatch.setattr(lsh.analysis.timing, "clock", lambda: now[0])
    assert ms_per_query([search], np.zeros((2, 1), np.float32), rounds=3) == [1000 * (2.0 + 20.0) / 2]


@pytest.mark.parametrize(
    ("order", "calls"),
    [("fixed", ["ab", "ab", "ab"]), ("alternating", ["ab", "ba", "ab"])],
)
def test_each_round_runs_every_setting_once_per_query(order, calls):
    called = []
    settings = [lambda q, name=name: called.append((name, q)) or f"{name}{q}" for name in "ab"]
    measured = list(interleaved(settings, [5, 7], 3, order))
    assert called == [(name, q) for names in calls for q in (5, 7) for name in names]
    assert measured == [(number, q, [f"a{q}", f"b{q}"]) for number in range(3) for q in (5, 7)]


def test_a_shuffled_order_differs_between_rounds_and_queries_and_is_the_same_again():
    def run():
        called = []
        settings = [lambda q, s=s: called.append((s, q)) or s for s in range(6)]
        assert all(m.values == list(range(6)) for m in interleaved(settings, [0, 1], 2, "shuffled"))
        return [tuple(s for s, _ in called[start : start + 6]) for start in range(0, len(called), 6)]

    orders = run()
    assert len(set(orders)) == 4
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert run() == orders


def test_in_turns_a_group_answers_all_queries_after_another_and_its_searches_no_query_one_after_another():
    calls = []
    Q = np.arange(6, dtype=np.float32)[:, None]
    searches = {name: lambda q, name=name: calls.append((name, float(q[0, 0]))) for name in "abcd"}
    ms_and_spread_in_turns([[searches["a"]], [searches[name] for name in "bcd"]], Q, rounds=2)
    warm, timed_calls = calls[:4], calls[4:]
    assert sorted(name for name, _ in warm) == list("abcd")
    orders = []
    for one_round in (timed_calls[:24], timed_calls[24:]):
        assert one_round[:6] == [("a", q) for q in range(6)]
        turns = [one_round[start : start + 3] for start in range(6, 24, 3)]
        assert all(sorted(name for name, _ in turn) == list("bcd") for turn in turns)
        assert all(len({q for _, q in turn}) == 3 for turn in turns)
        for name in "bcd":
            assert sorted(q for other, q in one_round if other == name) == list(range(6))
        orders.append([name for turn in turns for name, _ in turn])
    assert orders[0] != orders[1]


def test_in_turns_each_time_is_that_of_its_search_and_its_query(monkeypatch):
    now = [0.0]
    seconds = np.random.default_rng(0).uniform(1, 2, (3, 3, 5))  # of each search, round and query

    def search(own):
        calls = itertools.count(-1)  # the first call is the warm-up

        def run(q):
            call = next(calls)
            now[0] += own[call // 5, int(q[0, 0])] if call >= 0 else 0.0

        return run

    monkeypatch.setattr(lsh.analysis.timing, "clock", lambda: now[0])
    Q = np.arange(5, dtype=np.float32)[:, None]
    first, second, third = map(search, seconds)
    ms, spread = ms_and_spread_in_turns([[first], [second, third]], Q, rounds=3)
    assert ms == pytest.approx(1000 * np.median(seconds, axis=1).mean(axis=1))
    assert spread == pytest.approx(spread_of_rounds(seconds.transpose(1, 2, 0)))
    assert len(ms_and_spread_in_turns([[lambda _: None], []], Q)[0]) == 1


def test_a_caller_that_stops_runs_no_further_setting():
    called = []
    measurements = interleaved([called.append], [0, 1], 2)
    next(measurements)
    measurements.close()
    assert called == [0]


def test_waiting_for_a_processor_does_not_count():
    assert timed(lambda _: time.sleep(0.05))(0) < 0.05


def _times_with(monkeypatch, seconds, exact_seconds):
    """Measure two searches of one query whose rounds take these seconds by a fake clock; the first is a warm-up."""
    now = [0.0]

    def search_taking(each):
        each = iter(each)

        def search(_):
            now[0] += next(each)

        return search

    monkeypatch.setattr(lsh.analysis.timing, "clock", lambda: now[0])
    searches = search_taking([0.0, *seconds]), search_taking([0.0, *exact_seconds])
    return search_times(*searches, np.zeros((1, 1), np.float32), "validation")


def test_times_are_medians_of_the_rounds_with_the_spread_between_them(monkeypatch):
    times = _times_with(monkeypatch, [0.001, 0.0011, 0.0009, 0.001, 0.001], [0.004] * 5)
    assert (times.ms, times.exact_ms) == pytest.approx((1.0, 4.0))
    assert times.spread == pytest.approx(0.2)
    assert (times.n_queries, times.split, times.rounds) == (1, "validation", 5)
    assert times.processor == machine.processor() != ""


def test_the_spread_is_that_of_exact_search_where_it_is_larger(monkeypatch):
    assert _times_with(monkeypatch, [0.001] * 5, [0.004, 0.006, 0.004, 0.004, 0.004]).spread == pytest.approx(0.5)


def test_the_spread_is_not_zero_where_the_order_of_the_rounds_differs_between_queries(monkeypatch):
    now, taken = [0.0], iter([0.0, *np.random.default_rng(0).uniform(0.9, 1.1, 5 * 40)])

    def search(_):
        now[0] += next(taken)

    monkeypatch.setattr(lsh.analysis.timing, "clock", lambda: now[0])
    assert 0.005 < search_times(search, lambda _: None, np.zeros((40, 1), np.float32)).spread < 0.1


def test_fewer_queries_are_timed_in_large_collections():
    assert [n_timed(n) for n in (0, 20_000, 100_000, 2_000_000)] == [200, 200, 80, 20]


def test_the_spread_of_each_search_is_of_its_own_rounds():
    even, uneven = np.full((3, 2), 2.0), np.array([[1.0, 1.0], [1.1, 1.1], [1.3, 1.3]])
    spread = spread_of_rounds(np.stack([even, uneven], axis=2))
    assert spread == pytest.approx([0, 0.3 / 1.1])


@pytest.mark.parametrize(("spread", "same"), [(0.1, False), (0.25, True), (0.3, True)])
def test_times_are_the_same_within_the_spread_in_either_order(spread, same):
    assert same_time(1.0, 1.25, spread) == same_time(1.25, 1.0, spread) == same
