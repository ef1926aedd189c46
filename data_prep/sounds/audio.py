"""Decoder of sound files: 16 kHz, mono, float32 in [-1, 1], the input of YAMNet.

libsndfile decodes (through `soundfile`), soxr resamples. At most a second is read at a time, so a ten-hour recording
takes no more memory than ten seconds. The number of samples that a header declares may be wrong, and is missing in a
streamed file, so the samples are counted.
"""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from data_prep.arrays import Float32Array
from data_prep.errors import InputError
from data_prep.sounds.signatures import HEADER_SIZE, is_sound

RATE = 16_000  # Hz
CLIP_S = 10.0  # AudioSet's length of a clip
MIN_SOUND_S = 0.01
_MIN_LAST_CLIP_S = 3.0  # a shorter remainder is part of the clip before it
_MAX_CHANNELS = 64
_MIN_RATE, _MAX_RATE = 1_000, 768_000  # Hz
_BLOCK = 1 << 18  # samples (of all channels together) decoded at a time
_SILENT = 1e-4  # peak relative to full scale (-80 dB), the noise level of converters
_CANCELLED = 1e-4  # the channels cancel if their mean has less than this share of the loudest one's power
_MISSING = 0.01  # maximum missing share of the declared length
_MAX_DECLARED_BYTES = 0x7FFF_0000  # programs that write to a pipe declare this or more
_DECLARED = re.compile(r": (\d+) \(should be (\d+)\)")  # in libsndfile's log: declared and actual size of a chunk

Samples = Float32Array
Source = str | Path | BinaryIO


@dataclass(frozen=True, slots=True)
class AudioClip:
    """One clip of a file: float32[n] at 16 kHz, and its start and end in the file in seconds."""

    samples: Samples
    start_s: float
    end_s: float


def read_clips(source: Source, name: str, max_s: float | None = None) -> Iterator[AudioClip]:
    """Yield the clips of a sound file, of ten seconds each; the last has 3 to 13 seconds, or all of a shorter file.

    name: of the file, for messages. max_s: maximum length in seconds. Raises InputError for a file that is not a sound
    or is damaged, truncated, empty or silent, or holds samples that are not finite; it may be raised after some clips.
    """
    with _open_sound(source, name) as file:
        declared_s, clip, rest = _declared_s(file), round(CLIP_S * RATE), round(_MIN_LAST_CLIP_S * RATE)
        _check_complete(name, declared_s, file.frames / file.samplerate)
        blocks, n_samples, start, end_s, peak = [np.empty((0, file.channels), np.float32)], 0, 0, 0.0, 0.0
        for block, end_s in _resampled_blocks(file, name):
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
            n = round(end_s * file.samplerate)
            raise InputError(f"{name} holds {n:,} samples, which is too short: expected {MIN_SOUND_S:g} s or more")
        _check_complete(name, declared_s, end_s)
        if peak < _SILENT:
            raise InputError(f"{name} is silent, its peak is below -80 dB: record it again, closer to the microphone")
        yield AudioClip(_mono(np.concatenate(blocks)), start / RATE, end_s)


def duration(source: Source, name: str) -> float:
    """Return the length in seconds that a sound file's header declares; a streamed file declares a huge one."""
    with _open_sound(source, name) as file:
        return float(file.frames / file.samplerate)


def read_span(source: Source, start_s: float, end_s: float, name: str) -> Samples:
    """Return a part of a sound file, mono float32[n] at 16 kHz. Raises InputError as `read_clips` does."""
    with _open_sound(source, name) as file:
        n_frames = _seek(file, start_s, end_s)
        return _mono(np.concatenate([block for block, _ in _resampled_blocks(file, name, n_frames)]))


def span_as_wav(source: Source, start_s: float, end_s: float, name: str) -> bytes:
    """Return a part of a sound file as a 16-bit WAV file at its own sample rate; more than two channels become mono."""
    with _open_sound(source, name) as file:
        n_frames, rate, playable = _seek(file, start_s, end_s), file.samplerate, file.channels <= 2
        blocks = [b if playable else b.mean(axis=1, keepdims=True) for b in _blocks(file, name, n_frames)]
    if not blocks:
        raise InputError(f"{name} ends before {start_s:,.1f} s: the file has changed; prepare its folder again")
    wav = io.BytesIO()
    soundfile.write(wav, np.concatenate(blocks), rate, format="WAV", subtype="PCM_16")
    return wav.getvalue()


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no type hints
    """A SoundFile without the seek that soundfile adds to every read, which fails if the length is unknown."""

    header = b""

    def seekable(self) -> bool:
        """Return False, so that soundfile does not seek; explicit calls of `seek` still work."""
        return False


def _seek(file: _SequentialFile, start_s: float, end_s: float) -> int:
    """Seek to the start of a part; return the length of the part in samples of each channel."""
    file.seek(min(round(start_s * file.samplerate), file.frames))
    length: int = round((end_s - start_s) * file.samplerate)
    return max(1, length)


@contextmanager
def _open_sound(source: Source, name: str) -> Iterator[_SequentialFile]:
    try:
        header = _read_header(source, name)
        if not is_sound(header):
            raise InputError(
                f"{name} cannot be decoded (not the header of a sound file); expected wav, flac, ogg, mp3 or aiff"
            )
        with _SequentialFile(source) as file:
            file.header = header
            if file.channels > _MAX_CHANNELS or not _MIN_RATE <= file.samplerate <= _MAX_RATE:
                raise InputError(
                    f"{name} declares {file.channels} channels at {file.samplerate:,} Hz; expected at most "
                    f"{_MAX_CHANNELS} channels at {_MIN_RATE:,} to {_MAX_RATE:,} Hz"
                )
            yield file
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{name} cannot be decoded ({error.error_string.strip().rstrip('.')}); expected wav, flac, ogg, mp3 or aiff"
        ) from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}); check its permissions") from None


def _read_header(source: Source, name: str) -> bytes:
    if isinstance(source, str | Path):
        if not Path(source).is_file():
            raise InputError(f"{name} is not a file")
        with Path(source).open("rb") as file:
            header = file.read(HEADER_SIZE)
    else:
        header = source.read(HEADER_SIZE)
        source.seek(0)
    if not header:
        raise InputError(f"{name} is empty (0 bytes)")
    return header


def _declared_s(file: _SequentialFile) -> float:
    """Return the length in seconds that a file's header declares; 0 if it declares none or an estimate."""
    estimated = file.format == "MP3" and b"Xing" not in file.header and b"Info" not in file.header
    if estimated or file.frames == sys.maxsize:  # FLAC written to a pipe
        return 0.0
    sizes = [(int(declared), int(actual)) for declared, actual in _DECLARED.findall(file.extra_info)]
    ratios = [declared / actual for declared, actual in sizes if actual and declared < _MAX_DECLARED_BYTES]
    return float(file.frames / file.samplerate * max(ratios, default=1.0))


def _check_complete(name: str, declared_s: float, actual_s: float) -> None:
    if actual_s < (1 - _MISSING) * declared_s:
        raise InputError(
            f"{name} is truncated: its header declares {declared_s:,.1f} s, it holds {actual_s:,.1f} s; copy it again"
        )


def _blocks(file: _SequentialFile, name: str, n_frames: int = sys.maxsize) -> Iterator[Samples]:
    """Yield the next samples of all channels in small blocks, float32[n, channels] in [-1, 1]."""
    step = max(1, min(file.samplerate, _BLOCK // file.channels))
    while n_frames:
        wanted = min(step, n_frames)
        try:
            block = file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{name} is damaged: {error.error_string.strip().rstrip('.')}") from None
        if not np.isfinite(block).all():
            raise InputError(f"{name} holds samples that are not numbers (NaN or infinity): export it again")
        if len(block):
            yield np.clip(block, -1, 1)
        n_frames = n_frames - wanted if len(block) == wanted else 0


def _resampled_blocks(file: _SequentialFile, name: str, n_frames: int = sys.maxsize) -> Iterator[tuple[Samples, float]]:
    """Yield the next samples at 16 kHz, float32[n, channels], and the seconds read so far."""
    rate, n_read = file.samplerate, 0
    resampler = soxr.ResampleStream(rate, RATE, file.channels, dtype="float32")
    for block in _blocks(file, name, n_frames):
        n_read += len(block)
        yield block if rate == RATE else resampler.resample_chunk(block), n_read / rate
    rest = np.empty((0, file.channels), np.float32)
    yield rest if rate == RATE or not n_read else resampler.resample_chunk(rest, last=True), n_read / rate


def _mono(channels: Samples) -> Samples:
    """Return the mean of all channels, or the loudest channel if they cancel (one with reversed polarity)."""
    mono = channels.mean(axis=1, dtype=np.float32)
    power = np.square(channels).mean(axis=0) if len(channels) else np.zeros(channels.shape[1])
    if np.square(mono).sum() < _CANCELLED * power.max() * len(mono):
        mono = channels[:, power.argmax()]
    return np.asarray(np.clip(mono, -1, 1), np.float32)
