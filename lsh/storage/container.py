"""One file of named arrays: every byte accounted for, every array hashed, mapped into memory.

    0   8 bytes    magic
    8   uint32     format version
   12   uint32     bytes of the header, at most 64 KiB
   16   32 bytes   sha256 of bytes 0 to 16 and of the header
   48   header     see `lsh.storage.header`
        arrays     in the header's order, each at the next multiple of 64, zeros between; the last one ends the file

All numbers are little-endian, so that arrays are used where they lie.
"""

import contextlib
import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lsh.arrays import UInt8Array
from lsh.errors import IndexFileError
from lsh.storage.header import Entry, Header, Settings, damaged, short

Array = npt.NDArray[Any]
Bytes = UInt8Array

FORMAT_VERSION = 1
MAGIC = b"\x89LSH\r\n\x1a\n"  # like PNG's: a transfer that changes line ends or drops the eighth bit shows

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector registers
_HEADER_START = 48
_MOST_HEADER_BYTES = 65_536
_BLOCK_BYTES = 2**24  # hashed and written at a time


@dataclass(frozen=True, slots=True)
class Opened:
    """An open index file whose header is whole and ends at byte `end`; its arrays are yet to be looked at."""

    file: BinaryIO
    size: int
    header: Header
    end: int

    @property
    def start(self) -> int:
        """Return the byte at which the arrays begin."""
        return _aligned(self.end)


def write(
    handle: int, kind: str, settings: Settings, arrays: Mapping[str, Array], left_out: Collection[str] = ()
) -> None:
    """Write an index file into an empty one; of arrays that are left out only shape and sha256 are kept.

    Arrays are hashed as they are written, and the header, whose length is known before, comes last.
    """
    entries, end = [], 0
    for name, array in arrays.items():
        offset = None if name in left_out else _aligned(end)
        end = end if offset is None else offset + array.nbytes
        entries.append(Entry(name, array.dtype.newbyteorder("<").str, array.shape, offset, "0" * 64))
    start = _aligned(_HEADER_START + len(Header(kind, settings, tuple(entries)).encode()))
    for i, (entry, array) in enumerate(zip(entries, arrays.values(), strict=True)):
        digest = hashlib.sha256()
        if entry.offset is not None:
            os.lseek(handle, start + entry.offset, os.SEEK_SET)  # what is skipped reads as zeros
        for block in _blocks(array):
            digest.update(block.data)
            if entry.offset is not None:
                _write_all(handle, block.data)
        entries[i] = replace(entry, sha256=digest.hexdigest())
    header = Header(kind, settings, tuple(entries)).encode()
    preamble = MAGIC + FORMAT_VERSION.to_bytes(4, "little") + len(header).to_bytes(4, "little")
    os.lseek(handle, 0, os.SEEK_SET)
    _write_all(handle, preamble + hashlib.sha256(preamble + header).digest() + header)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open an index file and check all that comes before its arrays; raise IndexFileError or OSError."""
    if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: a pipe would wait for its other end
        raise IndexFileError("it is not a regular file: give the path of a saved index")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = _read_header(file, size)
        yield Opened(file, size, Header.decode(header), _HEADER_START + len(header))


def arrays_of(index: Opened, *, mapped: bool) -> dict[str, Array]:
    """Return the arrays that lie in the file, read-only, once they are known to fill it exactly. Nothing is hashed.

    mapped: leave them on disk, where a page is read when it is first used; else read them now.
    """
    _check_places(index)
    memory = _map(index) if mapped else _read(index)
    _check_gaps(index, memory)
    return {
        entry.name: memory[index.start + entry.offset :][: entry.nbytes].view(entry.dtype).reshape(entry.shape)
        for entry in index.header.arrays
        if entry.offset is not None
    }


def sha256(array: Array) -> str:
    """Return the sha256 of an array's bytes, little-endian and in C order, in hexadecimal."""
    digest = hashlib.sha256()
    for block in _blocks(array):
        digest.update(block.data)
    return digest.hexdigest()


def _read_header(file: BinaryIO, size: int) -> bytes:
    """Return the header once its own sha256 is right, whatever it says."""
    preamble = file.read(_HEADER_START)
    if preamble[:8] != MAGIC:
        raise IndexFileError(f"it begins with {short(preamble[:8])}; expected {MAGIC!r}: it is not a saved index")
    if len(preamble) < _HEADER_START:
        raise damaged(f"it has {size} bytes; expected more than {_HEADER_START}")
    version, length = int.from_bytes(preamble[8:12], "little"), int.from_bytes(preamble[12:16], "little")
    if version > FORMAT_VERSION:
        raise IndexFileError(
            f"it was written by a newer version of lsh (format {version}; this one reads up to {FORMAT_VERSION}): "
            "install a newer lsh, or fit the index and save it again"
        )
    if version < 1:
        raise damaged(f"its format version is {version}; expected 1 to {FORMAT_VERSION}")
    if length > min(_MOST_HEADER_BYTES, size - _HEADER_START):
        raise damaged(
            f"its header should have {length} bytes, of {size} in the file; expected at most {_MOST_HEADER_BYTES}"
        )
    header = file.read(length)
    digest = hashlib.sha256(preamble[:16] + header).digest()
    if digest != preamble[16:]:
        raise damaged(f"its header has sha256 {digest.hex()}; expected {preamble[16:].hex()}")
    return header


def _check_places(index: Opened) -> None:
    """Refuse arrays that overlap, leave gaps or do not end where the file does."""
    end = 0
    for entry in index.header.arrays:
        if entry.offset is not None:
            if entry.offset != _aligned(end):
                raise damaged(f"its array {entry.name} begins at {entry.offset}; expected {_aligned(end)}")
            end = entry.offset + entry.nbytes
    if index.start + end != index.size:
        raise damaged(f"it has {index.size} bytes; expected {index.start + end} from its header")


def _check_gaps(index: Opened, memory: Bytes) -> None:
    """Refuse anything but zeros where nothing is stored."""
    end = index.end
    for entry in index.header.arrays:
        if entry.offset is not None:
            gap = memory[end : index.start + entry.offset]
            if gap.any():
                raise damaged(f"byte {end + int(gap.argmax())} is not zero, where nothing is stored")
            end = index.start + entry.offset + entry.nbytes


def _map(index: Opened) -> Bytes:
    try:
        return np.frombuffer(mmap.mmap(index.file.fileno(), index.size, access=mmap.ACCESS_READ), np.uint8)
    except ValueError as error:  # the file is shorter than it was a moment ago
        raise damaged(f"it cannot be mapped ({error})") from error


def _read(index: Opened) -> Bytes:
    memory = np.empty(index.size, np.uint8)
    index.file.seek(0)
    count = index.file.readinto(memory)  # type: ignore[attr-defined]
    if count != index.size:
        raise damaged(f"only {count} of its {index.size} bytes could be read")
    memory.flags.writeable = False
    return memory


def _blocks(array: Array) -> Iterator[Bytes]:
    """Yield an array's bytes, little-endian and in C order."""
    flat = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
    for start in range(0, len(flat), _BLOCK_BYTES):
        yield flat[start : start + _BLOCK_BYTES]


def _write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte: one call may take fewer."""
    rest = memoryview(data)
    while rest:
        written = os.write(handle, rest)
        if not written:
            raise OSError(errno.EIO, "the disk takes no more bytes")
        rest = rest[written:]


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
