"""The figures of a setting, recomputed query by query with sets."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from tests.ui.apptest import write_small
from ui.model import setting_metrics, stopwatch
from ui.model.loading import PageContext, sample_for
from ui.model.state import Settings

ROWS = {"train": 300, "validation": 30, "test": 5}
SETTINGS = [(1, 3, 1), (4, 5, 1), (4, 5, 3), (7, 9, 2), (8, 12, 1)]


@pytest.fixture(scope="module", params=["cosine", "euclidean"])
def context(request, tmp_path_factory):
    """Return a function that gives the context of a page at a setting (L, K, probes)."""
    dataset = open_dataset(write_small(tmp_path_factory.mktemp("made") / "small", ROWS))
    index = LSHIndex(request.param, n_tables=8, n_bits=12, seed=3).fit(dataset.features("train"))

    def at(n_tables, n_bits, n_probes):
        settings = Settings("small", request.param, n_tables=n_tables, n_bits=n_bits, n_probes=n_probes, seed=3)
        return PageContext(settings, dataset, index)

    return at


def counted(context):
    """Return recall and share looked at, counted with sets over every validation clip."""
    s, index, X = context.settings, context.index, np.asarray(context.dataset.features("train"), np.float64)
    recalls, shares = [], []
    for query in np.asarray(context.dataset.features("validation")):
        if s.metric == "cosine":
            distances = 1 - X @ query / (np.linalg.norm(X, axis=1) * np.linalg.norm(query))
        else:
            distances = np.linalg.norm(X - query, axis=1)
        nearest = set(np.argsort(distances, kind="stable")[:10].tolist())
        in_tables = index.matches(query, np.arange(len(X)), s.n_tables, s.n_bits, s.n_probes)
        candidates = set(np.flatnonzero(in_tables.any(axis=1)).tolist())
        recalls.append(len(nearest & candidates) / 10)
        shares.append(len(candidates) / len(X))
    return np.mean(recalls), np.mean(shares)


@pytest.mark.parametrize("setting", SETTINGS)
def test_recall_and_share_looked_at_are_those_counted_one_query_at_a_time(context, setting):
    here = context(*setting)
    measured = setting_metrics.measure(here)
    assert (measured.recall, measured.candidate_fraction) == pytest.approx(counted(here), abs=1e-9)
    assert measured.n_queries == 30
    assert measured.nbytes == here.index.nbytes_of(setting[0])


def test_figures_are_equal_whether_a_setting_is_searched_or_taken_from_the_grid(context, monkeypatch):
    settings = [(n_tables, n_bits, n_probes) for n_tables in (1, 5, 8) for n_bits in (3, 9) for n_probes in (2, 4)]
    monkeypatch.setattr(setting_metrics.Grids, "request", lambda self, here: None)
    searched = [setting_metrics.quality(context(*setting)) for setting in settings]
    grids = [setting_metrics.recall_grid_for(context(1, 1, n_probes)) for n_probes in (2, 4)]
    assert [setting_metrics.recall_grid_for(context(8, 3, n_probes)) for n_probes in (2, 4)] == grids  # measured once
    monkeypatch.setattr(setting_metrics, "_searched_quality", pytest.fail)
    known = [setting_metrics.quality(context(*setting)) for setting in settings]
    np.testing.assert_allclose(known, searched, rtol=0, atol=1e-12)


@pytest.fixture
def background(monkeypatch):
    """Return the grids that are being made, and start none before `go` is set."""
    go = threading.Event()
    monkeypatch.setattr(setting_metrics.RUNS, "wait_until_idle", lambda longest_s: go.wait(10))
    return go


def ended(name="recall grid"):
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(10)


def test_after_a_few_settings_all_of_them_are_measured_in_the_background_and_none_is_searched_again(
    context, background, monkeypatch
):
    for n_bits in range(1, setting_metrics.SEARCHED_BEFORE_GRID + 3):
        setting_metrics.quality(context(6, n_bits, 5))
        running = [thread for thread in threading.enumerate() if thread.name == "recall grid"]
        assert len(running) == (n_bits >= setting_metrics.SEARCHED_BEFORE_GRID)
    background.set()
    ended()
    monkeypatch.setattr(setting_metrics, "_searched_quality", pytest.fail)
    monkeypatch.setattr(setting_metrics, "recall_grid", pytest.fail)
    here = context(7, 9, 5)
    assert setting_metrics.quality(here) == pytest.approx(counted(here), abs=1e-9)


def test_a_setting_that_is_asked_for_again_is_not_counted_as_searched(context, background):
    for _ in range(3 * setting_metrics.SEARCHED_BEFORE_GRID):
        setting_metrics.quality(context(6, 4, 8))
    assert not [thread for thread in threading.enumerate() if thread.name == "recall grid"]


def test_where_a_filter_or_another_number_of_neighbours_is_wanted_no_grid_is_used(context, background):
    background.set()
    for n_bits in range(1, 9):
        here = context(6, n_bits, 6)
        setting_metrics.quality(replace(here, settings=replace(here.settings, k=20)))
    ended()
    assert setting_metrics._grids().known(context(6, 1, 6)) is None


def test_a_grid_that_cannot_be_measured_is_logged_once_and_settings_are_searched(
    context, background, monkeypatch, caplog
):
    background.set()
    monkeypatch.setattr(setting_metrics, "recall_grid", lambda *given: 1 / 0)
    for n_bits in range(1, 9):
        here = context(6, n_bits, 7)
        assert setting_metrics.quality(here) == pytest.approx(counted(here), abs=1e-9)
    ended()
    assert caplog.text.count("cannot measure every setting") == 1


def test_no_more_grids_and_counts_are_kept_than_wanted(context, monkeypatch):
    monkeypatch.setattr(setting_metrics, "MAX_GRIDS", 2)
    monkeypatch.setattr(setting_metrics, "MAX_COUNTED", 3)
    grids = setting_metrics.Grids()
    for n_probes in (1, 2, 3):
        grids.of(context(1, 1, n_probes))
    assert [grids.known(context(1, 1, n_probes)) is None for n_probes in (1, 2, 3)] == [True, False, False]
    for n_probes in range(1, 11):
        grids.request(context(1, 1, n_probes))
        assert len(grids._searched) <= 4


@pytest.mark.parametrize("setting", SETTINGS)
def test_one_more_table_adds_the_difference_of_two_settings_and_the_last_table_adds_none(context, setting):
    here = context(*setting)
    more = setting_metrics.one_more_table(here, setting_metrics.measure(here))
    n_tables, *others = setting
    if n_tables == 8:
        assert more is None
    else:
        assert more == pytest.approx(np.subtract(counted(context(n_tables + 1, *others)), counted(here)), abs=1e-9)


def test_without_validation_queries_clips_of_the_collection_are_left_out_of_their_own_answers(tmp_path):
    dataset = open_dataset(write_small(tmp_path / "small", {"train": 40, "test": 5}))
    X = dataset.features("train")
    index = LSHIndex("cosine", n_tables=2, n_bits=4).fit(X)
    now = setting_metrics.measure(PageContext(Settings(n_tables=2, n_bits=4), dataset, index))
    found, truth = index.search(X, 40, 2, 4, 1).ids, index.exact.search(X, 40).ids
    hits = [
        len({*[i for i in found[q] if i not in {q, -1}][:10]} & {*[i for i in truth[q] if i != q][:10]})
        for q in range(40)
    ]
    assert (now.split, now.n_queries) == ("train", 40)
    assert now.recall == pytest.approx(np.mean(hits) / 10)
    assert now.candidate_fraction == pytest.approx(((found >= 0).sum(axis=1) - 1).mean() / 39)


def test_the_recall_grid_is_that_of_the_index_the_sample_and_the_probes(context):
    here = context(1, 1, 3)
    grid, sample = setting_metrics.recall_grid_for(here), sample_for(here)
    assert (grid.n, grid.k, grid.n_probes, len(grid.hits)) == (300, 10, 3, 30)
    found = here.index.search(sample.queries, 10, 5, 7, 3)
    assert np.array_equal(grid.looked_at[:, 4, 6], found.n_candidates)


def test_a_single_clip_has_no_metrics(tmp_path):
    dataset = open_dataset(write_small(tmp_path / "small", {"train": 1}))
    index = LSHIndex("cosine", n_tables=2, n_bits=4).fit(dataset.features("train"))
    assert setting_metrics.measure(PageContext(Settings(n_tables=2, n_bits=4), dataset, index)) is None


def test_each_setting_seed_metric_and_width_has_its_own_times(context, monkeypatch):
    keys = set()
    monkeypatch.setattr(stopwatch.Stopwatch, "times", lambda _, key, measure: keys.add(key))
    here = context(4, 5, 1)
    other_index = LSHIndex(here.settings.metric, n_tables=8, n_bits=12, bucket_width=3.0, family=None)
    variants = [
        here,
        *(replace(here, settings=replace(here.settings, **{name: 2})) for name in ("n_tables", "n_bits", "n_probes")),
        replace(here, settings=replace(here.settings, seed=4)),
        replace(
            here, settings=replace(here.settings, metric={"cosine": "euclidean"}.get(here.settings.metric, "cosine"))
        ),
    ]
    if here.settings.metric == "euclidean":
        variants.append(replace(here, index=other_index.fit(here.dataset.features("train"))))
    for variant in variants:
        setting_metrics.times(variant)
        setting_metrics.times(variant)
    assert len(keys) == len(variants)


def test_the_setting_in_force_and_exact_search_are_timed_on_the_validation_queries(context, monkeypatch):
    here, searched, this = context(4, 5, 3), [], threading.current_thread()

    def search_times(search, exact, queries, split, own_clock):
        assert own_clock is None
        if threading.current_thread() is this:  # not the stopwatch, which may still measure for an earlier test
            searched.append((search(queries), exact(queries), queries, split))

    monkeypatch.setattr(setting_metrics, "search_times", search_times)
    monkeypatch.setattr(stopwatch.Stopwatch, "times", lambda _, __, measure: measure())
    setting_metrics.times(here)
    ((found, exact, queries, split),) = searched
    assert np.array_equal(queries, here.dataset.features("validation"))
    assert np.array_equal(found.ids, here.index.search(queries, 10, 4, 5, 3).ids)
    assert np.array_equal(exact.ids, here.index.exact.search(queries, 10).ids)
    assert split == "validation"


@pytest.mark.parametrize(("only", "k"), [("any:B", 10), ("not:B", 30), ("", 20), ("any:B;not:B", 10)])
@pytest.mark.parametrize("setting", SETTINGS[:3])
def test_under_a_filter_exact_search_among_what_it_allows_is_the_judge(context, setting, only, k):
    plain = context(*setting)
    here = replace(plain, settings=replace(plain.settings, only=only, k=k))
    labels = [here.dataset.clip("train", row).labels for row in range(ROWS["train"])]
    mask = np.array([not (("any:B" in only and 1 not in of) or ("not:B" in only and 1 in of)) for of in labels])
    measured = setting_metrics.measure(here)
    if not mask.any():
        assert measured is None
        return
    X, rows, s = np.asarray(here.dataset.features("train"), np.float64), np.flatnonzero(mask), here.settings
    recalls, shares = [], []
    for query in np.asarray(here.dataset.features("validation")):
        if s.metric == "cosine":
            distances = 1 - X @ query / (np.linalg.norm(X, axis=1) * np.linalg.norm(query))
        else:
            distances = np.linalg.norm(X - query, axis=1)
        nearest = set(rows[np.argsort(distances[rows], kind="stable")[:k]].tolist())
        allowed = mask if only else None
        found = here.index.search(query[None], k, s.n_tables, s.n_bits, s.n_probes, allowed=allowed)
        recalls.append(len(nearest & set(found.ids[0].tolist())) / len(nearest))
        shares.append(found.n_candidates[0] / len(rows))
    assert (measured.recall, measured.candidate_fraction) == pytest.approx(
        (np.mean(recalls), np.mean(shares)), abs=1e-9
    )


def test_times_under_a_filter_are_not_stored_among_those_of_the_whole_collection(context, monkeypatch):
    keys = []
    monkeypatch.setattr(stopwatch.Stopwatch, "times", lambda watch, key, measure: keys.append(key))
    here = context(4, 5, 1)
    for settings in (here.settings, replace(here.settings, only="any:B"), replace(here.settings, k=20)):
        setting_metrics.times(replace(here, settings=settings))
    assert [key.is_kept for key in keys] == [True, False, False]
    assert len({key.fingerprint for key in keys}) == 3
