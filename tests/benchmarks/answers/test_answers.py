import copy

import numpy as np
import pytest

from benchmarks.answers import said_of_families, said_of_frames, said_of_quality, said_of_speed
from benchmarks.answers.__main__ import main, read
from benchmarks.answers.document import render
from data_prep.dataset import open_dataset
from data_prep.features import dequantised
from lsh import exact_search, label_precision_at_k
from lsh.fusion import pool


@pytest.fixture
def figures(measured):
    return read(measured / "answers.json")


def test_the_document_in_docs_is_what_its_figures_give(root):
    document = (root / "docs" / "ANSWERS.md").read_text(encoding="utf-8")
    assert render(read(root / "docs" / "answers.json")) == document


def test_one_command_answers_all_four_questions(measured):
    text = (measured / "ANSWERS.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [heading[3:5] for heading in headings[:4]] == ["1.", "2.", "3.", "4."]
    assert "nan" not in text
    assert "python -m benchmarks.answers data/small --queries 40 --modelled" in text


def test_the_figures_are_plain_json_that_says_of_which_data_and_machine(figures, with_frames):
    about = figures["about"]
    assert about["fingerprint"] == open_dataset(with_frames).fingerprint
    assert about["machine"]["cpu"]
    assert about["machine"]["packages"]["numpy"] == np.__version__


def test_without_a_dataset_the_document_is_written_from_the_figures_and_nothing_is_measured(measured, tmp_path):
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


def test_the_mean_gains_nothing_on_itself(figures):
    ways = {way["name"]: way for way in figures["aggregation"]["ways"]}
    assert ways["mean"]["map_gain"] == {"value": 0, "low": 0, "high": 0}


def test_a_dataset_without_frames_says_how_to_get_them(figures):
    assert any("--frames" in part for part in said_of_frames.section(None, figures["about"]))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.01, 0.05, "raises both"), (-0.05, -0.01, "lowers both"), (-0.02, 0.02, "changes neither")],
)
def test_what_is_said_of_a_way_to_pool_follows_from_its_intervals(figures, low, high, said):
    changed = copy.deepcopy(figures["aggregation"])
    way = next(way for way in changed["ways"] if way["name"] == "max")
    for name in ("precision_gain", "map_gain"):
        way[name] = {"value": (low + high) / 2, "low": low, "high": high}
    lessons = said_of_frames.section(changed, figures["about"])[-2]
    assert said in next(line for line in lessons.splitlines() if "maximum" in line)


@pytest.mark.parametrize(
    ("factor", "said"), [(3.0, "yes, hash tables are 3.0 times"), (1.0, "about as fast"), (0.5, "no")]
)
def test_whether_brute_force_is_beaten_follows_from_the_times(figures, factor, said):
    speed = copy.deepcopy(figures["speed"])
    last = speed["real"][-1]["laps"]
    last["lsh"]["ms"] = last["exact"]["ms"] / factor
    assert said in said_of_speed.section(speed)[1]


def test_losses_that_can_be_told_from_none_are_said_up_to_the_last_of_them(figures):
    quality = copy.deepcopy(figures["quality"])
    low, high = quality[0]["settings"]
    low["precision_lost"] = {"value": 0.1, "low": 0.05, "high": 0.15}
    high["precision_lost"] = {"value": 0.0, "low": -0.05, "high": 0.05}
    text = "\n".join(said_of_quality.section(quality, figures["about"]))
    assert f"From recall {high['wanted']:g} on" in text


def test_a_folder_that_is_not_there_is_refused_before_anything_is_measured(with_frames, tmp_path, capsys):
    missing = tmp_path / "nowhere" / "answers.json"
    assert main([str(with_frames), "--figures", str(missing)]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense"])
def test_a_file_without_figures_is_refused(text, tmp_path, capsys):
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="utf-8")
    assert main(["--figures", str(path), "--out", str(tmp_path / "out.md")]) == 2
    assert "answers.json" in capsys.readouterr().err
    assert not (tmp_path / "out.md").exists()


def row(family, recall, gain, error=0.01):
    """Return what one family reaches within a budget of 2 %."""
    mean = {"value": recall, "error": error}
    gained, shares = {"value": gain, "error": error}, {"value": 0.02, "error": 0.0}
    setting = {"n_bits": 9}
    values = {"recall": mean, "label_precision": mean, "gain": gained, "candidates": shares}
    return {"family": family, "budget": 0.02, "setting": setting, **values}


@pytest.mark.parametrize(
    ("recall", "gain", "words"),
    [
        (0.8, 0.1, ("finds more than random", "at least as often as the truly nearest")),
        (0.2, -0.1, ("finds less than random", "less often than the truly nearest")),
        (0.51, 0.01, ("within chance or by budget", "is exact search's, within chance")),
    ],
)
def test_what_is_said_of_a_family_follows_from_what_it_found(recall, gain, words):
    comparison = {"rows": [row("hyperplanes", 0.5, 0), row("grh", recall, gain)], "metric": "cosine", "queries": 9}
    comparison |= {"n_tables": 2, "n_probes": 1, "exact_label_precision": {"value": 0.4, "error": 0.1}}
    text = "\n".join(said_of_families.section([comparison], {"dataset": "made"}))
    for said in words:
        assert said in text
    assert "python -m lsh families data/made --metric cosine --queries 9" in text
