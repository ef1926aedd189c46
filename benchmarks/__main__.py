"""Command line: `python -m benchmarks --dataset DIR --methods lsh,faiss-flat,hnswlib --recall 0.95`."""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import methods
from benchmarks.errors import BenchmarkError
from benchmarks.peers.measure import Results, measure
from benchmarks.peers.report import read, rows, save, table
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
        return measure(
            problem, list(single), options.metric, options.k, options.rounds, command_line.log, dict(options.library)
        )


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
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--out", type=output_file, metavar="FILE", help="write all results to this JSON file")
    parser.add_argument(
        "--page", type=output_file, metavar="FILE", help="write a chart of recall and speed to this HTML file"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
