"""The quality and cost of one setting: recall, candidates, time and memory, measured over validation queries."""

from dataclasses import dataclass

import streamlit as st

from lsh import LSHIndex, recall_at_k
from lsh.analysis.timing import ms_per_query
from ui.model.loading import PageContext, Sample, recall_grid_for, sample_for
from ui.model.state import K_NEIGHBOURS, Settings

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


def measure(context: PageContext, settings: Settings | None = None) -> SettingMetrics | None:
    """Measure a setting, by default the one in force; None where the dataset has no validation queries."""
    s = settings or context.settings
    sample = sample_for(context.dataset, s)
    if not len(sample.rows):
        return None
    recall, candidates = quality(context, s, sample)
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width)
    return SettingMetrics(
        recall,
        candidates,
        *_times(key, s.n_tables, s.n_bits, s.n_probes, context.index, sample),
        context.index.nbytes_of(s.n_tables),
        len(sample.rows),
    )


def quality(context: PageContext, s: Settings, sample: Sample) -> tuple[float, float]:
    """Return mean recall and candidate fraction; with one probe from the recall grid, else by searching once."""
    if s.n_probes == 1:
        return recall_grid_for(context).at(s.n_tables, s.n_bits)
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width)
    return _searched_quality(key, s.n_tables, s.n_bits, s.n_probes, context.index, sample)


def one_more_table(context: PageContext, now: SettingMetrics) -> tuple[float, float] | None:
    """Return what one more table would add to recall and to the candidate fraction; None at the last table."""
    s = context.settings
    if s.n_tables >= context.index.params.n_tables:
        return None
    more = Settings(s.dataset, s.metric, s.n_tables + 1, s.n_bits, s.n_probes, s.seed, s.bucket_width)
    recall, candidates = quality(context, more, sample_for(context.dataset, s))
    return recall - now.recall, candidates - now.candidate_fraction


@st.cache_resource(max_entries=512, show_spinner=False)
def _searched_quality(
    key: tuple[object, ...],  # noqa: ARG001
    n_tables: int,
    n_bits: int,
    n_probes: int,
    _index: LSHIndex,
    _sample: Sample,
) -> tuple[float, float]:
    found = _index.search(_sample.queries, K_NEIGHBOURS, n_tables, n_bits, n_probes)
    return float(recall_at_k(found, _sample.truth).mean()), float(found.n_candidates.mean() / _index.n)


@st.cache_resource(max_entries=512, show_spinner=False)
def _times(
    key: tuple[object, ...],  # noqa: ARG001
    n_tables: int,
    n_bits: int,
    n_probes: int,
    _index: LSHIndex,
    _sample: Sample,
) -> tuple[float, float]:
    """Return milliseconds per query of LSH and of exact search, interleaved; fewer queries if there are many clips."""
    n_queries = max(3, min(_MAX_TIMED, _MAX_TIMED * _FULLY_TIMED // _index.n))
    searches = [
        lambda q: _index.search(q, K_NEIGHBOURS, n_tables, n_bits, n_probes),
        lambda q: _index.exact.search(q, K_NEIGHBOURS),
    ]
    ms, exact_ms = ms_per_query(searches, _sample.queries[:n_queries], rounds=2)
    return ms, exact_ms
