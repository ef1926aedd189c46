"""Exact search of this project (`lsh.ExactSearch`)."""

from benchmarks.methods._lsh import LSHMethod
from lsh import ExactSearch
from lsh.arrays import Float32Array


class Exact(LSHMethod):
    """The baseline that LSH is compared with in the app."""

    def __init__(self, X: Float32Array, metric: str) -> None:
        self.index = ExactSearch(X, metric)
