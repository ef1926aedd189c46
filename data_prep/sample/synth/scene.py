"""Recording of a synthesised sound: reverberation, noise floor, microphone and level."""

import numpy as np

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, Audio, log_uniform, samples
from data_prep.sample.synth.envelopes import fade
from data_prep.sample.synth.filters import Response, filtered, highpass, lowpass, noise, response_of, slope

PEAK = 0.9
_LOUD_WINDOW = samples(0.25)
_TAIL = samples(0.5)


def reverberation(rng: np.random.Generator) -> Response:
    """Return direct sound plus the statistical reverberation of a room: noise that decays (Moorer 1979).

    The tail is at most half a second, so that it stays within the padding of the filters.
    """
    t60, wet = log_uniform(rng, 0.15, 1.2), log_uniform(rng, 0.02, 0.35)
    t = np.arange(_TAIL) / SAMPLE_RATE
    tail = rng.standard_normal(_TAIL) * 10 ** (-3 * t / t60) * np.minimum(1, (0.5 - t) / 0.1)
    first_echo = samples(rng.uniform(0.002, 0.02))
    tail = np.pad(tail, (first_echo, 0))[:_TAIL]
    return 1 + wet * response_of(tail / np.sqrt(np.sum(tail**2))) * lowpass(rng.uniform(2000, 7000), 1)


def record(rng: np.random.Generator, sound: Audio, *, clean: bool) -> Audio:
    """Return the sound as a recording, float64[40000]: without DC, ends faded, |x| <= 0.9."""
    response = highpass(25, 2)
    floor_db = rng.uniform(-70, -50)
    if not clean:
        response = response * slope(rng.uniform(-2.5, 0.5))
        if rng.random() < 0.35:
            response = response * lowpass(log_uniform(rng, 1800, 8000), 1)
        if rng.random() < 0.65:
            response = response * reverberation(rng)
        floor_db = rng.uniform(-62, -22)
    floor = 10 ** (floor_db / 20) * noise(rng, slope(rng.uniform(-6, -1)))
    return level(filtered(sound, response), floor, 10 ** (rng.uniform(-24, -15) / 20))


def level(sound: Audio, floor: Audio, loudness: float) -> Audio:
    """Scale sound and noise floor: the loudest quarter of a second has the RMS ``loudness``, peaks are <= 0.9."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound))])
    loudest = np.sqrt(np.max(energy[_LOUD_WINDOW:] - energy[:-_LOUD_WINDOW]) / _LOUD_WINDOW)
    mixed: Audio = (sound / max(loudest, 1e-12) + floor) * fade(N_SAMPLES, 0.004, 0.03)
    return mixed * min(loudness, PEAK / float(np.max(np.abs(mixed))))
