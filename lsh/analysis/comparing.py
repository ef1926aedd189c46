"""Comparison of hash families at equal budgets of candidates.

Recall grows with the number of candidates, so families are compared at equal fractions of candidates (budgets). Each
family gets the same number of tables and probes and, for each budget, the number of bits with the highest recall within
it, chosen with other queries than those that evaluate it. All rank their candidates by exact distance; only the
candidates differ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.analysis.recall_grid import recall_grid
from lsh.arrays import Float32Array, Int64Array
from lsh.errors import ParameterError
from lsh.index import LSHIndex
from lsh.params import FAMILIES
from lsh.quality import Labels, label_precision_at_k, recall_at_k
from lsh.result import SearchResult
from lsh.sketch_index import SketchIndex

BUDGETS = (0.01, 0.02, 0.05, 0.1)  # shares of the collection
TABLES, PROBES = 16, 4
_BITS = 20


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over queries and its standard error."""

    value: float
    error: float

    @classmethod
    def from_values(cls, values: npt.NDArray[Any]) -> "Mean":
        """Return the mean of numbers, one per query."""
        return cls(float(np.mean(values)), float(np.std(values) / np.sqrt(len(values))))


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of one family within one budget.

    setting: the arguments of its searches. recall, label_precision: of the k returned; gain: label precision minus that
    of exact search, per query, so that its error is that of the difference. candidate_fraction: candidates per
    vector of the collection; at most the budget on the queries by which the setting was chosen.
    """

    family: str
    budget: float
    setting: dict[str, int]
    recall: Mean
    label_precision: Mean
    gain: Mean
    candidate_fraction: Mean


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every family within every budget that it can meet, and the label precision of exact search."""

    rows: tuple[Compared, ...]
    exact_label_precision: Mean
    k: int
    queries: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        rows = [asdict(row) for row in self.rows]
        for row in rows:
            row["candidates"] = row.pop("candidate_fraction")
        return asdict(self) | {"rows": rows}


def index_families(
    X: npt.ArrayLike,
    labels: Labels,
    metric: str = "cosine",
    n_tables: int = TABLES,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, LSHIndex | SketchIndex]:
    """Return an index of X, float32[n, d], for each hash family of the metric, and a SketchIndex of k-means buckets."""
    indexes: dict[str, LSHIndex | SketchIndex] = {}
    for family in (*FAMILIES[metric], "kmeans"):
        progress(f"indexing by {family}")
        indexes[family] = index_family(family, X, labels, metric, n_tables, seed)
    return indexes


def index_family(
    family: str, X: npt.ArrayLike, labels: Labels, metric: str = "cosine", n_tables: int = TABLES, seed: int = 0
) -> LSHIndex | SketchIndex:
    """Return an index of X by one family, as `index_families` does for all, for callers short of memory."""
    if family == "kmeans":
        return SketchIndex(metric, seed=seed).fit(X)
    return LSHIndex(metric, n_tables, _BITS, seed, family=family).fit(X, labels)


def compare(
    indexes: Mapping[str, LSHIndex | SketchIndex],
    Q: npt.ArrayLike,
    query_labels: Labels,
    base_labels: Labels,
    *,
    tuning: npt.ArrayLike | None = None,
    k: int = 10,
    budgets: Sequence[float] = BUDGETS,
    n_tables: int | None = None,
    n_probes: int = 1,
    rows: Int64Array | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare indexes of the same vectors on queries Q, float32[nq, d], whose labels are given in their order.

    indexes: by the name of their family. Hash tables search with `n_tables` (by default all that each was built with),
    `n_probes`, and the number of bits with the highest recall within the budget. Of a `SketchIndex` the buckets alone
    are compared: it gets as many probes as the budget allows, and every candidate is ranked exactly.
    tuning: queries by which bits and probes are chosen, float32[m, d], such as a validation split; by default Q itself.
    rows: int64[nq], of the indexes, which are the queries: each is left out of its own answers.
    budgets: fractions of the collection that may be candidates, on average, each above 0 and at most 1.

    Raises ParameterError for no indexes, indexes of different data, and values out of range.
    """
    if not indexes:
        raise ParameterError("there are no indexes to compare; give at least one")
    budgets = [validate.positive(budget, "a budget", 1) for budget in budgets]
    first = next(iter(indexes.values()))
    queries = validate.queries(Q, first.exact.X.shape[1])
    choosing = queries if tuning is None else validate.queries(tuning, first.exact.X.shape[1])
    own_k = k if rows is None else k + 1
    truth = _without(first.exact.search(queries, own_k), rows)
    exact_precision = label_precision_at_k(truth.ids, query_labels, base_labels)
    compared = []
    for family, index in indexes.items():
        progress(f"searching with {family}")
        if index.exact.metric != first.exact.metric or index.n != first.n:
            raise ParameterError(f"the index of {family} has another metric or size; compare indexes of the same data")
        if isinstance(index, LSHIndex):
            settings = _bits_within(budgets, index, choosing, k, n_tables, n_probes, rows if tuning is None else None)
        else:
            settings = _probes_within(budgets, index, choosing)
        for budget, setting in zip(budgets, settings, strict=True):
            if setting:
                found = _without(index.search(queries, own_k, **setting), rows)
                precision = label_precision_at_k(found.ids, query_labels, base_labels)
                each = recall_at_k(found, truth), precision, precision - exact_precision, found.n_candidates / index.n
                compared.append(Compared(family, budget, setting, *map(Mean.from_values, each)))
    return Comparison(tuple(compared), Mean.from_values(exact_precision), k, len(queries))


def _without(found: SearchResult, rows: Int64Array | None) -> SearchResult:
    """Return the answers to queries, each without itself where `rows` says that they are rows of the index."""
    return found if rows is None else found.without(rows)


def _bits_within(
    budgets: Sequence[float],
    index: LSHIndex,
    Q: Float32Array,
    k: int,
    n_tables: int | None,
    n_probes: int,
    rows: Int64Array | None,
) -> list[dict[str, int]]:
    """Return, for each budget, the setting of hash tables with the highest recall within it; {} if there is none."""
    n_tables, _, n_probes = index.params.setting(index.params.n_tables if n_tables is None else n_tables, 1, n_probes)
    measured = recall_grid(index, Q, k, n_probes, rows)
    recall, fraction = measured.recall[n_tables - 1], measured.candidate_fraction[n_tables - 1]
    settings: list[dict[str, int]] = []
    for budget in budgets:
        within = np.flatnonzero(fraction <= budget)
        best = int(within[recall[within].argmax()]) + 1 if len(within) else 0
        settings.append({"n_tables": n_tables, "n_bits": best, "n_probes": n_probes} if best else {})
    return settings


def _probes_within(budgets: Sequence[float], index: SketchIndex, Q: Float32Array) -> list[dict[str, int]]:
    """Return, for each budget, the setting with as many probes as it allows; {} if one probe is too many."""

    def candidate_fraction(n_probes: int) -> float:
        return float(index.search(Q, 1, n_probes, n_reranked=1).n_candidates.mean() / index.n)

    settings: list[dict[str, int]] = []
    for budget in budgets:
        low, high = 0, index.n_buckets  # `low` probes are within the budget
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if candidate_fraction(middle) <= budget else (low, middle - 1)
        settings.append({"n_probes": low, "n_reranked": index.n} if low else {})
    return settings
