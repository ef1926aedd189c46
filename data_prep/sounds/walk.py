"""Which files of a folder are sounds, and what their clips are called."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_prep.atomic import is_utf8
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


def sound_folder(named: str | Path) -> Path:
    """Return the folder that somebody named, resolved (`~` too). InputError for what is none or cannot be walked."""
    shown = in_a_line(str(named))
    try:
        folder = Path(os.path.expanduser(named)).resolve()  # noqa: PTH111  (Path's own raises where `~` is nobody)
        if not is_utf8(folder):
            raise InputError(f"the name of {shown} is not valid UTF-8; rename it")
        if not folder.is_dir():
            raise InputError(f"{shown} is not a folder; name the folder that holds your sounds")
        os.scandir(folder).close()
    except OSError as error:
        raise InputError(f"{shown} cannot be read ({error.strerror}); name a folder that you may read") from None
    except (RuntimeError, ValueError) as error:  # links that lead round in a ring; a byte of zero
        raise InputError(f"{shown} cannot be a folder ({in_a_line(str(error))}); name another") from None
    return folder


def find_sounds(folder: Path) -> Found:
    """Walk a folder. Hidden files and folders are passed over; links that lead out of it and to folders are refused."""
    root = sound_folder(folder)
    found = Found([], [])

    def unreadable(error: OSError) -> None:
        where = os.path.relpath(error.filename or root, root)
        found.refused.append((_shown(where), f"this folder cannot be read ({error.strerror}); check its permissions"))

    for here, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            path = Path(here) / name
            if path.is_symlink():
                where = _shown(path.relative_to(root).as_posix())
                found.refused.append(
                    (where, "it is a link to a folder, which is not followed; name that folder instead")
                )
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
    elif not is_utf8(relative):
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


def in_a_line(text: str) -> str:
    """Return text without what a terminal would obey: a new line, an escape."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
