"""Answers to one query: found, exact and missed neighbours."""

from dataclasses import replace

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from ui.model.answer import answer, exact_answer_to, first_clip, query_of
from ui.model.loading import DatasetContext, PageContext
from ui.model.state import Settings
from ui.widgets.cards import explain_match


@pytest.fixture(scope="module")
def context(collection):
    dataset = open_dataset(collection)
    index = LSHIndex(n_tables=32, n_bits=24).fit(dataset.features("train"))
    return PageContext(Settings(n_tables=6, n_bits=6), dataset, index)


def test_the_exact_neighbours_are_the_nearest_by_definition(context):
    clip = context.dataset.clip("test", 4)
    X, q = context.dataset.features("train").astype(np.float64), context.dataset.features("test")[4].astype(np.float64)
    distances = 1 - X @ q / np.linalg.norm(X, axis=1) / np.linalg.norm(q)
    assert answer(context, clip).exact.rows.tolist() == np.argsort(distances, kind="stable")[:10].tolist()


def test_found_clips_match_in_a_table_and_missed_clips_in_none(context):
    found = answer(context, context.dataset.clip("test", 2))
    assert all(found.matches[row].tables for row in found.found.rows.tolist())
    assert not any(found.matches[row].tables for row in found.missed)


def test_a_query_of_the_index_gets_ten_neighbours_besides_itself(context):
    clip = context.dataset.clip("train", 11)
    found = answer(context, clip)
    assert 11 not in found.exact.rows
    assert len(found.exact.rows) == 10


def test_row_0_of_the_collection_is_a_neighbour_as_any_other(context):
    near = int(context.index.exact.search(context.index.exact.X[:1], 2).ids[0, 1])
    found = answer(context, context.dataset.clip("train", near))
    assert 0 in context.index.exact.search(context.index.exact.X[near : near + 1], 11).ids
    assert 0 in found.exact.rows


def test_the_neighbours_of_the_first_clip_share_its_labels(context):
    clip = first_clip(context.dataset)
    exact = answer(context, clip).exact.rows.tolist()
    shared = [set(context.dataset.clip("train", row).labels) & set(clip.labels) for row in exact]
    assert all(shared)


def test_the_explanation_names_tables_and_probability(context):
    found = answer(context, context.dataset.clip("test", 2))
    match = found.matches[found.found.rows[0]]
    explanation = explain_match(match, context.settings, 0.1)
    assert str(match.tables[0]) in explanation
    assert f"{match.bit_probability:.2f}" in explanation
    assert "°" in explanation


@pytest.mark.parametrize(("only", "k", "n_hidden"), [("", 20, 0), ("all:{}", 10, 2), ("not:{}", 30, 1)])
def test_without_an_index_the_same_clips_are_found_under_a_filter_and_without_those_hidden(context, only, k, n_hidden):
    name = context.dataset.label_names[1].replace("%", "%25").replace(":", "%3A")
    settings = replace(context.settings, only=only.format(name), k=k)
    query = query_of(context, context.dataset.clip("test", 3))
    first = exact_answer_to(replace(context, settings=settings), *query)
    hidden = frozenset(context.dataset.clip("train", int(row)).clip_id for row in first.rows[1 : 1 + n_hidden])
    with_index = exact_answer_to(replace(context, settings=settings, hidden=hidden), *query)
    without = exact_answer_to(DatasetContext(settings, context.dataset, hidden=hidden), *query)
    assert without.rows.tolist() == with_index.rows.tolist()
    assert without.passed_over == with_index.passed_over == n_hidden
    assert with_index.rows[: k - n_hidden].tolist() == np.delete(first.rows, np.arange(1, 1 + n_hidden)).tolist()
    assert len(with_index.rows) == k
