"""Masks of filters: which rows of a collection its conditions allow, computed once for all visitors."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Dataset, conditions
from lsh.filters import Filter
from ui.filters import link
from ui.filters.link import Parsed

_FACTS = 64  # kinds whose values are kept
MAX_CHOICES = 200  # values of a column that are listed


def parsed(dataset: Dataset, text: str) -> Parsed:
    """Return the conditions of a text of the URL, and what is wrong with it."""
    return _parsed(fingerprint=dataset.fingerprint, text=text, _dataset=dataset) if text else Parsed((), ())


def allowed(dataset: Dataset, text: str, split: str = "train") -> Filter | None:
    """Return the rows of a split that a filter of the URL allows; None for all, where the text has no condition."""
    return _allowed(fingerprint=dataset.fingerprint, text=text, split=split, _dataset=dataset) if text else None


def n_allowed(dataset: Dataset, text: str) -> int:
    """Return how many clips can be found under a filter of the URL."""
    only = allowed(dataset, text)
    return dataset.n_rows("train") if only is None else only.n_allowed


def choices(dataset: Dataset, kind: str) -> tuple[list[tuple[str, int]], int]:
    """Return the values of a kind with their numbers of clips, `MAX_CHOICES` at most, and how many there are in all."""
    return _choices(fingerprint=dataset.fingerprint, kind=kind, _dataset=dataset)


def limits(dataset: Dataset, kind: str) -> tuple[conditions.Bound, conditions.Bound]:
    """Return the least and the greatest value of a kind; None where no clip has one."""
    return _limits(fingerprint=dataset.fingerprint, kind=kind, _dataset=dataset)


@st.cache_resource(max_entries=64, show_spinner=False)
def _parsed(fingerprint: str, text: str, _dataset: Dataset) -> Parsed:  # noqa: ARG001  (the key)
    return link.parse(text, _dataset)


@st.cache_resource(max_entries=8, show_spinner=False)  # of two million clips, each is 2 to 18 MB
def _allowed(fingerprint: str, text: str, split: str, _dataset: Dataset) -> Filter | None:  # noqa: ARG001  (the key)
    found = parsed(_dataset, text).conditions
    return Filter(conditions.rows_meeting(_dataset, split, found)) if found else None


@st.cache_resource(max_entries=_FACTS, show_spinner=False)
def _choices(fingerprint: str, kind: str, _dataset: Dataset) -> tuple[list[tuple[str, int]], int]:  # noqa: ARG001
    return conditions.choices(_dataset, kind, MAX_CHOICES)


@st.cache_resource(max_entries=_FACTS, show_spinner=False)
def _limits(fingerprint: str, kind: str, _dataset: Dataset) -> tuple[conditions.Bound, conditions.Bound]:  # noqa: ARG001
    return conditions.limits(_dataset, kind)


def rows_of(dataset: Dataset, clip_ids: frozenset[str]) -> npt.NDArray[np.int64]:
    """Return the rows of the train split that have one of these ids: int64[m]."""
    if not clip_ids:
        return np.empty(0, np.int64)
    return _rows_of(fingerprint=dataset.fingerprint, clip_ids="\n".join(sorted(clip_ids)), _dataset=dataset)


@st.cache_resource(max_entries=32, show_spinner=False)
def _rows_of(fingerprint: str, clip_ids: str, _dataset: Dataset) -> npt.NDArray[np.int64]:  # noqa: ARG001  (the key)
    clips = [_dataset.find_clip(clip_id) for clip_id in clip_ids.split("\n")]
    return np.array([clip.row for clip in clips if clip is not None and clip.split == "train"], np.int64)
