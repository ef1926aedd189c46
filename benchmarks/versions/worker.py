"""Worker of one version of this project: builds and times its `SketchIndex`, as `benchmarks.versions` asks.

It is run as a file, with the folder of the version as PYTHONPATH: of this project it imports `lsh` only. It reads
requests from standard input, one JSON array of a name and arguments per line, and answers each with a line of JSON.
Times are those of the processor, since on a busy machine others include waiting.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np

from lsh import SketchIndex, recall_at_k

BLOCK = 10  # queries timed together


class Worker:
    """The indexes of one search problem, by number of buckets."""

    def load(self, base: str, queries: str, metric: str, k: int) -> None:
        """Read the vectors and the queries; a search of few vectors compiles what it needs."""
        self.X, Q = np.load(base), np.load(queries)
        if metric == "cosine":
            self.X, Q = (np.ascontiguousarray(V / np.linalg.norm(V, axis=1, keepdims=True)) for V in (self.X, Q))
        self.Q, self.metric, self.k = Q, metric, k
        self.queries = [Q[i : i + 1] for i in range(len(Q))]
        self.truth: Any = None
        self.indexes: dict[int, SketchIndex] = {}
        SketchIndex(metric).fit(self.X[:1000]).search(Q[:1], k)

    def build(self, n_buckets: int) -> tuple[float, int]:
        """Build an index; return the seconds that it took, and the bytes of the index without the vectors."""
        start = time.perf_counter()
        index = self.indexes[n_buckets] = SketchIndex(self.metric, n_buckets).fit(self.X)
        seconds = time.perf_counter() - start
        if self.truth is None:
            self.truth = index.exact.search(self.Q, self.k)
        return seconds, index.nbytes

    def measure(self, n_buckets: int, setting: dict[str, Any]) -> tuple[float, float, float]:
        """Return the mean recall of a setting, its candidates per query, and seconds per query in a batch."""
        times = []
        for _ in range(3):
            start = time.thread_time()
            found = self.indexes[n_buckets].search(self.Q, self.k, **setting)
            times.append(time.thread_time() - start)
        recall, candidates = recall_at_k(found, self.truth).mean(), found.n_candidates.mean()
        return float(recall), float(candidates), min(times) / len(self.Q)

    def time(self, n_buckets: int, setting: dict[str, Any]) -> list[float]:
        """Search with one query at a time; return the seconds of each block of queries."""
        index, k = self.indexes[n_buckets], self.k
        for q in self.queries[-5:]:
            index.search(q, k, **setting)
        seconds = []
        for first in range(0, len(self.queries), BLOCK):
            start = time.thread_time()
            for q in self.queries[first : first + BLOCK]:
                index.search(q, k, **setting)
            seconds.append(time.thread_time() - start)
        return seconds


def main() -> None:
    """Answer requests until standard input ends."""
    worker = Worker()
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # what a library prints must not be mixed with the answers
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            print(json.dumps(getattr(worker, name)(*arguments)), file=out, flush=True)


if __name__ == "__main__":
    main()
