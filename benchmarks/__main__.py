"""The command line: `python -m benchmarks --dataset DIR --methods lsh,faiss-flat,hnswlib --recall 0.95`."""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import methods
from benchmarks.errors import BenchmarkError
from benchmarks.peers.measure import Results, measure
from benchmarks.peers.report import read, rows, save, table
from benchmarks.search_problem import CACHE, prepare
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import fraction, whole_number
from lsh.errors import LSHError
from lsh.validate import METRICS

RECALLS = [0.95]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code: 1 where `--gate` fails, else as `command_line.run`."""
    options = _parser().parse_args(arguments)
    return command_line.run(lambda: _run(options), (BenchmarkError, DataError, LSHError))


def _run(options: argparse.Namespace) -> int:
    recalls = options.recall or RECALLS
    if options.gate:
        from benchmarks.peers.gate import gate

        return gate(options.gate, options.metric, recalls, options.k, options.queries, command_line.log)
    for path in filter(None, (options.out, options.page)):
        if not path.absolute().parent.is_dir():
            raise BenchmarkError(f"{path.parent} is not a folder; make it first")
    wanted = [name.strip() for name in options.methods.split(",")]
    results = read(options.results) if options.results else _measure(options)
    shown = [name for name in dict.fromkeys(wanted) if name != "all"]
    if "all" in wanted:
        shown += ["lsh", *(name for name in methods.names() if name not in methods.LSH)]
    found = rows(results, recalls, dict.fromkeys(shown))
    if options.out:
        save(results, options.out)
    if options.page:
        from benchmarks.peers.page import write_page

        write_page(results, options.page)
    if options.json:
        print(json.dumps({"machine": results.machine, "rows": [row.as_dict() for row in found]}))
    else:
        print(table(results, found))
    return 0


def _measure(options: argparse.Namespace) -> Results:
    names = methods.chosen(options.methods)
    with TemporaryDirectory(prefix="earshot-") as made:
        folder = Path(made)
        problem = prepare(options.dataset, options.queries, folder, command_line.log, options.cache)
        return measure(problem, names, options.metric, options.k, options.rounds, folder, command_line.log)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure LSH and its peers in turns.")
    positive = whole_number(1, 1_000_000)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--dataset",
        help="a prepared dataset's folder, frames:FOLDER, like:N for N vectors like AudioSet's, or X.npy,Q.npy",
    )
    source.add_argument("--results", type=Path, help="show results that --out wrote, and measure nothing")
    source.add_argument(
        "--gate", type=Path, metavar="FOLDER", help="exit 1 when what lsh chose is slower than exact search"
    )
    parser.add_argument("--methods", default="all", help=f"lsh, all, or a list of {', '.join(methods.names())}")
    parser.add_argument("--metric", choices=METRICS, default="cosine")
    parser.add_argument("--recall", type=fraction, action="append", help="read speeds at this recall; may be repeated")
    parser.add_argument("--k", type=positive, default=10, help="neighbours asked for (10)")
    parser.add_argument("--queries", type=positive, default=1000, help="queries asked (1000)")
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each setting after the first pass (5)")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where generated vectors are kept ({CACHE})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--out", type=Path, help="write everything that was measured to this JSON file")
    parser.add_argument("--page", type=Path, help="draw recall against speed on this web page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
