"""Parsing of AudioSet's records."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.audioset.archive import Shard
from data_prep.audioset.tfrecord import ParsedRecords, Records, parse_records
from data_prep.errors import RecordError
from tests.data_prep.audioset_files import bytes_feature, clip, entry, example, field, float_feature, int_feature
from tests.data_prep.small_datasets import rows_of

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

SHARD = Shard("bal_train/ab.tfrecord", "bal_train", b"")


def parse(*payloads: bytes, n_labels: int = 3) -> ParsedRecords:
    offsets = [1000 * i for i in range(len(payloads))]
    records = Records([SHARD], [0] * len(payloads), offsets, list(payloads))
    good, parsed, errors = parse_records(records, n_labels, keep_frames=True)
    if errors:
        raise min(errors, key=lambda error: error.offset)
    assert good.offsets == offsets
    return parsed


def test_the_records_that_break_the_schema_are_left_out_each_with_its_reason() -> None:
    names = [f"ab{i:09d}" for i in range(9)]
    payloads = [clip(name) for name in names]
    payloads[0] = b"\xff" * 30
    payloads[3] = clip(names[3], n_frames=0)
    payloads[4] = clip(names[4], frame=bytes(127))
    payloads[5] = clip(names[5], video_id=int_feature(7))
    payloads[8] = clip(names[8], [9])
    records = Records([SHARD], [0] * 9, list(range(9)), payloads)
    good, parsed, errors = parse_records(records, 3, keep_frames=True)
    assert good.offsets == [1, 2, 6, 7]
    assert parsed.video_id == [names[i] for i in (1, 2, 6, 7)]
    assert parsed.frames.shape == (40, 128)
    unparsable = "is not a SequenceExample with AudioSet's fields and types"
    assert {error.offset: error.reason[:32] for error in errors} == {
        0: unparsable[:32],
        3: "has 0 frames, expected 1 to 10",
        4: "has a frame that is not exactly "[:32],
        5: unparsable[:32],
        8: "has label 9, the label table has"[:32],
    }


def test_a_clip_is_read_as_it_was_written() -> None:
    parsed = parse(
        clip("ab-_0000000", [2, 0], 2, 30.0, 40.0), clip("abcdefghijk", [1], 1, 0.5, 2.719, frame=b"\x80" * 128)
    )
    assert parsed.video_id == ["ab-_0000000", "abcdefghijk"]
    assert parsed.clip_ids() == ["ab-_0000000_30", "abcdefghijk_0"]
    assert rows_of(parsed.labels) == [[2, 0], [1]]
    assert parsed.start_s.tolist() == [30.0, 0.5]
    assert parsed.end_s.tolist() == [40.0, 2.719]
    assert parsed.n_frames.tolist() == [2, 1]
    np.testing.assert_array_equal(parsed.frames, [range(128), range(128), [128] * 128])


def test_a_label_given_twice_counts_once() -> None:
    assert rows_of(parse(clip(labels=[2, 0, 2]), clip(labels=[1, 1])).labels) == [[2, 0], [1]]


def test_a_clip_without_labels_is_kept() -> None:
    assert rows_of(parse(clip(labels=[]), clip(without="labels")).labels) == [[], []]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (clip(without="video_id"), "has no video_id"),
        (clip(video_id=bytes_feature()), "has no video_id"),
        (clip(video_id=bytes_feature(b"one", b"two")), "has no video_id"),
        (clip(""), "video_id b'' is not a YouTube"),
        (clip("a/b"), "video_id b'a/b' is not a YouTube"),
        (clip(video_id=bytes_feature(b"\xff\xfe")), "is not a YouTube video id"),
        (clip(without="start_time_seconds"), "lasts from"),
        (clip(without="end_time_seconds"), "lasts from"),
        (clip(start_s=math.nan), "lasts from nan s"),
        (clip(end_s=math.inf), "to inf s"),
        (clip(start_s=-1.0), "lasts from -1.0 s"),
        (clip(start_s=40.0), "lasts from 40.0 s to 40.0 s, expected 0 <= start < end"),
        (clip(start_s=30.0, end_s=30.0001), "lasts from 30.0 s to 30.0 s"),
        (clip(labels=[0, 3]), "has label 3, the label table has 0 to 2"),
        (clip(labels=[-1]), "has label -1"),
        (clip(labels=[2**40]), "has label 1099511627776"),
        (clip(n_frames=0), "has 0 frames, expected 1 to 10"),
        (clip(n_frames=11), "has 11 frames, expected 1 to 10"),
        (clip(frame=bytes(127)), "not exactly 128 bytes"),
        (clip(frame=bytes(129)), "not exactly 128 bytes"),
        (clip(frame=b""), "not exactly 128 bytes"),
        (b"", "has no video_id"),
        (b"\xff" * 30, "is not a SequenceExample"),
        (clip()[:-5], "is not a SequenceExample"),
        (clip(video_id=int_feature(7)), "is not a SequenceExample"),
        (clip(start_time_seconds=bytes_feature(b"30")), "is not a SequenceExample with AudioSet's fields and types"),
    ],
)
def test_a_record_that_breaks_the_schema_is_refused_with_its_offset(payload: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse(clip(), payload, clip())
    assert (caught.value.file, caught.value.offset) == ("bal_train/ab.tfrecord", 1000)
    assert reason in caught.value.reason


@pytest.mark.parametrize("frame", [bytes_feature(bytes(64), bytes(64)), bytes_feature(), int_feature(1)])
def test_a_frame_is_one_string_of_bytes(frame: bytes) -> None:
    context = {
        "video_id": bytes_feature(b"ab"),
        "start_time_seconds": float_feature(0.0),
        "end_time_seconds": float_feature(1.0),
    }
    good = bytes_feature(bytes(128))
    with pytest.raises(RecordError):
        parse(example(context, [good, frame, good]))


def test_a_record_with_its_frames_under_another_name_is_refused() -> None:
    with pytest.raises(RecordError, match="has 0 frames"):
        parse(example({"video_id": bytes_feature(b"ab"), "start_time_seconds": float_feature(0.0),
                       "end_time_seconds": float_feature(1.0)}, [bytes_feature(bytes(128))], "video"))  # fmt: skip


def test_the_first_bad_record_is_named_whatever_is_wrong_with_later_ones() -> None:
    with pytest.raises(RecordError, match="has 11 frames") as caught:
        parse(clip(), clip(), clip(n_frames=11), clip(without="video_id"))
    assert caught.value.offset == 2000


@settings(max_examples=300)
@given(st.binary(max_size=120) | st.binary(max_size=40).map(lambda b: clip()[: len(b) * 7] + b))
def test_random_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(RecordError):
        parse(payload)


@settings(max_examples=200)
@given(st.integers(0, 2**31 - 1), st.binary(min_size=1, max_size=1))
def test_a_changed_byte_gives_a_valid_clip_or_an_error(place: int, byte: bytes) -> None:
    payload = bytearray(clip())
    payload[place % len(payload)] = byte[0]
    try:
        parsed = parse(bytes(payload))
    except RecordError:
        return
    assert parsed.frames.shape == (parsed.n_frames.sum(), 128)
    assert 1 <= parsed.n_frames[0] <= 10
    assert 0 <= parsed.start_s[0] < parsed.end_s[0] < math.inf
    assert set(rows_of(parsed.labels)[0]) <= {0, 1, 2}


def test_unknown_fields_are_ignored() -> None:
    extra = field(1, entry("mood", int_feature(3)))
    assert parse(clip() + extra).video_id == ["ab000000000"]
