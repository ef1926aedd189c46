"""Question 5: its figures beside a simulation written out, with scikit-learn's average precision."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from benchmarks.answers import feedback
from benchmarks.answers.__main__ import main, read
from data_prep.dataset import open_dataset
from lsh import exact_search
from lsh.feedback import background_of, rocchio, teach
from tests.benchmarks.answers.conftest import FEEDBACK


@pytest.fixture
def small(made):
    return open_dataset(made / "small")


@pytest.fixture
def found(measured):
    return read(measured / "answers.json")["feedback"]


def cosines(X, q):
    return [float(x @ q / np.linalg.norm(x) / np.linalg.norm(q)) for x in X]


def examples(dataset, label):
    """Return the example of each seed, and which clips of the collection and of the test split have the label."""
    has, relevant = ([label in dataset.clip(s, i).labels for i in range(dataset.n_rows(s))] for s in ("train", "test"))
    drawn = [int(np.random.default_rng([seed, label]).choice(np.flatnonzero(has))) for seed in FEEDBACK["SEEDS"]]
    return drawn, np.array(has), np.array(relevant)


def test_the_labels_are_spread_from_the_most_frequent_to_the_rarest(found, small):
    train, test = small.label_counts("train"), small.label_counts("test")
    counts = [int(train[label]) for label in range(10) if train[label] >= 25 and test[label] >= 3]
    assert [row["train"] for row in found["labels"]] == [max(counts), min(counts)]


def test_one_example_ranks_the_test_clips_by_their_distance_to_it(found, small):
    X, test = (np.asarray(small.features(split), np.float64) for split in ("train", "test"))
    for row in found["labels"]:
        drawn, _, relevant = examples(small, small.label_names.index(row["name"]))
        expected = np.mean([average_precision_score(relevant, cosines(test, X[example])) for example in drawn])
        assert row["nearest"] == pytest.approx(expected, abs=1e-4)
    assert found["nearest"]["value"] == pytest.approx(np.mean([row["nearest"] for row in found["labels"]]), abs=1e-4)


@pytest.mark.parametrize("way", ["likely", "rocchio"])
def test_ten_marks_are_those_of_the_ten_nearest_clips(found, small, way):
    X, test = (np.asarray(small.features(split)) for split in ("train", "test"))
    for row in found["labels"]:
        drawn, has, relevant = examples(small, small.label_names.index(row["name"]))
        precisions, n_yes = [], []
        for example in drawn:
            nearest = exact_search(X, X[[example]], 11, "cosine").ids[0]
            assert nearest[0] == example
            yes = X[[i for i in nearest if has[i]]]
            no = X[[i for i in nearest if not has[i]]]
            scorer = teach(background_of(X, "cosine"), X[example], yes, no)
            if way == "rocchio":
                scorer = rocchio(X[example], yes, no, "cosine")
            precisions.append(average_precision_score(relevant, scorer.score(test)))
            n_yes.append(len(yes) - 1)
        assert row[way][0] == pytest.approx(np.mean(precisions), abs=1e-4)
        assert row[f"{way}_yes"][0] == pytest.approx(np.mean(n_yes))


def test_of_the_marks_at_random_half_are_yes(found):
    ways = {way["name"]: way for way in found["ways"]}
    assert ways["random"]["yes"] == [5, 10]


def test_the_question_can_be_measured_alone(measured, made, tmp_path, monkeypatch):
    for name, value in FEEDBACK.items():
        monkeypatch.setattr(feedback, name, value)
    figures = read(measured / "answers.json")
    (tmp_path / "answers.json").write_text(json.dumps({**figures, "feedback": None}))
    outputs = ["--figures", str(tmp_path / "answers.json"), "--out", str(tmp_path / "ANSWERS.md")]
    assert main([str(made / "small"), "--feedback", *outputs]) == 0
    again = read(tmp_path / "answers.json")
    assert {**again, "feedback": {**again["feedback"], "measured_on": ""}} == {
        **figures,
        "feedback": {**figures["feedback"], "measured_on": ""},
    }


def test_without_a_dataset_the_question_cannot_be_measured_alone(capsys):
    assert main(["--feedback"]) != 0
    assert "needs the folder of a dataset" in capsys.readouterr().err


def test_rare_labels_alone_are_not_measured(small):
    assert feedback.measure(small, lambda _: None) is None
    assert "no label has 50 clips" in feedback.fields(None)
