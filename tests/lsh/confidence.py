"""Bands that a measured frequency or mean must stay in when the theory is right."""

from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.999  # of a whole family of comparisons


def binomial_agrees(successes, n, p, comparisons):
    """Tell whether p lies in the Clopper-Pearson interval around `successes` of n, 99.9 % over all comparisons.

    That is so when neither tail of the binomial distribution at `successes` is rarer than half of what is allowed.
    """
    allowed = (1 - CONFIDENCE) / comparisons / 2
    if p in (0.0, 1.0):
        return successes == n * p
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    x = np.arange(n + 1)
    log_pmf = log_factorial[n] - log_factorial - log_factorial[::-1] + x * np.log(p) + (n - x) * np.log1p(-p)
    pmf = np.exp(log_pmf)
    return pmf[: successes + 1].sum() >= allowed and pmf[successes:].sum() >= allowed


def half_width(samples, comparisons):
    """Return how far the mean of samples may be from its expectation: 99.9 % over all comparisons, normal."""
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / comparisons / 2)
    return z * np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
