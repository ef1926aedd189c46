"""A setting of the app, drawn at random, and what an index by hand gives for it."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from tests.ui.recomputed.lsh_by_hand import (
    NEAR,
    NEIGHBOURS,
    ByHand,
    evenly_spaced,
    hit_probability,
    nearest,
    unit,
    with_rows,
)
from tests.ui.recomputed.raw_collections import SPLITS

N_QUERIES = 200  # validation clips over which pages measure, for collections of up to 40,000 clips
PROBES = 16


class Means:
    """An index by hand over a collection, and what pages measure with validation clips."""

    def __init__(self, collection, metric, seed):
        self.collection, self.hand = collection, ByHand(collection.features["train"], metric, seed)
        self.rows = evenly_spaced(len(collection.features["validation"]), N_QUERIES)
        self.queries = collection.features["validation"][self.rows]
        self.positions = self.hand.positions(self.queries)
        self.distances = self.hand.exact.distances(self.queries)
        self.truths = [self.hand.exact.with_ties(distances) for distances in self.distances]
        self.counts = lru_cache(64)(self._counts)

    def _counts(self, n_tables, n_bits, n_probes):
        return self.hand.counts(self.positions, self.truths, n_tables, n_bits, n_probes)

    def averages(self, n_tables, n_bits, n_probes):
        """Return ranges of recall and of the share looked at."""
        counts = self.counts(n_tables, n_bits, n_probes)
        size = len(self.queries)
        recall = tuple(hits[:, -1].sum() / (NEIGHBOURS * size) for hits in counts.hits)
        return recall, tuple(found[:, -1].mean() / self.hand.n for found in counts.candidates)

    @cached_property
    def grid(self):
        """Return ranges of recall and of the share looked at with one probe at every L and K: (low, high) [L, K]."""
        columns = [self.hand.counts(self.positions, self.truths, 32, n_bits) for n_bits in range(1, 25)]
        size = NEIGHBOURS * len(self.queries)
        recall, looked = [], []
        for side in (0, 1):
            recall.append(np.stack([column.hits[side].sum(axis=0) / size for column in columns], axis=1))
            looked.append(np.stack([c.candidates[side].mean(axis=0) / self.hand.n for c in columns], axis=1))
        return tuple(recall), tuple(looked)

    def precisions(self, n_tables, n_bits, n_probes):
        """Return label precision of what is found, as a range."""
        low, high = [], []
        for q, t, certain, doubtful in self.hand.searches(self.positions, n_tables, n_bits, n_probes):
            if t == n_tables - 1:
                masks = certain, with_rows(certain, doubtful)
                found = (nearest(self.distances[q], np.flatnonzero(mask)) for mask in masks)
                shares = [self._sharing(rows, self.wanted[q]) for rows in found]
                low.append(min(shares))
                high.append(max(shares))
        return float(np.mean(low)), float(np.mean(high))

    @property
    def exact_precision(self):
        """Return label precision of exact search."""
        rows = np.arange(self.hand.n)
        pairs = zip(self.distances, self.wanted, strict=True)
        return float(np.mean([self._sharing(nearest(distances, rows), wanted) for distances, wanted in pairs]))

    @cached_property
    def wanted(self):
        """Return the labels of each query."""
        return [self.collection.labels["validation"][row] for row in self.rows]

    def _sharing(self, rows, wanted):
        return sum(not wanted.isdisjoint(self.collection.labels["train"][row]) for row in rows) / NEIGHBOURS

    @cached_property
    def rows_of(self):
        """Return the row of each clip of the index by its id."""
        return {clip_id: row for row, clip_id in enumerate(self.collection.clip_ids["train"])}

    @cached_property
    def usual(self):
        """Return the mean distance of clips taken at random: of adjacent rows, which lie in random order."""
        some = self.collection.features["train"][:1000].astype(np.float64)
        return float(np.linalg.norm(np.diff(some, axis=0), axis=1).mean())

    def angles_from(self, query):
        """Return the angle from a query to every clip, in degrees, about the middle of the unit vectors."""
        unit_rows = unit(self.collection.features["train"])
        centre = unit_rows.mean(axis=0)
        a, b = unit(query[None])[0] - centre, unit_rows - centre
        return np.degrees(np.arccos(np.clip(b @ a / np.linalg.norm(b, axis=1) / np.linalg.norm(a), -1, 1)))

    @cached_property
    def predicted(self):
        """Return recall by theory at every L and K with one probe: [L, K]."""
        total = np.zeros((32, 24))
        for q, distances in zip(self.queries, self.distances, strict=True):
            chances, _ = self.hand.collision_probability(q, nearest(distances, np.arange(self.hand.n)))
            for n_bits in range(1, 25):
                total[:, n_bits - 1] += hit_probability(chances, np.arange(1, 33)[:, None], n_bits).mean(axis=1)
        return total / len(self.queries)


@dataclass(frozen=True)
class Setting:
    """L, K, probes and a clip of an index by hand, with its neighbours."""

    means: Means
    link: dict
    n_tables: int
    n_bits: int
    n_probes: int
    split: str
    row: int
    _cache: dict = field(default_factory=dict)

    @classmethod
    def draw(cls, means, link, rng):
        """Draw L, K, probes and a clip at random."""
        n_tables, n_bits = int(rng.integers(1, 33)), int(rng.integers(1, 25))
        n_probes = int(rng.choice([1, rng.integers(2, PROBES + 1)]))
        clip_ids = means.collection.clip_ids
        split = str(rng.choice([split for split in SPLITS if clip_ids[split]]))
        row = int(rng.integers(len(clip_ids[split])))
        given = {"L": str(n_tables), "K": str(n_bits), "probes": str(n_probes), "clip": clip_ids[split][row]}
        return cls(means, {**link, **given}, n_tables, n_bits, n_probes, split, row)

    def __str__(self):
        return "?" + "&".join(f"{name}={value}" for name, value in self.link.items())

    @property
    def hand(self):
        return self.means.hand

    @property
    def metric(self):
        return self.hand.metric

    @property
    def query(self):
        return self.means.collection.features[self.split][self.row]

    def train(self, rows):
        """Return the features of rows of the index."""
        return self.means.collection.features["train"][rows]

    @property
    def own(self):
        """Return the clip's own row of the index, or -1."""
        return self.row if self.split == "train" else -1

    @property
    def positions(self):
        return self._once("positions", lambda: self.hand.positions(self.query[None])[0])

    @property
    def distances(self):
        """Return the distance to every clip, infinity to the clip itself."""

        def make():
            distances = self.hand.exact.distances(self.query[None])[0]
            distances[self.own if self.own >= 0 else []] = np.inf
            return distances

        return self._once("distances", make)

    @property
    def others(self):
        """Return the rows other than the clip's own."""
        return np.flatnonzero(np.arange(self.hand.n) != self.own)

    @property
    def exact(self):
        """Return the rows of the nearest."""
        return self._once("exact", lambda: nearest(self.distances, self.others))

    def by_table(self, n_tables=None, n_bits=None, n_probes=None):
        """Return the certain and the possible candidates of each table, bool[n] each, without the clip itself."""
        asked = n_tables or self.n_tables, n_bits or self.n_bits, n_probes or self.n_probes

        def make():
            found = self.hand.by_table(self.positions, *asked)
            for masks in found:
                for mask in masks:
                    mask[self.own if self.own >= 0 else []] = False
            return found

        return self._once(asked, make)

    def together(self, **asked):
        """Return the certain and the possible candidates of all tables."""
        found = self.by_table(**asked)
        return tuple(np.any([masks[side] for masks in found], axis=0) for side in (0, 1))

    def n_looked_at(self, **asked):
        """Return how many clips are looked at, as a range."""
        return tuple(int(mask.sum()) for mask in self.together(**asked))

    def n_found(self, rows, **asked):
        """Return how many of some rows are looked at, as a range."""
        return tuple(int(mask[rows].sum()) for mask in self.together(**asked))

    def angles(self, rows):
        """Return the chance that one function agrees, and the distance that decides it, for some rows."""
        return self.hand.collision_probability(self.query, rows)

    def ranked(self, shown, expected):
        """Return whether a list is in the expected order but for distances that are equal after rounding."""
        shown = np.array(shown, np.int64)
        if len(shown) != len(expected) or len({*shown.tolist()}) != len(shown):
            return False
        return bool((np.abs(self.distances[shown] - self.distances[expected]) <= NEAR).all())

    def _once(self, name, make: Any):
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]
