"""Theory of LSH: the probability that a neighbour becomes a candidate, and the recall that follows from it.

If one hash function puts a query and a neighbour into the same bucket with probability p, a key of K functions does so
with p^K, and at least one of L tables with
    P(L, K) = 1 - (1 - p^K)^L                         (P. Indyk, R. Motwani, STOC 1998; Gionis, Indyk & Motwani 1999)
p depends on the angle or distance between the two (see `hyperplane` and `pstable`), so each query has its own
prediction, from the true distances of its neighbours.
"""

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Float64Array, Int64Array
from lsh.index import LSHIndex


def hit_probability(p: npt.ArrayLike, n_tables: npt.ArrayLike, n_bits: npt.ArrayLike) -> Float64Array:
    """Return 1 - (1 - p^K)^L; the arguments broadcast. Stable where p^K is tiny and where it is almost 1."""
    with np.errstate(divide="ignore"):
        miss = np.log1p(-(np.asarray(p, np.float64) ** np.asarray(n_bits, np.float64)))
    return np.asarray(-np.expm1(np.asarray(n_tables, np.float64) * miss))


def predicted_recall(index: LSHIndex, Q: npt.ArrayLike, truth: Int64Array) -> Float64Array:
    """Return the expected recall at each (L, K): float64[L_max, K_max], with one probe per table.

    truth: int64[nq, k], the true neighbours of each query (-1 is none). The expectation is over the random draw of the
    functions; an index is one draw, so its measured recall scatters around it.
    """
    queries = validate.queries(Q, index.dim)
    n_tables = np.arange(1, index.params.n_tables + 1)[:, None, None]
    n_bits = np.arange(1, index.params.n_bits + 1)[None, :, None]
    total = np.zeros((index.params.n_tables, index.params.n_bits))
    for q, ids in zip(queries, truth, strict=True):
        p = index.collision_probabilities(q, ids[ids >= 0])
        total += hit_probability(p, n_tables, n_bits).mean(axis=2)
    return total / len(queries)
