"""The page Listen: search, lists of neighbours, filters and the trail."""

import shutil
from urllib.parse import parse_qs

import pytest
import streamlit as st

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from tests.ui.apptest import choose, component, words, write_small
from ui.model import clip_search, loading
from ui.model.state import Settings


def test_a_first_visit_shows_a_clip_its_neighbours_and_four_numbers(sounds, app):
    app.run()
    assert not app.exception
    query, cards = component(app, "query"), component(app, "neighbours")
    assert sounds.find_clip(query["clip"]["id"]).split == "test"
    assert len(cards["lists"]["exact"]) == 10
    assert [metric.label for metric in app.metric] == [
        "recall@10, average",
        "looked at, average",
        "time per query",
        "index",
    ]
    assert "For your sound, LSH looked at" in words(app)
    assert app.title[0].value == "Hear what sounds alike"


def test_the_first_clip_is_always_the_same(sounds, app, root):
    first = component(app.run(), "query")["clip"]["id"]
    again = type(app).from_file(str(root / "app.py"), default_timeout=120).run()
    assert component(again, "query")["clip"]["id"] == first


@pytest.mark.parametrize("setting", [("metric", "euclidean"), ("seed", "7"), ("L", "2")])
def test_the_first_clip_stays_when_the_setting_moves(sounds, app, root, setting):
    first = component(app.run(), "query")["clip"]["id"]
    again = type(app).from_file(str(root / "app.py"), default_timeout=120)
    again.query_params[setting[0]] = setting[1]
    assert component(again.run(), "query")["clip"]["id"] == first


def test_a_link_that_names_its_clip_builds_no_index_but_its_own(sounds, app, monkeypatch):
    built = []
    fit = LSHIndex.fit
    monkeypatch.setattr(LSHIndex, "fit", lambda index, X: built.append(index.params.seed) or fit(index, X))
    st.cache_resource.clear()
    app.query_params.update({"clip": sounds.clip("test", 3).clip_id, "seed": "77"})
    assert component(app.run(), "query")["clip"]["id"] == sounds.clip("test", 3).clip_id
    assert built == [77]


def test_found_and_missed_make_up_the_exact_neighbours(sounds, app):
    app.query_params["K"] = "20"
    lists = component(app.run(), "neighbours")["lists"]
    assert lists["missed"]
    assert set(lists["missed"]) == set(lists["exact"]) - set(lists["found"])


def test_a_link_opens_the_clip_and_the_setting_it_names(sounds, app):
    clip = sounds.clip("validation", 3)
    app.query_params["clip"] = clip.clip_id
    app.query_params["L"] = "5"
    app.run()
    assert component(app, "query")["clip"]["id"] == clip.clip_id
    assert app.slider(key="L").value == 5


@pytest.mark.parametrize("linked", [True, False])
def test_a_link_to_the_map_names_the_sound_whether_the_address_does_or_not(sounds, app, linked):
    if linked:
        app.query_params["clip"] = sounds.clip("validation", 3).clip_id
    clip = component(app.run(), "query")["clip"]["id"]
    link = next(link.proto for link in app.get("page_link") if link.proto.label == "See it on the map")
    assert (link.page, parse_qs(link.query_string)["clip"]) == ("map", [clip])


def test_a_query_from_the_collection_is_not_its_own_neighbour(sounds, app):
    clip = sounds.clip("train", 7)
    app.query_params["clip"] = clip.clip_id
    app.query_params["K"] = "1"
    lists = component(app.run(), "neighbours")["lists"]
    assert clip.clip_id not in lists["found"] + lists["exact"]
    assert len(lists["found"]) == len(lists["exact"]) == 10


def test_an_unknown_clip_in_the_link_is_named_and_another_one_shown(sounds, app):
    app.query_params["clip"] = "nobody-1"
    app.run()
    assert not app.exception
    assert "nobody" in app.info[0].value
    assert sounds.find_clip(component(app, "query")["clip"]["id"])


def test_values_out_of_range_in_the_link_fall_back_to_the_default(sounds, app):
    app.query_params["K"] = "99"
    app.run()
    default = loading.index_for(sounds, Settings()).default_setting
    assert app.slider(key="K").value == default.n_bits
    assert "K\\=99" in app.toast[0].value


def test_too_few_neighbours_offer_a_setting_that_finds_more(sounds, app):
    app.query_params["K"] = "24"
    app.query_params["L"] = "1"
    app.run()
    found = len(component(app, "neighbours")["lists"]["found"])
    assert found < 10
    said = f"Only {found} of 10: the buckets held no more clips." if found else "Fewer bits make buckets larger."
    assert said in words(app)
    app.button(key="offer K").click().run()
    assert app.slider(key="K").value == 16


def test_looking_at_most_of_the_collection_offers_better_settings(sounds, app):
    app.query_params["K"] = "1"
    app.run()
    assert "no shortcut" in words(app)
    app.button(key="offer K").click().run()
    assert app.slider(key="K").value == 5


def test_the_effect_of_one_more_table_is_given_until_the_last(sounds, app):
    assert "On average, one more table would change: +" in words(app.run())
    assert "points recall" in words(app)
    app.slider(key="L").set_value(32).run()
    assert "All 32 tables" in words(app)


def test_surprise_me_brings_another_clip(sounds, app):
    app.run()
    seen = {component(app, "query")["clip"]["id"]}
    for _ in range(6):
        next(button for button in app.button if button.label == "Surprise me").click().run()
        seen.add(component(app, "query")["clip"]["id"])
    assert len(seen) > 2
    assert len(component(app, "query")["trail"]) > 1


def test_searching_a_label_in_any_case_lists_the_clips_that_have_it(sounds, app):
    before = component(app.run(), "query")["clip"]["id"]
    choose(app, clip_search.resolve(sounds, f"first~{sounds.label_names[2].upper()}"))
    listed = component(app, "clip_list")["order"]
    assert len(listed) == 10
    assert all(2 in sounds.find_clip(clip_id).labels for clip_id in listed)
    with_label = sum(int(sounds.label_counts(split)[2]) for split in ("train", "validation", "test"))
    assert f"{with_label} clips match" in words(app)
    assert component(app, "query")["clip"]["id"] == before
    next(button for button in app.button if button.label == "Any of them").click().run()
    assert 2 in sounds.find_clip(component(app, "query")["clip"]["id"]).labels
    next(button for button in app.button if button.label == "Close the list").click().run()
    assert "match" not in words(app)


def test_more_of_the_clips_that_match_are_listed_ten_at_a_time_until_another_text_is_searched(sounds, app):
    app.run()
    choose(app, f"label={sounds.label_names[2]}")
    first = component(app, "clip_list")["order"]
    for length in (20, 30):
        next(button for button in app.button if button.label == "Show 10 more").click().run()
        assert not app.exception
        assert len(component(app, "clip_list")["order"]) == length
    assert component(app, "clip_list")["order"][:10] == first
    choose(app, f"label={sounds.label_names[3]}")
    assert len(component(app, "clip_list")["order"]) == 10


def test_a_link_lists_what_was_found_until_the_list_is_closed_or_a_clip_is_chosen(sounds, app):
    app.query_params["find"] = f"label={sounds.label_names[2]}"
    app.run()
    assert component(app, "search")["text"] == sounds.label_names[2]
    assert component(app, "search")["said"].endswith(f"clips match “{sounds.label_names[2]}”")
    next(button for button in app.button if button.label == "Any of them").click().run()
    assert app.query_params["find"] == f"label={sounds.label_names[2]}"
    next(button for button in app.button if button.label == "Close the list").click().run()
    assert not component(app, "search")["text"]
    assert not app.query_params.get("find")


def test_a_page_without_a_search_searches_nothing(app, monkeypatch):
    monkeypatch.setattr(clip_search, "list_clips", None)
    monkeypatch.setattr(clip_search, "suggest", None)
    assert not app.run().exception


def test_a_search_without_a_hit_says_so(sounds, app):
    app.run()
    choose(app, "first~*nobody*")
    assert "Nothing here is called" in words(app)
    assert not app.exception


def test_euclidean_distance_answers_too(sounds, app):
    app.query_params["metric"] = "euclidean"
    app.run()
    assert not app.exception
    cards = component(app, "neighbours")
    assert "Euclidean distance" in cards["cards"][cards["lists"]["exact"][0]]["distance"]["text"]


def test_the_width_that_the_data_suggests_is_shown_and_can_be_overridden(sounds, app):
    app.query_params["metric"] = "euclidean"
    suggested = next(caption.value for caption in app.run().caption if caption.value.startswith("w is"))
    app.number_input(key="w").set_value(9.0).run()
    assert suggested.endswith("from the data.")
    assert "w is 9, yours." in words(app)


def test_a_width_that_cannot_be_used_says_so_and_offers_the_way_back(sounds, app):
    app.query_params["metric"] = "euclidean"
    app.query_params["w"] = "1e-30"
    app.run()
    assert not app.exception
    assert "bucket width cannot be used" in words(app)
    next(button for button in app.button if "data suggests" in button.label).click().run()
    assert len(component(app, "neighbours")["lists"]["exact"]) == 10


def test_without_data_the_page_says_what_to_do(home, app):
    app.run()
    assert not app.exception
    assert "No sounds yet" in words(app)
    assert "python -m data_prep sample" in app.code[0].value


@pytest.mark.parametrize("harm", ["missing", "cut", "not json", "changed table"])
def test_a_damaged_collection_gives_a_page_that_names_the_file_and_the_way_out(sounds, home, app, harm):
    train, manifest, clips = (home / "sample" / name for name in ("train.npy", "manifest.json", "clips.parquet"))
    if harm == "missing":
        train.unlink()
    elif harm == "cut":
        train.write_bytes(train.read_bytes()[:100])
    elif harm == "not json":
        manifest.write_text("{")
    else:
        clips.write_bytes(clips.read_bytes()[:-9] + bytes(9))
    app.run()
    assert not app.exception
    assert "cannot be opened" in words(app)
    assert "python -m data_prep verify" in app.code[0].value


def test_a_damaged_collection_leaves_the_others_within_reach(sounds, home, app):
    shutil.copytree(home / "sample", home / "broken")
    (home / "broken" / "test.npy").unlink()
    app.query_params["dataset"] = "broken"
    app.run()
    assert "cannot be opened" in words(app)
    app.selectbox(key="dataset").set_value("sample").run()
    assert component(app, "query")["clip"]["id"]


def test_the_logo_needs_no_font(root):
    assert "<text" not in (root / "ui" / "assets" / "logo.svg").read_text()


def test_the_collections_that_come_with_the_app_are_offered_in_one_line_with_their_counts(home, app, root):
    write_small(home / "sample", {"train": 30, "test": 2})
    write_small(home / "audioset-small", {"train": 1200, "test": 2})
    write_small(home / "mine", {"train": 30})
    assert "**32 sounds made for you, offline**" in words(app.run())
    app.button("open audioset-small").click().run()
    assert app.query_params["dataset"] == "audioset-small"
    assert "**1,202 clips of YouTube**" in words(app)
    app.button("open sample").click().run()
    assert "**32 sounds made for you, offline**" in words(app)
    for dataset, offered in (("audioset-small", True), ("mine", False)):
        app = type(app).from_file(str(root / "app.py"), default_timeout=120)
        app.query_params["dataset"] = dataset
        assert ("**1,202 clips of YouTube**" in words(app.run())) is offered
        assert any("made for you" in button.label for button in app.button) is offered


@pytest.fixture
def videos(home):
    """Put a collection of videos beside the sample, which opens first, and return it opened."""
    write_small(home / "sample", {"train": 30, "test": 2})
    return open_dataset(write_small(home / "videos", {"train": 200, "test": 12}, media="youtube"))


def test_clips_that_cannot_be_played_are_hidden_by_a_switch_that_the_address_keeps(videos, app):
    app.query_params["dataset"] = "videos"
    app.run()
    assert not component(app, "neighbours")["hides_unplayable"]
    app.toggle(key="hides unplayable").set_value(True).run()
    assert app.query_params["hide"] == "unplayable"
    assert component(app, "neighbours")["hides_unplayable"]
    choose(app, "id~clip-000")
    assert component(app, "clip_list")["hides_unplayable"]
    app.toggle(key="hides unplayable").set_value(False).run()
    assert not component(app, "neighbours")["hides_unplayable"]
    assert not component(app, "clip_list")["hides_unplayable"]


def test_a_link_that_hides_what_cannot_be_played_does_so_and_a_collection_of_other_media_has_no_switch(videos, app):
    app.query_params.update({"dataset": "videos", "hide": "unplayable"})
    app.run()
    assert app.toggle(key="hides unplayable").value
    assert component(app, "neighbours")["hides_unplayable"]
    app.selectbox(key="dataset").set_value("sample").run()
    assert not app.exception
    assert "hides unplayable" not in [toggle.key for toggle in app.toggle]
    app.selectbox(key="dataset").set_value("videos").run()
    assert app.toggle(key="hides unplayable").value


@pytest.mark.parametrize("searched", [False, True])
def test_surprise_me_passes_over_videos_that_cannot_be_played(videos, app, searched):
    playable = videos.clip("test", 7)
    app.query_params["dataset"] = "videos"
    if searched:
        app.query_params["find"] = f"label~{videos.label_names[1]}"
    known = [videos.clip(split, row) for split, n in (("test", 12), ("train", 200)) for row in range(n)]
    app.session_state["unplayable"] = frozenset(clip.media for clip in known if clip != playable)
    app.run()
    next(button for button in app.button if button.label in {"Surprise me", "Any of them"}).click().run()
    assert component(app, "query")["clip"]["id"] == playable.clip_id
    app.session_state["unplayable"] = frozenset(clip.media for clip in known)
    next(button for button in app.button if button.label in {"Surprise me", "Any of them"}).click().run()
    assert not app.exception


def test_surprise_me_and_exports_pass_over_clips_that_the_visitor_hides(videos, app):
    shown = videos.clip("test", 7).clip_id
    known = [videos.clip(split, row).clip_id for split, n in (("test", 12), ("train", 200)) for row in range(n)]
    app.query_params["dataset"] = "videos"
    app.session_state["hidden"] = ("videos", frozenset(known) - {shown})
    app.run()
    assert component(app, "neighbours")["knows_hidden"]
    next(button for button in app.button if button.label == "Surprise me").click().run()
    assert component(app, "query")["clip"]["id"] == shown
