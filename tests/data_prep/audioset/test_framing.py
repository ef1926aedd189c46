"""TFRecord framing: lengths and checksums of records."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.audioset import framing
from data_prep.audioset.archive import Shard
from data_prep.audioset.framing import MAX_RECORD_BYTES, CheckedShard, check_shard, masked_crc, read_records
from data_prep.errors import DamageError, RecordError
from tests.data_prep.audioset_files import framed, masked, shard

payload_lists = st.lists(st.binary(max_size=60), min_size=1, max_size=5)


def payloads_of(data: bytes) -> list[bytes]:
    return [payload for _, payload in read_records(data, "bal_train/ab.tfrecord")]


def boundaries(payloads: list[bytes]) -> list[int]:
    """Return where each record begins, and where the last one ends."""
    places = [0]
    for payload in payloads:
        places.append(places[-1] + len(framed(payload)))
    return places


def test_the_checksum_is_the_one_of_the_standard() -> None:
    # RFC 3720, B.4: 32 bytes of zeros have CRC32C 0x8a9136aa; TFRecord rotates it by 15 and adds a constant.
    crc = 0x8A9136AA
    assert masked_crc(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


@given(st.binary(max_size=200))
def test_two_independent_checksums_agree(data: bytes) -> None:
    assert masked_crc(data).to_bytes(4, "little") == masked(data)


@given(payload_lists)
def test_records_are_read_back_with_their_offsets(payloads: list[bytes]) -> None:
    read = list(read_records(shard(payloads), "x"))
    assert [payload for _, payload in read] == payloads
    assert [offset for offset, _ in read] == boundaries(payloads)[:-1]


@given(payload_lists, st.data())
def test_any_flipped_bit_is_refused(payloads: list[bytes], data: st.DataObject) -> None:
    damaged = bytearray(shard(payloads))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DamageError) as caught:
        payloads_of(bytes(damaged))
    starts = boundaries(payloads)
    assert caught.value.offset == max(start for start in starts if start <= bit // 8)


@given(payload_lists, st.data())
def test_any_cut_inside_a_record_is_refused_with_its_offset(payloads: list[bytes], data: st.DataObject) -> None:
    whole, starts = shard(payloads), boundaries(payloads)
    size = data.draw(st.integers(0, len(whole) - 1).filter(lambda n: n == 0 or n not in starts))
    with pytest.raises(DamageError) as caught:
        payloads_of(whole[:size])
    assert caught.value.offset == max(start for start in starts if start <= size)


def test_a_cut_between_records_is_not_detected_by_the_framing() -> None:
    # The reason why conversion also compares with AudioSet's lists of segments.
    assert payloads_of(shard([b"one", b"two", b"three"])[: len(framed(b"one"))]) == [b"one"]


@pytest.mark.parametrize("length", [MAX_RECORD_BYTES + 1, 2**31, 2**32, 2**33, 2**40, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_wrong_length_is_refused_though_its_checksum_is_right(length: int) -> None:
    with pytest.raises(DamageError, match=r"claims .* more than"):
        payloads_of(framed(b"first") + framed(b"x" * 1000, length=length))


def test_a_length_beyond_the_shard_is_refused() -> None:
    with pytest.raises(DamageError, match="cut: 1,004 bytes should follow, 104 do"):
        payloads_of(framed(b"x" * 100, length=1000))


def test_an_empty_shard_is_refused() -> None:
    with pytest.raises(DamageError, match="empty"):
        payloads_of(b"")


def test_three_bytes_of_garbage_at_the_end_are_refused() -> None:
    with pytest.raises(DamageError, match=r"bal_train/ab\.tfrecord, at byte 21: cut inside the 12-byte header"):
        payloads_of(framed(b"first") + b"???")


def test_an_error_names_file_offset_and_reason() -> None:
    with pytest.raises(DamageError) as caught:
        payloads_of(framed(b"first") + framed(b"second")[:-1])
    assert (caught.value.file, caught.value.offset) == ("bal_train/ab.tfrecord", 21)
    assert caught.value.reason in str(caught.value)


def checked(data: bytes) -> CheckedShard:
    return check_shard(Shard("bal_train/ab.tfrecord", "bal_train", data))


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8), st.data())
def test_a_damaged_record_is_left_out_alone(payloads: list[bytes], data: st.DataObject) -> None:
    starts = boundaries(payloads)
    bad = data.draw(st.sets(st.integers(0, len(payloads) - 1)))
    damaged = bytearray(shard(payloads))
    for i in bad:
        damaged[data.draw(st.integers(starts[i] + 12, starts[i + 1] - 1))] ^= 1
    found = checked(bytes(damaged))
    assert found.payloads == [payload for i, payload in enumerate(payloads) if i not in bad]
    assert found.offsets == [starts[i] for i in range(len(payloads)) if i not in bad]
    assert [(type(error), error.offset) for error in found.damages] == [(RecordError, starts[i]) for i in sorted(bad)]


def test_a_record_that_is_too_long_is_left_out_alone() -> None:
    found = checked(shard([b"one", bytes(MAX_RECORD_BYTES + 1), b"three"]))
    assert found.payloads == [b"one", b"three"]
    (error,) = found.damages
    assert type(error) is RecordError
    assert error.reason == "claims 1,048,577 bytes, more than the 1,048,576 allowed"


def test_after_a_damaged_length_no_record_is_read() -> None:
    data = bytearray(shard([b"one", b"two", b"three"]))
    data[19] ^= 1
    found = checked(bytes(data))
    assert found.payloads == [b"one"]
    (error,) = found.damages
    assert (type(error), error.offset) == (DamageError, 19)


COMPRESSIONS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "two gzip members": lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:]) + bytes(9),
}


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_a_compressed_shard_is_read_like_the_plain_one(compress) -> None:
    plain = shard([b"one", b"two" * 100, b"three"])
    assert checked(compress(plain)) == checked(plain)


def test_a_shard_that_only_begins_like_gzip_is_not_inflated() -> None:
    payload = bytes(0x8B1F)
    assert framed(payload).startswith(b"\x1f\x8b")
    assert checked(framed(payload)).payloads == [payload]


def test_a_compressed_shard_that_is_cut_gives_the_records_before_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "_BLOCK_BYTES", 16)
    payloads = [bytes([i]) * 400 for i in range(200)]
    whole = gzip.compress(shard(payloads))
    for size in range(20, len(whole), 97):
        found = checked(whole[:size])
        assert found.payloads == payloads[: len(found.payloads)]
        (error,) = found.damages
        assert (type(error), error.offset, error.reason) == (DamageError, size, "the compressed shard is cut short")
    assert len(found.payloads) > 150


def test_damage_to_a_compressed_shard_is_named() -> None:
    payloads = [random.Random(i).randbytes(400) for i in range(100)]
    data = bytearray(gzip.compress(shard(payloads)))
    data[-8] ^= 1  # of gzip's own checksum
    found = checked(bytes(data))
    assert 80 < len(found.payloads) < 100
    assert found.payloads == payloads[: len(found.payloads)]
    (error,) = found.damages
    assert error.reason.startswith("the compressed shard is damaged (")


def test_a_shard_that_inflates_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_SHARD_BYTES", 1 << 16)
    found = checked(gzip.compress(bytes(1 << 20)))
    assert found.payloads == []
    assert [error.reason for error in found.damages] == ["inflates to more than the 65,536 bytes allowed for a shard"]
