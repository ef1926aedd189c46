"""Measures of a sound, computed from its samples at 16 kHz: loudness, brightness and pitch."""

import math
from typing import NamedTuple

import numpy as np

from data_prep.arrays import Float64Array
from data_prep.sounds.reader import Samples

LOWEST_PITCH, HIGHEST_PITCH = 50.0, 4000.0  # Hz

_RATE = 16_000  # Hz
_LOUDEST = 6400  # samples: 0.4 s, the momentary window of EBU R 128
_MIN_POWER = 1e-10  # -100 dB
_WINDOW, _HOP = 1024, 512  # samples of a spectrum, and from one to the next
_MAX_LAG = round(_RATE / LOWEST_PITCH) + 2  # samples
_COMPARED = 2 * _MAX_LAG  # samples that are compared at each lag
_FINER = 2  # lags per sample
_MAX_APERIODICITY = 0.15  # threshold of the normalised difference in a voiced frame
_QUIET = 0.01  # share of the power of the loudest frame below which a frame is not looked at
_MIN_VOICED = 0.5  # share of the frames that must have a pitch for the sound to have one


class Measures(NamedTuple):
    """Measures of a sound; None where it has none.

    loudness: dB below full scale, of the loudest 0.4 s. brightness: spectral centroid, Hz. pitch: fundamental
    frequency, Hz.
    """

    loudness: float | None = None
    brightness: float | None = None
    pitch: float | None = None


NOT_MEASURED = Measures()


def measure(samples: Samples) -> Measures:
    """Return the measures of a sound, float32[n], mono at 16 kHz; none of silence."""
    loudness = loudness_of(samples)
    return NOT_MEASURED if loudness is None else Measures(loudness, _brightness(samples), _pitch(samples))


def loudness_of(samples: Samples) -> float | None:
    """Return the root mean square of the loudest 0.4 s in dB below full scale, to a tenth; None for silence."""
    if not samples.size:
        return None
    n = min(_LOUDEST, samples.size)
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    power = float((energy[n:] - energy[:-n]).max()) / n
    return round(10 * math.log10(power), 1) if power > _MIN_POWER else None


def _brightness(samples: Samples) -> float | None:
    """Return the centroid of the magnitudes of a sound's spectrum, averaged over its frames, in whole Hz."""
    length = min(_WINDOW, len(samples))
    windowed = _frames(samples, length) * np.hanning(length).astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(windowed, _WINDOW)).sum(axis=0)[1:]  # no offset
    total = float(magnitudes.sum())
    hertz = np.arange(1, len(magnitudes) + 1) * (_RATE / _WINDOW)
    return round(float(hertz @ magnitudes) / total) if total > 0 else None


def _pitch(samples: Samples) -> float | None:
    """Return the median fundamental of the frames that are not quiet, in tenths of Hz; None if most have none.

    By YIN (A. de Cheveigné, H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 2002):
    the first lag at which the frame differs little from itself, refined by a parabola.
    """
    if len(samples) < _COMPARED + _MAX_LAG:
        return None
    frames = _frames(samples, _COMPARED + _MAX_LAG)[::3].astype(np.float64)
    energies = np.cumsum(np.square(frames), axis=1)
    frames = frames[energies[:, -1] >= _QUIET * energies[:, -1].max()]
    pitches = _RATE * _FINER / _periods(_differences(frames))
    voiced = pitches[np.isfinite(pitches)]
    if len(voiced) < _MIN_VOICED * len(frames):
        return None
    pitch = float(np.median(voiced))
    return round(pitch, 1) if LOWEST_PITCH <= pitch <= HIGHEST_PITCH else None


def _frames(samples: Samples, length: int) -> Samples:
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::_HOP]


def _differences(frames: Float64Array) -> Float64Array:
    """Return the squared difference of each frame and itself at lags of 0, 1/2, 1, ... samples: float64[n, lags]."""
    n, size = frames.shape[1], 1 << (frames.shape[1] - 1).bit_length()
    whole = np.fft.rfft(frames, size)
    products = np.fft.irfft(whole * np.fft.rfft(frames[:, :_COMPARED], size).conj(), _FINER * size) * _FINER
    energy = np.concatenate([np.zeros((len(frames), 1)), np.cumsum(np.square(frames), axis=1)], axis=1)
    at = np.arange(n - _COMPARED + 1)
    shifted = energy[:, at + _COMPARED] - energy[:, at]
    between = np.empty((len(frames), _FINER * (len(at) - 1) + 1))
    between[:, ::_FINER], between[:, 1::_FINER] = shifted, (shifted[:, 1:] + shifted[:, :-1]) / 2
    return np.asarray(shifted[:, :1] + between - 2 * products[:, : between.shape[1]])


def _normalised(differences: Float64Array) -> Float64Array:
    """Return differences divided by their mean over the shorter lags: about 1 without a period, 0 at a period."""
    sums = np.cumsum(differences[:, 1:], axis=1)
    lags = np.arange(1, differences.shape[1])
    rest = np.divide(differences[:, 1:] * lags, sums, out=np.ones_like(sums), where=sums > 0)
    return np.concatenate([np.ones((len(differences), 1)), rest], axis=1)


def _periods(differences: Float64Array) -> Float64Array:
    """Return the lag of the first minimum of the normalised differences below the threshold; NaN without: float64[n].

    The minimum of the differences themselves beside it is the period: normalising moves it a little.
    """
    normalised = _normalised(differences)
    before, here, after = normalised[:, :-2], normalised[:, 1:-1], normalised[:, 2:]
    is_lowest = (here <= before) & (here < after)
    below = here - np.square(before - after) / np.where(is_lowest, 8 * (before - 2 * here + after), np.inf)
    is_period = is_lowest & (below < _MAX_APERIODICITY)
    rows, lags = np.arange(len(normalised)), is_period.argmax(axis=1) + 1
    before, here, after = (differences[rows, lags + step] for step in (-1, 0, 1))
    offset = (before - after) / 2 / np.maximum(before - 2 * here + after, np.finfo(np.float64).tiny)
    return np.where(is_period.any(axis=1), lags + np.clip(offset, -1, 1), np.nan)
