"""Animals, birds, insects and people: pulses or tones, filtered by formants, in typical rhythms.

A voice is source and filter: pulses from the throat, shaped by the mouth (Fant 1960; Klatt 1980).
"""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, Audio, log_uniform, samples, total, unit
from data_prep.sample.synth.envelopes import curve, drift, fade
from data_prep.sample.synth.events import accented, beats, place, thinned
from data_prep.sample.synth.filters import Response, filtered, formants, highpass, lowpass, noise, resonance
from data_prep.sample.synth.oscillators import phase, saw_amplitudes, sine, wavetable


def voice(rng: np.random.Generator, pitch: Audio, breath: float, rough: float = 0.01, strain: float = 0.0) -> Audio:
    """Return float64[n], glottal pulses at ``pitch`` Hz with breath noise and jitter of that share of the pitch.

    Harmonics fall by k^-1.1; ``strain``, up to one, takes that much off the exponent: a pressed voice is bright.
    """
    n = pitch.size
    shaken = pitch * (1 + drift(rng, 60, rough, n))
    tone = unit(wavetable(phase(shaken, n), saw_amplitudes(float(shaken.max()), 1.1 - strain)))
    return tone + breath * rng.standard_normal(n)


def mouth(sound: Audio, vowels: list[tuple[float, float, float]], share: list[Audio]) -> Audio:
    """Pass a voice through one set of formants after another, crossfaded by ``share``, as a mouth opens and shuts."""
    out = np.zeros(N_SAMPLES)
    for (f1, f2, f3), weight in zip(vowels, share, strict=True):
        shaped = filtered(sound, formants([f1, f2, f3], [0.15 * f1 + 40, 0.1 * f2 + 60, 0.1 * f3 + 80], [1, 0.6, 0.3]))
        out[: weight.size] += weight * shaped[: weight.size]
    return out


def cricket(rng: np.random.Generator) -> Audio:
    """A file drawn over a scraper: a pure 4 to 5.5 kHz tone in repeated groups of two to five pulses."""
    out = np.zeros(N_SAMPLES)
    for loudness in (1.0, *rng.uniform(0, 0.4, rng.integers(0, 4))):
        pitch, length = log_uniform(rng, 3800, 5600), rng.uniform(0.012, 0.03)
        n = samples(length)
        pulse = sine(pitch * curve([0, length], [1.02, 0.98], n), n) * fade(n, 0.5 * length, 0.4 * length)
        group = length * rng.uniform(1.2, 1.9) * np.arange(rng.integers(2, 6))
        chirps = beats(rng, max(rng.uniform(0.15, 0.9), group[-1] + 0.05), 0.004, first=rng.uniform(0, 0.3), last=2.35)
        times = (chirps[:, None] + group).ravel()
        out += loudness * place(pulse, times[times < 2.45])
    return out


def frog(rng: np.random.Generator) -> Audio:
    """Croak: a train of 25 to 90 pulses a second, each exciting a resonant sac; one to four frogs."""
    out = np.zeros(N_SAMPLES)
    for loudness in (1.0, *rng.uniform(0.05, 0.4, rng.integers(0, 4))):
        sac, pulses, length = log_uniform(rng, 350, 1800), rng.uniform(22, 90), rng.uniform(0.12, 0.6)
        knocks = beats(rng, 1 / pulses, 0.0008, 0.0, length)
        strength = np.sin(np.pi * (knocks + 0.02) / (length + 0.04))
        n = samples(0.04)
        knock = sine(sac, n) + 0.5 * sine(2.1 * sac, n)
        knock *= curve([0, 0.002, 0.012, 0.04], [0, 1, 0.25, 0], n)
        croak = place(knock, knocks, strength)[: samples(length + 0.05)]
        out += loudness * place(croak, beats(rng, length + rng.uniform(0.1, 0.7), 0.05, first=rng.uniform(0, 0.5)))
    return out


def _wings(rng: np.random.Generator, pitch: float, shimmer: float, response: Response) -> Audio:
    """Return one flying insect: a rough buzz that grows and fades, with an unsteady pitch."""
    beat = pitch * (1 + drift(rng, 5, 0.03) + drift(rng, 40, shimmer))
    near = np.clip(0.5 + drift(rng, rng.uniform(1, 3), 0.35), 0.05, 2) ** 1.5
    stroke = 1 + 0.5 * drift(rng, 1.3 * pitch)
    buzz = wavetable(phase(beat), saw_amplitudes(1.3 * pitch, 0.8)) * stroke
    return filtered(buzz * near, response)


def bee(rng: np.random.Generator) -> Audio:
    """Buzz as one to three bees or flies do: 130 to 260 wing beats a second each."""
    body = 0.3 + formants([500, 1100, 2600], [300, 600, 1500], [0.7, 1, 0.6])
    return total([_wings(rng, log_uniform(rng, 130, 260), 0.02, body) for _ in range(rng.integers(1, 4))])


def mosquito(rng: np.random.Generator) -> Audio:
    """Whine at 450 to 800 wing beats a second: thin and wavering, louder and softer."""
    return _wings(rng, log_uniform(rng, 450, 800), 0.006, highpass(500, 2) * (0.5 + resonance(2500, 1)))


def dog_bark(rng: np.random.Generator) -> Audio:
    """Bark: a sixth of a second in which the pitch leaps up and falls, harsh, through a small or large muzzle."""
    size = log_uniform(rng, 0.7, 1.9)
    length = rng.uniform(0.1, 0.2)
    n = samples(length)
    bend = 330 * size * curve([0, 0.35 * length, length], [0.8, rng.uniform(1.3, 1.8), 0.7], n)
    loud = fade(n, 0.02, 0.6 * length)
    sung = voice(rng, bend, rng.uniform(0.05, 0.3), 0.03, 0.4) * loud
    f1 = 800 * size**0.5
    muzzle = formants([f1, 1.7 * f1, 3.0 * f1], [0.4 * f1, 0.4 * f1, 0.9 * f1], [1, 0.9, 0.25])
    bark = filtered(sung, muzzle * highpass(0.6 * f1, 2) * lowpass(4000, 1))[: n + 800]
    times = beats(rng, log_uniform(rng, length + 0.1, 1.1), 0.05, first=rng.uniform(0, 0.4))
    return place(bark, *accented(rng, thinned(rng, times, 0.8), 0.6))


def cat_meow(rng: np.random.Generator) -> Audio:
    """M-e-a-o-w: half a second to a second in which the mouth opens and shuts over a rising, falling voice."""
    length, pitch = rng.uniform(0.5, 1.2), log_uniform(rng, 480, 820)
    n = samples(length)
    top, end = rng.uniform(1.1, 1.5), rng.uniform(0.6, 0.95)
    bend = pitch * curve([0, rng.uniform(0.2, 0.5) * length, length], [0.8, top, end], n)
    sung = voice(rng, bend, rng.uniform(0.03, 0.2), 0.015, 0.4) * fade(n, 0.08, 0.2)
    vowels = [(500.0, 2300.0, 3300.0), (1250.0, 1900.0, 3500.0), (800.0, 1200.0, 3000.0)]
    marks = [0, 0.35 * length, 0.95 * length]
    share = [curve(marks, weights, n) for weights in ([1, 0, 0], [0, 1, 0], [0, 0, 1])]
    meow = mouth(sung, vowels, share)[:n]
    return place(meow, beats(rng, length + rng.uniform(0.2, 1.0), first=rng.uniform(0, 0.5), last=1.6))


def sheep_bleat(rng: np.random.Generator) -> Audio:
    """Baa: a nasal voice that shakes eight to twelve times a second; goats are higher."""
    length, pitch = rng.uniform(0.5, 1.3), log_uniform(rng, 200, 480)
    n = samples(length)
    shake = sine(rng.uniform(7, 13), n)
    bend = pitch * (1 + 0.05 * shake) * curve([0, 0.1, length], [0.9, 1.05, 0.85], n)
    sung = voice(rng, bend, 0.12, 0.02) * (1 + rng.uniform(0.3, 0.6) * shake) * fade(n, 0.04, 0.12)
    baa = filtered(sung, formants([750, 1500, 2600, 3700], [150, 180, 300, 500], [1, 0.9, 0.6, 0.3]))[: n + 800]
    return place(baa, beats(rng, length + rng.uniform(0.2, 0.8), first=rng.uniform(0, 0.5), last=1.9))


def baby_cry(rng: np.random.Generator) -> Audio:
    """A wail of 350 to 600 Hz that arches over, ends in breath, and starts again."""
    pitch = log_uniform(rng, 350, 560)
    out = np.zeros(N_SAMPLES)
    time = rng.uniform(-0.3, 0.3)
    while time < 2.2:
        length = rng.uniform(0.5, 1.2)
        n = samples(length)
        top = rng.uniform(1.1, 1.45)
        bend = pitch * curve([0, 0.25 * length, 0.7 * length, length], [0.85, top, top, 0.8], n)
        bend *= 1 + 0.015 * sine(rng.uniform(5, 9), n)
        wail = voice(rng, bend, rng.uniform(0.03, 0.15), 0.02, 0.2) * fade(n, 0.06, 0.15)
        gasp = 0.15 * rng.standard_normal(samples(0.15)) * fade(samples(0.15), 0.05, 0.05)
        out += place(wail, [max(0, time)]) + place(gasp, [max(0, min(2.3, time + length + 0.05))])
        time += length + rng.uniform(0.2, 0.45)
    return filtered(out, formants([1000, 1700, 3300, 4500], [250, 300, 500, 800], [1, 0.7, 0.6, 0.2]))


def snoring(rng: np.random.Generator) -> Audio:
    """Breath in over a fluttering palate, 25 to 60 times a second, then a softer breath out."""
    flutter = rng.uniform(24, 62) * (1 + drift(rng, 10, 0.06))
    inhale, begin = rng.uniform(0.7, 1.3), rng.uniform(0, 0.6)
    n = samples(inhale)
    gate = place(fade(n, 0.3 * inhale, 0.15), [begin])
    out_breath = place(fade(samples(0.7), 0.2, 0.4), [min(2.4, begin + inhale + 0.15)])
    pulses = np.maximum(0, sine(flutter)) ** 4
    air = noise(rng)
    snore = filtered(pulses * (0.5 + air), formants([250, 650, 1400, 2600], [120, 200, 400, 600], [1, 0.8, 0.5, 0.3]))
    breath = filtered(air, resonance(900, 1.0) * lowpass(4000, 1))
    return unit(snore) * gate + rng.uniform(0.1, 0.4) * unit(breath) * out_breath


def heartbeat(rng: np.random.Generator) -> Audio:
    """Lub-dub: valves shut with thuds of 30 to 90 Hz, a third of a beat apart, heard through the chest."""
    period = 60 / rng.uniform(50, 130)
    n = samples(0.15)
    lub, dub = rng.uniform(32, 60), rng.uniform(45, 90)
    first = sine(lub, n) * fade(n, 0.02, 0.11)
    second = sine(dub, n) * fade(n, 0.015, 0.1) * rng.uniform(0.5, 0.9)
    times = beats(rng, period, 0.01, first=rng.uniform(0, 0.4), last=2.3)
    thuds = place(first, times) + place(second, np.minimum(2.45, times + 0.34 * period**0.5))
    return np.tanh(2.5 * thuds) + rng.uniform(0.01, 0.06) * noise(rng, lowpass(300))


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
        note = sine(pitch, n) * fade(n, 0.3 * length, 0.4 * length)
        gap = length + log_uniform(rng, 0.02, 0.15)
        times = np.arange(rng.integers(1, 7), dtype=float) * gap + time
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
        hoot = wavetable(phase(bend, n), [1, rng.uniform(0.03, 0.2), 0.05]) + 0.02 * rng.standard_normal(n)
        out += place(hoot * fade(n, 0.4 * length, 0.4 * length), [time], rng.uniform(0.7, 1))
        time += length + rng.uniform(0.08, 0.4)
    return out


def cuckoo(rng: np.random.Generator) -> Audio:
    """Two notes, a third apart, falling: "cuck-oo", flute-like."""
    high = rng.uniform(600, 760)
    interval = 2 ** (-rng.uniform(2.7, 4.2) / 12)
    first, second = rng.uniform(0.1, 0.16), rng.uniform(0.15, 0.25)
    notes = []
    for pitch, length in ((high, first), (high * interval, second)):
        n = samples(length)
        tone = wavetable(phase(pitch * curve([0, length], [1.0, 0.97], n), n), [1, rng.uniform(0.03, 0.15), 0.05])
        notes.append(tone * fade(n, 0.03, 0.05))
    times = beats(rng, rng.uniform(0.9, 1.5), 0.03, first=rng.uniform(0, 0.6), last=2.0)
    return place(notes[0], times) + place(notes[1], times + first + rng.uniform(0.06, 0.14), 0.9)


def crow(rng: np.random.Generator) -> Audio:
    """Caw: a third of a second of rough, flat voice, repeated two or three times."""
    pitch, length = log_uniform(rng, 380, 620), rng.uniform(0.2, 0.42)
    n = samples(length)
    bend = pitch * curve([0, 0.25 * length, length], [0.85, 1.05, 0.8], n)
    rasp = 1 + 0.8 * sine(rng.uniform(55, 110), n)
    raw = voice(rng, bend, 0.6, 0.06, 0.2) * rasp * fade(n, 0.03, 0.09)
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
        strain = voice(rng, bend, 0.25, 0.015, 0.5) * fade(n, 0.02, 0.12)
        out += place(strain, [time], 0.6 if number < 2 else 1.0)
        time += length + rng.uniform(0.0, 0.05)
    throat = formants([1300, 2000, 3300, 4600], [350, 400, 600, 900], [1, 0.9, 0.5, 0.3])
    return filtered(out, throat * highpass(700, 2))


def duck(rng: np.random.Generator) -> Audio:
    """Quack: short, flat and nasal, all buzz; often a series that grows softer."""
    pitch, length = log_uniform(rng, 220, 420), rng.uniform(0.1, 0.22)
    n = samples(length)
    bend = pitch * curve([0, 0.3 * length, length], [0.95, 1.1, 0.8], n)
    raw = voice(rng, bend, 0.4, 0.06, 0.4) * fade(n, 0.015, 0.06)
    beak = formants([1150, 1900, 2900], [250, 350, 700], [1, 0.9, 0.5])
    quack = filtered(raw, beak * highpass(700, 2))[: n + 600]
    times = beats(rng, length + rng.uniform(0.06, 0.4), 0.02, first=rng.uniform(0, 0.4))
    return place(quack, times, np.linspace(1, rng.uniform(0.3, 1), times.size))
