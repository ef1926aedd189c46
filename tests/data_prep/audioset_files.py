"""Writers of tiny AudioSet files, independent of the code under test: protobuf, TFRecord, tar and CSV."""

import gzip
import io
import struct
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_CRC_TABLE = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = (_crc >> 1) ^ (0x82F63B78 if _crc & 1 else 0)  # Castagnoli's polynomial, reflected
    _CRC_TABLE.append(_crc)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def framed(payload: bytes, length: int | None = None) -> bytes:
    """Frame a payload; `length` is a wrong length to write, with its right checksum."""
    header = struct.pack("<Q", len(payload) if length is None else length)
    return header + masked(header) + payload + masked(payload)


def shard(payloads: Iterable[bytes]) -> bytes:
    return b"".join(map(framed, payloads))


def varint(number: int) -> bytes:
    number %= 2**64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def bytes_feature(*values: bytes) -> bytes:
    return field(1, b"".join(field(1, value) for value in values))


def float_feature(*values: float) -> bytes:
    return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))


def int_feature(*values: int) -> bytes:
    return field(3, field(1, b"".join(map(varint, values))))


def entry(name: str, value: bytes) -> bytes:
    return field(1, field(1, name.encode()) + field(2, value))


def example(context: Mapping[str, bytes], frames: Sequence[bytes], frames_name: str = "audio_embedding") -> bytes:
    """Return a SequenceExample; `frames` are features, so that a frame may be of a wrong kind."""
    lists = entry(frames_name, b"".join(field(1, frame) for frame in frames))
    return field(1, b"".join(entry(name, value) for name, value in context.items())) + field(2, lists)


def clip(
    name: str = "ab000000000",
    labels: Sequence[int] = (0, 2),
    n_frames: int = 10,
    start_s: float = 30.0,
    end_s: float = 40.0,
    *,
    frame: bytes = bytes(range(128)),
    without: str = "",
    **replaced: bytes,
) -> bytes:
    """Return one clip's record; `without` leaves a context field out, `replaced` gives fields other contents."""
    context = {
        "video_id": bytes_feature(name.encode()),
        "start_time_seconds": float_feature(start_s),
        "end_time_seconds": float_feature(end_s),
        "labels": int_feature(*labels),
        **replaced,
    }
    context.pop(without, None)
    return example(context, [bytes_feature(frame)] * n_frames)


def clips(key: str, n: int, first: int = 0) -> list[bytes]:
    """Return records of n clips whose video ids begin with a shard's key, with frames that differ."""
    return [
        clip(f"{key}{i:09d}", [i % 3], n_frames=1 + i % 10, frame=bytes((i * 7 + j) % 256 for j in range(128)))
        for i in range(first, first + n)
    ]


def write_folder(folder: Path, shards: Mapping[str, bytes]) -> Path:
    """Write shards, named as in AudioSet's archive (`bal_train/ab.tfrecord`), into a folder."""
    for name, data in shards.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tar_bytes(members: Iterable[tuple[str | tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def write_archive(path: Path, shards: Mapping[str, bytes]) -> Path:
    tar = tar_bytes((f"audioset_v1_embeddings/{name}", data) for name, data in shards.items())
    path.write_bytes(gzip.compress(tar))
    return path


LABELS_CSV = 'index,mid,display_name\n0,/m/0,"Speech"\n1,/m/1,"Whoop, loud"\n2,/m/2,"Bell"\n'


def write_labels(path: Path) -> Path:
    path.write_text(LABELS_CSV)
    return path


def write_segments(path: Path, rows: Iterable[tuple[str, float, float, Sequence[int]]]) -> Path:
    """Write a list of segments as AudioSet publishes them: (video id, start, end, label indices)."""
    lines = [
        f'{video_id}, {start:.3f}, {end:.3f}, "{",".join(f"/m/{label}" for label in labels)}"'
        for video_id, start, end, labels in rows
    ]
    head = ["# Segments csv created Sun Mar  5 10:54:31 2017", f"# num_ytids={len(lines)}, num_segs={len(lines)}"]
    path.write_text("\n".join([*head, "# YTID, start_seconds, end_seconds, positive_labels", *lines, ""]))
    return path


# A small AudioSet: two names that differ only by case, and every one of AudioSet's folders.
SHARDS = {
    "bal_train/-A.tfrecord": shard(clips("-A", 25)),
    "bal_train/-a.tfrecord": shard(clips("-a", 12)),
    "unbal_train/-A.tfrecord": shard(clips("-A", 8, first=100)),
    "eval/zz.tfrecord": shard(clips("zz", 9)),
}
N_CLIPS = 54
# Its table of balanced segments.
BALANCED_ROWS = [(f"{key}{i:09d}", 30.0, 40.0, [i % 3]) for key, n in (("-A", 25), ("-a", 12)) for i in range(n)]
