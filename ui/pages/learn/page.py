"""Learn: LSH from the beginning, one idea per screen, then the four questions with their measured answers."""

import streamlit as st

from lsh import LSHError
from ui.model import session
from ui.model.loading import PageContext
from ui.model.query_view import look_up
from ui.pages.learn import basics, near_duplicates, questions, trade_off, tutorial_lines
from ui.paths import COMPONENTS
from ui.widgets import answer_messages, chapters, metrics_strip
from ui.widgets.chapters import Chapter

INTRO = (
    "About eight minutes, one idea a screen. Everything you can touch here is the index itself, with this collection."
)
STYLE = COMPONENTS / "learn.css"

CHAPTERS = [
    Chapter("Alike", "What makes two sounds alike?", basics.alike),
    Chapter("Brute force", "Why not just compare with everything?", basics.brute_force),
    Chapter("One bit", "What is a hash that keeps neighbours together?", basics.one_bit),
    Chapter("K bits", "Why is one bit not enough?", basics.key),
    Chapter("L tables", "Why several tables?", basics.tables),
    Chapter("Missed", "What gets missed, and can you hear it?", trade_off.missed),
    Chapter("Trade-off", "What do K and L trade?", trade_off.trade),
    Chapter("More ideas", "Can it be done better?", trade_off.more),
    Chapter("Duplicates", "What was LSH invented for?", near_duplicates.near_duplicates),
    Chapter("Question 1", "Which LSH parameters are optimal for audio retrieval?", questions.parameters),
    Chapter("Question 2", "Can LSH outperform brute force in query time, and by how much?", questions.speed),
    Chapter("Question 3", "How does the quality of the neighbours compare to brute force?", questions.quality),
    Chapter("Question 4", "How should the ten 1-second embeddings of a clip become one vector?", questions.frames),
]


def show(context: PageContext) -> None:
    """Draw the page: the contents, and the chapter that is open."""
    begun = chapters.begin(context, "Learn", INTRO, STYLE)
    if begun is None:
        return
    clip, numbers = begun
    contents, page = st.columns([2, 7], gap="medium")
    with contents:
        at = _choose()
    with page:
        with chapters.content("chapter-content", CHAPTERS, at):
            st.header(CHAPTERS[at].question)
            try:
                view = look_up(context, clip)
                CHAPTERS[at].draw(view)
                tutorial_lines.draw(CHAPTERS[at].name, view)
            except LSHError as error:
                answer_messages.unsearchable(error)
        chapters.navigation(session.CHAPTER, CHAPTERS, at)
    metrics_strip.draw(context, numbers)


def _choose() -> int:
    names = chapters.open_default(session.CHAPTER, CHAPTERS)
    with st.container(key="contents"):
        chosen = st.radio(
            "Contents", names, key=session.CHAPTER.name, bind="query-params", label_visibility="collapsed"
        )
    return names.index(chosen or names[0])
