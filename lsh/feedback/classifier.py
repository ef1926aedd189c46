"""Linear classifier of vectors marked yes or no: logistic regression with an L2 penalty.

The same minimum as that of scikit-learn's `LogisticRegression`, found by Newton's method: marks of a visitor take
some milliseconds, where importing scikit-learn takes two seconds and 160 MB.
"""

from dataclasses import dataclass, replace

import numpy as np

from lsh.arrays import BoolArray, Float32Array, Float64Array, Rows
from lsh.errors import ShapeError
from lsh.feedback.rocchio import products, unit
from lsh.sampling import evenly_spaced

# Chosen by the average precision of 16 labels over AudioSet's validation clips; figures change little around them.
C = 0.003  # inverse strength of the penalty
BACKGROUND_SHARE = 0.5  # of the weight of all that is not yes
_BACKGROUND_ROWS, _SCALING_ROWS = 300, 10_000
_MAX_STEPS, _TOLERANCE = 100, 1e-10


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a collection besides the marks: how its features are spread, and some of its vectors.

    mean, deviation: float64[d], of the features; under cosine, of vectors scaled to length one.
    vectors: float32[m, d], taken for no, with little weight: what is being taught is rare in most collections. Marks
    alone say nothing of what is far from all of them (perch-hoplite calls such vectors weak negatives).
    """

    metric: str
    mean: Float64Array
    deviation: Float64Array
    vectors: Float32Array

    def scaled(self, X: Float32Array) -> Float64Array:
        """Return vectors, float32[n, d], with the collection's mean taken away and unit variance: float64[n, d]."""
        return np.asarray((_directions(X, self.metric) - self.mean) / self.deviation)

    def without(self, X: Float32Array) -> "Background":
        """Return the same without the vectors that are among X, float32[n, d]."""
        marked = {row.tobytes() for row in X}
        return replace(self, vectors=self.vectors[[row.tobytes() not in marked for row in self.vectors]])


@dataclass(frozen=True, slots=True)
class Classifier:
    """A hyperplane: weights float64[d] and intercept. The score is the log-odds of yes, 0 on the hyperplane."""

    metric: str
    weights: Float64Array
    intercept: float

    def score(self, X: Float32Array) -> Float64Array:
        """Return the log-odds of yes of each vector, float32[n, d]: float64[n]."""
        return products(X, self.weights, self.metric) + self.intercept


def background_of(X: Rows, metric: str) -> Background:
    """Return the background of a collection, float32[n, d], n >= 1, from evenly spaced rows."""
    some = _directions(evenly_spaced(X, _SCALING_ROWS), metric).astype(np.float64)
    deviation = some.std(axis=0)
    usable = np.where(deviation > 0, deviation, 1.0)  # a constant feature keeps its scale
    return Background(metric, some.mean(axis=0), usable, evenly_spaced(X, _BACKGROUND_ROWS))


def fit_classifier(background: Background, X: Float32Array, is_yes: BoolArray, c: float = C) -> Classifier:
    """Return the classifier of vectors, float32[n, d], marked yes or not: bool[n], at least one of each.

    Minimises |w|^2 / 2 + c * sum_i s_i * log(1 + exp(-y_i * (w . x_i + b))) over scaled vectors x_i, with y_i = 1 for
    yes and -1 for no and for the background, whose vectors that are marked do not count. The weights s_i add up to n:
    half for yes, and of the other half `BACKGROUND_SHARE` for the background. Raises ShapeError.
    """
    if len(X) != len(is_yes) or is_yes.all() or not is_yes.any():
        raise ShapeError(f"{len(X)} vectors, {int(is_yes.sum())} of {len(is_yes)} marks yes; expected both kinds")
    others = background.without(X).vectors
    scaled = background.scaled(np.concatenate([X, others]))
    y = np.concatenate([np.where(is_yes, 1.0, -1.0), np.full(len(others), -1.0)])
    share = BACKGROUND_SHARE if len(others) else 0.0
    n, n_yes = len(X), int(is_yes.sum())
    of_marks = np.where(is_yes, n / (2 * n_yes), (1 - share) * n / (2 * (n - n_yes)))
    weight = c * np.concatenate([of_marks, np.full(len(others), share * n / (2 * max(len(others), 1)))])
    # The minimum lies in the span of the vectors: a basis of it saves time where a vector has more values.
    basis = np.linalg.qr(scaled.T)[0] if len(scaled) < scaled.shape[1] else None
    inner, intercept = _newton(scaled if basis is None else scaled @ basis, y, weight)
    weights = (inner if basis is None else basis @ inner) / background.deviation
    return Classifier(background.metric, weights, float(intercept - weights @ background.mean))


def _newton(X: Float64Array, y: Float64Array, weight: Float64Array) -> tuple[Float64Array, float]:
    """Return weights and intercept of the minimum, by Newton's method with steps halved while they lead upwards."""
    X1 = np.column_stack([X, np.ones(len(X))])
    penalty = np.append(np.ones(X.shape[1]), 0.0)  # the intercept has none

    def loss(w: Float64Array) -> float:
        return float(penalty @ w**2 / 2 + weight @ np.logaddexp(0, -y * (X1 @ w)))

    w = np.zeros(X1.shape[1])
    before = loss(w)
    for _ in range(_MAX_STEPS):
        p = 1 / (1 + np.exp(np.clip(y * (X1 @ w), -700, 700)))  # the chance of the other kind
        gradient = penalty * w - X1.T @ (weight * y * p)
        hessian = np.diag(penalty) + X1.T @ (X1 * (weight * p * (1 - p))[:, None])
        step = np.linalg.solve(hessian + 1e-12 * np.eye(len(w)), gradient)
        size = 1.0
        while (after := loss(w - size * step)) > before and size > 1e-6:
            size /= 2
        if before - after <= _TOLERANCE * (1 + abs(before)):
            break
        w, before = w - size * step, after
    return w[:-1], float(w[-1])


def _directions(X: Float32Array, metric: str) -> Float32Array:
    return unit(X) if metric == "cosine" else X
