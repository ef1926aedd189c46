"""The page Race: running, cancelling, showing and pinning races."""

import json
import shutil

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException

from data_prep.dataset import open_dataset
from lsh.analysis import racing
from lsh.analysis.racing import RACERS
from tests.ui.apptest import interrupted_once, opened, said, write_small
from ui import paths, race_cli
from ui.model import exclusive, loading, race_runs, session
from ui.model import part as parts
from ui.model.text import plain
from ui.server import races

races_of_process = races.messages_of_process
ROWS = {"train": 260, "validation": 20, "test": 30}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("made") / "small", ROWS)


@pytest.fixture
def small(made, home, monkeypatch):
    """Return a small collection, the only one there is, that is raced over in no time at 100, 200 and 260 clips."""
    monkeypatch.setattr(racing, "ROUNDS", 1)
    monkeypatch.setattr(racing, "MAX_TIMED", 2)
    monkeypatch.setattr(racing, "MIN_SIZE", 100)
    monkeypatch.setattr(races, "messages_of_process", messages_of_this_process)
    return shutil.copytree(made, home / "small")


def messages_of_this_process(race, ended):
    """Race here, where the constants of a race are changed."""
    yield from race_cli.messages(open_dataset(race.path), race_cli.parser_of_races().parse_args(race.arguments))


def race(app):
    return app.button(key="race").click().run()


def charts(app):
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def test_on_the_sample_the_page_opens_with_races_that_name_their_machine(root, monkeypatch):
    monkeypatch.setattr(paths, "DATA", root / "data")
    app = opened("race", dataset="sample")
    assert not app.exception
    assert len(charts(app)) == 3
    assert all(len(alt) > 40 for alt in charts(app))
    assert len(app.table) == 4
    assert {"p50, ms", "p95, ms", "p99, ms", "build, s", "index, MB"} <= set(app.table[1].value)
    machine = plain(race_runs.shipped()[0].machine)
    assert f"Measured in advance on {machine}" in said(app)
    assert "press Race for yours" in said(app)
    assert "you see this" in said(app)


def test_without_a_race_the_page_invites_to_one(small):
    app = opened("race")
    assert not app.exception
    assert charts(app) == []
    assert "No race over this collection yet." in said(app)
    assert "lsh.SketchIndex" in said(app)


def test_a_race_runs_at_every_size_and_is_kept_even_if_a_message_interrupts_it(small, monkeypatch):
    monkeypatch.setattr(races, "follow", interrupted_once(races.follow))
    app = race(opened("race", L="4", K="5", probes="1"))
    assert not app.exception
    assert len(charts(app)) == 3
    assert "**L = 4 tables, K = 5 bits** over 260 clips" in said(app)
    assert "yours, 1 · you see this" in said(app)
    assert "Measured here" in said(app)
    (kept,) = app.session_state["races"].values()
    assert (kept.raced, kept.finished) == ([100, 200, 260], True)
    assert {lap.racer for lap in kept.laps} == set(RACERS)


def test_the_table_shows_what_was_measured(small):
    app = race(opened("race"))
    (kept,) = app.session_state["races"].values()
    table = app.table[0].value.replace("\u00a0", " ", regex=True).set_index("search")
    assert table.loc["LSH", "recall"] == f"{100 * kept.at(260)['lsh'].recall:.0f} %"
    assert table.loc["exact, one at a time", "looked at"] == "100 %"


def test_the_slider_says_how_far_is_raced_and_what_is_shown(small):
    app = opened("race")
    app.select_slider(key="clips").set_value(200).run()
    app = race(app)
    (kept,) = app.session_state["races"].values()
    assert kept.raced == [100, 200]
    app.select_slider(key="clips").set_value(100).run()
    assert "over 100 clips**" in said(app)


def test_a_link_says_how_many_clips(small):
    assert opened("race", clips="200").select_slider(key="clips").value == 200


@pytest.mark.parametrize("clips", ["7", "nan", "drop table", "-200"])
def test_a_number_of_clips_that_is_not_allowed_in_the_link_becomes_all(small, clips):
    app = opened("race", clips=clips)
    assert not app.exception
    assert app.select_slider(key="clips").value == 260


def test_when_a_slider_moves_the_page_says_that_this_setting_has_not_raced(small):
    app = race(opened("race", L="4", K="5", probes="1"))
    assert "the setting of the race below" in said(app)
    app.slider(key="K").set_value(9).run()
    assert "This setting has not raced yet." in said(app)
    assert len(charts(app)) == 3


def test_a_cancelled_race_keeps_the_sizes_raced_and_releases_the_lock(small, monkeypatch):
    ended = []

    def one_size(race, ends):
        for message in messages_of_this_process(race, ends):
            yield message
            if "run" in message:
                ends.wait(30)
                ended.append(ends.is_set())
                return

    def cancelled(self, value, text):
        if session.RACES.get():
            raise StopException  # as Streamlit ends a script when a button is pressed

    monkeypatch.setattr(races, "messages_of_process", one_size)
    monkeypatch.setattr(DeltaGenerator, "progress", cancelled)
    app = race(opened("race"))
    assert (app.button(key="race").disabled, app.button(key="cancel race").disabled) == (True, False)
    with exclusive.hold(exclusive.MEASURING, lambda: None):
        assert ended == [True]
    app.button(key="cancel race").click().run()
    assert not app.exception
    assert (app.button(key="race").disabled, app.button(key="cancel race").disabled) == (False, True)
    assert "Cancelled after 1 of 3 sizes; what was raced is kept." in said(app)
    assert len(charts(app)) == 3


def test_while_it_races_the_page_says_what_it_does(small, monkeypatch):
    told = []

    def slow(race, ends):
        for message in messages_of_this_process(race, ends):
            yield message | ({"share": 1.25} if message.get("share") else {})  # a guess of the work may be too low
            ends.wait(0.02)

    monkeypatch.setattr(races, "messages_of_process", slow)
    monkeypatch.setattr(races, "_POLL_S", 0.01)
    monkeypatch.setattr(DeltaGenerator, "progress", lambda _self, value, text: told.append((value, text)))
    app = race(opened("race"))
    assert not app.exception
    assert any("sorting them into hash tables" in doing for _, doing in told)
    assert any("round 1 of 1" in doing for _, doing in told)
    assert {value for value, _ in told} == {0.0, 1.0}


def test_a_race_that_fails_says_why(small, monkeypatch):
    monkeypatch.setattr(races, "messages_of_process", races_of_process)
    monkeypatch.setattr(races.Race, "arguments", ["--no-such-option"])
    app = race(opened("race"))
    assert not app.exception
    assert "the race ended before its time" in app.error[0].value


def test_pinning_compares_in_words_and_draws_the_pinned_line(small):
    app = race(opened("race", L="4", K="5", probes="1"))
    app.button(key="pin 1").click().run()
    app.slider(key="L").set_value(1).run()
    app = race(app)
    assert not app.exception
    assert "LSH at L = 1 table, K = 5 bits takes" in said(app)
    assert "and the pinned LSH at L = 4 tables, K = 5 bits" in said(app)
    assert "less recall" in said(app)
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert all("pinned" in {trace.get("name") for trace in spec["data"]} for spec in specs)
    app.button(key="pin 1").click().run()
    assert "and the pinned" not in said(app)


def test_showing_a_run_moves_the_sliders_to_its_setting(small):
    app = race(opened("race", L="4", K="5", probes="1"))
    app.slider(key="L").set_value(2).run()
    app = race(app)
    app.button(key="show 1").click().run()
    assert not app.exception
    assert app.slider(key="L").value == 4
    assert "yours, 1 · you see this" in said(app)


def test_the_other_distance_has_races_of_its_own(small):
    app = race(opened("race", L="4", K="5", probes="1"))
    app.segmented_control(key="metric").set_value("euclidean").run()
    assert "No race over this collection yet." in said(app)
    app.segmented_control(key="metric").set_value("cosine").run()
    assert "yours, 1" in said(app)


def test_only_so_many_races_are_kept(small, monkeypatch):
    from ui.model import race_session

    monkeypatch.setattr(race_session, "MAX_RUNS", 2)
    app = opened("race", clips="100")
    for _ in range(3):
        app = race(app)
    assert list(app.session_state["races"]) == ["2", "3"]


def test_both_files_are_offered(small):
    app = race(opened("race", clips="100"))
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == 3 * ["Download the table (CSV)"] + ["Download as CSV", "Download as JSON"]


def test_the_reproduce_line_names_the_setting_in_both_languages(small):
    app = race(opened("race", L="4", K="5", probes="2"))
    shell, code = (block.value for block in app.code)
    assert "--tables 4 --bits 5 --probes 2 --seed 0 --clips 260" in shell
    assert "n_tables=4, n_bits=5, n_probes=2" in code


def test_a_collection_smaller_than_the_first_step_races_as_a_whole(small, monkeypatch):
    monkeypatch.setattr(racing, "MIN_SIZE", 1000)
    app = race(opened("race"))
    assert not app.exception
    assert "One size draws no line" in said(app)


def test_of_a_large_collection_a_part_races_and_the_page_says_so(small, monkeypatch):
    monkeypatch.setattr(loading, "MAX_BUILT_ROWS", 259)
    monkeypatch.setattr(parts, "MAX_ROWS", 200)
    app = opened("race")
    assert "four ways to search 200 of its 260 clips" in said(app)
    app = race(app)
    assert not app.exception
    assert "of this collection's 260 clips at most 200, drawn by chance, take part" in said(app)
    assert app.select_slider(key="clips").options == ["100", "200"]
    (run,) = app.session_state["races"].values()
    assert run.raced == [100, 200]


def test_a_collection_without_queries_says_so(home):
    write_small(home / "small", ROWS | {"validation": 0, "test": 0})
    app = opened("race")
    assert not app.exception
    assert "no test or validation clips" in app.info[0].value


def test_a_damaged_collection_opens_the_error_page(small):
    with (small / "train.npy").open("r+b") as file:
        file.truncate(200)
    app = opened("race")
    assert not app.exception
    assert charts(app) == []
