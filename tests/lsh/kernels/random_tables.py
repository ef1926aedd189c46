"""Random tables and queries for the kernels, small enough for brute force."""

from typing import NamedTuple

import numpy as np

from lsh.arrays import read_only_parts
from lsh.tables import Tables, build_tables
from tests import reference


def protected(*values):
    """Return values with arrays that cannot be written to, as those of an index: kernels are compiled for these."""
    views = tuple(value.view() if isinstance(value, np.ndarray) else value for value in values)
    read_only_parts(views)
    return views


class RandomTables(NamedTuple):
    keys: np.ndarray  # uint32[L, n, W], sorted
    ids: np.ndarray  # int32[L, n]
    query_keys: np.ndarray  # uint32[L, nq, W]
    symbols: np.ndarray  # uint8[nq, L, K, m]
    costs: np.ndarray  # float32[nq, L, K, m]

    @property
    def starts(self):
        """Return where each head of the keys begins: int32[L, 2^h + 1]."""
        return Tables.from_arrays(self.keys, self.ids).starts


def random_tables(rng, *, n, nq, L, K, bits, m, variety=3):
    """Return tables of keys with few distinct symbols, so that buckets are full, and queries with perturbations."""
    base = rng.integers(0, min(variety, 2**bits), (n, L, K), dtype=np.uint8)
    queries = rng.integers(0, min(variety, 2**bits), (nq, L, K), dtype=np.uint8)
    tables = build_tables(reference.pack(base, bits))
    steps = rng.integers(1, 2**bits, (nq, L, K, 1))
    steps = np.concatenate([steps, steps % (2**bits - 1) + 1], axis=-1)[..., :m] if bits > 1 else steps
    others = ((queries[..., None] + steps) % 2**bits).astype(np.uint8)
    costs = rng.integers(0, 9, others.shape).astype(np.float32)
    costs[rng.random(costs.shape) < 0.05] = np.inf
    return RandomTables(tables.keys, tables.ids, reference.pack(queries, bits), others, costs)


def truth_of(rng, n, nq):
    """Return a list of distinct ids for each query, and the same as (offsets, ids)."""
    lists = [rng.permutation(n)[: rng.integers(0, n + 1)] for _ in range(nq)]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return [ids.tolist() for ids in lists], (offsets, np.concatenate([*lists, []]).astype(np.int64))
