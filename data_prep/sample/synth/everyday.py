"""Everyday sounds: clocks, steps, knocks, typing, keys, glass, explosions and gunshots."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, TIME, Audio, log_uniform, samples, unit
from data_prep.sample.synth.envelopes import curve, decay
from data_prep.sample.synth.events import accented, beats, impulses, place, place_any, poisson
from data_prep.sample.synth.filters import band, filtered, formants, highpass, lowpass, noise
from data_prep.sample.synth.oscillators import modes, phase, saw_amplitudes, sine, wavetable


def _knock_on(rng: np.random.Generator, low: float, high: float, t60: float) -> Audio:
    """Return a blow on a panel: noise that decays by 60 dB in ``t60`` s, through six broad resonances."""
    centres = np.exp(rng.uniform(np.log(low), np.log(high), 6))
    body = formants(centres, centres / rng.uniform(2, 7, 6), (centres / low) ** -0.3 * rng.uniform(0.4, 1, 6))
    return unit(filtered(noise(rng) * decay(t60), body)) * 5


def clock_tick(rng: np.random.Generator) -> Audio:
    """Tick-tock: escapement clicks, every other one a little lower, one to six of them a second."""
    case = log_uniform(rng, 150, 700)
    lows = (case, case * rng.uniform(0.75, 1))
    ticks = [filtered(_knock_on(rng, low, 6000, log_uniform(rng, 0.012, 0.06)), lowpass(2500, 1)) for low in lows]
    interval = float(rng.choice([1.0, 0.5, 0.25, 0.2, rng.uniform(0.18, 0.8)]))
    times = beats(rng, interval, 0.002, first=rng.uniform(0, 0.3))
    recoil = rng.uniform(0.008, 0.03)
    out = np.zeros(N_SAMPLES)
    for number, tick in enumerate(ticks):
        out += place(tick, times[number::2]) + rng.uniform(0.2, 0.7) * place(tick, times[number::2] + recoil)
    return out + rng.uniform(0.001, 0.02) * noise(rng, lowpass(2000, 1))


def footsteps(rng: np.random.Generator) -> Audio:
    """Walk: heel, then sole, 0.4 to 0.7 s apart, on boards, stone or gravel, no two steps alike."""
    times = beats(rng, rng.uniform(0.38, 0.72), 0.015, first=rng.uniform(0, 0.3))
    ground = rng.choice(["boards", "stone", "gravel"])
    roll, scuff = rng.uniform(0.05, 0.12), rng.uniform(0.05, 0.4)
    n = samples(0.28)
    out = np.zeros(N_SAMPLES)
    for time in times:
        grit = rng.standard_normal(n) * (rng.random(n) < 0.1) * curve([0, 0.04, 0.16, 0.28], [0, 1, 0.6, 0], n)
        if ground == "gravel":
            step = unit(filtered(grit, band(500, 5000, 1)))
        else:
            low, high, dry = (70, 700, 0.1) if ground == "boards" else (150, 2500, 0.06)
            step = _knock_on(rng, low, high, dry) + 0.5 * place(_knock_on(rng, 2 * low, high, dry), [roll])
            step += scuff * unit(filtered(grit, band(800, 5000, 1)))
        out += place(step, [time], rng.uniform(0.6, 1))
    return out


def knock(rng: np.random.Generator) -> Audio:
    """Knuckles on a door: groups of two to five, the panel booming under each."""
    panel = _knock_on(rng, 110, 900, rng.uniform(0.06, 0.2)) + 0.4 * _knock_on(rng, 400, 3000, 0.025)
    gap = rng.uniform(0.11, 0.3)
    group = gap * np.arange(rng.integers(2, 6))
    starts = beats(rng, group[-1] + rng.uniform(0.5, 1.2), first=rng.uniform(0, 0.5))
    times = (starts[:, None] + group).ravel() + rng.normal(0, 0.006, starts.size * group.size)
    times = times[(times > 0) & (times < 2.4)]
    return place(panel, *accented(rng, times, 0.6))


def typing(rng: np.random.Generator) -> Audio:
    """Keys go down with a clack and come up with a softer click; a third of the machines are typewriters."""
    heavy = rng.random() < 0.35
    times = np.cumsum(rng.gamma(3, rng.uniform(0.025, 0.06), 80)) + rng.uniform(0, 0.3)
    times = times[times < 2.35]
    finger = rng.integers(0, 4, times.size)
    out = np.zeros(N_SAMPLES)
    for number in range(4):
        down = _knock_on(rng, 350, 6500, rng.uniform(0.02, 0.05))
        up = _knock_on(rng, 1500, 7000, 0.02)
        if heavy:
            down = down + 2 * place(_knock_on(rng, 900, 6000, 0.09), [0.012])
        mine = times[finger == number]
        out += place(down, *accented(rng, mine, 0.4))
        out += place(up, mine + rng.uniform(0.05, 0.1), rng.uniform(0.15, 0.5))
    if heavy and rng.random() < 0.3:
        out += place(modes(2300 * np.array([1, 1.005, 2.4]), 1.0, 3.0), [rng.uniform(0.5, 2.2)])
    return out


def printer(rng: np.random.Generator) -> Audio:
    """A carriage runs to and fro with a buzz of stepping motors, and clunks where it turns."""
    stroke = rng.uniform(0.25, 0.8)
    sweep = np.abs(((TIME / stroke + rng.uniform()) % 2) - 1)
    speed: Audio = np.minimum(1, 8 * np.minimum(sweep, 1 - sweep))
    pitch = rng.uniform(180, 900) * (0.4 + 0.6 * speed)
    motor = wavetable(phase(pitch), saw_amplitudes(950, 0.6) * rng.uniform(0.1, 1, 8))
    pins = noise(rng, band(1500, 7000, 1)) * (sine(rng.uniform(60, 400)) > 0)
    turns = np.flatnonzero(np.diff(np.sign(np.diff(sweep)))).astype(float) / SAMPLE_RATE
    clunk = 0.3 * _knock_on(rng, 150, 1200, 0.08)
    return (motor + rng.uniform(0.4, 2) * pins) * speed + rng.uniform(1, 4) * place(clunk, turns[turns < 2.4])


def keys_jangling(rng: np.random.Generator) -> Audio:
    """A bunch of keys shaken: dozens of small, bright, quickly damped clinks in bursts."""
    bursts = poisson(rng, rng.uniform(2, 6))
    times = np.concatenate([b + np.abs(rng.normal(0, 0.06, rng.integers(3, 14))) for b in [0.05, *bursts]])
    tick = 0.2 * noise(rng, highpass(3000)) * decay(0.01)
    clinks = [modes(rng.uniform(2500, 7600, 5), rng.uniform(0.04, 0.2), rng.uniform(0.3, 1, 5)) for _ in range(6)]
    keys = [clink + tick for clink in clinks]
    return place_any(rng, keys, times, rng.exponential(0.5, times.size))


def glass_shatter(rng: np.random.Generator) -> Audio:
    """A burst, then a shower of ringing splinters, fewer and fewer."""
    when = rng.uniform(0.02, 0.5)
    burst = noise(rng, highpass(1200, 1)) * decay(rng.uniform(0.15, 0.4))
    splinters = [modes(rng.uniform(2000, 7700, 4), rng.uniform(0.05, 0.35), rng.uniform(0.3, 1, 4)) for _ in range(8)]
    times = when + rng.exponential(rng.uniform(0.15, 0.45), rng.integers(25, 90))
    return place(burst, [when]) + place_any(rng, splinters, times, 0.6 * rng.exponential(0.5, times.size))


def explosion(rng: np.random.Generator) -> Audio:
    """A blast wave, its low boom, and debris: or, smaller, fireworks with their crackle."""
    when = rng.uniform(0.02, 0.5)
    boom = noise(rng, lowpass(rng.uniform(90, 350), 2)) * decay(rng.uniform(0.8, 2.5)) * curve([0, 0.01], [0, 1])
    blast = noise(rng, lowpass(2500, 1)) * decay(rng.uniform(0.15, 0.6))
    out = place(1.5 * boom + blast, [when])
    if rng.random() < 0.5:
        debris = poisson(rng, rng.uniform(10, 60), 1.7)
        pops = filtered(impulses(debris, rng.exponential(1, debris.size)), band(500, 5000, 1))
        out += place(unit(pops) * 0.15 * curve([0, 0.4, 1.8], [0, 1, 0]), [when])
    return np.tanh(1.2 * out)


def gunshot(rng: np.random.Generator) -> Audio:
    """A crack shorter than ten milliseconds, then an echo; single shots, or the burst of a machine gun."""
    crack = noise(rng) * decay(rng.uniform(0.02, 0.06)) * 2
    crack += noise(rng, lowpass(rng.uniform(300, 900), 1)) * decay(rng.uniform(0.12, 0.4))
    echo = noise(rng, band(150, 1200, 1)) * decay(rng.uniform(0.5, 1.6)) * rng.uniform(0.05, 0.3)
    first = rng.uniform(0, 0.5)
    if rng.random() < 0.35:
        times = beats(rng, 1 / rng.uniform(7, 14), 0.003, first, first + rng.uniform(0.4, 1.8))
    else:
        times = beats(rng, rng.uniform(0.6, 2.5), 0.1, first)
    return np.tanh(place(crack + echo, times))
