"""Command line: `python -m benchmarks.answers DATASET` measures, and writes the figures and the document."""

import argparse
import datetime as dt
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.answers import aggregation, families, feedback, parameters, predicted_recall, quality, speed
from benchmarks.answers.document import render
from benchmarks.answers.formatting import rounded
from benchmarks.answers.setup import SEED, K, Progress, Setup
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
    """Measure if a dataset is given, write the document, and return the exit code (see `command_line.run`)."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        if options.feedback and not options.dataset:
            raise BenchmarkError("--feedback measures, so it needs the folder of a dataset: DATASET --feedback")
        if options.feedback:
            figures = read(options.figures)
            found = feedback.measure(open_dataset(options.dataset), _clock())
            _write(options.figures, {**figures, "feedback": rounded(found)})
        elif options.dataset:
            dataset = open_dataset(options.dataset)
            framed = open_dataset(options.frames) if options.frames else dataset
            figures = measure(dataset, framed, options.queries, options.modelled, _clock())
            _write(options.figures, figures)
        write_file(options.out, render(read(options.figures)).encode())

    return command_line.run(command, (BenchmarkError, DataError, LSHError, WriteError))


def _write(path: Path, figures: dict[str, Any]) -> None:
    write_file(path, (json.dumps(figures, separators=(",", ":"), ensure_ascii=False) + "\n").encode())


def measure(
    dataset: Dataset, framed: Dataset, n_queries: int, modelled: list[int], progress: Progress
) -> dict[str, Any]:
    """Measure everything, question 4 over `framed`, a dataset with frames; return the figures for `render`."""
    start = time.perf_counter()
    before = machine.describe()
    metrics = sorted(METRICS, key=lambda metric: metric != dataset.metric)  # the dataset's own first
    setups = [Setup(dataset, metric, n_queries) for metric in metrics]
    chosen = [parameters.measure(setup, progress) for setup in setups]
    tables = [(setup, found["tables"]) for setup, found in zip(setups, chosen, strict=True) if found["tables"]]
    figures = {
        "parameters": chosen,
        "speed": speed.measure(setups[0], modelled, progress),
        "quality": [quality.measure(setup, rows, progress) for setup, rows in tables],
        "aggregation": aggregation.measure(framed, n_queries, progress),
        "feedback": feedback.measure(dataset, progress),
        "families": [families.measure(setup, progress) for setup in setups],
        "theory": [predicted_recall.measure(setup, progress) for setup in setups],
    }
    about = _about(dataset, framed, n_queries, modelled, before, time.perf_counter() - start)
    return {"about": about, **rounded(figures)}


def read(path: Path) -> dict[str, Any]:
    """Read the figures of an earlier run; raise BenchmarkError if the file has none."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path} cannot be read: {error}; expected figures that this command wrote") from error
    if not isinstance(figures, dict) or "about" not in figures:
        raise BenchmarkError(f"{path} holds no figures; expected a file that this command wrote")
    return figures


def _about(
    dataset: Dataset, framed: Dataset, n_queries: int, modelled: list[int], on: dict[str, Any], seconds: float
) -> dict[str, Any]:
    frames = ["--frames", f"data/{framed.name}"] if framed is not dataset else []
    sizes = ["--modelled", *map(str, modelled)] if modelled != list(speed.MODELLED) else []
    queries = ["--queries", str(n_queries)] if n_queries != N_QUERIES else []
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "licence": dataset.licence,
        "fingerprint": dataset.fingerprint,
        "features": ":".join(dataset.manifest["files"][f"{split}.npy"]["sha256"][:16] for split in ("train", "test")),
        "queries": n_queries,
        "rows": {split: dataset.n_rows(split) for split in ("train", "validation", "test")},
        "frames": {"title": framed.title, "source": framed.source, "fingerprint": framed.fingerprint},
        "command": shlex.join(
            ["python", "-m", "benchmarks.answers", f"data/{dataset.name}", *frames, *queries, *sizes]
        ),
        "k": K,
        "seed": SEED,
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "minutes": round(seconds / 60, 1),
        "machine": {**on, "load_after": machine.load()},
    }


def _clock() -> Progress:
    start = time.perf_counter()

    def progress(text: str) -> None:
        command_line.log(f"{time.perf_counter() - start:5.0f} s  {text}")

    return progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answers",
        description="Measure the figures of docs/ANSWERS.md, in some ten minutes, and write the document.",
    )
    number = whole_number(10, 20_000_000)
    parser.add_argument(
        "dataset",
        nargs="?",
        metavar="DATASET",
        help="folder of a prepared dataset (default: measure nothing, write the document from the figures again)",
    )
    parser.add_argument(
        "--frames",
        metavar="DATASET",
        help="folder of a dataset prepared with --frames, for question 4 (default: DATASET, which is left out of "
        "question 4 if it has no frames)",
    )
    parser.add_argument(
        "--feedback",
        action="store_true",
        help="measure question 5 alone, in some minutes, and keep the other figures of the file",
    )
    parser.add_argument(
        "--figures",
        type=output_file,
        default=FIGURES,
        metavar="FILE",
        help=f"JSON file of figures (default: {FIGURES})",
    )
    parser.add_argument(
        "--out",
        type=output_file,
        default=DOCUMENT,
        metavar="FILE",
        help=f"Markdown file to write (default: {DOCUMENT})",
    )
    parser.add_argument(
        "--queries",
        type=number,
        default=N_QUERIES,
        metavar="N",
        help=f"maximum number of queries of each split (default: {N_QUERIES})",
    )
    parser.add_argument(
        "--modelled",
        type=number,
        nargs="*",
        default=list(speed.MODELLED),
        metavar="N",
        help="numbers of generated vectors to search; none with --modelled alone "
        f"(default: {' '.join(map(str, speed.MODELLED))})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
