"""Plans: the cheapest configuration that reaches a wanted recall, of all kinds of index or for one that is built.

Which of exact search, a scan of all sketches, sketches in learned buckets, hash tables and a graph is the fastest
depends on the number of vectors, their distribution, and the wanted recall. So a plan measures: first which settings of
each reach the recall (`trials`), all queries in one batch per setting; then the time of the best of them, one query at
a time, in turns, and of exact search in the same rounds. Of those within 10 % of the fastest, the one that needs the
least memory is chosen; it may be exact search.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy.typing as npt

from lsh import validate
from lsh.analysis import trials
from lsh.analysis.search_config import Index, SearchConfig
from lsh.analysis.timing import MANY_QUERIES, ms_and_spread_in_turns, same_time
from lsh.analysis.trials import Target, Trial
from lsh.arrays import Int64Array
from lsh.default_setting import PROBES
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced

_FINALISTS = 3  # of each index
_MIN_QUERIES = 20
_SECONDS = 1.0  # that exact search may take in one round of the timing
_AS_FAST = 1.1

Timed = tuple[Trial, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """The chosen configuration, what it achieved on the validation queries, and why it was chosen.

    config: the kind of index, its family, and the parameters of its build and its searches; index: the index itself.
    wanted: the recall asked for; recall: the mean measured, `recall_error` its standard error. candidate_fraction: mean
    fraction of the collection that become candidates. ms, exact_ms: milliseconds per query of this configuration and of
    exact search, interleaved, on this machine. index_bytes: memory without the vectors.
    """

    config: SearchConfig
    index: Index
    k: int
    wanted: float
    recall: float
    recall_error: float
    candidate_fraction: float
    ms: float
    exact_ms: float
    index_bytes: int
    why: str

    @property
    def kind(self) -> str:
        """Return "exact", "sketches", "tables" or "graph"."""
        return self.config.kind

    @property
    def setting(self) -> dict[str, int]:
        """Return the parameters that each search takes, except k."""
        return dict(self.config.setting)

    def search(self, Q: npt.ArrayLike, k: int | None = None) -> SearchResult:
        """Return the k nearest of each row of Q (float32[nq, d]) by the plan; k is by default the planned one."""
        return self.index.search(Q, self.k if k is None else k, **self.config.setting)


def plan(
    X: npt.ArrayLike | LSHIndex,
    Q: npt.ArrayLike,
    *,
    metric: str | None = None,
    k: int = 10,
    recall: float = 0.9,
    seed: int = 0,
    rows: Int64Array | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Choose the fastest search that finds, on average, the share `recall` of the k nearest rows of X.

    X: float32[n, d], which may be memory-mapped: indexes of each kind are built and compared. Or a fitted LSHIndex:
        only settings of its searches are compared, and nothing is built.
    Q: float32[nq, d], queries to choose by, such as a validation split: a thousand or more, and not rows of X,
        unless `rows` says which.
    metric: "cosine" (the default) or "euclidean"; that of the index if X is one.
    rows: int64[nq], of X, which are the queries: each is left out of its own answers.
    seed: of the indexes that are built. progress: called with a sentence at each step.

    The recall holds for other queries of the same distribution, within sampling error: a setting counts as reaching it
    only if the share it misses on Q, plus two standard errors, is at most nine tenths of the share that may be missed.
    Exact search alone can promise recall 1. On more than 250,000 vectors no hash tables and no scan of all sketches are
    built: each takes long to build, and the more vectors, the more they lose against sketches in buckets. A graph is
    built of 100,000 to 500,000 vectors, since it takes 1,416 bytes of each where sketches take about 60, and some ten
    times as long to build: it is chosen only where it is more than a tenth faster.

    Raises ParameterError if no setting of a given index reaches the recall, and for values out of range.
    """
    recall = validate.positive(recall, "recall", 1)
    k = validate.integer(k, "k", 1, 2**31 - 1)
    built = X if isinstance(X, LSHIndex) else None
    exact = ExactSearch(X, metric or "cosine") if not isinstance(X, LSHIndex) else X.exact
    if metric not in {None, exact.metric}:
        raise ParameterError(f"metric is {metric!r}; the index given as X was built for {exact.metric!r}: leave it out")
    queries = validate.queries(Q, exact.X.shape[1])
    progress(f"exact search for {len(queries):,} queries among {len(exact.X):,} vectors")
    start = time.perf_counter()
    truth = exact.search(queries, k) if rows is None else exact.search(queries, k + 1).without(rows)
    target = Target(exact, queries, truth, recall, rows)
    batch_ms = 1000 * (time.perf_counter() - start) / len(queries)
    brute_force = Trial(SearchConfig.exact(exact.metric), exact, 1.0, 0.0, 1.0, batch_ms)
    if built is not None:
        groups = [list(trials.table_trials(target, built, progress))]
        if not groups[0]:
            largest = {"n_tables": built.params.n_tables, "n_bits": 1, "n_probes": PROBES[-1]}
            highest = target.measure(SearchConfig.from_index(built, largest), built).recall
            raise ParameterError(
                f"no setting reaches recall {recall:g} with a margin for chance: {highest:.3f} is the highest recall "
                f"of this index of {built.params.n_tables} tables; build it with more tables, or ask for less"
            )
    else:
        groups = trials.all_trials(target, seed, progress) if recall < 1 else []
    finalists = [t for group in groups for t in sorted(group, key=lambda t: t.batch_ms)[:_FINALISTS]]
    progress(f"timing {len(finalists)} settings that reach recall {recall:g}, interleaved with exact search")
    (exact_ms, *times), spreads = _interleaved_ms(target, [brute_force, *finalists])
    timed = list(zip(finalists, times, strict=True))
    if built is None:
        timed.append((brute_force, exact_ms))
    ranked = sorted(timed, key=lambda pair: pair[1])
    best, ms = min((t for t in ranked if t[1] <= _AS_FAST * ranked[0][1]), key=lambda t: (t[0].index_bytes, t[1]))
    return Plan(
        config=best.config,
        index=best.index,
        k=k,
        wanted=recall,
        recall=best.recall,
        recall_error=best.recall_error,
        candidate_fraction=best.candidate_fraction,
        ms=ms,
        exact_ms=exact_ms,
        index_bytes=best.index_bytes,
        why=_why(target, (best, ms), exact_ms, max(spreads), ranked, sum(map(len, groups)), from_vectors=built is None),
    )


def _interleaved_ms(target: Target, finalists: Sequence[Trial]) -> tuple[list[float], list[float]]:
    """Return the milliseconds per query of each, and the spread of its rounds.

    There are fewer queries where exact search, the first, is slow. It reads all vectors, after which nothing else is in
    the processor's caches: so the others take turns without it.
    """
    affordable = int(1000 * _SECONDS / finalists[0].batch_ms)
    searches = [lambda q, t=t: t.config.search(t.index, q, target.k) for t in finalists]
    Q = evenly_spaced(target.Q, min(MANY_QUERIES, max(_MIN_QUERIES, affordable)))
    return ms_and_spread_in_turns([searches[:1], searches[1:]], Q)


def _why(
    target: Target,
    chosen: Timed,
    exact_ms: float,
    spread: float,
    ranked: Sequence[Timed],
    n_settings: int,
    *,
    from_vectors: bool,
) -> str:
    """Write what was chosen, what it achieves, what others would cost, and whether it is faster than exact search.

    spread: the fraction by which two measurements of the same time differ. ranked: the trials that were timed, fastest
    first; n_settings: how many satisfy the target, without exact search. from_vectors: whether indexes were built.
    """
    best, ms = chosen
    name = str(best.config)
    if best.config.kind == "exact":
        text = f"Exact search, {ms:.3f} ms per query, is the cheapest way to recall {target.recall:g} here."
    else:
        queries = "validation queries" if target.rows is None else "of its vectors, each left out of its own answer,"
        text = (
            f"{name[0].upper()}{name[1:]}: the cheapest of {n_settings} settings that reach recall {target.recall:g} "
            f"on {len(target.Q):,} {queries} with a margin for chance: recall {best.recall:.3f} ± "
            f"{best.recall_error:.3f}, {best.candidate_fraction:.1%} of the collection looked at, {ms:.3f} ms per "
            f"query, {best.index_bytes / 1e6:.1f} MB without the vectors.{_one_more_bit(target, best)} "
        )
        if same_time(ms, exact_ms, spread):
            text += f"Exact search takes {exact_ms:.3f} ms: about the same."
        elif ms < exact_ms:
            text += f"Exact search takes {exact_ms:.3f} ms, {exact_ms / ms:.1f} times as long."
        else:
            text += f"Exact search takes {exact_ms:.3f} ms: at this recall and size it is faster."
    others: dict[int, str] = {}  # the fastest of each other index
    for trial, taken in ranked:
        if trial.config.kind != "exact" and trial.index is not best.index:
            others.setdefault(id(trial.index), f"{trial.config} {taken:.3f} ms")
    if others:
        text += f" The others at this recall: {'; '.join(others.values())}."
    if target.recall == 1:
        text += " Only exact search can promise recall 1."
    elif from_vectors:
        text += _not_tried(len(target.exact.X))
    return text


def _not_tried(n: int) -> str:
    """Write which kinds of index are not built of n vectors."""
    if n < trials.GRAPH_ROWS.start:
        return f" A graph was not tried on fewer than {trials.GRAPH_ROWS.start:,} vectors."
    if n <= trials.FEW_ROWS:
        return ""
    graph = " and a graph" if n >= trials.GRAPH_ROWS.stop else ""
    return f" Hash tables{',' if graph else ' and'} a scan of all sketches{graph} were not tried on so many vectors."


def _one_more_bit(target: Target, best: Trial) -> str:
    """Write what hash tables would lose by longer keys."""
    n_bits = best.config.setting.get("n_bits", 0) + 1
    if not isinstance(best.index, LSHIndex) or n_bits > best.index.params.n_bits:
        return ""
    longer = target.measure(replace(best.config, setting={**best.config.setting, "n_bits": n_bits}), best.index)
    return f" One more bit would look at only {longer.candidate_fraction:.1%}, but find {longer.recall:.3f}."
