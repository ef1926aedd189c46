"""From a clip's frames to its feature."""

import numpy as np
import numpy.typing as npt

_UINT16_SUMS = 257  # bytes whose sum fits uint16, which are summed twice as fast


def mean_features(frames: npt.NDArray[np.uint8], n_frames: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return each clip's mean frame in [-2, 2]: float32[n, d].

    `frames`: uint8[sum(n_frames), d], clip after clip; every clip has at least one. AudioSet quantised values in
    [-2, 2] to 0..255 (models/audioset, vggish_postprocess.py), and the mean undoes it: x / 255 * 4 - 2. Sums are of
    whole numbers, so a clip's feature is the same bits in whatever batch it comes.
    """
    n, dim = len(n_frames), frames.shape[1]
    starts = np.cumsum(n_frames) - n_frames
    sums = np.empty((n, dim), np.uint32)
    for length in np.unique(n_frames):  # clips of one length are summed together: nearly all have ten frames
        alike = np.flatnonzero(n_frames == length)
        runs = frames[starts[alike, None] + np.arange(length)] if len(alike) < n else frames.reshape(n, length, dim)
        sums[alike] = runs.sum(axis=1, dtype=np.uint16 if length <= _UINT16_SUMS else np.uint32)
    means: npt.NDArray[np.float64] = sums / (n_frames[:, None] * 255)
    means *= 4
    means -= 2
    return means.astype(np.float32)


def dequantised(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return frames as AudioSet quantised them, 0 to 255 standing for -2 to 2: float32 of the same shape."""
    return frames.astype(np.float32) * np.float32(4 / 255) - np.float32(2)
