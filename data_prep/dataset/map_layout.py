"""Map layouts: two-dimensional coordinates in which similar clips lie near each other.

t-SNE (van der Maaten & Hinton 2008), by openTSNE (Poličar, Stražar & Zupan 2024), preserves neighbourhoods; the
principal plane (Pearson 1901) needs only NumPy, and shows datasets without a map.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, StoredVectors, UInt16Array
from data_prep.dataset.schema import Metric
from data_prep.errors import InputError
from earshot_common import extras

MAX_COORDINATE = 65_535  # uint16
MAX_FITTED = 100_000  # clips that t-SNE fits; the others are placed by its transform
MIN_CLIPS = 16  # minimum for t-SNE
PERPLEXITY = 30  # effective number of neighbours
_FEW_CLIPS = 1000  # up to so many, threads take longer to synchronise than they save

_CHUNK = 20_000  # clips placed at a time
_SAMPLE = 50_000  # clips whose covariance gives the principal plane
_MARGIN = 0.02  # on each side, as a fraction of the square


def tsne_layout(features: StoredVectors, metric: Metric, seed: int, progress: Callable[[int], None]) -> Float64Array:
    """Lay clips out by t-SNE: float64[n, 2]. `progress` is called with the number of clips placed so far.

    Of more than `MAX_FITTED` clips an evenly spaced sample is laid out, and the others are placed among them. The seed
    fixes the layout on one machine; rounding on another one may lead to a different layout. Raises InputError without
    openTSNE, and for fewer than `MIN_CLIPS` clips.
    """
    TSNE = _tsne()
    if len(features) < MIN_CLIPS:
        raise InputError(f"{len(features)} clips are too few for a map: expected {MIN_CLIPS} or more")
    fitted = np.linspace(0, len(features) - 1, min(len(features), MAX_FITTED)).astype(np.int64)
    perplexity = min(PERPLEXITY, (len(fitted) - 1) // 3)
    n_jobs = 1 if len(features) <= _FEW_CLIPS else -1
    fit = TSNE(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=n_jobs).fit(
        _euclidean_rows(features[fitted], metric)
    )
    places = np.empty((len(features), 2))
    places[fitted] = fit
    progress(len(fitted))
    rest = np.setdiff1d(np.arange(len(features)), fitted, assume_unique=True)
    for start in range(0, len(rest), _CHUNK):
        some = rest[start : start + _CHUNK]
        places[some] = fit.transform(_euclidean_rows(features[some], metric))
        progress(len(fitted) + start + len(some))
    return places


def principal_plane(*parts: StoredVectors) -> Float64Array:
    """Project clips onto the two directions of largest variance: float64[n, 2], the same on every machine.

    parts: features of clips, float32[n_i, dim] or encoded, in order.
    """
    starts = np.cumsum([0, *map(len, parts)])
    chosen = np.arange(0, starts[-1], max(1, starts[-1] // _SAMPLE))
    inside = [chosen[(chosen >= start) & (chosen < end)] - start for start, end in itertools.pairwise(starts)]
    sample = np.concatenate([part[rows] for part, rows in zip(parts, inside, strict=True)], dtype=np.float64)
    centre = sample.mean(axis=0)
    sample -= centre  # in place: a copy would set the peak of the app's memory
    axes = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :2]  # [dim, 2], the largest variance first
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)  # fix the arbitrary sign
    places = np.zeros((starts[-1], 2))
    for part, first in zip(parts, starts.tolist(), strict=False):
        for start in range(0, len(part), _CHUNK):
            block = part[start : start + _CHUNK]
            places[first + start : first + start + len(block), : axes.shape[1]] = (block - centre) @ axes
    return places


def as_coordinates(places: Float64Array) -> UInt16Array:
    """Scale places, float64[n, 2], to uint16[n, 2]: both axes by the same factor, centred in the square."""
    low, high = places.min(axis=0), places.max(axis=0)
    scale = (1 - 2 * _MARGIN) / max(float((high - low).max()), np.finfo(np.float64).tiny)
    return np.asarray(np.rint(MAX_COORDINATE * (0.5 + scale * (places - (low + high) / 2))), dtype=np.uint16)


def _euclidean_rows(features: Float32Array, metric: Metric) -> Float64Array:
    """Return features whose Euclidean distances rank as the metric does: of unit length for cosine."""
    rows = features.astype(np.float64)
    if metric == "cosine":
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return rows


def _tsne() -> Any:
    try:
        from openTSNE import TSNE
    except ImportError:
        raise InputError(extras.advice("openTSNE")) from None
    return TSNE
