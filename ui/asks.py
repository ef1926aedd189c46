"""What the components ask Python for: a sound, waveforms, another query. Shared by every page that plays clips.

`key` names a component. What it asks for is remembered until its fragment runs again, and answered once.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import media, state
from ui.loading import PageContext

MOST_GONE = 500  # dead videos remembered in a session
MOST_LOOKS = 40  # waveforms sent at a time: found, exact and missed together are fewer


def on(key: str, event: str, handle: Callable[[Any], None]) -> Callable[[], None]:
    """Return a callback that hands the value of a component's event to `handle`."""

    def callback() -> None:
        value = st.session_state[key].get(event)
        if value is not None:
            handle(value)

    return callback


def want(key: str, what: str = "wants") -> Callable[[Any], None]:
    """Return what remembers the clip whose sound, or `what` else, this component asked for."""

    def handle(clip_id: Any) -> None:
        st.session_state[f"{key} {what}"] = str(clip_id)

    return handle


def wanted_sound(context: PageContext, key: str) -> dict[str, str] | None:
    """Return the sound that a play button asked for, once."""
    wanted = st.session_state.pop(f"{key} wants", None)
    clip = context.dataset.find_clip(wanted) if wanted else None
    if clip is None:
        return None
    sound = media.sound(context.dataset, clip)
    return {"id": clip.clip_id, **({"mime": sound.mime, "base64": sound.base64} if sound else {})}


def want_looks(key: str) -> Callable[[Any], None]:
    """Return what remembers which waveforms this component's list asked for."""

    def handle(clip_ids: Any) -> None:
        st.session_state[f"{key} looks"] = [str(clip_id) for clip_id in clip_ids][:MOST_LOOKS]

    return handle


def wanted_looks(context: PageContext, key: str) -> dict[str, list[int]]:
    """Return the waveforms that the list asked for, once; it keeps them."""
    clips = (context.dataset.find_clip(clip_id) for clip_id in st.session_state.pop(f"{key} looks", []))
    return {clip.clip_id: media.peaks(context.dataset, clip, media.FEW) for clip in clips if clip}


def then_rerun(move: Callable[[str], None]) -> Callable[[Any], None]:
    """Return what makes a move to another clip and has the whole page drawn again."""

    def handle(clip_id: Any) -> None:
        move(str(clip_id))
        st.session_state["moved"] = True

    return handle


def rerun_if_moved() -> None:
    """Leave the fragment for the whole page when the query has changed."""
    if st.session_state.pop("moved", False):
        st.rerun()


def of_cards(key: str, use: Callable[[str], None]) -> dict[str, Any]:
    """Return the callbacks of any component that has cards; `use` makes another clip the query."""
    return {
        "on_sound_change": on(key, "sound", want(key)),
        "on_look_change": on(key, "look", want_looks(key)),
        "on_use_change": on(key, "use", then_rerun(use)),
        "on_gone_change": on(key, "gone", remember_gone),
    }


def gone() -> dict[str, int]:
    """Return the dead videos met in this session, with YouTube's code for each."""
    known: dict[str, int] = st.session_state.setdefault("gone", {})
    return known


def remember_gone(event: Any) -> None:
    """Remember a dead video; the oldest is forgotten first."""
    known = gone()
    known[str(event["id"])[:120]] = int(event["code"])
    while len(known) > MOST_GONE:
        del known[next(iter(known))]


def remember_view(view: Any) -> None:
    """Keep in the link which of the lists is open."""
    if view in state.VIEWS:
        state.write_link(view=view if view != state.DEFAULTS.view else None)
