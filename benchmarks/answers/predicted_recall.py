"""Predicted recall beside measured recall, at every L and K, and the section of docs/ANSWERS.md about it."""

import numpy as np

from benchmarks.answers.formatting import Record
from benchmarks.answers.setup import K, Setup, Tell
from benchmarks.markdown import table
from lsh.analysis.recall_grid import recall_grid
from lsh.analysis.theory import predicted_recall
from lsh.sampling import evenly_spaced

QUERIES = 200  # as many as the page Tune asks


def measure(setup: Setup, tell: Tell) -> Record:
    """Return how far prediction and measurement are apart over the whole grid."""
    tell(f"{setup.metric}: theory beside measurement")
    queries = evenly_spaced(setup.validation, QUERIES)
    measured = recall_grid(setup.index, queries, K).recall
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


def section(theories: list[Record]) -> list[str]:
    """Return the section's paragraphs."""
    settings, queries = theories[0]["settings"], theories[0]["queries"]
    rows = [
        [
            theory["metric"],
            f"{100 * theory['mean_gap']:.1f} points",
            f"{100 * theory['worst_gap']:.1f} points",
            f"L = {theory['worst_at']['n_tables']}, K = {theory['worst_at']['n_bits']}",
            f"{theory['worst_predicted']:.3f} / {theory['worst_measured']:.3f}",
        ]
        for theory in theories
    ]
    return [
        "## Does the theory hold?",
        (
            "Recall predicted by `1 - (1 - p^K)^L` from the true distances of each query's neighbours, with nothing "
            f"fitted, beside measured recall: {settings} settings, {queries} validation clips, one probe per table. An "
            "index is one random draw and the prediction is the mean of all draws, so some difference is expected. The "
            "page *Tune* draws both."
        ),
        table(["distance", "mean difference", "largest difference", "at", "predicted / measured there"], rows),
    ]
