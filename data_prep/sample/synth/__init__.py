"""Synthesiser: renders a clip from a recipe (kinds of sound and a seed), the same on every machine.

    >>> audio = render('{"kinds":["church-bell"],"seed":7}')   # float32[40000], 2.5 s at 16 kHz
    >>> wav = wav_bytes(audio, SAMPLE_RATE)

``oscillators``, ``filters``, ``envelopes`` and ``events`` are the building blocks. Other modules hold the kinds of one
family each (``bells``, ``engines``, ...); ``kinds`` lists them with their labels; ``scene`` adds room and microphone.
"""

import io
import wave

import numpy as np
import numpy.typing as npt

from data_prep.sample.synth.clip import CLIP_SECONDS, N_SAMPLES, SAMPLE_RATE, unit
from data_prep.sample.synth.kinds import KINDS, Kind
from data_prep.sample.synth.recipe import Recipe, parse_recipe
from data_prep.sample.synth.scene import record

__all__ = ["CLIP_SECONDS", "KINDS", "N_SAMPLES", "SAMPLE_RATE", "Kind", "Recipe", "render", "wav_bytes"]

_SCENE = 1000  # seed of the scene's random numbers; kinds have the seeds 0 to 3


def render(recipe: str) -> npt.NDArray[np.float32]:
    """Return float32[40000] in [-1, 1], mono at 16 kHz: a function of the recipe alone (up to rounding).

    Raises InputError for an invalid recipe. Takes a few milliseconds.
    """
    kinds, seed = parse_recipe(recipe)
    rng = np.random.default_rng([seed, _SCENE])
    mixed = np.zeros(N_SAMPLES)
    for place, kind in enumerate(kinds):
        gain = 1.0 if place == 0 else 10 ** (rng.uniform(-10, 0) / 20)
        mixed += gain * unit(kind.play(np.random.default_rng([seed, place])))
    clean = all(kind.clean for kind in kinds)
    return record(rng, mixed, clean=clean).astype(np.float32)


def wav_bytes(audio: npt.NDArray[np.float32], sample_rate: int) -> bytes:
    """Return a mono 16-bit PCM WAV file of float32[n] in [-1, 1]."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(audio * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
