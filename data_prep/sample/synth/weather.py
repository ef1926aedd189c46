"""Weather, water and fire: filtered noise, and many small random events."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, TIME, Audio, log_uniform, samples, unit
from data_prep.sample.synth.envelopes import curve, decay, drift
from data_prep.sample.synth.events import impulses, place, place_grains, poisson
from data_prep.sample.synth.filters import band, filtered, formants, highpass, lowpass, noise, resonance, slope
from data_prep.sample.synth.oscillators import phase


def bubbles(rng: np.random.Generator, rate: float, low: float, high: float) -> Audio:
    """Return float64[40000], bubbles that ring as they close under water (van den Doel 2005).

    A bubble rings at a pitch set by its size (Minnaert 1933), drawn between ``low`` and ``high`` Hz; small ones decay
    sooner, and some rise in pitch as they near the surface.
    """
    times = poisson(rng, rate)
    pitch = np.exp(rng.uniform(np.log(low), np.log(high), times.size))[:, None]
    damping = 0.13 * pitch + 0.0072 * pitch**1.5
    t = np.arange(samples(0.025)) / SAMPLE_RATE
    rise = 0.1 * rng.random(times.size)[:, None] ** 2 * damping
    gains = rng.random(times.size)[:, None] ** 3 * (low / pitch) ** 0.5
    angle = 2 * np.pi * pitch * t * (1 + 0.5 * rise * t)
    return place_grains(gains * np.sin(angle) * np.exp(-damping * t), times)


def rain(rng: np.random.Generator) -> Audio:
    """Rain heard as a whole: a hiss, and single drops nearby; on leaves, stone or a roof."""
    surface = formants(rng.uniform(400, 6000, 4), rng.uniform(400, 2500, 4), rng.uniform(0.2, 1, 4))
    hiss = noise(rng, band(log_uniform(rng, 80, 800), 6000, 1) * (0.5 + surface)) * (1 + drift(rng, 4, 0.08))
    times = poisson(rng, log_uniform(rng, 300, 4000))
    patter = noise(rng, surface * highpass(300, 1)) * place(decay(0.01, 200), times, rng.exponential(1, times.size))
    return hiss + rng.uniform(0.2, 1.0) * unit(patter)


def raindrop(rng: np.random.Generator) -> Audio:
    """Fall one by one, from a gutter or a tap: a tick as the drop hits, then the "plink" of the bubble it traps."""
    out = np.zeros(N_SAMPLES)
    n = samples(0.08)
    for time in poisson(rng, log_uniform(rng, 2, 12), 2.4):
        pitch, length = log_uniform(rng, 400, 1800), log_uniform(rng, 0.015, 0.05)
        rise = 1 + rng.uniform(0, 3) * TIME[:n]
        plink = np.sin(phase(pitch, n) * rise) * decay(length, n)
        tick = rng.uniform(0.2, 1) * rng.standard_normal(n) * decay(0.012, n)
        late = rng.uniform(0.003, 0.015)
        out += place(tick, [time], rng.uniform(0.3, 1)) + place(plink, [time + late], rng.uniform(0.2, 1))
    return filtered(out, band(300, 3500, 1)) + rng.uniform(0.002, 0.02) * noise(rng, band(300, 3000, 1))


def thunder(rng: np.random.Generator) -> Audio:
    """A crack if it is near, then the long roll: low noise in surges, duller with distance."""
    near = rng.random()
    surges = poisson(rng, rng.uniform(3, 8), 1.8)
    swell = place(curve([0, 0.05, 0.2, 0.9], [0, 1, 0.5, 0], 16_000), surges, rng.uniform(0.2, 1, surges.size))
    start = rng.uniform(0, 0.4)
    roll = noise(rng, lowpass(rng.uniform(60, 160), 2) * highpass(25, 1)) * (0.05 + swell)
    crack = noise(rng, lowpass(900, 1)) * decay(rng.uniform(0.3, 1.2)) * (1 + 2 * np.abs(drift(rng, 60)))
    snap = place(noise(rng, highpass(800, 1)) * decay(0.15), poisson(rng, 8, 0.4), 0.4)
    return place(roll, [0.0]) * curve([start, start + 0.1], [0.2, 1]) + near**2 * place(0.6 * crack + snap, [start])


def wind(rng: np.random.Generator) -> Audio:
    """Gusts: bands of noise whose pitch and strength rise and fall together."""
    gust = np.clip(0.55 + drift(rng, rng.uniform(0.8, 2.5), 0.35), 0.05, 1.6)
    base = noise(rng, slope(-5) * lowpass(900, 1)) * gust
    out = base * rng.uniform(0.5, 1.5)
    for centre in log_uniform(rng, 250, 700) * np.array([1, 1.5, 2.3, 3.4]):
        howl = noise(rng, resonance(centre, rng.uniform(4, 18)))
        out += rng.uniform(0.05, 0.7) * howl * np.clip(gust + drift(rng, 2, 0.2) - centre / 3000, 0, 2) ** 2
    return out


def ocean(rng: np.random.Generator) -> Audio:
    """Surf: a wave rises, breaks with a burst of foam, and runs back over shingle."""
    crest, gather, back = rng.uniform(0.2, 2.0), rng.uniform(0.6, 1.6), rng.uniform(0.6, 1.8)
    breaking = curve([crest - gather, crest, crest + back], [0.1, 1, 0.15]) ** 1.5
    roar = noise(rng, slope(-4) * lowpass(1500, 1)) * breaking
    white = curve([crest - 0.4, crest + 0.15, crest + 1.3 * back], [0.05, 1, 0.1]) ** 1.3
    foam = noise(rng, band(800, 6500, 1)) * white
    shingle = filtered(noise(rng) * (rng.random(N_SAMPLES) < 0.02), band(2500, 6000, 1))
    far = noise(rng, lowpass(250, 1))
    pull = curve([crest + 0.2, crest + 0.6, crest + 1.2], [0, 1, 0])
    return roar + rng.uniform(0.2, 0.8) * foam + rng.uniform(0, 2) * shingle * pull + 0.15 * far


def stream(rng: np.random.Generator) -> Audio:
    """Babble as a brook does: hundreds of small bubbles a second between stones, over the rush of the water."""
    babble = bubbles(rng, log_uniform(rng, 250, 900), rng.uniform(350, 800), rng.uniform(3500, 7000))
    rush = noise(rng, band(rng.uniform(300, 900), rng.uniform(2500, 6000), 1)) * (1 + drift(rng, 8, 0.15))
    return unit(babble) + rng.uniform(0.5, 1.6) * rush


def waterfall(rng: np.random.Generator) -> Audio:
    """Falling water: steady, broad noise, heavier at the bottom."""
    body = noise(rng, slope(rng.uniform(-4.5, -1.5)) * highpass(60, 1))
    spray = noise(rng, highpass(2000, 1))
    return (body + rng.uniform(0, 0.4) * spray) * (1 + drift(rng, 6, 0.05))


def fire(rng: np.random.Generator) -> Audio:
    """Crackles of all sizes, few of them large, over the rush of the flames."""
    breath = noise(rng, slope(-4) * lowpass(1500, 1)) * (1 + drift(rng, 5, 0.3))
    crackle = np.zeros(N_SAMPLES)
    for centre in np.exp(rng.uniform(np.log(700), np.log(6000), 6)):
        times = poisson(rng, log_uniform(rng, 3, 30))
        snaps = impulses(times, rng.pareto(1.8, times.size) + 0.1)
        crackle += filtered(snaps, resonance(centre, rng.uniform(0.8, 4)) * highpass(400, 1))
    hiss = noise(rng, highpass(3000, 1))
    return unit(crackle) + rng.uniform(0.2, 0.9) * breath + rng.uniform(0.02, 0.2) * hiss


def rustling_leaves(rng: np.random.Generator) -> Audio:
    """Leaves in gusts of wind: thousands of short dry ticks."""
    gust = np.clip(0.5 + drift(rng, rng.uniform(1.5, 6), 0.4), 0.02, 2)
    ticks = noise(rng) * (rng.random(N_SAMPLES) < log_uniform(rng, 0.01, 0.15))
    dry = filtered(ticks * gust**2, band(rng.uniform(1200, 3000), 7000, 1))
    return unit(dry) + 0.1 * noise(rng, slope(-4)) * gust
