"""The three lists beside a sound, found, exact and missed, on whatever page asks with one."""

from collections.abc import Callable

import streamlit as st

from data_prep.dataset import Clip
from ui import asks, cards, own_files, remarks, session
from ui.answer import Answer
from ui.components import neighbour_list
from ui.loading import PageContext


@st.fragment
def draw(context: PageContext, key: str, query: Clip, found: Answer, use: Callable[[str], None]) -> None:
    """Draw the lists. `key` is their own; `use` makes a neighbour the query."""
    data = {
        **cards.deck(context, query, found, session.GONE.get()),
        "collection": context.dataset.fingerprint[:16],
        "looks": asks.wanted_looks(context, key),
        "view": context.settings.view,
        "empty": remarks.empty_lists(context.settings, found),
        "summary": remarks.summary(context, found),
        "sound": asks.wanted_sound(context, key),
        "own": context.dataset.media == "file",
        "file": own_files.wanted(context, key),
    }
    neighbour_list(
        key=key,
        data=data,
        **asks.of_cards(key, use),
        on_file_change=asks.on(key, "file", asks.remember_clip(session.file_asked(key))),
        on_view_change=asks.on(key, "view", asks.remember_view),
    )
    asks.rerun_if_moved()
