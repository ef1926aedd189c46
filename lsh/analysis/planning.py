"""The cheapest way to reach a wanted recall, of all ways there are.

Exact search, a scan of every sketch, sketches in learned buckets, hash tables: which is fastest depends on how many
vectors there are, how they lie, and what recall is wanted. So a plan measures: first which settings of each reach the
recall (`contenders`), all queries in one batch a setting; then how long the best of them take, one query at a time, in
turns with exact search. Among equals (within 10 %) the one that needs the least memory wins, which may be exact search.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from lsh import validate
from lsh.analysis import plan_words
from lsh.analysis.search_config import Index, Way
from lsh.analysis.timing import MANY_QUERIES, ms_per_query
from lsh.analysis.trials import Contender, Wish, contenders
from lsh.exact import ExactSearch
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced

_FINALISTS = 3  # of each kind of index
_FEW_QUERIES = 20
_SECONDS = 1.0  # that exact search may take in one round of the timing
_AS_FAST = 1.1


@dataclass(frozen=True, slots=True)
class Plan:
    """The way that was chosen, what it achieved on the validation queries, and why it was chosen.

    way: the kind of index, its family, `build` and `setting`; index: built, and never changed. wanted: the recall
    asked for; recall: the mean measured, `recall_error` its standard error. candidates: mean share of the collection
    looked at, 0 to 1. ms, exact_ms: milliseconds a query, of this way and of exact search, in turns on this machine.
    index_bytes: memory beside the vectors.
    """

    way: Way
    index: Index
    k: int
    wanted: float
    recall: float
    recall_error: float
    candidates: float
    ms: float
    exact_ms: float
    index_bytes: int
    why: str

    @property
    def kind(self) -> str:
        """Return "exact", "sketches" or "tables"."""
        return self.way.kind

    @property
    def family(self) -> str | None:
        """Return the hash family by name; None for exact search and for a scan of all sketches."""
        return self.way.family

    @property
    def build(self) -> dict[str, Any]:
        """Return the parameters that the index was built with, beside the metric."""
        return dict(self.way.build)

    @property
    def setting(self) -> dict[str, int]:
        """Return the parameters that each search takes, beside k."""
        return dict(self.way.setting)

    @property
    def python(self) -> str:
        """Return the lines of Python that make the same index and search it in the same way."""
        return self.way.python(self.k)

    def search(self, Q: npt.ArrayLike, k: int | None = None) -> SearchResult:
        """Return the nearest of each row of Q (float32[nq, d]) in the way planned; by default as many as planned."""
        return self.index.search(Q, self.k if k is None else k, **self.way.setting)


def plan(
    X: npt.ArrayLike,
    Q: npt.ArrayLike,
    *,
    metric: str = "cosine",
    k: int = 10,
    recall: float = 0.9,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Choose the fastest way to find, on average, the share `recall` of the k nearest rows of X.

    X: float32[n, d], which may be memory-mapped; Q: float32[nq, d], queries to choose by, such as a validation split:
    a thousand or more, and not rows of X. progress: called with a sentence at each step.

    The recall holds for other queries, within sampling error, where they come from about where Q does: a setting counts
    as reaching it only when the share it misses on Q, with two standard errors added, is at most nine tenths of what
    may be missed. Recall 1 is promised by exact search alone. On more than 250,000 vectors hash tables and a plain scan
    of all sketches are not tried: each build takes long, and buckets of sketches beat them by more, the more vectors
    there are.
    """
    recall = validate.share(recall, "recall")
    k = validate.integer(k, "k", 1, 2**31 - 1)
    exact = ExactSearch(X, metric)
    queries = validate.queries(Q, exact.X.shape[1])
    progress(f"exact search with {len(queries):,} queries among {len(exact.X):,} vectors: the truth")
    start = time.perf_counter()
    wish = Wish(exact, queries, exact.search(queries, k), recall, seed)
    exact_ms = 1000 * (time.perf_counter() - start) / len(queries)
    brute = Contender(Way.exact(metric), exact, recall=1.0, recall_error=0.0, candidates=1.0, batch_ms=exact_ms)
    groups = contenders(wish, progress) if recall < 1 else []
    finalists = [c for group in groups for c in sorted(group, key=lambda c: c.batch_ms)[:_FINALISTS]]
    progress(f"timing {len(finalists)} settings that reach recall {recall:g}, in turns with exact search")
    times = _in_turns(wish, [brute, *finalists], brute.batch_ms)
    ranked = sorted(zip([brute, *finalists], times, strict=True), key=lambda timed: timed[1])
    best, ms = min((t for t in ranked if t[1] <= _AS_FAST * ranked[0][1]), key=lambda t: (t[0].index_bytes, t[1]))
    why = plan_words.why(wish, best, ms, ranked, sum(map(len, groups)))
    return Plan(
        way=best.way,
        index=best.index,
        k=k,
        wanted=recall,
        recall=best.recall,
        recall_error=best.recall_error,
        candidates=best.candidates,
        ms=ms,
        exact_ms=times[0],
        index_bytes=best.index_bytes,
        why=why,
    )


def _in_turns(wish: Wish, finalists: Sequence[Contender], exact_ms: float) -> list[float]:
    """Return each one's milliseconds a query; on a large collection with fewer queries, since exact search is slow."""
    most = int(1000 * _SECONDS / exact_ms)
    searches = [lambda q, c=c: c.way.search(c.index, q, wish.k) for c in finalists]
    return ms_per_query(searches, evenly_spaced(wish.Q, min(MANY_QUERIES, max(_FEW_QUERIES, most))))
