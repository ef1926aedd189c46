"""Label centroids: a query for a sound from YAMNet's label scores, where the dataset's own model is not available.

AudioSet's features cannot be computed for a new recording, as their model was not published. But YAMNet scores a sound
over AudioSet's labels, and every label has a centroid among the features: the mean of the clips that have it. The query
is the mean of the centroids, weighted by score and by the logarithm of how rare the label is, and multiplied by the
inverse of the features' covariance (Fisher's linear discriminant: R. Fisher, "The use of multiple measurements in
taxonomic problems", 1936), so that directions in which all clips vary count less. It finds clips with the same labels,
not clips that are similar in every detail.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, Int64Array
from data_prep.dataset.reader import Dataset
from data_prep.errors import InputError

_MAX_ROWS = 50_000  # a random sample: rows are in random order
_BLOCK = 4_096  # rows summed at a time
_RIDGE = 1e-4  # added to the variance of unit vectors; keeps the covariance of few clips invertible


def can_query(dataset: Dataset, names: Sequence[str]) -> bool:
    """Return whether clips of the train split have any label of these names."""
    counts = np.atleast_1d(dataset.label_counts("train")).tolist()
    return bool({name for name, count in zip(dataset.label_names, counts, strict=True) if count} & set(names))


@dataclass(frozen=True, slots=True)
class LabelCentroids:
    """The centroids of a dataset's labels.

    mean: float64[d], of features scaled to unit length. weights: float64[labels, d], the contribution of a score of one
    to the query. label_of_class: int64[classes], the label of each YAMNet class, -1 if no clip has it.
    """

    mean: Float64Array
    weights: Float64Array
    label_of_class: Int64Array

    @classmethod
    def from_dataset(cls, dataset: Dataset, names: Sequence[str]) -> "LabelCentroids":
        """Compute the centroids from the train split; `names` are YAMNet's classes. InputError when none is a label."""
        n = min(dataset.n_rows("train"), _MAX_ROWS)
        offsets, labels = dataset.label_sets("train")
        labels = labels[: offsets[n]]
        counts = np.bincount(labels, minlength=len(dataset.label_names))
        index = {name: i for i, name in enumerate(dataset.label_names) if counts[i]}
        label_of_class = np.array([index.get(name, -1) for name in names], np.int64)
        if (label_of_class < 0).all():
            raise InputError(
                f"{dataset.title} cannot be searched with a sound: it has none of the labels that YAMNet scores"
            )
        X = np.array(dataset.features("train")[:n], np.float64)  # modified in place, as this is the app's peak memory
        X /= np.maximum(np.sqrt(np.einsum("ij,ij->i", X, X)), 1e-12)[:, None]
        mean = X.mean(axis=0)
        X -= mean
        rows = np.repeat(np.arange(n), np.diff(offsets[: n + 1]))
        sums = np.zeros((len(counts), X.shape[1]))
        for start in range(0, len(rows), _BLOCK):
            np.add.at(sums, labels[start : start + _BLOCK], X[rows[start : start + _BLOCK]])
        centroids = sums / np.maximum(counts, 1)[:, None]
        rarity = np.log(n / np.maximum(counts, 1))
        covariance = X.T @ X / n + _RIDGE * np.eye(X.shape[1])
        weights = np.linalg.solve(covariance, centroids.T).T * rarity[:, None]
        return cls(mean, weights.astype(np.float64, copy=False), label_of_class)

    def query(self, scores: Float32Array) -> Float32Array:
        """Return the query for a sound's scores, float32[classes] in [0, 1]: float32[d], of length about one."""
        known = self.label_of_class >= 0
        offset = scores[known].astype(np.float64) @ self.weights[self.label_of_class[known]]
        return np.asarray(self.mean + offset / max(float(np.linalg.norm(offset)), 1e-12), np.float32)
