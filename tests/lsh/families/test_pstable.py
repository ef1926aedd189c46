"""p-stable projections: collision probability, bucket numbers and perturbations."""

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.errors import ScaleError
from lsh.families.pstable import PStable
from lsh.kernels.hashing import project
from tests.lsh.confidence import binomial_agrees

DRAWS = 20_000
DISTANCES = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0]  # in bucket widths


def drawn(f, *, dim=8, width=1.0, seed=0):
    return PStable.draw(dim, f, np.random.default_rng(seed), width)


def lines(f, width, lowest=0, symbol_bits=8):
    """Return f functions with unused directions and without offsets."""
    return PStable(
        np.zeros((1, f), np.float32), np.zeros(f, np.float32), width, np.full(f, lowest, np.int64), symbol_bits
    )


def projections(family, X):
    out = np.empty((len(X), family.directions.shape[1]), np.float32)
    project(np.asarray(X, np.float32), family.directions, out)
    return out


def datar_integral(c, w):
    """Integrate p(c) = ∫_0^w (1/c) f(t/c) (1 - t/w) dt, f the density of |N(0, 1)| (Datar et al. 2004, section 3.2)."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    upper = min(w, 40 * c)  # beyond 40 standard deviations there is less than 1e-300
    t = (nodes + 1) / 2 * upper
    density = 2 / np.sqrt(2 * np.pi) * np.exp(-((t / c) ** 2) / 2)
    return float((weights * density / c * (1 - t / w)).sum() * upper / 2)


@pytest.mark.parametrize("w", [0.01, 1.0, 300.0])
@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 30.0, 1000.0])
def test_the_closed_form_equals_datars_integral(w, ratio):
    c = ratio * w
    assert float(drawn(1, width=w).collision_probability(np.float64(c))) == pytest.approx(
        datar_integral(c, w), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize("ratio", DISTANCES)
@pytest.mark.parametrize("width", [0.25, 40.0])
def test_two_vectors_collide_as_often_as_datar_says(ratio, width):
    rng = np.random.default_rng([int(ratio * 100), int(width)])
    family = drawn(DRAWS, width=width, seed=int(ratio * 100) + 1)
    a, step = rng.standard_normal((2, 8))
    points = np.stack([a, a + step / np.linalg.norm(step) * ratio * width])
    projected = projections(family, points)
    hashes = family.fitted_to(projected).hash(projected)
    collisions = int((hashes[0] == hashes[1]).sum())
    true_distance = np.linalg.norm(np.float32(points)[0].astype(np.float64) - np.float32(points)[1])
    p = float(family.collision_probability(true_distance))
    assert binomial_agrees(collisions, DRAWS, p, comparisons=2 * len(DISTANCES))


def test_collision_probability_falls_from_one_to_zero():
    p = drawn(1, width=2.0).collision_probability(np.concatenate([[0.0], np.geomspace(1e-6, 1e9, 400)]))
    assert p[0] == 1.0
    assert (np.diff(p) <= 1e-15).all()
    assert p[-1] < 1e-8
    assert ((p >= 0) & (p <= 1)).all()


def test_a_hash_is_the_number_of_the_bucket_counted_from_the_lowest():
    family = drawn(3, width=2.0)
    projected = np.float32([[-5.0, 0.3, 7.0], [1.0, -1.0, 4.0]])
    buckets = np.floor(projected.astype(np.float64) / 2.0 + family.offsets).astype(int)
    fitted = family.fitted_to(projected)
    assert (fitted.lowest <= buckets.min(axis=0)).all()
    assert np.array_equal(fitted.hash(projected), buckets - fitted.lowest)


def test_offsets_lie_within_one_bucket():
    offsets = drawn(DRAWS).offsets
    assert ((offsets >= 0) & (offsets < 1)).all()


def test_saturation_keeps_equal_buckets_equal_and_their_order():
    rng = np.random.default_rng(0)
    family = drawn(6)
    fitted = family.fitted_to(rng.uniform(-3, 3, (50, 6)).astype(np.float32))
    projected = np.sort((rng.standard_normal((400, 6)) * 40).astype(np.float32), axis=0)
    buckets = np.floor(projected.astype(np.float64) + family.offsets)
    symbols = fitted.hash(projected).astype(int)
    together = np.diff(buckets, axis=0) == 0
    assert together.any()
    assert (np.diff(symbols, axis=0)[together] == 0).all()
    assert (np.diff(symbols, axis=0) >= 0).all()
    assert symbols.min() == 0
    assert symbols.max() == 2**fitted.symbol_bits - 1


def test_symbols_take_just_enough_bits_for_the_buckets_seen():
    family = lines(1, 1.0)
    for n_buckets, bits in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (129, 8), (256, 8)]:
        projected = np.float32([[-17.5], [-17.5 + n_buckets - 1]])
        fitted = family.fitted_to(projected)
        left_below = (2**bits - n_buckets) // 2
        assert (fitted.lowest.tolist(), fitted.symbol_bits) == ([-18 - left_below], bits)
        assert fitted.hash(projected).ravel().tolist() == [left_below, left_below + n_buckets - 1]


def test_each_function_counts_from_its_own_lowest_so_far_projections_cost_no_bits():
    projected = np.float32([[0.5, 1000.5], [3.5, 1003.5]])
    fitted = lines(2, 1.0).fitted_to(projected)
    assert (fitted.lowest.tolist(), fitted.symbol_bits) == ([0, 1000], 2)
    assert fitted.hash(projected).tolist() == [[0, 0], [3, 3]]


def test_more_than_256_buckets_are_refused_with_the_width_the_count_and_advice():
    family = lines(1, 0.5)
    with pytest.raises(ScaleError, match=r"bucket_width is 0\.5.*257 buckets.*at most 256.*leave bucket_width out"):
        family.fitted_to(np.float32([[0.0], [128.0]]))


def test_with_saturate_the_buckets_around_the_median_stay_distinct():
    family = lines(1, 1.0)
    middle = np.arange(-50, 51, dtype=np.float32)
    projected = np.concatenate([[-1e6], middle, [1e6]]).astype(np.float32)[:, None]
    symbols = family.fitted_to(projected, saturate=True).hash(projected).ravel().astype(int)
    assert symbols[0] == 0
    assert symbols[-1] == 255
    assert (np.diff(symbols[1:-1]) == 1).all()


def test_bucket_numbers_beyond_64_bits_are_refused():
    with pytest.raises(ScaleError, match="too small for this data"):
        drawn(1, width=1e-12).hash(np.float32([[1e18]]))


def test_the_two_adjacent_buckets_cost_the_squared_distance_to_their_boundary():
    family = lines(3, 2.0, lowest=-1, symbol_bits=2)
    symbols, costs = family.perturbations(np.float32([[0.5, 3.0, 1.0]]))  # buckets 0, 1, 0; at 1/4, 1/2, 1/2 of each
    assert symbols.tolist() == [[[0, 2], [1, 3], [0, 2]]]
    assert costs.tolist() == [[[1 / 16, 9 / 16], [1 / 4, 1 / 4], [1 / 4, 1 / 4]]]


def test_buckets_outside_the_stored_range_cost_infinity():
    family = lines(2, 1.0, symbol_bits=1)
    _, costs = family.perturbations(np.float32([[-9.5, 9.5]]))
    assert np.isinf(costs).tolist() == [[[True, False], [False, True]]]


def test_a_tiny_width_is_refused_without_a_warning():
    with pytest.raises(ScaleError, match="too small for this data"):
        lines(1, 5e-324).fitted_to(np.float32([[1.0]]))


def test_more_functions_extend_the_first_directions_and_offsets():
    few, many = drawn(10, seed=3), drawn(25, seed=3)
    assert np.array_equal(few.directions, many.directions[:, :10])
    assert np.array_equal(few.offsets, many.offsets[:10])


def test_directions_and_offsets_are_read_only():
    family = drawn(4)
    for array in (family.directions, family.offsets):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_width_given_too_narrow_is_refused_by_fit():
    X = np.random.default_rng(0).standard_normal((100, 4))
    with pytest.raises(ScaleError, match="bucket_width is 1e-06"):
        LSHIndex("euclidean", 2, 4, bucket_width=1e-6).fit(X)
