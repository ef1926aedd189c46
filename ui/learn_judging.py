"""What the last chapters measure: the setting in force judged by labels, and the ways to pool a clip's frames."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from data_prep.dataset import Dataset
from data_prep.features import dequantised
from lsh import LSHIndex, exact_search, label_precision_at_k, recall_at_k
from lsh.fusion import POOLINGS, pool
from lsh.sampling import evenly_spaced_rows
from ui.figures import percent
from ui.learn_published import AGGREGATES
from ui.loading import PageContext, Sample, sample_for
from ui.state import K_NEIGHBOURS, Settings

POOLED_QUERIES = 200
NEARLY = 0.02  # of label precision: with a few hundred queries less cannot be told from chance


@dataclass(frozen=True, slots=True)
class Judged:
    """One setting judged by validation clips: means from 0 to 1, and the query of which it found least.

    worst: its row in the validation split; worst_missed: (row of train, distance) of what was missed, nearest first.
    """

    n_queries: int
    recall: float
    complete: float
    lowest: float
    precision: float
    exact_precision: float
    chance: float
    worst: int
    worst_missed: list[tuple[int, float]]

    @property
    def worst_words(self) -> str:
        """Say how many of its neighbours the worst query gets."""
        got = round(K_NEIGHBOURS * self.lowest)
        return f"{got} of {K_NEIGHBOURS}" if got else "none"

    @property
    def verdict(self) -> str:
        """Say what the labels say."""
        lost = self.exact_precision - self.precision
        if lost > NEARLY:
            return (
                f"So what comes instead is **less of the query's kind**: {percent(lost)} of the answers less. Try "
                "fewer bits or more tables."
            )
        return (
            "**About the same.** What LSH returns in place of a missed neighbour is about as much of the query's "
            "kind: the loss is hard to hear."
        )


def judge(context: PageContext) -> Judged:
    """Judge the setting in force; the same one is judged once for all visitors."""
    s = context.settings
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width, s.n_tables, s.n_bits, s.n_probes)
    return _judged(key, context.dataset, context.index, s, sample_for(context.dataset, s))


@st.cache_resource(max_entries=64, show_spinner=False)
def _judged(key: tuple[object, ...], _dataset: Dataset, _index: LSHIndex, _s: Settings, _sample: Sample) -> Judged:  # noqa: ARG001
    found = _index.search(_sample.queries, K_NEIGHBOURS, _s.n_tables, _s.n_bits, _s.n_probes)
    recalls = recall_at_k(found, _sample.truth)
    labels = _dataset.labels_of("validation", _sample.rows), _dataset.label_sets("train")
    strangers = np.random.default_rng(0).integers(0, _index.n, found.ids.shape)
    worst = int(recalls.argmin())
    got = set(found.ids[worst].tolist())
    truth = zip(_sample.truth.ids[worst].tolist(), _sample.truth.distances[worst].tolist(), strict=True)
    return Judged(
        n_queries=len(recalls),
        recall=float(recalls.mean()),
        complete=float((recalls == 1).mean()),
        lowest=float(recalls[worst]),
        precision=float(label_precision_at_k(found.ids, *labels).mean()),
        exact_precision=float(label_precision_at_k(_sample.truth.ids, *labels).mean()),
        chance=float(label_precision_at_k(strangers, *labels).mean()),
        worst=int(_sample.rows[worst]),
        worst_missed=[(row, distance) for row, distance in truth if row >= 0 and row not in got],
    )


def pooled(dataset: Dataset) -> tuple[pd.DataFrame, str]:
    """Return label precision of each way to pool this collection's frames, as a table and in a sentence."""
    precisions = _pooled(dataset.fingerprint, dataset)
    best = max(precisions, key=lambda how: precisions[how])
    lead = precisions[best] - precisions["mean"]
    said = f"Here, the best is **{AGGREGATES[best]}**, with {percent(precisions[best])}"
    if best != "mean":
        said += f"; the mean has {percent(precisions['mean'])}" + (
            ", which is as good as equal" if lead < NEARLY else ""
        )
    rows = [(AGGREGATES[how], percent(value)) for how, value in precisions.items()]
    return pd.DataFrame(rows, columns=["one vector of ten by", "same label, of the 10"]), f"{said}."


@st.cache_resource(max_entries=4, show_spinner=False)
def _pooled(fingerprint: str, _dataset: Dataset) -> dict[str, float]:  # noqa: ARG001  (the key)
    rows = evenly_spaced_rows(_dataset.n_rows("validation"), POOLED_QUERIES)
    labels = _dataset.labels_of("validation", rows), _dataset.label_sets("train")
    precisions = {}
    for how in POOLINGS:
        X, Q = (_pooled_split(_dataset, split, how) for split in ("train", "validation"))
        found = exact_search(X, Q[rows], K_NEIGHBOURS, "cosine")
        precisions[how] = float(label_precision_at_k(found.ids, *labels).mean())
    return precisions


def _pooled_split(dataset: Dataset, split: str, how: str) -> Any:
    offsets, values = dataset.frames(split)
    return pool(dequantised(values), offsets, how)


def verdict_of_frames(figures: dict[str, Any] | None) -> str:
    """Say what the published figures say about pooling."""
    if not figures or figures["aggregation"] is None:
        return ""
    ways = {way["name"]: way for way in figures["aggregation"]["ways"]}
    pooled_ways = [way for way in ways.values() if way["kind"] == "pooled" and way["name"] in AGGREGATES]
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
            answer = f"By {AGGREGATES[best['name']]} ({lead} same label)"
    first = "; the first second alone is clearly worse" if ways["first"]["precision_gain"]["high"] < 0 else ""
    return (
        f"**{answer}, on real AudioSet.** Keeping all ten takes {more:.0f} times the memory and {helps} "
        f"(mAP {gain['value']:+.3f}){first}."
    )
