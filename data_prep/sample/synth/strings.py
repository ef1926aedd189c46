"""String instruments, plucked, struck and bowed.

Plucked strings are Karplus & Strong (Digital synthesis of plucked-string and drum timbres, 1983) with the
refinements of Jaffe & Smith (1983). Their recursion is linear, so it is solved in the frequency domain at once:
a filter 1 / (1 - loop), where a delay may be any fraction of a sample, so that every string is in tune.
"""

from itertools import pairwise

import numpy as np

from data_prep.sample.synth.clip import CLIP_SECONDS, N_SAMPLES, SAMPLE_RATE, Audio, log_uniform, samples, total
from data_prep.sample.synth.envelopes import curve, decay, drift, fade
from data_prep.sample.synth.events import accented, beats, place, place_any
from data_prep.sample.synth.filters import (
    FREQUENCY,
    Response,
    band,
    filtered,
    formants,
    highpass,
    lowpass,
    noise,
    resonance,
)
from data_prep.sample.synth.music import CHORDS, MAJOR, hertz, phrase
from data_prep.sample.synth.oscillators import modes, phase, saw_amplitudes, sine, wavetable

GUITAR_TUNING = np.array([40, 45, 50, 55, 59, 64])


def string(frequency: float, t60: float) -> Response:
    """Return Karplus and Strong's string, y[n] = x[n] + g (y[n - P] + y[n - P - 1]) / 2, as a filter.

    Its loop lasts P + 1/2 samples, one period of ``frequency`` Hz, and g is such that 60 dB are lost in ``t60`` s.
    """
    period = 1 / frequency
    mean = np.cos(np.pi * FREQUENCY / SAMPLE_RATE)  # of two neighbours, but for their delay, which is in the period
    loop = 10 ** (-3 * period / t60) * mean * np.exp(-2j * np.pi * FREQUENCY * period)
    response: Response = np.reciprocal(1 - loop)
    return response


def pluck(rng: np.random.Generator, frequency: float, t60: float, brightness: float, position: float) -> Audio:
    """Return float64[40000], one plucked string.

    ``brightness`` in Hz colours the burst of noise, one period long, that excites it; ``position`` in (0, 0.5] is
    where it is plucked, so that harmonics with a node there stay silent.
    """
    burst = noise(rng)[: samples(1 / frequency)]
    comb = 1 - np.exp(-2j * np.pi * FREQUENCY * position / frequency)
    return filtered(burst - burst.mean(), lowpass(brightness, 1) * comb * string(frequency, t60))


def _guitar_body(rng: np.random.Generator) -> Response:
    """Return air and top-plate resonances of a wooden box over the direct sound (Christensen & Vistisen 1980)."""
    air, plate = rng.uniform(90, 120), rng.uniform(180, 240)
    return 0.5 + formants([air, plate, 2.1 * plate], [20, 30, 90], [1.2, 1.5, 0.8])


def guitar(rng: np.random.Generator) -> Audio:
    """A few notes on an acoustic guitar: nylon or steel, near the bridge or over the hole."""
    t60, brightness, where = log_uniform(rng, 1.2, 5), log_uniform(rng, 900, 6000), rng.uniform(0.08, 0.45)
    played = phrase(rng, lambda f, _: pluck(rng, f, t60 * (150 / f) ** 0.4, brightness, where), 40, 74, ring=True)
    return filtered(played, _guitar_body(rng))


def strum(rng: np.random.Generator) -> Audio:
    """A chord swept over six strings, down, and up over the four highest, a few times."""
    chord = (rng.integers(0, 12) + np.array(CHORDS[rng.integers(len(CHORDS))])) % 12
    brightness, where, t60 = log_uniform(rng, 1500, 6000), rng.uniform(0.1, 0.4), log_uniform(rng, 0.8, 3.5)
    notes = [open_string + np.min((chord - open_string) % 12) for open_string in GUITAR_TUNING]
    strings = [pluck(rng, hertz(note), t60, brightness, where) for note in notes]
    sweep = rng.uniform(0.006, 0.03)
    out = np.zeros(N_SAMPLES)
    for number, time in enumerate(beats(rng, rng.uniform(0.22, 1.1), 0.01)):
        ordered = strings if number % 2 == 0 else strings[:1:-1]
        damped = curve([0, rng.uniform(0.3, 2.5)], [1, 0.3])
        for rank, string in enumerate(ordered):
            out += place(string * damped, [min(2.45, time + rank * sweep)], rng.uniform(0.5, 1))
    return filtered(out, _guitar_body(rng))


def bass_guitar(rng: np.random.Generator) -> Audio:
    """A riff on the low strings."""
    t60, brightness, where = log_uniform(rng, 1.5, 5), log_uniform(rng, 300, 2500), rng.uniform(0.1, 0.4)

    def note(frequency: float, n: int) -> Audio:
        return pluck(rng, frequency, t60, brightness, where)[:n] * fade(n, 0.001, 0.02)

    return phrase(rng, note, 28, 47, ring=False)


def banjo(rng: np.random.Generator) -> Audio:
    """Fast rolls on short, bright strings over a drum head that radiates 500 to 1500 Hz."""
    root, t60, where = rng.uniform(50, 62), log_uniform(rng, 0.25, 0.9), rng.uniform(0.05, 0.15)
    strings = [pluck(rng, hertz(root + step), t60, rng.uniform(3000, 7000), where) for step in (0, 4, 7, 12, 16)]
    times = beats(rng, 1 / rng.uniform(5, 11), 0.006)
    played = place_any(rng, strings, *accented(rng, times, 0.5))
    return filtered(played, 0.3 + formants([600, 1200, 2600], [400, 700, 1500], [1, 0.8, 0.5]))


def harp(rng: np.random.Generator) -> Audio:
    """A run over gut strings, soft and long: arpeggio or glissando, up or down."""
    scale = MAJOR if rng.random() < 0.5 else np.array(CHORDS[rng.integers(len(CHORDS))])
    ladder = np.concatenate([scale + 12 * octave for octave in range(4)])
    count = int(rng.integers(5, 13))
    first = int(rng.integers(0, max(1, ladder.size - count)))
    ladder = ladder[first : first + count]
    steps = ladder if rng.random() < 0.6 else ladder[::-1]
    root, t60 = rng.uniform(43, 60), log_uniform(rng, 1.5, 5)
    brightness, where = log_uniform(rng, 500, 2200), rng.uniform(0.3, 0.5)
    times = rng.uniform(0, 0.2) + np.cumsum(np.full(steps.size, rng.uniform(0.06, 0.2)))
    out = np.zeros(N_SAMPLES)
    for time, step in zip(times[times < 2.4], steps, strict=False):
        out += place(pluck(rng, hertz(root + step), t60, brightness, where), [time], rng.uniform(0.6, 1))
    return out


def piano(rng: np.random.Generator) -> Audio:
    """Struck strings: stretched partials, strings that drift out of phase, and the thump of the hammer.

    Partial k lies at k f sqrt(1 + B k^2) (Fletcher & Rossing ch. 12); the hammer at an eighth of the string leaves
    out every eighth; the decay is fast at first and slow later, as the strings go out of phase (Weinreich 1977).
    """
    hardness, t60 = rng.uniform(0.8, 1.8), log_uniform(rng, 3, 9)
    thump = filtered(noise(rng) * decay(0.08), band(60, 500, 1))

    def note(frequency: float, n: int) -> Audio:
        k = np.arange(1, max(2, min(30, int(6500 / frequency))), dtype=float)
        stretched = frequency * k * np.sqrt(1 + 4e-4 * (frequency / 260) * k**2)
        gains = k**-hardness * (0.05 + np.abs(np.sin(np.pi * k / 8)))
        slow = t60 * (220 / frequency) ** 0.6 * k**-0.5
        at_first = modes(stretched, 0.25 * slow, gains, n)
        apart = modes(np.concatenate([stretched * 1.0004, stretched * 0.9997]), np.tile(slow, 2), np.tile(gains, 2), n)
        return at_first + 0.25 * apart + 0.15 * thump[:n]

    if rng.random() < 0.6:
        return phrase(rng, note, 40, 84, ring=True)
    root, chord = rng.uniform(45, 66), CHORDS[rng.integers(len(CHORDS))]
    struck = total([note(hertz(root + step), N_SAMPLES) for step in chord])
    return place(struck, beats(rng, rng.uniform(0.5, 2), 0.01), 0.6)


def _bowed(rng: np.random.Generator, low: float, high: float, body: Response, vibrato: float) -> Audio:
    """Bow a phrase: a sawtooth (Helmholtz motion) with vibrato and bow noise through the instrument's body."""
    rate, hair = rng.uniform(4.5, 6.8), noise(rng, band(1500, 6000, 1))
    attack, swell = rng.uniform(0.03, 0.2), rng.uniform(0.2, 1)
    rolloff, rasp = rng.uniform(0.9, 1.3), log_uniform(rng, 0.01, 0.08)

    def note(frequency: float, n: int) -> Audio:
        seconds = n / SAMPLE_RATE
        bend = 1 + vibrato * curve([0.1, 0.4], [0, 1], n) * sine(rate, n) + drift(rng, 12, 0.001, n)
        pressure = fade(n, attack, 0.08) * curve([0, 0.6 * seconds, seconds], [swell, 1, swell], n)
        saw = wavetable(phase(frequency * bend, n), saw_amplitudes(frequency * 1.03, rolloff))
        return pressure * (saw + rasp * hair[:n])

    return filtered(phrase(rng, note, low, high, ring=False), body)


def violin(rng: np.random.Generator) -> Audio:
    """Air, wood and bridge-hill resonances of a violin (Dünnwald 1991), which vibrato plays over."""
    body = 0.12 + formants(
        [rng.normal(275, 10), rng.normal(460, 20), rng.normal(560, 20), 1100, 2500],
        [40, 50, 60, 350, 1100],
        [1, 1.2, 1, 0.9, 1],
    )
    return _bowed(rng, 55, 88, body * lowpass(5500, 1), rng.uniform(0.002, 0.009))


def cello(rng: np.random.Generator) -> Audio:
    """The same bow on a bigger box, an octave and a fifth lower."""
    body = 0.15 + formants(
        [rng.normal(100, 4), rng.normal(185, 8), 230, 550, 1500], [25, 35, 40, 250, 800], [1, 1.3, 1, 0.8, 0.5]
    )
    return _bowed(rng, 36, 60, body * lowpass(3500, 1), rng.uniform(0.002, 0.007))


def distorted_guitar(rng: np.random.Generator) -> Audio:
    """A power chord through a valve amplifier overdriven, muted by the palm or left to ring."""
    root, rings = log_uniform(rng, 80, 165), rng.random() < 0.5
    times = beats(rng, rng.uniform(0.4, 1.6) if rings else rng.uniform(0.11, 0.3), 0.006)
    t60 = 6.0 if rings else 0.5
    chord = total(pluck(rng, root * ratio, t60, 2500, 0.15) for ratio in (1, 1.4983, 2))  # root, fifth, octave
    out = np.zeros(N_SAMPLES)
    for time, following in pairwise([*times, CLIP_SECONDS]):
        n = samples(following - time)
        out += place(chord[:n] * fade(n, 0.001, 0.01), [time])
    out = filtered(out, highpass(100, 1) * lowpass(1500, 2))  # a dark tone before the valves: they make it bright
    driven = np.tanh(log_uniform(rng, 5, 40) * out / np.max(np.abs(out)))
    return filtered(driven, highpass(90, 1) * lowpass(3800, 3) * (1 + resonance(2500, 1.5)))
