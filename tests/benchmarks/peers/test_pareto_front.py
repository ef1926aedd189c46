"""Pareto fronts of recall and time."""

from dataclasses import dataclass

import pytest

from benchmarks.peers.pareto_front import pareto_front, qps_at_recall


@dataclass(frozen=True)
class At:
    recall: float
    qps: float


def test_a_point_that_another_one_beats_in_recall_and_speed_is_left_out():
    good, better, beaten = At(0.8, 100), At(0.9, 50), At(0.7, 90)
    assert pareto_front([better, beaten, good]) == [good, better]


def test_of_equally_fast_points_the_one_with_the_higher_recall_remains():
    assert pareto_front([At(0.8, 100), At(0.9, 100)]) == [At(0.9, 100)]


def test_of_points_with_equal_recall_the_fastest_remains():
    assert pareto_front([At(0.8, 100), At(0.8, 120), At(0.8, 110)]) == [At(0.8, 120)]


def test_halfway_between_two_points_the_speed_is_their_geometric_mean():
    assert qps_at_recall([At(0.9, 1000), At(1.0, 10)], 0.95) == (pytest.approx(100), At(1.0, 10))


def test_a_quarter_of_the_way_the_faster_point_has_a_weight_of_three_quarters():
    assert qps_at_recall([At(0.8, 16), At(0.9, 1)], 0.825) == (pytest.approx(8), At(0.9, 1))


def test_at_a_measured_recall_the_speed_is_the_measured_one():
    assert qps_at_recall([At(0.8, 300), At(0.9, 200), At(0.95, 70)], 0.9) == (pytest.approx(200), At(0.9, 200))


def test_below_the_recall_of_the_fastest_point_its_speed_is_returned():
    assert qps_at_recall([At(0.9, 1000), At(1.0, 10)], 0.5) == (1000, At(0.9, 1000))


def test_a_recall_that_no_point_reaches_has_no_speed():
    assert qps_at_recall([At(0.9, 1000), At(0.94, 10)], 0.95) is None


def test_no_points_have_an_empty_front_and_no_speed():
    assert pareto_front([]) == []
    assert qps_at_recall([], 0.9) is None
