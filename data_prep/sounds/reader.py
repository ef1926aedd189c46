"""Readers of sound files: what the two decoders have in common."""

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
    """A binary file without its name, from which decoders would take the format; some bytes may be replaced."""

    def __init__(self, file: BinaryIO, patch: dict[int, bytes] | None = None) -> None:
        self._file, self._patch = file, patch or {}
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if not self._patch:
            return self._file.read(size)
        at = self._file.tell()
        data = bytearray(self._file.read(size))
        for place, new in self._patch.items():
            for offset, byte in enumerate(new, place - at):
                if 0 <= offset < len(data):
                    data[offset] = byte
        return bytes(data)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
