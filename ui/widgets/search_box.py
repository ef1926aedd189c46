"""Search box for a sound: by label, title, file, folder, metadata or id, with a list of the hits; or at random."""

from functools import partial

import streamlit as st

from data_prep.dataset import Clip, Dataset, clip_names
from ui.components import search_field
from ui.format import plural
from ui.model import clip_search, media, session, visits
from ui.model.clip_search import Hits
from ui.model.loading import DatasetContext
from ui.model.text import clean, plain
from ui.widgets import clip_list, clip_orders, events
from ui.widgets.clip_list import Entry

LISTED = 10  # hits that are listed at first, and that each "Show more" adds
_KEY = "search-box"
_PLACES = {"label": "label", "title": "title", "file": "file", "folder": "folder", "id": "id"}


def box(context: DatasetContext, query: Clip) -> None:
    """Draw the search box, the button for a random sound, and the clips that were chosen in the box."""
    dataset, choice = context.dataset, visits.found()
    hits = clip_search.list_clips(dataset, choice) if choice else Hits(())
    text = clip_search.text_of(choice)
    columns = st.container(key=_KEY).columns([3, 2], gap="small", vertical_alignment="center")
    with columns[0]:
        _field(context, query, text, _said(text, hits) if choice else "")
    columns[1].button(
        "Any of them" if hits.total else "Surprise me",
        on_click=_surprise,
        args=(dataset, query, hits),
        width="stretch",
        help="A sound drawn at random" + (f", of those that match “{plain(text, 40)}”." if hits.total else "."),
    )
    if hits.total:
        _list(context, query, choice, hits)
    elif choice:
        st.caption(f"Nothing here is called “{plain(text, 60)}”: no label, no file and no id. Or press Surprise me.")


def _field(context: DatasetContext, query: Clip, text: str, said: str) -> None:
    data = {"text": clean(text, clip_names.MAX_TEXT), "hint": _hint(context.dataset), "said": said}
    move = partial(_choose, context.dataset, query)
    events.draw(search_field, "search", context, data, moves={"find": move})


def _hint(dataset: Dataset) -> str:
    kinds = [_PLACES.get(kind, "metadata") for kind in clip_names.kinds_of(dataset)]
    names = list(dict.fromkeys(kinds))
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _said(text: str, hits: Hits) -> str:
    verb = "matches" if hits.total == 1 else "match"
    return f"{plural(hits.total, 'clip')} {verb} “{clean(text, 60)}”"


def _choose(dataset: Dataset, query: Clip, choice: str) -> None:
    """Make the clip of a choice the query, or list the clips of the choice below the box."""
    choice = clip_search.resolve(dataset, choice)
    if choice.startswith("clip="):
        visits.follow(choice.removeprefix("clip="), query.clip_id)
        visits.list_found("")
    else:
        visits.list_found("" if choice == "first~" else choice)


def _list(context: DatasetContext, query: Clip, choice: str, hits: Hits) -> None:
    dataset, text = context.dataset, clip_search.text_of(choice)
    of, beyond = session.MORE_HITS.get()
    shown = min(hits.total, LISTED + (beyond if of == choice else 0))
    part = f"; the first {shown} of them" if shown < hits.total else ""
    with st.container(key="search-hits", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(_said(text, hits))}**{part}", width="content")
            order = clip_orders.choose(dataset, hits)
        clip_at = partial(hits.clip, dataset) if order is None else clip_orders.sort(dataset, hits, choice, order)
        entries = [Entry(clip, "candidate", _words(dataset, clip, order)) for clip in map(clip_at, range(shown))]
        clip_list.draw(
            context,
            "hits",
            "Clips that match",
            query,
            entries,
            move=lambda to: visits.follow(to, query.clip_id),
            hides_unplayable=visits.hides_unplayable(),
        )
        with st.container(horizontal=True):
            if shown < hits.total:
                more = min(LISTED, hits.total - shown)
                st.button(f"Show {more} more", on_click=session.MORE_HITS.set, args=((choice, shown),))
            st.button("Close the list", on_click=visits.list_found, args=("",))


def _words(dataset: Dataset, clip: Clip, order: clip_orders.Order | None) -> str:
    return " · ".join(filter(None, [media.origin(dataset, clip), clip_orders.words(dataset, clip, order)]))


def _surprise(dataset: Dataset, query: Clip, hits: Hits) -> None:
    clip = visits.random_of(hits.total, partial(hits.clip, dataset)) if hits.total else visits.random_clip(dataset)
    if clip:
        visits.follow(clip.clip_id, query.clip_id, visits.found())
