"""What the Race page says: each figure's numbers again, in sentences and short tables."""

from pathlib import Path

import pandas as pd

from lsh.racing import (
    BATCHED,
    BLOCK,
    EXACT,
    LSH,
    RACERS,
    ROUNDS,
    SKETCH_PROBES,
    SKETCH_RERANKED,
    SKETCHES,
    Lap,
    Setting,
)
from lsh.racing import crossover as first_win
from ui.figures import percent, setting
from ui.figures.race import NAMES, ms, number, round_size
from ui.race_runs import MOST_QUERIES, Run
from ui.state import MAX_BITS, MAX_TABLES
from ui.text import plain

ABOUT_THE_SAME = 0.1  # of the time: nearer than that, no measurement here can tell two times apart
SAME = "about as fast"
SAID = {LSH: "LSH", EXACT: "exact search one at a time", BATCHED: "batched exact search", SKETCHES: "sketches"}

RACERS_SAID = f"""
- **LSH** at your setting: it compares your sound only with the clips in its buckets.
- **Exact, one at a time**: compares your sound with every clip, as a person asks, and misses nothing.
- **Exact, batched**: the same for {BLOCK} sounds in one matrix product. Nothing exact is faster, but every sound waits
  for the whole block: good for a night's work, not for somebody who asks one thing.
- **Sketches**: the fastest index here, `lsh.SketchIndex`. It groups the clips around centres, compares two-bit
  sketches in the {SKETCH_PROBES} groups nearest to your sound, and measures only the best {SKETCH_RERANKED} exactly.
"""


def setting_of(s: Setting) -> str:
    """Name a setting in words, its probes where there is more than one."""
    return setting(s.n_tables, s.n_bits) + (f", {s.n_probes} probes" if s.n_probes > 1 else "")


def result(run: Run, n: int) -> str:
    """Say who wins at a size, and how LSH stands against each of the others."""
    laps = run.at(n)
    lsh, first = laps[LSH], min(laps.values(), key=lambda lap: lap.ms)
    stands = "; ".join(f"against {SAID[other]}, {versus(lsh.ms, laps[other].ms)}" for other in RACERS if other != LSH)
    name = SAID[first.racer]
    win = "win" if first.racer == SKETCHES else "wins"
    return (
        f"**{name[:1].upper()}{name[1:]} {win} over {n:,} clips**, at {ms(first.ms)} a query. LSH at "
        f"{setting_of(run.setting)} takes {ms(lsh.ms)} and finds {percent(lsh.recall)} of the 10 nearest. "
        f"{stands[:1].upper()}{stands[1:]}."
    )


def versus(mine: float, theirs: float) -> str:
    """Compare a time with another's, as far as the noise allows."""
    if abs(mine - theirs) <= ABOUT_THE_SAME * theirs:
        return SAME
    return f"{times(theirs / mine)} times as fast" if mine < theirs else f"{times(mine / theirs)} times as slow"


def times(factor: float) -> str:
    """Write a factor with two digits."""
    return f"{factor:.0f}" if factor >= 9.95 else f"{factor:.1f}"


def crossings(run: Run) -> dict[str, float]:
    """Return, for both ways of exact search, the size from which LSH wins, where it lies between two raced sizes."""
    n, found = run.raced, {}
    for racer in (EXACT, BATCHED):
        won = _first_win(run, racer) if len(n) > 1 else None
        if won is not None and won > n[0] and not _tie(run, racer):
            found[racer] = won
    return found


def crossover(run: Run) -> str:
    """Say from which size on LSH wins against either way of exact search, or that it never does."""
    n = run.raced
    if len(n) < 2:
        return "One size draws no line: race over more clips to see where LSH starts to win."
    said = [_against(run, racer) for racer in (EXACT, BATCHED)]
    lap = run.at(n[-1])[LSH]
    caution = "" if lap.recall > 0.95 else f" Speed is half of it: LSH finds {percent(lap.recall)}, exact search all."
    return f"{said[0][:1].upper()}{said[0][1:]}; {said[1]}.{caution}"


def table(run: Run, n: int) -> pd.DataFrame:
    """Tabulate every racer at a size, the fastest first."""
    laps = run.at(n)
    rows = [
        (
            NAMES[lap.racer],
            number(lap.ms),
            percent(lap.recall),
            f"{times(laps[EXACT].ms / lap.ms)}x",
            f"{times(laps[BATCHED].ms / lap.ms)}x",
            number(lap.p95_ms),
            "" if lap.label_precision is None else percent(lap.label_precision),
            percent(lap.candidates),
        )
        for lap in sorted(laps.values(), key=lambda lap: lap.ms)
    ]
    columns = ["", "ms a query", "recall", "over exact", "over batched", "95 % wait, ms", "same label", "looked at"]
    return pd.DataFrame(rows, columns=columns)


def growing_recall(run: Run) -> str:
    """Say why LSH finds more in a bigger collection, where it does."""
    laps = run.of(LSH)
    if laps[-1].recall - laps[0].recall < 0.02:
        return ""
    return (
        f"Among {laps[0].n:,} clips LSH finds {percent(laps[0].recall)} of the 10 nearest, among {laps[-1].n:,} "
        f"{percent(laps[-1].recall)}: with more clips the nearest are nearer, and near clips share more buckets."
    )


def growth_table(run: Run, value: str) -> pd.DataFrame:
    """Tabulate a value of every racer ("ms" or "recall"), one column a size."""
    racers = [racer for racer in RACERS if value == "ms" or racer in {LSH, SKETCHES}]
    write = _time if value == "ms" else _recall
    title = "ms a query" if value == "ms" else "recall"
    rows = [(NAMES[racer], *(write(run.at(n)[racer]) for n in run.raced)) for racer in racers]
    return pd.DataFrame(rows, columns=[title, *(f"{n:,}" for n in run.raced)])


def difference(run: Run, pinned: Run) -> str:
    """Say how a run's LSH differs from the pinned one's, at the largest size that both raced."""
    common = sorted(set(run.raced) & set(pinned.raced))
    if not common:
        return "Your pinned race and this one share no size, so they cannot be compared."
    now, then = run.at(common[-1])[LSH], pinned.at(common[-1])[LSH]
    points = 100 * (now.recall - then.recall)
    recall = (
        "the same recall"
        if abs(points) < 0.05
        else f"{abs(points):.1f} points {'more' if points > 0 else 'less'} recall"
    )
    elsewhere = "" if run.machine == pinned.machine else " They ran on different machines, so compare recall, not time."
    return (
        f"Over {common[-1]:,} clips, {_name(run)} takes {ms(now.ms)} and the pinned {_name(pinned)} {ms(then.ms)}: "
        f"{versus(now.ms, then.ms)}, with {recall}.{elsewhere}"
    )


def summary(run: Run) -> str:
    """Say in a line what a race was and how LSH did at its largest size."""
    if not run.raced:
        return f"{setting_of(run.setting)}: cancelled before its first result"
    n = run.raced[-1]
    laps = run.at(n)
    cut = "" if run.finished else f" (cancelled after {len(run.raced)} of {len(run.sizes)} sizes)"
    return (
        f"**{setting_of(run.setting)}** over {n:,} clips{cut}: {ms(laps[LSH].ms)}, finds {percent(laps[LSH].recall)}, "
        f"against exact search {versus(laps[LSH].ms, laps[EXACT].ms)}"
    )


def measured(run: Run, *, ahead: bool) -> str:
    """Say on what, when and how a run was measured."""
    when = f"{run.date[:10]} {run.date[11:16]} UTC"
    where = f"Measured ahead on {plain(run.machine)}, {plain(run.versions)}, {when}; press Race for yours."
    here = f"Measured here: {plain(run.machine)}, {plain(run.versions)}, {when}."
    return f"One thread each. {where if ahead else here}"


def how_measured(run: Run) -> str:
    """Say what keeps the race fair."""
    return (
        f"Everybody answers the same {run.n_queries} {run.split} clips, which are not in the collection, with "
        "the 10 nearest, on one thread, in turns and in shuffled order. Times are processor time, which is what a "
        f"clock shows where nothing else runs, and a query counts with its median of {ROUNDS} rounds. A smaller "
        "collection is the first clips of this one. Building an index is not counted. Differences of 10 % mean "
        "nothing, and other machines have other times."
    )


def commands(path: Path, run: Run) -> tuple[str, str]:
    """Write the command line and the Python that race again."""
    here, s = Path.cwd(), run.setting
    folder = path.relative_to(here) if path.is_relative_to(here) else path.name
    width = f", bucket_width={run.bucket_width!r}" if run.metric == "euclidean" else ""
    shell = (
        f"python -m ui.race_ahead {folder} --metric {run.metric} --tables {s.n_tables} --bits {s.n_bits}"
        f" --probes {s.n_probes} --seed {run.seed} --clips {run.sizes[-1]}"
    )
    code = f"""
from data_prep.dataset import open_dataset
from lsh import LSHIndex
from lsh.racing import Setting, race, sizes_up_to
from lsh.sampling import evenly_spaced

dataset = open_dataset("{folder}")
index = LSHIndex("{run.metric}", n_tables={MAX_TABLES}, n_bits={MAX_BITS}, seed={run.seed}{width})
index.fit(dataset.features("train"))
queries = evenly_spaced(dataset.features("{run.split}"), {MOST_QUERIES})
setting = Setting(n_tables={s.n_tables}, n_bits={s.n_bits}, n_probes={s.n_probes}, k={s.k})
for step in race(index, queries, setting, sizes_up_to({run.sizes[-1]}), labels=None):
    for lap in step.laps:
        print(lap)
"""
    return shell, code.strip()


def _first_win(run: Run, racer: str) -> float | None:
    return first_win(run.raced, [lap.ms for lap in run.of(LSH)], [lap.ms for lap in run.of(racer)])


def _tie(run: Run, racer: str) -> bool:
    return versus(run.of(LSH)[-1].ms, run.of(racer)[-1].ms) == SAME


def _against(run: Run, racer: str) -> str:
    mine, theirs = ([lap.ms for lap in run.of(name)] for name in (LSH, racer))
    won, name = _first_win(run, racer), SAID[racer]
    if _tie(run, racer):
        return f"at {run.raced[-1]:,} clips LSH at this setting and {name} are about as fast"
    if won is None:
        behind = all(m >= t for m, t in zip(mine, theirs, strict=True))
        return f"{name} is faster {'at every size here' if behind else f'at {run.raced[-1]:,} clips'}"
    if won == run.raced[0]:
        return f"LSH at this setting is faster than {name} at every size here"
    return f"from about {round_size(won)} clips on, LSH at this setting is faster than {name}"


def _time(lap: Lap) -> str:
    return number(lap.ms)


def _recall(lap: Lap) -> str:
    return percent(lap.recall)


def _name(run: Run) -> str:
    return f"LSH at {setting_of(run.setting)}"
