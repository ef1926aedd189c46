"""Schema of the dataset format: file names, table columns, and records of clips and labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.arrays import Float32Array, IntegerArray, UInt8Array, UInt16Array
from data_prep.dataset.label_sets import LabelSets

FORMAT = "earshot-dataset"
FORMAT_VERSION = 2
SPLITS = ("train", "validation", "test")
MANIFEST, CLIPS, LABELS = "manifest.json", "clips.parquet", "labels.parquet"
FRAMES, MAP = "frames.npy", "map.npy"  # may be missing
INDEXES = "indexes"  # folder of index files, which the manifest does not list; may be missing

MediaKind = Literal["youtube", "file", "synth", "url"]
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

# Columns that may follow those. Of version 2; a table of version 1 has none.
TITLE = pa.field("title", pa.string())  # of clips; null where a clip has none
DEFINITION = pa.field("definition", pa.string(), nullable=False)  # of labels; empty where none is known
EXTRA_PREFIX = "extra_"  # of the names of all other columns of clips, so that no later version uses such a name
EXTRA_TYPES = (
    pa.string(),
    pa.int64(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us"),
)  # of their values, or of the items of their lists
_URL = r"^$|^https?://[^\s/]"
UNKNOWN_END_S = 86_400.0  # end of a clip whose end is not known: that of its sound


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip of a dataset.

    `row` is its row in `<split>.npy`; `media` is a YouTube video id, a path, a recipe or a URL, depending on the
    dataset's media kind; times are in seconds; `labels` are indices into the label table; `title`
    is None where it has none.
    """

    clip_id: str
    split: str
    row: int
    media: str
    start_s: float
    end_s: float
    labels: tuple[int, ...]
    n_frames: int
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the label table; its position is its index.

    `parents`: names of its parents in the ontology. `definition`: what the label means, in a sentence; else empty.
    """

    mid: str
    name: str
    parents: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """Description of a dataset; the fields of its manifest, in their order.

    `title` is the name that users see. `features` describes how a feature was computed (`aggregation`, `embedder`,
    ...); `dim`, `dtype`, `scale` and `offset` are added from the data. `media_folder` is the folder to which paths of
    the media kind `file` are relative. `definitions`: `source` and `licence` of the labels' definitions; None, and not
    in the manifest, where no label has one.
    """

    title: str
    source: str
    licence: str
    media: MediaKind
    media_folder: str | None = None
    metric: Metric = "cosine"
    features: Mapping[str, Any] = field(default_factory=dict)
    definitions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """Clips to be written to a dataset, column by column, in any order.

    `features`: float32[n, dim], finite; or uint16[n, dim], the sums of the clips' frames as AudioSet quantised them,
    which take half the space; their means are written (`features.means_of_sums`). `frames`: uint8[sum(n_frames), dim]
    in clip order, or None. Clip ids are unique in a dataset and safe in a URL: letters, digits and `-._~`. `further`:
    columns by name, as `problem_of_columns` admits them.
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
    further: Mapping[str, "pa.Array[Any]"] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clip_id)


def problem_of_columns(found: pa.Schema, required: pa.Schema, version: int) -> str | None:
    """Describe what is wrong with the columns of a table; None if it has those required and only known ones besides.

    required: CLIPS_SCHEMA or LABELS_SCHEMA. version: of the format; tables of version 1 have no further columns.
    """
    n, fields = len(required), list(found)
    if not pa.schema(fields[:n]).equals(required):
        return f"it lacks columns that format version {version} has, or has them in another order or with another type"
    names: set[str] = set()
    for column in fields[n:]:
        if version == 1 or not _is_admitted(column, required) or column.name in names:
            return f"it has a column {column.name!r:.60} of type {column.type}; {_admitted(required, version)}"
        names.add(column.name)
    return None


def _is_admitted(column: "pa.Field[Any]", required: pa.Schema) -> bool:
    if required is LABELS_SCHEMA:
        return column.equals(DEFINITION)
    kind: Any = column.type
    value = kind.value_type if pa.types.is_list(kind) else kind
    value = pa.timestamp(value.unit) if pa.types.is_timestamp(value) else value  # in any zone
    is_extra = len(column.name) > len(EXTRA_PREFIX) and column.name.startswith(EXTRA_PREFIX) and value in EXTRA_TYPES
    return is_extra or column.equals(TITLE)


def _admitted(required: pa.Schema, version: int) -> str:
    if version == 1:
        return "format version 1 has no further columns"
    if required is LABELS_SCHEMA:
        return f"expected no further one but {DEFINITION.name!r}, of type {DEFINITION.type}, never null"
    types = ", ".join(map(str, EXTRA_TYPES))
    return (
        f"expected as further ones, each once: {TITLE.name!r}, of type {TITLE.type}, and names that begin with "
        f"{EXTRA_PREFIX!r}, of the types {types}, or lists of these"
    )


def invalid_medium(kind: MediaKind, media: "pa.ChunkedArray[Any]") -> str | None:
    """Return the first value of the column `media` that its kind does not allow, None if all are valid."""
    if kind != "url":
        return None
    wrong: Any = media.filter(pc.invert(pc.match_substring_regex(media, _URL)))
    return str(wrong[0].as_py()) if len(wrong) else None


def row_key(clip_id: str) -> bytes:
    """Return the key by which the rows of a split are sorted.

    A 16-byte hash: the first n rows are a random sample of the split, and the order depends only on the ids.
    """
    key = _ROW_HASH.copy()
    key.update(clip_id.encode())
    return key.digest()
