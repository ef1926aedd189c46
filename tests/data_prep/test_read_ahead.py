"""Items prepared in a thread ahead of their use: order, errors and early stops."""

import threading
from collections.abc import Iterator

import pytest

from data_prep.read_ahead import read_ahead


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_all_items_come_in_order(depth: int) -> None:
    assert list(read_ahead(iter(range(50)), depth)) == list(range(50))


def test_items_may_be_none() -> None:
    assert list(read_ahead(iter([None, 1, None]), 2)) == [None, 1, None]


def test_the_next_items_are_made_while_the_last_one_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        yield 2
        made.set()
        yield 3

    ahead = read_ahead(items(), 2)
    assert next(ahead) == 1
    assert made.wait(10)
    ahead.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    ahead = read_ahead(items(), 5)
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="broken"):
        next(ahead)


def test_stopping_early_ends_the_thread() -> None:
    def items() -> Iterator[int]:
        while True:
            yield 1

    before = threading.active_count()
    ahead = read_ahead(items(), 2)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before
