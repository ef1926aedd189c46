"""Parser of AudioSet's records: TensorFlow parses them in batches, and each is checked against the schema.

A record is a `tf.train.SequenceExample`: context `video_id`, `start_time_seconds`, `end_time_seconds` and `labels`;
feature list `audio_embedding`, one frame of 128 bytes per second. TensorFlow parses only records whose framing
`data_prep.audioset.framing` has verified.
"""

import contextlib
import importlib.util
import os
import string
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import compress, repeat
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_prep.arrays import BoolArray, Float64Array, Int64Array, UInt8Array, UInt16Array
from data_prep.audioset.archive import Shard
from data_prep.audioset.framing import CheckedShard
from data_prep.dataset.features import frame_sums
from data_prep.dataset.label_sets import LabelSets
from data_prep.errors import InputError, RecordError
from earshot_common import extras

MAX_FRAMES = 10
FRAME_BYTES = 128
_MAX_SECONDS = 10_000_000
_TIMES = f"0 <= start < end <= {_MAX_SECONDS:,} s"

_ID_LETTERS, _MAX_ID_LENGTH = (string.ascii_letters + string.digits + "_-").encode(), 64

_STARTS, _ENDS = "start_time_seconds", "end_time_seconds"


@dataclass(frozen=True, slots=True)
class Records:
    """Verified records of some shards, as columns.

    Per record: the index of its shard in `shards`, its offset in the shard, and its content.
    """

    shards: list[Shard] = field(default_factory=list)
    shard: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.payloads)

    def extend(self, checked: CheckedShard) -> None:
        """Append the records of a shard."""
        self.shard.extend(repeat(len(self.shards), len(checked.payloads)))
        self.shards.append(checked.shard)
        self.offsets.extend(checked.offsets)
        self.payloads.extend(checked.payloads)

    def name(self, record: int) -> str:
        """Return the name of a record's shard."""
        return self.shards[self.shard[record]].name

    def only(self, wanted: Sequence[bool]) -> Self:
        """Return the `wanted` records, and all shards."""
        return type(self)(
            self.shards,
            list(compress(self.shard, wanted)),
            list(compress(self.offsets, wanted)),
            list(compress(self.payloads, wanted)),
        )


@dataclass(frozen=True, slots=True)
class ParsedRecords:
    """The clips of some records, as columns, in the order of the records.

    Times are in seconds, float64[n], rounded to AudioSet's milliseconds. `sums`: uint16[n, 128], sums of
    each clip's frames. `frames`: uint8[sum(n_frames), 128], clip after clip, or None if they are not needed.
    """

    video_id: list[str]
    start_s: Float64Array
    end_s: Float64Array
    labels: LabelSets
    n_frames: Int64Array
    sums: UInt16Array
    frames: UInt8Array | None

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.video_id)

    def clip_ids(self) -> list[str]:
        """Return the clips' ids: `<video id>_<second at which it starts>`."""
        return [
            f"{video}_{start}" for video, start in zip(self.video_id, self.start_s.astype(int).tolist(), strict=True)
        ]

    def milliseconds(self) -> Int64Array:
        """Return at which millisecond of its second each clip starts: int64[n], 0 to 999."""
        return np.asarray(np.rint(self.start_s * 1000), np.int64) % 1000

    def only(self, wanted: BoolArray) -> Self:
        """Return the `wanted` clips."""
        places = np.flatnonzero(wanted)
        frames = None if self.frames is None else self.frames[np.repeat(wanted, self.n_frames)]
        return type(self)(
            list(compress(self.video_id, wanted)),
            self.start_s[places],
            self.end_s[places],
            self.labels.take(places),
            self.n_frames[places],
            self.sums[places],
            frames,
        )


def parse_records(
    records: Records, n_labels: int, *, keep_frames: bool
) -> tuple[Records, ParsedRecords, list[RecordError]]:
    """Return the records that are clips of AudioSet with 1 to 10 frames, their content, and why the others are not."""
    parsable, parsed, errors = _parse(records)
    wrong = _check(parsable, *parsed, n_labels)
    if wrong:
        good = np.ones(len(parsable), bool)
        good[[record for record, _ in wrong]] = False
        errors += [RecordError(parsable.name(i), parsable.offsets[i], reason) for i, reason in wrong]
        parsable, parsed, _ = _parse(parsable.only(good.tolist()))
    context, frames = parsed
    start_s, end_s = _times(context, _STARTS)[0], _times(context, _ENDS)[0]
    labels = context["labels"]
    n_frames = np.diff(frames.row_splits.numpy())
    bytes_of_frames = tensorflow().io.decode_raw(frames.flat_values, np.uint8)
    all_frames = np.asarray(bytes_of_frames).reshape(-1, FRAME_BYTES)  # `numpy()` would copy them
    clips = ParsedRecords(
        video_id=[video_id.decode() for video_id in _scalars(context["video_id"], b"")[0]],
        start_s=start_s,
        end_s=end_s,
        labels=LabelSets(labels.row_splits.numpy(), labels.flat_values.numpy()).without_repeats(),
        n_frames=n_frames,
        sums=frame_sums(all_frames, n_frames),  # type: ignore[arg-type]  # of at most ten: uint16
        frames=all_frames if keep_frames else None,
    )
    return parsable, clips, errors


def require_tensorflow() -> None:
    """Raise InputError if TensorFlow is not installed; called before any other work."""
    if importlib.util.find_spec("tensorflow") is None:
        if sys.version_info >= (3, 14):
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise InputError(
                f"AudioSet's records are parsed by TensorFlow, which has no release for Python {version}: run this "
                "with Python 3.11, 3.12 or 3.13"
            )
        raise InputError(extras.advice("tensorflow"))


@cache
def tensorflow() -> Any:
    """Import TensorFlow (some seconds, some 400 MB) without its log messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # not needed to parse, and it logs a message
    with _without_keras():
        import tensorflow as tf

    return tf


@contextlib.contextmanager
def _without_keras() -> Iterator[None]:
    """Hide Keras: TensorFlow would import it, which takes a third of the time and memory."""
    if "keras" in sys.modules:
        yield
        return
    sys.modules["keras"] = None  # type: ignore[assignment]  # what makes Python's import fail
    try:
        yield
    finally:
        sys.modules.pop("keras", None)  # unless another thread already has


def _parse(records: Records) -> tuple[Records, tuple[dict[str, Any], Any], list[RecordError]]:
    """Return the records that can be parsed, their context features and frames, and an error for each of the others.

    Both are ragged tensors: a missing field is an empty row.
    """
    tf = tensorflow()
    context = {
        "video_id": tf.io.RaggedFeature(tf.string),
        _STARTS: tf.io.RaggedFeature(tf.float32),
        _ENDS: tf.io.RaggedFeature(tf.float32),
        "labels": tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64),
    }
    sequence = {"audio_embedding": tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)}

    def parse(payloads: Sequence[bytes]) -> tuple[dict[str, Any], Any]:
        serialized = tf.constant(payloads, tf.string)  # faster than a list, whose items it would check twice
        parsed = tf.io.parse_sequence_example(serialized, context_features=context, sequence_features=sequence)
        return parsed[0], parsed[1]["audio_embedding"]

    def unparsable(first: int, last: int) -> Iterator[int]:
        """Yield the records from first to last that cannot be parsed, which are few, by halving."""
        try:
            parse(records.payloads[first:last])
        except tf.errors.InvalidArgumentError:
            if last - first == 1:
                yield first
            else:
                middle = (first + last) // 2
                yield from unparsable(first, middle)
                yield from unparsable(middle, last)

    try:
        return records, parse(records.payloads), []
    except tf.errors.InvalidArgumentError:
        bad = set(unparsable(0, len(records)))
    reason = "is not a SequenceExample with AudioSet's fields and types"
    errors = [RecordError(records.name(i), records.offsets[i], reason) for i in sorted(bad)]
    rest = records.only([i not in bad for i in range(len(records))])
    return rest, parse(rest.payloads), errors


def _check(records: Records, context: Mapping[str, Any], frames: Any, n_labels: int) -> list[tuple[int, str]]:
    """Return the index of every record that is no clip of AudioSet, with the reason."""
    ids, has_id = _scalars(context["video_id"], b"")
    (start_s, has_start), (end_s, has_end) = _times(context, _STARTS), _times(context, _ENDS)
    labels, n_frames = context["labels"], np.diff(frames.row_splits.numpy())
    sound = has_start & has_end & (start_s >= 0) & (start_s < end_s) & (end_s <= _MAX_SECONDS)
    checks: list[tuple[BoolArray, Callable[[int], str]]] = [
        (~has_id, lambda _: "has no video_id"),
        (_invalid_ids(ids), lambda i: f"video_id {ids[i]!r:.80} is not a YouTube video id"),
        (~sound, lambda i: f"lasts from {start_s[i]} s to {end_s[i]} s, expected {_TIMES}"),
        (_invalid_labels(labels, n_labels), lambda i: _describe_labels(labels[i].numpy(), n_labels)),
        ((n_frames < 1) | (n_frames > MAX_FRAMES), lambda i: f"has {n_frames[i]} frames, expected 1 to {MAX_FRAMES}"),
        (_invalid_frames(frames), lambda _: f"has a frame that is not exactly {FRAME_BYTES} bytes"),
    ]
    wrong = np.flatnonzero(np.any([bad for bad, _ in checks], axis=0)).tolist() if len(records) else []
    return [(i, next(describe(i) for bad, describe in checks if bad[i])) for i in wrong]


def _times(context: Mapping[str, Any], field_name: str) -> tuple[Float64Array, BoolArray]:
    """Return a time of each record in seconds, float64[n], and whether the record has exactly one: bool[n]."""
    seconds, single = _scalars(context[field_name], np.float32(0))
    return seconds.astype(np.float64).round(3), single


def _scalars(ragged: Any, missing: Any) -> tuple[npt.NDArray[Any], BoolArray]:
    """Return the value of each row, and which rows have exactly one; for the others the value is `missing`."""
    splits, values = ragged.row_splits.numpy(), ragged.flat_values.numpy()
    single = np.diff(splits) == 1
    scalars = np.full(len(single), missing, values.dtype)
    scalars[single] = values[splits[:-1][single]]
    return scalars, single


def _invalid_ids(ids: npt.NDArray[Any]) -> BoolArray:
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    bad: BoolArray = (lengths < 1) | (lengths > _MAX_ID_LENGTH)
    if b"".join(ids).translate(None, _ID_LETTERS):  # invalid ids are rare: only then is each checked
        bad |= np.fromiter((bool(video_id.translate(None, _ID_LETTERS)) for video_id in ids), bool, len(ids))
    return bad


def _invalid_labels(labels: Any, n_labels: int) -> BoolArray:
    values = labels.flat_values.numpy()
    return _any_in_row((values < 0) | (values >= n_labels), labels.row_splits.numpy())


def _describe_labels(labels: Int64Array, n_labels: int) -> str:
    wrong = next(label for label in labels if not 0 <= label < n_labels)
    return f"has label {wrong}, the label table has 0 to {n_labels - 1}: check that the table belongs to these features"


def _invalid_frames(frames: Any) -> BoolArray:
    """Return which records have a frame that is not one value of 128 bytes: bool[n]."""
    value_splits = frames.values.row_splits.numpy()
    wrong_size = tensorflow().strings.length(frames.flat_values).numpy() != FRAME_BYTES
    bad_frame = (np.diff(value_splits) != 1) | _any_in_row(wrong_size, value_splits)
    return _any_in_row(bad_frame, frames.row_splits.numpy())


def _any_in_row(flags: BoolArray, splits: Int64Array) -> BoolArray:
    before = np.concatenate([[0], np.cumsum(flags)])
    return before[splits[1:]] > before[splits[:-1]]
