"""Chapters of Inside and Learn: one is open, named in the URL, with buttons for the previous and the next one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data_prep.dataset import Clip
from ui.components import chapter_top
from ui.model import session, visits
from ui.model.loading import PageContext
from ui.model.query_view import QueryView
from ui.widgets import answer_messages, metrics_strip


class Chapter(NamedTuple):
    """A chapter: its name in the URL and in the list of chapters, the question it answers, and its drawing function.

    former: a name that it had in links.
    """

    name: str
    question: str
    draw: Callable[[QueryView], None]
    former: str | None = None


def begin(context: PageContext, title: str, intro: str, style: Path) -> tuple[Clip, DeltaGenerator] | None:
    """Draw the top of a page; return the query and the place of the metrics strip, None if there is no clip."""
    st.html(style)
    st.title(title)
    clip, unknown = visits.current_clip(context)
    if clip is None:
        answer_messages.empty_collection()
        return None
    st.markdown(intro)
    numbers = metrics_strip.place()
    answer_messages.unknown_clip(unknown)
    return clip, numbers


def open_default(key: session.Key[str], chapters: Sequence[Chapter]) -> list[str]:
    """Open the first chapter if the URL names none; return their names. Call before the widget `key` is drawn."""
    names = [chapter.name for chapter in chapters]
    if key.get() not in names:
        linked = st.query_params.get(key.name, "")
        key.set(next((chapter.name for chapter in chapters if chapter.former == linked), names[0]))
    return names


def content(name: str, chapters: Sequence[Chapter], at: int) -> DeltaGenerator:
    """Return the container of the open chapter, of the key `name`; each chapter has its own place on the page.

    In a shared place Streamlit would show the figures of the chapter before until those of the new one are ready.
    """
    places = [st.container(key=name) if i == at else st.empty() for i in range(len(chapters))]
    return places[at]


def navigation(key: session.Key[str], chapters: Sequence[Chapter], at: int) -> None:
    """Draw the previous and next buttons; a new chapter is shown from the top of the container `<key>-content`."""
    with st.container(horizontal=True, key="chapter-buttons"):
        if at > 0:
            before = chapters[at - 1].name
            st.button(f"← {before}", key=f"{key.name} previous", on_click=key.set, args=(before,))
        if at + 1 < len(chapters):
            after = chapters[at + 1]
            label = f"Next: {after.question} →"
            st.button(label, key=f"{key.name} next", type="primary", on_click=key.set, args=(after.name,))
        chapter_top(key=f"{key.name}-top", data={"content": f"{key.name}-content", "chapter": chapters[at].name})
