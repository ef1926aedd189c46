"""Event loop in a thread of its own: Playwright keeps one running in the thread of the tests."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine."""
    return call(asyncio.run, coroutine)


def call(function: Callable[..., T], *arguments: Any) -> T:
    """Return the result of a function that runs an event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()
