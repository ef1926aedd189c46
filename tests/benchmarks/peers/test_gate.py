"""The gate that compares new results with older ones."""

import re

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from lsh import Plan, exact_search
from lsh.analysis.search_config import SearchConfig

SIZES = {"train": 3000, "validation": 60, "test": 60}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Return the folder of a prepared dataset of clusters, in which LSH has a high recall."""
    rng = np.random.default_rng(4)
    n = sum(SIZES.values())
    clips = ClipBatch(
        clip_id=[f"clip-{i}" for i in range(n)],
        split=np.repeat(list(SIZES), list(SIZES.values())).tolist(),
        media=["{}"] * n,
        start_s=np.zeros(n),
        end_s=np.ones(n),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=(3 * rng.standard_normal((30, 8))[rng.integers(0, 30, n)] + rng.standard_normal((n, 8))).astype("f4"),
    )
    out = tmp_path_factory.mktemp("gate") / "clusters"
    about = About(title="Clusters", source="a test", licence="none", media="synth", metric="euclidean")
    write_dataset(out, about, [Label("/m/0", "sound")], [clips])
    return out


@pytest.fixture
def gate(dataset, run, monkeypatch):
    """Return a function that runs the gate on cases: a recall, its choice, and the times of it and of exact search.

    There is one measurement of the times per case: the gate fails if it takes another.
    """

    def judge(*cases):
        plans, times, rows = [], [], []
        for wanted, config, ms, exact_ms in cases:
            index = config.fit(open_dataset(dataset).features("train"))
            plans.append(Plan(config, index, 10, wanted, 1.0, 0.0, 0.1, 1.0, 2.0, index_bytes=1, why=""))
            times.append([ms, exact_ms])
        X, validation, test = (open_dataset(dataset).features(split)[:] for split in SIZES)

        def plan(given, queries, **options):
            options.pop("progress")("searching")
            np.testing.assert_array_equal(given, X)
            np.testing.assert_array_equal(queries, validation)
            assert options == {"metric": "cosine", "k": 10, "recall": plans[0].wanted}
            return plans.pop(0)

        def ms_per_query(searches, queries):
            np.testing.assert_array_equal(queries, test)
            own, exact = (search(queries).ids for search in searches)
            np.testing.assert_array_equal(exact, exact_search(X, test, 10, "cosine").ids)
            if len(plans) == 0:
                np.testing.assert_array_equal(own, cases[-1][1].search(cases[-1][1].fit(X), queries, 10).ids)
            return times.pop(0)

        monkeypatch.setattr("benchmarks.peers.gate.plan", plan)
        monkeypatch.setattr("benchmarks.peers.gate.ms_per_query", ms_per_query)
        spaced = "benchmarks.peers.gate.evenly_spaced"
        monkeypatch.setattr(spaced, lambda given, n: rows.append((len(given), n)) or given[:])
        code, out, err = run("--gate", dataset, *(word for case in cases for word in ("--recall", case[0])))
        assert rows == [(60, 4000), (60, 1000), *[(60, 200)] * len(cases)]
        said = [f"Clusters, cosine: planning for recall {wanted:g}" for wanted, *_ in cases]
        assert err.splitlines() == [line for one in said for line in (one, "searching")]
        return code, [line.partition(":")[0] for line in out.splitlines()], out

    return judge


EVERYTHING = SearchConfig("sketches", "cosine", {"n_buckets": 1}, {"n_probes": 1, "n_reranked": 3000})
LITTLE = SearchConfig.tables("cosine", 0, {}, {"n_tables": 1, "n_bits": 24, "n_probes": 1})


def test_the_gate_plans_for_each_recall_and_compares_it_with_that_of_the_test_split(dataset, run, monkeypatch):
    monkeypatch.setattr("benchmarks.peers.gate.ms_per_query", lambda *_, **__: [1.0, 2.0])
    code, out, _ = run("--gate", dataset, "--metric", "euclidean", "--recall", 0.8, "--recall", 0.9)
    found = re.findall(r"^pass: recall ([0-9.]+): .*: recall ([0-9.]+) ± [0-9.]+ on test", out, flags=re.MULTILINE)
    assert [wanted for wanted, _ in found] == ["0.8", "0.9"]
    assert all(float(wanted) <= float(recall) for wanted, recall in found)
    assert code == 0


def test_a_choice_faster_than_exact_search_at_its_recall_passes(gate):
    code, _, out = gate((0.9, EVERYTHING, 1.0, 2.0))
    assert code == 0
    assert out == (
        "pass: recall 0.9: a scan of all sketches, 3000 re-ranked: recall 1.0000 ± 0.0000 on test "
        "(1.0000 on validation), 1.000 ms of processor time per query, exact search 2.000 ms\n"
    )


def test_a_choice_that_is_no_faster_than_exact_search_fails(gate):
    assert gate((0.9, EVERYTHING, 2.0, 1.0))[:2] == (1, ["FAIL"])
    assert gate((0.9, EVERYTHING, 1.0, 1.0))[:2] == (1, ["FAIL"])


def test_a_choice_below_its_recall_fails_even_if_it_is_fast(gate):
    code, verdicts, out = gate((0.9, LITTLE, 1.0, 2.0))
    assert (code, verdicts) == (1, ["FAIL"])
    recall, error = map(float, re.search(r"recall (0\.\d{4}) ± (0\.\d{4}) on test", out).groups())
    assert out.endswith(f": {0.9 - recall:.4f} below the wanted recall\n")
    within, below = (
        recall + 1.9 * error,
        recall + 2.1 * error,
    )  # of a recall, at most two standard errors may be missing
    assert gate((within, LITTLE, 1.0, 2.0))[1] == ["pass"]
    assert gate((below, LITTLE, 1.0, 2.0))[1] == ["FAIL"]


def test_exact_search_as_the_choice_passes(gate):
    code, _, out = gate((0.9, SearchConfig.exact("cosine"), 1.0, 1.0))
    assert code == 0
    assert out == "pass: recall 0.9: exact search: recall 1.0000 ± 0.0000 on test (1.0000 on validation)\n"


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_one_failure_in_any_place_fails_the_gate(gate, failing):
    cases = [(0.9, EVERYTHING, 2.0 if place == failing else 1.0, 1.5) for place in range(3)]
    code, verdicts, _ = gate(*cases)
    assert verdicts == ["FAIL" if place == failing else "pass" for place in range(3)]
    assert code == 1
