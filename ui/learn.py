"""Learn: LSH from the beginning, one idea a screen, then the four questions with their measured answers."""

from collections.abc import Callable

import streamlit as st

from lsh import LSHError
from ui import chapters, learn_idea, learn_questions, learn_trade, measures, remarks, visits
from ui.learn_view import Lesson, look
from ui.loading import PageContext
from ui.paths import COMPONENTS

INTRO = (
    "About eight minutes, one idea a screen. Everything you can touch here is the index itself, with this collection."
)
STYLE = COMPONENTS / "learn.css"

# In the order in which a newcomer asks: the name in the link and in the contents, the question, what draws the answer.
CHAPTERS: list[tuple[str, str, Callable[[Lesson], None]]] = [
    ("Alike", "What makes two sounds alike?", learn_idea.alike),
    ("Brute force", "Why not just compare with everything?", learn_idea.brute_force),
    ("One bit", "What is a hash that keeps neighbours together?", learn_idea.one_bit),
    ("K bits", "Why is one bit not enough?", learn_idea.key),
    ("L tables", "Why several tables?", learn_idea.tables),
    ("Missed", "What gets missed, and can you hear it?", learn_trade.missed),
    ("Trade-off", "What do K and L trade?", learn_trade.trade),
    ("More ideas", "Can it be done better?", learn_trade.more),
    ("Question 1", "Which LSH parameters are optimal for audio retrieval?", learn_questions.parameters),
    ("Question 2", "Can LSH outperform brute force in query time, and by how much?", learn_questions.speed),
    ("Question 3", "How does the quality of the neighbours compare to brute force?", learn_questions.quality),
    ("Question 4", "How should the ten 1-second embeddings of a clip become one vector?", learn_questions.frames),
]
NAMES = [name for name, _, _ in CHAPTERS]


def show(context: PageContext) -> None:
    """Draw the page: the contents, and the chapter that is open."""
    st.html(STYLE)
    st.title("Learn")
    clip, unknown = visits.here(context)
    if clip is None:
        remarks.empty_collection()
        return
    st.markdown(INTRO)
    numbers = measures.place()
    remarks.unknown_clip(unknown)
    contents, page = st.columns([2, 7], gap="medium")
    with contents:
        at = NAMES.index(_choose())
    with page:
        _, question, draw = CHAPTERS[at]
        with st.container(key="chapter-room"):
            st.header(question)
            try:
                draw(look(context, clip))
            except LSHError as error:
                remarks.unsearchable(error)
        chapters.turn("chapter", NAMES, [question for _, question, _ in CHAPTERS], at)
    measures.strip(context, numbers)


def _choose() -> str:
    chapters.allowed("chapter", NAMES)
    with st.container(key="contents"):
        chosen = st.radio("Contents", NAMES, key="chapter", bind="query-params", label_visibility="collapsed")
    return chosen or NAMES[0]
