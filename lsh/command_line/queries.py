"""Queries of the commands of `python -m lsh`: clips of a dataset, with their labels."""

from typing import TYPE_CHECKING

import numpy as np

from data_prep.errors import DataError
from lsh.arrays import Float32Array, Int64Array
from lsh.quality import Labels
from lsh.sampling import evenly_spaced_rows

if TYPE_CHECKING:
    from data_prep.dataset import Dataset

_OWN_QUERIES = 1000  # rows of train, of a dataset that has no other split


def split_of(dataset: "Dataset", split: str) -> str:
    """Return the split that queries are taken from: that asked for, or train where there is no other."""
    return split if any(map(dataset.n_rows, ("validation", "test"))) else "train"


def tuning_queries(
    dataset: "Dataset", split: str, max_rows: int
) -> tuple[Float32Array, Labels, Int64Array | None, str]:
    """Return the features and labels of queries of a split, None, and the split.

    Of an empty split other rows of train are taken, at most 1,000, the odd ones for validation and the even ones for
    test: their numbers follow, int64[n], and "train".
    """
    if dataset.n_rows(split):
        return *queries_of(dataset, split, max_rows), None, split
    n = min(max_rows, _OWN_QUERIES)
    queries, _, rows = queries_and_rows(dataset, "train", 2 * n)
    chosen = np.arange(split == "test", len(rows), 2)
    if not len(chosen):
        raise DataError(f"{dataset.path} has too few clips in its train split to choose a setting by")
    return queries[chosen], dataset.labels_of("train", rows[chosen]), rows[chosen], "train"


def queries_of(dataset: "Dataset", split: str, max_rows: int) -> tuple[Float32Array, Labels]:
    """Return the features and labels of at most `max_rows` clips, evenly spaced through a split."""
    return queries_and_rows(dataset, split, max_rows)[:2]


def queries_and_rows(dataset: "Dataset", split: str, max_rows: int) -> tuple[Float32Array, Labels, Int64Array]:
    """Return what `queries_of` returns, and the rows of the split: int64[n]."""
    n = dataset.n_rows(split)
    if n == 0:
        raise DataError(f"{dataset.path} has no clips in its {split} split, which this command needs for its queries")
    rows = evenly_spaced_rows(n, max_rows)
    return np.asarray(dataset.features(split)[rows]), dataset.labels_of(split, rows), rows
