"""Duplicate detection by hashes of clip ids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.audioset import seen_ids as seen_module
from data_prep.audioset.seen_ids import SeenIds


@given(st.lists(st.sets(st.integers(0, 300), min_size=1, max_size=40), max_size=30))
def test_every_added_id_has_the_origin_with_which_it_was_first_added(batches: list[set[int]]) -> None:
    seen, known = SeenIds(), dict[str, int]()
    for number, batch in enumerate(batches):
        ids = [f"clip-{i}" for i in batch]
        assert seen.origins(ids).tolist() == [known.get(clip_id, -1) for clip_id in ids]
        new = [clip_id for clip_id in ids if clip_id not in known]
        if len(new) < len(ids):
            assert not seen.add(ids, np.full(len(ids), 999, np.int32))
        assert seen.add(new, np.full(len(new), number, np.int32))
        known |= dict.fromkeys(new, number)
    assert seen.origins([f"clip-{i}" for i in range(301)]).tolist() == [known.get(f"clip-{i}", -1) for i in range(301)]


def test_a_batch_in_which_an_id_occurs_twice_is_refused_as_a_whole() -> None:
    seen = SeenIds()
    assert not seen.add(["a", "b", "a"], np.arange(3, dtype=np.int32))
    assert seen.origins(["a", "b"]).tolist() == [-1, -1]


def test_ids_that_hash_to_one_slot_are_distinguished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_hashes", lambda ids: (np.array(list(map(int, ids))) << 40) + (1 << 16) - 2)
    seen = SeenIds()
    ids = [str(i) for i in range(1, 300)]
    assert seen.add(
        ids[:200], np.arange(200, dtype=np.int32)
    )  # from the last slot but one on, wrapping around to the first
    assert seen.origins(ids).tolist() == [*range(200), *[-1] * 99]
    assert not seen.add(ids[199:], np.zeros(100, np.int32))
    assert seen.add(ids[200:], np.arange(200, 299, dtype=np.int32))
    assert seen.origins(ids).tolist() == list(range(299))


def test_an_id_whose_hash_is_the_mark_of_an_empty_slot_gets_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.hash", lambda _: 0)
    assert seen_module._hashes(["a"]).tolist() == [1]


def test_the_table_grows_with_its_ids_and_is_at_most_half_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_FIRST_SIZE", 4)
    seen = SeenIds()
    for batch in range(500):
        seen.add([f"{batch}-{i}" for i in range(3)], np.full(3, batch, np.int32))
        assert 2 * 3 * (batch + 1) <= len(seen._hashes) <= max(4, 4 * 3 * (batch + 1))
    assert seen.origins([f"{batch}-1" for batch in range(500)]).tolist() == list(range(500))
