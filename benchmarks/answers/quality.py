"""Question 3: quality of LSH's neighbours compared with exact search."""

import numpy as np

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.formatting import Record, angle, difference, percent, with_interval
from benchmarks.answers.setup import K, Progress, Setup, build_index
from benchmarks.markdown import table
from lsh.arrays import Float64Array, Int64Array
from lsh.index import LSHIndex
from lsh.quality import average_precision, label_precision_at_k, recall_at_k
from lsh.result import SearchResult

SEEDS = (0, 1, 2, 3, 4)
N_WORST = 8
CLOSE = 0.9  # the wanted recall of the setting whose single queries and seeds are measured


def measure(setup: Setup, tables: list[Record], progress: Progress) -> Record:
    """Return the quality at each setting that question 1 chose (`tables`), and of single queries at one of them."""
    progress(f"{setup.metric}: the quality of {len(tables)} settings")
    exact = _label_measures(setup, setup.truth.ids)
    close = min(tables, key=lambda row: abs(row["wanted"] - CLOSE))
    recalls = recall_at_k(_search(setup, setup.index, close), setup.truth)
    random_ids = np.random.default_rng(0).integers(0, setup.index.n, setup.truth.ids.shape)
    return {
        "metric": setup.metric,
        "k": K,
        "queries": len(setup.test),
        "chance": float(label_precision_at_k(random_ids, *setup.labels).mean()),
        "exact": {name: mean_figure(values) for name, values in exact.items()},
        "settings": [_setting(setup, row, exact) for row in tables],
        "close": {
            **_named(close),
            "recall": mean_figure(recalls),
            "share_complete": float((recalls == 1).mean()),
            "share_below_half": float((recalls < 0.5).mean()),
            "lowest": float(recalls.min()),
            "seeds": [_mean_recall(setup, seed, close, progress) for seed in SEEDS],
            "worst": _worst(setup, recalls),
        },
    }


def _search(setup: Setup, index: LSHIndex, row: Record) -> SearchResult:
    return index.search(setup.test, K, row["n_tables"], row["n_bits"], row["n_probes"])


def _setting(setup: Setup, row: Record, exact: dict[str, Float64Array]) -> Record:
    found = _search(setup, setup.index, row)
    judged = _label_measures(setup, found.ids)
    return {
        **_named(row),
        "recall": mean_figure(recall_at_k(found, setup.truth)),
        **{name: mean_figure(values) for name, values in judged.items()},
        **{f"{name}_lost": mean_figure(exact[name] - values) for name, values in judged.items()},
    }


def _named(row: Record) -> Record:
    return {name: row[name] for name in ("wanted", "n_tables", "n_bits", "n_probes")}


def _label_measures(setup: Setup, ids: Int64Array) -> dict[str, Float64Array]:
    return {
        "precision": label_precision_at_k(ids, *setup.labels),
        "map": average_precision(ids, *setup.labels),
    }


def _mean_recall(setup: Setup, seed: int, row: Record, progress: Progress) -> float:
    """Return the mean recall of an index with another seed at the same setting."""
    progress(f"{setup.metric}: the same setting with seed {seed}")
    index = setup.index
    if seed != index.params.seed:
        index = build_index(setup.dataset.features("train"), setup.metric, seed)
    return float(recall_at_k(_search(setup, index, row), setup.truth).mean())


def _worst(setup: Setup, recalls: Float64Array) -> list[Record]:
    """Return the queries with the lowest recall, and the distances of their neighbours, which usually explain it."""
    names, worst = setup.dataset.label_names, np.argsort(recalls, kind="stable")[:N_WORST]
    clips = [(q, setup.dataset.clip("test", int(setup.rows[q]))) for q in worst]
    return [
        {
            "clip_id": clip.clip_id,
            "labels": [names[label] for label in clip.labels],
            "recall": float(recalls[q]),
            "nearest": float(setup.truth.distances[q, 0]),
            "tenth": float(setup.truth.distances[q, -1]),
        }
        for q, clip in clips
    ]


def fields(by_metric: list[Record]) -> Record | str:
    """Return the fields of the section in the template, or the reason that there are none."""
    if not by_metric:
        return "Not measured: no setting of hash tables reached a wanted recall."
    settings = [f"**{figures['metric'].capitalize()} distance**\n\n{_settings(figures)}" for figures in by_metric]
    first, close = by_metric[0], by_metric[0]["close"]
    return {
        "metric": first["metric"],
        "queries": first["queries"],
        "settings": "\n\n".join(settings),
        "close": close,
        "recall": with_interval(close["recall"]),
        "complete": percent(close["share_complete"]),
        "below_half": percent(close["share_below_half"]),
        "n_seeds": len(close["seeds"]),
        "lowest_seed": min(close["seeds"]),
        "highest_seed": max(close["seeds"]),
        "worst": _worst_table(first),
    }


def _settings(figures: Record) -> str:
    exact = figures["exact"]
    rows = [
        [
            f"{row['wanted']:g}",
            with_interval(row["recall"]),
            f"{row['precision']['value']:.3f}",
            difference(row["precision_lost"]),
            f"{row['map']['value']:.3f}",
            difference(row["map_lost"]),
        ]
        for row in figures["settings"]
    ]
    rows += [
        ["exact search", "1", with_interval(exact["precision"]), "", with_interval(exact["map"]), ""],
        ["random", "", f"{figures['chance']:.3f}", "", "", ""],
    ]
    return table(["recall wanted", "recall@10", "label precision@10", "lost", "mAP@10", "lost"], rows)


def _worst_table(figures: Record) -> str:
    written, unit = (angle, "angle") if figures["metric"] == "cosine" else ("{:.2f}".format, "distance")
    rows = [
        [
            f"`{query['clip_id']}`",
            ", ".join(query["labels"]),
            f"{query['recall']:g}",
            written(query["nearest"]),
            written(query["tenth"]),
        ]
        for query in figures["close"]["worst"]
    ]
    return table(["clip", "labels", "recall", f"{unit} to the nearest", "to the tenth"], rows, text_columns=(0, 1))
