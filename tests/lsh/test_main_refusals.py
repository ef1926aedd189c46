"""Refusals of the command line: one message, exit code 2, nothing on stdout and no traceback."""

import math
import shutil

import numpy as np
import pytest


def refused(outcome):
    """Return the message of a command that must have failed with one, and with nothing else."""
    code, out, err = outcome
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if "error: " in line]
    assert len(errors) == 1
    return errors[0]


COMMANDS = [("evaluate", []), ("tune", []), ("search", ["--clip", "clip-1"])]


@pytest.mark.parametrize(("command", "options"), COMMANDS)
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_a_path_without_a_dataset_is_refused_by_name(run, tmp_path, command, options, json_too):
    for missing in (tmp_path, tmp_path / "nothing-here"):
        message = refused(run(command, missing, *options, *json_too))
        assert str(missing) in message
        assert "python -m data_prep" in message


def damaged(tiny, tmp_path, name, change):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    (copy / name).write_bytes(change((copy / name).read_bytes()))
    return copy


@pytest.mark.parametrize(("command", "options"), COMMANDS)
@pytest.mark.parametrize("name", ["manifest.json", "clips.parquet", "labels.parquet", "train.npy", "test.npy"])
def test_a_file_cut_short_is_refused_by_name(run, tiny, tmp_path, command, options, name):
    copy = damaged(tiny, tmp_path, name, lambda data: data[: len(data) // 2])
    assert name in refused(run(command, copy, *options))


@pytest.mark.parametrize(("command", "options"), COMMANDS)
def test_a_flipped_bit_in_the_clips_table_is_refused_by_name(run, tiny, tmp_path, command, options):
    def flip(data):
        return data[:200] + bytes([data[200] ^ 4]) + data[201:]

    assert "clips.parquet" in refused(run(command, damaged(tiny, tmp_path, "clips.parquet", flip), *options))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("split", ["train", "test"])
def test_features_that_are_not_finite_are_refused_with_their_place(run, tiny, tmp_path, split, value):
    def spoil(data):
        return data[:-4] + np.float32(value).tobytes()

    message = refused(run("evaluate", damaged(tiny, tmp_path, f"{split}.npy", spoil)))
    assert f"holds {value} at row" in message
    assert "column 7" in message


def test_an_unknown_clip_is_refused_with_an_example_of_one_there_is(run, tiny, tiny_dataset):
    message = refused(run("search", tiny, "--clip", "no-such-clip"))
    assert "no clip 'no-such-clip'" in message
    assert tiny_dataset.clip("test", 0).clip_id in message


def test_a_recall_out_of_reach_is_refused_with_the_highest_there_is(run, tiny, monkeypatch):
    monkeypatch.setattr("lsh.analysis.search_config.BUILT_TABLES", 1)  # one table, and all 240 clips to be found in it
    options = ["--index", "tables", "--metric", "euclidean", "--recall", 1, "--k", 240, "--queries", 10]
    message = refused(run("tune", tiny, *options))
    assert "no setting reaches recall 1" in message
    assert "is the highest recall of this index of 1 tables" in message


OUT_OF_RANGE = [
    ("--tables", ["0", "513", "-1", "2.5", "many", "1e2", "٣", ""]),
    ("--bits", ["0", "33", "-8", "8.0"]),
    ("--probes", ["0", "65", "65537", "x"]),
    ("--buckets", ["0", "65537", "some"]),
    ("--reranked", ["0", "1000001"]),
    ("--kept", ["0", "1000001", "2.5"]),
    ("--index", ["trees", "any"]),
    ("--family", ["trees", ""]),
    ("--k", ["0", "1001", "-10", "ten"]),
    ("--queries", ["0", "-5", "10000001"]),
    ("--seed", ["-1", "2147483648", "1.5"]),
    ("--metric", ["manhattan", ""]),
    ("--split", ["training", "all"]),
    ("--no-such-option", ["1"]),
]


@pytest.mark.parametrize(("option", "value"), [(option, value) for option, values in OUT_OF_RANGE for value in values])
def test_an_option_out_of_range_is_refused_by_its_name(run, tiny, option, value):
    assert option in refused(run("evaluate", tiny, f"{option}={value}"))


@pytest.mark.parametrize(
    ("index", "option"),
    [
        ("tables", "buckets"),
        ("tables", "kept"),
        ("sketches", "tables"),
        ("sketches", "bits"),
        ("sketches", "kept"),
        *(("graph", option) for option in ("tables", "bits", "buckets", "probes", "reranked")),
        ("exact", "probes"),
        ("exact", "reranked"),
        ("exact", "kept"),
    ],
)
@pytest.mark.parametrize("command", [["evaluate"], ["search", "--clip", "clip-1"]])
def test_an_option_of_another_kind_of_index_is_refused(run, tiny, command, index, option):
    message = refused(run(command[0], tiny, *command[1:], "--index", index, f"--{option}", 3))
    assert f"--{option} does not go with --index {index}; leave one of them out" in message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--buckets", 8], "--buckets does not go with --kind graph; leave one of them out"),
        (["--family", "kmeans"], "--family does not go with --kind graph; leave one of them out"),
        (["--earlier", "."], "--earlier goes with hash tables alone, not with --kind graph: leave it out"),
    ],
)
def test_a_graph_is_not_built_with_the_options_of_other_indexes(run, tiny, monkeypatch, options, said):
    monkeypatch.chdir(tiny)
    assert said in refused(run("build", tiny, "--kind", "graph", *options))
    assert not (tiny / "indexes").exists()


@pytest.mark.parametrize("command", [["evaluate"], ["search", "--clip", "clip-1"]])
def test_a_graph_on_a_cluster_is_refused_before_the_cluster_is_sought(run, tiny, command):
    words = [command[0], tiny, *command[1:], "--index", "graph", "--scheduler", "tcp://127.0.0.1:9"]
    assert "--scheduler does not go with --index graph, which cannot be divided" in refused(run(*words))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--index", "exact", "--family", "hyperplanes"], "--family does not go with --index exact"),
        (["--family", "kmeans"], "family is 'kmeans'; for euclidean distance expected one of 'pstable', 'hyperplanes'"),
        (["--metric", "cosine", "--family", "pstable"], "expected one of 'hyperplanes'"),
        (["--index", "sketches", "--family", "pstable"], "family is 'pstable'"),
        (["--index", "sketches", "--family", "hyperplanes", "--buckets", 3], "n_buckets is 3"),
    ],
)
def test_a_family_that_the_index_does_not_have_is_refused(run, tiny, options, said):
    assert said in refused(run("evaluate", tiny, *options))


@pytest.mark.parametrize("value", ["0", "1.01", "-0.5", "nan", "inf", "most"])
def test_a_recall_outside_zero_to_one_is_refused(run, tiny, value):
    assert "--recall" in refused(run("tune", tiny, f"--recall={value}"))


@pytest.mark.parametrize(
    "arguments", [[], ["measure"], ["evaluate"], ["search", "somewhere"], ["search", "x", "--clip"]]
)
def test_an_incomplete_command_is_refused(run, arguments):
    refused(run(*arguments))
