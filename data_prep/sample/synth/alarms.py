"""Alarms and signals: sirens, horns, telephones and beeps, many of them fixed by a standard."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, TIME, Audio, log_uniform, samples, total, unit
from data_prep.sample.synth.envelopes import curve, decay, drift, fade, passing
from data_prep.sample.synth.events import beats, place
from data_prep.sample.synth.filters import band, filtered, highpass, lowpass, noise, resonance
from data_prep.sample.synth.music import hertz
from data_prep.sample.synth.oscillators import modes, phase, saw_amplitudes, sine, wavetable

DTMF_ROWS, DTMF_COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
TELEPHONE_LINE = band(300, 3400)
HORN_THROAT = 0.15 + resonance(900, 1.2) + 0.7 * resonance(2200, 2)


def _triangle(rate: float, start: float, rising: float = 0.5) -> Audio:
    """Return a wave between 0 and 1 that rises for the share ``rising`` of each period and falls for the rest."""
    turn = (TIME * rate + start) % 1
    return np.where(turn < rising, turn / rising, (1 - turn) / (1 - rising))


def _siren_horn(rng: np.random.Generator, pitch: Audio) -> Audio:
    """Return a buzzing tone at ``pitch`` Hz through the throat of a horn, passing by."""
    doppler, loud = passing(rng, (0, 25), (5, 40))
    tone = wavetable(phase(pitch * doppler), saw_amplitudes(float(pitch.max()) * 1.1, rng.uniform(0.6, 1.5)))
    return filtered(tone * loud, HORN_THROAT)


def _two_tone(rng: np.random.Generator, low: float, interval: float, rate: float) -> Audio:
    """Return a pitch in Hz that jumps between ``low`` and ``interval`` times it, ``rate`` cycles per second."""
    high_now = (TIME * rate + rng.uniform()) % 1 < 0.5
    return np.where(high_now, low * interval, low)


def police_siren(rng: np.random.Generator) -> Audio:
    """Wail (one slow sweep of 2 to 5 s), yelp (three a second) or, now and then, the buzzing phaser."""
    low, high = rng.uniform(450, 750), rng.uniform(1100, 1700)
    rate = float(rng.choice([rng.uniform(0.2, 0.5), rng.uniform(2.2, 4.2), rng.uniform(9, 16)], p=[0.5, 0.4, 0.1]))
    return _siren_horn(rng, low * (high / low) ** _triangle(rate, rng.uniform(), rng.uniform(0.3, 0.6)))


def fire_engine(rng: np.random.Generator) -> Audio:
    """The growl of a motor-driven siren, or Europe's two-tone horn, over a big engine and an air horn."""
    if rng.random() < 0.5:
        pitch = rng.uniform(250, 400) + rng.uniform(300, 550) * _triangle(rng.uniform(0.12, 0.35), rng.uniform(), 0.4)
    else:
        pitch = _two_tone(rng, rng.uniform(360, 450), rng.uniform(1.25, 1.4), rng.uniform(0.6, 1.2))
    siren, engine = _siren_horn(rng, pitch), noise(rng, lowpass(150, 2))
    blast = unit(place(_reeds(rng, np.array([150.0, 190.0]), 0.6), [rng.uniform(0, 2)]))
    return unit(siren) + rng.uniform(0.05, 0.5) * engine + (rng.random() < 0.35) * 0.7 * blast


def ambulance(rng: np.random.Generator) -> Audio:
    """Hi-lo: two fixed tones a fourth apart, one or two changes a second, or a quick, high wail."""
    if rng.random() < 0.65:
        return _siren_horn(rng, _two_tone(rng, rng.uniform(450, 780), rng.uniform(1.22, 1.42), rng.uniform(0.8, 2)))
    return _siren_horn(rng, rng.uniform(700, 900) * 1.9 ** _triangle(rng.uniform(0.8, 1.8), rng.uniform()))


def civil_defense_siren(rng: np.random.Generator) -> Audio:
    """A rotor that takes seconds to wind up and down, two rows of ports a minor third apart, heard from far away."""
    top = rng.uniform(380, 520)
    span = 0.45 * _triangle(rng.uniform(0.08, 0.2), rng.uniform()) if rng.random() < 0.7 else np.zeros(N_SAMPLES)
    pitch = top * (1 - span)
    gains = saw_amplitudes(top * 1.3, rng.uniform(1.2, 2))
    tone = wavetable(phase(pitch), gains) + rng.uniform(0.3, 1) * wavetable(phase(pitch * 6 / 5), gains)
    return filtered(tone * (1 + drift(rng, 2, 0.15)), lowpass(1800, 1))


def _bursts(rng: np.random.Generator, tone: Audio, on: float, off: float, first: float) -> Audio:
    """Return the tone switched on and off with 3 ms edges, from ``first`` s."""
    gate = place(fade(samples(on), 0.003, 0.003), np.arange(first, 2.5, on + off), 1.0)
    return tone * gate * (1 + drift(rng, 4, 0.01))


def smoke_alarm(rng: np.random.Generator) -> Audio:
    """A piezo disc near 3.1 kHz: half a second on, half off (ISO 8201), or faster; sometimes the low-battery chirp."""
    pitch = rng.normal(3150, 180)
    tone = wavetable(phase(pitch), [1, rng.uniform(0.05, 0.3)])
    if rng.random() < 0.15:
        return _bursts(rng, tone, 0.08, 5.0, rng.uniform(0.2, 1.5))
    on = rng.uniform(0.1, 0.55)
    return _bursts(rng, tone, on, on * rng.uniform(0.5, 1.1), rng.uniform(0, 0.3))


def beep(rng: np.random.Generator) -> Audio:
    """One or more plain beeps: a microwave oven, a cash desk, a lift."""
    pitch = log_uniform(rng, 500, 3000)
    tone = wavetable(phase(pitch), [1, rng.uniform(0, 0.3), rng.uniform(0, 0.4)][: int(7600 / pitch)])
    return _bursts(rng, tone, log_uniform(rng, 0.06, 0.6), log_uniform(rng, 0.08, 1.2), rng.uniform(0, 0.4))


def reversing_beeps(rng: np.random.Generator) -> Audio:
    """A truck backs up: 1 to 1.3 kHz, half a second on and off, over its idling diesel."""
    pitch, on = rng.uniform(950, 1350), rng.uniform(0.35, 0.55)
    tone = wavetable(phase(pitch), [1, 0, rng.uniform(0.02, 0.15), 0, rng.uniform(0, 0.05)])
    explosion = modes([45, 90, 140, 210], 0.06, [1, 0.8, 0.6, 0.4])
    pulses = place(explosion, beats(rng, 1 / rng.uniform(22, 34), 0.001, 0.0, 2.5))
    return _bursts(rng, tone, on, on, rng.uniform(0, 0.4)) + rng.uniform(0.03, 0.3) * pulses


def dial_tone(rng: np.random.Generator) -> Audio:
    """North America's 350 + 440 Hz, Europe's 425 Hz, or Britain's 350 + 450 Hz, through a telephone line."""
    pitches = ((350, 440), (425,), (350, 450), (400, 33))[rng.choice(4, p=[0.45, 0.3, 0.15, 0.1])]
    tone = total([sine(p * rng.normal(1, 0.004), start=rng.uniform(0, 6)) for p in pitches])
    driven = np.tanh(rng.uniform(0.1, 1.2) * tone)
    lifted = rng.uniform(-1, 0.6)
    gate = curve([lifted, lifted + 0.005], [0, 1])
    return unit(driven) * gate + rng.uniform(0.003, 0.1) * noise(rng, TELEPHONE_LINE)


def busy_signal(rng: np.random.Generator) -> Audio:
    """480 + 620 Hz or 425 Hz, half a second on and off; twice as fast when the network is busy."""
    pitches = ((480, 620), (425,), (400,))[rng.choice(3, p=[0.6, 0.25, 0.15])]
    tone = total([sine(p * rng.normal(1, 0.004)) for p in pitches])
    on = float(rng.choice([0.5, 0.25, 0.375])) * rng.uniform(0.95, 1.05)
    gated = _bursts(rng, np.tanh(rng.uniform(0.1, 1.5) * tone), on, on, -rng.uniform(0, on))
    return gated + rng.uniform(0.002, 0.05) * noise(rng, TELEPHONE_LINE)


def telephone_bell(rng: np.random.Generator) -> Audio:
    """A clapper between two brass gongs at 20 Hz, in a bakelite box."""
    gongs = log_uniform(rng, 900, 1600) * np.array([1, rng.uniform(1.12, 1.3)])
    ratios = np.array([1, 1.003, 1.72, 2.6, 2.62, 3.9])
    t60, rate = log_uniform(rng, 0.4, 1.6), rng.uniform(17, 27)
    begin = rng.uniform(0, 0.4)
    end = begin + rng.choice([0.4, 1.0, 2.0])
    hits = beats(rng, 1 / (2 * rate), 0.0015, begin, min(2.45, end))
    if end < 1.0:
        hits = np.concatenate([hits, hits + 0.6])
    sounds = [modes(g * ratios, t60 * ratios**-0.5, [1, 0.8, 0.7, 0.5, 0.4, 0.25]) for g in gongs]
    box = noise(rng, band(300, 2500)) * decay(0.02)
    return place(sounds[0], hits[::2]) + place(sounds[1], hits[1::2]) + rng.uniform(0.1, 0.6) * place(box, hits)


def dtmf(rng: np.random.Generator) -> Audio:
    """A number is dialled: each key one of four low and one of four high tones (ITU-T Q.23)."""
    length, pause = rng.uniform(0.07, 0.25), rng.uniform(0.05, 0.25)
    n = samples(length)
    start, twist = rng.uniform(0, 0.4), rng.uniform(0.7, 1.3)
    out = np.zeros(N_SAMPLES)
    while start < 2.5 - length:
        row, column = DTMF_ROWS[rng.integers(4)], DTMF_COLUMNS[rng.choice(4, p=[0.32, 0.33, 0.33, 0.02])]
        key = (sine(row, n) + twist * sine(column, n)) * fade(n, 0.002, 0.002)
        out += place(key, [start])
        start += length + pause * rng.uniform(0.8, 1.4)
    return out + rng.uniform(0.002, 0.08) * noise(rng, TELEPHONE_LINE)


def ringtone(rng: np.random.Generator) -> Audio:
    """A mobile phone's little tune: quick square or bell-like notes, played twice."""
    step, root = rng.uniform(0.08, 0.16), rng.uniform(76, 90)
    tune = rng.choice([0, 2, 4, 5, 7, 9, 12], rng.integers(4, 9))
    gains = np.array([1, 0, 0.33, 0, 0.2]) if rng.random() < 0.5 else np.array([1, rng.uniform(0, 0.4), 0.1])
    t60, n = log_uniform(rng, 0.15, 1.0), samples(0.5)
    out = np.zeros(N_SAMPLES)
    for index, degree in enumerate(np.tile(tune, 4)):
        time = 0.05 + index * step + (index // tune.size) * 0.15
        pitch = hertz(root + degree)
        note = wavetable(phase(pitch, n), gains[: int(7600 / pitch)]) * decay(t60, n) * fade(n, 0.002, 0.02)
        if time < 2.3:
            out += place(note, [time])
    return filtered(out, highpass(500, 1))


def _reeds(rng: np.random.Generator, pitches: Audio, seconds: float) -> Audio:
    """Return several horns blown at once: each a sawtooth that rises to its pitch as the air pressure does."""
    n = min(N_SAMPLES, samples(seconds))
    rise = 1 - rng.uniform(0.02, 0.08) * curve([0, 0.08], [1, 0], n)
    rise -= 0.03 * curve([seconds - 0.08, seconds], [0, 1], n)
    out = np.zeros(n)
    for pitch in pitches:
        steady = pitch * rise * (1 + drift(rng, 10, 0.001, n))
        out += rng.uniform(0.6, 1) * wavetable(phase(steady, n), saw_amplitudes(float(pitch), rng.uniform(0.5, 0.9)))
    return out * fade(n, 0.03, 0.08)


def car_horn(rng: np.random.Generator) -> Audio:
    """Two discs about a major third apart, 350 to 500 Hz: one or more short taps, or long blasts."""
    low = rng.uniform(320, 450)
    pitches = np.array([low, low * rng.choice([1.19, 1.26, 1.33])])[: rng.choice([1, 2], p=[0.15, 0.85])]
    taps = float(rng.choice([rng.uniform(0.12, 0.3), rng.uniform(0.4, 2.0)]))
    body = highpass(350, 2) * (0.3 + resonance(2600, 0.9))
    sound = filtered(np.pad(_reeds(rng, pitches, taps), (0, 8000))[:N_SAMPLES], body)
    gap = rng.uniform(0.12, 0.7)
    return place(sound, beats(rng, taps + gap, 0.02, first=rng.uniform(0, 0.5), last=rng.uniform(0.6, 2.4)))


def train_horn(rng: np.random.Generator) -> Audio:
    """Three to five air chimes in a chord (a K5LA sounds B major sixth), long and far away."""
    chord = np.array([311, 370, 415, 494, 622.0])[: rng.integers(3, 6)] * rng.uniform(0.72, 1.12)
    length = rng.uniform(0.6, 2.4)
    times = beats(rng, length + rng.uniform(0.2, 0.6), first=rng.uniform(0, 0.4), last=rng.uniform(0.5, 2.4))
    blast = place(_reeds(rng, chord, length), times)
    return filtered(blast, highpass(250, 1) * lowpass(rng.uniform(1200, 4000), 1)) + 0.05 * noise(rng, lowpass(300))


def steam_whistle(rng: np.random.Generator) -> Audio:
    """Steam whistles in a chord: each tone drifts in pitch and hisses."""
    pitches = log_uniform(rng, 300, 620) * np.array([1, 1.2, 1.5, 1.8])[: rng.integers(2, 5)]
    length = rng.uniform(0.7, 2.4)
    n = samples(length)
    rise = 1 - 0.25 * curve([0, 0.15], [1, 0], n) - 0.1 * curve([length - 0.15, length], [0, 1], n)
    tones = total(wavetable(phase(p * rise * (1 + drift(rng, 8, 0.004, n)), n), [1, 0.35, 0.2]) for p in pitches)
    hiss = noise(rng, band(800, 7000, 1))[:n]
    whistle = (tones + rng.uniform(0.3, 1.5) * hiss) * fade(n, 0.08, 0.15)
    return place(whistle, [rng.uniform(0, max(0.01, 2.45 - length))])


def sonar(rng: np.random.Generator) -> Audio:
    """A submarine's ping and its distant echoes."""
    pitch, length = log_uniform(rng, 700, 2000), rng.uniform(0.06, 0.4)
    n = samples(length)
    ping = sine(pitch, n) * fade(n, 0.01, 0.03)
    start, echo = rng.uniform(0, 0.5), rng.uniform(0.2, 0.9)
    tail = resonance(pitch, 25)
    murk = filtered(place(ping, [start]), tail)
    murk += rng.uniform(0.05, 0.3) * place(noise(rng, tail) * decay(rng.uniform(1.5, 4)), [start + 0.5 * length])
    echoes = place(ping, [min(2.4, start + echo * k) for k in (1, 2, 3)], [0.3, 0.12, 0.05])
    return murk + filtered(echoes, tail) + rng.uniform(0.01, 0.08) * noise(rng, lowpass(400))
