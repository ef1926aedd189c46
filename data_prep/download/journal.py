"""Journals: JSON files with a checksum that record how much of a growing file is on disk, to resume after a kill."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from earshot_common.atomic import write_file

_BLOCK = 1 << 20


class JournaledFile:
    """A file open for appending, with its journal: the number of synced bytes, their sha256, and further facts.

    `size`: number of valid bytes. Raises OSError and WriteError.
    """

    def __init__(self, path: Path, journal: Path) -> None:
        self.file: BinaryIO = path.open("ab+")
        self._journal = journal
        self._clear()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def sha256(self) -> str:
        """The sha256 of the bytes so far, in hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def crc32c(self) -> str:
        """The CRC-32C of the bytes so far in base64, the form of the x-goog-hash header."""
        return base64.b64encode(self._crc32c.to_bytes(4, "big")).decode()

    def resume(self) -> dict[str, Any]:
        """Truncate the file to the bytes that match the journal, and return its facts; {} if there are none."""
        facts = read_journal(self._journal) or {"bytes": 0}
        self.file.seek(0)
        while self.size < facts["bytes"] and (block := self.file.read(min(facts["bytes"] - self.size, _BLOCK))):
            self._add(block)
        if self.size < facts["bytes"] or self.sha256 != facts.get("sha256"):
            self.restart()
            return {}
        self.file.truncate(self.size)
        self.file.seek(0, os.SEEK_END)
        return facts

    def restart(self) -> None:
        """Remove all bytes, and the journal."""
        self._journal.unlink(missing_ok=True)
        self.file.truncate(0)
        self._clear()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.file.write(data)
        self._add(data)

    def record(self, **facts: Any) -> None:
        """Sync the file to disk, then replace the journal with these facts."""
        self.file.flush()
        os.fsync(self.file.fileno())
        write_journal(self._journal, {"bytes": self.size, "sha256": self.sha256, **facts})

    def _clear(self) -> None:
        self.size, self._sha256, self._crc32c = 0, hashlib.sha256(), 0

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)
        self._crc32c = google_crc32c.extend(self._crc32c, data)


def write_journal(path: Path, facts: dict[str, Any]) -> None:
    """Write facts to a journal, replacing it atomically. Raises WriteError."""
    text = json.dumps(facts)
    write_file(path, json.dumps({"sha256": _sha256(text), "facts": text}).encode())


def read_journal(path: Path) -> dict[str, Any] | None:
    """Return the facts of a journal; None if it is missing or damaged."""
    try:
        journal = json.loads(path.read_bytes())
        facts: dict[str, Any] = json.loads(journal["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return facts if journal.get("sha256") == _sha256(journal["facts"]) else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
