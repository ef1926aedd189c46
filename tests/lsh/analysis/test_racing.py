"""Races over growing sizes."""

import numpy as np
import pytest

from lsh import LSHIndex, exact_search, label_precision_at_k, recall_at_k
from lsh.analysis import racing
from lsh.analysis.racing import BATCHED, EXACT, LSH, RACERS, SKETCHES, Setting, crossover, race, sizes_up_to
from lsh.errors import ParameterError, ShapeError

SETTING = Setting(n_tables=4, n_bits=6)


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((20, 12))
    X = (centres[rng.integers(0, 20, 320)] + 0.3 * rng.standard_normal((320, 12))).astype(np.float32)
    return LSHIndex("cosine", n_tables=8, n_bits=10, seed=5).fit(X[:300]), X[300:]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(racing, "ROUNDS", 2)
    monkeypatch.setattr(racing, "MAX_TIMED", 4)


def labels(n, seed):
    values = np.random.default_rng(seed).integers(0, 3, n).astype(np.int16)
    return np.arange(n + 1), values


def test_every_racer_has_one_lap_at_every_size(made, quick):
    steps = list(race(*made, SETTING, [50, 300], None))
    laps = [lap for step in steps for lap in step.laps]
    assert [(lap.n, lap.racer) for lap in laps] == [(n, racer) for n in (50, 300) for racer in RACERS]
    assert all(0 < lap.p50_ms <= lap.p95_ms <= lap.p99_ms and lap.ms > 0 for lap in laps)
    assert all(lap.build_s > 0 and lap.spread > 0 for lap in laps)
    assert {lap.n_timed for lap in laps} == {4, racing.BLOCK}


def test_the_index_of_a_lap_has_the_tables_of_the_setting_alone(made, quick):
    index, _ = made
    laps = {lap.racer: lap for step in race(*made, SETTING, [300], None) for lap in step.laps}
    assert laps[LSH].index_bytes == index.nbytes_of(SETTING.n_tables) < index.nbytes
    assert laps[EXACT].index_bytes == laps[BATCHED].index_bytes == index.exact.nbytes


def test_what_the_laps_say_of_the_answers_is_what_searching_by_hand_gives(made, quick):
    index, Q = made
    sets = labels(20, 1), labels(300, 2)
    laps = {lap.racer: lap for step in race(index, Q, SETTING, [120], sets) for lap in step.laps}
    X = index.exact.X[:120]
    truth = exact_search(X, Q, 10)
    found = LSHIndex("cosine", n_tables=8, n_bits=10, seed=5).fit(X).search(Q, 10, 4, 6)
    assert laps[LSH].recall == recall_at_k(found, truth).mean() < 1
    assert laps[LSH].candidates == pytest.approx(found.n_candidates.mean() / 120)
    assert laps[LSH].label_precision == label_precision_at_k(found.ids, *sets).mean()
    assert laps[EXACT].label_precision == label_precision_at_k(truth.ids, *sets).mean()
    assert {laps[racer].recall for racer in (EXACT, BATCHED)} == {1.0}
    assert {laps[racer].candidates for racer in (EXACT, BATCHED)} == {1.0}
    assert 0 < laps[SKETCHES].recall <= 1


def test_in_a_block_everybody_waits_for_the_whole_of_it(made, quick):
    laps = {lap.racer: lap for step in race(*made, SETTING, [300], None) for lap in step.laps}
    assert laps[BATCHED].p50_ms == laps[BATCHED].p95_ms == pytest.approx(racing.BLOCK * laps[BATCHED].ms)


def test_without_labels_there_is_no_label_precision(made, quick):
    laps = [lap for step in race(*made, SETTING, [50], None) for lap in step.laps]
    assert {lap.label_precision for lap in laps} == {None}


def test_the_share_done_grows_to_the_whole_and_every_step_says_what_comes(made, quick):
    steps = list(race(*made, SETTING, [50, 300], None))
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, pytest.approx(1))
    assert all("clips" in step.doing for step in steps)
    assert "round 2 of 2" in steps[-2].doing


def test_a_race_that_is_left_searches_no_more(made, quick, monkeypatch):
    searches = []
    index, Q = made
    running = race(index, Q, SETTING, [50, 300], None)
    next(step for step in running if "round" in step.doing)
    monkeypatch.setattr(LSHIndex, "search", lambda *_: searches.append(1))
    running.close()
    assert searches == []
    assert list(running) == []


def test_a_slow_collection_gets_fewer_queries_but_never_none(monkeypatch):
    assert len(racing._affordable(1e-5, 500)) == racing.MAX_TIMED
    assert len(racing._affordable(1e6, 500)) == racing.MIN_TIMED
    assert racing._affordable(1e6, 3).tolist() == [0, 1, 2]


def test_fewer_queries_than_a_block_and_fewer_vectors_than_k_are_raced(made, quick):
    index, Q = made
    laps = [lap for step in race(index, Q[:1], SETTING, [3], None) for lap in step.laps]
    assert [lap.racer for lap in laps] == list(RACERS)


@pytest.mark.parametrize("sizes", [[], [0], [10, 301], [-1, 5]])
def test_sizes_that_the_collection_does_not_have_are_refused(made, sizes):
    with pytest.raises(ParameterError, match="1 to the 300 vectors"):
        next(race(*made, SETTING, sizes, None))


def test_a_setting_that_was_not_built_and_no_queries_are_refused(made):
    index, Q = made
    with pytest.raises(ParameterError, match="n_tables"):
        next(race(index, Q, Setting(9, 6), [50], None))
    with pytest.raises(ShapeError, match="no rows"):
        next(race(index, Q[:0], SETTING, [50], None))


@pytest.mark.parametrize(
    ("n", "sizes"),
    [
        (400, [400]),
        (1000, [1000]),
        (1100, [1100]),
        (1200, [1000, 1200]),
        (16225, [1000, 2000, 5000, 10000, 16225]),
        (20758, [1000, 2000, 5000, 10000, 20758]),
        (2_084_320, [*(d * 10**p for p in (3, 4, 5) for d in (1, 2, 5)), 1_000_000, 2_084_320]),
    ],
)
def test_sizes_grow_by_one_two_five_to_everything(n, sizes):
    assert sizes_up_to(n) == sizes


def test_the_crossover_lies_where_straight_lines_on_log_scales_meet():
    n = [100, 1000, 10000]
    mine, theirs = [2 * (x / 100) ** 0.5 for x in n], [x / 100 for x in n]
    assert crossover(n, mine, theirs) == pytest.approx(400)


def test_a_racer_that_is_faster_everywhere_wins_from_the_first_size():
    assert crossover([100, 1000], [1, 2], [1.5, 3]) == 100


def test_a_racer_that_is_not_faster_at_the_end_never_wins():
    assert crossover([100, 1000], [1, 2], [3, 2]) is None
    assert crossover([100], [1], [0.5]) is None


def test_of_several_crossings_the_last_counts():
    assert crossover([1, 10, 100, 1000], [1, 3, 1, 1], [2, 1, 3, 4]) == pytest.approx(10**1.5)
