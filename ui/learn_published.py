"""The answers measured on real AudioSet, as docs/answers.json keeps them, beside those of the collection at hand."""

import json
from functools import cache
from typing import Any

import pandas as pd

from data_prep.dataset import Dataset
from ui.figures import percent
from ui.paths import ROOT
from ui.race_runs import features_of

FILE = ROOT / "docs" / "answers.json"
AGGREGATES = {
    "mean": "their mean",
    "max": "the largest of each number",
    "mean+std": "mean and standard deviation",
    "mean, centred": "their mean, the collection's taken away",
    "mean+std, centred": "both, the collection's taken away",
    "first": "the first second alone",
    "sum over frames": "all ten kept, and searched",
}

Record = dict[str, Any]


@cache
def figures() -> Record | None:
    """Return the published figures; None in a copy that has none."""
    try:
        found: Record = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def whose(dataset: Dataset) -> str:
    """Name the data that the published figures are of, seen from the collection at hand."""
    known = figures()
    same = known is not None and known["about"]["features"] == features_of(dataset)
    return "this collection" if same else "real AudioSet"


def about(table: pd.DataFrame) -> str:
    """Say how the published figures were measured; "" where there are none."""
    known = figures()
    if known is None:
        return ""
    facts = known["about"]
    said = (
        f"Measured on {facts['measured_on']}: {facts['rows']['train']:,} clips of AudioSet, {facts['queries']:,} test "
        "clips as queries."
    )
    if table.astype(str).apply(lambda column: column.str.contains("(", regex=False)).to_numpy().any():
        said += " In brackets: where the figure would lie with other queries, 95 times in 100."
    return said


def settings_table(metric: str) -> pd.DataFrame | None:
    """Tabulate the best setting for each recall, as published."""
    known = figures()
    chosen = [c for c in known["parameters"] if c["metric"] == metric] if known else []
    if not chosen:
        return None
    rows = [
        (
            f"{row['wanted']:g}",
            str(row["n_tables"]),
            str(row["n_bits"]),
            str(row["n_probes"]),
            _share(row["recall"]),
            percent(row["candidates"]),
        )
        for row in chosen[0]["tables"]
    ]
    return pd.DataFrame(rows, columns=["recall wanted", "L", "K", "probes", "recall on test", "looked at"])


def speed_table() -> pd.DataFrame | None:
    """Tabulate how many times as fast as exact search the tables and the sketches were, at each size."""
    known = figures()
    if not known:
        return None
    series = [("", row) for row in known["speed"]["real"]] + [(" modelled", row) for row in known["speed"]["modelled"]]
    rows = [(f"{row['n']:,}{kind}", *(_gain(row, racer) for racer in ("lsh", "sketches"))) for kind, row in series]
    return pd.DataFrame(rows, columns=["clips", "hash tables", "sketches"]) if rows else None


def frames_table() -> pd.DataFrame | None:
    """Tabulate the ways to make one vector of ten."""
    known = figures()
    if not known or known["aggregation"] is None:
        return None
    ways = {way["name"]: way for way in known["aggregation"]["ways"]}
    rows = [
        (words, _share(ways[name]["precision"]), _share(ways[name]["map"]), f"{ways[name]['megabytes']:.0f} MB")
        for name, words in AGGREGATES.items()
        if name in ways
    ]
    return pd.DataFrame(rows, columns=["one vector of ten by", "same label, of the 10", "mAP", "memory"])


def _share(figure: Record) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def _gain(row: Record, racer: str) -> str:
    gain = row["laps"]["exact"]["ms"] / row["laps"][racer]["ms"]
    return f"{gain:.0f} times as fast" if gain >= 9.95 else f"{gain:.1f} times as fast"
