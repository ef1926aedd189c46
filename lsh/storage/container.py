"""File format of a saved index: named arrays behind a header, all bytes checked, mapped into memory.

    0   8 bytes    magic
    8   uint32     format version
   12   uint32     bytes of the header, at most 64 KiB
   16   32 bytes   sha256 of bytes 0 to 16 and of the header
   48   header     see `lsh.storage.header`
        arrays     in the header's order, each at the next multiple of 64, zeros between; the last one ends the file

All numbers are little-endian, so that arrays are used in place.
"""

import contextlib
import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lsh.arrays import UInt8Array
from lsh.errors import IndexFileError
from lsh.storage.header import Entry, Header, Settings, damaged, short

Array = npt.NDArray[Any]
Bytes = UInt8Array

FORMAT_VERSION = 5
GROWN_VERSION = 6  # of the file of an index that has grown
GROWN_VERSIONS = 4, GROWN_VERSION
GRAPH_VERSION = 7  # of the file of a graph
MAGIC = b"\x89LSH\r\n\x1a\n"  # as in PNG: transfers that change line ends or drop the eighth bit are detected

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector registers
_HEADER_START = 48
_MAX_HEADER_BYTES = 65_536
_BLOCK_BYTES = 2**24  # hashed and written at a time


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open index file with a valid header, which ends at byte `end`; its arrays are not checked yet."""

    file: BinaryIO
    size: int
    version: int
    header: Header
    end: int

    @property
    def start(self) -> int:
        """Return the byte at which the arrays begin."""
        return _aligned(self.end)


def write(
    handle: int,
    kind: str,
    settings: Settings,
    arrays: Mapping[str, Array],
    left_out: Collection[str] = (),
    version: int = FORMAT_VERSION,
) -> None:
    """Write an index file to an empty file; of the arrays in `left_out` only shape and sha256 are stored.

    Arrays are hashed while they are written; the header, whose length is known in advance, is written last.
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
            os.lseek(handle, start + entry.offset, os.SEEK_SET)  # the gap before it reads as zeros
        for block in _blocks(array):
            digest.update(block.data)
            if entry.offset is not None:
                _write_all(handle, block.data)
        entries[i] = entry._replace(sha256=digest.hexdigest())
    header = Header(kind, settings, tuple(entries)).encode()
    preamble = MAGIC + version.to_bytes(4, "little") + len(header).to_bytes(4, "little")
    os.lseek(handle, 0, os.SEEK_SET)
    _write_all(handle, preamble + hashlib.sha256(preamble + header).digest() + header)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """Open an index file and check all bytes before its arrays; raise IndexFileError or OSError."""
    if not stat.S_ISREG(path.stat().st_mode):  # before opening it, since opening a pipe would block
        raise IndexFileError("it is not a regular file: give the path of a saved index")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        version, header = _read_header(file, size)
        yield OpenFile(file, size, version, Header.decode(header), _HEADER_START + len(header))


def arrays_of(index: OpenFile, *, mapped: bool) -> dict[str, Array]:
    """Return the arrays in the file, read-only, after checking that they fill it exactly. Nothing is hashed.

    mapped: map them into memory, so that a page is read when it is first used; otherwise read them now.
    """
    _check_offsets(index)
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


def _read_header(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """Return the format version and the bytes of the header after checking its sha256."""
    preamble = file.read(_HEADER_START)
    if preamble[:8] != MAGIC:
        raise IndexFileError(f"it begins with {short(preamble[:8])}; expected {MAGIC!r}: it is not a saved index")
    if len(preamble) < _HEADER_START:
        raise damaged(f"it has {size} bytes; expected more than {_HEADER_START}")
    version, length = int.from_bytes(preamble[8:12], "little"), int.from_bytes(preamble[12:16], "little")
    if version > GRAPH_VERSION:
        raise IndexFileError(
            f"it was written by a newer version of lsh (format {version}; this one reads up to {GRAPH_VERSION}): "
            "install a newer lsh, or fit the index and save it again"
        )
    if version < 1:
        raise damaged(f"its format version is {version}; expected 1 to {GRAPH_VERSION}")
    if length > min(_MAX_HEADER_BYTES, size - _HEADER_START):
        raise damaged(
            f"its header should have {length} bytes, and the file has {size}; expected at most {_MAX_HEADER_BYTES}"
        )
    header = file.read(length)
    digest = hashlib.sha256(preamble[:16] + header).digest()
    if digest != preamble[16:]:
        raise damaged(f"its header has sha256 {digest.hex()}; expected {preamble[16:].hex()}")
    return version, header


def _check_offsets(index: OpenFile) -> None:
    """Raise for arrays that overlap, leave gaps or do not end at the end of the file."""
    end = 0
    for entry in index.header.arrays:
        if entry.offset is not None:
            if entry.offset != _aligned(end):
                raise damaged(f"its array {entry.name} begins at {entry.offset}; expected {_aligned(end)}")
            end = entry.offset + entry.nbytes
    if index.start + end != index.size:
        raise damaged(f"it has {index.size} bytes; expected {index.start + end} from its header")


def _check_gaps(index: OpenFile, memory: Bytes) -> None:
    """Raise for bytes other than zero between the arrays."""
    end = index.end
    for entry in index.header.arrays:
        if entry.offset is not None:
            gap = memory[end : index.start + entry.offset]
            if gap.any():
                raise damaged(f"byte {end + int(gap.argmax())} is not zero, between two arrays")
            end = index.start + entry.offset + entry.nbytes


def _map(index: OpenFile) -> Bytes:
    try:
        return np.frombuffer(mmap.mmap(index.file.fileno(), index.size, access=mmap.ACCESS_READ), np.uint8)
    except ValueError as error:  # the file was truncated after its size was read
        raise damaged(f"it cannot be mapped ({error})") from error


def _read(index: OpenFile) -> Bytes:
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
    """Write every byte: one call of os.write may write fewer."""
    rest = memoryview(data)
    while rest:
        written = os.write(handle, rest)
        if not written:
            raise OSError(errno.EIO, "the disk accepts no more bytes")
        rest = rest[written:]


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
