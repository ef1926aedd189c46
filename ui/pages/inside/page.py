"""Inside: follow your sound through the index, one idea per screen, with its own numbers."""

import streamlit as st

from lsh import LSHError
from ui.model import session
from ui.model.loading import PageContext
from ui.model.query_view import look_up
from ui.pages.inside import bucket_sizes, distances, key_and_buckets, missed, plane, probes, sketches, tutorial_lines
from ui.paths import COMPONENTS
from ui.widgets import answer_messages, chapters, clip_list, metrics_strip, search_box
from ui.widgets.chapters import Chapter
from ui.widgets.clip_list import Entry

INTRO = "How does LSH decide what to compare your sound with, and why does it miss some? Follow it, one step at a time."
STYLE = COMPONENTS / "inside.css"

STEPS = [
    Chapter("Planes", "Cut the collection into buckets", plane.show),
    Chapter("Key", "From your sound to a key", key_and_buckets.key),
    Chapter("Buckets", "One bucket in each table", key_and_buckets.buckets),
    Chapter("Probes", "The buckets next door", probes.show),
    Chapter("Sketches", "A quick look before a close one", sketches.show),
    Chapter("Missed", "What was missed, and by how little", missed.missed),
    Chapter("S-curve", "The curve that predicts it", missed.curve, former="Chances"),
    Chapter("Bucket sizes", "Full buckets and popular clips", bucket_sizes.crowds, former="Crowds"),
    Chapter("Distances", "Cosine and Euclidean, side by side", distances.both),
    Chapter("Mean-centring", "Why the mean is taken away first", distances.centring, former="Centring"),
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
        answer_messages.unsearchable(error)
        return
    words = answer_messages.summary(context, view.answer)
    with st.container(key="inside-sound"):
        left, right = st.columns([5, 3], gap="large", vertical_alignment="center")
    with left:
        clip_list.draw(context, "inside-query", "Your sound", clip, [Entry(clip, "query", words)])
    with right:
        search_box.box(context, clip)
    at = _choose()
    with chapters.content("step-content", STEPS, at):
        st.header(f"{at + 1} of {len(STEPS)} · {STEPS[at].question}")
        STEPS[at].draw(view)
        tutorial_lines.draw(STEPS[at].name, view)
    chapters.navigation(session.STEP, STEPS, at)
    metrics_strip.draw(context, numbers)


def _choose() -> int:
    names = chapters.open_default(session.STEP, STEPS)
    chosen = st.pills(
        "Steps", names, key=session.STEP.name, bind="query-params", required=True, label_visibility="collapsed"
    )
    return names.index(chosen or names[0])
