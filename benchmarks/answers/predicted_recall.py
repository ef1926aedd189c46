"""Predicted and measured recall at every L and K."""

import numpy as np

from benchmarks.answers.formatting import Record
from benchmarks.answers.setup import K, Progress, Setup
from benchmarks.markdown import table
from lsh.analysis.recall_grid import recall_grid
from lsh.analysis.theory import predicted_recall
from lsh.sampling import evenly_spaced

QUERIES = 200  # as many as the page Tune uses


def measure(setup: Setup, progress: Progress) -> Record:
    """Return how much prediction and measurement differ over all settings."""
    progress(f"{setup.metric}: predicted and measured recall")
    queries = evenly_spaced(setup.validation, QUERIES)
    measured = recall_grid(setup.index, queries, K).recall
    predicted = predicted_recall(setup.index, queries, setup.index.exact.search(queries, K).ids)
    gap = np.abs(measured - predicted)
    row, column = np.unravel_index(gap.argmax(), gap.shape)
    return {
        "metric": setup.metric,
        "queries": len(queries),
        "settings": gap.size,
        "mean_gap": float(gap.mean()),
        "worst_gap": float(gap.max()),
        "worst_at": {"n_tables": int(row) + 1, "n_bits": int(column) + 1},
        "worst_measured": float(measured[row, column]),
        "worst_predicted": float(predicted[row, column]),
    }


def fields(by_metric: list[Record]) -> Record:
    """Return the fields of the section in the template."""
    rows = [
        [
            figures["metric"],
            f"{100 * figures['mean_gap']:.1f} points",
            f"{100 * figures['worst_gap']:.1f} points",
            f"L = {figures['worst_at']['n_tables']}, K = {figures['worst_at']['n_bits']}",
            f"{figures['worst_predicted']:.3f} / {figures['worst_measured']:.3f}",
        ]
        for figures in by_metric
    ]
    head = ["distance", "mean difference", "largest difference", "at", "predicted / measured there"]
    return {**by_metric[0], "table": table(head, rows)}
