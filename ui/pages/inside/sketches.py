"""Inside: sketches, which select the candidates whose exact distance is computed."""

from functools import partial

import numpy as np
import streamlit as st

from lsh import LSHIndex
from lsh.analysis import inspecting
from lsh.analysis.estimates import estimated_distances
from lsh.sampling import evenly_spaced_marked
from lsh.sketches.sketch_rows import SketchRows
from ui.figures.estimates import estimates
from ui.format import of_a_part, percent, plural
from ui.model.query_view import QueryView, candidates
from ui.model.state import K_NEIGHBOURS
from ui.widgets.charts import draw

INTRO = """
Measuring the exact distance of every candidate is most of the work, and it need not be. An index can keep a **sketch**
of each clip: 44 bytes in place of its full features, from which a distance is estimated in a few nanoseconds. Only the
candidates with the best estimates are measured exactly (**re-ranked**).
"""
MAX_CANDIDATES = 20_000  # that are sketched; of more, as many evenly spaced ones


def show(view: QueryView) -> None:
    """Draw each candidate's estimated distance against its true one, and which are re-ranked."""
    s, index = view.settings, view.index
    n_candidates, rows = view.answer.n_candidates, evenly_spaced_marked(candidates(view), MAX_CANDIDATES)
    if len(rows) < 2:
        st.info("There are no candidates to choose from. Use fewer bits, K, or more tables, L.")
        return
    text, choice = st.columns([3, 2], gap="large")
    with choice:
        n_reranked = st.slider("Candidates re-ranked, the best by sketch", K_NEIGHBOURS, 200, 40, 10, key="reranked")
    sketches = _rotation((view.context.dataset.fingerprint, s.metric, s.seed), index).of(index.exact, rows)
    estimated = estimated_distances(sketches, index.exact, view.query, np.arange(len(rows)))
    order = np.argsort(estimated, kind="stable")
    rows, estimated = rows[order], estimated[order]
    ids, distances = inspecting.nearest_of(index, view.query, rows, len(rows))
    by_id = np.argsort(ids)
    true = distances[by_id[np.searchsorted(ids, rows, sorter=by_id)]].astype(np.float64)
    nearest = np.argsort(true, kind="stable")[:K_NEIGHBOURS]  # ranks by estimate
    kept = (nearest < n_reranked).tolist()
    limit = float(estimated[min(n_reranked, len(rows)) - 1])
    with text:
        st.markdown(INTRO)
    off = float(np.abs(estimated - true).mean() / (true.std() or 1.0))
    deepest = int(nearest.max()) + 1
    st.markdown(describe_sketches(n_candidates, len(rows), n_reranked, sum(kept), deepest, len(nearest), off))
    draw(
        partial(estimates, true, estimated, limit, np.stack([true[nearest], estimated[nearest]]), kept, view.mode),
        f"{len(rows):,} candidates by true distance and by sketch, close to the diagonal. The line of re-ranking lies "
        f"at {limit:.2f}; {sum(kept)} of the {len(nearest)} nearest candidates are below it.",
        "estimates",
    )


@st.cache_resource(max_entries=3, show_spinner=False)
def _rotation(key: tuple[str, str, int], _index: LSHIndex) -> SketchRows:
    """Return what the sketches of all clips have in common, without any sketch."""
    return SketchRows.draw(_index.exact, _index.hasher.centre, np.random.default_rng(key[2]))


def describe_sketches(
    n_candidates: int, n_compared: int, n_reranked: int, kept: int, deepest: int, n_nearest: int, off: float
) -> str:
    """State how well sketches rank the candidates, of which `n_compared` were compared.

    kept: how many of the nearest are re-ranked; deepest: rank by estimate of the last of them; off: mean error of an
    estimate in standard deviations of the distances.
    """
    if n_candidates <= n_reranked:
        return f"Your sound has only {plural(n_candidates, 'candidate')}: all are measured, there is nothing to spare."
    fate = "all of which come out" if kept == n_nearest else f"of which {kept} come out: re-rank {deepest} to lose none"
    part = of_a_part(n_compared, n_candidates, "candidates")
    these = f"{part} Of these" if part else f"Of {n_candidates:,} candidates"
    return (
        f"{these} **{n_reranked} are re-ranked**, {percent(n_reranked / n_compared)}. In the "
        f"order of the sketches the {n_nearest} nearest candidates are all among the first **{deepest}**, {fate}. An "
        f"estimate is off by {percent(off)} of how much the distances themselves vary."
    )
