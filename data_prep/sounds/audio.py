"""Sound files as YAMNet wants them: 16 kHz, one channel, in [-1, 1]; whatever else a file holds is refused in words.

libsndfile decodes (through `soundfile`), soxr resamples; both are maintained and fuzzed by others. A file is read a
second at a time at most, so a ten-hour recording takes no more memory than ten seconds of it, and nothing that a header
claims is believed before the samples are there: not even how many there are, which a streamed file does not know.
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
from data_prep.sounds.kinds import HEAD, begins_as_sound

RATE = 16_000  # Hz
CLIP_S = 10.0  # AudioSet's length of a clip
SHORTEST_S = 0.01  # less is no sound to an ear
_REST_S = 3.0  # a shorter end of a long file stays with the clip before it
_MOST_CHANNELS = 64
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000  # Hz
_BLOCK = 1 << 18  # samples of all channels that are decoded at a time
_SILENT = 1e-4  # of full scale, -80 dB: less is the noise of a converter
_CANCELLED = 1e-4  # of the loudest channel's power, that of a mean of channels that undo each other
_MISSING = 0.01  # share of what a header promises without which a file counts as cut
_LONGEST_CLAIM = 0x7FFF_0000  # bytes; writers into a pipe claim this or more, as they cannot know
_CLAIM = re.compile(r": (\d+) \(should be (\d+)\)")  # libsndfile's log: a chunk's size, and what is there

Samples = Float32Array
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
    damaged, cut, empty or silent, or holds samples that are not finite; some of that shows only at its end.
    """
    with _opened(source, name) as file:
        promised_s, clip, rest = _promised(file), round(CLIP_S * RATE), round(_REST_S * RATE)
        _check_whole(name, promised_s, file.frames / file.samplerate)
        held, n_held, begin, end_s, loudest = [np.empty((0, file.channels), np.float32)], 0, 0, 0.0, 0.0
        for block, end_s in _at_16k(file, name):
            if longest_s is not None and end_s > longest_s:
                raise InputError(f"{name} is too long, expected at most {longest_s:,.0f} s: cut it shorter")
            held.append(block)
            n_held += len(block)
            loudest = max(loudest, float(np.abs(block).max(initial=0)))
            if n_held >= clip + rest:
                whole = np.concatenate(held)
                yield Piece(_mono(whole[:clip]), begin / RATE, (begin + clip) / RATE)
                held, n_held, begin = [whole[clip:]], n_held - clip, begin + clip
        if end_s < SHORTEST_S:
            n = round(end_s * file.samplerate)
            raise InputError(f"{name} holds {n:,} samples, too few to hear: expected {SHORTEST_S:g} s or more")
        _check_whole(name, promised_s, end_s)
        if loudest < _SILENT:
            raise InputError(
                f"{name} is silent, nothing in it reaches -80 dB: record it again, nearer to the microphone"
            )
        yield Piece(_mono(np.concatenate(held)), begin / RATE, end_s)


def seconds(source: Source, name: str) -> float:
    """Return how long a sound file says it is; one that does not know says more than anyone can listen to."""
    with _opened(source, name) as file:
        return float(file.frames / file.samplerate)


def read_span(source: Source, start_s: float, end_s: float, name: str) -> Samples:
    """Return a part of a sound file as YAMNet would hear it: float32[n] at 16 kHz. Raises InputError as `pieces`."""
    with _opened(source, name) as file:
        n_frames = _go_to(file, start_s, end_s)
        return _mono(np.concatenate([block for block, _ in _at_16k(file, name, n_frames)]))


def span_as_wav(source: Source, start_s: float, end_s: float, name: str) -> bytes:
    """Return a part of a sound file as a WAV file of 16 bits, at its own rate, in one channel or two."""
    with _opened(source, name) as file:
        n_frames, rate, few = _go_to(file, start_s, end_s), file.samplerate, file.channels <= 2
        blocks = [b if few else b.mean(axis=1, keepdims=True) for b in _blocks(file, name, n_frames)]
    if not blocks:
        raise InputError(f"{name} ends before {start_s:,.1f} s: it is not the file it was; prepare its folder again")
    wav = io.BytesIO()
    soundfile.write(wav, np.concatenate(blocks), rate, format="WAV", subtype="PCM_16")
    return wav.getvalue()


class _Onward(soundfile.SoundFile):  # type: ignore[misc]  # soundfile says nothing of types
    """Reads on from where it is: soundfile seeks about every read, which fails at an end that no header tells."""

    head = b""

    def seekable(self) -> bool:
        """Keep soundfile from it; a `seek` of one's own works as ever."""
        return False


def _go_to(file: _Onward, start_s: float, end_s: float) -> int:
    """Go to the start of a part; return the length of the part, in samples of each channel."""
    file.seek(min(round(start_s * file.samplerate), file.frames))
    length: int = round((end_s - start_s) * file.samplerate)
    return max(1, length)


@contextmanager
def _opened(source: Source, name: str) -> Iterator[_Onward]:
    try:
        head = _head(source, name)
        if not begins_as_sound(head):
            raise InputError(
                f"{name} cannot be decoded (it does not begin as a sound does); expected wav, flac, ogg, mp3 or aiff"
            )
        with _Onward(source) as file:
            file.head = head
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


def _head(source: Source, name: str) -> bytes:
    if isinstance(source, str | Path):
        if not Path(source).is_file():
            raise InputError(f"{name} is not a file")
        with Path(source).open("rb") as file:
            head = file.read(HEAD)
    else:
        head = source.read(HEAD)
        source.seek(0)
    if not head:
        raise InputError(f"{name} is empty (0 bytes)")
    return head


def _promised(file: _Onward) -> float:
    """Return how many seconds a file's header promises; 0 where it promises nothing that can be held against it."""
    guessed = file.format == "MP3" and b"Xing" not in file.head and b"Info" not in file.head
    if guessed or file.frames == sys.maxsize:  # as in FLAC that was written into a pipe
        return 0.0
    claims = [(int(claimed), int(there)) for claimed, there in _CLAIM.findall(file.extra_info)]
    more = [claimed / there for claimed, there in claims if there and claimed < _LONGEST_CLAIM]
    return float(file.frames / file.samplerate * max(more, default=1.0))


def _check_whole(name: str, promised_s: float, there_s: float) -> None:
    if there_s < (1 - _MISSING) * promised_s:
        raise InputError(
            f"{name} is cut: its header promises {promised_s:,.1f} s, {there_s:,.1f} s are there; copy it once more"
        )


def _blocks(file: _Onward, name: str, n_frames: int = sys.maxsize) -> Iterator[Samples]:
    """Yield what comes next of all channels, float32[n, channels] in [-1, 1], a little at a time."""
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


def _at_16k(file: _Onward, name: str, n_frames: int = sys.maxsize) -> Iterator[tuple[Samples, float]]:
    """Yield what comes next at 16 kHz, float32[n, channels], and how many seconds have been read by then."""
    rate, n_read = file.samplerate, 0
    resampler = soxr.ResampleStream(rate, RATE, file.channels, dtype="float32")
    for block in _blocks(file, name, n_frames):
        n_read += len(block)
        yield block if rate == RATE else resampler.resample_chunk(block), n_read / rate
    rest = np.empty((0, file.channels), np.float32)
    yield rest if rate == RATE or not n_read else resampler.resample_chunk(rest, last=True), n_read / rate


def _mono(channels: Samples) -> Samples:
    """Return the mean of all channels; the loudest, where they undo each other, as a microphone wired wrongly does."""
    mono = channels.mean(axis=1, dtype=np.float32)
    power = np.square(channels).mean(axis=0) if len(channels) else np.zeros(channels.shape[1])
    if np.square(mono).sum() < _CANCELLED * power.max() * len(mono):
        mono = channels[:, power.argmax()]
    return np.asarray(np.clip(mono, -1, 1), np.float32)
