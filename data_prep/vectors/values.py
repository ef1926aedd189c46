"""Values of vectors: the limits of what an index can hold, and the problems of vectors beyond them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Float32Array
from data_prep.errors import InputError

MAX_DIM = 4096
MAX_VALUE, MIN_NORM = 1e18, 1e-18  # beyond these, squares overflow or vanish in float32
Problems = dict[int, str]  # what is wrong with a vector, by its position in the batch or by its row in the file


def check_dim(where: str, dim: int) -> None:
    """Raise InputError for vectors of more than `MAX_DIM` numbers."""
    if not 1 <= dim <= MAX_DIM:
        raise InputError(
            f"{where} has {dim:,} numbers per row, expected 1 to {MAX_DIM:,}: if its rows and columns are exchanged, "
            "save the transpose; if a row holds several frames, pool them first"
        )


def as_features(values: npt.NDArray[Any], problems: Problems) -> tuple[Float32Array, Problems]:
    """Return vectors as float32[n, dim], and problems with those added that are not finite, too large or zero."""
    with np.errstate(over="ignore", invalid="ignore"):
        features = np.ascontiguousarray(values, np.float32)
        squares = np.einsum("ij,ij->i", features, features)
    suspect = ~(np.isfinite(squares) & (squares > MIN_NORM))
    for row in np.flatnonzero(suspect).tolist():
        with np.errstate(over="ignore", invalid="ignore"):
            problem = _problem_of_values(np.asarray(values[row], np.float64))
        if problem:
            problems.setdefault(row, problem)
    return features, problems


def _problem_of_values(vector: npt.NDArray[np.float64]) -> str | None:
    if np.isnan(vector).any():
        return f"number {int(np.isnan(vector).argmax())} is NaN"
    if np.isinf(vector).any():
        return f"number {int(np.isinf(vector).argmax())} is infinite"
    if np.abs(vector).max() > MAX_VALUE:
        return f"a number is as large as {np.abs(vector).max():g}, expected at most {MAX_VALUE:g}"
    if not vector.any():
        return "all its numbers are zero, so it has no direction"
    if np.linalg.norm(vector) < MIN_NORM:
        return f"its length is {np.linalg.norm(vector):g}, too near to zero"
    return None
