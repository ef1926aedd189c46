"""Clips as arrays of samples: length, sample rate, levels, sums and random draws.

A clip is 2.5 seconds, mono, at 16 kHz, so arrays of samples are float64[40000] unless stated otherwise.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Audio: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = Sequence[float] | Audio

SAMPLE_RATE = 16_000
N_SAMPLES = 40_000
CLIP_SECONDS = N_SAMPLES / SAMPLE_RATE
LN_1000 = math.log(1000.0)  # over a decay rate: the time of a fall by 60 dB
TIME: Audio = np.arange(N_SAMPLES, dtype=float) / SAMPLE_RATE


def samples(seconds: float) -> int:
    """Return the number of samples in ``seconds``, at least one."""
    return max(1, round(seconds * SAMPLE_RATE))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: as for pitches, tempi and decay times."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def unit(sound: Audio) -> Audio:
    """Scale to a root mean square of one; silence stays silence."""
    rms = np.sqrt(np.mean(np.square(sound)))
    return sound / rms if rms > 0 else sound


def total(sounds: Iterable[Audio]) -> Audio:
    """Return the sum of some sounds of equal length."""
    first, *others = sounds
    return sum(others, first)
