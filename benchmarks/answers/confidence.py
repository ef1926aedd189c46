"""How far a mean over queries would stray with other queries: the bootstrap.

Queries are drawn anew with replacement, many times; the middle 95 % of what the figure then becomes is its interval
(the percentile interval: Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13). Two methods are
compared query by query, since a hard query is hard for both: their difference is known better than either.
"""

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float64Array

SEED, RESAMPLES, LEVEL = 0, 2000, 0.95

Figure = dict[str, float]


def mean_figure(values: npt.ArrayLike) -> Figure:
    """Return the mean of one value a query (float64[nq], nq >= 1) with its interval: value, low, high."""
    each = np.asarray(values, np.float64)
    return _figure(float(each.mean()), weights(len(each)) @ each / len(each))


def macro_figure(values: Float64Array, counted: npt.NDArray[np.bool_]) -> Figure:
    """Return the mean over labels of each label's mean over its own queries, with its interval.

    values, counted: float64[nq, n_labels], and where a query has the label at all. A label that a resample does not
    reach is left out of it.
    """
    held = np.where(counted, values, 0.0)
    reached = counted.any(axis=0)
    drawn = weights(len(values))
    totals, counts = drawn @ held, drawn @ counted
    means = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    plain = held.sum(axis=0)[reached] / counted.sum(axis=0)[reached]
    return _figure(float(plain.mean()), np.nanmean(means[:, reached], axis=1))


def weights(n: int) -> Float64Array:
    """Return how often each of n queries is drawn in each resample: float64[RESAMPLES, n], the same at every call."""
    return np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _figure(value: float, resampled: Float64Array) -> Figure:
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5)}
