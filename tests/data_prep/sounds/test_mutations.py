"""Mutated sound files: each is decoded or refused by name, and neither hangs nor crashes the program."""

import numpy as np

from data_prep.errors import InputError
from data_prep.sounds import decoder_pool
from data_prep.sounds.decoder_pool import DecoderPool
from tests.data_prep.sounds.sound_bytes import by_ffmpeg, by_libsndfile
from tests.stress import IS_STRESS

N = 20_000 if IS_STRESS else 300


CONTAINERS = ("WAV", "AIFF", "FLAC", "OGG", "MP3", "CAF", "W64", "RF64", "AU")
FFMPEG_KINDS = (
    *("ipod aac", "ipod alac", "webm libopus", "matroska flac", "asf wmav2", "wv wavpack", "adts aac", "mp2 mp2"),
    *("tta tta", "ac3 ac3", "flv aac", "avi mp2", "mpegts aac"),
)


def originals():
    """Return short sounds in many formats."""
    made = [by_libsndfile(container, seconds=0.3) for container in CONTAINERS]
    made += [by_libsndfile("WAV", coding, seconds=0.3) for coding in ("IMA_ADPCM", "MS_ADPCM", "GSM610", "FLOAT")]
    made.append(by_libsndfile("OGG", "OPUS", 0.3, rate=48_000))
    return made + [by_ffmpeg(*kind.split(), 48_000, seconds=0.3) for kind in FFMPEG_KINDS]


def mutated(rng, data):
    """Return a file with changed, missing, repeated or inserted bytes, more often near its start."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        at = int(len(data) * rng.random() ** rng.choice([1, 4]))
        kind, n = rng.integers(7), int(rng.integers(1, 65))
        if kind <= 2:
            data[at : at + 1] = bytes([rng.integers(256)])
        elif kind == 3:
            data[at : at + 4] = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF8], 1).astype("<u4").tobytes()
        elif kind == 4:
            del data[at : at + n]
        elif kind == 5:
            data[at:at] = data[at : at + n]
        else:
            data[at:] = b""
    return bytes(data)


def test_a_mutated_file_is_decoded_or_refused_by_name(monkeypatch):
    monkeypatch.setattr(decoder_pool, "_COMPUTING_S", 1.0)
    rng, files, pool = np.random.default_rng(1), originals(), DecoderPool()
    n_decoded, refusals = 0, []
    for number in range(N):
        try:
            for clip in pool.read_clips(mutated(rng, files[number % len(files)]), "it", max_s=600):
                assert np.isfinite(clip.samples).all()
            n_decoded += 1
        except InputError as error:
            refusals.append(str(error))
    assert n_decoded > N // 10
    assert all(text.startswith("it ") and text.isprintable() for text in refusals)
    limits = [text for text in refusals if "too long to be" in text or "memory" in text or "crashed" in text]
    print(f"{N:,} files: {n_decoded:,} decoded; limits passed: {sorted(limits)}")
