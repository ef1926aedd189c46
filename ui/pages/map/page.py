"""Map: the collection in the plane, with the query, the found and the missed."""

from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHError
from lsh.sampling import evenly_spaced_marked
from ui import cluster
from ui.components import sound_map
from ui.format import plural
from ui.model import media, session, visits
from ui.model.answer import Answer
from ui.model.loading import PageContext
from ui.model.query_view import QueryView, candidates, look_up
from ui.model.text import clean
from ui.pages.map import column_groups, map_data, texts
from ui.pages.map.map_data import MapData
from ui.widgets import answer_messages, cards, clip_list, events, filter_panel, metrics_strip, neighbour_lists
from ui.widgets.clip_list import Entry

MAX_CANDIDATES = 20_000  # sent to the browser; more would cover the map
MAX_LISTED = 500  # clips in an outline that the browser names
LISTED = 10  # of those that are listed at first, and that "Show more" adds
KEY = "map"
_OUTLINE = "map~outline"  # in `session.MORE_HITS`, among choices of the search box


def show(context: PageContext) -> None:
    """Draw the page."""
    clip, unknown = visits.current_clip(context)
    if clip is None:
        answer_messages.empty_collection()
        return
    answer_messages.unknown_clip(unknown)
    st.title("Map")
    numbers = metrics_strip.place()
    chart = map_data.map_of(context.dataset, _colour_column(context))
    st.markdown(texts.intro(chart))
    view: QueryView | None = None
    try:
        view = look_up(context, clip)
    except LSHError as error:
        answer_messages.unsearchable(error)
    _controls(context)
    filter_panel.draw_panel(context, n_columns=3, with_split=True)
    filter_panel.draw_chips(context)
    if context.settings.only:
        st.markdown(texts.filtered(map_data.allowed_points(context.dataset, chart, context.settings.only)))
    with st.container(key="map-view"):
        _map(context, chart, clip, view)
    _listed(context, chart, clip)
    st.caption(texts.what_it_can_tell(chart))
    if view is not None:
        _neighbours(chart, view)
        metrics_strip.draw(context, numbers)


def _controls(context: PageContext) -> None:
    """Draw the label filter, the choice of colours, and the switch for candidates."""
    left, middle, right = st.columns([3, 2, 2], gap="medium", vertical_alignment="center")
    counts = sum(context.dataset.label_counts(split) for split in map_data.splits_shown(context.dataset))
    names = sorted(
        name for name, count in zip(context.dataset.label_names, np.atleast_1d(counts), strict=True) if count
    )
    left.selectbox(
        "Show a label",
        names,
        index=None,
        key=session.MAP_LABEL.name,
        bind="query-params",
        format_func=clean,
        placeholder="show a label on the map",
        label_visibility="collapsed",
    )
    middle.selectbox(
        "Colour by",
        list(column_groups.columns_of(context.dataset)),
        index=None,
        key=session.MAP_COLOUR.name,
        bind="query-params",
        format_func=clean,
        placeholder="colour by …",
        label_visibility="collapsed",
    )
    right.toggle(
        "Show candidates",
        key=session.MAP_CANDIDATES.name,
        bind="query-params",
        help="Every clip that this search looked at: all that share a bucket with your sound.",
        disabled=cluster.scheduler() is not None,  # the tables are on other machines
    )


def _colour_column(context: PageContext) -> str | None:
    """Return the column that colours the map, the one chosen or of the link; None where there is no such one."""
    chosen = session.MAP_COLOUR.get() or st.query_params.get(session.MAP_COLOUR.name, "")
    return column_groups.columns_of(context.dataset).get(chosen)


@st.fragment
def _map(context: PageContext, chart: MapData, clip: Clip, view: QueryView | None) -> None:
    found = view.answer if view else None
    data = {
        "map": {"id": chart.id, "starts": chart.starts, "sounds": context.dataset.media != "youtube"},
        "query": clip.clip_id,
        "summary": answer_messages.summary(context, found) if found else "",
        "marks": _marks(context, chart, clip, found),
        "candidates": _candidates(chart, view) if _shows_candidates() and view else [],
        "lookedAt": found.n_candidates if found else 0,
        "label": _label(context),
        **_allowed(context, chart),
        **_picked(context, chart, clip, found),
        **_requested_part(chart),
    }
    events.draw(
        sound_map,
        KEY,
        context,
        data,
        moves={"query": lambda to: visits.follow(to, clip.clip_id)},
        presses={
            "select": lambda point: _select(context, chart, point),
            "outline": lambda listed: _store_listed(chart, listed),
        },
        part=lambda part: session.MAP_PART_REQUESTED.set(str(part)),
    )


def _marks(context: PageContext, chart: MapData, clip: Clip, found: Answer | None) -> list[dict[str, Any]]:
    """Return the marks drawn over the points: the query first, then the neighbours, each with position and text."""
    dataset = context.dataset
    marks: list[dict[str, Any]] = [
        {**chart.place(dataset, clip), "kind": "query", "text": "your sound", "title": media.title(dataset, clip)}
    ]
    if found is None:
        return marks
    for row in [*found.missed, *reversed(found.found.rows.tolist())]:
        one = dataset.clip("train", row)
        kind, words = texts.standing(one, clip, found)
        mark: dict[str, Any] = {
            "kind": kind,
            "exact": row in found.exact.rows,
            "text": words,
            "title": media.title(dataset, one),
        }
        marks.append({**chart.place(dataset, one), **mark})
    return marks


def _shows_candidates() -> bool:
    return bool(session.MAP_CANDIDATES.get()) and cluster.scheduler() is None


def _candidates(chart: MapData, view: QueryView) -> list[int]:
    """Return the points of candidates, at most MAX_CANDIDATES, evenly spaced among those that are drawn."""
    marks, allowed = candidates(view), view.context.allowed
    marks = marks if allowed is None else marks & allowed.mask
    points: list[int] = evenly_spaced_marked(marks[: chart.starts[1]], MAX_CANDIDATES).tolist()
    return points


def _allowed(context: PageContext, chart: MapData) -> dict[str, Any]:
    """Return the filter, and of each point a bit that says whether its clip is allowed; no bits without a filter."""
    only = context.settings.only
    if not only:
        return {"only": ""}
    bits = np.packbits(map_data.allowed_points(context.dataset, chart, only))
    return {"only": only, "allowed": pa.table({"bits": pa.array(bits)})}


def _label(context: PageContext) -> dict[str, Any] | None:
    """Return the chosen label and the number of clips that carry it, None without one."""
    name = session.MAP_LABEL.get()
    if name not in context.dataset.label_names:
        return None
    number = context.dataset.label_names.index(name)
    splits = map_data.splits_shown(context.dataset)
    count = sum(int(context.dataset.label_counts(split)[number]) for split in splits)
    return {"number": number, "name": clean(name, 80), "count": count}


# --- requests of the browser --------------------------------------------------------------------------------------


def _requested_part(chart: MapData) -> dict[str, Any]:
    """Return the large part that the browser lacks, once: the points at a first visit, later what it asks for."""
    part = session.MAP_PART_REQUESTED.pop()
    if part is None and session.MAP_SENT.get() != chart.id:
        part = "points"
    if part == "points":
        session.MAP_SENT.set(chart.id)
        groups = [{"name": name, "count": count} for name, count in chart.groups]
        return {"points": chart.points, "groups": groups, "ordered": chart.are_ordered, "words": list(chart.words)}
    if part == "names":
        return {"ends": chart.ends, "labels": chart.labels, "names": list(chart.label_names)}
    return {}


def _select(context: PageContext, chart: MapData, point: Any) -> None:
    """Store the clip that was pressed."""
    clip = chart.clip(context.dataset, point) if isinstance(point, int) else None
    if clip:
        session.MAP_PICKED.set(clip.clip_id)


def _store_listed(chart: MapData, listed: Any) -> None:
    """Store the points that the visitor has drawn around, or that are in view; the whole page is drawn again."""
    if isinstance(listed, dict) and isinstance(listed.get("points"), list) and isinstance(listed.get("total"), int):
        points = [point for point in listed["points"][:MAX_LISTED] if isinstance(point, int)]
        session.MAP_LISTED.set((chart.id, tuple(points), listed["total"]))
        session.MORE_HITS.set(("", 0))
        session.MOVED.set(True)


def _listed(context: PageContext, chart: MapData, query: Clip) -> None:
    """List the clips that were drawn around, some at first."""
    chart_id, points, total = session.MAP_LISTED.get()
    if chart_id != chart.id:
        return
    of, beyond = session.MORE_HITS.get()
    shown = min(len(points), LISTED + (beyond if of == _OUTLINE else 0))
    clips = [clip for point in points[:shown] if (clip := chart.clip(context.dataset, point)) is not None]
    with st.container(key="map-chosen", gap="small"):
        part = f"; {shown} of them" if shown < total else ""
        st.markdown(f"**{plural(total, 'clip')} in the part of the map that you chose**{part}")
        entries = [Entry(clip, "candidate", media.origin(context.dataset, clip)) for clip in clips]
        none = "There is no clip here. Draw around some points, or zoom out."
        clip_list.draw(context, "map outline", "Clips that you drew around", query, entries, none)
        with st.container(horizontal=True):
            if shown < len(points):
                more = min(LISTED, len(points) - shown)
                st.button(f"Show {more} more", on_click=session.MORE_HITS.set, args=((_OUTLINE, shown),))
            st.button("Close the list", on_click=session.MAP_LISTED.set, args=(("", (), 0),))


def _picked(context: PageContext, chart: MapData, query: Clip, found: Answer | None) -> dict[str, Any]:
    """Return the position and the card of the clip that was pressed, if any."""
    picked = session.MAP_PICKED.get()
    clip = context.dataset.find_clip(picked) if picked else None
    if clip is None:
        return {"picked": None, "cards": {}}
    kind, words = texts.standing(clip, query, found)
    distance = texts.distance(context, clip, query)
    card = cards.card(context, clip, query, words, distance, kind=kind)
    return {"picked": {**chart.place(context.dataset, clip), "id": clip.clip_id}, "cards": {clip.clip_id: card}}


def _neighbours(chart: MapData, view: QueryView) -> None:
    """List the nearest clips as text, with how many clips are nearer on the map."""
    st.header("The same in words")
    exact, dataset = view.answer.exact, view.context.dataset
    nearest = plural(len(exact.rows), "nearest clip")
    st.markdown(f"The {nearest} by the search's own distance, the nearest first.")
    nearer = texts.nearer_on_the_map(chart, dataset, view.clip, exact.rows)
    entries = [
        Entry(
            dataset.clip("train", row),
            "found" if found else "missed",
            texts.beside(not found, n),
            float(distance),
            rank=str(rank),
        )
        for rank, (row, found, distance, n) in enumerate(
            zip(view.true_rows, view.found, exact.distances, nearer, strict=True), 1
        )
    ]
    none = "There is no other clip here."
    clip_list.draw(view.context, "map list", f"The {nearest}", view.clip, entries, none)
    neighbour_lists.draw_more(view.context, view.answer)
