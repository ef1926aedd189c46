"""Ask: search with a recorded sound or a sound file. The sound is not stored."""

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from data_prep.dataset import Clip, Dataset
from data_prep.errors import DataError, DownloadError
from data_prep.sounds.query import MAX_SOUND_S, MAX_UPLOAD_BYTES, SoundEmbedder, SoundQuery
from lsh import LSHError
from ui.format import capitalised, megabytes, percent
from ui.model import session, visits
from ui.model.answer import answer_to
from ui.model.loading import PageContext
from ui.model.text import plain
from ui.widgets import answer_messages, export, links, neighbour_lists

INTRO = (
    "Hum, clap, let the cat in: record up to a minute, or give a sound file. It is turned into numbers on the machine "
    "that runs this page, and kept nowhere."
)
TYPES = ["wav", "flac", "ogg", "mp3", "aiff", "aif"]
BY_WORDS = (
    "No public model makes AudioSet's own features, so your sound cannot be placed among them directly. Instead a "
    "model names what it hears, and the search begins in the middle of the clips that carry those names. So these are "
    "clips *called* like your sound, more than clips that sound like it."
)
_MIN_SCORE = 0.1  # of a label to be shown


@dataclass(frozen=True, slots=True)
class Question:
    """A sound to search with: its name (a hash), and its feature and labels."""

    name: str
    asked: SoundQuery


def show(context: PageContext) -> None:
    """Draw the page."""
    if session.ASK_LEADS_TO_LISTEN.pop():
        links.open_page("listen")
    st.title("Ask with your own sound")
    left, right = st.columns([5, 9], gap="large")
    with left, st.container(key="query-column"):
        st.markdown(INTRO)
        data = _take()
    with right:
        question = _understand(context.dataset, data)
        if question is None:
            _invite(data)
            return
        with left:
            _what_was_heard(context.dataset, question)
        _answer(context, question)


def _take() -> bytes | None:
    """Draw the recorder and the file upload; return the sound given last."""
    limit = f"up to {MAX_SOUND_S:.0f} seconds"
    recorded = st.audio_input(f"Record, {limit}", sample_rate=16_000, key="recording", on_change=_prefer, args=("rec",))
    given = st.file_uploader(
        f"Or a file, {limit} and {megabytes(MAX_UPLOAD_BYTES)}",
        TYPES,
        key="given sound",
        max_upload_size=MAX_UPLOAD_BYTES // 1_000_000,
        on_change=_prefer,
        args=("file",),
    )
    first, second = (given, recorded) if session.ASKED_BY.get() == "file" else (recorded, given)
    chosen = first if first is not None else second
    if chosen is None:
        return None
    if chosen is given:
        st.audio(chosen)
    return bytes(chosen.getvalue())


def _prefer(way: str) -> None:
    session.ASKED_BY.set(way)


def _understand(dataset: Dataset, data: bytes | None) -> Question | None:
    """Return the query made of a sound, once per sound and collection; None after a message if it cannot be made."""
    if data is None:
        session.ASKED_SOUND.pop()
        return None
    name = f"{hashlib.sha256(data).hexdigest()[:16]} {dataset.fingerprint[:16]}"
    known = session.ASKED_SOUND.get()
    if known is not None and known[0] == name:
        return Question(*known)
    try:
        with st.spinner("Listening to your sound…"):
            question = Question(name, _embedder(dataset.fingerprint, dataset).embed(data, "your sound"))
    except DownloadError as error:
        st.warning("The model that listens to sounds is not on this machine yet, and cannot be fetched now.")
        st.caption(plain(error, longest=600))
        return None
    except DataError as error:
        st.warning(plain(f"{capitalised(str(error))}."))
        return None
    session.ASKED_SOUND.set((name, question.asked))
    return question


def _invite(data: bytes | None) -> None:
    if data is None:
        with st.container(border=True):
            st.markdown("**Nothing asked yet.** Press the microphone, make a sound, and press it again.")
            st.markdown("What is near to it appears here, found by LSH at the L and K that you have set.")


def _what_was_heard(dataset: Dataset, question: Question) -> None:
    heard = [f"{plain(name)} {percent(score)}" for name, score in question.asked.labels if score >= _MIN_SCORE]
    if heard:
        st.markdown(f"**Heard:** {' · '.join(heard)}")
    elif question.asked.labels:
        st.markdown("**Heard:** nothing the model can name with any confidence.")
    if _embedder(dataset.fingerprint, dataset).method == "labels":
        st.caption(BY_WORDS)


def _answer(context: PageContext, question: Question) -> None:
    try:
        found = answer_to(context, np.asarray(question.asked.feature), question.name)
    except LSHError as error:
        answer_messages.unsearchable(error)
        return
    answer_messages.draw_summary(context, found)
    query = _as_clip(context.dataset, question)
    neighbour_lists.draw(context, "asked neighbours", query, found, _listen_to)
    export.buttons(context, query, found, link=False)


def _listen_to(clip_id: str) -> None:
    visits.start_at(clip_id)
    session.ASK_LEADS_TO_LISTEN.set(True)


def _as_clip(dataset: Dataset, question: Question) -> Clip:
    """Return the sound as a clip, so that cards can mark shared labels."""
    names = {name for name, score in question.asked.labels if score >= _MIN_SCORE}
    labels = tuple(i for i, name in enumerate(dataset.label_names) if name in names)
    return Clip("your-sound", "test", -1, "", 0.0, question.asked.seconds, labels, 1)


@st.cache_resource(max_entries=2, show_spinner=False)
def _embedder(fingerprint: str, _dataset: Dataset) -> SoundEmbedder:  # noqa: ARG001  (the key)
    return SoundEmbedder(_dataset)
