"""Stages of long work, logged with the seconds that each took."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

MIN_S = 0.1  # of a stage that is logged

P = ParamSpec("P")
R = TypeVar("R")


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
