"""Everything that one setting achieves, in one record: recall, label precision, cost."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.index import LSHIndex
from lsh.quality import LabelSets, label_precision_at_k, recall_at_k
from lsh.sampling import evenly_spaced
from lsh.timing import MANY_QUERIES, ms_per_query


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One setting measured on `queries` queries.

    recall: mean recall@k against exact search, `recall_error` its standard error over queries. label_precision: mean
    share of the k neighbours that share a label with the query; exact_label_precision: the same for exact search.
    candidates: mean share of the collection looked at, 0 to 1. ms_per_query: one query at a time, one thread of
    Python; exact search in turns with it.
    """

    metric: str
    n_tables: int
    n_bits: int
    n_probes: int
    k: int
    queries: int
    recall: float
    recall_error: float
    label_precision: float
    exact_label_precision: float
    candidates: float
    ms_per_query: float
    exact_ms_per_query: float
    index_bytes: int

    def as_dict(self) -> dict[str, str | int | float]:
        """Return the record as plain values, for JSON."""
        return asdict(self)


def evaluate(
    index: LSHIndex,
    Q: npt.ArrayLike,
    query_labels: LabelSets,
    base_labels: LabelSets,
    *,
    k: int = 10,
    n_tables: int | None = None,
    n_bits: int | None = None,
    n_probes: int = 1,
) -> Evaluation:
    """Measure one setting on queries Q (float32[nq, d], nq >= 1), whose labels are given in their order."""
    queries = validate.queries(Q, index.dim)
    n_tables, n_bits, n_probes = index.params.setting(n_tables, n_bits, n_probes)
    found = index.search(queries, k, n_tables, n_bits, n_probes)
    truth = index.exact.search(queries, k)
    recalls, most = recall_at_k(found, truth), min(k, index.n)
    ms, exact_ms = ms_per_query(
        [lambda q: index.search(q, k, n_tables, n_bits, n_probes), lambda q: index.exact.search(q, k)],
        evenly_spaced(queries, MANY_QUERIES),
    )
    return Evaluation(
        metric=index.params.metric,
        n_tables=n_tables,
        n_bits=n_bits,
        n_probes=n_probes,
        k=k,
        queries=len(queries),
        recall=float(np.rint(recalls * most).sum() / (most * len(queries))),  # in whole neighbours, as `surface`
        recall_error=float(recalls.std() / np.sqrt(len(queries))),
        label_precision=float(label_precision_at_k(found.ids, query_labels, base_labels).mean()),
        exact_label_precision=float(label_precision_at_k(truth.ids, query_labels, base_labels).mean()),
        candidates=float(found.n_candidates.mean() / index.n),
        ms_per_query=ms,
        exact_ms_per_query=exact_ms,
        index_bytes=index.nbytes(n_tables),
    )
