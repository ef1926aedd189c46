"""Recall and candidates of every setting, measured and predicted, cached for all visitors. Used by Tune and Learn."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from data_prep.dataset.label_sets import LabelSets
from lsh import LSHIndex, RecallGrid, predicted_recall
from ui.figures.marks import Floats, Grid, Ints
from ui.figures.palette import Mode
from ui.format import percent
from ui.model import loading, setting_metrics, theme
from ui.model.loading import PageContext, Sample
from ui.model.part import Part

TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class GridView:
    """Recall and cost of every setting, measured with validation queries.

    measured: every query at every setting with the probes in force; grid: its means.
    predicted: float[L, K], recall by theory with one probe per table; one_probe: its measured counterpart.
    part: of a large collection, among whose clips they are measured; None: among all clips.
    """

    context: PageContext
    sample: Sample
    measured: RecallGrid
    grid: Grid
    predicted: Floats
    one_probe: Grid
    mode: Mode
    part: Part | None = None

    @property
    def index(self) -> LSHIndex:
        """Return the index in which the settings are measured: the context's, or of a part its own."""
        return self.context.index if self.part is None else self.part.index

    @property
    def own_rows(self) -> npt.NDArray[np.int64] | None:
        """Return the rows of `index` that the queries are, None where they are in no index: int64[nq]."""
        return self.sample.own_rows if self.part is None else self.part.own_rows

    @property
    def labels(self) -> LabelSets:
        """Return the labels of the clips in `index`."""
        dataset = self.context.dataset
        return dataset.label_sets("train") if self.part is None else dataset.labels_of("train", self.part.rows)

    def with_probes(self, n_probes: int) -> Grid:
        """Measure every setting with another number of probes, or take it from the cache."""
        return _grid_with(self.context, n_probes, self.part)

    @property
    def here(self) -> tuple[int, int]:
        """Return the setting in force: (L, K)."""
        return self.context.settings.n_tables, self.context.settings.n_bits

    @property
    def here_recall(self) -> float:
        """Return the recall of the setting in force."""
        return self.grid.at(*self.here)[0]

    @property
    def here_looked_at(self) -> float:
        """Return the fraction of the collection that the setting in force looks at."""
        return self.grid.at(*self.here)[1]

    @property
    def hits(self) -> Ints:
        """Return how many neighbours of each query the setting in force finds: int[nq]."""
        return self.measured.hits[:, *self.grid.cell(*self.here)]


def measure(context: PageContext, part: Part | None = None) -> GridView:
    """Measure and predict every setting, or take both from the cache. Raises LSHError if LSH cannot index the data.

    part: of a large collection, among whose clips they are measured.
    """
    sample = loading.sample_for(context)
    measured = _measured(context, part)
    predicted = _predicted(context.index_key, context, sample)
    once = _grid_with(context, 1, part)
    return GridView(context, sample, measured, _grid_of(measured), predicted, once, theme.mode(), part)


def cheapest(grid: Grid, wanted: float) -> tuple[int, int] | None:
    """Return the (L, K) that reaches a recall by looking at the fewest clips; None if none reaches it."""
    reaches = grid.recall >= wanted
    if not reaches.any():
        return None
    row, column = np.unravel_index(np.where(reaches, grid.candidate_fraction, np.inf).argmin(), reaches.shape)
    return int(grid.n_tables[row]), int(grid.n_bits[column])


def cheapest_table(grid: Grid, wanted: float) -> pd.DataFrame:
    """Tabulate the cheapest setting for each of a few recalls, the wanted one included."""
    rows = []
    for target in sorted({*TARGETS, round(wanted, 2)}):
        best = cheapest(grid, target)
        looked = percent(grid.at(*best)[1]) if best else "out of reach"
        rows.append((percent(target), *(str(n) for n in best or ("", "")), looked))
    return pd.DataFrame(rows, columns=["recall ≥", "L", "K", "looked at"])


def doubling(grid: Grid, here: tuple[int, int]) -> str:
    """Say what twice the tables would find and cost, or half of them where there are not so many."""
    n_tables, n_bits = here
    twice = 2 * n_tables <= int(grid.n_tables[-1])
    other = 2 * n_tables if twice else n_tables // 2
    recall, looked_at = grid.at(n_tables, n_bits)
    other_recall, other_looked_at = grid.at(other, n_bits)
    return (
        f"{'Twice' if twice else 'Half'} the tables, L = {other} instead of {n_tables}, would find "
        f"{percent(other_recall)} of the nearest instead of {percent(recall)}, and look at "
        f"{percent(other_looked_at)} of the clips instead of {percent(looked_at)}."
    )


def _grid_of(measured: RecallGrid) -> Grid:
    """Return the means of a measured grid as the figures take them."""
    n_tables, n_bits = measured.recall.shape
    return Grid(np.arange(1, n_tables + 1), np.arange(1, n_bits + 1), measured.recall, measured.candidate_fraction)


def _grid_with(context: PageContext, n_probes: int, part: Part | None) -> Grid:
    settings = replace(context.settings, n_probes=n_probes)
    return _grid_of(_measured(replace(context, settings=settings), part))


def _measured(context: PageContext, part: Part | None) -> RecallGrid:
    return setting_metrics.recall_grid_for(context) if part is None else part.recall_grid(context.settings.n_probes)


@st.cache_resource(max_entries=8, show_spinner=False)
def _predicted(index_key: tuple[object, ...], _context: PageContext, _sample: Sample) -> Floats:  # noqa: ARG001  (the key)
    return predicted_recall(_context.index, _sample.queries, _sample.truth.ids)
