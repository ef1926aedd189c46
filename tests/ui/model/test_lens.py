"""The lens: exact neighbours alone where exact search is as fast, and what LSH finds on request."""

import dataclasses

import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from lsh.analysis.timing import SearchTimes
from tests.ui.apptest import component, words
from ui.model import lens, loading, setting_metrics
from ui.model.loading import PageContext
from ui.model.state import Settings

N = 400  # clips in the index of the collection


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(lens, "SMALL", N)


@pytest.fixture
def context(collection):
    dataset = open_dataset(collection)
    return PageContext(Settings(), dataset, LSHIndex(n_tables=2, n_bits=2).fit(dataset.features("train")))


def times(ms, exact_ms, spread=0.1):
    return SearchTimes(ms, exact_ms, spread, 20, "validation", 5, "a processor")


@pytest.mark.parametrize(
    ("known", "size_rule", "optional"),
    [
        (times(1.0, 1.2), N, False),
        (times(1.2, 1.0), N - 1, True),
        (times(1.0, 1.05), N, True),
        (times(1.0, 1.05), N - 1, False),
        (None, N, True),
        (None, N - 1, False),
    ],
)
def test_times_decide_beyond_their_spread_and_otherwise_the_size(context, monkeypatch, known, size_rule, optional):
    monkeypatch.setattr(lens, "SMALL", size_rule)
    monkeypatch.setattr(setting_metrics, "known_times", lambda _: known)
    assert lens.is_optional(context) is optional


def test_the_times_are_those_of_the_default_setting_and_the_decision_stays(context, monkeypatch):
    asked = []
    monkeypatch.setattr(setting_metrics, "known_times", lambda c: asked.append(c.settings) or times(1.0, 2.0))
    moved = dataclasses.replace(context, settings=Settings(n_tables=3, n_bits=20, n_probes=2, seed=5))
    assert not lens.is_optional(moved)
    monkeypatch.setattr(setting_metrics, "known_times", lambda _: times(2.0, 1.0))
    assert not lens.is_optional(context)
    assert [(s.n_tables, s.n_bits, s.n_probes) for s in asked] == [context.index.default_setting]


def test_a_small_collection_opens_on_exact_neighbours_without_a_word_about_lsh(sounds, app, small):
    app.run()
    assert not app.exception
    assert set(component(app, "neighbours")["lists"]) == {"exact"}
    assert "sounds most like yours" in words(app)
    assert "LSH" not in words(app)
    assert not app.metric
    assert app.toggle(key="lens").value is False


def test_the_switch_shows_what_lsh_finds_on_the_list_that_was_open_and_is_in_the_link(sounds, app, small):
    app.run()
    before = component(app, "neighbours")["lists"]["exact"]
    app.toggle(key="lens").set_value(True).run()
    shown = component(app, "neighbours")
    assert shown["view"] == "exact"
    assert shown["lists"]["exact"] == before
    assert set(shown["lists"]) == {"found", "exact", "missed"}
    assert "For your sound, LSH looked at" in words(app)
    assert len(app.metric) == 4
    assert app.query_params["lens"] == "on"
    app.toggle(key="lens").set_value(False).run()
    assert set(component(app, "neighbours")["lists"]) == {"exact"}
    assert app.query_params["lens"] == "off"


@pytest.mark.parametrize(
    ("link", "view"),
    [
        ({"view": "found"}, "found"),
        ({"view": "missed"}, "missed"),
        ({"L": "9", "K": "7"}, "exact"),
        ({"probes": "3"}, "exact"),
        ({"lens": "on", "view": "found"}, "found"),
    ],
)
def test_a_link_that_names_a_list_or_a_setting_switches_the_lens_on(sounds, app, small, link, view):
    app.query_params.update(link)
    app.run()
    assert app.toggle(key="lens").value is True
    assert component(app, "neighbours")["view"] == view


def test_a_link_that_names_the_default_setting_switches_the_lens_on(sounds, app, small):
    default = loading.index_for(sounds, Settings()).default_setting
    app.query_params["L"] = str(default.n_tables)
    for _ in range(2):
        app.run()
        assert app.slider(key="L").value == default.n_tables
        assert app.toggle(key="lens").value is True


def test_a_link_may_leave_the_lens_off(sounds, app, small):
    app.query_params.update({"L": "9", "lens": "off"})
    app.run()
    assert app.toggle(key="lens").value is False
    assert app.slider(key="L").value == 9


def test_a_slider_that_returns_to_its_default_keeps_the_lens_on(sounds, app, small):
    app.query_params.update({"L": "9"})
    app.run()
    app.slider(key="L").set_value(20).run()
    assert app.toggle(key="lens").value is True


def test_a_large_collection_has_no_switch(sounds, app):
    app.query_params["lens"] = "off"
    app.run()
    assert not app.toggle
    assert component(app, "neighbours")["view"] == "found"
    assert len(app.metric) == 4
