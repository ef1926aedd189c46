"""Data of the map: position and colour of each point, the names on the map, and the tables for the browser.

Of a larger collection than `MAX_POINTS` a part is drawn, the first clips of each split, which are a random sample. The
position of any other clip is computed when it is wanted: nothing here grows with the collection.

The large parts are Arrow tables, sent to a browser once per visit when it asks for them. docs/FORMAT.md describes the
positions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from data_prep.arrays import Float64Array, StoredVectors, UInt16Array
from data_prep.dataset import SPLITS, Clip, Dataset, PrincipalPlane, as_coordinates, corners_of, principal_plane
from data_prep.dataset.map_layout import PRINCIPAL_PLANE
from data_prep.sounds.folder import EXCERPT_SUFFIX
from lsh.sampling import first_rows
from ui.filters import masks
from ui.model.text import clean
from ui.pages.map import column_groups, ontology_roots
from ui.pages.map.ontology_roots import Groups

MAX_POINTS = 200_000  # clips drawn
MIN_CLIPS_TO_NAME = 8  # clips that a label needs to be named on the map
MAX_NAMES = 160

_CELLS = 48  # per side of the grid in which the densest cell of a label is found
_BRANCH_CELLS = 12


@dataclass(frozen=True, slots=True)
class Plane:
    """The principal plane of the clips drawn, and the corners of these: float64[2, 2]."""

    plane: PrincipalPlane
    corners: Float64Array


@dataclass(frozen=True, slots=True)
class MapData:
    """Map of a collection. Points are numbered through train, validation and test, without the clips left out.

    These have the numbers that follow, in the same order: so a mark of any clip can be pressed.
    """

    id: str
    n_clips: int  # of the collection
    method: str | None  # how the positions were computed beforehand; None: the principal plane
    starts: tuple[int, ...]  # first point of each split, and the number of points
    rows: tuple[int, ...]  # first clip of each split in the collection, and the number of its clips
    places: UInt16Array  # position of each point: uint16[n, 2]
    plane: Plane | None  # None with positions computed beforehand
    points: pa.Table  # x, y: uint16; group: uint8
    ends: pa.Table  # one column, uint32: where the labels of each point end
    labels: pa.Table  # one column, uint16: the labels of all points, concatenated
    label_names: tuple[str, ...]
    groups: tuple[tuple[str, int], ...]  # name and number of points of each group with a colour; empty without labels
    are_ordered: bool  # whether the groups are parts of a range
    words: tuple[dict[str, Any], ...]  # text, x, y, group, whole (a branch, not a label); densest first

    def clip(self, dataset: Dataset, point: int) -> Clip | None:
        """Return the clip of a point, drawn or left out, None if there is no such point."""
        drawn = point < self.starts[-1]
        starts, place = (self.starts, point) if drawn else (self.rows, point - self.starts[-1])
        if not 0 <= place < starts[-1]:
            return None
        split = int(np.searchsorted(starts, place, side="right")) - 1
        return dataset.clip(SPLITS[split], place - starts[split])

    def point(self, clip: Clip) -> int:
        """Return the point of a clip, drawn or left out."""
        split = SPLITS.index(clip.split)
        point = self.starts[split] + clip.row
        return point if point < self.starts[split + 1] else self.starts[-1] + self.rows[split] + clip.row

    def position(self, dataset: Dataset, clip: Clip) -> tuple[int, int]:
        """Return the coordinates of a clip on the map, drawn or left out."""
        point, layout = self.point(clip), dataset.map()
        if point < self.starts[-1]:
            at = self.places[point]
        elif self.plane is None and layout is not None:
            at = layout[point - self.starts[-1]]
        elif self.plane is not None:
            place = self.plane.plane.project(dataset.features(clip.split)[clip.row : clip.row + 1])
            at = as_coordinates(place, self.plane.corners)[0]
        x, y = at.tolist()
        return x, y

    def place(self, dataset: Dataset, clip: Clip) -> dict[str, int | str]:
        """Return the position of a clip on the map, its point, and its split and row, by which its sound is loaded."""
        x, y = self.position(dataset, clip)
        return {"x": x, "y": y, "point": self.point(clip), "at": f"{clip.split}@{clip.row}"}


def map_of(dataset: Dataset, column: str | None = None) -> MapData:
    """Return the map of a collection: the one it was prepared with, or its principal plane.

    column: which of `column_groups.columns_of` colours it; None for the branches of the ontology, or the labels.
    """
    return _map_data(dataset.fingerprint, dataset, column)


@st.cache_resource(max_entries=6, show_spinner="Preparing the map…")
def _map_data(fingerprint: str, _dataset: Dataset, column: str | None = None) -> MapData:
    dataset = _dataset
    rows_of = [dataset.n_rows(split) if split in splits_shown(dataset) else 0 for split in SPLITS]
    shown = _shown(rows_of)
    rows = tuple(np.cumsum([0, *(dataset.n_rows(split) for split in SPLITS)]).tolist())
    layout, plane = dataset.map(), None
    if layout is not None:
        places = np.concatenate([layout[first : first + n] for first, n in zip(rows[:-1], shown, strict=True)])
    else:
        parts = [first_rows(dataset.features(split), n) for split, n in zip(SPLITS, shown, strict=True)]
        plane, places = _plane_of(parts)
    groups = column_groups.groups_by(dataset, shown, column) if column else ontology_roots.groups_of(dataset, shown)
    counts, labels = _labels(dataset, shown)
    return MapData(
        id=fingerprint[:16] + (f" {column}" if column else ""),
        n_clips=sum(rows_of),
        method=_method(dataset) if layout is not None else None,
        starts=tuple(np.cumsum([0, *shown]).tolist()),
        rows=rows,
        places=places,
        plane=plane,
        points=_table(x=places[:, 0], y=places[:, 1], group=groups.of_clips),
        ends=_table(end=np.cumsum(counts).astype(np.uint32)),
        labels=_table(label=labels.astype(np.uint16)),
        label_names=tuple(clean(name, 80) for name in dataset.label_names),
        groups=_counted(groups, groups.of_clips),
        are_ordered=groups.are_ordered,
        words=tuple(_words(dataset, places, groups, counts, labels)),
    )


def allowed_points(dataset: Dataset, chart: MapData, only: str) -> npt.NDArray[np.bool_]:
    """Return which of the points drawn are of clips that a filter of the URL allows: bool[n]."""
    marks = np.ones(chart.starts[-1], np.bool_)
    for split, first, end in zip(SPLITS, chart.starts[:-1], chart.starts[1:], strict=True):
        allowed = masks.allowed(dataset, only, split)
        if allowed is not None:
            marks[first:end] = allowed.mask[: end - first]
    return marks


def _method(dataset: Dataset) -> str | None:
    """Return the method of a map, None for the principal plane, which tells less."""
    method = str(dataset.manifest["map"]["method"])
    return None if method == PRINCIPAL_PLANE else method


def _plane_of(parts: list[StoredVectors]) -> tuple[Plane, UInt16Array]:
    """Return the principal plane of clips, float32[n_i, dim] or encoded, and their positions in order: uint16[n, 2]."""
    plane = principal_plane(*parts)
    places = np.concatenate([plane.project(part) for part in parts])
    corners = corners_of(places)
    return Plane(plane, corners), as_coordinates(places, corners)


def splits_shown(dataset: Dataset) -> tuple[str, ...]:
    """Return the splits on the map: all, without the excerpts of one's own sounds, which are parts of other clips."""
    if dataset.media != "file" or not dataset.n_rows("validation"):
        return SPLITS
    excerpts = dataset.clip("validation", 0).clip_id.endswith(EXCERPT_SUFFIX)
    return tuple(split for split in SPLITS if not (excerpts and split == "validation"))


def _counted(groups: Groups, group: npt.NDArray[np.uint8]) -> tuple[tuple[str, int], ...]:
    counts = np.bincount(group, minlength=len(groups.names)).tolist()[: len(groups.names)]
    return (
        tuple((clean(name, 80), count) for name, count in zip(groups.names, counts, strict=True)) if any(counts) else ()
    )


def _table(**columns: npt.NDArray[Any]) -> pa.Table:
    return pa.table({name: pa.array(np.ascontiguousarray(values)) for name, values in columns.items()})


def _shown(rows: list[int]) -> list[int]:
    """Return how many clips of each split are drawn, queries first. The first rows of a split are a random sample."""
    tests = [min(n, MAX_POINTS // 4) for n in rows[1:]]
    return [min(rows[0], MAX_POINTS - sum(tests)), *tests]


def _labels(dataset: Dataset, shown: list[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Return the number of labels of each point, and the labels of all points, concatenated."""
    counts, labels = [], []
    for split, n in zip(SPLITS, shown, strict=True):
        offsets, values = dataset.label_sets(split, 0, n)
        counts.append(np.diff(offsets))
        labels.append(values)
    return np.concatenate(counts), np.concatenate(labels)


def _words(
    dataset: Dataset,
    places: UInt16Array,
    groups: Groups,
    counts: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int16],
) -> list[dict[str, Any]]:
    """Return a name for each branch and label, at its densest position; the most concentrated first."""
    words = []
    branches = groups.names if groups.are_branches else ()
    for number, name in enumerate(branches):
        score, x, y = _densest(places, np.flatnonzero(groups.of_clips == number), _BRANCH_CELLS)
        words.append((score, {"text": name, "x": x, "y": y, "group": number, "whole": True}))
    order = np.argsort(labels, kind="stable")
    owner = np.repeat(np.arange(len(counts)), counts)[order]
    edges = np.searchsorted(labels[order], np.arange(len(dataset.label_names) + 1))
    for number, name in enumerate(dataset.label_names):
        if name not in branches:
            score, x, y = _densest(places, owner[edges[number] : edges[number + 1]], _CELLS)
            word = {"text": clean(name, 40), "x": x, "y": y, "group": groups.of_labels[number], "whole": False}
            words.append((score, word))
    words.sort(key=lambda scored: (not scored[1]["whole"], -scored[0]))
    return [word for score, word in words if score > 0][:MAX_NAMES]


def _densest(places: UInt16Array, rows: npt.NDArray[np.int64], cells: int) -> tuple[float, int, int]:
    """Return the fraction of these clips around their densest cell (0 for too few clips), and its position (x, y)."""
    if len(rows) < MIN_CLIPS_TO_NAME:
        return 0.0, 0, 0
    at = places[rows].astype(np.int64) * cells >> 16
    around = _blurred(np.bincount(at[:, 1] * cells + at[:, 0], minlength=cells * cells), cells)
    peak = int(around.argmax())
    y, x = divmod(peak, cells)
    near = rows[(np.abs(at - (x, y)) <= 1).all(axis=1)]
    middle = np.median(places[near], axis=0)
    return float(around[peak] / (len(rows) + 9 * MIN_CLIPS_TO_NAME)), int(middle[0]), int(middle[1])


def _blurred(counts: npt.NDArray[np.int64], cells: int) -> npt.NDArray[np.int64]:
    """Return, for each cell, the sum over it and the eight around it."""
    padded = np.pad(counts.reshape(cells, cells), 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]).ravel()
