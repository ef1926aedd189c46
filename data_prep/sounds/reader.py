"""Readers of sound files: what the two decoders have in common."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

from data_prep.arrays import Float32Array

Samples = Float32Array
BLOCK = 1 << 18  # samples (of all channels together) decoded at a time


class DecodeError(Exception):
    """A decoder refuses a file, or stops in it; the text says why."""


class Reader(Protocol):
    """An opened file in one decoder: Hz, channels, and the promised length in seconds if there is one."""

    rate: int
    channels: int
    declared_s: float | None

    def blocks(self, start: int) -> Iterator[tuple[Samples, int]]:
        """Yield blocks float32[n, channels], from this sample on, with their rate; raises DecodeError."""

    def close(self) -> None:
        """Free the decoder."""


class UnnamedFile:
    """A part of a binary file, without the name, from which decoders would take the format; some bytes are replaced.

    patch: offset in the file -> bytes. start, end: the part, in bytes; `end` None for the end of the file.
    """

    def __init__(
        self, file: BinaryIO, patch: dict[int, bytes] | None = None, start: int = 0, end: int | None = None
    ) -> None:
        self._file, self._patch, self._start = file, patch or {}, start
        self._size = (file.seek(0, io.SEEK_END) if end is None else end) - start
        self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset, from the start, the present place or the end; return the new place."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        """Return the present place."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        left = max(0, self._size - self._at)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        for place, new in self._patch.items():
            if self._at - len(new) < place < self._at + len(data):
                patched = bytearray(data)
                for offset, byte in enumerate(new, place - self._at):
                    if 0 <= offset < len(patched):
                        patched[offset] = byte
                data = bytes(patched)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
