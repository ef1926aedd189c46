"""Bells, struck metal and glass: bodies with inharmonic partials, from tables of mode ratios.

Ratios from Fletcher & Rossing, The Physics of Musical Instruments (2nd ed., 1998): bells ch. 21, bars ch. 19,
glasses and bowls ch. 20. A free bar rings at 1 : 2.756 : 5.404 : 8.933, a clamped-free one far wider.
"""

import numpy as np

from data_prep.sample.synth.clip import Audio, log_uniform, samples
from data_prep.sample.synth.envelopes import curve, decay, fade
from data_prep.sample.synth.events import accented, beats, place, place_any, poisson
from data_prep.sample.synth.filters import band, filtered, highpass, lowpass, noise
from data_prep.sample.synth.oscillators import modes, phase, wavetable

CHURCH_BELL = np.array([0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433, 6.796, 8.215])
FREE_BAR = np.array([1.0, 2.756, 5.404, 8.933])
WINE_GLASS = np.array([1.0, 2.32, 4.25, 6.63, 9.38])
PENTATONIC = np.array([0, 2, 4, 7, 9, 12, 14, 16])


def _strike(
    rng: np.random.Generator, fundamental: float, ratios: Audio, t60: float, damping: float, brightness: float
) -> Audio:
    """Return one blow: modes of random strength, weaker and shorter the higher they are.

    Mode r decays in ``t60`` / r^damping and has amplitude r^-brightness, give or take a quarter.
    """
    gains = ratios**-brightness * rng.uniform(0.6, 1.4, ratios.size)
    return modes(fundamental * ratios, t60 * ratios**-damping, gains)


def _doublets(rng: np.random.Generator, ratios: Audio, width: float) -> Audio:
    """Split every mode in two close ones, as in a body that is not quite round; the two beat."""
    return np.concatenate([ratios, ratios * (1 + rng.uniform(0, width, ratios.size))])


def church_bell(rng: np.random.Generator) -> Audio:
    """One to four blows on a bell tuned with the minor third that makes church bells sound grave."""
    prime = log_uniform(rng, 160, 700)
    ratios = _doublets(rng, CHURCH_BELL * rng.normal(1, 0.004, CHURCH_BELL.size), 0.006)
    blow = _strike(rng, prime, ratios, log_uniform(rng, 3, 9), rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.8))
    clapper = noise(rng, band(1500, 6000)) * decay(0.04)
    times = beats(rng, rng.uniform(0.7, 2.2), 0.02, first=rng.uniform(0, 0.4))
    return place(blow + rng.uniform(0.1, 0.5) * clapper, *accented(rng, times, 0.6))


def bicycle_bell(rng: np.random.Generator) -> Audio:
    """A thumb lever drives a ratchet: "trring, trring", a dozen quick blows on a small steel dome."""
    dome = log_uniform(rng, 1500, 2900)
    ratios = _doublets(rng, np.array([1.0, 1.53, 2.28, 3.1, 4.2]), 0.02)
    blow = _strike(rng, dome, ratios, log_uniform(rng, 0.5, 1.6), 0.6, rng.uniform(0.3, 1.0))
    rings = beats(rng, rng.uniform(0.35, 0.9), 0.03, first=rng.uniform(0, 0.4), last=rng.uniform(1.0, 2.2))
    roll = beats(rng, 1 / rng.uniform(16, 30), 0.003, first=0, last=rng.uniform(0.12, 0.35))
    times = np.clip((rings[:, None] + roll).ravel(), 0, 2.45)
    return place(blow, *accented(rng, times, 0.3))


def doorbell(rng: np.random.Generator) -> Audio:
    """Ding-dong: a plunger hits a high bar when the button goes down and a low one when it comes up."""
    high = log_uniform(rng, 480, 950)
    low = high * 2 ** (-rng.choice([3, 4, 5]) / 12)
    t60, brightness = log_uniform(rng, 1.2, 4), rng.uniform(0.8, 2.0)
    ding = _strike(rng, high, FREE_BAR, t60, 0.9, brightness)
    dong = _strike(rng, low, FREE_BAR, 1.2 * t60, 0.9, brightness)
    first, gap = rng.uniform(0, 0.5), rng.uniform(0.3, 0.8)
    again = first + gap + rng.uniform(0.6, 1.0)
    twice = rng.random() < 0.3 and again + gap < 2.3
    dings, dongs = ([first, again], [first + gap, again + gap]) if twice else ([first], [first + gap])
    return place(ding, dings) + place(dong, dongs)


def wind_chime(rng: np.random.Generator) -> Audio:
    """Five to eight tubes in a pentatonic tuning, struck at random times."""
    base, t60, brightness = log_uniform(rng, 500, 1500), log_uniform(rng, 0.8, 4), rng.uniform(0.7, 1.6)
    tubes = []
    for semitones in PENTATONIC[: rng.integers(5, 9)]:
        pitch = base * 2 ** (semitones / 12)
        tubes.append(_strike(rng, pitch, _doublets(rng, FREE_BAR, 0.004), t60, 1.0, brightness))
    return place_any(rng, tubes, *accented(rng, poisson(rng, rng.uniform(3, 12)), 0.15))


def glass_ping(rng: np.random.Generator) -> Audio:
    """One to four clinks of two glasses: each rings at its own mode series, n^2 apart."""
    times = beats(rng, rng.uniform(0.35, 1.2), 0.08, first=rng.uniform(0, 0.5), last=rng.uniform(0.6, 2.4))
    clink = noise(rng, highpass(3000)) * decay(0.01)
    for pitch in log_uniform(rng, 900, 2600) * np.array([1.0, rng.uniform(1.05, 1.6)]):
        ratios = _doublets(rng, WINE_GLASS, 0.01)
        clink += _strike(rng, pitch, ratios, log_uniform(rng, 0.25, 1.8), 0.5, rng.uniform(0.2, 0.9))
    return place(clink, times)


def coin_drop(rng: np.random.Generator) -> Audio:
    """A coin bounces ever faster, then spins down: each contact rings its highest disc modes."""
    disc = log_uniform(rng, 3600, 5400)
    ratios = _doublets(rng, np.array([1.0, 1.44, 1.83, 2.2]), 0.01)
    ring = _strike(rng, disc, ratios, log_uniform(rng, 0.15, 0.7), 0.5, 0.3)
    thud = modes([rng.uniform(150, 500)], [0.05], [rng.uniform(0, 0.6)])
    bounces = rng.uniform(0.25, 0.5) * rng.uniform(0.55, 0.75) ** np.arange(rng.integers(4, 8))
    landing = rng.uniform(0.02, 0.3) + np.concatenate([[0.0], np.cumsum(bounces)])
    spin = landing[-1] + np.cumsum(np.linspace(rng.uniform(0.05, 0.09), 0.018, rng.integers(5, 30)))
    times = np.concatenate([landing, spin])
    gains = np.concatenate([0.8 ** np.arange(landing.size), np.linspace(0.35, 0.05, spin.size)])
    inside = times < 2.45
    chink = noise(rng, highpass(3500)) * decay(0.02)
    return place(0.6 * ring + thud + chink, times[inside], gains[inside])


def jingle_bell(rng: np.random.Generator) -> Audio:
    """A strap of little bells with a pellet in each, shaken in time."""
    times = np.repeat(beats(rng, 1 / rng.uniform(2.5, 7), 0.01), rng.integers(4, 9))
    times = np.clip(times + np.abs(rng.normal(0, 0.02, times.size)), 0, 2.45)
    bells = []
    for _ in range(4):
        ratios = np.array([1.0, rng.uniform(1.2, 1.4), rng.uniform(1.6, 1.9)])
        ring = _strike(rng, log_uniform(rng, 3000, 5200), ratios, log_uniform(rng, 0.15, 0.5), 0.3, 0.2)
        bells.append(ring + 0.1 * noise(rng, highpass(5000)) * decay(0.02))
    return place_any(rng, bells, *accented(rng, times, 0.2))


def singing_bowl(rng: np.random.Generator) -> Audio:
    """A bronze bowl struck softly once: few modes, long and beating."""
    ratios = _doublets(rng, np.array([1.0, 2.71, 5.1, 8.1]), rng.uniform(0.002, 0.02))
    blow = _strike(rng, log_uniform(rng, 110, 520), ratios, log_uniform(rng, 6, 20), 0.7, rng.uniform(0.8, 2.2))
    soft = curve([0, rng.uniform(0.005, 0.06)], [0, 1])
    return place(blow * soft, beats(rng, rng.uniform(1.3, 3.0), 0.05, first=rng.uniform(0, 0.4)))


def gong(rng: np.random.Generator) -> Audio:
    """A great disc: scores of modes, of which the high ones build up only after the blow."""
    ratios = np.sort(np.concatenate([[1.0, 1.58, 2.0, 2.42], rng.uniform(1.3, 28, 70)]))
    base, t60 = log_uniform(rng, 60, 180), log_uniform(rng, 3, 10)
    low = modes(base * ratios, t60 * ratios**-0.4, ratios**-0.8 * rng.uniform(0.3, 1, ratios.size))
    wash = modes(base * 6 * ratios, 0.5 * t60, ratios**-0.5 * rng.normal(0, 1, ratios.size))
    bloom = 1 - decay(rng.uniform(0.4, 1.6))
    thump = filtered(noise(rng) * decay(0.15), lowpass(300))
    return place(low + rng.uniform(0.1, 0.5) * wash * bloom + 0.5 * thump, [rng.uniform(0, 0.4)])


def cowbell(rng: np.random.Generator) -> Audio:
    """A folded iron bell on a walking cow: irregular clanks of two strong partials about a fifth apart."""
    base = log_uniform(rng, 320, 850)
    ratios = _doublets(rng, np.array([1.0, 1.48, 2.33, 3.7, 5.2, 6.9]), 0.03)
    clank = _strike(rng, base, ratios, log_uniform(rng, 0.12, 0.6), 0.3, rng.uniform(0.1, 0.7))
    times = beats(rng, 1 / rng.uniform(2, 6), rng.uniform(0.01, 0.09), first=rng.uniform(0, 0.3))
    return place(clank, *accented(rng, times, 0.2))


def tuning_fork(rng: np.random.Generator) -> Audio:
    """A clamped-free bar: one pure tone, and a clang mode 6.27 times higher that decays at once."""
    pitch = rng.choice([256, 341.3, 384, 426.7, 440, 512, 1024]) * rng.normal(1, 0.01)
    start = rng.uniform(0, 0.5)
    clang = modes([6.27 * pitch], [rng.uniform(0.1, 0.6)], [rng.uniform(0.1, 0.6)])
    tone = modes([pitch, 2 * pitch], [log_uniform(rng, 3, 15), 2], [1, rng.uniform(0, 0.15)])
    return place((tone + clang) * curve([0, 0.004], [0, 1]), [start])


def alarm_clock(rng: np.random.Generator) -> Audio:
    """Half the time two gongs hammered 20 times a second, else the four quick beeps of a digital clock."""
    if rng.random() < 0.5:
        ratios = _doublets(rng, np.array([1.0, 1.6, 2.45, 3.3]), 0.02)
        gongs = log_uniform(rng, 1100, 2300) * np.array([1.0, rng.uniform(1.05, 1.25)])
        hits = beats(rng, 1 / rng.uniform(13, 26), 0.002, first=rng.uniform(0, 0.5), last=rng.uniform(1.8, 2.5))
        blows = [_strike(rng, pitch, ratios, log_uniform(rng, 0.2, 0.8), 0.4, 0.3) for pitch in gongs]
        return place(blows[0], hits[::2]) + place(blows[1], hits[1::2])
    pitch, short = log_uniform(rng, 1700, 3300), rng.uniform(0.05, 0.1)
    n = samples(short)
    beep = wavetable(phase(pitch, n), [1, rng.uniform(0, 0.4)]) * fade(n, 0.002, 0.002)
    groups = np.arange(rng.uniform(0, 0.4), 2.4, rng.uniform(0.75, 1.1))
    times = (groups[:, None] + 1.7 * short * np.arange(rng.integers(2, 5))).ravel()
    return place(beep, times[times < 2.4])
