"""Encoding of a text file: told by its first bytes, or UTF-8 if all of it is valid, else Windows-1252."""

import codecs
from pathlib import Path

from data_prep.errors import InputError

_READ_BYTES = 1 << 22


def encoding_of(path: Path, max_bytes: int | None = None) -> tuple[str, bool]:
    """Return the encoding of a text file and whether it has an odd number of quotes.

    The encoding is told by the first bytes; else it is UTF-8 if all of the file is, or Windows-1252. max_bytes: how
    much of it is read, None for all; of a part, quotes are not counted.
    """
    decoder, encoding, n_quotes = codecs.getincrementaldecoder("utf-8")(), "utf-8", 0
    try:
        with path.open("rb") as file:
            first = file.read(4)
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                encoding = "utf-16"
            file.seek(0)
            while (max_bytes is None or file.tell() < max_bytes) and (block := file.read(_READ_BYTES)):
                n_quotes += block.count(b'"')
                if encoding == "utf-8" and (not block.isascii() or decoder.getstate()[0]):
                    encoding = _decoded(decoder, block, final=False)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if max_bytes is not None:
        return encoding, False
    return _decoded(decoder, b"", final=True) if encoding == "utf-8" else encoding, n_quotes % 2 == 1


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> str:
    """Return the encoding that a block of bytes leaves possible."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
