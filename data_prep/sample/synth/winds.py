"""Wind instruments and whistles."""

from itertools import pairwise

import numpy as np

from data_prep.sample.synth.clip import CLIP_SECONDS, N_SAMPLES, SAMPLE_RATE, Audio, log_uniform, samples, total
from data_prep.sample.synth.envelopes import curve, drift, fade, tremolo
from data_prep.sample.synth.events import beats, place
from data_prep.sample.synth.filters import band, filtered, highpass, lowpass, noise, resonance
from data_prep.sample.synth.music import CHORDS, hertz, phrase
from data_prep.sample.synth.oscillators import phase, saw_amplitudes, sine, wavetable


def flute(rng: np.random.Generator) -> Audio:
    """Few harmonics, vibrato in loudness more than in pitch, and breath that resonates in the same tube."""
    rate, breath = rng.uniform(4.2, 6), log_uniform(rng, 0.03, 0.25)
    air = noise(rng, band(500, 5000, 1))
    harmonics = [1, rng.uniform(0.15, 0.7), rng.uniform(0.05, 0.35), rng.uniform(0, 0.1), rng.uniform(0, 0.04)]
    attack, depth = rng.uniform(0.04, 0.12), rng.uniform(0, 0.3)

    def note(frequency: float, n: int) -> Audio:
        sway = sine(rate, n) * curve([0.15, 0.4], [0, 1], n)
        tone = wavetable(phase(frequency * (1 + 0.004 * sway + drift(rng, 15, 0.001, n)), n), harmonics)
        chiff = 1 + 3 * curve([0, 0.07], [1, 0], n)
        return fade(n, attack, 0.05) * (1 + depth * sway) * (tone + breath * chiff * air[:n])

    return phrase(rng, note, 60, 91, ring=False)


def trumpet(rng: np.random.Generator) -> Audio:
    """Brass: the louder, the brighter (Risset & Mathews 1969), by frequency modulation (Chowning 1973).

    Carrier and modulator run at the pitch; the index of modulation follows the loudness, so harmonics join from the
    bottom up as the note swells.
    """
    peak, attack = rng.uniform(2, 5), rng.uniform(0.02, 0.09)
    vibrato = rng.uniform(0, 0.006)
    mute = 1 + rng.uniform(0, 1.5) * resonance(rng.uniform(1000, 1600), 1.5)

    def note(frequency: float, n: int) -> Audio:
        loud = fade(n, attack, 0.06) * curve([0, attack, 3 * attack, n / SAMPLE_RATE], [0, 1, 0.75, 0.65], n)
        scoop = 1 - 0.03 * curve([0, 0.05], [1, 0], n)
        angle = phase(frequency * (scoop + vibrato * sine(5.5, n) + drift(rng, 20, 0.001, n)), n)
        index = min(peak, 6000 / frequency) * loud
        return loud * np.sin(angle + index * np.sin(angle))

    return filtered(phrase(rng, note, 52, 82, ring=False), mute)


def clarinet(rng: np.random.Generator) -> Audio:
    """A tube closed at the reed: odd harmonics, and even ones at higher frequencies."""
    rolloff, even = rng.uniform(1.0, 1.6), rng.uniform(0.02, 0.15)
    air = noise(rng, band(1000, 5000, 1))
    attack, breath = rng.uniform(0.02, 0.08), log_uniform(rng, 0.005, 0.05)

    def note(frequency: float, n: int) -> Audio:
        gains = saw_amplitudes(frequency * 1.02, rolloff)
        gains[1::2] *= np.minimum(1, even * np.arange(1, gains[1::2].size + 1))
        tone = wavetable(phase(frequency * (1 + drift(rng, 15, 0.0015, n)), n), gains)
        return fade(n, attack, 0.04) * (tone + breath * air[:n])

    return filtered(phrase(rng, note, 50, 84, ring=False), lowpass(3500, 2))


def organ(rng: np.random.Generator) -> Audio:
    """A church organ's held chords: ranks of pipes at octaves and fifths, each a little out of tune, with chiff."""
    ranks = np.array([0.5, 1, 2, 3, 4, 6, 8])
    stops = rng.uniform(0, 1, ranks.size) * (rng.random(ranks.size) < 0.7)
    stops[1] = 1.0
    wind = noise(rng, band(300, 5000, 1))
    pipe = np.array([1, rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4), 0.1, rng.uniform(0, 0.15)])

    def chord(root: float, steps: tuple[int, ...], n: int) -> Audio:
        out = np.zeros(n)
        for step in (-12, *steps):
            for rank, gain in zip(ranks, stops, strict=True):
                pitch = hertz(root + step) * rank * rng.normal(1, 0.0012)
                if gain > 0 and pitch < 3000:
                    out += gain * wavetable(phase(pitch, n, rng.uniform(0, 6.28)), pipe[: int(7600 / pitch)])
        return (out + rng.uniform(0.02, 0.3) * wind[:n]) * fade(n, rng.uniform(0.03, 0.12), 0.1)

    changes = np.linspace(0, CLIP_SECONDS, rng.integers(2, 4))
    root = rng.uniform(48, 64)
    out = np.zeros(N_SAMPLES)
    for start, end in pairwise(changes):
        out += place(chord(root + rng.choice([0, 5, 7, -2]), CHORDS[rng.integers(2)], samples(end - start)), [start])
    return out


def accordion(rng: np.random.Generator) -> Audio:
    """Free reeds in pairs tuned apart, so that they beat (musette), pressed by a bellows."""
    beat, rolloff = rng.uniform(0.001, 0.008), rng.uniform(0.6, 1.0)
    bellows = 1 + drift(rng, 2, 0.15)

    def reed(frequency: float, n: int) -> Audio:
        gains = saw_amplitudes(frequency * 1.02, rolloff)
        pair = wavetable(phase(frequency, n), gains) + wavetable(phase(frequency * (1 + beat), n, 2), gains)
        return pair * fade(n, 0.03, 0.04)

    melody = phrase(rng, reed, 57, 81, ring=False)
    root, steps = rng.uniform(45, 57), CHORDS[rng.integers(2)]
    stab = total([reed(hertz(root + step), samples(0.18)) for step in steps])
    oom_pah = place(stab, beats(rng, rng.uniform(0.35, 0.6)), rng.uniform(0, 0.5))
    return filtered((melody + oom_pah) * bellows, highpass(180, 1) * lowpass(4000, 1))


def harmonica(rng: np.random.Generator) -> Audio:
    """Two or three reeds at once between cupped hands, which open and close for a wah."""
    rolloff, rate, depth = rng.uniform(0.5, 0.9), rng.uniform(3, 7), rng.uniform(0, 0.6)
    ratio = 2 ** (float(rng.choice([3, 4, 5, 12])) / 12)

    def note(frequency: float, n: int) -> Audio:
        bend = 1 - rng.uniform(0, 0.05) * curve([0, 0.1], [1, 0], n)
        low, high = (
            wavetable(phase(pitch * bend, n), saw_amplitudes(pitch * 1.02, rolloff))
            for pitch in (frequency, frequency * ratio)
        )
        return (low + 0.6 * high) * fade(n, 0.03, 0.06)

    played = phrase(rng, note, 60, 84, ring=False)
    dull = filtered(played, lowpass(1200, 2))
    return filtered(dull + (played - dull) * tremolo(rate, depth), highpass(300, 1) * (1 + resonance(2200, 2)))


def whistling(rng: np.random.Generator) -> Audio:
    """A person whistles a tune: a pure tone of 700 to 2500 Hz that slides between notes, and a little air."""
    air = noise(rng, band(1000, 6000, 1))
    breath, rate, depth = log_uniform(rng, 0.01, 0.08), rng.uniform(4, 6.5), rng.uniform(0, 0.02)
    slide = rng.uniform(0.02, 0.12)

    def note(frequency: float, n: int) -> Audio:
        from_below = 1 - rng.uniform(-0.1, 0.2) * curve([0, slide], [1, 0], n)
        bend = from_below + depth * sine(rate, n) + drift(rng, 15, 0.003, n)
        return fade(n, 0.04, 0.05) * (sine(frequency * bend, n) + breath * air[:n])

    return phrase(rng, note, 77, 98, ring=False)


def pea_whistle(rng: np.random.Generator) -> Audio:
    """A referee's whistle: two close tones near 2 to 4 kHz, chopped 20 to 50 times a second by the pea."""
    pitch, trill = log_uniform(rng, 2400, 4000), rng.uniform(20, 45)
    lengths = rng.choice([0.15, 0.3, 0.6, 1.2, 2.0], rng.integers(1, 4))
    air = noise(rng, band(1500, 7000, 1))
    out = np.zeros(N_SAMPLES)
    start = rng.uniform(0, 0.3)
    for length in lengths:
        n = samples(length)
        chop = tremolo(trill, rng.uniform(0.1, 0.7), n)
        bend = pitch * (1 + 0.012 * sine(trill, n) - 0.08 * curve([0, 0.03], [1, 0], n))
        blow = sine(bend, n) + 0.5 * sine(bend * 1.06, n) + 0.3 * air[:n]
        if start < 2.3:
            out += place(blow * chop * fade(n, 0.015, 0.03), [start])
        start += length + rng.uniform(0.05, 0.3)
    return out
