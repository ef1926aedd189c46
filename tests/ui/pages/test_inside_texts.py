"""Sentences of the page Inside."""

import numpy as np
import pytest

from lsh.analysis.inspecting import Fix, NearMiss, TableKey
from tests.ui.plotly_figures import checked
from ui.figures.key_matches import key_differences
from ui.figures.margins import Margins, margins
from ui.figures.palette import FOUND, MISSED, QUERY
from ui.model.state import Settings
from ui.pages.inside import bucket_sizes, key_and_buckets, missed

key_differences, margins = checked(key_differences), checked(margins)
S = Settings(n_tables=5, n_bits=8)


def traces(figure):
    return {drawn.name: drawn for drawn in figure.data}


def test_a_miss_says_in_how_many_bits_of_which_table():
    said = missed.describe_miss(S, NearMiss(2, (4,), 4))
    assert said == "missed: its key differs from yours in 1 of 8 bits in table 3: bit 5"


def test_under_euclidean_a_key_is_made_of_numbers():
    said = missed.describe_miss(Settings(metric="euclidean", n_bits=8), NearMiss(0, (0, 6), 0))
    assert said.endswith("2 of 8 numbers in table 1: numbers 1 and 7")


def test_the_deciding_wall_is_the_nearest_of_those_that_differ():
    positions = np.array([[3.0, -0.04, 8.0], [-2.0, 1.5, 9.0]])
    said = missed.deciding_wall(S, NearMiss(0, (0, 1), 0), positions, Fix(7, None, 2))
    assert said.startswith("The plane of bit 2 passes between you: 0.040° from your sound, 1.5° from it.")
    assert said.endswith("K = 7 or probes = 2 alone would have found it.")


def test_a_miss_that_no_single_setting_would_find_is_described_so():
    said = missed.deciding_wall(S, NearMiss(0, (0,), 0), np.ones((2, 3)), Fix(None, None, None))
    assert "No single slider" in said


@pytest.mark.parametrize(("weakest", "said"), [(0.05, "Bit 2 was nearly another"), (0.4, "Bit 2 is the least certain")])
def test_a_bit_is_called_nearly_another_only_when_its_plane_passes_near(weakest, said):
    own = TableKey(np.array([1, 0, 1]), np.array([5.0, -0.2, 7.0]), np.array([0.9, weakest, 0.8]))
    assert said in key_and_buckets.describe_key(Settings(n_bits=3), 0, own, np.array([1, 4, 0]), 2, 10)


def test_the_cost_of_uneven_buckets_is_the_mean_bucket_of_a_clip_over_the_even_size():
    said = bucket_sizes.describe_crowds(Settings(n_bits=1), 0, np.array([90, 10]), 90, 50.0, 100)
    assert "fullest holds **90 %**" in said
    assert "shares its bucket with 82 on average" in said
    assert "**1.6 times** the work" in said


def test_found_and_missed_neighbours_differ_by_mark_as_well_as_by_colour():
    at = Margins(
        np.array([1.0, -2.0]), np.array([[0.5, 1.0], [2.0, -3.0]]), [0.0], np.array([1, 0]), np.array([0.1, 0.9]),
        [True, False], ["one", "two"], "bit", "degrees", "°",
    )  # fmt: skip
    drawn = traces(margins(at, "light"))
    assert (drawn["found"].marker.symbol, drawn["found"].marker.color) == ("circle", FOUND)
    assert (drawn["missed"].marker.symbol, drawn["missed"].marker.color) == ("circle-open", MISSED)
    assert (drawn["your sound"].marker.symbol, drawn["your sound"].marker.color) == ("star", QUERY)
    assert list(drawn["your sound"].x) == [1.0, -2.0]


def test_a_bit_that_was_nearly_another_is_framed_and_named():
    at = Margins(
        np.array([1.0, -2.0]), np.zeros((0, 2)), [0.0], np.array([1, 0]), np.array([0.1, 0.9]), [], [], "bit", "", ""
    )
    figure = margins(at, "dark")
    assert list(figure.layout.yaxis.ticktext) == ["bit 1 · nearly", "bit 2"]
    assert sum(shape.type == "rect" for shape in figure.layout.shapes) == 1


def test_equal_keys_are_dots_and_the_nearest_miss_of_a_missed_clip_is_a_ring():
    apart = np.array([[0, 2, 1], [3, 1, 2]])
    drawn = traces(key_differences(apart, np.array([0, 1]), [True, False], "light"))
    assert list(zip(drawn["found"].x, drawn["found"].y, strict=True)) == [(1, 1)]
    assert list(zip(drawn["nearest miss"].x, drawn["nearest miss"].y, strict=True)) == [(2, 2)]
    assert list(drawn["bits apart"].text) == ["2", "1", "3", "1", "2"]
