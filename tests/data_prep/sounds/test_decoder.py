"""Lengths that are true, whatever the header says; formats by contents; reasons for what is not decoded."""

import io
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from data_prep.errors import InputError
from data_prep.sounds import ffmpeg_reader
from data_prep.sounds.audio import read_clips, read_span, span_as_wav
from data_prep.sounds.decoder import open_sound
from data_prep.sounds.ffmpeg_reader import FFmpegReader
from data_prep.sounds.reader import DecodeError
from tests.data_prep.sounds.sound_bytes import (
    by_ffmpeg,
    by_libsndfile,
    inserted,
    ogg_page,
    ogg_pages,
    patched,
    tone,
    video_without_sound,
)

TWO_SECONDS = 2.0


class Frame:
    """A frame of FFmpeg of two channels, whose samples are these."""

    def __init__(self, samples, is_planar):
        self.format, self.layout = SimpleNamespace(is_planar=is_planar), SimpleNamespace(nb_channels=2)
        self._array = samples.T if is_planar else samples.reshape(1, -1)

    def to_ndarray(self):
        return self._array


@pytest.mark.parametrize("is_planar", [False, True])
def test_samples_of_ffmpeg_of_any_type_are_from_minus_1_to_1(is_planar):
    signal = np.array([[-1, -0.5], [0, 0.25], [0.5, 0]])
    types = {np.uint8: 128 * signal + 128, np.int16: 2**15 * signal, np.int32: 2.0**31 * signal, np.float64: signal}
    for dtype, values in types.items():
        found = ffmpeg_reader._samples(Frame(values.astype(dtype), is_planar))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, signal.astype(np.float32))


FULL = 0xFFFF_FFFF

WAV, AIFF, AU = by_libsndfile("WAV"), by_libsndfile("AIFF"), by_libsndfile("AU")
FLAC, OGG, OPUS = by_libsndfile("FLAC"), by_libsndfile("OGG"), by_libsndfile("OGG", "OPUS", rate=48_000)
MP3 = by_libsndfile("MP3")
XING = MP3.index(b"Info") if b"Info" in MP3 else MP3.index(b"Xing")
FALL = np.linspace(0.5, 0, 88_200, dtype=np.float32)[:, None] ** 4
NOISE = FALL * np.random.default_rng(1).standard_normal((88_200, 2)).astype(np.float32)
VARIABLE = {"flags": "+qscale", "global_quality": "300"}
VBR = by_ffmpeg("mp3", "libmp3lame", options={"write_xing": "0"}, samples=NOISE, **VARIABLE)
TAG = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)

# Files whose header is wrong, and that hold two seconds all the same.
WHOLE = {
    **{
        f"wav, data size {size:x}": patched(WAV, (b"data", 4), size)
        for size in (0, 1000, 44100, 1 << 31, FULL - 1, FULL)
    },
    **{f"wav, RIFF size {size:x}": patched(WAV, 4, size) for size in (0, 36, 1000, 1 << 31, FULL)},
    "wav, both 0": patched(patched(WAV, 4, 0), (b"data", 4), 0),
    **{f"wav, byte rate {rate}": patched(WAV, 28, rate) for rate in (0, 88_200, 44_100_000)},
    "wav, block size 0": patched(WAV, 32, 0, "<H"),
    "wav, unknown chunk that passes the end": inserted(
        WAV, b"data", b"LIST" + struct.pack("<I", FULL - 15) + b"INFOabcd"
    ),
    "wav, last chunk passes the end": WAV + b"LIST" + struct.pack("<I", FULL - 15) + b"INFO",
    "wav, PEAK chunk for one channel": inserted(
        by_libsndfile("WAV", "FLOAT", channels=2), b"data", b"PEAK" + struct.pack("<I", 16) + bytes(16)
    ),
    "wav, padding": WAV + bytes(5000),
    "wav, ID3 before": TAG + WAV,
    "wav, ID3v1 behind": WAV + b"TAG" + b"x" * 125,
    "wav, float, data size 0": patched(by_libsndfile("WAV", "FLOAT"), (b"data", 4), 0),
    "wav, 24 bits, data size 0": patched(by_libsndfile("WAVEX", "PCM_24", channels=2), (b"data", 4), 0),
    "wav, ADPCM, byte rate": patched(by_libsndfile("WAV", "IMA_ADPCM"), 28, 999_999),
    "rf64, never filled in": patched(patched(by_libsndfile("RF64"), (b"ds64", 8), 0, "<Q"), (b"ds64", 16), 0, "<Q"),
    "w64, data size 0": patched(by_libsndfile("W64"), (b"data", 16), 24, "<Q"),
    "caf, data size -1": patched(by_libsndfile("CAF"), (b"data", 4), -1, ">q"),
    **{f"aiff, FORM size {size:x}": patched(AIFF, 4, size, ">I") for size in (0, 180_000, FULL)},
    **{f"aiff, {n} frames": patched(AIFF, (b"COMM", 10), n, ">I") for n in (0, 22_050, 88_200)},
    "aiff, never filled in": patched(patched(AIFF, (b"SSND", 4), 8, ">I"), (b"COMM", 10), 0, ">I"),
    **{f"au, data size {size:x}": patched(AU, 8, size, ">I") for size in (0, 44_100, FULL)},
    "flac, 0 samples": patched(FLAC, 22, 0, ">I"),
    "flac, half of the samples": patched(FLAC, 22, 22_050, ">I"),
    "flac, ID3 before": TAG + FLAC,
    "ogg, no end of stream": b"".join(ogg_page(page, flags=page[5] & ~4) for page in ogg_pages(OGG)),
    "opus, no end of stream": b"".join(ogg_page(page, flags=page[5] & ~4) for page in ogg_pages(OPUS)),
    "ogg, recorded from a stream": b"".join(ogg_page(page, granule=10**6) for page in ogg_pages(OGG)),
    "ogg, text behind": OGG + b"garbage" * 20,
    **{f"mp3, Xing frame of {n} frames": patched(MP3, XING + 8, n, ">I") for n in (0, 10)},
    "mp3, variable bit rate without Xing frame": VBR,
    "mp3, APE and ID3v1 tags": MP3 + b"APETAGEX" + bytes(24) + b"TAG" + bytes(125),
    "mp3, two ID3 tags and padding": TAG + b"ID3\x03\0\0\0\2\0\0" + bytes(2 << 14) + bytes(40_000) + MP3,
    "aac, ID3 before": TAG + by_ffmpeg("adts", "aac"),
    "mp3, large ID3 tag": b"ID3\x03\0\0\0\2\0\0" + bytes(2 << 14) + MP3,
}
OTHER = b"".join(ogg_page(page, serial=77) for page in ogg_pages(by_libsndfile("OGG", rate=44_100, channels=2)))
SECOND_OPUS = b"".join(ogg_page(page, serial=78) for page in ogg_pages(OPUS))
# Files of two parts, each of two seconds.
CHAINED = {
    "ogg twice": OGG + OGG,
    "ogg, then another rate and stereo": OGG + OTHER,
    "vorbis, then opus": OGG + SECOND_OPUS,
    "opus twice": OPUS + SECOND_OPUS,
    "flac twice": FLAC + FLAC,
    "mp3, then another rate and stereo": by_ffmpeg("mp3", "libmp3lame", 22_050, 1) + by_ffmpeg("mp3", "libmp3lame"),
}


def length(data):
    """Return the length of a file in seconds, and its note."""
    clips = list(read_clips(data, "it"))
    return clips[-1].end_s, clips[-1].note


def test_libsndfile_alone_hears_less_of_an_mp3_of_variable_bit_rate():
    assert soundfile.info(io.BytesIO(VBR)).duration < 1.7


@pytest.mark.parametrize("kind", WHOLE)
def test_a_wrong_header_loses_nothing_and_is_no_reason_to_complain(kind):
    seconds, note = length(WHOLE[kind])
    assert seconds == pytest.approx(TWO_SECONDS, abs=0.1)
    assert note == ""


@pytest.mark.parametrize("kind", CHAINED)
def test_every_part_of_a_chained_file_is_heard(kind):
    seconds, note = length(CHAINED[kind])
    assert seconds == pytest.approx(2 * TWO_SECONDS, abs=0.1)
    assert note == ""
    last = read_span(CHAINED[kind], seconds - 1, seconds, "it")
    assert np.abs(last).max() == pytest.approx(0.4, abs=0.1)


def test_a_span_of_a_chained_file_is_where_its_clip_is():
    whole = np.concatenate([clip.samples for clip in read_clips(OGG + OTHER, "it")])
    np.testing.assert_allclose(read_span(OGG + OTHER, 2.5, 3.0, "it")[800:-800], whole[40_800:47_200], atol=0.01)


PLAYED = {"WAV": "audio/wav", "FLAC": "audio/flac", "MP3": "audio/mpeg"}


@pytest.mark.parametrize(
    ("data", "played"),
    [
        *((by_libsndfile(name, rate=16_000), (mime, 2.0)) for name, mime in PLAYED.items()),
        (by_libsndfile("WAV", "PCM_U8", channels=2), ("audio/wav", 2.0)),
        (by_libsndfile("WAV", "PCM_24"), ("audio/wav", 2.0)),
        (by_ffmpeg("ipod", "aac"), ("audio/mp4", 2.0)),
        *((by_libsndfile("WAV", seconds=0.5, rate=rate), ("audio/wav", 0.5)) for rate in (8_000, 192_000)),
        *((by_libsndfile("WAV", seconds=0.5, rate=rate), None) for rate in (7_999, 192_001)),
        (by_libsndfile("WAV", channels=3), None),
        (by_libsndfile("WAV", "FLOAT"), None),
        (by_libsndfile("AIFF"), None),
        (by_ffmpeg("mov", "aac"), None),
        (patched(WAV, (b"data", 4), 1000), None),  # read to the end here, and not by browsers
        (patched(WAV, 4, 0), None),
    ],
)
def test_what_browsers_play_alike_is_known_with_its_length(data, played):
    with open_sound(data, "it") as sound:
        assert sound.browser_type() == (played and (played[0], pytest.approx(played[1], abs=0.1)))


def test_ffmpeg_yields_what_a_cut_file_holds_and_then_says_that_it_breaks_off():
    reader = FFmpegReader(io.BytesIO(FLAC[: len(FLAC) * 2 // 3]))
    held = []
    with pytest.raises(DecodeError, match="part of its data cannot be decoded"):
        held.extend(reader.blocks(0))
    assert 0.5 < sum(len(block) for block, _ in held) / len(tone()) < 0.7


CODECS = [
    *(("mp4", "aac"), ("mp4", "alac"), ("ipod", "aac"), ("mp4", "libopus"), ("mp4", "flac"), ("mov", "pcm_s24be")),
    *(("webm", "libopus"), ("matroska", "flac"), ("matroska", "mp2"), ("asf", "wmav2"), ("asf", "wmav1")),
    *(("ogg", "flac"), ("ogg", "libopus"), ("adts", "aac"), ("mp3", "libmp3lame"), ("mp2", "mp2"), ("wv", "wavpack")),
    *(("tta", "tta"), ("ac3", "ac3"), ("eac3", "eac3"), ("caf", "alac"), ("avi", "libmp3lame"), ("flv", "aac")),
    *(("mpegts", "aac"), ("mpeg", "mp2"), ("nut", "pcm_s16le"), ("wav", "adpcm_ms"), ("wav", "libmp3lame")),
    *(("rm", "ac3"), ("latm", "aac"), ("au", "pcm_f32be"), ("swf", "libmp3lame"), ("matroska", "tta")),
]


@pytest.mark.parametrize(("container", "codec"), CODECS)
def test_what_ffmpeg_encodes_is_decoded(container, codec):
    rate = 48_000 if "opus" in codec or "ac3" in codec else 44_100
    data = by_ffmpeg(container, codec, rate)
    seconds, note = length(data)
    assert seconds == pytest.approx(TWO_SECONDS, abs=0.1)
    assert note == ""
    middle = read_span(data, 0.5, 1.5, "it")
    assert np.abs(np.fft.rfft(middle)).argmax() == 440


@pytest.mark.parametrize("codec", ["libopencore_amrnb", "aac"])
def test_what_phones_record_as_3gp_is_decoded(codec):
    assert length(by_ffmpeg("3gp", codec, 8_000, 1)) == (pytest.approx(TWO_SECONDS, abs=0.1), "")


@pytest.mark.parametrize("kind", [("mp4", "aac"), ("mp3", "libmp3lame"), ("webm", "libopus"), ("ogg", "libopus")])
def test_a_part_late_in_a_file_is_the_same_as_in_its_clip(kind):
    rising = np.sin(np.arange(48_000 * 70) ** 2 / 4e8).astype(np.float32)[:, None]
    data = by_ffmpeg(*kind, 48_000, 1, samples=rising)
    clips = list(read_clips(data, "it"))
    clip = clips[4]
    part = read_span(data, clip.start_s, clip.end_s, "it")
    assert len(part) == pytest.approx(len(clip.samples), abs=2)
    ours, theirs = part[1000:-1000], clip.samples[1000 : len(part) - 1000]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9  # times in WebM are whole milliseconds


def test_an_mp4_in_fragments_is_decoded_as_one_with_an_index_is():
    first = by_ffmpeg("mp4", "aac")
    fragments = by_ffmpeg("mp4", "aac", options={"movflags": "frag_keyframe+empty_moov"})
    assert length(first)[0] == pytest.approx(TWO_SECONDS, abs=0.1)
    assert length(fragments)[0] == pytest.approx(TWO_SECONDS, abs=0.1)


@pytest.mark.parametrize("kind", ["webm libopus", "matroska flac", "wv wavpack", "tta tta", "caf pcm_s16le", "avi mp2"])
def test_a_cut_copy_of_what_only_ffmpeg_knows_is_noted(kind):
    data = by_ffmpeg(*kind.split(), 48_000, seconds=8.0)
    seconds, note = length(data[: len(data) // 2])
    assert 2 < seconds < 5
    assert "it is cut" in note


@pytest.mark.parametrize("data", [by_ffmpeg("ipod", "aac"), by_ffmpeg("mov", "alac"), OGG])
def test_a_file_cut_before_its_sound_is_refused_as_such(data):
    with pytest.raises(InputError, match="it is cut before its sound begins"):
        length(data[: len(data) // 2])


def test_a_wav_copy_of_a_loud_float_file_is_not_clipped():
    wav, _ = soundfile.read(io.BytesIO(span_as_wav(by_libsndfile("WAV", "FLOAT", peak=2.0), 0.0, 1.0, "it")))
    expected = tone(1.0, peak=1.0)[:, 0]
    np.testing.assert_allclose(wav, expected, atol=0.001)


def test_24_bits_of_flac_and_alac_are_kept():
    for data in (by_libsndfile("FLAC", "PCM_24", peak=1e-4), by_libsndfile("CAF", "ALAC_24", peak=1e-4)):
        with open_sound(data, "it") as sound:
            samples = np.concatenate(list(sound.blocks()))
        np.testing.assert_allclose(samples, tone(peak=1e-4), atol=2**-22)


def boxes(data, old, new):
    """Return an MP4 with the name of a box replaced."""
    assert old in data
    return data.replace(old, new)


MIDI = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0"
ASF_DRM = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
NOT_DECODED = {
    "it is a MIDI file: it holds notes and no sound": [MIDI, b"RIFF" + struct.pack("<I", 99) + b"RMID" + MIDI],
    "it is a tracker module": [
        *(b"IMPM" + bytes(500), b"Extended Module: a song" + bytes(500), bytes(44) + b"SCRM" + bytes(500)),
        bytes(1080) + b"M.K." + bytes(500),
    ],
    "it is a program for the sound chip": [b"PSID" + bytes(200), b"NESM\x1a" + bytes(200), b"Vgm " + bytes(200)],
    "it is a bank of instruments": [b"RIFF" + struct.pack("<I", 99) + b"sfbk" + bytes(99)],
    "is protected": [
        boxes(by_ffmpeg("ipod", "aac"), b"mp4a", b"drms"),
        boxes(by_ffmpeg("mp4", "aac"), b"mp4a", b"enca"),
        by_ffmpeg("asf", "wmav2")[:500] + ASF_DRM + by_ffmpeg("asf", "wmav2")[500:],
    ],
    "it holds no sound, only pictures or text": [
        *(video_without_sound(), video_without_sound("matroska"), video_without_sound("avi")),
    ],
}


@pytest.mark.parametrize("reason", NOT_DECODED)
def test_what_is_no_recording_is_refused_with_the_reason(reason):
    for data in NOT_DECODED[reason]:
        with pytest.raises(InputError, match=f"^it .*{reason.removeprefix('it ')}"):
            list(read_clips(data, "it"))


LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet><Representation>'
    "<BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_file_that_names_another_file_does_not_make_the_decoder_open_it(write, kind):
    secret = write("secret.wav")
    data = LISTS[kind].format(secret).encode()
    with pytest.raises(InputError, match="cannot be decoded"):
        list(read_clips(data, "it"))


def test_the_name_of_a_file_does_not_matter(sounds):
    for name, data in (
        ("a.mp3", FLAC),
        ("a.wav", by_ffmpeg("ipod", "aac")),
        ("a.m4a", OGG),
        ("a", MP3),
        ("a.txt", WAV),
    ):
        (sounds / name).write_bytes(data)
        (clip,) = read_clips(sounds / name, "it")
        assert clip.end_s == pytest.approx(TWO_SECONDS, abs=0.1)


# The examples beside the test data, with their lengths in seconds.
CASES = {
    "vbr_mp3_without_xing_lame_stdout.mp3": 2.0,
    "mp3_xing_says_0_frames.mp3": 2.0,
    "chained.ogg": 4.0,
    "byte_rate_doubled.wav": 2.0,
    "riff_size_field_wrong.wav": 2.0,
    "data_size_0_after_crash.wav": 2.0,
    "cut_half.wav": 1.0,
    "adobe_peak_chunk.wav": 0.5,
    "ogg_flac.ogg": 2.0,
    "phone.m4a": 2.0,
    "unnoticed_browser.webm": 2.0,
    "unnoticed.wave": 2.0,
    "mute_in_browser_ima_adpcm.wav": 2.0,
    "mute_in_browser_aiff_named.wav": 2.0,
    "float_above_0dB.wav": 2.0,
}


@pytest.mark.parametrize("name", CASES)
def test_each_example_has_its_length(real_data, name):
    path = real_data / "cases" / "sounds" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    (clip,) = read_clips(path, "it")
    assert clip.end_s == pytest.approx(CASES[name], abs=0.1)
    assert bool(clip.note) == (name == "cut_half.wav")
    assert not clip.note or "its header promises 2.0 s; the 1.0 s that it holds are used" in clip.note
    if name == "float_above_0dB.wav":
        assert np.abs(clip.samples).max() > 1.9
