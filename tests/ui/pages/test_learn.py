"""The page Learn: its chapters."""

import shutil
from collections import Counter

import numpy as np
import pytest

from lsh.analysis import inspecting
from tests.ui import races
from tests.ui.apptest import alone, opened, said
from ui.model import loading, race_runs, session
from ui.model.loading import PageContext
from ui.model.query_view import look_up
from ui.model.state import Settings
from ui.pages.learn import basics, published
from ui.pages.learn import page as learn_page

NAMES = [chapter.name for chapter in learn_page.CHAPTERS]


@pytest.fixture
def small(collection, home):
    return shutil.copytree(collection, home / "small")


@pytest.mark.parametrize("chapter", NAMES)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_chapter_opens_at_both_distances(small, chapter, metric):
    app = opened("learn", chapter=chapter, metric=metric)
    assert not app.exception
    assert app.header[0].value == {name: question for name, question, *_ in learn_page.CHAPTERS}[chapter]
    assert all(len(chart.proto.alt) > 40 for chart in app.get("plotly_chart"))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_search_by_recall_alone_is_that_of_the_sound(small, split):
    dataset, own = loading.dataset_at(small), split == "train"
    clip = dataset.clip(split, 3).clip_id
    settings = Settings(dataset="small", clip=clip)
    context = PageContext(settings, dataset, loading.index_for(dataset, settings))
    view = look_up(context, dataset.find_clip(clip))
    assert (view.own_row >= 0) == own
    found = context.index.search(view.query[None], 10 + own, recall=0.9)
    found = found.without(np.array([view.own_row])) if own else found
    hits = np.isin(found.ids, view.answer.exact.rows).sum()
    app = opened("learn", chapter="More ideas", clip=clip)
    assert f"**{int(found.n_candidates[0]):,} clips**, with {hits} of the 10 nearest" in said(app)


def test_the_four_questions_are_asked_word_for_word():
    questions = [question for name, question, *_ in learn_page.CHAPTERS if name.startswith("Question")]
    assert questions == [
        "Which LSH parameters are optimal for audio retrieval?",
        "Can LSH outperform brute force in query time, and by how much?",
        "How does the quality of the neighbours compare to brute force?",
        "How should the ten 1-second embeddings of a clip become one vector?",
    ]


def test_each_question_can_be_reproduced(small):
    for chapter in NAMES[-4:]:
        app = opened("learn", chapter=chapter)
        assert "Reproduce" in [expander.label for expander in app.expander]
        assert app.code[0].value.startswith(("python -m ", "make answers"))


def test_a_race_of_this_visit_is_not_said_to_be_measured_in_advance(small):
    app = alone("learn", chapter=NAMES[-3])
    dataset = loading.dataset_at(small)
    app.session_state[session.RACES.name] = {"1": races.run(features=race_runs.features_of(dataset))}
    assert "Measured here: Some processor" in said(app.run())
    assert "Measured in advance" not in said(app)


def test_the_buttons_lead_through_all_chapters_and_back(small):
    app = opened("learn")
    seen = [app.session_state["chapter"]]
    while any(button.key == "chapter next" for button in app.button) and len(seen) <= len(NAMES):
        app.button(key="chapter next").click().run()
        seen.append(app.session_state["chapter"])
    assert seen == NAMES
    app.button(key="chapter previous").click().run()
    assert app.session_state["chapter"] == NAMES[-2]


def test_each_found_neighbour_is_marked_at_its_own_angle(small):
    settings, dataset = Settings("small", n_tables=3, n_bits=6), loading.dataset_at(small)
    context = PageContext(settings, dataset, loading.index_for(dataset, settings))
    orders = set()
    for row in range(10):
        view = look_up(context, dataset.clip("test", row))
        angles = basics.angles_of(view)
        each = inspecting.family_distance(view.index, view.query, view.true_rows)
        orders.add(tuple(np.argsort(each)))
        found = [angle for angle, was in zip(each, view.found, strict=True) if was]
        assert np.array(angles.nearest)[angles.found].tolist() == sorted(found)
    assert len(orders) > 1, "the order of the angles is that of the distances, and the test notices nothing"


def test_an_unknown_chapter_in_the_link_opens_the_first(small):
    app = opened("learn", chapter="drop table")
    assert not app.exception
    assert app.header[0].value == learn_page.CHAPTERS[0][1]


def test_over_all_turns_of_the_line_the_bit_agrees_as_often_as_the_chapter_says(small):
    from ui.figures.tutorial import same_side

    app = opened("learn", chapter="One bit")
    share = float(said(app).split("it agrees **")[1].split(" %")[0]) / 100
    tenth = 180 * (1 - share)
    turns = Counter(same_side(turn + 0.5, tenth) for turn in range(180))
    assert turns[True] / 180 == pytest.approx(share, abs=0.02)


def test_the_sentence_on_the_bit_agrees_with_the_figure(small):
    app = opened("learn", chapter="One bit")
    app.slider(key="lesson turn").set_value(179).run()
    assert "Parted: the bit differs" in said(app)
    app.slider(key="lesson turn").set_value(20).run()
    assert "Same side: the bit agrees" in said(app)


@pytest.mark.parametrize(("chapter", "name", "key"), [("K bits", "lesson K", "K"), ("L tables", "lesson L", "L")])
def test_a_slider_in_a_chapter_moves_the_one_in_the_sidebar_and_the_other_way_round(small, chapter, name, key):
    app = opened("learn", chapter=chapter)
    app.slider(key=name).set_value(5).run()
    assert app.slider(key=key).value == 5
    app.slider(key=key).set_value(11).run()
    assert app.slider(key=name).value == 11


def test_where_nothing_is_missed_a_button_makes_it_harder(small):
    app = opened("learn", chapter="Missed", L="32", K="1")
    assert "Nothing is missed here" in said(app)
    app.button(key="lesson harder").click().run()
    assert app.slider(key="K").value == 5


def test_the_verdict_on_labels_follows_from_the_measured_precisions():
    from dataclasses import replace

    from ui.pages.learn.label_quality import LabelQuality

    judged = LabelQuality(100, 0.5, 0.1, 0.0, 0.4, 0.7, 0.1, 0, [])
    assert "less of the query's kind" in judged.verdict
    assert "About the same" in replace(judged, precision=0.695).verdict


def test_published_answers_say_of_which_data_they_are(small):
    app = opened("learn", chapter="Question 4")
    assert "on real AudioSet" in said(app)
    assert len(app.table) == 1


def test_the_verdict_on_pooling_is_what_the_published_figures_say():
    ways = {way["name"]: way for way in published.answers()["aggregation"]["ways"]}
    pooled = [way for way in ways.values() if way["kind"] == "pooled"]
    best, all_ten = max(pooled, key=lambda way: way["precision"]["value"]), ways["sum over frames"]
    assert best["name"] == "mean+std, centred"
    assert 0 < best["precision_gain"]["low"] < best["precision_gain"]["high"] < 0.02
    assert all_ten["megabytes"] / ways["mean"]["megabytes"] == pytest.approx(10, rel=0.1)
    assert 0 < all_ten["map_gain"]["low"] < all_ten["map_gain"]["high"] < 0.02
    assert ways["first"]["precision_gain"]["high"] < -0.05
