"""A step between candidates and answer: sketches choose which candidates deserve an exact distance."""

import numpy as np
import streamlit as st

from lsh import LSHIndex, inspecting
from lsh.estimates import estimated_distances
from lsh.sampling import evenly_spaced_rows
from lsh.sketch_rows import SketchRows
from ui import inside_lessons as words
from ui.charts import draw
from ui.figures.estimates import estimates
from ui.inside_view import View
from ui.state import K_NEIGHBOURS

MOST = 20_000  # candidates whose sketches are read here; more are sampled


def show(view: View) -> None:
    """Draw each candidate's distance by sketch against its true one, and which were re-ranked."""
    s, index = view.s, view.context.index
    walk = inspecting.walk(index, view.query, s.n_tables, s.n_bits, s.n_probes)
    rows = np.unique(np.concatenate([bucket.ids for table in walk for bucket in table]))
    rows = rows[rows != view.own]
    if len(rows) < 2:
        st.info("There are no candidates to choose from. Use fewer bits, K, or more tables, L.")
        return
    n_candidates, rows = len(rows), rows[evenly_spaced_rows(len(rows), MOST)]
    said, choice = st.columns([3, 2], gap="large")
    with choice:
        n_reranked = st.slider("Re-ranked: the best so many by sketch", K_NEIGHBOURS, 200, 40, 10, key="reranked")
    sketches = _sketches((view.context.dataset.fingerprint, s.metric, s.seed), index)
    estimated = estimated_distances(sketches, index.exact, view.query, rows)
    order = np.argsort(estimated, kind="stable")
    rows, estimated = rows[order], estimated[order]
    ids, distances = inspecting.nearest_of(index, view.query, rows, len(rows))
    by_id = np.argsort(ids)
    true = distances[by_id[np.searchsorted(ids, rows, sorter=by_id)]].astype(np.float64)
    nearest = np.argsort(true, kind="stable")[:K_NEIGHBOURS]  # places in the order of the sketches
    kept = (nearest < n_reranked).tolist()
    limit = float(estimated[min(n_reranked, len(rows)) - 1])
    with said:
        st.markdown(words.SKETCHES)
    off = float(np.abs(estimated - true).mean() / (true.std() or 1.0))
    st.markdown(words.sketches(n_candidates, n_reranked, sum(kept), int(nearest.max()) + 1, len(nearest), off))
    draw(
        estimates(true, estimated, limit, np.stack([true[nearest], estimated[nearest]]), kept, view.mode),
        f"{len(rows):,} candidates by true distance and by sketch, close to the diagonal. The line of re-ranking lies "
        f"at {limit:.2f}; {sum(kept)} of the {len(nearest)} nearest candidates are below it.",
    )


@st.cache_resource(max_entries=3, show_spinner="Sketching every clip in 44 bytes…")
def _sketches(key: tuple[str, str, int], _index: LSHIndex) -> SketchRows:
    return SketchRows.build(_index.exact, np.random.default_rng(key[2]))
