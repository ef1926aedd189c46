"""Gzip decompression that can start in the middle of a file, after Mark Adler's examples/zran.c (zlib, 2005).

Deflate refers to at most the previous 32 KiB of output, so inflating can start at any block, given those 32 KiB.
Python's `zlib` does not report where blocks begin; the C library does, so it is called directly.
"""

import base64
import ctypes
import ctypes.util
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

from data_prep.errors import InputError

Source = Callable[[int], Iterator[bytes]]  # compressed bytes from an offset to the end, in pieces

_WINDOW = 1 << 15
_BLOCK_BYTES = 1 << 18  # maximum output of one call of inflate
_SPACING = 1 << 22  # minimum number of inflated bytes between two entry points
_OK, _STREAM_END, _BUFFER_ERROR = 0, 1, -5
_NO_FLUSH, _BLOCK = 0, 5
_RAW = -15  # deflate with a window of 32 KiB, without gzip's header and trailer
_AFTER_BLOCK, _LAST_BLOCK, _BITS = 128, 64, 7  # in z_stream.data_type
_HEAD_CRC, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16  # gzip's flags (RFC 1952)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry point: the state needed to inflate a gzip file from byte `offset` on.

    `byte`: the byte before `offset`, whose last `bits` bits belong to the block that begins here. `plain`, `crc`: size
    and CRC-32 of the inflated bytes of this gzip member so far. `before`: inflated bytes of the members before it.
    `window`: the last 32 KiB of inflated bytes. `stored`: the file is not compressed (`Stored`).
    """

    offset: int = 0
    bits: int = 0
    byte: int = 0
    plain: int = 0
    crc: int = 0
    before: int = 0
    window: bytes = b""
    stored: bool = False

    @property
    def total(self) -> int:
        """Number of inflated bytes before this entry point."""
        return self.before + self.plain

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        numbers = {name: getattr(self, name) for name in self.__slots__ if name != "window"}
        return {**numbers, "window": base64.b85encode(self.window).decode()}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Return the entry for a JSON object made by `to_json`."""
        return cls(**{**facts, "window": base64.b85decode(facts["window"])})


class Gunzip:
    """A reader of the inflated bytes of a gzip file, from its beginning or from an entry point on.

    A file of several members is read as one stream. Raises EOFError when the source ends too
    early, zlib.error when it is damaged.
    """

    def __init__(self, source: Source, entry: Entry | None = None) -> None:
        begin = entry or Entry()
        self._entries = [begin]
        self._pieces = source(begin.offset)
        self._input = b""  # the piece being inflated; the library holds a pointer into it
        self._input_end = begin.offset  # offset in the source of the end of that piece
        self._state = begin  # its plain, crc and before are those of the current position
        self._window = begin.window
        self._plain = bytearray()
        self._buffer = ctypes.create_string_buffer(_BLOCK_BYTES)
        self._stream = _ZStream()
        _check(_zlib().inflateInit2_(self._pointer, _RAW, zlib.ZLIB_VERSION.encode(), ctypes.sizeof(_ZStream)))
        self._ended = False
        if begin.offset:
            self._enter(begin)
        else:
            self._read_header()

    def read(self, size: int) -> bytes:
        """Return `size` inflated bytes; fewer only at the end."""
        while len(self._plain) < size and not self._ended:
            self._plain += self._inflate()
        data = bytes(memoryview(self._plain)[:size])
        del self._plain[:size]
        return data

    def tell(self) -> int:
        """Return the position in the inflated bytes."""
        return self._state.total - len(self._plain)

    @property
    def entry(self) -> Entry:
        """The last entry point at or before the current position."""
        while len(self._entries) > 1 and self._entries[1].total <= self.tell():
            del self._entries[0]
        return self._entries[0]

    def close(self) -> None:
        """Free the memory of the C library; also done when the object is deleted."""
        if self._stream.state:
            _zlib().inflateEnd(self._pointer)

    __del__ = close

    @property
    def _pointer(self) -> Any:
        return ctypes.byref(self._stream)

    def _enter(self, entry: Entry) -> None:
        if entry.bits:
            _check(_zlib().inflatePrime(self._pointer, entry.bits, entry.byte >> (8 - entry.bits)))
        _check(_zlib().inflateSetDictionary(self._pointer, entry.window, len(entry.window)))

    def _inflate(self) -> bytes:
        """Inflate up to the end of the input, the buffer, the member, or a block that becomes an entry point."""
        if not self._stream.avail_in:
            self._feed()
        latest = self._entries[-1]
        due = not latest.offset or self._state.total - latest.total >= _SPACING
        self._stream.next_out, self._stream.avail_out = ctypes.addressof(self._buffer), _BLOCK_BYTES
        status = _zlib().inflate(self._pointer, _BLOCK if due else _NO_FLUSH)
        if status not in {_OK, _STREAM_END, _BUFFER_ERROR}:
            raise zlib.error(f"error {status}: {(self._stream.msg or b'invalid data').decode()}")
        piece = ctypes.string_at(self._buffer, _BLOCK_BYTES - self._stream.avail_out)
        if piece:
            self._window = (self._window + piece)[-_WINDOW:] if len(piece) < _WINDOW else piece[-_WINDOW:]
        self._state = replace(self._state, plain=self._state.plain + len(piece), crc=zlib.crc32(piece, self._state.crc))
        kind = self._stream.data_type
        if due and kind & _AFTER_BLOCK and not kind & _LAST_BLOCK:
            used = len(self._input) - self._stream.avail_in
            if used:  # else the byte with the block's first bits is lost, and the next block is used
                place = {
                    "offset": self._input_end - self._stream.avail_in,
                    "bits": kind & _BITS,
                    "byte": self._input[used - 1],
                }
                self._entries.append(replace(self._state, **place, window=self._window))
        if status == _STREAM_END:
            self._end_member()
        return piece

    def _feed(self) -> None:
        piece = next(self._pieces, b"")
        if not piece:
            raise EOFError("the gzip stream ends too early")
        self._set_input(piece)
        self._input_end += len(piece)

    def _set_input(self, data: bytes) -> None:
        self._input = data
        self._stream.next_in = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
        self._stream.avail_in = len(data)

    def _read_raw(self, size: int) -> bytes:
        """Return the next raw bytes of the gzip file, for headers and trailers."""
        while self._stream.avail_in < size:
            left = self._unread()
            self._feed()
            self._set_input(left + self._input)
        data, rest = self._unread()[:size], self._unread()[size:]
        self._set_input(rest)
        return data

    def _unread(self) -> bytes:
        return self._input[len(self._input) - self._stream.avail_in :]

    def _end_member(self) -> None:
        """Verify the member's trailer; then skip padding, and begin the next member or end."""
        crc, size = (int.from_bytes(self._read_raw(4), "little") for _ in range(2))
        if crc != self._state.crc or size != self._state.plain & 0xFFFFFFFF:
            raise zlib.error(f"CRC check failed {crc:#x} != {self._state.crc:#x}")
        while True:
            try:
                byte = self._read_raw(1)
            except EOFError:
                self._ended = True
                return
            if byte != b"\0":
                break
        self._set_input(byte + self._unread())
        self._state = Entry(before=self._state.total)
        self._window = b""
        _check(_zlib().inflateReset2(self._pointer, _RAW))
        self._read_header()

    def _read_header(self) -> None:
        head = self._read_raw(10)
        if head[:3] != b"\x1f\x8b\x08":
            raise zlib.error("a gzip header is missing")
        flags = head[3]
        if flags & _EXTRA:
            self._read_raw(int.from_bytes(self._read_raw(2), "little"))
        for text in (_NAME, _COMMENT):
            while flags & text and self._read_raw(1) != b"\0":
                pass
        if flags & _HEAD_CRC:
            self._read_raw(2)


class Stored:
    """A reader, with the methods of `Gunzip`, of a file that is not compressed."""

    def __init__(self, source: Source, entry: Entry | None = None) -> None:
        self._position = (entry or Entry()).offset
        self._pieces = source(self._position)
        self._input = bytearray()

    def read(self, size: int) -> bytes:
        """Return `size` bytes; fewer only at the end."""
        while len(self._input) < size and (piece := next(self._pieces, b"")):
            self._input += piece
        data = bytes(memoryview(self._input)[:size])
        del self._input[:size]
        self._position += len(data)
        return data

    def tell(self) -> int:
        """Return the position in the file."""
        return self._position

    @property
    def entry(self) -> Entry:
        """The current position: reading can start anywhere."""
        return Entry(offset=self._position, before=self._position, stored=True)


class _ZStream(ctypes.Structure):
    """zlib's z_stream (zlib.h)."""

    _fields_ = (
        ("next_in", ctypes.c_void_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    )


@cache
def _zlib() -> ctypes.CDLL:
    """Load the system's zlib; its calls release the interpreter lock."""
    for name in ("libz.so.1", "libz.dylib", ctypes.util.find_library("z")):
        try:
            return ctypes.CDLL(name) if name else _missing()
        except OSError:
            continue
    return _missing()


def _missing() -> ctypes.CDLL:
    raise InputError("the system's zlib library (libz) is not installed: install it, on Debian `zlib1g`")


def _check(status: int) -> None:
    if status != _OK:
        raise zlib.error(f"error {status} of the library")
