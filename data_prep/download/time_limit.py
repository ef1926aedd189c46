"""Time limit of a call that has none of its own, such as the look-up of a name."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result], discard: Callable[[Result], object]) -> Result:
    """Return the result of `call`, which runs in a thread, or raise its exception; TimeoutError after some seconds.

    The thread then ends when the call does, and passes its late result to `discard`.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001  # raised by `result`
            future.set_exception(error)

    threading.Thread(target=run, name="limited call", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():  # meanwhile, or the call raised it
            return future.result()
    future.add_done_callback(lambda done: done.exception() or discard(done.result()))
    raise TimeoutError
