import ast

import pytest

from tests.meta.sources import TREES
from ui import format as text

UI = {name: tree for name, tree in TREES.items() if name.split(".")[0] == "ui" and name != "ui.format"}
UNITS = (" %", "%", " ms", " MB", " GB", "°")


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.5, "0.50"), (3.14159, "3.1"), (9.96, "10"), (12.4, "12"), (123, "123"), (12345.6, "12,346")],
)
def test_numbers_have_two_significant_digits(value, said):
    assert text.number(value) == said
    assert text.number(-value) == f"-{said}"


def test_zero_and_what_is_not_finite_are_written_too():
    assert [text.number(value) for value in (0.0, float("nan"), float("inf"))] == ["0", "nan", "inf"]


@pytest.mark.parametrize(
    ("share", "said"),
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
def test_percentages(share, said):
    assert text.percent(share) == said


def test_percentages_with_three_digits():
    assert text.percent(0.9243, 3) == "92.4 %"


@pytest.mark.parametrize(
    ("change", "said"), [(0.012, "+1.2 %"), (-0.0004, "-0.04 %"), (0.00001, "0 %"), (-0.00001, "0 %"), (0.2, "+20 %")]
)
def test_changes_of_percentages(change, said):
    assert text.signed_percent(change) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0 ms"),
        (0.0099, "0.0099 ms"),
        (0.1, "0.10 ms"),
        (3.14159, "3.1 ms"),
        (12.3, "12 ms"),
        (999, "999 ms"),
        (1500, "1.5 s"),
    ],
)
def test_milliseconds(ms, said):
    assert text.milliseconds(ms) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (89, "89 s"), (120, "2 min"), (5000, "83 min"), (6000, "over an hour")]
)
def test_minutes(seconds, said):
    assert text.minutes(seconds) == said


@pytest.mark.parametrize(("size", "said"), [(0, "0 MB"), (500_000, "0.50 MB"), (18.2e6, "18 MB"), (2.4e9, "2,400 MB")])
def test_megabytes(size, said):
    assert text.megabytes(size) == said


@pytest.mark.parametrize(("angle", "said"), [(43.2, "43°"), (-4.31, "4.3°"), (0.043, "0.043°"), (0, "0°")])
def test_degrees(angle, said):
    assert text.degrees(angle) == said


@pytest.mark.parametrize(("n", "said"), [(0, "0 clips"), (1, "1 clip"), (16225, "16,225 clips")])
def test_plurals(n, said):
    assert text.plural(n, "clip") == said


def test_an_irregular_plural():
    assert text.plural(1, "thing was", "things were") == "1 thing was"
    assert text.plural(2, "thing was", "things were") == "2 things were"


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(n, said):
    assert text.ordinal(n) == said


def test_ranks_of_neighbours():
    assert [text.nth_nearest(rank) for rank in (1, 2, 10)] == ["nearest", "2nd nearest", "10th nearest"]


def test_lists_of_words():
    assert [text.join_words(items) for items in ([2], [2, 5], [2, 5, 7])] == ["2", "2 and 5", "2, 5 and 7"]


def test_a_capital_letter_changes_no_other():
    assert [text.capitalised(words) for words in ("the LSH", "", "LSH")] == ["The LSH", "", "LSH"]


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        (1, 2.5, "2.5 times as fast"),
        (2.5, 1, "2.5 times as slow"),
        (1, 1.05, "about as fast"),
        (1.05, 1, "about as fast"),
        (1, 40, "40 times as fast"),
    ],
)
def test_differences_within_the_noise_are_none(mine, other, said):
    assert text.compare_times(mine, other) == said


def formatted_elsewhere(tree):
    """Yield the lines where an f-string writes a number with a unit of `ui.format`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for part, after in zip(node.values, [*node.values[1:], None], strict=True):
                if isinstance(part, ast.FormattedValue):
                    spec = ast.unparse(part.format_spec) if part.format_spec else ""
                    follows = after.value if isinstance(after, ast.Constant) else ""
                    if "%" in spec or (not follows.startswith("%}") and follows.startswith(UNITS)):
                        yield f"line {node.lineno}: {ast.unparse(part)}{follows[:5]}"


@pytest.mark.parametrize("name", UI)
def test_units_are_written_by_format_alone(name):
    assert list(formatted_elsewhere(UI[name])) == []


@pytest.mark.parametrize("code", ['f"{x:.1%}"', 'f"{x:.0f} % of all"', 'f"{ms:.2f} ms"', 'f"{n} MB"'])
def test_the_search_for_units_notices(code):
    assert len(list(formatted_elsewhere(ast.parse(code)))) == 1
