"""A small AudioSet in the published layout: the archive and the tables, by their paths on a server."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.data_prep.audioset_files import (
    LABELS_CSV,
    bytes_feature,
    example,
    float_feature,
    int_feature,
    shard,
    tar_bytes,
    write_segments,
)
from tests.data_prep.faulty_server import FaultyServer

ARCHIVE = "/v1/features/features.tar.gz"
KEYS = {
    "bal_train": ["-A", "-a", "b_"],
    "eval": ["-a", "zz"],
    "unbal_train": ["-A", *(f"q{letter}" for letter in "abcdefgh")],
}
CLIPS = {"bal_train": 9, "eval": 7, "unbal_train": 20}  # per shard
N_SMALL = 3 * 9 + 2 * 7
N_ALL = N_SMALL + 9 * 20
LISTS = {
    "bal_train": "balanced_train_segments.csv",
    "eval": "eval_segments.csv",
    "unbal_train": "unbalanced_train_segments.csv",
}


def publish(folder: Path, order: Sequence[str] = ("unbal_train", "eval", "bal_train")) -> dict[str, bytes]:
    """Return the files of a server, by path. `order`: of the folders in the archive, or "mixed"."""
    rng = np.random.default_rng(0)
    shards, rows = {}, {source: [] for source in KEYS}
    for source, keys in KEYS.items():
        for key in keys:
            names = [f"{key}{source[0]}{i:08d}" for i in range(CLIPS[source])]
            shards[f"{source}/{key}.tfrecord"] = shard(record(name, i % 3, rng) for i, name in enumerate(names))
            rows[source] += [(name, 30.0, 40.0, [i % 3]) for i, name in enumerate(names)]
    if order == "mixed":
        names = [list(shards)[i] for i in rng.permutation(len(shards))]
    else:
        names = sorted(shards, key=lambda name: order.index(name.split("/")[0]))
    files = {
        f"/v1/csv/{name}": write_segments(folder / name, rows[source]).read_bytes() for source, name in LISTS.items()
    }
    files["/v1/csv/class_labels_indices.csv"] = LABELS_CSV.encode()
    files["/v1/ontology.json"] = (
        b'[{"id": "/m/0", "name": "Speech", "child_ids": ["/m/1"]}, {"id": "/m/1", "name": "W", "child_ids": []}]'
    )
    return {**files, ARCHIVE: archive(shards, names)}


def record(name: str, label: int, rng: np.random.Generator) -> bytes:
    context = {
        "video_id": bytes_feature(name.encode()),
        "start_time_seconds": float_feature(30.0),
        "end_time_seconds": float_feature(40.0),
        "labels": int_feature(label),
    }
    return example(context, [bytes_feature(rng.bytes(128)) for _ in range(10)])


def archive(shards: dict[str, bytes], names: Sequence[str]) -> bytes:
    return gzip.compress(tar_bytes((f"audioset_v1_embeddings/{name}", shards[name]) for name in names), mtime=0)


def content(dataset: Path) -> dict[str, bytes]:
    """Return every file of a dataset."""
    return {path.name: path.read_bytes() for path in dataset.iterdir()}


def ranges(site: FaultyServer) -> list[int]:
    """Return the first byte of each request for the archive."""
    return [int((header or "bytes=0-")[6:-1]) for path, header in site.requests if path == ARCHIVE]
