"""The quality and cost of one setting: recall, candidates, time and memory, measured over validation queries."""

from dataclasses import dataclass, replace

import streamlit as st

from lsh import SearchResult, recall_at_k
from lsh.analysis.timing import ms_per_query
from lsh.arrays import Float32Array
from ui.model.loading import PageContext, recall_grid_for, sample_for
from ui.model.state import K_NEIGHBOURS

_MAX_TIMED = 24  # maximum number of queries timed
_FULLY_TIMED = 50_000  # clips up to which all of them are timed, so that a moved slider shows its effect quickly


@dataclass(frozen=True, slots=True)
class SettingMetrics:
    """Quality and cost of a setting, means over `n_queries` validation queries; times in ms per query."""

    recall: float
    candidate_fraction: float
    ms: float
    exact_ms: float
    nbytes: int  # of the tables in use
    n_queries: int


def measure(context: PageContext) -> SettingMetrics | None:
    """Measure the setting in force; None where the dataset has no validation queries."""
    n_queries = len(sample_for(context.dataset, context.settings).rows)
    if not n_queries:
        return None
    ms, exact_ms = _times(setting_key(context), context)
    nbytes = context.index.nbytes_of(context.settings.n_tables)
    return SettingMetrics(*quality(context), ms, exact_ms, nbytes, n_queries)


def quality(context: PageContext) -> tuple[float, float]:
    """Return mean recall and candidate fraction; with one probe from the recall grid, else by searching once."""
    s = context.settings
    if s.n_probes == 1:
        return recall_grid_for(context).at(s.n_tables, s.n_bits)
    return _searched_quality(setting_key(context), context)


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
    return *context.index_key, s.n_tables, s.n_bits, s.n_probes


def _search(context: PageContext, queries: Float32Array) -> SearchResult:
    s = context.settings
    return context.index.search(queries, K_NEIGHBOURS, s.n_tables, s.n_bits, s.n_probes)


@st.cache_resource(max_entries=512, show_spinner=False)
def _searched_quality(key: tuple[object, ...], _context: PageContext) -> tuple[float, float]:  # noqa: ARG001
    sample = sample_for(_context.dataset, _context.settings)
    found = _search(_context, sample.queries)
    return float(recall_at_k(found, sample.truth).mean()), float(found.n_candidates.mean() / _context.index.n)


@st.cache_resource(max_entries=512, show_spinner=False)
def _times(key: tuple[object, ...], _context: PageContext) -> tuple[float, float]:  # noqa: ARG001
    """Return milliseconds per query of LSH and of exact search, interleaved; fewer queries if there are many clips."""
    index, queries = _context.index, sample_for(_context.dataset, _context.settings).queries
    n_queries = max(3, min(_MAX_TIMED, _MAX_TIMED * _FULLY_TIMED // index.n))
    searches = [lambda q: _search(_context, q), lambda q: index.exact.search(q, K_NEIGHBOURS)]
    ms, exact_ms = ms_per_query(searches, queries[:n_queries], rounds=2)
    return ms, exact_ms
