"""Loudness, brightness and pitch of synthesised sounds."""

import numpy as np
import pytest

from data_prep.sounds.measures import HIGHEST_PITCH, LOWEST_PITCH, NOT_MEASURED, loudness_of, measure

T = np.arange(32_000) / 16_000


def tone(hertz, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * T + 0.3)).astype(np.float32)


def saw(hertz):
    parts = [np.sin(2 * np.pi * hertz * k * T + k) / k for k in range(1, 30) if hertz * k < 7900]
    return (0.2 * np.sum(parts, axis=0)).astype(np.float32)


def test_the_loudness_is_that_of_the_loudest_part_and_a_silent_sound_has_none():
    loud = (0.1 * np.sqrt(2) * np.sin(np.arange(16_000))).astype(np.float32)
    assert loudness_of(np.concatenate([np.zeros(80_000, np.float32), loud])) == -20.0
    assert loudness_of(np.ones(10, np.float32)) == 0.0
    assert loudness_of(np.zeros(50, np.float32)) is None
    assert loudness_of(np.empty(0, np.float32)) is None
    assert measure(np.zeros(50_000, np.float32)) == NOT_MEASURED


@pytest.mark.parametrize("hertz", [50, 55, 82.4, 220, 440, 1000, 1760, 3000, 3900])
@pytest.mark.parametrize("wave", [tone, saw])
def test_the_pitch_of_a_tone_is_its_fundamental(wave, hertz):
    noise = 0.002 * np.random.default_rng(1).standard_normal(len(T))
    for sound in (wave(hertz), (wave(hertz) + noise).astype(np.float32), wave(hertz) + np.float32(0.3)):
        assert measure(sound).pitch == pytest.approx(hertz, rel=0.004)


def test_the_pitch_of_a_fundamental_that_is_missing_is_that_of_its_harmonics():
    assert measure(tone(600, 0.3) + tone(800, 0.2) + tone(1000, 0.2)).pitch == pytest.approx(200, rel=0.004)


@pytest.mark.parametrize("hertz", [30, 41, HIGHEST_PITCH + 100, 5000, 6000, 7100, 7900])
def test_a_tone_beyond_the_range_has_no_pitch_and_none_of_another_octave(hertz):
    assert not LOWEST_PITCH <= hertz <= HIGHEST_PITCH
    assert measure(tone(hertz)).pitch is None


def test_noise_clicks_and_very_short_sounds_have_no_pitch():
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.standard_normal(32_000))
    for sound in (0.1 * rng.standard_normal(32_000), walk / np.abs(walk).max(), tone(440)[:900], np.eye(1, 32_000)[0]):
        assert measure(sound.astype(np.float32)).pitch is None


def test_a_tone_in_half_of_a_sound_has_a_pitch_where_the_rest_is_quiet():
    quiet = 0.001 * np.random.default_rng(3).standard_normal(64_000)
    quiet[:32_000] += tone(330)
    assert measure(quiet.astype(np.float32)).pitch == pytest.approx(330, rel=0.004)


def test_the_brightness_is_the_centre_of_the_spectrum():
    assert measure(tone(1000)).brightness == pytest.approx(1000, abs=2)
    assert measure(tone(1000, 0.3) + tone(3000, 0.3)).brightness == pytest.approx(2000, abs=5)
    noise = (0.1 * np.random.default_rng(4).standard_normal(32_000)).astype(np.float32)
    assert measure(noise).brightness == pytest.approx(4000, abs=60)
    assert measure(tone(1000)[:300]).brightness == pytest.approx(1000, abs=60)  # shorter than a window
