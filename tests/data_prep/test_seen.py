import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import seen as seen_module
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


def test_ids_that_begin_at_one_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_hashes", lambda ids: (np.array(list(map(int, ids))) << 40) + (1 << 16) - 2)
    seen = Seen()
    ids = [str(i) for i in range(1, 300)]
    assert seen.add(ids[:200], np.arange(200, dtype=np.int32))  # from the last slot but one on, and round to the first
    assert seen.places(ids).tolist() == [*range(200), *[-1] * 99]
    assert not seen.add(ids[199:], np.zeros(100, np.int32))
    assert seen.add(ids[200:], np.arange(200, 299, dtype=np.int32))
    assert seen.places(ids).tolist() == list(range(299))


def test_an_id_whose_hash_is_that_of_an_empty_slot_is_an_id_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.hash", lambda _: 0)
    assert seen_module._hashes(["a"]).tolist() == [1]


def test_the_table_grows_with_its_ids_and_is_at_most_half_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_SLOTS", 4)
    seen = Seen()
    for batch in range(500):
        seen.add([f"{batch}-{i}" for i in range(3)], np.full(3, batch, np.int32))
        assert 2 * 3 * (batch + 1) <= len(seen._hashes) <= max(4, 4 * 3 * (batch + 1))
    assert seen.places([f"{batch}-1" for batch in range(500)]).tolist() == list(range(500))
