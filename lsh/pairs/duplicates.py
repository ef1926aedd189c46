"""Duplicates: all pairs of vectors within a radius, by hash tables of their signatures, and the groups they form.

A signature is the signs of 64 random projections. In each of several tables the vectors are sorted by some bits of it,
and the pairs that share these, and differ in few of the others, are compared exactly. For a pair at an angle t
one bit is the same with probability 1 - t/pi (Charikar 2002), so that the tables needed for a wanted recall follow from
the angle at the radius; the number of bits per table is the one that costs least by counts in the first table.
"""

import math

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.pairs.distances import distances_from, pairs_of_all
from lsh.pairs.self_join import Duplicates, Progress, SelfJoin
from lsh.sampling import evenly_spaced_rows

RARE = 1e-6  # share of random pairs that are within the usual radius, at most
_SAMPLED = 6_400  # rows of which all pairs show how common a distance is: 20 million pairs


def duplicates(
    X: npt.ArrayLike,
    radius: float | None = None,
    metric: str = "cosine",
    recall: float = 0.95,
    seed: int = 0,
    n_threads: int = 1,
    progress: Progress = lambda _: None,
) -> Duplicates:
    """Return the pairs of rows of X, float32[n, d], at a distance of at most `radius`, each found with `recall`.

    X may be memory-mapped or `EncodedVectors`. radius: by default the largest at which fewer than one in a million
    random pairs match (`usual_radius`). recall: probability for each pair, above 0 and below 1; equal vectors are
    always found. The same seed gives the same answer, for any number of threads.

    Raises ParameterError for a radius so large that tables of signatures cannot find its pairs.
    """
    exact = ExactSearch(X, metric)
    if not 0 < (wanted := validate.positive(recall, "recall", 1.0)) < 1:
        raise ParameterError(f"recall is {recall!r}; expected a number above 0 and below 1")
    limit = usual_radius(exact, seed) if radius is None else validate.radius(radius)
    return SelfJoin(exact, limit, wanted, seed, n_threads, progress).run()


def usual_radius(exact: ExactSearch, seed: int = 0) -> float:
    """Return the largest distance below which fewer than one in a million pairs lie, of some 20 million random ones."""
    n = len(exact.X)
    rows = np.sort(np.random.default_rng(seed).permutation(n)[:_SAMPLED])
    n_pairs = len(rows) * (len(rows) - 1) // 2
    lowest = np.empty(0, np.float32)
    kept = math.floor(n_pairs * RARE) + 1
    for place in range(len(rows) - 1):
        distances = distances_from(exact, int(rows[place]), rows[place + 1 :])
        lowest = np.sort(np.concatenate([lowest, distances]))[:kept]
    if not len(lowest):
        return 0.0
    return max(0.0, float(np.nextafter(lowest[-1], np.float32(-1))))


def measured_recall(found: Duplicates, exact: ExactSearch, max_rows: int = 20_000) -> tuple[int, int]:
    """Return how many pairs within the radius there are among evenly spaced rows, and how many of them were found."""
    true = pairs_of_all(exact, evenly_spaced_rows(len(exact.X), max_rows), found.radius)
    codes = true @ np.array([len(exact.X), 1])
    listed = np.isin(codes, found.pairs @ np.array([len(exact.X), 1]))
    group_of = np.full(len(exact.X), -1)
    for number, group in enumerate(found.groups):
        if group[0] in found.capped:
            group_of[group] = number
    together = (group_of[true[:, 0]] >= 0) & (group_of[true[:, 0]] == group_of[true[:, 1]])
    return len(true), int((listed | together).sum())
