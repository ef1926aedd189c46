"""Tables in Markdown."""

import pytest

from benchmarks.markdown import table


def test_columns_are_aligned_words_to_the_left_and_numbers_to_the_right():
    assert table(["name", "n"], [["a", "1"], ["longer", "1,000"]]).splitlines() == [
        "| name   |     n |",
        "| ---    |   --: |",
        "| a      |     1 |",
        "| longer | 1,000 |",
    ]


def test_which_columns_are_words_may_be_said_and_each_row_has_all_of_them():
    assert table(["n", "name"], [["1,000", "a"]], text_columns=(1,)).splitlines()[1:] == [
        "|   --: | ---  |",
        "| 1,000 | a    |",
    ]
    with pytest.raises(ValueError, match="shorter"):
        table(["n", "name"], [["1"]])
