"""What Tune measures when it is asked to: other seeds, more probes, other families."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lsh import LSHIndex
from lsh.analysis.comparing import Compared, Comparison, Mean
from tests.ui.plotly_figures import checked
from ui.figures.families import families
from ui.figures.marks import Grid
from ui.figures.probe_trade_off import recall_by_probes
from ui.figures.seeds import seed_spread
from ui.model import exclusive
from ui.pages.tune import families as tune_families
from ui.pages.tune import probes, seeds
from ui.pages.tune.measure_on_request import SHARED, WAITS, Parts

L, K = np.arange(1, 5), np.arange(1, 4)


@pytest.fixture(scope="module")
def index():
    return LSHIndex("cosine", 4, 3).fit(np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32))


def recall_of(base, per_table):
    """Return recall float[4, 3] that grows with each table and falls with each bit."""
    return np.clip(base + per_table * L[:, None] - 0.1 * K, 0, 1)


def test_parts_that_are_made_are_not_made_again_after_an_interruption():
    parts, told = Parts(), []

    def leave(share, doing):
        told.append((share, doing))
        if doing == "b…":
            raise InterruptedError

    makers = {"a": lambda: 1, "b": lambda: 2}
    with pytest.raises(InterruptedError):
        parts.make(makers, leave)
    assert parts.of(["a"]) == {"a": 1}
    assert parts.of(["a", "b"]) is None
    assert parts.make({"a": lambda: pytest.fail("made twice"), "b": lambda: 2}, lambda *_: None) == {"a": 1, "b": 2}
    assert told == [(0.0, "a…"), (0.5, "b…")]


def test_two_visitors_who_ask_at_once_make_each_part_once():
    parts, made = Parts(), []
    makers = {name: (lambda name=name: made.append(name)) for name in "abc"}
    visitors = [threading.Thread(target=parts.make, args=(makers, lambda *_: None)) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert sorted(made) == ["a", "b", "c"]


def test_a_visitor_who_waits_for_another_sees_so_and_the_progress():
    parts, heard, going = Parts(), [], threading.Event()

    def second(share, doing):
        heard.append((share, doing))
        going.set()

    makers = {"a": lambda: 1, "b": lambda: going.wait(60)}
    with ThreadPoolExecutor(2) as visitors:
        begun = threading.Event()
        first = visitors.submit(parts.make, makers, lambda _, doing: begun.set() if doing == "b…" else None)
        assert begun.wait(60)
        waiting = visitors.submit(parts.make, {"a": None, "b": None}, second)
        assert first.result() == waiting.result() == {"a": 1, "b": True}
    assert set(heard) == {(0.5, f"b… {SHARED}")}


def test_a_measurement_waits_for_another_and_says_so():
    parts, heard, waits = Parts(), [], threading.Event()

    def hear(_share, doing):
        heard.append(doing)
        if WAITS in doing:
            waits.set()

    with ThreadPoolExecutor(1) as visitor:
        with exclusive.MEASURING:
            made = visitor.submit(parts.make, {"a": lambda: 1}, hear)
            assert waits.wait(60)
            assert parts.of(["a"]) is None
        assert made.result() == {"a": 1}
    assert set(heard) == {"a…", f"a… {WAITS}"}


def test_a_visitor_who_stops_waiting_does_not_stop_the_measurement():
    parts, left, begun = Parts(), threading.Event(), threading.Event()

    def leave(*_):
        raise InterruptedError

    def slow():
        begun.set()
        return left.wait(60)

    with ThreadPoolExecutor(1) as visitor:
        first = visitor.submit(parts.make, {"a": slow}, lambda *_: None)
        assert begun.wait(60)
        with pytest.raises(InterruptedError):
            parts.make({"a": slow}, leave)
        left.set()
        assert first.result() == {"a": True}


def test_the_range_of_recall_over_seeds_is_given_and_compared_with_more_tables():
    grid = Grid(L, K, recall_of(0.3, 0.1), recall_of(0.2, 0.1))
    draws = np.stack([grid.recall, grid.recall - 0.05, grid.recall + 0.1])
    said = seeds.sentence(grid, draws, (1, 2))
    assert "3 draws of L = 1 table, K = 2 bits find 15.0 % to 30.0 %" in said
    assert "yours, with 20.0 %, is number 2" in said
    assert "**15.0 points** here, as much as **2 more tables** would bring" in said


def test_where_no_number_of_tables_gains_as_much_none_is_named():
    grid = Grid(L, K, recall_of(0.3, 0.1), recall_of(0.2, 0.1))
    said = seeds.sentence(grid, np.stack([grid.recall, grid.recall + 0.2]), (4, 2))
    assert "tables more" not in said


def test_the_band_holds_every_draw_relative_to_the_prediction():
    grid = Grid(L, K, recall_of(0.3, 0.1), recall_of(0.2, 0.1))
    draws = np.stack([grid.recall, grid.recall - 0.02, grid.recall + 0.03])
    figure = checked(seed_spread)(grid, draws, grid.recall - 0.01, (2, 2), "light")
    low, high = figure.data[0].y, figure.data[1].y
    assert np.allclose(low, -1)
    assert np.allclose(high, 4)
    assert figure.layout.yaxis.range[0] < -1 < 4 < figure.layout.yaxis.range[1]


def measured():
    """Return recall and share looked at with 1 and 2 probes: two probes with one bit more look at as much as one."""
    looked = np.clip(0.4 * L[:, None] * 0.5**K, 0, 1)
    return {1: Grid(L, K, recall_of(0.2, 0.1), looked), 2: Grid(L, K, recall_of(0.45, 0.1), 2 * looked)}


def test_each_number_of_probes_gets_the_bits_with_the_most_recall_within_the_budget():
    given = measured()
    for n_probes, n_bits, recall, _ in probes.trade(given, 2, 0.2):
        column = np.flatnonzero(given[n_probes].candidate_fraction[1] <= 0.2)
        assert recall == given[n_probes].recall[1, column].max()
        assert n_bits - 1 in column


def test_the_tables_that_one_probe_needs_reach_the_recall_within_the_budget_and_fewer_do_not():
    given = measured()
    recall, looked = given[1].recall, given[1].candidate_fraction
    for _, _, wanted, needed in probes.trade(given, 2, 0.2):
        reaching = [n for n in L if (recall[n - 1][looked[n - 1] <= 0.2] >= wanted).any()]
        assert needed == (reaching[0] if reaching else None)


def test_a_budget_that_no_setting_keeps_gives_no_rows():
    assert probes.trade(measured(), 2, 0.0) == []


def test_the_sentence_gives_the_memory_that_more_tables_would_take(index):
    rows = [(1, 2, 0.5, 2), (4, 3, 0.7, 4)]
    said = probes.sentence(rows, (2, 2), 0.1, index)
    assert "most is found with **4 probes** at K = 3: 70 %" in said
    assert f"**{index.nbytes_of(4) / index.nbytes_of(2):.1f} times the memory**" in said
    assert "takes more than 4 tables." in probes.sentence([(1, 2, 0.5, 2), (4, 3, 0.7, None)], (2, 2), 0.1, index)


def test_every_number_of_probes_has_its_line_and_yours_is_on_top():
    lines = {n: (grid.recall[1], grid.candidate_fraction[1]) for n, grid in measured().items()}
    figure = checked(recall_by_probes)(lines, K, (2, 2, 1), (0.2, 0.3), "dark")
    assert [trace.name for trace in figure.data] == ["2 probes", "1 probe", "you are here"]


def comparison(recall, precision, error=0.01, exact=0.5):
    """Return what a family of these means reaches within 5 %, and nothing within the other budgets."""
    row = Compared("it", 0.05, {}, Mean(recall, error), Mean(precision, error), Mean(0, 0), Mean(0.04, 0))
    return Comparison((row,), Mean(exact, 0.01), 10, 200)


def test_a_family_that_finds_more_is_named():
    said = tune_families.sentence({"own": comparison(0.6, 0.4), "A": comparison(0.7, 0.4), "B": comparison(0.65, 0.4)})
    assert "own find 60 % of the nearest; **A, the best of the others, more: 70 %**" in said
    assert "By labels none is clearly ahead; exact search has 50 %" in said


def test_a_difference_within_the_error_is_no_difference():
    said = tune_families.sentence({"own": comparison(0.60, 0.4), "A": comparison(0.62, 0.45)})
    assert "**A, the best of the others, finds about as much: 62 %**" in said
    assert "By labels A is ahead: 45 % of its answers" in said


def test_a_family_without_a_setting_within_the_budget_leaves_its_place_empty():
    nothing = Comparison((), Mean(0.5, 0.01), 10, 200)
    assert tune_families.table({"own": comparison(0.6, 0.4), "A": nothing}).values.tolist() == [
        ["own", "", "", "60 % (40 %)", ""],
        ["A", "", "", "", ""],
    ]
    assert "Not every family" in tune_families.sentence({"own": nothing, "A": comparison(0.6, 0.4)})


def test_a_chart_of_families_names_every_line_and_leaves_out_what_is_not_known():
    lines = {"own": np.array([0.2, 0.4]), "A": np.array([np.nan, 0.41]), "B": np.array([0.1, np.nan])}
    figure = checked(families)((0.01, 0.1), lines, "recall", None, "light")
    assert [trace.name for trace in figure.data] == ["own", "A", "B"]
    assert {note.text for note in figure.layout.annotations} == {"own", "A"}
