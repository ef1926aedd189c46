"""Engines and rotors: pulse trains at the firing rate, filtered by resonances of pipes and sheet metal."""

import numpy as np

from data_prep.sample.synth.clip import SAMPLE_RATE, TIME, Audio, log_uniform, samples, unit
from data_prep.sample.synth.envelopes import curve, decay, drift, passing, tremolo
from data_prep.sample.synth.events import accented, beats, impulses, place
from data_prep.sample.synth.filters import (
    Response,
    band,
    filtered,
    formants,
    highpass,
    lowpass,
    noise,
    resonance,
    response_of,
)
from data_prep.sample.synth.oscillators import modes, phase, saw_amplitudes, sine, wavetable


def _firing(rng: np.random.Generator, rate: Audio, uneven: tuple[float, ...] = (0.0,), roughness: float = 0.1) -> Audio:
    """Return one impulse for each firing of an engine.

    ``rate`` is float64[40000] in firings a second; ``uneven`` shifts each cylinder in turn by that share of a firing
    (as in a V-twin); ``roughness`` is the spread of the strength of single explosions.
    """
    fired = np.cumsum(rate) / SAMPLE_RATE
    number = np.arange(int(fired[-1]) + 1)
    late = np.resize(np.array(uneven), number.size) + rng.normal(0, 0.04, number.size)
    times = np.interp(number + late, fired, TIME)
    gains = np.resize(rng.uniform(0.75, 1, len(uneven)), number.size) * (1 + roughness * rng.normal(0, 1, number.size))
    return impulses(np.clip(times, 0, 2.49), gains)


def _puffs(rng: np.random.Generator, firing: Audio, length: float) -> Audio:
    """Return a puff of noise of that length (s) at every firing: exhaust is turbulent, not a clean tone."""
    return noise(rng) * filtered(firing, response_of(decay(length, samples(length))))


def _exhaust(rng: np.random.Generator, low: float, high: float, count: int = 5) -> Response:
    """Return a few broad resonances between ``low`` and ``high`` Hz: pipe, silencer and body."""
    centres = np.exp(np.sort(rng.uniform(np.log(low), np.log(high), count)))
    return formants(centres, centres / rng.uniform(1.5, 5, count), rng.uniform(0.3, 1, count))


def idling(rng: np.random.Generator) -> Audio:
    """Stand and idle, as a car or truck: 15 to 45 soft, uneven explosions a second, fan and valve noise."""
    rate = log_uniform(rng, 15, 45) * (1 + drift(rng, 3, 0.02))
    firing = _firing(rng, rate, tuple(rng.normal(0, 0.06, 4)), 0.3)
    pipe = _exhaust(rng, 45, 600) * lowpass(rng.uniform(500, 2000), 1)
    knock = filtered(firing, pipe)
    breath = filtered(_puffs(rng, firing, rng.uniform(0.02, 0.06)), _exhaust(rng, 80, 2500))
    fan = noise(rng, band(150, rng.uniform(800, 3000), 1))
    return unit(knock) + rng.uniform(0.3, 1) * unit(breath) + rng.uniform(0.15, 0.6) * fan


def motorcycle(rng: np.random.Generator) -> Audio:
    """Blip the throttle or hold it, on one or two big cylinders: the beat rises and brightens together."""
    low, high = log_uniform(rng, 14, 45), log_uniform(rng, 55, 150)
    throttle = curve(np.sort(rng.uniform(0, 2.5, 5)), rng.uniform(0, 1, 5)) + drift(rng, 3, 0.05)
    throttle = np.clip(throttle, 0, 1)
    firing = _firing(rng, low * (high / low) ** throttle, (0.0, rng.uniform(0, 0.35)), 0.3)
    dull = filtered(firing, _exhaust(rng, 70, 700))
    blast = filtered(_puffs(rng, firing, rng.uniform(0.008, 0.03)), _exhaust(rng, 150, 3500))
    wind = noise(rng, band(200, 4000, 1))
    roar = unit(dull) + (0.3 + throttle) * rng.uniform(0.6, 1.6) * unit(blast)
    return roar * (0.4 + throttle) + rng.uniform(0.05, 0.3) * wind * (0.2 + throttle)


def chainsaw(rng: np.random.Generator) -> Audio:
    """Cut wood with a two-stroke at 90 to 180 firings a second, with hardly a silencer; slower under load."""
    pulls = curve(np.sort(rng.uniform(-0.5, 3.0, 5)), rng.choice([0.6, 0.85, 0.95, 1.0], 5))
    rate = rng.uniform(100, 185) * pulls * (1 + drift(rng, 25, 0.015))
    tone = wavetable(phase(rate), saw_amplitudes(190, 0.6) * rng.uniform(0.2, 1, saw_amplitudes(190).size))
    rough = 1 + 0.5 * drift(rng, 110)
    roar = unit(filtered(tone * rough, _exhaust(rng, 300, 4500, 8) + 0.15))
    blast = noise(rng, _exhaust(rng, 500, 6000, 8) * lowpass(4000, 1)) * (1 + sine(rate))
    return (roar + rng.uniform(0.3, 0.8) * blast) * pulls


def propeller(rng: np.random.Generator) -> Audio:
    """A light aircraft: 70 to 120 blade passages a second, rich in harmonics, passing over with Doppler shift."""
    doppler, loud = passing(rng, (20, 80), (60, 400))
    pitch = log_uniform(rng, 65, 130) * (1 + drift(rng, 1, 0.004)) * doppler
    gains = saw_amplitudes(130, rng.uniform(0.5, 1.0))
    gains *= rng.uniform(0.3, 1, gains.size)
    drone = wavetable(phase(pitch), gains) + 0.7 * wavetable(phase(pitch * 1.007), gains)
    air = noise(rng, band(200, 2500, 1)) * (1 + 0.6 * sine(pitch))
    mix = unit(drone) * (1 + drift(rng, 20, 0.15)) + rng.uniform(0.5, 1.6) * air
    return filtered(mix * loud, lowpass(log_uniform(rng, 500, 3000), 2))


def helicopter(rng: np.random.Generator) -> Audio:
    """Blades slap the air 10 to 22 times a second, over turbine whine and the wash of the rotor."""
    slaps = beats(rng, 1 / rng.uniform(9.5, 22), 0.001, 0.0, 2.49)
    chop = curve([0, 0.012, 0.03, 0.07], [0, 1, 0.4, 0], samples(0.08))
    wash = place(chop, *accented(rng, slaps, 0.8))
    air = noise(rng, band(50, rng.uniform(250, 900), 1)) * (rng.uniform(0.3, 1.0) + wash)
    hiss = noise(rng, band(500, 4000, 1)) * (1 + rng.uniform(0, 0.6) * wash)
    thump = place(modes([rng.uniform(40, 70), rng.uniform(80, 130)], 0.08, [1, 0.7]), slaps)
    whine = sine(log_uniform(rng, 900, 4000) * (1 + drift(rng, 2, 0.002)))
    swell = curve([0, 2.5], rng.uniform(0.6, 1.4, 2))
    mix = unit(air) + rng.uniform(0.05, 0.25) * hiss + rng.uniform(0.2, 0.8) * unit(thump)
    return (mix + rng.uniform(0, 0.08) * whine) * swell


def train(rng: np.random.Generator) -> Audio:
    """Ride over rail joints: two axles, a gap, two axles ("clickety-clack"), in the roar of wheels on steel."""
    bogie, car = rng.uniform(0.09, 0.2), rng.uniform(0.5, 1.1)
    starts = beats(rng, car, 0.01, first=rng.uniform(0, 0.4), last=2.4)
    times = np.concatenate([starts, starts + bogie])
    thump = noise(rng, band(60, 700, 1)) * decay(0.22) * curve([0, 0.006], [0, 1])
    clank = modes(rng.uniform(300, 2500, 12), rng.uniform(0.08, 0.3), rng.uniform(0.1, 0.4, 12))
    joints = place(thump + rng.uniform(0.3, 1.2) * clank, *accented(rng, times, 0.5))
    roar = noise(rng, formants([120, 300, 700, 1400], [120, 250, 500, 900], [1, 0.6, 0.25, 0.12]))
    rattle = noise(rng, band(300, 2500, 1)) * tremolo(rng.uniform(12, 30), 0.7) * (1 + drift(rng, 12, 0.3))
    squeal = noise(rng, resonance(log_uniform(rng, 1500, 4500), 60)) * np.clip(drift(rng, 2), 0, 2)
    wheels = roar * (1 + drift(rng, 6, 0.15)) + rng.uniform(0.1, 0.4) * rattle
    return rng.uniform(0.5, 1.5) * unit(joints) + wheels + (rng.random() < 0.3) * rng.uniform(0.1, 0.5) * squeal


def power_tool(rng: np.random.Generator) -> Audio:
    """An electric drill: the motor spins up in a quarter of a second, whines with its gears, and slows under load."""
    top, on = log_uniform(rng, 250, 700), rng.uniform(0.0, 0.5)
    off = rng.uniform(1.5, 2.8)
    speed = curve([on, on + 0.25, off, off + 0.3], [0.02, 1, rng.uniform(0.7, 1), 0.02]) * (1 + drift(rng, 5, 0.02))
    gears = wavetable(phase(top * speed), saw_amplitudes(700, 0.6) * rng.uniform(0.2, 1, 10))
    brushes = noise(rng, band(1500, 7000, 1)) * (1 + 0.5 * sine(2 * top * speed))
    return filtered((gears + rng.uniform(0.3, 1) * brushes) * speed**1.5, 0.3 + _exhaust(rng, 500, 4000))


def vacuum_cleaner(rng: np.random.Generator) -> Audio:
    """A universal motor's whine at a few hundred hertz and its harmonics, in a stream of air."""
    pitch = log_uniform(rng, 220, 620) * (1 + drift(rng, 3, 0.006))
    motor = wavetable(phase(pitch), saw_amplitudes(640, 0.8) * rng.uniform(0.1, 1, 11))
    air = noise(rng, band(rng.uniform(200, 500), rng.uniform(2500, 6000), 1) * (0.6 + _exhaust(rng, 300, 4000)))
    return unit(motor) * rng.uniform(0.15, 0.7) + air


def steam(rng: np.random.Generator) -> Audio:
    """Steam escapes: a hiss that starts at once and decays slowly, or the chuffs of a locomotive."""
    hiss = noise(rng, highpass(rng.uniform(600, 2500), 1) * lowpass(7000, 1))
    if rng.random() < 0.6:
        begin = rng.uniform(0, 0.6)
        gate = curve([begin, begin + rng.uniform(0.01, 0.2), 2.5], [0.02, 1, rng.uniform(0.2, 1)])
        return hiss * gate * (1 + drift(rng, 10, 0.08))
    puff = curve([0, 0.02, 0.1, 0.25], [0, 1, 0.4, 0], samples(0.25))
    times = beats(rng, 1 / rng.uniform(2, 6), 0.01, last=2.45)
    chuffs = place(puff, times, np.resize([1, 0.6, 0.8, 0.6], times.size))
    low = noise(rng, band(80, 600, 1))
    return (hiss * 0.6 + low) * chuffs + 0.05 * hiss
