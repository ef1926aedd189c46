"""Pooling and rank fusion for clips of several frames: search one vector per clip, or every frame.

Pooling makes one vector per clip. Fusion keeps all frames: each frame of the query ranks the clips by their best frame,
and the rankings are combined by the best of all similarities; by their sum (CombSUM: Fox & Shaw, "Combination of
multiple searches", TREC 1994; with best frames also called late interaction, Khattab & Zaharia, SIGIR 2020); or by the
sum of 1 / (60 + rank) (reciprocal rank fusion: Cormack, Clarke & Büttcher, SIGIR 2009).
"""

import numpy as np

from lsh import validate
from lsh.arrays import Float32Array, Float64Array, Int64Array
from lsh.errors import ShapeError

POOLINGS = ("mean", "max", "mean+std", "first")
FUSIONS = ("best", "sum", "rank")

_RANK_CONSTANT = 60  # of reciprocal rank fusion: the larger, the less the first ranks differ


def pool(frames: Float32Array, offsets: Int64Array, how: str = "mean") -> Float32Array:
    """Return one vector per clip: float32[n, d], or float32[n, 2 d] for "mean+std".

    frames: float32[m, d], in order of clips; the frames of clip i are frames[offsets[i]:offsets[i + 1]], at least one.
    how: "mean", "max" (of each dimension), "mean+std" (the standard deviation over the frames appended), or "first".
    """
    validate.choice(how, "how", POOLINGS)
    _check_offsets(offsets, len(frames))
    starts = offsets[:-1]
    if how == "first":
        return np.ascontiguousarray(frames[starts], dtype=np.float32)
    if how == "max":
        return np.asarray(np.maximum.reduceat(frames, starts, axis=0), np.float32)
    counts = np.diff(offsets)
    means = np.add.reduceat(frames, starts, axis=0, dtype=np.float64) / counts[:, None]
    if how == "mean":
        return means.astype(np.float32)
    squares = (frames - np.repeat(means, counts, axis=0)) ** 2
    deviations = np.sqrt(np.add.reduceat(squares, starts, axis=0) / counts[:, None])
    return np.hstack([means, deviations]).astype(np.float32)


def best_frames(similarities: Float32Array, offsets: Int64Array) -> Float32Array:
    """Return how similar each query frame is to the best frame of each clip: float32[f, n].

    similarities: float32[f, m], of f query frames to the m frames of n clips; offsets as for `pool`.
    """
    _check_offsets(offsets, similarities.shape[1])
    return np.asarray(np.maximum.reduceat(similarities, offsets[:-1], axis=1))


def fuse(similarities: Float32Array, how: str = "sum") -> Float64Array:
    """Return one score per clip, higher is nearer: float64[n].

    similarities: float32[f, n], of each query frame to each clip; -inf where a search did not find the clip, which then
    contributes 0. how: "best", "sum" or "rank".
    """
    validate.choice(how, "how", FUSIONS)
    if how == "best":
        return np.asarray(similarities.max(axis=0), np.float64)
    found = np.isfinite(similarities)
    if how == "sum":
        return np.asarray(np.where(found, similarities, 0).sum(axis=0, dtype=np.float64))
    order = np.argsort(-similarities, axis=1, kind="stable")
    ranks = np.empty(similarities.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, similarities.shape[1] + 1)[None, :], axis=1)
    return np.asarray(np.where(found, 1 / (_RANK_CONSTANT + ranks), 0.0).sum(axis=0))


def fuse_found(
    ids: Int64Array, distances: Float32Array, offsets: Int64Array, k: int = 10, how: str = "sum"
) -> Int64Array:
    """Return the k clips that searches for one query's frames rank first: int64[k], -1 where fewer were found.

    ids, distances: int64[f, m] frames found for each query frame, -1 where none, and float32[f, m] cosine distances.
    """
    clips = np.where(ids >= 0, np.searchsorted(offsets, ids, side="right") - 1, -1)
    found, columns = np.unique(clips[ids >= 0], return_inverse=True)
    similarities = np.full((len(ids), len(found)), -np.inf, np.float32)
    query_frames = np.nonzero(ids >= 0)[0]
    np.maximum.at(similarities, (query_frames, columns), 1 - distances[ids >= 0])
    ranked = found[np.argsort(-fuse(similarities, how), kind="stable")[:k]]
    return np.concatenate([ranked, np.full(k - len(ranked), -1)])


def _check_offsets(offsets: Int64Array, n_frames: int) -> None:
    if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != n_frames or (np.diff(offsets) < 1).any():
        raise ShapeError(f"offsets do not rise from 0 to the {n_frames} frames; expected at least one frame per clip")
