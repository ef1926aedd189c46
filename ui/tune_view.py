"""What the Tune page looks at: every setting measured and predicted, made once for all visitors."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from lsh import Surface, predicted_recall
from ui import charts, loading
from ui.figures import Grid, Mode
from ui.figures.marks import Floats, Ints
from ui.loading import PageContext, Sample
from ui.state import K_NEIGHBOURS
from ui.stopwatch import Stopwatch

BESIDE = (5, 2)  # a chart, and its few numbers beside it


@dataclass(frozen=True, slots=True)
class View:
    """What was measured, and where you are.

    surface: every query at every setting with the probes in force; grid: its recall; candidates float[L, K]: the share
    of the collection looked at there.
    predicted float[L, K]: recall by theory with one probe a table; one_probe: its measured counterpart.
    """

    context: PageContext
    sample: Sample
    surface: Surface
    grid: Grid
    candidates: Floats
    predicted: Floats
    one_probe: Grid
    mode: Mode

    @property
    def here(self) -> tuple[int, int]:
        """Return the setting in force: (L, K)."""
        return self.context.settings.n_tables, self.context.settings.n_bits

    @property
    def here_recall(self) -> float:
        """Return the recall of the setting in force."""
        return float(self.grid.recall[self.grid.cell(*self.here)])

    @property
    def here_looked_at(self) -> float:
        """Return the share of the collection that the setting in force looks at."""
        return float(self.candidates[self.grid.cell(*self.here)])

    @property
    def hits(self) -> Ints:
        """Return how many of its neighbours each query finds at the setting in force: int[nq]."""
        return self.surface.hits[:, *self.grid.cell(*self.here)]


def look(context: PageContext) -> View:
    """Measure and predict every setting, or take both from the cache. Raises LSHError for data that LSH cannot take."""
    sample = loading.sample_for(context.dataset, context.settings)
    surface = loading.surface_for(context)
    grid = _grid(surface.recall)
    once = grid if context.settings.n_probes == 1 else _grid(loading.surface_for(_with_one_probe(context)).recall)
    predicted = _predicted(key(context), context, sample)
    return View(context, sample, surface, grid, surface.candidates, predicted, once, charts.mode())


def stopwatch(view: View) -> Stopwatch:
    """Return the stopwatch that every visitor of this index shares, run or not."""
    return _stopwatch((*key(view.context), view.context.settings.n_probes), view.context, view.sample)


def key(context: PageContext) -> tuple[object, ...]:
    """Name an index: the names that decide it, never its arrays."""
    s = context.settings
    return context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width


def _with_one_probe(context: PageContext) -> PageContext:
    return replace(context, settings=replace(context.settings, n_probes=1))


def _grid(recall: Floats) -> Grid:
    n_tables, n_bits = recall.shape
    return Grid(np.arange(1, n_tables + 1), np.arange(1, n_bits + 1), recall)


@st.cache_resource(max_entries=8, show_spinner=False)
def _predicted(key: tuple[object, ...], _context: PageContext, _sample: Sample) -> Floats:  # noqa: ARG001  (the key)
    return predicted_recall(_context.index, _sample.queries, _sample.truth.ids)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stopwatch(key: tuple[object, ...], _context: PageContext, _sample: Sample) -> Stopwatch:  # noqa: ARG001  (the key)
    return Stopwatch(_context.index, _sample.queries, K_NEIGHBOURS, _context.settings.n_probes)
