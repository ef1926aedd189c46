"""Duplicates: every pair within the radius with the promised probability, groups, and large sets of equal vectors."""

import json

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from earshot_common.encoded_vectors import EncodedVectors
from lsh import ExactSearch, duplicates
from lsh.__main__ import main
from lsh.errors import ParameterError
from lsh.pairs import self_join, signatures
from lsh.pairs.distances import distances_from, pairs_of_all
from lsh.pairs.duplicates import measured_recall, usual_radius


def planted(n=3_000, dim=24, copies=200, noise=0.02, seed=0):
    """Return clustered vectors, of which the last are near copies of others."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((30, dim))
    X = centres[rng.integers(0, 30, n)] + 0.6 * rng.standard_normal((n, dim))
    near = X[rng.choice(n, copies, replace=False)] + noise * rng.standard_normal((copies, dim))
    return np.concatenate([X, near]).astype(np.float32)


def test_all_pairs_are_compared_in_one_run_of_one_table():
    plan = signatures.all_pairs(5, 3)
    assert plan.centre.tolist() == [0, 0, 0]
    assert plan[1:] == (0, 1, 1, 64, 10 * 15.0)  # ten pairs of 15 ns
    assert signatures.order_by_prefix(np.arange(5, dtype=np.uint64), plan.n_bits)[1].tolist() == [0, 5]


@pytest.mark.parametrize(("metric", "radius"), [("cosine", 0.004), ("euclidean", 0.2)])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_all_listed_pairs_are_within_the_radius_and_the_promised_share_of_all_is_listed(metric, radius, dtype):
    X = planted()
    if dtype == "uint8":
        low, scale = float(X.min()), float(np.ptp(X)) / 255
        X = EncodedVectors(((X - low) / scale).round().astype(np.uint8), scale, low)
    exact, n = ExactSearch(X, metric), len(X)
    true = set(map(tuple, pairs_of_all(exact, np.arange(n), radius).tolist()))
    assert len(true) > 150
    shares = []
    for seed in range(5):
        found = duplicates(X, radius, metric, recall=0.9, seed=seed)
        listed = list(map(tuple, found.pairs.tolist()))
        assert listed == sorted(set(listed))
        assert set(listed) <= true
        for (a, b), distance in list(zip(listed, found.distances, strict=True))[:50]:
            assert distance == distances_from(exact, a, np.array([b]))[0]
        shares.append(len(listed) / len(true))
        assert not found.capped
    # Of n pairs, a share of .9 or more on average; three standard errors of the mean of five draws of 150 pairs.
    assert np.mean(shares) >= 0.9 - 3 * np.sqrt(0.9 * 0.1 / (5 * 150))
    assert found.n_bits > 0


def test_the_promise_follows_from_the_angle_law():
    words = np.sort(np.random.default_rng(0).integers(0, 2**64, 5_000, np.uint64))
    for differs in (0.01, 0.05, 0.2):
        plan = signatures.plan_tables(words, np.zeros(2, np.float32), differs, 0.95)
        rng = np.random.default_rng(1)
        flipped = rng.random((20_000, 64)) < differs
        groups = flipped[:, : plan.n_bits * plan.n_tables].reshape(-1, plan.n_tables, plan.n_bits)
        hit = ~groups.any(axis=2).all(axis=1) & (flipped.sum(axis=1) <= plan.max_differing)
        assert 1 - (1 - hit.mean()) ** plan.n_signatures >= 0.945
        assert plan.n_signatures == 1 or 1 - (1 - hit.mean()) ** (plan.n_signatures - 1) < 0.96


def test_a_rotated_signature_begins_with_the_bits_of_the_next_table():
    words = np.random.default_rng(0).integers(0, 2**64, 20, np.uint64)
    for n_bits in (0, 1, 15, 63):
        texts = [f"{word:064b}" for word in words.tolist()]
        found = [f"{word:064b}" for word in signatures.rotated(words, n_bits).tolist()]
        assert found == [text[n_bits:] + text[:n_bits] for text in texts]


def test_a_pair_is_met_in_a_table_as_often_as_the_law_says():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((2, 16)).astype(np.float32)
    exact = ExactSearch(X)
    angle = np.arccos(1 - distances_from(exact, 0, np.array([1]))[0])
    centre, rows = np.zeros(16, np.float32), np.arange(2)
    bits = [signatures.signatures_of(exact, rows, centre, rng, 1) for _ in range(300)]
    share = np.mean([(int(a) ^ int(b)).bit_count() for a, b in bits]) / 64
    assert share == pytest.approx(angle / np.pi, abs=3 * np.sqrt(0.25 / (64 * 300)))


def test_the_same_seed_gives_the_same_answer_for_any_number_of_threads():
    X = planted()
    one, four = (duplicates(X, 0.004, recall=0.5, seed=3, n_threads=threads) for threads in (1, 4))
    assert np.array_equal(one.pairs, four.pairs)
    assert not np.array_equal(one.pairs, duplicates(X, 0.004, recall=0.5, seed=4).pairs)


def test_vectors_near_the_mean_are_compared_with_all():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((500, 8)).astype(np.float32)
    X -= X.mean(axis=0)
    X[3], X[9] = 1e-3, -1e-3  # on either side of the mean: any angle apart, at a distance of 0.006
    found = duplicates(X, 0.01, "euclidean", recall=0.5)
    assert [3, 9] in found.pairs.tolist()


def test_groups_are_what_pairs_connect_the_largest_first():
    X = np.array([[0, 1], [5, 5], [0, 1.02], [0, 1.04], [5, 5], [9, -3]], np.float32)
    found = duplicates(X, 0.03, "euclidean", recall=0.999)
    assert [group.tolist() for group in found.groups] == [[0, 2, 3], [1, 4]]
    assert found.pairs.tolist() == [[0, 2], [1, 4], [2, 3]]
    assert found.distances == pytest.approx([0.02, 0, 0.02], abs=1e-6)


def test_ten_thousand_equal_rows_are_one_group_that_is_named_and_not_fifty_million_pairs():
    X = planted(400, 8, 0)
    many = np.concatenate([X, np.repeat(X[:1], 10_000, axis=0), np.repeat(X[1:2], 3, axis=0)])
    found = duplicates(many, 1e-6)
    assert [len(group) for group in found.groups] == [10_001, 4]
    assert found.capped == [0]
    assert len(found.pairs) == 10_000 + 6
    assert measured_recall(found, ExactSearch(many), 300) == (pytest.approx(300**2 / 2, rel=0.2),) * 2


def test_rows_with_more_near_ones_than_are_listed_are_named(monkeypatch):
    monkeypatch.setattr(self_join, "MAX_ALL_PAIRS", 5)
    X = 1e-4 * np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32) + 1
    found = duplicates(X, 0.1, "euclidean")
    assert [len(group) for group in found.groups] == [40]
    assert found.capped == [0]
    assert len(found.pairs) < 40 * 39 / 2


def test_copies_of_a_near_row_are_paired_with_it_too():
    X = np.array([[1, 0], [1, 0], [1, 0.01], [0, 1], [1, 0.01]], np.float32)
    found = duplicates(X, 0.001, recall=0.999)
    assert found.pairs.tolist() == [[0, 1], [0, 2], [0, 4], [1, 2], [1, 4], [2, 4]]


def test_the_usual_radius_is_the_largest_within_which_fewer_than_one_in_a_million_pairs_are():
    X = planted(2_000, 16, 0)
    radius = usual_radius(ExactSearch(X, "euclidean"))
    pairs, more = (len(pairs_of_all(ExactSearch(X, "euclidean"), np.arange(2_000), r)) for r in (radius, radius * 1.2))
    assert pairs < 2_000 * 1_999 / 2 * 1e-6 <= more
    assert usual_radius(ExactSearch(np.ones((1, 3), np.float32))) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": -1.0}, "radius is -1.0; expected a number above 0"),
        ({"recall": 1.0}, "recall is 1.0; expected a number above 0 and below 1"),
        ({"recall": 0}, "recall is 0; expected a number above 0"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_words(arguments, message):
    with pytest.raises(ParameterError, match=message):
        duplicates(planted(100, 8, 0), **arguments)


def test_a_radius_that_only_the_comparison_of_all_pairs_serves_is_refused_for_many_vectors(monkeypatch):
    X = planted(90, 8, 0)
    found = duplicates(X, 1.5)
    assert found.recall == 1
    assert np.array_equal(found.pairs, pairs_of_all(ExactSearch(X), np.arange(90), 1.5))
    monkeypatch.setattr(self_join, "_MAX_COMPARED", 89)
    with pytest.raises(ParameterError, match=r"radius is 1.5, too wide for tables .* of 90 vectors"):
        duplicates(X, 1.5)


def test_rows_of_equal_values_are_within_a_radius_of_zero_whatever_the_rounding_of_their_cosines():
    X = np.random.default_rng(7).standard_normal((50, 131)).astype(np.float32).repeat(2, axis=0)
    exact = ExactSearch(X)
    assert any(distances_from(exact, 2 * i, np.array([2 * i + 1]))[0] > 0 for i in range(50))
    assert pairs_of_all(exact, np.arange(100), 0.0).tolist() == [[2 * i, 2 * i + 1] for i in range(50)]


def test_the_command_lists_the_groups_by_name_and_checks_the_share_found(root, capsys):
    folder = root / "data" / "audioset-small"
    words = ["--radius", "0", "--splits", "train", "validation", "--check", "10000", "--json"]
    assert main(["duplicates", str(folder), *words]) == 0
    report = json.loads(capsys.readouterr().out)
    dataset = open_dataset(folder)
    features = np.concatenate([dataset.features(split) for split in ("train", "validation")])
    _, group, counts = np.unique(features, axis=0, return_inverse=True, return_counts=True)
    assert report["clips"] == 22_160
    assert sorted(len(g["clips"]) for g in report["groups"]) == sorted(counts[counts > 1].tolist())
    ids = {clip["clip_id"] for g in report["groups"] for clip in g["clips"]}
    rows = np.flatnonzero(counts[group.ravel()] > 1)
    n_train = dataset.n_rows("train")
    names = {
        dataset.clip("train", r).clip_id if r < n_train else dataset.clip("validation", r - n_train).clip_id
        for r in rows.tolist()
    }
    assert ids == names
    assert report["checked"][0] == report["checked"][1] > 0


def test_the_command_prints_distances_from_the_first_clip_of_a_group(root, capsys):
    assert main(["duplicates", str(root / "data" / "audioset-small"), "--check", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("group 1: ")
    assert lines[1].split()[0] == "0.0000"
    assert "groups of" in lines[-1]
    assert "(cosine), of 19,861 clips" in lines[-1]
