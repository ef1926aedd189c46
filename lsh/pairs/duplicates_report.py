"""Report of the duplicates among a dataset's clips, for `python -m lsh duplicates`."""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.pairs.duplicates import duplicates, measured_recall
from lsh.pairs.self_join import Progress
from lsh.sampling import joined


def report(
    dataset: Any, options: argparse.Namespace, describe: Callable[[Any], dict[str, Any]], progress: Progress
) -> dict[str, Any]:
    """Return the groups of duplicates among the clips of some splits, by distance from the first of each group.

    dataset: an open dataset; options: of `arguments.add_pairs`; describe: returns a clip as a dictionary.
    """
    splits = [split for split in options.splits if dataset.n_rows(split)]
    if not splits:
        raise ParameterError(f"{dataset.path} has no clips in its {' and '.join(options.splits)} split")
    X = joined([dataset.features(split) for split in splits])
    metric, n_check = options.metric or dataset.metric, options.check
    progress(f"comparing {len(X):,} clips of {dataset.title!r} for {metric} distance")
    began = time.perf_counter()
    setting = {"recall": options.recall, "seed": options.seed, "n_threads": os.cpu_count() or 1}
    found = duplicates(X, options.radius, metric, **setting, progress=progress)
    seconds = time.perf_counter() - began
    firsts = np.cumsum([0, *(dataset.n_rows(split) for split in splits)])
    distances = dict(zip(map(tuple, found.pairs.tolist()), found.distances.tolist(), strict=True))

    def named(row: int) -> dict[str, Any]:
        place = int(np.searchsorted(firsts, row, side="right")) - 1
        return describe(dataset.clip(splits[place], int(row - firsts[place])))

    groups: list[dict[str, Any]] = []
    for group in found.groups:
        rows = group.tolist()
        from_first = [distances.get((rows[0], row)) for row in rows[1:]]  # None for a row that others connect with it
        clips = [named(row) | {"distance": away} for row, away in zip(rows, [0.0, *from_first], strict=True)]
        groups.append({"clips": clips, "complete": rows[0] not in found.capped})
    checked = measured_recall(found, ExactSearch(X, metric), n_check) if n_check else None
    described = {"metric": metric, "radius": found.radius, "promised": found.recall, "pairs": len(found.pairs)}
    described |= {"n_tables": found.n_tables, "n_bits": found.n_bits, "clips": len(X), "splits": splits}
    return described | {"seconds": seconds, "checked": checked, "groups": groups}
