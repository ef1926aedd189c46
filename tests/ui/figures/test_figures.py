"""Figures: what they show, in both colour schemes."""

import itertools
import json
import math

import numpy as np
import pytest

from tests.ui.plotly_figures import checked
from ui.figures.bucket_sizes import BucketSizes, bucket_ranks
from ui.figures.buckets import bucket_strip
from ui.figures.figure import Figure
from ui.figures.key_matches import key_differences
from ui.figures.marks import Grid, moved_apart, uncrowded, you_are_here
from ui.figures.palette import FOUND, HERE, PAPER, QUIET
from ui.figures.recall_cost import candidate_cost, time_cost, trade_off
from ui.figures.recall_grid import contour_end, heat_map
from ui.figures.theory import parity, predicted_beside_measured

bucket_ranks, bucket_strip, key_differences, trade_off, heat_map, parity, predicted_beside_measured = map(
    checked, (bucket_ranks, bucket_strip, key_differences, trade_off, heat_map, parity, predicted_beside_measured)
)
HERE_SETTING = (8, 6)
MODES = ("light", "dark")


def theory(p: float, n_tables: np.ndarray, n_bits: np.ndarray) -> np.ndarray:
    return 1 - (1 - p ** n_bits[None, :]) ** n_tables[:, None]


@pytest.fixture
def grid() -> Grid:
    n_tables, n_bits = np.arange(1, 17), np.arange(1, 13)
    return Grid(n_tables, n_bits, theory(0.75, n_tables, n_bits), theory(0.5, n_tables, n_bits))


@pytest.fixture
def candidates(grid: Grid) -> np.ndarray:
    return grid.candidate_fraction


@pytest.fixture
def milliseconds(candidates: np.ndarray) -> np.ndarray:
    return 0.05 + 2 * candidates


def trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def texts(figure):
    return [annotation.text for annotation in figure.layout.annotations]


@pytest.fixture(params=["heat", "looked_at", "time", "predicted", "parity"])
def drawn(request, grid, candidates, milliseconds):
    """Return each figure, drawn in the dark, with the coordinates at which the setting in force belongs."""
    row, column = grid.cell(*HERE_SETTING)
    recall = grid.recall[row, column]
    predicted = np.clip(grid.recall - 0.05, 0, 1)
    share, ms = candidates[row, column], milliseconds[row, column]
    return {
        "heat": lambda: (heat_map(grid, HERE_SETTING, 0.9, "dark"), HERE_SETTING),
        "looked_at": lambda: (
            trade_off(grid, candidate_cost(candidates), HERE_SETTING, (share, recall), 0.9, "dark"),
            (share, recall),
        ),
        "time": lambda: (
            trade_off(grid, time_cost(milliseconds, 1.5), HERE_SETTING, (ms, recall), 0.9, "dark"),
            (ms, recall),
        ),
        "predicted": lambda: (
            predicted_beside_measured(grid, predicted, HERE_SETTING, "dark"),
            (HERE_SETTING[0], recall),
        ),
        "parity": lambda: (parity(grid, predicted, HERE_SETTING, "dark"), (predicted[row, column], recall)),
    }[request.param]()


def test_you_are_here_stands_at_the_setting_on_every_figure(drawn):
    figure, (x, y) = drawn
    mark = trace(figure, "you are here")
    assert (mark.x[0], mark.y[0]) == (x, y)
    assert (mark.marker.symbol, mark.marker.color) == ("diamond", HERE)


def test_the_crosshair_of_you_are_here_crosses_at_the_setting(drawn):
    figure, (x, y) = drawn
    lines = [shape for shape in figure.layout.shapes if shape.line.color == HERE]
    assert {(line.x0, line.x1) for line in lines if line.xref == "x"} == {(x, x)}
    assert {(line.y0, line.y1) for line in lines if line.yref == "y"} == {(y, y)}


@pytest.mark.parametrize(("x", "anchor"), [(0, "left"), (3, "left"), (3.1, "right"), (10, "right")])
def test_you_are_here_is_written_to_the_left_where_there_is_room(x, anchor):
    figure = Figure({"xaxis": {"range": [0, 10]}, "yaxis": {"range": [0, 1]}})
    you_are_here(figure, x, 0.5, "", "dark")
    assert figure.layout["annotations"][0]["xanchor"] == anchor


def test_you_are_here_is_said_in_words_and_not_by_colour_alone(drawn):
    figure, _ = drawn
    assert "<b>you are here</b>" in texts(figure)


def test_every_axis_says_in_words_what_it_measures(drawn):
    figure, _ = drawn
    titles = figure.layout.xaxis.title.text, figure.layout.yaxis.title.text
    units = ("L, tables", "K, bits", "share", "ms", "recall")
    assert all(any(unit in title for unit in units) for title in titles), titles


def test_every_figure_has_a_transparent_paper_a_fixed_height_and_no_legend(drawn):
    layout = drawn[0].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.height >= 300
    assert layout.template.layout.showlegend is False


def test_scrolling_by_touch_does_not_zoom_a_figure(drawn):
    layout = drawn[0].layout.template.layout
    assert layout.dragmode is False
    assert layout.xaxis.fixedrange
    assert layout.yaxis.fixedrange


def test_the_two_themes_differ_in_colours_and_agree_in_data(grid, candidates):
    light, dark = (heat_map(grid, HERE_SETTING, 0.9, mode) for mode in MODES)
    assert light.layout.font.color != dark.layout.font.color
    assert (light.data[0].z == dark.data[0].z).all()


def test_the_heat_map_shows_each_cell_at_its_own_tables_and_bits(grid, candidates):
    cells = heat_map(grid, HERE_SETTING, 0.9, "light").data[0]
    assert (list(cells.x), list(cells.y)) == (list(range(1, 17)), list(range(1, 13)))
    assert cells.z[2][4] == grid.recall[4, 2]  # K = 3, L = 5
    assert (cells.zmin, cells.zmax) == (0, 1)


def test_the_hover_text_of_a_cell_is_a_sentence_with_its_numbers(grid, candidates):
    cells = heat_map(grid, HERE_SETTING, 0.9, "light").data[0]
    assert cells.text[2][4].startswith("L = 5 tables, K = 3 bits:<br>finds 94 % of the nearest clips")
    assert cells.text[2][4].endswith("looking at 49 % of the collection")


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.99])
def test_the_contour_is_drawn_at_the_wanted_recall_and_named_with_it(grid, wanted):
    figure = heat_map(grid, HERE_SETTING, wanted, "light")
    contours = [drawn for drawn in figure.data if drawn.type == "contour"]
    assert contours
    assert all(drawn.contours.start == drawn.contours.end == wanted for drawn in contours)
    assert f"recall {100 * wanted:.0f} %" in texts(figure)


def test_the_contours_name_stands_where_recall_crosses_what_is_wanted(grid):
    n_bits = contour_end(grid, 0.8)
    below, above = math.floor(n_bits) - 1, math.ceil(n_bits) - 1
    assert grid.recall[-1, below] >= 0.8 > grid.recall[-1, above]


def test_neither_the_contours_name_nor_you_are_here_covers_the_other_on_a_phone(grid):
    for n_tables, n_bits in itertools.product(range(8, 17), range(1, 13)):
        figure = heat_map(grid, (n_tables, n_bits), 0.8, "light")
        one, other = box(figure, "<b>you are here</b>", 90), box(figure, "recall 80 %", 70)
        beside = one[1] <= other[0] or other[1] <= one[0]
        assert beside or one[3] <= other[2] or other[3] <= one[2], (n_tables, n_bits)


def box(figure, text, width):
    """Return left, right, bottom and top of a label, in pixels, in a figure 300 px wide."""
    layout = figure.layout
    height = layout.height - layout.margin.t - layout.margin.b
    (note,) = (note for note in layout.annotations if note.text == text)
    (x0, x1), (y0, y1) = layout.xaxis.range, layout.yaxis.range
    x, y = 300 * (note.x - x0) / (x1 - x0) + note.xshift, height * (note.y - y0) / (y1 - y0) + note.yshift
    left = x - width if note.xanchor == "right" else x
    return left, left + width, y - 10, y + 10


@pytest.mark.parametrize("wanted", [1.01, 0.0])
def test_a_recall_that_no_edge_crosses_has_no_contour_end(grid, wanted):
    assert contour_end(grid, wanted) is None


def test_there_is_one_line_per_k_and_only_the_current_one_is_emphasised(grid, candidates):
    cost = candidate_cost(candidates)
    figure = trade_off(grid, cost, HERE_SETTING, (10.0, 0.5), 0.9, "light")
    lines = {drawn.name: drawn for drawn in figure.data if drawn.name.startswith("K = ")}
    assert set(lines) == {f"K = {n}" for n in grid.n_bits}
    assert {name for name, line in lines.items() if line.line.color == FOUND} == {"K = 6"}
    assert {line.line.color for name, line in lines.items() if name != "K = 6"} == {QUIET}


def test_a_line_goes_through_its_own_costs_and_recalls(grid, candidates):
    figure = trade_off(grid, candidate_cost(candidates), HERE_SETTING, (10.0, 0.5), 0.9, "light")
    line = trace(figure, "K = 3")
    np.testing.assert_array_equal(line.x, candidates[:, 2])
    np.testing.assert_array_equal(line.y, grid.recall[:, 2])


def test_the_current_line_is_named_at_its_end_instead_of_in_a_legend(grid, candidates):
    figure = trade_off(grid, candidate_cost(candidates), HERE_SETTING, (10.0, 0.5), 0.9, "light")
    name = next(drawn for drawn in figure.layout.annotations if drawn.text == "<b>K 6</b>")
    assert name.x == pytest.approx(math.log10(candidates[-1, 5]))
    assert name.y == grid.recall[-1, 5]


def test_the_current_line_keeps_its_name_when_you_are_at_its_end(grid, candidates):
    at_end = candidates[-1, 5], grid.recall[-1, 5]
    figure = trade_off(grid, candidate_cost(candidates), (16, 6), at_end, 0.9, "light")
    assert {"<b>K 6</b>", "<b>you are here</b>"} <= set(texts(figure))


@pytest.mark.parametrize("milli", [0.02, 1.5, 40.0])
def test_exact_search_stands_at_recall_one_and_its_own_time(grid, milliseconds, milli):
    cost = time_cost(milliseconds, milli)
    figure = trade_off(grid, cost, HERE_SETTING, (0.1, 0.5), 0.9, "light")
    exact = trace(figure, "exact")
    low, high = figure.layout.xaxis.range
    assert (exact.x[0], exact.y[0], exact.marker.symbol) == (milli, 1.0, "square")
    assert low <= math.log10(milli) <= high
    assert f"exact: {cost.text(milli)}" in texts(figure)


def test_a_setting_that_looks_at_nothing_still_draws(grid, candidates):
    nothing = np.where(candidates < 0.01, 0.0, candidates)
    figure = trade_off(grid, candidate_cost(nothing), (1, 12), (0.0, 0.0), 0.9, "light")
    assert all(math.isfinite(end) for end in figure.layout.xaxis.range)


@pytest.mark.parametrize("here", [1e-3, 1e-2, 2.0])
def test_the_axis_of_costs_reaches_a_setting_that_lies_beside_the_lines(grid, here):
    costs = np.clip(grid.candidate_fraction, 0.1, 0.9)
    figure = trade_off(grid, candidate_cost(costs), HERE_SETTING, (here, 0.5), 0.9, "light")
    low, high = figure.layout.xaxis.range
    assert low <= math.log10(here) <= high
    assert low <= math.log10(0.1) < 0 <= high  # every line, and exact search


def test_measured_and_predicted_differ_by_dash_and_name_and_not_by_colour_alone(grid):
    figure = predicted_beside_measured(grid, grid.recall - 0.01, HERE_SETTING, "light")
    assert trace(figure, "predicted").line.dash == "dash"
    assert trace(figure, "measured").line.dash is None
    assert {"<b>measured</b>", "predicted"} <= set(texts(figure))


def test_names_of_lines_that_end_together_are_moved_apart(grid):
    figure = predicted_beside_measured(grid, grid.recall, HERE_SETTING, "light")
    shifts = [drawn.yshift for drawn in figure.layout.annotations if drawn.text in {"<b>measured</b>", "predicted"}]
    assert abs(shifts[0] - shifts[1]) >= 12  # px, the height of the letters


def test_parity_has_a_point_for_every_setting(grid):
    predicted = grid.recall**2
    points = trace(parity(grid, predicted, HERE_SETTING, "light"), "settings")
    assert sorted(zip(points.x, points.y, strict=True)) == sorted(
        zip(predicted.ravel(), grid.recall.ravel(), strict=True)
    )


def test_heights_that_crowd_are_moved_apart_about_their_middle_and_keep_their_order():
    moved = moved_apart([10.0, 11.0, 12.0, 200.0], 17)
    assert all(after - before >= 16.999 for before, after in itertools.pairwise(moved))
    assert moved[3] == 200
    assert sum(moved[:3]) == pytest.approx(33)


def test_choosing_places_keeps_the_first_place_and_drops_those_too_near():
    places = [(0.5, 0.5), (0.52, 0.51), (0.5, 0.8), (0.9, 0.5)]
    assert uncrowded(places, gap=0.1, x_gap=0.2) == [0, 2, 3]


def test_a_setting_outside_the_grid_is_shown_at_its_nearest_cell(grid):
    assert grid.cell(99, 99) == (15, 11)


def test_the_label_of_exact_search_covers_the_crosshair_behind_it(grid, candidates):
    figure = trade_off(grid, candidate_cost(candidates), HERE_SETTING, (0.9, 0.5), 0.9, "light")
    (label,) = (note for note in figure.layout.annotations if note.text.startswith("exact:"))
    assert label.bgcolor == PAPER["light"]


def test_the_label_of_equally_full_buckets_stands_above_the_stems():
    figure = bucket_strip(np.arange(20), np.zeros(20, int), 12.0, 3, "light")
    (label,) = (note for note in figure.layout.annotations if "equally full" in note.text)
    assert (label.yref, label.y, label.yanchor) == ("paper", 1, "bottom")


@pytest.mark.parametrize(
    ("n_tables", "ticks"), [(10, list(range(1, 11))), (11, [1, 4, 8]), (12, [1, 4, 8, 12]), (20, [1, 4, 8, 12, 16, 20])]
)
def test_up_to_ten_tables_are_all_numbered_and_of_more_the_first_and_every_fourth(n_tables, ticks):
    none = np.zeros(n_tables, int)
    strip = bucket_strip(none, none, 1.0, 0, "light")
    cells = key_differences(none[None], np.zeros(1, int), [True], "light")
    assert list(strip.layout.xaxis.tickvals) == list(cells.layout.xaxis.tickvals) == ticks


@pytest.mark.parametrize(("sizes", "names"), [((40, 79), ["K = 0 and K = 1"]), ((40, 80), ["K = 0", "K = 1"])])
def test_lines_share_the_place_of_their_names_if_one_begins_below_twice_the_other(sizes, names):
    crowds = [BucketSizes(f"K = {i}", np.array([size, 1])) for i, size in enumerate(sizes)]
    assert texts(bucket_ranks(crowds, 100, 0.5, None, "light")) == names


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null_in_the_json_of_a_figure(number):
    figure = Figure({"height": 200})
    figure.add_trace({"type": "scatter", "x": [1, 2], "y": [number, 0.5]})
    assert json.loads(figure.to_json(), parse_constant=str)["data"][0]["y"] == [None, 0.5]
