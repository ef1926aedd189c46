"""Tasks: functions that a distributed index runs on the workers, each called with a shard."""

from typing import Any

from lsh.arrays import Float32Array
from lsh.distributed.filters import Part, allowed_of
from lsh.distributed.shards import Sized
from lsh.exact import ExactSearch
from lsh.params import SearchSetting, SketchSetting
from lsh.result import RangeResult, SearchResult


def facts(one: Sized) -> tuple[SearchSetting | SketchSetting | None, int | None, float | None]:
    """Return the default setting, the number of buckets and their width, the same for all shards, where it has them."""
    index = one.index
    return tuple(getattr(index, name, None) for name in ("default_setting", "n_buckets", "bucket_width"))  # type: ignore[return-value]


def answer(
    one: Sized, Q: Float32Array, k: int, setting: dict[str, Any], parts: Part | list[Part] | None = None
) -> SearchResult:
    """Return the answer of a shard; parts: its filters."""
    found: SearchResult = one.index.search(Q, k, **setting, **({} if parts is None else {"allowed": allowed_of(parts)}))
    return SearchResult(*found)


def within(one: Sized, Q: Float32Array, radius: float, setting: dict[str, int]) -> RangeResult:
    """Return the vectors of a shard within a radius."""
    found: RangeResult = one.index.range_search(Q, radius, **setting)
    return found


def candidates(one: Sized, Q: Float32Array, n_best: int, setting: dict[str, int]) -> tuple[SearchResult, Float32Array]:
    """Return the candidates of a shard with the best estimates, and what these are."""
    found: tuple[SearchResult, Float32Array] = one.index.candidates(Q, n_best, **setting)
    return found


def size(one: Sized, n_tables: int | None) -> int:
    """Return the size of a shard in bytes, without the vectors."""
    return int(one.index.nbytes if n_tables is None else one.index.nbytes_of(n_tables))


def like(one: Sized, vectors: Float32Array) -> Any:
    """Return an index of vectors, float32[m, d], with the hash functions or buckets of a shard."""
    return one.index.over(ExactSearch(vectors, one.index.exact.metric))
