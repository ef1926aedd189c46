"""Teaching: which scorer serves these marks, the scores of a collection, and what to judge next."""

from typing import Literal

import numpy as np

from lsh.arrays import Float32Array, Int64Array, StoredVectors
from lsh.feedback.classifier import Background, Classifier, fit_classifier
from lsh.feedback.rocchio import RocchioQuery, rocchio

MIN_MARKS = 10  # from which on a classifier serves better than Rocchio's query, measured in docs/ANSWERS.md
_BLOCK_VALUES = 1 << 19  # decoded at a time

Order = Literal["likely", "uncertain"]


def teach(
    background: Background, query: Float32Array | None, yes: Float32Array, no: Float32Array
) -> RocchioQuery | Classifier:
    """Return the scorer of these marks: a classifier from `MIN_MARKS` on, with both kinds, else Rocchio's query.

    query: float32[d], None for none, then there must be a yes; yes, no: float32[n, d].
    """
    if len(yes) + len(no) >= MIN_MARKS and len(yes) and len(no):
        return fit_classifier(background, np.concatenate([yes, no]), np.arange(len(yes) + len(no)) < len(yes))
    return rocchio(query, yes, no, background.metric)


def scores_of(scorer: RocchioQuery | Classifier, X: StoredVectors) -> Float32Array:
    """Return the score of every vector of a collection, float32[n, d] or encoded: float32[n]; decoded in blocks."""
    scores = np.empty(len(X), np.float32)
    block = max(_BLOCK_VALUES // X.shape[1], 1)
    for start in range(0, len(X), block):
        scores[start : start + block] = scorer.score(np.asarray(X[start : start + block]))
    return scores


def next_to_judge(scores: Float32Array, left_out: Int64Array, k: int, order: Order = "likely") -> Int64Array:
    """Return up to k rows to be judged next: int64[m]. Ties break by row.

    scores: float32[n]. left_out: rows that are not shown, those judged already. order: `likely`: the highest scores
    first; `uncertain`: the nearest to 0, a classifier's hyperplane, first (Lewis & Gale 1994).
    """
    wanted = scores.copy() if order == "likely" else -np.abs(scores)
    wanted[left_out] = -np.inf
    n = min(k, int(np.isfinite(wanted).sum()))
    if n == 0:
        return np.empty(0, np.int64)
    rows = np.flatnonzero(wanted >= np.partition(wanted, -n)[-n])
    return rows[np.lexsort((rows, -wanted[rows]))][:n].astype(np.int64)
