"""Which clips came before: two million ids as Python keeps them would be the biggest thing in a conversion's memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

_NOWHERE = -1


class Seen:
    """Ids, each with the number of the place that it came from, in 12 bytes an id.

    Only 61 bits of Python's hash of an id are kept: two million ids agree by chance once in a million conversions. They
    lie in sorted runs, each at least twice as long as the next one, so that few are searched (O'Neil, Cheng, Gawlick
    and O'Neil, The log-structured merge-tree, 1996).
    """

    def __init__(self) -> None:
        self._runs: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]] = []

    def add(self, ids: Sequence[str], places: npt.NDArray[np.int32]) -> bool:
        """Add ids, each with its place, if all are new and none comes twice; else add none and return False."""
        run, order = _sorted_hashes(ids)
        if (run[1:] == run[:-1]).any() or any(hit.any() for _, hit in self._found(run)):
            return False
        places = places[order]
        while self._runs and len(self._runs[-1][0]) < 2 * len(run):
            longer, its_places = self._runs.pop()
            run, places = np.concatenate([longer, run]), np.concatenate([its_places, places])
            order = np.argsort(run, kind="stable")  # which merges what is sorted
            run, places = run[order], places[order]
        if len(run):
            self._runs.append((run, places))
        return True

    def places(self, ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the place of each id that was added, or -1: int32[n]."""
        wanted, order = _sorted_hashes(ids)
        found = np.full(len(ids), _NOWHERE, np.int32)
        for places, hit in self._found(wanted):
            found[order[hit]] = places[hit]
        return found

    def _found(self, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]]:
        """Yield, for each run, the places next to sorted hashes, and where those are the hashes' own."""
        for run, places in self._runs:
            at = np.minimum(np.searchsorted(run, wanted), len(run) - 1)
            yield places[at], run[at] == wanted


def _sorted_hashes(ids: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the ids' hashes, sorted so that neighbours are found near each other, and that order."""
    hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
    order = np.argsort(hashes)
    return hashes[order], order
