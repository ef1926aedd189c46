"""The command line: `python -m lsh evaluate|tune|search DATASET ...`. The only part of `lsh` that reads datasets."""

import argparse
import json
import sys
from typing import Any

import numpy as np

from data_prep.dataset import Clip, Dataset, open_dataset
from data_prep.errors import DataError
from lsh.errors import LSHError
from lsh.evaluation import evaluate
from lsh.index import LSHIndex
from lsh.params import MAX_BITS, MAX_PROBES, MAX_TABLES
from lsh.quality import LabelSets
from lsh.sampling import evenly_spaced_rows
from lsh.tuning import tune
from lsh.validate import METRICS, Floats

BUILT_TABLES, BUILT_BITS = 32, 24  # what the app builds too, so that the same seed gives the same figures
TABLES, BITS = 16, 8
_TUNING_QUERIES = 500


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after one message about what was wrong."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        report: dict[str, Any] = options.run(open_dataset(options.dataset), options)
    except (DataError, LSHError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(report))
    else:
        options.show(report)
    return 0


def _joined(arguments: list[str]) -> list[str]:
    """Join `--clip ID` into one word: a video's id may begin with a dash, which argparse would take for an option."""
    if "--clip" not in arguments[:-1]:
        return arguments
    place = arguments.index("--clip")
    return [*arguments[:place], f"--clip={arguments[place + 1]}", *arguments[place + 2 :]]


def _evaluate(dataset: Dataset, options: argparse.Namespace) -> dict[str, Any]:
    index = _index(dataset, options)
    queries, labels = _queries(dataset, options.split, options.queries)
    _say(f"searching with {len(queries):,} {options.split} clips, LSH and exact search in turns")
    result = evaluate(
        index,
        queries,
        labels,
        dataset.label_sets("train"),
        k=options.k,
        n_tables=options.tables,
        n_bits=options.bits,
        n_probes=options.probes,
    )
    return result.as_dict() | {"split": options.split, "seed": options.seed, "dataset": dataset.name}


def _tune(dataset: Dataset, options: argparse.Namespace) -> dict[str, Any]:
    index = _index(dataset, options)
    validation, validation_labels = _queries(dataset, "validation", options.queries)
    choice = tune(index, validation, options.k, options.recall, progress=_say)
    setting = {"n_tables": choice.n_tables, "n_bits": choice.n_bits, "n_probes": choice.n_probes}
    test, test_labels = _queries(dataset, "test", options.queries)
    base = dataset.label_sets("train")
    checked: dict[str, Any] = {}
    for split, queries, labels in (("validation", validation, validation_labels), ("test", test, test_labels)):
        _say(f"checking the choice on {len(queries):,} {split} clips")
        checked[split] = evaluate(index, queries, labels, base, k=options.k, **setting).as_dict()
    settings = {"metric": index.params.metric, **setting, "k": options.k, "seed": options.seed}
    return {"settings": settings, "wanted_recall": options.recall, **checked, "why": choice.why}


def _search(dataset: Dataset, options: argparse.Namespace) -> dict[str, Any]:
    clip = dataset.find_clip(options.clip)
    if clip is None:
        example = dataset.clip("test", 0).clip_id if dataset.n_rows("test") else "none"
        raise DataError(f"no clip {options.clip!r} in {dataset.path}; a clip id looks like {example!r}")
    index = _index(dataset, options)
    query = np.asarray(dataset.features(clip.split)[clip.row])[None, :]
    itself = int(clip.split == "train")  # a clip of the database finds itself first, which is no news
    found = index.search(query, options.k + itself, options.tables, options.bits, options.probes)
    neighbours: list[dict[str, Any]] = []
    for row, distance in zip(found.ids[0], found.distances[0], strict=True):
        if row >= 0 and not (itself and row == clip.row) and len(neighbours) < options.k:
            other = dataset.clip("train", int(row))
            rank = len(neighbours) + 1
            neighbours.append({"rank": rank, "distance": float(distance), **_described(dataset, other)})
    return {
        "query": _described(dataset, clip),
        "metric": index.params.metric,
        "n_tables": options.tables,
        "n_bits": options.bits,
        "n_probes": options.probes,
        "candidates": int(found.n_candidates[0]) / index.n,
        "neighbours": neighbours,
    }


def _described(dataset: Dataset, clip: Clip) -> dict[str, Any]:
    labels = [dataset.label_names[label] for label in clip.labels]
    return {"clip_id": clip.clip_id, "labels": labels, "start_s": clip.start_s, "end_s": clip.end_s}


def _index(dataset: Dataset, options: argparse.Namespace) -> LSHIndex:
    """Build the index for the dataset, at least as large as the app's."""
    metric = options.metric or dataset.metric
    n_tables = max(BUILT_TABLES, getattr(options, "tables", 0))
    n_bits = max(BUILT_BITS, getattr(options, "bits", 0))
    _say(f"indexing {dataset.n_rows('train'):,} clips of {dataset.title!r} for {metric} distance")
    return LSHIndex(metric, n_tables, n_bits, options.seed).fit(dataset.features("train"))


def _queries(dataset: Dataset, split: str, most: int) -> tuple[Floats, LabelSets]:
    """Return the features and labels of at most `most` clips, evenly spaced through a split."""
    n = dataset.n_rows(split)
    if n == 0:
        raise DataError(f"{dataset.path} has no clips in its {split} split, which this command needs for its queries")
    rows = evenly_spaced_rows(n, most)
    offsets, values = dataset.label_sets(split)
    picked = [values[offsets[row] : offsets[row + 1]] for row in rows]
    lengths = np.cumsum([0, *map(len, picked)])
    return np.asarray(dataset.features(split)[rows]), (lengths, np.concatenate(picked))


def _show_evaluation(report: dict[str, Any]) -> None:
    probes = f", {report['n_probes']} probes a table" if report["n_probes"] > 1 else ""
    times = report["exact_ms_per_query"] / report["ms_per_query"]
    print(
        f"{report['metric']}, L = {report['n_tables']} tables, K = {report['n_bits']} bits{probes}: "
        f"{report['queries']:,} {report['split']} queries, k = {report['k']}\n"
        f"  recall           {report['recall']:.3f} ± {report['recall_error']:.3f} (standard error)\n"
        f"  label precision  {report['label_precision']:.3f} (exact search: {report['exact_label_precision']:.3f})\n"
        f"  looked at        {report['candidates']:.2%} of the collection\n"
        f"  time             {report['ms_per_query']:.3f} ms a query "
        f"(exact search: {report['exact_ms_per_query']:.3f} ms, {times:.2f} times as long)\n"
        f"  index            {report['index_bytes'] / 1e6:.1f} MB beside the features"
    )


def _show_choice(report: dict[str, Any]) -> None:
    print(report["why"])
    for split in ("validation", "test"):
        _show_evaluation(report[split] | {"split": split})


def _show_neighbours(report: dict[str, Any]) -> None:
    print(f"{report['query']['clip_id']}: {', '.join(report['query']['labels'])}")
    print(f"looked at {report['candidates']:.2%} of the collection")
    for other in report["neighbours"]:
        labels = ", ".join(other["labels"])
        print(f"{other['rank']:4}  {other['distance']:.3f}  {other['clip_id']}  {labels}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lsh", description="Measure, tune and use an LSH index.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    whole = _whole_number

    def command(name: str, run: object, show: object, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run, show=show)
        sub.add_argument("dataset", metavar="DATASET", help="a prepared dataset's folder")
        sub.add_argument("--metric", choices=METRICS, help="distance; by default the dataset's own")
        sub.add_argument("--k", type=whole(1, 1000), default=10, help="neighbours asked for (10)")
        sub.add_argument("--seed", type=whole(0, 2**31 - 1), default=0, help="of the random hash functions (0)")
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        return sub

    def setting(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--tables", type=whole(1, MAX_TABLES), default=TABLES, metavar="L", help=f"tables ({TABLES})")
        sub.add_argument("--bits", type=whole(1, MAX_BITS), default=BITS, metavar="K", help=f"bits a key ({BITS})")
        sub.add_argument("--probes", type=whole(1, MAX_PROBES), default=1, metavar="T", help="buckets a table (1)")

    sub = command("evaluate", _evaluate, _show_evaluation, "Measure one setting against exact search.")
    setting(sub)
    sub.add_argument("--split", choices=("validation", "test"), default="test", help="the queries (test)")
    sub.add_argument("--queries", type=whole(1, 10**7), default=1000, metavar="N", help="at most so many (1000)")
    sub = command("tune", _tune, _show_choice, "Find the fastest setting that reaches a recall; check it on test.")
    sub.add_argument("--recall", type=_share, default=0.9, help="wanted recall, above 0, at most 1 (0.9)")
    sub.add_argument(
        "--queries", type=whole(1, 10**7), default=_TUNING_QUERIES, metavar="N", help="of each split (500)"
    )
    sub = command("search", _search, _show_neighbours, "List the clips nearest to a clip.")
    setting(sub)
    sub.add_argument("--clip", required=True, metavar="CLIP_ID", help="a clip of the dataset, of any split")
    return parser


def _whole_number(low: int, high: int) -> Any:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
