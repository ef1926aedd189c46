"""Options of `python -m lsh`: their names and ranges, and the search configuration that they select."""

import argparse
from typing import Any

from earshot_common.command_line import fraction, non_negative, whole_number
from lsh import params
from lsh.analysis.search_config import DIVIDED_KINDS, KINDS, SearchConfig
from lsh.errors import ParameterError
from lsh.params import MAX_BUCKETS
from lsh.sketches import partition
from lsh.sketches.partition import default_buckets
from lsh.validate import METRICS

_MAX_RERANKED = 1_000_000
MEASURED = "the cheapest with recall 0.9 of the indexed clips, measured when they are indexed"
_FAMILIES = sorted({*partition.FAMILIES, *params.FAMILIES["cosine"], *params.FAMILIES["euclidean"]})
# The options of each kind of index, with their defaults; None is that of the index.
_DEFAULTS: dict[str, dict[str, int | None]] = {
    "tables": dict.fromkeys(("family", "tables", "bits", "probes", "reranked")),
    "sketches": {"family": None, "buckets": None, "probes": None, "reranked": None},
    "graph": {"kept": None},
    "exact": {},
}


def add_common(sub: argparse.ArgumentParser) -> None:
    """Add the options of every command."""
    sub.add_argument("dataset", metavar="DATASET", help="folder of a prepared dataset")
    sub.add_argument("--json", action="store_true", help="print the result as one JSON object")


def add_drawing(sub: argparse.ArgumentParser) -> None:
    """Add the options that decide how hash functions are drawn."""
    sub.add_argument("--metric", choices=METRICS, help="distance (default: that of the dataset)")
    seeds = whole_number(0, 2**31 - 1)
    sub.add_argument("--seed", type=seeds, default=0, help="seed of the random hash functions (default: %(default)s)")


def add_neighbours(sub: argparse.ArgumentParser) -> None:
    """Add the option for the number of neighbours."""
    _add_number(sub, "k", "K", 1000, "number of neighbours (default: %(default)s)", default=10)


def add_setting(sub: argparse.ArgumentParser) -> None:
    """Add the options that select a search configuration."""
    kinds = "kind of search: hash tables, sketches in buckets, a graph, or exact (default: %(default)s)"
    sub.add_argument("--index", choices=KINDS, default="tables", help=kinds)
    _add_family(sub)
    _add_number(sub, "tables", "L", params.MAX_TABLES, f"number of hash tables (default: {MEASURED})")
    _add_number(sub, "bits", "K", params.MAX_BITS, f"bits per key of a hash table (default: {MEASURED})")
    probes = (
        f"buckets probed: per hash table, at most {params.MAX_PROBES}, or of sketches, on average (default: {MEASURED})"
    )
    _add_number(sub, "probes", "T", MAX_BUCKETS, probes)
    reranked = f"candidates ranked by exact distance (default: {MEASURED}; hash tables: all)"
    _add_number(sub, "reranked", "R", _MAX_RERANKED, reranked)
    kept = f"nodes of a graph that a search keeps and visits, K if that is more (default: {MEASURED})"
    _add_number(sub, "kept", "N", _MAX_RERANKED, kept)


def add_scheduler(sub: argparse.ArgumentParser) -> None:
    """Add the option that spreads the search over a cluster."""
    address = (
        "address of a Dask scheduler, such as tcp://192.168.0.5:8786: index and search on its workers, which must be "
        "able to read the dataset at the same path"
    )
    sub.add_argument("--scheduler", metavar="ADDRESS", help=address)


def add_stored(sub: argparse.ArgumentParser) -> None:
    """Add the options that select an index to be saved; it serves every number of tables, bits and probes."""
    kinds = (
        "kind of index: hash tables, as the app opens, sketches in buckets, or a graph, which takes 1.4 KB per vector "
        "(default: %(default)s)"
    )
    stored = [kind for kind in KINDS if kind != "exact"]
    sub.add_argument("--kind", choices=stored, default="tables", dest="index", help=kinds)
    earlier = (
        "an earlier version of the dataset, whose saved hash tables are carried over: only clips that are new are "
        "hashed; refused where too much has changed (default: build the index)"
    )
    sub.add_argument("--earlier", metavar="DATASET", help=earlier)
    _add_family(sub)
    sub.set_defaults(tables=None, bits=None, probes=None, reranked=None, kept=None)


def add_pairs(sub: argparse.ArgumentParser) -> None:
    """Add the options of the search for duplicates."""
    radius = (
        "largest distance of two duplicates, 0 for equal ones alone (default: the largest within which fewer than one "
        "in a million random pairs are)"
    )
    sub.add_argument("--radius", type=non_negative, metavar="R", help=radius)
    recall = "probability that a pair within the radius is found, above 0 and below 1 (default: %(default)s)"
    sub.add_argument("--recall", type=fraction, default=0.95, help=recall)
    splits = "splits whose clips are compared (default: train)"
    names = ("train", "validation", "test")
    sub.add_argument("--splits", nargs="+", choices=names, default=["train"], metavar="SPLIT", help=splits)
    check = "clips of which all pairs are compared too, to measure the share found; 0 for none (default: %(default)s)"
    sub.add_argument("--check", type=whole_number(0, 100_000), default=20_000, metavar="N", help=check)


def _add_family(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--family",
        choices=_FAMILIES,
        help="hash family (default: hyperplanes for cosine tables, pstable for euclidean tables, kmeans for sketches)",
    )
    buckets = "number of buckets of sketches; 1 scans all sketches (default: about √n, for n clips)"
    _add_number(sub, "buckets", "B", MAX_BUCKETS, buckets)


def add_queries(sub: argparse.ArgumentParser, default: int | None, shown: str) -> None:
    """Add the option for the number of queries."""
    _add_number(sub, "queries", "N", 10**7, f"maximum number of queries (default: {shown})", default)


def add_split(sub: argparse.ArgumentParser, splits: tuple[str, ...], about: str = "") -> None:
    """Add the options for the split that queries are taken from, one of `splits`, and for their number."""
    split = f"split that the queries are taken from{about} (default: %(default)s, or train if there is no other)"
    split = split if about else "split that the queries are taken from (default: %(default)s)"
    sub.add_argument("--split", choices=splits, default="test", help=split)
    add_queries(sub, 1000, "1000")


def _add_number(
    sub: argparse.ArgumentParser, name: str, metavar: str, high: int, text: str, default: int | None = None
) -> None:
    sub.add_argument(f"--{name}", type=whole_number(1, high), default=default, metavar=metavar, help=text)


def search_config(options: argparse.Namespace, metric: str, n: int) -> SearchConfig:
    """Return the configuration that the options select, to search n clips; its setting holds what they give.

    Raises ParameterError for an option that does not go with this kind of index.
    """
    defaults = _DEFAULTS[options.index]
    given = {name: getattr(options, name) for names in _DEFAULTS.values() for name in names}
    kind = "--kind" if "earlier" in options else "--index"  # of `build`, which saves an index; of a search
    for name, value in given.items():
        if value is not None and name not in defaults:
            raise ParameterError(f"--{name} does not go with {kind} {options.index}; leave one of them out")
    if getattr(options, "scheduler", None) is not None and options.index not in DIVIDED_KINDS:
        raise ParameterError(
            f"--scheduler does not go with --index {options.index}, which cannot be divided over the workers of a "
            "cluster: leave one of them out"
        )
    chosen: dict[str, Any] = {name: value if given[name] is None else given[name] for name, value in defaults.items()}
    if options.index == "exact":
        return SearchConfig.exact(metric)
    if options.index == "graph":
        setting = {} if chosen["kept"] is None else {"n_kept": chosen["kept"]}
        return SearchConfig("graph", metric, {"seed": options.seed}, setting)
    family = {"family": options.family} if options.family else {}
    if options.index == "sketches":
        build = {"n_buckets": chosen["buckets"] or default_buckets(n), "seed": options.seed, **family}
        setting = {"n_probes": chosen["probes"], "n_reranked": chosen["reranked"]}
        setting = {name: value for name, value in setting.items() if value is not None}
        return SearchConfig("sketches", metric, build, setting)
    if (chosen["probes"] or 0) > params.MAX_PROBES:
        raise ParameterError(f"--probes is {chosen['probes']}; hash tables take at most {params.MAX_PROBES}")
    setting = {"n_tables": chosen["tables"], "n_bits": chosen["bits"], "n_probes": chosen["probes"]}
    setting = {name: value for name, value in setting.items() if value is not None}
    if chosen["reranked"] is None:
        return SearchConfig.tables(metric, options.seed, family, setting)
    setting |= {"n_reranked": chosen["reranked"]}
    return SearchConfig.tables(metric, options.seed, {**family, "sketches": True}, setting)
