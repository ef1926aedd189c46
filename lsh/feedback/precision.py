"""Precision of a classifier over the marks that it was taught with, by cross-validation."""

import math
from dataclasses import dataclass

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Int64Array
from lsh.feedback.classifier import Background, fit_classifier

MIN_EACH = 5  # marks of each kind, fewer say nothing
_FOLDS = 5
_Z = 1.959964  # of a normal distribution's central 95 %


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of yes among the marked clips that the classifier called yes when taught without them.

    low, high: its 95 % interval (Wilson 1927), as if the marks were a random sample. right of called: the counts.
    """

    value: float
    low: float
    high: float
    right: int
    called: int


def precision_of_marks(background: Background, X: Float32Array, is_yes: BoolArray) -> Precision | None:
    """Return the cross-validated precision of the classifier of these marks; None where they are too few to say.

    X: float32[n, d], is_yes: bool[n], at least `MIN_EACH` of each kind. Each of five parts, in which the kinds are
    represented alike, is called by a classifier of the other four. None, too, if nothing is called yes.
    """
    if min(is_yes.sum(), (~is_yes).sum()) < MIN_EACH:
        return None
    fold, others = _folds(is_yes), background.without(X)  # which holds none of a part that is left out
    called = np.zeros(len(X), np.bool_)
    for part in range(_FOLDS):
        inside = fold == part
        called[inside] = fit_classifier(others, X[~inside], is_yes[~inside]).score(X[inside]) > 0
    right, total = int((called & is_yes).sum()), int(called.sum())
    return Precision(right / total, *wilson_interval(right, total), right, total) if total else None


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, right of total >= 1 (Wilson 1927, equation 4)."""
    share, z2 = right / total, _Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def _folds(is_yes: BoolArray) -> Int64Array:
    """Return the part of each mark, int64[n]: those of a kind are dealt out in turn."""
    fold = np.empty(len(is_yes), np.int64)
    for kind in (is_yes, ~is_yes):
        fold[kind] = np.arange(kind.sum()) % _FOLDS
    return fold
