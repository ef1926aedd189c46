"""Notes: pitches, chords and random phrases for instruments."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, Audio

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 5, 7), (0, 3, 7, 10))

Note = Callable[[float, int], Audio]
"""The function of an instrument that synthesises one note, from its frequency in Hz and length in samples."""


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI note number in equal temperament: 69 is A4, 440 Hz."""
    return float(440 * 2 ** ((midi - 69) / 12))


def phrase(rng: np.random.Generator, note: Note, low: float, high: float, *, ring: bool) -> Audio:
    """Play one to seven notes of a major scale, in steps and small leaps.

    ``low`` and ``high`` are MIDI pitches an octave or more apart. With ``ring`` each note lasts until the clip ends (a
    string left alone), else until the next (a breath).
    """
    count = int(rng.integers(1, 8))
    starts = np.linspace(rng.uniform(0, 0.15), 2.5, count + 1) + rng.uniform(0, 0.02, count + 1)
    tonic = rng.uniform(low, min(low + 12, high - 1))
    degree = int(rng.integers(0, 7))
    out = np.zeros(N_SAMPLES)
    for start, following in pairwise(starts):
        octave, step = divmod(degree, 7)
        pitch = tonic + 12 * octave + MAJOR[step]
        while not low <= pitch <= high:
            pitch += 12 if pitch < low else -12
        first = int(start * SAMPLE_RATE)
        n = (N_SAMPLES if ring else min(N_SAMPLES, int(following * SAMPLE_RATE))) - first
        sound = note(hertz(pitch), n)[:n]
        out[first : first + n] += rng.uniform(0.6, 1) * sound
        degree += int(rng.choice([-3, -2, -1, 1, 2, 4]))
    return out
