"""Collections read without the project's code: AudioSet from its raw TFRecords, and the sample from its .npy files."""

import hashlib
import json
import struct
import tarfile
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

SPLITS = ("train", "validation", "test")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3  # fields of tf.train.Feature


class Collection(NamedTuple):
    """Features float32[n, d], clip ids and label sets of each split, in the order of the rows."""

    features: dict
    clip_ids: dict
    labels: dict

    def place_of(self, clip_id):
        """Return the split and the row of a clip."""
        return next((split, self.clip_ids[split].index(clip_id)) for split in SPLITS if clip_id in self.clip_ids[split])


def prepared(folder):
    """Return a prepared dataset: its features from the .npy files, its ids and labels from clips.parquet."""
    table = pq.read_table(folder / "clips.parquet", columns=["clip_id", "split", "row", "labels"]).to_pylist()
    facts = json.loads((folder / "manifest.json").read_bytes())["features"]
    rows = {split: sorted((r for r in table if r["split"] == split), key=lambda r: r["row"]) for split in SPLITS}
    return Collection(
        {split: decoded(np.load(folder / f"{split}.npy"), facts) for split in SPLITS},
        {split: [r["clip_id"] for r in rows[split]] for split in SPLITS},
        {split: [set(r["labels"]) for r in rows[split]] for split in SPLITS},
    )


def decoded(stored, facts):
    """Return features as float32: stored in 8 bits, x stands for offset + scale * x, rounded once."""
    if facts["dtype"] != "uint8":
        return stored.astype(np.float32)
    return (facts["offset"] + facts["scale"] * stored.astype(np.float64)).astype(np.float32)


def audioset(archive):
    """Return AudioSet as docs/FORMAT.md says that it is converted, from features.tar.gz."""
    clips = {split: [] for split in SPLITS}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".tfrecord"):
                source = member.name.split("/")[-2]
                for record in records(tar.extractfile(member).read()):
                    video, start, labels, frames = clip(record)
                    feature = (frames / 255 * 4 - 2).mean(axis=0).astype(np.float32)
                    clips[split_of(source, video)].append((f"{video}_{int(start)}", set(labels), feature))
    for found in clips.values():
        found.sort(key=lambda one: hashlib.blake2b(one[0].encode(), digest_size=16, person=b"earshot-row").digest())
    return Collection(
        {split: np.array([feature for *_, feature in found]) for split, found in clips.items()},
        {split: [clip_id for clip_id, *_ in found] for split, found in clips.items()},
        {split: [labels for _, labels, _ in found] for split, found in clips.items()},
    )


def split_of(source, video):
    """Return the split of a clip: evaluation clips are test, a tenth of the others, by a hash, validation."""
    if source == "eval":
        return "test"
    digest = hashlib.blake2b(video.encode(), digest_size=8, person=b"earshot-split").digest()
    return "validation" if int.from_bytes(digest, "big") < 2**64 / 10 else "train"


def records(data):
    """Yield the records of a TFRecord file: uint64 length, its checksum, the record, its checksum."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12 : at + 12 + length]
        at += length + 16


def clip(record):
    """Return video id, start in seconds, labels and frames, uint8[m, 128], of a tf.train.SequenceExample."""
    parts = dict(fields(record))
    context, lists = (dict(map(entry, values(parts[part], 1))) for part in (1, 2))
    frames = [values(feature, _BYTES_LIST)[0] for feature in values(lists["audio_embedding"], 1)]
    frames = [values(frame, 1)[0] for frame in frames]
    (video,) = values(values(context["video_id"], _BYTES_LIST)[0], 1)
    start = struct.unpack("<f", values(values(context["start_time_seconds"], _FLOAT_LIST)[0], 1)[0])[0]
    labels = [n for part in values(values(context["labels"], _INT64_LIST)[0], 1) for n in varints(part)]
    return video.decode(), round(start, 3), labels, np.array([np.frombuffer(frame, np.uint8) for frame in frames])


def entry(data):
    """Return the key, as text, and the value of an entry of a map."""
    parts = dict(fields(data))
    return parts[1].decode(), parts[2]


def values(data, number):
    """Return all values of a field."""
    return [value for at, value in fields(data) if at == number]


def fields(data):
    """Yield the number and the value of each field of a message: bytes, or an integer for a varint."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = varint(data, at)
        else:
            length = {_FIXED64: 8, _FIXED32: 4}.get(wire)
            if wire == _BYTES:
                length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield number, value


def varint(data, at):
    """Return the integer that begins at a place, seven bits per byte with the lowest first, and the place after it."""
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varints(data):
    """Return the integers of a packed field, or the one of a field that is not packed."""
    found, at = [], 0
    while not isinstance(data, int) and at < len(data):
        value, at = varint(data, at)
        found.append(value)
    return [data] if isinstance(data, int) else found
