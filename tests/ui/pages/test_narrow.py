"""Filters and longer lists on the pages: what the search returns, what is said of it, and what the address keeps."""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips, splits_of
from tests.ui.apptest import component, words
from ui.pages.map import map_data

ROWS = {"train": 300, "validation": 30, "test": 12}
N = sum(ROWS.values())


@pytest.fixture
def mine(home):
    """Put a collection `mine` of own files where the app looks, with three folders, lengths and metadata."""
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((12, 12))
    features = (centres[rng.integers(0, 12, N)] + 0.5 * rng.standard_normal((N, 12))).astype(np.float32)
    further = {
        "extra_site": pa.array([("Ridge", "Valley", "Lake")[i % 3] for i in range(N)]),
        "extra_year": pa.array([2000 + i % 20 for i in range(N)]),
        "extra_day": pa.array([dt.date(2024, 1, 1) + dt.timedelta(days=i % 100) for i in range(N)]),
    }
    clips = plain_clips(
        splits_of(ROWS),
        [[i % 4] for i in range(N)],
        features,
        media=[f"{('drums', 'drums/deep', 'loops')[i // 2 % 3]}/{i}.wav" for i in range(N)],
        end_s=np.array([0.5 + i % 7 for i in range(N)]),
        further=further,
    )
    labels = [Label(f"/m/{name}", name) for name in ("Dog", "Cat", "Rain", "Bell")]
    write_dataset(home / "mine", About("Mine", "a test", "none", "file", media_folder=str(home)), labels, [clips])
    return open_dataset(home / "mine")


@pytest.fixture
def listen(mine, app):
    """Return a function that opens Listen with the values of a link."""

    def opened(**values):
        app.session_state["narrow"] = True  # the panel is open
        app.query_params.update({"dataset": "mine", "clip": mine.clip("test", 0).clip_id, "lens": "on", **values})
        return app.run()

    return opened


def listed(app, mine, name="exact"):
    """Return the clips of a list of neighbours."""
    return [mine.find_clip(clip_id) for clip_id in component(app, "neighbours")["lists"][name]]


def said(app):
    """Return all that a page says, without the escapes of Markdown."""
    return words(app).replace("\\", "")


def button(app, label):
    return next(one for one in app.button if one.label.replace("\\", "") == label)


def nearest_by_hand(mine, keep, k=10):
    """Return the ids of the k nearest clips of the query that `keep` accepts."""
    X, q = np.asarray(mine.features("train"), np.float64), np.asarray(mine.features("test")[0], np.float64)
    order = np.argsort(1 - X @ q / np.linalg.norm(X, axis=1) / np.linalg.norm(q), kind="stable")
    clips = (mine.clip("train", int(row)) for row in order)
    return [clip.clip_id for clip in clips if keep(clip)][:k]


@pytest.mark.parametrize(
    ("only", "keep"),
    [
        ("any:Dog|Cat", lambda clip: clip.labels[0] in {0, 1}),
        ("not:Dog;folder:drums/deep", lambda clip: clip.labels[0] and clip.media.startswith("drums/deep/")),
        ("folder:drums;length:..2", lambda clip: clip.media.startswith("drums/") and clip.end_s <= 2),
        ("extra_site:Lake;extra_year:2005..2010", lambda clip: int(clip.clip_id[5:]) % 3 == 2
         and 5 <= int(clip.clip_id[5:]) % 20 <= 10),
    ],
)  # fmt: skip
def test_the_neighbours_under_a_filter_are_the_nearest_of_what_it_allows(listen, mine, only, keep):
    app = listen(only=only)
    assert not app.exception
    assert [clip.clip_id for clip in listed(app, mine)] == nearest_by_hand(mine, keep)
    assert set(component(app, "neighbours")["lists"]["found"]) <= {
        clip.clip_id for clip in map(mine.clip, ["train"] * 300, range(300)) if keep(clip)
    }
    n = sum(keep(mine.clip("train", row)) for row in range(300))
    assert f"Your filter leaves {n:,} of 300 clips. For your sound, LSH looked at" in said(app)


def test_recall_and_share_are_those_under_the_filter(listen):
    app = listen(only="any:Dog", L="2", K="6")
    assert [metric.label for metric in app.metric[:2]] == ["recall@10, average", "looked at, average"]
    assert "under your filter" in app.metric[0].help
    filtered = [metric.value for metric in app.metric[:2]]
    button(app, "Clear all").click().run()
    assert "filter" not in app.metric[0].help
    assert [metric.value for metric in app.metric[:2]] != filtered


def test_a_filter_that_leaves_few_says_so_and_lists_them_all(listen, mine):
    app = listen(only="extra_year:2005..2005;extra_site:Lake")
    n = len(listed(app, mine))
    assert 0 < n < 10
    assert f"so there are {n}, not 10, to find" in said(app)
    assert "Show the next 10" not in [one.label for one in app.button]


def test_a_filter_that_leaves_nothing_says_so_and_can_be_cleared(listen, mine):
    app = listen(only="extra_year:2005..2005;any:Dog")
    assert listed(app, mine) == []
    assert "Your filter leaves no other sound of the 300 here." in said(app)
    assert component(app, "neighbours")["empty"]["found"].startswith("No other clip meets all of your filter")
    assert "The filter leaves too few clips" in said(app)
    button(app, "Clear all").click().run()
    assert not app.exception
    assert not app.query_params["only"]
    assert len(listed(app, mine)) == 10


def test_each_part_of_a_filter_is_a_button_that_removes_it(listen):
    app = listen(only="any:Dog|Cat;not:Rain;length:..2")
    assert [one.label for one in app.button if (one.key or "").startswith("filter ")] == [
        "Dog or Cat",
        "not Rain",
        "length up to 2 s",
    ]
    button(app, "not Rain").click().run()
    assert app.query_params["only"] == "any:Dog|Cat;length:..2"
    button(app, "Dog or Cat").click().run()
    button(app, "length up to 2 s").click().run()
    assert not app.query_params["only"]


def test_what_the_collection_does_not_know_is_told_and_ignored(listen, mine):
    app = listen(only="any:Wolf;colour:red;length:long;folder:loops")
    assert all(clip.media.startswith("loops/") for clip in listed(app, mine))
    for sentence in ("No label here is called “Wolf”", "no “colour” to filter by", "no range of length"):
        assert sentence in said(app)


def test_the_widgets_show_the_filter_of_the_address_and_change_it(listen, mine):
    app = listen(only="any:Dog;length:..2;extra_day:2024-01-05..")
    assert app.multiselect(key="filter by any").value == ["Dog"]
    assert app.number_input(key="filter by length to").value == 2
    assert app.date_input(key="filter by extra_day from").value == dt.date(2024, 1, 5)
    limits = [app.date_input(key=f"filter by extra_day {end}").help for end in ("from", "to")]
    assert [re.fullmatch(r"The (\w+) is 2\d{3}-\d\d-\d\d\.", limit)[1] for limit in limits] == ["earliest", "latest"]
    app.multiselect(key="filter by any").set_value([]).run()
    app.multiselect(key="filter by folder").set_value(["drums"]).run()
    app.number_input(key="filter by extra_year from").set_value(2003).run()
    app.date_input(key="filter by extra_day from").set_value(None).run()
    assert not app.exception
    assert app.query_params["only"] == "folder:drums;length:..2;extra_year:2003.."
    assert all(clip.media.startswith("drums/") and clip.end_s <= 2 for clip in listed(app, mine))


def test_the_ends_of_a_range_may_be_given_in_either_order(listen):
    app = listen(only="length:3..")
    app.number_input(key="filter by length to").set_value(1.0).run()
    assert app.query_params["only"] == "length:1..3"


def test_a_filter_survives_the_other_pages_and_waits_where_all_clips_count(listen, mine):
    app = listen(only="any:Dog", show="20")
    opened = [clip.clip_id for clip in listed(app, mine)]
    page = app.session_state["pages"]["tune"]
    app._page_hash = page._script_hash
    app.run()
    assert not app.exception
    assert "Your filter waits on Listen, Ask and Map." in " ".join(one.value for one in app.sidebar.caption)
    assert app.metric[0].label == "recall@10, average"
    app._page_hash = app.session_state["pages"]["listen"]._script_hash
    app.run()
    assert [clip.clip_id for clip in listed(app, mine)] == opened
    assert len(opened) == 20


def test_another_collection_has_no_filter_of_the_one_before(listen, sounds):
    app = listen(only="any:Dog")
    app.selectbox(key="dataset").set_value("sample").run()
    assert not app.exception
    assert not app.query_params["only"]


def test_more_neighbours_come_ten_at_a_time_and_the_address_keeps_them(listen, mine):
    app = listen()
    button(app, "Show the next 10").click().run()
    assert app.query_params["show"] == "20"
    assert [clip.clip_id for clip in listed(app, mine)] == nearest_by_hand(mine, lambda clip: True, 20)
    assert app.metric[0].label == "recall@20, average"
    assert "of the 20 nearest" in said(app)
    button(app, "Show the first 10 only").click().run()
    assert not app.query_params["show"]
    assert len(listed(app, mine)) == 10


def test_a_hundred_neighbours_are_the_most(listen, mine):
    app = listen(show="100")
    assert len(listed(app, mine)) == 100
    assert "Show the next 10" not in [one.label for one in app.button]
    assert "100 are listed at most" in said(app)


@pytest.mark.parametrize("show", ["15", "0", "110", "-10", "ten", "1e1"])
def test_another_number_of_neighbours_in_the_address_becomes_ten(listen, mine, show):
    app = listen(show=show)
    assert len(listed(app, mine)) == 10
    assert "is not one of 10, 20, ..., 100" in app.toast[0].value.replace("\\", "")


def test_a_hidden_clip_is_replaced_by_the_next_nearest(listen, mine):
    nearest = nearest_by_hand(mine, lambda clip: True, 13)
    app = listen()
    app.session_state["hidden"] = ("mine", frozenset([nearest[0], nearest[4], nearest[9], "no such clip"]))
    app.run()
    shown = [clip.clip_id for clip in listed(app, mine)]
    assert shown == [clip_id for i, clip_id in enumerate(nearest) if i not in {0, 4, 9}]
    assert component(app, "neighbours")["passed_over"]["exact"] == 3


def test_the_map_fades_what_the_filter_does_not_allow_and_marks_the_nearest_of_the_rest(listen, mine):
    app = listen(only="folder:drums/deep;split:train|test", show="20")
    app._page_hash = app.session_state["pages"]["map"]._script_hash
    app.run()
    assert not app.exception
    chart = map_data.map_of(mine)
    allowed = map_data.allowed_points(mine, chart, "folder:drums/deep;split:train|test")
    clips = [chart.clip(mine, point) for point in range(chart.starts[-1])]
    wanted = [clip.split != "validation" and clip.media.startswith("drums/deep/") for clip in clips]
    assert allowed.tolist() == wanted
    assert f"Your filter allows **{sum(wanted):,}** of the {N:,} points" in said(app)
    assert "The 20 nearest clips" in said(app)
    order = component(app, "clip_list")["order"]
    assert order == nearest_by_hand(mine, lambda clip: clip.media.startswith("drums/deep/"), 20)
    assert app.multiselect(key="filter by split").value == ["train", "test"]


def test_a_filter_of_a_split_that_is_not_searched_leaves_nothing_and_is_offered_for_removal(listen, mine):
    app = listen(only="split:test")
    assert listed(app, mine) == []
    button(app, "split: test").click().run()
    assert len(listed(app, mine)) == 10
