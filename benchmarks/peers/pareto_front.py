"""Pareto front of recall and speed: the settings that no other one beats in both, and the speed at a given recall."""

from collections.abc import Sequence
from math import exp, log
from typing import Protocol, TypeVar


class _Measured(Protocol):
    @property
    def recall(self) -> float: ...

    @property
    def qps(self) -> float: ...


Point = TypeVar("Point", bound=_Measured)


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in both recall and speed, by ascending recall and descending speed."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (-p.recall, -p.qps)):
        if not front or point.qps > front[-1].qps:
            front.append(point)
    return front[::-1]


def qps_at_recall(front: Sequence[Point], recall: float) -> tuple[float, Point] | None:
    """Return queries per second at a recall, and the first point of the front that reaches it; None if none does.

    Between two points, log(qps) is linear in recall. Where even the fastest point has a higher recall, its speed is
    returned, which is a lower bound.
    """
    for below, above in zip([None, *front], front, strict=False):
        if above.recall >= recall:
            if below is None:
                return above.qps, above
            share = (recall - below.recall) / (above.recall - below.recall)
            return exp((1 - share) * log(below.qps) + share * log(above.qps)), above
    return None
