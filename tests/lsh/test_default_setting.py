"""Default settings: against every setting tried by dictionaries, and at the edges of what can be measured."""

import itertools

import numpy as np
import pytest

from lsh import LSHIndex, SketchIndex, default_setting, load, recall_at_k, save
from lsh.params import ranked
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows
from lsh.sketches import default_setting as of_sketches
from tests import reference
from tests.lsh.kinds_of_data import KINDS, low_rank
from tests.lsh.kinds_of_data import clustered as clustered_rows
from tests.stress import stress

METRICS = ["cosine", "euclidean"]
L, K = 4, 5


def clustered(rng):
    return rng.standard_normal((5, 4))[rng.integers(0, 5, 26)] + 0.4 * rng.standard_normal((26, 4))


def with_zeros(rng):
    X = rng.standard_normal((27, 3)) + 0.2
    X[::3] = 0
    return X


def with_duplicates(rng):
    return rng.standard_normal((8, 3))[rng.integers(0, 8, 24)]


def fewer_than_eleven(rng):
    return rng.standard_normal((7, 3))


COLLECTIONS = [clustered, with_zeros, with_duplicates, fewer_than_eleven]


def by_dictionaries(index):
    """Return the setting that the rule chooses, from the candidates of every setting, found with dictionaries."""
    X, n = index.exact.X, index.n
    usable = [i for i in range(n) if index.params.metric == "euclidean" or X[i].any()]
    rows = [usable[i] for i in evenly_spaced_rows(len(usable), default_setting.QUERIES)]
    truth = {}
    for row in rows:
        others = [i for i in index.exact.search(X[row][None], n).ids[0].tolist() if i != row]
        truth[row] = set(others[:10])
    k = min(10, n - 1)
    seen = set(rows).union(evenly_spaced_rows(n, default_setting.OTHER_ROWS).tolist(), *truth.values())
    tried = []
    for n_bits, n_probes in itertools.product(range(1, index.params.n_bits + 1), (1, 2, 4, 8)):
        tables = reference.DictionaryLSH(index, index.params.n_tables, n_bits)
        found = {row: tables.found_by_table(X[row], n_probes) for row in rows}
        for n_tables in range(1, index.params.n_tables + 1):
            candidates = {row: set().union(*found[row][:n_tables]) - {row} for row in rows}
            hits = sum(len(candidates[row] & truth[row]) for row in rows)
            others = sum(len((candidates[row] & seen) - truth[row]) for row in rows)
            looked_at = (hits + others * (n - 1 - k) / max(len(seen) - 1 - k, 1)) / len(rows)
            tried.append(
                (hits, looked_at + default_setting.LOOKUP_COST * n_tables * n_probes, n_bits, n_probes, n_tables)
            )
    wanted = min(default_setting.RECALL * k * len(rows), max(hits for hits, *_ in tried))
    _, n_bits, n_probes, n_tables = min(rest for hits, *rest in tried if hits >= wanted - 1e-9)
    return n_tables, n_bits, n_probes


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("cost", [0.25, 2])
def test_the_default_is_the_cheapest_of_all_settings_that_reach_the_recall(metric, collection, cost, monkeypatch):
    monkeypatch.setattr(default_setting, "LOOKUP_COST", cost)
    index = LSHIndex(metric, L, K, seed=int(cost)).fit(collection(np.random.default_rng(0)))
    assert index.default_setting == by_dictionaries(index)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("queries", "others"), [(6, 1), (6, 20), (12, 12)])
def test_a_part_of_the_rows_stands_for_all(metric, queries, others, monkeypatch):
    monkeypatch.setattr(default_setting, "LOOKUP_COST", 5)
    monkeypatch.setattr(default_setting, "QUERIES", queries)
    monkeypatch.setattr(default_setting, "OTHER_ROWS", others)
    index = LSHIndex(metric, L, K).fit(np.random.default_rng(1).standard_normal((300, 4)))
    assert index.default_setting == by_dictionaries(index)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", ["itq", "grh"])
def test_learned_families_with_sketches_have_a_measured_default(metric, family):
    X = clustered(np.random.default_rng(2))
    labels = reference.csr([[row % 3] for row in range(len(X))])
    index = LSHIndex(metric, L, K, family=family, sketches=True).fit(X, labels)
    assert index.default_setting == by_dictionaries(index)
    assert index.search(X[:3], 5, n_reranked=20).n_found.tolist() == [5] * 3


def test_where_no_setting_reaches_the_recall_the_highest_is_chosen_at_the_lowest_cost():
    index = LSHIndex("euclidean", 2, 3, bucket_width=0.1).fit(np.random.default_rng(0).standard_normal((60, 3)))
    assert index.default_setting == by_dictionaries(index)
    found = index.search(index.exact.X, 11, *index.default_setting).n_found
    assert found.mean() < 8


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("X", [np.ones((1, 3)), np.zeros((1, 3)), np.zeros((6, 3))], ids=["one", "zero", "zeros"])
def test_without_two_vectors_that_can_be_compared_most_is_searched(metric, X):
    index = LSHIndex(metric, 4, 5).fit(X)
    if metric == "euclidean" and len(X) > 1:  # equal vectors share every bucket
        assert index.default_setting == (1, 1, 1)
    else:
        assert index.default_setting == (4, 1, 8)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_vectors_need_one_bucket(metric):
    for n in (2, 5, 40, 700):  # more than there are neighbours, queries, and other rows
        assert LSHIndex(metric, 4, 5).fit(np.tile([[1.0, 2.0, 3.0]], (n, 1))).default_setting == (1, 1, 1)


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_data_and_seed_give_the_same_default(metric):
    X = np.random.default_rng(0).standard_normal((900, 6))
    first, second = (LSHIndex(metric, 8, 10, seed=3).fit(X).default_setting for _ in range(2))
    assert first == second
    assert all(type(value) is int for value in first)


@pytest.mark.parametrize("metric", METRICS)
def test_other_queries_are_answered_with_about_the_recall_of_the_rows(metric):
    rng = np.random.default_rng(4)
    X, Q = rng.standard_normal((3000, 8)), rng.standard_normal((300, 8))
    index = LSHIndex(metric).fit(X)
    recall = recall_at_k(index.search(Q), index.exact.search(Q)).mean()
    assert 0.9 <= recall < 0.97
    assert index.search(Q).n_candidates.mean() < 0.6 * len(X)


def default_recall(metric, kind, n, dim, n_queries, new_index=LSHIndex):
    """Return the recall@10 of a default search, where what is as near as the 10th neighbour counts, and the index.

    Prints a row of the table in docs/BENCHMARKS.md.
    """
    Z = kind(np.random.default_rng(6), n + n_queries, dim)
    index = new_index(metric).fit(Z[:n])
    found, true = index.search(Z[n:]), index.exact.search(Z[n:])
    recall = (found.distances <= true.distances[:, -1:] + 1e-6).mean()
    setting = ", ".join(f"{name.removeprefix('n_')} {value}" for name, value in index.default_setting._asdict().items())
    compared = found.n_candidates.mean() / n
    print(
        f"\n| {kind.__name__.replace('_', ' ')} | {n:,} x {dim:,} | {metric} | {new_index.__name__} | {setting} "
        f"| {index.default_setting.recall:.3f} | {recall:.3f} | {compared:.1%} |"
    )
    return recall, index


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("new_index", [LSHIndex, SketchIndex])
@pytest.mark.parametrize(("kind", "n", "dim"), KINDS, ids=lambda value: getattr(value, "__name__", value))
def test_a_default_search_finds_nine_of_ten_neighbours_of_queries_like_the_rows(metric, kind, n, dim, new_index):
    recall, index = default_recall(metric, kind, n, dim, 400, new_index)
    assert recall >= 0.9
    assert index.default_setting.recall >= default_setting.RECALL


@stress
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("new_index", [LSHIndex, SketchIndex])
@pytest.mark.parametrize(("kind", "dim"), [(clustered_rows, 16), (low_rank, 64)])
def test_a_default_search_finds_nine_of_ten_neighbours_in_a_million_rows(metric, new_index, kind, dim):
    recall, _ = default_recall(metric, kind, 1_000_000, dim, 200, new_index)
    assert recall >= 0.9


@pytest.mark.parametrize("metric", METRICS)
def test_the_index_says_its_default_and_the_recall_that_was_measured(metric, tmp_path):
    X = np.random.default_rng(0).standard_normal((300, 6))
    index = LSHIndex(metric, n_tables=8, n_bits=6)
    assert repr(index).startswith(f"LSHIndex(metric='{metric}', n_tables=8, n_bits=6, seed=0, ")
    index.fit(X)
    default = index.default_setting
    rows = evenly_spaced_rows(300, default_setting.QUERIES)
    found, truth = (one.search(X[rows], 300 if one is index else 11).without(rows) for one in (index, index.exact))
    hits = [np.isin(truth.ids[q], found.ids[q]).sum() for q in range(len(rows))]
    assert default.recall == np.sum(hits) / truth.ids.size
    expected = (
        f"of 300 x 6, searched with {default.n_tables} tables, {default.n_bits} bits and {default.n_probes} probe"
    )
    assert expected in repr(index)
    assert f"expected recall@10 {default.recall:.2f} on" in repr(index)
    save(index, tmp_path / "index.lsh")
    for other in (load(tmp_path / "index.lsh"), index.subset(range(50))):
        assert other.default_setting == default
        assert other.default_setting.recall is None
        assert "chosen for a recall@10 of 0.9 on" in repr(other)


def by_trying(index):
    """Return the default of sketches by the rule, from all candidates of every number of probes, and its recall."""
    X, n, m = index.exact.X, index.n, index.n_buckets
    usable = [i for i in range(n) if index.metric == "euclidean" or X[i].any()]
    rows = [usable[i] for i in evenly_spaced_rows(len(usable), of_sketches._QUERIES)]
    k, tried = min(10, n - 1), []
    for n_probes in sorted({*(2**i for i in range(17) if 2**i < m), m}):
        found, estimates = index.candidates(X[rows], n, n_probes)
        n_sketches = found.n_candidates.mean() + of_sketches.BUCKET_COST * n_probes
        for n_reranked in (32 * 2**i for i in range(12)):
            hits = 0
            for q, row in enumerate(rows):
                farthest = np.sort(index.exact.search(X[row][None], n).without(np.array([row])).distances[0])[k - 1]
                every = zip(-estimates[q], found.ids[q], found.distances[q], strict=True)
                others = [one for one in sorted(every) if one[1] not in (-1, row)][: ranked(n_reranked, 10)]
                hits += min(k, sum(distance <= farthest for *_, distance in others))
            if hits >= default_setting.RECALL * k * len(rows) - 1e-9:
                cost = n_sketches + of_sketches.RANKED_COST * ranked(n_reranked, 10)
                tried.append((cost, n_probes, n_reranked, hits / (k * len(rows))))
                break
    return min(tried)[1:]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("costs", [(1, 1), (200, 0.1), (0.1, 30), (20, 1)])
@pytest.mark.parametrize("collection", [clustered, with_zeros, fewer_than_eleven, "many"])
def test_the_default_of_sketches_is_the_cheapest_of_all_that_reach_the_recall(metric, costs, collection, monkeypatch):
    monkeypatch.setattr(of_sketches, "BUCKET_COST", costs[0])
    monkeypatch.setattr(of_sketches, "RANKED_COST", costs[1])
    monkeypatch.setattr(of_sketches, "_QUERIES", 9)
    rng = np.random.default_rng(3)
    X = rng.standard_normal((600, 300)) if collection == "many" else collection(rng)
    index = SketchIndex(metric, 64 if collection == "many" else 8).fit(X)
    assert (*index.default_setting, index.default_setting.recall) == by_trying(index)


class DrawnSample:
    """Numbers of neighbours found that were drawn at random: more with more probes, and with more vectors ranked."""

    def __init__(self, rng, m=64):
        self.probes = [2**i for i in range(m.bit_length())]
        self.scored = dict(zip(self.probes, np.cumsum(rng.integers(1, 2000, len(self.probes))).tolist(), strict=True))
        found = dict(zip(self.probes, np.sort(rng.integers(40, 101, len(self.probes))).tolist(), strict=True))
        self.found, self.loss = {**found, m: 100}, float(rng.choice([10, 1000, 3000]))

    def n_ranked(self, tried):
        return np.array([ranked(n, 10) for n in tried])

    def search(self, n_probes, tried):
        most = self.scored[n_probes]
        kept = [1 - (self.loss / 1e4 / n * 32 if n < most else 0) for n in self.n_ranked(tried)]
        return np.array([int(self.found[n_probes] * share) for share in kept]), float(most), most


def test_settings_that_are_passed_over_are_not_the_cheapest(monkeypatch):
    nearest = SearchResult.empty(10, 10)
    monkeypatch.setattr(of_sketches, "own_queries", lambda *_: (np.arange(10), nearest))
    monkeypatch.setattr(of_sketches, "RANKED_COST", 0.5)
    for seed in range(300):
        sample = DrawnSample(np.random.default_rng(seed))
        monkeypatch.setattr(of_sketches, "_Sample", lambda *_, sample=sample: sample)
        tried = []
        for n_probes, n_reranked in itertools.product(sample.probes, (32 * 2**i for i in range(12))):
            (hits,), n_sketches, _ = sample.search(n_probes, [n_reranked])
            cost = n_sketches + of_sketches.BUCKET_COST * n_probes
            tried += [cost + of_sketches.RANKED_COST * ranked(n_reranked, 10)] if hits >= 93 else []
        found = of_sketches.measure_sketches(None, None, 64)
        cost = sample.scored[found.n_probes] + of_sketches.BUCKET_COST * found.n_probes
        assert cost + of_sketches.RANKED_COST * ranked(found.n_reranked, 10) == min(tried)


@pytest.mark.parametrize("metric", METRICS)
def test_the_default_of_sketches_does_not_depend_on_how_many_queries_are_searched_at_a_time(metric, monkeypatch):
    X = np.random.default_rng(0).standard_normal((700, 9))
    first = SketchIndex(metric).fit(X).default_setting
    monkeypatch.setattr(of_sketches, "_BLOCK_VALUES", 1)
    second = SketchIndex(metric).fit(X).default_setting
    assert (first, first.recall) == (second, second.recall)


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.zeros((6, 3))], ids=["one", "zeros"])
def test_sketches_of_vectors_that_cannot_be_compared_have_a_default_that_was_not_measured(X):
    index = SketchIndex().fit(X)
    assert index.default_setting == (8, 40)
    assert "8 probes and 40 re-ranked (not measured)" in repr(index)


@pytest.mark.parametrize("metric", METRICS)
def test_sketches_say_their_default_and_the_recall_that_was_measured(metric, tmp_path):
    index = SketchIndex(metric)
    assert repr(index) == f"SketchIndex(metric='{metric}', seed=0, family='kmeans')"
    default = index.fit(np.random.default_rng(0).standard_normal((3000, 6))).default_setting
    expected = f"of 3,000 x 6 in 64 buckets, searched with {default.n_probes} probes and {default.n_reranked} re-ranked"
    assert f"{expected} (expected recall@10 {default.recall:.2f} on queries like its rows)>" in repr(index)
    save(index, tmp_path / "index.lsh")
    other = load(tmp_path / "index.lsh")
    assert other.default_setting == default
    assert f"{expected} (chosen for a recall@10 of 0.9 on queries like its rows)>" in repr(other)
