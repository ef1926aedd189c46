"""Learn: label quality of the setting in force, and of the ways to pool a clip's frames."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from data_prep.dataset import Dataset, dequantised
from lsh import exact_search, label_precision_at_k, recall_at_k
from lsh.analysis.fusion import POOLINGS, pool
from lsh.quality import mean_recall
from lsh.sampling import evenly_spaced_rows
from ui.format import percent, points
from ui.model.loading import PageContext, sample_for
from ui.model.state import K_NEIGHBOURS
from ui.pages.learn.published import POOLING_NAMES

MAX_POOLED_QUERIES = 200
MIN_DIFFERENCE = 0.02  # of label precision: with a few hundred queries a smaller one may be chance


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """Quality of a setting by validation clips: means from 0 to 1, and the query with the lowest recall.

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
        """State how many neighbours of the worst query are found."""
        got = round(K_NEIGHBOURS * self.lowest)
        return f"{got} of {K_NEIGHBOURS}" if got else "none"

    @property
    def verdict(self) -> str:
        """State whether LSH's answers carry the query's labels as often as the exact ones."""
        lost = self.exact_precision - self.precision
        if lost > MIN_DIFFERENCE:
            return (
                f"So what comes instead is **less of the query's kind**: on average {points(lost)} fewer. "
                "Try fewer bits or more tables."
            )
        return (
            "**About the same.** What LSH returns in place of a missed neighbour is about as much of the query's "
            "kind: the loss is hard to hear."
        )


def measure(context: PageContext) -> LabelQuality:
    """Measure the setting in force, once for all visitors."""
    s = context.settings
    key = (context.dataset.fingerprint, s.metric, s.seed, context.index.bucket_width, s.n_tables, s.n_bits, s.n_probes)
    return _measured(key, context)


@st.cache_resource(max_entries=64, show_spinner=False)
def _measured(key: tuple[object, ...], _context: PageContext) -> LabelQuality:  # noqa: ARG001  (the key)
    s, dataset, index = _context.settings, _context.dataset, _context.index
    sample = sample_for(_context)
    found = index.search(sample.queries, K_NEIGHBOURS, s.n_tables, s.n_bits, s.n_probes)
    recalls = recall_at_k(found, sample.truth)
    labels = dataset.labels_of("validation", sample.rows), dataset.label_sets("train")
    strangers = np.random.default_rng(0).integers(0, index.n, found.ids.shape)
    worst = int(recalls.argmin())
    got = set(found.ids[worst].tolist())
    truth = zip(sample.truth.ids[worst].tolist(), sample.truth.distances[worst].tolist(), strict=True)
    return LabelQuality(
        n_queries=len(recalls),
        recall=mean_recall(found, sample.truth),
        complete=float((recalls == 1).mean()),
        lowest=float(recalls[worst]),
        precision=float(label_precision_at_k(found.ids, *labels).mean()),
        exact_precision=float(label_precision_at_k(sample.truth.ids, *labels).mean()),
        chance=float(label_precision_at_k(strangers, *labels).mean()),
        worst=int(sample.rows[worst]),
        worst_missed=[(row, distance) for row, distance in truth if row >= 0 and row not in got],
    )


def pooled(dataset: Dataset) -> tuple[pd.DataFrame, str]:
    """Return label precision of each way to pool this collection's frames, as a table and in a sentence."""
    precisions = _pooled(dataset.fingerprint, dataset)
    best = max(precisions, key=lambda how: precisions[how])
    lead = precisions[best] - precisions["mean"]
    text = f"Here, the best is **{POOLING_NAMES[best]}**, with {percent(precisions[best])}"
    if best != "mean":
        equal = ", which is as good as equal" if lead < MIN_DIFFERENCE else ""
        text += f"; the mean has {percent(precisions['mean'])}{equal}"
    rows = [(POOLING_NAMES[how], percent(value)) for how, value in precisions.items()]
    return pd.DataFrame(rows, columns=["one vector of ten by", "same label, of the 10"]), f"{text}."


@st.cache_resource(max_entries=4, show_spinner=False)
def _pooled(fingerprint: str, _dataset: Dataset) -> dict[str, float]:  # noqa: ARG001  (the key)
    rows = evenly_spaced_rows(_dataset.n_rows("validation"), MAX_POOLED_QUERIES)
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
