"""Published answers: what was measured on real AudioSet, read from docs/answers.json."""

import json
from functools import cache
from typing import Any

import pandas as pd

from data_prep.dataset import Dataset
from ui.format import compare_times, megabytes, percent
from ui.model.race_runs import features_of
from ui.paths import ROOT

FILE = ROOT / "docs" / "answers.json"
POOLING_NAMES = {
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
    """Name the data that the published figures are of, beside the collection that is open."""
    known = figures()
    same = known is not None and known["about"]["features"] == features_of(dataset)
    return "this collection" if same else "real AudioSet"


def about(*, intervals: bool) -> str:
    """Say how the published figures were measured, and what `intervals` mean; "" where there are none."""
    known = figures()
    if known is None:
        return ""
    facts = known["about"]
    said = (
        f"Measured on {facts['measured_on']}: {facts['rows']['train']:,} clips of AudioSet, {facts['queries']:,} test "
        "clips as queries."
    )
    if intervals:
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
            _interval(row["recall"]),
            percent(row["candidates"]),
        )
        for row in chosen[0]["tables"]
    ]
    return pd.DataFrame(rows, columns=["recall wanted", "L", "K", "probes", "recall on test", "looked at"])


def speed_table() -> pd.DataFrame | None:
    """Tabulate the speed of the tables and the sketches, as a multiple of exact search's, at each size."""
    known = figures()
    if not known:
        return None
    series = [("", row) for row in known["speed"]["real"]] + [(" modelled", row) for row in known["speed"]["modelled"]]
    rows = [
        (
            f"{row['n']:,}{kind}",
            *(compare_times(row["laps"][racer]["ms"], row["laps"]["exact"]["ms"]) for racer in ("lsh", "sketches")),
        )
        for kind, row in series
    ]
    return pd.DataFrame(rows, columns=["clips", "hash tables", "sketches"]) if rows else None


def frames_table() -> pd.DataFrame | None:
    """Tabulate the ways to make one vector of ten."""
    ways = _poolings()
    if not ways:
        return None
    rows = [
        (
            words,
            _interval(ways[name]["precision"]),
            _interval(ways[name]["map"]),
            megabytes(1e6 * ways[name]["megabytes"]),
        )
        for name, words in POOLING_NAMES.items()
        if name in ways
    ]
    return pd.DataFrame(rows, columns=["one vector of ten by", "same label, of the 10", "mAP", "memory"])


def pooling_verdict() -> str:
    """Answer which way of pooling is best by the published figures; "" where there are none."""
    ways = _poolings()
    if not ways:
        return ""
    pooled_ways = [way for way in ways.values() if way["kind"] == "pooled" and way["name"] in POOLING_NAMES]
    best = max(pooled_ways, key=lambda way: way["precision"]["value"])
    kept, mean = ways["sum over frames"], ways["mean"]
    more = kept["megabytes"] / mean["megabytes"]
    gain = kept["map_gain"]
    helps = "ranks somewhat better" if gain["low"] > 0 else "ranks no better"
    answer = "By their mean"
    if best is not mean and best["precision_gain"]["low"] > 0:
        lead = f"{best['precision_gain']['value']:+.3f}"
        answer = f"By mean and spread, seen from the middle ({lead} same label); the plain mean is close"
        if best["name"] != "mean+std, centred":
            answer = f"By {POOLING_NAMES[best['name']]} ({lead} same label)"
    first = "; the first second alone is clearly worse" if ways["first"]["precision_gain"]["high"] < 0 else ""
    return (
        f"**{answer}, on real AudioSet.** Keeping all ten takes {more:.0f} times the memory and {helps} "
        f"(mAP {gain['value']:+.3f}){first}."
    )


def _poolings() -> dict[str, Record]:
    """Return the published ways of pooling by name; empty where there are none."""
    known = figures()
    return {way["name"]: way for way in known["aggregation"]["ways"]} if known and known["aggregation"] else {}


def _interval(figure: Record) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
