"""Formats of the answers, and the settings of the measurements: those of the figures in docs."""

import pytest

from benchmarks.answers import __main__ as command
from benchmarks.answers import (
    aggregation,
    confidence,
    families,
    formatting,
    parameters,
    predicted_recall,
    quality,
    setup,
    speed,
)


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (formatting.percent, 0.9949, "99.5 %"),
        (formatting.percent, 0.995, "100 %"),
        (formatting.percent, 0.1234, "12.3 %"),
        (formatting.percent, 1, "100 %"),
        (formatting.ms, 99.5, "100"),
        (formatting.ms, 99.44, "99.4"),
        (formatting.ms, 9.95, "9.9"),
        (formatting.ms, 9.94, "9.9"),
        (formatting.ms, 9.96, "10.0"),
        (formatting.ms, 0.1234, "0.12"),
        (formatting.ratio, 9.95, "10"),
        (formatting.ratio, 9.94, "9.9"),
        (formatting.ratio, 1.95, "1.9"),
        (formatting.ratio, 1.94, "1.94"),
        (formatting.ratio, 1.96, "2.0"),
        (formatting.angle, 0.0, "0°"),
        (formatting.angle, 0.5, "60°"),
        (formatting.angle, 1.0, "90°"),
        (formatting.angle, 2.0000001, "180°"),  # of float32
        (formatting.angle, -1e-7, "0°"),
    ],
)
def test_numbers_are_written_with_about_as_many_digits_as_they_are_known_to(write, value, expected):
    assert write(value) == expected


def test_differences_have_signs_and_are_never_minus_zero():
    figure = {"value": -0.0001, "low": -0.0124, "high": 0.0236}
    assert formatting.difference(figure) == "+0.000 (-0.012 to +0.024)"
    assert formatting.with_interval(figure) == "-0.000 (-0.012 to 0.024)"
    assert formatting.with_error({"value": 0.4333, "error": 0.0078}) == "0.433 ± 0.008"


def test_figures_are_rounded_to_five_decimals_wherever_they_are():
    figures = {"a": 1 / 3, "b": [2 / 3, {"c": 1e-9}], "d": 7, "e": "1.23456789", "f": None, "g": True}
    expected = {"a": 0.33333, "b": [0.66667, {"c": 0.0}], "d": 7, "e": "1.23456789", "f": None, "g": True}
    assert formatting.rounded(figures) == expected


def test_the_settings_are_those_of_the_figures_in_docs(root):
    figures = command.read(root / "docs" / "answers.json")
    about = figures["about"]
    assert (about["queries"], about["k"], about["seed"]) == (command.N_QUERIES, setup.K, setup.SEED)
    for found in figures["parameters"]:
        assert tuple(row["wanted"] for row in found["tables"]) == parameters.RECALLS
        assert tuple(row["wanted"] for row in found["plans"]) == parameters.PLANNED
        assert found["queries"]["validation"] == parameters.TUNING_QUERIES
    assert figures["speed"]["wanted"] == speed.WANTED
    assert tuple(row["n"] for row in figures["speed"]["modelled"]) == speed.MODELLED
    for found in figures["quality"]:
        assert len(found["close"]["seeds"]) == len(quality.SEEDS) == len(set(quality.SEEDS))
        assert len(found["close"]["worst"]) == quality.N_WORST
        assert found["close"]["wanted"] == quality.CLOSE
    frames = figures["aggregation"]
    assert (frames["fetched"], frames["lsh"]) == (aggregation.FETCHED, aggregation.SETTING)
    assert frames["sketches"] == aggregation.SKETCH_SETTING
    assert {way["name"] for way in frames["ways"]} == set(aggregation.TITLES)
    assert {found["queries"] for found in figures["families"]} == {families.QUERIES}
    assert {found["queries"] for found in figures["theory"]} == {predicted_recall.QUERIES}
    text = (root / "docs" / "ANSWERS.md").read_text(encoding="utf-8")
    assert f"{confidence.LEVEL:.0%}".replace("%", " %") in text
