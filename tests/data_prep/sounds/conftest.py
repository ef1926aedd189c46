"""Fixtures: generated sound files, and YAMNet's model from the test data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Write = Callable[..., Path]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def write(sounds: Path) -> Write:
    """Return a function that writes a tone, or given samples, as a sound file below the folder of sounds."""

    def write_sound(path, seconds=0.5, rate=16_000, channels=1, hertz=440.0, samples=None, **how):
        target = sounds / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if samples is None:
            tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
            samples = np.repeat(tone[:, None], channels, axis=1)
        soundfile.write(target, samples, rate, **how)
        return target

    return write_sound
