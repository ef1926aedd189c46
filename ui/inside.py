"""Inside: follow your sound through the index, one idea a screen, with its own real numbers."""

from collections.abc import Callable

import streamlit as st

from lsh import LSHError
from ui import (
    chapters,
    clip_list,
    finding,
    inside_crowd,
    inside_families,
    inside_plane,
    inside_result,
    inside_sketches,
    inside_walk,
    measures,
    remarks,
    visits,
)
from ui.clip_list import Entry
from ui.inside_view import View, look
from ui.loading import PageContext
from ui.paths import COMPONENTS

INTRO = "How does LSH decide what to compare your sound with, and why does it miss some? Follow it, one step at a time."
STYLE = COMPONENTS / "inside.css"

# In the order in which a newcomer asks: the name in the link, the question, and what draws the answer.
STEPS: list[tuple[str, str, Callable[[View], None]]] = [
    ("Planes", "Cut the collection into buckets", inside_plane.show),
    ("Key", "From your sound to a key", inside_walk.key),
    ("Buckets", "One bucket in each table", inside_walk.buckets),
    ("Probes", "The buckets next door", inside_walk.probes),
    ("Sketches", "A quick look before a close one", inside_sketches.show),
    ("Missed", "What was missed, and by how little", inside_result.missed),
    ("Chances", "The curve that foretells it", inside_result.curve),
    ("Crowds", "Full buckets and popular clips", inside_crowd.crowds),
    ("Distances", "Cosine and Euclidean, side by side", inside_families.both),
    ("Centring", "Why the middle matters", inside_families.centring),
]
NAMES = [name for name, _, _ in STEPS]


def show(context: PageContext) -> None:
    """Draw the page: your sound, the steps, and the one that is open."""
    st.html(STYLE)
    st.title("Inside")
    clip, unknown = visits.here(context)
    if clip is None:
        remarks.empty_collection()
        return
    st.markdown(INTRO)
    numbers = measures.place()
    remarks.unknown_clip(unknown)
    try:
        view = look(context, clip)
    except LSHError as error:
        remarks.unsearchable(error)
        return
    words = f"your sound · {remarks.summary(context, view.found)}"
    left, right = st.columns([5, 3], gap="large", vertical_alignment="center")
    with left:
        clip_list.draw(context, "inside-query", "Your sound", clip, [Entry(clip, "query", words)])
    with right:
        finding.box(context.dataset)
    at = NAMES.index(_choose())
    _, question, draw = STEPS[at]
    with st.container(key="step-room"):
        st.header(f"{at + 1} of {len(STEPS)} · {question}")
        draw(view)
    chapters.turn("step", NAMES, [question for _, question, _ in STEPS], at)
    measures.strip(context, numbers)


def _choose() -> str:
    chapters.allowed("step", NAMES)
    chosen = st.pills("Steps", NAMES, key="step", bind="query-params", required=True, label_visibility="collapsed")
    return chosen or NAMES[0]
