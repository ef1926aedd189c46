"""Links from one page to another. The app names its pages here; a page that is not there has no door."""

from collections.abc import Mapping

import streamlit as st

_KEY = "doors"


def name(pages: Mapping[str, object]) -> None:
    """Remember the app's pages by their path in the address."""
    st.session_state[_KEY] = dict(pages)


def to(path: str, label: str) -> None:
    """Draw a link to a page, which keeps the state; nothing where the app has no such page."""
    page = st.session_state.get(_KEY, {}).get(path)
    if page is not None:
        st.page_link(page, label=label)


def go(path: str) -> None:
    """Go to a page; nothing where the app has no such page."""
    page = st.session_state.get(_KEY, {}).get(path)
    if page is not None:
        st.switch_page(page)
