"""Simulation of slow shards, compared with what probability theory says."""

import pytest

from benchmarks.stragglers import simulate


def test_the_more_shards_a_query_waits_for_the_slower_it_is_and_hedging_helps():
    plain = [simulate(n, 4000, hedged=False) for n in (1, 10, 100)]
    hedged = [simulate(n, 4000, hedged=True) for n in (1, 10, 100)]
    assert plain[0].p50 < plain[1].p50 < plain[2].p50
    assert plain[0].p50 == pytest.approx(1.0, abs=0.03)  # the unit of time
    # Of 100 shards at least one is slow in 1 - 0.99^100 = 63 % of queries, so the median is a slow answer.
    assert plain[2].p50 > 5
    assert all(one.p99 < other.p99 for one, other in zip(hedged[1:], plain[1:], strict=True))
    assert [one.extra for one in plain] == [0, 0, 0]
    assert hedged[2].extra == pytest.approx(0.05, abs=0.005)  # sent after the time by which 95 % have answered
