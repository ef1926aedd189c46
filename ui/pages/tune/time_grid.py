"""Tune: search times of every setting, measured on this machine one query at a time, and resumable.

The settings are interleaved in shuffled order (`lsh.analysis.timing`). Medians are shown, since outliers dominate
a mean of so few times: on a busy machine it was twice the median.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lsh import LSHIndex
from lsh.analysis.timing import SearchTimes, interleaved, spread_of_rounds, timed
from ui.format import compare_times
from ui.model import exclusive

TABLES = (1, 2, 4, 8, 16, 32)
ROUNDS = 5
BUDGET_S = 4.0  # for all rounds together; on a slow collection fewer queries are timed
MAX_QUERIES, MIN_QUERIES = 40, 10


@dataclass(frozen=True, slots=True)
class Times:
    """Median milliseconds per query: `ms` float64[L, K] at `n_tables` int64[L] x `n_bits` int64[K]; exact search's.

    spread: float64[L, K], the fraction by which the rounds of a setting, or of exact search, differ, whichever is
    larger. here, here_ms, here_spread: a setting (L, K) that was measured by itself.
    """

    n_tables: npt.NDArray[np.int64]
    n_bits: npt.NDArray[np.int64]
    ms: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    exact_ms: float
    n_queries: int
    rounds: int
    here: tuple[int, int] | None = None
    here_ms: float = 0.0
    here_spread: float = 0.0

    def with_record(self, here: tuple[int, int], record: SearchTimes) -> "Times":
        """Return times in which a setting and exact search have those of `record`, and the others are scaled alike."""
        ms = self.ms * record.exact_ms / self.exact_ms
        ms[np.ix_(self.n_tables == here[0], self.n_bits == here[1])] = record.ms
        return replace(self, ms=ms, exact_ms=record.exact_ms, here=here, here_ms=record.ms, here_spread=record.spread)

    def at(self, n_tables: int, n_bits: int) -> float:
        """Return the time of a setting; between two measured L it is interpolated linearly on log scales."""
        if (n_tables, n_bits) == self.here:
            return self.here_ms
        column = int(np.abs(self.n_bits - n_bits).argmin())
        return float(np.exp(np.interp(np.log(n_tables), np.log(self.n_tables), np.log(self.ms[:, column]))))

    def against_exact(self, n_tables: int, n_bits: int) -> str:
        """Compare the time of a setting with that of exact search, in words."""
        spread = self.here_spread
        if (n_tables, n_bits) != self.here:
            row, column = (np.abs(a - b).argmin() for a, b in ((self.n_tables, n_tables), (self.n_bits, n_bits)))
            spread = float(self.spread[row, column])
        return compare_times(self.at(n_tables, n_bits), self.exact_ms, spread)

    def fastest(self, reaches: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
        """Return the (L, K) with the smallest time among the cells of `reaches` bool[L, K]; None without such cells."""
        if not reaches.any():
            return None
        row, column = np.unravel_index(np.where(reaches, self.ms, np.inf).argmin(), self.ms.shape)
        return int(self.n_tables[row]), int(self.n_bits[column])


class TimeGrid:
    """Resumable measurement of the search times of one index, shared by all visitors.

    When a page is left or redrawn during a measurement, the next `run` resumes it. One measurement runs at a time;
    other callers wait, and their `progress` is called meanwhile.
    """

    def __init__(self, index: LSHIndex, queries: npt.NDArray[np.float32], k: int, n_probes: int) -> None:
        self._n_queries = len(queries)
        most = index.params.n_tables
        self._n_tables = np.array([n for n in TABLES if n < most] + [most], np.int64)
        self._n_bits = np.arange(1, index.params.n_bits + 1, dtype=np.int64)
        settings = [(int(n), int(b)) for n in self._n_tables for b in self._n_bits]
        self._runs = [timed(_search(index, queries, k, *setting, n_probes)) for setting in settings]
        self._runs.append(timed(lambda q: index.exact.search(queries[q : q + 1], k)))
        self._ms = np.empty((0, ROUNDS, len(self._runs)))  # [query, round, run]; the last run is exact search
        self._lock = threading.Lock()

    def run(self, progress: Callable[[float], object]) -> Times:
        """Measure what is missing, call `progress` with the fraction done (0 to 1), and return the medians."""
        with exclusive.hold(self._lock, lambda: progress(self._share)):
            if not len(self._ms):
                self._ms = np.full((self._warm_up(), ROUNDS, len(self._runs)), np.nan)
            for q in np.flatnonzero(np.isnan(self._ms[:, 0, 0])).tolist():
                seconds = [m.values for m in interleaved(self._runs, [q], ROUNDS, "shuffled")]
                self._ms[q] = 1000 * np.array(seconds)
                progress(self._share)
            self._runs.clear()  # they hold the index
        ms = np.median(np.median(self._ms, axis=1), axis=0)
        spread = spread_of_rounds(self._ms.swapaxes(0, 1))
        shape = len(self._n_tables), len(self._n_bits)
        grids = ms[:-1].reshape(shape), np.maximum(spread[:-1], spread[-1]).reshape(shape)
        return Times(self._n_tables, self._n_bits, *grids, float(ms[-1]), len(self._ms), ROUNDS)

    @property
    def done(self) -> bool:
        """Return whether everything has been measured, so that `run` returns at once."""
        return self._share == 1

    @property
    def _share(self) -> float:
        return float(np.isfinite(self._ms[:, 0, 0]).mean()) if len(self._ms) else 0.0

    def _warm_up(self) -> int:
        """Run every search once and return how many queries fit the budget."""
        next(interleaved(self._runs, [0], 1))  # compiles, and reads the vectors from disk
        start = time.perf_counter()
        next(interleaved(self._runs, [0], 1))
        affordable = int(BUDGET_S / ROUNDS / max(time.perf_counter() - start, 1e-9))
        return min(max(affordable, MIN_QUERIES), MAX_QUERIES, self._n_queries)


def _search(
    index: LSHIndex, queries: npt.NDArray[np.float32], k: int, n_tables: int, n_bits: int, n_probes: int
) -> Callable[[int], object]:
    return lambda q: index.search(queries[q : q + 1], k, n_tables, n_bits, n_probes)
