import numpy as np
import pytest

from benchmarks.peers.measure import _Trial, _worth_timing
from benchmarks.peers.worker import Searched


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


class Asked:
    """A worker that answers each round in `seconds` a block, and batches in the seconds of a list."""

    def __init__(self, seconds, batches):
        self.seconds, self.batches = seconds, iter(batches)

    def call(self, name, search, *limits):
        assert search == {"probes": 2}
        if name == "search_batch":
            return next(self.batches)
        assert (name, limits) == ("search_singly", (0.2, 20))
        return Searched([self.seconds, self.seconds], np.zeros((20, 10)), 1.0)


@pytest.mark.parametrize(
    ("seconds", "batches", "expected"),
    [
        (0.01, [0.5, 0.25], [40, 80]),
        (0.5, [0.5, 0.25], [40, 80]),  # a batch that is expected to take a second is timed again
        (0.51, [0.5], [40]),
        (0.51, [None, None], []),
    ],
)
def test_a_batch_is_timed_in_each_round_if_it_is_expected_to_be_short(seconds, batches, expected):
    built = {"build_s": 1.0, "index_mb": 2.0, "resident_mb": 3.0, "peak_mb": 4.0}
    recalls = np.array([0.0, 1.0] * 10)
    measured = _Trial(Asked(seconds, batches), "some", {"bits": 8}, {"probes": 2}, built, recalls, [])
    for _ in range(2):
        measured.measure(20)
    assert measured.batches == expected
    point = measured.point()
    assert (point.method, point.build, point.search) == ("some", {"bits": 8}, {"probes": 2})
    assert (point.recall, point.recall_error, point.queries) == (0.5, pytest.approx(0.5 / np.sqrt(20)), 20)
    assert (point.qps, point.median_qps) == (pytest.approx(10 / seconds), pytest.approx(10 / seconds))
    assert point.batch_qps == (max(expected) if expected else None)
    assert {name: getattr(point, name) for name in built} == built


def test_a_setting_is_not_timed_again_if_one_of_its_method_with_more_recall_is_much_faster():
    best, near, beaten = trial([[1.0]], 0.9, 10), trial([[1.3]], 0.9, 10), trial([[2.0]], 0.8, 10)
    trials = [best, near, beaten]
    assert [_worth_timing(t, trials) for t in trials] == [True, True, False]


def test_a_setting_is_timed_again_if_only_other_methods_or_lower_recalls_are_faster():
    slow, fast, other = trial([[9.0]], 0.99, 10), trial([[1.0]], 0.9, 10), trial([[1.0]], 1.0, 10, method="other")
    assert _worth_timing(slow, [slow, fast, other])
