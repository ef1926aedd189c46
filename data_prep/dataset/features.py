"""Features of clips: means of dequantised frames."""

import numpy as np

from data_prep.arrays import Float32Array, Int64Array, IntegerArray, UInt8Array, UInt16Array, UInt32Array

_MAX_UINT16_SUMMANDS = 257  # uint8 values whose sum fits uint16; uint16 sums take half the time
_CHUNK = 1024  # rows whose means in float64 fit a processor's cache

Sums = UInt16Array | UInt32Array


def mean_features(frames: UInt8Array, n_frames: Int64Array) -> Float32Array:
    """Return each clip's mean frame in [-2, 2]: float32[n, d].

    `frames`: uint8[sum(n_frames), d], clip after clip; every clip has at least one. AudioSet quantised values in
    [-2, 2] to 0..255 (models/audioset, vggish_postprocess.py), which x / 255 * 4 - 2 reverses. Integer sums
    are exact, so a clip's feature does not depend on its batch.
    """
    return means_of_sums(frame_sums(frames, n_frames), n_frames)


def frame_sums(frames: UInt8Array, n_frames: Int64Array) -> Sums:
    """Return the sum of each clip's frames: uint16[n, d]; uint32 if a clip has more than 257 frames."""
    n, dim = len(n_frames), frames.shape[1]
    dtype = np.uint16 if n_frames.max(initial=0) <= _MAX_UINT16_SUMMANDS else np.uint32
    lengths = np.unique(n_frames)
    if len(lengths) == 1:
        all_sums: Sums = frames.reshape(n, lengths[0], dim).sum(axis=1, dtype=dtype)
        return all_sums
    starts = np.cumsum(n_frames) - n_frames
    sums = np.empty((n, dim), dtype)
    for length in lengths:  # clips of equal length are summed together: nearly all have ten frames
        alike = np.flatnonzero(n_frames == length)
        sums[alike] = frames[starts[alike, None] + np.arange(length)].sum(axis=1, dtype=dtype)
    return sums


def means_of_sums(sums: Sums, n_frames: IntegerArray) -> Float32Array:
    """Return each clip's mean frame in [-2, 2] from the sums of its frames, [n, d]: float32[n, d]."""
    features = np.empty(sums.shape, np.float32)
    for start in range(0, len(sums), _CHUNK):
        rows = slice(start, start + _CHUNK)
        means = sums[rows] / (n_frames[rows, None].astype(np.float64) * 255)
        means *= 4
        means -= 2
        features[rows] = means
    return features


def dequantised(frames: UInt8Array) -> Float32Array:
    """Return the values in [-2, 2] that AudioSet quantised to 0..255: float32 of the same shape."""
    return frames.astype(np.float32) * np.float32(4 / 255) - np.float32(2)
