"""Links between pages. The app registers its pages here; a link to a page that it does not have is not drawn."""

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui.model import session, visits


def set_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Register the app's pages by their path in the URL."""
    session.PAGES.set(dict(pages))


def draw(path: str, label: str, **others: str) -> None:
    """Draw a link to a page at the current clip and settings, except for the URL parameters in `others`."""
    page = session.PAGES.get().get(path)
    if page is not None:
        st.page_link(page, label=label, query_params={**visits.carried(), **others})


def open_page(path: str) -> None:
    """Switch to a page at the current clip and settings; without effect where the app has no such page."""
    page = session.PAGES.get().get(path)
    if page is not None:
        st.switch_page(page, query_params=visits.carried())


def start_again() -> None:
    """Draw a link that loads the app anew at the open collection, without anything else of the URL."""
    dataset = visits.link().get("dataset")
    st.html(f'<a href="?{urlencode({"dataset": dataset}) if dataset else ""}" target="_self">Start again</a>')
