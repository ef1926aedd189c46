"""Comparison with committed files: which differences are noticed, and how a long list becomes text."""

import pytest

from tests.ui.snapshots import golden_files
from tests.ui.snapshots.golden_files import COMMAND, SWITCH, compare, difference, same
from tests.ui.snapshots.recorded import numbers


@pytest.mark.parametrize(
    ("committed", "shown"),
    [("finds 62 %", "finds 63 %"), ("1.25 ms", "1.27 ms"), ("a 1.0", "b 1.0"), ("1.0", "1.0\n2.0"), ("1.0", "-1.0")],
)
def test_a_difference_is_noticed(committed, shown):
    assert not same(committed, shown)
    assert difference(committed, shown)


@pytest.mark.parametrize(
    ("committed", "shown"), [("1.25 ms", "1.26 ms"), ("1.000", "0.9999"), ("1.338e+04", "1.339e+04")]
)
def test_decimals_may_differ_in_the_last_place(committed, shown):
    assert same(committed, shown)
    assert not difference(committed, shown)


def test_a_failure_shows_the_lines_that_differ_and_the_command_that_writes_the_files(tmp_path, monkeypatch):
    monkeypatch.setattr(golden_files, "FOLDER", tmp_path)
    monkeypatch.setenv(SWITCH, "1")
    compare("page", "one\ntwo 2\n")
    compare("page", "one\ntwo 2\n")
    monkeypatch.delenv(SWITCH)
    compare("page", "one\ntwo 2\n")
    with pytest.raises(AssertionError, match=COMMAND) as failure:
        compare("page", "one\ntwo 3\n")
    assert "-two 2\n+two 3" in str(failure.value)


def test_a_missing_file_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(golden_files, "FOLDER", tmp_path)
    monkeypatch.delenv(SWITCH, raising=False)
    with pytest.raises(AssertionError):
        compare("page", "one\n")


@pytest.mark.parametrize("place", [0, 7, 29])
def test_each_value_of_a_long_list_changes_its_text(place):
    values = [0.5 + 0.01 * i for i in range(30)]
    changed = [value + 0.02 * (i == place) for i, value in enumerate(values)]
    assert not same(numbers(values), numbers(changed))


def test_an_exchange_of_two_values_changes_the_text_of_a_long_list():
    values = [0.5 + 0.01 * i for i in range(30)]
    changed = [*values[:8], values[9], values[8], *values[10:]]
    assert not same(numbers(values), numbers(changed))
