"""Quality gate of `lsh.plan`: its choice must reach the wanted recall, and be faster than exact search.

The choice is made with validation queries and evaluated with test queries, whose true neighbours are computed here. If
`plan` chooses exact search itself, only the recall is checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.ground_truth import GroundTruth
from benchmarks.search_problem import Progress
from data_prep.dataset import open_dataset
from lsh import ExactSearch, Plan, plan
from lsh.analysis.timing import ms_per_query
from lsh.sampling import evenly_spaced

_TRIES = 3  # other work on the machine may spoil one measurement, hardly three
_TIMED_QUERIES = 200
_VALIDATION_QUERIES = 4000
_MAX_ERRORS = 2  # standard errors by which recall may fall short


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a plan achieves on the test split. ms, exact_ms: milliseconds per query, of the plan and of exact search."""

    plan: Plan
    recall: float
    recall_error: float
    ms: float
    exact_ms: float

    @property
    def reaches_recall(self) -> bool:
        """Return True if the recall is at least the wanted one, within sampling error."""
        return self.recall >= self.plan.wanted - _MAX_ERRORS * self.recall_error

    @property
    def passes(self) -> bool:
        """Return True if the recall is reached, by exact search or faster than by exact search."""
        return self.reaches_recall and (self.plan.kind == "exact" or self.ms < self.exact_ms)

    def __str__(self) -> str:
        """Return the verdict as a line of text."""
        wanted = self.plan.wanted
        text = f"recall {wanted:g}: {self.plan.config}: recall {self.recall:.4f} ± {self.recall_error:.4f}"
        if self.plan.kind != "exact":
            text += f", {self.ms:.3f} ms per query, exact search {self.exact_ms:.3f} ms"
        if not self.reaches_recall:
            text += f": {wanted - self.recall:.4f} below the wanted recall"
        return f"{'pass' if self.passes else 'FAIL'}: {text}"


def gate(folder: str, metric: str, recalls: Sequence[float], k: int, n_queries: int, progress: Progress) -> int:
    """Print a verdict for each wanted recall; return 0 if all pass, else 1."""
    dataset = open_dataset(Path(folder))
    X = dataset.features("train")
    validation = evenly_spaced(dataset.features("validation"), _VALIDATION_QUERIES)
    truth = GroundTruth.compute(X, evenly_spaced(dataset.features("test"), n_queries), metric, k)
    exact = ExactSearch(X, metric)
    passed = True
    for wanted in recalls:
        progress(f"{dataset.title}, {metric}: planning for recall {wanted:g}")
        planned = plan(X, validation, metric=metric, k=k, recall=wanted, progress=progress)
        for _ in range(_TRIES):
            verdict = _judge(planned, truth, exact)
            if verdict.passes:
                break
        print(verdict)
        passed = passed and verdict.passes
    return 0 if passed else 1


def _judge(planned: Plan, truth: GroundTruth, exact: ExactSearch) -> Verdict:
    recalls = truth.recalls(planned.search(truth.Q).ids)
    searches = [planned.search, lambda q: exact.search(q, truth.k)]
    ms, exact_ms = ms_per_query(searches, evenly_spaced(truth.Q, _TIMED_QUERIES))
    return Verdict(planned, float(recalls.mean()), float(recalls.std() / np.sqrt(len(recalls))), ms, exact_ms)
