"""Texts of the Map page: the kind of map, and how a clip relates to the query, by distance and on the map."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_prep.dataset import Clip, Dataset
from data_prep.dataset.map_layout import PRINCIPAL_PLANE
from ui.format import nth_nearest, plural
from ui.model.answer import Answer
from ui.model.loading import PageContext
from ui.model.text import plain
from ui.pages.map.map_data import MapData


def intro(chart: MapData) -> str:
    """State how many points there are, and what can be done with them."""
    total, shown = chart.n_clips, chart.starts[-1]
    what = f"All **{total:,}** clips" if shown == total else f"A random sample of **{shown:,}** of the {total:,} clips"
    near = "" if _is_plane(chart) else " near to those that sound like it"
    marks = " Your sound and its neighbours are always on it." if shown < total else ""
    return f"{what}, each a point{near}. Point at one to read it, press it to hear it.{marks}"


def _is_plane(chart: MapData) -> bool:
    return chart.method in {None, PRINCIPAL_PLANE}


def filtered(allowed: npt.NDArray[np.bool_]) -> str:
    """State how many of the points, bool[n], the filter allows."""
    return f"Your filter allows **{np.count_nonzero(allowed):,}** of the {len(allowed):,} points; the others are faded."


def what_it_can_tell(chart: MapData) -> str:
    """State how the map was computed, and what its distances mean."""
    if not _is_plane(chart):
        made = (
            f"This map was laid out beforehand by {plain(chart.method or '')}. It keeps neighbours together and tears "
            "the rest apart: trust who is near to whom, but not how far apart two groups lie, nor how large they are."
        )
    else:
        made = (
            "You see this collection's principal plane: the two directions in which its clips differ most. All "
            "others are flattened, so clips that lie together here may sound nothing alike. "
            "`python -m data_prep map` lays out a better one."
        )
    return (
        f"{made} The search does not use it: it measures distances in all dimensions, which is why a "
        "true neighbour can lie far away here."
    )


def standing(clip: Clip, query: Clip, found: Answer | None) -> tuple[str, str]:
    """Return how a pressed clip relates to the query, as the kind of its mark and as text."""
    if clip.clip_id == query.clip_id:
        return "query", "your sound"
    row = clip.row if clip.split == "train" else -1
    if row >= 0 and found is not None and row in found.exact.rows:
        truth = nth_nearest(found.exact.rows.tolist().index(row) + 1)
        kind = "missed" if row in found.missed else "found"
        return kind, f"{kind}, {truth} of all"
    if row >= 0 and found is not None and row in found.found.rows:
        return "found", f"found, not in the exact {found.k}"
    return "other", "a query, not searched" if row < 0 else "not among the nearest"


def distance(context: PageContext, clip: Clip, query: Clip) -> float | None:
    """Return the distance of a clip from the query in the metric in force; None if it is undefined."""
    one, other = (np.asarray(context.dataset.features(c.split)[c.row], dtype=np.float64) for c in (clip, query))
    if context.settings.metric == "euclidean":
        return float(np.linalg.norm(one - other))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return 1 - float(one @ other) / lengths if lengths else None


def nearer_on_the_map(chart: MapData, dataset: Dataset, query: Clip, rows: npt.NDArray[np.int64]) -> list[int]:
    """Return, for each row of the train split, how many of its clips drawn lie nearer to the query on the map."""
    centre = np.array(chart.position(dataset, query))
    squared = _squared(chart.places[: chart.starts[1]], centre)
    own = query.split == "train" and query.row < chart.starts[1]
    ends = np.array([chart.position(dataset, dataset.clip("train", row)) for row in rows.tolist()]).reshape(-1, 2)
    return [int((squared < end).sum()) - own for end in _squared(ends, centre).tolist()]


def _squared(places: npt.NDArray[np.integer[Any]], centre: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the squared distances of places, integers[n, 2], from a centre, int64[2]: int64[n]."""
    return np.asarray(((places.astype(np.int64) - centre) ** 2).sum(axis=1))


def beside(missed: bool, nearer: int) -> str:
    """State whether a neighbour was found, and how many clips are nearer on the map."""
    first = "missed" if missed else "found"
    if nearer <= 0:
        return f"{first} · nearest on the map too"
    return f"{first} · on the map {plural(nearer, 'clip lies', 'clips lie')} nearer"
