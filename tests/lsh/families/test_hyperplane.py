"""Random hyperplanes: collision probability, hashes and perturbations."""

import numpy as np
import pytest

from lsh.families.hyperplane import Hyperplanes
from lsh.kernels.hashing import project
from tests.lsh.confidence import binomial_agrees

DRAWS = 20_000
ANGLES = [0.0, 0.02, 0.1, 0.3, 0.6, 0.9, 1.2, np.pi / 2, 2.0, 2.5, 3.0, np.pi]


def projections(family, X):
    out = np.empty((len(X), family.directions.shape[1]), np.float32)
    project(X.astype(np.float32), family.directions, out)
    return out


@pytest.mark.parametrize("angle", ANGLES)
def test_two_vectors_collide_as_often_as_charikar_says(angle):
    rng = np.random.default_rng(int(angle * 1000))
    a, b = np.linalg.qr(rng.standard_normal((8, 2)))[0].T
    family = Hyperplanes.draw(8, DRAWS, rng)
    other = -a if angle == np.pi else np.cos(angle) * a + np.sin(angle) * b
    hashes = family.hash(projections(family, np.stack([a, other])))
    collisions = int((hashes[0] == hashes[1]).sum())
    p = float(family.collision_probability(np.float64(angle)))
    assert p == pytest.approx(1 - angle / np.pi)
    assert binomial_agrees(collisions, DRAWS, p, comparisons=len(ANGLES))


def test_a_hash_is_the_side_of_the_plane_and_the_plane_itself_belongs_to_zero():
    family = Hyperplanes.draw(2, 5, np.random.default_rng(0))
    assert family.hash(np.float32([[-1.5, -0.0, 0.0, 1e-30, 2]])).tolist() == [[0, 0, 0, 1, 1]]


def test_a_probe_flips_a_bit_at_the_squared_distance_to_its_plane():
    family = Hyperplanes.draw(2, 3, np.random.default_rng(0))
    symbols, costs = family.perturbations(np.float32([[-1.5, 0.0, 2.0]]))
    assert symbols.tolist() == [[[1], [1], [0]]]
    assert costs.tolist() == [[[2.25], [0.0], [4.0]]]


def test_more_planes_extend_the_first_ones():
    few, many = (Hyperplanes.draw(7, f, np.random.default_rng(3)).directions for f in (10, 25))
    assert np.array_equal(few, many[:, :10])


def test_planes_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        Hyperplanes.draw(2, 3, np.random.default_rng(0)).directions[0, 0] = 1
