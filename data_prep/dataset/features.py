"""Features of clips: means of dequantised frames, and the type in which they are stored."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_prep.arrays import FeatureDtype, Float32Array, Int64Array, IntegerArray, UInt8Array, UInt16Array, UInt32Array
from earshot_common.encoded_vectors import FLOAT16, EncodedVectors

_MAX_UINT16_SUMMANDS = 257  # uint8 values whose sum fits uint16; uint16 sums take half the time
_MAX_UINT8_VALUE = 1e38  # the range of larger values might exceed float32's
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


class FeatureEncoder:
    """Encoder of features as they are stored: float32 as they are, float16, or uint8.

    uint8 divides the range of all features of a dataset into 255 equal steps, so `widen` must be called with all of
    them before the first is encoded.
    """

    def __init__(self, dtype: FeatureDtype) -> None:
        self.dtype = dtype
        self._low, self._high = np.inf, -np.inf

    @property
    def largest(self) -> float:
        """The largest magnitude of a value that can be stored."""
        return {"float32": float(np.finfo(np.float32).max), "float16": float(np.finfo(np.float16).max)}.get(
            self.dtype, _MAX_UINT8_VALUE
        )

    def widen(self, features: Float32Array) -> None:
        """Extend the range to these features, float32[n, d], n >= 1."""
        if self.dtype == "uint8":
            self._low, self._high = min(self._low, float(features.min())), max(self._high, float(features.max()))

    def encode(self, features: Float32Array) -> npt.NDArray[Any]:
        """Return features, float32[n, d] within the range, as they are stored."""
        if self.dtype == "float32":
            return features
        if self.dtype == "float16":
            return EncodedVectors.encode(features, FLOAT16).stored
        return self._encoded(features).stored

    def facts(self) -> dict[str, str | float]:
        """Return the fields `dtype`, `scale` and `offset` of a manifest; the last two for uint8 only."""
        if self.dtype != "uint8":
            return {"dtype": self.dtype}
        empty = self._encoded(np.empty((0, 1), np.float32))
        return {"dtype": self.dtype, "scale": float(empty.scale), "offset": float(empty.offset)}

    def _encoded(self, features: Float32Array) -> EncodedVectors:
        return EncodedVectors.encode_between(features, self._low, self._high)


def dequantised(frames: UInt8Array) -> Float32Array:
    """Return the values in [-2, 2] that AudioSet quantised to 0..255: float32 of the same shape."""
    return frames.astype(np.float32) * np.float32(4 / 255) - np.float32(2)
