"""Notes beside a file of how much of it is on disk, so that work killed at any moment is resumed."""

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
    """A file that grows, open for appending, and its journal: how many bytes are on disk, their sha256, more facts.

    `size` counts the bytes that are good so far. Raises OSError and WriteError.
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
        """The sha256 of the bytes so far, in hexadecimal digits."""
        return self._sha256.hexdigest()

    @property
    def crc32c(self) -> str:
        """The CRC-32C of the bytes so far in base64, as Google's servers state it."""
        return base64.b64encode(self._crc32c.to_bytes(4, "big")).decode()

    def resume(self) -> dict[str, Any]:
        """Keep the bytes that the journal vouches for, drop the rest, and return its facts; {} where it has none."""
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
        """Drop all that was written."""
        self._journal.unlink(missing_ok=True)
        self.file.truncate(0)
        self._clear()

    def write(self, data: bytes) -> None:
        """Append some bytes."""
        self.file.write(data)
        self._add(data)

    def note(self, **facts: Any) -> None:
        """Force what was written onto the disk, and replace the journal, with these facts in it."""
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
    """Replace the facts noted in a file by others, in one step. Raises WriteError."""
    text = json.dumps(facts)
    write_file(path, json.dumps({"sha256": _sha256(text), "facts": text}).encode())


def read_journal(path: Path) -> dict[str, Any] | None:
    """Return the facts noted in a file, or None where there are none or they are damaged: then the work restarts."""
    try:
        notes = json.loads(path.read_bytes())
        facts: dict[str, Any] = json.loads(notes["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return facts if notes.get("sha256") == _sha256(notes["facts"]) else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
