"""Sound files as YAMNet wants them: 16 kHz, one channel, in [-1, 1]; whatever else a file holds is refused in words.

libsndfile decodes (through `soundfile`), soxr resamples; both are maintained and fuzzed by others. A file is read a
clip at a time, so a ten-hour recording takes no more memory than ten seconds of it, and nothing that a header claims
is believed before the samples are there.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from data_prep.errors import InputError

RATE = 16_000  # Hz
CLIP_S = 10.0  # AudioSet's length of a clip
SHORTEST_S = 0.01  # less is no sound to an ear
_REST_S = 3.0  # a shorter end of a long file stays with the clip before it
_MOST_CHANNELS = 64
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000  # Hz

Samples = npt.NDArray[np.float32]
Source = str | Path | BinaryIO


@dataclass(frozen=True, slots=True)
class Piece:
    """One clip of a file: float32[n] at 16 kHz, and where it stands in the file, in seconds."""

    samples: Samples
    start_s: float
    end_s: float


def pieces(source: Source, name: str, longest_s: float | None = None) -> Iterator[Piece]:
    """Yield a sound file's clips of about ten seconds; a file of up to 13 seconds is one clip.

    longest_s: refuse a longer file. `name` is what messages call it. Raises InputError for what is no sound, is
    damaged, is empty, or holds samples that are not finite.
    """
    with _opened(source, name) as file:
        rate, frames = file.samplerate, file.frames
        if longest_s is not None and frames > longest_s * rate:
            raise InputError(
                f"{name} lasts {frames / rate:,.0f} s, expected at most {longest_s:,.0f} s: cut it shorter"
            )
        if frames < SHORTEST_S * rate:
            raise InputError(f"{name} holds {frames:,} samples, too few to hear: expected {SHORTEST_S:g} s or more")
        begin = 0
        for length in _lengths(frames, rate):
            block = _read(file, length, name)
            yield Piece(_mono_16k(block, rate, name), begin / rate, (begin + len(block)) / rate)
            begin += len(block)
            if len(block) < length:  # the header promised more than there is
                break


def seconds(source: Source, name: str) -> float:
    """Return how long a sound file says it is."""
    with _opened(source, name) as file:
        return float(file.frames / file.samplerate)


def read_span(source: Source, start_s: float, end_s: float, name: str) -> Samples:
    """Return a part of a sound file as YAMNet would hear it: float32[n] at 16 kHz. Raises InputError as `pieces`."""
    with _opened(source, name) as file:
        return _mono_16k(_read_between(file, start_s, end_s, name), file.samplerate, name)


def span_as_wav(source: Source, start_s: float, end_s: float, name: str) -> bytes:
    """Return a part of a sound file as a WAV file of 16 bits, at its own rate, in one channel or two."""
    with _opened(source, name) as file:
        block, rate = _read_between(file, start_s, end_s, name), file.samplerate
    if block.shape[1] > 2:
        block = block.mean(axis=1, keepdims=True)
    wav = io.BytesIO()
    soundfile.write(wav, np.clip(block, -1, 1), rate, format="WAV", subtype="PCM_16")
    return wav.getvalue()


def _read_between(file: soundfile.SoundFile, start_s: float, end_s: float, name: str) -> Samples:
    file.seek(min(round(start_s * file.samplerate), file.frames))
    return _read(file, max(1, round((end_s - start_s) * file.samplerate)), name)


def _lengths(frames: int, rate: int) -> list[int]:
    """Return the lengths of a file's clips, in samples: ten seconds each, and a rest that is long enough or joined."""
    clip, rest = round(CLIP_S * rate), round(_REST_S * rate)
    whole, left = divmod(frames, clip)
    lengths = [clip] * whole
    if left >= rest or not lengths:
        lengths.append(left)
    else:
        lengths[-1] += left
    return lengths


@contextmanager
def _opened(source: Source, name: str) -> Iterator[soundfile.SoundFile]:
    try:
        if isinstance(source, str | Path) and not Path(source).is_file():
            raise InputError(f"{name} is not a file")
        if isinstance(source, str | Path) and Path(source).stat().st_size == 0:
            raise InputError(f"{name} is empty (0 bytes)")
        if isinstance(source, io.BytesIO) and not source.getbuffer().nbytes:
            raise InputError(f"{name} is empty (0 bytes)")
        with soundfile.SoundFile(source) as file:
            if file.channels > _MOST_CHANNELS or not _LOWEST_RATE <= file.samplerate <= _HIGHEST_RATE:
                raise InputError(
                    f"{name} claims {file.channels} channels at {file.samplerate:,} Hz; expected at most "
                    f"{_MOST_CHANNELS} channels at {_LOWEST_RATE:,} to {_HIGHEST_RATE:,} Hz"
                )
            yield file
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{name} cannot be decoded ({error.error_string.strip().rstrip('.')}); expected wav, flac, ogg, mp3 or aiff"
        ) from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}); check its permissions") from None


def _read(file: soundfile.SoundFile, length: int, name: str) -> Samples:
    """Read the next samples of all channels: float32[n, channels], n <= length."""
    try:
        block = file.read(length, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{name} is damaged: {error.error_string.strip().rstrip('.')}") from None
    if not len(block):
        raise InputError(f"{name} is cut: its header promises more sound than there is")
    return np.asarray(block, np.float32)


def _mono_16k(block: Samples, rate: int, name: str) -> Samples:
    if not np.isfinite(block).all():
        raise InputError(f"{name} holds samples that are not numbers (NaN or infinity): export it again")
    mono: Samples = np.clip(block, -1, 1).mean(axis=1, dtype=np.float32)
    if rate == RATE:
        return mono
    return np.asarray(np.clip(soxr.resample(mono, rate, RATE), -1, 1), np.float32)
