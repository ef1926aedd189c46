"""The current clip and the trail of clips that led to it, stored in the URL, so that links and the Back button work."""

import random

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.model import session, state
from ui.model.answer import first_clip
from ui.model.loading import DatasetContext, splits_to_start_in

_CARRIED = ("dataset", "clip", "trail", "view", "lens")


def current_clip(context: DatasetContext) -> tuple[Clip | None, str | None]:
    """Return the clip that the URL names, or the dataset's first clip and the unknown id that the URL has.

    The clip is None where the dataset has none.
    """
    named = context.settings.clip
    clip = context.dataset.find_clip(named) if named is not None else None
    return (clip, None) if clip else (first_clip(context.dataset), named)


def write_link(**values: str | None) -> None:
    """Write values that no widget holds into the URL, as one step of its history; None empties one."""
    present = st.query_params.to_dict()
    st.query_params.update({name: value or "" for name, value in values.items() if value or present.get(name)})
    session.CARRIED.set(carried())


def carry_link(page: str) -> None:
    """Take dataset, clip, trail, view and lens along to another page: Streamlit only takes the values of widgets."""
    if session.PAGE.get() not in {None, page}:
        link = session.CARRIED.get()
        st.query_params.update({name: value for name, value in link.items() if name not in st.query_params})
    session.PAGE.set(page)
    session.CARRIED.set(carried())


def carried() -> dict[str, str]:
    """Return the URL parameters that belong to no widget of this page; a link to another page needs them too."""
    names = (*_CARRIED, *(key.name for key in session.SETTINGS if not key.is_set))
    return {name: st.query_params[name] for name in names if name in st.query_params}


def follow(to: str, origin: str) -> None:
    """Make a neighbour the query; the clip before, `origin`, joins the trail."""
    if to not in {origin, st.query_params.get("clip")}:  # a second press of the same button changes nothing
        _go(to, (*_trail(), origin))


def go_back(to: str) -> None:
    """Return to a clip of the trail; the clips after it are dropped from the trail."""
    trail = _trail()
    _go(to, trail[: trail.index(to)] if to in trail else trail)


def start_at(to: str) -> None:
    """Make a clip the query, with an empty trail."""
    _go(to, ())


def random_clip(dataset: Dataset) -> Clip | None:
    """Return a clip at random; None where there is none."""
    split = next((split for split in splits_to_start_in(dataset) if dataset.n_rows(split)), None)
    return dataset.clip(split, random.randrange(dataset.n_rows(split))) if split else None  # noqa: S311  (a surprise)


def _trail() -> tuple[str, ...]:
    return state.parse(st.query_params.to_dict(), []).trail


def _go(to: str, trail: tuple[str, ...]) -> None:
    write_link(clip=to, trail=state.join_trail(trail) or None)
