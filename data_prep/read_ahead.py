"""Read-ahead: a background thread computes the next items of an iterator while the caller uses the last one."""

import contextlib
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield what `items` yields, in order; a thread stays up to `depth` items ahead.

    An exception of `items` is raised after the items before it. The thread ends when this iterator is exhausted or
    closed.
    """
    with ThreadPoolExecutor(1, "read-ahead") as executor:
        futures = deque(executor.submit(next, items) for _ in range(depth + 1))
        try:
            with contextlib.suppress(StopIteration):
                while True:
                    item = futures.popleft().result()
                    futures.append(executor.submit(next, items))
                    yield item
        finally:
            for future in futures:
                future.cancel()
