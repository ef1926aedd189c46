"""Question 1: the fastest hash tables and the fastest index for each wanted recall."""

from collections.abc import Callable

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.formatting import Record, percent, ratio, with_interval
from benchmarks.answers.setup import SEED, K, Progress, Setup
from benchmarks.markdown import table
from lsh.analysis.planning import plan
from lsh.analysis.timing import MANY_QUERIES, ms_per_query
from lsh.arrays import Float32Array
from lsh.errors import ParameterError
from lsh.quality import label_precision_at_k, recall_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced

RECALLS = (0.5, 0.8, 0.9, 0.95, 0.99)
PLANNED = (0.9, 0.95, 0.99)
TUNING_QUERIES = 500  # as in `python -m lsh tune`: every L and K is tried with each
TYPICAL = 0.9  # the wanted recall in the summary and in the commands
FASTER = 1.1  # times as fast: less may be noise
TITLES = {"cosine": "Cosine distance, random hyperplanes", "euclidean": "Euclidean distance, p-stable projections"}


def measure(setup: Setup, progress: Progress) -> Record:
    """Return what was chosen with validation clips for each wanted recall, and what it achieves on test clips."""
    choosing = evenly_spaced(setup.dataset.features("validation"), min(setup.n_queries, TUNING_QUERIES))
    return {
        "metric": setup.metric,
        "k": K,
        "queries": {"validation": len(choosing), "plans": len(setup.validation), "test": len(setup.test)},
        "bucket_width": setup.index.bucket_width,
        "tables": [row for recall in RECALLS if (row := _tables(setup, choosing, recall, progress))],
        "plans": [_plan(setup, recall, progress) for recall in PLANNED],
    }


def _tables(setup: Setup, choosing: Float32Array, wanted: float, progress: Progress) -> Record | None:
    """Return the fastest hash tables for a recall; None where none reach it."""
    progress(f"{setup.metric}: hash tables for recall {wanted:g}")
    try:
        chosen = plan(setup.index, choosing, k=K, recall=wanted)
    except ParameterError:
        return None
    return {
        "wanted": wanted,
        **chosen.setting,
        "validation_recall": chosen.recall,
        **_judged(setup, chosen.search),
        "index_mb": chosen.index_bytes / 1e6,
    }


def _plan(setup: Setup, wanted: float, progress: Progress) -> Record:
    """Return the fastest index of any kind for a recall."""
    progress(f"{setup.metric}: any index for recall {wanted:g}")
    X = setup.dataset.features("train")
    chosen = plan(X, setup.validation, metric=setup.metric, k=K, recall=wanted, seed=SEED)
    return {
        "wanted": wanted,
        "kind": chosen.kind,
        "way": str(chosen.config),
        "validation_recall": chosen.recall,
        **_judged(setup, chosen.search),
        "index_mb": chosen.index_bytes / 1e6,
    }


def _judged(setup: Setup, search: Callable[[Float32Array], SearchResult]) -> Record:
    """Return what a search achieves on the test clips, and its time interleaved with exact search."""
    found = search(setup.test)
    searches = [search, lambda q: setup.index.exact.search(q, K)]
    ms, exact_ms = ms_per_query(searches, evenly_spaced(setup.test, MANY_QUERIES))
    return {
        "recall": mean_figure(recall_at_k(found, setup.truth)),
        "precision": mean_figure(label_precision_at_k(found.ids, *setup.labels)),
        "exact_precision": mean_figure(label_precision_at_k(setup.truth.ids, *setup.labels)),
        "candidates": float(found.n_candidates.mean()) / setup.index.n,
        "ms": ms,
        "exact_ms": exact_ms,
    }


def fields(by_metric: list[Record]) -> Record:
    """Return the fields of the section in the template."""
    settings = []
    for figures in by_metric:
        width = f" (bucket width w = {figures['bucket_width']:.1f})" if figures["bucket_width"] else ""
        settings += [f"**{TITLES[figures['metric']]}**{width}", _settings(figures["tables"])]
    return {
        "queries": by_metric[0]["queries"],
        "metric": by_metric[0]["metric"],
        "typical_recall": TYPICAL,
        "typical": _typical(by_metric[0]["tables"]),
        "summary": _summary([figures for figures in by_metric if figures["tables"]]),
        "settings": "\n\n".join(settings),
        "plans": _plans(by_metric),
    }


def _summary(by_metric: list[Record]) -> str:
    rows = []
    for figures in by_metric:
        tables = figures["tables"]
        typical = _typical(tables)
        faster = [row["wanted"] for row in tables if row["exact_ms"] > FASTER * row["ms"]]
        below = [row for row in tables if row["recall"]["value"] < row["wanted"]]
        missed = [row for row in tables if row["recall"]["high"] < row["wanted"]]
        rows.append(
            [
                figures["metric"],
                f"{typical['wanted']:g}",
                f"{typical['n_tables']}, {typical['n_bits']}, {typical['n_probes']}",
                percent(typical["candidates"]),
                f"up to recall {max(faster):g}" if faster else "at no recall",
                f"{len(below)} of {len(tables)} settings, {len(missed)} significantly",
            ]
        )
    head = ["distance", "recall wanted", "L, K, probes", "candidates", "faster than exact search"]
    return table([*head, "short of their recall on test"], rows)


def _typical(tables: list[Record]) -> Record:
    """Return the row whose wanted recall is nearest to the typical one; dashes where there is none."""
    nothing: Record = dict.fromkeys(("n_tables", "n_bits", "n_probes"), "-")
    return min(tables, key=lambda row: abs(row["wanted"] - TYPICAL), default=nothing)


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


def _plans(by_metric: list[Record]) -> str:
    rows = [
        [
            figures["metric"],
            f"{row['wanted']:g}",
            row["way"],
            with_interval(row["recall"]),
            ratio(row["exact_ms"] / row["ms"]) if row["kind"] != "exact" else "1",
            f"{row['index_mb']:.1f}",
        ]
        for figures in by_metric
        for row in figures["plans"]
    ]
    head = ["distance", "recall wanted", "chosen", "recall on test", "exact time / its time", "MB"]
    return table(head, rows, text_columns=(0, 1, 2))
