"""Teach: the marks of a label, what is learned from them, and which clips are judged next. Cached for all visitors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from lsh.arrays import Float32Array
from lsh.feedback import (
    Background,
    Classifier,
    Order,
    Precision,
    RocchioQuery,
    background_of,
    next_to_judge,
    precision_of_marks,
    scores_of,
    teach,
)
from ui.model import session, visits
from ui.model.loading import DatasetContext
from ui.model.text import clean

MAX_NAME = 60  # characters of a label's name, as many as the browser keeps (shelf.js)
MAX_MARKS = 2000  # clips of a label, as many as a browser keeps
N_LISTED = 10
_ONE_KIND = 10  # marks of one kind alone, after which some clips are drawn by chance


@dataclass(frozen=True)
class Lesson:
    """A label, the clips that are marked for it, and the query: your sound, with which the search began."""

    context: DatasetContext
    query: Clip
    name: str
    yes: tuple[Clip, ...]
    no: tuple[Clip, ...]

    @property
    def marked(self) -> tuple[Clip, ...]:
        """Return the marked clips, those marked yes first."""
        return (*self.yes, *self.no)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Return what decides the scorer, as a key of caches."""
        ids = [tuple(clip.clip_id for clip in some) for some in (self.yes, self.no)]
        return self.context.dataset.fingerprint, self.context.settings.metric, self.query.clip_id, *ids

    @cached_property
    def scorer(self) -> RocchioQuery | Classifier:
        """Return what the marks teach: Rocchio's query at first, then a classifier."""
        return _scorer(key=self.key, _lesson=self)

    @property
    def is_classifier(self) -> bool:
        """Return whether there are enough marks for a classifier."""
        return isinstance(self.scorer, Classifier)

    def scores(self, split: str) -> Float32Array:
        """Return the score of every clip of a split: float32[n]."""
        return _scores(key=(*self.key, split), _lesson=self, split=split)

    def precision(self) -> Precision | None:
        """Return the cross-validated precision over the marks, None where they are too few."""
        return _precision(key=self.key, _lesson=self)

    @property
    def seeks_other_kind(self) -> bool:
        """Return whether all of several marks are of one kind, so that half of what is listed is drawn by chance."""
        return len(self.marked) >= _ONE_KIND and not (self.yes and self.no)

    def next_clips(self, order: Order) -> list[Clip]:
        """Return the clips of the collection to be judged next, without those that are marked or hidden."""
        dataset, settings = self.context.dataset, self.context.settings
        hidden = [dataset.find_clip(clip_id) for clip_id in visits.hidden(settings.dataset)]
        out = [clip.row for clip in (*self.marked, self.query, *filter(None, hidden)) if clip.split == "train"]
        rows = next_to_judge(self.scores("train"), np.array(out, np.int64), N_LISTED, order).tolist()
        if self.seeks_other_kind:
            rows = rows[: N_LISTED // 2]
            others = (row for row in range(dataset.n_rows("train")) if row not in {*out, *rows})  # in random order
            rows += islice(others, N_LISTED - len(rows))
        return [dataset.clip("train", row) for row in rows]


def name_of(typed: str) -> str:
    """Return the name of a label as it is kept: without invisible characters, and cut."""
    return clean(typed, MAX_NAME).strip()


def lesson_of(context: DatasetContext, query: Clip, name: str) -> Lesson:
    """Return the marks of a label, as far as the browser has told them."""
    dataset = context.dataset
    of, label, *marks = session.MARKS.get()
    if (of, label) != (context.settings.dataset, name):
        return Lesson(context, query, name, (), ())
    yes, no = (tuple(filter(None, map(dataset.find_clip, sorted(ids)))) for ids in marks)
    return Lesson(context, query, name, yes, no)


def store(value: Any) -> None:
    """Store the marks of a label that the browser has told; anything else is left out.

    Marks of clips that are not listed, from an earlier visit or another tab, change what is listed.
    """
    if not isinstance(value, dict) or not all(isinstance(value.get(part), str) for part in ("dataset", "name")):
        return
    yes, no = (_ids(value.get(mark)) for mark in ("yes", "no"))
    of, name, *before = session.MARKS.get()
    known = {*before[0], *before[1]} if (of, name) == (value["dataset"], value["name"]) else set()
    if (known ^ {*yes, *no}) - set(session.TEACH_LISTED.get()[1]):
        list_anew()
    session.MARKS.set((value["dataset"], value["name"], yes, no))


def list_anew() -> None:
    """Forget which clips are listed: the next run lists those that the marks of its time ask for."""
    session.TEACH_LISTED.pop()


def listed(lesson: Lesson, order: Order) -> tuple[list[Clip], bool]:
    """Return the clips listed, and whether marks were made since; a mark alone does not change the list."""
    settings = lesson.context.settings
    key = settings.dataset, settings.metric, lesson.query.clip_id, lesson.name, order
    of, ids = session.TEACH_LISTED.get()
    clips = list(filter(None, map(lesson.context.dataset.find_clip, ids)))
    if of != key or not clips:
        clips = lesson.next_clips(order)
        session.TEACH_LISTED.set((key, tuple(clip.clip_id for clip in clips)))
    marked = {clip.clip_id for clip in lesson.marked}
    return clips, any(clip.clip_id in marked for clip in clips)


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(clip_id for clip_id in value[:MAX_MARKS] if isinstance(clip_id, str) and len(clip_id) <= 200)


def _vectors(dataset: Dataset, clips: Sequence[Clip]) -> Float32Array:
    rows: list[npt.NDArray[Any]] = [dataset.features(clip.split)[clip.row] for clip in clips]
    return np.array(rows, np.float32).reshape(-1, dataset.dim)


@st.cache_resource(max_entries=4, show_spinner=False)
def _background(key: tuple[object, ...], _dataset: Dataset, _metric: str) -> Background:  # noqa: ARG001
    return background_of(_dataset.features("train"), _metric)


def _background_of(lesson: Lesson) -> Background:
    dataset, metric = lesson.context.dataset, lesson.context.settings.metric
    return _background(key=(dataset.fingerprint, metric), _dataset=dataset, _metric=metric)


@st.cache_resource(max_entries=32, show_spinner=False)
def _scorer(key: tuple[object, ...], _lesson: Lesson) -> RocchioQuery | Classifier:  # noqa: ARG001
    dataset = _lesson.context.dataset
    is_no = _lesson.query.clip_id in {clip.clip_id for clip in _lesson.no} and _lesson.yes
    query = None if is_no else _vectors(dataset, [_lesson.query])[0]
    yes, no = (_vectors(dataset, clips) for clips in (_lesson.yes, _lesson.no))
    return teach(_background_of(_lesson), query, yes, no)


@st.cache_resource(max_entries=6, show_spinner="Scoring every clip…")
def _scores(key: tuple[object, ...], _lesson: Lesson, split: str) -> Float32Array:  # noqa: ARG001
    return scores_of(_lesson.scorer, _lesson.context.dataset.features(split))


@st.cache_resource(max_entries=32, show_spinner=False)
def _precision(key: tuple[object, ...], _lesson: Lesson) -> Precision | None:  # noqa: ARG001
    marked = _vectors(_lesson.context.dataset, _lesson.marked)
    return precision_of_marks(_background_of(_lesson), marked, np.arange(len(marked)) < len(_lesson.yes))
