"""Listen: pick a sound, hear it, and hear what is within its earshot."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHError
from ui import cards, finding, loading, measures, media, remarks, state, visits
from ui.answer import Answer, answer, first_clip
from ui.components import neighbour_list, query_player
from ui.loading import Room
from ui.text import clean

MOST_GONE = 500  # dead videos remembered in a session
MOST_LOOKS = 40  # waveforms sent at a time: found, exact and missed together are fewer


def show(room: Room) -> None:
    """Draw the page: your sound on the left, what is near it on the right."""
    first = first_clip(room.dataset)
    if first is None:
        remarks.empty_collection()
        return
    clip, unknown = visits.here(room.settings, room.dataset, first)
    left, right = st.columns([5, 9], gap="large")
    with left, st.container(key="your-sound"):
        remarks.unknown_clip(unknown)
        _player(room, clip)
        finding.box(room.dataset)
    with right:
        numbers = measures.place()
        said = st.container(key="said", gap="small")
        try:
            loading.warm_up(room.index)
            found = answer(room, clip)
        except LSHError as error:
            remarks.unsearchable(error)
            return
        with said:
            remarks.what_happened(room, found)
        _neighbours(room, clip, found)
        now = measures.strip(room, numbers)  # after the neighbours, for it takes longer
        with said:
            remarks.what_next(room, found, now)


@st.fragment
def _player(room: Room, clip: Clip) -> None:
    dataset = room.dataset
    data = {
        "clip": {
            "id": clip.clip_id,
            "title": cards.title(dataset, clip),
            "media": media.source(dataset, clip),
            "peaks": media.peaks(dataset, clip, media.MANY),
            "when": media.when(dataset, clip),
            "gone": "This video is gone from YouTube." if clip.clip_id in _gone() else None,
        },
        "collection": dataset.fingerprint[:16],
        "trail": _steps(room),
        "sound": _wanted_sound(room, "player"),
    }
    query_player(
        key="player",
        data=data,
        on_sound_change=_on("player", "sound", _want("player")),
        on_back_change=_on("player", "back", _then_rerun(visits.back)),
        on_gone_change=_on("player", "gone", _remember_gone),
    )
    _rerun_if_moved()


@st.fragment
def _neighbours(room: Room, clip: Clip, found: Answer) -> None:
    deck = cards.deck(room, clip, found, _gone())
    data = {
        **deck,
        "collection": room.dataset.fingerprint[:16],
        "looks": _wanted_looks(room),
        "view": room.settings.view,
        "empty": remarks.empty_lists(room.settings, found),
        "summary": remarks.summary(room, found),
        "sound": _wanted_sound(room, "neighbours"),
    }
    neighbour_list(
        key="neighbours",
        data=data,
        on_sound_change=_on("neighbours", "sound", _want("neighbours")),
        on_look_change=_on("neighbours", "look", _want_looks),
        on_use_change=_on("neighbours", "use", _then_rerun(lambda to: visits.hop(to, clip.clip_id))),
        on_gone_change=_on("neighbours", "gone", _remember_gone),
        on_view_change=_on("neighbours", "view", _remember_view),
    )
    _rerun_if_moved()


def _steps(room: Room) -> list[dict[str, str]]:
    clips = (room.dataset.find_clip(clip_id) for clip_id in room.settings.trail)
    titles = [(clip.clip_id, cards.title(room.dataset, clip)) for clip in clips if clip]
    return [{"id": clip_id, "name": clean(title.split(" · ")[0], 24), "title": title} for clip_id, title in titles]


# --- what the components ask for ---------------------------------------------------------------------------------


def _on(key: str, event: str, handle: Callable[[Any], None]) -> Callable[[], None]:
    """Return a callback that hands the value of a component's event to `handle`."""

    def callback() -> None:
        value = st.session_state[key].get(event)
        if value is not None:
            handle(value)

    return callback


def _want(key: str) -> Callable[[Any], None]:
    def handle(clip_id: Any) -> None:
        st.session_state[f"{key} wants"] = str(clip_id)

    return handle


def _wanted_sound(room: Room, key: str) -> dict[str, str] | None:
    """Return the sound that a play button asked for, once."""
    wanted = st.session_state.pop(f"{key} wants", None)
    clip = room.dataset.find_clip(wanted) if wanted else None
    if clip is None:
        return None
    sound = media.sound(room.dataset, clip)
    return {"id": clip.clip_id, **({"mime": sound.mime, "base64": sound.base64} if sound else {})}


def _want_looks(clip_ids: Any) -> None:
    st.session_state["looks wanted"] = [str(clip_id) for clip_id in clip_ids][:MOST_LOOKS]


def _wanted_looks(room: Room) -> dict[str, list[int]]:
    """Return the waveforms that the list asked for, once; it keeps them."""
    clips = (room.dataset.find_clip(clip_id) for clip_id in st.session_state.pop("looks wanted", []))
    return {clip.clip_id: media.peaks(room.dataset, clip, media.FEW) for clip in clips if clip}


def _then_rerun(move: Callable[[str], None]) -> Callable[[Any], None]:
    def handle(clip_id: Any) -> None:
        move(str(clip_id))
        st.session_state["moved"] = True

    return handle


def _rerun_if_moved() -> None:
    if st.session_state.pop("moved", False):
        st.rerun()


def _gone() -> dict[str, int]:
    gone: dict[str, int] = st.session_state.setdefault("gone", {})
    return gone


def _remember_gone(event: Any) -> None:
    gone = _gone()
    gone[str(event["id"])[:120]] = int(event["code"])
    while len(gone) > MOST_GONE:
        del gone[next(iter(gone))]


def _remember_view(view: Any) -> None:
    if view in state.VIEWS:
        state.write_link(view=view if view != state.DEFAULTS.view else None)
