"""Lists of neighbours of a query: found by LSH, exact, and missed; or the exact ones alone."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from data_prep.dataset import Clip
from ui.components import neighbour_list
from ui.model import lens, session, visits
from ui.model.answer import Answer, Neighbours
from ui.model.loading import DatasetContext, PageContext
from ui.model.state import K_NEIGHBOURS, MAX_NEIGHBOURS
from ui.model.text import plain
from ui.server import kernels
from ui.widgets import answer_messages, cards, events

_MEANING = (
    "LSH, the fast search behind this app, compares your sound with only some of the others. Here, comparing it with "
    "all of them is just as fast, and misses nothing. Switch this on to see what LSH would find and what it would miss."
)

_HIDING = (
    "Some videos are gone from YouTube, are private, or may not be played elsewhere. Your browser remembers those that "
    "YouTube refused to play. They are found all the same; their cards are left out here, and counted below the list."
)


@st.fragment
def draw(
    context: DatasetContext, key: str, query: Clip, found: Answer | Neighbours, move: Callable[[str], None]
) -> None:
    """Draw the lists under the component key `key`; `move` makes the clip of an id the query."""
    data = {
        **cards.neighbour_cards(context, query, found),
        "query": query.clip_id,
        "view": lens.open_view(context) if isinstance(context, PageContext) else "exact",
        "empty": answer_messages.empty_list_texts(context.settings, found),
        "summary": answer_messages.summary(context, found),
        "hides_unplayable": visits.hides_unplayable(),
        "passed_over": _passed_over(found),
    }
    events.draw(neighbour_list, key, context, data, moves={"query": move}, presses={"view": _store_view})


def draw_more(context: DatasetContext, found: Answer | Neighbours) -> None:
    """Draw what stands below the lists: a button for the next ten neighbours, and one for the first ten alone."""
    k, exact = context.settings.k, found.exact if isinstance(found, Answer) else found
    is_full = len(exact.rows) == k and context.n_allowed > k
    with st.container(horizontal=True, gap="small", key="more-neighbours", vertical_alignment="center"):
        if is_full and k < MAX_NEIGHBOURS:
            st.button(f"Show the next {K_NEIGHBOURS}", on_click=visits.show_neighbours, args=(k + K_NEIGHBOURS,))
        if k > K_NEIGHBOURS:
            st.button(f"Show the first {K_NEIGHBOURS} only", on_click=visits.show_neighbours, args=(K_NEIGHBOURS,))
        if is_full and k == MAX_NEIGHBOURS:
            st.caption(f"{MAX_NEIGHBOURS} are listed at most. Narrow the results to see others.", width="content")


def _passed_over(found: Answer | Neighbours) -> dict[str, int]:
    """Return how many clips of each list are left out since the visitor hides them."""
    if isinstance(found, Neighbours):
        return {"exact": found.passed_over}
    return {"found": found.found.passed_over, "exact": found.exact.passed_over}


def draw_summary(context: DatasetContext, found: Answer | Neighbours) -> None:
    """Draw what stands above the lists: the answer in a sentence, and the switches of what they show.

    Until searches can run, the progress of their preparation stands in place of the switch for LSH.
    """
    st.markdown(f"**{plain(answer_messages.summary(context, found))}**")
    if isinstance(context, PageContext):
        _draw_switch(context)
    else:
        kernels.draw_progress()
    _draw_hiding(context)


def _draw_switch(context: PageContext) -> None:
    """Draw the switch of the lens where it is optional."""
    if not lens.is_optional(context):
        return
    on = lens.is_on(context)
    session.LENS.set(on)
    with st.container(key="with-lens" if on else "without-lens"):
        st.toggle(
            "Show what LSH finds",
            key=session.LENS.name,
            on_change=lambda: lens.switch(on=bool(session.LENS.get())),
            help=_MEANING,
        )


def _draw_hiding(context: DatasetContext) -> None:
    """Draw the switch that hides clips whose videos cannot be played, where clips are videos."""
    if context.dataset.media != "youtube":
        return
    session.HIDES_UNPLAYABLE.set(visits.hides_unplayable())
    st.toggle(
        "Hide what cannot be played",
        key=session.HIDES_UNPLAYABLE.name,
        on_change=lambda: visits.hide_unplayable(hide=bool(session.HIDES_UNPLAYABLE.get())),
        help=_HIDING,
    )


def _store_view(view: Any) -> None:
    """Write into the URL which of the three lists is open."""
    if view in lens.VIEWS:
        visits.write_link(view=view)
