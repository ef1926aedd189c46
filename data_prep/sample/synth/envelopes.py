"""Envelopes: curves of loudness, pitch or mixture over time."""

import numpy as np

from data_prep.sample.synth.clip import LN_1000, N_SAMPLES, SAMPLE_RATE, TIME, Audio, Floats, samples
from data_prep.sample.synth.oscillators import phase

_SPEED_OF_SOUND = 343.0  # m/s


def decay(t60: float, n: int = N_SAMPLES) -> Audio:
    """Return float64[n] that falls from one by 60 dB in ``t60`` seconds."""
    return np.exp(np.arange(n, dtype=float) * (-LN_1000 / (t60 * SAMPLE_RATE)))


def fade(n: int, attack: float, release: float) -> Audio:
    """Return float64[n] that rises in ``attack`` s, holds one, and falls in ``release`` s, smoothly."""
    index = np.arange(n)
    ramp = np.minimum(np.minimum(index / samples(attack), (n - 1 - index) / samples(release)), 1.0)
    return np.sin(0.5 * np.pi * ramp) ** 2


def tremolo(rate: float, depth: float, n: int = N_SAMPLES) -> Audio:
    """Return float64[n] that swings between one and 1 - ``depth``, ``rate`` times a second: tremolo."""
    return 1 - depth * (0.5 + 0.5 * np.sin(phase(rate, n)))


def curve(times: Floats, values: Floats, n: int = N_SAMPLES) -> Audio:
    """Return float64[n], straight lines through (seconds, value) points, flat outside them."""
    return np.interp(TIME[:n], times, values)


def drift(rng: np.random.Generator, rate: float, spread: float = 1.0, n: int = N_SAMPLES) -> Audio:
    """Return float64[n], a slow random curve of zero mean and that spread, with ``rate`` random points per second."""
    knots = spread * rng.standard_normal(int(n / SAMPLE_RATE * rate) + 3)
    return np.interp(TIME[:n] * rate + rng.uniform(), np.arange(knots.size), knots)


def passing(
    rng: np.random.Generator, speeds: tuple[float, float], distances: tuple[float, float]
) -> tuple[Audio, Audio]:
    """Return the factors of pitch (Doppler) and loudness of a source that passes in a straight line.

    Speed in m/s and nearest distance in m are drawn from the ranges given, the moment it is nearest from a span
    a second wider than the clip on either side: a clip may contain the approach, the passage, the departure or neither.
    """
    speed, nearest = rng.uniform(*speeds), rng.uniform(*distances)
    along = speed * (TIME - rng.uniform(-1, 3.5))
    distance = np.hypot(along, nearest)
    return 1 / (1 + speed * along / distance / _SPEED_OF_SOUND), nearest / distance
