"""Quality and cost of one setting: recall, candidates, time and memory, measured over validation queries."""

import time
from dataclasses import dataclass, replace

import streamlit as st

from lsh import LSHIndex, SearchResult
from lsh.analysis.evaluation import REMOTE_QUERIES
from lsh.analysis.timing import SearchTimes, search_times
from lsh.arrays import Float32Array
from lsh.quality import mean_recall
from ui import cluster
from ui.model import stopwatch
from ui.model.loading import PageContext, is_large, recall_grid_for, sample_for
from ui.model.state import K_NEIGHBOURS
from ui.model.stopwatch import TimeKey


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
    """Return mean recall and candidate fraction; with one probe from the recall grid, else by searching once.

    In a large collection the grid takes too long for a visitor to wait.
    """
    s = context.settings
    if s.n_probes == 1 and s.k == K_NEIGHBOURS and not s.only and not is_large(context.dataset):
        return recall_grid_for(context).at(s.n_tables, s.n_bits)
    return _searched_quality(key=repr(setting_key(context)), _context=context)


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
def _searched_quality(key: str, _context: PageContext) -> tuple[float, float]:  # noqa: ARG001
    sample = sample_for(_context)
    found = sample.search(lambda queries, k: _search(_context, _context.index, queries, k))
    return mean_recall(found, sample.truth), float(found.n_candidates.mean() / _context.n_allowed)
