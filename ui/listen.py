"""Listen: pick a sound, hear it, and hear what is within its earshot."""

import streamlit as st

from ui.loading import Room


def show(room: Room) -> None:
    """Draw the page."""
    st.write(room.settings)
