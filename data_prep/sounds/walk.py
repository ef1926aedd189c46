"""Which files of a folder are sounds, and what their clips are called."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import InputError

SUFFIXES = frozenset(
    f".{name}" for name in ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "caf", "w64")
)
_NOT_YET = frozenset({".m4a", ".aac", ".mp4", ".wma"})  # sounds that libsndfile does not decode
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_SLUG = 60


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A file: its path below the folder with `/` between the parts, its size in bytes, when it last changed (ns)."""

    path: str
    size: int
    changed: int

    @property
    def label(self) -> str | None:
        """Return the name of the folder it lies in, which says what it is; None at the top."""
        return self.path.split("/")[-2] if "/" in self.path else None

    def clip_id(self, number: int, n_clips: int) -> str:
        """Name clip `number` of the file: readable, safe in a URL, and its own whatever else lies in the folder.

        A file that was changed gets other names, so a name also tells whether what is known of it still holds.
        """
        stem = _UNSAFE.sub("-", self.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip("-")[:_LONGEST_SLUG] or "sound"
        facts = f"{self.path}\0{self.size}\0{self.changed}".encode()
        mark = hashlib.blake2b(facts, digest_size=6, person=b"earshot-file").hexdigest()
        return f"{stem}-{mark}" if n_clips == 1 else f"{stem}-{mark}.{number + 1}"

    def draw(self, number: int) -> float:
        """Return a number in [0, 1) for clip `number`, always the same and as if drawn at random."""
        digest = hashlib.blake2b(f"{self.path}\0{number}".encode(), digest_size=8, person=b"earshot-draw").digest()
        return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, slots=True)
class Found:
    """The sounds of a folder in order of path; what looks like one and cannot be used, as (path, reason)."""

    files: list[SoundFile]
    refused: list[tuple[str, str]]


def find_sounds(folder: Path) -> Found:
    """Walk a folder. Hidden files and folders are passed over, and so are links that lead out of it or round in it."""
    root = folder.resolve()
    if not root.is_dir():
        raise InputError(f"{folder} is not a folder; name the folder that holds your sounds")
    found = Found([], [])

    def unreadable(error: OSError) -> None:
        where = os.path.relpath(error.filename or root, root)
        found.refused.append((_shown(where), f"this folder cannot be read ({error.strerror}); check its permissions"))

    for here, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            suffix = Path(name).suffix.lower()
            if not name.startswith(".") and suffix in SUFFIXES | _NOT_YET:
                _look_at(Path(here) / name, root, suffix, found)
    return found


def _look_at(path: Path, root: Path, suffix: str, found: Found) -> None:
    relative = path.relative_to(root).as_posix()
    reason = None
    if suffix in _NOT_YET:
        reason = f"{suffix} is not decoded here; convert it to wav, flac, ogg or mp3"
    elif not _is_text(relative):
        reason = "its name is not valid UTF-8; rename it"
    else:
        try:
            facts = path.stat()
            if not path.resolve(strict=True).is_relative_to(root):
                reason = "it is a link that leads out of the folder"
            elif not path.is_file():
                reason = "it is not a regular file"
        except (OSError, RuntimeError):
            reason = "it cannot be looked at: a link that leads nowhere, or no permission"
    if reason:
        found.refused.append((_shown(relative), reason))
    else:
        found.files.append(SoundFile(relative, facts.st_size, facts.st_mtime_ns))


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
