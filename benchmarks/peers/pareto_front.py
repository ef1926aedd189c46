"""How fast a method is at a recall: the points that nothing beats, and straight lines between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Protocol, TypeVar


class Measured(Protocol):
    """A setting that was measured."""

    @property
    def recall(self) -> float:
        """Return the mean recall, 0 to 1."""

    @property
    def qps(self) -> float:
        """Return queries a second, above 0."""


P = TypeVar("P", bound=Measured)


@dataclass(frozen=True, slots=True)
class Reading:
    """Queries a second at a wanted recall, and the place on the frontier of the setting that comes nearest above it."""

    qps: float
    place: int


def pareto_front(points: Sequence[P]) -> list[P]:
    """Return the points that no other one beats in both recall and speed, by rising recall and falling speed."""
    kept: list[P] = []
    for point in sorted(points, key=lambda p: (-p.recall, -p.qps)):
        if not kept or point.qps > kept[-1].qps:
            kept.append(point)
    return kept[::-1]


def qps_at_recall(unbeaten: Sequence[P], recall: float) -> Reading | None:
    """Read a frontier at a recall: between two points log(qps) goes in a straight line over recall.

    Where even the fastest point has more recall than was asked for, its speed is returned, which is a lower bound.
    None when no point reaches the recall.
    """
    for place, above in enumerate(unbeaten):
        if above.recall >= recall:
            if place == 0:
                return Reading(above.qps, 0)
            below = unbeaten[place - 1]
            share = (recall - below.recall) / (above.recall - below.recall)
            return Reading(exp((1 - share) * log(below.qps) + share * log(above.qps)), place)
    return None
