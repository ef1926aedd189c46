"""Mutated sound files: each is decoded or refused by name, and neither hangs nor crashes the program."""

import numpy as np

from data_prep.errors import InputError
from data_prep.sounds import decoder_pool
from data_prep.sounds.decoder_pool import DecoderPool
from tests.data_prep.mutated import mutated
from tests.data_prep.sounds.sound_bytes import by_ffmpeg, by_libsndfile
from tests.stress import IS_STRESS

N = 20_000 if IS_STRESS else 150


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
