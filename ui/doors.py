"""Links from one page to another. The app names its pages here; a page that is not there has no door."""

from collections.abc import Mapping

import streamlit as st

from ui import state

_KEY = "doors"


def name(pages: Mapping[str, object]) -> None:
    """Remember the app's pages by their path in the address."""
    st.session_state[_KEY] = dict(pages)


def to(path: str, label: str, **others: str) -> None:
    """Draw a link to a page, with this state or `others` of its values; nothing where the app has no such page."""
    page = st.session_state.get(_KEY, {}).get(path)
    if page is not None:
        st.page_link(page, label=label, query_params={**state.carried(), **others})


def go(path: str) -> None:
    """Go to a page; nothing where the app has no such page."""
    page = st.session_state.get(_KEY, {}).get(path)
    if page is not None:
        st.switch_page(page)
