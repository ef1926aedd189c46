"""Events of the JavaScript components: requests for sounds and waveforms, a new query, videos that cannot be played.

A callback stores a request in the session; the next run of the component's fragment answers it, once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.model import media, session
from ui.model.loading import PageContext

MAX_UNPLAYABLE = 500  # videos that cannot be played, stored per session
MAX_WAVEFORMS = 40  # waveforms sent at a time; found, exact and missed clips together are fewer

Handler = Callable[[Any], None]


def draw(
    component: Callable[..., object],
    key: str,
    context: PageContext,
    data: Mapping[str, object],
    moves: Mapping[str, Callable[[str], None]] | None = None,
    **handlers: Handler,
) -> None:
    """Draw a component under `key` within a fragment, with `data` and the sound and waveforms that it requested.

    moves: by name of the event, functions that make the clip of an id the query; the whole page is drawn again.
    handlers: by name of the event, functions of the event's value.
    """
    answers = {
        "collection": context.dataset.fingerprint[:16],
        "sound": _requested_sound(context, key),
        "waveforms": _requested_waveforms(context, key),
    }
    handlers |= {
        "sound": lambda clip_id: session.sound_request(key).set(str(clip_id)),
        "waveforms": lambda ids: session.waveform_request(key).set([str(clip_id) for clip_id in ids][:MAX_WAVEFORMS]),
        "unplayable": _store_unplayable,
        **{name: _then_rerun(move) for name, move in (moves or {}).items()},
    }
    callbacks = {f"on_{name}_change": on(key, name, handler) for name, handler in handlers.items()}
    component(key=key, data={**answers, **data}, **callbacks)
    if session.MOVED.pop():
        st.rerun()


def on(key: str, event: str, handler: Handler) -> Callable[[], None]:
    """Return a callback that passes the value of a component's event to `handler`."""

    def callback() -> None:
        value = session.event(key, event)
        if value is not None:
            handler(value)

    return callback


def _then_rerun(move: Callable[[str], None]) -> Handler:
    def handler(clip_id: Any) -> None:
        move(str(clip_id))
        session.MOVED.set(True)

    return handler


def _requested_sound(context: PageContext, key: str) -> dict[str, str] | None:
    """Return the sound that was requested; without data if it cannot be read."""
    requested = session.sound_request(key).pop()
    clip = context.dataset.find_clip(requested) if requested else None
    if clip is None:
        return None
    sound = media.sound(context.dataset, clip)
    return {"id": clip.clip_id, **(sound._asdict() if sound else {})}


def _requested_waveforms(context: PageContext, key: str) -> dict[str, list[int]]:
    """Return the requested waveforms by clip id; the browser stores them."""
    clips = (context.dataset.find_clip(clip_id) for clip_id in session.waveform_request(key).pop())
    return {clip.clip_id: media.peaks(context.dataset, clip, media.CARD_BARS) for clip in clips if clip}


def _store_unplayable(event: Any) -> None:
    """Store the id of a video that cannot be played, and YouTube's code; the oldest is dropped first."""
    known = {**session.UNPLAYABLE.get(), str(event["id"])[:120]: int(event["code"])}
    session.UNPLAYABLE.set(dict(list(known.items())[-MAX_UNPLAYABLE:]))
