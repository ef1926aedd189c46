"""Rocchio's query: moved towards the mean of what was marked yes, and away from the mean of what was marked no.

Rocchio, "Relevance feedback in information retrieval", 1971; with the weights that Manning, Raghavan & Schütze,
"Introduction to information retrieval", 2008, section 9.1.1, call reasonable.
"""

from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Float64Array
from lsh.errors import ShapeError

ALPHA, BETA, GAMMA = 1.0, 0.75, 0.15  # weights of the query, of the yes marks, and of the no marks


@dataclass(frozen=True, slots=True)
class RocchioQuery:
    """A query, float64[d], that scores vectors by their nearness: cosine similarity, or minus the L2 distance."""

    vector: Float64Array
    metric: str

    def score(self, X: Float32Array) -> Float64Array:
        """Return the score of each vector, float32[n, d]: float64[n], higher is nearer."""
        if self.metric == "cosine":
            norm = float(np.linalg.norm(self.vector))
            return products(X, self.vector / norm if norm else self.vector, self.metric)
        return -np.asarray(np.linalg.norm(X - self.vector, axis=1))


def rocchio(query: Float32Array | None, yes: Float32Array, no: Float32Array, metric: str) -> RocchioQuery:
    """Return the query of these marks: `ALPHA` query + `BETA` mean(yes) - `GAMMA` mean(no).

    query: float32[d], None for none, then there must be a yes; yes, no: float32[n, d], of which there may be none.
    Under cosine vectors count by their direction. Under Euclidean distance the weights are divided by their sum, so
    that the query stays in place among the vectors, wherever their origin is.
    """
    if query is None and not len(yes):
        raise ShapeError("there is neither a query nor a vector marked yes; expected one of them")
    parts = [] if query is None else [(ALPHA, query[None])]
    parts += [(weight, marked) for weight, marked in ((BETA, yes), (-GAMMA, no)) if len(marked)]
    of = unit if metric == "cosine" else np.asarray
    moved = np.sum([weight * of(X).mean(axis=0, dtype=np.float64) for weight, X in parts], axis=0)
    total = sum(weight for weight, _ in parts)
    return RocchioQuery(moved if metric == "cosine" else moved / total, metric)


def unit(X: Float32Array) -> Float32Array:
    """Return vectors, float32[n, d], scaled to length one; zeros stay zeros."""
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(X / np.where(norms > 0, norms, 1), np.float32)


def products(X: Float32Array, weights: Float64Array, metric: str) -> Float64Array:
    """Return the inner product of each vector, float32[n, d], with weights, float64[d]; under cosine, of directions."""
    inner = (X @ weights.astype(np.float32)).astype(np.float64)
    if metric == "cosine":
        norms = np.sqrt(np.einsum("ij,ij->i", X, X).astype(np.float64))
        inner /= np.where(norms > 0, norms, 1)
    return inner
