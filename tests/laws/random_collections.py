"""Small random collections of every kind that real data has shown, to test properties on."""

import os
from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from lsh import LSHIndex
from tests import reference
from tests.stress import IS_STRESS

UNIT = float(np.finfo(np.float32).eps) / 2  # the largest relative error of one float32 operation
MAX_TABLES, MAX_BITS = 5, 10
FAMILIES = (None, "hyperplanes", "itq", "grh")  # those that each metric has; None is its own

# The same examples each run, so that a failure is a change of the code; more of them by EARSHOT_TEST_EXAMPLES.
EXAMPLES = os.environ.get("EARSHOT_TEST_EXAMPLES", "1000" if IS_STRESS else "40")
examples = settings(deadline=None, derandomize=True, max_examples=int(EXAMPLES))


def normal(rng, n, dim):
    return rng.standard_normal((n, dim))


def clustered(rng, n, dim):
    return rng.standard_normal((4, dim))[rng.integers(0, 4, n)] * 5 + rng.standard_normal((n, dim)) * 0.1


def grid(rng, n, dim):
    """Return few values, so many ties, but no row of zeros."""
    return rng.integers(-1, 2, (n, dim)) * 2 + 0.5


def duplicates(rng, n, dim):
    return rng.standard_normal((1 + n // 8, dim))[rng.integers(0, 1 + n // 8, n)]


def far_from_the_origin(rng, n, dim):
    return rng.standard_normal((n, dim)) + 50


def bytes_(rng, n, dim):
    return rng.integers(1, 256, (n, dim))


class Collection(NamedTuple):
    metric: str
    X: np.ndarray
    Q: np.ndarray
    k: int
    centre: bool
    seed: int
    family: str | None

    def index(self, n_tables=MAX_TABLES, n_bits=MAX_BITS, **changed):
        """Return an index over X; `changed` replaces what the collection says."""
        X = changed.pop("X", self.X)
        own = {"metric": self.metric, "seed": self.seed, "centre": self.centre, "family": self.family}
        return LSHIndex(n_tables=n_tables, n_bits=n_bits, **{**own, **changed}).fit(X, self.labels())

    def labels(self):
        """Return labels of the rows, of which some have none and some several."""
        rng = np.random.default_rng(self.seed)
        return reference.csr([rng.choice(4, rng.integers(0, 3), replace=False).tolist() for _ in self.X])


@st.composite
def collections(
    draw,
    metrics=("cosine", "euclidean"),
    kinds=(normal, clustered, grid, duplicates, far_from_the_origin, bytes_),
    families=(None,),
):
    metric, kind = draw(st.sampled_from(metrics)), draw(st.sampled_from(kinds))
    n, dim = draw(st.integers(1, 60)), draw(st.sampled_from([1, 2, 3, 7, 20]))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    points = kind(rng, n + 4, dim).astype(np.float32)
    X = points[:n]
    Q = np.concatenate([points[n:], X[: min(2, n)]])  # new points, and points of the collection
    k, centre, index_seed = draw(st.integers(1, 70)), draw(st.booleans()), draw(st.integers(0, 2**63 - 1))
    return Collection(metric, X, Q, k, centre, index_seed, draw(st.sampled_from(families)))


settings_of_a_search = st.tuples(st.integers(1, MAX_TABLES), st.integers(1, MAX_BITS))


def sets_of(found):
    """Return the ids found for each query as sets."""
    return [set(ids[ids >= 0].tolist()) for ids in found.ids]


def everything(index, Q, n_tables, n_bits, n_probes=1):
    """Return all candidates of each query as sets."""
    found = index.search(Q, index.n, n_tables, n_bits, n_probes)
    assert (found.n_found == found.n_candidates).all()
    return sets_of(found)


def same(a, b):
    """Tell whether two results are the same bit for bit."""
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("ids", "distances", "n_candidates")
    )
