"""Oscillators: phases, sines, wavetables, sawtooth spectra and sums of decaying modes."""

import numpy as np

from data_prep.sample.synth.clip import LN_1000, N_SAMPLES, SAMPLE_RATE, Audio, Floats

_MODE_BLOCK = 200
_WAVETABLE = 2048


def phase(frequency: float | Audio, n: int = N_SAMPLES, start: float = 0.0) -> Audio:
    """Return float64[n] phases in radians of an oscillator whose ``frequency`` in Hz may change with time."""
    if isinstance(frequency, np.ndarray):
        return np.cumsum(frequency[:n]) * (2 * np.pi / SAMPLE_RATE) + start
    return np.arange(n, dtype=float) * (2 * np.pi * frequency / SAMPLE_RATE) + start


def sine(frequency: float | Audio, n: int = N_SAMPLES, start: float = 0.0) -> Audio:
    """Return float64[n], a sine of that frequency in Hz."""
    return np.sin(phase(frequency, n, start))


def wavetable(angle: Audio, amplitudes: Floats) -> Audio:
    """Return sum_k amplitudes[k-1] sin(k angle), by looking up one period of it in a table.

    Wavetable synthesis (Mathews, The Technology of Computer Music, 1969): the cost does not grow with the number
    of harmonics. The caller keeps the highest harmonic below half the sample rate.
    """
    spectrum = np.zeros(_WAVETABLE // 2 + 1, dtype=complex)
    spectrum[1 : len(amplitudes) + 1] = np.asarray(amplitudes)
    table = np.fft.irfft(-0.5j * _WAVETABLE * spectrum, _WAVETABLE)
    position = angle * (_WAVETABLE / (2 * np.pi))
    whole = np.floor(position)
    index = whole.astype(np.int64) & (_WAVETABLE - 1)
    left: Audio = table[index]
    right: Audio = table[(index + 1) & (_WAVETABLE - 1)]
    return left + (position - whole) * (right - left)


def saw_amplitudes(highest_frequency: float, rolloff: float = 1.0) -> Audio:
    """Return 1/k^rolloff for every harmonic of a tone up to ``highest_frequency`` Hz that fits below 7.6 kHz."""
    count = max(1, min(200, int(7600 / highest_frequency)))
    return np.arange(1, count + 1, dtype=float) ** -rolloff


def modes(frequencies: Floats, t60s: Floats | float, amplitudes: Floats | float, n: int = N_SAMPLES) -> Audio:
    """Return float64[n], a sum of exponentially decaying sines, as of a struck body (modal synthesis).

    ``t60s`` are the times in seconds in which each mode falls by 60 dB. Mode k is Im(c_k z_k^i); splitting the
    exponent as i = 200 a + b turns the sum over modes into one small matrix product. Modes above 7.8 kHz are left out.
    """
    hertz, t60, gain = (np.asarray(a, dtype=float) for a in np.broadcast_arrays(frequencies, t60s, amplitudes))
    audible = hertz < 7800
    rate = (-LN_1000 / t60[audible] + 2j * np.pi * hertz[audible]) / SAMPLE_RATE
    blocks = -(-n // _MODE_BLOCK)
    coarse = np.exp(np.outer(np.arange(blocks) * _MODE_BLOCK, rate)) * gain[audible]
    fine = np.exp(np.outer(rate, np.arange(_MODE_BLOCK)))
    result: Audio = (coarse @ fine).imag.reshape(-1)[:n]
    return result
