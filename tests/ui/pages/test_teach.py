"""Teach: what is listed, learned and exported, beside the library's own functions."""

import csv
import io

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from lsh.feedback import background_of, next_to_judge, precision_of_marks, scores_of, teach
from tests.ui.apptest import component, interrupted_once, opened, write_small
from ui.model import session
from ui.model.loading import DatasetContext
from ui.model.state import Settings
from ui.pages.teach import export, marks

ROWS = {"train": 300, "validation": 20, "test": 20}


@pytest.fixture
def small(home):
    return open_dataset(write_small(home / "small", ROWS))


def ids(dataset, rows, split="train"):
    return [dataset.clip(split, row).clip_id for row in rows]


def marked(dataset, name, yes, no):
    """Return a page with the marks of a label, in rows of train, as after the browser has told them."""
    page = opened("teach", dataset="small", teach=name, clip=dataset.clip("test", 0).clip_id)
    page.session_state["marks"] = ("small", name, tuple(ids(dataset, yes)), tuple(ids(dataset, no)))
    page.session_state["teach listed"] = (None, ())
    return page.run()


def scores(dataset, yes, no):
    """Return the scores of the collection as the library computes them."""
    X = np.asarray(dataset.features("train"))
    scorer = teach(background_of(X, "cosine"), dataset.features("test")[0], X[sorted(yes)], X[sorted(no)])
    return scores_of(scorer, X)


def by_id(dataset, rows):
    """Return rows in the order of their clips' ids, in which marks are read."""
    return sorted(rows, key=lambda row: dataset.clip("train", row).clip_id)


def test_without_marks_the_nearest_sounds_are_listed_for_a_label_of_the_address(small):
    page = opened("teach", dataset="small", teach="bell", clip=small.clip("test", 0).clip_id)
    assert not page.exception
    data = component(page, "teach")
    nearest = next_to_judge(scores(small, [], []), np.empty(0, int), 10)
    assert data["order"] == [small.clip("test", 0).clip_id, *ids(small, nearest)]
    assert (data["name"], data["marks"]) == ("bell", {"yes": [], "no": []})
    assert "Nothing is marked for “bell” yet" in page.markdown[1].value


@pytest.mark.parametrize(("yes", "no", "kind"), [([3, 4], [5], "Rocchio"), (range(3, 10), range(40, 46), "classifier")])
def test_the_list_holds_what_the_marks_teach_without_the_marked(small, yes, no, kind):
    page = marked(small, "bell", yes, no)
    assert not page.exception
    wanted = next_to_judge(scores(small, by_id(small, yes), by_id(small, no)), np.array([*yes, *no]), 10)
    assert component(page, "teach")["order"][1:] == ids(small, wanted)
    assert kind in " ".join(element.value for element in page.markdown)
    assert f"**{len(yes)} yes, {len(no)} no**" in " ".join(element.value for element in page.markdown)


def test_the_least_certain_sounds_are_listed_on_request(small):
    yes, no = range(3, 10), range(40, 46)
    page = marked(small, "bell", yes, no)
    page.radio(key="teach order").set_value("uncertain").run()
    wanted = next_to_judge(scores(small, by_id(small, yes), by_id(small, no)), np.array([*yes, *no]), 10, "uncertain")
    assert component(page, "teach")["order"][1:] == ids(small, wanted)


def test_after_ten_marks_of_one_kind_half_of_the_list_is_drawn_by_chance(small):
    yes = range(20, 30)
    page = marked(small, "bell", yes, [])
    nearest = next_to_judge(scores(small, by_id(small, yes), []), np.array(yes), 5).tolist()
    others = [row for row in range(20) if row not in nearest]  # rows are in random order
    assert component(page, "teach")["order"][1:] == ids(small, [*nearest, *others[:5]])
    assert "drawn by chance" in " ".join(element.value for element in page.markdown)
    page = marked(small, "bell", yes, [40])
    assert "drawn by chance" not in " ".join(element.value for element in page.markdown)


def test_marks_of_listed_sounds_change_the_list_at_next_ten_only(small):
    page = opened("teach", dataset="small", teach="bell", clip=small.clip("test", 0).clip_id)
    before = component(page, "teach")["order"]
    page.session_state["marks"] = ("small", "bell", tuple(before[1:4]), tuple(before[4:6]))
    page.run()
    assert component(page, "teach")["order"] == before
    page.button[0].click().run()
    after = component(page, "teach")["order"]
    assert not set(after[1:]) & set(before[1:6])


def test_precision_is_that_of_the_library_and_too_few_marks_say_so(small):
    yes, no = list(range(3, 13)), list(range(40, 52))
    X = np.asarray(small.features("train"))
    rows = [*by_id(small, yes), *by_id(small, no)]
    found = precision_of_marks(background_of(X, "cosine"), X[rows], np.arange(22) < 10)
    text = " ".join(element.value for element in marked(small, "bell", yes, no).markdown)
    assert f"{found.called} marked sounds that it called yes without having been told, {found.right} are" in text
    text = " ".join(element.value for element in marked(small, "bell", yes[:3], no).markdown)
    assert "Too few marks to say how good it is" in text
    for some, others, missing in ((yes[:3], no[:2], "From 10 marks on"), (yes, [], "From 10 marks of both kinds on")):
        assert missing in " ".join(element.value for element in marked(small, "bell", some, others).markdown)


def told(value):
    """Return what is stored of a message of the browser, and whether the list is made anew."""
    state = {}
    session.st.session_state.clear()
    session.TEACH_LISTED.set(("a list", ("a", "b")))
    for one in value:
        marks.store(one)
    state["marks"], state["listed"] = session.MARKS.get(), session.TEACH_LISTED.is_set
    session.st.session_state.clear()
    return state


@pytest.mark.parametrize(
    ("second", "listed"),
    [
        ({"yes": ["a"], "no": ["b"]}, True),  # marks of what is listed
        ({"yes": [], "no": []}, True),  # taken away again
        ({"yes": ["a", "far"], "no": []}, False),  # of an earlier visit
    ],
)
def test_a_message_about_sounds_that_are_not_listed_makes_the_list_anew(second, listed):
    first = {"dataset": "d", "name": "n", "yes": ["a"], "no": []}
    found = told([first, {**first, **second}])
    assert found["listed"] is listed
    assert found["marks"] == ("d", "n", tuple(second["yes"]), tuple(second["no"]))


def test_a_mark_of_an_earlier_visit_that_is_undone_makes_the_list_anew():
    session.st.session_state.clear()
    session.MARKS.set(("d", "n", ("a", "far"), ()))
    session.TEACH_LISTED.set(("a list", ("a", "b")))
    marks.store({"dataset": "d", "name": "n", "yes": ["a"], "no": []})
    assert not session.TEACH_LISTED.is_set
    session.st.session_state.clear()


@pytest.mark.parametrize("value", [None, 3, {}, {"dataset": "d"}, {"dataset": 1, "name": "n", "yes": [], "no": []}])
def test_a_message_that_is_none_is_ignored(value):
    assert told([value])["marks"] == ("", "", (), ())


def test_ids_that_are_none_are_left_out():
    message = {"dataset": "d", "name": "n", "yes": ["a", 3, "x" * 201], "no": "b"}
    assert told([message])["marks"] == ("d", "n", ("a",), ())


def lesson(dataset, yes, no, name="bell"):
    clips = [tuple(dataset.clip("train", row) for row in rows) for rows in (yes, no)]
    clips[1] = (*clips[1], dataset.clip("test", 5))
    context = DatasetContext(Settings(dataset="small"), dataset, datasets={"small": dataset.path})
    return marks.Lesson(context, dataset.clip("test", 0), name, *clips)


def read(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_files_hold_the_marks_and_the_scores_of_all_clips(small):
    one = lesson(small, range(3, 10), range(40, 46), "=bell")
    rows = read(export.marks_csv(one))
    assert [row["mark"] for row in rows] == ["yes"] * 7 + ["no"] * 7
    assert {row["label"] for row in rows} == {"'=bell"}
    assert [row["clip_id"] for row in rows] == [
        *ids(small, [*range(3, 10), *range(40, 46)]),
        small.clip("test", 5).clip_id,
    ]
    rows = read(export.scores_csv(one))
    assert len(rows) == 340
    values = [float(row["score"]) for row in rows]
    assert values == sorted(values, reverse=True)
    for row in rows:
        clip = small.find_clip(row["clip_id"])
        assert clip.split == row["split"]
        expected = float(one.scorer.score(small.features(clip.split)[[clip.row]])[0])
        assert float(row["score"]) == pytest.approx(expected, abs=1e-3)
        assert row["called"] == ("yes" if expected > 0 else "no")
    no = [*ids(small, range(40, 46)), small.clip("test", 5).clip_id]
    assert sorted(row["clip_id"] for row in rows if row["mark"] == "no") == sorted(no)
    taught = export.columns(one)["extra_taught =bell"].to_pylist()
    assert [place for place, mark in enumerate(taught) if mark is False] == [*range(40, 46), 300 + 20 + 5]


def test_marks_and_scores_become_columns_of_an_own_collection(home, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    dataset = open_dataset(write_small(home / "small", ROWS, media="file"))
    page = marked(dataset, "bell", range(3, 10), range(40, 46))
    monkeypatch.setattr(export, "set_columns", interrupted_once(export.set_columns))
    next(button for button in page.button if button.label == "Write into the collection").click().run()
    assert not page.exception
    assert "Written: two columns" in page.success[0].value
    table = open_dataset(home / "small").clips("train")
    yes = [row for row, mark in enumerate(table["extra_taught bell"].to_pylist()) if mark]
    no = [row for row, mark in enumerate(table["extra_taught bell"].to_pylist()) if mark is False]
    assert (yes, no) == (list(range(3, 10)), list(range(40, 46)))
    expected = scores(dataset, by_id(dataset, range(3, 10)), by_id(dataset, range(40, 46)))
    assert table["extra_score bell"].to_pylist() == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.parametrize(("media", "local"), [("synth", "1"), ("file", "0")])
def test_other_collections_and_hosted_apps_are_not_written_to(home, monkeypatch, media, local):
    monkeypatch.setenv("EARSHOT_LOCAL", local)
    dataset = open_dataset(write_small(home / "small", ROWS, media=media))
    page = marked(dataset, "bell", range(3, 10), range(40, 46))
    assert "Write into the collection" not in [button.label for button in page.button]
