"""Theme of the page, light or dark, which charts follow."""

import streamlit as st

from ui.figures.palette import Mode


def mode() -> Mode:
    """Return the theme that the visitor sees."""
    return "dark" if st.context.theme.type == "dark" else "light"
