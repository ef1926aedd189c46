"""A race in sentences: the fastest racer at a size, the size from which LSH is faster, and how it was measured.

Used by Race and Learn.
"""

from lsh.analysis.racing import BATCHED, EXACT, LSH, RACERS, SKETCHES, Lap, Setting
from lsh.analysis.racing import crossover as first_win
from ui.figures.marks import setting
from ui.figures.race import round_size
from ui.format import ABOUT_THE_SAME, capitalised, compare_times, join_words, milliseconds, percent
from ui.model.race_runs import Run
from ui.model.text import plain

TEXT_NAMES = {LSH: "LSH", EXACT: "exact search one at a time", BATCHED: "batched exact search", SKETCHES: "sketches"}


def setting_of(s: Setting) -> str:
    """Name a setting in words, with its probes if more than one."""
    return setting(s.n_tables, s.n_bits) + (f", {s.n_probes} probes" if s.n_probes > 1 else "")


def result(run: Run, n: int) -> str:
    """Say which racer is fastest at a size, and compare LSH with each of the others."""
    laps = run.at(n)
    lsh, first = laps[LSH], min(laps.values(), key=lambda lap: lap.ms)
    others = "; ".join(
        f"against {TEXT_NAMES[other]}, {compare_laps(lsh, laps[other])}" for other in RACERS if other != LSH
    )
    level = [lap for lap in laps.values() if lap is first or compare_laps(lap, first) == ABOUT_THE_SAME]
    names = join_words(TEXT_NAMES[lap.racer] for lap in sorted(level, key=lambda lap: lap.ms))
    if len(level) > 1:
        won = f"**{capitalised(names)} take about the same time over {n:,} clips**"
    else:
        won = f"**{capitalised(names)} {'win' if first.racer == SKETCHES else 'wins'} over {n:,} clips**"
    return (
        f"{won}, at {milliseconds(first.ms)} per query. LSH at {setting_of(run.setting)} takes {milliseconds(lsh.ms)} "
        f"and finds {percent(lsh.recall)} of the 10 nearest. {capitalised(others)}."
    )


def compare_laps(mine: Lap, other: Lap) -> str:
    """Compare the times of two laps, as `compare_times` does; differences within their own spreads are noise."""
    return compare_times(mine.ms, other.ms, max(mine.spread, other.spread))


def crossings(run: Run) -> dict[str, float]:
    """Return, by kind of exact search, the size from which LSH is faster, where it lies between two raced sizes."""
    n, found = run.raced, {}
    for racer in (EXACT, BATCHED):
        won = _first_win(run, racer) if len(n) > 1 else None
        if won is not None and won > n[0] and not _tie(run, racer):
            found[racer] = won
    return found


def crossover(run: Run) -> str:
    """Say from which size LSH is faster than each kind of exact search, or that it never is."""
    n = run.raced
    if len(n) < 2:
        return "One size draws no line: race over more clips to see where LSH starts to win."
    sentences = [_against(run, racer) for racer in (EXACT, BATCHED)]
    lap = run.at(n[-1])[LSH]
    caution = "" if lap.recall > 0.95 else f" Speed is half of it: LSH finds {percent(lap.recall)}, exact search all."
    return f"{capitalised(sentences[0])}; {sentences[1]}.{caution}"


def measured(run: Run, *, shipped: bool) -> str:
    """Say on which machine and when a run was measured; shipped: the run comes with the app."""
    when = f"{run.date[:10]} {run.date[11:16]} UTC"
    where = f"Measured in advance on {plain(run.machine)}, {plain(run.versions)}, {when}; press Race for yours."
    here = f"Measured here: {plain(run.machine)}, {plain(run.versions)}, {when}."
    return f"One thread each. {where if shipped else here}"


def _first_win(run: Run, racer: str) -> float | None:
    return first_win(run.raced, [lap.ms for lap in run.of(LSH)], [lap.ms for lap in run.of(racer)])


def _tie(run: Run, racer: str) -> bool:
    return compare_laps(run.of(LSH)[-1], run.of(racer)[-1]) == ABOUT_THE_SAME


def _against(run: Run, racer: str) -> str:
    mine, theirs = ([lap.ms for lap in run.of(name)] for name in (LSH, racer))
    won, name = _first_win(run, racer), TEXT_NAMES[racer]
    if _tie(run, racer):
        return f"at {run.raced[-1]:,} clips LSH at this setting and {name} take about the same time"
    if won is None:
        behind = all(m >= t for m, t in zip(mine, theirs, strict=True))
        return f"{name} is faster {'at every size here' if behind else f'at {run.raced[-1]:,} clips'}"
    if won == run.raced[0]:
        return f"LSH at this setting is faster than {name} at every size here"
    return f"from about {round_size(won)} clips on, LSH at this setting is faster than {name}"
