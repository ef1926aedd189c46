import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.label_sets import LabelSets

Rows = st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=8)


def test_rows_come_back_as_they_were_given() -> None:
    sets = LabelSets.of([[2, 0], [], [1]])
    assert list(sets) == [[2, 0], [], [1]]
    assert sets.clips.tolist() == [0, 0, 2]
    assert LabelSets.of(sets) is sets


@given(Rows)
def test_a_label_given_again_is_left_out_where_it_comes_again(rows: list[list[int]]) -> None:
    assert list(LabelSets.of(rows).without_repeats()) == [list(dict.fromkeys(row)) for row in rows]


@given(Rows, st.data())
def test_clips_are_taken_in_the_order_asked_for(rows: list[list[int]], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6) if rows else st.just([]))
    assert list(LabelSets.of(rows).take(np.array(places, np.int64))) == [rows[place] for place in places]


@given(st.lists(st.tuples(*[st.lists(st.integers(0, 2), max_size=3)] * 2), max_size=8))
def test_sets_differ_whatever_their_order_when_a_label_does(pairs: list[tuple[list[int], list[int]]]) -> None:
    ones, others = (LabelSets.of([pair[side] for pair in pairs]) for side in (0, 1))
    assert ones.differ(others).tolist() == [sorted(one) != sorted(other) for one, other in pairs]
