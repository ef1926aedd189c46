"""The current clip and the trail of clips that led to it, stored in the URL, so that links and the Back button work.

Every event of the browser brings the URL of its own time, which is old where the event is late. So the parameters that
no widget holds are taken from the URL at a first visit, at another page and after Back only; else from the session.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

from data_prep.dataset import Clip, Dataset
from ui.model import session, state
from ui.model.answer import first_clip
from ui.model.loading import DatasetContext, splits_to_start_in
from ui.model.state import K_NEIGHBOURS

_CARRIED = ("dataset", "clip", "trail", "view", "lens", "hide", "find", "only", "show")
_SETTINGS = {key.name: key for key in (*session.SETTINGS, session.TAUGHT) if key.name not in _CARRIED}
_UNPLAYABLE = "unplayable"  # the value of `hide`
_MAX_DRAWS = 1000  # of clips at random, of which the first that can be played is taken


def current_clip(context: DatasetContext) -> tuple[Clip | None, str | None]:
    """Return the clip that the URL names, or the dataset's first clip and the unknown id that the URL has.

    The clip is None where the dataset has none.
    """
    named = context.settings.clip
    clip = context.dataset.find_clip(named) if named is not None else None
    return (clip, None) if clip else (first_clip(context.dataset), named)


def link() -> dict[str, str]:
    """Return the parameters of the URL, those that belong to no widget as the session has them."""
    here = st.query_params.to_dict()
    kept = session.CARRIED.get()
    if kept is None:
        return here
    held = {name: value for name, value in here.items() if not _is_carried(name)}
    return {**held, **_only_carried(kept)}


def carried() -> dict[str, str]:
    """Return the URL parameters that belong to no widget of this page; a link to another page needs them too."""
    kept = session.CARRIED.get()
    return _only_carried(st.query_params.to_dict() if kept is None else kept)


def write_link(**values: str | None) -> None:
    """Write values that no widget holds into the URL, as one step of its history; None empties one."""
    before = carried()
    wanted = {name: value or "" for name, value in {**before, **values}.items()}
    kept = _only_carried(wanted)
    session.CARRIED.set(kept)
    # What differs from an old URL may not be all that differs from the URL of a message on its way to the browser.
    different = {name: value for name, value in wanted.items() if value != st.query_params.get(name, "")}
    if different or kept != before:
        _write(different)


def carry_link(page: str, *, by_back: bool) -> bool:
    """Take the parameters that belong to no widget along to another page: Streamlit only takes the values of widgets.

    by_back: the browser went back or forward in its history. Returns whether the page is another one than before.
    """
    before, here = session.PAGE.get(), _only_carried(st.query_params.to_dict())
    known = _only_carried(session.CARRIED.get() or {})
    kept = here if before is None or by_back else known if page == before else {**known, **here}
    session.PAGE.set(page)
    if before != page:
        session.WORK.pop()
    session.CARRIED.set(kept)
    if by_back:
        _write({})  # again: the URL of a run before may have reached the browser after its step back
    else:
        restore_link()
    return before not in {None, page}


def restore_link() -> None:
    """Write into the URL what it lacks of the session's parameters: a message with them may have been lost.

    Streamlit drops messages of a run that another one replaces. Where the URL of an event is only old, the browser has
    these values already, and the message changes nothing.
    """
    here, kept = st.query_params.to_dict(), carried()
    missing = {name: value for name, value in kept.items() if here.get(name, "") != value}
    missing |= {name: "" for name in _CARRIED if here.get(name) and name not in kept}
    if missing:
        _write(missing)


def follow(to: str, origin: str, listed: str = "") -> None:
    """Make a neighbour the query; the clip before, `origin`, joins the trail.

    listed: what stays listed below the search box, as of `found`.
    """
    if to not in {origin, link().get("clip")}:  # a second press of the same button changes nothing
        _go(to, (*_trail(), origin), listed)


def go_back(to: str) -> None:
    """Return to a clip of the trail; the clips after it are dropped from the trail."""
    trail = _trail()
    _go(to, trail[: trail.index(to)] if to in trail else trail)


def start_at(to: str) -> None:
    """Make a clip the query, with an empty trail."""
    _go(to, ())


def random_clip(dataset: Dataset) -> Clip | None:
    """Return a clip at random, one that can be played if possible; None where there is none."""
    split = next((split for split in splits_to_start_in(dataset) if dataset.n_rows(split)), None)
    return random_of(dataset.n_rows(split), partial(dataset.clip, split)) if split else None


def random_of(total: int, clip_at: Callable[[int], Clip]) -> Clip:
    """Return one of `total` clips at random, at least one; `clip_at` returns the clip of a number from 0.

    Clips that the visitor hides, and videos that YouTube has refused to play, are passed over, unless nothing else is
    drawn.
    """
    unplayable, of_dataset = session.UNPLAYABLE.get(), hidden(link().get("dataset"))
    clips = (clip_at(i) for i in random.sample(range(total), min(total, _MAX_DRAWS)))
    first = next(clips)
    return next(
        (clip for clip in chain([first], clips) if clip.media not in unplayable and clip.clip_id not in of_dataset),
        first,
    )


def found() -> str:
    """Return what was chosen in the search box and is listed (see `clip_search`), "" where nothing is."""
    return link().get("find", "")


def list_found(choice: str) -> None:
    """Write into the URL what is listed below the search box; "" closes the list."""
    write_link(find=choice or None)


def filter_by(only: str) -> None:
    """Write into the URL which clips a search may return (see `ui.filters.link`); "" for all."""
    write_link(only=only or None)


def show_neighbours(k: int) -> None:
    """Write into the URL how many neighbours are searched for."""
    write_link(show=str(k) if k != K_NEIGHBOURS else None)


def hidden(dataset: str | None) -> frozenset[str]:
    """Return the ids of the clips of a dataset that the visitor hides, as far as the browser has told them.

    dataset: its name, None for the one whose clips were told.
    """
    of, ids = session.HIDDEN.get()
    return ids if dataset in {None, of} else frozenset()


def hides_unplayable() -> bool:
    """Return whether the URL says to hide clips whose videos cannot be played."""
    return link().get("hide") == _UNPLAYABLE


def hide_unplayable(*, hide: bool) -> None:
    """Write into the URL whether to hide clips whose videos cannot be played."""
    write_link(hide=_UNPLAYABLE if hide else None)


def _trail() -> tuple[str, ...]:
    return state.parse(link(), []).trail


def _is_carried(name: str) -> bool:
    """Return whether a parameter belongs to no widget, or to one of a setting that is not drawn."""
    return name in _CARRIED or (name in _SETTINGS and not _SETTINGS[name].is_set)


def _only_carried(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name] for name in (*_CARRIED, *_SETTINGS) if values.get(name) and _is_carried(name)}


def _write(values: Mapping[str, str]) -> None:
    """Send the URL with these values; where the browser has it already, that is no step of its history."""
    try:
        st.query_params.update(values)
    except RerunException:  # another run is waiting: Streamlit starts it in place of sending the URL
        st.query_params.update(values)
        raise


def _go(to: str, trail: tuple[str, ...], listed: str = "") -> None:
    write_link(clip=to, trail=state.join_trail(trail) or None, find=listed or None)
