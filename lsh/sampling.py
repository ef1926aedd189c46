"""Which rows stand for all of them where measuring all would take too long."""

import numpy as np
import numpy.typing as npt

from lsh.validate import Floats


def evenly_spaced_rows(n: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` of the rows 0 to n - 1, distinct, evenly spaced from the first to the last: int64[m]."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.int64))


def evenly_spaced(X: Floats, most: int) -> Floats:
    """Return at most `most` rows of X, float32[n, d], evenly spaced from the first to the last."""
    return np.ascontiguousarray(X[evenly_spaced_rows(len(X), most)])
