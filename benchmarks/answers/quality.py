"""Question 3: how good the neighbours are beside brute force's, on average, at worst, and with other luck."""

from typing import Any

import numpy as np

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.ground import Ground, K, Tell
from lsh.index import LSHIndex
from lsh.quality import average_precision, label_precision_at_k, recall_at_k
from lsh.ways import BUILT_BITS, BUILT_TABLES

SEEDS = (0, 1, 2, 3, 4)
N_WORST = 8
SPREAD_AT = 0.9  # the wanted recall whose setting is looked at closely

Record = dict[str, Any]


def measure(ground: Ground, tables: list[Record], tell: Tell) -> Record:
    """Return quality at each setting that question 1 chose (`tables`), and a closer look at one of them."""
    tell(f"{ground.metric}: the quality of {len(tables)} settings")
    exact = _labels(ground, ground.truth.ids)
    rows = [_setting(ground, row, exact) for row in tables]
    close = min(tables, key=lambda row: abs(row["wanted"] - SPREAD_AT))
    recalls = _recalls(ground, ground.index, close)
    return {
        "metric": ground.metric,
        "k": K,
        "queries": len(ground.test),
        "chance": _chance(ground),
        "exact": {name: mean_figure(values) for name, values in exact.items()},
        "settings": rows,
        "close": {
            **_named(close),
            "recall": mean_figure(recalls),
            "share_complete": round(float((recalls == 1).mean()), 4),
            "share_below_half": round(float((recalls < 0.5).mean()), 4),
            "lowest": round(float(recalls.min()), 4),
            "histogram": np.bincount(np.rint(K * recalls).astype(int), minlength=K + 1).tolist(),
            "seeds": [_of_seed(ground, seed, close, recalls, tell) for seed in SEEDS],
            "worst": _worst(ground, recalls),
        },
    }


def _setting(ground: Ground, row: Record, exact: dict[str, Any]) -> Record:
    found = ground.index.search(ground.test, K, row["n_tables"], row["n_bits"], row["n_probes"])
    judged = _labels(ground, found.ids)
    return {
        **_named(row),
        "recall": mean_figure(recall_at_k(found, ground.truth)),
        **{name: mean_figure(values) for name, values in judged.items()},
        **{f"{name}_lost": mean_figure(exact[name] - values) for name, values in judged.items()},
    }


def _named(row: Record) -> Record:
    return {name: row[name] for name in ("wanted", "n_tables", "n_bits", "n_probes")}


def _labels(ground: Ground, ids: Any) -> dict[str, Any]:
    return {
        "precision": label_precision_at_k(ids, *ground.labels),
        "map": average_precision(ids, *ground.labels),
    }


def _recalls(ground: Ground, index: LSHIndex, row: Record) -> Any:
    found = index.search(ground.test, K, row["n_tables"], row["n_bits"], row["n_probes"])
    return recall_at_k(found, ground.truth)


def _of_seed(ground: Ground, seed: int, row: Record, recalls: Any, tell: Tell) -> float:
    """Return the mean recall that another draw of the hash functions gives at the same setting."""
    if seed != ground.index.params.seed:
        tell(f"{ground.metric}: the same setting with seed {seed}")
        index = LSHIndex(ground.metric, BUILT_TABLES, BUILT_BITS, seed).fit(ground.dataset.features("train"))
        recalls = _recalls(ground, index, row)
    return round(float(recalls.mean()), 4)


def _worst(ground: Ground, recalls: Any) -> list[Record]:
    """Return the queries of which LSH found least, and how far their neighbours are: the reason, as a rule."""
    names, worst = ground.dataset.label_names, np.argsort(recalls, kind="stable")[:N_WORST]
    clips = [(q, ground.dataset.clip("test", int(ground.rows[q]))) for q in worst]
    return [
        {
            "clip_id": clip.clip_id,
            "labels": [names[label] for label in clip.labels],
            "recall": round(float(recalls[q]), 3),
            "nearest": round(float(ground.truth.distances[q, 0]), 4),
            "tenth": round(float(ground.truth.distances[q, -1]), 4),
        }
        for q, clip in clips
    ]


def _chance(ground: Ground) -> float:
    """Return the label precision of neighbours drawn at random."""
    ids = np.random.default_rng(0).integers(0, ground.index.n, ground.truth.ids.shape)
    return round(float(label_precision_at_k(ids, *ground.labels).mean()), 4)
