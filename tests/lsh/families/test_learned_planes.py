"""The learned families: ITQ and GRH."""

import numpy as np
import pytest

from lsh import LSHIndex, predicted_recall, recall_grid
from lsh.errors import ParameterError, ShapeError
from lsh.families.grh import LabelSteps, learn_grh, uncorrelated
from lsh.families.itq import learn_itq
from tests import reference

FAMILIES = ["itq", "grh"]
METRICS = ["cosine", "euclidean"]


def centred(n=500, dim=12, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, dim))
    return (X - X.mean(axis=0)).astype(np.float32)


def labels_of(n, seed=0, n_labels=5):
    """Return up to three labels for each of n rows, as lists."""
    rng = np.random.default_rng(seed)
    return [rng.choice(n_labels, rng.integers(0, 4), replace=False).tolist() for _ in range(n)]


def fitted(family, metric="cosine", X=None, **options):
    X = centred() + 1 if X is None else X
    return LSHIndex(metric, 4, 8, family=family, **options).fit(X, reference.csr(labels_of(len(X))))


def quantisation_error(V):
    """Return |B - V|², the squared distance to the nearest corners of a cube (Gong & Lazebnik 2011, eq. 2)."""
    return float(((np.where(V > 0, 1, -1) - V) ** 2).sum())


def test_the_planes_of_an_itq_key_are_orthogonal():
    normals = learn_itq(centred(), 3, 12, np.random.default_rng(0)).reshape(12, 3, 12)
    for table in range(3):
        assert np.allclose(normals[:, table].T @ normals[:, table], np.eye(12), atol=1e-5)


def test_itq_moves_vectors_nearer_to_the_corners_than_its_initial_rotations():
    rng = np.random.default_rng(0)
    X = (rng.choice([-1.0, 1.0], (500, 6)) + 0.2 * rng.standard_normal((500, 6))) @ reference_rotation(6, 1)
    X = (X - X.mean(axis=0)).astype(np.float32)
    normals = learn_itq(X, 4, 6, rng).reshape(6, 4, 6)
    for table in range(4):
        found = quantisation_error(X @ normals[:, table])
        assert found < min(quantisation_error(X @ reference_rotation(6, seed)) for seed in range(20))


def reference_rotation(dim, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def test_itq_uses_only_the_directions_in_which_the_data_varies():
    X = centred(dim=20) * np.where(np.arange(20) < 3, 10, 0.1).astype(np.float32)
    normals = learn_itq(X, 2, 3, np.random.default_rng(0))
    assert (np.square(normals[3:]).sum(axis=0) < 1e-3).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n", "dim"), [(1, 3), (2, 1), (40, 2), (5, 30)])
def test_a_key_may_have_more_bits_than_there_are_dimensions_or_vectors(family, n, dim):
    X = np.random.default_rng(0).standard_normal((n, dim)).astype(np.float32)
    index = LSHIndex("euclidean", 2, 7, family=family).fit(X, reference.csr(labels_of(n)))
    assert index.hasher.family.directions.shape == (dim, 14)
    assert np.isfinite(index.hasher.family.directions).all()
    assert (index.search(X, 1).distances == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_families_learn_from_data_of_any_size_and_from_equal_vectors(family, metric, scale):
    for X in (np.full((30, 5), scale), centred(dim=5) * np.float32(scale)):
        index = fitted(family, metric, X)
        assert np.isfinite(index.hasher.family.directions).all()
        assert (np.abs(index.hasher.family.directions) < 1e6).all()
        assert np.array_equal(index.search(X[:5], 3, n_bits=1).n_found, [3] * 5)


def test_a_step_along_labels_is_a_mean_over_the_labels_of_the_mean_over_their_vectors():
    sets = labels_of(60)
    offsets, values = reference.csr(sets)
    P = np.array([[label in labels for label in range(5)] for labels in sets], float)
    S = P / P.sum(axis=0) @ P.T
    D = S.sum(axis=1)
    B = np.random.default_rng(1).choice([-1.0, 1.0], (60, 7))
    expected = np.divide(S @ B, D[:, None], out=np.zeros_like(B), where=D[:, None] > 0)
    assert np.allclose(LabelSteps.from_labels((offsets, values))(B.astype(np.float32)), expected, atol=1e-6)
    assert (D == 0).any()


def test_without_labels_a_step_gives_zeros_and_learning_succeeds():
    nothing = reference.csr([[]] * 100)
    assert not LabelSteps.from_labels(nothing)(np.ones((100, 3), np.float32)).any()
    assert np.isfinite(learn_grh(centred(100), nothing, 2, 4, np.random.default_rng(0))).all()


def test_uncorrelated_planes_have_no_correlation_and_depend_only_on_earlier_ones():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((9, 9))
    covariance, W = A @ A.T, rng.standard_normal((9, 6))
    out = uncorrelated(W, covariance)
    assert np.allclose(out.T @ covariance @ out, np.eye(6))
    assert np.array_equal(uncorrelated(W[:, :4], covariance), out[:, :4])


def test_a_dependent_plane_is_only_scaled():
    W = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    assert uncorrelated(W, np.eye(2)).tolist() == [[1, 1, 0], [0, 0, 0]]


def test_grh_planes_keep_a_label_together_unless_labels_are_shuffled():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 20, 2000)
    X = (rng.standard_normal((20, 16))[label] + 1.5 * rng.standard_normal((2000, 16))).astype(np.float32)

    def together(family, labels):
        index = LSHIndex("euclidean", 8, 4, family=family).fit(X, reference.csr(labels[:, None].tolist()))
        bits = index.hasher.family.hash(index.hasher.project(X, 8)) * 2.0 - 1
        return np.mean([np.abs(bits[label == one].mean(axis=0)).mean() for one in range(20)])

    taught, misled, untaught = together("grh", label), together("grh", rng.permutation(label)), together("itq", label)
    assert taught > max(misled, untaught)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", FAMILIES)
def test_learned_planes_find_more_than_random_ones_where_the_data_is_thin(family, metric):
    """Of 64 dimensions four hold nearly all that tells vectors apart."""
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((3000, 64)) * np.where(np.arange(64) < 4, 5, 1)).astype(np.float32)
    within = {}
    for tried in ("hyperplanes", family):
        grid = recall_grid(LSHIndex(metric, 4, 12, family=tried).fit(X, reference.csr([[]] * 3000)), X[:300], 10)
        within[tried] = np.where(grid.candidate_fraction <= 0.05, grid.recall, 0).max()  # of all L and K
    assert within[family] > within["hyperplanes"] > 0


def test_grh_planes_are_those_of_its_formulas_written_with_whole_matrices():
    X, sets, n_bits = centred(80), labels_of(80), 4
    P = np.array([[label in labels for label in range(5)] for labels in sets], float)
    S = P @ np.diag(1 / P.sum(axis=0)) @ P.T
    degree = S.sum(axis=1)
    step = np.divide(S, degree[:, None], out=np.zeros_like(S), where=degree[:, None] > 0)
    covariance = X.T.astype(np.float64) @ X / len(X)
    typical = np.trace(covariance) / X.shape[1]
    covariance += 0.1 * typical * np.eye(X.shape[1])
    W = learn_itq(X, 1, n_bits, np.random.default_rng(3)).astype(np.float64)
    initial = np.sign(X @ W)
    for _ in range(3):
        smoothed = 0.8 * step @ np.sign(X @ W) + 0.2 * initial
        B = np.where(smoothed > smoothed.mean(axis=0), 1.0, -1.0)
        fitted_planes = np.linalg.solve(covariance, X.T @ (B - B.mean(axis=0)) / len(X))
        W = np.sqrt(typical) * uncorrelated(fitted_planes, covariance)
    learned = learn_grh(X, reference.csr(sets), 1, n_bits, np.random.default_rng(3))
    assert np.allclose(learned, W, rtol=1e-3, atol=1e-3 * np.abs(W).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_candidates_are_those_of_lsh_with_dictionaries(family):
    index, Q = fitted(family), centred(10, seed=1) + 1
    for L, K, n_probes in [(4, 8, 1), (2, 5, 4), (1, 1, 2)]:
        by_hand = reference.DictionaryLSH(index, L, K)
        counts = index.search(Q, 3, L, K, n_probes).n_candidates.tolist()
        assert counts == [len(by_hand.candidates(q, n_probes)) for q in Q]


def test_grh_without_labels_is_refused_with_advice():
    with pytest.raises(ParameterError, match=r"learns from labels: call fit\(X, labels=.*or choose family 'itq'"):
        LSHIndex(family="grh").fit(centred())
    with pytest.raises(ShapeError, match="labels are for 3 rows; X has 500"):
        LSHIndex(family="grh").fit(centred(), reference.csr([[1], [2], [3]]))
    with pytest.raises(ShapeError, match="offsets of labels"):
        LSHIndex(family="grh").fit(centred(2), (np.array([0, 5, 1]), np.array([1], np.int16)))


@pytest.mark.parametrize("family", FAMILIES)
def test_learned_families_have_no_collision_probability(family):
    index = fitted(family)
    with pytest.raises(ParameterError, match="no collision probability; measure recall"):
        index.collision_probabilities(centred(2, seed=1)[0], [0])
    with pytest.raises(ParameterError, match="no collision probability"):
        predicted_recall(index, centred(2, seed=1), np.zeros((2, 1), np.int64))
