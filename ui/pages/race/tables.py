"""Race: tables of a run, and sentences that compare it with another."""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from lsh.analysis.racing import BATCHED, BLOCK, EXACT, LSH, RACERS, ROUNDS, SKETCH_PROBES, SKETCH_RERANKED, SKETCHES
from ui.figures.race import NAMES
from ui.format import ABOUT_THE_SAME, milliseconds, number, percent, points
from ui.model.race_runs import Run
from ui.model.race_summary import compare_laps, setting_of
from ui.model.text import clean, without_formula

RACERS_TEXT = f"""
- **LSH** at your setting: it compares your sound only with the clips in its buckets.
- **Exact, one at a time**: compares your sound with every clip, as a person asks, and misses nothing.
- **Exact, batched**: the same for {BLOCK} sounds in one matrix product. That is faster per sound, but every sound waits
  for the whole block: good for a job that runs overnight, not for somebody who asks one thing.
- **Sketches**: another index, `lsh.SketchIndex`. It groups the clips around centres, compares two-bit
  sketches in the {SKETCH_PROBES} groups nearest to your sound, and measures only the best {SKETCH_RERANKED} exactly.
"""


def table(run: Run, n: int) -> pd.DataFrame:
    """Tabulate speed and quality of every racer at a size, the fastest first."""
    laps = run.at(n)
    rows = [
        (
            NAMES[lap.racer],
            number(lap.ms),
            percent(lap.spread),
            *("" if lap is laps[other] else compare_laps(lap, laps[other]) for other in (EXACT, BATCHED)),
            percent(lap.recall),
            "" if lap.label_precision is None else percent(lap.label_precision),
            percent(lap.candidates),
        )
        for lap in sorted(laps.values(), key=lambda lap: lap.ms)
    ]
    columns = [
        "search",
        "ms per query",
        "spread",
        "against exact",
        "against batched",
        "recall",
        "same label",
        "looked at",
    ]
    return pd.DataFrame(rows, columns=columns)


def cost_table(run: Run, n: int) -> pd.DataFrame:
    """Tabulate the waits of every racer at a size, and what its index takes, the fastest first."""
    rows = [
        (
            NAMES[lap.racer],
            *(number(value) for value in (lap.p50_ms, lap.p95_ms, lap.p99_ms, lap.build_s)),
            number(lap.index_bytes / 1e6),
        )
        for lap in sorted(run.at(n).values(), key=lambda lap: lap.ms)
    ]
    return pd.DataFrame(rows, columns=["search", "p50, ms", "p95, ms", "p99, ms", "build, s", "index, MB"])


def growing_recall(run: Run) -> str:
    """Explain why LSH finds more in a bigger collection; "" where it does not."""
    laps = run.of(LSH)
    if laps[-1].recall - laps[0].recall < 0.02:
        return ""
    return (
        f"Among {laps[0].n:,} clips LSH finds {percent(laps[0].recall)} of the 10 nearest, among {laps[-1].n:,} "
        f"{percent(laps[-1].recall)}: with more clips the nearest are nearer, and near clips share more buckets."
    )


def growth_table(run: Run, value: str) -> pd.DataFrame:
    """Tabulate a value of every racer, "ms" or "recall", one column per size."""
    title, racers = ("ms per query", RACERS) if value == "ms" else ("recall", [LSH, SKETCHES])
    laps = {racer: [run.at(n)[racer] for n in run.raced] for racer in racers}
    rows = [
        (NAMES[racer], *(number(lap.ms) if value == "ms" else percent(lap.recall) for lap in own))
        for racer, own in laps.items()
    ]
    return pd.DataFrame(rows, columns=[title, *(f"{n:,}" for n in run.raced)])


def difference(run: Run, pinned: Run) -> str:
    """Compare a run's LSH with the pinned run's, at the largest size of both."""
    common = sorted(set(run.raced) & set(pinned.raced))
    if not common:
        return "Your pinned race and this one share no size, so they cannot be compared."
    now, then = run.at(common[-1])[LSH], pinned.at(common[-1])[LSH]
    more = now.recall - then.recall
    recall = f"{points(more)} {'more' if more > 0 else 'less'} recall" if abs(more) >= 0.0005 else "the same recall"
    elsewhere = "" if run.machine == pinned.machine else " They ran on different machines, so compare recall, not time."
    return (
        f"Over {common[-1]:,} clips, {_name(run)} takes {milliseconds(now.ms)} and the pinned {_name(pinned)} "
        f"{milliseconds(then.ms)}: {compare_laps(now, then)}, with {recall}.{elsewhere}"
    )


def summary(run: Run) -> str:
    """Return the setting of a race and LSH's result at its largest size, in one line."""
    if not run.raced:
        return f"{setting_of(run.setting)}: cancelled before its first result"
    n = run.raced[-1]
    laps = run.at(n)
    cut = "" if run.finished else f" (cancelled after {len(run.raced)} of {len(run.sizes)} sizes)"
    return (
        f"**{setting_of(run.setting)}** over {n:,} clips{cut}: {milliseconds(laps[LSH].ms)}, finds "
        f"{percent(laps[LSH].recall)}, against exact search {compare_laps(laps[LSH], laps[EXACT])}"
    )


def how_measured(run: Run, n: int) -> str:
    """State how the racers are measured; n: the size whose numbers are tabulated."""
    lap = run.at(n)[LSH]
    return (
        f"All racers answer the same {run.n_queries} {run.split} clips, which are not in the collection, with "
        "the 10 nearest, on one thread, interleaved and in shuffled order. Times are processor time, which is what a "
        f"clock shows where nothing else runs. Over {n:,} clips, {lap.n_timed} of the queries are timed, each by its "
        f"median of {ROUNDS} rounds; p50, p95 and p99 are over these queries. The spread is how far the rounds differ: "
        f"times that differ by less are {ABOUT_THE_SAME}. A smaller collection is the first clips of this one. Other "
        "machines have other times."
    )


def _name(run: Run) -> str:
    return f"LSH at {setting_of(run.setting)}"


def as_csv(runs: Iterable[Run]) -> str:
    """Write runs as CSV, one line per racer and size, each with everything its time depends on."""
    return of_runs(runs).to_csv(index=False, lineterminator="\n")


def of_runs(runs: Iterable[Run]) -> pd.DataFrame:
    """Tabulate runs, one row per racer and size, each with everything its time depends on."""
    lines = []
    for n, run in enumerate(runs, 1):
        about = {name: value for name, value in asdict(run).items() if name not in {"setting", "sizes", "laps"}}
        about = {name: _cell(value) for name, value in (about | asdict(run.setting)).items()}
        lines += [{"run": n, **asdict(lap), **about, "threads": 1} for lap in run.laps]
    return pd.DataFrame(lines)


def _cell(value: object) -> object:
    return without_formula(clean(value)) if isinstance(value, str) else value
