"""Random and learned hash functions at equal budgets of candidates."""

from benchmarks.answers.formatting import Record, percent, with_error
from benchmarks.answers.setup import SEED, K, Progress, Setup
from benchmarks.markdown import table
from lsh.analysis.comparing import PROBES, TABLES, compare, index_families

QUERIES = 2000  # with fewer, the differences in label precision are within their standard errors
NAMES = {
    "hyperplanes": "random hyperplanes",
    "pstable": "p-stable projections",
    "itq": "ITQ",
    "grh": "GRH",
    "kmeans": "k-means",
}


def measure(setup: Setup, progress: Progress) -> Record:
    """Return what each family finds within each budget; it learns from the collection and its labels alone."""

    def log(text: str) -> None:
        progress(f"{setup.metric}: {text}")

    of_test = Setup(setup.dataset, setup.metric, QUERIES)
    labels, base_labels = of_test.labels
    X = setup.dataset.features("train")
    indexes = index_families(X, base_labels, setup.metric, TABLES, SEED, progress=log)
    queries = of_test.test, labels, base_labels
    found = compare(indexes, *queries, tuning=of_test.validation, k=K, n_probes=PROBES, progress=log)
    return {"metric": setup.metric, "n_tables": TABLES, "n_probes": PROBES, **found.as_dict()}


def fields(comparisons: list[Record]) -> Record:
    """Return the fields of the section in the template."""
    tables = []
    for comparison in comparisons:
        exact = with_error(comparison["exact_label_precision"])
        tables += [f"**{comparison['metric'].capitalize()} distance.** Label precision of exact search: {exact}."]
        tables += [_by_budget(comparison), _by_family(comparison)]
    return {**comparisons[0], "tables": "\n\n".join(tables)}


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
    """Return the range of each family's differences over the budgets within which random hyperplanes have a setting."""
    random = {row["budget"]: row for row in comparison["rows"] if row["family"] == "hyperplanes"}
    rows = []
    for family in ("itq", "grh", "kmeans"):
        shared = [row for row in comparison["rows"] if row["family"] == family and row["budget"] in random]
        recalls = [row["recall"]["value"] - random[row["budget"]]["recall"]["value"] for row in shared]
        gains = [row["gain"]["value"] for row in shared]
        if shared:
            rows.append([NAMES[family], *(f"{min(values):+.3f} to {max(values):+.3f}" for values in (recalls, gains))])
    return table(["over all budgets", "recall minus random hyperplanes'", "label precision minus exact search's"], rows)
