"""Events: onset times, regular or random, and sounds placed at them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_prep.sample.synth.clip import CLIP_SECONDS, N_SAMPLES, SAMPLE_RATE, Audio, Floats, total


def beats(
    rng: np.random.Generator, interval: float, jitter: float = 0.0, first: float = 0.02, last: float = 2.4
) -> Audio:
    """Return onset times in seconds, one every ``interval`` from ``first``, each off by a normal ``jitter`` (s)."""
    times = np.arange(first, last, interval)
    return np.clip(times + jitter * rng.standard_normal(times.size), 0.0, CLIP_SECONDS - 0.02)


def thinned(rng: np.random.Generator, times: Audio, share: float) -> Audio:
    """Return the first of the times, and each of the others with probability ``share``."""
    kept = rng.random(times.size) < share
    kept[:1] = True
    return times[kept]


def accented(rng: np.random.Generator, times: Audio, softest: float) -> tuple[Audio, Audio]:
    """Return the times, and for each a random gain from ``softest`` to one: blows vary in strength."""
    return times, rng.uniform(softest, 1, times.size)


def poisson(rng: np.random.Generator, rate: float, end: float = CLIP_SECONDS) -> Audio:
    """Return sorted onset times in seconds of about ``rate`` independent events per second, at least one."""
    return np.sort(rng.uniform(0, end, max(1, rng.poisson(rate * end))))


def place(sound: Audio, times: Floats, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000] with one copy of ``sound`` at each time (s), at each gain; they overlap.

    Of a copy that starts before the clip or ends after it, the part inside the clip is used.
    """
    out = np.zeros(N_SAMPLES)
    for time, gain in zip(times, np.broadcast_to(gains, len(times)), strict=True):
        start = int(time * SAMPLE_RATE)
        cut = max(0, -start)
        inside = sound[cut : max(cut, N_SAMPLES - start)]
        out[start + cut : start + cut + inside.size] += gain * inside
    return out


def impulses(times: Floats, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000], zero but for one sample of that gain at each time (s)."""
    index = (np.asarray(times) * SAMPLE_RATE).astype(np.int64)
    return _sum_at(index, np.broadcast_to(gains, index.shape))


def place_any(rng: np.random.Generator, sounds: Sequence[Audio], times: Audio, gains: Floats | float = 1.0) -> Audio:
    """Return float64[40000] in which each time (s) has one of the sounds, drawn at random, at its gain."""
    drawn = rng.integers(len(sounds), size=times.size)
    loud = np.broadcast_to(gains, times.shape)
    return total(place(sound, times[drawn == i], loud[drawn == i]) for i, sound in enumerate(sounds))


def place_grains(grains: Audio, times: Audio) -> Audio:
    """Return float64[40000], the sum of float64[m, g] short grains, each starting at its time in seconds."""
    index = (times * SAMPLE_RATE).astype(np.int64)[:, None] + np.arange(grains.shape[1])
    return _sum_at(index.ravel(), grains.ravel())


def _sum_at(index: npt.NDArray[np.int64], values: Audio) -> Audio:
    return np.bincount(index, weights=values, minlength=N_SAMPLES)[:N_SAMPLES].astype(float, copy=False)
