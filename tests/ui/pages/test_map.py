"""The page around the map: what is sent and when, what the marks say, and that the words match them."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from data_prep.dataset.add_map import add_map
from lsh.sampling import evenly_spaced_rows
from tests.ui.apptest import alone
from ui.pages.map import map_data, texts
from ui.pages.map import page as map_page


@pytest.fixture(scope="module")
def with_map(collection, tmp_path_factory):
    """Return the collection with a map of its own."""
    folder = shutil.copytree(collection, tmp_path_factory.mktemp("made") / "with map")
    add_map(folder)
    return folder


@pytest.fixture
def app(sounds):
    return alone("map")


def sent(app):
    """Return what the map's component was given, and the names of the heavy tables beside it."""
    protos = [element.proto for element in app.get("bidi_component")]
    proto = next(proto for proto in protos if proto.component_name == "earshot.map")
    if proto.WhichOneof("data") == "mixed":
        data = json.loads(proto.mixed.json)
        return data, {name for name, value in data.items() if isinstance(value, dict) and len(value) == 1}
    return json.loads(proto.json), set()


def words(app):
    return " ".join(element.value for kind in (app.markdown, app.title, app.caption, app.info) for element in kind)


def test_the_points_are_sent_once_and_never_with_a_rerun(app):
    app.run()
    assert not app.exception
    data, tables = sent(app)
    assert tables == {"points"}
    assert data["map"]["starts"][-1] == 470
    app.slider(key="L").set_value(5).run()
    again, tables = sent(app)
    assert tables == set()
    assert "words" not in again
    assert len(json.dumps(again)) < 10_000


@pytest.mark.parametrize(("part", "expected"), [("points", {"points"}), ("names", {"ends", "labels"})])
def test_a_part_that_the_browser_requests_is_sent_once(app, part, expected):
    app.run()
    app.session_state["map part"] = part
    assert sent(app.run())[1] == expected
    assert sent(app.run())[1] == set()


def test_another_collection_sends_its_own_points(app, home, with_map):
    shutil.copytree(with_map, home / "other")
    app.run()
    app.selectbox(key="dataset").set_value("other").run()
    assert sent(app)[1] == {"points"}
    assert "t\\-SNE" in words(app)


def test_the_page_says_which_kind_of_map_it_is_and_that_the_search_does_not_use_it(app):
    said = words(app.run())
    assert "principal plane" in said
    assert "python -m data_prep map" in said
    assert "The search does not use it" in said


def test_the_marks_are_the_query_the_found_and_the_missed(app, sounds):
    app.query_params["K"] = "20"
    data, _ = sent(app.run())
    kinds = [mark["kind"] for mark in data["marks"]]
    assert kinds[0] == "query"
    assert kinds.count("missed") > 0
    exact = [mark for mark in data["marks"] if mark.get("exact")]
    assert len(exact) == 10
    assert all("of all" in mark["text"] for mark in exact)
    assert data["summary"].startswith("For your sound, LSH looked at")


def test_the_nearest_found_clip_is_drawn_last_so_that_it_lies_on_top(app):
    app.query_params["K"] = "1"
    marks = sent(app.run())[0]["marks"]
    assert marks[-1]["text"] == "found, nearest of all"


def test_candidates_are_sent_only_when_they_are_asked_for(app):
    assert sent(app.run())[0]["candidates"] == []
    app.toggle(key="candidates").set_value(True).run()
    data, _ = sent(app)
    assert len(data["candidates"]) > 10
    found = {mark["point"] for mark in data["marks"] if mark["kind"] == "found"}
    missed = {mark["point"] for mark in data["marks"] if mark["kind"] == "missed"}
    assert found <= set(data["candidates"])
    assert not missed & set(data["candidates"])


def test_a_chosen_label_and_its_count_are_sent(app, sounds):
    app.run()
    app.selectbox(key="label").set_value(sounds.label_names[2]).run()
    label = sent(app)[0]["label"]
    assert label["number"] == 2
    assert label["count"] == sum(int(sounds.label_counts(split)[2]) for split in ("train", "validation", "test"))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_query_may_be_of_any_split(app, sounds, split):
    clip = sounds.clip(split, 3)
    app.query_params["clip"] = clip.clip_id
    app.run()
    assert not app.exception
    mark = sent(app)[0]["marks"][0]
    assert mark["point"] == {"train": 0, "validation": 400, "test": 440}[split] + 3


def test_a_pressed_clip_has_a_card_that_says_what_it_is_to_your_sound(app, sounds):
    app.run()
    app.session_state["map picked"] = sounds.clip("validation", 1).clip_id
    data, _ = sent(app.run())
    card = data["cards"][data["picked"]["id"]]
    assert data["picked"]["point"] == 401
    assert card["outcome"] == "a query, not searched"
    assert (data["map"]["sounds"], data["map"]["starts"]) == (True, [0, 400, 440, 470])


def test_a_press_on_a_point_stores_its_clip_and_a_press_beside_all_stores_none(sounds, monkeypatch):
    stored = []
    monkeypatch.setattr(map_page.session, "MAP_PICKED", SimpleNamespace(set=stored.append))
    chart = map_data.map_of(sounds)
    for point in (401, None, "401"):
        map_page._select(SimpleNamespace(dataset=sounds), chart, point)
    assert stored == [sounds.clip("validation", 1).clip_id]


def test_label_and_candidates_are_in_the_link(app, sounds):
    app.query_params["label"], app.query_params["candidates"] = sounds.label_names[2], "true"
    data, _ = sent(app.run())
    assert not app.exception
    assert data["label"]["number"] == 2
    assert len(data["candidates"]) > 10


def test_a_map_that_flattens_does_not_promise_that_near_points_sound_alike(app, home, with_map):
    assert "sound like it" not in words(app.run())
    shutil.copytree(with_map, home / "sample", dirs_exist_ok=True)
    assert "near to those that sound like it" in words(alone("map").run())


def test_a_pressed_clip_of_another_collection_is_forgotten(app):
    app.run()
    app.session_state["map picked"] = "nobody-1"
    data, _ = sent(app.run())
    assert data["picked"] is None


def test_the_ten_nearest_stand_below_in_words(app, sounds):
    app.run()
    protos = [element.proto for element in app.get("bidi_component")]
    listed = next(json.loads(proto.json)[0] for proto in protos if proto.component_name == "earshot.clip_list")
    assert len(listed["order"]) == 10
    assert all("on the map" in card["outcome"] for card in listed["cards"].values())


def test_how_many_lie_nearer_on_the_map_is_counted_without_the_query_itself(sounds):
    chart = map_page.map_data.map_of(sounds)
    query = sounds.clip("train", 5)
    apart = np.linalg.norm(chart.places[:400].astype(float) - chart.places[5].astype(float), axis=1)
    nearest = np.argsort(apart, kind="stable")
    assert nearest[0] == 5
    assert texts.nearer_on_the_map(chart, sounds, query, nearest[[1, 7]]) == [0, 6]


def test_of_a_large_collection_the_clips_drawn_that_lie_nearer_are_counted(sounds, monkeypatch):
    monkeypatch.setattr(map_page.map_data, "MAX_POINTS", 280)
    chart = map_page.map_data._map_data.__wrapped__("part", sounds)
    query, rows = sounds.clip("train", 300), np.array([5, 310])
    places = np.array([chart.position(sounds, sounds.clip("train", row)) for row in range(400)], dtype=float)
    apart = np.linalg.norm(places - places[300], axis=1)
    expected = [int((apart[:210] < apart[row]).sum()) for row in rows]
    assert texts.nearer_on_the_map(chart, sounds, query, rows) == expected


def test_of_many_candidates_a_part_is_drawn_and_all_are_counted(app, monkeypatch):
    app.query_params["candidates"], app.query_params["K"] = "true", "2"
    everything = sent(app.run())[0]
    assert everything["lookedAt"] == len(everything["candidates"])
    monkeypatch.setattr(map_page, "MAX_CANDIDATES", 7)
    data, _ = sent(app.run())
    assert data["lookedAt"] == everything["lookedAt"]
    assert data["candidates"] == [everything["candidates"][i] for i in evenly_spaced_rows(data["lookedAt"], 7)]


def test_a_clip_that_cannot_be_searched_for_still_shows_the_map(app, monkeypatch):
    from lsh import LSHError

    def refuse(*_):
        raise LSHError("a query of zeros has no direction")

    monkeypatch.setattr(map_page, "look_up", refuse)
    app.run()
    assert not app.exception
    assert "cannot be a query" in app.warning[0].value
    data, tables = sent(app)
    assert tables == {"points"}
    assert [mark["kind"] for mark in data["marks"]] == ["query"]


def test_an_unknown_clip_in_the_link_is_named(app):
    app.query_params["clip"] = "nobody-1"
    app.run()
    assert "nobody" in app.info[0].value
