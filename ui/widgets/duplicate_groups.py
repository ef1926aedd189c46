"""Groups of clips that are equal or nearly so: found by hash tables, listed to be played, with the one that is kept."""

import filecmp
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

import lsh
from data_prep.dataset import Clip, Dataset
from lsh import Duplicates
from lsh.exact import ExactSearch
from lsh.pairs.distances import distances_from
from lsh.sampling import evenly_spaced_rows
from ui.components import tidy_list
from ui.format import plural
from ui.model import media, session, visits
from ui.model.loading import DatasetContext, PageContext
from ui.widgets import cards, events

MAX_ROWS = 200_000  # clips among which a page looks, in some ten seconds
NEAR = 1 / 3  # of the distance that a sound usually has to its nearest neighbour
_SAMPLED, _NEIGHBOURS = 500, 11  # sounds, and neighbours of each, by which that is measured
_EQUAL = 1e-6  # distances up to this are those of equal features


@dataclass(frozen=True, slots=True)
class Group:
    """The clips of a group, the one that is kept first, and their distances from it: float32[m]."""

    clips: tuple[Clip, ...]
    distances: tuple[float, ...]

    @property
    def kept(self) -> Clip:
        """Return the clip that is kept."""
        return self.clips[0]


def find(context: PageContext, share: float = NEAR) -> Duplicates:
    """Return the duplicates of the collection within a share of the usual distance; 0: equal features alone.

    Raises LSHError for a radius so large that the tables cannot find its pairs.
    """
    key = (context.dataset.fingerprint, context.settings.metric, share)
    return _found(key, context.dataset, context.index.exact, share)


def radius_of(exact: ExactSearch, share: float) -> float:
    """Return a share of the median distance of a sound to its nearest neighbour that is not equal to it.

    Under cosine it is a share of the angle. The median is that of up to 500 evenly spaced sounds; 0 if all are equal.
    """
    rows = evenly_spaced_rows(len(exact.X), _SAMPLED)
    if exact.metric == "cosine":
        rows = rows[exact.inverse_norms[rows] > 0]  # zeros have no angle to anything
    if not len(rows):
        return 0.0
    found = exact.search(np.ascontiguousarray(exact.X[rows], np.float32), _NEIGHBOURS).without(rows)
    nearest = np.where(found.distances > _EQUAL, found.distances, np.inf).min(axis=1)
    usual = nearest[np.isfinite(nearest)]
    if not len(usual):
        return 0.0
    median = float(np.median(usual))
    return 1 - math.cos(share * math.acos(max(-1.0, 1 - median))) if exact.metric == "cosine" else share * median


def choices(context: DatasetContext) -> frozenset[str]:
    """Return the ids of the clips of the collection that the visitor has chosen to keep."""
    of, chosen = session.KEPT.get()
    return chosen if of == context.settings.dataset else frozenset()


def groups_of(context: PageContext, found: Duplicates, start: int, stop: int, chosen: frozenset[str]) -> list[Group]:
    """Return some of the groups, the largest first, with the clip of each that is kept: the chosen or the longest one.

    chosen: of `choices`; a file that is made on a press cannot ask for them, for the session is not known there.
    """
    return [_group(context, rows.tolist(), chosen) for rows in found.groups[start:stop]]


@st.fragment
def draw(context: PageContext, key: str, groups: Sequence[Group], first: int = 1, *, choice: bool = False) -> None:
    """Draw groups under the component key `key`, numbered from `first`; choice: with a button for the one to keep."""
    drawn, order = dict[str, object](), []
    for number, group in enumerate(groups, first):
        for clip, distance in zip(group.clips, group.distances, strict=True):
            is_kept = clip is group.kept
            first_words = "kept" if choice else "the one that the others are compared with"
            how = first_words if is_kept else _words(context.dataset, group.kept, clip, distance)
            words = " · ".join(filter(None, [how, media.length(clip)]))
            state = ("kept" if is_kept else "rest") if choice else ""
            away = None if is_kept else distance
            drawn[clip.clip_id] = cards.card(context, clip, group.kept, words, away, kind="plain", choice=state)
        # Named by its lowest id, so that a list stays where it is when another of its clips is kept.
        name = min(clip.clip_id for clip in group.clips)
        title = f"Group {number} · {plural(len(group.clips), 'sound')}"
        order.append({"id": name, "title": title, "order": sorted(clip.clip_id for clip in group.clips)})
    data: dict[str, object] = {
        "groups": order,
        "heading": "h2" if choice else "h3",
        "cards": drawn,
        "query": "",
        "hides_unplayable": visits.hides_unplayable(),
    }
    members = {str(group["id"]): set(group["order"]) for group in order}
    events.draw(
        tidy_list,
        key,
        context,
        data,
        moves={"query": visits.start_at},
        presses={"keep": lambda value: _keep(context, members, value)},
    )


def _keep(context: DatasetContext, members: dict[str, set[str]], value: Any) -> None:
    """Store which clip of a group is kept; what is no clip of it is left out."""
    name, clip_id = (value.get("group"), value.get("clip")) if isinstance(value, dict) else (None, None)
    if clip_id in members.get(str(name), ()):
        others = choices(context) - members[str(name)]
        session.KEPT.set((context.settings.dataset, others | {str(clip_id)}))
        session.MOVED.set(True)  # the counts and files of the page, too


def _group(context: PageContext, rows: list[int], chosen: frozenset[str]) -> Group:
    clips = [context.dataset.clip("train", row) for row in rows]
    usual = min(clips, key=lambda clip: (clip.start_s - clip.end_s, clip.media, clip.clip_id))
    kept = next((clip for clip in clips if clip.clip_id in chosen), usual)
    ordered = [kept, *(clip for clip in clips if clip is not kept)]
    away = distances_from(context.index.exact, kept.row, np.array([clip.row for clip in ordered], np.int64))
    return Group(tuple(ordered), (0.0, *away.tolist()[1:]))


def _words(dataset: Dataset, kept: Clip, clip: Clip, distance: float) -> str:
    """Return how a clip differs from the one that is kept."""
    first, own = (np.asarray(dataset.features("train")[one.row]) for one in (kept, clip))
    if not np.array_equal(first, own):
        return f"{distance:.4f} away"
    return "the same file, byte for byte" if _same_bytes(dataset, kept, clip) else "equal"


def _same_bytes(dataset: Dataset, one: Clip, other: Clip) -> bool:
    """Return whether two clips are whole files of one's own with the same bytes."""
    try:
        first, second = media.path_of(dataset, one), media.path_of(dataset, other)
        return first != second and filecmp.cmp(first, second, shallow=False)
    except OSError:
        return False


@st.cache_resource(max_entries=8, show_spinner="Looking for sounds that are equal or nearly so…")
def _found(key: tuple[object, ...], _dataset: Dataset, _exact: ExactSearch, _share: float) -> Duplicates:  # noqa: ARG001
    X, radius = _dataset.features("train"), radius_of(_exact, _share) if _share else 0.0
    return lsh.duplicates(X, radius, _exact.metric, n_threads=os.cpu_count() or 1)
