"""Vectors that look like AudioSet's clip features, as many as one likes, from a seed.

Calibrated on 22,160 real clips (VGGish, mean of frames). A value's standard deviation is 0.85, a vector's mean length
9.3, and the cosine of the median clip to its 10th neighbour 0.62; there the vectors drawn here have 0.85, 9.4 and 0.60.
Their local dimension is 14 (real: 17), the participation ratio of their principal components 62 (real: 77). How the
neighbourhoods of real clips thin out or fill up beyond 41,000 is not known: figures at 500,000 rest on this model.

The model: 2,000 clusters of Zipf sizes, gathered in 100 topics, so that a clip has near and distant relations; around
each centre a subspace of 16 dimensions with heavy tails; and, as in the real features, ten noisy frames a clip, clipped
to [-2, 2], rounded to 8 bits and averaged. Directions follow the spectrum of the real features.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float32Array

DIM = 128
DATABASE_SEED, QUERY_SEED = 3, 777
CHUNK = 50_000  # vectors drawn from one random stream, so that more vectors begin with the same ones

_MODEL_SEED = 12_345
_CLUSTERS, _TOPICS, _SUBSPACE, _FRAMES = 2_000, 100, 16, 10
_ZIPF = 0.8  # sizes of clusters fall as rank to this power
_CENTRE_SHARE, _INNER_SHARE, _NOISE_SHARE = 0.45, 0.47, 0.08  # of the variance
_TOPIC_SHARE = 0.8  # of a centre's variance
_SPREAD = 0.35  # of the logarithm of a cluster's size in space
_TAIL, _CENTRE_TAIL = 6, 6  # degrees of freedom of Student's t
_FRAME_NOISE = np.float32(0.5)
_MEAN_LENGTH = 1.53
# Variances of the real features along their principal components: (component, variance), straight lines between.
_COMPONENTS = (0, 1, 2, 3, 5, 8, 12, 20, 30, 40, 60, 80, 100, 127)
_VARIANCES = (3.385, 3.173, 2.632, 2.342, 2.024, 1.636, 1.443, 1.089, 0.879, 0.733, 0.545, 0.417, 0.316, 0.092)
_SPECTRUM_POWER, _SPECTRUM_SCALE = 0.8, 1.09  # found by calibration: clipping and rounding flatten the spectrum


@dataclass(frozen=True, slots=True)
class Model:
    """What all vectors share.

    centres float32[c, d], subspaces float32[c, r, d], weights float64[c] that sum to one, and the noise that a clip
    has in every direction, float32[d, d].
    """

    centres: Float32Array
    subspaces: Float32Array
    weights: npt.NDArray[np.float64]
    noise: Float32Array


def draw_model(seed: int = _MODEL_SEED) -> Model:
    """Draw the clusters; the same seed gives the same world."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    variances = np.interp(np.arange(DIM), _COMPONENTS, _VARIANCES) ** _SPECTRUM_POWER * _SPECTRUM_SCALE
    deviations = np.sqrt(variances)

    topics = _heavy(rng, _TOPICS)
    topic = rng.integers(0, _TOPICS, _CLUSTERS)
    centres = np.sqrt(_TOPIC_SHARE) * topics[topic] + np.sqrt(1 - _TOPIC_SHARE) * _heavy(rng, _CLUSTERS)
    centres = centres * deviations * np.sqrt(_CENTRE_SHARE)

    sizes = np.exp(rng.normal(0, _SPREAD, _CLUSTERS))
    sizes *= np.sqrt(_INNER_SHARE * variances.sum() / (sizes**2).mean())
    falling = np.arange(1, _SUBSPACE + 1) ** -0.35
    falling /= np.linalg.norm(falling)
    subspaces = np.empty((_CLUSTERS, _SUBSPACE, DIM), np.float32)
    for cluster in range(_CLUSTERS):
        axes = rng.standard_normal((_SUBSPACE, DIM)) * deviations
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        subspaces[cluster] = (axes * falling[:, None] * sizes[cluster]) @ rotation.T

    mean = _MEAN_LENGTH / np.sqrt(DIM) * rng.standard_normal(DIM)
    weights = np.arange(1, _CLUSTERS + 1) ** -_ZIPF
    noise = np.sqrt(_NOISE_SHARE) * (rotation * deviations).T
    placed = (centres @ rotation.T + mean).astype(np.float32)
    return Model(placed, subspaces, weights / weights.sum(), noise.astype(np.float32))


def clips(model: Model, n: int, seed: int) -> Iterator[Float32Array]:
    """Yield n vectors in chunks, float32[at most CHUNK, 128]; a seed's vectors do not depend on n within a chunk."""
    for chunk, start in enumerate(range(0, n, CHUNK)):
        yield _chunk(model, min(CHUNK, n - start), np.random.default_rng([seed, chunk]))


def _chunk(model: Model, n: int, rng: np.random.Generator) -> Float32Array:
    cluster = rng.choice(_CLUSTERS, size=n, p=model.weights)
    scale = np.sqrt((_TAIL - 2) / rng.chisquare(_TAIL, size=n)).astype(np.float32)
    inner = rng.standard_normal((n, _SUBSPACE), dtype=np.float32) * scale[:, None]
    clean = model.centres[cluster] + rng.standard_normal((n, DIM), dtype=np.float32) @ model.noise
    order = np.argsort(cluster, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        clean[rows] += inner[rows] @ model.subspaces[cluster[rows[0]]]
    total = np.zeros((n, DIM), np.float32)
    for _ in range(_FRAMES):
        frame = clean + _FRAME_NOISE * rng.standard_normal((n, DIM), dtype=np.float32)
        total += np.rint((np.clip(frame, -2, 2) + 2) * np.float32(255 / 4))
    return np.asarray(total * np.float32(4 / 255 / _FRAMES) - 2, np.float32)


def _heavy(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """Return n vectors of Student's t with variance one a value: float64[n, 128]."""
    normal = rng.standard_normal((n, DIM))
    return np.asarray(normal * np.sqrt((_CENTRE_TAIL - 2) / rng.chisquare(_CENTRE_TAIL, (n, 1))))
