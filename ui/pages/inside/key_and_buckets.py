"""Inside: the query's key in one table, and its bucket in every table."""

from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh.analysis import inspecting
from lsh.analysis.inspecting import TableKey
from ui.figures.buckets import bucket_strip
from ui.figures.margins import NEARLY, Margins, margins
from ui.figures.marks import Ints
from ui.format import percent, plural
from ui.model import media, session
from ui.model.query_view import QueryView
from ui.model.state import Settings
from ui.model.text import clean
from ui.pages.inside.key_texts import distance_to_wall, symbol, written
from ui.widgets import clip_list
from ui.widgets.charts import draw
from ui.widgets.clip_list import Entry

MAX_MEMBERS = 6


def key(view: QueryView) -> None:
    """Draw how the query's key in one table is made."""
    s, index = view.settings, view.index
    text, table = choose_table(view)
    own = inspecting.key_of(index, view.query, table, s.n_bits)
    differ = inspecting.differences(index, view.query, view.true_rows, table + 1, s.n_bits)[:, table]
    agreeing = int((~differ.any(axis=1)).sum())
    with text:
        st.markdown(describe_key(s, table, own, differ.sum(axis=0), agreeing, len(view.true_rows)))
    at = margins_of(view, table, s.n_bits)
    nearly = int((at.margin < NEARLY).sum())
    draw(
        partial(margins, at, view.mode),
        f"Where your sound and its {len(view.true_rows)} nearest stand to each of {s.n_bits} walls of table "
        f"{table + 1}. The key is {written(own.symbols)}; {nearly} of its symbols were nearly another.",
        "margins",
    )
    frame = " A dotted frame: nearly the other way; of all random planes only one in five passes so near."
    st.caption(f"★ your sound, ● found, ○ missed (by all tables).{frame if nearly else ''}")


def buckets(view: QueryView) -> None:
    """Draw the size of the query's bucket in every table, and list the nearest clips in one of them."""
    s, index = view.settings, view.index
    walk = inspecting.walk(index, view.query, s.n_tables, s.n_bits)
    sizes = np.array([len(own.ids) for own, *_ in walk]) - (view.own_row >= 0)
    matches = index.matches(view.query, view.true_rows, s.n_tables, s.n_bits, 1)
    hits, found = matches.sum(axis=0), int(matches.any(axis=1).sum())
    together = inspecting.candidates(index, view.query, s.n_tables, s.n_bits, own=view.own_row)
    looked_at = int(np.count_nonzero(together))
    text, table = choose_table(view)
    with text:
        st.markdown(describe_buckets(s, index.n, table, sizes, hits, looked_at, found, len(view.true_rows)))
    even = index.n / 2**s.n_bits if s.metric == "cosine" else float(sizes.mean())
    draw(
        partial(bucket_strip, sizes, hits, even, table, view.mode),
        f"Sizes of your sound's bucket in {plural(s.n_tables, 'table')}: from {sizes.min():,} to {sizes.max():,} "
        f"clips, with {hits.min()} to {hits.max()} of the {len(view.true_rows)} nearest in each.",
        "buckets",
    )
    st.markdown(f"**Who else is in the bucket of table {table + 1}**, the nearest first:")
    entries = []
    members = zip(*inspecting.nearest_of(index, view.query, walk[table][0].ids, MAX_MEMBERS + 1), strict=True)
    others = [(int(row), float(distance)) for row, distance in members if row != view.own_row]
    for rank, (row, distance) in enumerate(others[:MAX_MEMBERS], 1):
        near = row in view.true_rows
        words = f"one of the {len(view.true_rows)} nearest" if near else "candidate, not among the nearest"
        clip = view.context.dataset.clip("train", row)
        entries.append(Entry(clip, "found" if near else "candidate", words, distance, rank=str(rank)))
    empty = "Nobody else: your sound is alone in this bucket. Fewer bits would make it larger."
    clip_list.draw(view.context, "inside-mates", "Who else is in the bucket", view.clip, entries, empty)


def margins_of(view: QueryView, table: int, n_bits: int) -> Margins:
    """Return the positions of the query and its true neighbours on the first `n_bits` functions of a table, from 0."""
    index = view.index
    own = inspecting.key_of(index, view.query, table, n_bits)
    rows = np.ascontiguousarray(index.exact.X[view.true_rows])
    neighbours = inspecting.positions_of(index, rows, table, n_bits)
    names = [
        clean(media.title(view.context.dataset, view.context.dataset.clip("train", row)), 40) for row in view.true_rows
    ]
    plain_names = [name.replace("&", "&amp;").replace("<", "&lt;") for name in names]
    positions, walls = own.positions, [0.0]
    axis, unit = "← bit 0 · degrees from the plane · bit 1 →", "°"
    if view.settings.metric == "euclidean":
        first = np.floor(own.positions)
        positions, neighbours, walls = own.positions - first, neighbours - first, [0.0, 1.0]
        axis, unit = "place on the line, in slots", ""
    return Margins(
        positions,
        neighbours,
        walls,
        own.symbols,
        own.margin,
        view.found,
        plain_names,
        symbol(view.settings),
        axis,
        unit,
    )


def choose_table(view: QueryView) -> tuple[DeltaGenerator, int]:
    """Draw the choice of a table, the same on every step; return a place for text beside it, and the table, from 0.

    At first it is the table that found most.
    """
    text, choice = st.columns([4, 1], gap="large")
    n_tables = view.settings.n_tables
    chosen = session.TABLE.get() or 1 if session.TABLE.is_set else _best_table(view)
    session.TABLE.set(min(max(chosen, 1), n_tables))
    number = choice.number_input(f"Table, 1 to {n_tables}", 1, n_tables, key=session.TABLE.name, width=180)
    return text, int(number) - 1


def _best_table(view: QueryView) -> int:
    tables = [table for row in view.true_rows for table in view.answer.matches[row].tables]
    return max(set(tables), key=tables.count) if tables else 1


def describe_key(s: Settings, table: int, own: TableKey, behind: Ints, agreeing: int, n_true: int) -> str:
    """Give the key of one table, its least certain symbol, and how many neighbours share the whole key.

    behind: int[K], true neighbours on another side of each function; agreeing: of `n_true`, those with the same key.
    """
    what = (
        f"one bit for each of {plural(s.n_bits, 'random plane')}: 1 on one side, 0 on the other"
        if s.metric == "cosine"
        else f"one number for each of {plural(s.n_bits, 'random line')}: the slot of the line in which your sound falls"
    )
    weakest = int(own.margin.argmin())
    doubt = "was nearly another" if own.margin[weakest] < NEARLY else "is the least certain"
    n_behind = int(behind[weakest])
    others = plural(n_behind, "of the nearest lies", "of the nearest lie") if n_behind else "none of the nearest lies"
    return (
        f"In table {table + 1} the key of your sound is **{written(own.symbols)}**, {what}. {symbol(s).capitalize()} "
        f"{weakest + 1} {doubt}: your sound is {distance_to_wall(s, own, weakest)}, and {others} on another side. A "
        f"bucket wants all {s.n_bits} to agree: **{agreeing} of the {n_true}** nearest do so in this table."
    )


def describe_buckets(
    s: Settings, n: int, table: int, sizes: Ints, hits: Ints, looked_at: int, found: int, n_true: int
) -> str:
    """State what the bucket of one table holds, and what all of them hold together."""
    most, none = int(hits.max()), int((hits == 0).sum())
    empty = f", and {plural(none, 'table has', 'tables have')} none of them" if none else ""
    together = (
        f"All {s.n_tables} buckets together hold {plural(looked_at, 'different clip')}, {percent(looked_at / n)} of "
        f"the collection, and **{found} of the {n_true}** nearest: no table has more than {most}{empty}."
        if s.n_tables > 1
        else f"One table is one chance: the other {n_true - found} of the {n_true} nearest are not looked at."
    )
    return (
        f"In table {table + 1} your sound shares its bucket with {plural(int(sizes[table]), 'clip')} of {n:,}; "
        f"{int(hits[table])} of the {n_true} nearest {'is' if hits[table] == 1 else 'are'} among them. {together}"
    )
