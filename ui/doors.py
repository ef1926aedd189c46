"""Links from one page to another. The app names its pages here; a page that is not there has no door."""

from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import session, visits


def set_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Remember the app's pages by their path in the address."""
    session.PAGES.set(dict(pages))


def draw(path: str, label: str, **others: str) -> None:
    """Draw a link to a page, with this state or `others` of its values; nothing where the app has no such page."""
    page = session.PAGES.get().get(path)
    if page is not None:
        st.page_link(page, label=label, query_params={**visits.carried(), **others})


def open_page(path: str) -> None:
    """Go to a page; nothing where the app has no such page."""
    page = session.PAGES.get().get(path)
    if page is not None:
        st.switch_page(page)
