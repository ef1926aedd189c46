"""Data of the map: position and colour of every clip, the names on the map, and the tables for the browser.

The large parts are Arrow tables, sent to a browser once per visit when it asks for them. docs/FORMAT.md describes the
positions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from data_prep.dataset import SPLITS, Clip, Dataset, as_coordinates, principal_plane
from data_prep.sounds.folder import EXCERPT_SUFFIX
from ui.model.text import clean
from ui.pages.map import ontology_roots
from ui.pages.map.ontology_roots import Groups

MAX_POINTS = 1_000_000  # clips drawn; of a larger collection a random sample
MIN_CLIPS_TO_NAME = 8  # clips that a label needs to be named on the map
MAX_NAMES = 160

_CELLS = 48  # per side of the grid in which the densest cell of a label is found
_BRANCH_CELLS = 12

Places = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class MapData:
    """Map of a collection. Points are numbered through train, validation and test, without the clips left out."""

    id: str
    n_clips: int  # of the collection; of a larger one than MAX_POINTS only a sample is drawn
    method: str | None  # how the positions were computed beforehand; None: the principal plane, computed by the app
    starts: tuple[int, ...]  # first point of each split, and the number of points
    places: dict[str, Places]  # position of every clip, by split: uint16[n, 2]
    points: pa.Table  # x, y: uint16; group: uint8
    ends: pa.Table  # one column, uint32: where the labels of each point end
    labels: pa.Table  # one column, uint16: the labels of all points, concatenated
    label_names: tuple[str, ...]
    groups: tuple[tuple[str, int], ...]  # name and number of points of each group with a colour; empty without labels
    words: tuple[dict[str, Any], ...]  # text, x, y, group, whole (a branch, not a label); densest first

    def clip(self, dataset: Dataset, point: int) -> Clip | None:
        """Return the clip of a point, None if there is no such point."""
        if not 0 <= point < self.starts[-1]:
            return None
        split = int(np.searchsorted(self.starts, point, side="right")) - 1
        return dataset.clip(SPLITS[split], point - self.starts[split])

    def point(self, clip: Clip) -> int:
        """Return the point of a clip, -1 if it is left out."""
        split = SPLITS.index(clip.split)
        point = self.starts[split] + clip.row
        return point if point < self.starts[split + 1] else -1

    def place(self, clip: Clip) -> dict[str, int]:
        """Return the position of a clip on the map, and its point."""
        x, y = self.places[clip.split][clip.row].tolist()
        return {"x": x, "y": y, "point": self.point(clip)}


def map_of(dataset: Dataset) -> MapData:
    """Return the map of a collection: the one it was prepared with, or its principal plane."""
    return _map_data(dataset.fingerprint, dataset)


@st.cache_resource(max_entries=3, show_spinner="Preparing the map…")
def _map_data(fingerprint: str, _dataset: Dataset) -> MapData:
    dataset = _dataset
    places = dataset.map()
    method = str(dataset.manifest["map"]["method"]) if places is not None else None
    if places is None:
        places = as_coordinates(principal_plane(*(dataset.features(split) for split in SPLITS)))
    ends_of = np.cumsum([0, *(dataset.n_rows(split) for split in SPLITS)])
    rows_of = [dataset.n_rows(split) if split in splits_shown(dataset) else 0 for split in SPLITS]
    shown = _shown(rows_of)
    rows = np.concatenate([np.arange(first, first + n) for first, n in zip(ends_of[:-1], shown, strict=True)])
    groups = ontology_roots.groups_of(dataset)
    xy, group = places[rows], groups.of_clips[rows]
    counts, labels = _labels(dataset, shown)
    return MapData(
        id=fingerprint[:16],
        n_clips=sum(rows_of),
        method=method,
        starts=tuple(np.cumsum([0, *shown]).tolist()),
        places={split: places[ends_of[i] : ends_of[i + 1]] for i, split in enumerate(SPLITS)},
        points=_table(x=xy[:, 0], y=xy[:, 1], group=group),
        ends=_table(end=np.cumsum(counts).astype(np.uint32)),
        labels=_table(label=labels.astype(np.uint16)),
        label_names=tuple(clean(name, 80) for name in dataset.label_names),
        groups=_counted(groups, group),
        words=tuple(_words(dataset, xy, groups, group, counts, labels)),
    )


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
        offsets, values = dataset.label_sets(split)
        counts.append(np.diff(offsets[: n + 1]))
        labels.append(values[: offsets[n]])
    return np.concatenate(counts), np.concatenate(labels)


def _words(
    dataset: Dataset,
    places: Places,
    groups: Groups,
    group: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int16],
) -> list[dict[str, Any]]:
    """Return a name for each branch and label, at its densest position; the most concentrated first."""
    words = []
    branches = groups.names if groups.are_branches else ()
    for number, name in enumerate(branches):
        score, x, y = _densest(places, np.flatnonzero(group == number), _BRANCH_CELLS)
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


def _densest(places: Places, rows: npt.NDArray[np.int64], cells: int) -> tuple[float, int, int]:
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
