import json
import subprocess
import sys

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from lsh import LSHIndex, evaluate, exact_search, recall_at_k
from lsh.__main__ import BITS, BUILT_BITS, BUILT_TABLES, TABLES
from tests.lsh.conftest import ODD_CLIP

METRICS = ["cosine", "euclidean"]
EVALUATION = {
    "metric": str,
    "n_tables": int,
    "n_bits": int,
    "n_probes": int,
    "k": int,
    "queries": int,
    "recall": float,
    "label_precision": float,
    "candidates": float,
    "ms_per_query": float,
    "exact_ms_per_query": float,
    "index_bytes": int,
}
TIMES = {"ms_per_query", "exact_ms_per_query"}


def reported(outcome):
    """Return the JSON object that a command printed, and nothing else, on stdout."""
    code, out, err = outcome
    assert (code, "error" in err) == (0, False)
    assert out.count("\n") == 1
    return json.loads(out)


def checked(record):
    """Check the types and ranges of an evaluation."""
    for name, kind in EVALUATION.items():
        assert type(record[name]) is kind, name
    for share in ("recall", "label_precision", "candidates"):
        assert 0 <= record[share] <= 1
    for amount in ("ms_per_query", "exact_ms_per_query", "index_bytes", "queries"):
        assert record[amount] > 0


def by_library(dataset, split, metric, k, n_tables, n_bits, n_probes, seed=0):
    index = LSHIndex(metric, max(BUILT_TABLES, n_tables), max(BUILT_BITS, n_bits), seed).fit(dataset.features("train"))
    labels = dataset.label_sets(split), dataset.label_sets("train")
    setting = {"n_tables": n_tables, "n_bits": n_bits, "n_probes": n_probes}
    return evaluate(index, dataset.features(split), *labels, k=k, **setting).as_dict()


@pytest.mark.parametrize("metric", METRICS)
def test_evaluate_prints_the_figures_that_the_library_gives_and_nothing_else(run, tiny, tiny_dataset, metric):
    options = ["--metric", metric, "--tables", 6, "--bits", 5, "--probes", 2, "--k", 4, "--split", "validation"]
    record = reported(run("evaluate", tiny, *options, "--seed", 3, "--json"))
    checked(record)
    expected = by_library(tiny_dataset, "validation", metric, 4, 6, 5, 2, seed=3)
    for name in set(expected) - TIMES:
        assert record[name] == expected[name], name


def test_evaluate_by_default_takes_the_datasets_own_distance_and_its_test_clips(run, tiny, tiny_dataset):
    record = reported(run("evaluate", tiny, "--json"))
    expected = by_library(tiny_dataset, "test", "euclidean", 10, TABLES, BITS, 1)
    for name in set(expected) - TIMES:
        assert record[name] == expected[name], name


def test_evaluate_can_take_a_few_queries_spread_over_the_split(run, tiny):
    assert reported(run("evaluate", tiny, "--queries", 7, "--json"))["queries"] == 7
    assert reported(run("evaluate", tiny, "--queries", 10**6, "--json"))["queries"] == 40


def test_evaluate_without_json_says_the_figures_to_a_person(run, tiny):
    record = reported(run("evaluate", tiny, "--json"))
    code, out, _ = run("evaluate", tiny)
    assert code == 0
    assert f"{record['recall']:.3f}" in out
    assert f"{record['candidates']:.2%} of the collection" in out
    assert "L = 16 tables, K = 8 bits" in out


@pytest.mark.parametrize("metric", METRICS)
def test_tune_prints_settings_both_splits_and_why(run, tiny, tiny_dataset, metric):
    record = reported(run("tune", tiny, "--metric", metric, "--recall", 0.8, "--k", 5, "--json"))
    assert {"settings", "validation", "test", "why"} <= set(record)
    settings = record["settings"]
    assert (settings["metric"], settings["k"]) == (metric, 5)
    assert record["validation"]["recall"] >= 0.8
    for split in ("validation", "test"):
        checked(record[split])
        setting = settings["n_tables"], settings["n_bits"], settings["n_probes"]
        expected = by_library(tiny_dataset, split, metric, 5, *setting)
        for name in set(expected) - TIMES:
            assert record[split][name] == expected[name], (split, name)
    assert f"L = {settings['n_tables']}, K = {settings['n_bits']}" in record["why"]


def test_tune_without_json_says_why_to_a_person(run, tiny):
    code, out, _ = run("tune", tiny, "--recall", 0.5, "--queries", 20)
    assert code == 0
    assert out.startswith("L = ")
    assert "validation" in out
    assert "test" in out


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_search_lists_the_neighbours_that_exact_search_ranks_first_among_the_candidates(
    run, tiny, tiny_dataset, metric, split
):
    clip = tiny_dataset.clip(split, 5)
    options = ["--clip", clip.clip_id, "--metric", metric, "--k", 6, "--bits", 2, "--json"]
    record = reported(run("search", tiny, *options))
    assert record["query"]["clip_id"] == clip.clip_id
    assert record["query"]["labels"] == [tiny_dataset.label_names[label] for label in clip.labels]
    base, query = tiny_dataset.features("train"), np.asarray(tiny_dataset.features(split)[clip.row])[None]
    truth = exact_search(base, query, 7, metric)
    pairs = zip(truth.ids[0].tolist(), truth.distances[0].tolist(), strict=True)
    others = [(i, d) for i, d in pairs if (split, clip.row) != ("train", i)][:6]
    expected = [(tiny_dataset.clip("train", i).clip_id, d) for i, d in others]
    assert [(other["clip_id"], other["distance"]) for other in record["neighbours"]] == expected
    assert [other["rank"] for other in record["neighbours"]] == [1, 2, 3, 4, 5, 6]
    assert 0 < record["candidates"] <= 1


def test_search_lists_fewer_than_k_when_its_buckets_hold_no_more(run, tiny, tiny_dataset):
    clip_id = tiny_dataset.clip("train", 0).clip_id
    record = reported(run("search", tiny, "--clip", clip_id, "--tables", 1, "--bits", 32, "--json"))
    assert len(record["neighbours"]) < 10
    assert record["candidates"] >= 1 / 240  # itself at least


def test_search_takes_a_clip_whose_id_begins_with_a_dash(run, tiny):
    for arguments in (["--clip", ODD_CLIP], [f"--clip={ODD_CLIP}"]):
        assert reported(run("search", tiny, *arguments, "--json"))["query"]["clip_id"] == ODD_CLIP


def test_search_without_json_lists_clips_to_a_person(run, tiny):
    code, out, _ = run("search", tiny, "--clip", ODD_CLIP, "--k", 3)
    assert code == 0
    assert out.splitlines()[0].startswith(ODD_CLIP)
    assert len(out.splitlines()) == 5


@pytest.mark.parametrize("command", [None, "evaluate", "tune", "search"])
def test_help_says_every_option_and_exits_with_success(run, command):
    code, out, _ = run(*([command] if command else []), "--help")
    assert code == 0
    assert "usage: python -m lsh" in out
    expected = {
        None: ["evaluate", "tune", "search"],
        "evaluate": ["--metric", "--tables", "--bits", "--probes", "--k", "--split", "--queries", "--json"],
        "tune": ["--metric", "--recall", "--json"],
        "search": ["--clip", "--k", "--json"],
    }
    assert all(word in out for word in expected[command])


def test_progress_goes_to_stderr(run, tiny):
    _, _, err = run("evaluate", tiny, "--json")
    assert "indexing 240 clips" in err


def test_the_command_works_as_a_process_of_its_own(tiny, root):
    command = [sys.executable, "-W", "error", "-m", "lsh", "evaluate", str(tiny), "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    checked(json.loads(done.stdout))
    command[-2:] = ["nothing-here"]
    failed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("error: nothing-here holds no prepared dataset")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("metric", METRICS)
def test_real_clips_are_evaluated_as_the_library_would(run, real_dataset, metric):
    options = ["--metric", metric, "--tables", 8, "--bits", 10, "--queries", 50, "--json"]
    record = reported(run("evaluate", real_dataset, *options))
    checked(record)
    dataset = open_dataset(real_dataset)
    rows = np.linspace(0, dataset.n_rows("test") - 1, 50).round().astype(int)
    queries = np.asarray(dataset.features("test")[rows])
    index = LSHIndex(metric, BUILT_TABLES, BUILT_BITS).fit(dataset.features("train"))
    found = index.search(queries, 10, 8, 10)
    assert record["queries"] == 50
    assert record["recall"] == pytest.approx(recall_at_k(found, index.exact.search(queries, 10)).mean(), abs=1e-12)
    assert record["candidates"] == pytest.approx(found.n_candidates.mean() / index.n, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_real_clips_are_tuned_to_the_recall_wanted(run, real_dataset, metric):
    record = reported(run("tune", real_dataset, "--metric", metric, "--recall", 0.5, "--queries", 50, "--json"))
    assert record["validation"]["recall"] >= 0.5
    for split in ("validation", "test"):
        checked(record[split])
