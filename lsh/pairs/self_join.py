"""Self-join: the search for all pairs of one collection within a radius, table by table of signatures."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lsh.arrays import Float32Array, Int64Array, UInt64Array
from lsh.errors import ParameterError
from lsh.exact import ExactSearch
from lsh.kernels.self_join import SIGNATURE_BITS, first_equal, near_pairs, pair_distances, unite
from lsh.pairs.distances import distances_from
from lsh.pairs.signatures import (
    TablePlan,
    all_pairs,
    centred_norms,
    edges_of,
    order_by_prefix,
    plan_tables,
    rotated,
    signatures_of,
)
from lsh.threads import in_chunks

MAX_ALL_PAIRS = 100  # pairs of one row that a table lists; of a set of more equal rows, each with the first
_NEAR_CENTRE = 64  # vectors nearest to the centre, from which angles are widest: they are compared with all
_MAX_COMPARED = 20_000  # vectors of which all pairs are compared, where that is quicker than tables
_MAX_PAIRS = 1 << 20  # pairs that a call of the kernel may list

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pairs of vectors within a radius, and the groups that they form.

    pairs: int64[m, 2], the lower row first, in rising order; distances: float32[m]. groups: int64 arrays of two rows or
    more that pairs connect, each in rising order, the largest group first. recall: probability that a pair within the
    radius is found, at least; 1 where all pairs were compared. n_tables, n_bits: tables searched, and bits compared
    in each. capped: the first rows of groups in which
    not every pair is listed, as some rows have more than MAX_ALL_PAIRS.
    """

    pairs: Int64Array
    distances: Float32Array
    groups: list[Int64Array]
    radius: float
    recall: float
    n_tables: int
    n_bits: int
    capped: list[int]


class SelfJoin:
    """One search for all pairs: its vectors, radius, and the pairs found so far."""

    def __init__(
        self, exact: ExactSearch, radius: float, recall: float, seed: int, n_threads: int, progress: Progress
    ) -> None:
        self.exact, self.radius, self.recall, self.progress = exact, radius, recall, progress
        self.n, self.n_threads = len(exact.X), n_threads
        self.rng = np.random.default_rng(seed)
        # A distance differs in its last bits with the vector that is the query: those just outside are measured again.
        self.reach = radius * (1 + 1e-5) + 1e-6
        self.codes = np.empty(0, np.int64)
        self.is_cut = np.zeros(len(exact.X), np.bool_)  # rows of which not every pair is listed

    def run(self) -> Duplicates:
        """Return the answer."""
        first = self._first_of_equal_rows()
        rows = np.flatnonzero(first == np.arange(self.n))
        plan = self._plan(rows)
        n_tables = plan.n_signatures * plan.n_tables
        self.progress(f"radius {self.radius:.4g}: {n_tables} tables, {plan.n_bits} bits each")
        for table in range(n_tables):
            if table % plan.n_tables == 0:
                signatures = self._signatures(rows, plan.centre)
            self._search_table(rows, rotated(signatures, table % plan.n_tables * plan.n_bits), plan)
            self.progress(f"table {table + 1} of {n_tables}: {len(self.codes):,} pairs")
        equal, copies = self._equal_pairs(first)
        pairs, distances = self._measured(_with_copies(np.column_stack(np.divmod(self.codes, self.n)), copies))
        listed = np.concatenate([pairs, equal])
        distances = np.concatenate([distances, np.zeros(len(equal), np.float32)])
        order = np.lexsort(listed.T[::-1])
        parents = np.arange(self.n)
        unite(listed[order], parents)
        groups = _groups(parents)
        capped = sorted(int(group[0]) for group in groups if self.is_cut[group].any())
        recall = self.recall if plan.n_bits else 1.0
        return Duplicates(listed[order], distances[order], groups, self.radius, recall, n_tables, plan.n_bits, capped)

    def _signatures(self, rows: Int64Array, centre: Float32Array) -> UInt64Array:
        return signatures_of(self.exact, rows, centre, self.rng, self.n_threads)

    def _first_of_equal_rows(self) -> Int64Array:
        """Return the lowest row with the same bytes as each row: int64[n]."""
        rows = np.arange(self.n)
        signatures = self._signatures(rows, np.zeros(self.exact.X.shape[1], np.float32))
        order, starts = order_by_prefix(signatures, SIGNATURE_BITS)
        first = np.empty(self.n, np.int64)
        first_equal(self.exact.vectors.rows, order, starts, first)
        return first

    def _equal_pairs(self, first: Int64Array) -> tuple[Int64Array, dict[int, Int64Array]]:
        """Return the pairs of equal rows, and the sets of equal rows by their first, of at most MAX_ALL_PAIRS rows.

        In larger sets, each is paired with the first alone.
        """
        copies = np.flatnonzero(first != np.arange(self.n))
        copies = copies[np.argsort(first[copies], kind="stable")]
        found, sets = [np.column_stack([first[copies], copies])], dict[int, Int64Array]()
        for start, end in pairwise(edges_of(first[copies])):
            same = copies[start:end]
            if len(same) >= MAX_ALL_PAIRS:
                self.is_cut[first[same[0]]] = True
                continue
            left, right = np.triu_indices(len(same), 1)
            found.append(np.column_stack([same[left], same[right]]))
            sets[int(first[same[0]])] = np.concatenate([first[same[:1]], same])
        return np.concatenate(found), sets

    def _plan(self, rows: Int64Array) -> TablePlan:
        """Return the cheapest of the plans with signatures around the origin and around the mean."""
        dim = self.exact.X.shape[1]
        plans = []
        if self.exact.metric == "cosine":
            plans.append(self._plan_around(rows, np.zeros(dim, np.float32), 1.0))
        centre, norms = centred_norms(self.exact, rows)
        nearest = np.argsort(norms, kind="stable")[:_NEAR_CENTRE]
        floor = float(np.partition(norms, min(_NEAR_CENTRE, len(norms) - 1))[min(_NEAR_CENTRE, len(norms) - 1)])
        plans.append(self._plan_around(rows, centre, floor))
        plans.append(all_pairs(len(rows), dim))
        best = min((plan for plan in plans if plan is not None), key=lambda plan: plan.cost)
        if not best.n_bits and len(rows) > _MAX_COMPARED:
            raise ParameterError(
                f"radius is {self.radius:g}, too wide for tables of signatures: comparing all pairs would be quicker, "
                f"but of {len(rows):,} vectors that takes too long; expected a radius within which few pairs lie"
            )
        if best.centre.any():
            self._search_all_with(rows[nearest], rows)
        return best

    def _plan_around(self, rows: Int64Array, centre: Float32Array, floor: float) -> TablePlan | None:
        """Return the cheapest plan with signatures around a centre; None where no number of bits is within limits.

        floor: the least distance of a vector from the centre. Two vectors at a distance c of each other, both at least
        that far, are seen from the centre under an angle of at most 2 arcsin(c / (2 floor)).
        """
        chord = math.sqrt(2 * self.reach) if self.exact.metric == "cosine" else self.reach
        if chord >= 2 * floor:
            return None
        differs = 2 * math.asin(chord / (2 * floor)) / math.pi
        return plan_tables(np.sort(self._signatures(rows, centre)), centre, differs, self.recall)

    def _search_table(self, rows: Int64Array, signatures: UInt64Array, plan: TablePlan) -> None:
        """Add the pairs within reach among rows whose signatures, uint64[m], share their first bits."""
        order, starts = order_by_prefix(signatures, plan.n_bits)
        signatures, places = signatures[order], rows[order]
        ends = np.repeat(starts[1:], np.diff(starts))
        found: list[Int64Array] = []

        def work(first: int, last: int) -> None:
            pairs = np.empty((_MAX_PAIRS, 2), np.int64)
            while first < last:
                runs = places, signatures, ends, first, last, plan.max_differing
                count, first = near_pairs(
                    *runs, tuple(self.exact.vectors), self.reach, MAX_ALL_PAIRS, pairs, self.is_cut
                )
                found.append(pairs[:count] @ np.array([self.n, 1]))

        in_chunks(work, len(places), self.n_threads, max_rows=max(1, -(-len(places) // (4 * self.n_threads))))
        self._add(found)

    def _add(self, found: list[Int64Array]) -> None:
        """Add codes of pairs, each once: sorted, since `np.unique` takes twenty times as long by hashing."""
        codes = np.concatenate([self.codes, *found])
        codes.sort()
        self.codes = codes[edges_of(codes)[:-1]]

    def _search_all_with(self, some: Int64Array, rows: Int64Array) -> None:
        """Add the pairs within reach of some rows and all others."""
        found = []
        for row in some.tolist():
            near = rows[(distances_from(self.exact, row, rows) <= self.reach) & (rows != row)]
            found.append(np.minimum(near, row) * self.n + np.maximum(near, row))
        self._add(found)

    def _measured(self, pairs: Int64Array) -> tuple[Int64Array, Float32Array]:
        """Return the pairs within the radius as seen from their lower row, and these distances."""
        distances, vectors = np.empty(len(pairs), np.float32), tuple(self.exact.vectors)

        def work(first: int, last: int) -> None:
            pair_distances(pairs[first:last], vectors, distances[first:last])

        in_chunks(work, len(pairs), self.n_threads)
        within = distances <= self.radius
        return pairs[within], distances[within]


def _with_copies(pairs: Int64Array, copies: dict[int, Int64Array]) -> Int64Array:
    """Return pairs, int64[m, 2], and those of the rows that are equal to one of them, the lower row first."""
    marked = np.isin(pairs, np.array(list(copies), np.int64)).any(axis=1)
    found = [pairs[~marked]]
    for left, right in pairs[marked].tolist():
        ours, theirs = copies.get(left, np.array([left])), copies.get(right, np.array([right]))
        found.append(np.sort(np.column_stack([np.repeat(ours, len(theirs)), np.tile(theirs, len(ours))]), axis=1))
    both = np.concatenate(found)
    return both[np.lexsort(both.T[::-1])]


def _groups(parents: Int64Array) -> list[Int64Array]:
    """Return the rows of each root with more than one, the largest group first."""
    order = np.argsort(parents, kind="stable")
    groups = [order[a:b] for a, b in pairwise(edges_of(parents[order])) if b - a > 1]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))
