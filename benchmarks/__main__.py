"""Command line: `python -m benchmarks --dataset DIR --methods lsh,faiss-flat,hnswlib --recall 0.95`."""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import methods
from benchmarks.errors import BenchmarkError
from benchmarks.peers.measure import Results, measure
from benchmarks.peers.report import read, rows, save, table, within
from benchmarks.search_problem import prepare
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.atomic import WriteError
from earshot_common.command_line import fraction, output_file, whole_number
from lsh.errors import LSHError
from lsh.validate import METRICS

DEFAULT_RECALL = 0.95


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code: 1 if `--gate` fails, else as `command_line.run`."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(options), (BenchmarkError, DataError, LSHError, WriteError))


def _run(options: argparse.Namespace) -> int:
    recalls = options.recall or [DEFAULT_RECALL]
    if options.gate:
        from benchmarks.peers.gate import gate

        return gate(options.gate, options.metric, recalls, options.k, options.queries, command_line.log)
    names = methods.selected(options.methods)
    if options.within:
        names = _near(options, names, recalls)
    results = read(options.results) if options.results else _measure(options, names)
    found = rows(results, recalls, names)
    if options.out:
        save(results, options.out)
    if options.page:
        from benchmarks.peers.web_page import write_page

        write_page(results, options.page)
    if options.json:
        print(json.dumps({"machine": results.machine, "rows": [row.as_dict() for row in found]}))
    else:
        print(table(results, found))
    return 0


def _measure(options: argparse.Namespace, names: list[str]) -> Results:
    single = dict.fromkeys(name for given in names for name in (methods.LSH if given == "lsh" else (given,)))
    with TemporaryDirectory(prefix="earshot-") as folder:
        problem = prepare(options.dataset, options.queries, Path(folder), command_line.log)
        common = options.metric, options.k, options.rounds, command_line.log, dict(options.library)
        return measure(problem, list(single), *common, options.cache)


def _near(options: argparse.Namespace, names: list[str], recalls: list[float]) -> list[str]:
    """Return the methods that --within leaves: those that were not much slower than the fastest in earlier results."""
    text, path = options.within
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor < float("inf"):
        raise BenchmarkError(f"--within {text} is not a factor, a number of 1 or more")
    results = read(Path(path))
    if (results.metric, results.k) != (options.metric, options.k):
        asked = f"{options.metric} and {options.k} neighbours"
        raise BenchmarkError(f"{path} holds results of {results.metric} and {results.k} neighbours, not of {asked}")
    found = within(results, factor, recalls, names)
    if not found:
        raise BenchmarkError(
            f"none of the methods {', '.join(names)} was within {text} times of the fastest in {path}: choose others "
            "with --methods, or a larger factor"
        )
    command_line.log(f"within {text} times of the fastest in {path}: {', '.join(found)}")
    return found


def _library(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if name not in methods.names() or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not METHOD=FOLDER, with a folder that exists")
    return name, Path(folder).resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure recall and speed of lsh and other libraries, interleaved."
    )
    positive = whole_number(1, 1_000_000)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--dataset",
        help="what to search: folder of a prepared dataset, like:N for N generated vectors like AudioSet's, "
        "or two files, BASE.npy,QUERIES.npy",
    )
    source.add_argument("--results", type=Path, metavar="FILE", help="show the results in a file that --out wrote")
    source.add_argument(
        "--gate",
        metavar="FOLDER",
        help="check the choice of lsh.plan for a prepared dataset: exit with 1 if it misses the recall, or is slower "
        "than exact search",
    )
    parser.add_argument(
        "--methods",
        default="all",
        metavar="LIST",
        help=f"methods, separated by commas: lsh, all, or some of {', '.join(methods.names())} (default: all)",
    )
    parser.add_argument(
        "--library",
        type=_library,
        action="append",
        default=[],
        metavar="METHOD=FOLDER",
        help="folder of the library of a method whose module has the name of another one, as `pip install --no-deps "
        "--target FOLDER scann-core` makes it for scann-core; may be repeated",
    )
    parser.add_argument("--metric", choices=METRICS, default="cosine", help="distance (default: cosine)")
    parser.add_argument(
        "--recall",
        type=fraction,
        action="append",
        help=f"report the speed at this recall, above 0 and at most 1; may be repeated (default: {DEFAULT_RECALL})",
    )
    parser.add_argument("--k", type=positive, default=10, help="neighbours per query (default: 10)")
    parser.add_argument("--queries", type=positive, default=1000, help="maximum number of queries (default: 1000)")
    parser.add_argument(
        "--rounds", type=positive, default=5, help="timing rounds per setting, after the first pass (default: 5)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="folder of built indexes and of first passes, kept for later calls: those of the same data, settings, "
        "library and processor are read, so that a call that was interrupted goes on (default: none)",
    )
    parser.add_argument(
        "--within",
        nargs=2,
        metavar=("FACTOR", "FILE"),
        help="measure only those of the methods that in FILE, which --out wrote, are at most FACTOR times slower than "
        "the fastest at one of the recalls or more (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--out", type=output_file, metavar="FILE", help="write all results to this JSON file")
    parser.add_argument(
        "--page", type=output_file, metavar="FILE", help="write a chart of recall and speed to this HTML file"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
