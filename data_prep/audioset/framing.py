"""TFRecord framing: lengths and checksums of records, verified before TensorFlow parses them.

A shard is a sequence of frames: length uint64, masked CRC32C of the length uint32, payload, masked CRC32C of the
payload uint32, all little-endian. TensorFlow 2.21 crashes on a crafted length and silently reads a shard cut inside a
header as a shorter one, so it is not used for this. A shard may be compressed as GZIP or ZLIB as a whole.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import google_crc32c

from data_prep.audioset.archive import MAX_SHARD_BYTES, Shard
from data_prep.errors import DamageError, RecordError

MAX_RECORD_BYTES = 1 << 20  # an AudioSet record has about 1,500 bytes

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_COMPRESSED = b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"  # GZIP, and ZLIB of every level
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_BLOCK_BYTES = 1 << 12  # what damage is found in is lost


class CheckedShard(NamedTuple):
    """The readable records of a shard, and its damages in order of their offsets.

    `shard`: without its bytes. `offsets`: the byte at which each record begins, of the inflated bytes if the shard is
    compressed. `payloads`: contents of the records. A RecordError stands for one record, as the next one can still be
    located; another DamageError for the rest of the shard.
    """

    shard: Shard
    offsets: list[int]
    payloads: list[bytes]
    damages: list[DamageError]


def check_shard(shard: Shard) -> CheckedShard:
    """Verify the framing of a shard, inflated if it is compressed, and return its records."""
    checked = CheckedShard(replace(shard, data=b""), [], [], [])
    data, cut = _inflated(shard)
    try:
        for offset, payload in _frames(data, shard.name):
            if isinstance(payload, RecordError):
                checked.damages.append(payload)
            else:
                checked.offsets.append(offset)
                checked.payloads.append(payload)
    except DamageError as error:
        checked.damages.append(cut or error)
    else:
        checked.damages.extend([cut] if cut else [])
    return checked


def read_records(shard: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, payload) of every record of a shard; raise DamageError at the first that is damaged.

    A cut exactly between two records leaves a valid shard; only a list of the expected clips can reveal it.
    """
    for offset, payload in _frames(shard, name):
        if isinstance(payload, RecordError):
            raise payload
        yield offset, payload


def _frames(shard: bytes, name: str) -> Iterator[tuple[int, bytes | RecordError]]:
    """Yield the offset of every frame with its payload, or with the reason why that record cannot be used.

    Raises DamageError where a length is damaged: no later record can be located.
    """
    if not shard:
        raise DamageError(name, 0, "the shard is empty; get it again")
    offset = 0
    while offset < len(shard):
        start = offset + _HEADER.size
        if start > len(shard):
            raise DamageError(name, offset, f"cut inside the 12-byte header, {len(shard) - offset} bytes are left")
        length, length_crc = _HEADER.unpack_from(shard, offset)
        if _crc_of_length(length) != length_crc:
            raise DamageError(name, offset, "the checksum of its length is wrong: the shard is damaged")
        end = start + length
        too_long = f"claims {length:,} bytes, more than the {MAX_RECORD_BYTES:,} allowed"
        if end + _FOOTER.size > len(shard):
            left = len(shard) - start
            cut = f"cut: {length + _FOOTER.size:,} bytes should follow, {left:,} do"
            raise DamageError(name, offset, too_long if length > MAX_RECORD_BYTES else cut)
        if length > MAX_RECORD_BYTES:
            yield offset, RecordError(name, offset, too_long)
        elif masked_crc(payload := shard[start:end]) != _FOOTER.unpack_from(shard, end)[0]:
            yield offset, RecordError(name, offset, "the checksum of its data is wrong: the record is damaged")
        else:
            yield offset, payload
        offset = end + _FOOTER.size


def _inflated(shard: Shard) -> tuple[bytes, DamageError | None]:
    """Return the frames of a shard, which TensorFlow may have compressed as GZIP or ZLIB, and damage to that."""
    data = shard.data
    if not data.startswith(_COMPRESSED) or _begins_with_frame(data):
        return data, None
    inflated = bytearray()
    try:
        while data.rstrip(b"\0"):  # GZIP files may be concatenated and padded
            inflator = zlib.decompressobj(_GZIP_OR_ZLIB)
            for start in range(0, len(data), _BLOCK_BYTES):
                inflated += inflator.decompress(data[start : start + _BLOCK_BYTES], MAX_SHARD_BYTES - len(inflated) + 1)
                if len(inflated) > MAX_SHARD_BYTES:
                    reason = f"inflates to more than the {MAX_SHARD_BYTES:,} bytes allowed for a shard"
                    return b"", DamageError(shard.name, 0, reason)
                if inflator.eof:
                    break
            if not inflator.eof:
                return bytes(inflated), DamageError(shard.name, len(shard.data), "the compressed shard is cut short")
            data = inflator.unused_data + data[start + _BLOCK_BYTES :]
    except zlib.error as error:
        where = len(shard.data) - len(data)
        return bytes(inflated), DamageError(shard.name, where, f"the compressed shard is damaged ({error})")
    return bytes(inflated), None


def _begins_with_frame(data: bytes) -> bool:
    if len(data) < _HEADER.size:
        return False
    length, length_crc = _HEADER.unpack_from(data)
    return bool(_crc_of_length(length) == length_crc)


@lru_cache(maxsize=4096)  # nearly all records have one of a few dozen lengths
def _crc_of_length(length: int) -> int:
    return masked_crc(length.to_bytes(8, "little"))


def masked_crc(data: bytes) -> int:
    """Return the masked CRC32C of TFRecord: the CRC rotated right by 15 bits, plus 0xA282EAD8."""
    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
