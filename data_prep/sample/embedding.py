"""Embedding of a clip in 128 bytes: statistics of its log-mel spectrogram, whitened PCA, 8-bit quantisation.

The last two steps are those of AudioSet's features (models/audioset/vggish/vggish_postprocess.py): project, clip to
[-2, 2], quantise to 0..255. The projection was fitted once, on sounds that are in no dataset, and is stored beside this
module, so a clip's feature does not depend on other clips.
"""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Float32Array, Float64Array, UInt8Array
from data_prep.sample.logmel import HOP, SAMPLE_RATE, log_mel

DIM = 128
EMBEDDER = "log-mel statistics, whitened PCA to 128, 8 bits in [-2, 2]"
PROJECTION_FILE = Path(__file__).with_name("embedding.npy")

_FRAMES_PER_SECOND = SAMPLE_RATE / HOP
_BANDS = 16  # groups of neighbouring mel bands, for the rhythm
_RHYTHMS = ((0.5, 2), (2, 4), (4, 8), (8, 16), (16, 50))  # Hz


def statistics(spectrogram: Float64Array) -> Float64Array:
    """Return float64[208], statistics over time of a log-mel spectrogram float64[frames, 64].

    The mean of each band (timbre), its standard deviation (variation), and the modulation strength of groups of
    bands at 0.5 to 50 Hz (rhythm), after McKinney & Breebaart, Features for audio and music classification (2003).
    """
    groups = spectrogram.reshape(len(spectrogram), _BANDS, -1).mean(axis=2)  # (frames, 16)
    pulses = np.abs(np.fft.rfft(groups - groups.mean(axis=0), axis=0)) / len(groups)
    hertz = np.fft.rfftfreq(len(groups), 1 / _FRAMES_PER_SECOND)
    rhythm = [pulses[(hertz >= low) & (hertz < high)].mean(axis=0) for low, high in _RHYTHMS]
    return np.concatenate([spectrogram.mean(axis=0), spectrogram.std(axis=0), np.log(np.ravel(rhythm) + 0.005)])


def fit_projection(rows: Float64Array) -> Float32Array:
    """Return float32[129, d]: the mean of ``rows`` float64[n, d], then 128 principal axes, scaled to unit variance.

    The sign of an axis, which is arbitrary, is chosen so that its largest weight is positive.
    """
    mean = rows.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((rows - mean).T))  # ascending
    strongest = np.argsort(variances)[::-1][:DIM]
    axes = axes[:, strongest].T  # (128, d)
    axes *= np.sign(axes[np.arange(DIM), np.abs(axes).argmax(axis=1)])[:, None]
    whitened = axes / np.sqrt(variances[strongest])[:, None]
    return np.vstack([mean, whitened]).astype(np.float32)


@cache
def projection() -> Float32Array:
    """Return the fitted projection, read-only: float32[129, 208]."""
    fitted: Float32Array = np.load(PROJECTION_FILE, allow_pickle=False)
    fitted.flags.writeable = False
    return fitted


def embed(audio: npt.NDArray[np.floating]) -> UInt8Array:
    """Return uint8[128], the feature of mono samples at 16 kHz, one second or longer."""
    mean, axes = projection()[0], projection()[1:]
    return quantise(axes.astype(float) @ (statistics(log_mel(audio)) - mean))


def quantise(values: Float64Array) -> UInt8Array:
    """Return values, clipped to [-2, 2], as the nearest of 256 steps."""
    return np.rint((np.clip(values, -2, 2) + 2) * (255 / 4)).astype(np.uint8)
