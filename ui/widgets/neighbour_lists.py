"""Lists of neighbours of a query: found by LSH, exact, and missed; or the exact ones alone."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from data_prep.dataset import Clip
from ui.components import neighbour_list
from ui.model import state, visits
from ui.model.answer import Answer, Neighbours
from ui.model.loading import DatasetContext
from ui.model.state import View
from ui.widgets import answer_messages, cards, events


@st.fragment
def draw(
    context: DatasetContext, key: str, query: Clip, found: Answer | Neighbours, move: Callable[[str], None]
) -> None:
    """Draw the lists under the component key `key`; `move` makes the clip of an id the query."""
    data = {
        **cards.neighbour_cards(context, query, found),
        "query": query.clip_id,
        "view": _open_view() if isinstance(found, Answer) else "exact",
        "empty": answer_messages.empty_list_texts(context.settings, found),
        "summary": answer_messages.summary(context, found),
    }
    events.draw(neighbour_list, key, context, data, moves={"query": move}, view=_store_view)


def _open_view() -> View:
    """Return the list that the URL names; within a fragment it is newer than the page's settings."""
    return state.parse(st.query_params.to_dict(), []).view


def _store_view(view: Any) -> None:
    """Write into the URL which of the three lists is open."""
    if view in state.VIEWS:
        visits.write_link(view=view if view != state.DEFAULTS.view else None)
