"""Noise, and filters as complex frequency responses on one fixed grid, ``FREQUENCY``.

Responses are multiplied and added like formulas; one forward and one inverse FFT apply them all. The grid belongs to
a clip padded by half a second, so what rings past the end of the clip does not wrap round to its start.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, Audio, Floats, unit

Response: TypeAlias = npt.NDArray[np.complex128]

_PADDED = 48_000
FREQUENCY: Audio = np.arange(_PADDED // 2 + 1, dtype=float) * (SAMPLE_RATE / _PADDED)
_JF: Response = (1j * FREQUENCY).astype(complex)  # the imaginary axis, on which filters are evaluated


def noise(rng: np.random.Generator, response: Response | Audio | None = None) -> Audio:
    """Return float64[40000] Gaussian noise of unit RMS, coloured by ``response`` if one is given."""
    if response is None:
        return rng.standard_normal(N_SAMPLES)
    spectrum = rng.standard_normal(2 * FREQUENCY.size).view(np.complex128) * response
    return unit(np.fft.irfft(spectrum, _PADDED)[:N_SAMPLES])


def filtered(sound: Audio, response: Response | Audio) -> Audio:
    """Return float64[40000], the sound (at most that long) through a filter given by its frequency response."""
    return np.fft.irfft(np.fft.rfft(sound, _PADDED) * response, _PADDED)[:N_SAMPLES]


def response_of(sound: Audio) -> Response:
    """Return the response of a filter whose impulse response is that sound, at most half a second of it."""
    return np.fft.rfft(sound, _PADDED)


def lowpass(cutoff: float, order: int = 2) -> Response:
    """Return the response of ``order`` equal one-pole low-pass filters, -3 dB each at ``cutoff`` Hz."""
    pole: Response = 1 / (1 + _JF / cutoff)
    return np.power(pole, order)


def highpass(cutoff: float, order: int = 2) -> Response:
    """Return the response of ``order`` equal one-pole high-pass filters, -3 dB each at ``cutoff`` Hz."""
    pole: Response = 1 - 1 / (1 + _JF / cutoff)
    return np.power(pole, order)


def band(low: float, high: float, order: int = 2) -> Response:
    """Return the response of a band-pass filter from ``low`` to ``high`` Hz."""
    return highpass(low, order) * lowpass(high, order)


def resonance(centre: float, q: float) -> Response:
    """Return a second-order band-pass of gain one at ``centre`` Hz, as wide as centre / q."""
    ratio = np.maximum(FREQUENCY, 1e-3) / centre
    response: Response = np.reciprocal(1 + 1j * q * (ratio - 1 / ratio))
    return response


def formants(centres: Floats, bandwidths: Floats, gains: Floats) -> Response:
    """Return parallel resonances: the vocal tract as a filter on its source (Fant 1960; Klatt 1980)."""
    parts = zip(centres, bandwidths, gains, strict=True)
    return sum((gain * resonance(f, f / width) for f, width, gain in parts), np.zeros_like(FREQUENCY, dtype=complex))


def slope(db_per_octave: float) -> Audio:
    """Return a tilted, zero-phase response, 0 dB at 1 kHz and nothing below 20 Hz: -3 makes white noise pink."""
    gain = np.zeros_like(FREQUENCY)
    audible = FREQUENCY >= 20
    gain[audible] = (FREQUENCY[audible] / 1000) ** (db_per_octave / 6.0206)
    return gain
