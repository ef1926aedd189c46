"""Structure of a sound file: what its headers promise, whether that can be true, and which decoder to try first."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import BinaryIO, Literal

from data_prep.sounds import signatures

MAX_DECLARED_BYTES = 0x7FFF_0000  # programs that write to a pipe declare this or more
_IN_DS64 = 0xFFFF_FFFF  # in a file above 4 GB, the chunk ds64 has the size
MAX_MISSING = 0.01  # maximum missing share of what a header promises
_MIN_TAIL_S = 0.1  # a shorter rest behind the sound is padding or a tag
_MIN_TAIL_BYTES = 4096
_MAX_TAG_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Structure:
    """What is known of a file before it is decoded.

    sndfile: whether libsndfile is tried, before FFmpeg or after it. declared_s: length in seconds that the headers
    promise, None if they promise none or what cannot be true. cut: the file ends inside a part that it has begun.
    patch: bytes to be read in place of those at an offset. seekable: times in the file are those of its samples.
    irregular: a field of the header that players may rely on is wrong. whole: nothing is missing, whatever the length.
    links: first and last byte of the Ogg streams that follow each other, if there are several.
    """

    sndfile: Literal["", "first", "second"] = ""
    declared_s: float | None = None
    cut: bool = False
    patch: dict[int, bytes] = field(default_factory=dict)
    seekable: bool = True
    irregular: bool = False
    whole: bool = False
    links: tuple[tuple[int, int], ...] = ()


Walk = Callable[[BinaryIO, bytes], Structure]  # of a file and its first bytes


def examine(file: BinaryIO, header: bytes) -> Structure:
    """Return the structure of a file of which `header` are the first bytes."""
    walks: dict[bytes, Walk] = {b"RIFF": _wave, b"RIFX": _wave, b"RF64": _wave, b"FORM": _aiff, b".snd": _au}
    walks |= {b"OggS": _ogg, b"caff": _caf, b"riff": _w64}
    if walk := walks.get(header[:4], _mp4 if header[4:8] == b"ftyp" else None):
        return walk(file, header)
    if header.startswith(b"fLaC"):  # libsndfile reads no further than its header says
        return Structure(sndfile="second")
    if header.startswith(signatures.SNDFILE):
        return Structure(sndfile="first")
    if header.startswith(signatures.OLD_SNDFILE):
        return Structure(sndfile="second")
    start, header = behind_tags(file)
    if not signatures.holds_mpeg(header):
        return Structure()
    declared_s, n_bytes = signatures.mpeg_length(header)
    return Structure(declared_s=declared_s, whole=0 < n_bytes <= file.seek(0, 2) - start)


def behind_tags(file: BinaryIO) -> tuple[int, bytes]:
    """Return the place behind the ID3v2 tags and the zeros at the start of a file, and the first bytes there."""
    at, header = 0, b""
    while at < _MAX_TAG_BYTES:
        file.seek(at)
        header = file.read(signatures.HEADER_SIZE)
        if tag := signatures.after_id3(header):
            at += tag
        elif header and not header.strip(b"\0"):
            at += len(header)
        else:
            break
    return at, header


def _wave(file: BinaryIO, header: bytes) -> Structure:
    """Walk through the chunks of a WAV file; sizes that cannot be true are those of a program that was interrupted."""
    order = ">" if header.startswith(b"RIFX") else "<"
    total = file.seek(0, 2)
    at, bytes_per_s, is_pcm, long_size = 12, 0, False, 0
    irregular = abs(int.from_bytes(header[4:8], "little") + 8 - total) > 1
    patch: dict[int, bytes] = {}
    if header[8:12] != b"WAVE":  # AVI
        return Structure(cut=int.from_bytes(header[4:8], "little") > (1 + MAX_MISSING) * total)
    while at + 8 <= total:
        file.seek(at)
        name, size = struct.unpack(f"{order}4sI", file.read(8))
        if name != b"data" and at + 8 + size > total:  # no chunk: go on where the next known one begins
            place = _find(file, at + 8, (b"data",) if bytes_per_s else (b"fmt ",))
            if place is None:
                break
            patch[at + 4] = struct.pack(f"{order}I", place - at - 8)
            at = place
            continue
        if name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"fmt ":
            facts = file.read(16)
            if len(facts) == 16:
                tag, _channels, rate, stated, align, _bits = struct.unpack(f"{order}HHIIHH", facts)
                bytes_per_s, is_pcm = rate * align, tag in {1, 3, 0xFFFE}
                irregular |= stated != bytes_per_s
        elif name == b"data":
            if size == _IN_DS64 and header.startswith(b"RF64"):
                size = long_size
                if not size:  # never filled in
                    patch |= {0: b"RIFF", at + 4: bytes(4)}
            found = _wave_data(file, at, size, total, bytes_per_s, is_pcm=is_pcm)
            patch |= found.patch
            return replace(found, irregular=irregular, patch=patch, sndfile="second" if patch else "first")
        at += 8 + size + size % 2
    return Structure(sndfile="first")


def _find(file: BinaryIO, start: int, names: tuple[bytes, ...]) -> int | None:
    """Return the place of the first of these chunks in the next part of a file; None if there is none."""
    file.seek(start)
    data = file.read(1 << 20)
    places = [data.find(name) for name in names if name in data]
    return start + min(places) if places else None


def _wave_data(file: BinaryIO, at: int, size: int, total: int, bytes_per_s: int, *, is_pcm: bool) -> Structure:
    present = total - at - 8
    tail = present - size - size % 2
    if MAX_DECLARED_BYTES <= size <= _IN_DS64 or not bytes_per_s:
        return Structure(sndfile="first")
    if tail >= _MIN_TAIL_S * bytes_per_s and not _is_chunk(file, at + 8 + size + size % 2, total):
        return Structure(patch={at + 4: bytes(4)})  # FFmpeg reads data of size 0 to the end of the file
    return Structure(
        sndfile="first",
        declared_s=size / bytes_per_s if is_pcm and size else None,
        cut=present < (1 - MAX_MISSING) * size,
    )


def _aiff(file: BinaryIO, _header: bytes) -> Structure:
    """Walk through the chunks of an AIFF file: one whose length was never filled in is read to its end."""
    total, at = file.seek(0, 2), 12
    while at + 8 <= total:
        file.seek(at)
        name, size = struct.unpack(">4sI", file.read(8))
        end = at + 8 + size + size % 2
        if name == b"SSND" and size < total - at - _MIN_TAIL_BYTES and not _is_chunk(file, end, total):
            return Structure(sndfile="second", patch={at + 4: bytes(4)}, irregular=True)
        at = end
    return Structure(sndfile="first")


def _au(file: BinaryIO, header: bytes) -> Structure:
    """Compare the size of the data of an AU file with the file, which ends with them."""
    start, size = struct.unpack(">II", header[4:12].ljust(8, b"\0"))
    if size < file.seek(0, 2) - start - _MIN_TAIL_BYTES:
        return Structure(sndfile="second", patch={8: b"\xff" * 4})
    return Structure(sndfile="first")


def _caf(file: BinaryIO, _header: bytes) -> Structure:
    """Walk through the chunks of a CAF file."""
    total, at = file.seek(0, 2), 8
    while at + 12 <= total:
        file.seek(at)
        name, size = struct.unpack(">4sq", file.read(12))
        if size < 0 or at + 12 + size > total:
            return Structure(sndfile="first", cut=name == b"data" and total - at - 12 < (1 - MAX_MISSING) * size)
        at += 12 + size
    return Structure(sndfile="first")


def _is_chunk(file: BinaryIO, at: int, total: int) -> bool:
    """Return whether a chunk begins at this byte, or nothing but padding follows."""
    for place in (at, at - 1):  # some programs write no padding after an odd size
        file.seek(place)
        head = file.read(8)
        if len(head) == 8 and all(32 <= byte < 127 for byte in head[:4]):
            size = min(struct.unpack("<I", head[4:])[0], struct.unpack(">I", head[4:])[0])
            if place + 8 + size <= total + 1 or head[:3] in {b"TAG", b"APE", b"ID3"}:
                return True
    file.seek(at)
    return not file.read(1 << 20).strip(b"\0")


def _w64(file: BinaryIO, _header: bytes) -> Structure:
    """Walk through the chunks of a Wave64 file."""
    total, at = file.seek(0, 2), 40
    while at + 24 <= total:
        file.seek(at)
        name, size = struct.unpack("<4s12xQ", file.read(24))
        if size < 24 or at + size > total:
            return Structure(sndfile="first", cut=name == b"data" and total - at < (1 - MAX_MISSING) * size)
        at += -(-size // 8) * 8
    return Structure(sndfile="first")


def _mp4(file: BinaryIO, _header: bytes) -> Structure:
    """Walk through the boxes of an MPEG-4 file: a cut copy of a recording lacks its index, which comes last."""
    total, at = file.seek(0, 2), 0
    while at + 8 <= total:
        file.seek(at)
        size = int.from_bytes(file.read(4), "big")
        if size == 1:
            file.seek(at + 8)
            size = int.from_bytes(file.read(8), "big")
        if size < 8:  # 0: to the end of the file
            break
        at += size
    return Structure(cut=at > total)


def _ogg(file: BinaryIO, _header: bytes) -> Structure:
    """Walk through the pages of an Ogg file: links that follow each other, and a last page that is cut."""
    total = file.seek(0, 2)
    at, starts, was_first, codecs, is_cut = 0, [0], True, [b""], False
    while at < total:
        file.seek(at)
        page = file.read(27 + 255 + 64)
        if len(page) < 27 or not page.startswith(b"OggS"):
            is_cut = page[:4] == b"OggS"[: len(page)]
            break
        is_first = bool(page[5] & 2)
        if is_first and not was_first:
            starts.append(at)
            codecs.append(b"")
        if is_first:
            codecs[-1] += page[27 + page[26] :][:8]
        was_first = is_first
        at += 27 + page[26] + sum(page[27 : 27 + page[26]])
    links = tuple(pairwise([*starts, min(at, total)])) if len(starts) > 1 else ()
    simple = not links and codecs[0] in {b"\1vorbis" + codecs[0][7:8], b"OpusHead"}
    return Structure(sndfile="first" if simple else "second", cut=is_cut or at > total, seekable=not links, links=links)
