"""Are queries fit to search with? Checked and normalised in one pass, since a search takes some microseconds."""

import numpy as np

from lsh.arrays import Float32Array
from lsh.kernels.jit import kernel


@kernel
def normalise(Q: Float32Array, unit: bool, shortest: float, longest: float, out: Float32Array) -> bool:
    """Copy queries to `out`, float32[nq, d], scaled to length one when `unit`; False when one of them is doubtful.

    Doubtful is a length that is not finite, zero, or outside [shortest, longest]: whoever calls looks closer then.
    """
    for i in range(Q.shape[0]):
        total = 0.0
        for t in range(Q.shape[1]):
            total += np.float64(Q[i, t]) * np.float64(Q[i, t])
        length = np.sqrt(total)
        if not shortest <= length <= longest:
            return False
        scale = length if unit else 1.0
        for t in range(Q.shape[1]):
            out[i, t] = Q[i, t] / scale
    return True
