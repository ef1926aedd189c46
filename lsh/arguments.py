"""The command line's options: what they are called, what they allow, and the way to search that they name."""

import argparse
from typing import Any

from earshot_common.command_line import whole_number
from lsh import params
from lsh.analysis.search_config import KINDS, SearchConfig
from lsh.errors import ParameterError
from lsh.sketch_index import MAX_BUCKETS, default_buckets
from lsh.sketches import partition
from lsh.validate import METRICS

TABLES, BITS = 16, 8
_MOST_RERANKED = 1_000_000
_FAMILIES = sorted({*partition.FAMILIES, *params.FAMILIES["cosine"], *params.FAMILIES["euclidean"]})
# The options of each kind of index, with what they are when nobody says.
_USUAL: dict[str, dict[str, int | None]] = {
    "tables": {"family": None, "tables": TABLES, "bits": BITS, "probes": 1, "reranked": None},
    "sketches": {"family": None, "buckets": None, "probes": 8, "reranked": 40},
    "exact": {},
}


def common(sub: argparse.ArgumentParser) -> None:
    """Add what every command takes."""
    sub.add_argument("dataset", metavar="DATASET", help="a prepared dataset's folder")
    sub.add_argument("--metric", choices=METRICS, help="distance; by default the dataset's own")
    sub.add_argument("--k", type=whole_number(1, 1000), default=10, help="neighbours asked for (10)")
    sub.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help="of the random hash functions (0)")
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def setting(sub: argparse.ArgumentParser) -> None:
    """Add what names a way to search."""
    sub.add_argument("--index", choices=KINDS, default="tables", help="hash tables, sketches in buckets, or no index")
    sub.add_argument("--family", choices=_FAMILIES, help="of hash functions; by default the index's own")
    sub.add_argument("--tables", type=whole_number(1, params.MAX_TABLES), metavar="L", help=f"hash tables ({TABLES})")
    sub.add_argument(
        "--bits", type=whole_number(1, params.MAX_BITS), metavar="K", help=f"bits a key of a hash table ({BITS})"
    )
    sub.add_argument(
        "--buckets", type=whole_number(1, MAX_BUCKETS), metavar="B", help="of sketches (about √n; 1: no buckets)"
    )
    sub.add_argument(
        "--probes",
        type=whole_number(1, MAX_BUCKETS),
        metavar="T",
        help="buckets a table, up to 64 (1); or of sketches (8)",
    )
    sub.add_argument(
        "--reranked", type=whole_number(1, _MOST_RERANKED), metavar="R", help="ranked exactly (40; of hash tables all)"
    )


def queries(sub: argparse.ArgumentParser, usual: int | None, said: str) -> None:
    """Add the number of queries."""
    sub.add_argument("--queries", type=whole_number(1, 10**7), default=usual, metavar="N", help=said)


def search_config(options: argparse.Namespace, metric: str, n: int) -> SearchConfig:
    """Return the way to search n clips that the options name; refuse what this kind of index does not have."""
    usual = _USUAL[options.index]
    given = {name: getattr(options, name) for names in _USUAL.values() for name in names}
    for name, value in given.items():
        if value is not None and name not in usual:
            raise ParameterError(f"--{name} does not go with --index {options.index}; leave one of them out")
    asked: dict[str, Any] = {name: value if given[name] is None else given[name] for name, value in usual.items()}
    if options.index == "exact":
        return SearchConfig.exact(metric)
    family = {"family": options.family} if options.family else {}
    if options.index == "sketches":
        build = {"n_buckets": asked["buckets"] or default_buckets(n), "seed": options.seed, **family}
        return SearchConfig("sketches", metric, build, {"n_probes": asked["probes"], "n_reranked": asked["reranked"]})
    if asked["probes"] > params.MAX_PROBES:
        raise ParameterError(f"--probes is {asked['probes']}; hash tables take at most {params.MAX_PROBES}")
    setting = {"n_tables": asked["tables"], "n_bits": asked["bits"], "n_probes": asked["probes"]}
    if asked["reranked"] is None:
        return SearchConfig.tables(metric, options.seed, family, setting)
    return SearchConfig.tables(
        metric, options.seed, {**family, "sketches": True}, setting | {"n_reranked": asked["reranked"]}
    )
