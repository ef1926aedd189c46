"""FFmpeg as a decoder of sound files, through PyAV.

FFmpeg opens nothing but the file it is given: no address and no other file that is named in it.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

import numpy as np

from data_prep.sounds import signatures
from data_prep.sounds.reader import BLOCK, DecodeError, Samples, UnnamedFile
from data_prep.sounds.structure import behind_tags

_SEEK_FROM_S = 30.0  # what begins earlier is reached by decoding
_PREROLL_S = 2.0  # decoded before the wanted part, for codecs that need some frames to settle
_PROTECTED_TAGS = {"drms", "enca", "encv", "aavd"}
# FFmpeg's formats whose headers hold the length; FFmpeg estimates that of the others from the bit rate.
_PROMISING = {
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "asf",
    "ape",
    "tta",
    "wv",
    "flac",
    "caf",
    "aiff",
    "tak",
    "avi",
}
# Formats of text and pictures, which hold no sound themselves, and of lists of other files.
_OTHER_FORMATS = {"hls", "dash", "concat", "sdp", "rtsp", "rtp", "imf", "lavfi", "tty", "lrc", "srt", "ass", "webvtt"}


class FFmpegReader:
    """The first audio stream of a file that FFmpeg opens and decodes."""

    def __init__(self, file: BinaryIO, *, seekable: bool = True) -> None:
        self._file, self._seekable = file, seekable
        self._open()
        reasons = []
        best = self._container.streams.best("audio")
        streams = sorted(self._container.streams.audio, key=lambda stream: stream is not best)
        for number in [stream.index for stream in streams]:
            try:
                self._start(number)
                break
            except DecodeError as error:
                reasons.append(str(error))
                self._open()
        else:
            self.close()
            raise DecodeError(reasons[0] if reasons else "it holds no sound, only pictures or text")

    def _open(self) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)
        self._file.seek(0)
        options = {"protocol_whitelist": "none", "format_whitelist": _format_whitelist()}
        try:
            unnamed = UnnamedFile(self._file)
            self._container: Any = av.open(unnamed, options=options, metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise DecodeError(_ffmpeg_reason(error)) from None
        if self._container.format.name == "mp3" and not self._holds_mpeg():
            raise DecodeError(_UNKNOWN)

    def _holds_mpeg(self) -> bool:
        """Return whether MPEG frames are there: FFmpeg takes other files for MPEG too."""
        here = self._file.tell()
        _, header = behind_tags(self._file)
        self._file.seek(here)
        return signatures.holds_mpeg(header)

    def _start(self, number: int) -> None:
        """Decode the first frame, which alone knows the rate and the channels."""
        stream = self._container.streams[number]
        context = stream.codec_context
        if context is None or context.codec is None:
            raise DecodeError("no decoder for its codec")
        with suppress(UnicodeDecodeError):  # tags are numbers, which PyAV reads as text
            if context.codec_tag in _PROTECTED_TAGS:
                raise DecodeError("it is protected (DRM): only the program it was bought for plays it")
        context.thread_count = 1
        self._number, self._frames, self._broken = number, self._decoded(stream), ""
        first = next(self._frames, None)
        if first is None:
            raise DecodeError(self._broken or f"it holds no sound that can be decoded ({context.name})")
        self._first, self._first_s = first, first.time or 0.0
        self.rate, self.channels = first.sample_rate, first.layout.nb_channels
        container = self._container.format.name
        self.codec = container, context.codec.canonical_name
        others = [other for other in self._container.streams if other is not stream]
        self.is_alone = all(other.type != "audio" and _is_cover(other) for other in others)
        own_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
        self.shown_s = self._container.duration / 1e6 if self._container.duration else own_s
        self.declared_s = (own_s or (self.shown_s if self.is_alone else None)) if container in _PROMISING else None

    def _decoded(self, stream: Any) -> Iterator[Any]:
        """Yield the frames of a stream; what cannot be decoded is left out, and remembered."""
        import av

        try:
            for packet in self._container.demux(stream):
                try:
                    yield from packet.decode()
                except (av.FFmpegError, ValueError) as error:
                    self._broken = _ffmpeg_reason(error, _DAMAGED)
        except (av.FFmpegError, ValueError) as error:
            self._broken = _ffmpeg_reason(error, _DAMAGED)

    def blocks(self, start: int) -> Iterator[tuple[Samples, int]]:
        """Yield the samples from this one on."""
        at = self._move(start)
        gathered: list[Samples] = []
        n, rate = 0, self.rate
        for frame in self._chained():
            block = _samples(frame)
            first, at = max(0, start - at), at + len(block)
            block = block[first:]
            if gathered and (frame.sample_rate != rate or block.shape[1] != gathered[0].shape[1]):
                yield np.concatenate(gathered), rate
                gathered, n = [], 0
            rate = frame.sample_rate
            if len(block):
                gathered.append(block)
                n += len(block)
            if n >= min(rate, BLOCK // max(1, block.shape[1])):
                yield np.concatenate(gathered), rate
                gathered, n = [], 0
        if gathered:
            yield np.concatenate(gathered), rate
        if self._broken:
            raise DecodeError(self._broken)

    def _move(self, start: int) -> int:
        """Move to a sample or before it; return the number of the sample that is decoded next."""
        if start > _SEEK_FROM_S * self.rate and self._seekable:
            at = self._seek(start)
            if at is not None:
                return at
        if self._first is None:
            self._restart()
        return 0

    def _seek(self, start: int) -> int | None:
        import av

        target = self._first_s + start / self.rate - _PREROLL_S
        with suppress(av.FFmpegError):
            self._container.seek(round(target * 1e6))
            self._frames = self._decoded(self._container.streams[self._number])
            self._first = next(self._frames, None)
            if self._first is not None and self._first.time is not None:
                at: int = round((self._first.time - self._first_s) * self.rate)
                if 0 <= at <= start:
                    return at
        self._first = None
        return None

    def _restart(self) -> None:
        first_s = self._first_s
        self._container.close()
        self._open()
        self._start(self._number)
        self._first_s = first_s

    def _chained(self) -> Iterator[Any]:
        first, self._first = self._first, None
        yield first
        yield from self._frames

    def close(self) -> None:
        """Free the decoder."""
        self._container.close()


def _is_cover(stream: Any) -> bool:
    """Return whether a stream is no video: a picture of the cover, or data."""
    return stream.type != "video" or bool(stream.disposition & type(stream.disposition).attached_pic)


def _samples(frame: Any) -> Samples:
    """Return the samples of a frame of FFmpeg, float32[n, channels]."""
    array, n_channels = frame.to_ndarray(), frame.layout.nb_channels
    array = array.T if frame.format.is_planar else array.reshape(-1, n_channels)
    if array.dtype == np.uint8:
        return np.asarray((array.astype(np.float32) - 128) / 128, np.float32)
    if array.dtype.kind == "i":
        return np.asarray(array / np.float64(2 ** (8 * array.itemsize - 1)), np.float32)
    return np.asarray(array, np.float32)


_UNKNOWN = "not the header of a sound file"
_DAMAGED = "part of its data cannot be decoded"


def _ffmpeg_reason(error: Exception, vague: str = _UNKNOWN) -> str:
    """Return FFmpeg's reason; `vague` in place of those that say no more than that something is wrong."""
    text = str(getattr(error, "strerror", None) or error).strip()
    return (
        vague if text in {"Invalid data found when processing input", "End of file", "Invalid argument", ""} else text
    )


@cache
def _format_whitelist() -> str:
    import av

    return ",".join(sorted(av.formats_available - _OTHER_FORMATS))
