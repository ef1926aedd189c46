"""From vectors to keys: projections, and symbols packed so that a shorter key is a prefix."""

import numpy as np
import numpy.typing as npt

from lsh.kernels.jit import kernel

Floats = npt.NDArray[np.float32]
WORD_BITS = 32


@kernel
def prepare(X: Floats, unit: bool, centre: Floats, out: Floats) -> None:
    """Fill out = X, scaled to length one when `unit`, less the centre: float32[n, d], float32[d] -> float32[n, d].

    A vector of zeros has no direction and stays where it is.
    """
    for i in range(X.shape[0]):
        length = 1.0
        if unit:
            total = 0.0
            for t in range(X.shape[1]):
                total += np.float64(X[i, t]) * np.float64(X[i, t])
            length = np.sqrt(total) if total > 0 else 1.0
        for t in range(X.shape[1]):
            out[i, t] = np.float32(X[i, t] / length) - centre[t]


# No fastmath: the additions keep one order, so a vector's projections are the same bits alone or in a batch. Otherwise
# a point that lies almost on a plane could land in one bucket when it is indexed and in another when it is the query.
@kernel
def project(X: Floats, directions: Floats, out: Floats) -> None:
    """Fill out[i, j] = X[i] . directions[:, j]: float32[n, d], float32[d, f] -> float32[n, f]."""
    for i in range(X.shape[0]):
        row = out[i]
        row[:] = 0
        for t in range(X.shape[1]):
            x = X[i, t]
            direction = directions[t]
            for j in range(row.shape[0]):
                row[j] += x * direction[j]


@kernel
def pack(symbols: npt.NDArray[np.uint8], bits: int, out: npt.NDArray[np.uint32]) -> None:
    """Pack symbols of `bits` bits into 32-bit words, the first symbol highest: uint8[n, L, K] -> uint32[L, n, W].

    Left-aligned like this, two keys agree in their first K symbols exactly when they agree in their leading bits, and
    sorting the words sorts by every prefix at once. A symbol never straddles two words.
    """
    per_word = WORD_BITS // bits
    out[:] = 0
    n, n_tables, n_symbols = symbols.shape
    for i in range(n):
        for table in range(n_tables):
            for j in range(n_symbols):
                shift = WORD_BITS - bits * (j % per_word + 1)
                out[table, i, j // per_word] |= np.uint32(symbols[i, table, j]) << np.uint32(shift)


def words_for(n_symbols: int, bits: int) -> int:
    """Return how many 32-bit words a key of `n_symbols` symbols takes."""
    per_word = WORD_BITS // bits
    return -(-n_symbols // per_word)
