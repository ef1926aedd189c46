"""What a method must offer to be measured."""

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, ClassVar

from lsh.arrays import Float32Array

Answer = Any  # ids as a library gives them, an array or a list: most peers carry no types
Settings = dict[str, Any]  # plain values by name, as JSON knows them


class Method(ABC):
    """A library's index over X, built once and searched with many settings. One plug-in file holds one such class.

    Under cosine the harness scales vectors and queries to length one beforehand, so that a method may rank by inner
    product. A plug-in imports its library where it builds, never at the top: listing methods must need none of them.
    """

    needs: ClassVar[str | None] = None  # the module to import, when it is not this project's own
    compiles: ClassVar[bool] = False  # does the first build compile code? Then a small one goes before the clock starts
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean")

    @abstractmethod
    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        """Index the rows of X: float32[n, d], C order."""

    @classmethod
    def get_ready(cls) -> None:
        """Import the library before memory is first measured: what the library itself takes is not the index's."""
        if cls.needs:
            import_module(cls.needs)

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        """Return the ways to build an index of n vectors that are worth trying."""
        del n
        return [{}]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        """Return the search settings worth trying on one build, the cheapest first."""
        del n, build
        return [{}]

    def use(self, **search: Any) -> None:  # noqa: B027  an index without settings has nothing to take
        """Take a search setting for the searches that follow."""

    @abstractmethod
    def search_one(self, q: Float32Array, k: int) -> Answer:
        """Return the ids of the k nearest rows of one query, float32[d]; fewer, or -1, where fewer were found."""

    def search_batch(self, Q: Float32Array, k: int) -> Answer | None:
        """Return the same for many queries at once, float32[nq, d]; None when the library has no such call."""
        del Q, k
        return None

    def nbytes(self) -> int | None:
        """Return the bytes of the index beside the vectors; None when the library cannot tell."""
        return None
