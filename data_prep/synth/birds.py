# ruff: noqa: D401 - the docstring of a player says what one hears
"""Birds, wild and in the yard: whistles that sweep, hoots, and the strained voices of rooster, crow and duck."""

import numpy as np

from data_prep.synth.toolbox import (
    N_SAMPLES,
    Audio,
    beats,
    curve,
    filtered,
    formants,
    highpass,
    hump,
    log_uniform,
    periodic,
    phase,
    place,
    samples,
    sine,
)
from data_prep.synth.voice import voice


def bird_chirp(rng: np.random.Generator) -> Audio:
    """A songbird: phrases of quick whistles that sweep up, down or both, between 2 and 7 kHz, and trills."""
    out = np.zeros(N_SAMPLES)
    time = rng.uniform(0, 0.4)
    while time < 2.3:
        centre, spread = log_uniform(rng, 2300, 5500), rng.uniform(0.02, 0.35)
        length = log_uniform(rng, 0.03, 0.22)
        n = samples(length)
        bend = np.interp(np.linspace(0, 1, n), [0, rng.uniform(0.2, 0.8), 1], rng.uniform(-1, 1, 3))
        trill = rng.uniform(0, 0.08) * sine(rng.uniform(25, 90), n) * (rng.random() < 0.4)
        pitch = np.clip(centre * (1 + spread * bend + trill), 1200, 7500)
        note = sine(pitch, n) * hump(n, 0.3 * length, 0.4 * length)
        gap = length + log_uniform(rng, 0.02, 0.15)
        repeats = int(rng.integers(1, 7))
        times = np.arange(repeats, dtype=float) * gap + time
        out += place(note, times[times < 2.4], rng.uniform(0.4, 1))
        time = times[-1] + length + log_uniform(rng, 0.05, 0.8)
    return out


def owl_hoot(rng: np.random.Generator) -> Audio:
    """Soft, low and nearly pure: "hoo, hoo-hoo", each note swelling with a small fall at its end."""
    pitch = log_uniform(rng, 270, 620)
    lengths = rng.choice([0.12, 0.18, 0.35, 0.55], rng.integers(1, 5))
    out = np.zeros(N_SAMPLES)
    time = rng.uniform(0.05, 0.5)
    for length in lengths:
        n = samples(length)
        tremble = 1 + 0.01 * sine(rng.uniform(6, 14), n)
        bend = pitch * tremble * curve([0, 0.3 * length, length], [0.94, 1.02, 0.93], n)
        hoot = periodic(phase(bend, n), [1, rng.uniform(0.03, 0.2), 0.05]) + 0.02 * rng.standard_normal(n)
        out += place(hoot * hump(n, 0.4 * length, 0.4 * length), [time], rng.uniform(0.7, 1))
        time += length + rng.uniform(0.08, 0.4)
    return out


def cuckoo(rng: np.random.Generator) -> Audio:
    """Two notes, a third apart, falling: "cuck-oo", flute-like, from the far side of a wood."""
    high = rng.uniform(600, 760)
    interval = 2 ** (-rng.uniform(2.7, 4.2) / 12)
    first, second = rng.uniform(0.1, 0.16), rng.uniform(0.15, 0.25)
    notes = []
    for pitch, length in ((high, first), (high * interval, second)):
        n = samples(length)
        tone = periodic(phase(pitch * curve([0, length], [1.0, 0.97], n), n), [1, rng.uniform(0.03, 0.15), 0.05])
        notes.append(tone * hump(n, 0.03, 0.05))
    times = beats(rng, rng.uniform(0.9, 1.5), 0.03, first=rng.uniform(0, 0.6), last=2.0)
    return place(notes[0], times) + place(notes[1], times + first + rng.uniform(0.06, 0.14), 0.9)


def crow(rng: np.random.Generator) -> Audio:
    """Caw: a third of a second of rough, flat voice, repeated two or three times."""
    pitch, length = log_uniform(rng, 380, 620), rng.uniform(0.2, 0.42)
    n = samples(length)
    bend = pitch * curve([0, 0.25 * length, length], [0.85, 1.05, 0.8], n)
    rasp = 1 + 0.8 * sine(rng.uniform(55, 110), n)
    raw = voice(rng, bend, 0.6, 0.06, 0.2) * rasp * hump(n, 0.03, 0.09)
    caw = filtered(raw, formants([1150, 1750, 3300], [350, 400, 900], [1, 1, 0.4]))[: n + 800]
    return place(caw, beats(rng, length + rng.uniform(0.12, 0.5), 0.03, first=rng.uniform(0, 0.5)))


def rooster(rng: np.random.Generator) -> Audio:
    """Crow "cock-a-doodle-doo": short calls, then a long, strained one that holds and slides away at the end."""
    pitch = log_uniform(rng, 420, 620)
    lengths = np.array([0.16, 0.14, 0.32, 0.95]) * rng.uniform(0.8, 1.2, 4)
    levels = np.array([1.0, 1.3, 1.55, 1.45]) * pitch
    out = np.zeros(N_SAMPLES)
    time = rng.uniform(0.02, 0.35)
    for number, (length, level) in enumerate(zip(lengths, levels, strict=True)):
        n = samples(length)
        falls = rng.uniform(0.55, 0.75) if number == 3 else 0.92
        bend = level * curve([0, 0.04, 0.65 * length, length], [0.75, 1, 0.97, falls], n)
        strain = voice(rng, bend, 0.25, 0.015, 0.5) * hump(n, 0.02, 0.12)
        out += place(strain, [time], 0.6 if number < 2 else 1.0)
        time += length + rng.uniform(0.0, 0.05)
    throat = formants([1300, 2000, 3300, 4600], [350, 400, 600, 900], [1, 0.9, 0.5, 0.3])
    return filtered(out, throat * highpass(700, 2))


def duck(rng: np.random.Generator) -> Audio:
    """Quack: short, flat and nasal, all buzz; often a series that grows softer."""
    pitch, length = log_uniform(rng, 220, 420), rng.uniform(0.1, 0.22)
    n = samples(length)
    bend = pitch * curve([0, 0.3 * length, length], [0.95, 1.1, 0.8], n)
    raw = voice(rng, bend, 0.4, 0.06, 0.4) * hump(n, 0.015, 0.06)
    beak = formants([1150, 1900, 2900], [250, 350, 700], [1, 0.9, 0.5])
    quack = filtered(raw, beak * highpass(700, 2))[: n + 600]
    times = beats(rng, length + rng.uniform(0.06, 0.4), 0.02, first=rng.uniform(0, 0.4))
    return place(quack, times, np.linspace(1, rng.uniform(0.3, 1), times.size))
