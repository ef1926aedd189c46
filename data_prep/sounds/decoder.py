"""Decoder of sound files: libsndfile, then FFmpeg for what libsndfile refuses, does not know, or may have cut short.

The contents of a file decide, never its name. At most a second is decoded at a time, so a ten-hour recording takes no
more memory than ten seconds. What a header promises may be wrong, so the samples are counted.

Native decoders may hang, crash or take much memory on a malformed file: `data_prep.sounds.decoder_pool` runs this
module in processes with limits.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile
import soxr

from data_prep.errors import InputError
from data_prep.sounds import signatures
from data_prep.sounds.ffmpeg_reader import FFmpegReader
from data_prep.sounds.reader import BLOCK, DecodeError, Reader, Samples, UnnamedFile
from data_prep.sounds.structure import MAX_DECLARED_BYTES, MAX_MISSING, Structure, behind_tags, examine

Source = str | Path | bytes
PADDING_S = 0.1  # codecs and containers differ by this much about the length of the same sound
EXPECTED = "expected a sound file such as wav, flac, ogg, mp3, m4a or aiff"

_MAX_CHANNELS = 64
_MIN_RATE, _MAX_RATE = 1_000, 1_536_000  # Hz
_MAX_SAMPLE = 1e10  # full scale is 1; some programs write integers of 32 bits as floats
# In libsndfile's log: declared and actual size of the chunk that holds the samples.
_DECLARED = re.compile(r"(?:data|SSND|BODY|Data Size) *: (\d+) \(should be (\d+)\)")
# Sent to browsers as they are, by FFmpeg's names of container and codec: MIME type, first bytes of the file.
_PLAYED = {
    ("wav", "pcm_u8"): ("audio/wav", b"RIFF"),
    ("wav", "pcm_s16le"): ("audio/wav", b"RIFF"),
    ("wav", "pcm_s24le"): ("audio/wav", b"RIFF"),
    ("mp3", "mp3"): ("audio/mpeg", b""),
    ("flac", "flac"): ("audio/flac", b"fLaC"),
    ("mov,mp4,m4a,3gp,3g2,mj2", "aac"): ("audio/mp4", b""),
}
_PLAYED_RATES = range(8_000, 192_001)  # Hz


class Sound:
    """An opened sound file. rate: Hz; channels: their number; note: what is wrong with it, known after `blocks`."""

    def __init__(self, file: BinaryIO, name: str, structure: Structure) -> None:
        self._file, self._name, self._structure, self.note = file, name, structure, ""
        whole = cast("BinaryIO", UnnamedFile(file, structure.patch))
        readers: list[Callable[[], Reader]] = [lambda: FFmpegReader(whole, seekable=structure.seekable)]
        if structure.links:
            readers = [lambda: _ChainedReader(whole, structure)]
        elif structure.sndfile:
            readers.insert(0 if structure.sndfile == "first" else 1, lambda: _SndfileReader(whole))
        self._makers, reason = readers, ""
        while self._makers:
            try:
                self._reader = self._makers.pop(0)()
                break
            except DecodeError as error:
                reason = str(error)
        else:
            reason = "it is cut before its sound begins" if structure.cut else reason
            raise InputError(f"{name} cannot be decoded ({reason}); {EXPECTED}")
        self._declared_s = self._reader.declared_s or 0.0
        self.rate, self.channels = self._reader.rate, self._reader.channels
        if not 0 < self.channels <= _MAX_CHANNELS or not _MIN_RATE <= self.rate <= _MAX_RATE:
            raise InputError(
                f"{name} declares {self.channels} channels at {self.rate:,} Hz; expected at most "
                f"{_MAX_CHANNELS} channels at {_MIN_RATE:,} to {_MAX_RATE:,} Hz"
            )

    def close(self) -> None:
        """Free the decoder."""
        self._reader.close()

    def browser_type(self) -> tuple[str, float] | None:
        """Return the MIME type and the length in seconds if browsers play the file as it is, else None.

        The length is what FFmpeg says before it decodes, as Chromium does: an estimate where the header has none.
        """
        if self.channels > 2 or self.rate not in _PLAYED_RATES or self._structure.patch:
            return None
        try:
            with closing(FFmpegReader(self._file)) as reader:
                played = _PLAYED.get(reader.codec)
                if played is None or not reader.is_alone or not reader.shown_s or self._structure.cut:
                    return None
        except DecodeError:
            return None
        self._file.seek(0)
        header = self._file.read(12)
        if not header.startswith(played[1]) or header[8:12] == b"qt  ":
            return None
        if played[0] in {"audio/wav", "audio/mpeg"} and (
            self._structure.declared_s is None or self._structure.irregular
        ):
            return None
        return played[0], reader.shown_s

    def blocks(self, start: int = 0, length: int = sys.maxsize) -> Iterator[Samples]:
        """Yield `length` samples from sample `start` on in small blocks, float32[n, channels]; fewer at the end.

        Samples above full scale are kept; those that are not numbers become 0.
        """
        done, n_bad = start, 0
        while True:
            try:
                for block in self._conformed(self._reader.blocks(round(done * self._reader.rate / self.rate))):
                    wanted = block[: start + length - done]
                    done += len(wanted)
                    if not (usable := np.abs(wanted) < _MAX_SAMPLE).all():  # false for NaN
                        n_bad += int(np.count_nonzero(~usable.all(axis=1)))
                        wanted = np.where(usable, wanted, np.float32(0))
                    if len(wanted):
                        yield wanted
                    if done == start + length:
                        return
                broken = False
            except DecodeError:
                broken = True
            if not self._makers or (not broken and done and not self._missing_s(done)):
                break
            try:
                self._reader.close()
                self._reader = self._makers.pop(0)()
            except DecodeError:
                break
            self._declared_s = max(self._declared_s, self._reader.declared_s or 0.0)
        self._report(done, n_bad)

    def _missing_s(self, done: int) -> float:
        """Return how much longer the file should be by its own promise, in seconds; 0 if it promises nothing."""
        if self._structure.whole:
            return 0.0
        exact, other = self._structure.declared_s or 0.0, self._declared_s
        missing = max(exact, other) - done / self.rate
        allowed = max(exact, other) * MAX_MISSING
        return missing if missing > (allowed if exact >= other else max(allowed, PADDING_S)) else 0.0

    def _report(self, done: int, n_bad: int) -> None:
        held = f"the {done / self.rate:,.1f} s that it holds are used"
        if missing := self._missing_s(done):
            promised = done / self.rate + missing
            self.note = f"{self._name} is cut or damaged: its header promises {promised:,.1f} s; {held}"
        elif self._structure.cut:
            self.note = f"{self._name} is cut: it ends in the middle of its sound; {held}"
        if n_bad:
            self.note = f"{self._name} holds {n_bad:,} samples that are not numbers; they are heard as silence"

    def _conformed(self, blocks: Iterator[tuple[Samples, int]]) -> Iterator[Samples]:
        """Yield blocks with the rate and the number of channels of the first: a second link may have others."""
        current, resampler = self.rate, None
        with closing(blocks):  # type: ignore[type-var]  # all are generators
            for block, rate in blocks:
                same = block
                if block.shape[1] != self.channels:
                    same = np.repeat(block.mean(axis=1, keepdims=True), self.channels, axis=1)
                if rate != current:
                    if resampler is not None:
                        yield resampler.resample_chunk(same[:0], last=True)
                    current = rate
                    is_own = rate == self.rate
                    resampler = None if is_own else soxr.ResampleStream(rate, self.rate, self.channels, dtype="float32")
                yield same if resampler is None else resampler.resample_chunk(np.ascontiguousarray(same))
            if resampler is not None:
                yield resampler.resample_chunk(np.empty((0, self.channels), np.float32), last=True)


@contextmanager
def open_sound(source: Source, name: str) -> Iterator[Sound]:
    """Open a sound file, or the bytes of one; `name` is for messages.

    Raises InputError for a file that is missing, empty, or not a sound that can be decoded.
    """
    try:
        with _opened(source, name) as opened:
            file = opened
            header = file.read(signatures.HEADER_SIZE)
            if not header:
                raise InputError(f"{name} is empty (0 bytes)")
            if header.startswith(b"ID3"):
                start, behind = behind_tags(file)
                if signatures.is_container(behind):
                    file, header = cast("BinaryIO", UnnamedFile(file, start=start)), behind
            if reason := signatures.not_decoded(header):
                raise InputError(f"{name} {reason}")
            sound = Sound(file, name, examine(file, header))
            with closing(sound):
                yield sound
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror or error}); check its permissions") from None


def _opened(source: Source, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not Path(source).is_file():
        raise InputError(f"{name} is not a file")
    return Path(source).open("rb")


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no type hints
    """A SoundFile without the seek that soundfile adds to every read, which fails if the length is unknown."""

    def seekable(self) -> bool:
        """Return False, so that soundfile does not seek; explicit calls of `seek` still work."""
        return False


class _SndfileReader:
    """A file opened by libsndfile."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        try:
            self._file = _SequentialFile(file)
        except soundfile.LibsndfileError as error:
            raise DecodeError(_reason(error)) from None
        self.rate, self.channels = self._file.samplerate, self._file.channels
        self.declared_s = None
        if self._file.frames < sys.maxsize:  # FLAC written to a pipe
            sizes = [(int(declared), int(actual)) for declared, actual in _DECLARED.findall(self._file.extra_info)]
            ratios = [declared / actual for declared, actual in sizes if actual and declared < MAX_DECLARED_BYTES]
            self.declared_s = float(self._file.frames / self.rate * max(ratios, default=1.0))

    def blocks(self, start: int) -> Iterator[tuple[Samples, int]]:
        """Yield the samples from this one on."""
        step = max(1, min(self.rate, BLOCK // self.channels))
        try:
            if start or self._file.tell():
                self._file.seek(min(start, self._file.frames))
            while True:
                block = self._file.read(step, dtype="float32", always_2d=True)
                if len(block):
                    yield block, self.rate
                if len(block) < step:
                    return
        except soundfile.LibsndfileError as error:
            raise DecodeError(_reason(error)) from None

    def close(self) -> None:
        """Free the decoder."""
        self._file.close()


class _ChainedReader:
    """The links of a chained Ogg file, each of which is a file of its own with its own rate, channels and codec."""

    def __init__(self, file: BinaryIO, structure: Structure) -> None:
        self._file, self._links = file, structure.links
        self.declared_s: float | None = None
        with closing(self._open(*self._links[0])) as first:
            self.rate, self.channels = first.rate, first.channels

    def _open(self, start: int, end: int) -> Reader:
        part = cast("BinaryIO", UnnamedFile(self._file, start=start, end=end))
        try:
            return _SndfileReader(part)
        except DecodeError:
            return FFmpegReader(part)

    def blocks(self, start: int) -> Iterator[tuple[Samples, int]]:
        """Yield the samples from this one on; a link that cannot be decoded is left out."""
        at = 0.0  # in samples at the rate of the first link
        for link in self._links:
            with suppress(DecodeError), closing(self._open(*link)) as reader:
                for block, rate in reader.blocks(0):
                    first = min(len(block), max(0, round((start - at) * rate / self.rate)))
                    at += len(block) * self.rate / rate
                    yield block[first:], rate

    def close(self) -> None:
        """Free the decoder: each link is closed when it has been read."""


def _reason(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".")
