"""Spectrograms: opacity of each band over time, and their pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from data_prep.sample import logmel
from ui.server import spectrograms


def tone(hertz, seconds):
    return np.sin(2 * np.pi * hertz * np.arange(int(16_000 * seconds)) / 16_000).astype(np.float32)


def test_a_rising_sound_rises_in_the_picture_and_silence_is_transparent():
    audio = np.concatenate([tone(300, 1), np.zeros(16_000, np.float32), tone(6000, 1)])
    opacity = spectrograms.opacity_of(audio)
    assert opacity.shape == (logmel.N_BANDS, spectrograms.MAX_COLUMNS)
    low, silent, high = opacity[:, 40], opacity[:, 120], opacity[:, 200]
    centres = np.linspace(logmel.mel(logmel.MIN_HERTZ), logmel.mel(logmel.MAX_HERTZ), logmel.N_BANDS + 2)[1:-1]
    for column, hertz in ((low, 300), (high, 6000)):
        band = logmel.N_BANDS - 1 - int(column.argmax())  # the highest band is the first row
        assert abs(band - int(np.abs(centres - logmel.mel(hertz)).argmin())) <= 1
    assert silent.max() == 0
    assert opacity.max() == 255


@pytest.mark.parametrize("n", [0, 1, 399, 400, 1600])
def test_a_short_sound_has_a_column_per_frame(n):
    assert spectrograms.opacity_of(np.ones(n, np.float32)).shape == (64, max(1, 1 + (n - 400) // 160))


def test_a_sound_of_more_than_a_minute_is_measured_as_a_whole():
    rng = np.random.default_rng(1)
    audio = 0.1 * rng.standard_normal(16_000 * 125).astype(np.float32)
    frames = logmel.log_mel(audio) - np.log(logmel.LOG_OFFSET)
    edges = np.linspace(0, len(frames), spectrograms.MAX_COLUMNS, endpoint=False).astype(int)
    expected = 255 * np.maximum.reduceat(frames, edges).T[::-1] / frames.max()
    np.testing.assert_allclose(spectrograms.opacity_of(audio), expected, atol=0.51)


def test_the_picture_holds_the_opacities_and_nothing_else():
    opacity = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    picture = Image.open(io.BytesIO(spectrograms.png(opacity)))
    assert (picture.mode, picture.format) == ("LA", "PNG")
    grey, alpha = np.asarray(picture).transpose(2, 0, 1)
    assert not grey.any()
    np.testing.assert_array_equal(alpha, opacity)
