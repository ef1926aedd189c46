"""Pages for when there is nothing to listen to: what is wrong, where, and the one thing to do."""

from pathlib import Path

import streamlit as st

from ui import session
from ui.paths import ROOT
from ui.state import Settings
from ui.text import plain

_WIDTH = 720


def no_data(root: Path) -> None:
    """Say that no prepared dataset was found, and how to make the embedded one."""
    with st.container(width=_WIDTH):
        st.title("No sounds yet")
        st.markdown(f"Earshot looked in {plain(_short(root))} and found no prepared collection.")
        st.markdown("This writes the embedded sample, thousands of synthesised sounds, without a network:")
        st.code("python -m data_prep sample --out data/sample", language=None)
        st.markdown("This fetches real AudioSet features from Google and prepares them:")
        st.code("python -m data_prep audioset --subset balanced --out data/audioset", language=None)
        st.button("Look again", type="primary")


def damaged(path: Path, error: Exception) -> None:
    """Say what is wrong with the collection that was chosen, and how to check and mend it."""
    with st.container(width=_WIDTH):
        st.title("This collection cannot be opened")
        st.markdown(plain(str(error).replace(f"{ROOT}/", ""), longest=1000))
        st.markdown("See everything that is wrong with it:")
        st.code(f"python -m data_prep verify {_short(path)}", language=None)
        if path.name == "sample":
            st.markdown("Or write the embedded sample anew:")
            st.code(f"python -m data_prep sample --out {_short(path)}", language=None)
        st.markdown("Or choose another collection in the sidebar.")
        st.button("Try again", type="primary")


def unindexable(path: Path, error: Exception, settings: Settings) -> None:
    """Say why no index can be built: because of a width that was asked for, or of the data."""
    if settings.metric == "cosine" or settings.bucket_width is None:
        damaged(path, error)
        return
    with st.container(width=_WIDTH):
        st.title("This bucket width cannot be used")
        st.markdown(plain(error, longest=1000))
        st.button("Use the width that the data suggests", type="primary", on_click=_forget_width)


def _forget_width() -> None:
    session.BUCKET_WIDTH.set(None)


def _short(path: Path) -> str:
    """Name a folder as it is named from the project's own folder: a visitor has no use for the rest of the path."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
