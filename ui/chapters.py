"""What is read in order, on Inside and on Learn: one chapter open, named in the link, and the way back and on."""

from collections.abc import Sequence

import streamlit as st

from ui.components import chapter_top


def allowed(key: str, names: Sequence[str]) -> None:
    """Open the first chapter where the link names one that is not there; before the widget `key` is drawn."""
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]


def turn(key: str, names: Sequence[str], questions: Sequence[str], at: int) -> None:
    """Draw the ways back and on, which begin a chapter in the container `<key>-room` at its top."""
    with st.container(horizontal=True, key="turn-page"):
        if at > 0:
            st.button(f"← {names[at - 1]}", key=f"{key} back", on_click=_to, args=(key, names[at - 1]))
        if at + 1 < len(names):
            words = f"Next: {questions[at + 1]} →"
            st.button(words, key=f"{key} on", type="primary", on_click=_to, args=(key, names[at + 1]))
        chapter_top(key=f"{key}-top", data={"room": f"{key}-room", "chapter": names[at]})


def _to(key: str, name: str) -> None:
    st.session_state[key] = name
