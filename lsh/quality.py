"""Quality of search results: recall against exact search, precision against labels."""

import numpy as np

from lsh.arrays import Float64Array, Int16Array, Int64Array
from lsh.errors import ShapeError
from lsh.kernels.labels import count_sharing
from lsh.result import SearchResult

Labels = tuple[Int64Array, Int16Array]  # (offsets, values): row i has the labels values[offsets[i]:offsets[i + 1]]


def recall_at_k(found: SearchResult, truth: SearchResult) -> Float64Array:
    """Return the fraction of each query's k nearest neighbours that was found: float64[nq], 0 to 1.

    A neighbour is correct when it is no farther than the k-th true one, so ties count (as in ann-benchmarks: Aumüller,
    Bernhardsson & Faithfull 2020). Where there are fewer than k vectors in all, it is the fraction of those.
    """
    if found.ids.shape != truth.ids.shape:
        raise ShapeError(f"found has shape {found.ids.shape}, truth {truth.ids.shape}; expected the same queries and k")
    available = truth.n_found
    last = np.take_along_axis(truth.distances, np.maximum(available - 1, 0)[:, None], axis=1)
    right = ((found.ids >= 0) & (found.distances <= last)).sum(axis=1)
    return np.asarray(np.divide(right, available, out=np.ones(len(right)), where=available > 0))


def mean_recall(found: SearchResult, truth: SearchResult) -> float:
    """Return the mean recall@k over queries, from the whole number of neighbours found.

    The same number as `RecallGrid.recall`, digit for digit: a mean of fractions may be rounded to either side.
    """
    available = truth.n_found
    return float(np.rint(recall_at_k(found, truth) * available).sum() / available.sum())


def label_precision_at_k(ids: Int64Array, query_labels: Labels, base_labels: Labels) -> Float64Array:
    """Return the fraction of each query's k neighbours that share at least one label with it: float64[nq], 0 to 1.

    ids: int64[nq, k], rows of the indexed vectors; a missing neighbour (-1) shares none.
    query_labels, base_labels: (offsets int64[n + 1], values int16[m]); row i has values[offsets[i]:offsets[i + 1]].
    """
    _check_labels(ids, query_labels, base_labels)
    sharing = np.empty(len(ids), np.int64)
    count_sharing(np.ascontiguousarray(ids, dtype=np.int64), *query_labels, *base_labels, sharing)
    return np.asarray(sharing / ids.shape[1])


def average_precision(ids: Int64Array, query_labels: Labels, base_labels: Labels) -> Float64Array:
    """Return the average precision of each query's ranking: float64[nq]. Its mean over queries is mAP.

    ids: int64[nq, m], rows of the indexed vectors, nearest first, each once; -1 for none. A row is relevant when it
    shares a label with the query. AP is the sum of the precision at each relevant rank, divided by min(R, m), where R
    of all rows are relevant (Manning, Raghavan & Schütze, "Introduction to information retrieval", 2008, equation 8.8,
    for m = n; with m < n only the ranks up to m are evaluated). It is 0 where R is 0.
    """
    _check_labels(ids, query_labels, base_labels)
    (query_offsets, wanted), (base_offsets, values) = query_labels, base_labels
    order = np.argsort(values, kind="stable")  # rows label by label
    owners = np.repeat(np.arange(len(base_offsets) - 1), np.diff(base_offsets))[order]
    precisions = np.zeros(len(ids))
    for q, row in enumerate(ids):
        own = wanted[query_offsets[q] : query_offsets[q + 1]]
        starts, ends = (np.searchsorted(values, own, side=side, sorter=order) for side in ("left", "right"))
        relevant = np.zeros(len(base_offsets), np.bool_)  # one more than rows: index -1 is never relevant
        for start, end in zip(starts, ends, strict=True):
            relevant[owners[start:end]] = True
        ranks = 1 + np.flatnonzero(relevant[row])  # of the relevant rows
        attainable = min(int(relevant.sum()), len(row))
        precisions[q] = (np.arange(1, len(ranks) + 1) / ranks).sum() / max(attainable, 1)
    return precisions


def _check_labels(ids: Int64Array, query_labels: Labels, base_labels: Labels) -> None:
    if len(query_labels[0]) != len(ids) + 1:
        raise ShapeError(f"query_labels are for {len(query_labels[0]) - 1} queries; ids has {len(ids)} rows")
    for name, labels in (("query_labels", query_labels), ("base_labels", base_labels)):
        check_offsets(*labels, name)
    if ids.size and ids.max() >= len(base_labels[0]) - 1:
        raise ShapeError(f"ids reach row {ids.max()}; base_labels are for {len(base_labels[0]) - 1} rows")


def check_offsets(offsets: Int64Array, values: Int16Array, name: str) -> None:
    """Raise ShapeError for offsets with which a compiled loop, which checks no bounds, would read outside `values`."""
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
        raise ShapeError(f"the offsets of {name} do not rise from 0 to the number of its labels, {len(values)}")
