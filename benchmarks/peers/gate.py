"""Quality gate of `lsh.plan`: its choice must reach the wanted recall, and be faster than exact search.

The choice is made with validation queries and evaluated once, with test queries, whose true neighbours are computed
here. If `plan` chooses exact search itself, only the recall is checked. (The margin of `plan` for other queries was set
after results on AudioSet's test clips, so on those this is no independent proof of it.)
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.ground_truth import GroundTruth
from benchmarks.search_problem import Progress
from data_prep.dataset import open_dataset
from lsh import ExactSearch, Plan, plan
from lsh.analysis.timing import ms_per_query
from lsh.sampling import evenly_spaced

_TIMED_QUERIES = 200
_VALIDATION_QUERIES = 4000
_MAX_ERRORS = 2  # standard errors by which recall may fall short


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
        passes, verdict = _judge(planned, truth, exact)
        print(f"{'pass' if passes else 'FAIL'}: {verdict}")
        passed = passed and passes
    return 0 if passed else 1


def _judge(planned: Plan, truth: GroundTruth, exact: ExactSearch) -> tuple[bool, str]:
    """Return True if a plan passes on the test split, and its figures as text."""
    recalls = truth.recalls(planned.search(truth.Q).ids)
    searches = [planned.search, lambda q: exact.search(q, truth.k)]
    ms, exact_ms = ms_per_query(searches, evenly_spaced(truth.Q, _TIMED_QUERIES))
    recall, error = recalls.mean(), recalls.std() / np.sqrt(len(recalls))
    is_exact = planned.kind == "exact"
    text = f"recall {planned.wanted:g}: {planned.config}: recall {recall:.4f} ± {error:.4f} on test"
    text += f" ({planned.recall:.4f} on validation)"
    if not is_exact:
        text += f", {ms:.3f} ms of processor time per query, exact search {exact_ms:.3f} ms"
    if recall < planned.wanted - _MAX_ERRORS * error:
        return False, f"{text}: {planned.wanted - recall:.4f} below the wanted recall"
    return is_exact or ms < exact_ms, text
