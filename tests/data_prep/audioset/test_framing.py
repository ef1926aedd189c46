"""TFRecord framing: lengths and checksums of records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.audioset.framing import MAX_RECORD_BYTES, masked_crc, read_records
from data_prep.errors import RecordError
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
    with pytest.raises(RecordError) as caught:
        payloads_of(bytes(damaged))
    starts = boundaries(payloads)
    assert caught.value.offset == max(start for start in starts if start <= bit // 8)


@given(payload_lists, st.data())
def test_any_cut_inside_a_record_is_refused_with_its_offset(payloads: list[bytes], data: st.DataObject) -> None:
    whole, starts = shard(payloads), boundaries(payloads)
    size = data.draw(st.integers(0, len(whole) - 1).filter(lambda n: n == 0 or n not in starts))
    with pytest.raises(RecordError) as caught:
        payloads_of(whole[:size])
    assert caught.value.offset == max(start for start in starts if start <= size)


def test_a_cut_between_records_is_not_detected_by_the_framing() -> None:
    # The reason why conversion also compares with AudioSet's lists of segments.
    assert payloads_of(shard([b"one", b"two", b"three"])[: len(framed(b"one"))]) == [b"one"]


@pytest.mark.parametrize("length", [MAX_RECORD_BYTES + 1, 2**31, 2**32, 2**33, 2**40, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_wrong_length_is_refused_though_its_checksum_is_right(length: int) -> None:
    with pytest.raises(RecordError, match=r"claims .* more than"):
        payloads_of(framed(b"first") + framed(b"x" * 1000, length=length))


def test_a_length_beyond_the_shard_is_refused() -> None:
    with pytest.raises(RecordError, match="cut: 1,004 bytes should follow, 104 do"):
        payloads_of(framed(b"x" * 100, length=1000))


def test_an_empty_shard_is_refused() -> None:
    with pytest.raises(RecordError, match="empty"):
        payloads_of(b"")


def test_three_bytes_of_garbage_at_the_end_are_refused() -> None:
    with pytest.raises(RecordError, match=r"bal_train/ab\.tfrecord, at byte 21: cut inside the 12-byte header"):
        payloads_of(framed(b"first") + b"???")


def test_an_error_names_file_offset_and_reason() -> None:
    with pytest.raises(RecordError) as caught:
        payloads_of(framed(b"first") + framed(b"second")[:-1])
    assert (caught.value.file, caught.value.offset) == ("bal_train/ab.tfrecord", 21)
    assert caught.value.reason in str(caught.value)
