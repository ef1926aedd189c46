"""Counting neighbours that share a label."""

import numpy as np
import pytest

from lsh.kernels.labels import count_sharing
from tests import reference


@pytest.mark.parametrize(("nq", "n", "k"), [(0, 3, 2), (1, 1, 1), (5, 20, 3), (4, 7, 10)])
def test_count_sharing_agrees_with_sets(nq, n, k):
    rng = np.random.default_rng([nq, n, k])
    base, queries = ([set(rng.integers(0, 6, rng.integers(0, 4)).tolist()) for _ in range(m)] for m in (n, nq))
    ids = rng.integers(-1, n, (nq, k))
    out = np.full(nq, -9, np.int64)
    count_sharing(ids, *reference.csr(queries), *reference.csr(base), out)
    assert out.tolist() == reference.count_sharing(ids, queries, base)
