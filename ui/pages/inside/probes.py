"""Inside: the probing sequence of one table, and what each number of probes finds."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from lsh.analysis import inspecting
from lsh.analysis.inspecting import TableKey
from ui.figures.marks import Ints
from ui.figures.probes import probe_gains, probe_order
from ui.format import plural
from ui.model.query_view import QueryView
from ui.model.state import MAX_PROBES, Settings
from ui.pages.inside.key_and_buckets import choose_table
from ui.pages.inside.key_texts import distance_to_wall, numbered, written
from ui.widgets.charts import draw

SHOWN_PROBES = 8


def show(view: QueryView) -> None:
    """Draw the keys of one table's probes in order, and the neighbours found by each number of probes."""
    s, index = view.settings, view.index
    walk = inspecting.walk(index, view.query, s.n_tables, s.n_bits, MAX_PROBES)
    looked_at, met = inspecting.recall_by_probe(index.n, walk, view.true_rows)
    looked_at = looked_at - (view.own_row >= 0)
    text, table = choose_table(view)
    own = inspecting.key_of(index, view.query, table, s.n_bits)
    order = walk[table][:SHOWN_PROBES]
    keys = np.stack([bucket.symbols for bucket in order])
    with text:
        flipped = np.flatnonzero(keys[1] != keys[0]).tolist() if len(keys) > 1 else []
        st.markdown(first_probe(s, table, own, flipped))
        st.markdown(compare_probes(s, looked_at, met, len(view.true_rows)))
    left, right = st.columns(2, gap="large")
    sizes = np.array([len(bucket.ids) for bucket in order])
    with left:
        draw(
            partial(probe_order, keys, sizes, s.n_probes, view.mode),
            f"The first {len(order)} buckets of table {table + 1} in order of cost, and the bits in which each differs "
            f"from your own key {written(keys[0])}.",
            "probe order",
        )
    with right:
        draw(
            partial(probe_gains, looked_at, met, len(view.true_rows), s.n_probes, view.mode),
            f"Of the {len(view.true_rows)} nearest, {int(met[0])} are found with one probe per table and "
            f"{int(met[-1])} with {len(met)}; clips looked at grow from {int(looked_at[0]):,} to "
            f"{int(looked_at[-1]):,}.",
            "probe gains",
        )
    st.caption("■ a bit that differs from your key. Above the green line: the buckets searched at your setting.")


def first_probe(s: Settings, table: int, own: TableKey, flipped: Sequence[int]) -> str:
    """State which symbols the second bucket of a table's probing sequence changes (places `flipped`), and why those."""
    if not flipped:
        return f"Table {table + 1} has no second bucket to look into."
    names = numbered(s, flipped)
    weakest = ", the least certain of all" if list(flipped) == [int(own.margin.argmin())] else ""
    where = distance_to_wall(s, own, flipped[0])
    return (
        f"The first bucket next door in table {table + 1} changes {names}{weakest}: your sound is only {where}, so a "
        "neighbour may well be on the other side. The further ones follow in order of how unlikely they are."
    )


def compare_probes(s: Settings, looked_at: Ints, met: Ints, n_true: int) -> str:
    """Compare the probes in force with one, two and all; looked_at, met: int[T], by number of probes."""
    here = min(s.n_probes, len(met))
    shown = [t for t in sorted({1, 2, here, len(met)}) if t <= len(met)]
    parts = [
        f"{plural(t, 'probe')} per table{' (yours)' * (t == here)}, "
        f"{met[t - 1]} found and {looked_at[t - 1]:,} looked at"
        for t in shown
    ]
    return f"Of your {n_true} nearest, with {'; '.join(parts)}."
