"""Making a collection of one's own embeddings: a form with a preview of the file, and the background work."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from data_prep.errors import InputError, OutputError, StoppedError
from data_prep.vectors.clip_columns import Asked, absolute
from data_prep.vectors.preview import Preview
from data_prep.vectors.reading_process import GIVEN, PREPARATION, prepare_apart, preview_apart
from data_prep.vectors.roles import Roles
from ui.format import capitalised, megabytes, plural
from ui.model import exclusive
from ui.model.text import clean, plain
from ui.pages.data.folder import collection_with, place_for
from ui.pages.data.making import draw_job, elsewhere, watch
from ui.server import hosting, jobs, uploads
from ui.server.jobs import Report, StopCheck, Work
from ui.widgets.charts import draw_table

INTRO = (
    "Vectors that a model of yours computed, one per sound, become a collection: `.npy`, `.npz`, Parquet, CSV, TSV or "
    "JSON Lines, as Perch, BirdNET, PANNs, CLAP, VGGish and Hugging Face datasets write them."
)
_PRIVATE = (
    "Give a file here. You alone see what is made of it: no link leads others to it, and it is deleted a minute or two "
    "after you close this page. Sounds are played from addresses (http or https) in the table."
)
_FORM = " You see what each column becomes before anything is made."
_COMMAND = "python -m data_prep vectors embeddings.parquet --out data/embeddings"
SUFFIXES = ["npy", "npz", "parquet", "csv", "tsv", "txt", "json", "jsonl", "ndjson"]  # the contents decide
Place = Callable[[Report, StopCheck], contextlib.AbstractContextManager[Path]]
_MAX_COLUMNS, _MAX_VALUES = 60, 3  # columns that the preview lists, and first values of each
_MAX_SAID = 12
_GUESSED = "as guessed"
_POOL = "Average the frames of each row"
_UNITS = {None: _GUESSED, "s": "seconds", "ms": "milliseconds"}


def show() -> None:
    """Draw the form, the preview of the file named or given in it, and the job that makes a collection of the file."""
    st.header("Your own embeddings")
    st.markdown(INTRO + _FORM)
    if hosting.is_local():
        _show_named()
    else:
        _show_given()


def _show_named() -> None:
    """Draw the form for a file on this machine, by its path."""
    path = _file_of("The file of vectors", "~/embeddings.parquet", "vectors")
    meta = _file_of("A table about them, if it is another file: titles, labels, sounds", "~/clips.csv", "vectors meta")
    if isinstance(path, str) or isinstance(meta, str):
        for problem in (path, meta):
            if isinstance(problem, str):
                st.warning(problem)
        return
    if path is not None:
        _show_file(f"vectors {path}", path, meta, partial(place_of, path), partial(collection_of, path))


def _show_given() -> None:
    """Draw the form for a file that the visitor of a hosted app gives; the collection is that of this session alone."""
    st.markdown(_PRIVATE)
    limit = f"up to {megabytes(st.get_option('server.maxUploadSize') * 1e6)}"
    given = st.file_uploader(f"The file of vectors, {limit}", SUFFIXES, key="given vectors")
    meta = st.file_uploader(f"A table about them, if it is another file, {limit}", SUFFIXES, key="given table")
    if given is None:
        if _private_collection():
            st.markdown("The collection that you made is among the collections, in the sidebar.")
        elsewhere(_COMMAND)
        return
    try:
        folder, (path, meta_path) = uploads.keep(given, meta)
    except OutputError as error:
        st.warning(plain(error))
        return
    assert path is not None  # noqa: S101  # for mypy

    @contextlib.contextmanager
    def place(tell: Report, should_stop: StopCheck) -> Iterator[Path]:
        with uploads.turn(tell, should_stop):
            yield uploads.place(folder)

    _show_file(uploads.job_name(), path, meta_path, place, _private_collection)


def _private_collection() -> str | None:
    return next(iter(uploads.datasets()), None)


def _show_file(name: str, path: Path, meta: Path | None, place: Place, find: Callable[[], str | None]) -> None:
    """Draw the preview of a file and the job of this name, which makes a collection of it.

    find: returns the name of the collection that was made of it, None if there is none.
    """
    job = jobs.jobs().get(name)
    if job is not None and job.running:
        watch(name, job, find)
        return
    given = Asked(addresses_only=not hosting.is_local())
    guessed = _preview_of(path, meta, given)
    if guessed is None:
        return
    preview = st.container()
    asked = replace(_asked(guessed, f"{path} {meta}"), addresses_only=given.addresses_only)
    found = guessed if asked == given else _preview_of(path, meta, asked)
    if found is None:
        return
    with preview:
        _draw_preview(found)
    if not found.refused:
        draw_job(name, making(path, meta, asked, place), find, begin="Make the collection", again="Make it again")


@contextlib.contextmanager
def place_of(path: Path, tell: Report, should_stop: StopCheck) -> Iterator[Path]:  # noqa: ARG001
    """Yield where the collection of a file on this machine is made."""
    with place_for(path.name.split(".")[0], lambda: collection_of(path)) as out:
        yield out


def collection_of(path: Path) -> str | None:
    """Return the name of the collection that was made of this file of vectors, None if there is none."""
    return collection_with(lambda about: about["features"].get("vectors") == str(path))


def making(path: Path, meta: Path | None, asked: Asked, place: Place) -> Work:
    """Return the work of making a collection of a file of vectors, with its map and its index.

    place: where; of a file from another machine its reading process has narrow limits.
    """
    limits = GIVEN if asked.addresses_only else PREPARATION

    def work(tell: Report, should_stop: StopCheck) -> str:
        def tell_rows(done: int, total: int) -> None:
            tell(done / max(total, 1), f"{done:,} of {total:,} rows")

        with place(tell, should_stop) as out:
            tell(None, f"reading {path.name}")
            try:
                outcome = prepare_apart(
                    path, out, meta=meta, asked=asked, progress=tell_rows, should_stop=should_stop, limits=limits
                )
            except StoppedError:
                return "Stopped. Nothing was written."
            failure = jobs.finish(tell, out, should_stop)
        first = "".join(f", such as row {row:,}: {text}" for row, text in islice(outcome.left_out.items(), 1))
        left_out = f" {plural(len(outcome.left_out), 'row')} left out{first}." if outcome.left_out else ""
        here = f"{outcome.n_clips:,} of {plural(outcome.n_rows, 'row')}, {plural(outcome.dim, 'number')} each."
        changes = "" if outcome.changes is None else " {:,} clips are new or have changed, {:,} are gone."
        here += changes.format(*outcome.changes or ())
        return f"{here}{left_out} Choose it as your collection: {out.name}.{failure}"

    return work


def _file_of(label: str, example: str, key: str) -> Path | str | None:
    """Draw the field of a path; return the file, None where none is named, or a sentence on why it is no file."""
    typed = st.text_input(label, placeholder=example, key=key, max_chars=1000).strip()
    if not typed:
        return None
    try:
        path = absolute(typed)
        if path.is_file():
            os.close(os.open(path, os.O_RDONLY))
            return path
        problem = "is a folder: name one file" if path.is_dir() else "is not there, or is no file"
    except (OSError, ValueError) as error:
        path, problem = Path(typed), f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return f"{plain(path, 600)} {plain(problem)}."


def _preview_of(path: Path, meta: Path | None, asked: Asked) -> Preview | None:
    """Return the preview of a file, once for each version of it; None after a message."""
    versions = tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in (path, meta) if file is not None)
    try:
        with st.spinner("Reading the first rows…"), exclusive.RUNS.interrupted():  # another process reads
            return _preview((path, meta, str(asdict(asked)), versions), path, meta, asked)
    except InputError as error:
        st.warning(plain(f"{capitalised(str(error))}.", 900))
        return None


@st.cache_resource(max_entries=20, show_spinner=False)
def _preview(key: tuple[object, ...], _path: Path, _meta: Path | None, _asked: Asked) -> Preview:  # noqa: ARG001
    if not _asked.addresses_only:
        return preview_apart(_path, _meta, _asked)
    with uploads.turn():
        return preview_apart(_path, _meta, _asked, GIVEN)


def _draw_preview(found: Preview) -> None:
    """Draw what each column becomes, and what was guessed; or why the file is refused."""
    if found.refused:
        st.warning(plain(f"{capitalised(found.refused)}.", 900))
        if len(found.vectors) > 1:
            st.markdown(f"These may be the vectors: **{plain(', '.join(found.vectors), 600)}**. Choose below.")
        if "--pool mean" in found.refused:
            st.markdown(f"On this page that is **{_POOL}**, below.")
        return
    rows = "rows" if found.n_rows is None else plural(found.n_rows, "row")
    looked = "" if found.n_rows == found.n_read else f" What you see is from the first {found.n_read:,}."
    st.markdown(f"**{capitalised(rows)} of {plural(found.dim, 'number')}.**{looked}")
    columns = found.columns[:_MAX_COLUMNS]
    values = max((len(column["values"][:_MAX_VALUES]) for column in columns), default=0)
    heads = ["column", "becomes", *(f"row {row}" for row in range(values))]
    draw_table(pd.DataFrame([_cells(column, values) for column in columns], columns=heads))
    if len(found.columns) > _MAX_COLUMNS:
        st.caption(f"… and {plural(len(found.columns) - _MAX_COLUMNS, 'more column')}.")
    st.markdown("\n".join(f"- {plain(text, 600)}" for text in found.said[:_MAX_SAID]))
    left_out = [*found.left_over, *found.left_out]
    if found.n_left_out > len(found.left_out):
        left_out.append(f"{found.n_left_out - len(found.left_out):,} more rows")
    if left_out:
        st.warning("Left out: " + "; ".join(plain(text, 300) for text in left_out))


def _cells(column: dict[str, Any], n_values: int) -> list[str]:
    values = ["" if text is None else plain(text, 60) for text in column["values"][:n_values]]
    return [plain(column["name"], 60), plain(column["becomes"], 200), *values, *[""] * (n_values - len(values))]


def _asked(guessed: Preview, key: str) -> Asked:
    """Draw the fields by which a guess is corrected; return what they ask for."""
    guessed_vector = [column["name"] for column in guessed.columns[:1]]
    uses = {column["name"]: column["becomes"].split("; ") for column in guessed.columns[1:]}

    def as_guessed(role: str) -> str:
        now = guessed_vector if role == "vector" else [name for name, words in uses.items() if role in words]
        return f"{_GUESSED} ({clean(' and '.join(now), 60)})" if now else _GUESSED

    def choose(role: str, label: str, flag: str, options: list[str]) -> str | None:
        guess = as_guessed(role)
        return st.selectbox(
            label,
            [None, *options],
            key=f"{role} of {key}",
            format_func=lambda name: guess if name is None else clean(name, 80),
            help=f"`{flag}` on the command line.",
        )

    with st.expander("Choose otherwise", expanded=bool(guessed.refused)):
        places = iter([*st.columns(3), *st.columns(3), *st.columns(3)])
        vector = None
        if guessed.vectors:
            with next(places):
                vector = choose("vector", "Vectors", "--vector", guessed.vectors)
        roles = Roles()
        for role, label, flag in (
            ("id", "Ids", "--id"),
            ("title", "Titles", "--title"),
            ("sound", "Sounds", "--audio"),
            ("start", "Start in the sound", "--start"),
            ("end", "End in the sound", "--end"),
        ):
            with next(places):
                setattr(roles, "audio" if role == "sound" else role, choose(role, label, flag, guessed.names))
        with next(places):
            unit = st.selectbox(
                "Unit of times",
                list(_UNITS),
                key=f"unit of {key}",
                format_func=lambda one: _UNITS[one],
                help="`--time-unit` on the command line.",
            )
        with next(places):
            roles.label = st.multiselect(
                "Labels",
                guessed.names,
                key=f"labels of {key}",
                placeholder=as_guessed("label"),
                format_func=partial(clean, longest=80),
                help="One column or several; `--label` on the command line.",
            )
        folder = ""
        if hosting.is_local():
            with next(places):
                folder = st.text_input(
                    "Folder of the sounds",
                    key=f"folder of {key}",
                    placeholder="that of the file of vectors",
                    max_chars=1000,
                    help="To which paths of sounds are relative; `--audio-folder` on the command line.",
                ).strip()
        pool = st.checkbox(
            _POOL,
            key=f"pool of {key}",
            help="Where a row holds several vectors, one after another in time; `--pool mean` on the command line.",
        )
    return Asked(vector, roles, unit, Path(folder) if folder else None, pool=pool)
