"""Base class of the methods: what a plug-in offers to be measured."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lsh.arrays import BoolArray, Float32Array

Answer = Any  # ids as a library returns them, an array or a list: most libraries have no type annotations
Ranges = Callable[[Float32Array], tuple[Any, Any, Any]]
Settings = dict[str, Any]  # values that JSON can hold, by name
FEW = 50_000  # vectors up to which an index is built with many settings: above, one build takes minutes to hours


def grid(**values: Any) -> list[Settings]:
    """Return every combination of the given values, the last one varying fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def geometric(first: int, last: int, count: int) -> list[int]:
    """Return at most `count` different whole numbers from first to last, each the same factor above the one before."""
    return sorted(set(np.geomspace(first, last, count).round().astype(int).tolist()))


class Method(ABC):
    """An index of one library over X, built once and searched with many settings.

    For cosine distance, vectors and queries are scaled to unit length before they are passed, so that a method may rank
    by inner product. A plug-in imports its library inside functions, so that `--help` needs none of them.
    """

    needs: ClassVar[str | None] = None  # module to import, if it is not part of this project or of NumPy
    own_folder: ClassVar[bool] = False  # True if the module has another library's name: `--library` names its folder
    numpy_blas: ClassVar[bool] = False  # True if its matrix products are NumPy's
    compiles: ClassVar[bool] = False  # True if first use compiles code: a small index is built and searched untimed
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean")
    stores: ClassVar[bool] = False  # True if `save` writes the index, and the keyword `stored` of the class reads it
    setting: Settings  # of the searches that follow

    @abstractmethod
    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        """Index the rows of X: float32[n, d], C order.

        stored: if `stores`, a folder that `save` filled with the index of the same X, which is then read into memory.
        """

    @classmethod
    def prepare(cls) -> None:
        """Import the library, before memory is first measured: it does not count as part of the index."""
        if cls.needs:
            import_module(cls.needs)

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        """Return the build settings to measure for n vectors."""
        return [{}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        """Return the search settings to measure on one build, the fastest first."""
        return [{}]

    def save(self, folder: Path) -> None:
        """Write the index to an empty folder, which may be renamed afterwards; only if `stores`."""
        raise NotImplementedError

    def use(self, **search: Any) -> None:
        """Apply a search setting to the searches that follow."""
        self.setting = search

    @abstractmethod
    def search_one(self, q: Float32Array, k: int) -> Answer:
        """Return the ids of the k nearest rows to a query, float32[d]; fewer, or -1, where fewer were found."""

    def search_batch(self, Q: Float32Array, k: int) -> Answer | None:
        """Return the same for queries float32[nq, d] in one call; None if the library has no such call."""
        return None

    def filtered(self, allowed: BoolArray) -> Callable[[Float32Array, int], Answer] | None:
        """Return `search_one` among some rows alone, bool[n], at the present setting; None if the library has none."""
        return None

    def within(self, radius: float) -> Ranges | None:
        """Return a search for all rows at a distance of at most `radius`, at the present setting; None without one.

        It takes queries, float32[nq, d], and returns (limits, distances, ids): of query q those at limits[q] to
        limits[q + 1].
        """
        return None

    def nbytes(self) -> int | None:
        """Return the bytes of the index without the vectors; None if the library cannot tell."""
        return None
