"""Question 3: the quality of LSH's neighbours beside exact search's, measured and written up."""

from typing import Any

import numpy as np

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.formatting import Record, angle, difference, percent, with_interval
from benchmarks.answers.setup import K, Setup, Tell
from benchmarks.markdown import table
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.index import LSHIndex
from lsh.quality import average_precision, label_precision_at_k, recall_at_k

SEEDS = (0, 1, 2, 3, 4)
N_WORST = 8
SPREAD_AT = 0.9  # the wanted recall whose setting is looked at closely


def measure(setup: Setup, tables: list[Record], tell: Tell) -> Record:
    """Return quality at each setting that question 1 chose (`tables`), and a closer look at one of them."""
    tell(f"{setup.metric}: the quality of {len(tables)} settings")
    exact = _labels(setup, setup.truth.ids)
    rows = [_setting(setup, row, exact) for row in tables]
    close = min(tables, key=lambda row: abs(row["wanted"] - SPREAD_AT))
    recalls = _recalls(setup, setup.index, close)
    return {
        "metric": setup.metric,
        "k": K,
        "queries": len(setup.test),
        "chance": _chance(setup),
        "exact": {name: mean_figure(values) for name, values in exact.items()},
        "settings": rows,
        "close": {
            **_named(close),
            "recall": mean_figure(recalls),
            "share_complete": round(float((recalls == 1).mean()), 4),
            "share_below_half": round(float((recalls < 0.5).mean()), 4),
            "lowest": round(float(recalls.min()), 4),
            "histogram": np.bincount(np.rint(K * recalls).astype(int), minlength=K + 1).tolist(),
            "seeds": [_of_seed(setup, seed, close, recalls, tell) for seed in SEEDS],
            "worst": _worst(setup, recalls),
        },
    }


def _setting(setup: Setup, row: Record, exact: dict[str, Any]) -> Record:
    found = setup.index.search(setup.test, K, row["n_tables"], row["n_bits"], row["n_probes"])
    judged = _labels(setup, found.ids)
    return {
        **_named(row),
        "recall": mean_figure(recall_at_k(found, setup.truth)),
        **{name: mean_figure(values) for name, values in judged.items()},
        **{f"{name}_lost": mean_figure(exact[name] - values) for name, values in judged.items()},
    }


def _named(row: Record) -> Record:
    return {name: row[name] for name in ("wanted", "n_tables", "n_bits", "n_probes")}


def _labels(setup: Setup, ids: Any) -> dict[str, Any]:
    return {
        "precision": label_precision_at_k(ids, *setup.labels),
        "map": average_precision(ids, *setup.labels),
    }


def _recalls(setup: Setup, index: LSHIndex, row: Record) -> Any:
    found = index.search(setup.test, K, row["n_tables"], row["n_bits"], row["n_probes"])
    return recall_at_k(found, setup.truth)


def _of_seed(setup: Setup, seed: int, row: Record, recalls: Any, tell: Tell) -> float:
    """Return the mean recall that another draw of the hash functions gives at the same setting."""
    if seed != setup.index.params.seed:
        tell(f"{setup.metric}: the same setting with seed {seed}")
        index = LSHIndex(setup.metric, BUILT_TABLES, BUILT_BITS, seed).fit(setup.dataset.features("train"))
        recalls = _recalls(setup, index, row)
    return round(float(recalls.mean()), 4)


def _worst(setup: Setup, recalls: Any) -> list[Record]:
    """Return the queries of which LSH found least, and how far their neighbours are: the reason, as a rule."""
    names, worst = setup.dataset.label_names, np.argsort(recalls, kind="stable")[:N_WORST]
    clips = [(q, setup.dataset.clip("test", int(setup.rows[q]))) for q in worst]
    return [
        {
            "clip_id": clip.clip_id,
            "labels": [names[label] for label in clip.labels],
            "recall": round(float(recalls[q]), 3),
            "nearest": round(float(setup.truth.distances[q, 0]), 4),
            "tenth": round(float(setup.truth.distances[q, -1]), 4),
        }
        for q, clip in clips
    ]


def _chance(setup: Setup) -> float:
    """Return the label precision of neighbours drawn at random."""
    ids = np.random.default_rng(0).integers(0, setup.index.n, setup.truth.ids.shape)
    return round(float(label_precision_at_k(ids, *setup.labels).mean()), 4)


def section(qualities: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    parts = [
        "## 3. How does the quality of the neighbours compare to brute force?",
        (
            f"Three measures, over {qualities[0]['queries']:,} test clips. **Recall@10**: the share of the ten true "
            "nearest neighbours that were found; ties count. **Label precision@10**: the share of the ten returned "
            "that share a label with the query. **mAP@10**: whether those stand first (average precision of the ten: "
            "the precision at each rank that holds a relevant clip, summed, over the most that could be relevant; "
            "Manning, Raghavan & Schütze 2008, section 8.4). *Lost* is exact search's figure less LSH's, query by "
            "query; a loss whose interval includes zero is within chance. *Random*: neighbours drawn at "
            "random."
        ),
    ]
    for quality in qualities:
        parts += [f"**{quality['metric'].capitalize()} distance**", _settings(quality)]
    return [*parts, *_details(qualities[0], about)]


def _settings(quality: Record) -> str:
    exact = quality["exact"]
    rows = [
        [
            f"{row['wanted']:g}",
            with_interval(row["recall"]),
            f"{row['precision']['value']:.3f}",
            difference(row["precision_lost"]),
            f"{row['map']['value']:.3f}",
            difference(row["map_lost"]),
        ]
        for row in quality["settings"]
    ]
    rows += [
        ["exact search", "1", with_interval(exact["precision"]), "", with_interval(exact["map"]), ""],
        ["random", "", f"{quality['chance']:.3f}", "", "", ""],
    ]
    return table(["recall wanted", "recall@10", "label precision@10", "lost", "mAP@10", "lost"], rows)


def _details(quality: Record, about: Record) -> list[str]:
    """Return how recall is spread over queries and seeds at one setting, and the worst queries."""
    close, metric = quality["close"], quality["metric"]
    written, unit = (angle, "angle") if metric == "cosine" else ("{:.2f}".format, "distance")
    rows = [
        [
            f"`{query['clip_id']}`",
            ", ".join(query["labels"]),
            f"{query['recall']:g}",
            written(query["nearest"]),
            written(query["tenth"]),
        ]
        for query in close["worst"]
    ]
    return [
        (
            f"**Single queries.** At L = {close['n_tables']}, K = {close['n_bits']}, probes = {close['n_probes']} "
            f"({metric}) mean recall is {with_interval(close['recall'])}; {percent(close['share_complete'])} of the "
            f"queries get all ten neighbours, {percent(close['share_below_half'])} fewer than half, and the worst "
            f"gets {close['lowest']:g}. LSH is a random draw: {len(close['seeds'])} seeds gave "
            f"{min(close['seeds']):.3f} to {max(close['seeds']):.3f}. The queries with the lowest recall have "
            "neighbours that are far away; listen to them on the page *Tune*:"
        ),
        table(["clip", "labels", "recall", f"{unit} to the nearest", "to the tenth"], rows, text_columns=(0, 1)),
        (
            f"Reproduce one row:\n\n```sh\npython -m lsh evaluate data/{about['dataset']} --metric {metric} "
            f"--tables {close['n_tables']} --bits {close['n_bits']} --probes {close['n_probes']} --queries "
            f"{quality['queries']}\n```"
        ),
    ]
