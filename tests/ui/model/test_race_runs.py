"""Records of races, and files of them."""

import csv
import io
import json
from types import SimpleNamespace

import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex
from lsh.analysis import racing
from lsh.analysis.racing import RACERS, Setting
from tests.ui.apptest import write_small
from tests.ui.races import run
from ui import race_cli
from ui.model import race_runs
from ui.model.state import MAX_BITS, MAX_PROBES, MAX_TABLES
from ui.pages.race import tables


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("made") / "small", {"train": 150, "validation": 20, "test": 30})


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(racing, "ROUNDS", 1)
    monkeypatch.setattr(racing, "MAX_TIMED", 2)
    monkeypatch.setattr(racing, "MIN_SIZE", 100)


def test_the_shipped_runs_are_of_the_embedded_sample(root):
    """If this fails the sample has changed: python -m ui.race_cli data/sample --out ui/model/race_sample.json."""
    dataset = open_dataset(root / "data" / "sample")
    runs = race_runs.shipped()
    assert {shipped.features for shipped in runs} == {race_runs.features_of(dataset)}
    assert {shipped.metric for shipped in runs} == {"cosine", "euclidean"}
    assert all(shipped.finished and shipped.raced[-1] == dataset.n_rows("train") for shipped in runs)
    assert all(shipped.machine and shipped.versions and shipped.date for shipped in runs)


def test_a_run_is_unchanged_by_a_round_trip_through_json():
    text = race_runs.as_json([run()])
    assert race_runs.Run.from_dict(json.loads(text)["runs"][0]) == run()


def test_json_contains_everything_the_times_depend_on():
    record = json.loads(race_runs.as_json([run()]))["runs"][0]
    needed = {"machine", "versions", "setting", "features", "date", "n_queries", "seed"}
    assert needed <= set(record)
    assert json.loads(race_runs.as_json([run()]))["threads"] == 1


def test_csv_has_a_line_per_racer_and_size_with_everything_the_time_depends_on():
    lines = list(csv.DictReader(io.StringIO(tables.as_csv([run(), run(seed=4)]))))
    assert len(lines) == 2 * 2 * len(RACERS)
    assert (lines[0]["racer"], lines[0]["n"], float(lines[0]["ms"])) == ("lsh", "1000", 0.1)
    assert (lines[-1]["run"], lines[-1]["seed"]) == ("2", "4")
    assert {"machine", "versions", "features", "date", "n_tables", "n_bits", "n_probes", "k", "threads"} <= set(
        lines[0]
    )


def test_no_cell_of_a_csv_is_a_formula():
    line = next(csv.DictReader(io.StringIO(tables.as_csv([run(dataset="=1+1")]))))
    assert line["dataset"] == "'=1+1"


def test_a_race_over_a_dataset_takes_test_clips_as_queries_and_counts_labels(small, quick):
    dataset = open_dataset(small)
    params = LSHIndex("cosine", n_tables=4, n_bits=8).params
    runs = [run for run, _ in race_runs.start(dataset, params, None, Setting(4, 4), [100, 150])]
    first, raced = runs[0], runs[-1]
    assert (first.split, first.n_queries, first.raced, first.finished) == ("test", 30, [], False)
    assert (raced.raced, raced.finished) == ([100, 150], True)
    assert all(0 < lap.label_precision <= 1 for lap in raced.laps)


def test_without_test_clips_validation_clips_are_the_queries(tmp_path):
    path = write_small(tmp_path / "small", {"train": 50, "validation": 5, "test": 0})
    assert race_runs.split_of(open_dataset(path)) == "validation"


def test_the_command_races_and_prints_json(small, quick, capsys):
    assert race_cli.main([str(small), "--tables", "3", "--bits", "4", "--probes", "1", "--clips", "120", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["runs"]
    assert record["setting"] == {"n_tables": 3, "n_bits": 4, "n_probes": 1, "k": 10}
    assert record["sizes"] == [100, 120]
    assert len(record["laps"]) == 2 * len(RACERS)


def test_progress_is_printed_once_a_second_and_each_run_at_once(small, capsys, monkeypatch):
    now = iter([100.0, 100.0, 100.5, 101.0, 101.0, 101.4, 102.0, 102.0])
    told = [{"share": 0.1 * i, "doing": "it"} | ({"run": {}} if i == 4 else {}) for i in range(6)]
    monkeypatch.setattr(race_cli, "messages", lambda *_: iter(told))
    monkeypatch.setattr(race_cli, "time", SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(race_cli, "_PRINT_INTERVAL_S", 1.0)
    race_cli._print_progress(None, None)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [told[i] for i in (0, 2, 4)]


def test_each_size_is_named_once_as_a_race_comes_to_it(small, monkeypatch, capsys):
    steps = [(0.0, "100 clips: lsh"), (0.25, "100 clips: exact"), (0.5, "260 clips: lsh"), (1.0, "260 clips: exact")]
    races = [(run(seed=i), SimpleNamespace(share=share, doing=doing)) for i, (share, doing) in enumerate(steps)]
    monkeypatch.setattr(race_runs, "start", lambda *_: iter(races))
    index = SimpleNamespace(params=None, bucket_width=None)
    assert race_cli._race(open_dataset(small), index, Setting(1, 2, 1, 10), 260) == run(seed=3)
    assert capsys.readouterr().err.splitlines() == ["   0 %  racing over 100 clips", "  50 %  racing over 260 clips"]


def test_the_command_writes_the_runs_shown_first_by_the_page(small, quick, tmp_path, capsys):
    out = tmp_path / "races.json"
    assert race_cli.main([str(small), "--out", str(out)]) == 0
    runs = [race_runs.Run.from_dict(record) for record in json.loads(out.read_text())["runs"]]
    assert [written.metric for written in runs] == ["cosine", "cosine", "euclidean", "euclidean"]
    index = LSHIndex("cosine", MAX_TABLES, MAX_BITS).fit(open_dataset(small).features("train"))
    assert runs[0].setting == Setting(*index.default_setting, 10)
    assert "exact, batched" in capsys.readouterr().out


def test_the_command_reports_invalid_input(tmp_path, capsys):
    assert race_cli.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    path = write_small(tmp_path / "no-queries", {"train": 50, "validation": 0, "test": 0})
    assert race_cli.main([str(path)]) == 2
    assert "no test or validation clips" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--tables", "0"], ["--bits", "x"], ["--clips", "-1"], ["--probes", "99"]])
def test_the_command_rejects_numbers_out_of_range(small, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        race_cli.main([str(small), *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "low", "high"),
    [("tables", 1, MAX_TABLES), ("bits", 1, MAX_BITS), ("probes", 1, MAX_PROBES), ("clips", 1, 10**9)],
)
def test_the_command_accepts_every_number_in_range_and_no_other(tmp_path, capsys, option, low, high):
    for number in (low, high):
        assert race_cli.main([f"{tmp_path}/none", f"--{option}", str(number)]) == 2
        assert "none" in capsys.readouterr().err
    for number in (low - 1, high + 1):
        with pytest.raises(SystemExit):
            race_cli.main([f"{tmp_path}/none", f"--{option}", str(number)])
        assert f"--{option}" in capsys.readouterr().err
