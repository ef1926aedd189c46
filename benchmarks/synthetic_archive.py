"""AudioSet at its full size, made up: `python -m benchmarks.synthetic_archive --out FILE`.

Writes an archive in the official layout (the folders, shards by the first two characters of a clip's id, TFRecord
framing, tar, gzip) from a seed, so that conversion can be measured at 2,084,320 clips by anybody. Clips come from the
model of `benchmarks.audioset_like`; the ten frames of a clip are its vector with noise, in 8 bits. As the real archive
does, it hardly compresses. The tables that go with it are written beside it. `--subset balanced` writes only the two
small folders, 42,531 clips: what `python -m data_prep audioset --subset balanced` would leave.
"""

import argparse
import gzip
import struct
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.audioset_like import Model, clips, draw_model
from data_prep.audioset.fetch import SUBSETS, Subset
from data_prep.audioset.framing import masked_crc
from earshot_common import command_line

Row = tuple[str, float, list[int]]  # of a list of segments: video id, second at which the clip starts, labels

CLIPS = 2_084_320
_SHARE = {"bal_train": 22_160 / CLIPS, "unbal_train": 2_041_789 / CLIPS, "eval": 20_371 / CLIPS}
_FOLDERS = {"balanced": ("bal_train", "eval"), "full": tuple(_SHARE)}
_LISTS = {"bal_train": "balanced_train", "unbal_train": "unbalanced_train", "eval": "eval"}
_LETTERS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"  # of a video id, in the order of shards
_FRAMES, _DIM, _LABELS = 10, 128, 527
_NOISE = 0.5  # of a frame, as in the model
_LEVEL = 1  # of gzip: frames hardly compress


def main() -> int:
    """Write the archive and its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetic_archive", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="features.tar.gz, with tables beside it"
    )
    parser.add_argument("--clips", type=int, default=CLIPS, metavar="N", help=f"how many clips in full ({CLIPS:,})")
    parser.add_argument("--subset", choices=SUBSETS, default="full", help="balanced: the two small folders alone")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    return command_line.run(lambda: write_archive(options.out, options.clips, options.seed, options.subset), ())


def write_archive(out: Path, n: int, seed: int, subset: Subset = "full") -> None:
    """Write an archive of about `n` clips in full, and beside it the label table and its folders' lists of segments."""
    out.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, n])
    model = draw_model()
    sizes = {source: round(n * _SHARE[source]) for source in _FOLDERS[subset]}
    _write_labels(out.with_name("class_labels_indices.csv"))
    with (
        out.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
        tqdm(total=sum(sizes.values()), unit=" clips", unit_scale=True, mininterval=1) as bar,
    ):
        for source, size in sizes.items():
            rows = []
            for name, shard, listed in _shards(source, size, model, rng, seed):
                _add(packed, f"audioset_v1_embeddings/{source}/{name}.tfrecord", shard)
                rows += listed
                bar.update(len(listed))
            _write_list(out.with_name(f"{_LISTS[source]}_segments.csv"), rows)
        packed.write(bytes(2 * tarfile.BLOCKSIZE))


def _shards(
    source: str, n: int, model: Model, rng: np.random.Generator, seed: int
) -> Iterator[tuple[str, bytes, list[Row]]]:
    """Yield (key, content, rows of the list) of each shard; every shard that has clips has about as many."""
    sizes = rng.multinomial(n, np.full(len(_LETTERS) ** 2, len(_LETTERS) ** -2.0))
    vectors = clips(model, n, seed + 1 + list(_SHARE).index(source))
    waiting = np.empty((0, _DIM), np.float32)
    for key, size in enumerate(sizes.tolist()):
        while len(waiting) < size:
            waiting = np.concatenate([waiting, next(vectors)])
        if size:
            name = _LETTERS[key // 64] + _LETTERS[key % 64]
            shard, listed = _shard(name, source, waiting[:size], rng)
            waiting = waiting[size:]
            yield name, shard, listed


def _shard(
    key: str, source: str, vectors: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[bytes, list[Row]]:
    """Return one shard, a record for each vector, and what the list of segments says of it."""
    n = len(vectors)
    noise = rng.standard_normal((n, _FRAMES, _DIM), dtype=np.float32) * np.float32(_NOISE)
    frames = np.rint((np.clip(vectors[:, None] + noise, -2, 2) + 2) * np.float32(255 / 4)).astype(np.uint8)
    letters = rng.integers(0, len(_LETTERS), (n, 5)).tolist()
    starts = (rng.integers(0, 60, n) * 10.0).tolist()
    label_sets = _label_sets(rng, n)
    records, listed = [], []
    for i, features in enumerate(_frame_lists(frames)):
        video_id = f"{key}{source[0]}{i:03x}{''.join(_LETTERS[place] for place in letters[i])}"
        records.append(_framed(_context(video_id, starts[i], label_sets[i]) + features))
        listed.append((video_id, starts[i], label_sets[i]))
    return b"".join(records), listed


def _label_sets(rng: np.random.Generator, n: int) -> list[list[int]]:
    """Return one to some labels a clip, low indices more often."""
    counts = 1 + rng.poisson(1, n)
    labels = (rng.random(counts.sum()) ** 2 * _LABELS).astype(int)
    return [sorted(set(some.tolist())) for some in np.split(labels, np.cumsum(counts)[:-1])]


# A record is a tf.train.SequenceExample, put together as protobuf says: tag, length, content.


def _context(video_id: str, start_s: float, labels: list[int]) -> bytes:
    features = {
        "video_id": _field(1, _field(1, video_id.encode())),
        "start_time_seconds": _field(2, _field(1, struct.pack("<f", start_s))),
        "end_time_seconds": _field(2, _field(1, struct.pack("<f", start_s + 10))),
        "labels": _field(3, _field(1, b"".join(map(_varint, labels)))),
    }
    return _field(1, b"".join(_field(1, _field(1, name.encode()) + _field(2, f)) for name, f in features.items()))


def _frame_lists(frames: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    """Yield each clip's feature_lists: its frames, each with what protobuf puts before it, in one array."""
    one = _field(1, _field(1, _field(1, bytes(_DIM))))
    packed = np.empty((len(frames), _FRAMES, len(one)), np.uint8)
    packed[:] = np.frombuffer(one, np.uint8)
    packed[:, :, -_DIM:] = frames
    name = _field(1, b"audio_embedding")
    for clip in packed:
        yield _field(2, _field(1, name + _field(2, clip.tobytes())))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _framed(payload: bytes) -> bytes:
    """Frame a record as TFRecord does."""
    length = struct.pack("<Q", len(payload))
    return b"".join((length, _masked(length), payload, _masked(payload)))


def _masked(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc(data))


def _add(tar: gzip.GzipFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.write(member.tobuf() + data + bytes(-len(data) % tarfile.BLOCKSIZE))


def _write_labels(path: Path) -> None:
    lines = [f'{index},/m/made{index:03d},"made label {index}"\n' for index in range(_LABELS)]
    path.write_text("".join(["index,mid,display_name\n", *lines]), encoding="utf-8")


def _write_list(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"# made up\n# num_ytids={len(rows)}, num_segs={len(rows)}\n")
        file.write("# YTID, start_seconds, end_seconds, positive_labels\n")
        for video_id, start_s, labels in rows:
            mids = ",".join(f"/m/made{label:03d}" for label in labels)
            file.write(f'{video_id}, {start_s:.3f}, {start_s + 10:.3f}, "{mids}"\n')


if __name__ == "__main__":
    sys.exit(main())
