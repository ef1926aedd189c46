"""Figures of races."""

import math

import pytest

from lsh.analysis.racing import BATCHED, EXACT, LSH, RACERS, SKETCHES
from tests.ui.plotly_figures import checked
from tests.ui.races import SIZES, lap, run
from ui.figures import race as figures
from ui.figures.palette import FOUND, INK, PINNED

throughput, time_by_size, recall_by_size = map(
    checked, (figures.throughput, figures.time_by_size, figures.recall_by_size)
)


def trace(figure, name):
    return next(own for own in figure.data if own.name == name)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_longer_bar_is_a_faster_racer_and_the_fastest_is_on_top(mode):
    figure = throughput(run().at(10_000), None, mode)
    rates = {bar.name: (bar.y[0], bar.x[0]) for bar in figure.data}
    assert sorted(rates.values()) == sorted(rates.values(), key=lambda rate: rate[1])
    assert rates["sketches"] == (3, pytest.approx(1000 / 0.05))
    assert trace(figure, "LSH").marker.color == FOUND
    assert trace(figure, "exact, one at a time").marker.color == INK[mode]


def test_the_pinned_run_has_a_bar_with_a_hollow_purple_diamond():
    figure = throughput(run().at(10_000), lap(LSH, 10_000, 0.15, 0.7), "light")
    diamond = trace(figure, "pinned")
    assert (diamond.marker.symbol, diamond.marker.line.color) == ("diamond", PINNED)
    assert diamond.marker.color != PINNED
    assert diamond.x[0] == pytest.approx(1000 / 0.15)
    assert any("pinned" in note.text for note in figure.layout.annotations)


def test_the_frame_keeps_its_height_with_a_pinned_run():
    laps = run().at(10_000)
    assert throughput(laps, laps[LSH], "light").layout.height == throughput(laps, None, "light").layout.height


def test_each_racer_is_a_line_through_its_times():
    figure = time_by_size(run().laps, [], {}, SIZES, "light")
    assert list(trace(figure, "LSH").x) == list(SIZES)
    assert list(trace(figure, "exact, batched").y) == [0.01, 0.1]
    assert {figure.layout.xaxis.type, figure.layout.yaxis.type} == {"log"}


def test_every_line_is_named_at_its_end():
    figure = time_by_size(run().laps, run().of(LSH), {}, SIZES, "light")
    names = {note.text for note in figure.layout.annotations}
    assert names >= {"<b>LSH</b>", "exact", "batched", "sketches", "pinned"}


def test_the_crossover_is_marked_where_the_lines_meet_and_named():
    figure = time_by_size(run().laps, [], {EXACT: math.sqrt(10) * 1000}, SIZES, "light")
    cross = trace(figure, "LSH overtakes exact, one at a time")
    assert cross.x[0] == pytest.approx(3162, abs=1)
    assert cross.y[0] == pytest.approx(math.sqrt(0.1 * 0.2))
    assert any("LSH overtakes exact<br>at about 3,200" in note.text for note in figure.layout.annotations)


def test_the_recall_of_exact_search_is_drawn_once():
    figure = recall_by_size(run().laps, [], SIZES, "dark")
    assert {own.name for own in figure.data} == {"LSH", "exact, one at a time", "sketches"}
    assert list(trace(figure, "LSH").y) == [0.6, 0.6]


def test_an_unfinished_race_is_drawn_with_the_axes_of_the_whole():
    first = time_by_size(run(lsh=(0.1,)).laps, [], {}, SIZES, "light")
    assert first.layout.xaxis.range == time_by_size(run().laps, [], {}, SIZES, "light").layout.xaxis.range


@pytest.mark.parametrize(
    ("n", "said"), [(400, "400"), (5000, "5k"), (16225, "16k"), (200_000, "200k"), (2_084_320, "2.1M")]
)
def test_sizes_are_short_on_the_axis(n, said):
    assert figures.short_size(n) == said


@pytest.mark.parametrize(("n", "said"), [(5959.0, "6,000"), (14_200.0, "14,000"), (96.0, "96"), (7.0, "7")])
def test_sizes_are_rounded_to_two_digits(n, said):
    assert figures.round_size(n) == said


def test_every_racer_has_its_own_name_and_symbol():
    looks = [figures._look(racer, "light") for racer in RACERS]
    assert len({symbol for symbol, _ in looks}) == len(RACERS)
    assert set(figures.NAMES) == set(figures.SHORT) == {LSH, EXACT, BATCHED, SKETCHES}
