"""TFRecord framing: lengths and checksums of records, verified before TensorFlow parses them.

A shard is a sequence of frames: length uint64, masked CRC32C of the length uint32, payload, masked CRC32C of the
payload uint32, all little-endian. TensorFlow 2.21 crashes on a crafted length and silently reads a shard cut inside a
header as a shorter one, so it is not used for this.
"""

import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import google_crc32c

from data_prep.audioset.archive import Shard
from data_prep.errors import RecordError

MAX_RECORD_BYTES = 1 << 20  # an AudioSet record has about 1,500 bytes

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


class CheckedShard(NamedTuple):
    """The records of a shard up to the first damage, after which no record can be located.

    `shard`: without its bytes. `offsets`: the byte at which each record begins. `payloads`: contents of the records.
    """

    shard: Shard
    offsets: list[int]
    payloads: list[bytes]
    damage: RecordError | None = None


def check_shard(shard: Shard) -> CheckedShard:
    """Verify the framing of a shard, and return its records."""
    checked = CheckedShard(replace(shard, data=b""), [], [])
    try:
        for offset, payload in read_records(shard.data, shard.name):
            checked.offsets.append(offset)
            checked.payloads.append(payload)
    except RecordError as error:
        return checked._replace(damage=error)
    return checked


def read_records(shard: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, payload) of every record of a shard; raise RecordError at the first that is damaged.

    A cut exactly between two records leaves a valid shard; only a list of the expected clips can reveal it.
    """
    if not shard:
        raise RecordError(name, 0, "the shard is empty; get it again")
    offset = 0
    while offset < len(shard):
        start = offset + _HEADER.size
        if start > len(shard):
            raise RecordError(name, offset, f"cut inside the 12-byte header, {len(shard) - offset} bytes are left")
        length, length_crc = _HEADER.unpack_from(shard, offset)
        if _crc_of_length(length) != length_crc:
            raise RecordError(name, offset, "the checksum of its length is wrong: the shard is damaged")
        if length > MAX_RECORD_BYTES:
            raise RecordError(name, offset, f"claims {length:,} bytes, more than the {MAX_RECORD_BYTES:,} allowed")
        end = start + length
        if end + _FOOTER.size > len(shard):
            left = len(shard) - start
            raise RecordError(name, offset, f"cut: {length + _FOOTER.size:,} bytes should follow, {left:,} do")
        payload = shard[start:end]
        if masked_crc(payload) != _FOOTER.unpack_from(shard, end)[0]:
            raise RecordError(name, offset, "the checksum of its data is wrong: the shard is damaged")
        yield offset, payload
        offset = end + _FOOTER.size


@lru_cache(maxsize=4096)  # nearly all records have one of a few dozen lengths
def _crc_of_length(length: int) -> int:
    return masked_crc(length.to_bytes(8, "little"))


def masked_crc(data: bytes) -> int:
    """Return the masked CRC32C of TFRecord: the CRC rotated right by 15 bits, plus 0xA282EAD8."""
    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
