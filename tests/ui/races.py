"""Races that were never run, for tests of what is said and drawn of them."""

from lsh.analysis.racing import BATCHED, EXACT, LSH, RACERS, SKETCHES, Lap, Setting
from ui.model.race_runs import Run

SIZES = (1000, 10_000)


def lap(racer, n, ms, recall=1.0, label_precision=0.5, spread=0.1):
    candidates = 1.0 if racer in {EXACT, BATCHED} else 0.1
    return Lap(
        *(racer, n, ms, ms, 2 * ms, 3 * ms),
        spread=spread,
        n_timed=50,
        recall=recall,
        label_precision=label_precision,
        candidates=candidates,
        build_s=0.5,
        index_bytes=2_500_000,
    )


def run(
    lsh=(0.1, 0.2), exact=(0.05, 0.4), batched=(0.01, 0.1), sketches=(0.02, 0.05), *, recall=0.6, spread=0.1, **changes
):
    """Return a run of two sizes: milliseconds of each racer at 1,000 and 10,000 clips."""
    ms = {LSH: lsh, EXACT: exact, BATCHED: batched, SKETCHES: sketches}
    laps = [
        lap(racer, n, ms[racer][i], recall if racer == LSH else 1.0, spread=spread)
        for i, n in enumerate(SIZES)
        if i < len(lsh)
        for racer in RACERS
    ]
    record = {
        "dataset": "small",
        "features": "0123",
        "split": "test",
        "n_queries": 200,
        "metric": "cosine",
        "setting": Setting(8, 6, 1, 10),
        "seed": 0,
        "bucket_width": None,
        "machine": "Some processor, 2 processors, numpy 2, numba 1",
        "versions": "Python 3, openblas 1",
        "date": "2026-03-01T10:20:30+00:00",
        "sizes": SIZES,
        "laps": tuple(laps),
    }
    return Run(**record | changes)
