"""Stages of long work, logged with the seconds that each took, and with the part that is done while they run."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

MIN_S = 0.1  # of a stage that is logged
EVERY_S = 2.0  # between two messages of the part that is done

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def stage(logger: str, name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator: a call that takes `MIN_S` or more is logged when it is done, at INFO: "sorting: 1.2 s"."""
    log = logging.getLogger(logger)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def timed(*arguments: P.args, **named: P.kwargs) -> R:
            began = time.perf_counter()
            result = function(*arguments, **named)
            if (seconds := time.perf_counter() - began) >= MIN_S:
                log.info("%s: %.1f s", name, seconds)
            return result

        return timed

    return decorate


def steps(logger: str, name: str, items: Sequence[T]) -> Iterator[T]:
    """Yield items, and log every `EVERY_S` seconds, at INFO, how many of them are done: "sorting: 40 %"."""
    log, said = logging.getLogger(logger), time.perf_counter()
    for done, item in enumerate(items):
        if (now := time.perf_counter()) - said >= EVERY_S:
            log.info("%s: %.0f %%", name, 100 * done / len(items))
            said = now
        yield item


@contextmanager
def shown(logger: str) -> Iterator[None]:
    """Print a logger's messages to stderr, from INFO on, while the context lasts."""
    log, handler = logging.getLogger(logger), logging.StreamHandler()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
