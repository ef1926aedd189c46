"""Schema of the dataset format: file names, table columns, and records of clips and labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_prep.arrays import Float32Array, IntegerArray, UInt8Array, UInt16Array
from data_prep.dataset.label_sets import LabelSets

FORMAT = "earshot-dataset"
FORMAT_VERSION = 1
SPLITS = ("train", "validation", "test")
MANIFEST, CLIPS, LABELS = "manifest.json", "clips.parquet", "labels.parquet"
FRAMES, MAP = "frames.npy", "map.npy"  # may be missing

MediaKind = Literal["youtube", "file", "synth"]
Metric = Literal["cosine", "euclidean"]
MEDIA_KINDS: tuple[MediaKind, ...] = get_args(MediaKind)
METRICS: tuple[Metric, ...] = get_args(Metric)

_ROW_HASH = hashlib.blake2b(digest_size=16, person=b"earshot-row")  # copied per clip: twice as fast as a new one

_CLIPS_FIELDS: list["pa.Field[Any]"] = [
    pa.field("clip_id", pa.string(), nullable=False),
    pa.field("split", pa.string(), nullable=False),
    pa.field("row", pa.int64(), nullable=False),
    pa.field("media", pa.string(), nullable=False),
    pa.field("start_s", pa.float64(), nullable=False),
    pa.field("end_s", pa.float64(), nullable=False),
    pa.field("labels", pa.list_(pa.field("item", pa.int16(), nullable=False)), nullable=False),
    pa.field("n_frames", pa.int32(), nullable=False),
    pa.field("first_frame", pa.int64()),  # row of the clip's first frame in frames.npy, null without that file
]
_LABELS_FIELDS: list["pa.Field[Any]"] = [
    pa.field("index", pa.int16(), nullable=False),
    pa.field("mid", pa.string(), nullable=False),
    pa.field("name", pa.string(), nullable=False),
    pa.field("parents", pa.list_(pa.field("item", pa.string(), nullable=False)), nullable=False),
    *(pa.field(split, pa.int64(), nullable=False) for split in SPLITS),  # clips with the label, per split
]
CLIPS_SCHEMA = pa.schema(_CLIPS_FIELDS)
LABELS_SCHEMA = pa.schema(_LABELS_FIELDS)


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip of a dataset.

    `row` is its row in `<split>.npy`; `media` is a YouTube video id, a path or a recipe, depending on the
    dataset's media kind; times are in seconds; `labels` are indices into the label table.
    """

    clip_id: str
    split: str
    row: int
    media: str
    start_s: float
    end_s: float
    labels: tuple[int, ...]
    n_frames: int


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the label table; its position is its index. `parents`: names of its parents in the ontology."""

    mid: str
    name: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """Description of a dataset; the fields of its manifest, in their order.

    `title` is the name that users see. `features` describes how a feature was computed (`aggregation`, `embedder`,
    ...); `dim` and `dtype` are added from the data. `media_folder` is the folder to which paths of the media kind
    `file` are relative.
    """

    title: str
    source: str
    licence: str
    media: MediaKind
    media_folder: str | None = None
    metric: Metric = "cosine"
    features: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """Clips to be written to a dataset, column by column, in any order.

    `features`: float32[n, dim], finite; or uint16[n, dim], the sums of the clips' frames as AudioSet quantised them,
    which take half the space; their means are written (`features.means_of_sums`). `frames`: uint8[sum(n_frames), dim]
    in clip order, or None. Clip ids are unique in a dataset and safe in a URL: letters, digits and `-._~`.
    """

    clip_id: Sequence[str]
    split: Sequence[str]
    media: Sequence[str]
    start_s: Sequence[float] | npt.NDArray[np.floating[Any]]
    end_s: Sequence[float] | npt.NDArray[np.floating[Any]]
    labels: Sequence[Sequence[int]] | LabelSets
    n_frames: Sequence[int] | IntegerArray
    features: Float32Array | UInt16Array
    frames: UInt8Array | None = None

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clip_id)


def row_key(clip_id: str) -> bytes:
    """Return the key by which the rows of a split are sorted.

    A 16-byte hash: the first n rows are a random sample of the split, and the order depends only on the ids.
    """
    key = _ROW_HASH.copy()
    key.update(clip_id.encode())
    return key.digest()
