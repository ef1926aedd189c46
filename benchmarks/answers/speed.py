"""Question 2: time per query of LSH and of exact search, by size of the collection.

The tables are tuned for each size, since a larger collection needs longer keys; then all searches are timed with test
clips. Collections larger than the dataset are generated (see `benchmarks.audioset_like`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.answers.formatting import Record, ms, ratio
from benchmarks.answers.setup import K, Progress, Setup, build_index
from benchmarks.markdown import table
from benchmarks.search_problem import prepare
from lsh.analysis.planning import plan
from lsh.analysis.racing import BATCHED, BLOCK, EXACT, SKETCHES, Setting, crossover, race, sizes_up_to
from lsh.arrays import Float32Array, StoredVectors
from lsh.errors import ParameterError
from lsh.quality import Labels
from lsh.sampling import evenly_spaced

WANTED = 0.9
CLEARLY = 1.1  # times as fast: less may be noise
NAMES = {"lsh": "hash tables", SKETCHES: "sketches in learned buckets"}
MODELLED = (50_000, 100_000, 200_000, 500_000)

_TUNING_QUERIES, _TUNING_QUERIES_LARGE = 200, 100  # every setting of a large index takes long to try
_LARGE = 30_000
_TIMED_QUERIES = 200


def measure(setup: Setup, modelled: Sequence[int], progress: Progress) -> Record:
    """Return the times at every size, of real and of generated clips, and where LSH becomes the faster one."""
    X = setup.dataset.features("train")
    real = _series(setup.metric, X, setup.validation, setup.test, setup.labels, sizes_up_to(len(X)), progress)
    return {
        "metric": setup.metric,
        "wanted": WANTED,
        "block": BLOCK,
        "real": real,
        "crossover": {racer: _crossings(real, racer) for racer in NAMES},
        "modelled": _modelled(setup.metric, modelled, progress) if modelled else [],
    }


def _modelled(metric: str, sizes: Sequence[int], progress: Progress) -> list[Record]:
    with TemporaryDirectory(prefix="earshot-") as folder:
        problem = prepare(f"like:{max(sizes)}", 2 * _TIMED_QUERIES, Path(folder), progress)
        X, Q = problem.vectors()
        return _series(metric, X, Q[:_TIMED_QUERIES], Q[_TIMED_QUERIES:], None, sizes, progress)


def _series(
    metric: str,
    X: StoredVectors,
    tuning: Float32Array,
    timed: Float32Array,
    labels: tuple[Labels, Labels] | None,
    sizes: Sequence[int],
    progress: Progress,
) -> list[Record]:
    """Tune and time over the first n rows of X, for each n; sizes at which no setting reaches the recall are left out.

    tuning, timed: queries. labels: of the queries `timed` and of X.
    """
    series: list[Record] = []
    for n in sizes:
        progress(f"{metric}: timing searches over {n:,} clips")
        index = build_index(np.ascontiguousarray(X[:n]), metric)
        queries = evenly_spaced(tuning, _TUNING_QUERIES if n <= _LARGE else _TUNING_QUERIES_LARGE)
        try:
            chosen = plan(index, queries, k=K, recall=WANTED)
        except ParameterError:
            continue
        setting = Setting(**chosen.setting, k=K)
        laps = [asdict(lap) for step in race(index, timed, setting, [n], labels) for lap in step.laps]
        series.append({"n": n, "setting": asdict(setting), "laps": {lap["racer"]: lap for lap in laps}})
    return series


def _crossings(series: list[Record], racer: str) -> dict[str, float | None]:
    """Return the size from which a search stays clearly faster than each exact search; None where it does not."""

    def times(name: str) -> list[float]:
        return [row["laps"][name]["ms"] for row in series]

    sizes, mine = [row["n"] for row in series], [CLEARLY * time for time in times(racer)]
    return {other: crossover(sizes, mine, times(other)) if sizes else None for other in (EXACT, BATCHED)}


def fields(figures: Record) -> Record | str:
    """Return the fields of the section in the template, or the reason that there are none."""
    real, modelled = figures["real"], figures["modelled"]
    if not real:
        return f"Not measured: no setting reached recall {figures['wanted']:g} at any size."
    larger = (
        "**Larger than this collection.** Generated vectors, calibrated on the real ones "
        "(`benchmarks/audioset_like.py`); the distribution of real clips at such sizes is not known, so only the trend "
        "is reliable."
    )
    summaries = [_summary(real[-1], "clips"), *(_summary(row, "generated clips") for row in modelled[-1:])]
    return {
        **figures,
        "clearly": CLEARLY,
        "summary": " ".join(summaries),
        "smallest": real[0]["n"],
        "real": _table(real),
        "crossover": _crossover_table(figures["crossover"]),
        "modelled": f"{larger}\n\n{_table(modelled)}" if modelled else "",
    }


def _summary(row: Record, clips: str) -> str:
    tables, sketches = (_speedup(name, row) for name in NAMES)
    return (
        f"Over {row['n']:,} {clips} exact search takes {tables} times as long as hash tables and {sketches} times as "
        "long as sketches in learned buckets."
    )


def _speedup(name: str, row: Record) -> str:
    return ratio(row["laps"][EXACT]["ms"] / row["laps"][name]["ms"])


def _table(rows: list[Record]) -> str:
    head = ["clips", "L, K, probes", "exact", "exact, in blocks", "hash tables", "recall", "exact / tables"]
    return table([*head, "sketches", "recall", "exact / sketches"], map(_cells, rows), text_columns=())


def _cells(row: Record) -> list[str]:
    laps, setting = row["laps"], row["setting"]
    cells = [f"{row['n']:,}", f"{setting['n_tables']}, {setting['n_bits']}, {setting['n_probes']}"]
    cells += [ms(laps[name]["ms"]) for name in (EXACT, BATCHED)]
    for name in NAMES:
        cells += [ms(laps[name]["ms"]), f"{laps[name]['recall']:.2f}", _speedup(name, row)]
    return cells


def _crossover_table(crossovers: Record) -> str:
    def size(n: float | None) -> str:
        return "-" if n is None else f"{float(f'{n:.2g}'):,.0f}"

    rows = [[NAMES[racer], size(sizes[EXACT]), size(sizes[BATCHED])] for racer, sizes in crossovers.items()]
    return table(["ahead from", "exact search, one query at a time", "exact search in blocks"], rows)
