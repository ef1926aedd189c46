"""Which clip is being heard, and the way that led to it: both live in the address bar, so a link and Back just work."""

import random

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui import state
from ui.answer import first_clip
from ui.loading import PageContext, splits_to_begin_with


def here(context: PageContext) -> tuple[Clip | None, str | None]:
    """Return the clip that the address names, or the first one and the unknown id that was asked for.

    There is no clip where the collection has none.
    """
    first, named = first_clip(context.dataset), context.settings.clip
    if first is None or named is None:
        return first, None
    clip = context.dataset.find_clip(named)
    return (clip, None) if clip else (first, named)


def hop(to: str, origin: str) -> None:
    """Make another clip the query; the one before joins the trail."""
    if to != origin:
        _go(to, (*_trail(), origin))


def back(to: str) -> None:
    """Return to a clip of the trail; what came after it is forgotten."""
    trail = _trail()
    _go(to, trail[: trail.index(to)] if to in trail else trail)


def start(to: str) -> None:
    """Begin anew at a clip that no neighbour led to."""
    _go(to, ())


def any_clip(dataset: Dataset, label: int | None = None) -> Clip | None:
    """Draw a clip at random to begin with; with a label, one that carries it."""
    for split in splits_to_begin_with(dataset):
        n = dataset.n_rows(split)
        rows = dataset.rows_with_label(split, label) if label is not None else range(n)
        if len(rows):
            return dataset.clip(split, int(random.choice(rows)))  # noqa: S311  (a surprise, not a secret)
    return None


def _trail() -> tuple[str, ...]:
    return state.parse(st.query_params.to_dict(), []).trail


def _go(to: str, trail: tuple[str, ...]) -> None:
    state.write_link(clip=to, trail=state.join_trail(trail) or None)
