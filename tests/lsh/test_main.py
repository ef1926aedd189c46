"""Command line: evaluate, tune, search, families, build and verify."""

import json
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.download.packed_dataset import pack, unpack
from lsh import ExactSearch, LSHIndex, SketchIndex, evaluate, exact_search, recall_at_k
from lsh.analysis.search_config import BUILT_BITS, BUILT_TABLES
from lsh.quality import label_precision_at_k
from lsh.sampling import evenly_spaced_rows
from tests.lsh.conftest import ODD_CLIP
from tests.stress import stress
from tests.ui.apptest import write_small

METRICS = ["cosine", "euclidean"]
EVALUATION = {
    "index": str,
    "metric": str,
    "k": int,
    "queries": int,
    "recall": float,
    "label_precision": float,
    "candidates": float,
    "ms_per_query": float,
    "exact_ms_per_query": float,
    "index_bytes": int,
}
TIMES = {"ms_per_query", "exact_ms_per_query", "time_spread"}
SETTINGS = {
    "tables": {"n_tables", "n_bits", "n_probes"},
    "sketches": {"n_buckets", "n_probes", "n_reranked"},
    "graph": {"n_kept"},
    "exact": set(),
}


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
    for name in set.union(*SETTINGS.values()):
        assert type(record[name]) is (int if name in SETTINGS[record["index"]] else type(None)), name
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
def test_evaluate_prints_exactly_the_figures_of_the_library(run, tiny, tiny_dataset, metric):
    options = ["--metric", metric, "--tables", 6, "--bits", 5, "--probes", 2, "--k", 4, "--split", "validation"]
    record = reported(run("evaluate", tiny, *options, "--seed", 3, "--json"))
    checked(record)
    expected = by_library(tiny_dataset, "validation", metric, 4, 6, 5, 2, seed=3)
    for name in set(expected) - TIMES:
        assert record[name] == expected[name], name


def test_evaluate_by_default_takes_the_datasets_own_distance_and_its_test_clips(run, tiny, tiny_dataset):
    record = reported(run("evaluate", tiny, "--json"))
    index = LSHIndex("euclidean", BUILT_TABLES, BUILT_BITS).fit(tiny_dataset.features("train"))
    expected = by_library(tiny_dataset, "test", "euclidean", 10, *index.default_setting)
    for name in set(expected) - TIMES:
        assert record[name] == expected[name], name


def test_evaluate_can_take_a_few_queries_spread_over_the_split(run, tiny):
    assert reported(run("evaluate", tiny, "--queries", 7, "--json"))["queries"] == 7
    assert reported(run("evaluate", tiny, "--queries", 10**6, "--json"))["queries"] == 40


def test_evaluate_without_json_prints_the_figures_as_text(run, tiny):
    record = reported(run("evaluate", tiny, "--json"))
    code, out, _ = run("evaluate", tiny)
    assert code == 0
    assert f"{record['recall']:.3f}" in out
    assert f"{record['candidates']:.2%} of the collection" in out
    assert f"L = {record['n_tables']} tables, K = {record['n_bits']} bits" in out


@pytest.mark.parametrize("metric", METRICS)
def test_evaluate_measures_sketches_as_the_library_does(run, tiny, tiny_dataset, metric):
    options = ["--metric", metric, "--index", "sketches", "--buckets", 8, "--probes", 3, "--reranked", 12, "--k", 4]
    record = reported(run("evaluate", tiny, *options, "--json"))
    checked(record)
    labels = tiny_dataset.label_sets("test"), tiny_dataset.label_sets("train")
    index = SketchIndex(metric, n_buckets=8, seed=0).fit(tiny_dataset.features("train"))
    expected = evaluate(index, tiny_dataset.features("test"), *labels, k=4, n_probes=3, n_reranked=12).as_dict()
    for name in set(expected) - TIMES:
        assert record[name] == expected[name], name
    assert (record["index"], record["n_buckets"], record["family"]) == ("sketches", 8, "kmeans")


def test_evaluate_measures_exact_search_as_finding_everything_in_everything(run, tiny, tiny_dataset):
    record = reported(run("evaluate", tiny, "--index", "exact", "--json"))
    checked(record)
    assert (record["recall"], record["candidates"], record["family"]) == (1.0, 1.0, None)
    assert record["index_bytes"] == ExactSearch(tiny_dataset.features("train"), "euclidean").nbytes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--index", "sketches"], "sketches in 16 bucket(s), 2 probed, 32 re-ranked"),
        (["--index", "graph", "--kept", 12], "a graph, 12 nodes kept"),
        (["--index", "exact"], "euclidean, exact search: 40 test queries"),
        (["--tables", 7, "--bits", 5, "--probes", 3], "L = 7 tables, K = 5 bits, 3 probed per table"),
    ],
)
def test_evaluate_prints_the_setting_of_every_kind_of_index(run, tiny, options, said):
    code, out, _ = run("evaluate", tiny, *options)
    assert code == 0
    assert said in out


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("recall", [0.8, 1])
def test_tune_prints_settings_both_splits_and_why(run, tiny, metric, recall):
    record = reported(run("tune", tiny, "--metric", metric, "--recall", recall, "--k", 5, "--json"))
    assert {"settings", "validation", "test", "why"} <= set(record)
    settings = record["settings"]
    assert (settings["metric"], settings["k"], settings["seed"]) == (metric, 5, 0)
    assert record["validation"]["recall"] >= recall
    for split in ("validation", "test"):
        checked(record[split])
        for name in ("index", "family", *set.union(*SETTINGS.values())):
            assert record[split][name] == settings[name]


@pytest.mark.parametrize("index", ["any", "tables"])
def test_evaluate_given_the_command_that_tune_printed_gives_its_figures(run, tiny, index):
    options = ["--index", index, "--recall", 0.8, "--k", 5, "--seed", 2, "--queries", 30, "--json"]
    record = reported(run("tune", tiny, *options))
    command = shlex.split(record["settings"]["command"])
    assert command[:3] == ["python", "-m", "lsh"]
    for split in ("validation", "test"):
        again = reported(run(*command[3:], "--split", split, "--json"))
        for name in set(record[split]) - TIMES:
            assert again[name] == record[split][name], (split, name)


@pytest.mark.parametrize("index", ["any", "tables"])
def test_the_lines_of_python_that_tune_printed_find_what_it_found(run, tiny, tiny_dataset, index):
    record = reported(run("tune", tiny, "--index", index, "--recall", 0.8, "--json"))
    names = {"X": tiny_dataset.features("train"), "Q": tiny_dataset.features("test")}
    exec(record["settings"]["python"], names)  # noqa: S102
    truth = exact_search(names["X"], names["Q"], 10, "euclidean")
    assert recall_at_k(names["found"], truth).mean() == pytest.approx(record["test"]["recall"], abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_tune_of_hash_tables_chooses_tables_and_bits(run, tiny, tiny_dataset, metric):
    record = reported(run("tune", tiny, "--index", "tables", "--metric", metric, "--recall", 0.8, "--k", 5, "--json"))
    settings = record["settings"]
    assert record["validation"]["recall"] >= 0.8
    for split in ("validation", "test"):
        checked(record[split])
        setting = settings["n_tables"], settings["n_bits"], settings["n_probes"]
        expected = by_library(tiny_dataset, split, metric, 5, *setting)
        for name in set(expected) - TIMES:
            assert record[split][name] == expected[name], (split, name)
    assert f"L = {settings['n_tables']}, K = {settings['n_bits']}" in record["why"]


@pytest.mark.parametrize("index", ["any", "tables"])
def test_tune_without_json_prints_why_and_ends_with_the_program_that_repeats_it(run, tiny, index):
    code, out, _ = run("tune", tiny, "--index", index, "--recall", 0.5, "--queries", 20)
    assert code == 0
    assert "validation queries" in out
    assert "test queries" in out
    assert f"python -m lsh evaluate {tiny} --index " in out
    assert out.splitlines()[-1].startswith("  found = index.search(Q, k=10")


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


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_commands_over_compact_features_answer_for_the_values_that_they_stand_for(run, tiny, tmp_path, dtype):
    pack(tiny, tmp_path / "packed.zip", dtype)
    dataset = unpack(tmp_path / "packed.zip", tmp_path / "compact")
    clip = dataset.clip("test", 5)
    record = reported(run("search", dataset.path, "--clip", clip.clip_id, "--index", "exact", "--json"))
    X, q = (dataset.features(split)[:].astype(np.float64) for split in ("train", "test"))
    distances = np.linalg.norm(X - q[clip.row], axis=1)
    nearest = np.argsort(distances, kind="stable")[:10]
    expected = [dataset.clip("train", int(row)).clip_id for row in nearest]
    assert [other["clip_id"] for other in record["neighbours"]] == expected
    np.testing.assert_allclose([other["distance"] for other in record["neighbours"]], distances[nearest], rtol=1e-6)
    for command in (["evaluate"], ["evaluate", "--index", "sketches"], ["tune"], ["families", "--tables", 2]):
        assert run(command[0], dataset.path, *command[1:], "--json")[0] == 0


def test_search_lists_fewer_than_k_when_its_buckets_hold_no_more(run, tiny, tiny_dataset):
    clip_id = tiny_dataset.clip("train", 0).clip_id
    record = reported(run("search", tiny, "--clip", clip_id, "--tables", 1, "--bits", 32, "--json"))
    assert len(record["neighbours"]) < 10
    assert record["candidates"] >= 1 / 240  # itself at least


def test_search_takes_a_clip_whose_id_begins_with_a_dash(run, tiny):
    for arguments in (["--clip", ODD_CLIP], [f"--clip={ODD_CLIP}"]):
        assert reported(run("search", tiny, *arguments, "--json"))["query"]["clip_id"] == ODD_CLIP


def test_search_without_json_lists_clips_as_text(run, tiny):
    code, out, _ = run("search", tiny, "--clip", ODD_CLIP, "--k", 3)
    assert code == 0
    assert out.splitlines()[0].startswith(ODD_CLIP)
    assert len(out.splitlines()) == 5


@pytest.mark.parametrize("command", [None, "evaluate", "tune", "search"])
def test_help_lists_every_option_and_exits_with_success(run, command):
    code, out, _ = run(*([command] if command else []), "--help")
    assert code == 0
    assert "usage: python -m lsh" in out
    expected = {
        None: ["evaluate", "tune", "search"],
        "evaluate": ["--metric", "--index", "--tables", "--bits", "--buckets", "--probes", "--reranked", "--split"],
        "tune": ["--metric", "--recall", "--index", "--queries", "--json"],
        "search": ["--clip", "--k", "--json"],
    }
    assert all(word in out for word in expected[command])


def test_progress_goes_to_stderr(run, tiny):
    _, _, err = run("evaluate", tiny, "--json")
    assert "indexing 240 clips" in err


def test_the_command_works_as_a_separate_process(tiny, root):
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
    found = index.search(queries, 10, 8, 10, index.default_setting.n_probes)
    assert record["queries"] == 50
    assert record["recall"] == pytest.approx(recall_at_k(found, index.exact.search(queries, 10)).mean(), abs=1e-12)
    assert record["candidates"] == pytest.approx(found.n_candidates.mean() / index.n, abs=1e-12)


@stress
@pytest.mark.parametrize("metric", METRICS)
def test_real_clips_are_tuned_to_the_recall_wanted(run, real_dataset, metric):
    record = reported(run("tune", real_dataset, "--metric", metric, "--recall", 0.5, "--queries", 50, "--json"))
    assert record["validation"]["recall"] >= 0.5
    for split in ("validation", "test"):
        checked(record[split])


@pytest.fixture
def indexed(run, tiny, tmp_path):
    """Return a copy of the dataset with one saved index of each kind."""
    copy = shutil.copytree(tiny, tmp_path / "tiny")
    for words in ([], ["--metric", "cosine", "--seed", 3], ["--kind", "sketches", "--buckets", 8], ["--kind", "graph"]):
        assert run("build", copy, *words)[0] == 0
    return copy


def test_build_reports_the_file_its_size_and_the_times(run, tiny, tmp_path):
    copy = shutil.copytree(tiny, tmp_path / "tiny")
    report = reported(run("build", copy, "--json"))
    (path,) = (copy / "indexes").iterdir()
    assert path.name == f"tables-euclidean-pstable-32x24-seed0-{open_dataset(copy).sha256('train')[:16]}.lsh"
    assert (report["path"], report["bytes"]) == (str(path), path.stat().st_size)
    assert (report["clips"], report["metric"]) == (240, "euclidean")
    assert all(report[name] > 0 for name in ("build_s", "processor_s", "load_s"))
    code, out, _ = run("build", copy)
    assert code == 0
    assert out.startswith(f"{path}: ")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--metric", "cosine", "--seed", 3],
        ["--index", "sketches", "--buckets", 8],
        ["--index", "graph", "--kept", 20],
        ["--tables", 6, "--bits", 5],
    ],
)
def test_a_saved_index_is_opened_and_gives_the_same_figures(run, tiny, indexed, words):
    built, saved = (run("evaluate", path, *words, "--json") for path in (tiny, indexed))
    assert "indexing 240 clips" in built[2]
    assert f"opening the index {indexed}" in saved[2]
    first, second = reported(built), reported(saved)
    assert {name: first[name] for name in set(first) - TIMES} == {name: second[name] for name in set(second) - TIMES}


@pytest.mark.parametrize("words", [["--seed", 1], ["--index", "exact"], ["--tables", 33], ["--family", "itq"]])
def test_an_index_of_other_settings_is_built(run, indexed, words):
    before = sorted((indexed / "indexes").iterdir())
    code, _, err = run("evaluate", indexed, *words)
    assert code == 0
    assert "indexing 240 clips" in err
    assert sorted((indexed / "indexes").iterdir()) == before


def test_a_damaged_index_is_reported_by_verify_and_replaced_by_the_next_command(run, indexed):
    assert reported(run("verify", indexed, "--json"))["problems"] == []
    path = next((indexed / "indexes").glob("tables-euclidean-*"))
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    code, out, _ = run("verify", indexed)
    assert code == 1
    assert f"cannot load {path}: it has {len(good) - 1} bytes" in out
    assert out.endswith("4 index files, 1 that cannot be used\n")
    code, _, err = run("search", indexed, "--clip", "clip-0")
    assert code == 0
    assert f"cannot load {path}" in err
    assert f"it is set aside as {path.name}.unusable, and built again" in err
    assert path.read_bytes() == good
    assert "cannot" not in run("search", indexed, "--clip", "clip-0")[2]


def test_a_dataset_without_indexes_is_verified_too(run, tiny):
    assert run("verify", tiny)[:2] == (0, "0 index files, 0 that cannot be used\n")


@pytest.fixture
def without_others(tmp_path):
    """Return a dataset that has a train split alone."""
    return write_small(tmp_path / "own", {"train": 300, "validation": 0, "test": 0})


@pytest.mark.parametrize("index", ["any", "tables"])
def test_tune_without_other_splits_takes_clips_of_train_each_left_out_of_its_own_answer(run, without_others, index):
    options = ["--index", index, "--recall", 0.8, "--queries", 60, "--json"]
    record = reported(run("tune", without_others, *options))
    assert [record[split]["split"] for split in ("validation", "test")] == ["train", "train"]
    assert record["validation"]["queries"] == record["test"]["queries"] == 60
    dataset = open_dataset(without_others)
    X, settings = dataset.features("train"), record["settings"]
    names = {"X": X, "Q": np.asarray(X)}
    exec(settings["python"].replace("k=10", "k=11"), names)  # noqa: S102
    every = evenly_spaced_rows(300, 120)
    for split, rows in (("validation", every[::2]), ("test", every[1::2])):
        found = names["found"].ids[rows]
        truth = exact_search(X, X[rows], 11, settings["metric"]).ids
        hits = [
            len({*[i for i in f if i != row][:10]} & {*[i for i in t if i != row][:10]})
            for row, f, t in zip(rows, found, truth, strict=True)
        ]
        assert record[split]["recall"] == pytest.approx(np.mean(hits) / 10, abs=1e-9)
    code, out, _ = run("tune", without_others, *options[:-1])
    assert code == 0
    assert "60 train queries" in out


def test_families_without_other_splits_take_clips_of_train_each_left_out_of_its_own_answer(run, without_others):
    record = reported(run("families", without_others, "--queries", 50, "--json"))
    assert (record["split"], record["queries"]) == ("train", 50)
    dataset = open_dataset(without_others)
    X, rows = dataset.features("train"), evenly_spaced_rows(300, 50)
    truth = exact_search(X, X[rows], 11, record["metric"]).without(rows)
    labels = dataset.labels_of("train", rows), dataset.label_sets("train")
    assert record["exact_label_precision"]["value"] == pytest.approx(label_precision_at_k(truth.ids, *labels).mean())
    assert max(row["recall"]["value"] for row in record["rows"]) <= 1
