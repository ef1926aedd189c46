"""Whether the theory holds: recall predicted from true distances alone, beside what was measured, at every L and K."""

from typing import Any

import numpy as np

from benchmarks.answers.setup import K, Setup, Tell
from lsh.sampling import evenly_spaced
from lsh.surface import surface
from lsh.theory import predicted_recall

QUERIES = 200  # as many as the page Tune asks


def measure(setup: Setup, tell: Tell) -> dict[str, Any]:
    """Return how far prediction and measurement are apart over the whole grid."""
    tell(f"{setup.metric}: theory beside measurement")
    queries = evenly_spaced(setup.validation, QUERIES)
    measured = surface(setup.index, queries, K).recall
    predicted = predicted_recall(setup.index, queries, setup.index.exact.search(queries, K).ids)
    gap = np.abs(measured - predicted)
    row, column = np.unravel_index(gap.argmax(), gap.shape)
    return {
        "metric": setup.metric,
        "queries": len(queries),
        "settings": gap.size,
        "mean_gap": round(float(gap.mean()), 5),
        "worst_gap": round(float(gap.max()), 5),
        "worst_at": {"n_tables": int(row) + 1, "n_bits": int(column) + 1},
        "worst_measured": round(float(measured[row, column]), 4),
        "worst_predicted": round(float(predicted[row, column]), 4),
    }
