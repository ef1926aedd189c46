"""The page Inside: its steps."""

import numpy as np
import pytest
import streamlit as st

from lsh.analysis import inspecting
from tests.ui.apptest import opened, said, write_small
from ui.model import loading, query_view
from ui.model.answer import answer
from ui.model.loading import PageContext
from ui.model.state import Settings
from ui.pages.inside import distances, sketches
from ui.pages.inside import page as inside_page

ROWS = {"train": 500, "validation": 40, "test": 6}
NAMES = [step.name for step in inside_page.STEPS]
BOTH = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


@pytest.fixture
def small(home):
    return write_small(home / "small", ROWS)


def walk(app):
    """Press Next until the last step; yield the app at each."""
    for at, name in enumerate(NAMES):
        assert not app.exception, name
        assert app.header[0].value.startswith(f"{at + 1} of "), name
        yield app
        if name != NAMES[-1]:
            app.button(key="step next").click().run()


@BOTH
def test_every_step_draws_under_both_distances_with_alternative_texts(small, metric):
    for app in walk(opened("inside", metric=metric, K="4", L="6")):
        assert all(len(chart.proto.alt) > 40 for chart in app.get("plotly_chart"))


@pytest.mark.parametrize("setting", [{"K": "24", "L": "1"}, {"K": "1", "L": "32"}, {"K": "6", "probes": "16"}])
def test_every_step_draws_at_the_ends_of_the_sliders(small, setting):
    assert len(list(walk(opened("inside", **setting)))) == len(inside_page.STEPS)


@BOTH
def test_every_step_draws_for_a_handful_of_identical_clips_without_a_validation_split(home, metric):
    rows = {"train": 3, "validation": 0, "test": 1}
    write_small(home / "small", rows, features=np.full((4, 12), 0.5, np.float32))
    assert len(list(walk(opened("inside", metric=metric)))) == len(inside_page.STEPS)


def test_an_unknown_step_in_the_link_opens_the_first(small):
    assert opened("inside", step="Nonsense").header[0].value.startswith("1 of ")


@pytest.mark.parametrize(("former", "name"), [("Chances", "S-curve"), ("Crowds", "Bucket sizes")])
def test_a_link_with_the_former_name_of_a_step_opens_it(former, name):
    app = opened("inside", step=former)
    assert not app.exception
    assert app.get("button_group")[0].value == name
    assert app.header[0].value.startswith(f"{NAMES.index(name) + 1} of ")


def test_a_button_leads_back_to_the_step_before(small):
    app = opened("inside", step=NAMES[3])
    app.button(key="step previous").click().run()
    assert app.header[0].value.startswith("3 of ")


def context_at(path, **settings):
    dataset = loading.dataset_at(path)
    s = Settings(dataset="small", **settings)
    return PageContext(s, dataset, loading.index_for(dataset, s))


def test_the_key_and_the_bucket_on_the_page_are_those_of_the_index(small):
    context, table = context_at(small, n_tables=4, n_bits=5), 2
    clip = context.dataset.find_clip("clip-0541")
    query = context.dataset.features("test")[clip.row]
    key = "".join(map(str, inspecting.key_of(context.index, query, table, 5).symbols))
    members = inspecting.walk(context.index, query, 4, 5)[table][0].ids
    app = opened("inside", step="Key", L="4", K="5", clip="clip-0541")
    app.number_input(key="table").set_value(table + 1).run()
    assert f"In table 3 the key of your sound is **{key}**" in said(app)
    app.button(key="step next").click().run()
    assert f"In table 3 your sound shares its bucket with {len(members)} clip" in said(app)


def test_the_misses_on_the_page_are_those_of_the_search(small):
    context = context_at(small, n_tables=2, n_bits=7)
    found = answer(context, context.dataset.find_clip("clip-0542"))
    assert found.missed
    app = opened("inside", step="Missed", L="2", K="7", probes="1", clip="clip-0542")
    assert f"**{len(found.missed)} of the 10 nearest were missed**" in said(app)


def test_where_nothing_is_missed_the_page_says_so(small):
    one = said(opened("inside", step="Missed", L="32", K="1", probes="1"))
    assert "Nothing is missed: all 10 nearest share at least one whole key with your sound." in one
    two = said(opened("inside", step="Missed", L="32", K="1", probes="2"))
    assert "Nothing is missed: all 10 nearest are in at least one probed bucket." in two


def test_a_table_beyond_the_ones_in_use_becomes_the_last(small):
    app = opened("inside", step="Key", L="9")
    app.number_input(key="table").set_value(9).run()
    app.slider(key="L").set_value(2).run()
    assert not app.exception
    assert app.number_input(key="table").value == 2


def test_more_probes_than_buckets_are_accepted(small):
    app = opened("inside", step="Probes", K="1", probes="16")
    assert not app.exception
    assert "(yours)" in said(app)


def test_raw_codes_are_looked_at_more_than_centred_ones(small):
    table = opened("inside", step="Mean-centring", K="6").table[0].value
    looked_at = [float(share.split()[0]) for share in table["looked at"]]
    assert looked_at[0] < looked_at[2]


def test_a_clip_of_the_collection_is_not_counted_in_its_own_bucket(small):
    app = opened("inside", step="Buckets", clip="clip-0007", L="1", K="1")
    context = context_at(small)
    members = inspecting.walk(context.index, context.dataset.features("train")[7], 1, 1)[0][0].ids
    assert f"shares its bucket with {len(members) - 1} clips" in said(app)


def test_of_many_candidates_a_part_is_sketched_and_all_are_counted(small, monkeypatch):
    monkeypatch.setattr(sketches, "MAX_CANDIDATES", 50)
    clip = loading.dataset_at(small).clip("test", 0)
    app = opened("inside", step="Sketches", L="8", K="3", probes="1", clip=clip.clip_id)
    looked_at = answer(context_at(small, n_tables=8, n_bits=3), clip).n_candidates
    part = f"Drawn are 50 of the {looked_at:,} candidates, evenly spaced."
    assert f"{part} Of these **40 are re-ranked**, 80 %." in said(app)


def test_of_many_clips_a_part_is_measured_and_indexed_again(small, monkeypatch):
    assert "Drawn are" not in said(opened("inside", step="S-curve"))
    assert "Drawn are" not in said(opened("inside", step="Mean-centring"))
    st.cache_resource.clear()
    monkeypatch.setattr(query_view, "MAX_ROWS", 90)
    monkeypatch.setattr(distances, "MAX_ROWS", 80)
    assert "Drawn are 90 of the 500 clips, evenly spaced." in said(opened("inside", step="S-curve"))
    assert "Drawn are 80 of the 500 clips, evenly spaced." in said(opened("inside", step="Mean-centring"))


def test_a_large_collection_without_the_index_of_the_other_distance_says_how_to_save_it(small, monkeypatch):
    monkeypatch.setattr(loading, "MAX_BUILT_ROWS", 499)
    app = opened("inside", step="Distances")
    assert not app.exception
    assert "The Euclidean side is not drawn" in said(app)
    assert "python -m lsh build small --metric euclidean" in said(app)
    assert len(app.get("plotly_chart")) == len(app.table[0].value) == 1


def test_silence_cannot_be_a_query_under_cosine_and_the_page_says_so(home):
    features = np.zeros((6, 12), np.float32)
    features[:4] = np.eye(12)[:4]
    write_small(home / "small", {"train": 4, "validation": 0, "test": 2}, features=features)
    app = opened("inside", step="Distances", metric="euclidean")
    assert not app.exception
    assert "silence has no direction" in said(app)
    assert "cannot be a query" in opened("inside", step="Key", metric="cosine").warning[0].value
