"""The command line: `python -m benchmarks.answers DATASET` measures, and writes the figures and the document."""

import argparse
import datetime as dt
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.answers import aggregation, families, parameters, predicted_recall, quality, speed
from benchmarks.answers.document import render
from benchmarks.answers.setup import SEED, K, Setup, Tell
from benchmarks.errors import BenchmarkError
from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError, write_file
from earshot_common.command_line import output_file, whole_number
from lsh.errors import LSHError
from lsh.validate import METRICS

N_QUERIES = 1000
FIGURES, DOCUMENT = "docs/answers.json", "docs/ANSWERS.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure where a dataset is named, write the document, and return the exit code (see `command_line.run`)."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        if options.dataset:
            figures = measure(open_dataset(options.dataset), options.queries, options.modelled, _clock())
            write_file(options.figures, (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode())
        write_file(options.out, render(read(options.figures)).encode())

    return command_line.run(command, (BenchmarkError, DataError, LSHError, WriteError))


def measure(dataset: Dataset, n_queries: int, modelled: list[int], tell: Tell) -> dict[str, Any]:
    """Measure everything; return the figures that `render` makes the document of."""
    start = time.perf_counter()
    before = machine.describe()
    setups = [Setup(dataset, metric, n_queries) for metric in _own_first(dataset.metric)]
    own = setups[0]
    chosen = [parameters.measure(setup, tell) for setup in setups]
    figures = {
        "parameters": chosen,
        "speed": speed.measure(own, modelled, tell),
        "quality": [quality.measure(g, c["tables"], tell) for g, c in zip(setups, chosen, strict=True) if c["tables"]],
        "aggregation": aggregation.measure(dataset, n_queries, tell),
        "families": [families.measure(setup, tell) for setup in setups],
        "theory": [predicted_recall.measure(setup, tell) for setup in setups],
    }
    return {"about": _about(dataset, n_queries, modelled, before, time.perf_counter() - start), **figures}


def read(path: Path) -> dict[str, Any]:
    """Read the figures that a run wrote."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path} cannot be read: {error}; expected figures that this command wrote") from error
    if not isinstance(figures, dict) or "about" not in figures:
        raise BenchmarkError(f"{path} holds no figures; expected a file that this command wrote")
    return figures


def _own_first(metric: str) -> list[str]:
    return sorted(METRICS, key=lambda other: other != metric)


def _about(dataset: Dataset, n_queries: int, modelled: list[int], on: dict[str, Any], seconds: float) -> dict[str, Any]:
    sizes = ["--modelled", *map(str, modelled)] if modelled != list(speed.MODELLED) else []
    asked = ["--queries", str(n_queries)] if n_queries != N_QUERIES else []
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "licence": dataset.licence,
        "fingerprint": dataset.fingerprint,
        "features": ":".join(dataset.manifest["files"][f"{split}.npy"]["sha256"][:16] for split in ("train", "test")),
        "queries": n_queries,
        "rows": {split: dataset.n_rows(split) for split in ("train", "validation", "test")},
        "has_frames": dataset.has_frames,
        "command": shlex.join(["python", "-m", "benchmarks.answers", f"data/{dataset.name}", *asked, *sizes]),
        "k": K,
        "seed": SEED,
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "minutes": round(seconds / 60, 1),
        "machine": {**on, "load_after": machine.load()},
    }


def _clock() -> Tell:
    start = time.perf_counter()

    def tell(text: str) -> None:
        command_line.log(f"{time.perf_counter() - start:5.0f} s  {text}")

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answers",
        description="Measure all that docs/ANSWERS.md says of a dataset, and write it. Takes some ten minutes.",
    )
    parser.add_argument(
        "dataset", nargs="?", help="a prepared dataset's folder; without one, --figures are written out again"
    )
    parser.add_argument("--figures", type=output_file, default=FIGURES, help=f"where the figures are kept ({FIGURES})")
    parser.add_argument("--out", type=output_file, default=DOCUMENT, help=f"the document ({DOCUMENT})")
    parser.add_argument(
        "--queries",
        type=whole_number(10, 20_000_000),
        default=N_QUERIES,
        metavar="N",
        help=f"of each split ({N_QUERIES})",
    )
    parser.add_argument(
        "--modelled",
        type=whole_number(10, 20_000_000),
        nargs="*",
        default=list(speed.MODELLED),
        metavar="N",
        help="race over so many modelled vectors too; none: over real ones alone",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
