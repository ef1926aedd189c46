"""Question 1: which parameters. For each wanted recall the fastest hash tables, and the cheapest way of all ways."""

from collections.abc import Callable
from typing import Any

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.setup import SEED, K, Setup, Tell
from lsh.arrays import Float32Array
from lsh.errors import ParameterError
from lsh.planning import plan
from lsh.quality import label_precision_at_k, recall_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced
from lsh.timing import MANY_QUERIES, ms_per_query
from lsh.tuning import tune

RECALLS = (0.5, 0.8, 0.9, 0.95, 0.99)
CHOOSING = 500  # every L and K is tried with each
PLANNED = (0.9, 0.95, 0.99)

Record = dict[str, Any]


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
        "index_mb": round(setup.index.nbytes(choice.n_tables) / 1e6, 2),
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
