"""docs/ANSWERS.md: its figures, how they are measured, and the document written of them."""

import copy
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.answers import families, parameters, speed
from benchmarks.answers.__main__ import main, read
from benchmarks.answers.document import render
from data_prep.dataset import open_dataset
from data_prep.dataset.features import dequantised
from lsh import exact_search, label_precision_at_k
from lsh.analysis.fusion import pool

RECORDED = Path(__file__).with_name("recorded_figures.json")


@pytest.fixture
def figures(measured):
    return read(measured / "answers.json")


def test_the_document_in_docs_is_rendered_from_its_figures(root):
    document = (root / "docs" / "ANSWERS.md").read_text(encoding="utf-8")
    assert render(read(root / "docs" / "answers.json")) == document


def test_the_document_has_a_section_for_each_of_the_five_questions(measured):
    text = (measured / "ANSWERS.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [heading[3:5] for heading in headings[:5]] == ["1.", "2.", "3.", "4.", "5."]
    assert "nan" not in text
    assert "python -m benchmarks.answers data/small --frames data/frames --queries 40 --modelled" in text


def flat(figures, name=""):
    """Yield the name and the value of each figure."""
    items = figures.items() if isinstance(figures, dict) else enumerate(figures) if isinstance(figures, list) else ()
    for key, value in items:
        yield from flat(value, f"{name}/{key}")
    if not isinstance(figures, dict | list):
        yield name, figures


def test_the_figures_are_those_recorded(figures):
    """After a change that is meant: EARSHOT_WRITE_SNAPSHOTS=1 python -m pytest -n 0 tests/benchmarks/answers."""
    about = {"about": {"rows": figures["about"]["rows"], "queries": figures["about"]["queries"]}}
    feedback = {name: value for name, value in figures["feedback"].items() if name != "measured_on"}  # the day
    found = dict(flat(figures | about | {"feedback": feedback}))
    if os.environ.get("EARSHOT_WRITE_SNAPSHOTS") == "1":
        RECORDED.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert list(found) == list(recorded)
    # The planes of these families are computed by BLAS and LAPACK, whose rounding depends on the processor.
    learned = tuple(name.removesuffix("family") for name, value in recorded.items() if value in {"itq", "grh"})
    assert learned
    tolerances = {(float, False): 1e-3, (float, True): 0.03, (int, True): 1}
    for name, value in recorded.items():
        tolerance = tolerances.get((type(value), name.startswith(learned)))
        assert found[name] == (value if tolerance is None else pytest.approx(value, abs=tolerance)), name


def test_the_figures_name_the_datasets_and_the_machine(figures, made, with_frames):
    about = figures["about"]
    assert about["fingerprint"] == open_dataset(made / "small").fingerprint
    assert about["frames"]["fingerprint"] == open_dataset(with_frames).fingerprint
    assert about["machine"]["cpu"]
    assert about["machine"]["packages"]["numpy"] == np.__version__


def test_progress_is_said_with_the_seconds_since_the_beginning(measured, figures):
    lines = (measured / "progress.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.match(r" *\d+ s  \S", line) for line in lines)
    said = [line.partition(" s  ")[2] for line in lines]
    assert {
        *(
            f"{metric}: hash tables for recall {recall:g}"
            for metric in ("cosine", "euclidean")
            for recall in (0.5, 0.9)
        ),
        *(f"{metric}: any index for recall 0.9" for metric in ("cosine", "euclidean")),
        *(f"{metric}: predicted and measured recall" for metric in ("cosine", "euclidean")),
        "cosine: timing searches over 300 clips",
        "choosing a pooling with 40 validation clips",
        f"indexing {figures['aggregation']['frames']:,} frames",
        "timing 12 aggregations",
        "evaluating with 40 test clips: mean, centred",
        "cosine: the same setting with seed 1",
    } <= set(said)
    assert figures["about"]["minutes"] == round(figures["about"]["minutes"], 1)


def test_without_a_dataset_the_document_is_written_from_the_figures(measured, tmp_path):
    out = tmp_path / "again.md"
    assert main(["--figures", str(measured / "answers.json"), "--out", str(out)]) == 0
    assert out.read_bytes() == (measured / "ANSWERS.md").read_bytes()


def test_pooled_label_precision_is_that_of_exact_search_over_pooled_frames(figures, with_frames):
    dataset = open_dataset(with_frames)
    (offsets, base), (query_offsets, queries) = dataset.frames("train"), dataset.frames("test")
    rows = np.unique(np.linspace(0, 49, 40).round().astype(int))
    own, values = dataset.label_sets("test")
    labels = np.arange(len(rows) + 1), np.array([values[own[row]] for row in rows])
    ways = {way["name"]: way for way in figures["aggregation"]["ways"]}
    for how in ("mean", "max", "mean+std", "first"):
        X, Q = pool(dequantised(base), offsets, how), pool(dequantised(queries), query_offsets, how)
        found = exact_search(X, Q[rows], 10, "cosine")
        expected = label_precision_at_k(found.ids, labels, dataset.label_sets("train")).mean()
        assert ways[how]["precision"]["value"] == pytest.approx(expected, abs=1e-5)


def test_the_pooling_is_chosen_by_the_label_precision_of_validation_clips(figures, with_frames):
    dataset, chosen = open_dataset(with_frames), figures["aggregation"]["chosen"]
    (offsets, base), (query_offsets, queries) = dataset.frames("train"), dataset.frames("validation")
    for how in ("mean", "max", "mean+std", "first"):
        X, Q = pool(dequantised(base), offsets, how), pool(dequantised(queries), query_offsets, how)
        ids = exact_search(X, Q, 10, "cosine").ids
        expected = label_precision_at_k(ids, dataset.label_sets("validation"), dataset.label_sets("train")).mean()
        assert chosen["precision"][how] == pytest.approx(expected, abs=1e-5)
    assert chosen["precision"][chosen["name"]] == max(chosen["precision"].values())
    assert chosen["queries"] == dataset.n_rows("validation")


def test_the_document_reports_the_pooling_that_was_chosen_even_if_another_is_better_on_test(figures):
    for name, title in (("first", "first frame alone"), ("max", "max of each dimension")):
        chosen = {**figures["aggregation"]["chosen"], "name": name}
        text = " ".join(render({**figures, "aggregation": {**figures["aggregation"], "chosen": chosen}}).split())
        assert f"chose the one with the highest label precision: **{title}**" in text


def test_the_gain_of_the_mean_over_itself_is_zero(figures):
    ways = {way["name"]: way for way in figures["aggregation"]["ways"]}
    assert ways["mean"]["map_gain"] == {"value": 0, "low": 0, "high": 0}


def test_the_document_of_a_dataset_without_frames_states_how_to_prepare_them(figures):
    section = render({**figures, "aggregation": None}).split("## 4. ")[1].split("## ")[0]
    assert section.endswith("`python -m data_prep convert --frames`.\n\n")
    assert "Gain" not in section


def test_the_document_states_where_no_setting_reached_the_wanted_recall(figures):
    text = render({**figures, "quality": [], "speed": {**figures["speed"], "real": []}})
    assert text.count("Not measured: no setting") == 2


def test_the_ratio_of_times_is_that_of_the_largest_size(figures):
    changed = copy.deepcopy(figures)
    laps = changed["speed"]["real"][-1]["laps"]
    laps["lsh"]["ms"] = laps["exact"]["ms"] / 3
    assert "3.0 times as long as hash tables" in render(changed)


def test_a_search_is_ahead_from_the_size_at_which_it_is_clearly_faster():
    def at(n, lsh, exact, batched):
        times = {"lsh": lsh, "exact": exact, "batched": batched}
        return {"n": n, "laps": {name: {"ms": ms} for name, ms in times.items()}}

    series = [at(100, 2.0, 1.1, 1.0), at(1000, 1.0, 2.2, 1.05), at(10_000, 1.0, 4.4, 1.05)]
    assert speed._crossings(series, "lsh") == {"exact": pytest.approx(np.sqrt(100 * 1000)), "batched": None}
    assert speed._crossings(series[1:], "lsh") == {"exact": 1000, "batched": None}
    assert speed._crossings([], "lsh") == {"exact": None, "batched": None}


def test_the_summary_counts_the_settings_below_their_recall_on_test(figures):
    changed = copy.deepcopy(figures["parameters"][:1])
    changed[0]["tables"] = [
        {**row, "wanted": wanted, "recall": {"value": 0.8, "low": 0.7, "high": 0.85}, "exact_ms": 2.0, "ms": ms}
        for row, wanted, ms in zip(changed[0]["tables"], (0.8, 0.9), (1.0, 3.0), strict=True)
    ]
    summary = parameters.fields(changed)["summary"].splitlines()[-1]
    assert "up to recall 0.8" in summary
    assert "1 of 2 settings, 1 significantly" in summary
    changed[0]["tables"][1]["recall"]["high"] = 0.95
    assert "1 of 2 settings, 0 significantly" in parameters.fields(changed)["summary"]


def test_an_output_file_in_a_missing_folder_is_refused_before_anything_is_measured(with_frames, tmp_path, capsys):
    missing = tmp_path / "nowhere" / "answers.json"
    with pytest.raises(SystemExit, match="2"):
        main([str(with_frames), "--figures", str(missing)])
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense"])
def test_a_file_without_figures_is_refused(text, tmp_path, capsys):
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="utf-8")
    assert main(["--figures", str(path), "--out", str(tmp_path / "out.md")]) == 2
    assert "answers.json" in capsys.readouterr().err
    assert not (tmp_path / "out.md").exists()


def row(family, recall, gain, error=0.01):
    """Return the figures of one family within a budget of 2 %."""
    mean = {"value": recall, "error": error}
    gained, shares = {"value": gain, "error": error}, {"value": 0.02, "error": 0.0}
    setting = {"n_bits": 9}
    values = {"recall": mean, "label_precision": mean, "gain": gained, "candidates": shares}
    return {"family": family, "budget": 0.02, "setting": setting, **values}


def test_a_family_is_summarised_by_its_differences_over_the_budgets():
    rows = [row("hyperplanes", 0.5, 0), row("grh", 0.8, 0.1), {**row("grh", 0.9, 0.2), "budget": 0.9}]
    comparison = {"rows": rows, "metric": "cosine", "exact_label_precision": {"value": 0.4, "error": 0.1}}
    text = families.fields([comparison])["tables"]
    assert re.search(r"\| GRH +\| +\+0\.300 to \+0\.300 \| +\+0\.100 to \+0\.100 \|", text)
