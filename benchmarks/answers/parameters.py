"""Question 1: the fastest hash tables and the cheapest index for each wanted recall, measured and written up."""

from collections.abc import Callable

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.formatting import Record, percent, ratio, with_interval
from benchmarks.answers.setup import SEED, K, Setup, Tell
from benchmarks.markdown import table
from lsh.analysis.planning import plan
from lsh.analysis.timing import MANY_QUERIES, ms_per_query
from lsh.analysis.tuning import tune
from lsh.arrays import Float32Array
from lsh.errors import ParameterError
from lsh.quality import label_precision_at_k, recall_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced

RECALLS = (0.5, 0.8, 0.9, 0.95, 0.99)
CHOOSING = 500  # every L and K is tried with each
PLANNED = (0.9, 0.95, 0.99)
TYPICAL = 0.9  # the wanted recall of the summary and the commands
FASTER = 1.1  # times as fast: less could be noise
TITLES = {"cosine": "Cosine distance, random hyperplanes", "euclidean": "Euclidean distance, p-stable projections"}


def measure(setup: Setup, tell: Tell) -> Record:
    """Return what was chosen on validation, and what it achieves on test, for every wanted recall."""
    return {
        "metric": setup.metric,
        "k": K,
        "queries": {
            "validation": len(_choosing(setup)),
            "plans": len(setup.validation),
            "test": len(setup.test),
        },
        "bucket_width": setup.index.bucket_width,
        "tables": [row for recall in RECALLS if (row := _tables(setup, recall, tell))],
        "plans": [_plan(setup, recall, tell) for recall in PLANNED],
    }


def _tables(setup: Setup, wanted: float, tell: Tell) -> Record | None:
    """Return the fastest hash tables for a recall; None where none reach it."""
    tell(f"{setup.metric}: hash tables for recall {wanted:g}")
    try:
        choice = tune(setup.index, _choosing(setup), K, wanted)
    except ParameterError:
        return None
    setting = {"n_tables": choice.n_tables, "n_bits": choice.n_bits, "n_probes": choice.n_probes}

    def search(q: Float32Array) -> SearchResult:
        return setup.index.search(q, K, **setting)

    return {
        "wanted": wanted,
        **setting,
        "validation_recall": round(choice.recall, 4),
        **_judged(setup, search),
        "index_mb": round(setup.index.nbytes_of(choice.n_tables) / 1e6, 2),
    }


def _choosing(setup: Setup) -> Float32Array:
    """Return the validation clips that choose L and K: those that `python -m lsh tune` asks too."""
    return evenly_spaced(setup.dataset.features("validation"), min(setup.n_queries, CHOOSING))


def _plan(setup: Setup, wanted: float, tell: Tell) -> Record:
    """Return the cheapest way of all for a recall."""
    tell(f"{setup.metric}: the cheapest way of all to recall {wanted:g}")
    X = setup.dataset.features("train")
    chosen = plan(X, setup.validation, metric=setup.metric, k=K, recall=wanted, seed=SEED)
    return {
        "wanted": wanted,
        "kind": chosen.kind,
        "way": str(chosen.way),
        "validation_recall": round(chosen.recall, 4),
        **_judged(setup, chosen.search),
        "index_mb": round(chosen.index_bytes / 1e6, 2),
    }


def _judged(setup: Setup, search: Callable[[Float32Array], SearchResult]) -> Record:
    """Return what a search achieves on the test clips, and its time in turns with exact search."""
    found = search(setup.test)
    ms, exact_ms = ms_per_query(
        [search, lambda q: setup.index.exact.search(q, K)], evenly_spaced(setup.test, MANY_QUERIES)
    )
    return {
        "recall": mean_figure(recall_at_k(found, setup.truth)),
        "precision": mean_figure(label_precision_at_k(found.ids, *setup.labels)),
        "exact_precision": mean_figure(label_precision_at_k(setup.truth.ids, *setup.labels)),
        "candidates": round(float(found.n_candidates.mean()) / setup.index.n, 5),
        "ms": round(ms, 4),
        "exact_ms": round(exact_ms, 4),
    }


def section(chosen: list[Record], about: Record) -> list[str]:
    """Return the section's paragraphs."""
    queries, tune = chosen[0]["queries"], f"python -m lsh tune data/{about['dataset']}"
    options = f"--metric {chosen[0]['metric']} --recall {TYPICAL:g}"
    parts = [
        "## 1. Which LSH parameters are optimal for audio retrieval?",
        (
            "It depends on the recall you want: the share of the ten nearest clips that are found. For each wanted "
            f"recall, the fastest setting of hash tables that reaches it was chosen with {queries['validation']:,} "
            f"validation clips and evaluated on {queries['test']:,} test clips that had no part in the choice. L: "
            "tables; K: bits per key; probes: buckets looked up in each table; *candidates*: the share of the "
            "collection whose distance to the query is computed."
        ),
        _summary([metric for metric in chosen if metric["tables"]]),
    ]
    for metric in chosen:
        width = f" (bucket width w = {metric['bucket_width']:.1f})" if metric["bucket_width"] else ""
        parts += [f"**{TITLES[metric['metric']]}**{width}", _settings(metric["tables"])]
    return [
        *parts,
        (
            "- **L, K and probes.** More bits make smaller buckets: fewer candidates, more missed neighbours. More "
            "tables give a neighbour more chances to be found; more probes do so without more memory.\n"
            "- **Recall on test.** A setting is chosen to just reach its recall on validation, so some fall short of "
            "it on test: ask for a little more than you need.\n"
            "- **Speed.** Hash tables are faster than exact search where the ratio of the times is above 1."
        ),
        (
            "**The cheapest index of all.** Random tables assume nothing about the data. `lsh.plan` also tries "
            "sketches, learned buckets and exact search, and takes the fastest that reaches the recall, or the "
            "smallest of those that are about as fast:"
        ),
        _plans(chosen),
        f"Reproduce one row:\n\n```sh\n{tune} --index tables {options}\n{tune} {options}    # of all indexes\n```",
    ]


def _summary(chosen: list[Record]) -> str:
    rows = []
    for metric in chosen:
        tables = metric["tables"]
        typical = min(tables, key=lambda row: abs(row["wanted"] - TYPICAL))
        faster = [row["wanted"] for row in tables if row["exact_ms"] > FASTER * row["ms"]]
        missed = [row for row in tables if row["recall"]["high"] < row["wanted"]]
        rows.append(
            [
                metric["metric"],
                f"{typical['wanted']:g}",
                f"{typical['n_tables']}, {typical['n_bits']}, {typical['n_probes']}",
                percent(typical["candidates"]),
                f"up to recall {max(faster):g}" if faster else "at no recall",
                f"{len(missed)} of {len(tables)} settings",
            ]
        )
    head = ["distance", "recall wanted", "L, K, probes", "candidates", "faster than exact search"]
    return table([*head, "short of their recall on test"], rows)


def _settings(tables: list[Record]) -> str:
    head = ["recall wanted", "L", "K", "probes", "recall on validation", "on test", "candidates"]
    head += ["label precision, LSH / exact", "exact time / LSH time", "MB"]
    rows = [
        [
            f"{row['wanted']:g}",
            *(str(row[name]) for name in ("n_tables", "n_bits", "n_probes")),
            f"{row['validation_recall']:.3f}",
            with_interval(row["recall"]),
            percent(row["candidates"]),
            f"{row['precision']['value']:.3f} / {row['exact_precision']['value']:.3f}",
            ratio(row["exact_ms"] / row["ms"]),
            f"{row['index_mb']:.1f}",
        ]
        for row in tables
    ]
    return table(head, rows, text_columns=())


def _plans(chosen: list[Record]) -> str:
    rows = [
        [
            metric["metric"],
            f"{row['wanted']:g}",
            row["way"],
            with_interval(row["recall"]),
            ratio(row["exact_ms"] / row["ms"]) if row["kind"] != "exact" else "1",
            f"{row['index_mb']:.1f}",
        ]
        for metric in chosen
        for row in metric["plans"]
    ]
    head = ["distance", "recall wanted", "chosen", "recall on test", "exact time / its time", "MB"]
    return table(head, rows, text_columns=(0, 1, 2))
