"""A batch of queries in chunks, on several threads: each query by itself, so the answer is the same for any number."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lsh import validate

MAX_THREADS = 256


def in_chunks(work: Callable[[int, int], object], n_rows: int, n_threads: int, most: int = 2**31 - 1) -> None:
    """Call `work(first, last)` for runs of at most `most` rows that cover rows 0 to n_rows, on `n_threads` threads.

    Threads help because the compiled kernels hold no lock.
    """
    n_threads = validate.integer(n_threads, "n_threads", 1, MAX_THREADS)
    if n_threads == 1 and n_rows <= most:
        work(0, n_rows)
        return
    size = max(1, min(most, -(-n_rows // n_threads)))
    with ThreadPoolExecutor(n_threads) as pool:
        firsts = range(0, n_rows, size)
        list(pool.map(work, firsts, (min(first + size, n_rows) for first in firsts)))
