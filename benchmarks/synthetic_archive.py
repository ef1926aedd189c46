"""Synthetic archive of AudioSet's full size: `python -m benchmarks.synthetic_archive --out FILE`.

The archive has the official layout (folders, shards by the first two characters of a clip's id, TFRecord framing, tar,
gzip) and is made from a seed, so that anybody can measure a conversion of 2,084,320 clips. Clips come from the model of
`benchmarks.audioset_like`; the ten frames of a clip are its vector with noise, in 8 bits. Like the real archive, it is
hardly compressible. The label table and the lists of segments are written next to it. `--subset balanced` writes only
the two small folders, 42,531 clips, which is what `python -m data_prep audioset --subset balanced` selects.
"""

import argparse
import gzip
import io
import struct
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.audioset_like import Model, clips, draw_model
from data_prep.audioset.fetch import SUBSETS, Subset
from data_prep.audioset.framing import masked_crc
from earshot_common import command_line
from earshot_common.atomic import WriteError, atomic_file, write_errors, write_file
from earshot_common.command_line import whole_number
from lsh.arrays import Float32Array

CLIPS = 2_084_320
MAX_CLIPS = 20_000_000
_SHARE = {"bal_train": 22_160 / CLIPS, "unbal_train": 2_041_789 / CLIPS, "eval": 20_371 / CLIPS}
_FOLDERS = {"balanced": ("bal_train", "eval"), "full": tuple(_SHARE)}
_LISTS = {"bal_train": "balanced_train", "unbal_train": "unbalanced_train", "eval": "eval"}
_LETTERS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"  # of a video id, in the order of shards
_FRAMES, _DIM, _LABELS = 10, 128, 527
_NOISE = 0.5  # standard deviation in a frame, as in the model
_COMPRESSION = 1  # of gzip: frames are hardly compressible


class Segment(NamedTuple):
    """A row of a list of segments. start_s: seconds into the video."""

    video_id: str
    start_s: float
    labels: list[int]


def main(arguments: list[str] | None = None) -> int:
    """Write the archive and its tables; return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.synthetic_archive",
        description="Write a synthetic archive in AudioSet's official layout, with its tables next to it.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="archive to write, features.tar.gz")
    parser.add_argument(
        "--clips",
        type=whole_number(1, MAX_CLIPS),
        default=CLIPS,
        metavar="N",
        help=f"number of clips in the full archive (default: {CLIPS})",
    )
    parser.add_argument(
        "--subset", choices=SUBSETS, default="full", help="balanced: only the two small folders (default: full)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0, 2**32 - 1), default=0, metavar="N", help="seed of all clips (default: 0)"
    )
    options = parser.parse_args(arguments)
    return command_line.run(
        lambda: write_archive(options.out, options.clips, options.seed, options.subset), (WriteError,)
    )


def write_archive(out: Path, n: int, seed: int, subset: Subset = "full") -> None:
    """Write an archive of about `n` clips (in full), and next to it the label table and a list per folder.

    Missing folders are made. Raises WriteError if a file cannot be written.
    """
    rng = np.random.default_rng([seed, n])
    model = draw_model()
    sizes = {source: round(n * _SHARE[source]) for source in _FOLDERS[subset]}
    with write_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    _write_labels(out.with_name("class_labels_indices.csv"))
    with (
        atomic_file(out) as file,
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_COMPRESSION, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
        tqdm(total=sum(sizes.values()), unit=" clips", unit_scale=True, mininterval=1) as bar,
    ):
        for source, size in sizes.items():
            segments = []
            for name, shard, listed in _shards(source, size, model, rng, seed):
                member = tarfile.TarInfo(f"audioset_v1_embeddings/{source}/{name}.tfrecord")
                member.size = len(shard)
                tar.addfile(member, io.BytesIO(shard))
                segments += listed
                bar.update(len(listed))
            _write_list(out.with_name(f"{_LISTS[source]}_segments.csv"), segments)


def _shards(
    source: str, n: int, model: Model, rng: np.random.Generator, seed: int
) -> Iterator[tuple[str, bytes, list[Segment]]]:
    """Yield (name, content, segments) of each shard; the clips are spread evenly over all names."""
    sizes = rng.multinomial(n, np.full(len(_LETTERS) ** 2, len(_LETTERS) ** -2.0))
    vectors = clips(model, n, seed + 1 + list(_SHARE).index(source))
    waiting = np.empty((0, _DIM), np.float32)
    for number, size in enumerate(sizes.tolist()):
        while len(waiting) < size:
            waiting = np.concatenate([waiting, next(vectors)])
        if size:
            name = _LETTERS[number // 64] + _LETTERS[number % 64]
            shard, segments = _shard(name, source, waiting[:size], rng)
            waiting = waiting[size:]
            yield name, shard, segments


def _shard(name: str, source: str, vectors: Float32Array, rng: np.random.Generator) -> tuple[bytes, list[Segment]]:
    """Return the content of one shard, a record for each vector, and its segments."""
    n = len(vectors)
    noise = rng.standard_normal((n, _FRAMES, _DIM), dtype=np.float32) * np.float32(_NOISE)
    frames = np.rint((np.clip(vectors[:, None] + noise, -2, 2) + 2) * np.float32(255 / 4)).astype(np.uint8)
    letters = rng.integers(0, len(_LETTERS), (n, 5)).tolist()
    starts = (rng.integers(0, 60, n) * 10.0).tolist()
    label_sets = _label_sets(rng, n)
    records, segments = [], []
    for i, features in enumerate(_frame_lists(frames)):
        video_id = f"{name}{source[0]}{i:03x}{''.join(_LETTERS[place] for place in letters[i])}"
        segments.append(Segment(video_id, starts[i], label_sets[i]))
        records.append(_framed(_context(segments[-1]) + features))
    return b"".join(records), segments


def _label_sets(rng: np.random.Generator, n: int) -> list[list[int]]:
    """Return one or more labels per clip, low indices more often."""
    counts = 1 + rng.poisson(1, n)
    labels = (rng.random(counts.sum()) ** 2 * _LABELS).astype(int)
    return [sorted(set(some.tolist())) for some in np.split(labels, np.cumsum(counts)[:-1])]


# A record is a tf.train.SequenceExample in protobuf's encoding: tag, length, content.


def _context(segment: Segment) -> bytes:
    features = {
        "video_id": _field(1, _field(1, segment.video_id.encode())),
        "start_time_seconds": _field(2, _field(1, struct.pack("<f", segment.start_s))),
        "end_time_seconds": _field(2, _field(1, struct.pack("<f", segment.start_s + 10))),
        "labels": _field(3, _field(1, b"".join(map(_varint, segment.labels)))),
    }
    return _field(1, b"".join(_field(1, _field(1, name.encode()) + _field(2, f)) for name, f in features.items()))


def _frame_lists(frames: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    """Yield the encoded feature_lists of each clip: its frames, each after the same header."""
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
    """Return a record in the framing of TFRecord: length and content, each with its masked CRC-32C."""
    length = struct.pack("<Q", len(payload))
    crcs = (struct.pack("<I", masked_crc(data)) for data in (length, payload))
    return b"".join((length, next(crcs), payload, next(crcs)))


def _write_labels(path: Path) -> None:
    lines = [f'{index},/m/made{index:03d},"made label {index}"\n' for index in range(_LABELS)]
    write_file(path, "".join(["index,mid,display_name\n", *lines]).encode())


def _write_list(path: Path, segments: list[Segment]) -> None:
    lines = [f"# made up\n# num_ytids={len(segments)}, num_segs={len(segments)}\n"]
    lines.append("# YTID, start_seconds, end_seconds, positive_labels\n")
    for video_id, start_s, labels in segments:
        mids = ",".join(f"/m/made{label:03d}" for label in labels)
        lines.append(f'{video_id}, {start_s:.3f}, {start_s + 10:.3f}, "{mids}"\n')
    write_file(path, "".join(lines).encode())


if __name__ == "__main__":
    sys.exit(main())
