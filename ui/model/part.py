"""Part of a large collection: a sample of its clips and the neighbours of the queries, to measure every setting in."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from lsh import ExactSearch, LSHIndex, RecallGrid, recall_grid
from lsh.arrays import Float32Array
from ui.format import plural
from ui.model.loading import PageContext, Sample
from ui.model.state import K_NEIGHBOURS

MAX_ROWS = 100_000  # of a large collection, among which every setting is measured, or which race


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a large collection, among which every setting is measured.

    rows: int64[m], ascending rows of the train split: the 10 nearest neighbours of each query of `sample_for`, and the
        first rows, which are a random sample. index: of these, with the hash functions of the collection's index. So
        its recall is that of the whole collection. own_rows: those of this index that the queries are, int64[nq], None
        where they are in none. grids: by number of probes.
    """

    rows: npt.NDArray[np.int64]
    index: LSHIndex
    queries: Float32Array
    own_rows: npt.NDArray[np.int64] | None = None
    grids: dict[int, RecallGrid] = field(default_factory=dict)

    def recall_grid(self, n_probes: int) -> RecallGrid:
        """Return recall and candidate fraction at every L and K, measured once.

        The queries' neighbours are in the part on purpose, and would be more of it than of the whole: among the
        candidates they are not counted.
        """
        if n_probes not in self.grids:
            grid = recall_grid(self.index, self.queries, K_NEIGHBOURS, n_probes, self.own_rows)
            self.grids[n_probes] = replace(grid, looked_at=grid.looked_at - grid.hits)
        return self.grids[n_probes]


def known(context: PageContext) -> Part | None:
    """Return the part of a large collection, if every setting is measured there with the probes in force."""
    part = _parts().get(context.index_key)
    return part if part is not None and {1, context.settings.n_probes} <= part.grids.keys() else None


def measure(context: PageContext, sample: Sample, report: Callable[[float, str], object]) -> None:
    """Draw the part of a large collection and measure every setting there, for `known`; for a background job.

    sample: `sample_for(context)`. report: is called with the fraction done and what is done next.
    """
    parts = _parts()
    part = parts.get(context.index_key)
    if part is None:
        parts.clear()
        report(0.0, "drawing them")
        rows = _rows_of_part(context.index.exact, sample)
        report(0.25, "sorting them into hash tables")
        own = None if sample.own_rows is None else np.searchsorted(rows, sample.own_rows)
        part = parts[context.index_key] = Part(rows, context.index.subset(rows), sample.queries, own)
    for share, n_probes in ((0.7, 1), (0.8, context.settings.n_probes)):
        report(share, f"trying every setting with {plural(n_probes, 'probe')}")
        part.recall_grid(n_probes)


@st.cache_resource(show_spinner=False)
def _parts() -> dict[tuple[object, ...], Part]:
    """Return the part made last, by the key of its collection's index."""
    return {}


def _rows_of_part(exact: ExactSearch, sample: Sample) -> npt.NDArray[np.int64]:
    """Return the rows of a part: the queries' true neighbours, and the first of the others, ascending: int64[m]."""
    own = np.empty(0, np.int64) if sample.own_rows is None else sample.own_rows
    k = K_NEIGHBOURS + (sample.own_rows is not None)
    neighbours = np.union1d(exact.neighbours_with_ties(sample.queries, k)[1], own)
    if len(neighbours) > MAX_ROWS // 2:  # in a collection of copies all of them are equally near
        neighbours = np.union1d(sample.truth.ids, own)
    first = np.setdiff1d(np.arange(min(MAX_ROWS, len(exact.X))), neighbours, assume_unique=True)
    return np.union1d(first[: MAX_ROWS - len(neighbours)], neighbours)
