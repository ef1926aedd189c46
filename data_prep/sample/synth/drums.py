"""Percussion: drums, cymbals, tuned bars and clapping hands."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, Audio, Floats, log_uniform, samples, unit
from data_prep.sample.synth.envelopes import curve, decay, drift, tremolo
from data_prep.sample.synth.events import accented, beats, impulses, place, place_any, poisson, thinned
from data_prep.sample.synth.filters import band, filtered, formants, highpass, noise, resonance, response_of
from data_prep.sample.synth.music import phrase
from data_prep.sample.synth.oscillators import modes, sine

MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501])
"""Mode ratios of an ideal circular membrane: zeros of Bessel functions (Rayleigh 1877)."""


def _groove(rng: np.random.Generator, slowest: float = 0.6, fastest: float = 0.12) -> tuple[Audio, Audio]:
    """Return times and gains of a short rhythm: a pulse with some beats left out and some stressed."""
    pulse = beats(rng, log_uniform(rng, fastest, slowest), 0.006, first=rng.uniform(0, 0.15))
    return accented(rng, thinned(rng, pulse, rng.uniform(0.4, 1.0)), 0.45)


def bass_drum(rng: np.random.Generator) -> Audio:
    """A kick: a click, then a pitch that falls in a tenth of a second as the stretched head relaxes."""
    low, t60 = log_uniform(rng, 38, 75), log_uniform(rng, 0.2, 0.8)
    fall = low * (1 + rng.uniform(1, 4) * decay(rng.uniform(0.1, 0.3)))
    click = noise(rng, band(800, 4000)) * decay(0.02)
    kick = sine(fall) * decay(t60) + rng.uniform(0.02, 0.25) * click
    return place(np.tanh(rng.uniform(1, 2.5) * kick), *_groove(rng, 0.9, 0.22))


def snare_drum(rng: np.random.Generator) -> Audio:
    """Two head modes and the rattle of wires under them; a quarter are rolls."""
    head = modes(rng.uniform(150, 260) * np.array([1, 1.6, 2.1]), [0.18, 0.14, 0.1], [1, 0.7, 0.4])
    wires = noise(rng, band(rng.uniform(1000, 2500), 7500, 1)) * decay(log_uniform(rng, 0.12, 0.45))
    hit = head + rng.uniform(0.5, 1.6) * wires
    if rng.random() < 0.25:
        times = beats(rng, 1 / rng.uniform(14, 24), 0.006)
        swell = np.interp(times, [0, 2.5], rng.uniform(0.2, 1, 2))
        return place(hit * decay(0.25), times, swell * rng.uniform(0.6, 1, times.size))
    return place(hit, *_groove(rng))


def _metal(rng: np.random.Generator, lowest: float, count: int, t60: float) -> Audio:
    """Return a dense cluster of high modes, as of a thin plate of bronze."""
    hertz = rng.uniform(lowest, 7800, count)
    return modes(hertz, t60 * (hertz / lowest) ** -0.5 * rng.uniform(0.5, 1.5, count), rng.normal(0, 1, count))


def hi_hat(rng: np.random.Generator) -> Audio:
    """Two small cymbals on a stand: closed ticks, now and then open."""
    hiss = noise(rng, highpass(5000))
    metal = _metal(rng, rng.uniform(2500, 4500), 60, 3)
    source = hiss + rng.uniform(0.03, 0.3) * metal
    times, gains = _groove(rng, 0.4, 0.1)
    opened = rng.random(times.size) < rng.uniform(0, 0.4)
    closed = place(source * decay(log_uniform(rng, 0.07, 0.25)), times[~opened], gains[~opened])
    return closed + place(source * decay(log_uniform(rng, 0.3, 1.0)), times[opened], gains[opened])


def cymbal(rng: np.random.Generator) -> Audio:
    """A crash or ride: hundreds of modes; a bright burst that darkens as it rings."""
    t60 = log_uniform(rng, 1.2, 4)
    wash = noise(rng, highpass(3500, 1)) * decay(0.6 * t60) * curve([0, rng.uniform(0.002, 0.04)], [0.2, 1])
    plate = _metal(rng, rng.uniform(300, 600), 140, t60)
    crash = rng.uniform(0.6, 1.4) * wash + rng.uniform(0.02, 0.08) * plate
    return place(crash, beats(rng, log_uniform(rng, 0.3, 2.6), 0.01, first=rng.uniform(0, 0.3)))


def tabla(rng: np.random.Generator) -> Audio:
    """Two hand drums: a small one whose loaded head is harmonic (Raman 1934), a low one the palm bends up."""
    pitch = log_uniform(rng, 240, 420)
    ringing = modes(pitch * np.array([1, 2, 3.01, 4.02, 5.03]), [0.5, 0.6, 0.35, 0.2, 0.15], [0.5, 1, 0.6, 0.35, 0.2])
    slap = modes(pitch * MEMBRANE, 0.07, 1.0) + 0.6 * noise(rng, band(1000, 5000, 1)) * decay(0.03)
    bend = rng.uniform(75, 110) * (1 + rng.uniform(0.1, 0.6) * curve([0, 0.25], [0, 1]))
    low = sine(bend) * decay(rng.uniform(0.5, 1)) * 1.2
    return place_any(rng, [ringing, ringing, slap, low], *_groove(rng, 0.28, 0.1))


def wood_block(rng: np.random.Generator) -> Audio:
    """A slit block of hard wood: one short, hollow resonance."""
    pitches = log_uniform(rng, 500, 1300) * np.array([1, rng.uniform(1.2, 1.5)])
    t60 = log_uniform(rng, 0.05, 0.16)
    hits = [modes(p * np.array([1, 1.6, 2.7]), t60, [1, 0.35, 0.2]) for p in pitches]
    return place_any(rng, hits, *_groove(rng, 0.5, 0.12))


def maraca(rng: np.random.Generator) -> Audio:
    """Beans in a gourd: many random collisions that decay, filtered by the shell (Cook 1997, PhISM)."""
    times = beats(rng, 1 / rng.uniform(3, 9), 0.008)
    energy = place(decay(rng.uniform(0.1, 0.25)), *accented(rng, times, 0.3))
    beans = noise(rng) * (rng.random(N_SAMPLES) < 0.15)
    return filtered(beans * energy, resonance(log_uniform(rng, 3200, 6000), rng.uniform(0.8, 3)) * highpass(1500, 1))


def tambourine(rng: np.random.Generator) -> Audio:
    """Shaken pairs of little brass discs, and now and then the hand on the head."""
    times = beats(rng, 1 / rng.uniform(3, 9), 0.008)
    energy = place(decay(rng.uniform(0.15, 0.5)), *accented(rng, times, 0.3))
    discs = noise(rng) * (rng.random(N_SAMPLES) < 0.06)
    tuned = rng.uniform(3500, 7500, 7)
    ring = formants(tuned, tuned / 30, np.ones(7))
    thud = modes(rng.uniform(180, 350) * MEMBRANE[:4], 0.08, 1.0)
    return filtered(discs * energy, ring) + rng.uniform(0, 0.2) * place(thud, times[::4])


def _mallet(rng: np.random.Generator, low: float, ratios: Floats, t60s: Floats, gains: Floats) -> Audio:
    """Play a phrase on tuned bars from MIDI note ``low`` up, with the knock of the mallet before each.

    One mode after another: their ratios to the fundamental, their decay times in s at middle C (shorter above), their
    amplitudes.
    """
    knock = rng.uniform(0, 0.25) * filtered(noise(rng) * decay(0.015), band(500, 3000))

    def bar(frequency: float, n: int) -> Audio:
        return modes(frequency * np.array(ratios), np.array(t60s) * (260 / frequency) ** 0.5, gains, n) + knock[:n]

    return phrase(rng, bar, low, low + 31, ring=True)


def marimba(rng: np.random.Generator) -> Audio:
    """Rosewood bars undercut so that the second partial is two octaves up; a short decay."""
    t60, gains = log_uniform(rng, 0.35, 1.1), [1, rng.uniform(0.1, 0.5), rng.uniform(0, 0.3)]
    return _mallet(rng, 48, [1, 3.93, 9.2], [t60, t60 / 4, t60 / 10], gains)


def vibraphone(rng: np.random.Generator) -> Audio:
    """Aluminium bars over tubes that motor discs open and close, so that long notes have tremolo."""
    t60, gains = log_uniform(rng, 3, 8), [1, rng.uniform(0.05, 0.3), rng.uniform(0, 0.2)]
    played = _mallet(rng, 53, [1, 4, 10.2], [t60, t60 / 3, t60 / 10], gains)
    return played * tremolo(rng.uniform(3, 8), rng.uniform(0, 0.6))


def glockenspiel(rng: np.random.Generator) -> Audio:
    """Small steel bars, free at both ends, high and sparkling."""
    t60, gains = log_uniform(rng, 2, 6), [1, rng.uniform(0.2, 0.7), rng.uniform(0.1, 0.4)]
    return _mallet(rng, 79, [1, 2.756, 5.404], [t60, t60 / 2, t60 / 4], gains)


def steelpan(rng: np.random.Generator) -> Audio:
    """A hammered oil drum: the blow feeds harmonics that rise a moment after the fundamental (Rossing 1996)."""
    late, t60 = rng.uniform(0.02, 0.08), log_uniform(rng, 0.5, 1.6)
    strengths = rng.uniform(0.2, 1.0, 3) * np.array([1, 0.5, 0.35])

    def pan(frequency: float, n: int) -> Audio:
        start = modes([frequency, 2.0 * frequency], [t60, 0.3 * t60], [1, 0.4], n)
        coupled = modes(frequency * np.array([2.003, 3.01, 4.02]), 0.7 * t60, strengths, n)
        return start + coupled * curve([0, late], [0, 1], n)

    return phrase(rng, pan, 58, 86, ring=True)


def drum_kit(rng: np.random.Generator) -> Audio:
    """A bar of rock: kick on one and three, snare on two and four, hi-hat on every eighth."""
    eighth = rng.uniform(0.15, 0.32)
    times = beats(rng, eighth, 0.004, first=rng.uniform(0, eighth))
    kick = sine(50 * (1 + 2.5 * decay(0.2))) * decay(0.35)
    snare = modes([180, 290], 0.15, 0.6) + noise(rng, band(1200, 7000, 1)) * decay(rng.uniform(0.15, 0.35))
    hat = noise(rng, highpass(5500)) * decay(0.07)
    kicks, snares = times[::4], times[2::4]
    extra = times[rng.random(times.size) < 0.15]
    mix = 1.5 * place(kick, np.concatenate([kicks, extra])) + rng.uniform(0.6, 1.2) * place(snare, snares)
    return mix + rng.uniform(0.15, 0.5) * place(hat, *accented(rng, times, 0.5))


def _clap(rng: np.random.Generator) -> Audio:
    """Return 50 ms of one pair of hands: a burst through the cavity between the palms (Repp 1987)."""
    n = samples(0.05)
    raw = rng.standard_normal(n) * decay(rng.uniform(0.012, 0.035), n) * curve([0, 0.002], [0, 1], n)
    cavity = resonance(log_uniform(rng, 900, 2400), rng.uniform(0.8, 2.0))
    return filtered(raw, cavity + 0.25 * highpass(2500, 1))[:n]


def hand_clap(rng: np.random.Generator) -> Audio:
    """One to five people clap in time, each a few hundredths of a second off."""
    times = beats(rng, log_uniform(rng, 0.22, 0.8), 0.01, first=rng.uniform(0, 0.2))
    out = np.zeros(N_SAMPLES)
    for _ in range(rng.integers(1, 6)):
        late = np.clip(times + rng.normal(0, 0.015, times.size), 0, 2.45)
        out += place(_clap(rng), late, rng.uniform(0.5, 1, times.size))
    return out


def applause(rng: np.random.Generator) -> Audio:
    """A crowd: hundreds of claps a second from a dozen kinds of hands, and noise for the many in the distance."""
    swell = curve([0, 1.2, 2.5], rng.uniform(0.6, 1, 3)) * (1 + drift(rng, 8, 0.06))
    rate = log_uniform(rng, 150, 900)
    hands = [_clap(rng) for _ in range(12)]
    near = np.zeros(N_SAMPLES)
    for clap in hands:
        near += filtered(impulses(*accented(rng, poisson(rng, rate / 12), 0.5)), response_of(clap))
    far = noise(rng, band(900, 3500, 1))
    return (unit(near) + rng.uniform(0.2, 1.0) * far) * swell
