"""Events of the JavaScript components: a new query, videos that cannot be played, and those of single components.

Sounds, waveforms and files are no events: the browser loads them by URL (see `ui.server.clip_routes`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from ui.model import loading, media, session, visits
from ui.model.loading import DatasetContext

MAX_HIDDEN = 2000  # clips that a visitor hides, as many as a browser keeps (shelf.js)
MAX_UNPLAYABLE = 500  # videos that cannot be played, as many as a browser remembers (video.js)

Handler = Callable[[Any], None]


def draw(
    component: Callable[..., object],
    key: str,
    context: DatasetContext,
    data: Mapping[str, object],
    moves: Mapping[str, Callable[[str], None]] | None = None,
    presses: Mapping[str, Handler] | None = None,
    **handlers: Handler,
) -> None:
    """Draw a component under `key`, with `data` and the collection whose clips it may load by URL.

    Outside a fragment, each of its events draws the whole page, as moves do; a fragment takes time of every run.

    moves: by name of the event, functions that make the clip of an id the query; the whole page is drawn again.
    presses: by name of the event, functions of what was pressed.
    handlers: by name of the event, functions of the event's value.

    Moves and presses are sent again until they are answered (`press` in base.js), so they may come twice, late, or
    after a later one of their kind; those are ignored. All moves are of one kind.
    """
    presses = {**(presses or {}), "unplayable": _store_unplayable, "hidden": _store_hidden}
    handlers |= {
        **{name: _once("move", _then_rerun(move)) for name, move in (moves or {}).items()},
        **{name: _once(name, press) for name, press in presses.items()},
    }
    callbacks = {f"on_{name}_change": on(key, name, handler) for name, handler in handlers.items()}
    about = {
        "collection": loading.name_in_urls(context.dataset),
        "dataset": context.settings.dataset,
        "answered": session.ANSWERED.get(),
        "knows_hidden": bool(visits.hidden(context.settings.dataset)),
    }
    visits.restore_link()
    component(key=key, data={**about, **data}, **callbacks)
    if session.MOVED.pop():
        session.rerun()


def on(key: str, event: str, handler: Handler) -> Callable[[], None]:
    """Return a callback that passes the value of a component's event to `handler`."""

    def callback() -> None:
        value = session.event(key, event)
        if value is not None:
            handler(value)

    return callback


def _once(kind: str, handler: Handler) -> Handler:
    """Return a handler that ignores every press of a kind but the first of those that are later than all before."""

    def handle(event: Any) -> None:
        answered, number = session.ANSWERED.get(), int(event["press"])
        if number > answered.get(kind, 0):
            session.ANSWERED.set({**answered, kind: number})
            handler(event["value"])

    return handle


def _then_rerun(move: Callable[[str], None]) -> Handler:
    def handler(clip_id: Any) -> None:
        move(str(clip_id))
        session.MOVED.set(True)

    return handler


def _store_unplayable(videos: Any) -> None:
    """Store the ids of the videos that the browser remembers as unplayable; anything else is left out."""
    if isinstance(videos, list):
        session.UNPLAYABLE.set(frozenset(filter(media.is_video_id, videos[:MAX_UNPLAYABLE])))


def _store_hidden(value: Any) -> None:
    """Store the ids of the clips of a collection that the visitor hides; anything else is left out."""
    if isinstance(value, dict) and isinstance(value.get("ids"), list) and isinstance(value.get("dataset"), str):
        ids = [clip_id for clip_id in value["ids"][:MAX_HIDDEN] if isinstance(clip_id, str) and len(clip_id) <= 200]
        hidden = value["dataset"], frozenset(ids)
        if hidden != session.HIDDEN.get():
            session.HIDDEN.set(hidden)
            session.MOVED.set(True)  # lists are drawn anew, with others in place of the hidden
