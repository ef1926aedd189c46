"""Sentences and tables of the page Race."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from lsh.analysis.racing import BATCHED, EXACT, RACERS, Setting
from tests.ui.apptest import write_small
from tests.ui.races import run
from ui.model import commands, race_summary
from ui.pages.race import tables


def test_the_winner_and_every_comparison_are_said():
    said = race_summary.result(run(), 10_000)
    assert said.startswith("**Sketches win over 10,000 clips**, at 0.050 ms per query.")
    assert "LSH at L = 8 tables, K = 6 bits takes 0.20 ms and finds 60 % of the 10 nearest." in said
    assert "Against exact search one at a time, 2.0 times as fast" in said
    assert "against batched exact search, 2.0 times as slow" in said


def test_lsh_is_named_when_it_wins():
    assert race_summary.result(run(lsh=(0.001, 0.001)), 1000).startswith("**LSH wins over 1,000 clips**")


def test_the_crossover_sentence_names_the_size_or_says_that_there_is_none():
    said = race_summary.crossover(run())
    assert said.startswith("From about 3,200 clips on, LSH at this setting is faster than exact search one at a time;")
    assert "batched exact search is faster at every size here." in said
    assert "LSH finds 60 %, exact search all." in said


def test_the_crossover_sentence_of_a_race_that_lsh_wins_or_loses_at_every_size():
    always = race_summary.crossover(run(lsh=(0.001, 0.001)))
    assert always.count("at every size here") == 2
    assert "LSH at this setting is faster than batched exact search" in always
    never = race_summary.crossover(run(lsh=(9, 9)))
    assert never.startswith("Exact search one at a time is faster at every size here")


def test_a_tie_at_the_largest_size_is_neither_won_nor_marked():
    tie = run(lsh=(0.1, 0.39))
    assert race_summary.crossover(tie).startswith(
        "At 10,000 clips LSH at this setting and exact search one at a time take"
    )
    assert race_summary.crossings(tie) == {}


def test_losing_again_at_the_end_is_not_called_losing_everywhere():
    said = race_summary.crossover(run(lsh=(0.03, 0.9)))
    assert said.startswith("Exact search one at a time is faster at 10,000 clips;")


def test_only_crossings_between_two_sizes_are_drawn():
    assert race_summary.crossings(run()) == pytest.approx({EXACT: 1000 * 10 ** (np.log(2) / np.log(4))})
    assert race_summary.crossings(run(lsh=(0.001, 0.001))) == {}
    assert BATCHED in race_summary.crossings(run(lsh=(0.02, 0.02)))


def test_a_race_over_one_size_asks_for_more():
    assert "race over more clips" in race_summary.crossover(run(lsh=(0.1,)))
    assert race_summary.crossings(run(lsh=(0.1,))) == {}


def test_no_caution_is_added_at_high_recall():
    assert "exact search all" not in race_summary.crossover(run(recall=0.99))


def test_the_table_has_every_racer_the_fastest_first():
    table = tables.table(run(), 10_000)
    assert table["search"].tolist() == ["sketches", "exact, batched", "LSH", "exact, one at a time"]
    assert table["against exact"].tolist() == ["8.0 times as fast", "4.0 times as fast", "2.0 times as fast", ""]
    assert table["recall"].tolist() == ["100 %", "100 %", "60 %", "100 %"]
    assert table["spread"].tolist() == 4 * ["10 %"]


def test_the_table_of_costs_has_percentiles_build_time_and_size_of_every_racer():
    table = tables.cost_table(run(), 10_000).set_index("search")
    assert table.loc["LSH"].tolist() == ["0.20", "0.40", "0.60", "0.50", "2.5"]


def test_a_difference_within_the_spread_is_about_the_same_everywhere():
    noisy = run(lsh=(0.1, 0.3), spread=0.5)
    assert "against exact search one at a time, about the same" in race_summary.result(noisy, 10_000).lower()
    assert tables.table(noisy, 10_000).set_index("search").loc["LSH", "against exact"] == "about the same"
    assert "against exact search about the same" in tables.summary(noisy)
    assert "about the same" in tables.difference(noisy, run(spread=0.5))
    assert race_summary.crossings(noisy) == {}
    calm = run(lsh=(0.1, 0.3), spread=0.01)
    assert "about the same" not in race_summary.result(calm, 10_000) + tables.difference(calm, run(spread=0.01))


def test_no_racer_wins_alone_by_less_than_the_spread():
    said = race_summary.result(run(batched=(0.02, 0.052)), 10_000)
    assert said.startswith("**Sketches and batched exact search take about the same time over 10,000 clips**")


def test_the_method_says_how_many_queries_were_timed():
    said = tables.how_measured(run(), 10_000)
    assert "Over 10,000 clips, 50 of the queries are timed, each by its median of 7 rounds" in said


def test_the_difference_from_the_pinned_run_is_said_in_words():
    other = run(lsh=(0.1, 0.1), recall=0.5, setting=Setting(4, 6, 2, 10))
    said = tables.difference(run(), other)
    assert (
        "L = 8 tables, K = 6 bits takes 0.20 ms and the pinned LSH at L = 4 tables, K = 6 bits, 2 probes 0.10" in said
    )
    assert "2.0 times as slow, with 10.0 points more recall." in said


def test_runs_of_two_machines_are_not_compared_in_time_without_a_warning():
    assert "different machines" in tables.difference(run(), run(machine="Another"))
    assert "different machines" not in tables.difference(run(), run(seed=3))


def test_runs_are_compared_at_the_largest_size_of_both():
    assert tables.difference(run(), run(lsh=(0.1,))).startswith("Over 1,000 clips")
    apart = run()
    apart = dataclasses.replace(apart, laps=tuple(dataclasses.replace(lap, n=77) for lap in apart.laps))
    assert "share no size" in tables.difference(run(), apart)


def test_a_cancelled_run_says_how_far_it_came():
    assert "(cancelled after 1 of 2 sizes)" in tables.summary(run(lsh=(0.1,)))


def test_a_run_from_another_machine_is_described_as_measured_in_advance():
    assert race_summary.measured(run(), shipped=True).endswith("2026-03-01 10:20 UTC; press Race for yours.")
    assert "Measured in advance on Some processor" in race_summary.measured(run(), shipped=True)
    assert "Measured here" in race_summary.measured(run(), shipped=False)


def test_a_machine_with_markdown_in_its_name_is_shown_as_it_is_called():
    assert "\\[x\\]\\(y\\)" in race_summary.measured(run(machine="[x](y)"), shipped=True)


def test_the_python_to_reproduce_prints_every_lap(root, tmp_path, monkeypatch):
    path = write_small(tmp_path / "small", {"train": 60, "validation": 5, "test": 5})
    monkeypatch.chdir(tmp_path)
    _, code = commands.race(path, run(sizes=(60,)))
    told = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True)
    assert all(f"racer='{racer}', n=60" in done.stdout for racer in RACERS)
