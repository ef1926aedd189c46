import itertools

import numpy as np
import pytest

from lsh import ExactSearch
from lsh.analysis.trials import Wish, _ladder, contenders


def wished(recall, metric="cosine"):
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((30, 8))
    X, Q = (centres[rng.integers(0, 30, n)] + rng.standard_normal((n, 8)) for n in (500, 100))
    exact = ExactSearch(X, metric)
    return Wish(exact, np.float32(Q), exact.search(Q, 5), recall, seed=0)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_contender_reaches_the_wish_and_fewer_re_ranked_would_not(metric):
    wish = wished(0.9, metric)
    groups = contenders(wish, lambda _: None)
    assert groups
    for contender in (c for group in groups for c in group):
        assert wish.is_met_by(contender)
        way = contender.way
        steps = _ladder(5, 320, steps=4)
        n_reranked = way.setting.get("n_reranked", 5)
        if n_reranked > 5:
            fewer = dict(way.setting, n_reranked=steps[steps.index(n_reranked) - 1])
            assert not wish.is_met_by(wish.try_out(type(way)(way.kind, metric, way.build, fewer), contender.index))


def test_of_one_index_more_probes_are_kept_only_where_fewer_are_re_ranked():
    for group in contenders(wished(0.95), lambda _: None):
        settings = [c.way.setting for c in group if c.way.kind == "sketches"]
        probes = [s["n_probes"] for s in settings]
        reranked = [s["n_reranked"] for s in settings]
        assert probes == sorted(set(probes))
        assert reranked == sorted(set(reranked), reverse=True)


@pytest.mark.parametrize("low", [1, 3, 10])
@pytest.mark.parametrize("high", [1, 2, 10, 11, 1000])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_ladder_rises_from_low_to_high_by_no_more_than_its_step(low, high, steps):
    rungs = _ladder(low, high, steps)
    assert rungs[0] == low
    assert rungs[-1] == max(low, high)
    assert all(a < b <= max(a + 1, a * 2 ** (1 / steps) + 1) for a, b in itertools.pairwise(rungs))
