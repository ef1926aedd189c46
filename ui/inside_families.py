"""Two steps about the hash family: cosine and Euclidean side by side, and what centring is good for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from lsh import LSHError, LSHIndex, inspecting, surface
from lsh.sampling import evenly_spaced
from ui import inside_lessons as words
from ui import inside_walk
from ui.charts import draw
from ui.figures.crowding import Crowd, bucket_ranks
from ui.figures.margins import margins
from ui.figures.marks import Floats, Ints, percent
from ui.inside_view import View, look
from ui.loading import PageContext, index_for
from ui.state import K_NEIGHBOURS, MAX_BITS, MAX_TABLES, METRICS, Metric

SHOWN_BITS = 6
MOST_ROWS = 50_000  # clips that the lesson on centring indexes anew
QUERIES = 60
SHIFT = 2.0  # features lie in -2 to 2; AudioSet stores them as 0 to 255, which is the same with the zero moved


def both(view: View) -> None:
    """Draw the same query under both distances: how each cuts, what each finds."""
    try:
        views = [view if metric == view.s.metric else _under(view, metric) for metric in METRICS]
    except LSHError:
        st.info("This clip cannot be a query at the other distance: silence has no direction.")
        return
    shared = len(set(views[0].truth) & set(views[1].truth))
    st.markdown(words.FAMILIES)
    for column, one in zip(st.columns(2, gap="large"), views, strict=True):
        with column:
            st.subheader(words.FAMILY_NAMES[one.s.metric])
            few = replace(
                one, context=replace(one.context, settings=replace(one.s, n_bits=min(SHOWN_BITS, one.s.n_bits)))
            )
            at = inside_walk.margins_of(few, 0)
            draw(
                margins(at, view.mode),
                f"{words.FAMILY_NAMES[one.s.metric]}: where your sound and its nearest stand to the first "
                f"{few.s.n_bits} walls of table 1.",
            )
    rows = [_row(one) for one in views]
    st.table(
        pd.DataFrame(rows, columns=["", "found", "looked at", "your buckets"]), border="horizontal", hide_index=True
    )
    st.markdown(words.families(shared, len(view.truth)))


def centring(view: View) -> None:
    """Draw what becomes of buckets when vectors are not centred."""
    s = view.s
    with st.spinner("Building three small indexes: centred, not centred, and on the raw codes…"):
        lesson = _lesson((view.context.dataset.fingerprint, s.seed), view.context)
    st.markdown(words.CENTRING)
    crowds = [Crowd(way.name, way.sizes[s.n_bits - 1]) for way in lesson]
    n = int(crowds[0].sizes.sum())
    draw(
        bucket_ranks(crowds, n, n / 2**s.n_bits, None, view.mode),
        "Bucket sizes of one table in order of size: "
        + "; ".join(f"{crowd.name}, the fullest holds {crowd.sizes[0] / n:.0%}" for crowd in crowds),
    )
    cell = s.n_tables - 1, s.n_bits - 1
    rows = [
        (
            way.name,
            percent(float(way.sizes[s.n_bits - 1][0] / n)),
            percent(float(way.candidates[cell])),
            percent(float(way.recall[cell])),
        )
        for way in lesson
    ]
    columns = ["", "in the fullest bucket", "looked at", "recall"]
    st.table(pd.DataFrame(rows, columns=columns), border="horizontal", hide_index=True)
    st.markdown(words.centring(s, [float(w.candidates[cell]) for w in lesson], [float(w.recall[cell]) for w in lesson]))


@dataclass(frozen=True, slots=True)
class Way:
    """One way of preparing vectors: bucket sizes of table 1 for each K, and recall and cost float[L, K]."""

    name: str
    sizes: Sequence[Ints]
    recall: Floats
    candidates: Floats


def _under(view: View, metric: Metric) -> View:
    s = replace(view.s, metric=metric, bucket_width=None)
    return look(PageContext(s, view.context.dataset, index_for(view.context.dataset, s)), view.clip)


def _row(view: View) -> tuple[str, str, str, str]:
    s, index = view.s, view.context.index
    sizes = [len(table[0].ids) for table in inspecting.walk(index, view.query, s.n_tables, s.n_bits)]
    found = f"{sum(view.found_truth)} of its {len(view.truth)} nearest"
    looked = percent(view.found.n_candidates / index.n)
    return words.FAMILY_NAMES[s.metric], found, looked, f"{min(sizes):,} to {max(sizes):,} clips"


@st.cache_resource(max_entries=4, show_spinner=False)
def _lesson(key: tuple[str, int], _context: PageContext) -> list[Way]:
    X = evenly_spaced(_context.dataset.features("train"), MOST_ROWS)
    split = next((split for split in ("validation", "test") if _context.dataset.n_rows(split)), "train")
    queries = evenly_spaced(_context.dataset.features(split), QUERIES)
    queries = queries[np.abs(queries).max(axis=1) > 0]
    ways = (("centred", 0.0, True), ("not centred", 0.0, False), ("raw codes, not centred", SHIFT, False))
    return [
        _way(name, X + np.float32(shift), queries + np.float32(shift), key[1], centre) for name, shift, centre in ways
    ]


def _way(name: str, X: Floats, queries: Floats, seed: int, centre: bool) -> Way:
    index = LSHIndex("cosine", MAX_TABLES, MAX_BITS, seed, centre=centre).fit(X)
    measured = surface(index, queries, K_NEIGHBOURS)
    sizes = [inspecting.bucket_sizes(index, 0, n_bits) for n_bits in range(1, MAX_BITS + 1)]
    return Way(name, sizes, measured.recall, measured.candidates)
