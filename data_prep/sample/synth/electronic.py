"""Electronic sounds: synthesisers, test signals, noise, mains hum and old video games."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, TIME, Audio, log_uniform, samples, total, unit
from data_prep.sample.synth.envelopes import curve, decay, drift, fade, tremolo
from data_prep.sample.synth.events import beats, impulses, place, poisson, thinned
from data_prep.sample.synth.filters import band, filtered, lowpass, noise, resonance, slope
from data_prep.sample.synth.music import hertz, phrase
from data_prep.sample.synth.oscillators import phase, saw_amplitudes, sine, wavetable


def sine_wave(rng: np.random.Generator) -> Audio:
    """One sine, steady, as from a signal generator; now and then switched on, or a second one beating with it."""
    pitch = log_uniform(rng, 80, 6000)
    tone = sine(pitch)
    if rng.random() < 0.2:
        tone += rng.uniform(0.2, 1) * sine(pitch + rng.uniform(0.5, 6))
    return tone * curve([0, rng.uniform(0.005, 0.4)], [0, 1])


def white_noise(rng: np.random.Generator) -> Audio:
    """Equal power at every frequency, through a loudspeaker that is not quite perfect."""
    loudspeaker = 1 + rng.uniform(-0.3, 0.5) * resonance(log_uniform(rng, 200, 5000), 1)
    return noise(rng, loudspeaker) * curve([0, 2.5], [1, rng.uniform(0.6, 1)])


def pink_noise(rng: np.random.Generator) -> Audio:
    """Equal power in every octave: -3 dB an octave, give or take a little."""
    return noise(rng, slope(rng.normal(-3, 0.35))) * curve([0, 2.5], [1, rng.uniform(0.6, 1)])


def chirp_tone(rng: np.random.Generator) -> Audio:
    """A tone that sweeps from one pitch to another, linearly or exponentially in time, once or repeatedly."""
    low, high = log_uniform(rng, 60, 700), log_uniform(rng, 1500, 7000)
    length = log_uniform(rng, 0.15, 2.4)
    part: Audio = (TIME % length) / length
    if rng.random() < 0.3:
        part = 1 - part
    pitch = low * np.power(high / low, part) if rng.random() < 0.6 else low + (high - low) * part
    edges: Audio = np.minimum(1, np.minimum(part, 1 - part) * 40)
    return sine(pitch) * edges


def static(rng: np.random.Generator) -> Audio:
    """A radio between stations: hiss that fades and swells, a little crackle, and a heterodyne whistle passing by."""
    hiss = noise(rng, band(rng.uniform(200, 600), rng.uniform(2500, 6500), 1))
    fading = np.clip(1 + drift(rng, rng.uniform(2, 12), 0.15), 0.05, 2)
    times = poisson(rng, log_uniform(rng, 5, 150))
    pops = filtered(impulses(times, rng.laplace(0, 1, times.size)), band(300, 5000, 1))
    whistle = sine(log_uniform(rng, 400, 2500) * (1 + drift(rng, 1, 0.2)))
    return hiss * fading + rng.uniform(0.0, 0.25) * unit(pops) + (rng.random() < 0.3) * rng.uniform(0, 0.3) * whistle


def mains_hum(rng: np.random.Generator) -> Audio:
    """Transformers hum at twice 50 or 60 Hz, with random strengths of the harmonics, the odd ones weak."""
    mains = float(rng.choice([50, 60]))
    k = np.arange(1, 25)
    gains = (k / 2) ** -rng.uniform(0.8, 2.2) * rng.uniform(0.2, 1, k.size)
    gains[::2] *= rng.uniform(0, 0.2)
    hum = wavetable(phase(mains * (1 + drift(rng, 1, 0.0005))), gains)
    return unit(hum) + rng.uniform(0.005, 0.1) * noise(rng, lowpass(3000, 1))


def video_game(rng: np.random.Generator) -> Audio:
    """An 8-bit machine: arpeggios on a pulse wave, ticks of noise, and jumps, lasers and explosions over them."""
    duty, step = float(rng.choice([0.125, 0.25, 0.5])), float(rng.choice([0.06, 0.09, 0.125, 0.16]))
    k = np.arange(1, 60)
    pulse = np.sin(np.pi * k * duty) / k
    root = rng.uniform(57, 74)
    scale = (0, 3, 5, 7, 10, 12, 15) if rng.random() < 0.5 else (0, 4, 7, 12, 16, 19, 24)
    out = np.zeros(N_SAMPLES)
    for index, time in enumerate(thinned(rng, np.arange(0.02, 2.4, step), 0.88)):
        pitch = hertz(root + scale[(index * 3 + rng.integers(0, 2)) % 7])
        n = samples(step * rng.uniform(0.5, 1.0))
        out += place(wavetable(phase(pitch, n), pulse[: int(7000 / pitch)]) * decay(0.8, n), [time])
    if rng.random() < 0.5:
        out += 0.15 * place(rng.standard_normal(800) * decay(0.05, 800), beats(rng, 2 * step))
    for time in poisson(rng, 0.8, 1.8):
        n = samples(rng.uniform(0.15, 0.5))
        start, end = rng.uniform(200, 2500, 2)
        swoop = wavetable(phase(np.geomspace(start, end, n), n), pulse[:3])
        bang = rng.standard_normal(n) * decay(0.4, n)
        out += 0.8 * place(swoop if rng.random() < 0.7 else bang, [time])
    return out


def electric_piano(rng: np.random.Generator) -> Audio:
    """Tines and a tone bar, by two pairs of FM operators (Chowning 1973), chords or single notes, with tremolo."""
    root, steps = rng.uniform(45, 65), ((0, 4, 7, 11), (0, 3, 7, 10), (0, 4, 7, 9))[rng.integers(3)]
    bite, t60 = rng.uniform(0.3, 2.0), log_uniform(rng, 1.5, 5)
    n = samples(1.5)
    out = np.zeros(N_SAMPLES)
    for index, time in enumerate(beats(rng, rng.uniform(0.25, 1.1), 0.01)):
        for step in steps if rng.random() < 0.4 else (steps[index % len(steps)],):
            pitch = hertz(root + step)
            angle = phase(pitch, n)
            body = np.sin(angle + bite * decay(t60 / 2, n) * np.sin(angle))
            tine = np.sin(angle + 0.6 * decay(0.2, n) * sine(min(7000.0, 14 * pitch), n))
            out += place((body + tine) * decay(t60, n) * fade(n, 0.002, 0.05), [time])
    return out * tremolo(rng.uniform(3, 7), rng.uniform(0, 0.5))


def theremin(rng: np.random.Generator) -> Audio:
    """One nearly pure tone that glides from pitch to pitch with a wide vibrato."""
    count = int(rng.integers(2, 6))
    times = np.sort(rng.uniform(0, 2.5, count))
    pitches = rng.uniform(55, 76) + np.cumsum(rng.normal(0, 5, count))
    glide = np.interp(TIME, np.repeat(times, 2) + np.tile([0, 0.15], count), np.repeat(pitches, 2))
    sway = rng.uniform(0.15, 0.7) * sine(rng.uniform(5, 7.5))
    frequency = np.clip(440 * 2 ** ((glide + sway - 69) / 12), 120, 2200)
    tone = wavetable(phase(frequency), [1, rng.uniform(0.05, 0.4), rng.uniform(0, 0.15)])
    return tone * (1 + drift(rng, 3, 0.2)) * fade(N_SAMPLES, 0.15, 0.2)


def synthesizer(rng: np.random.Generator) -> Audio:
    """Detuned sawtooths or pulses through a low-pass that opens and shuts with each note (subtractive synthesis)."""
    detune, square = rng.uniform(0.002, 0.015), rng.random() < 0.4
    sweep, dark = rng.uniform(0.1, 0.6), log_uniform(rng, 200, 700)

    def note(frequency: float, n: int) -> Audio:
        gains = saw_amplitudes(frequency * 1.05, 1.0)
        if square:
            gains[1::2] = 0
        raw = total(wavetable(phase(frequency * (1 + d * detune), n, 3.0 * d), gains) for d in (-1, 0, 1))
        opened = curve([0, 0.01, sweep], [0, 1, 0], n) ** 2
        return (filtered(raw, lowpass(dark, 3))[:n] * 1.5 + raw * opened * 0.7) * fade(n, 0.004, 0.03)

    return phrase(rng, note, 36, 72, ring=False)
