"""The signal functions of the synthesiser against definitions written out."""

import math

import numpy as np
import pytest

from data_prep.sample.synth.clip import N_SAMPLES, SAMPLE_RATE, log_uniform, total, unit
from data_prep.sample.synth.envelopes import curve, decay, drift, fade, passing, tremolo
from data_prep.sample.synth.events import beats, impulses, place, place_any, place_grains, poisson, thinned
from data_prep.sample.synth.filters import (
    FREQUENCY,
    band,
    filtered,
    formants,
    highpass,
    lowpass,
    noise,
    resonance,
    response_of,
    slope,
)
from data_prep.sample.synth.oscillators import modes, phase, saw_amplitudes, wavetable
from data_prep.sample.synth.strings import string


def gain_at(response, hertz):
    return abs(np.interp(hertz, FREQUENCY, np.abs(response)))


def test_modes_are_decaying_sines_added_one_by_one():
    frequencies, t60s, amplitudes, n = [440.0, 1234.5, 7799.0], [0.1, 2.0, 0.5], [1.0, -0.5, 0.25], 1003
    slow = np.zeros(n)
    for frequency, t60, amplitude in zip(frequencies, t60s, amplitudes, strict=True):
        for i in range(n):
            t = i / SAMPLE_RATE
            slow[i] += amplitude * 10 ** (-3 * t / t60) * math.sin(2 * math.pi * frequency * t)
    np.testing.assert_allclose(modes(frequencies, t60s, amplitudes, n), slow, atol=1e-9)


def test_modes_too_high_for_the_sample_rate_are_left_out():
    assert np.array_equal(modes([500.0, 9000.0], 1.0, 1.0, 300), modes([500.0], 1.0, 1.0, 300))


def test_a_wavetable_is_a_sum_of_harmonics_up_to_linear_interpolation():
    amplitudes = [1.0, 0.5, 0.0, -0.25, 0.1]
    angle = phase(441.7, 2000, start=1.0)
    exact = sum(a * np.sin(k * angle) for k, a in enumerate(amplitudes, start=1))
    # Linear interpolation of sin(k x) between points h apart is off by (k h)^2 / 8 at most.
    bound = sum(abs(a) * (k * 2 * math.pi / 2048) ** 2 / 8 for k, a in enumerate(amplitudes, start=1))
    np.testing.assert_allclose(wavetable(angle, amplitudes), exact, atol=bound)


@pytest.mark.parametrize("frequency", [20.0, 150.0, 1000.0, 9000.0])
def test_no_harmonic_of_a_sawtooth_exceeds_half_the_sample_rate(frequency):
    assert saw_amplitudes(frequency).size == 1 or saw_amplitudes(frequency).size * frequency < SAMPLE_RATE / 2


def test_a_constant_frequency_gives_the_same_phase_as_number_or_array():
    steps = np.diff(phase(np.full(50, 100.0), 50))
    np.testing.assert_allclose(steps, np.diff(phase(100.0, 50)))


def test_a_plucked_string_equals_the_recursion_of_karplus_and_strong():
    period, t60 = 70, 1.0
    frequency = SAMPLE_RATE / (period + 0.5)
    loss = 10 ** (-3 / (frequency * t60))
    rng = np.random.default_rng(0)
    burst = rng.standard_normal(period)
    slow = np.zeros(8000)
    for i in range(slow.size):
        slow[i] = burst[i] if i < period else 0.0
        if i >= period:
            slow[i] += loss * slow[i - period] / 2
        if i >= period + 1:
            slow[i] += loss * slow[i - period - 1] / 2
    np.testing.assert_allclose(filtered(burst, string(frequency, t60))[:8000], slow, atol=1e-6)


def test_one_pole_halves_the_power_at_its_cutoff():
    assert gain_at(lowpass(1000, 1), 1000) == pytest.approx(math.sqrt(0.5), rel=1e-3)
    assert gain_at(highpass(1000, 1), 1000) == pytest.approx(math.sqrt(0.5), rel=1e-3)
    assert gain_at(band(1000, 1000, 1), 1000) == pytest.approx(0.5, rel=1e-3)


def test_a_resonance_is_one_at_its_centre_and_centre_over_q_wide():
    response = resonance(1000, 10)
    assert gain_at(response, 1000) == pytest.approx(1, abs=1e-3)
    half = FREQUENCY[np.abs(response) ** 2 >= 0.5]
    assert half[-1] - half[0] == pytest.approx(100, abs=2 * FREQUENCY[1])


def test_formants_are_a_sum_of_resonances():
    response = formants([500, 1500], [50, 150], [1, 0.5])
    np.testing.assert_allclose(response, resonance(500, 10) + 0.5 * resonance(1500, 10))


@pytest.mark.parametrize("db", [-6.0, -3.0, 2.0])
def test_a_slope_changes_by_its_decibels_per_octave(db):
    assert 20 * math.log10(gain_at(slope(db), 2000) / gain_at(slope(db), 1000)) == pytest.approx(db, abs=0.01)


def test_filtering_with_an_impulse_response_is_a_convolution():
    rng = np.random.default_rng(0)
    sound, answer = rng.standard_normal(500), rng.standard_normal(60)
    expected = np.convolve(sound, answer)
    np.testing.assert_allclose(filtered(sound, response_of(answer))[: expected.size], expected, atol=1e-9)


def test_noise_has_unit_rms_for_any_spectrum():
    rng = np.random.default_rng(0)
    assert np.sqrt(np.mean(noise(rng, slope(-6)) ** 2)) == pytest.approx(1)
    assert np.array_equal(unit(np.zeros(5)), np.zeros(5))


def test_a_decay_falls_by_60_decibels_in_its_time():
    envelope = decay(0.5, SAMPLE_RATE)
    assert envelope[0] == 1
    assert envelope[SAMPLE_RATE // 2] == pytest.approx(1e-3)


def test_a_fade_starts_and_ends_at_zero_and_holds_one_between():
    envelope = fade(1000, 0.01, 0.02)
    assert envelope[0] == envelope[-1] == 0
    assert envelope[200:600] == pytest.approx(1)
    assert envelope.min() >= 0


def test_tremolo_varies_between_one_and_one_minus_its_depth():
    swing = tremolo(5, 0.4)
    assert swing.max() == pytest.approx(1)
    assert swing.min() == pytest.approx(0.6)


def test_drift_has_zero_mean():
    values = drift(np.random.default_rng(0), 1000, 1.0)
    # The mean of 2500 random points is within four standard errors of zero.
    assert abs(values.mean()) < 4 / math.sqrt(2500)


def test_a_curve_is_flat_outside_its_points():
    assert curve([0.1, 0.2], [3, 5])[[0, -1]].tolist() == [3, 5]


def test_placed_sounds_overlap_and_are_cut_at_the_ends_of_the_clip():
    sound = np.array([1.0, 2.0, 3.0])
    end = N_SAMPLES / SAMPLE_RATE
    out = place(sound, [-1 / SAMPLE_RATE, 1 / SAMPLE_RATE, end - 1 / SAMPLE_RATE, end + 1], [1, 10, 100, 1000])
    assert out[:5].tolist() == [2, 13, 20, 30, 0]
    assert out[-2:].tolist() == [0, 100]


def test_impulses_and_grains_equal_placed_sounds():
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 2.5, 40)
    grains = rng.standard_normal((40, 100))
    np.testing.assert_allclose(
        place_grains(grains, times), sum(place(g, [t]) for g, t in zip(grains, times, strict=True))
    )
    np.testing.assert_allclose(impulses(times, grains[:, 0]), place(np.ones(1), times, grains[:, 0]))


def test_place_any_puts_exactly_one_of_the_sounds_at_each_time():
    times = np.arange(100) / 100
    out = place_any(np.random.default_rng(0), [np.ones(1), np.full(1, 2.0)], times)
    assert set(out[(times * SAMPLE_RATE).astype(int)].tolist()) == {1.0, 2.0}
    assert np.count_nonzero(out) == 100


def test_the_total_of_sounds_is_their_sum():
    assert total([np.ones(2), np.full(2, 2.0), np.full(2, 4.0)]).tolist() == [7, 7]


def test_event_times_are_inside_the_clip():
    rng = np.random.default_rng(0)
    regular, random = beats(rng, 0.1, 0.5), poisson(rng, 50)
    assert regular.min() >= 0
    assert regular.max() < 2.5
    assert (np.diff(random) >= 0).all()
    assert random[-1] < 2.5


def test_random_times_have_at_least_one_event():
    assert poisson(np.random.default_rng(0), 0.0).size == 1
    assert thinned(np.random.default_rng(0), np.arange(9.0), 0.0).tolist() == [0.0]


def test_the_logarithm_of_log_uniform_numbers_is_uniform():
    rng = np.random.default_rng(0)
    drawn = np.array([log_uniform(rng, 20, 2000) for _ in range(1000)])
    assert drawn.min() >= 20
    assert drawn.max() <= 2000
    # A tenth of the range each, give or take four standard deviations of a binomial count.
    counts, _ = np.histogram(np.log(drawn), bins=10, range=(math.log(20), math.log(2000)))
    assert np.abs(counts - 100).max() < 4 * math.sqrt(1000 * 0.1 * 0.9)


def test_a_passing_source_falls_in_pitch_and_is_loudest_when_nearest():
    pitch, loud = passing(np.random.default_rng(0), (30, 30), (10, 10))
    assert (np.diff(pitch) <= 0).all()
    # At 30 m/s no more than c / (c - v) above its own pitch before, and c / (c + v) of it after.
    assert 343 / 373 < pitch.min() <= pitch.max() < 343 / 313
    assert loud.max() <= 1
    assert np.argmax(loud) in (0, loud.size - 1) or pitch[np.argmax(loud)] == pytest.approx(1, abs=1e-3)
