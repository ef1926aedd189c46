"""Locality-sensitive hashing recomputed from features with NumPy and dictionaries, as the documentation describes it.

Everything is computed in float64. A projection within `NEAR` of a wall is undecided: rounding in float32 may have put
it on the other side. So a row may be a candidate for certain, or possibly, and a figure that depends on undecided
projections is a range, from what is certain to what is possible.
"""

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

TABLES, BITS, NEIGHBOURS = 32, 24, 10  # of the index that the app builds
NEAR = 1e-5  # of a wall: undecided; distances that differ by less than this may be equal after rounding
_MAX_SYMBOL_BITS = 8
# A key is looked up by a number: a sum of products with random odd numbers, modulo 2^64.
_FACTORS = np.random.default_rng(1).integers(1, 2**62, BITS, np.uint64) * np.uint64(2) + np.uint64(1)


class Candidates(NamedTuple):
    """Rows that are candidates for certain, and those that possibly are: bool[n] each."""

    certain: np.ndarray
    possible: np.ndarray

    @property
    def count(self):
        return int(self.certain.sum()), int(self.possible.sum())


class Counts(NamedTuple):
    """Candidates and neighbours found of each query with 1 to L tables: (certain, possible), int[nq, L] each."""

    candidates: tuple
    hits: tuple


def evenly_spaced(n, most):
    """Return up to `most` rows of n, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.int64))


def with_rows(mask, rows):
    """Return a mask with some more rows."""
    more = mask.copy()
    more[list(rows)] = True
    return more


def unit(X):
    """Return vectors scaled to length one; a vector of zeros stays."""
    lengths = np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    return X / np.where(lengths > 0, lengths, 1)


def key_numbers(symbols):
    """Return a number for each prefix of each key: [..., K] -> uint64[..., K]."""
    return np.cumsum((symbols.astype(np.uint64) + np.uint64(1)) * _FACTORS[: symbols.shape[-1]], axis=-1)


def hit_probability(p, n_tables, n_bits):
    """Return the chance that at least one of L keys of K functions agrees."""
    return 1 - (1 - np.asarray(p, np.float64) ** n_bits) ** n_tables


class Exact:
    """Exact search in float64."""

    def __init__(self, X, metric):
        self.X, self.metric = X.astype(np.float64), metric
        self._unit = unit(X) if metric == "cosine" else None

    def distances(self, Q):
        """Return the distance of each query, float32[nq, d], to every row: float64[nq, n]."""
        if self.metric == "cosine":
            return np.clip(1 - unit(Q) @ self._unit.T, 0, 2)
        Q = Q.astype(np.float64)
        squares = (Q**2).sum(axis=1)[:, None] + (self.X**2).sum(axis=1) - 2 * Q @ self.X.T
        for q, row in np.argwhere(squares < 1e-4):  # the difference of large numbers is not exact enough
            squares[q, row] = ((self.X[row] - Q[q]) ** 2).sum()
        return np.sqrt(squares)

    def with_ties(self, distances):
        """Return the nearest rows, with all that are as far as the last of them: for certain, and possibly."""
        k = min(NEIGHBOURS, len(distances))
        order = np.flatnonzero(distances <= np.partition(distances, k - 1)[k - 1] + NEAR)
        order = order[np.argsort(distances[order], kind="stable")]
        last, possible = order[k - 1], order
        if (self.X[possible[NEIGHBOURS:]] == self.X[last]).all():
            return possible, possible
        return order[distances[order] < distances[last] - NEAR], possible


def nearest(distances, rows, k=NEIGHBOURS):
    """Return the k nearest of some rows; of several at one distance, the lower."""
    if len(rows) > k:
        rows = rows[distances[rows] <= np.partition(distances[rows], k - 1)[k - 1]]
    return rows[np.lexsort((rows, distances[rows]))[:k]]


class ByHand:
    """An index of 32 tables of 24 functions over X, float32[n, d], drawn from a seed."""

    def __init__(self, X, metric, seed):
        self.exact, self.metric, self.n = Exact(X, metric), metric, len(X)
        self._vectors = unit(X) if metric == "cosine" else X.astype(np.float64)
        self.centre = self._vectors.mean(axis=0)
        self._vectors = self._vectors - self.centre
        rng, shape = np.random.default_rng(seed), (TABLES, BITS)
        self.width, self._offsets, self._lowest, self._top = 1.0, np.zeros(shape), np.zeros(shape, np.int64), 1
        if metric == "cosine":
            self.directions = _draw(rng, X.shape[1])
        else:
            for_directions, for_offsets = rng.spawn(2)
            self.directions = _draw(for_directions, X.shape[1])
            self._offsets = for_offsets.random(TABLES * BITS, dtype=np.float32).astype(np.float64).reshape(shape)
            self.width = _typical_width(self.exact, X)
            self._fit_range()
        self.low, self.high = np.empty((2, TABLES, self.n, BITS), np.uint8)
        for table in range(TABLES):
            at = self._positions(self._vectors, table)
            self.low[table], self.high[table] = (self.symbols(at + nudge, table) for nudge in (-NEAR, NEAR))
        differ = self.low != self.high
        self.undecided = float(differ.mean())
        self._decided = np.where(differ.any(axis=2), differ.argmax(axis=2), BITS)  # leading symbols
        self._prefixes = lru_cache(TABLES)(lambda table: key_numbers(self.low[table]))

    def prepared(self, X):
        """Return vectors as they are hashed: of length one under cosine, less the centre."""
        return (unit(X) if self.metric == "cosine" else X.astype(np.float64)) - self.centre

    def positions(self, X):
        """Return the positions of vectors on all functions: float64[n, tables, functions].

        The projection under cosine, where the wall is at 0; else in bucket widths, with walls at whole numbers.
        """
        return np.stack([self._positions(self.prepared(X), table) for table in range(TABLES)], axis=1)

    def symbols(self, at, tables):
        """Return the symbols at positions on the first functions of a table, or of several: [..., K]."""
        if self.metric == "cosine":
            return (at > 0).astype(np.uint8)
        lowest = self._lowest[tables, : at.shape[-1]]
        return np.clip(np.floor(at) - lowest, 0, self._top).astype(np.uint8)

    def collision_probability(self, q, rows):
        """Return the chance that one function hashes q and each row alike, and their distance: degrees, or L2."""
        a, b = self.prepared(q[None])[0], self._vectors[rows]
        if self.metric == "cosine":
            lengths = np.linalg.norm(b, axis=1) * np.linalg.norm(a)
            angles = np.degrees(np.arccos(np.clip(b @ a / np.where(lengths > 0, lengths, 1), -1, 1)))
            return self.chance(angles), angles
        distances = np.linalg.norm(b - a, axis=1)
        return self.chance(distances), distances

    def chance(self, distances):
        """Return the chance that one function hashes two vectors at a distance alike."""
        if self.metric == "cosine":
            return 1 - np.asarray(distances) / 180
        ratio = self.width / np.maximum(distances, 1e-12)
        tails = np.array([math.erfc(r / math.sqrt(2)) for r in ratio.ravel()]).reshape(ratio.shape)
        return 1 - tails - 2 / (math.sqrt(2 * math.pi) * ratio) * (1 - np.exp(-(ratio**2) / 2))

    def sequence(self, at, tables, n_probes):
        """Return the `n_probes` cheapest keys of positions float64[m, K], uint8[m, T, K], and their costs [m, T].

        tables: the table of each. A key differs from the query's own in some symbols; each of them costs the square of
        the distance to the wall that it is behind, and the sum is least. The cheapest keys of j + 1 symbols are among
        the cheapest of j symbols with each choice of the next.
        """
        own = self.symbols(at, tables)
        within = at - np.floor(at)
        choices = [(1 - own, at**2)] if self.metric == "cosine" else []
        if self.metric == "euclidean":
            below, above = np.where(own > 0, within**2, np.inf), np.where(own < self._top, (1 - within) ** 2, np.inf)
            choices = [(own - np.uint8(1), below), (own + np.uint8(1), above)]
        keys, costs = own[:, None].copy(), np.zeros((len(at), 1))
        for j in range(at.shape[1]):
            more_keys, more_costs = [keys], [costs]
            for symbols, cost in choices:
                changed = keys.copy()
                changed[:, :, j] = symbols[:, j, None]
                more_keys.append(changed)
                more_costs.append(costs + cost[:, j, None])
            keys, costs = np.concatenate(more_keys, axis=1), np.concatenate(more_costs, axis=1)
            order = np.argsort(costs, axis=1, kind="stable")[:, :n_probes]
            keys, costs = np.take_along_axis(keys, order[..., None], 1), np.take_along_axis(costs, order, 1)
        return keys, costs

    def probes(self, positions, n_tables, n_bits, n_probes):
        """Return, for each query and table, the numbers of the keys that are looked up, {number: certain}: [nq][L]."""
        at = positions[:, :n_tables, :n_bits].reshape(-1, n_bits)
        tables = np.tile(np.arange(n_tables), len(positions))
        found = self._likeliest(at, tables, n_probes)
        doubtful = np.flatnonzero((self.symbols(at - NEAR, tables) != self.symbols(at + NEAR, tables)).any(axis=1))
        for nudge in (-NEAR, NEAR):
            others = self._likeliest(at[doubtful] + nudge, tables[doubtful], n_probes)
            for i, other in zip(doubtful, others, strict=True):
                both = {**found[i], **other}
                found[i] = {key: found[i].get(key, False) and other.get(key, False) for key in both}
        return [found[first : first + n_tables] for first in range(0, len(found), n_tables)]

    def by_table(self, positions, n_tables, n_bits, n_probes=1):
        """Return the candidates of one query, float64[tables, functions], in each of the first tables."""
        (probes,) = self.probes(positions[None], n_tables, n_bits, n_probes)
        found = []
        for table, keys in enumerate(probes):
            certain, possible = np.zeros((2, self.n), np.bool_)
            for key, rows, doubtful in self._buckets(table, n_bits, set(keys)):
                possible[rows] = possible[doubtful] = True
                certain[rows] |= keys[key]
            found.append(Candidates(certain, possible))
        return found

    def searches(self, positions, n_tables, n_bits, n_probes=1):
        """Yield (query, table, certain, doubtful) after each table of each query, float64[nq, tables, functions].

        certain: bool[n], the candidates so far; doubtful: a set with the rows that may be candidates too.
        """
        probes = self.probes(positions, n_tables, n_bits, n_probes)
        tables = [
            {key: found for key, *found in self._buckets(t, n_bits, set().union(*(keys[t] for keys in probes)))}
            for t in range(n_tables)
        ]
        for q, keys in enumerate(probes):
            certain, doubtful = np.zeros(self.n, np.bool_), set()
            for t in range(n_tables):
                for key, is_certain in keys[t].items():
                    rows, others = tables[t].get(key, ((), ()))
                    if is_certain and len(rows):
                        certain[rows] = True
                    doubtful.update(others if is_certain else (*rows, *others))
                yield q, t, certain, doubtful

    def counts(self, positions, truths, n_tables, n_bits, n_probes=1):
        """Count candidates, and true neighbours among them, with 1 to L tables; truths: see `Exact.with_ties`."""
        low, high = np.zeros((2, 2, len(positions), n_tables), np.int64)
        for q, t, certain, doubtful in self.searches(positions, n_tables, n_bits, n_probes):
            true, ties = truths[q]
            low[:, q, t] = high[:, q, t] = np.count_nonzero(certain), np.count_nonzero(certain[true])
            if doubtful or true is not ties:
                possible = with_rows(certain, doubtful)
                high[:, q, t] = np.count_nonzero(possible), np.count_nonzero(possible[ties])
        hits = tuple(np.minimum(found[1], NEIGHBOURS) for found in (low, high))
        return Counts((low[0], high[0]), hits)

    def bucket(self, table, key):
        """Return the rows of the bucket of a key, and the undecided rows that may be in it."""
        number = int(key_numbers(np.array(key))[-1])
        found = {key: bucket for key, *bucket in self._buckets(table, len(key), {number})}
        return found.get(number, ([], []))

    def symbols_differ(self, positions, rows, table, n_bits, side):
        """Return in which symbols the keys of rows differ from a query's: for certain (side 0), or possibly (1)."""
        at = positions[table, :n_bits]
        q_low, q_high = (self.symbols(at + nudge, table) for nudge in (-NEAR, NEAR))
        low, high = self.low[table, rows, :n_bits], self.high[table, rows, :n_bits]
        return (low > q_high) | (high < q_low) if side == 0 else (low != q_low) | (high != q_high) | (low != high)

    def arcs(self, X, table, n_bits):
        """Return positions as Inside shows them: under cosine the angles to the planes in degrees."""
        prepared = self.prepared(X)
        at = self._positions(prepared, table)[:, :n_bits]
        if self.metric == "euclidean":
            return at
        lengths = np.linalg.norm(prepared, axis=1)[:, None] * np.linalg.norm(self.directions[table, :n_bits], axis=1)
        return np.degrees(np.arcsin(np.clip(at / np.where(lengths > 0, lengths, 1), -1, 1)))

    def nbytes(self, n_tables):
        """Return the bytes of an index of the first tables: the arrays that docs/FORMAT.md lists, and the heads."""
        n, d = self.exact.X.shape
        words = math.ceil(BITS / (32 // self._top.bit_length()))
        heads = 2 ** max(1, min(n.bit_length() - 3, 14)) + 1
        functions = TABLES * BITS * 4 * d + (TABLES * BITS * (4 + 8) if self.metric == "euclidean" else 0)
        return n_tables * 4 * (n * words + n + heads) + functions * n_tables // TABLES + 4 * d + 2 * 4 * n

    def bucket_sizes(self, table, n_bits):
        """Yield the sizes of a table's buckets that are not empty, the largest first, as undecided rows may have it.

        Each of the first eight undecided rows is on either side of its walls; of further ones one side is tried.
        """
        numbers = self._prefixes(table)[:, n_bits - 1].copy()
        rows = np.flatnonzero(self._decided[table] < n_bits)[:8]
        sides = [key_numbers(side[table, rows, :n_bits])[:, -1] for side in (self.low, self.high)]
        for chosen in itertools.product((0, 1), repeat=len(rows)):
            numbers[rows] = np.choose(chosen, sides) if len(rows) else []
            yield np.sort(np.unique(numbers, return_counts=True)[1])[::-1]

    def _positions(self, prepared, table):
        return prepared @ self.directions[table].T / self.width + self._offsets[table]

    def _fit_range(self):
        """Set the range of bucket numbers that are stored, from a sample of the rows."""
        sample = self._vectors[evenly_spaced(self.n, 4096)]
        buckets = np.floor(np.stack([self._positions(sample, table) for table in range(TABLES)], axis=1)).astype(int)
        lowest, spans = buckets.min(axis=0), np.ptp(buckets, axis=0)
        bits = max(1, math.ceil(math.log2(spans.max() + 1)))
        if bits > _MAX_SYMBOL_BITS:
            bits, middle = _MAX_SYMBOL_BITS, np.median(buckets, axis=0).astype(int) - 2 ** (_MAX_SYMBOL_BITS - 1)
            lowest = np.where(spans < 2**bits, lowest, middle)
        self._top = 2**bits - 1
        self._lowest = lowest - np.maximum(self._top - spans, 0) // 2

    def _likeliest(self, at, tables, n_probes):
        """Return the keys of probes by number; those at the end whose costs are almost equal are not certain."""
        if n_probes == 1:
            return [{number: True} for number in key_numbers(self.symbols(at, tables))[:, -1].tolist()]
        keys, costs = self.sequence(at, tables, n_probes + 2)
        slack = 4 * NEAR * (np.sqrt(np.where(np.isfinite(costs), costs, 0)) + NEAR)
        some = min(n_probes, costs.shape[1])
        last, following = costs[:, some - 1, None], np.full((len(at), 1), np.inf)
        if costs.shape[1] > some:
            following = costs[:, some, None]
        possible, certain = (costs <= last + slack) & np.isfinite(costs), costs < following - slack
        possible[:, :some] = np.isfinite(costs[:, :some])
        numbers = key_numbers(keys)[..., -1]
        return [
            {n: c for n, p, c in zip(*row, strict=True) if p}
            for row in zip(numbers.tolist(), possible.tolist(), certain.tolist(), strict=True)
        ]

    def _buckets(self, table, n_bits, wanted):
        """Yield each wanted key with the rows of its bucket, and with the undecided rows that may be in it."""
        decided = self._decided[table] >= n_bits
        numbers = self._prefixes(table)[:, n_bits - 1]
        rows = np.flatnonzero(decided & np.isin(numbers, np.fromiter(wanted, np.uint64)))
        rows = rows[np.argsort(numbers[rows], kind="stable")]
        starts = np.flatnonzero(np.diff(numbers[rows], prepend=np.uint64(0)) != 0)
        buckets = {int(numbers[some[0]]): (some, []) for some in np.split(rows, starts[1:]) if len(some)}
        for row in np.flatnonzero(~decided):
            pairs = zip(self.low[table, row, :n_bits], self.high[table, row, :n_bits], strict=True)
            for symbols in itertools.product(*({*pair} for pair in pairs)):
                key = int(key_numbers(np.array(symbols))[-1])
                if key in wanted:
                    buckets.setdefault(key, (np.empty(0, np.int64), []))[1].append(int(row))
        yield from ((key, *found) for key, found in buckets.items())


def _draw(rng, d):
    directions = rng.standard_normal((TABLES * BITS, d), dtype=np.float32)
    return directions.astype(np.float64).reshape(TABLES, BITS, d)


def _typical_width(exact, X):
    """Return 4 times the median distance to the 10th neighbour, of 256 rows; where that is 0, of those above zero."""
    some = evenly_spaced(len(X), 256)
    tenth = np.array([np.sort(row)[:11][-1] for row in exact.distances(X[some])])
    above = tenth[tenth > 0]
    return 4 * float(np.median(tenth) or above.mean()) if len(above) else 4.0
