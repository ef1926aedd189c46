"""The command line of the comparison with other libraries."""

import json

import numpy as np
import pytest

from benchmarks import methods

ROW = ["method", "recall", "qps", "build_s", "index_mb", "settings"]


def test_json_is_one_object_with_the_machine_and_a_row_per_method_and_recall(arrays, workers, run, monkeypatch):
    few = classmethod(lambda *_: [{"n_buckets": 8}])
    monkeypatch.setattr("benchmarks.methods.lsh.Sketch.builds", few)  # to save time
    settings = [{"n_tables": n, "n_bits": 4, "n_probes": 4, "n_reranked": 90} for n in (8, 32)]
    monkeypatch.setattr("benchmarks.methods.lsh.Tables.searches", classmethod(lambda *_: settings))
    code, out, err = run(
        *("--dataset", arrays, "--methods", "lsh,exact,numpy", "--metric", "cosine", "--recall", 0.5),
        *("--recall", 0.9, "--queries", 20, "--rounds", 1, "--json"),
    )
    assert code == 0, err
    report = json.loads(out)
    assert list(report) == ["machine", "rows"]
    assert {"cpu", "cores", "packages"} <= set(report["machine"])
    assert [list(row) for row in report["rows"]] == [ROW] * 6
    assert {(row["method"], row["recall"]) for row in report["rows"]} == {
        (method, recall) for method in ("lsh", "exact", "numpy") for recall in (0.5, 0.9)
    }
    for row in report["rows"]:
        assert row["qps"] > 0
        assert row["build_s"] >= 0
        assert row["index_mb"] >= 0
    ours = next(row for row in report["rows"] if row["method"] == "lsh")
    assert ours["settings"]["index"] in methods.LSH


def test_exact_methods_have_recall_1(measured):
    points = json.loads(measured.read_text(encoding="utf-8"))["points"]
    assert {p["recall"] for p in points if p["method"] in {"exact", "numpy"}} == {1.0}


def test_every_setting_of_a_method_is_in_the_results(measured):
    points = json.loads(measured.read_text(encoding="utf-8"))["points"]
    kind = methods.load("lsh-tables")
    builds = kind.builds(400)
    assert sum(p["method"] == "lsh-tables" for p in points) == sum(len(kind.searches(400, b)) for b in builds)
    assert all(p["peak_mb"] >= 0 and p["resident_mb"] >= 0 and p["queries"] == 30 for p in points)


def test_the_table_has_a_row_per_method_and_names_the_machine(measured, run):
    code, out, _ = run("--results", measured, "--methods", "lsh,exact,numpy", "--recall", 0.8)
    assert code == 0
    assert " cores, Python " in out
    assert {line.split("|")[2].strip() for line in out.splitlines() if line.startswith("|    0.8")} == {
        "lsh",
        "exact",
        "numpy",
    }


def test_the_table_counts_the_settings_and_builds_of_each_method(measured, run):
    _, out, _ = run("--results", measured)
    kind = methods.load("lsh-tables")
    tables = str(sum(len(kind.searches(400, build)) for build in kind.builds(400)))
    cells = [[cell.strip() for cell in line.split("|")] for line in out.splitlines() if line.startswith("|")]
    at = cells[0].index("tried")
    assert {row[2]: (row[at], row[at + 1]) for row in cells[2:]} == {
        "lsh": (tables, "1"),
        "exact": ("1", "1"),
        "numpy": ("1", "1"),
    }


def test_the_web_page_is_one_file_without_links_to_others(measured, run, tmp_path):
    page = tmp_path / "page.html"
    assert run("--results", measured, "--page", page)[0] == 0
    text = page.read_text(encoding="utf-8")
    assert "lsh-tables" in text
    assert "<script src=" not in text
    assert "<link" not in text


def test_a_method_without_its_package_is_skipped_and_the_others_run(arrays, workers, run, monkeypatch):
    monkeypatch.setattr("benchmarks.methods.annoy.Annoy.needs", "no_such_package")
    code, out, err = run("--dataset", arrays, "--methods", "annoy,numpy", "--rounds", 1)
    assert code == 0
    assert "annoy: skipped, the package no_such_package is not installed" in err
    assert "annoy: skipped, the package no_such_package is not installed" in out
    assert "numpy" in out


def test_a_method_without_the_metric_is_skipped(arrays, run, monkeypatch):
    monkeypatch.setattr("benchmarks.methods.numpy.NumPy.metrics", ("cosine",))
    code, _, err = run("--dataset", arrays, "--methods", "numpy", "--metric", "euclidean")
    assert code == 0
    assert "numpy: skipped, it does not support the metric euclidean" in err


def test_a_method_that_raises_an_error_is_skipped_with_its_message(arrays, workers, run, monkeypatch):
    monkeypatch.setattr("benchmarks.methods.numpy.NumPy.builds", classmethod(lambda *_: [{"no_such_option": 1}]))
    code, out, err = run("--dataset", arrays, "--methods", "numpy", "--rounds", 1)
    assert code == 0
    assert "numpy no_such_option 1: skipped, TypeError" in err
    assert "numpy no_such_option 1: skipped, TypeError" in out


def test_a_build_that_fails_leaves_the_other_builds_of_its_method(arrays, workers, run, monkeypatch):
    monkeypatch.setattr("benchmarks.methods.numpy.NumPy.builds", classmethod(lambda *_: [{"no_such_option": 1}, {}]))
    code, out, _ = run("--dataset", arrays, "--methods", "numpy", "--rounds", 1)
    assert code == 0
    assert "numpy no_such_option 1: skipped, TypeError" in out
    assert "|   0.95 | numpy " in out


def test_a_method_with_the_module_name_of_another_library_needs_its_folder(arrays, run, tmp_path):
    options = "--dataset", arrays, "--methods", "scann-core", "--rounds", 1
    assert "name its folder with --library scann-core=FOLDER" in run(*options)[1]
    (tmp_path / "scann.py").write_text("raise ImportError('found in this folder')", encoding="utf-8")
    assert "skipped, found in this folder" in run(*options, "--library", f"scann-core={tmp_path}")[1]


def test_each_method_is_selected_once_and_all_stands_for_every_one():
    assert set(methods.selected("all,lsh,numpy")) == {"lsh", *methods.names()} - set(methods.LSH)
    assert methods.selected("numpy,lsh,numpy") == ["numpy", "lsh"]
    assert len(methods.names()) == len(set(methods.names())) >= 14


@pytest.mark.parametrize("name", methods.names())
def test_the_settings_of_every_method_can_be_written_as_json_for_any_size(name, monkeypatch):
    monkeypatch.setattr("benchmarks.methods.find_spec", lambda _: True)
    kind = methods.load(name)
    for n in (12, 20_000, 2_000_000):
        for build in kind.builds(n):
            searches = kind.searches(n, build)
            assert searches
            assert json.loads(json.dumps([build, *searches])) == [build, *searches]


def test_only_methods_near_the_fastest_of_earlier_results_are_measured(arrays, measured, workers, run, tmp_path):
    content = json.loads(measured.read_text(encoding="utf-8"))
    for point in content["points"]:
        point["qps"] = {"exact": 100.0, "numpy": 60.0}.get(point["method"], 40.0)
    (tmp_path / "earlier.json").write_text(json.dumps(content), encoding="utf-8")
    options = "--dataset", arrays, "--metric", "euclidean", "--rounds", 1, "--methods"
    near = "--within", "2", tmp_path / "earlier.json"
    code, out, err = run(*options, "numpy,lsh,exact", *near)
    assert code == 0
    assert f"within 2 times of the fastest in {tmp_path / 'earlier.json'}: numpy, exact\n" in err
    assert [worker.asked[0][1] for worker in workers] == ["numpy", "exact"]
    for changed, message in [
        (("lsh", *near), "none of the methods lsh was within 2 times of the fastest"),
        (("numpy", *near, "--k", 9), "results of euclidean and 10 neighbours, not of euclidean and 9 neighbours"),
        (("numpy", *near, "--metric", "cosine"), "results of euclidean and 10 neighbours, not of cosine"),
        (("numpy", "--within", "2", tmp_path), "cannot be read as results"),
        (
            ("numpy", "--within", "0.9", tmp_path / "earlier.json"),
            "--within 0.9 is not a factor, a number of 1 or more",
        ),
        (("numpy", "--within", "two", tmp_path / "earlier.json"), "--within two is not a factor"),
    ]:
        code, out, err = run(*options, *changed)
        assert (code, out) == (2, "")
        assert message in err.splitlines()[-1]


REFUSED = [
    (["--dataset", "like:many"], "like:N"),
    (["--dataset", "like:0"], "like:N"),
    (["--dataset", "no-such-folder"], "no-such-folder"),
    (["--dataset", "no.npy,such.npy"], "no.npy is not a file"),
    (["--dataset", "x", "--methods", "lsh,magic"], "there is no method 'magic'"),
    (["--dataset", "x", "--library", "magic=."], "'magic=.' is not METHOD=FOLDER, with a folder that exists"),
    (["--dataset", "x", "--library", "scann-core=none"], "'scann-core=none' is not METHOD=FOLDER"),
    (["--dataset", "x", "--recall", "1.5"], "'1.5' is not a number above 0, at most 1"),
    (["--dataset", "x", "--queries", "0"], "'0' is not a whole number from 1 to 1,000,000"),
    (["--dataset", "x", "--metric", "hamming"], "invalid choice: 'hamming'"),
    (["--dataset", "x", "--page", "no-such-folder/page.html"], "no-such-folder is not a folder"),
    (["--results", "no-such-file.json"], "no-such-file.json cannot be read as results"),
    ([], "one of the arguments --dataset --results --gate is required"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_bad_arguments_are_refused_with_one_message(arguments, message, run):
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_files_that_hold_no_matching_vectors_are_refused_by_name(tmp_path, run):
    np.save(tmp_path / "wide.npy", np.ones((5, 4), np.float32))
    np.save(tmp_path / "narrow.npy", np.ones((5, 3), np.float32))
    np.save(tmp_path / "broken.npy", np.full((5, 4), np.nan))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    (tmp_path / "text.npy").write_text("not an array", encoding="utf-8")
    for bad, message in [
        ("wide.npy,narrow.npy", "4 features"),
        ("broken.npy,wide.npy", "broken.npy holds NaN"),
        ("words.npy,wide.npy", "expected one vector of floats"),
        ("text.npy,wide.npy", "text.npy cannot be read"),
    ]:
        base, queries = bad.split(",")
        code, _, err = run("--dataset", f"{tmp_path / base},{tmp_path / queries}")
        assert code == 2
        assert message in err


def test_more_neighbours_than_vectors_are_refused(arrays, run):
    code, _, err = run("--dataset", arrays, "--k", 401)
    assert code == 2
    assert "401 neighbours of 400 vectors" in err


def test_a_file_without_results_is_refused(tmp_path, run):
    for text in ("{}", "[]", '{"points": [{"method": "lsh"}]}'):
        (tmp_path / "odd.json").write_text(text, encoding="utf-8")
        code, _, err = run("--results", tmp_path / "odd.json")
        assert code == 2
        assert "results" in err


def test_vectors_like_audiosets_are_generated_once_and_cached(tmp_path, workers, run, monkeypatch):
    monkeypatch.setattr("benchmarks.search_problem.CACHE", tmp_path)
    arguments = ["--dataset", "like:300", "--methods", "numpy", "--queries", 20, "--rounds", 1]
    assert "generating 300 vectors" in run(*arguments)[2]
    assert "generating" not in run(*arguments)[2]
    assert [path.name for path in tmp_path.iterdir()] == ["like-300.npy"]
