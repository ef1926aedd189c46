"""Orders of lists of clips: by length, and by any column of numbers or dates, such as loudness; with their widget."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import SPLITS, Clip, Dataset, conditions
from ui.filters import link, masks
from ui.format import number
from ui.model import session
from ui.model.clip_search import Hits
from ui.model.text import clean

UNSORTED = "best match first"
_MAX_HITS = 300_000  # clips of a list that are sorted
_WAYS = {"low to high": False, "high to low": True}


class Order(NamedTuple):
    """An order of clips: by a kind of the form "number" or "date", low to high or the other way round."""

    kind: str
    is_falling: bool


def orders_of(dataset: Dataset) -> dict[str, Order]:
    """Return the orders of a collection by what they are called: two for each kind that tells its clips apart."""
    kinds = [kind for kind, form in conditions.forms_of(dataset).items() if form in {"number", "date"}]
    kinds = [kind for kind in kinds if len(set(masks.limits(dataset, kind))) > 1]
    return {f"{link.name_of(kind)}, {way}": Order(kind, falling) for kind in kinds for way, falling in _WAYS.items()}


def choose(dataset: Dataset, hits: Hits) -> Order | None:
    """Draw the choice of an order for a list, where there is one; return it, None for that of the list itself."""
    if not 1 < hits.total <= _MAX_HITS or not (orders := orders_of(dataset)):
        return None
    if session.SORTED.get() not in {None, UNSORTED, *orders}:  # of another collection
        session.SORTED.set(UNSORTED)
    chosen = st.selectbox(
        "Sort by",
        [UNSORTED, *orders],
        key=session.SORTED.name,
        bind="query-params",
        format_func=lambda name: clean(name, 60),
        label_visibility="collapsed",
        width=280,
    )
    return orders.get(chosen)


def sort(dataset: Dataset, hits: Hits, choice: str, order: Order) -> Callable[[int], Clip]:
    """Return what gives the i-th of the hits of a choice in an order; those without a value are last."""
    splits, rows = _sorted((dataset.fingerprint, choice, order), dataset, hits, order)
    return lambda i: dataset.clip(SPLITS[int(splits[i])], int(rows[i]))


def words(dataset: Dataset, clip: Clip, order: Order | None) -> str:
    """Return what a clip is sorted by, such as "pitch (Hz): 440"; "" for its length, which is said anyway."""
    if order is None or order.kind == "length":
        return ""
    value: Any = dataset.clips(clip.split)[order.kind][clip.row].as_py()
    said = "none" if value is None else number(value, 4) if isinstance(value, float) else str(value)
    return f"{link.name_of(order.kind)}: {said}"


@st.cache_resource(max_entries=8, show_spinner=False)
def _sorted(
    key: tuple[object, ...],  # noqa: ARG001
    _dataset: Dataset,
    _hits: Hits,
    _order: Order,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return the numbers of the splits and the rows of hits, in an order: uint8[n], int32[n]."""
    splits, rows, values = [], [], []
    for split, _, marks in _hits.groups:
        found = np.flatnonzero(np.unpackbits(marks, count=_dataset.n_rows(split)))
        splits.append(np.full(len(found), SPLITS.index(split), np.uint8))
        rows.append(found.astype(np.int32))
        values.append(conditions.numbers_of(_dataset, split, _order.kind)[found])
    every = np.concatenate(values)
    ordered = np.argsort(-every if _order.is_falling else every, kind="stable")  # NaN last in both
    return np.concatenate(splits)[ordered], np.concatenate(rows)[ordered]
