"""Sound files of a folder: finding them, and the ids and labels of their clips."""

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from data_prep.dataset.output_folder import is_utf8
from data_prep.errors import InputError
from data_prep.sounds.decoder_pool import shared_pool
from data_prep.sounds.signatures import HEADER_SIZE, is_sound

# A file with one of these names is listed if it cannot be used; of the others, those that hold a sound are used.
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "bwf", "rf64", "w64", "aif", "aiff", "aifc", "afc", "au", "snd", "caf", "voc", "8svx"),
        *("iff", "flac", "fla", "ogg", "oga", "ogx", "opus", "spx", "mp1", "mp2", "mp3", "mpa", "mpga", "m4a", "m4b"),
        *("m4r", "m4p", "mp4", "3gp", "3ga", "3gpp", "3g2", "mov", "aac", "adts", "loas", "latm", "alac", "wma"),
        *("asf", "xwma", "webm", "weba", "mka", "mkv", "avi", "flv", "wv", "ape", "tta", "tak", "shn", "mpc", "mpp"),
        *("dsf", "dff", "ac3", "eac3", "dts", "mlp", "thd", "ra", "rm", "rmvb", "amr", "awb", "gsm", "qcp", "vqf"),
        *("aa", "aax", "mpg", "mpeg", "vob", "m2ts", "ofr", "la", "nut", "qoa", "sbc", "aptx", "pcm", "sd2", "nist"),
        *("sph", "paf", "pvf", "avr", "ircam", "mid", "midi", "kar", "rmi", "s3m", "xm", "sf2", "sf3", "dls", "g722"),
        *("g726", "dfpwm", "aptxhd", "rso", "adx", "vox"),
    )
)
# First bytes of files that are never sounds, to save asking FFmpeg: PNG, JPEG, GIF, PDF, zip, ELF, gzip, SQLite.
_OTHERS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x7fELF", b"\x1f\x8b", b"SQLite")
_UNSAFE_IN_URL = re.compile(r"[^A-Za-z0-9]+")
_MAX_STEM_LENGTH = 60


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A file: path relative to the folder, with `/` as separator; size in bytes; modification time in ns."""

    path: str
    size: int
    changed: int

    @property
    def label(self) -> str | None:
        """Return the name of the file's sub-folder, which is its label, in NFC; None if it is in no sub-folder.

        Systems write an accented letter as one character or as two, so that a copied folder may have both names.
        """
        return unicodedata.normalize("NFC", self.path.split("/")[-2]) if "/" in self.path else None

    def clip_id(self, number: int, n_clips: int) -> str:
        """Return the id of clip `number` of `n_clips`: readable, safe in a URL and unique in the folder.

        A changed file gets new ids, so an id also shows whether an earlier embedding is still valid.
        """
        stem = (
            _UNSAFE_IN_URL.sub("-", self.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip("-")[:_MAX_STEM_LENGTH]
            or "sound"
        )
        facts = f"{self.path}\0{self.size}\0{self.changed}".encode()
        digest = hashlib.blake2b(facts, digest_size=6, person=b"earshot-file").hexdigest()
        return f"{stem}-{digest}" if n_clips == 1 else f"{stem}-{digest}.{number + 1}"

    def pseudo_random(self, number: int) -> float:
        """Return a pseudo-random number in [0, 1) for clip `number`, a function of path and number alone."""
        digest = hashlib.blake2b(f"{self.path}\0{number}".encode(), digest_size=8, person=b"earshot-draw").digest()
        return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The sound files of a folder in order of path, and those that cannot be used as (path, reason)."""

    files: list[SoundFile]
    refused: list[tuple[str, str]]


def sound_folder(named: str | Path) -> Path:
    """Return the absolute path of a folder, with `~` and links resolved; InputError if it cannot be read."""
    shown = printable(str(named))
    try:
        folder = Path(os.path.expanduser(named)).resolve()  # noqa: PTH111  (Path.expanduser raises for an unknown user)
        if not is_utf8(folder):
            raise InputError(f"the name of {shown} is not valid UTF-8; rename it")
        if not folder.is_dir():
            raise InputError(f"{shown} is not a folder; name the folder that holds your sounds")
        os.scandir(folder).close()
    except OSError as error:
        raise InputError(f"{shown} cannot be read ({error.strerror}); name a folder that you may read") from None
    except (RuntimeError, ValueError) as error:  # links in a circle; a null byte
        raise InputError(f"{shown} cannot be a folder ({printable(str(error))}); name another") from None
    return folder


def find_sounds(folder: Path) -> FoundFiles:
    """Return the sound files below a folder, except hidden ones; links to folders or outside are refused.

    A file is taken for a sound by its name or by its contents: its first bytes, or else FFmpeg's opinion of it.
    """
    root = sound_folder(folder)
    found = FoundFiles([], [])

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
            if not name.startswith("."):
                _add(Path(here) / name, root, found)
    return found


def _add(path: Path, root: Path, found: FoundFiles) -> None:
    relative = path.relative_to(root).as_posix()
    is_named = path.suffix.lower() in SUFFIXES
    reason = None
    if not is_utf8(relative):
        reason = "its name is not valid UTF-8; rename it"
    else:
        try:
            facts = path.stat()
            if not path.resolve(strict=True).is_relative_to(root):
                reason = "it is a link to a place outside the folder"
            elif not path.is_file():
                reason = "it is not a regular file"
        except (OSError, RuntimeError):
            reason = "it cannot be opened: a broken link, or no permission"
    if reason:
        if is_named:
            found.refused.append((_shown(relative), reason))
    elif is_named or _holds_sound(path):
        found.files.append(SoundFile(relative, facts.st_size, facts.st_mtime_ns))


def _holds_sound(path: Path) -> bool:
    """Return whether a file whose name does not say so is a sound."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_SIZE)
    except OSError:
        return False
    if is_sound(header):
        return True
    is_text = b"\0" not in header and is_utf8(os.fsdecode(header[:-4]))
    if not header or is_text or header.startswith(_OTHERS):
        return False
    try:
        shared_pool().check(path, "it")
    except InputError:
        return False
    return True


def printable(text: str) -> str:
    """Return text with control characters, such as newline and escape, replaced by escape sequences."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
