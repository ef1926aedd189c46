"""The four numbers that stand on every page: what the setting in force finds, and what it costs."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lsh import LSHIndex, recall_at_k
from lsh.timing import ms_per_query
from ui.loading import PageContext, Sample, sample_for, surface_for
from ui.state import K_NEIGHBOURS, Settings

_TIMED = 24  # queries that are searched one by one
_QUICK = 50_000  # clips up to which all of them are timed: moving a slider must not make anyone wait


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over the sample of validation queries."""

    recall: float
    candidates: float  # share of the collection, 0 to 1
    ms: float
    exact_ms: float
    megabytes: float
    n_queries: int


def measure(context: PageContext, settings: Settings | None = None) -> Measures | None:
    """Measure a setting (the one in force, unless another is given); None where there are no validation queries."""
    s = settings or context.settings
    sample = sample_for(context.dataset, s)
    if not len(sample.rows):
        return None
    recall, candidates = quality(context, s, sample)
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width)
    return Measures(
        recall,
        candidates,
        *_times(key, s.n_tables, s.n_bits, s.n_probes, context.index, sample),
        context.index.nbytes_of(s.n_tables) / 1e6,
        len(sample.rows),
    )


def quality(context: PageContext, s: Settings, sample: Sample) -> tuple[float, float]:
    """Return mean recall and share of candidates: from the whole surface, or by searching where probes make it dear."""
    if s.n_probes == 1:
        return surface_for(context).at(s.n_tables, s.n_bits)
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width)
    return _searched_quality(key, s.n_tables, s.n_bits, s.n_probes, context.index, sample)


def one_more_table(context: PageContext, now: Measures) -> tuple[float, float] | None:
    """Return what one more table would add to recall and to the share looked at; None at the last table."""
    s = context.settings
    if s.n_tables >= context.index.params.n_tables:
        return None
    more = Settings(s.dataset, s.metric, s.n_tables + 1, s.n_bits, s.n_probes, s.seed, s.bucket_width)
    recall, candidates = quality(context, more, sample_for(context.dataset, s))
    return recall - now.recall, candidates - now.candidates


def place() -> DeltaGenerator:
    """Keep the four numbers' place at the top of a page, for `strip` to fill when the page's own work is done."""
    return st.container(key="measures")


def strip(context: PageContext, into: DeltaGenerator | None = None) -> Measures | None:
    """Draw the four numbers, each beside exact search and with its change since the setting before."""
    with into or place():
        now = measure(context)
        if now is None:
            st.caption("This collection has no validation queries, so recall and speed are not measured.")
            return None
        before = _before(context.settings, now)
        over = f"Measured on this machine over {now.n_queries} validation queries."
        _number(
            "recall@10",
            lambda m: 100 * m.recall,
            "%",
            "100 %",
            now,
            before,
            f"Share of the 10 nearest that LSH finds. {over}",
        )
        _number(
            "looked at",
            lambda m: 100 * m.candidates,
            "%",
            "100 %",
            now,
            before,
            f"Share of the clips compared with the query. {over}",
        )
        _number(
            "time a query",
            lambda m: m.ms,
            "ms",
            f"{_digits(now.exact_ms)} ms",
            now,
            before,
            f"Mean time of one search, one at a time. {over}",
        )
        _number(
            "index",
            lambda m: m.megabytes,
            "MB",
            "0 MB",
            now,
            before,
            "Memory that the tables in use take, beside the features.",
        )
    return now


def _number(
    label: str,
    value: Callable[[Measures], float],
    unit: str,
    exact: str,
    now: Measures,
    before: Measures | None,
    meaning: str,
) -> None:
    change = value(now) - value(before) if before else 0.0
    shown = _digits(abs(change))
    delta = f"{'+' if change > 0 else '-'}{shown}" if float(shown) else None
    st.metric(
        label,
        f"{_digits(value(now))} {unit}",
        delta,
        delta_color="off",
        delta_description=f"exact {exact}",
        help=meaning,
    )


def _digits(value: float) -> str:
    """Write a number with two or three digits that mean something."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def _before(s: Settings, now: Measures) -> Measures | None:
    """Remember the last two settings' measures; return those of the setting before, if the collection is the same."""
    key = (s.dataset, s.metric, s.n_tables, s.n_bits, s.n_probes, s.seed, s.bucket_width)
    seen: list[tuple[tuple[object, ...], Measures]] = st.session_state.setdefault("measured", [])
    if not seen or seen[-1][0] != key:
        seen.append((key, now))
        del seen[:-2]
    return seen[0][1] if len(seen) == 2 and seen[0][0][:2] == key[:2] else None


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
    """Return milliseconds a query of LSH and of exact search, taking turns; fewer turns on a big collection."""
    n_queries = max(3, min(_TIMED, _TIMED * _QUICK // _index.n))
    searches = [
        lambda q: _index.search(q, K_NEIGHBOURS, n_tables, n_bits, n_probes),
        lambda q: _index.exact.search(q, K_NEIGHBOURS),
    ]
    ms, exact_ms = ms_per_query(searches, _sample.queries[:n_queries], rounds=2)
    return ms, exact_ms
