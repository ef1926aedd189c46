"""Gzip read from its beginning and from the middle, compared with Python's gzip."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from data_prep.download.gunzip import Entry, Gunzip


def text(size: int, seed: int = 0) -> bytes:
    """Return bytes that compress somewhat, with repetitions from far back."""
    rng = np.random.default_rng(seed)
    words = [rng.bytes(int(n)) for n in rng.integers(3, 60, 500)]
    return b"".join(words[i] for i in rng.integers(0, 500, size // 20))[:size]


def source(data: bytes, piece: int = 1000):
    def read_from(offset: int) -> Iterator[bytes]:
        return (data[place : place + piece] for place in range(offset, len(data), piece))

    return read_from


def read_all(stream: Gunzip) -> bytes:
    return b"".join(iter(lambda: stream.read(10_000), b""))


def entries_of(data: bytes, piece: int = 1000) -> list[Entry]:
    """Return the entry points that reading in small steps finds."""
    stream, found = Gunzip(source(data, piece)), []
    while stream.read(500):
        assert stream.entry.total <= stream.tell()
        if stream.entry not in found:
            found.append(stream.entry)
    return found


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 20])
def test_it_reads_what_gzip_reads(level: int, piece: int) -> None:
    plain = text(100_000)
    assert read_all(Gunzip(source(gzip.compress(plain, level), piece))) == plain


@pytest.mark.parametrize("sizes", [[1], [500, 1, 70_000], [1 << 20]])
def test_it_returns_the_requested_number_of_bytes_and_its_position(sizes: list[int]) -> None:
    plain = text(300_000)
    stream, place = Gunzip(source(gzip.compress(plain))), 0
    for size in sizes * 3:
        assert stream.tell() == place
        got = stream.read(size)
        assert got == plain[place : place + size]
        place += len(got)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_every_entry_point_gives_the_same_rest(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 200_000)
    plain = text(1_500_000)
    data = gzip.compress(plain, level)
    entries = entries_of(data)
    assert 3 < len(entries) < 9
    assert min(later.total - one.total for one, later in pairwise(entries[1:])) >= 200_000
    for entry in entries:
        again = Gunzip(source(data, 777), Entry.from_json(json.loads(json.dumps(entry.to_json()))))
        assert again.tell() == entry.total
        assert read_all(again) == plain[entry.total :]


def test_entry_points_may_lie_at_every_bit_of_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 1)
    plain = np.random.default_rng(0).normal(128, 20, 2_000_000).astype(np.uint8).tobytes()
    data = gzip.compress(plain, 1)
    by_bits = {entry.bits: entry for entry in entries_of(data)}
    assert set(by_bits) == set(range(8))
    for entry in by_bits.values():
        assert read_all(Gunzip(source(data, 5_000), entry)) == plain[entry.total :]


def test_several_members_and_padding_are_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 20_000)
    parts = [text(400_000, 1), b"", text(300_000, 2)]
    data = b"".join(map(gzip.compress, parts)) + bytes(700)
    assert read_all(Gunzip(source(data))) == b"".join(parts)
    for entry in entries_of(data):
        assert read_all(Gunzip(source(data), entry)) == b"".join(parts)[entry.total :]


def test_a_header_with_every_optional_field_is_skipped() -> None:
    plain = text(5_000)
    head = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x05\x00extra" + b"name\0" + b"comment\0" + b"CC"
    assert read_all(Gunzip(source(head + gzip.compress(plain)[10:], 1))) == plain


def test_every_cut_is_detected() -> None:
    data = gzip.compress(text(3_000))
    for size in range(len(data)):
        with pytest.raises(EOFError):
            read_all(Gunzip(source(data[:size])))


def test_every_flipped_bit_is_detected_as_by_gzip() -> None:
    data = gzip.compress(text(800))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert outcome(lambda d=bytes(damaged): read_all(Gunzip(source(d)))) == outcome(
            lambda d=bytes(damaged): gzip.GzipFile(fileobj=io.BytesIO(d)).read()
        ), f"bit {bit}"


def test_damage_after_an_entry_point_is_detected_by_the_checksum_of_the_member(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 20_000)
    plain = text(200_000)
    data = bytearray(gzip.compress(plain, 0))  # stored blocks: only the checksum shows it
    entry = entries_of(bytes(data))[-1]
    data[-100] ^= 1
    with pytest.raises(zlib.error, match="CRC check failed"):
        read_all(Gunzip(source(bytes(data)), entry))


def outcome(read):
    """Return the bytes read, or None if they were refused: both readers must agree."""
    try:
        return read()
    except (EOFError, zlib.error, OSError):
        return "refused"
