"""Question 5: how far marks carry (yes and no to single clips), against the nearest neighbours of one example.

A visitor is simulated, who looks for a label, begins with one example of it, and marks clips of the collection by
AudioSet's own label. What the marks teach then ranks the test clips, by the functions that the page Teach uses.
"""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from benchmarks.answers.confidence import mean_figure
from benchmarks.answers.formatting import Record, difference, with_interval
from benchmarks.markdown import table
from benchmarks.search_problem import Progress
from data_prep.dataset import Dataset
from lsh.arrays import BoolArray, Float32Array, Int64Array
from lsh.feedback import (
    Background,
    Classifier,
    Order,
    RocchioQuery,
    background_of,
    next_to_judge,
    rocchio,
    scores_of,
    teach,
)
from lsh.quality import average_precision
from lsh.sampling import evenly_spaced_rows

N_LABELS, SEEDS = 10, (0, 1, 2, 3, 4)
MARKS = (10, 20, 50)
MIN_TEST, MIN_TRAIN = 10, 50  # clips that a label must have
_ROUND = 10  # marks between two rankings, as many as the page lists
_WAYS = {  # how the marks are chosen, and what they teach
    "likely": "the most likely clips, as the page lists them",
    "uncertain": "the least certain clips, from the first classifier on",
    "random": "drawn at random, half of them yes",
    "rocchio": "the most likely clips, always by Rocchio's query",
}


def measure(dataset: Dataset, progress: Progress) -> Record | None:
    """Return the average precision over test clips after each number of marks; None where no label has enough clips."""
    labels = _labels(dataset)
    if not len(labels):
        return None
    background = background_of(dataset.features("train"), dataset.metric)
    rows = [_label(dataset, background, int(label), progress) for label in labels]
    return {
        "metric": dataset.metric,
        "seeds": len(SEEDS),
        "marks": list(MARKS),
        "train": dataset.n_rows("train"),
        "test": dataset.n_rows("test"),
        "labels": rows,
        "chance": float(np.mean([row["test"] / dataset.n_rows("test") for row in rows])),
        "nearest": mean_figure([row["nearest"] for row in rows]),
        "ways": [
            {
                "name": way,
                "precision": [mean_figure([row[way][i] for row in rows]) for i in range(len(MARKS))],
                "gain": [mean_figure([row[way][i] - row["nearest"] for row in rows]) for i in range(len(MARKS))],
                "yes": [float(np.mean([row[f"{way}_yes"][i] for row in rows])) for i in range(len(MARKS))],
            }
            for way in _WAYS
        ],
        "dataset": dataset.name,
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _labels(dataset: Dataset) -> Int64Array:
    """Return labels from the most frequent to the rarest, evenly spaced in that order."""
    train, test = dataset.label_counts("train"), dataset.label_counts("test")
    enough = np.flatnonzero((test >= MIN_TEST) & (train >= MIN_TRAIN))
    ranked = enough[np.lexsort((enough, -train[enough]))]
    return ranked[evenly_spaced_rows(len(ranked), N_LABELS)] if len(ranked) else ranked


def _label(dataset: Dataset, background: Background, label: int, progress: Progress) -> Record:
    """Return the average precision for one label, its mean over the seeds, by way and number of marks."""
    progress(f"feedback: {dataset.label_names[label]}")
    is_yes = dataset.has_label("train", [label])
    test, wanted = np.asarray(dataset.features("test")), (np.array([0, 1]), np.array([label], np.int16))

    def precision_of(scorer: RocchioQuery | Classifier) -> float:
        ranking = np.argsort(-scorer.score(test), kind="stable")
        return float(average_precision(ranking[None], wanted, dataset.label_sets("test"))[0])

    counts = {split: int(dataset.label_counts(split)[label]) for split in ("train", "test")}
    record: Record = {"name": dataset.label_names[label], **counts}
    nearest, found = [], {way: np.empty((len(SEEDS), len(MARKS), 2)) for way in _WAYS}
    for seed in SEEDS:
        example = int(np.random.default_rng([seed, label]).choice(np.flatnonzero(is_yes)))
        query = np.asarray(dataset.features("train")[[example]])
        alone = rocchio(query[0], query[:0], query[:0], dataset.metric)
        nearest.append(precision_of(alone))
        for way in _WAYS:
            marking = _marking(dataset, background, way, example, is_yes, seed)
            for i, (scorer, n_yes) in enumerate(marking):
                found[way][seed, i] = precision_of(scorer), n_yes
    record["nearest"] = float(np.mean(nearest))
    for way, values in found.items():
        record[way], record[f"{way}_yes"] = (values[:, :, part].mean(axis=0).tolist() for part in (0, 1))
    return record


def _marking(
    dataset: Dataset, background: Background, way: str, example: int, is_yes: BoolArray, seed: int
) -> Iterator[tuple[RocchioQuery | Classifier, int]]:
    """Yield what is taught by each number of `MARKS`, and how many of the marks are yes."""
    X = dataset.features("train")
    rng = np.random.default_rng([seed, 1])
    rows = np.array([example])
    while len(rows) <= MARKS[-1]:
        if way == "random":
            half = [np.setdiff1d(np.flatnonzero(kind), rows) for kind in (is_yes, ~is_yes)]
            more = np.concatenate([rng.choice(kind, _ROUND // 2, replace=False) for kind in half])
        else:
            scorer = _scorer(background, way, X[rows], is_yes[rows])
            order: Order = "uncertain" if way == "uncertain" and isinstance(scorer, Classifier) else "likely"
            more = next_to_judge(scores_of(scorer, X), rows, _ROUND, order)
        rows = np.concatenate([rows, more])
        if len(rows) - 1 in MARKS:
            yield _scorer(background, way, X[rows], is_yes[rows]), int(is_yes[rows[1:]].sum())


def _scorer(background: Background, way: str, marked: Float32Array, is_yes: BoolArray) -> RocchioQuery | Classifier:
    """Return what marked clips teach; the first one is the example."""
    yes, no = marked[is_yes], marked[~is_yes]
    if way == "rocchio":
        return rocchio(marked[0], yes, no, background.metric)
    return teach(background, marked[0], yes, no)


def fields(figures: Record | None) -> Record | str:
    """Return the fields of the section in the template, or the reason that there are none."""
    if figures is None:
        return f"Not measured: no label has {MIN_TRAIN} clips in the collection and {MIN_TEST} test clips."
    marks = figures["marks"]
    likely, random = (next(way for way in figures["ways"] if way["name"] == name) for name in ("likely", "random"))
    return {
        **{name: figures[name] for name in ("metric", "seeds", "train", "test", "dataset", "measured_on", "chance")},
        "n_labels": len(figures["labels"]),
        "most": marks[-1],
        "nearest": with_interval(figures["nearest"]),
        "likely": with_interval(likely["precision"][-1]),
        "likely_gain": difference(likely["gain"][-1]),
        "random": with_interval(random["precision"][-1]),
        "ways": _ways_table(figures),
        "labels": _labels_table(figures),
    }


def _ways_table(figures: Record) -> str:
    marks = figures["marks"]
    rows = [["none: the neighbours of one example", *[with_interval(figures["nearest"])] * len(marks), "", ""]]
    for way in figures["ways"]:
        precision = [with_interval(figure) for figure in way["precision"]]
        rows.append([_WAYS[way["name"]], *precision, difference(way["gain"][-1]), f"{way['yes'][-1]:.0f}"])
    header = ["marks", *(f"after {n}" for n in marks), f"gain after {marks[-1]}", f"yes of {marks[-1]}"]
    return table(header, rows)


def _labels_table(figures: Record) -> str:
    marks = figures["marks"]
    rows = [
        [
            row["name"],
            f"{row['train']:,}",
            f"{row['test']:,}",
            f"{row['nearest']:.3f}",
            *(f"{row['likely'][i]:.3f}" for i in range(len(marks))),
            f"{row['random'][-1]:.3f}",
        ]
        for row in figures["labels"]
    ]
    header = ["label", "clips", "test clips", "one example", *(f"{n} marks" for n in marks), f"{marks[-1]} at random"]
    return table(header, rows)
