"""The three lists of neighbours of a query: found by LSH, exact, and missed."""

from collections.abc import Callable

import streamlit as st

from data_prep.dataset import Clip
from ui import asks, cards, own_files, remarks, session
from ui.answer import Answer
from ui.components import neighbour_list
from ui.loading import PageContext


@st.fragment
def draw(context: PageContext, key: str, query: Clip, found: Answer, use: Callable[[str], None]) -> None:
    """Draw the lists under the component key `key`; `use` makes the clip of an id the query."""
    data = {
        **cards.card_data(context, query, found, session.GONE.get()),
        "collection": context.dataset.fingerprint[:16],
        "looks": asks.requested_waveforms(context, key),
        "view": context.settings.view,
        "empty": remarks.empty_list_texts(context.settings, found),
        "summary": remarks.summary(context, found),
        "sound": asks.requested_sound(context, key),
        "own": context.dataset.media == "file",
        "file": own_files.requested_file(context, key),
    }
    neighbour_list(
        key=key,
        data=data,
        **asks.card_events(key, use),
        on_file_change=asks.on(key, "file", asks.store_clip(session.file_asked(key))),
        on_view_change=asks.on(key, "view", asks.store_view),
    )
    asks.rerun_if_moved()
