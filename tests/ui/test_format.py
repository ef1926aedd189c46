"""Numbers as text."""

import ast

import pytest

from tests.meta.sources import trees
from ui import format as text

UNITS = (" %", "%", " ms", " MB", " GB", "°")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "0.50"), (3.14159, "3.1"), (9.96, "10"), (12.4, "12"), (123, "123"), (12345.6, "12,346")],
)
def test_numbers_have_two_significant_digits(value, expected):
    assert text.number(value) == expected
    assert text.number(-value) == f"-{expected}"


def test_zero_nan_and_infinity_are_numbers_too():
    assert [text.number(value) for value in (0.0, float("nan"), float("inf"))] == ["0", "nan", "inf"]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, "0 %"),
        (0.00002, "< 0.01 %"),
        (0.0004, "0.04 %"),
        (0.031, "3.1 %"),
        (0.0996, "10 %"),
        (0.924, "92 %"),
        (1, "100 %"),
    ],
)
def test_percentages(share, expected):
    assert text.percent(share) == expected


def test_percentages_with_three_digits():
    assert text.percent(0.9243, 3) == "92.4 %"


@pytest.mark.parametrize(
    ("change", "expected"),
    [(0.012, "+1.2 points"), (-0.0004, "-0.04 points"), (-0.00001, "0 points"), (0.2, "+20 points")],
)
def test_changes_of_percentages(change, expected):
    assert text.signed_points(change) == expected


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (0, "0 ms"),
        (0.0099, "0.0099 ms"),
        (0.1, "0.10 ms"),
        (3.14159, "3.1 ms"),
        (12.3, "12 ms"),
        (999, "999 ms"),
        (999.4, "999 ms"),
        (999.5, "1.0 s"),
        (1500, "1.5 s"),
    ],
)
def test_milliseconds(ms, expected):
    assert text.milliseconds(ms) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(45, "45 s"), (89, "89 s"), (120, "2 min"), (5000, "83 min"), (6000, "over an hour")]
)
def test_minutes(seconds, expected):
    assert text.minutes(seconds) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [(0, "0 MB"), (500_000, "0.50 MB"), (18.2e6, "18 MB"), (2.4e9, "2,400 MB")]
)
def test_megabytes(size, expected):
    assert text.megabytes(size) == expected


@pytest.mark.parametrize(("angle", "expected"), [(43.2, "43°"), (-4.31, "4.3°"), (0.043, "0.043°"), (0, "0°")])
def test_degrees(angle, expected):
    assert text.degrees(angle) == expected


@pytest.mark.parametrize(("n", "expected"), [(0, "0 clips"), (1, "1 clip"), (16225, "16,225 clips")])
def test_plurals(n, expected):
    assert text.plural(n, "clip") == expected


def test_an_irregular_plural():
    assert text.plural(1, "query", "queries") == "1 query"
    assert text.plural(2, "query", "queries") == "2 queries"


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(n, expected):
    assert text.ordinal(n) == expected


def test_ranks_of_neighbours():
    assert [text.nth_nearest(rank) for rank in (1, 2, 10)] == ["nearest", "2nd nearest", "10th nearest"]


def test_lists_of_words():
    assert [text.join_words(items) for items in ([2], [2, 5], [2, 5, 7])] == ["2", "2 and 5", "2, 5 and 7"]


def test_capitalised_changes_the_first_letter_only():
    assert [text.capitalised(words) for words in ("the LSH", "", "LSH")] == ["The LSH", "", "LSH"]


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        (1, 2.5, "2.5 times as fast"),
        (2.5, 1, "2.5 times as slow"),
        (1, 1.05, "about the same"),
        (1.05, 1, "about the same"),
        (1, 1.2, "1.2 times as fast"),
        (1, 40, "40 times as fast"),
    ],
)
def test_times_within_their_spread_are_about_the_same(mine, other, expected):
    assert text.compare_times(mine, other, 0.1) == expected


def formatted_units(tree):
    """Yield the lines where an f-string writes a number with a unit of `ui.format`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for part, after in zip(node.values, [*node.values[1:], None], strict=True):
                if isinstance(part, ast.FormattedValue):
                    spec = ast.unparse(part.format_spec) if part.format_spec else ""
                    follows = after.value if isinstance(after, ast.Constant) else ""
                    if "%" in spec or (not follows.startswith("%}") and follows.startswith(UNITS)):
                        yield f"line {node.lineno}: {ast.unparse(part)}{follows[:5]}"


def test_only_ui_format_writes_numbers_with_units():
    others = {name: tree for name, tree in trees().items() if name.split(".")[0] == "ui" and name != "ui.format"}
    assert [(name, place) for name, tree in others.items() for place in formatted_units(tree)] == []


@pytest.mark.parametrize("code", ['f"{x:.1%}"', 'f"{x:.0f} % of all"', 'f"{ms:.2f} ms"', 'f"{n} MB"'])
def test_the_search_for_units_finds_formatted_numbers(code):
    assert len(list(formatted_units(ast.parse(code)))) == 1
