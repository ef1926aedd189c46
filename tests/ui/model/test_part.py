"""The part of a large collection in which every setting is measured."""

from dataclasses import replace

import numpy as np
import pytest

import lsh
from data_prep.dataset import open_dataset
from lsh import LSHIndex
from tests.ui.apptest import write_small
from ui.model import loading, recall_grid, setting_metrics, stopwatch
from ui.model import part as parts
from ui.model.loading import PageContext
from ui.model.state import Settings

ROWS = {"train": 900, "validation": 20, "test": 5}
MAX_ROWS = 500


@pytest.fixture(autouse=True)
def _no_part(monkeypatch):
    monkeypatch.setattr(parts, "MAX_ROWS", MAX_ROWS)
    parts._parts.clear()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_small(tmp_path_factory.mktemp("made") / "small", ROWS))


def context_of(dataset, metric="cosine", n_probes=3):
    index = LSHIndex(metric, n_tables=8, n_bits=12, seed=3).fit(dataset.features("train"))
    return PageContext(Settings("small", metric, n_tables=4, n_bits=6, n_probes=n_probes, seed=3), dataset, index)


def part_of(context):
    parts.measure(context, loading.sample_for(context), lambda *_: None)
    return parts.known(context)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_in_a_part_each_query_finds_what_it_finds_in_the_whole_and_looks_at_about_the_same_share(dataset, metric):
    context = context_of(dataset, metric)
    part = part_of(context)
    assert part.index.n == len(part.rows) == MAX_ROWS
    assert np.array_equal(np.asarray(part.index.exact.X), dataset.features("train")[part.rows])
    true = loading.sample_for(context).truth.ids
    for n_probes in (1, 3):
        here = part.recall_grid(n_probes)
        whole = lsh.recall_grid(context.index, part.queries, 10, n_probes)
        assert np.array_equal(here.hits, whole.hits)
        assert np.abs(here.candidate_fraction - whole.candidate_fraction).max() < 0.03
        found = context.index.search(part.queries, whole.n, 4, 6, n_probes)
        others = [
            len(set(ids[:n]) & set(part.rows) - set(near))
            for ids, n, near in zip(found.ids, found.n_found, true, strict=True)
        ]
        assert here.looked_at[:, 3, 5].tolist() == others


def test_settings_measured_in_a_part_have_the_labels_of_its_clips(dataset):
    context = context_of(dataset)
    part = part_of(context)
    view, whole = recall_grid.measure(context, part), recall_grid.measure(context)
    assert (view.index, whole.index) == (part.index, context.index)
    labels = [dataset.clip("train", row).labels for row in part.rows.tolist()]
    assert np.split(view.labels.values, view.labels.offsets[1:-1])[: len(labels)] == [list(own) for own in labels]
    assert whole.labels.n_rows == ROWS["train"]
    assert view.with_probes(5).recall.tolist() == whole.with_probes(5).recall.tolist()


def test_a_collection_of_copies_has_a_part_of_the_same_size(tmp_path):
    features = np.ones((925, 12), np.float32)
    context = context_of(open_dataset(write_small(tmp_path / "copies", ROWS, features)))
    part = part_of(context)
    assert part.index.n == MAX_ROWS
    assert (part.recall_grid(1).recall == 1).all()


def test_one_part_is_kept_and_it_is_ready_for_the_probes_that_were_measured(dataset):
    one, other = context_of(dataset), context_of(dataset, "euclidean")
    assert parts.known(one) is None
    first = part_of(one)
    more = replace(one, settings=replace(one.settings, n_probes=5))
    assert parts.known(more) is None
    assert part_of(more) is first
    assert part_of(other) is not None
    assert parts.known(one) is None


def test_times_in_a_part_are_kept_apart_from_those_in_the_whole(dataset, monkeypatch):
    context, keys = context_of(dataset), []
    monkeypatch.setattr(stopwatch.Stopwatch, "times", lambda _, key, measure: keys.append((key, measure())))
    part = part_of(context)
    for index in (None, context.index, part.index):
        setting_metrics.times(context, index)
    (whole, _), (same, _), (apart, times) = keys
    assert whole == same
    assert whole.fingerprint != apart.fingerprint  # exact search has one time for each
    assert times.n_queries == 20


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_in_a_part_clips_that_are_queries_are_left_out_of_their_own_answers(tmp_path, metric):
    dataset = open_dataset(write_small(tmp_path / "small", {"train": 900, "validation": 0, "test": 0}))
    context = context_of(dataset, metric)
    every = loading.sample_for(context)
    sample = replace(every, rows=every.rows[:15], queries=every.queries[:15], truth=every.truth.part(0, 15))
    parts.measure(context, sample, lambda *_: None)
    part = parts.known(context)
    assert np.array_equal(part.rows[part.own_rows], sample.own_rows)
    whole = lsh.recall_grid(context.index, sample.queries, 10, 3, sample.own_rows)
    assert np.array_equal(part.recall_grid(3).hits, whole.hits)
