"""The embedding of the sample's clips: statistics, fitted projection, quantisation."""

import numpy as np
import pytest

from data_prep.sample.embedding import DIM, embed, fit_projection, projection, quantise, statistics


def test_a_clip_becomes_128_bytes():
    feature = embed(np.random.default_rng(0).uniform(-0.1, 0.1, 40_000))
    assert feature.dtype == np.uint8
    assert feature.shape == (DIM,) == (128,)


def test_quantisation_is_off_by_half_a_step_at_most_and_clips_outside_the_range():
    values = np.linspace(-2, 2, 1001)
    assert np.abs(quantise(values) / 255 * 4 - 2 - values).max() <= 2 / 255 + 1e-12
    assert quantise(np.array([-9.0, 9.0])).tolist() == [0, 255]


def test_a_projection_whitens_the_rows_it_was_fitted_on():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2000, 140)) * np.geomspace(10, 0.1, 140) @ rng.standard_normal((140, 140)) + 3
    fitted = fit_projection(rows).astype(float)
    projected = (rows - fitted[0]) @ fitted[1:].T
    np.testing.assert_allclose(np.cov(projected.T), np.eye(128), atol=1e-2)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-3)


def test_the_sign_of_an_axis_does_not_depend_on_the_sign_of_the_data():
    rows = np.random.default_rng(0).standard_normal((500, 130)) * np.linspace(5, 1, 130)
    np.testing.assert_allclose(fit_projection(rows)[1:], fit_projection(-rows)[1:], rtol=1e-4, atol=1e-5)


def test_statistics_do_not_depend_on_the_direction_of_time():
    spectrogram = np.random.default_rng(0).standard_normal((248, 64))
    np.testing.assert_allclose(statistics(spectrogram), statistics(spectrogram[::-1]))


def test_a_pulse_of_six_hertz_is_in_the_rhythm_band_from_four_to_eight():
    pulse = np.sin(2 * np.pi * 6 * np.arange(248) / 100)[:, None] * np.ones(64)
    rhythm = statistics(pulse)[128:].reshape(5, 16)
    assert (rhythm.argmax(axis=0) == 2).all()


@pytest.mark.parametrize(("cycles", "band"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (16, 3), (32, 4), (100, None)])
def test_a_rhythm_band_holds_its_lowest_frequency_and_not_its_highest(cycles, band):
    """The signal lasts two seconds; the last changes its sign at every frame, at 50 Hz."""
    pulse = np.cos(2 * np.pi * cycles * np.arange(200) / 200)[:, None] * np.ones(64)
    rhythm = statistics(pulse)[128:].reshape(5, 16)
    heard = (rhythm > np.log(0.005 + 1e-6)).all(axis=1)
    assert heard.tolist() == [i == band for i in range(5)]


def test_the_stored_projection_has_the_right_shape_and_is_read_only():
    assert projection().shape == (1 + DIM, statistics(np.zeros((248, 64))).size)
    with pytest.raises(ValueError, match="read-only"):
        projection()[0, 0] = 1.0
