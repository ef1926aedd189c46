"""Two steps about the hash family: cosine and Euclidean side by side, and what centring is good for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from lsh import LSHError, LSHIndex, inspecting, surface
from lsh.sampling import evenly_spaced
from ui import inside_walk
from ui.charts import draw
from ui.figures.crowding import BucketSizes, bucket_ranks
from ui.figures.margins import margins
from ui.figures.marks import Floats, Ints, percent
from ui.loading import PageContext
from ui.query_view import QueryView, under
from ui.state import K_NEIGHBOURS, MAX_BITS, MAX_TABLES, METRICS, Settings

FAMILY_NAMES = {"cosine": "Cosine: hyperplanes", "euclidean": "Euclidean: p-stable projections"}
FAMILIES = """
Two distances, two ways to cut. **Cosine** asks whether two sounds point the same way: a plane through the middle cuts
the clips in two, and the answer is 0 or 1. **Euclidean** asks how far apart they are: a random line is cut into slots
of equal width, and the answer is the slot's number. Either way near clips tend to get the same answer, and K answers
make a key.
"""
CENTRING = """
Hyperplanes pass through the origin. If all clips lie on one side of it, as they do when every feature is a positive
code from 0 to 255, most planes cut nothing: all get the same bit, and one bucket swallows the collection. Taking the
mean away first (**centring**) puts the origin in the middle of the crowd. It costs one subtraction and changes no
distance.
"""
SHOWN_BITS = 6
MOST_ROWS = 50_000  # clips that the lesson on centring indexes anew
QUERIES = 60
SHIFT = 2.0  # features lie in -2 to 2; AudioSet stores them as 0 to 255, which is the same with the zero moved


def both(view: QueryView) -> None:
    """Draw the same query under both distances: how each cuts, what each finds."""
    try:
        views = [under(view, metric) for metric in METRICS]
    except LSHError:
        st.info("This clip cannot be a query at the other distance: silence has no direction.")
        return
    shared = len(set(views[0].true_rows) & set(views[1].true_rows))
    st.markdown(FAMILIES)
    for column, one in zip(st.columns(2, gap="large"), views, strict=True):
        with column:
            st.subheader(FAMILY_NAMES[one.settings.metric])
            n_bits = min(SHOWN_BITS, one.settings.n_bits)
            at = inside_walk.margins_of(one, 0, n_bits)
            draw(
                margins(at, view.mode),
                f"{FAMILY_NAMES[one.settings.metric]}: where your sound and its nearest stand to the first "
                f"{n_bits} walls of table 1.",
            )
    rows = [_row(one) for one in views]
    st.table(
        pd.DataFrame(rows, columns=["", "found", "looked at", "your buckets"]), border="horizontal", hide_index=True
    )
    st.markdown(describe_families(shared, len(view.true_rows)))


def centring(view: QueryView) -> None:
    """Draw what becomes of buckets when vectors are not centred."""
    s = view.settings
    with st.spinner("Building three small indexes: centred, not centred, and on the raw codes…"):
        lesson = _lesson((view.context.dataset.fingerprint, s.seed), view.context)
    st.markdown(CENTRING)
    crowds = [BucketSizes(way.name, way.sizes[s.n_bits - 1]) for way in lesson]
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
    st.markdown(
        describe_centring(s, [float(w.candidates[cell]) for w in lesson], [float(w.recall[cell]) for w in lesson])
    )


@dataclass(frozen=True, slots=True)
class Way:
    """One way of preparing vectors: bucket sizes of table 1 for each K, and recall and cost float[L, K]."""

    name: str
    sizes: Sequence[Ints]
    recall: Floats
    candidates: Floats


def _row(view: QueryView) -> tuple[str, str, str, str]:
    s, index = view.settings, view.index
    sizes = [len(table[0].ids) for table in inspecting.walk(index, view.query, s.n_tables, s.n_bits)]
    found = f"{sum(view.found)} of its {len(view.true_rows)} nearest"
    looked = percent(view.answer.n_candidates / index.n)
    return FAMILY_NAMES[s.metric], found, looked, f"{min(sizes):,} to {max(sizes):,} clips"


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


def describe_families(shared: int, n_true: int) -> str:
    """Say how much the two truths have in common, and how to read the comparison."""
    return (
        f"Of your {n_true} nearest, **{shared}** are the same under both distances; each is judged by its own truth. "
        "The same K means different work: a slot's number says more than a bit, or less, as its width is chosen "
        "(w, under Advanced). Compare what is found with what is looked at, not K with K."
    )


def describe_centring(s: Settings, looked_at: Sequence[float], recall: Sequence[float]) -> str:
    """Compare centred, not centred and raw codes at the setting in force."""
    return (
        f"At L = {s.n_tables}, K = {s.n_bits}: centred, LSH looks at {percent(looked_at[0])} of the clips and finds "
        f"{percent(recall[0])} of the nearest. On the raw codes it finds {percent(recall[2])}, but by looking at "
        f"**{percent(looked_at[2])}**: {_verdict(looked_at[2])} Not centred, these features fare {_between(looked_at)}."
    )


def _verdict(looked_at: float) -> str:
    return "that is no index, that is exact search with detours." if looked_at > 0.5 else "the buckets are lopsided."


def _between(looked_at: Sequence[float]) -> str:
    if looked_at[1] < 1.25 * looked_at[0]:
        return "much like centred ones, for they were stored with about as many values below zero as above"
    return f"in between, with {percent(looked_at[1])}"
