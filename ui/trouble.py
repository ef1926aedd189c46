"""Pages for when there is nothing to listen to: what is wrong, where, and the one thing to do."""

from pathlib import Path

import streamlit as st

from ui.text import plain


def no_data(root: Path) -> None:
    """Say that no prepared dataset was found, and how to make the embedded one."""
    st.title("No sounds yet")
    st.markdown(f"Earshot looked in `{_short(root)}` and found no prepared collection.")
    st.markdown("This writes the embedded sample, about 20,000 synthesised sounds, without a network:")
    st.code("python -m data_prep sample --out data/sample", language="bash")
    st.markdown("This fetches real AudioSet features from Google and prepares them:")
    st.code("python -m data_prep audioset --subset balanced --out data/audioset", language="bash")
    st.button("Look again", type="primary")


def damaged(path: Path, error: Exception) -> None:
    """Say what is wrong with the collection that was chosen, and how to check and mend it."""
    st.title("This collection cannot be opened")
    st.markdown(plain(error, longest=1000))
    st.markdown("See everything that is wrong with it:")
    st.code(f"python -m data_prep verify {_short(path)}", language="bash")
    if path.name == "sample":
        st.markdown("Or write the embedded sample anew:")
        st.code(f"python -m data_prep sample --out {_short(path)}", language="bash")
    st.markdown("Or choose another collection in the sidebar.")
    st.button("Try again", type="primary")


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
