"""Decoding of sound files to 16 kHz mono, and the refusal of invalid ones."""

import errno
import io
import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.dataset.schema import UNKNOWN_END_S
from data_prep.errors import InputError
from data_prep.sounds.audio import RATE, for_browser, read_clips, read_span
from data_prep.sounds.signatures import HEADER_SIZE, is_sound
from tests.data_prep.sounds.sound_bytes import RATE as TONE_RATE
from tests.data_prep.sounds.sound_bytes import by_libsndfile

FORMATS = [("a.wav", {}), ("a.flac", {}), ("a.ogg", {}), ("a.mp3", {}), ("a.aiff", {}), ("b.wav", {"subtype": "FLOAT"})]
FORMATS += [("a.caf", {"subtype": "ALAC_16"})]  # the coding of many m4a files, in the one container that is read here


def only(path, **how):
    (piece,) = read_clips(path, path.name, **how)
    return piece


@pytest.mark.parametrize(("name", "how"), FORMATS)
def test_each_format_decodes_to_the_tone_that_was_written(write, name, how):
    piece = only(write(name, seconds=1.0, hertz=500.0, **how))
    spectrum = np.abs(np.fft.rfft(piece.samples[:RATE]))
    assert abs(spectrum.argmax() * RATE / len(piece.samples[:RATE]) - 500) < 5
    assert piece.samples.dtype == np.float32


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_any_sample_rate_is_resampled_to_16_khz(write, rate):
    piece = only(write("a.wav", seconds=1.0, rate=rate))
    assert abs(len(piece.samples) - RATE) <= 2
    assert piece.end_s == 1.0


def test_24_channels_are_mixed_to_their_mean(write):
    channels = np.zeros((1600, 24))
    channels[:, 3] = 0.48
    np.testing.assert_allclose(only(write("a.wav", samples=channels, subtype="FLOAT")).samples, 0.02, atol=1e-6)


def test_samples_beyond_full_scale_are_kept(write):
    loud = np.full((1600, 1), 7.0)
    assert only(write("a.wav", samples=loud, subtype="FLOAT")).samples.max() == 7.0


@pytest.mark.parametrize(
    ("seconds", "clips"), [(0.3, 1), (10.0, 1), (12.9, 1), (13.1, 2), (20.0, 2), (22.0, 2), (24.0, 3), (35.0, 4)]
)
def test_a_long_file_is_divided_into_clips_without_gaps(write, seconds, clips):
    found = list(read_clips(write("a.wav", seconds=seconds, rate=8_000), "a.wav"))
    assert len(found) == clips
    assert found[0].start_s == 0.0
    assert [piece.end_s for piece in found[:-1]] == [piece.start_s for piece in found[1:]]
    assert found[-1].end_s == pytest.approx(seconds)


def test_ten_hours_are_read_one_clip_at_a_time(write):
    path = write("a.wav", samples=np.ones((36_000 * 1_000, 1), np.int16), rate=1_000)
    stream = read_clips(path, "a.wav")
    assert next(stream).end_s == 10.0
    assert next(stream).start_s == 10.0


def test_a_file_longer_than_allowed_is_refused(write):
    with pytest.raises(InputError, match="too long, expected at most 2 s"):
        list(read_clips(write("a.wav", seconds=3.0), "a.wav", max_s=2.0))


def test_an_upload_is_decoded_from_memory(write):
    data = write("a.ogg", seconds=1.0).read_bytes()
    (piece,) = read_clips(data, "your recording")
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
def test_a_file_that_is_not_a_sound_is_refused_by_name(sounds, content, words, in_memory):
    path = sounds / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.wav.*({words})"):
        list(read_clips(content if in_memory else path, "bad.wav"))


def test_a_file_of_one_sample_is_refused(write):
    with pytest.raises(InputError, match="holds 1 samples, which is too short"):
        only(write("a.wav", samples=np.zeros((1, 1))))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_heard_as_silence_and_noted(write, bad):
    samples = np.full((4000, 1), 0.5, np.float32)
    samples[1234] = bad
    piece = only(write("a.wav", samples=samples, subtype="FLOAT"))
    assert piece.samples[1234] == 0
    assert piece.samples.sum() == 0.5 * 3999
    assert "1 samples that are not numbers" in piece.note


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.w64", "a.caf", "a.rf64", "a.flac", "a.mp3", "a.ogg"])
def test_a_truncated_file_is_read_as_far_as_it_goes_and_noted_once(write, sounds, name):
    whole = write(name, seconds=25.0, **({"format": "RF64"} if "rf64" in name else {})).read_bytes()
    found = list(read_clips(whole[: len(whole) // 2], "it"))
    assert 10 < found[-1].end_s < 14
    assert [bool(clip.note) for clip in found] == [False] * (len(found) - 1) + [True]
    assert "it is cut" in found[-1].note
    assert not list(read_clips(whole, "it"))[-1].note


def streamed_flac(path):
    """Write zero samples in all into the header, as an encoder does that writes into a pipe."""
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] & 0xF0]) + bytes(4)
    path.write_bytes(data)
    assert soundfile.info(path).frames > 2**62
    return path


def streamed_wav(path):
    data = bytearray(path.read_bytes())
    for place in (4, data.index(b"data") + 4):
        data[place : place + 4] = b"\xff" * 4
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("name", "stream"), [("a.flac", streamed_flac), ("a.wav", streamed_wav)])
def test_a_streamed_file_of_undeclared_length_is_read_to_its_end(write, name, stream):
    path = write(name, seconds=25.0)
    known = list(read_clips(path, "it"))
    found = list(read_clips(stream(path), "it", max_s=60))
    assert [piece.end_s for piece in found] == [10.0, 20.0, 25.0]
    assert all(np.array_equal(ours.samples, theirs.samples) for ours, theirs in zip(found, known, strict=True))
    np.testing.assert_array_equal(read_span(path, 20.0, 25.0, "it"), known[2].samples)


def test_a_streamed_file_is_still_refused_when_it_is_too_long(write):
    with pytest.raises(InputError, match="too long, expected at most 2 s"):
        list(read_clips(streamed_flac(write("a.flac", seconds=3.0)), "it", max_s=2.0))


@pytest.mark.parametrize("program", ["/bin/ls", sys.executable])
@pytest.mark.parametrize("name", ["prog.mp3", "prog.wav"])
def test_a_program_named_like_a_sound_is_refused(sounds, program, name):
    shutil.copyfile(program, sounds / name)
    with pytest.raises(InputError, match="not the header of a sound file"):
        list(read_clips(sounds / name, "it"))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("before", [b"", bytes(300), b"cut out of a stream"])
def test_an_mp3_is_recognised_by_its_frames_wherever_they_start(write, rate, before):
    assert is_sound((before + write("a.mp3", rate=rate).read_bytes())[:HEADER_SIZE])


def test_stereo_channels_that_cancel_are_replaced_by_the_loudest(write):
    tone = 0.5 * np.sin(np.arange(16_000) / 5)
    piece = only(write("a.wav", samples=np.stack([tone, -tone], axis=1), subtype="FLOAT"))
    np.testing.assert_allclose(np.abs(piece.samples), np.abs(tone), atol=1e-6)


@pytest.mark.parametrize("loudest", [0.0, 5e-5])
def test_a_silent_file_is_refused(write, loudest):
    with pytest.raises(InputError, match="is silent"):
        list(read_clips(write("a.wav", samples=np.full((16_000, 2), loudest), subtype="FLOAT"), "it"))


def test_many_channels_at_a_high_rate_take_little_memory(write):
    rng = np.random.default_rng(3)
    path = write("a.flac", samples=np.tile(0.1 * rng.standard_normal((655_350, 1)), (5, 8)), rate=655_350)
    tracemalloc.start()
    try:
        assert only(path).end_s == 5.0
        assert tracemalloc.get_traced_memory()[1] < 64e6  # at once it would be 105 MB
    finally:
        tracemalloc.stop()


def test_an_unreadable_file_is_refused_with_a_hint_on_permissions(write, monkeypatch):
    path = write("a.wav")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")  # chmod would not keep root out

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"it cannot be read \(Permission denied\); check its permissions"):
        list(read_clips(path, "it"))


def test_a_damaged_file_yields_clips_or_an_input_error(write, sounds):
    rng, messages = np.random.default_rng(5), []
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3"):
        whole = bytearray(write(name, seconds=1.0).read_bytes())
        for _ in range(30):
            damaged = bytearray(whole)
            for place in rng.integers(0, len(damaged), 8):
                damaged[place] = rng.integers(0, 256)
            try:
                for piece in read_clips(bytes(damaged), "it", max_s=600):
                    assert np.isfinite(piece.samples).all()
            except InputError as error:
                messages.append(str(error))
    assert messages
    assert all(message.startswith("it ") for message in messages)


def test_more_than_64_channels_are_refused(sounds):
    path = sounds / "many.wav"
    soundfile.write(path, np.zeros((400, 65)), 16_000)
    with pytest.raises(InputError, match="65 channels"):
        only(path)


def test_a_file_whose_end_is_not_known_is_played_as_it_is():
    content = by_libsndfile("WAV", seconds=0.5)
    assert for_browser(content, 0.0, UNKNOWN_END_S, "it") == ("audio/wav", None)
    mime, wav = for_browser(content, 0.25, UNKNOWN_END_S, "it")
    assert (mime, len(soundfile.read(io.BytesIO(wav))[0])) == (
        "audio/wav",
        round(0.5 * TONE_RATE) - round(0.25 * TONE_RATE),
    )
