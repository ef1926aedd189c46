"""Label sets: the labels of each row in two arrays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.dataset.label_sets import LabelSets
from tests.data_prep.small_datasets import rows_of

Rows = st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=8)


def test_rows_are_returned_as_they_were_given() -> None:
    sets = LabelSets.from_rows([[2, 0], [], [1]])
    assert rows_of(sets) == [[2, 0], [], [1]]
    assert sets.n_rows == 3
    assert sets.rows.tolist() == [0, 0, 2]
    assert LabelSets.from_rows(sets) is sets


@given(Rows)
def test_a_repeated_label_is_kept_only_at_its_first_place(rows: list[list[int]]) -> None:
    assert rows_of(LabelSets.from_rows(rows).without_repeats()) == [list(dict.fromkeys(row)) for row in rows]


@given(Rows, st.data())
def test_rows_are_taken_in_the_order_asked_for(rows: list[list[int]], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6) if rows else st.just([]))
    assert rows_of(LabelSets.from_rows(rows).take(np.array(places, np.int64))) == [rows[place] for place in places]


@given(st.lists(st.tuples(*[st.lists(st.integers(0, 2), max_size=3)] * 2), max_size=8))
def test_sets_differ_when_a_label_differs_regardless_of_order(pairs: list[tuple[list[int], list[int]]]) -> None:
    ones, others = (LabelSets.from_rows([pair[side] for pair in pairs]) for side in (0, 1))
    assert ones.differ(others).tolist() == [sorted(one) != sorted(other) for one, other in pairs]
