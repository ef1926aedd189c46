"""Threads for batches of queries. Each query is searched alone, so the results do not depend on their number."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lsh import validate

MAX_THREADS = 256


def in_chunks(work: Callable[[int, int], object], n_rows: int, n_threads: int, max_rows: int = 2**31 - 1) -> None:
    """Call `work(first, last)` on `n_threads` threads, for chunks of up to `max_rows` rows that cover rows 0 to n_rows.

    Threads run in parallel because the compiled kernels release the interpreter's lock.
    """
    n_threads = validate.integer(n_threads, "n_threads", 1, MAX_THREADS)
    if n_threads == 1 and n_rows <= max_rows:
        work(0, n_rows)
        return
    size = max(1, min(max_rows, -(-n_rows // n_threads)))
    with ThreadPoolExecutor(n_threads) as pool:
        firsts = range(0, n_rows, size)
        list(pool.map(work, firsts, (min(first + size, n_rows) for first in firsts)))
