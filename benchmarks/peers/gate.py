"""The gate: LSH must be worth it. What `lsh.plan` chose may not be slower than exact search at the recall it promised.

The choice is made on the validation split and judged on the test split, which it has not seen, against a truth that is
computed here. Where exact search itself was chosen there is nothing to beat.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.ground_truth import GroundTruth
from data_prep.dataset import open_dataset
from lsh import ExactSearch, Plan, plan
from lsh.analysis.timing import ms_per_query
from lsh.sampling import evenly_spaced

_TRIES = 3  # a busy moment may make one measurement unfair, hardly three
_TIMED_QUERIES = 200
_VALIDATION_QUERIES = 4000
_ERRORS = 2  # a promise is broken when recall falls short by more than so many standard errors


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one wanted recall came to on the test split."""

    plan: Plan
    recall: float
    recall_error: float
    ms: float
    exact_ms: float

    @property
    def kept_its_promise(self) -> bool:
        """Tell whether the recall is what was wanted, within sampling error."""
        return self.recall >= self.plan.wanted - _ERRORS * self.recall_error

    @property
    def passes(self) -> bool:
        """Tell whether the gate opens: the promise is kept, and by exact search or faster than by exact search."""
        return self.kept_its_promise and (self.plan.kind == "exact" or self.ms < self.exact_ms)

    def __str__(self) -> str:
        """Return the verdict as a line."""
        wanted = self.plan.wanted
        said = f"recall {wanted:g}: {self.plan.way}: recall {self.recall:.4f} ± {self.recall_error:.4f}"
        if self.plan.kind != "exact":
            said += f", {self.ms:.3f} ms a query, exact search {self.exact_ms:.3f} ms"
        if not self.kept_its_promise:
            return f"FAIL: {said}: the recall promised is missed by {wanted - self.recall:.4f}"
        return f"{'pass' if self.passes else 'FAIL'}: {said}"


def gate(
    folder: Path, metric: str, recalls: Sequence[float], k: int, n_queries: int, say: Callable[[str], None]
) -> int:
    """Print a verdict for each wanted recall; return 0 when all pass, else 1."""
    dataset = open_dataset(folder)
    X = dataset.features("train")
    validation = evenly_spaced(dataset.features("validation"), _VALIDATION_QUERIES)
    truth = GroundTruth.compute(X, evenly_spaced(dataset.features("test"), n_queries), metric, k)
    exact = ExactSearch(X, metric)
    passed = True
    for wanted in recalls:
        say(f"{dataset.title}, {metric}: planning for recall {wanted:g}")
        planned = plan(X, validation, metric=metric, k=k, recall=wanted, progress=say)
        for _ in range(_TRIES):
            verdict = _judge(planned, truth, exact)
            if verdict.passes:
                break
        print(verdict)
        passed = passed and verdict.passes
    return 0 if passed else 1


def _judge(planned: Plan, truth: GroundTruth, exact: ExactSearch) -> Verdict:
    recalls = truth.recalls(planned.search(truth.Q).ids)
    ms, exact_ms = ms_per_query(
        [planned.search, lambda q: exact.search(q, truth.k)], evenly_spaced(truth.Q, _TIMED_QUERIES)
    )
    return Verdict(planned, float(recalls.mean()), float(recalls.std() / np.sqrt(len(recalls))), ms, exact_ms)
