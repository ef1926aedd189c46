"""Three steps of a query's way: its key in a table, its bucket in every table, and the buckets next door."""

import numpy as np
import streamlit as st

from lsh import inspecting
from ui import cards, clip_list
from ui import inside_words as words
from ui.charts import draw
from ui.clip_list import Entry
from ui.figures.buckets import bucket_strip
from ui.figures.margins import NEARLY, Margins, margins
from ui.figures.probes import probe_gains, probe_order
from ui.inside_view import View, choose_table
from ui.state import MAX_PROBES
from ui.text import clean

MOST_MATES = 6
SHOWN_PROBES = 8


def key(view: View) -> None:
    """Draw how the query's key in one table comes about."""
    s, index = view.s, view.context.index
    said, choice = st.columns([4, 1], gap="large")
    with choice:
        table = choose_table(view)
    own = inspecting.key_of(index, view.query, table, s.n_bits)
    differ = inspecting.differences(index, view.query, view.truth, table + 1, s.n_bits)[:, table]
    agreeing = int((~differ.any(axis=1)).sum())
    with said:
        st.markdown(words.key(s, table, own, differ.sum(axis=0), agreeing, len(view.truth)))
    at = margins_of(view, table)
    nearly = int((at.firmness < NEARLY).sum())
    draw(
        margins(at, view.mode),
        f"Where your sound and its {len(view.truth)} nearest stand to each of {s.n_bits} walls of table {table + 1}. "
        f"The key is {words.written(own.symbols)}; {nearly} of its symbols were nearly another.",
    )
    st.caption(
        "★ your sound, ● found, ○ missed (by all tables). A dotted frame: nearly the other way; of all random planes "
        "only one in five passes so near."
    )


def buckets(view: View) -> None:
    """Draw the bucket of every table, and who else is in one of them."""
    s, index = view.s, view.context.index
    walk = [
        table[0].ids[table[0].ids != view.own] for table in inspecting.walk(index, view.query, s.n_tables, s.n_bits)
    ]
    sizes = np.array([len(ids) for ids in walk])
    hits = np.array([int(np.isin(view.truth, ids).sum()) for ids in walk])
    together = np.unique(np.concatenate(walk))
    found = int(np.isin(view.truth, together).sum())
    said, choice = st.columns([4, 1], gap="large")
    with choice:
        table = choose_table(view)
    with said:
        st.markdown(words.buckets(s, index.n, table, sizes, hits, len(together), found, len(view.truth)))
    even = index.n / 2**s.n_bits if s.metric == "cosine" else float(sizes.mean())
    draw(
        bucket_strip(sizes, hits, even, table, view.mode),
        f"Sizes of your sound's bucket in {words.many(s.n_tables, 'table')}: from {sizes.min():,} to {sizes.max():,} "
        f"clips, with {hits.min()} to {hits.max()} of the {len(view.truth)} nearest in each.",
    )
    st.markdown(f"**Who else is in the bucket of table {table + 1}**, the nearest first:")
    ids, distances = inspecting.nearest_of(index, view.query, walk[table], MOST_MATES)
    _mates(view, "inside-mates", ids.tolist(), distances.tolist())


def probes(view: View) -> None:
    """Draw the buckets that a table's further probes look into, and what they bring."""
    s, index = view.s, view.context.index
    walk = inspecting.walk(index, view.query, s.n_tables, s.n_bits, MAX_PROBES)
    looked_at, met = inspecting.gains(index.n, walk, view.truth)
    looked_at = looked_at - (view.own >= 0)
    said, choice = st.columns([4, 1], gap="large")
    with choice:
        table = choose_table(view)
    own = inspecting.key_of(index, view.query, table, s.n_bits)
    order = walk[table][:SHOWN_PROBES]
    keys = np.stack([bucket.symbols for bucket in order])
    with said:
        flipped = np.flatnonzero(keys[1] != keys[0]).tolist() if len(keys) > 1 else []
        st.markdown(words.cheapest_probe(s, table, own, flipped))
        st.markdown(words.probes(s, looked_at, met, len(view.truth)))
    left, right = st.columns(2, gap="large")
    sizes = np.array([len(bucket.ids) for bucket in order])
    with left:
        draw(
            probe_order(keys, sizes, s.n_probes, view.mode),
            f"The first {len(order)} buckets of table {table + 1} in order of cost, and the bits in which each differs "
            f"from your own key {words.written(keys[0])}.",
        )
    with right:
        draw(
            probe_gains(looked_at, met, len(view.truth), s.n_probes, view.mode),
            f"Of the {len(view.truth)} nearest, {int(met[0])} are found with one probe a table and {int(met[-1])} with "
            f"{len(met)}; clips looked at grow from {int(looked_at[0]):,} to {int(looked_at[-1]):,}.",
        )
    st.caption("■ a bit that differs from your key. Above the green line: what is looked into at your setting.")


def margins_of(view: View, table: int) -> Margins:
    """Return where the query and its true neighbours stand to the walls of one table (from 0)."""
    index, n_bits = view.context.index, view.s.n_bits
    own = inspecting.key_of(index, view.query, table, n_bits)
    rows = np.ascontiguousarray(index.exact.X[view.truth])
    neighbours = inspecting.positions_of(index, rows, table, n_bits)
    names = [
        clean(cards.title(view.context.dataset, view.context.dataset.clip("train", row)), 40) for row in view.truth
    ]
    plain_names = [name.replace("&", "&amp;").replace("<", "&lt;") for name in names]
    positions, walls = own.positions, [0.0]
    axis, unit = "← bit 0 · degrees from the plane · bit 1 →", "°"
    if view.s.metric == "euclidean":
        first = np.floor(own.positions)
        positions, neighbours, walls = own.positions - first, neighbours - first, [0.0, 1.0]
        axis, unit = "place on the line, in slots", ""
    return Margins(
        positions,
        neighbours,
        walls,
        own.symbols,
        own.firmness,
        view.found_truth,
        plain_names,
        words.symbol(view.s),
        axis,
        unit,
    )


def _mates(view: View, name: str, rows: list[int], distances: list[float]) -> None:
    truth = view.truth
    entries = [
        Entry(
            view.context.dataset.clip("train", row),
            "found" if row in truth else "candidate",
            f"one of the {len(truth)} nearest" if row in truth else "candidate, not among the nearest",
            distance,
            rank=str(i + 1),
        )
        for i, (row, distance) in enumerate(zip(rows, distances, strict=True))
    ]
    empty = "Nobody else: your sound is alone in this bucket. Fewer bits would make it larger."
    clip_list.draw(view.context, name, "Who else is in the bucket", view.clip, entries, empty)
