"""Inside: a few hundred clips on a plane, and lines that the visitor draws through them."""

import numpy as np
import streamlit as st

from lsh.analysis import inspecting
from lsh.sampling import evenly_spaced_rows
from ui.components import plane_demo
from ui.model import media
from ui.model.query_view import QueryView
from ui.widgets import events

NEAR, FAR = 90, 210  # clips around the query, and clips from everywhere
INTRO = """
Every dot is a clip; near dots sound alike. A line asks one yes-or-no question: **which side?** The answers to all the
lines are a dot's **key**, and dots with the same key share a **bucket**: a cell between the lines. LSH compares your
sound ★ only with the clips in its own cell. Drag a line, turn it by its knob, draw one across the empty plane, or add a
second table: another set of lines, another chance.
"""
TRY = """
**Try this.** Add lines until hardly anything is looked at: that is what more **bits, K**, do. Neighbours get lost
behind lines. Now add tables: that is **L**. Each brings some of them back, for a little more to look at. (These lines
are a toy of their own. The sliders L and K belong to the real index, which the next steps follow.)
"""


def show(view: QueryView) -> None:
    """Draw the step."""
    st.markdown(INTRO)
    _demo(view)
    st.markdown(TRY)
    st.caption(_limits(view))


@st.fragment
def _demo(view: QueryView) -> None:
    dataset = view.context.dataset
    points = _points(key=(*view.context.index_key, view.clip.clip_id), _view=view)
    shown = f"{dataset.fingerprint[:16]} {view.settings.metric} {view.clip.clip_id}"
    events.draw(plane_demo, "plane", view.context, {"query": points[0], "points": points[1:], "shown": shown})


@st.cache_resource(max_entries=16, show_spinner=False)
def _points(key: tuple[object, ...], _view: QueryView) -> list[dict[str, object]]:  # noqa: ARG001
    """Return the points of the plane, the query first; they do not depend on L, K or probes."""
    dataset, rows = _view.context.dataset, _rows(_view)
    X = np.asarray(dataset.features("train")[rows])
    flat = inspecting.plane_of(_view.index, np.concatenate([_view.query[None], X])).round(4).tolist()
    clips = [_view.clip, *(dataset.clip("train", int(row)) for row in rows)]
    sounds = dataset.media != "youtube"
    return [
        {"id": clip.clip_id, "title": media.title(dataset, clip), "x": x, "y": y, "sounds": sounds}
        for clip, (x, y) in zip(clips, flat, strict=True)
    ]


def _rows(view: QueryView) -> list[int]:
    """Return rows around the query and rows from everywhere, each once, the query's own not among them."""
    index = view.index
    near = index.exact.search(view.query[None], min(NEAR, index.n)).ids[0]
    far = evenly_spaced_rows(index.n, FAR)
    return [row for row in np.union1d(near[near >= 0], far).tolist() if row != view.own_row]


def _limits(view: QueryView) -> str:
    dim = view.index.dim
    return (
        f"A sheet of paper has 2 dimensions, the index works in {dim}: here are {NEAR} clips near your sound and "
        f"{FAR} from all over the collection, on the plane in which they spread most. Which clips are nearest on the "
        "paper may differ from which are nearest in truth. Planes that pass through all the dimensions do what your "
        "lines do here."
    )
