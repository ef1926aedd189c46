from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.seen import Seen


@given(st.lists(st.sets(st.integers(0, 300), min_size=1, max_size=40), max_size=30))
def test_every_id_is_found_where_it_was_first_added_from_and_no_other_is(batches: list[set[int]]) -> None:
    seen, known = Seen(), dict[str, int]()
    for number, batch in enumerate(batches):
        ids = [f"clip-{i}" for i in batch]
        assert seen.places(ids).tolist() == [known.get(clip_id, -1) for clip_id in ids]
        new = [clip_id for clip_id in ids if clip_id not in known]
        if len(new) < len(ids):
            assert not seen.add(ids, np.full(len(ids), 999, np.int32))
        assert seen.add(new, np.full(len(new), number, np.int32))
        known |= dict.fromkeys(new, number)
    assert seen.places([f"clip-{i}" for i in range(301)]).tolist() == [known.get(f"clip-{i}", -1) for i in range(301)]


def test_an_id_that_comes_twice_at_once_is_refused_with_all_that_came_with_it() -> None:
    seen = Seen()
    assert not seen.add(["a", "b", "a"], np.arange(3, dtype=np.int32))
    assert seen.places(["a", "b"]).tolist() == [-1, -1]


def test_many_batches_lie_in_few_runs() -> None:
    seen = Seen()
    for batch in range(1000):
        seen.add([f"{batch}-{i}" for i in range(4)], np.zeros(4, np.int32))
    sizes = [len(run) for run, _ in seen._runs]
    assert sum(sizes) == 4000
    assert all(longer >= 2 * shorter for longer, shorter in pairwise(sizes))
