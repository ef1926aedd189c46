"""The signal toolbox from which every sound is made: modes, oscillators, noise, filters, envelopes, grains.

A clip is 2.5 seconds, mono, at 16 kHz, so every array of samples is float64[40000] unless it says otherwise.
Filters are complex frequency responses on one fixed grid, ``FREQUENCY``: they multiply, add and are read like
formulas, and one forward and one inverse FFT apply them all. The grid belongs to a clip padded by half a second,
so what rings past the end of the clip does not wrap round to its start.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Audio: TypeAlias = npt.NDArray[np.float64]
Response: TypeAlias = npt.NDArray[np.complex128]
Floats: TypeAlias = Sequence[float] | Audio

SAMPLE_RATE = 16_000
N_SAMPLES = 40_000
CLIP_SECONDS = N_SAMPLES / SAMPLE_RATE
TIME: Audio = np.arange(N_SAMPLES, dtype=float) / SAMPLE_RATE

_PADDED = 48_000
FREQUENCY: Audio = np.arange(_PADDED // 2 + 1, dtype=float) * (SAMPLE_RATE / _PADDED)
_JF: Response = (1j * FREQUENCY).astype(complex)  # the imaginary axis, on which filters are evaluated
_MODE_BLOCK = 200
_WAVETABLE = 2048
_LN_1000 = math.log(1000.0)


def samples(seconds: float) -> int:
    """Return how many samples ``seconds`` are, at least one."""
    return max(1, round(seconds * SAMPLE_RATE))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: how pitches, tempi and decay times spread."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def unit(sound: Audio) -> Audio:
    """Scale to a root mean square of one; silence stays silence."""
    rms = np.sqrt(np.mean(np.square(sound)))
    return sound / rms if rms > 0 else sound


def together(sounds: Iterable[Audio]) -> Audio:
    """Return the sum of some sounds of equal length."""
    first, *others = sounds
    return sum(others, first)


# Oscillators.


def phase(frequency: float | Audio, n: int = N_SAMPLES, start: float = 0.0) -> Audio:
    """Return float64[n] phases in radians of an oscillator whose ``frequency`` in Hz may change with time."""
    if isinstance(frequency, np.ndarray):
        return np.cumsum(frequency[:n]) * (2 * np.pi / SAMPLE_RATE) + start
    return np.arange(n, dtype=float) * (2 * np.pi * frequency / SAMPLE_RATE) + start


def sine(frequency: float | Audio, n: int = N_SAMPLES, start: float = 0.0) -> Audio:
    """Return float64[n], a sine of that frequency in Hz."""
    return np.sin(phase(frequency, n, start))


def periodic(angle: Audio, amplitudes: Floats) -> Audio:
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


def modes(
    frequencies: Floats, t60s: Floats | float, amplitudes: Floats | float, n: int = N_SAMPLES, start: float = 0.0
) -> Audio:
    """Return float64[n], a sum of exponentially decaying sines: what a struck body does (modal synthesis).

    ``t60s`` are the times in seconds in which each mode falls by 60 dB. Mode k is Im(c_k z_k^i); splitting the
    exponent as i = 200 a + b turns the sum over modes into one small matrix product. Modes above 7.8 kHz are left out.
    """
    hertz, t60, gain = (np.asarray(a, dtype=float) for a in np.broadcast_arrays(frequencies, t60s, amplitudes))
    heard = hertz < 7800
    rate = (-_LN_1000 / t60[heard] + 2j * np.pi * hertz[heard]) / SAMPLE_RATE
    blocks = -(-n // _MODE_BLOCK)
    coarse = np.exp(np.outer(np.arange(blocks) * _MODE_BLOCK, rate)) * (gain[heard] * np.exp(1j * start))
    fine = np.exp(np.outer(rate, np.arange(_MODE_BLOCK)))
    result: Audio = (coarse @ fine).imag.reshape(-1)[:n]
    return result


# Noise and filters.


def noise(rng: np.random.Generator, response: Response | Audio | None = None) -> Audio:
    """Return float64[40000] Gaussian noise of unit RMS, coloured by ``response`` if one is given."""
    if response is None:
        return rng.standard_normal(N_SAMPLES)
    spectrum = rng.standard_normal(2 * FREQUENCY.size).view(np.complex128) * response
    return unit(np.fft.irfft(spectrum, _PADDED)[:N_SAMPLES])


def filtered(sound: Audio, response: Response | Audio) -> Audio:
    """Return float64[40000], the sound (at most that long) through a filter given by its frequency response."""
    return np.fft.irfft(np.fft.rfft(sound, _PADDED) * response, _PADDED)[:N_SAMPLES]


def spectrum(sound: Audio) -> Response:
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
    """Return the response that lets ``low`` to ``high`` Hz pass."""
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
    heard = FREQUENCY >= 20
    gain[heard] = (FREQUENCY[heard] / 1000) ** (db_per_octave / 6.0206)
    return gain


# Envelopes.


def decay(t60: float, n: int = N_SAMPLES) -> Audio:
    """Return float64[n] that falls from one by 60 dB in ``t60`` seconds."""
    return np.exp(np.arange(n, dtype=float) * (-_LN_1000 / (t60 * SAMPLE_RATE)))


def hump(n: int, attack: float, release: float) -> Audio:
    """Return float64[n] that rises in ``attack`` s, holds one, and falls in ``release`` s, with no corner."""
    index = np.arange(n)
    ramp = np.minimum(np.minimum(index / samples(attack), (n - 1 - index) / samples(release)), 1.0)
    return np.sin(0.5 * np.pi * ramp) ** 2


def throb(rate: float, depth: float, n: int = N_SAMPLES) -> Audio:
    """Return float64[n] that swings between one and 1 - ``depth``, ``rate`` times a second: tremolo."""
    return 1 - depth * (0.5 + 0.5 * np.sin(phase(rate, n)))


def curve(times: Floats, values: Floats, n: int = N_SAMPLES) -> Audio:
    """Return float64[n], straight lines through (seconds, value) points, flat outside them."""
    return np.interp(TIME[:n], times, values)


def wander(rng: np.random.Generator, rate: float, spread: float = 1.0, n: int = N_SAMPLES) -> Audio:
    """Return float64[n], a slow random curve of zero mean and that spread, with ``rate`` free points a second."""
    knots = spread * rng.standard_normal(int(n / SAMPLE_RATE * rate) + 3)
    return np.interp(TIME[:n] * rate + rng.uniform(), np.arange(knots.size), knots)


# Events in time.


def beats(
    rng: np.random.Generator, interval: float, jitter: float = 0.0, first: float = 0.02, last: float = 2.4
) -> Audio:
    """Return onset times in seconds, one every ``interval`` from ``first``, each off by a normal ``jitter`` (s)."""
    times = np.arange(first, last, interval)
    return np.clip(times + jitter * rng.standard_normal(times.size), 0.0, CLIP_SECONDS - 0.02)


def some(rng: np.random.Generator, times: Audio, share: float) -> Audio:
    """Return the first of the times, and each of the others with probability ``share``."""
    kept = rng.random(times.size) < share
    kept[:1] = True
    return times[kept]


def poisson(rng: np.random.Generator, rate: float, end: float = CLIP_SECONDS) -> Audio:
    """Return sorted onset times in seconds of about ``rate`` independent events a second, one at least."""
    return np.sort(rng.uniform(0, end, max(1, rng.poisson(rate * end))))


def place(sound: Audio, times: Floats, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000] with one copy of ``sound`` at each time (s), at each gain; all ring on together.

    A copy may begin before the clip or after its end: the clip is a window on it.
    """
    out = np.zeros(N_SAMPLES)
    for time, gain in zip(times, np.broadcast_to(gains, len(times)), strict=True):
        start = int(time * SAMPLE_RATE)
        cut = max(0, -start)
        heard = sound[cut : max(cut, N_SAMPLES - start)]
        out[start + cut : start + cut + heard.size] += gain * heard
    return out


def impulses(times: Floats, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000], silent but for one sample of that gain at each time (s)."""
    index = (np.asarray(times) * SAMPLE_RATE).astype(np.int64)
    return _sum_at(index, np.broadcast_to(gains, index.shape))


def deal(rng: np.random.Generator, sounds: Sequence[Audio], times: Audio, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000] in which each time (s) has one of the sounds, drawn at random, at its gain."""
    drawn = rng.integers(len(sounds), size=times.size)
    loud = np.broadcast_to(gains, times.shape)
    return together(place(sound, times[drawn == i], loud[drawn == i]) for i, sound in enumerate(sounds))


def scatter(grains: Audio, times: Audio) -> Audio:
    """Return float64[40000], the sum of float64[m, g] short grains, each starting at its time in seconds."""
    index = (times * SAMPLE_RATE).astype(np.int64)[:, None] + np.arange(grains.shape[1])
    return _sum_at(index.ravel(), grains.ravel())


def _sum_at(index: npt.NDArray[np.int64], values: Audio) -> Audio:
    return np.bincount(index, weights=values, minlength=N_SAMPLES)[:N_SAMPLES].astype(float, copy=False)
