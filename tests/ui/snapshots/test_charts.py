"""Everything that a figure draws from fixed numbers, in both themes, compared with committed files."""

import numpy as np
import pytest

from tests.ui.plotly_figures import checked
from tests.ui.races import SIZES
from tests.ui.races import run as raced
from tests.ui.snapshots import recorded
from tests.ui.snapshots.golden_files import compare
from ui.figures import race
from ui.figures.bucket_sizes import BucketSizes, bucket_ranks
from ui.figures.buckets import bucket_strip
from ui.figures.estimates import estimates
from ui.figures.families import families
from ui.figures.key_matches import key_differences
from ui.figures.margins import Margins, margins
from ui.figures.marks import Grid
from ui.figures.probe_trade_off import recall_by_probes
from ui.figures.probes import probe_gains, probe_order
from ui.figures.recall_cost import candidate_cost, time_cost, trade_off
from ui.figures.recall_grid import heat_map
from ui.figures.recall_histogram import found_counts
from ui.figures.s_curve import HitCurve, s_curve
from ui.figures.seeds import seed_spread
from ui.figures.theory import parity, predicted_beside_measured
from ui.figures.tutorial import Angles, angle_histogram, key_chances, one_plane

N_TABLES, N_BITS = np.arange(1, 7), np.arange(1, 6)
CHANCE = 0.8 ** N_BITS[None, :]
LOOKED = 0.5 ** N_BITS[None, :] * np.sqrt(N_TABLES[:, None])
GRID = Grid(N_TABLES, N_BITS, 1 - (1 - CHANCE) ** N_TABLES[:, None], np.minimum(1, LOOKED))
PREDICTED = np.clip(GRID.recall - 0.04 + 0.01 * N_BITS, 0, 1)
AT_3_4 = float(GRID.candidate_fraction[2, 3]), float(GRID.recall[2, 3])
ROW = {n: (GRID.recall[2] ** (1 / n), np.minimum(1, n * GRID.candidate_fraction[2])) for n in (1, 2, 8)}
ANGLES = Angles(np.linspace(20, 150, 60), np.array([12.0, 25.0, 31.5, 48.0]), [True, True, False, True])
CURVE = HitCurve(
    np.linspace(0, 2, 30),
    np.exp(-np.linspace(0, 2, 30)),
    np.array([0.2, 0.4, 0.7]),
    np.array([0.82, 0.67, 0.5]),
    {"one table": np.exp(-3 * np.linspace(0, 2, 30))},
    "distance",
    "°",
)
WALLS = Margins(
    np.array([0.5, -0.1, -2.0]),
    np.array([[0.6, 0.3, -1.5], [-0.2, -0.3, 1.0]]),
    [0.0],
    np.array([1, 0, 0]),
    np.array([0.5, 0.1, 2.0]),
    [True, False],
    ["one", "two"],
    "bit",
    "angle",
    "°",
)
LINES = Margins(
    *(getattr(WALLS, name) for name in ("query", "neighbours")),
    [-1.0, 1.0],
    *(getattr(WALLS, name) for name in ("symbols", "margin", "found", "names", "symbol", "axis", "unit")),
)
DIFFERING = np.array([[0, 2, 3], [1, 4, 2], [5, 0, 0]])
CROWDS = [BucketSizes("K = 2", np.array([300, 80, 15, 5])), BucketSizes("K = 9", np.array([40, 9, 3, 1, 1, 1]))]
CLOSE = [*CROWDS, BucketSizes("K = 8", np.array([60, 3]))]
TRUE, ESTIMATED = np.array([0.1, 0.2, 0.35, 0.4, 0.9]), np.array([0.15, 0.18, 0.3, 0.55, 0.8])
NEAREST = np.array([[0.1, 0.2, 0.4], [0.15, 0.18, 0.55]])
BUDGETS = [0.01, 0.05, 0.2]
FAMILIES = {
    "planes": np.array([0.3, 0.5, 0.8]),
    "ITQ": np.array([np.nan, 0.62, 0.9]),
    "GRH": np.array([0.2, 0.4, np.nan]),
}
KEYS = np.array([[1, 0, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1]])
LAPS, PINNED = raced().laps, raced(lsh=(0.2, 0.3)).laps

FIGURES = {
    "angle-histogram": lambda mode: angle_histogram(ANGLES, mode),
    "bucket-ranks": lambda mode: bucket_ranks(CROWDS, 400, 12.5, 80, mode),
    "bucket-ranks-of-names-that-meet": lambda mode: bucket_ranks(CLOSE, 400, 0.3, 0, mode),
    "bucket-ranks-of-one-table": lambda mode: bucket_ranks(CROWDS[:1], 400, 1.0, None, mode),
    "bucket-strip": lambda mode: bucket_strip(np.array([5, 0, 12]), np.array([1, 0, 3]), 6.25, 2, mode),
    "bucket-strip-of-12-tables": lambda mode: bucket_strip(np.arange(12), np.arange(12) % 3, 0.4, 6, mode),
    "estimates": lambda mode: estimates(TRUE, ESTIMATED, 0.32, NEAREST, [True, True, False], mode),
    "families": lambda mode: families(BUDGETS, FAMILIES, "recall", None, mode),
    "families-with-exact": lambda mode: families(BUDGETS, FAMILIES, "labels", 0.7, mode),
    "found-counts": lambda mode: found_counts(np.array([1, 0, 4, 9]), mode),
    "found-counts-of-few": lambda mode: found_counts(np.array([6, 2, 1, 1]), mode),
    "heat-map": lambda mode: heat_map(GRID, (3, 4), 0.7, mode),
    "key-chances": lambda mode: key_chances(ANGLES, 6, mode),
    "key-differences": lambda mode: key_differences(DIFFERING, DIFFERING.argmin(1), [True, False, True], mode),
    "margins": lambda mode: margins(WALLS, mode),
    "margins-of-lines": lambda mode: margins(LINES, mode),
    "one-plane": lambda mode: one_plane(ANGLES, 30, mode),
    "one-plane-between-neighbours": lambda mode: one_plane(ANGLES, 150, mode),
    "parity": lambda mode: parity(GRID, PREDICTED, (3, 4), mode),
    "predicted": lambda mode: predicted_beside_measured(GRID, PREDICTED, (3, 4), mode),
    "probe-gains": lambda mode: probe_gains(np.array([9, 14, 30]), np.array([4, 4, 7]), 10, 2, mode),
    "probe-gains-of-the-first": lambda mode: probe_gains(np.array([9, 14, 30]), np.array([4, 4, 7]), 10, 1, mode),
    "probe-order": lambda mode: probe_order(KEYS, np.array([7, 1, 3]), 2, mode),
    "probe-order-of-all": lambda mode: probe_order(KEYS, np.array([7, 1, 3]), 3, mode),
    "race-recalls": lambda mode: race.recall_by_size(LAPS, PINNED, SIZES, mode),
    "race-times": lambda mode: race.time_by_size(LAPS, [], {"exact": 3162.0}, SIZES, mode),
    "race-throughput": lambda mode: race.throughput(raced().at(10_000), PINNED[0], mode),
    "recall-by-probes": lambda mode: recall_by_probes(ROW, N_BITS, (3, 4, 2), AT_3_4, mode),
    "recall-by-one-probe": lambda mode: recall_by_probes(ROW, N_BITS, (3, 4, 1), AT_3_4, mode),
    "s-curve": lambda mode: s_curve(CURVE, np.linspace(0.1, 1.9, 80) ** 2 / 2, [True, False, True], mode),
    "seed-spread": lambda mode: seed_spread(GRID, np.stack([GRID.recall, PREDICTED]), PREDICTED, (3, 4), mode),
    "trade-off": lambda mode: trade_off(GRID, candidate_cost(GRID.candidate_fraction), (3, 4), AT_3_4, 0.7, mode),
    "trade-off-in-time": lambda mode: trade_off(
        GRID, time_cost(0.05 + GRID.candidate_fraction, 0.9), (3, 4), (0.2, AT_3_4[1]), 0.7, mode
    ),
}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_plotly_knows_all_that_a_figure_describes(name, mode):
    figure = FIGURES[name](mode)
    assert checked(lambda: figure)().layout.height == figure.layout["height"]  # it raises ValueError for others


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_what_is_committed(name):
    light, dark = (recorded.figure(FIGURES[name](mode), whole=name == "heat-map") for mode in ("light", "dark"))
    other = golden_difference(light, dark)
    compare(f"figure-{name}", f"{light}\nin the dark\n{other}\n")


def golden_difference(light, dark):
    """Return the lines of a text that differ in another of as many lines."""
    lines = light.splitlines(), dark.splitlines()
    assert len(lines[0]) == len(lines[1])
    return "\n".join(f"{i} {there}" for i, (here, there) in enumerate(zip(*lines, strict=True), 1) if here != there)
