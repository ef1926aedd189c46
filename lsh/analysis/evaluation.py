"""Evaluation of one setting: recall, label precision, candidates, time and memory, in one record."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.analysis.search_config import Index, RemoteIndex, default_setting
from lsh.analysis.timing import n_timed, search_times
from lsh.arrays import Int64Array
from lsh.errors import ParameterError
from lsh.quality import Labels, label_precision_at_k, mean_recall, recall_at_k
from lsh.sampling import evenly_spaced

REMOTE_QUERIES = 20  # timed of an index on other machines, where each takes milliseconds on the way


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One setting measured on `queries` queries.

    index: "tables", "sketches", "graph" or "exact"; settings that this kind of index does not have are None.
    recall: mean recall@k against exact search, `recall_error` its standard error over queries. label_precision: mean
    share of the k neighbours that share a label with the query; exact_label_precision: the same for exact search.
    candidate_fraction: mean fraction of the collection that become candidates. ms_per_query: one query at a time on
    one thread, interleaved with exact search, over `timed_queries` of the queries; time_spread: the fraction by which
    the slowest of several rounds was slower than the fastest.
    """

    index: str
    metric: str
    n_tables: int | None
    n_bits: int | None
    n_buckets: int | None
    n_probes: int | None
    n_reranked: int | None
    n_kept: int | None
    k: int
    queries: int
    recall: float
    recall_error: float
    label_precision: float
    exact_label_precision: float
    candidate_fraction: float
    ms_per_query: float
    exact_ms_per_query: float
    time_spread: float
    timed_queries: int
    index_bytes: int

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Return the record as plain values, for JSON, in which `candidate_fraction` is named "candidates"."""
        record = asdict(self)
        return record | {"candidates": record.pop("candidate_fraction")}


def evaluate(
    index: Index | RemoteIndex,
    Q: npt.ArrayLike,
    query_labels: Labels,
    base_labels: Labels,
    *,
    k: int = 10,
    rows: Int64Array | None = None,
    **setting: int | None,
) -> Evaluation:
    """Measure one setting on queries Q (float32[nq, d], nq >= 1), whose labels are given in their order.

    rows: int64[nq], of the index, which are the queries: each is left out of its own answers.
    setting: the arguments of the index's `search` except k, such as n_tables, n_bits and n_probes. The times of an
    index on other machines are those on the clock, not of this process's CPU.
    """
    exact, is_local = index.exact, isinstance(index, Index)
    queries = validate.queries(Q, exact.X.shape[1])
    kind, applied = _applied(index, setting)
    if rows is None:
        found, truth = index.search(queries, k, **applied), exact.search(queries, k)
    else:
        found = index.search(queries, k + 1, **applied).without(rows)
        truth = exact.search(queries, k + 1).without(rows)
    recalls = recall_at_k(found, truth)
    times = search_times(
        lambda q: index.search(q, k, **applied),
        lambda q: exact.search(q, k),
        evenly_spaced(queries, n_timed(len(exact.X)) if is_local else REMOTE_QUERIES),
        own_clock=None if is_local else time.perf_counter,
    )
    sized: Any = index
    return Evaluation(
        index=kind,
        metric=exact.metric,
        n_buckets=sized.n_buckets if kind == "sketches" else None,
        **{name: applied.get(name) for name in ("n_tables", "n_bits", "n_probes", "n_reranked", "n_kept")},
        k=k,
        queries=len(queries),
        recall=mean_recall(found, truth),
        recall_error=float(recalls.std() / np.sqrt(len(queries))),
        label_precision=float(label_precision_at_k(found.ids, query_labels, base_labels).mean()),
        exact_label_precision=float(label_precision_at_k(truth.ids, query_labels, base_labels).mean()),
        candidate_fraction=float(found.n_candidates.mean() / len(exact.X)),
        ms_per_query=times.ms,
        exact_ms_per_query=times.exact_ms,
        time_spread=times.spread,
        timed_queries=times.n_queries,
        index_bytes=sized.nbytes_of(applied["n_tables"]) if kind == "tables" else index.nbytes,
    )


def _applied(index: Index | RemoteIndex, setting: Mapping[str, int | None]) -> tuple[str, dict[str, int]]:
    """Return the kind of an index and the setting with its defaults; raise for settings of another kind."""
    given = {name: validate.integer(value, name, 1, 2**31 - 1) for name, value in setting.items() if value is not None}
    usual = default_setting(index)
    names = {*usual, "n_reranked"} if usual and index.kind != "graph" else set(usual)
    unknown = sorted(set(given) - names)
    if unknown:
        raise ParameterError(
            f"{unknown[0]} is no setting of {index.kind}; expected {', '.join(sorted(names)) or 'none'}"
        )
    return index.kind, usual | given
