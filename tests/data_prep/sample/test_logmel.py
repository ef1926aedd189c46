"""Log-mel spectrograms against their definition."""

import cmath
import math

import numpy as np
import pytest

from data_prep.sample.logmel import MAX_HERTZ, MIN_HERTZ, N_BANDS, SAMPLE_RATE, log_mel, mel, mel_filterbank


def slow_log_mel(samples):
    """Return the log-mel spectrogram by its definition: one frame, one frequency, one sample at a time."""
    rows = []
    for start in range(0, len(samples) - 400 + 1, 160):
        frame = [samples[start + i] * (0.5 - 0.5 * math.cos(2 * math.pi * i / 400)) for i in range(400)]
        magnitude = [
            abs(sum(x * cmath.exp(-2j * math.pi * k * i / 512) for i, x in enumerate(frame))) for k in range(257)
        ]
        edges = [slow_mel(125) + (slow_mel(7500) - slow_mel(125)) * b / 65 for b in range(66)]
        row = []
        for b in range(64):
            low, centre, high = edges[b : b + 3]
            total = 0.0
            for k in range(1, 257):
                m = slow_mel(k * 16_000 / 512)
                total += magnitude[k] * max(0.0, min((m - low) / (centre - low), (high - m) / (high - centre)))
            row.append(math.log(total + 0.01))
        rows.append(row)
    return np.array(rows)


def slow_mel(hertz):
    return 2595 * math.log10(1 + hertz / 700)  # O'Shaughnessy's own form; 2595 / ln 10 is 1127 to four digits


def test_a_log_mel_spectrogram_equals_its_definition():
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, 400 + 160)
    # The two forms of the mel scale differ in the fifth digit of their constant, which cancels in ratios.
    np.testing.assert_allclose(log_mel(samples), slow_log_mel(samples.tolist()), atol=1e-9)


@pytest.mark.parametrize(("n", "frames"), [(400, 1), (559, 1), (560, 2), (40_000, 248)])
def test_only_whole_windows_become_frames(n, frames):
    assert log_mel(np.zeros(n)).shape == (frames, N_BANDS)


def test_silence_is_the_logarithm_of_the_offset():
    assert np.allclose(log_mel(np.zeros(1000)), math.log(0.01))


def test_a_thousand_hertz_are_a_thousand_mels():
    assert float(mel(1000.0)) == pytest.approx(1000, abs=0.1)


def test_the_weights_of_all_bands_sum_to_one():
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    centres = np.linspace(mel(MIN_HERTZ), mel(MAX_HERTZ), N_BANDS + 2)[1:-1]
    inside = (mel(hertz) >= centres[0]) & (mel(hertz) <= centres[-1])
    np.testing.assert_allclose(mel_filterbank()[inside].sum(axis=1), 1)


def test_bands_have_no_weight_outside_their_range():
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    bank = mel_filterbank()
    assert bank.shape == (257, 64)
    assert bank.min() == 0
    assert bank.max() <= 1
    assert (bank[(hertz <= MIN_HERTZ) | (hertz >= MAX_HERTZ)] == 0).all()


def test_a_higher_tone_is_strongest_in_a_higher_band():
    t = np.arange(4000) / SAMPLE_RATE
    strongest = [log_mel(np.sin(2 * np.pi * f * t)).mean(axis=0).argmax() for f in (200, 400, 800, 1600, 3200, 6400)]
    assert strongest == sorted(set(strongest))


def test_the_cached_filterbank_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        mel_filterbank()[0, 0] = 1.0
