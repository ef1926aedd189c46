"""Teach: marks and scores as CSV, and as columns of a collection of one's own."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from data_prep.dataset.revise import SCORE_PREFIX, TAUGHT_PREFIX, set_columns
from data_prep.dataset.schema import EXTRA_PREFIX, SPLITS
from data_prep.errors import DataError
from earshot_common.command_line import full_message
from ui.model import exclusive, loading, media
from ui.model.text import plain
from ui.pages.teach.marks import Lesson
from ui.server import export_files, hosting
from ui.widgets import long_work

MAX_SCORES = 200_000  # clips in the file of scores
_MARK_COLUMNS = ("clip_id", "label", "mark", "labels", "where")
_SCORE_COLUMNS = ("clip_id", "split", "label", "score", "called", "mark")


def draw(lesson: Lesson) -> None:
    """Draw the downloads, and the button that writes into a collection of one's own."""
    if not lesson.marked:
        return
    name = f"earshot-{lesson.context.settings.dataset.replace('/', '-')}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Export:", width="content")
        download = partial(st.download_button, on_click="ignore", mime="text/csv")
        download("Marks", lambda: marks_csv(lesson), f"{name}-marks.csv", help="The marks of this label as CSV.")
        if lesson.is_classifier:
            total = sum(map(lesson.context.dataset.n_rows, SPLITS))
            part = "" if total <= MAX_SCORES else f" The {MAX_SCORES:,} highest of {total:,}."
            download(
                "Scores",
                lambda: scores_csv(lesson),
                f"{name}-scores.csv",
                help=f"The score of every clip as CSV.{part}",
            )
    if lesson.is_classifier and _is_own(lesson):
        _write(lesson)


def marks_csv(lesson: Lesson) -> bytes:
    """Return the marks as CSV: a row per marked clip, those marked yes first."""
    dataset = lesson.context.dataset
    rows = [
        {
            "clip_id": clip.clip_id,
            "label": lesson.name,
            "mark": mark,
            "labels": media.title(dataset, clip),
            "where": export_files.where(dataset, clip),
        }
        for mark, clips in (("yes", lesson.yes), ("no", lesson.no))
        for clip in clips
    ]
    return export_files.as_table(_MARK_COLUMNS, rows)


def scores_csv(lesson: Lesson) -> bytes:
    """Return the scores as CSV, the highest first: a row per clip of all splits, at most `MAX_SCORES`."""
    dataset = lesson.context.dataset
    scores = np.concatenate([lesson.scores(split) for split in SPLITS])
    marks = _marks(lesson)
    first = np.cumsum([0, *map(dataset.n_rows, SPLITS)])
    ids = {split: dataset.clips(split)["clip_id"] for split in SPLITS}

    def rows() -> Iterator[dict[str, object]]:
        for place in np.argsort(-scores, kind="stable")[:MAX_SCORES].tolist():
            part = int(np.searchsorted(first, place, side="right")) - 1
            split = SPLITS[part]
            yield {
                "clip_id": ids[split][place - int(first[part])].as_py(),
                "split": split,
                "label": lesson.name,
                "score": round(float(scores[place]), 4),
                "called": "yes" if scores[place] > 0 else "no",
                "mark": {True: "yes", False: "no", None: ""}[marks[place]],
            }

    return export_files.as_table(_SCORE_COLUMNS, list(rows()))


def columns(lesson: Lesson) -> dict[str, "pa.Array[Any]"]:
    """Return the new columns of the collection by name: the marks, null where there is none, and the scores."""
    scores = np.concatenate([lesson.scores(split) for split in SPLITS]).astype(np.float64)
    taught, score = _column_names(lesson)
    return {taught: pa.array(_marks(lesson), pa.bool_()), score: pa.array(scores)}


def _column_names(lesson: Lesson) -> tuple[str, str]:
    return f"{TAUGHT_PREFIX}{lesson.name}", f"{SCORE_PREFIX}{lesson.name}"


def _marks(lesson: Lesson) -> list[bool | None]:
    """Return the mark of every clip of all splits, None where it has none."""
    first = dict(zip(SPLITS, np.cumsum([0, *map(lesson.context.dataset.n_rows, SPLITS)]).tolist(), strict=False))
    marks: list[bool | None] = [None] * sum(map(lesson.context.dataset.n_rows, SPLITS))
    for mark, clips in ((True, lesson.yes), (False, lesson.no)):
        for clip in clips:
            marks[first[clip.split] + clip.row] = mark
    return marks


def _is_own(lesson: Lesson) -> bool:
    """Return whether the collection is of the visitor's own sounds or embeddings, on the visitor's own machine."""
    dataset = lesson.context.dataset
    return hosting.is_local() and (dataset.media == "file" or "vectors" in dataset.manifest["features"])


def _help(lesson: Lesson) -> str:
    taught, score = (plain(name.removeprefix(EXTRA_PREFIX)) for name in _column_names(lesson))
    return (
        f"Adds two columns to the clips: “{taught}”, your marks, and “{score}”. Those of an earlier time are replaced."
    )


def _write(lesson: Lesson) -> None:
    """Draw the button that writes the columns, and whether they were written."""
    marked = (frozenset(clip.clip_id for clip in clips) for clips in (lesson.yes, lesson.no))
    of = lesson.context.settings.dataset, lesson.name, *marked
    st.button("Write into the collection", help=_help(lesson), on_click=long_work.request, args=("write", of))

    def write() -> None:
        path = lesson.context.datasets[lesson.context.settings.dataset]
        with st.spinner("Writing…"), exclusive.RUNS.interrupted():
            set_columns(path, columns(lesson))
        loading.dataset_at(path)

    problem = long_work.problem("write", of, write, DataError, full_message)
    if problem:
        st.warning(plain(problem, 600))
    elif problem == "":
        st.success("Written: two columns of this collection.")
