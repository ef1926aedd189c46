import numpy as np

import lsh.timing
from lsh.timing import ms_per_query


def test_searches_take_turns_on_one_query_after_another(monkeypatch):
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

    monkeypatch.setattr(lsh.timing, "clock", lambda: now[0])
    assert ms_per_query([search], np.zeros((2, 1), np.float32), rounds=3) == [1000 * (2.0 + 20.0) / 2]
