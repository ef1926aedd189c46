"""The cheapest setting that reaches a wanted recall.

For each number of probes one pass gives recall and candidates at every (L, K) (see `recall_grid`). Of the settings that
reach the recall, those that no other one beats in both look-ups and candidates are timed against each other and
against exact search, and the fastest wins; among equals (within 10 %) the one with the fewest tables, which needs the
least memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.analysis.recall_grid import RecallGrid, recall_grid
from lsh.analysis.timing import MANY_QUERIES, Search, ms_per_query
from lsh.arrays import Float32Array
from lsh.errors import ParameterError
from lsh.index import LSHIndex
from lsh.sampling import evenly_spaced

PROBES = (1, 2, 4, 8)
_FEW_QUERIES = 40
_FINALISTS = 8
_SHORTLISTED = 4
_AS_FAST = 1.1


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting, what it achieves on the queries it was chosen with, and why it was chosen.

    recall: mean recall@k; candidates: mean share of the collection looked at, 0 to 1; ms, exact_ms: milliseconds a
    query, of this setting and of exact search, measured in turns on this machine.
    """

    n_tables: int
    n_bits: int
    n_probes: int
    recall: float
    candidates: float
    ms: float
    exact_ms: float
    why: str

    @property
    def beats_exact(self) -> bool:
        """Tell whether the setting was faster than exact search."""
        return self.ms < self.exact_ms


@dataclass(frozen=True, slots=True)
class _Setting:
    n_tables: int
    n_bits: int
    n_probes: int
    recall: float
    candidates: float

    @property
    def lookups(self) -> int:
        return self.n_tables * self.n_probes


def tune(
    index: LSHIndex,
    Q: npt.ArrayLike,
    k: int = 10,
    recall: float = 0.9,
    probes: Sequence[int] = PROBES,
    progress: Callable[[str], None] = lambda _: None,
) -> Choice:
    """Choose the fastest setting whose mean recall@k on Q (float32[nq, d], a validation split) is at least `recall`.

    probes: the numbers of probes a table to try. progress: called with a sentence at each step. Raises ParameterError
    when no setting of this index reaches the recall.
    """
    validate.share(recall, "recall")
    if not probes:
        raise ParameterError("probes is empty; expected at least one number of probes to try, as in (1, 2, 4)")
    queries = validate.queries(Q, index.dim)
    grids = every_setting(index, queries, k, progress, probes)
    contenders = _unbeaten_of(grids, recall)
    if not contenders:
        most = max(float(measured.recall.max()) for measured in grids.values())
        raise ParameterError(
            f"no setting reaches recall {recall:g}: {most:.3f} is the most that this index of {index.params.n_tables} "
            "tables gives; build it with more tables, or ask for less"
        )
    progress(f"timing the {len(contenders)} settings that reach recall {recall:g}")
    best, ms, exact_ms = _fastest(index, queries, k, contenders)
    why = _explain(best, ms, exact_ms, len(contenders), grids[best.n_probes], recall, len(queries))
    return Choice(best.n_tables, best.n_bits, best.n_probes, best.recall, best.candidates, ms, exact_ms, why)


def every_setting(
    index: LSHIndex,
    Q: Float32Array,
    k: int,
    progress: Callable[[str], None],
    probes: Sequence[int] = PROBES,
) -> dict[int, RecallGrid]:
    """Measure every (L, K) for each number of probes a table."""
    grids = {}
    for n_probes in probes:
        progress(f"measuring every L and K with {n_probes} probe(s) a table")
        grids[n_probes] = recall_grid(index, Q, k, n_probes)
    return grids


def shortlist(index: LSHIndex, grids: dict[int, RecallGrid], Q: Float32Array, recall: float) -> list[dict[str, int]]:
    """Return the settings, fastest first, that seem to reach the recall: at most four, as `search` takes them.

    Seem, since they are chosen on Q; each one's recall less one standard error is at least the one wanted.
    """
    contenders = _unbeaten_of(grids, recall, errors=1)
    if not contenders:
        return []
    k = next(iter(grids.values())).k
    brief = ms_per_query([_search_with(index, k, s) for s in contenders], evenly_spaced(Q, _FEW_QUERIES), rounds=1)
    fastest = [contenders[i] for i in np.argsort(brief, kind="stable")[:_SHORTLISTED]]
    return [{"n_tables": s.n_tables, "n_bits": s.n_bits, "n_probes": s.n_probes} for s in fastest]


def _unbeaten_of(grids: dict[int, RecallGrid], recall: float, errors: int = 0) -> list[_Setting]:
    """Return the settings that reach the recall, less so many standard errors, and that no other one beats.

    Beaten is a setting when another one has no more look-ups and no more candidates.
    """
    reaching = [s for t, measured in grids.items() for s in _cheapest_each_l(measured, t, recall, errors)]
    kept: list[_Setting] = []
    for setting in sorted(reaching, key=lambda s: (s.lookups, s.candidates, s.n_tables)):
        if not kept or setting.candidates < kept[-1].candidates:
            kept.append(setting)
    return kept


def _cheapest_each_l(measured: RecallGrid, n_probes: int, recall: float, errors: int) -> list[_Setting]:
    """Return, for each L, the setting with the fewest candidates among those that reach the recall."""
    settings = []
    promised = measured.recall - errors * measured.recall_error
    for table, (recalls, shares) in enumerate(zip(measured.recall, measured.candidates, strict=True)):
        reaching = np.flatnonzero(promised[table] >= recall)
        if len(reaching):
            b = int(reaching[shares[reaching].argmin()])
            settings.append(_Setting(table + 1, b + 1, n_probes, float(recalls[b]), float(shares[b])))
    return settings


def _search_with(index: LSHIndex, k: int, s: _Setting) -> Search:
    return lambda q: index.search(q, k, s.n_tables, s.n_bits, s.n_probes)


def _fastest(index: LSHIndex, Q: Float32Array, k: int, settings: list[_Setting]) -> tuple[_Setting, float, float]:
    """Time the settings, first all of them briefly; return the winner, its ms a query and exact search's.

    The last two are measured in turns with each other alone, as `evaluate` does, on more queries.
    """
    few = evenly_spaced(Q, _FEW_QUERIES)
    brief = ms_per_query([_search_with(index, k, s) for s in settings], few, rounds=1)
    finalists = [settings[i] for i in np.argsort(brief, kind="stable")[:_FINALISTS]]
    times = ms_per_query([_search_with(index, k, s) for s in finalists], few)
    as_fast = [(s, ms) for s, ms in zip(finalists, times, strict=True) if ms <= _AS_FAST * min(times)]
    winner = min(as_fast, key=lambda timed: (timed[0].n_tables, timed[1]))[0]
    ms, exact_ms = ms_per_query(
        [_search_with(index, k, winner), lambda q: index.exact.search(q, k)], evenly_spaced(Q, MANY_QUERIES)
    )
    return winner, ms, exact_ms


def _explain(
    best: _Setting, ms: float, exact_ms: float, contenders: int, measured: RecallGrid, recall: float, n_queries: int
) -> str:
    """Say in a few sentences what was chosen, what the next best would lose, and whether it pays at all."""
    probes = "" if best.n_probes == 1 else f", {best.n_probes} probes a table"
    text = (
        f"L = {best.n_tables}, K = {best.n_bits}{probes} is the fastest of {contenders} settings that reach recall "
        f"{recall:g} on {n_queries} validation queries: recall {best.recall:.3f}, {best.candidates:.1%} of the "
        f"collection looked at, {ms:.2f} ms a query."
    )
    if best.n_bits < measured.recall.shape[1]:
        longer_recall, longer_candidates = measured.at(best.n_tables, best.n_bits + 1)
        text += f" One more bit would look at only {longer_candidates:.1%}, but find {longer_recall:.3f}."
    if ms < exact_ms:
        return text + f" Exact search takes {exact_ms:.2f} ms: {exact_ms / ms:.1f} times as long."
    return text + f" Exact search takes {exact_ms:.2f} ms here: at this recall and size it is the faster one."
