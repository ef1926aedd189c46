"""Bootstrap confidence intervals of means over queries.

The queries are resampled with replacement; the central 95 % of the means of the resamples are the interval (percentile
interval: Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13). Two methods are compared by the
mean of their differences per query, whose interval is narrower, since a hard query is hard for both.
"""

import numpy as np
import numpy.typing as npt

from lsh.arrays import Float64Array

SEED, RESAMPLES, LEVEL = 0, 2000, 0.95

Figure = dict[str, float]


def mean_figure(values: npt.ArrayLike) -> Figure:
    """Return the mean of one value per query (float64[nq], nq >= 1) with its interval: value, low, high."""
    each = np.asarray(values, np.float64)
    return _figure(float(each.mean()), weights(len(each)) @ each / len(each))


def macro_figure(values: Float64Array, counted: npt.NDArray[np.bool_]) -> Figure:
    """Return the mean over labels of each label's mean over its own queries, with its interval: value, low, high.

    values: float64[nq, n_labels]; counted: bool[nq, n_labels], True where a query has the label. Labels without queries
    are left out, of the mean or of a resample.
    """
    held = np.where(counted, values, 0.0)
    reached = counted.any(axis=0)
    drawn = weights(len(values))
    totals, counts = drawn @ held, drawn @ counted
    means = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    plain = held.sum(axis=0)[reached] / counted.sum(axis=0)[reached]
    return _figure(float(plain.mean()), np.nanmean(means[:, reached], axis=1))


def weights(n: int) -> Float64Array:
    """Return how often each of n queries is drawn in each resample: float64[RESAMPLES, n], the same in every call."""
    return np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _figure(value: float, resampled: Float64Array) -> Figure:
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5)}
