"""What an index is built with, checked once."""

from dataclasses import dataclass

from lsh import validate

MAX_TABLES = 512
MAX_BITS = 32
MAX_PROBES = 64


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of an index (see `LSHIndex`): the same ones and the same data give the same bytes."""

    metric: str
    n_tables: int
    n_bits: int
    seed: int
    bucket_width: float | None
    centre: bool

    def __post_init__(self) -> None:
        """Raise ParameterError for a value outside its range."""
        validate.choice(self.metric, "metric", validate.METRICS)
        for name, low, high in (("n_tables", 1, MAX_TABLES), ("n_bits", 1, MAX_BITS), ("seed", 0, 2**63 - 1)):
            # A NumPy integer becomes Python's, which does not overflow.
            object.__setattr__(self, name, validate.integer(getattr(self, name), name, low, high))
        if self.bucket_width is not None:
            validate.positive(self.bucket_width, "bucket_width")

    def setting(self, n_tables: int | None, n_bits: int | None, n_probes: int) -> tuple[int, int, int]:
        """Return a search's own (L, K, T), checked against what was built; None stands for all of it."""
        return (
            self.n_tables if n_tables is None else validate.integer(n_tables, "n_tables", 1, self.n_tables),
            self.n_bits if n_bits is None else validate.integer(n_bits, "n_bits", 1, self.n_bits),
            validate.integer(n_probes, "n_probes", 1, MAX_PROBES),
        )
