"""Tune: hash families, random and learned, compared within equal budgets of candidates."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from lsh.analysis.comparing import BUDGETS, PROBES, TABLES, Comparison, Mean, compare, index_family
from lsh.params import FAMILIES
from ui.figures.families import families
from ui.figures.marks import RECALL
from ui.format import percent
from ui.model import commands
from ui.model.recall_grid import GridView
from ui.model.state import K_NEIGHBOURS
from ui.pages.tune.measure_on_request import on_request
from ui.widgets.charts import draw, draw_table

NAMES = {
    "hyperplanes": "hyperplanes",
    "pstable": "p-stable lines",
    "itq": "ITQ",
    "grh": "GRH",
    "kmeans": "k-means",
}
INTRO = f"""
Random walls know nothing of your sounds. **ITQ** (iterative quantisation) turns them so that few clips lie near one;
**GRH** (graph regularised hashing) learns from labels which clips belong together; **k-means** has no walls but
centres, and looks around the nearest. Each may look at the same share of the clips, with {TABLES} tables and {PROBES}
probes (k-means: as many buckets as fit). Building them takes some seconds.
"""
Means = tuple[Mean, Mean]  # recall, label precision
_ERRORS = 2  # standard errors by which two means must differ to be distinguished
_BUDGET = BUDGETS[-2]  # of the comparison in words


@st.fragment
def show(view: GridView) -> None:
    """Draw recall and label precision of each family at equal budgets, once a visitor has query_labels for it."""
    st.header("Would learned hashes find more?")
    st.markdown(INTRO)
    metric = view.context.settings.metric
    makers = {NAMES[family]: partial(_compare, view, family) for family in (*FAMILIES[metric], "kmeans")}
    made = on_request("families", view.context.index_key, makers, "Compare the families")
    if made is None:
        return
    st.markdown(sentence(made))
    left, right = st.columns(2, gap="large")
    exact = next(iter(made.values())).exact_label_precision.value
    for place, field, axis, reference in (
        (left, "recall", RECALL, None),
        (right, "label_precision", "share of the 10 with a label of the query", exact),
    ):
        lines = {name: _line(one, field) for name, one in made.items()}
        with place:
            draw(
                partial(families, BUDGETS, lines, axis, reference, view.mode),
                f"{axis.capitalize()}, for each of {len(lines)} families at four budgets. {sentence(made)}",
                f"families {field}",
            )
    draw_table(table(made))
    st.caption(
        f"Recall, and in brackets the share with a label of the query: exact search has {percent(exact)}. Measured "
        f"with {view.sample.in_words}. Bits are whole, so some look at less than they may; another "
        "collection may judge otherwise."
    )
    command = commands.families(view.context.dataset.path, view.context.settings, len(view.sample.rows))
    if view.part is not None:
        st.markdown("The same among all clips, from the command line:")
    st.code(command, language="bash")


def sentence(made: Mapping[str, Comparison]) -> str:
    """State which family has most recall, and which most label precision, within 5 %, if that is more than chance."""
    (own, first), *others = [(name, _at(one, _BUDGET)) for name, one in made.items()]
    known = [(name, row) for name, row in others if row is not None]
    if first is None or not known:
        return f"Not every family has a setting that looks at {percent(_BUDGET, 1)} of the clips or less."
    (name, recall, more), (by_labels, precision, ahead) = (_best(known, first, i) for i in range(2))
    finds = "finds about as much" if not more else "more" if more > 0 else "less"
    text = (
        f"Within {percent(_BUDGET, 1)} of the clips, {own} find {percent(first[0].value)} of the nearest; **{name}, "
        f"the best of the others, {finds}: {percent(recall)}**."
    )
    if ahead > 0:
        return (
            f"{text} By labels {by_labels} is ahead: {percent(precision)} of its answers share one with the query; "
            f"{own} have {percent(first[1].value)}."
        )
    exact = next(iter(made.values())).exact_label_precision.value
    return f"{text} By labels none is clearly ahead; exact search has {percent(exact)}."


def _best(known: list[tuple[str, Means]], first: Means, i: int) -> tuple[str, float, float]:
    """Return the family with the highest mean `i`, that mean, and its lead over `first`, 0 if that may be chance."""
    name, best = max(((name, row[i]) for name, row in known), key=lambda other: other[1].value)
    lead = best.value - first[i].value
    return name, best.value, lead if abs(lead) > _ERRORS * float(np.hypot(best.error, first[i].error)) else 0.0


def table(made: Mapping[str, Comparison]) -> pd.DataFrame:
    """Tabulate recall, and label precision in brackets, one row per family and one column per budget."""
    rows = []
    for name, one in made.items():
        cells = [_at(one, budget) for budget in BUDGETS]
        rows.append((name, *(f"{percent(c[0].value)} ({percent(c[1].value)})" if c else "" for c in cells)))
    return pd.DataFrame(rows, columns=["family", *(f"≤ {percent(budget, 1)}" for budget in BUDGETS)])


def _at(one: Comparison, budget: float) -> Means | None:
    """Return recall and label precision within a budget; None where no setting keeps it."""
    return next(((row.recall, row.label_precision) for row in one.rows if row.budget == budget), None)


def _line(one: Comparison, field: str) -> np.ndarray:
    found = {row.budget: getattr(row, field).value for row in one.rows}
    return np.array([found.get(budget, np.nan) for budget in BUDGETS])


def _compare(view: GridView, family: str) -> Comparison:
    s, sample, base = view.context.settings, view.sample, view.labels
    index = index_family(family, view.index.exact.X, base, s.metric, seed=s.seed)
    query_labels = view.context.dataset.labels_of(sample.split, sample.rows)
    return compare(
        {family: index}, sample.queries, query_labels, base, k=K_NEIGHBOURS, n_probes=PROBES, rows=view.own_rows
    )
