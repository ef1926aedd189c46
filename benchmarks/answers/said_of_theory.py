"""Theory beside measurement, in words."""

from typing import Any

from benchmarks.answers.tables import table

Record = dict[str, Any]


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
            "Recall predicted by `1 - (1 - p^K)^L` from each query's own true distances, with nothing fitted, beside "
            f"what was measured: {settings} settings, {queries} validation clips, one probe a table. An index is one "
            "random draw, the prediction is the mean of all draws, so some gap is to be expected. The page *Tune* "
            "draws both."
        ),
        table(["distance", "apart on average", "at worst", "there", "predicted / measured"], rows, words=1),
    ]
