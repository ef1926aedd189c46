"""Whether learned hash functions pay: every family of hash functions within equal budgets."""

from typing import Any

import numpy as np

from benchmarks.answers.setup import SEED, K, Setup, Tell, labels_of
from lsh.comparing import PROBES, TABLES, compare, index_families
from lsh.sampling import evenly_spaced_rows

QUERIES = 2000  # fewer do not tell label precisions apart


def measure(setup: Setup, tell: Tell) -> dict[str, Any]:
    """Return what each family finds within each budget; it learns from the collection and its labels alone."""
    dataset, metric = setup.dataset, setup.metric

    def say(text: str) -> None:
        tell(f"{metric}: {text}")

    rows = evenly_spaced_rows(dataset.n_rows("test"), QUERIES)
    queries, labels = np.ascontiguousarray(dataset.features("test")[rows]), labels_of(dataset, "test", rows)
    base = dataset.label_sets("train")
    indexes = index_families(dataset.features("train"), base, metric, TABLES, SEED, progress=say)
    compared = compare(indexes, queries, labels, base, k=K, n_probes=PROBES, progress=say).as_dict()
    return {"metric": metric, "n_tables": TABLES, "n_probes": PROBES, **_rounded(compared)}


def _rounded(figures: Any) -> Any:
    """Return figures, and figures in them, with five decimals."""
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_rounded(value) for value in figures]
    return round(figures, 5) if isinstance(figures, float) else figures
