"""Map layouts: two-dimensional coordinates in which similar clips lie near each other.

t-SNE (van der Maaten & Hinton 2008), by openTSNE (Poličar, Stražar & Zupan 2024), preserves neighbourhoods; the
principal plane (Pearson 1901) needs only NumPy, and shows datasets without a map.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, Int64Array, StoredVectors, UInt16Array
from data_prep.dataset.schema import Metric
from data_prep.errors import InputError
from earshot_common import extras

PRINCIPAL_PLANE = "principal plane"  # as manifests name the method
MAX_COORDINATE = 65_535  # uint16
MAX_FITTED = 100_000  # clips that t-SNE fits; the others are placed by its transform
MIN_CLIPS = 16  # minimum for t-SNE
PERPLEXITY = 30  # effective number of neighbours
MAX_DIM = 128  # of features that t-SNE takes as they are; of longer ones it takes
_REDUCED_DIM = 50  # principal components, as its authors do
_N_STEPS = 750  # of openTSNE: 250 of early exaggeration, and 500
_STEPS_TOLD = 10  # after so many the progress is told
_FEW_CLIPS = 1000  # up to so many, threads take longer to synchronise than they save

_CHUNK = 20_000  # clips placed at a time by t-SNE,
_BLOCK_ROWS = 4096  # and by the plane
_SAMPLE = 50_000  # clips whose covariance gives the principal plane
_MARGIN = 0.02  # on each side, as a fraction of the square


def tsne_layout(features: StoredVectors, metric: Metric, seed: int, progress: Callable[[int], None]) -> Float64Array:
    """Lay clips out by t-SNE: float64[n, 2].

    `progress` is called with the number of clips placed so far, of those that are fitted as many as the steps
    correspond to; what it raises ends the work. Of more than `MAX_FITTED` clips an evenly spaced sample is laid out,
    and the others are placed among them. The seed fixes the layout on one machine; rounding on another one may lead to
    a different layout. Raises InputError without openTSNE, and for fewer than `MIN_CLIPS` clips.
    """
    TSNE = _tsne()
    if len(features) < MIN_CLIPS:
        raise InputError(f"{len(features)} clips are too few for a map: expected {MIN_CLIPS} or more")
    fitted = np.linspace(0, len(features) - 1, min(len(features), MAX_FITTED)).astype(np.int64)
    perplexity = min(PERPLEXITY, (len(fitted) - 1) // 3)
    n_jobs = 1 if len(features) <= _FEW_CLIPS else -1
    steps = 0

    def tell(*_: object) -> None:
        nonlocal steps
        steps += _STEPS_TOLD
        if steps <= _N_STEPS:  # those of the clips placed later follow
            progress(steps * (len(fitted) - 1) // _N_STEPS)

    rows = _reducer(features, metric)
    told = {"callbacks": tell, "callbacks_every_iters": _STEPS_TOLD}
    tsne = TSNE(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=n_jobs, **told)
    fit = tsne.fit(rows(fitted))
    places = np.empty((len(features), 2))
    places[fitted] = fit
    progress(len(fitted))
    rest = np.setdiff1d(np.arange(len(features)), fitted, assume_unique=True)
    for start in range(0, len(rest), _CHUNK):
        some = rest[start : start + _CHUNK]
        places[some] = fit.transform(rows(some))
        progress(len(fitted) + start + len(some))
    return places


class PrincipalPlane(NamedTuple):
    """The two directions in which clips differ most: centre float64[dim], axes float64[dim, 2]."""

    centre: Float64Array
    axes: Float64Array

    def project(self, features: StoredVectors) -> Float64Array:
        """Return the places of clips in the plane: float32[n, dim], or encoded, -> float64[n, 2]."""
        places = np.empty((len(features), 2))
        for start in range(0, len(features), _BLOCK_ROWS):
            places[start : start + _BLOCK_ROWS] = (features[start : start + _BLOCK_ROWS] - self.centre) @ self.axes
        return places


def principal_plane(*parts: StoredVectors) -> PrincipalPlane:
    """Return the plane of the two directions of largest variance of clips, the same on every machine.

    parts: features of clips, float32[n_i, dim] or encoded; an evenly spaced sample of them is read.
    """
    step = max(1, sum(map(len, parts)) // _SAMPLE)
    blocks = [(part, start) for part in parts for start in range(0, len(part), step * _BLOCK_ROWS)]
    dim = parts[0].shape[1]
    total, products, n = np.zeros(dim), np.zeros((dim, dim)), 0
    for part, start in blocks:
        rows = part[start : start + step * _BLOCK_ROWS : step]
        total, n = total + rows.sum(axis=0, dtype=np.float64), n + len(rows)
    centre = total / n
    for part, start in blocks:
        centred = part[start : start + step * _BLOCK_ROWS : step] - centre
        products += centred.T @ centred
    largest = np.linalg.eigh(products)[1][:, ::-1][:, :2]  # [dim, 2], the largest variance first
    largest = largest * np.where(largest[np.abs(largest).argmax(axis=0), range(largest.shape[1])] < 0, -1, 1)  # sign
    axes = np.zeros((dim, 2))
    axes[:, : largest.shape[1]] = largest
    return PrincipalPlane(centre, axes)


def plane_layout(parts: Sequence[StoredVectors], progress: Callable[[int], None]) -> Float64Array:
    """Lay clips out in their principal plane: float64[n, 2]. `progress` is called with the number placed so far.

    parts: features of clips, float32[n_i, dim] or encoded.
    """
    plane, places, done = principal_plane(*parts), [], 0
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            progress(done + start)
            places.append(plane.project(part[start : start + _CHUNK]))
        done += len(part)
    progress(done)
    return np.concatenate(places)


def as_coordinates(places: Float64Array, corners: Float64Array | None = None) -> UInt16Array:
    """Scale places, float64[n, 2], to uint16[n, 2]: both axes by the same factor, centred in the square.

    corners: float64[2, 2], the lowest and the highest place, by default of these; others end at the edge.
    """
    low, high = corners_of(places) if corners is None else corners
    scale = (1 - 2 * _MARGIN) / max(float((high - low).max()), np.finfo(np.float64).tiny)
    scaled = np.rint(MAX_COORDINATE * (0.5 + scale * (places - (low + high) / 2)))
    return np.asarray(np.clip(scaled, 0, MAX_COORDINATE), dtype=np.uint16)


def corners_of(places: Float64Array) -> Float64Array:
    """Return the lowest and the highest coordinates of places, float64[n, 2]: float64[2, 2]."""
    return np.stack([places.min(axis=0), places.max(axis=0)])


def _reducer(features: StoredVectors, metric: Metric) -> Callable[[Int64Array], Float64Array]:
    """Return what gives the rows of some numbers as t-SNE takes them: int64[m] -> float64[m, at most MAX_DIM]."""
    if features.shape[1] <= MAX_DIM:
        return lambda some: _euclidean_rows(features[some], metric)
    step = max(1, len(features) // _SAMPLE)
    sample = _euclidean_rows(features[: step * _SAMPLE : step], metric).astype(np.float32)
    centre = sample.mean(axis=0)
    sample -= centre
    axes = np.linalg.eigh(sample.T @ sample)[1][:, -_REDUCED_DIM:].astype(np.float64)

    def reduced(some: Int64Array) -> Float64Array:
        blocks = (some[start : start + _BLOCK_ROWS] for start in range(0, len(some), _BLOCK_ROWS))
        return np.concatenate([(_euclidean_rows(features[block], metric) - centre) @ axes for block in blocks])

    return reduced


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
