"""What an index is built with, checked once."""

from dataclasses import dataclass

from lsh import validate
from lsh.errors import ParameterError

MAX_TABLES = 512
MAX_BITS = 32
MAX_PROBES = 64
FAMILIES = {  # the first is the default
    "cosine": ("hyperplanes", "itq", "grh"),
    "euclidean": ("pstable", "hyperplanes", "itq", "grh"),
}


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of an index (see `LSHIndex`): the same ones and the same data give the same bytes."""

    metric: str
    n_tables: int
    n_bits: int
    seed: int
    bucket_width: float | None
    centre: bool
    sketches: bool = False
    family: str | None = None  # None becomes the metric's own

    def __post_init__(self) -> None:
        """Raise ParameterError for a value outside its range."""
        validate.choice(self.metric, "metric", validate.METRICS)
        for name, low, high in (("n_tables", 1, MAX_TABLES), ("n_bits", 1, MAX_BITS), ("seed", 0, 2**63 - 1)):
            # A NumPy integer becomes Python's, which does not overflow.
            object.__setattr__(self, name, validate.integer(getattr(self, name), name, low, high))
        if self.bucket_width is not None:
            validate.positive(self.bucket_width, "bucket_width")
        families = FAMILIES[self.metric]
        object.__setattr__(self, "family", families[0] if self.family is None else self.family)
        if self.family not in families:
            names = ", ".join(map(repr, families))
            raise ParameterError(f"family is {self.family!r}; for {self.metric} distance expected one of {names}")

    def setting(self, n_tables: int | None, n_bits: int | None, n_probes: int) -> tuple[int, int, int]:
        """Return a search's own (L, K, T), checked against what was built; None stands for all of it."""
        return (
            self.n_tables if n_tables is None else validate.integer(n_tables, "n_tables", 1, self.n_tables),
            self.n_bits if n_bits is None else validate.integer(n_bits, "n_bits", 1, self.n_bits),
            validate.integer(n_probes, "n_probes", 1, MAX_PROBES),
        )

    def reranked(self, n_reranked: int | None, k: int, n: int) -> int:
        """Return how many of n vectors, at most, a search ranks exactly; None stands for all of them."""
        if n_reranked is None:
            return n
        if not self.sketches:
            raise ParameterError(
                "n_reranked needs sketches, which this index was built without: build it with sketches=True, or leave "
                "n_reranked out to rank every candidate"
            )
        return max(validate.integer(n_reranked, "n_reranked", 1, 2**31 - 1), k)
