"""Random and learned hash functions at equal budgets, and the section of docs/ANSWERS.md about them."""

from typing import Any

import numpy as np

from benchmarks.answers.formatting import Record, percent, with_error
from benchmarks.answers.setup import SEED, K, Setup, Tell
from benchmarks.markdown import table
from lsh.analysis.comparing import PROBES, TABLES, compare, index_families
from lsh.sampling import evenly_spaced_rows

QUERIES = 2000  # with fewer, the differences in label precision are within their standard errors
NAMES = {
    "hyperplanes": "random hyperplanes",
    "pstable": "p-stable projections",
    "itq": "ITQ",
    "grh": "GRH",
    "kmeans": "k-means",
}


def measure(setup: Setup, tell: Tell) -> Record:
    """Return what each family finds within each budget; it learns from the collection and its labels alone."""
    dataset, metric = setup.dataset, setup.metric

    def say(text: str) -> None:
        tell(f"{metric}: {text}")

    rows = evenly_spaced_rows(dataset.n_rows("test"), QUERIES)
    queries, labels = np.ascontiguousarray(dataset.features("test")[rows]), dataset.labels_of("test", rows)
    base = dataset.label_sets("train")
    indexes = index_families(dataset.features("train"), base, metric, TABLES, SEED, progress=say)
    compared = compare(indexes, queries, labels, base, k=K, n_probes=PROBES, progress=say).as_dict()
    return {"metric": metric, "n_tables": TABLES, "n_probes": PROBES, **_rounded(compared)}


def _rounded(figures: Any) -> Any:
    """Return figures, and figures in them, with five decimals."""
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_rounded(value) for value in figures]
    return round(figures, 5) if isinstance(figures, float) else figures


def section(comparisons: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    first = comparisons[0]
    parts = [
        "## Do learned hash functions pay?",
        (
            "Random hyperplanes and p-stable projections do not depend on the data. **ITQ** (iterative quantisation) "
            "rotates hyperplanes so that the data lies far from them (Gong & Lazebnik 2011). **GRH** (graph "
            "regularised hashing) moves the bits of clips with a label in common towards each other and fits "
            "hyperplanes to them (Moran & Lavrenko 2015); it learns from the labels of the collection alone, and its "
            "weights were chosen on validation clips. **k-means** is no hash table: its buckets are the cells around "
            "centroids, without sketches here."
        ),
        (
            f"All families have the same budget of candidates: {first['n_tables']} tables, {first['n_probes']} probes "
            "per table, and for each budget the bits with the highest recall within it. Since bits are whole numbers, "
            "some families use less of a budget than others: compare recall beside *candidates*. All rank their "
            f"candidates by exact distance. {first['queries']:,} test clips, ± standard error; *against exact* is "
            "label precision less exact search's, query by query. A family without a row has no setting within the "
            "budget. Two figures differ by more than chance where they are more than two standard errors apart."
        ),
    ]
    for comparison in comparisons:
        exact = with_error(comparison["exact_label_precision"])
        parts += [f"**{comparison['metric'].capitalize()} distance.** Label precision of exact search: {exact}."]
        parts += [_by_budget(comparison), _by_family(comparison)]
    command = f"python -m lsh families data/{about['dataset']} --metric {first['metric']} --queries {first['queries']}"
    return [*parts, f"```sh\n{command}\n```"]


def _by_budget(comparison: Record) -> str:
    rows = [
        [
            percent(row["budget"]),
            NAMES[row["family"]],
            str(row["setting"].get("n_bits", "-")),
            percent(row["candidates"]["value"]),
            with_error(row["recall"]),
            with_error(row["label_precision"]),
            f"{row['gain']['value']:+.3f} ± {row['gain']['error']:.3f}",
        ]
        for row in sorted(comparison["rows"], key=lambda row: row["budget"])
    ]
    head = ["budget", "family", "bits", "candidates", "recall@10", "label precision@10", "against exact"]
    return table(head, rows, text_columns=(0, 1))


def _by_family(comparison: Record) -> str:
    """Return the range of each family's differences, over the budgets that random hyperplanes keep too."""
    random = {row["budget"]: row for row in comparison["rows"] if row["family"] == "hyperplanes"}
    rows = []
    for family in ("itq", "grh", "kmeans"):
        shared = [row for row in comparison["rows"] if row["family"] == family and row["budget"] in random]
        recalls = [row["recall"]["value"] - random[row["budget"]]["recall"]["value"] for row in shared]
        gains = [row["gain"]["value"] for row in shared]
        if shared:
            rows.append([NAMES[family], *(f"{min(values):+.3f} to {max(values):+.3f}" for values in (recalls, gains))])
    return table(["over all budgets", "recall less random hyperplanes'", "label precision less exact search's"], rows)
