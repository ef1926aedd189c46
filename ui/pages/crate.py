"""Crate: what the visitor keeps of all collections: sounds, favourites, notes, and what is never shown."""

import streamlit as st

from ui.components import crate_list
from ui.model.loading import DatasetContext
from ui.widgets import events

INTRO = (
    "What you keep stays in this browser, through all collections. Save it to a file to take it along, or to open it "
    "in another browser. Ctrl+Z takes back the last change."
)


def show(context: DatasetContext) -> None:
    """Draw the page; the browser fills the lists with what it has stored."""
    st.title("Your crate")
    st.markdown(INTRO)
    _lists(context)


@st.fragment
def _lists(context: DatasetContext) -> None:
    media = context.dataset.media
    events.draw(crate_list, "crate", context, {"plays": media != "youtube", "files": media == "file"})
