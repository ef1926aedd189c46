"""Identity of a published file: what tells whether a server still offers the same one."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Identity:
    """Properties that identify a published file, as far as the server states them."""

    length: int | None = None
    crc32c: str | None = None  # base64, from Google's x-goog-hash
    etag: str | None = None

    def agrees(self, other: Self) -> bool:
        """Return whether both may be the same file: equal lengths, and equal CRC-32C or else equal ETags."""
        if None not in {self.length, other.length} and self.length != other.length:
            return False
        if self.crc32c and other.crc32c:
            return self.crc32c == other.crc32c
        return not (self.etag and other.etag) or self.etag == other.etag

    def __str__(self) -> str:
        """Return the properties in a few words."""
        marks = [f"{self.length:,} bytes" if self.length is not None else "of unknown length"]
        marks += [f"ETag {self.etag:.80}"] if self.etag else []
        return ", ".join(marks)
