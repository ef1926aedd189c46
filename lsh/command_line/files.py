"""Commands on files: `build X.npy --out INDEX` and `search INDEX Q.npy --out NEIGHBOURS`."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from earshot_common.atomic import WriteError, atomic_file
from earshot_common.command_line import output_file
from lsh import arguments
from lsh.command_line import vector_files
from lsh.errors import LSHError, ParameterError
from lsh.storage import load, save

_INDEX_SUFFIX = ".lsh"
_OF_DATASETS = ("clip", "scheduler", "metric", "family", "buckets")  # options of `search` that an index file decides
_WORDS = {"tables": "hash tables", "sketches": "sketches", "graph": "a graph"}
_KINDS_WITH = {  # options of a search, by the kinds of index that have them
    "tables": ("tables",),
    "bits": ("tables",),
    "probes": ("tables", "sketches"),
    "reranked": ("tables", "sketches"),
    "kept": ("graph",),
}
Run = Callable[[argparse.Namespace, Callable[[str], None]], dict[str, Any]]


def add_build(sub: argparse.ArgumentParser) -> None:
    """Add the options of an index of a file of vectors, given in place of a dataset."""
    _add_files(sub, "the index of a file of vectors, in place of DATASET")
    sub.set_defaults(of_file=_build, show_file=_show_built)


def add_search(sub: argparse.ArgumentParser) -> None:
    """Add the options of a search in an index file, given in place of a dataset."""
    endings = ", ".join(vector_files.SUFFIXES)
    help_ = f"file of queries, one vector per row ({endings}), to search an index file given in place of DATASET"
    sub.add_argument("queries", nargs="?", type=Path, metavar="QUERIES", help=help_)
    _add_files(sub, "the neighbours found in an index file, as .npz with ids, distances and n_candidates")
    sub.set_defaults(of_file=_search, show_file=_show_found)


def of(options: argparse.Namespace) -> tuple[Run, Callable[[dict[str, Any]], None]] | None:
    """Return the command on files that the options ask for, and what prints its report; None for one on a dataset."""
    if "of_file" not in options:
        return None
    suffix = Path(options.dataset).suffix.lower()
    is_file = suffix in vector_files.SUFFIXES if options.of_file is _build else suffix == _INDEX_SUFFIX
    if is_file or getattr(options, "queries", None) is not None:
        return options.of_file, options.show_file
    if options.out is not None or options.column:
        raise ParameterError(
            f"--out and --column go with a file of vectors or an index file; {options.dataset} is none"
        )
    return None


def _add_files(sub: argparse.ArgumentParser, what: str) -> None:
    sub.add_argument("--out", type=output_file, metavar="FILE", help=f"file to write: {what}")
    column = "column of a Parquet file with the vectors, or several with numbers; dataset of an HDF5 file"
    sub.add_argument("--column", action="append", default=[], metavar="NAME", help=column)


def _build(options: argparse.Namespace, log: Callable[[str], None]) -> dict[str, Any]:
    if options.out is None:
        raise ParameterError(f"no --out is given; expected the index file to write for {options.dataset}")
    path = Path(options.dataset)
    metric = options.metric or vector_files.metric_of(path) or "cosine"
    X = vector_files.read(path, options.column, "train")
    if not len(X):
        raise ParameterError(f"{path} holds no vectors; expected one at least")
    log(f"indexing {len(X):,} vectors of {path} for {metric} distance")
    began = time.perf_counter()
    index: Any = arguments.search_config(options, metric, len(X)).fit(X)
    built_s = time.perf_counter() - began
    save(index, options.out)
    report = {"path": str(options.out), "bytes": options.out.stat().st_size, "vectors": index.n, "metric": metric}
    return report | {"dimensions": int(index.exact.X.shape[1]), "build_s": built_s}


def _search(options: argparse.Namespace, log: Callable[[str], None]) -> dict[str, Any]:
    given = [name for name in _OF_DATASETS if getattr(options, name) is not None]
    if given:
        raise ParameterError(f"--{given[0]} does not go with an index file, which has its own: leave it out")
    if options.queries is None or options.out is None:
        missing = "file of queries" if options.queries is None else "--out"
        raise ParameterError(f"no {missing} is given; expected `search {options.dataset} QUERIES --out NEIGHBOURS.npz`")
    index = load(options.dataset)
    if options.seed:
        raise ParameterError(
            f"--seed {options.seed} does not go with an index file, whose functions are drawn: leave it out"
        )
    if options.index in {"sketches", "graph"} and index.kind != options.index:
        raise ParameterError(
            f"--index {options.index} does not go with {options.dataset}, which has {_WORDS[index.kind]}: leave it out"
        )
    Q = vector_files.read(options.queries, options.column, "test")
    log(f"searching {index.n:,} vectors with {len(Q):,} queries")
    began = time.perf_counter()
    found = _searched(index, Q, options)
    search_s = time.perf_counter() - began
    try:
        with atomic_file(options.out) as file:
            np.savez(file, **found._asdict())
    except WriteError as error:
        raise LSHError(str(error)) from error
    share = float(found.n_candidates.mean() / index.n) if len(Q) else 0.0
    few = int((found.n_found < found.ids.shape[1]).sum())
    report = {"path": str(options.out), "queries": len(found.ids), "k": found.ids.shape[1], "candidates": share}
    return report | {"queries_with_fewer": few, "search_s": search_s}


def _searched(index: Any, Q: Any, options: argparse.Namespace) -> Any:
    given = {name: value for name in _KINDS_WITH if (value := getattr(options, name)) is not None}
    for name in given:
        if options.index == "exact":
            raise ParameterError(f"--{name} does not go with --index exact; leave one of them out")
        if index.kind not in _KINDS_WITH[name]:
            kinds = " and ".join(_WORDS[kind] for kind in _KINDS_WITH[name])
            raise ParameterError(
                f"--{name} goes with {kinds}; {options.dataset} has {_WORDS[index.kind]}: leave it out"
            )
    if options.index == "exact":
        return index.exact.search(Q, options.k)
    return index.search(Q, options.k, **{f"n_{name}": value for name, value in given.items()})


def _show_built(report: dict[str, Any]) -> None:
    print(
        f"{report['path']}: {report['bytes'] / 1e6:,.1f} MB, {report['vectors']:,} vectors of {report['dimensions']} "
        f"dimensions, {report['metric']} distance, built in {report['build_s']:.1f} s"
    )


def _show_found(report: dict[str, Any]) -> None:
    print(
        f"{report['path']}: {report['k']} neighbours of {report['queries']:,} queries in {report['search_s']:.2f} s, "
        f"{report['candidates']:.2%} of the collection looked at"
    )
    if few := report["queries_with_fewer"]:
        print(f"fewer were found for {few:,} queries: there the id is -1 and the distance infinity")
