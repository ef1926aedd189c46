"""Quality and cost of one setting: recall, candidates, time and memory, measured over validation queries."""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

import streamlit as st

from lsh import LSHIndex, RecallGrid, SearchResult, recall_grid
from lsh.analysis.evaluation import REMOTE_QUERIES
from lsh.analysis.timing import SearchTimes, search_times
from lsh.arrays import Float32Array
from lsh.quality import mean_recall
from ui import cluster
from ui.model import stopwatch
from ui.model.exclusive import RUNS
from ui.model.loading import PageContext, is_large, sample_for
from ui.model.state import K_NEIGHBOURS
from ui.model.stopwatch import TimeKey

MAX_GRIDS = 8
SEARCHED_BEFORE_GRID = 3  # settings; a grid takes much longer than one of them
MAX_COUNTED = 500  # indexes and numbers of probes of which no grid is known


@dataclass(frozen=True, slots=True)
class SettingMetrics:
    """Quality and cost of a setting, means over `n_queries` of `loading.Sample`; `times` is None until measured."""

    recall: float
    candidate_fraction: float
    times: SearchTimes | None
    nbytes: int  # of the tables in use
    n_queries: int
    split: str  # of the queries


def measure(context: PageContext) -> SettingMetrics | None:
    """Measure the setting in force; None without queries: fewer than two clips, or none that the filter allows."""
    sample = sample_for(context)
    if len(sample.rows) < 1 + (sample.own_rows is not None) or not sample.truth.n_found.any():
        return None
    nbytes = context.index.nbytes_of(context.settings.n_tables)
    return SettingMetrics(*quality(context), times(context), nbytes, len(sample.rows), sample.split)


def times(context: PageContext, part: LSHIndex | None = None) -> SearchTimes | None:
    """Return the times of the setting in force; None while they are being measured in the background.

    part: an index of a part of the collection, whose times are wanted instead.
    """
    sample, index, allowed = sample_for(context), part or context.index, context.allowed
    is_local = isinstance(index, LSHIndex)

    def measure() -> SearchTimes:
        return search_times(
            lambda q: _search(context, index, q, sample.k),
            lambda q: index.exact.search(q, sample.k, allowed=allowed),
            *(sample.queries if is_local else sample.queries[:REMOTE_QUERIES], sample.split),
            None if is_local else time.perf_counter,
        )

    return stopwatch.shared().times(_time_key(context, part), measure)


def known_times(context: PageContext) -> SearchTimes | None:
    """Return the times of the setting in force if they are known on this machine; measures nothing."""
    return stopwatch.shared().known(_time_key(context))


def times_failed(context: PageContext, part: LSHIndex | None = None) -> bool:
    """Return whether measuring what `times` returns failed, so that there will be none."""
    return stopwatch.shared().has_failed(_time_key(context, part))


def quality(context: PageContext) -> tuple[float, float]:
    """Return mean recall and candidate fraction: from the recall grid, or by searching once where it is not known.

    With one probe the grid is measured for it; with more, which takes longer, in the background after a few searches.
    In a large collection it takes too long.
    """
    s = context.settings
    in_grid = s.k == K_NEIGHBOURS and not s.only and not is_large(context.dataset)
    if in_grid and (s.n_probes == 1 or _grids().known(context) is not None):
        return recall_grid_for(context).at(s.n_tables, s.n_bits)
    return _searched_quality(key=repr(setting_key(context)), _context=context, _in_grid=in_grid)


def recall_grid_for(context: PageContext) -> RecallGrid:
    """Return recall and candidate fraction at every L and K with the probes in force, over `sample_for`'s queries."""
    known = _grids().known(context)
    if known is not None:
        return known
    with st.spinner("Measuring…"):
        return _grids().of(context)


def one_more_table(context: PageContext, now: SettingMetrics) -> tuple[float, float] | None:
    """Return what one more table would add to recall and to the candidate fraction; None at the last table."""
    s = context.settings
    if s.n_tables >= context.index.params.n_tables:
        return None
    recall, candidates = quality(replace(context, settings=replace(s, n_tables=s.n_tables + 1)))
    return recall - now.recall, candidates - now.candidate_fraction


def setting_key(context: PageContext) -> tuple[object, ...]:
    """Return the index and the setting in force as a key of caches."""
    s = context.settings
    return *context.index_key, s.n_tables, s.n_bits, s.n_probes, s.k, s.only


class Grids:
    """Recall and candidate fraction at every L and K, by index and number of probes, each measured once for all."""

    def __init__(self) -> None:
        self._grids: dict[str, RecallGrid] = {}  # the newest last
        self._searched: Counter[str] = Counter()
        self._lock = threading.Lock()  # of a measurement

    def known(self, context: PageContext) -> RecallGrid | None:
        """Return the grid with the probes in force if it is known."""
        return self._grids.get(self._key(context))

    def of(self, context: PageContext) -> RecallGrid:
        """Return the grid with the probes in force, measured unless it is known."""
        with self._lock:
            found = self.known(context)
            if found is None:
                sample = sample_for(context)
                n_probes, own = context.settings.n_probes, sample.own_rows
                found = recall_grid(context.index, sample.queries, K_NEIGHBOURS, n_probes, own)
                del self._searched[self._key(context)]
                self._grids = {**dict(list(self._grids.items())[1 - MAX_GRIDS :]), self._key(context): found}
            return found

    def request(self, context: PageContext) -> None:
        """Count a setting that is searched; after `SEARCHED_BEFORE_GRID` measure the grid in the background, once."""
        key = self._key(context)
        if len(self._searched) > MAX_COUNTED:
            self._searched.clear()
        self._searched[key] += 1
        if self._searched[key] == SEARCHED_BEFORE_GRID:
            threading.Thread(target=self._measure, args=(context,), name="recall grid", daemon=True).start()

    def _measure(self, context: PageContext) -> None:
        RUNS.wait_until_idle(stopwatch.MAX_DELAY_S)
        try:
            self.of(context)
        except Exception:
            logging.getLogger(__name__).exception("cannot measure every setting")

    @staticmethod
    def _key(context: PageContext) -> str:
        return f"{context.index_key} {context.settings.n_probes}"


@st.cache_resource(show_spinner=False)
def _grids() -> Grids:
    """Return the grids that all visitors share."""
    return Grids()


def _time_key(context: PageContext, part: LSHIndex | None = None) -> TimeKey:
    s = context.settings
    setting = f"L={s.n_tables} K={s.n_bits} probes={s.n_probes} seed={s.seed} width={context.index.bucket_width}"
    # In a part, exact search has another time.
    clips = "" if part is None or part.n == context.index.n else f" {part.n} clips"
    if not isinstance(context.index, LSHIndex):
        clips = f"{clips} on {cluster.scheduler()}"
    of = "" if s.k == K_NEIGHBOURS and not s.only else f" {s.k} nearest of {s.only}"
    return TimeKey(f"{context.dataset.fingerprint}{clips}{of}", s.metric, setting, is_kept=not of)


def _search(context: PageContext, index: LSHIndex, queries: Float32Array, k: int) -> SearchResult:
    s = context.settings
    setting = {"n_tables": s.n_tables, "n_bits": s.n_bits, "n_probes": s.n_probes}
    return index.search(queries, k, **setting, allowed=context.allowed)


@st.cache_resource(max_entries=512, show_spinner=False)
def _searched_quality(key: str, _context: PageContext, *, _in_grid: bool) -> tuple[float, float]:  # noqa: ARG001
    if _in_grid:
        _grids().request(_context)
    sample = sample_for(_context)
    found = sample.search(lambda queries, k: _search(_context, _context.index, queries, k))
    return mean_recall(found, sample.truth), float(found.n_candidates.mean() / _context.n_allowed)
