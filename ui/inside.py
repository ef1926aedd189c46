"""Inside: follow your sound through the index, one idea per screen, with its own numbers."""

import streamlit as st

from lsh import LSHError
from ui import (
    chapters,
    clip_list,
    finding,
    inside_crowd,
    inside_families,
    inside_plane,
    inside_probes,
    inside_result,
    inside_sketches,
    inside_walk,
    measures,
    remarks,
    session,
)
from ui.chapters import Chapter
from ui.clip_list import Entry
from ui.loading import PageContext
from ui.paths import COMPONENTS
from ui.query_view import look_up

INTRO = "How does LSH decide what to compare your sound with, and why does it miss some? Follow it, one step at a time."
STYLE = COMPONENTS / "inside.css"

STEPS = [
    Chapter("Planes", "Cut the collection into buckets", inside_plane.show),
    Chapter("Key", "From your sound to a key", inside_walk.key),
    Chapter("Buckets", "One bucket in each table", inside_walk.buckets),
    Chapter("Probes", "The buckets next door", inside_probes.show),
    Chapter("Sketches", "A quick look before a close one", inside_sketches.show),
    Chapter("Missed", "What was missed, and by how little", inside_result.missed),
    Chapter("Chances", "The curve that predicts it", inside_result.curve),
    Chapter("Crowds", "Full buckets and popular clips", inside_crowd.crowds),
    Chapter("Distances", "Cosine and Euclidean, side by side", inside_families.both),
    Chapter("Centring", "Why the middle matters", inside_families.centring),
]


def show(context: PageContext) -> None:
    """Draw the page: your sound, the steps, and the one that is open."""
    begun = chapters.begin(context, "Inside", INTRO, STYLE)
    if begun is None:
        return
    clip, numbers = begun
    try:
        view = look_up(context, clip)
    except LSHError as error:
        remarks.unsearchable(error)
        return
    words = f"your sound · {remarks.summary(context, view.answer)}"
    left, right = st.columns([5, 3], gap="large", vertical_alignment="center")
    with left:
        clip_list.draw(context, "inside-query", "Your sound", clip, [Entry(clip, "query", words)])
    with right:
        finding.box(context.dataset)
    at = _choose()
    with st.container(key="step-room"):
        st.header(f"{at + 1} of {len(STEPS)} · {STEPS[at].question}")
        STEPS[at].draw(view)
    chapters.turn_page(session.STEP, STEPS, at)
    measures.draw(context, numbers)


def _choose() -> int:
    names = chapters.allow(session.STEP, STEPS)
    chosen = st.pills(
        "Steps", names, key=session.STEP.name, bind="query-params", required=True, label_visibility="collapsed"
    )
    return names.index(chosen or names[0])
