"""The page Tune: every setting, the best one, and what is measured on request."""

import json
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.errors import StoppedError
from lsh import LSHIndex, plan, recall_grid
from lsh.__main__ import main as lsh_command
from tests.ui.apptest import QUIET, interrupted_once, opened, said, write_small
from ui.format import percent
from ui.model import loading, setting_metrics, state
from ui.model import part as parts
from ui.pages.tune import measure_on_request, seeds
from ui.pages.tune import page as tune_page
from ui.server import jobs

ROWS = {"train": 600, "validation": 60, "test": 5}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("made") / "small", ROWS)


@pytest.fixture
def small(made, home):
    return shutil.copytree(made, home / "small")


def test_the_page_says_what_tables_and_bits_do_and_draws_six_charts_with_alternative_texts(small):
    app = opened("tune")
    assert not app.exception
    alts = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert len(alts) == 6
    assert all(len(alt) > 40 for alt in alts)
    assert "**L tables**" in app.markdown[0].value
    assert "**K bits**" in app.markdown[0].value


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_both_distances_say_how_far_theory_and_measurement_are_apart(small, metric):
    app = opened("tune", metric=metric)
    assert not app.exception
    assert "points on average" in said(app)
    assert f"--metric {metric}" in app.code[0].value


def test_each_chart_is_followed_by_a_short_table(small, monkeypatch):
    monkeypatch.setattr(setting_metrics, "times", lambda *_: QUIET)
    assert [len(table.value) for table in opened("tune").table] == [5, 7, 5, 4, 2]


def test_the_numbers_on_the_page_are_those_of_the_recall_grid(small):
    app = opened("tune", L="4", K="6", probes="1")
    grid = _recall_grid(small)
    recall, candidates = grid.at(4, 6)
    table = next(table.value for table in app.table if "at K = 6" in table.value.columns)
    row = table[table["at K = 6"] == "you are here"].iloc[0]
    assert row["L"] == "4"
    assert row["recall"].replace("\u00a0", " ") == percent(recall)
    assert candidates > 0


def test_the_best_setting_moves_the_sliders_to_where_the_recall_is_reached_and_says_why_until_they_are_moved(small):
    app = opened("tune", L="1", K="20", recall="80")
    app.button(key="best").click().run()
    assert not app.exception
    setting = app.slider(key="L").value, app.slider(key="K").value
    probes = app.slider(key="probes").value
    assert setting != (1, 20)
    assert _recall_grid(small, probes).at(*setting)[0] >= 0.8
    assert f"L \\= {setting[0]}, K \\= {setting[1]}" in said(app)
    assert "the cheapest of" in said(app)
    app.slider(key="K").set_value(23).run()
    assert "the cheapest of" not in said(app)
    assert "Now, at **" in said(app)


@pytest.mark.parametrize("recall", ["75", "0.75"])
def test_the_wanted_recall_comes_from_the_link(small, recall):
    app = opened("tune", recall=recall)
    assert app.slider(key="recall").value == 75
    assert app.button(key="best").label == "Best setting for recall ≥ 75 %"


@pytest.mark.parametrize("recall", ["7", "nan", "-1", "drop table", "0.3"])
def test_a_recall_that_is_not_allowed_in_the_link_becomes_the_default(small, recall):
    app = opened("tune", recall=recall)
    assert not app.exception
    assert app.slider(key="recall").value == 90


def test_the_reproduce_line_gives_the_figures_of_the_page(small, capsys, monkeypatch):
    monkeypatch.chdir(small.parent)
    app = opened("tune", L="6", K="5", probes="1")
    command = app.code[0].value.split()
    assert command[:3] == ["python", "-m", "lsh"]
    assert lsh_command([*command[3:], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    recall, candidates = _recall_grid(small).at(6, 5)
    assert report["recall"] == pytest.approx(recall, abs=1e-6)
    assert report["candidates"] == pytest.approx(candidates, abs=1e-6)


def test_without_any_dataset_the_page_says_what_to_do(home):
    app = opened("tune")
    assert not app.exception
    assert not app.get("plotly_chart")
    assert any("python -m data_prep" in code.value for code in app.code)


def test_a_damaged_dataset_opens_the_error_page_without_charts(small):
    with (small / "train.npy").open("r+b") as file:
        file.truncate(200)
    app = opened("tune")
    assert not app.exception
    assert not app.get("plotly_chart")
    assert any("python -m data_prep verify" in code.value for code in app.code)


def test_without_validation_clips_those_of_the_collection_are_the_queries_each_without_itself(home):
    write_small(home / "small", {"train": 600, "validation": 0, "test": 0})
    app = opened("tune", L="2", K="8")
    assert not app.exception
    assert "200 clips of the collection, each left out of its own answer" in said(app)
    for key in ("luck", "families", "probing"):
        app.button(key=f"{key} button").click().run()
        assert not app.exception
    app.button(key="best").click().run()
    assert not app.exception
    assert "on 200 of its vectors, each left out of its own answer, with a margin" in said(app).replace("\\", "")


def test_indexes_of_other_seeds_leave_each_clip_out_of_its_own_answer(home):
    X = open_dataset(write_small(home / "small", {"train": 200, "validation": 0, "test": 0})).features("train")
    rows, index = np.arange(0, 200, 5), LSHIndex("cosine", n_tables=4, n_bits=8, seed=1).fit(X)
    context, sample = SimpleNamespace(index=index), SimpleNamespace(queries=X[rows])
    view = SimpleNamespace(context=context, index=index, sample=sample, own_rows=rows)
    other = LSHIndex("cosine", n_tables=4, n_bits=8, seed=5).fit(X)
    assert np.array_equal(seeds._recall(view, 5), recall_grid(other, X[rows], 10, rows=rows).recall)
    assert not np.array_equal(seeds._recall(view, 5), recall_grid(other, X[rows], 10).recall)


def _recall_grid(path, n_probes=1):
    dataset = loading.dataset_at(path)
    settings = state.Settings(dataset="small", n_probes=n_probes)
    return setting_metrics.recall_grid_for(loading.PageContext(settings, dataset, loading.index_for(dataset, settings)))


def _sample(path):
    dataset = loading.dataset_at(path)
    settings = state.Settings(dataset="small")
    return loading.sample_for(loading.PageContext(settings, dataset, loading.index_for(dataset, settings)))


@pytest.mark.usefixtures("small")
def test_slow_measurements_run_on_request_even_if_a_message_interrupts_them(monkeypatch):
    monkeypatch.setattr(measure_on_request.Parts, "make", interrupted_once(measure_on_request.Parts.make))
    app = opened("tune", metric="euclidean", L="2", K="8")
    for key, told in (("luck", "Luck is worth"), ("probing", "tables ("), ("families", "exact search has")):
        charts = len(app.get("plotly_chart"))
        assert told not in said(app)
        app.button(key=f"{key} button").click().run()
        assert not app.exception
        assert told in said(app)
        assert len(app.get("plotly_chart")) > charts
        assert f"{key} button" not in {button.key for button in app.button}


@pytest.mark.parametrize("rows", [ROWS, {"train": 600, "validation": 0, "test": 0}])
def test_searches_by_recall_alone_show_what_the_index_finds_and_looks_at(home, rows):
    X = open_dataset(write_small(home / "small", rows)).features("train")
    app = opened("tune", L="3", K="6", recall="85")
    app.button(key="promise button").click().run()
    assert not app.exception
    (shown,) = (table.value for table in app.table if "promised" in table.value.columns)
    assert [text.replace("\u00a0", " ") for text in shown["promised"]] == [
        "50 %",
        "80 %",
        "85 %, yours",
        "90 %",
        "95 %",
        "98 %",
    ]
    context = loading.dataset_at(home / "small")
    sample = _sample(home / "small")
    index, own = loading.index_for(context, state.Settings(dataset="small")), sample.own_rows
    found = index.search(sample.queries, 10 if own is None else 11, recall=0.85)
    found = found if own is None else found.without(own)
    exact = [set(row) for row in sample.truth.ids]
    recall = np.mean([len(true & set(row)) / 10 for true, row in zip(exact, found.ids, strict=True)])
    looked_at = np.sort(found.n_candidates) / len(X)
    tenth = len(looked_at) // 10
    expected = recall, looked_at.mean(), looked_at[:tenth].mean(), looked_at[-tenth:].mean()
    assert [text.replace("\u00a0", " ") for text in shown.iloc[2][1:]] == [percent(value) for value in expected]
    assert f"found **{percent(recall)}**" in said(app)
    assert "recall=0.85" in "".join(code.value for code in app.code)


@pytest.fixture
def large(home, monkeypatch):
    """Return a collection, unlike that of the other tests, that counts as large: 500 of its 600 clips are a part."""
    monkeypatch.setattr(loading, "MAX_BUILT_ROWS", 10)
    monkeypatch.setattr(parts, "MAX_ROWS", 500)
    monkeypatch.setattr(setting_metrics, "times", lambda *_: QUIET)
    parts._parts.clear()
    jobs.jobs.clear()
    return write_small(home / "small", ROWS | {"validation": 40})


def measured(page):
    """Wait for the measurement in the background, and return the page drawn again."""
    (job,) = jobs.jobs()._jobs.values()
    job.thread.join()
    return page.run()


def test_of_a_large_collection_every_setting_is_measured_in_a_part_while_the_page_can_be_used(large, monkeypatch):
    measure, go_on = parts.measure, threading.Event()
    monkeypatch.setattr(parts, "measure", lambda *given: go_on.wait(60) and measure(*given))
    try:
        page = opened("tune", L="3", K="6", probes="2")
        assert not page.exception
        assert not page.get("plotly_chart")
        assert "python -m lsh tune" in page.code[0].value
        assert "Meanwhile everything else here can be used. On all clips, which takes minutes:" in said(page)
        before = page.metric[0].value
        page.slider(key="K").set_value(4).run()
        assert page.metric[0].value != before
        (progress,) = page.get("progress")
        assert "Trying every setting on 500 of the 600 clips" in progress.proto.text
        assert not page.get("plotly_chart")
    finally:
        go_on.set()
    page = measured(page)
    assert not page.exception
    assert len(page.get("plotly_chart")) == 6
    assert "**Measured on 500 of 600 clips**" in said(page)
    assert "Times among the 500 clips" in said(page)
    recall = percent(_recall_grid(large, 2).at(3, 4)[0])  # of the whole
    assert page.metric[0].value == recall
    assert f"LSH finds **{recall}** of the 10 nearest" in said(page)
    page.button(key="best").click().run()
    assert not page.exception
    assert "Tried among 500 clips" in said(page)
    for key in ("luck", "families"):
        page.button(key=f"{key} button").click().run()
        assert not page.exception
    for chapter in ("Trade-off", "Question 1"):
        lesson = opened("learn", chapter=chapter, L="3", K="4", probes="2")
        assert not lesson.exception
        assert "**Measured on 500 of 600 clips**" in said(lesson)


def test_a_measurement_that_failed_says_so_and_can_be_tried_again(large, monkeypatch):
    def fail(*_):
        raise StoppedError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(parts, "measure", fail)
        page = measured(opened("tune"))
        assert not page.exception
        assert "Not every setting could be tried on 500 of the 600 clips" in page.warning[0].value
    page.button[0].click().run()
    (job,) = jobs.jobs()._jobs.values()
    job.thread.join()
    assert job.result == "measured"


def test_the_best_setting_is_searched_for_again_when_a_request_interrupts_the_search(small, monkeypatch):
    monkeypatch.setattr(tune_page, "plan", interrupted_once(plan))
    app = opened("tune", L="1", K="20", recall="80")
    app.button(key="best").click().run()
    assert (app.slider(key="L").value, app.slider(key="K").value) != (1, 20)
    monkeypatch.setattr(tune_page, "plan", lambda *_, **__: pytest.fail("searched for again"))
    assert not app.run().exception
