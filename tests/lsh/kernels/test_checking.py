import numpy as np
import pytest

from lsh.kernels.checking import normalise
from tests import reference

SHORTEST, LONGEST = 1e-18, 1e18


def normalised(Q, unit):
    out = np.full(Q.shape, np.nan, np.float32)
    return out if normalise(Q, unit, SHORTEST, LONGEST, out) else None


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3, 7, 128])
@pytest.mark.parametrize("n", [0, 1, 9])
def test_normalise_copies_or_scales_like_its_twin_bit_for_bit(unit, dim, n):
    rng = np.random.default_rng([dim, n])
    for scale in (1e-15, 1.0, 1e15):
        Q = rng.standard_normal((n, dim), dtype=np.float32) * np.float32(scale)
        assert np.array_equal(normalised(Q, unit), reference.normalise(Q, unit, SHORTEST, LONGEST))


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e-19, 1e-30, 2e18, 3e38])
def test_a_doubtful_length_anywhere_is_told(unit, value):
    for row in range(3):
        Q = np.zeros((3, 4), np.float32)
        Q[:, 1] = 1
        Q[row, 1] = value
        assert normalised(Q, unit) is None
        assert reference.normalise(Q, unit, SHORTEST, LONGEST) is None
