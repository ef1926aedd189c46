"""Search configurations as plain values: the kind of index, how it is built and how it is searched.

`plan` chooses one, `python -m lsh evaluate` measures one, and each can be written as Python or as shell options.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy.typing as npt

from lsh import params
from lsh.arrays import Collection, Float32Array
from lsh.exact import ExactSearch
from lsh.graphs.index import GraphIndex
from lsh.index import LSHIndex
from lsh.result import SearchResult
from lsh.sketch_index import SketchIndex
from lsh.sketches import partition

Stored = LSHIndex | SketchIndex | GraphIndex
Index = Stored | ExactSearch


class RemoteIndex(Protocol):
    """An index of any kind on other machines: `lsh.distributed.DistributedIndex`."""

    kind: str

    @property
    def exact(self) -> Collection:
        """Return exact search over the same vectors."""

    @property
    def nbytes(self) -> int:
        """Return the size in bytes, without the vectors."""

    def search(self, Q: npt.ArrayLike, k: int = 10, **setting: int | None) -> SearchResult:
        """Return the k nearest of each row of Q."""


KINDS = ("tables", "sketches", "graph", "exact")
DIVIDED_KINDS = ("tables", "sketches", "exact")  # those that a cluster can hold in parts
BUILT_TABLES, BUILT_BITS = 32, 24  # as many as the app builds, so that the same seed gives the same figures
_STORED: dict[str, type[Stored]] = {"tables": LSHIndex, "sketches": SketchIndex, "graph": GraphIndex}
_OPTIONS = {
    "family": "--family",
    "n_buckets": "--buckets",
    "n_tables": "--tables",
    "n_bits": "--bits",
    "n_probes": "--probes",
    "n_reranked": "--reranked",
    "n_kept": "--kept",
}
_ADJECTIVES = {"kmeans": "k-means", "hyperplanes": "hyperplane"}


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """One configuration of a search.

    kind: "tables" (LSHIndex), "sketches" (SketchIndex), "graph" (GraphIndex) or "exact" (ExactSearch); build: the
    parameters of its index except the metric; setting: the parameters of a search except k, which may leave out what is
    the default of the index.
    """

    kind: str
    metric: str
    build: Mapping[str, Any]
    setting: Mapping[str, int]

    @classmethod
    def exact(cls, metric: str) -> "SearchConfig":
        """Return exact search, which has no parameters."""
        return cls("exact", metric, {}, {})

    @classmethod
    def tables(cls, metric: str, seed: int, build: Mapping[str, Any], setting: Mapping[str, int]) -> "SearchConfig":
        """Return hash tables searched at `setting`, of an index as large as the app's or larger."""
        sizes = {
            "n_tables": max(BUILT_TABLES, setting.get("n_tables", 0)),
            "n_bits": max(BUILT_BITS, setting.get("n_bits", 0)),
        }
        return cls("tables", metric, {**sizes, "seed": seed, **build}, setting)

    @classmethod
    def from_index(cls, index: LSHIndex, setting: Mapping[str, int]) -> "SearchConfig":
        """Return the configuration of hash tables that are built, searched at `setting`."""
        built = asdict(index.params)
        metric = built.pop("metric")
        usual = asdict(LSHIndex(metric).params) | {"n_tables": None, "n_bits": None, "seed": None}  # always written
        return cls("tables", metric, {name: value for name, value in built.items() if value != usual[name]}, setting)

    def fit(self, X: npt.ArrayLike) -> Index:
        """Build the index over X: float32[n, d]."""
        if self.kind == "exact":
            return ExactSearch(X, self.metric)
        return self.new_index().fit(X)

    def new_index(self) -> Stored:
        """Return the index of hash tables, sketches or a graph, without data."""
        return _STORED[self.kind](self.metric, **self.build)

    def search(self, index: Index | RemoteIndex, Q: Float32Array, k: int) -> SearchResult:
        """Search an index that was built by this configuration."""
        return index.search(Q, k, **self.setting)

    def completed(self, index: Index | RemoteIndex) -> "SearchConfig":
        """Return the configuration with all of its setting: what it leaves out is the default of the built index."""
        return replace(self, setting={**default_setting(index), **self.setting})

    @property
    def family(self) -> str | None:
        """Return the name of the hash family; None for exact search, a graph, and a scan of all sketches."""
        if self.kind in {"exact", "graph"} or self.build.get("n_buckets") == 1:
            return None
        usual = partition.FAMILIES[0] if self.kind == "sketches" else params.FAMILIES[self.metric][0]
        return str(self.build.get("family") or usual)

    def python(self, k: int) -> str:
        """Return the lines of Python that search X for the k nearest neighbours of Q."""
        name = "ExactSearch" if self.kind == "exact" else _STORED[self.kind].__name__
        built = ", ".join([repr(self.metric), *(f"{name}={value!r}" for name, value in self.build.items())])
        arguments = ", ".join(["Q", f"k={k}", *(f"{name}={value}" for name, value in self.setting.items())])
        index = f"ExactSearch(X, {built})" if self.kind == "exact" else f"{name}({built}).fit(X)"
        return f"from lsh import {name}\nindex = {index}\nfound = index.search({arguments})"

    def options(self) -> str:
        """Return the options of `python -m lsh evaluate` that select this configuration."""
        named = {**self.build, **self.setting}  # the number of tables searched, not the number built
        given = [f"{option} {named[name]}" for name, option in _OPTIONS.items() if name in named]
        return " ".join([f"--index {self.kind}", f"--metric {self.metric}", *given])

    def __str__(self) -> str:
        """Return the configuration in words."""
        s = self.setting
        reranked = f", {s['n_reranked']} re-ranked" if "n_reranked" in s else ""
        if self.kind == "exact":
            return "exact search"
        if self.kind == "graph":
            return f"a graph, {s['n_kept']} nodes kept"
        if self.kind == "sketches":
            if self.build["n_buckets"] == 1:
                return f"a scan of all sketches{reranked}"
            buckets = f"{self.build['n_buckets']} {_ADJECTIVES.get(str(self.family), self.family)} buckets"
            return f"sketches in {buckets}, {s['n_probes']} probed{reranked}"
        family = f" of {self.family}" if "family" in self.build else ""
        probes = f", {s['n_probes']} probes per table" if s["n_probes"] > 1 else ""
        return f"hash tables{family}, L = {s['n_tables']}, K = {s['n_bits']}{probes}{reranked}"


def default_setting(index: Index | RemoteIndex) -> dict[str, int]:
    """Return the parameters, except k, of a search that gives none: {} for exact search."""
    if index.kind == "exact":
        return {}
    measured: Any = index
    return dict(measured.default_setting._asdict())
