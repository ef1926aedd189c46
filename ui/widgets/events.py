"""Events of the JavaScript components: requests for a sound or waveforms, another clip as the query, and so on.

`key` names a component. A callback stores the request in the session; the component's fragment then answers it once.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.model import media, session, state, visits
from ui.model.loading import PageContext

MAX_UNPLAYABLE = 500  # videos that cannot be played, stored per session
MAX_WAVEFORMS = 40  # waveforms sent at a time; found, exact and missed clips together are fewer


def on(key: str, event: str, handle: Callable[[Any], None]) -> Callable[[], None]:
    """Return a callback that passes the value of a component's event to `handle`."""

    def callback() -> None:
        value = session.event(key, event)
        if value is not None:
            handle(value)

    return callback


def store_clip(key: session.Key[str | None]) -> Callable[[Any], None]:
    """Return a handler that stores the clip id of an event under a key of the session."""

    def handle(clip_id: Any) -> None:
        key.set(str(clip_id))

    return handle


def requested_sound(context: PageContext, key: str) -> dict[str, str] | None:
    """Return the sound requested by a play button, and forget the request; without data where it cannot be read."""
    wanted = session.sound_asked(key).pop()
    clip = context.dataset.find_clip(wanted) if wanted else None
    if clip is None:
        return None
    sound = media.sound(context.dataset, clip)
    return {"id": clip.clip_id, **({"mime": sound.mime, "base64": sound.base64} if sound else {})}


def request_waveforms(key: str) -> Callable[[Any], None]:
    """Return a handler that stores the clip ids whose waveforms a component requested."""

    def handle(clip_ids: Any) -> None:
        session.waveforms_asked(key).set([str(clip_id) for clip_id in clip_ids][:MAX_WAVEFORMS])

    return handle


def requested_waveforms(context: PageContext, key: str) -> dict[str, list[int]]:
    """Return the requested waveforms by clip id, and forget the request; the browser stores them."""
    clips = (context.dataset.find_clip(clip_id) for clip_id in session.waveforms_asked(key).pop())
    return {clip.clip_id: media.peaks(context.dataset, clip, media.CARD_BARS) for clip in clips if clip}


def and_rerun(move: Callable[[str], None]) -> Callable[[Any], None]:
    """Return a handler that changes the query by `move` and has the whole page drawn again."""

    def handle(clip_id: Any) -> None:
        move(str(clip_id))
        session.MOVED.set(True)

    return handle


def rerun_if_moved() -> None:
    """Draw the whole page again, instead of the fragment alone, when the query has changed."""
    if session.MOVED.pop():
        st.rerun()


def card_events(key: str, use: Callable[[str], None]) -> dict[str, Any]:
    """Return the callbacks of a component with cards; `use` makes the clip of an id the query."""
    return {
        "on_sound_change": on(key, "sound", store_clip(session.sound_asked(key))),
        "on_look_change": on(key, "look", request_waveforms(key)),
        "on_use_change": on(key, "use", and_rerun(use)),
        "on_gone_change": on(key, "gone", store_unplayable),
    }


def store_unplayable(event: Any) -> None:
    """Store the id of a video that cannot be played, and YouTube's code; the oldest is dropped first."""
    known = {**session.GONE.get(), str(event["id"])[:120]: int(event["code"])}
    session.GONE.set(dict(list(known.items())[-MAX_UNPLAYABLE:]))


def store_view(view: Any) -> None:
    """Write into the URL which of the three lists is open."""
    if view in state.VIEWS:
        visits.write_link(view=view if view != state.DEFAULTS.view else None)
