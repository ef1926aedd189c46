"""What the Tune page says: each figure's numbers again, in a sentence or a short table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ui.figures import Grid, percent, setting
from ui.figures.marks import Floats
from ui.state import DEFAULTS, K_NEIGHBOURS, Settings
from ui.stopwatch import Times

TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99)
ABOUT_THE_SAME = 0.1  # of the time: nearer than that, no measurement here can tell two times apart
NONE = ""


def wish(grid: Grid, candidates: Floats, here: tuple[int, int], wanted: float) -> str:
    """Say how the setting in force stands to the recall that is wanted."""
    cell = grid.cell(*here)
    recall, looked = float(grid.recall[cell]), percent(float(candidates[cell]))
    now = (
        f"Now, at **{setting(*here)}**, LSH finds **{percent(recall)}** of the 10 nearest by looking at {looked} "
        "of the clips."
    )
    if recall >= wanted:
        return f"{now} That is the {percent(wanted)} you want, or more. The button looks for a setting that is faster."
    return f"{now} That falls short of the {percent(wanted)} you want. The button finds the fastest that reaches it."


def cheapest(grid: Grid, candidates: Floats, wanted: float) -> tuple[int, int] | None:
    """Return the (L, K) that reaches a recall by looking at the fewest clips; None if none reaches it."""
    reaches = grid.recall >= wanted
    if not reaches.any():
        return None
    row, column = np.unravel_index(np.where(reaches, candidates, np.inf).argmin(), reaches.shape)
    return int(grid.n_tables[row]), int(grid.n_bits[column])


def cheapest_table(grid: Grid, candidates: Floats, wanted: float) -> pd.DataFrame:
    """Tabulate the cheapest setting for a few recalls, the wanted one among them."""
    rows = []
    for target in sorted({*TARGETS, round(wanted, 2)}):
        best = cheapest(grid, candidates, target)
        looked = percent(float(candidates[grid.cell(*best)])) if best else "out of reach"
        rows.append((f"{target:.2f}", *(str(n) for n in best or (NONE, NONE)), looked))
    return pd.DataFrame(rows, columns=["recall ≥", "L", "K", "looked at"])


def every_setting(grid: Grid, wanted: float, n_queries: int) -> str:
    """Say how much of the grid reaches the wanted recall, and how that is known."""
    reaching, every = int((grid.recall >= wanted).sum()), grid.recall.size
    how = f"Measured with {n_queries} validation clips, which are kept out of the collection to be its judges."
    if reaching == 0:
        return f"None of the {every} settings reaches recall {wanted:.2f}. Ask for less, or add probes. {how}"
    return f"{reaching} of {every} settings reach recall {wanted:.2f}: those on the line and below it. {how}"


def doubling(grid: Grid, candidates: Floats, here: tuple[int, int]) -> str:
    """Say what twice the tables would bring and cost; where there are not so many, what half would spare and lose."""
    n_tables, n_bits = here
    twice = 2 * n_tables <= int(grid.n_tables[-1])
    other = 2 * n_tables if twice else n_tables // 2
    was, would = grid.cell(n_tables, n_bits), grid.cell(other, n_bits)
    return (
        f"{'Twice' if twice else 'Half'} the tables, L = {other} instead of {n_tables}, would find "
        f"{percent(float(grid.recall[would]))} of the nearest instead of {percent(float(grid.recall[was]))}, "
        f"and look at {percent(float(candidates[would]))} of the clips instead of {percent(float(candidates[was]))}."
    )


def doubling_table(grid: Grid, candidates: Floats, here: tuple[int, int], tables: Sequence[int]) -> pd.DataFrame:
    """Tabulate recall and clips looked at, at the current K, for a few L and your own."""
    rows = []
    for n_tables in sorted({*tables, here[0]}):
        cell = grid.cell(n_tables, here[1])
        you = "you are here" if n_tables == here[0] else ""
        rows.append((str(n_tables), f"{grid.recall[cell]:.2f}", percent(float(candidates[cell])), you))
    return pd.DataFrame(rows, columns=["L", "recall", "looked at", f"at K = {here[1]}"])


def time_sentence(
    times: Times, here: tuple[int, int], recall: float, fastest: tuple[int, int] | None, wanted: float
) -> str:
    """Say how fast your setting is, and the fastest that reaches the wanted recall, beside exact search."""
    mine = times.at(*here)
    now = (
        f"Exact search takes {ms(times.exact_ms)} a query here. Your setting takes {ms(mine)} and finds "
        f"{percent(recall)}: {against(mine, times.exact_ms)}."
    )
    if fastest is None:
        return f"{now} No setting timed here reaches recall {wanted:.2f}."
    best = times.at(*fastest)
    return (
        f"{now} The fastest timed here that reaches recall {wanted:.2f} is {setting(*fastest)}, {ms(best)}: "
        f"{against(best, times.exact_ms)}."
    )


def time_table(times: Times, recall: Floats, here: tuple[int, int], here_recall: float, wanted: float) -> pd.DataFrame:
    """Tabulate your setting, the fastest for a few recalls, and exact search; `recall` has the cells of `times.ms`."""
    rows = [("you are here", *here, here_recall, times.at(*here))]
    cells = Grid(times.n_tables, times.n_bits, recall)
    for target in sorted({0.5, 0.8, round(wanted, 2)}):
        best = times.fastest(recall >= target)
        if best is not None:
            cell = cells.cell(*best)
            rows.append((f"fastest, recall ≥ {target:.2f}", *best, float(recall[cell]), float(times.ms[cell])))
    table = [(name, str(n), str(b), f"{found:.2f}", ms(t)) for name, n, b, found, t in rows]
    table.append(("exact", NONE, NONE, "1.00", ms(times.exact_ms)))
    return pd.DataFrame(table, columns=["", "L", "K", "recall", "a query"])


def against(mine: float, exact: float) -> str:
    """Compare a time with exact search's, as far as the noise allows."""
    if abs(mine - exact) <= ABOUT_THE_SAME * exact:
        return "about as fast as exact search"
    return f"{exact / mine:.1f} times as fast" if mine < exact else f"exact search is {mine / exact:.1f} times as fast"


def ms(milliseconds: float) -> str:
    """Write a time in the digits that mean something."""
    return f"{milliseconds:.2f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def how_timed(times: Times, machine: str) -> str:
    """Say how the times were taken and on what; `machine` is already escaped."""
    return (
        f"{times.ms.size} settings, {times.n_queries} validation queries, one at a time on one thread, "
        f"{times.rounds} turns each; medians. Measured here: {machine}. Times are noisy: differences of "
        "10 % mean nothing, and other machines have other times."
    )


def theory(grid: Grid, predicted: Floats, here: tuple[int, int]) -> str:
    """Say how far apart prediction and measurement are: at the current K, and over all settings."""
    gap = np.abs(grid.recall - predicted)
    row, column = np.unravel_index(gap.argmax(), gap.shape)
    worst = setting(int(grid.n_tables[row]), int(grid.n_bits[column]))
    return (
        f"At K = {here[1]} the two lines are at most {points(gap[:, grid.cell(*here)[1]].max())} apart. Over all "
        f"{gap.size} settings they differ by {points(gap.mean())} on average and {points(gap.max())} at worst "
        f"({worst}). An index is one random draw, the theory the mean of all draws: some gap is to be expected."
    )


def theory_table(grid: Grid, predicted: Floats, here: tuple[int, int], tables: Sequence[int]) -> pd.DataFrame:
    """Tabulate measured and predicted recall at the current K for a few L, one column an L."""
    cells = [grid.cell(n, here[1]) for n in tables]
    lines = (("measured", grid.recall), ("predicted", predicted))
    rows = [(name, *(f"{recall[cell]:.2f}" for cell in cells)) for name, recall in lines]
    return pd.DataFrame(rows, columns=["L", *map(str, tables)])


def points(difference: float) -> str:
    """Write a difference of recalls in percentage points."""
    return f"{100 * difference:.1f} points"


def command(path: Path, s: Settings, n_queries: int) -> str:
    """Write the command that measures the setting in force on the same queries."""
    seed = f" --seed {s.seed}" if s.seed != DEFAULTS.seed else ""
    return (
        f"python -m lsh evaluate {folder(path)} --metric {s.metric} --tables {s.n_tables} --bits {s.n_bits}"
        f" --probes {s.n_probes} --k {K_NEIGHBOURS}{seed} --split validation --queries {n_queries}"
    )


def folder(path: Path) -> str:
    """Name a dataset's folder as a person who stands in the project's would; elsewhere only its last name is told."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name
