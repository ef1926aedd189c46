import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from lsh import Plan
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
    """Return a function that runs the gate on a given choice, with given times of it and of exact search."""

    def judge(config, recalls, ms, exact_ms, wanted=0.9):
        index = config.fit(open_dataset(dataset).features("train"))
        chosen = Plan(config, index, 10, wanted, 1.0, 0.0, 0.1, 1.0, 2.0, index_bytes=1, why="")
        monkeypatch.setattr("benchmarks.peers.gate.plan", lambda *_, **__: chosen)
        monkeypatch.setattr("benchmarks.peers.gate.ms_per_query", lambda *_, **__: [ms, exact_ms])
        code, out, _ = run("--gate", dataset, *(word for recall in recalls for word in ("--recall", recall)))
        return code, out

    return judge


EVERYTHING = SearchConfig("sketches", "cosine", {"n_buckets": 1}, {"n_probes": 1, "n_reranked": 3000})
LITTLE = SearchConfig.tables("cosine", 0, {}, {"n_tables": 1, "n_bits": 24, "n_probes": 1})


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_gate_prints_a_verdict_per_recall_and_returns_1_if_one_fails(dataset, run, metric):
    code, out, _ = run("--gate", dataset, "--metric", metric, "--recall", 0.8, "--recall", 0.9)
    verdicts = [line.split(":")[0] for line in out.splitlines()]
    assert len(verdicts) == 2
    assert set(verdicts) <= {"pass", "FAIL"}
    assert code == (1 if "FAIL" in verdicts else 0)


def test_a_choice_faster_than_exact_search_at_its_recall_passes(gate):
    code, out = gate(EVERYTHING, [0.9], ms=1.0, exact_ms=2.0)
    assert code == 0
    assert out.startswith("pass: recall 0.9: a scan of all sketches, 3000 re-ranked: recall 1.0000")


def test_a_choice_slower_than_exact_search_fails(gate):
    code, out = gate(EVERYTHING, [0.9], ms=2.0, exact_ms=1.0)
    assert code == 1
    assert out.startswith("FAIL: recall 0.9")


def test_a_choice_below_its_recall_fails_even_if_it_is_fast(gate):
    code, out = gate(LITTLE, [0.9], ms=1.0, exact_ms=2.0)
    assert code == 1
    assert "below the wanted recall" in out


def test_exact_search_as_the_choice_passes(gate):
    code, out = gate(SearchConfig.exact("cosine"), [0.9], ms=1.0, exact_ms=1.0)
    assert code == 0
    assert out == "pass: recall 0.9: exact search: recall 1.0000 ± 0.0000\n"


def test_every_recall_must_pass(gate):
    code, out = gate(LITTLE, [0.1, 0.2], ms=2.0, exact_ms=1.0, wanted=0.001)
    assert code == 1
    assert out.count("FAIL") == 2
