"""Clips, spans and WAV copies of sound files; clips and spans are mono at 16 kHz, the input of YAMNet."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from data_prep.errors import InputError
from data_prep.sounds.decoder import PADDING_S, Sound, Source, open_sound
from data_prep.sounds.measures import NOT_MEASURED, Measures
from data_prep.sounds.reader import Samples

RATE = 16_000  # Hz
CLIP_S = 10.0  # AudioSet's length of a clip
MIN_SOUND_S = 0.01
_MIN_LAST_CLIP_S = 3.0  # a shorter remainder is part of the clip before it
_SILENT = 1e-4  # peak relative to full scale (-80 dB), the noise level of converters
_CANCELLED = 1e-4  # the channels cancel if their mean has less than this share of the loudest one's power
_MIN_PLAYED_RATE, _MAX_PLAYED_RATE = 8_000, 48_000  # Hz, of WAV copies
_PADDING_SHARE = 0.01  # lengths of the same sound differ by this share, or by PADDING_S


@dataclass(frozen=True, slots=True)
class AudioClip:
    """One clip of a file: float32[n] at 16 kHz, its start and end in the file in seconds, and a note.

    note: what was wrong with the file; only the last clip of a file has one. measures: those of the decoder processes.
    Samples are within [-1, 1], except those of files that go beyond full scale.
    """

    samples: Samples
    start_s: float
    end_s: float
    note: str = ""
    measures: Measures = NOT_MEASURED


def read_clips(source: Source, name: str, max_s: float | None = None) -> Iterator[AudioClip]:
    """Yield the clips of a sound file, of ten seconds each; the last has 3 to 13 seconds, or all of a shorter file.

    name: of the file, for messages. max_s: maximum length in seconds. Raises InputError for a file that is not a sound,
    or holds less than 10 ms or nothing but silence; it may be raised after some clips.
    """
    with open_sound(source, name) as sound:
        clip, rest = round(CLIP_S * RATE), round(_MIN_LAST_CLIP_S * RATE)
        blocks, n_samples, start, end_s, peak = [np.empty((0, sound.channels), np.float32)], 0, 0, 0.0, 0.0
        for block, end_s in _resampled_blocks(sound):
            if max_s is not None and end_s > max_s:
                raise InputError(f"{name} is too long, expected at most {max_s:,.0f} s: cut it shorter")
            blocks.append(block)
            n_samples += len(block)
            peak = max(peak, float(np.abs(block).max(initial=0)))
            if n_samples >= clip + rest:
                joined = np.concatenate(blocks)
                yield AudioClip(_mono(joined[:clip]), start / RATE, (start + clip) / RATE)
                blocks, n_samples, start = [joined[clip:]], n_samples - clip, start + clip
        if end_s < MIN_SOUND_S:
            n = round(end_s * sound.rate)
            raise InputError(f"{name} holds {n:,} samples, which is too short: expected {MIN_SOUND_S:g} s or more")
        if peak < _SILENT:
            raise InputError(f"{name} is silent, its peak is below -80 dB: record it again, closer to the microphone")
        yield AudioClip(_mono(np.concatenate(blocks)), start / RATE, end_s, sound.note)


def read_span(source: Source, start_s: float, end_s: float, name: str) -> Samples:
    """Return a part of a sound file, mono float32[n] at 16 kHz. Raises InputError as `read_clips` does."""
    with open_sound(source, name) as sound:
        blocks = [block for block, _ in _resampled_blocks(sound, *_frames(sound, start_s, end_s))]
        return _mono(np.concatenate(blocks))


def span_as_wav(source: Source, start_s: float, end_s: float, name: str) -> bytes:
    """Return a part of a sound file as a 16-bit WAV file at its own sample rate, if that is 8 to 48 kHz.

    More than two channels become mono. A part that goes beyond full scale is made quieter, not clipped.
    """
    with open_sound(source, name) as sound:
        playable, rate = sound.channels <= 2, min(max(sound.rate, _MIN_PLAYED_RATE), _MAX_PLAYED_RATE)
        blocks = [
            block if playable else block.mean(axis=1, keepdims=True)
            for block, _ in _resampled_blocks(sound, *_frames(sound, start_s, end_s), rate=rate)
        ]
    samples = np.concatenate(blocks)
    if not len(samples):
        raise InputError(f"{name} ends before {start_s:,.1f} s: the file has changed; prepare its folder again")
    wav = io.BytesIO()
    soundfile.write(wav, samples / max(1.0, float(np.abs(samples).max())), rate, format="WAV", subtype="PCM_16")
    return wav.getvalue()


def for_browser(source: Source, start_s: float, end_s: float, name: str) -> tuple[str, bytes | None]:
    """Return the MIME type of a part of a sound file, and a WAV copy of it; None if browsers play the file as it is.

    They do if the part is all of the file, its codec is one that every browser plays, and its header has its length.
    """
    with open_sound(source, name) as sound:
        known = sound.browser_type() if start_s == 0 else None
    if known is not None and known[1] <= end_s + max(_PADDING_SHARE * end_s, PADDING_S):
        return known[0], None
    return "audio/wav", span_as_wav(source, start_s, end_s, name)


def _frames(sound: Sound, start_s: float, end_s: float) -> tuple[int, int]:
    """Return the first sample of a part of a sound, and the number of its samples."""
    return round(start_s * sound.rate), max(1, round((end_s - start_s) * sound.rate))


def _resampled_blocks(
    sound: Sound, start: int = 0, length: int = sys.maxsize, *, rate: int = RATE
) -> Iterator[tuple[Samples, float]]:
    """Yield the samples of a part at another rate, float32[n, channels], and the seconds read so far."""
    n_read, same = 0, sound.rate == rate
    resampler = soxr.ResampleStream(sound.rate, rate, sound.channels, dtype="float32")
    for block in sound.blocks(start, length):
        n_read += len(block)
        yield block if same else resampler.resample_chunk(np.ascontiguousarray(block)), n_read / sound.rate
    rest = np.empty((0, sound.channels), np.float32)
    yield rest if same or not n_read else resampler.resample_chunk(rest, last=True), n_read / sound.rate


def _mono(channels: Samples) -> Samples:
    """Return the mean of all channels, or the loudest channel if they cancel (one with reversed polarity)."""
    mono = channels.mean(axis=1, dtype=np.float32)
    power = np.square(channels).mean(axis=0) if len(channels) else np.zeros(channels.shape[1])
    if np.square(mono).sum() < _CANCELLED * power.max() * len(mono):
        mono = channels[:, power.argmax()]
    return np.asarray(mono, np.float32)
