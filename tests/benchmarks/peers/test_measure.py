import numpy as np
import pytest

from benchmarks.peers.measure import _Trial, _worth_timing


def trial(rounds, recall=1.0, queries=20, method="some"):
    return _Trial(None, method, {}, {}, {}, np.full(queries, recall), rounds)


def test_each_block_of_ten_counts_with_its_fastest_round():
    assert trial([[1.0, 3.0], [2.0, 1.0]]).qps() == pytest.approx(20 / 2)


def test_the_median_speed_counts_each_block_with_its_median_round():
    assert trial([[1.0, 3.0], [2.0, 1.0], [4.0, 2.0]]).qps(np.median) == pytest.approx(20 / 4)


def test_only_blocks_that_every_round_reached_count():
    assert trial([[1.0, 5.0], [2.0]]).qps() == pytest.approx(10 / 1)


def test_a_last_block_with_fewer_queries_counts_those():
    assert trial([[1.0, 0.5]], queries=15).qps() == pytest.approx(15 / 1.5)


def test_a_setting_is_not_timed_again_if_one_of_its_method_with_more_recall_is_much_faster():
    best, near, beaten = trial([[1.0]], 0.9, 10), trial([[1.3]], 0.9, 10), trial([[2.0]], 0.8, 10)
    trials = [best, near, beaten]
    assert [_worth_timing(t, trials) for t in trials] == [True, True, False]


def test_a_setting_is_timed_again_if_only_other_methods_or_lower_recalls_are_faster():
    slow, fast, other = trial([[9.0]], 0.99, 10), trial([[1.0]], 0.9, 10), trial([[1.0]], 1.0, 10, method="other")
    assert _worth_timing(slow, [slow, fast, other])
