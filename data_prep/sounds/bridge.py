"""A new sound among AudioSet's features, by a bridge of words.

No public model makes the features that AudioSet released, so a recording cannot be put among them directly. But YAMNet
gives a sound scores over AudioSet's own labels, and every label has a place among the features: the mean of the clips
that carry it. The query is the mean of those places, weighted by score and by how telling the label is (the logarithm
of how rare), seen from the middle of the collection along Fisher's discriminant: multiplied by the inverse of the
features' covariance, so that directions in which all clips differ anyway count little (R. Fisher, "The use of multiple
measurements in taxonomic problems", 1936). It finds what is *called* alike, not what sounds alike in every detail.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, Int64Array
from data_prep.dataset import Dataset
from data_prep.errors import InputError

_MOST_ROWS = 50_000  # rows are in random order, and more clips hardly move a mean
_BLOCK = 4_096  # rows added up at a time
_RIDGE = 1e-4  # of unit vectors; keeps the covariance of few clips invertible


@dataclass(frozen=True, slots=True)
class Bridge:
    """The places of labels. mean float64[d], of unit features; pulls float64[labels, d]: what one point of score adds.

    columns: for each of YAMNet's classes its label, -1 where no clip carries it.
    """

    mean: Float64Array
    pulls: Float64Array
    columns: Int64Array

    @classmethod
    def over(cls, dataset: Dataset, names: Sequence[str]) -> "Bridge":
        """Learn the places from a dataset's database; `names` are YAMNet's classes. InputError when none is a label."""
        n = min(dataset.n_rows("train"), _MOST_ROWS)
        offsets, labels = dataset.label_sets("train")
        labels = labels[: offsets[n]]
        counts = np.bincount(labels, minlength=len(dataset.label_names))
        index = {name: i for i, name in enumerate(dataset.label_names) if counts[i]}
        columns = np.array([index.get(name, -1) for name in names], np.int64)
        if (columns < 0).all():
            raise InputError(f"{dataset.title} carries none of the labels that YAMNet knows, so it cannot be asked")
        X = np.array(dataset.features("train")[:n], np.float64)  # in place from here: copies were the app's peak
        X /= np.maximum(np.sqrt(np.einsum("ij,ij->i", X, X)), 1e-12)[:, None]
        mean = X.mean(axis=0)
        X -= mean
        rows = np.repeat(np.arange(n), np.diff(offsets[: n + 1]))
        sums = np.zeros((len(counts), X.shape[1]))
        for start in range(0, len(rows), _BLOCK):
            np.add.at(sums, labels[start : start + _BLOCK], X[rows[start : start + _BLOCK]])
        places = sums / np.maximum(counts, 1)[:, None]
        telling = np.log(n / np.maximum(counts, 1))
        covariance = X.T @ X / n + _RIDGE * np.eye(X.shape[1])
        pulls = np.linalg.solve(covariance, places.T).T * telling[:, None]
        return cls(mean, pulls.astype(np.float64, copy=False), columns)

    def feature(self, scores: Float32Array) -> Float32Array:
        """Return the query for a sound's scores, float32[classes] in [0, 1]: float32[d], of length about one."""
        known = self.columns >= 0
        pull = scores[known].astype(np.float64) @ self.pulls[self.columns[known]]
        return np.asarray(self.mean + pull / max(float(np.linalg.norm(pull)), 1e-12), np.float32)
