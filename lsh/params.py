"""Params: the validated parameters of an LSHIndex and of its searches."""

from dataclasses import dataclass
from typing import NamedTuple

from lsh import validate
from lsh.errors import ParameterError

MAX_TABLES = 512
MAX_BITS = 32
MAX_PROBES = 64
FAMILIES = {  # the first is the default
    "cosine": ("hyperplanes", "itq", "grh"),
    "euclidean": ("pstable", "hyperplanes", "itq", "grh"),
}


class SearchSetting(NamedTuple):
    """A setting of a search: tables (L), hash functions per key (K), and buckets looked up in each table."""

    n_tables: int
    n_bits: int
    n_probes: int


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of an index (see `LSHIndex`); with the same data they give the same index (see its `seed`)."""

    metric: str
    n_tables: int
    n_bits: int
    seed: int
    bucket_width: float | None
    centre: bool
    sketches: bool = False
    family: str | None = None  # None: the metric's default

    def __post_init__(self) -> None:
        """Raise ParameterError for a value outside its range."""
        validate.choice(self.metric, "metric", validate.METRICS)
        for name, low, high in (("n_tables", 1, MAX_TABLES), ("n_bits", 1, MAX_BITS), ("seed", 0, 2**63 - 1)):
            # NumPy integers become Python's, which do not overflow.
            object.__setattr__(self, name, validate.integer(getattr(self, name), name, low, high))
        if self.bucket_width is not None:
            object.__setattr__(self, "bucket_width", validate.positive(self.bucket_width, "bucket_width"))
        for name in ("centre", "sketches"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        families = FAMILIES[self.metric]
        object.__setattr__(self, "family", families[0] if self.family is None else self.family)
        if self.family not in families:
            names = ", ".join(map(repr, families))
            raise ParameterError(f"family is {self.family!r}; for {self.metric} distance expected one of {names}")

    def setting(self, n_tables: int, n_bits: int, n_probes: int) -> SearchSetting:
        """Return the setting of a search, checked: with no more tables and bits than the index has."""
        return SearchSetting(
            validate.integer(n_tables, "n_tables", 1, self.n_tables),
            validate.integer(n_bits, "n_bits", 1, self.n_bits),
            validate.integer(n_probes, "n_probes", 1, MAX_PROBES),
        )

    def reranked(self, n_reranked: int | None, k: int, n: int) -> int:
        """Return how many of n vectors a search ranks exactly at most (see `ranked`); None stands for all."""
        if n_reranked is None:
            return n
        if not self.sketches:
            raise ParameterError(
                "n_reranked needs sketches, and this index has none: build it with sketches=True, or leave n_reranked "
                "out to rank every candidate"
            )
        return ranked(n_reranked, k)


def ranked(n_reranked: int, k: int) -> int:
    """Return how many vectors a search ranks exactly: n_reranked, checked, or k if that is more, and an eighth more."""
    n = max(validate.integer(n_reranked, "n_reranked", 1, 2**31 - 1), k)
    return n + n // 8 + 2
