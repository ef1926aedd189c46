"""Graph regularised hashing (GRH): bits that vectors with a common label tend to share (Moran & Lavrenko 2015).

Let S link vectors that share a label, and D be the diagonal matrix of its row sums. Starting from the bits
B₀ in {-1, 1}[n, K] of some planes, here those of `itq`, a few rounds of
    regularise   B <- sgn(a D⁻¹ S B + (1 - a) B₀)       move each vector's bits towards those of its neighbours
    partition    w_k = argmin_w |X w - b_k|² + λ |w|²    fit a plane for each bit to the vectors on its two sides
    predict      B <- sgn(X W)                          take the bits from the planes
give planes that have vectors of one label on the same side, and that can hash a query, which has no labels. Hashing,
tables and probing are those of `hyperplane`.

Differences from the paper, and reasons:
- S = P diag(1/n_l) Pᵀ, for the incidence P of n vectors and their labels and n_l vectors with label l: a step from a
  vector to one of its labels, and on to any vector with it. So a label of a third of all vectors has no more influence
  than a rare one, and S, which has n² entries, is never formed: S B takes two passes over the labels.
- D⁻¹ S, a mean over neighbours, instead of S D⁻¹: vectors with many labels get no more weight. The mean over all
  vectors is subtracted before the signs are taken, so that no bit is the same for all.
- Regularised least squares instead of a support vector machine: one linear system of d unknowns serves all bits.
- After each round the planes of a table are made uncorrelated, bit after bit (Gram-Schmidt in the metric of the data's
  covariance). Without it the rounds are a power iteration, in which all bits of a key converge to the same few labels.
  Bit after bit, so that the first K bits, which are a shorter key, do not depend on later ones.

The weight a and the number of rounds have the highest recall of some that were tried on AudioSet's validation clips, by
`python -m lsh families data/audioset --split validation` within 5 % of candidates: a = 0.5, 0.8, 0.9 gave 0.861, 0.907,
0.905 (3 rounds), and 1, 3, 6 rounds 0.898, 0.907, 0.906 (a = 0.8). λ is small beside the variances, and was not tuned.

S. Moran, V. Lavrenko, "Graph regularised hashing", ECIR 2015.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array
from lsh.families.itq import learn_itq
from lsh.quality import Labels

_WEIGHT = 0.8
_ROUNDS = 3
_RIDGE = 0.1  # λ, in mean variances of a dimension
_DEPENDENT = 1e-6  # relative size of the remainder below which a plane depends on the ones before it


def learn_grh(X: Float32Array, labels: Labels, n_tables: int, n_bits: int, rng: np.random.Generator) -> Float32Array:
    """Return the normals of each table's planes: float32[d, L * K], the K of a table next to each other.

    X: float32[n, d], centred vectors; labels: (offsets int64[n + 1], values int16[m]) of the same rows.
    """
    n, dim = X.shape
    normals = learn_itq(X, n_tables, n_bits, rng)
    covariance = X.T.astype(np.float64) @ X / n
    typical = np.trace(covariance) / dim or 1.0  # 1.0 where all vectors are equal
    covariance += _RIDGE * typical * np.eye(dim)
    solve = np.linalg.inv(covariance)
    step = LabelSteps.from_labels(labels)
    for table in range(n_tables):
        columns = slice(table * n_bits, (table + 1) * n_bits)
        W = normals[:, columns]
        initial = _bits(X, W)
        for _ in range(_ROUNDS):
            smoothed = _WEIGHT * step(_bits(X, W)) + (1 - _WEIGHT) * initial
            B = np.where(smoothed > smoothed.mean(axis=0), np.float32(1), np.float32(-1))
            fitted = solve @ (X.T @ (B - B.mean(axis=0)) / n)  # [d, K]
            W = np.asarray(np.sqrt(typical) * uncorrelated(fitted, covariance), np.float32)
        normals[:, columns] = W
    return normals


def _bits(X: Float32Array, W: Float32Array) -> Float32Array:
    """Return the sides of planes, one per column of W, float32[d, K], on which vectors lie: -1 or 1, float32[n, K]."""
    return np.where(X @ W > 0, np.float32(1), np.float32(-1))


@dataclass(frozen=True, slots=True)
class LabelSteps:
    """The product with D⁻¹ S in two steps, by the m labels of n vectors.

    rows: int64[m], the vectors with the first label, starting at firsts[0], then those with the second, and so on.
    places: int64[m], for each label of each vector in turn, its position in `firsts`; counts: int64[n], labels per
    vector.
    """

    rows: Int64Array
    firsts: Int64Array
    places: Int64Array
    counts: Int64Array

    @classmethod
    def from_labels(cls, labels: Labels) -> Self:
        """Return the steps for vectors with these labels."""
        offsets, values = labels
        counts = np.diff(offsets)
        order = np.argsort(values, kind="stable")
        firsts, places = np.unique(values[order], return_index=True)[1], np.unique(values, return_inverse=True)[1]
        return cls(np.repeat(np.arange(len(counts)), counts)[order], firsts, places, counts)

    def __call__(self, B: Float32Array) -> Float32Array:
        """Return the mean over each vector's labels of the mean bits of a label: float32[n, K] -> float32[n, K].

        A vector without labels has no neighbours, and zeros.
        """
        out = np.zeros_like(B)
        if not len(self.rows):
            return out
        sizes = np.diff(np.append(self.firsts, len(self.rows)))
        of_label = np.add.reduceat(B[self.rows], self.firsts, axis=0) / sizes[:, None].astype(np.float32)
        some = self.counts > 0
        starts = (np.cumsum(self.counts) - self.counts)[some]
        out[some] = np.add.reduceat(of_label[self.places], starts, axis=0) / self.counts[some, None].astype(np.float32)
        return out


def uncorrelated(W: Float64Array, covariance: Float64Array) -> Float64Array:
    """Return planes, one per column, whose projections have variance one and, within each `dim`, no correlation.

    Each is made uncorrelated to the ones before it (Gram-Schmidt); one that depends on them is only scaled.
    """
    out = np.array(W)
    for k in range(W.shape[1]):
        before = out[:, k - k % len(W) : k]
        rest = W[:, k] - before @ (before.T @ (covariance @ W[:, k]))
        whole, left = (np.sqrt(max(float(w @ covariance @ w), 0.0)) for w in (W[:, k], rest))
        out[:, k] = rest / left if left > _DEPENDENT * whole else W[:, k] / (whole or 1.0)
    return out
