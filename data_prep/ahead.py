"""Read-ahead for pipelines: a thread makes the next items while the last ones are used."""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_PUT_TIMEOUT_S = 0.1  # how often a full queue is checked for a consumer that has stopped


def read_ahead(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield what `items` yields, in order; a thread stays up to `depth` items ahead.

    What `items` raises is raised here, after the items before it. The thread has ended when this iterator ends or is
    closed.
    """
    waiting: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: tuple[Item] | BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=_PUT_TIMEOUT_S)
                return

    def work() -> None:
        try:
            for item in items:
                put((item,))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  # raised where the items are used
            put(error)

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        stopped.set()
        thread.join()
