"""Records of races: laps, and everything that their times depend on, as JSON or CSV. Without Streamlit.

Runs over the embedded sample come with the app (see `ui.race_cli`); the page shows them until the visitor races.
"""

import contextlib
import json
import platform
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from threadpoolctl import threadpool_info

from data_prep.dataset import Dataset
from data_prep.errors import DataError
from lsh.analysis import machine
from lsh.analysis.racing import RACERS, Lap, Setting, Step, race_over
from lsh.params import Params
from lsh.sampling import evenly_spaced_rows

SHIPPED = Path(__file__).with_name("race_sample.json")
MAX_QUERIES = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One race: data, setting, machine, date, sizes, and the laps so far."""

    dataset: str
    features: str  # identifies the vectors: sha256 of the files they are in
    split: str
    n_queries: int
    metric: str
    setting: Setting
    seed: int
    bucket_width: float | None
    machine: str
    versions: str
    date: str  # UTC, ISO 8601
    sizes: tuple[int, ...]
    laps: tuple[Lap, ...] = ()

    @property
    def raced(self) -> list[int]:
        """Return the sizes with laps, ascending."""
        return [lap.n for lap in self.laps if lap.racer == RACERS[0]]

    @property
    def finished(self) -> bool:
        """Return whether every size has laps; a race may be cancelled."""
        return len(self.raced) == len(self.sizes)

    def at(self, n: int) -> dict[str, Lap]:
        """Return every racer's lap at one of the sizes `raced`."""
        return {lap.racer: lap for lap in self.laps if lap.n == n}

    def of(self, racer: str) -> list[Lap]:
        """Return one racer's laps, one per size."""
        return [lap for lap in self.laps if lap.racer == racer]

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Return the run of what `dataclasses.asdict` returned for it."""
        laps, setting = tuple(Lap(**lap) for lap in record["laps"]), Setting(**record["setting"])
        return cls(**{**record, "laps": laps, "setting": setting, "sizes": tuple(record["sizes"])})


def start(
    dataset: Dataset, params: Params, width: float | None, setting: Setting, sizes: Iterable[int]
) -> Generator[tuple[Run, Step], None, None]:
    """Race; yield the run with its laps so far, and each step. Raises DataError for a dataset without queries.

    params: of an index of the whole collection, which need not be there; width: its bucket width, None if not known.
    """
    split = split_of(dataset)
    if not split:
        raise DataError(f"{dataset.path} has no test or validation clips, which a race needs for its queries")
    rows = evenly_spaced_rows(dataset.n_rows(split), MAX_QUERIES)
    queries = np.ascontiguousarray(dataset.features(split)[rows], dtype=np.float32)
    run = Run(
        dataset=dataset.name,
        features=features_of(dataset),
        split=split,
        n_queries=len(rows),
        metric=params.metric,
        setting=setting,
        seed=params.seed,
        bucket_width=width,
        machine=machine.summary(),
        versions=versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        sizes=tuple(sizes),
    )
    sets = dataset.labels_of(split, rows), dataset.label_sets("train", 0, max(run.sizes))
    labels = sets if len(sets[1].values) else None
    with contextlib.closing(race_over(dataset.features("train"), params, queries, setting, run.sizes, labels)) as steps:
        for step in steps:
            run = replace(run, laps=run.laps + step.laps)
            yield run, step


def split_of(dataset: Dataset) -> str:
    """Return the split of the queries: test, else validation; "" for a dataset that has neither."""
    return next((split for split in ("test", "validation") if dataset.n_rows(split)), "")


def features_of(dataset: Dataset) -> str:
    """Identify the vectors of a dataset; labels and titles may change without any effect on times."""
    files = dataset.manifest["files"]
    return ":".join(files[f"{split}.npy"]["sha256"][:16] for split in ("train", "test"))


@cache
def versions() -> str:
    """Return the versions of Python and of the BLAS library; `lsh.analysis.machine` has the others."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas.sort(key=lambda pool: "numpy" not in pool["filepath"])  # SciPy brings one too
    name = f"{blas[0]['internal_api']} {blas[0]['version']}" if blas else "unknown BLAS"
    return f"Python {platform.python_version()}, {name}"


@cache
def shipped() -> tuple[Run, ...]:
    """Return the runs that come with Earshot."""
    return tuple(Run.from_dict(record) for record in json.loads(SHIPPED.read_text(encoding="utf-8"))["runs"])


def as_json(runs: Iterable[Run]) -> str:
    """Write runs as JSON, with everything their times depend on."""
    return json.dumps({"threads": 1, "runs": [asdict(run) for run in runs]}, indent=1) + "\n"
