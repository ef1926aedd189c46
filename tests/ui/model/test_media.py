"""Sounds and waveforms of clips, and names of their files."""

import io
import wave
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from data_prep.dataset.schema import UNKNOWN_END_S, Clip
from data_prep.errors import DataError
from data_prep.sounds.measure_columns import LOUDNESS
from ui.model import media


def clip(text, start=30.0):
    return Clip("x_30", "test", 0, text, start, start + 10, (), 10)


def test_a_recipe_is_rendered_as_wav():
    dataset = SimpleNamespace(media="synth")
    sound = media.sound(dataset, clip('{"kinds":["church-bell"],"seed":7}'))
    with wave.open(io.BytesIO(sound.content)) as reader:
        assert reader.getframerate() == 16_000
        assert reader.getnframes() == 40_000


def test_an_unknown_recipe_has_no_sound_and_a_flat_waveform():
    dataset = SimpleNamespace(media="synth", fingerprint="0123")
    unknown = clip('{"kinds":["no such thing"],"seed":7}')
    with pytest.raises(DataError):
        media.sound(dataset, unknown)
    assert media.waveform(dataset, unknown, 8).heights == [0] * 8


@pytest.mark.parametrize("video", ["", "short", 'x"><script>1', "../../etc/pw", "a" * 12, "abcdefghij\n"])
def test_only_a_valid_video_id_is_used(video):
    assert media.source(SimpleNamespace(media="youtube"), clip(video)) == {"kind": "sound"}


def test_a_video_is_played_from_the_start_to_the_end_of_its_clip():
    source = media.source(SimpleNamespace(media="youtube"), clip("--PJHxphWEs"))
    assert source == {"kind": "youtube", "video": "--PJHxphWEs", "start": 30.0, "end": 40.0}


def test_a_sound_file_outside_its_folder_is_not_sent(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    soundfile.write(tmp_path / "in" / "mine.wav", np.zeros(8_000 * 50), 8_000)
    dataset = folder_of(tmp_path / "in")
    assert media.sound(dataset, clip("mine.wav")).mime == "audio/wav"
    for path in ("../secret.wav", str(tmp_path / "secret.wav"), "missing.wav"):
        with pytest.raises(OSError, match=r"secret|missing"):
            media.sound(dataset, clip(path))


def folder_of(path):
    clips = pa.table({LOUDNESS: [-3.2, None]})
    facts = {"manifest": {"media_folder": str(path)}, "fingerprint": str(path), "clips": lambda _split: clips}
    return SimpleNamespace(media="file", **facts)


def test_a_short_file_that_every_browser_plays_is_sent_unchanged(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(8_000), 8_000)
    sent = media.sound(folder_of(tmp_path), replace(clip("a.flac"), start_s=0.0, end_s=1.0))
    assert sent.mime == "audio/flac"
    assert sent.content == tmp_path / "a.flac"


def test_only_the_clip_of_a_long_file_is_sent(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.sin(np.arange(8_000 * 50)), 8_000)
    sent = media.sound(folder_of(tmp_path), clip("a.flac"))
    with wave.open(io.BytesIO(sent.content)) as wav:
        assert (wav.getframerate(), wav.getnframes()) == (8_000, 80_000)


def test_a_file_that_browsers_cannot_play_is_sent_as_wav(tmp_path):
    soundfile.write(tmp_path / "a.aiff", np.zeros(8_000), 8_000)
    assert media.sound(folder_of(tmp_path), replace(clip("a.aiff"), start_s=0.0, end_s=1.0)).mime == "audio/wav"


def test_the_waveform_of_a_file_is_that_of_the_clip(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(16_000 * 35), np.ones(16_000 * 10)]), 16_000)
    assert media.waveform(folder_of(tmp_path), clip("a.wav"), 4).heights == [0, 0, 100, 100]


def test_the_level_of_a_file_is_the_loudness_stored_when_it_was_decoded(tmp_path):
    soundfile.write(tmp_path / "b.wav", np.full(8_000 * 40, 0.5), 8_000)
    sounds = folder_of(tmp_path)
    assert media.waveform(sounds, clip("b.wav"), 4).level == -3.2
    assert media.waveform(sounds, replace(clip("b.wav"), clip_id="y", row=1), 4).level == -6.0  # none is stored


def test_a_missing_file_has_no_sound_and_a_flat_waveform(tmp_path):
    with pytest.raises(FileNotFoundError):
        media.sound(folder_of(tmp_path), clip("gone.wav"))
    assert media.waveform(folder_of(tmp_path), clip("gone.wav"), 4).heights == [0] * 4


def test_bar_heights_are_square_roots_of_peaks():
    audio = np.concatenate([np.zeros(100), np.full(100, 0.25), np.ones(100), np.zeros(100)]).astype(np.float32)
    assert media.bar_heights(audio, 4) == [0, 50, 100, 0]


def test_a_silent_or_empty_sound_has_flat_bars():
    assert media.bar_heights(np.zeros(50, np.float32), 5) == [0] * 5
    assert media.bar_heights(np.empty(0, np.float32), 5) == [0] * 5


def test_an_address_is_left_to_the_browser_with_the_part_that_it_plays():
    dataset, address = SimpleNamespace(media="url"), "https://a.example/b c.mp3"
    assert media.source(dataset, clip("https://a.example/b.mp3")) == {"kind": "sound", "fragment": "#t=30,40"}
    assert media.source(dataset, replace(clip(address), end_s=UNKNOWN_END_S)) == {"kind": "sound", "fragment": "#t=30"}
    assert media.waveform(dataset, clip(address), 4).heights == [0] * 4
    assert media.address(dataset, clip("https://a.example/b.mp3")) == "https://a.example/b.mp3"


@pytest.mark.parametrize("text", ["", "file:///etc/passwd", "javascript:alert(1)", "//a.example/b", "https:///b"])
def test_only_an_address_of_http_is_opened(text):
    assert media.address(SimpleNamespace(media="url"), clip(text)) is None
    assert media.address(SimpleNamespace(media="file"), clip("https://a.example/b.mp3")) is None


def test_a_clip_whose_end_is_not_known_has_no_length():
    assert media.length(clip("a.wav")) == "10.0 s"
    unknown = replace(clip("a.wav"), end_s=UNKNOWN_END_S)
    assert media.length(unknown) == ""
    assert media.origin(SimpleNamespace(media="file"), unknown) == "a.wav, from 0:30"
    assert media.origin(SimpleNamespace(media="file"), replace(unknown, media="", start_s=0)) == "no sound"
