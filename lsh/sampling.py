"""Which rows stand for all of them where measuring all would take too long."""

import numpy as np

from lsh.validate import Floats


def evenly_spaced(X: Floats, most: int) -> Floats:
    """Return at most `most` rows, evenly spaced from the first to the last."""
    rows = np.unique(np.linspace(0, len(X) - 1, min(most, len(X))).round().astype(np.int64))
    return np.ascontiguousarray(X[rows])
