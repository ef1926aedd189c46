"""Which settings reach a wanted recall, before any of them is timed: the first half of a plan.

A setting's recall is measured on a sample of queries, so it is known up to its standard error; and the best of many
settings is likelier than others to have been lucky. Besides, later queries seldom come from quite where these do: the
evaluation clips of AudioSet miss up to 19 % more neighbours than clips held back from its training set. So a setting
reaches a recall only when its misses, with two standard errors added, are at most nine tenths of those allowed.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lsh.analysis.search_config import Index, Way
from lsh.analysis.tuning import every_setting, shortlist
from lsh.arrays import Float32Array
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.quality import recall_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced
from lsh.sketch_index import SketchIndex, default_buckets

FEW_ROWS = 250_000  # beyond, building an index of each kind takes minutes, and the way to win is known
_TABLES: dict[str, list[dict[str, Any]]] = {"cosine": [{}], "euclidean": [{}, {"family": "hyperplanes"}]}
_TABLES_QUERIES = 300  # enough to draw up a shortlist
_MOST_RERANKED = 64  # times k
_PATIENCE = 2
_TO_SPARE = 0.4  # of what the wish allows to be missed, kept for what sketches miss
ERRORS = 2
MISSES = 0.9  # of those that the wish allows


@dataclass(frozen=True, slots=True)
class Contender:
    """A way whose recall was measured: the mean over queries and its standard error.

    candidates: mean share of the collection looked at, 0 to 1; batch_ms: a query's share of one batch.
    """

    way: Way
    index: Index
    recall: float
    recall_error: float
    candidates: float
    batch_ms: float

    @property
    def index_bytes(self) -> int:
        """Return the bytes that the index takes beside the vectors; of tables, those that are searched."""
        if isinstance(self.index, LSHIndex):
            return self.index.nbytes_of(self.way.setting["n_tables"])
        return self.index.nbytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, and what it is measured with: Q float32[nq, d], and the true neighbours."""

    exact: ExactSearch
    Q: Float32Array
    truth: SearchResult
    recall: float
    seed: int

    @property
    def k(self) -> int:
        """Return how many neighbours are asked for."""
        return int(self.truth.ids.shape[1])

    @property
    def target(self) -> float:
        """Return the recall to aim at, a little above the one wanted."""
        return 1 - MISSES * (1 - self.recall)

    def try_out(self, way: Way, index: Index) -> Contender:
        """Search all queries in one batch."""
        start = time.perf_counter()
        found = way.search(index, self.Q, self.k)
        seconds = time.perf_counter() - start
        recalls = recall_at_k(found, self.truth)
        error = float(recalls.std() / np.sqrt(len(recalls)))
        candidates = float(found.n_candidates.mean() / len(self.exact.X))
        return Contender(way, index, float(recalls.mean()), error, candidates, 1000 * seconds / len(self.Q))

    def is_met_by(self, contender: Contender) -> bool:
        """Tell whether the recall is what was wanted, with a margin for chance and one for other queries."""
        return contender.recall - ERRORS * contender.recall_error >= self.target


def contenders(wish: Wish, progress: Callable[[str], None]) -> list[list[Contender]]:
    """Return the settings that reach the wish, a list for each kind of index that was tried, without exact search."""
    found = [list(_of_sketches(wish, build, progress)) for build in _sketch_builds(len(wish.exact.X), wish.seed)]
    if len(wish.exact.X) <= FEW_ROWS:
        found += [list(_of_tables(wish, build, progress)) for build in _TABLES[wish.exact.metric]]
    return [group for group in found if group]


def _sketch_builds(n: int, seed: int) -> list[dict[str, Any]]:
    """Return the indexes of sketches worth building: around √n buckets, and one, which is a plain scan."""
    middle = default_buckets(n)
    learned = (middle, 2 * middle, 4 * middle) if n <= FEW_ROWS else (middle, 2 * middle)
    builds: list[dict[str, Any]] = [{"n_buckets": m, "seed": seed} for m in learned if 1 < m <= n]
    if n <= FEW_ROWS:
        if middle > 1:
            builds.append({"n_buckets": 2 * middle, "seed": seed, "family": "hyperplanes"})
        builds.append({"n_buckets": 1, "seed": seed})
    return builds


def _of_sketches(wish: Wish, build: dict[str, Any], progress: Callable[[str], None]) -> Iterator[Contender]:
    """Yield, for each number of probes that can reach the wish, the setting that re-ranks the fewest.

    More probes need fewer re-ranked, up to a point; beyond it they only cost.
    """
    family = Way("sketches", wish.exact.metric, build, {}).family
    name = f"sketches in {build['n_buckets']}{f' {family}' if family else ''} bucket(s)"
    progress(f"{name}: building")
    index = SketchIndex(wish.exact.metric, **build).fit(wish.exact.X)
    progress(f"{name}: measuring recall on {len(wish.Q):,} queries")
    fewest, in_vain = len(wish.exact.X) + 1, 0
    for n_probes in _ladder(1, index.n_buckets, steps=2):
        contender = _fewest_reranked(wish, Way("sketches", wish.exact.metric, build, {"n_probes": n_probes}), index)
        if contender is None:
            continue
        n_reranked = contender.way.setting["n_reranked"]
        in_vain = 0 if n_reranked < fewest else in_vain + 1
        if n_reranked < fewest:
            fewest = n_reranked
            yield contender
        if in_vain == _PATIENCE or n_reranked <= wish.k:
            return


def _of_tables(wish: Wish, build: dict[str, Any], progress: Callable[[str], None]) -> Iterator[Contender]:
    """Yield the settings of hash tables that reach the wish, of a shortlist drawn up on fewer queries.

    First those that rank every candidate; then, since sketches may lose a neighbour, those that find somewhat more than
    is wanted and re-rank a few.
    """
    metric, whole = wish.exact.metric, Way.tables(wish.exact.metric, wish.seed, build, {})
    name = f"hash tables of {whole.family}"
    progress(f"{name}: building")
    sketched = LSHIndex(metric, **whole.build, sketches=True).fit(wish.exact.X)
    bare = LSHIndex.from_parts(LSHIndex(metric, **whole.build).params, sketched.exact, sketched.hasher, sketched.tables)
    few = evenly_spaced(wish.Q, _TABLES_QUERIES)
    grids = every_setting(bare, few, wish.k, lambda step: progress(f"{name}: {step}"))
    for setting in shortlist(bare, grids, few, wish.target):
        contender = wish.try_out(Way.tables(metric, wish.seed, build, setting), bare)
        if wish.is_met_by(contender):
            yield contender
    for setting in shortlist(bare, grids, few, wish.target + _TO_SPARE * (1 - wish.target)):
        way = Way.tables(metric, wish.seed, {**build, "sketches": True}, setting)
        reranking = _fewest_reranked(wish, way, sketched)
        if reranking is not None:
            yield reranking


def _fewest_reranked(wish: Wish, way: Way, index: LSHIndex | SketchIndex) -> Contender | None:
    """Return the way that re-ranks the fewest and reaches the wish, by bisection."""
    steps = _ladder(wish.k, min(index.n, _MOST_RERANKED * wish.k), steps=4)

    def measured(step: int) -> Contender:
        return wish.try_out(replace(way, setting={**way.setting, "n_reranked": steps[step]}), index)

    low, high, best = 0, len(steps) - 1, measured(len(steps) - 1)
    if not wish.is_met_by(best):
        return None
    while low < high:  # what re-ranks steps[high] is `best`, and reaches the wish
        middle = (low + high) // 2
        contender = measured(middle)
        if wish.is_met_by(contender):
            high, best = middle, contender
        else:
            low = middle + 1
    return best


def _ladder(low: int, high: int, steps: int) -> list[int]:
    """Return whole numbers from low to high, `steps` of them for each doubling."""
    high = max(low, high)
    n = int(np.ceil(steps * np.log2(high / low))) + 1
    return sorted({*(min(high, round(low * 2 ** (i / steps))) for i in range(n)), high})
