"""Question 2: query time of LSH and of exact search by size of the collection, measured and written up.

At each size the tables are tuned anew, since a larger collection wants longer keys; then all race on the test clips.
Beyond the collection's own size the vectors are modelled (see `benchmarks.audioset_like`), and said to be.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.answers.formatting import Record, ms, ratio
from benchmarks.answers.setup import SEED, K, Setup, Tell
from benchmarks.markdown import table
from benchmarks.search_problem import prepare
from lsh.analysis.racing import BATCHED, BLOCK, EXACT, SKETCHES, Setting, crossover, race, sizes_up_to
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.analysis.tuning import tune
from lsh.arrays import Float32Array
from lsh.errors import ParameterError
from lsh.index import LSHIndex
from lsh.quality import Labels
from lsh.sampling import evenly_spaced

WANTED = 0.9
CLEARLY = 1.1  # times as fast: less could be noise
NAMES = {"lsh": "hash tables", SKETCHES: "sketches in learned buckets"}
MODELLED = (50_000, 100_000, 200_000, 500_000)

_CHOOSING, _CHOOSING_LARGE = 200, 100  # validation queries; every setting of a large index takes long to try
_LARGE = 30_000
_RACING = 200


def measure(setup: Setup, modelled: Sequence[int], tell: Tell) -> Record:
    """Return the laps at every size, of real clips and of modelled ones, and where the lines cross."""
    X = setup.dataset.features("train")
    real = _series(X, setup.validation, setup.test, sizes_up_to(len(X)), setup.metric, setup.labels, tell)
    return {
        "metric": setup.metric,
        "wanted": WANTED,
        "block": BLOCK,
        "real": real,
        "crossover": {racer: _crossings(real, racer) for racer in ("lsh", SKETCHES)},
        "modelled": _modelled(setup, modelled, tell) if modelled else [],
    }


def _modelled(setup: Setup, sizes: Sequence[int], tell: Tell) -> list[Record]:
    with TemporaryDirectory(prefix="earshot-") as made:
        problem = prepare(f"like:{max(sizes)}", 2 * _RACING, Path(made), tell)
        X, Q = problem.vectors()
        return _series(X, Q[:_RACING], Q[_RACING:], sizes, setup.metric, None, tell)


def _series(
    X: Float32Array,
    choosing: Float32Array,
    racing: Float32Array,
    sizes: Sequence[int],
    metric: str,
    labels: tuple[Labels, Labels] | None,
    tell: Tell,
) -> list[Record]:
    """Race over the first n rows of X, for each n."""
    laps: list[Record] = []
    for n in sizes:
        tell(f"{metric}: a race over {n:,} clips")
        index = LSHIndex(metric, BUILT_TABLES, BUILT_BITS, SEED).fit(np.ascontiguousarray(X[:n]))
        few = evenly_spaced(choosing, _CHOOSING if n <= _LARGE else _CHOOSING_LARGE)
        try:
            choice = tune(index, few, K, WANTED)
        except ParameterError:
            continue
        setting = Setting(choice.n_tables, choice.n_bits, choice.n_probes, K)
        found = [lap for step in race(index, racing, setting, [n], labels) for lap in step.laps]
        laps.append({"n": n, "setting": asdict(setting), "laps": {lap.racer: _rounded(asdict(lap)) for lap in found}})
    return laps


def _crossings(series: list[Record], racer: str) -> dict[str, float | None]:
    """Return the size from which a racer stays clearly ahead of each exact search; None where it does not."""
    sizes = [lap["n"] for lap in series]

    def ms(name: str) -> list[float]:
        return [lap["laps"][name]["ms"] for lap in series]

    clearly = [CLEARLY * mine for mine in ms(racer)]
    return {other: crossover(sizes, clearly, ms(other)) if sizes else None for other in (EXACT, BATCHED)}


def _rounded(lap: Record) -> Record:
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in lap.items()}


def section(speed: Record) -> list[str]:
    """Return the section's paragraphs."""
    title = "## 2. Can LSH outperform brute force in query time, and by how much?"
    modelled = speed["modelled"]
    if not speed["real"]:
        return [title, f"Not measured: no setting reached recall {speed['wanted']:g} at any size."]
    parts = [
        title,
        " ".join([_summary(speed["real"][-1], "clips"), *(_summary(row, "modelled clips") for row in modelled[-1:])]),
        (
            f"Two baselines: exact search of one query at a time, as a person asks, and of {speed['block']} at once, "
            "where one matrix product serves them all. Times are milliseconds per query; the tables were tuned anew "
            f"at each size for recall {speed['wanted']:g} ({speed['metric']} distance), and the recall that each "
            "reached stands behind its time. Building an index is not counted."
        ),
        _table(speed["real"]),
        (
            f"The sizes from which each is at least {CLEARLY:g} times as fast as exact search, read off the lines "
            f"between the sizes measured ({speed['real'][0]['n']:,}: at every size; -: not at any):"
        ),
        _crossover_table(speed["crossover"]),
    ]
    if modelled:
        parts += [
            (
                "**Larger than this collection.** Modelled vectors, calibrated on the real ones "
                "(`benchmarks/audioset_like.py`); how real clips are distributed at such sizes is not known, so read "
                "the trend."
            ),
            _table(modelled),
        ]
    return parts


def _summary(row: Record, clips: str) -> str:
    tables, sketches = (_gain(name, row) for name in NAMES)
    return (
        f"Over {row['n']:,} {clips} exact search takes {tables} times as long as hash tables and {sketches} times as "
        "long as sketches in learned buckets."
    )


def _gain(name: str, row: Record) -> str:
    return ratio(row["laps"][EXACT]["ms"] / row["laps"][name]["ms"])


def _table(rows: list[Record]) -> str:
    head = ["clips", "L, K, probes", "exact", "exact, in blocks", "hash tables", "recall", "exact / tables"]
    return table([*head, "sketches", "recall", "exact / sketches"], map(_row, rows), text_columns=())


def _row(row: Record) -> list[str]:
    laps, setting = row["laps"], row["setting"]
    cells = [f"{row['n']:,}", f"{setting['n_tables']}, {setting['n_bits']}, {setting['n_probes']}"]
    cells += [ms(laps[name]["ms"]) for name in (EXACT, BATCHED)]
    for name in NAMES:
        cells += [ms(laps[name]["ms"]), f"{laps[name]['recall']:.2f}", _gain(name, row)]
    return cells


def _crossover_table(crossovers: Record) -> str:
    rows = [
        [
            NAMES[racer],
            *("-" if (n := sizes[other]) is None else f"{float(f'{n:.2g}'):,.0f}" for other in (EXACT, BATCHED)),
        ]
        for racer, sizes in crossovers.items()
    ]
    return table(["ahead from", "exact search, one query at a time", "exact search in blocks"], rows)
