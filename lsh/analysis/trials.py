"""Trials: settings whose recall was measured, and those of them that reach a target; the first half of a plan.

A setting's recall is measured on a sample of queries, so it is known up to its standard error, and the best of many
settings tends to have been lucky. Besides, later queries seldom have quite the distribution of these: AudioSet's
evaluation clips miss about a tenth more neighbours than clips held back from its training set (docs/BENCHMARKS.md,
"Choices of lsh.plan", with the command). So a setting reaches a recall only if its share of missed neighbours, plus two
standard errors, is at most nine tenths of the share allowed.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lsh.analysis.recall_grid import RecallGrid, recall_grid
from lsh.analysis.search_config import Index, SearchConfig
from lsh.analysis.timing import Search, ms_per_query
from lsh.arrays import Float32Array, Int64Array
from lsh.default_setting import PROBES
from lsh.exact import ExactSearch
from lsh.graphs.index import GraphIndex
from lsh.index import LSHIndex
from lsh.quality import mean_recall, recall_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced, evenly_spaced_rows
from lsh.sketch_index import SketchIndex
from lsh.sketches.partition import default_buckets

FEW_ROWS = 250_000  # above, each index takes minutes to build, and buckets of sketches are known to be the fastest
GRAPH_ROWS = range(100_000, 500_001)  # with fewer a graph gains little over sketches; with more it takes over 0.7 GB
_TABLES: dict[str, list[dict[str, Any]]] = {"cosine": [{}], "euclidean": [{}, {"family": "hyperplanes"}]}
_TABLES_QUERIES = 300  # enough to draw up a shortlist
_TIMED_QUERIES = 40
_SHORTLISTED = 4
_MAX_RERANKED = 64  # times k
_MAX_FAILURES = 2  # numbers of probes in a row that do not lower the number re-ranked
_SKETCH_SHARE = 0.4  # of the neighbours that may be missed, those left for sketches to miss
_ERRORS = 2
_MISSES = 0.9  # of those that the target allows

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration whose recall was measured: the mean over queries and its standard error.

    candidate_fraction: mean fraction of the collection that become candidates; batch_ms: milliseconds per query, in one
    batch.
    """

    config: SearchConfig
    index: Index
    recall: float
    recall_error: float
    candidate_fraction: float
    batch_ms: float

    @property
    def index_bytes(self) -> int:
        """Return the size of the index in bytes, without the vectors; of hash tables, of those that are searched."""
        if isinstance(self.index, LSHIndex):
            return self.index.nbytes_of(self.config.setting["n_tables"])
        return self.index.nbytes


@dataclass(frozen=True, slots=True)
class Target:
    """The wanted recall, the queries it is measured on, Q float32[nq, d], and their true neighbours.

    rows: int64[nq], of the index, which are the queries: each is left out of its own answers; None if they are in none.
    """

    exact: ExactSearch
    Q: Float32Array
    truth: SearchResult
    recall: float
    rows: Int64Array | None = None

    @property
    def k(self) -> int:
        """Return the number of neighbours asked for."""
        return int(self.truth.ids.shape[1])

    @property
    def n_asked(self) -> int:
        """Return the number of neighbours that a search returns, itself included where it is in the index."""
        return self.k + (self.rows is not None)

    @property
    def raised_recall(self) -> float:
        """Return the recall to aim at, a little above the wanted one."""
        return 1 - _MISSES * (1 - self.recall)

    def measure(self, config: SearchConfig, index: Index) -> Trial:
        """Search for all queries in one batch."""
        start = time.perf_counter()
        found = config.search(index, self.Q, self.n_asked)
        seconds = time.perf_counter() - start
        if self.rows is not None:
            found = found.without(self.rows)
        recalls = recall_at_k(found, self.truth)
        error = float(recalls.std() / np.sqrt(len(recalls)))
        candidate_fraction = float(found.n_candidates.mean() / len(self.exact.X))
        return Trial(
            config, index, mean_recall(found, self.truth), error, candidate_fraction, 1000 * seconds / len(self.Q)
        )

    def satisfied_by(self, trial: Trial) -> bool:
        """Return whether the recall is the wanted one, with a margin for chance and one for other queries."""
        return trial.recall - _ERRORS * trial.recall_error >= self.raised_recall


def all_trials(target: Target, seed: int, progress: Progress) -> list[list[Trial]]:
    """Build indexes of each kind; return the trials that satisfy the target, one list per index that has any."""
    n, metric = len(target.exact.X), target.exact.metric
    groups = [list(_sketch_trials(target, build, progress)) for build in _sketch_builds(n, seed)]
    if n <= FEW_ROWS:
        for build in _TABLES[metric]:
            config = SearchConfig.tables(metric, seed, {**build, "sketches": True}, {})
            progress(f"hash tables of {config.family}: building")
            index = LSHIndex(metric, **config.build).fit(target.exact.X)
            groups.append(list(table_trials(target, index, progress)))
    if n in GRAPH_ROWS:
        groups.append(list(_graph_trials(target, seed, progress)))
    return [group for group in groups if group]


def _sketch_builds(n: int, seed: int) -> list[dict[str, Any]]:
    """Return the indexes of sketches worth building: around √n buckets, and one bucket, which is a scan of all."""
    middle = default_buckets(n)
    learned = (middle, 2 * middle, 4 * middle) if n <= FEW_ROWS else (middle, 2 * middle)
    builds: list[dict[str, Any]] = [{"n_buckets": m, "seed": seed} for m in learned if 1 < m <= n]
    if n <= FEW_ROWS:
        if middle > 1:
            builds.append({"n_buckets": 2 * middle, "seed": seed, "family": "hyperplanes"})
        builds.append({"n_buckets": 1, "seed": seed})
    return builds


def _sketch_trials(target: Target, build: dict[str, Any], progress: Progress) -> Iterator[Trial]:
    """Yield, for each number of probes that can reach the target, the setting that re-ranks the fewest.

    More probes need fewer re-ranked, up to a point; beyond it they only cost time.
    """
    family = SearchConfig("sketches", target.exact.metric, build, {}).family
    name = f"sketches in {build['n_buckets']}{f' {family}' if family else ''} bucket(s)"
    progress(f"{name}: building")
    index = SketchIndex(target.exact.metric, **build).fit(target.exact.X)
    progress(f"{name}: measuring recall on {len(target.Q):,} queries")
    fewest, failures = len(target.exact.X) + 1, 0
    for n_probes in _geometric_steps(1, index.n_buckets, per_doubling=2):
        config = SearchConfig("sketches", target.exact.metric, build, {"n_probes": n_probes})
        trial = _fewest(target, config, index)
        if trial is None:
            continue
        n_reranked = trial.config.setting["n_reranked"]
        failures = 0 if n_reranked < fewest else failures + 1
        if n_reranked < fewest:
            fewest = n_reranked
            yield trial
        if failures == _MAX_FAILURES or n_reranked <= target.k:
            return


def _graph_trials(target: Target, seed: int, progress: Progress) -> Iterator[Trial]:
    """Yield the setting of a graph that keeps the fewest nodes."""
    progress("a graph: building")
    config = SearchConfig("graph", target.exact.metric, {"seed": seed}, {})
    index = GraphIndex(target.exact.metric, **config.build).fit(target.exact.X)
    progress(f"a graph: measuring recall on {len(target.Q):,} queries")
    trial = _fewest(target, config, index, "n_kept")
    if trial is not None:
        yield trial


def table_trials(target: Target, index: LSHIndex, progress: Progress) -> Iterator[Trial]:
    """Yield settings of hash tables that satisfy the target, of a shortlist drawn up on fewer queries.

    First those that rank every candidate; then, where the index has sketches, those that find somewhat more than is
    wanted and re-rank a few, since sketches may lose a neighbour.
    """
    few, rows = evenly_spaced(target.Q, _TABLES_QUERIES), None
    if target.rows is not None:
        rows = target.rows[evenly_spaced_rows(len(target.rows), _TABLES_QUERIES)]
    bare, name, grids = index, f"hash tables of {index.params.family}", {}
    if index.params.sketches:
        params = replace(index.params, sketches=False)
        bare = LSHIndex.from_parts(params, index.exact, index.hasher, index.tables, index.default_setting)
    for n_probes in PROBES:
        progress(f"{name}: measuring every L and K with {n_probes} {'probe' if n_probes == 1 else 'probes'} per table")
        grids[n_probes] = recall_grid(bare, few, target.k, n_probes, rows)
    errors = max(1.0, _ERRORS * np.sqrt(len(few) / len(target.Q)))  # fewer queries have larger standard errors
    satisfying = 0
    for setting in _fastest_first(bare, few, target.k, pareto_front(grids, target.raised_recall, errors)):
        trial = target.measure(SearchConfig.from_index(bare, setting), bare)
        if target.satisfied_by(trial):
            satisfying += 1
            yield trial
        if satisfying == _SHORTLISTED:
            break
    if index.params.sketches:
        recall = target.raised_recall + _SKETCH_SHARE * (1 - target.raised_recall)
        front = _fastest_first(bare, few, target.k, pareto_front(grids, recall, errors))
        for setting in front[:_SHORTLISTED]:
            reranking = _fewest(target, SearchConfig.from_index(index, setting), index)
            if reranking is not None:
                yield reranking


def pareto_front(grids: Mapping[int, RecallGrid], recall: float, errors: float) -> list[dict[str, int]]:
    """Return the settings on the Pareto front of bucket look-ups and candidates, as `LSHIndex.search` takes them.

    Only settings count whose recall, less so many standard errors, is at least `recall`. On the front are those to
    which no other one is superior, having no more look-ups and no more candidates. grids: by the number of probes.
    """
    reaching = []
    for n_probes, grid in grids.items():
        reached = grid.recall - errors * grid.recall_error >= recall
        fractions = np.where(reached, grid.candidate_fraction, np.inf)
        for n_tables, own in enumerate(fractions, 1):
            n_bits = int(own.argmin()) + 1
            if own[n_bits - 1] < np.inf:
                reaching.append((n_tables * n_probes, own[n_bits - 1], n_tables, n_bits, n_probes))
    front, fewest = [], np.inf
    for _, fraction, n_tables, n_bits, n_probes in sorted(reaching):
        if fraction < fewest:
            front.append({"n_tables": n_tables, "n_bits": n_bits, "n_probes": n_probes})
            fewest = fraction
    return front


def _fastest_first(index: LSHIndex, Q: Float32Array, k: int, settings: list[dict[str, int]]) -> list[dict[str, int]]:
    """Sort settings by the time that a few searches take."""

    def search(setting: dict[str, int]) -> Search:
        return lambda q: index.search(q, k, **setting)

    if not settings:
        return []
    times = ms_per_query(list(map(search, settings)), evenly_spaced(Q, _TIMED_QUERIES), rounds=1)
    return [settings[i] for i in np.argsort(times, kind="stable")]


def _fewest(
    target: Target, config: SearchConfig, index: LSHIndex | SketchIndex | GraphIndex, name: str = "n_reranked"
) -> Trial | None:
    """Return the trial that re-ranks the fewest and satisfies the target, by bisection; None if none does.

    name: of the number that is sought, `n_reranked` or `n_kept`.
    """
    steps = _geometric_steps(target.n_asked, min(index.n, _MAX_RERANKED * target.k), per_doubling=4)

    def measured(step: int) -> Trial:
        return target.measure(replace(config, setting={**config.setting, name: steps[step]}), index)

    low, high, best = 0, len(steps) - 1, measured(len(steps) - 1)
    if not target.satisfied_by(best):
        return None
    while low < high:  # `best` takes steps[high], and satisfies the target
        middle = (low + high) // 2
        trial = measured(middle)
        if target.satisfied_by(trial):
            high, best = middle, trial
        else:
            low = middle + 1
    return best


def _geometric_steps(low: int, high: int, per_doubling: int) -> list[int]:
    """Return whole numbers from low to high, `per_doubling` of them for each doubling."""
    high = max(low, high)
    n = int(np.ceil(per_doubling * np.log2(high / low))) + 1
    return sorted({*(min(high, round(low * 2 ** (i / per_doubling))) for i in range(n)), high})
