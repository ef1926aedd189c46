"""Command line: `python -m lsh evaluate|tune|search|families|build|duplicates|verify DATASET`.

`build X.npy` and `search INDEX Q.npy` take files of vectors. Datasets are read by this module and
`lsh.command_line.queries` alone.
"""

import argparse
import contextlib
import json
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep.errors import DataError
from earshot_common import command_line, stages
from lsh import arguments, params, reports
from lsh.analysis.comparing import PROBES, TABLES, compare, index_families
from lsh.analysis.evaluation import evaluate
from lsh.analysis.planning import plan
from lsh.analysis.search_config import SearchConfig
from lsh.command_line import files
from lsh.command_line.queries import queries_and_rows, queries_of, split_of, tuning_queries
from lsh.errors import LSHError, ParameterError
from lsh.pairs import duplicates_report
from lsh.storage import index_folder

if TYPE_CHECKING:
    from pathlib import Path

    from data_prep.dataset import Clip, Dataset

_TUNING_QUERIES = {"any": 2000, "tables": 500}
_OWN = ", each left out of its own answer"
_SETTINGS = ("index", "family", "metric", "n_tables", "n_bits", "n_buckets", "n_probes", "n_reranked", "n_kept", "k")


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code (see `command_line.run`)."""
    options = _parser().parse_args(_joined(sys.argv[1:] if words is None else words))

    def command() -> int:
        report: dict[str, Any]
        run, show = files.of(options) or (None, options.show)
        if run is not None:
            report = run(options, command_line.log)
        else:
            from data_prep.dataset import open_dataset  # needs an extra, and `--help` does not

            report = options.run(open_dataset(options.dataset), options)
        if options.json:
            print(json.dumps(report))
        else:
            show(report)
        return int(bool(report.get("problems")))

    with stages.shown("lsh") if options.run == _build else contextlib.nullcontext():
        return command_line.run(command, (DataError, LSHError))


def _joined(words: list[str]) -> list[str]:
    """Join `--clip ID` into one word: a clip id may begin with a dash, which argparse would take for an option."""
    if "--clip" not in words[:-1]:
        return words
    place = words.index("--clip")
    return [*words[:place], f"--clip={words[place + 1]}", *words[place + 2 :]]


def _evaluate(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    config = arguments.search_config(options, options.metric or dataset.metric, dataset.n_rows("train"))
    index = _index(dataset, config, options.scheduler)
    config = config.completed(index)
    split = split_of(dataset, options.split)
    queries, labels, rows = queries_and_rows(dataset, split, options.queries)
    own = f"{_OWN}," if split == "train" else ","
    command_line.log(f"searching with {len(queries):,} {split} clips{own} {config} and exact search, interleaved")
    setting: dict[str, Any] = {**config.setting, "rows": rows if split == "train" else None}
    result = evaluate(index, queries, labels, dataset.label_sets("train"), k=options.k, **setting)
    described = {"family": config.family, "split": split, "seed": options.seed, "dataset": dataset.name}
    return result.as_dict() | described | reports.spread(index, options.scheduler)


def _tune(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    max_queries = options.queries or _TUNING_QUERIES[options.index]
    sets = {split: tuning_queries(dataset, split, max_queries) for split in ("validation", "test")}
    queries, _, rows, _ = sets["validation"]
    metric, X = options.metric or dataset.metric, dataset.features("train")
    if options.index == "tables":
        X = _index(dataset, SearchConfig.tables(metric, options.seed, {}, {}))
    wanted = {"metric": metric, "k": options.k, "recall": options.recall, "seed": options.seed}
    chosen = plan(X, queries, **wanted, rows=rows, progress=command_line.log)
    config = chosen.config
    checked: dict[str, Any] = {}
    for split, (queries, labels, rows, source) in sets.items():
        own = _OWN if rows is not None else ""
        command_line.log(f"evaluating the choice on {len(queries):,} {source} clips{own}")
        result = evaluate(
            chosen.index, queries, labels, dataset.label_sets("train"), k=options.k, rows=rows, **config.setting
        )
        checked[split] = result.as_dict() | {"family": config.family, "split": source}
    settings = {name: checked["test"][name] for name in _SETTINGS} | {
        "seed": options.seed,
        "command": f"python -m lsh evaluate {shlex.quote(str(options.dataset))} {config.options()}"
        f" --k {options.k} --seed {options.seed} --queries {max_queries}",
        "python": config.python(options.k),
    }
    return {"settings": settings, "wanted_recall": options.recall, **checked, "why": chosen.why}


def _search(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    if options.clip is None:
        raise DataError(f"no --clip is given; expected the id of a clip of {dataset.path}")
    clip = dataset.find_clip(options.clip)
    if clip is None:
        example = dataset.clip("test", 0).clip_id if dataset.n_rows("test") else "none"
        raise DataError(f"no clip {options.clip!r} in {dataset.path}; a clip id looks like {example!r}")
    config = arguments.search_config(options, options.metric or dataset.metric, dataset.n_rows("train"))
    index = _index(dataset, config, options.scheduler)
    config = config.completed(index)
    query = np.asarray(dataset.features(clip.split)[clip.row])[None, :]
    itself = int(clip.split == "train")  # such a clip finds itself first, which is not listed
    found = config.search(index, query, options.k + itself)
    neighbours: list[dict[str, Any]] = []
    for row, distance in zip(found.ids[0], found.distances[0], strict=True):
        if row >= 0 and not (itself and row == clip.row) and len(neighbours) < options.k:
            other = dataset.clip("train", int(row))
            rank = len(neighbours) + 1
            neighbours.append({"rank": rank, "distance": float(distance), **_describe(dataset, other)})
    return {
        "query": _describe(dataset, clip),
        "metric": config.metric,
        **config.setting,
        "candidates": int(found.n_candidates[0]) / dataset.n_rows("train"),
        "neighbours": neighbours,
        **reports.spread(index, options.scheduler),
    }


def _families(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    metric, X, base = options.metric or dataset.metric, dataset.features("train"), dataset.label_sets("train")
    split = split_of(dataset, options.split)
    queries, labels, rows = queries_and_rows(dataset, split, options.queries)
    command_line.log(f"indexing {len(X):,} clips of {dataset.title!r} for {metric} distance, once for each family")
    indexes = index_families(X, base, metric, options.tables, options.seed, progress=command_line.log)
    tuning = None
    if options.split == "test" and dataset.n_rows("validation"):
        tuning, _ = queries_of(dataset, "validation", options.queries)
    own = rows if split == "train" else None
    setting = {"tuning": tuning, "k": options.k, "n_probes": options.probes, "rows": own}
    measured = compare(indexes, queries, labels, base, **setting, progress=command_line.log)
    given = {"metric": metric, "n_tables": options.tables, "n_probes": options.probes, "split": split}
    return measured.as_dict() | given | {"seed": options.seed, "dataset": dataset.name}


def _build(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    metric, X = options.metric or dataset.metric, dataset.features("train")
    if not len(X):
        raise DataError(f"{dataset.path} has no clips in its train split, which an index is built of")
    config = arguments.search_config(options, metric, len(X))
    path = index_folder.path_in(dataset.indexes, config, dataset.sha256("train"))
    command_line.log(f"indexing {len(X):,} clips of {dataset.title!r} for {metric} distance")
    began, processor_began = time.perf_counter(), time.process_time()
    if options.earlier is None:
        index_folder.build(path, config, X, command_line.log)
    else:
        _carry_over(path, config, options.earlier, X)
    built, processor_s = time.perf_counter(), time.process_time() - processor_began
    index_folder.load_or_fit(path, config, X, command_line.log)  # its time is reported
    report = {"path": str(path), "bytes": path.stat().st_size, "clips": len(X), "metric": metric}
    return report | {"build_s": built - began, "processor_s": processor_s, "load_s": time.perf_counter() - built}


def _carry_over(path: "Path", config: SearchConfig, earlier: str, X: Any) -> None:
    from data_prep.dataset import open_dataset

    before = open_dataset(earlier)
    if config.kind != "tables":
        raise ParameterError(f"--earlier goes with hash tables alone, not with --kind {config.kind}: leave it out")
    earlier_path = index_folder.path_in(before.indexes, config, before.sha256("train"))
    index_folder.carry_over(path, earlier_path, before.features("train"), X)


def _verify(dataset: "Dataset", _: argparse.Namespace) -> dict[str, Any]:
    folder, X = dataset.indexes, dataset.features("train")
    files = sorted(str(path) for path in folder.glob(f"*{index_folder.SUFFIX}"))
    return {"files": files, "problems": list(index_folder.problems(folder, X, dataset.sha256("train")))}


def _duplicates(dataset: "Dataset", options: argparse.Namespace) -> dict[str, Any]:
    report = duplicates_report.report(dataset, options, lambda clip: _describe(dataset, clip), command_line.log)
    return report | {"dataset": dataset.name}


def _describe(dataset: "Dataset", clip: "Clip") -> dict[str, Any]:
    labels = [dataset.label_names[label] for label in clip.labels]
    return {"clip_id": clip.clip_id, "labels": labels, "start_s": clip.start_s, "end_s": clip.end_s}


def _index(dataset: "Dataset", config: SearchConfig, scheduler: str | None = None) -> Any:
    """Return the index of a configuration over the dataset's clips: that of its file where there is one, else built.

    With the address of a scheduler it is built on that cluster.
    """
    X = dataset.features("train")
    if scheduler:
        from lsh.distributed import DistributedIndex, connect  # needs an extra

        client = connect(scheduler)
        command_line.log(f"indexing {len(X):,} clips of {dataset.title!r} on the cluster at {scheduler}")
        return DistributedIndex(config.kind, config.metric, **config.build).fit(X, client=client)
    path = None if config.kind == "exact" else index_folder.path_in(dataset.indexes, config, dataset.sha256("train"))
    if path is not None and path.exists():
        command_line.log(f"opening the index {path}")
        return index_folder.load_or_fit(path, config, X, command_line.log)
    command_line.log(f"indexing {len(X):,} clips of {dataset.title!r} for {config.metric} distance")
    return config.fit(X) if path is None else index_folder.load_or_fit(path, config, X, command_line.log)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lsh", description="Measure, choose and use indexes for nearest-neighbour search."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, show: object, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run, show=show)
        arguments.add_common(sub)
        return sub

    def command(name: str, run: object, show: object, summary: str) -> argparse.ArgumentParser:
        sub = add(name, run, show, summary)
        arguments.add_drawing(sub)
        arguments.add_neighbours(sub)
        return sub

    summary = "Measure recall, label precision and time of one setting, next to exact search."
    sub = command("evaluate", _evaluate, reports.evaluation, summary)
    arguments.add_setting(sub)
    arguments.add_scheduler(sub)
    arguments.add_split(sub, ("validation", "test", "train"), "; of train, each clip is left out of its own answer")
    summary = (
        "Choose the fastest search that reaches a recall on the validation split, and evaluate it on the test split. "
        "Of an empty split, clips of train are taken, each left out of its own answer."
    )
    sub = command("tune", _tune, reports.tuning, summary)
    recall = "wanted mean recall, above 0 and at most 1 (default: %(default)s)"
    sub.add_argument("--recall", type=command_line.fraction, default=0.9, help=recall)
    kinds = "kinds of search to choose among: any, or hash tables alone (default: %(default)s)"
    sub.add_argument("--index", choices=tuple(_TUNING_QUERIES), default="any", help=kinds)
    arguments.add_queries(sub, None, "2000 of each split; 500 with --index tables")
    sub = command(
        "search",
        _search,
        reports.neighbours,
        "List the clips nearest to one clip; or of an index file, the rows nearest to each query.",
    )
    arguments.add_setting(sub)
    arguments.add_scheduler(sub)
    sub.add_argument("--clip", metavar="CLIP_ID", help="id of a clip of the dataset, in any split")
    files.add_search(sub)
    summary = (
        "Compare random and learned hash families at equal fractions of candidates. Their bits are chosen on the "
        "validation split."
    )
    sub = command("families", _families, reports.families, summary)
    tables, probes = command_line.whole_number(1, params.MAX_TABLES), command_line.whole_number(1, params.MAX_PROBES)
    number = "number of hash tables (default: %(default)s)"
    sub.add_argument("--tables", type=tables, default=TABLES, metavar="L", help=number)
    number = "buckets probed per hash table (default: %(default)s)"
    sub.add_argument("--probes", type=probes, default=PROBES, metavar="T", help=number)
    arguments.add_split(sub, ("validation", "test", "train"), "; of train, each clip is left out of its own answer")
    summary = (
        "Build an index and save it in the folder of the dataset, where the app and the other commands open it "
        "instead of building it; or an index of a file of vectors, in a file of its own."
    )
    sub = add("build", _build, reports.built, summary)
    arguments.add_drawing(sub)
    arguments.add_stored(sub)
    files.add_build(sub)
    summary = "List the groups of clips that are equal or nearly so."
    sub = add("duplicates", _duplicates, reports.duplicates, summary)
    arguments.add_drawing(sub)
    arguments.add_pairs(sub)
    summary = "Check every byte of the saved indexes of a dataset; exit with 1 for damage."
    add("verify", _verify, reports.verified, summary)
    return parser


if __name__ == "__main__":
    sys.exit(main())
