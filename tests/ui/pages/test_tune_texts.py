"""Sentences of the page Tune."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsh import SearchResult
from lsh.__main__ import _TUNING_QUERIES
from lsh.analysis.timing import SearchTimes
from ui.figures.marks import Grid
from ui.model import commands, recall_grid
from ui.model.loading import Sample
from ui.model.state import Settings
from ui.pages.tune import page as tune_page
from ui.pages.tune import theory, timing
from ui.pages.tune.time_grid import Times

SAMPLE = Sample(np.arange(200), np.zeros((200, 2), np.float32), SearchResult.empty(0, 10))


@pytest.fixture
def grid():
    recall = np.array([[0.70, 0.50, 0.30], [0.90, 0.75, 0.50], [0.99, 0.92, 0.80]])
    candidates = np.array([[0.50, 0.20, 0.05], [0.75, 0.40, 0.10], [0.95, 0.60, 0.20]])
    return Grid(np.array([1, 2, 4]), np.array([1, 2, 3]), recall, candidates)


@pytest.fixture
def times():
    ms = np.array([[0.5, 0.3, 0.2], [0.8, 0.5, 0.3], [1.5, 0.9, 0.5]])
    return Times(np.array([1, 2, 4]), np.array([1, 2, 3]), ms, np.full((3, 3), 0.1), 1.0, 20, 5)


@pytest.mark.parametrize(("wanted", "best"), [(0.5, (2, 3)), (0.8, (4, 3)), (0.9, (4, 2)), (0.95, (4, 1)), (1.0, None)])
def test_the_cheapest_setting_reaches_the_recall_by_looking_at_the_fewest(grid, wanted, best):
    assert recall_grid.cheapest(grid, wanted) == best


def test_the_table_of_cheapest_settings_holds_the_wanted_recall_and_says_what_is_out_of_reach(grid):
    table = recall_grid.cheapest_table(grid, 0.63)
    assert list(table["recall ≥"]) == ["50 %", "63 %", "80 %", "90 %", "95 %", "99 %"]
    lower = Grid(grid.n_tables, grid.n_bits, 0.95 * grid.recall, grid.candidate_fraction)
    assert list(recall_grid.cheapest_table(lower, 0.9)["looked at"])[-1] == "out of reach"


def test_a_setting_below_the_wanted_recall_is_described_with_both_numbers(grid):
    said = tune_page.compare_with_wanted(grid, (2, 2), 0.9)
    assert "**75 %**" in said
    assert "falls short of the 90 %" in said


def test_a_setting_that_reaches_the_wanted_recall_is_described_so(grid):
    assert "you want, or more" in tune_page.compare_with_wanted(grid, (4, 1), 0.9)


def test_the_number_of_settings_that_reach_the_wanted_recall_is_given(grid):
    assert tune_page.reaching(grid, 0.9, SAMPLE).startswith("3 of 9 settings reach a recall of 90 %")
    assert "None of the 9 settings" in tune_page.reaching(grid, 0.999, SAMPLE)
    assert tune_page.reaching(grid, 0.9, SAMPLE).endswith("200 validation clips, which are not in the collection.")
    own = tune_page.reaching(grid, 0.9, replace(SAMPLE, split="train"))
    assert own.endswith("200 clips of the collection, each left out of its own answer.")


def test_twice_the_tables_are_compared_and_half_where_there_are_no_more(grid):
    assert "L = 4 instead of 2, would find 92 % of the nearest instead of 75 %" in recall_grid.doubling(grid, (2, 2))
    assert "Half the tables, L = 2 instead of 4" in recall_grid.doubling(grid, (4, 2))


def test_the_time_sentence_says_when_exact_search_is_faster(times, grid):
    said = timing.time_sentence(times, (4, 1), 0.99, (4, 1), 0.95)
    assert "1.5 times as slow as exact search" in said


def test_the_time_sentence_calls_a_difference_within_the_spread_about_the_same(times):
    said = timing.time_sentence(replace(times, spread=np.full((3, 3), 0.2)), (4, 2), 0.92, (4, 2), 0.9)
    assert said.count("about the same as exact search") == 2


def test_the_time_sentence_takes_the_spread_of_a_setting_that_was_measured_by_itself(times):
    record = SearchTimes(0.95, 1.0, 0.01, 200, "validation", 5, "Abacus 3000")
    said = timing.time_sentence(times.with_record((4, 2), record), (4, 2), 0.92, None, 0.9)
    assert "1.1 times as fast as exact search" in said


def test_the_time_table_ends_with_exact_search_and_begins_where_you_are(times, grid):
    table = timing.time_table(times, grid, (2, 2), 0.75, 0.9)
    assert list(table.iloc[0]) == ["you are here", "2", "2", "75 %", "0.50 ms"]
    assert list(table.iloc[-1])[-1] == "1.0 ms"
    assert list(table["setting"])[-2] == "fastest, recall ≥ 90 %"


def test_the_theory_sentence_says_the_worst_gap_and_where_it_is(grid):
    predicted = grid.recall.copy()
    predicted[2, 0] -= 0.09
    said = theory.sentence(grid, predicted, (1, 2))
    assert "at most 0.0 points apart" in said
    assert "1.0 points on average and 9.0 points at worst (L = 4 tables, K = 1 bit)" in said


def test_the_command_names_the_dataset_the_setting_and_the_queries(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(metric="euclidean", n_tables=5, n_bits=7, n_probes=2, seed=3)
    parts = shlex.split(commands.evaluate(tmp_path / "data" / "x", settings, 123))
    assert parts[:5] == ["python", "-m", "lsh", "evaluate", str(Path("data") / "x")]
    options = dict(zip(parts[5::2], parts[6::2], strict=True))
    assert options == {
        "--metric": "euclidean", "--tables": "5", "--bits": "7", "--probes": "2", "--k": "10", "--seed": "3",
        "--split": "validation", "--queries": "123",
    }  # fmt: skip


def test_the_command_and_the_program_for_the_best_setting_choose_among_hash_tables_by_the_same_queries(tmp_path):
    settings = Settings(metric="cosine", n_tables=5, n_bits=7, n_probes=2, seed=3)
    shell, code = commands.best_setting(tmp_path / "x", settings, 0.9)
    assert "--index tables" in shell
    assert "--seed 3" in shell
    assert 'evenly_spaced(dataset.features("validation"), 500)' in code
    assert _TUNING_QUERIES["tables"] == 500
    compile(code, "program", "exec")


def test_the_method_of_timing_names_queries_and_machine(times):
    record = SearchTimes(0.5, 1.0, 0.031, 200, "validation", 5, "Abacus 3000")
    said = timing.how_timed(times, record, "Abacus 3000, 2 processors")
    assert "200 validation queries in 5 rounds, which differed by 3.1 %" in said
    assert "The other 9 settings: 20 of these queries" in said
    assert "Abacus 3000, 2 processors" in said
