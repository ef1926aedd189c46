"""Ask: search with a recorded sound or a sound file. The sound is not stored."""

import hashlib

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data_prep.dataset import Clip, Dataset
from data_prep.errors import DataError, DownloadError
from data_prep.sounds import model_file
from data_prep.sounds.decoder_pool import shared_pool
from data_prep.sounds.query import MAX_SOUND_S, MAX_UPLOAD_BYTES, SoundEmbedder, SoundQuery
from lsh import LSHError
from ui.format import capitalised, megabytes, percent
from ui.frame import controls
from ui.model import exclusive, lens, session, visits
from ui.model.answer import Answer, Neighbours, answer_to, exact_answer_to
from ui.model.loading import DatasetContext, PageContext
from ui.model.text import plain
from ui.widgets import answer_messages, export, filter_panel, neighbour_lists

INTRO = (
    "Hum, clap, or hold up a sound: record up to a minute, or give a sound file. It is turned into numbers on the "
    "machine that runs this page, and forgotten when you close it."
)
TYPES = [  # by name, as file dialogs need it; the contents decide
    *("wav", "flac", "ogg", "mp3", "m4a", "aiff", "aif", "webm", "opus", "aac", "wma", "wv", "3gp", "mp2", "mp4"),
    *("mov", "wave", "oga", "aifc", "caf", "au", "amr", "ape", "mka", "mkv", "weba", "m4b", "3ga", "mpga", "w64"),
    *("voc", "spx"),
]
BY_NAME = (
    "**Here a sound is found by its name.** The model that measured these clips is not part of Earshot, so your sound "
    "cannot be compared with them. Another model names what it hears, such as *dog* or *rain*, and you get clips with "
    "these names: they are *called* like your sound, more than they sound like it."
)
CANNOT_BE_ASKED = (
    "**This collection cannot be asked with a sound.** The model that measured its clips is not part of Earshot, and "
    "none of its labels is a name that YAMNet, the model that listens, can give. Choose another collection, or start "
    "from a clip on Listen."
)
NO_MODEL = (
    "**The model that listens to sounds (YAMNet, 4 MB) is not on this machine, and could not be downloaded**: go "
    "online once and give the sound again, or save the file by hand."
)
_SILENCE = "Silence"
_MIN_SCORE = 0.1  # of a label to be shown


def show(context: DatasetContext) -> None:
    """Draw the page."""
    st.title("Ask with your own sound")
    left, right = st.columns([5, 9], gap="large")
    with left, st.container(key="query-column"):
        embedder = _embedder(context.dataset.fingerprint, context.dataset)
        if not embedder.can_embed:
            st.warning(CANNOT_BE_ASKED)
            _offer_sample(context)
            return
        st.markdown(INTRO)
        if embedder.method == "labels":
            st.info(BY_NAME)
            _offer_sample(context)
        data, player = _take()
    with right:
        asked = _query_of(context.dataset, data)
        if asked is None:
            if data is None:
                with st.container(border=True):
                    st.markdown("**Nothing asked yet.** Press the microphone, make a sound, and press it again.")
                    st.markdown("What is near to it appears here.")
            return
        if player is not None:
            _play(player, data or b"", asked)
        with left:
            _draw_labels(asked[1])
            filter_panel.draw_panel(context)
        filter_panel.draw_chips(context)
        _answer(context, *asked)


def _offer_sample(context: DatasetContext) -> None:
    """Offer the embedded sample, whose clips are compared with a sound by ear; what was given is then asked there."""
    if (path := context.datasets.get("sample")) is not None and path != context.dataset.path:
        controls.draw_open_button(context, "sample", "Ask the sounds made for you instead, by ear alone")


def _take() -> tuple[bytes | None, DeltaGenerator | None]:
    """Draw the recorder and the file upload; return the sound given last, and the place for its player."""
    limit = f"up to {MAX_SOUND_S:.0f} seconds"
    recorded = st.audio_input(f"Record, {limit}", sample_rate=16_000, key="recording", on_change=_give, args=("rec",))
    given = st.file_uploader(
        f"Or a file, {limit} and {megabytes(MAX_UPLOAD_BYTES)} (a minute of stereo WAV fits)",
        TYPES,
        key="given sound",
        max_upload_size=MAX_UPLOAD_BYTES // 1_000_000,
        on_change=_give,
        args=("file",),
    )
    first, second = (given, recorded) if session.ASKED_BY.get() == "file" else (recorded, given)
    chosen = first if first is not None else second
    if chosen is not None:
        session.ASKED_FILE.set((chosen.name, chosen.getvalue()))
    kept = session.ASKED_FILE.get()
    if kept is None:
        return None, None
    player = st.container() if chosen is not recorded or chosen is None else None  # `st.empty` would stop its sound
    if chosen is None:
        st.caption(f"{plain(kept[0])}, given before.")
        st.button("Remove it", on_click=_give, args=("",))
    return kept[1], player


def _play(player: DeltaGenerator, data: bytes, asked: tuple[str, SoundQuery]) -> None:
    """Draw the player of a sound that was given: the file itself, or as PCM WAV what browsers do not play."""
    name, query = asked
    known = session.ASKED_PLAYED.get()
    if known is None or known[0] != name:
        try:
            with exclusive.RUNS.interrupted():
                mime, wav = shared_pool().for_browser(data, 0.0, query.seconds, "your sound")
        except DataError:  # too many visitors at once
            return
        known = name, mime, data if wav is None else wav
        session.ASKED_PLAYED.set(known)
    player.audio(known[2], format=known[1])


def _give(by: str) -> None:
    """Take the sound of this input, or none if it was removed there, in place of the one before."""
    session.ASKED_BY.set(by)
    session.ASKED_FILE.pop()
    session.ASKED_PLAYED.pop()


def _query_of(dataset: Dataset, data: bytes | None) -> tuple[str, SoundQuery] | None:
    """Return a sound's name, a hash, and the query made of it, once per sound and collection; None after a message."""
    if data is None:
        session.ASKED_SOUND.pop()
        return None
    name = f"{hashlib.sha256(data).hexdigest()[:16]} {dataset.fingerprint[:16]}"
    known = session.ASKED_SOUND.get()
    if known is not None and known[0] == name:
        return known
    try:
        with st.spinner(_doing()), exclusive.RUNS.interrupted():  # another process decodes
            query = _embedder(dataset.fingerprint, dataset).embed(data, "your sound")
    except DownloadError:
        st.warning(NO_MODEL)
        with st.expander("Save the file by hand"):
            st.markdown("From this address, as this file:")
            st.code(f"{model_file.ADDRESS}\n{model_file.model_path()}", language=None, wrap_lines=True)
        return None
    except DataError as error:
        st.warning(plain(f"{capitalised(str(error))}."))
        return None
    session.ASKED_SOUND.set((name, query))
    return name, query


def _doing() -> str:
    """Say what is done before there is an answer; without a network, the download may take some seconds to fail."""
    if model_file.model_path().is_file():
        return "Listening to your sound…"
    return "Downloading the model that listens to sounds, 4 MB, once…"


def _draw_labels(query: SoundQuery) -> None:
    if query.note:
        st.caption(plain(f"{capitalised(query.note)}."))
    heard = [(name, score) for name, score in query.labels if score >= _MIN_SCORE]
    heard = [label for label in heard if label[0] != _SILENCE] or heard  # a short sound in a long, silent file
    if heard:
        st.markdown(f"**Heard:** {' · '.join(f'{plain(name)} {percent(score)}' for name, score in heard)}")
    elif query.labels:
        st.markdown("**Heard:** nothing the model can name with any confidence.")


def _answer(context: DatasetContext, name: str, asked: SoundQuery) -> None:
    found: Answer | Neighbours
    try:
        if isinstance(context, PageContext) and lens.is_on(context):
            found = answer_to(context, np.asarray(asked.feature), name)
        else:
            found = exact_answer_to(context, np.asarray(asked.feature), name)
    except LSHError as error:
        answer_messages.unsearchable(error)
        return
    with st.container(key="summary", gap="small"):  # where the lists stand does not depend on it
        neighbour_lists.draw_summary(context, found)
    query = _as_clip(context.dataset, asked)
    neighbour_lists.draw(context, "asked neighbours", query, found, _listen_to)
    neighbour_lists.draw_more(context, found)
    export.buttons(context, query, found, link=False)


def _listen_to(clip_id: str) -> None:
    visits.start_at(clip_id)
    session.OPENS_LISTEN.set(True)


def _as_clip(dataset: Dataset, query: SoundQuery) -> Clip:
    """Return the sound as a clip, so that cards can mark shared labels."""
    names = {name for name, score in query.labels if score >= _MIN_SCORE}
    labels = tuple(i for i, name in enumerate(dataset.label_names) if name in names)
    return Clip("your-sound", "test", -1, "", 0.0, query.seconds, labels, 1)


@st.cache_resource(max_entries=2, show_spinner=False)
def _embedder(fingerprint: str, _dataset: Dataset) -> SoundEmbedder:  # noqa: ARG001  (the key)
    return SoundEmbedder(_dataset)
