"""Learn: published answers, measured on real AudioSet and read from docs/answers.json."""

import json
from functools import cache
from typing import Any

import pandas as pd

from data_prep.dataset import Dataset
from lsh.analysis.racing import MAX_TIMED
from ui.format import compare_times, megabytes, percent
from ui.model.race_runs import features_of
from ui.paths import ROOT

FILE = ROOT / "docs" / "answers.json"
UNMEASURED_SPREAD = 0.1  # of answers that were published before races measured the spread of their rounds
POOLING_NAMES = {
    "mean": "their mean",
    "max": "the largest of each number",
    "mean+std": "mean and standard deviation",
    "mean, centred": "their mean, the collection's taken away",
    "mean+std, centred": "both, the collection's taken away",
    "first": "the first second alone",
    "sum over frames": "all ten kept, and searched",
}
POOLING_VERDICT = """
**Best are mean and standard deviation, with the collection's mean taken away; the plain mean is close.** Keeping all
ten vectors takes ten times the memory and ranks only somewhat better; the first second alone is clearly worse.
"""

Record = dict[str, Any]


@cache
def answers() -> Record:
    """Return the published answers."""
    found: Record = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def data_name(dataset: Dataset) -> str:
    """Name the data that the answers were measured on, beside the collection that is open."""
    return "this collection" if answers()["about"]["features"] == features_of(dataset) else "real AudioSet"


def about(*, intervals: bool, timed: bool = False) -> str:
    """State how the published answers were measured; timed: searches were; intervals: they are in brackets."""
    facts = answers()["about"]
    queries = f"{facts['queries']:,} test clips as queries"
    if timed:
        queries = f"at most {MAX_TIMED} queries at each size, test clips or, among modelled clips, modelled ones"
    how = f"Measured on {facts['measured_on']}: {facts['rows']['train']:,} clips of AudioSet, {queries}."
    return f"{how} In brackets: where the figure would lie with other queries, 95 times in 100." if intervals else how


def settings_table(metric: str) -> pd.DataFrame:
    """Tabulate the best setting for each recall."""
    chosen = next(by_metric for by_metric in answers()["parameters"] if by_metric["metric"] == metric)
    rows = [
        (
            percent(row["wanted"]),
            *(str(row[name]) for name in ("n_tables", "n_bits", "n_probes")),
            _percent_interval(row["recall"]),
            percent(row["candidates"]),
        )
        for row in chosen["tables"]
    ]
    return pd.DataFrame(rows, columns=["recall wanted", "L", "K", "probes", "recall on test", "looked at"])


def speed_table() -> pd.DataFrame:
    """Tabulate the speed of the tables and the sketches, as a multiple of exact search's, at each size."""
    speed = answers()["speed"]
    rows = [
        (
            f"{row['n']:,}{kind}",
            *(_against_exact(row["laps"], racer) for racer in ("lsh", "sketches")),
        )
        for kind, series in (("", speed["real"]), (" modelled", speed["modelled"]))
        for row in series
    ]
    return pd.DataFrame(rows, columns=["clips", "hash tables", "sketches"])


def frames_table() -> pd.DataFrame:
    """Tabulate the ways to make one vector of ten."""
    ways = {way["name"]: way for way in answers()["aggregation"]["ways"]}
    rows = [
        (
            words,
            _percent_interval(ways[name]["precision"]),
            "{value:.3f} ({low:.3f} to {high:.3f})".format(**ways[name]["map"]),
            megabytes(1e6 * ways[name]["megabytes"]),
        )
        for name, words in POOLING_NAMES.items()
    ]
    return pd.DataFrame(rows, columns=["one vector of ten by", "same label, of the 10", "mAP", "memory"])


def _against_exact(laps: Record, racer: str) -> str:
    mine, exact = laps[racer], laps["exact"]
    spread = max(lap.get("spread", UNMEASURED_SPREAD) for lap in (mine, exact))
    return compare_times(mine["ms"], exact["ms"], spread)


def _percent_interval(figure: Record) -> str:
    return f"{percent(figure['value'], 3)} ({percent(figure['low'], 3)} to {percent(figure['high'], 3)})"
