"""The voice as source and filter: pulses from the throat, shaped by the mouth (Fant 1960; Klatt 1980)."""

import numpy as np

from data_prep.synth.toolbox import (
    N_SAMPLES,
    Audio,
    filtered,
    formants,
    periodic,
    phase,
    saw_amplitudes,
    unit,
    wander,
)


def voice(rng: np.random.Generator, pitch: Audio, breath: float, rough: float = 0.01, strain: float = 0.0) -> Audio:
    """Return float64[n], glottal pulses at ``pitch`` Hz with breath noise and jitter of that share of the pitch.

    Harmonics fall by k^-1.1; ``strain``, up to one, takes that much off the exponent: a pressed voice is bright.
    """
    n = pitch.size
    shaken = pitch * (1 + wander(rng, 60, rough, n))
    tone = unit(periodic(phase(shaken, n), saw_amplitudes(float(shaken.max()), 1.1 - strain)))
    return tone + breath * rng.standard_normal(n)


def mouth(sound: Audio, vowels: list[tuple[float, float, float]], share: list[Audio]) -> Audio:
    """Pass a voice through one set of formants after another, crossfaded by ``share``: the mouth opens and shuts."""
    out = np.zeros(N_SAMPLES)
    for (f1, f2, f3), weight in zip(vowels, share, strict=True):
        shaped = filtered(sound, formants([f1, f2, f3], [0.15 * f1 + 40, 0.1 * f2 + 60, 0.1 * f3 + 80], [1, 0.6, 0.3]))
        out[: weight.size] += weight * shaped[: weight.size]
    return out
