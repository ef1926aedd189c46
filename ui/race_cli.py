"""Command line of races: `python -m ui.race_cli DATASET`.

The runs that come with the app are made by `python -m ui.race_cli data/sample --out ui/model/race_sample.json`: under
both distances, the app's default setting, and the setting with 90 % recall that looks at the fewest clips.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError, write_file
from earshot_common.command_line import output_file, whole_number
from lsh import LSHError, LSHIndex, recall_grid
from lsh.analysis.racing import Setting, sizes_up_to
from lsh.arguments import MEASURED
from lsh.params import Params
from lsh.sampling import evenly_spaced
from lsh.validate import METRICS
from ui.format import megabytes, milliseconds, number, percent, plural
from ui.model import race_runs
from ui.model.race_runs import Run
from ui.model.state import DEFAULTS, K_NEIGHBOURS, MAX_BITS, MAX_PROBES, MAX_SEED, MAX_TABLES, MAX_WIDTH, parsed_width

_TARGET_RECALL = 0.9
_PRINT_INTERVAL_S = 0.1  # printing disturbs what is timed


def main(arguments: list[str] | None = None) -> int:
    """Run the races and return the exit code (see `command_line.run`)."""
    parser = parser_of_races()
    options = parser.parse_args(arguments)
    if options.progress and None in {options.tables, options.bits, options.probes}:
        parser.error("argument --progress: expected --tables, --bits and --probes, too")

    def command() -> None:
        dataset = open_dataset(options.dataset)
        if options.progress:
            _print_progress(dataset, options)
            return
        runs = _shipped_races(dataset) if options.out else [_requested_race(dataset, options)]
        if options.out:
            write_file(options.out, race_runs.as_json(runs).encode())
        if options.json:
            print(race_runs.as_json(runs), end="")
        else:
            _show(runs)

    return command_line.run(command, (DataError, LSHError, WriteError))


def _print_progress(dataset: Dataset, options: argparse.Namespace) -> None:
    printed = 0.0
    for message in messages(dataset, options):
        if "run" in message or time.monotonic() - printed >= _PRINT_INTERVAL_S:
            print(json.dumps(message), flush=True)
            printed = time.monotonic()


def messages(dataset: Dataset, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Race without an index of the whole collection; yield the progress, and the run whenever it has new laps.

    Each message has `share` and `doing` (see `lsh.analysis.racing.Step`), and `run` (see `Run.from_dict`) or not.
    """
    params = Params(options.metric or dataset.metric, MAX_TABLES, MAX_BITS, options.seed, options.width, centre=True)
    setting = Setting(options.tables, options.bits, options.probes, K_NEIGHBOURS)
    n = dataset.n_rows("train")
    for run, step in race_runs.start(dataset, params, options.width, setting, sizes_up_to(min(options.clips or n, n))):
        message: dict[str, Any] = {"share": step.share, "doing": step.doing}
        yield message | ({"run": asdict(run)} if step.laps else {})


def _requested_race(dataset: Dataset, options: argparse.Namespace) -> Run:
    index = _index(dataset, options.metric or dataset.metric, options.seed, options.width)
    default = index.default_setting
    setting = Setting(
        options.tables or default.n_tables,
        options.bits or default.n_bits,
        options.probes or default.n_probes,
        K_NEIGHBOURS,
    )
    return _race(dataset, index, setting, min(options.clips or index.n, index.n))


def _shipped_races(dataset: Dataset) -> list[Run]:
    """Race the default setting and the cheapest one, under both distances."""
    indexes = (_index(dataset, metric, DEFAULTS.seed) for metric in METRICS)
    settings = (
        (index, (Setting(*index.default_setting, K_NEIGHBOURS), _cheapest(dataset, index))) for index in indexes
    )
    return [_race(dataset, index, s, index.n) for index, chosen in settings for s in chosen]


def _cheapest(dataset: Dataset, index: LSHIndex) -> Setting:
    """Return the setting that reaches `_TARGET_RECALL` on validation clips by looking at the fewest clips."""
    every = recall_grid(index, evenly_spaced(dataset.features("validation"), race_runs.MAX_QUERIES), K_NEIGHBOURS)
    looked_at = np.where(every.recall >= _TARGET_RECALL, every.candidate_fraction, np.inf)
    row, column = np.unravel_index(looked_at.argmin(), looked_at.shape)
    return Setting(int(row) + 1, int(column) + 1, 1, K_NEIGHBOURS)


def _index(dataset: Dataset, metric: str, seed: int, width: float | None = None) -> LSHIndex:
    command_line.log(f"indexing {dataset.n_rows('train'):,} clips for {metric} distance")
    return LSHIndex(metric, MAX_TABLES, MAX_BITS, seed, width).fit(dataset.features("train"))


def _race(dataset: Dataset, index: LSHIndex, setting: Setting, most: int) -> Run:
    logged, sizes = "", sizes_up_to(most)
    for run, step in race_runs.start(dataset, index.params, index.bucket_width, setting, sizes):  # noqa: B007  (the last is returned)
        clips = step.doing.partition(":")[0]
        if clips != logged:
            logged = clips
            command_line.log(f"{percent(step.share):>6}  racing over {clips}")
    return run


def _show(runs: list[Run]) -> None:
    from ui.figures.race import NAMES  # imports Plotly, which a race does not need

    for run in runs:
        s = run.setting
        probes = plural(s.n_probes, "probe")
        print(f"{run.dataset}, {run.metric}: L = {s.n_tables}, K = {s.n_bits}, {probes}, one thread each")
        waits = " ".join(f"{name:>10}" for name in ("per query", "p50", "p95", "p99"))
        print(f"  {'clips':>9}  {'racer':20} {waits}  spread  recall  looked at    build     index")
        for lap in run.laps:
            waits = " ".join(f"{milliseconds(ms):>10}" for ms in (lap.ms, lap.p50_ms, lap.p95_ms, lap.p99_ms))
            print(
                f"  {lap.n:9,}  {NAMES[lap.racer]:20} {waits}  {percent(lap.spread):>6}  {lap.recall:6.3f}"
                f"  {percent(lap.candidates):>9}  {number(lap.build_s):>5} s {megabytes(lap.index_bytes):>9}"
            )
        print(f"  {run.machine}, {run.versions}, {run.date}")


def parser_of_races() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ui.race_cli",
        description="Time LSH, exact search and sketches over a growing part of a dataset, as the Race page does.",
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder of a prepared dataset")
    parser.add_argument("--metric", choices=METRICS, help="distance (default: the dataset's own)")
    for name, letter, what, low, high, default in (
        ("tables", "L", f"tables searched by LSH, 1 to {MAX_TABLES}", 1, MAX_TABLES, MEASURED),
        ("bits", "K", f"bits per key, 1 to {MAX_BITS}", 1, MAX_BITS, MEASURED),
        ("probes", "T", f"buckets searched in each table, 1 to {MAX_PROBES}", 1, MAX_PROBES, MEASURED),
        ("seed", "SEED", f"seed of the hash functions, 0 to {MAX_SEED}", 0, MAX_SEED, DEFAULTS.seed),
        ("clips", "N", "maximum number of clips", 1, 10**9, "all"),
    ):
        number = whole_number(low, high)
        parser.add_argument(f"--{name}", type=number, metavar=letter, help=f"{what} (default: {default})")
    parser.set_defaults(seed=DEFAULTS.seed)
    parser.add_argument(
        "--width", type=_width, metavar="W", help="width of buckets for euclidean distance (default: from the data)"
    )
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print the runs as JSON")
    printed.add_argument(
        "--progress",
        action="store_true",
        help="print a line of JSON for each step, as the app reads them; with --tables, --bits and --probes",
    )
    parser.add_argument(
        "--out",
        type=output_file,
        metavar="FILE",
        help="race the settings that the page opens with, and write the runs to FILE as JSON",
    )
    return parser


def _width(text: str) -> float:
    width = parsed_width(text)
    if width is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most {MAX_WIDTH:,.0f}")
    return width


if __name__ == "__main__":
    sys.exit(main())
