"""The three lists of neighbours of a query: found by LSH, exact, and missed."""

from collections.abc import Callable

import streamlit as st

from data_prep.dataset import Clip
from ui.components import neighbour_list
from ui.model import session
from ui.model.answer import Answer
from ui.model.loading import PageContext
from ui.widgets import answer_messages, cards, events, file_download


@st.fragment
def draw(context: PageContext, key: str, query: Clip, found: Answer, use: Callable[[str], None]) -> None:
    """Draw the lists under the component key `key`; `use` makes the clip of an id the query."""
    data = {
        **cards.card_data(context, query, found, session.GONE.get()),
        "collection": context.dataset.fingerprint[:16],
        "looks": events.requested_waveforms(context, key),
        "view": context.settings.view,
        "empty": answer_messages.empty_list_texts(context.settings, found),
        "summary": answer_messages.summary(context, found),
        "sound": events.requested_sound(context, key),
        "own": context.dataset.media == "file",
        "file": file_download.requested_file(context, key),
    }
    neighbour_list(
        key=key,
        data=data,
        **events.card_events(key, use),
        on_file_change=events.on(key, "file", events.store_clip(session.file_asked(key))),
        on_view_change=events.on(key, "view", events.store_view),
    )
    events.rerun_if_moved()
