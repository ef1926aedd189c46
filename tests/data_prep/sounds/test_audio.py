"""Decoding: every kind of file becomes 16 kHz mono, and whatever is wrong is said in words."""

import io

import numpy as np
import pytest
import soundfile

from data_prep.errors import InputError
from data_prep.sounds.audio import RATE, pieces

FORMATS = [("a.wav", {}), ("a.flac", {}), ("a.ogg", {}), ("a.mp3", {}), ("a.aiff", {}), ("b.wav", {"subtype": "FLOAT"})]
FORMATS += [("a.caf", {"subtype": "ALAC_16"})]  # the coding of many m4a files, in the one container that is read here


def only(path, **how):
    (piece,) = pieces(path, path.name, **how)
    return piece


@pytest.mark.parametrize(("name", "how"), FORMATS)
def test_each_format_gives_the_tone_that_was_written(write, name, how):
    piece = only(write(name, seconds=1.0, hertz=500.0, **how))
    spectrum = np.abs(np.fft.rfft(piece.samples[:RATE]))
    assert abs(spectrum.argmax() * RATE / len(piece.samples[:RATE]) - 500) < 5
    assert piece.samples.dtype == np.float32


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_any_sample_rate_becomes_16_khz(write, rate):
    piece = only(write("a.wav", seconds=1.0, rate=rate))
    assert abs(len(piece.samples) - RATE) <= 2
    assert piece.end_s == 1.0


def test_24_channels_become_their_mean(write):
    channels = np.zeros((1600, 24))
    channels[:, 3] = 0.48
    np.testing.assert_allclose(only(write("a.wav", samples=channels, subtype="FLOAT")).samples, 0.02, atol=1e-6)


def test_samples_beyond_full_scale_are_clipped(write):
    loud = np.full((1600, 1), 7.0)
    assert only(write("a.wav", samples=loud, subtype="FLOAT")).samples.max() == 1.0


@pytest.mark.parametrize(
    ("seconds", "clips"), [(0.3, 1), (10.0, 1), (12.9, 1), (13.1, 2), (20.0, 2), (22.0, 2), (24.0, 3), (35.0, 4)]
)
def test_a_long_file_is_cut_into_clips_that_cover_it_without_a_gap(write, seconds, clips):
    found = list(pieces(write("a.wav", seconds=seconds, rate=8_000), "a.wav"))
    assert len(found) == clips
    assert found[0].start_s == 0.0
    assert [piece.end_s for piece in found[:-1]] == [piece.start_s for piece in found[1:]]
    assert found[-1].end_s == pytest.approx(seconds)


def test_ten_hours_are_read_a_clip_at_a_time(write):
    path = write("a.wav", samples=np.zeros((36_000 * 1_000, 1), np.int16), rate=1_000)
    stream = pieces(path, "a.wav")
    assert next(stream).end_s == 10.0
    assert next(stream).start_s == 10.0


def test_a_file_longer_than_allowed_is_refused_with_both_lengths(write):
    with pytest.raises(InputError, match=r"lasts 3 s, expected at most 2 s"):
        list(pieces(write("a.wav", seconds=3.0), "a.wav", longest_s=2.0))


def test_an_upload_is_decoded_from_memory(write):
    data = write("a.ogg", seconds=1.0).read_bytes()
    (piece,) = pieces(io.BytesIO(data), "your recording")
    assert len(piece.samples) > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"MZ\x90\x00" + bytes(4000), "cannot be decoded"),
        (b"\x7fELF" + bytes(range(256)) * 20, "cannot be decoded"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "cannot be decoded|too few"),
        (b"<html>not a sound</html>", "cannot be decoded"),
    ],
)
@pytest.mark.parametrize("in_memory", [False, True])
def test_what_is_no_sound_is_refused_by_name(sounds, content, words, in_memory):
    path = sounds / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.wav.*({words})"):
        list(pieces(io.BytesIO(content) if in_memory else path, "bad.wav"))


def test_one_sample_is_too_few_to_hear(write):
    with pytest.raises(InputError, match="holds 1 samples, too few to hear"):
        only(write("a.wav", samples=np.zeros((1, 1))))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(write, bad):
    samples = np.zeros((4000, 1), np.float32)
    samples[1234] = bad
    with pytest.raises(InputError, match="not numbers"):
        only(write("a.wav", samples=samples, subtype="FLOAT"))


def test_a_file_that_is_cut_gives_what_is_there_or_is_refused(write, sounds):
    whole = write("a.flac", seconds=25.0).read_bytes()
    path = sounds / "cut.flac"
    path.write_bytes(whole[: len(whole) // 2])
    said, end_s = "", 0.0
    try:
        for piece in pieces(path, "cut.flac"):
            end_s = piece.end_s
    except InputError as error:
        said = str(error)
    assert end_s < 25.0
    assert end_s > 0 or said.startswith("cut.flac")


def test_any_damage_inside_a_file_ends_in_clips_or_in_words(write, sounds):
    rng, said = np.random.default_rng(5), []
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3"):
        whole = bytearray(write(name, seconds=1.0).read_bytes())
        for _ in range(30):
            damaged = bytearray(whole)
            for place in rng.integers(0, len(damaged), 8):
                damaged[place] = rng.integers(0, 256)
            try:
                for piece in pieces(io.BytesIO(bytes(damaged)), "it", longest_s=600):
                    assert np.isfinite(piece.samples).all()
            except InputError as error:
                said.append(str(error))
    assert said
    assert all(words.startswith("it ") for words in said)


def test_more_channels_than_any_recorder_has_are_refused(sounds):
    path = sounds / "many.wav"
    soundfile.write(path, np.zeros((400, 65)), 16_000)
    with pytest.raises(InputError, match="65 channels"):
        only(path)
