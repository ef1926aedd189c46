"""The gate: LSH must be worth it. What `lsh.tune` chose may not be slower than exact search at the recall it promised.

The choice is made on the validation split and judged on the test split, which it has not seen. A choice that itself
says that exact search is the faster one passes: to know that is all one can ask of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.truth import Truth
from data_prep.dataset import open_dataset
from lsh import Choice, LSHIndex, tune
from lsh.errors import ParameterError
from lsh.sampling import evenly_spaced
from lsh.timing import ms_per_query

_TRIES = 3  # a busy moment may make one measurement unfair, hardly three
_TIMED_QUERIES = 200
_ERRORS = 3  # a promise is broken when recall falls short by more than so many standard errors


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one wanted recall came to on the test split."""

    wanted: float
    choice: Choice
    recall: float
    recall_error: float
    ms: float
    exact_ms: float

    @property
    def kept_its_promise(self) -> bool:
        """Tell whether the recall is what was wanted, within sampling error."""
        return self.recall >= self.wanted - _ERRORS * self.recall_error

    @property
    def passes(self) -> bool:
        """Tell whether the gate opens: exact search was chosen, or beaten at the recall promised."""
        return not self.choice.beats_exact or (self.kept_its_promise and self.ms < self.exact_ms)

    def __str__(self) -> str:
        """Return the verdict as a line."""
        c = self.choice
        setting = f"recall {self.wanted:g}: L = {c.n_tables}, K = {c.n_bits}, {c.n_probes} probe(s)"
        measured = f"recall {self.recall:.3f}, {self.ms:.3f} ms a query, exact search {self.exact_ms:.3f} ms"
        if not c.beats_exact:
            return f"pass: {setting}: {measured}: lsh itself says that exact search is the faster one here"
        if not self.kept_its_promise:
            return f"FAIL: {setting}: {measured}: the recall promised is missed by {self.wanted - self.recall:.3f}"
        return f"{'pass' if self.passes else 'FAIL'}: {setting}: {measured}"


def gate(
    folder: Path, metric: str, recalls: Sequence[float], k: int, n_queries: int, say: Callable[[str], None]
) -> int:
    """Print a verdict for each wanted recall; return 0 when all pass, else 1."""
    dataset = open_dataset(folder)
    say(f"{dataset.title}: indexing {dataset.n_rows('train'):,} clips, {metric}")
    index = LSHIndex(metric).fit(dataset.features("train"))
    validation, test = (evenly_spaced(dataset.features(split), n_queries) for split in ("validation", "test"))
    truth = Truth.compute(index.exact.X, test, metric, k)
    passed = True
    for wanted in recalls:
        try:
            choice = tune(index, validation, k, wanted, progress=say)
        except ParameterError as error:
            print(f"FAIL: recall {wanted:g}: {error}")
            passed = False
            continue
        for _ in range(_TRIES):
            verdict = _judge(index, choice, truth, wanted)
            if verdict.passes:
                break
        print(verdict)
        passed = passed and verdict.passes
    return 0 if passed else 1


def _judge(index: LSHIndex, choice: Choice, truth: Truth, wanted: float) -> Verdict:
    setting = choice.n_tables, choice.n_bits, choice.n_probes
    recalls = truth.recalls(index.search(truth.Q, truth.k, *setting).ids)
    ms, exact_ms = ms_per_query(
        [lambda q: index.search(q, truth.k, *setting), lambda q: index.exact.search(q, truth.k)],
        evenly_spaced(truth.Q, _TIMED_QUERIES),
    )
    return Verdict(wanted, choice, float(recalls.mean()), float(recalls.std() / np.sqrt(len(recalls))), ms, exact_ms)
