"""Pages read in order, Inside and Learn: one chapter is open, named in the link, with buttons back and on."""

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
    """A chapter: its name in the link and in the list of chapters, the question it answers, and what draws it."""

    name: str
    question: str
    draw: Callable[[QueryView], None]


def begin(context: PageContext, title: str, intro: str, style: Path) -> tuple[Clip, DeltaGenerator] | None:
    """Draw a page's beginning; return the query and the place of the four numbers, None where there is no clip."""
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


def allow(key: session.Key[str], chapters: Sequence[Chapter]) -> list[str]:
    """Return the chapters' names; open the first where the link names no chapter. Call before the widget `key`."""
    names = [chapter.name for chapter in chapters]
    if key.get() not in names:
        key.set(names[0])
    return names


def navigation(key: session.Key[str], chapters: Sequence[Chapter], at: int) -> None:
    """Draw the buttons back and on, which begin a chapter in the container `<key>-content` at its top."""
    with st.container(horizontal=True, key="chapter-buttons"):
        if at > 0:
            before = chapters[at - 1].name
            st.button(f"← {before}", key=f"{key.name} back", on_click=key.set, args=(before,))
        if at + 1 < len(chapters):
            after = chapters[at + 1]
            label = f"Next: {after.question} →"
            st.button(label, key=f"{key.name} on", type="primary", on_click=key.set, args=(after.name,))
        chapter_top(key=f"{key.name}-top", data={"content": f"{key.name}-content", "chapter": chapters[at].name})
