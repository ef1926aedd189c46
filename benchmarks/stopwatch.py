"""Time of one setting of the hash tables, measured afresh with its spread: `python -m benchmarks.stopwatch DATASET`."""

import argparse
import sys
from pathlib import Path

import numpy as np

from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number
from lsh import params
from lsh.analysis.search_config import SearchConfig
from lsh.analysis.timing import n_timed, search_times
from lsh.arguments import MEASURED
from lsh.errors import LSHError
from lsh.sampling import evenly_spaced_rows
from lsh.validate import METRICS

_K = 10


def main(arguments: list[str] | None = None) -> int:
    """Print the time of the setting and of exact search, and their spread; return the exit code."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(open_dataset(options.dataset), options), (DataError, LSHError))


def _run(dataset: Dataset, options: argparse.Namespace) -> None:
    metric, X = options.metric or dataset.metric, dataset.features("train")
    if not dataset.n_rows("validation"):
        raise DataError(f"{options.dataset} has no clips in its validation split, which are the queries")
    given = {"n_tables": options.tables, "n_bits": options.bits, "n_probes": options.probes}
    setting = {name: value for name, value in given.items() if value is not None}
    config = SearchConfig.tables(metric, options.seed, {}, setting)
    index, exact = config.fit(X), SearchConfig.exact(metric).fit(X)
    config = config.completed(index)
    queries = np.asarray(
        dataset.features("validation")[evenly_spaced_rows(dataset.n_rows("validation"), n_timed(len(X)))]
    )
    times = search_times(lambda q: config.search(index, q, _K), lambda q: exact.search(q, _K), queries, "validation")
    print(
        f"{metric}, {config}\n"
        f"  time     {times.ms:.3f} ms per query (exact search: {times.exact_ms:.3f} ms, "
        f"{times.exact_ms / times.ms:.2f} times as long)\n"
        f"  spread   {times.spread:.1%} between {times.rounds} rounds\n"
        f"  queries  {times.n_queries:,} of the {times.split} split, the {_K} nearest of {len(X):,} clips\n"
        f"  machine  {times.processor}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stopwatch",
        description="Time one setting of the hash tables beside exact search, as the app does, and print the spread.",
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset")
    parser.add_argument("--metric", choices=METRICS, help="distance (default: that of the dataset)")
    for name, metavar, high, text in (
        ("tables", "L", params.MAX_TABLES, "number of hash tables"),
        ("bits", "K", params.MAX_BITS, "bits per key of a hash table"),
        ("probes", "T", params.MAX_PROBES, "buckets probed per hash table"),
    ):
        parser.add_argument(
            f"--{name}", type=whole_number(1, high), metavar=metavar, help=f"{text} (default: {MEASURED})"
        )
    seeds = whole_number(0, 2**31 - 1)
    parser.add_argument(
        "--seed", type=seeds, default=0, help="seed of the random hash functions (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
