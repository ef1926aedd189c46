"""Pareto front of recall and speed: the settings that no other one beats in both, and the speed at a given recall."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple, Protocol, TypeVar


class Measured(Protocol):
    """A measured setting."""

    @property
    def recall(self) -> float:
        """Mean recall, 0 to 1."""

    @property
    def qps(self) -> float:
        """Queries per second, above 0."""


P = TypeVar("P", bound=Measured)


class Reading(NamedTuple):
    """Queries per second at a recall, and the position on the front of the first setting that reaches the recall."""

    qps: float
    position: int


def pareto_front(points: Sequence[P]) -> list[P]:
    """Return the points that no other one beats in both recall and speed, by ascending recall and descending speed."""
    front: list[P] = []
    for point in sorted(points, key=lambda p: (-p.recall, -p.qps)):
        if not front or point.qps > front[-1].qps:
            front.append(point)
    return front[::-1]


def qps_at_recall(front: Sequence[P], recall: float) -> Reading | None:
    """Return the speed at a recall, with log(qps) linear in recall between two points of the front.

    Where even the fastest point has a higher recall, its speed is returned, which is a lower bound. None if no point
    reaches the recall.
    """
    for position, above in enumerate(front):
        if above.recall >= recall:
            if position == 0:
                return Reading(above.qps, 0)
            below = front[position - 1]
            share = (recall - below.recall) / (above.recall - below.recall)
            return Reading(exp((1 - share) * log(below.qps) + share * log(above.qps)), position)
    return None
