import numpy as np
import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from ui.model.answer import answer, first_clip
from ui.model.loading import PageContext
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
