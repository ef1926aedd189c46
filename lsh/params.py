"""Params: the validated parameters of an LSHIndex and of its searches."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

from lsh import validate
from lsh.errors import ParameterError

MAX_TABLES = 512
MAX_BITS = 32
MAX_PROBES = 64
MAX_BUCKETS = 65_536  # of sketches
FAMILIES = {  # the first is the default
    "cosine": ("hyperplanes", "itq", "grh"),
    "euclidean": ("pstable", "hyperplanes", "itq", "grh"),
}


LEARNED = ("itq", "grh")
_MOST_RANKED = 2**31 - 1
PROMISED_PROBES = 8  # of searches with a promised recall


class SearchSetting(NamedTuple):
    """A setting of a search: tables (L), hash functions per key (K), and buckets looked up in each table."""

    n_tables: int
    n_bits: int
    n_probes: int


class SketchSetting(NamedTuple):
    """A setting of a search in sketches: buckets that are searched, and vectors ranked by exact distance."""

    n_probes: int
    n_reranked: int


class GraphSetting(NamedTuple):
    """A setting of a search in a graph: nodes that it keeps."""

    n_kept: int


UNMEASURED = SketchSetting(8, 40)  # where nothing can be measured, and of index files of versions 1 to 4


class _Measured:
    """What default settings have in common: the recall@10 when it was measured; None where that is not known."""

    recall: float | None = None

    @classmethod
    def of(cls, setting: Iterable[int], recall: float | None) -> Self:
        """Return a setting with its recall."""
        measured = cls(*setting)
        measured.recall = recall
        return measured

    def described(self, index: str, size: str) -> str:
        """Return an index of some size as text, with this setting and what is expected of it."""
        about = "chosen for a recall@10 of 0.9" if self.recall is None else f"expected recall@10 {self.recall:.2f}"
        return f"<{index} of {size}, searched with {self._setting()} ({about} on queries like its rows)>"

    def _setting(self) -> str:
        raise NotImplementedError


class MeasuredSetting(_Measured, SearchSetting):
    """A default setting of hash tables."""

    def _setting(self) -> str:
        return f"{self.n_tables} tables, {self.n_bits} bits and {_probes(self.n_probes)}"


class MeasuredSketchSetting(_Measured, SketchSetting):
    """A default setting of sketches."""

    @classmethod
    def checked(cls, setting: SketchSetting) -> Self:
        """Return a setting, checked, with its recall if it has one."""
        n_probes = validate.integer(setting.n_probes, "n_probes", 1, MAX_BUCKETS)
        n_reranked = validate.integer(setting.n_reranked, "n_reranked", 1, _MOST_RANKED)
        return cls.of((n_probes, n_reranked), getattr(setting, "recall", None))

    def described(self, index: str, size: str) -> str:
        """Return the same; the setting of older files says that nothing was measured."""
        if self == UNMEASURED:
            return f"<{index} of {size}, searched with {self._setting()} (not measured)>"
        return super().described(index, size)

    def _setting(self) -> str:
        return f"{_probes(self.n_probes)} and {self.n_reranked:,} re-ranked"


class MeasuredGraphSetting(_Measured, GraphSetting):
    """A default setting of a graph."""

    @classmethod
    def checked(cls, setting: GraphSetting) -> Self:
        """Return a setting, checked, with its recall if it has one."""
        n_kept = validate.integer(setting.n_kept, "n_kept", 1, _MOST_RANKED)
        return cls.of((n_kept,), getattr(setting, "recall", None))

    def _setting(self) -> str:
        return f"{self.n_kept:,} kept"


def _probes(n: int) -> str:
    return "1 probe" if n == 1 else f"{n:,} probes"


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

    def as_arguments(self) -> str:
        """Return the parameters that are not None as text, as they are given to an index."""
        return ", ".join(f"{name}={value!r}" for name, value in asdict(self).items() if value is not None)

    def setting(self, n_tables: int, n_bits: int, n_probes: int) -> SearchSetting:
        """Return the setting of a search, checked: with no more tables and bits than the index has."""
        return SearchSetting(
            validate.integer(n_tables, "n_tables", 1, self.n_tables),
            validate.integer(n_bits, "n_bits", 1, self.n_bits),
            validate.integer(n_probes, "n_probes", 1, MAX_PROBES),
        )

    def promised(
        self, recall: float, n: int, given: tuple[int | None, int | None, int | None], n_reranked: int | None
    ) -> SearchSetting:
        """Return the setting that a search among n vectors with a promised recall begins with.

        given: tables, bits and probes; None stands for all tables, bits that about four vectors share, and 8 probes.
        """
        if not 0 < validate.positive(recall, "recall", 1.0) < 1:
            raise ParameterError(f"recall is {recall!r}; expected a number above 0 and below 1")
        if self.family in LEARNED:
            raise ParameterError(
                f"family {self.family!r} is learned, and has no theory by which a recall could be promised; expected "
                "'hyperplanes' or 'pstable'"
            )
        if n_reranked is not None:
            raise ParameterError("n_reranked leaves candidates out; leave it away where a recall is wanted")
        usual = self.n_tables, max(1, min(self.n_bits, round(math.log2(n)) - 2)), PROMISED_PROBES
        chosen = (usual_value if own is None else own for own, usual_value in zip(given, usual, strict=True))
        setting = self.setting(*chosen)
        if setting.n_probes == 1:
            raise ParameterError("n_probes is 1; expected 2 or more where a recall is wanted")
        return setting

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
    n = max(validate.integer(n_reranked, "n_reranked", 1, _MOST_RANKED), k)
    return n + n // 8 + 2
