"""Generated vectors like AudioSet's clip features; `python -m benchmarks.audioset_like` prints their statistics.

Calibrated on 22,160 real clips (VGGish, mean of frames); real clips first, generated vectors in brackets. Standard
deviation of a value: 0.85 (0.85). Mean length: 9.3 (9.4). Cosine of a clip and its 10th neighbour, median: 0.62 (0.60).
Local dimension: 17 (14). Participation ratio of the principal components: 77 (62). How the neighbourhoods of real clips
change beyond 41,000 clips is not known: figures for 500,000 vectors rest on this model.

The model: 2,000 clusters with sizes by Zipf's law, grouped in 100 topics, so that a clip has near and distant
relatives; around each centre a subspace of 16 dimensions with heavy tails; and, as in the real features, ten noisy
frames per clip, clipped to [-2, 2], rounded to 8 bits and averaged. Directions follow the real features' spectrum.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earshot_common import command_line
from lsh import exact_search
from lsh.arrays import Float32Array, Float64Array, UInt8Array

DIM = 128
FRAMES = 10  # per clip
DATABASE_SEED, QUERY_SEED = 3, 777
SCALE, OFFSET = 4 / 255, -2  # of the values that frames in uint8 stand for
CHUNK = 50_000  # vectors drawn from one random stream, so that a larger collection begins with the same vectors

_N_CALIBRATED, _N_QUERIES = 22_160, 400
_MODEL_SEED = 12_345
_CLUSTERS, _TOPICS, _SUBSPACE = 2_000, 100, 16
_ZIPF = 0.8  # exponent of the cluster sizes
_CENTRE_SHARE, _INNER_SHARE, _NOISE_SHARE = 0.45, 0.47, 0.08  # of the variance
_TOPIC_SHARE = 0.8  # of a centre's variance
_SPREAD = 0.35  # standard deviation of the logarithm of a cluster's radius
_TAIL, _CENTRE_TAIL = 6, 6  # degrees of freedom of Student's t
_FRAME_NOISE = np.float32(0.5)
_MEAN_LENGTH = 1.53
# Variances of the real features along their principal components: (component, variance), linear in between.
_COMPONENTS = (0, 1, 2, 3, 5, 8, 12, 20, 30, 40, 60, 80, 100, 127)
_VARIANCES = (3.385, 3.173, 2.632, 2.342, 2.024, 1.636, 1.443, 1.089, 0.879, 0.733, 0.545, 0.417, 0.316, 0.092)
_SPECTRUM_POWER, _SPECTRUM_SCALE = 0.8, 1.09  # found by calibration: clipping and rounding flatten the spectrum


@dataclass(frozen=True, slots=True)
class Model:
    """The clusters, the same for all vectors.

    centres float32[c, d]; subspaces float32[c, r, d]; weights float64[c], which sum to 1; noise float32[d, d], by which
    a vector of standard normal values is multiplied to become a clip's noise in all directions.
    """

    centres: Float32Array
    subspaces: Float32Array
    weights: Float64Array
    noise: Float32Array


def draw_model(seed: int = _MODEL_SEED) -> Model:
    """Draw the clusters; the same seed gives the same model."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    variances = np.interp(np.arange(DIM), _COMPONENTS, _VARIANCES) ** _SPECTRUM_POWER * _SPECTRUM_SCALE
    deviations = np.sqrt(variances)

    topics = _heavy_tailed(rng, _TOPICS)
    topic = rng.integers(0, _TOPICS, _CLUSTERS)
    centres = np.sqrt(_TOPIC_SHARE) * topics[topic] + np.sqrt(1 - _TOPIC_SHARE) * _heavy_tailed(rng, _CLUSTERS)
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
    """Yield n vectors in chunks, float32[at most CHUNK, 128]; within a chunk, they do not depend on n."""
    for chunk in _chunks(model, n, seed):
        total = sum((frame.astype(np.float32) for frame in chunk), np.float32(0))
        yield np.asarray(total * np.float32(SCALE / FRAMES) + OFFSET, np.float32)


def frames(model: Model, n_clips: int, seed: int) -> Iterator[UInt8Array]:
    """Yield the frames of which `clips` are the means, clip by clip: uint8[at most 10 CHUNK, 128].

    They stand for frame * SCALE + OFFSET.
    """
    for chunk in _chunks(model, n_clips, seed):
        yield np.stack(list(chunk), axis=1).reshape(-1, DIM)


def _chunks(model: Model, n: int, seed: int) -> Iterator[Iterator[UInt8Array]]:
    for chunk, start in enumerate(range(0, n, CHUNK)):
        yield _frames(model, min(CHUNK, n - start), np.random.default_rng([seed, chunk]))


def _frames(model: Model, n: int, rng: np.random.Generator) -> Iterator[UInt8Array]:
    """Yield one frame after another of n clips: uint8[n, 128]."""
    cluster = rng.choice(_CLUSTERS, size=n, p=model.weights)
    scale = np.sqrt((_TAIL - 2) / rng.chisquare(_TAIL, size=n)).astype(np.float32)
    inner = rng.standard_normal((n, _SUBSPACE), dtype=np.float32) * scale[:, None]
    clean = model.centres[cluster] + rng.standard_normal((n, DIM), dtype=np.float32) @ model.noise
    order = np.argsort(cluster, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        clean[rows] += inner[rows] @ model.subspaces[cluster[rows[0]]]
    for _ in range(FRAMES):
        frame = clean + _FRAME_NOISE * rng.standard_normal((n, DIM), dtype=np.float32)
        yield np.rint((np.clip(frame, -2, 2) + 2) * np.float32(255 / 4)).astype(np.uint8)


def _heavy_tailed(rng: np.random.Generator, n: int) -> Float64Array:
    """Return n vectors of Student's t, with variance 1 in each dimension: float64[n, 128]."""
    normal = rng.standard_normal((n, DIM))
    return np.asarray(normal * np.sqrt((_CENTRE_TAIL - 2) / rng.chisquare(_CENTRE_TAIL, (n, 1))))


def statistics(X: Float32Array, Q: Float32Array) -> dict[str, float]:
    """Return by name the statistics of the calibration, of vectors X float32[n, d] and queries Q float32[nq, d].

    The local dimension is the maximum-likelihood estimate from 100 neighbours (Levina & Bickel 2004), its median over
    the queries.
    """
    variances = np.linalg.eigvalsh(np.cov(X, rowvar=False))
    nearest = exact_search(X, Q, 100, "euclidean").distances
    with np.errstate(divide="ignore"):  # copies of a query are at distance 0, where the estimate is 0
        dimensions = -1 / np.log(nearest[:, :-1] / nearest[:, -1:]).mean(axis=1)
    return {
        "standard deviation of a value": float(X.std()),
        "mean length": float(np.linalg.norm(X, axis=1).mean()),
        "median cosine of the 10th neighbour": float(1 - np.median(exact_search(X, Q, 10, "cosine").distances[:, -1])),
        "median local dimension": float(np.median(dimensions)),
        "participation ratio": float(variances.sum() ** 2 / (variances**2).sum()),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the statistics of generated vectors; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audioset_like",
        description="Generate 22,160 vectors like AudioSet's clip features, and print their statistics.",
    )
    parser.parse_args(arguments)

    def command() -> None:
        model = draw_model()
        X, Q = next(clips(model, _N_CALIBRATED, DATABASE_SEED)), next(clips(model, _N_QUERIES, QUERY_SEED))
        for name, value in statistics(X, Q).items():
            print(f"{name}: {value:.2f}")

    return command_line.run(command, ())


if __name__ == "__main__":
    sys.exit(main())
