"""Places in the plane: every clip near to the clips that sound like it, as far as two dimensions can show that.

t-SNE (van der Maaten & Hinton 2008), by openTSNE (Poličar, Stražar & Zupan 2024), keeps neighbours together; the
principal plane (Pearson 1901) needs nothing but NumPy and is what a dataset without a map is shown by.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, UInt16Array
from data_prep.errors import InputError
from data_prep.schema import Metric

LARGEST = 65_535  # a coordinate is uint16
MOST_FITTED = 100_000  # clips laid out together; the others are then placed among them
FEWEST = 16  # fewer have no neighbourhoods to speak of
PERPLEXITY = 30  # how many neighbours a clip is laid out by, softly counted

_PLACED = 20_000  # clips placed at a time
_SAMPLE = 50_000  # clips whose covariance decides the principal plane
_MARGIN = 0.02  # of the square, on each side


def neighbour_layout(features: Float32Array, metric: Metric, seed: int, tell: Callable[[int], None]) -> Float64Array:
    """Lay clips out by t-SNE: float64 (n, 2). `tell` is told how many clips have their place so far.

    Of more than `MOST_FITTED` clips a fair share is laid out, and the others are placed among them. The seed fixes the
    layout on one machine; another one may round otherwise and end elsewhere. Raises InputError without openTSNE, and
    for clips too few to have neighbourhoods.
    """
    TSNE = _tsne()
    if len(features) < FEWEST:
        raise InputError(f"{len(features)} clips are too few for a map: expected {FEWEST} or more")
    fitted = np.linspace(0, len(features) - 1, min(len(features), MOST_FITTED)).astype(np.int64)
    perplexity = min(PERPLEXITY, (len(fitted) - 1) // 3)
    fit = TSNE(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=-1).fit(
        _comparable(features[fitted], metric)
    )
    places = np.empty((len(features), 2))
    places[fitted] = fit
    tell(len(fitted))
    rest = np.setdiff1d(np.arange(len(features)), fitted, assume_unique=True)
    for start in range(0, len(rest), _PLACED):
        some = rest[start : start + _PLACED]
        places[some] = fit.transform(_comparable(features[some], metric))
        tell(len(fitted) + start + len(some))
    return places


def principal_plane(features: Float32Array) -> Float64Array:
    """Project clips onto the two directions in which they differ most: float64 (n, 2), the same on every machine."""
    sample = np.array(features[:: max(1, len(features) // _SAMPLE)], dtype=np.float64)
    centre = sample.mean(axis=0)
    sample -= centre  # in place: the copies would be the most memory that the app ever holds
    axes = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :2]  # (dim, 2), the widest first
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)  # a sign is arbitrary
    places = np.zeros((len(features), 2))
    for start in range(0, len(features), _PLACED):
        places[start : start + _PLACED, : axes.shape[1]] = (features[start : start + _PLACED] - centre) @ axes
    return places


def as_coordinates(places: Float64Array) -> UInt16Array:
    """Fit places into the square of uint16 coordinates, both axes on one scale, the middle in the middle."""
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (1 - 2 * _MARGIN) / max(float((high - low).max()), np.finfo(np.float64).tiny)
    return np.asarray(np.rint(LARGEST * (0.5 + scale * (places - (low + high) / 2))), dtype=np.uint16)


def _comparable(features: Float32Array, metric: Metric) -> Float64Array:
    """Return clips whose Euclidean distances are in the order of the metric: of unit length for cosine."""
    rows = features.astype(np.float64)
    if metric == "cosine":
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return rows


def _tsne() -> Any:
    try:
        from openTSNE import TSNE
    except ImportError:
        raise InputError(
            "a map is laid out by openTSNE, which is not installed: `pip install openTSNE` (or `.[map]` from this "
            "folder), then run this again"
        ) from None
    return TSNE
