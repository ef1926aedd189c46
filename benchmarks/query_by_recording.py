"""Query by recording: label precision of ESC-10 recordings, `python -m benchmarks.query_by_recording DATASET FOLDER`.

ESC-10 (K. J. Piczak, "ESC: Dataset for environmental sound classification", ACM MM 2015) holds one folder of
recordings per class. Each recording is a query, embedded as the app does it; a neighbour is correct if it carries a
label that stands for the recording's class.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.errors import BenchmarkError
from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DataError
from data_prep.sounds.query import SoundEmbedder
from earshot_common import command_line
from lsh import ExactSearch
from lsh.errors import LSHError

LABELS = {  # AudioSet's names for each class of ESC-10
    "dog_bark": ("Dog", "Bark"),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "sea_waves": ("Ocean", "Waves, surf"),
    "rain": ("Rain", "Raindrop", "Rain on surface"),
    "baby_cry": ("Baby cry, infant cry",),
    "clock_tick": ("Clock", "Tick", "Tick-tock"),
    "person_sneeze": ("Sneeze",),
    "helicopter": ("Helicopter",),
    "chainsaw": ("Chainsaw",),
    "fire_crackling": ("Fire", "Crackle"),
}
_K = 10


def main(arguments: list[str] | None = None) -> int:
    """Print the precision@10 of each class beside its share of the collection; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.query_by_recording",
        description="Search a dataset with the recordings of ESC-10, and print the share of correct neighbours.",
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset, AudioSet's labels")
    parser.add_argument("recordings", type=Path, metavar="FOLDER", help="folder with ESC-10's folders of recordings")
    options = parser.parse_args(arguments)
    return command_line.run(
        lambda: _run(open_dataset(options.dataset), options.recordings), (BenchmarkError, DataError, LSHError)
    )


def _run(dataset: Dataset, recordings: Path) -> None:
    embedder, search = SoundEmbedder(dataset), ExactSearch(dataset.features("train"), "cosine")
    rows = []
    for name, label_names in LABELS.items():
        folder = recordings / name
        paths = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()] if folder.is_dir() else []
        if not paths:
            raise BenchmarkError(f"{folder} holds no recordings; expected the folders of ESC-10")
        known = [dataset.label_names.index(label) for label in label_names if label in dataset.label_names]
        if not known:
            raise BenchmarkError(f"{dataset.path} has none of the labels {', '.join(label_names)}")
        correct = np.unique(np.concatenate([dataset.rows_with_label("train", label) for label in known]))
        queries = np.stack([embedder.embed(path.read_bytes(), path.name).feature for path in paths])
        precision = np.isin(search.search(queries, _K).ids, correct).mean(axis=1)
        rows.append((name, precision, len(correct) / dataset.n_rows("train")))
    print(f"{dataset.title}: precision@{_K} by the {embedder.method}, and the share of clips with the label")
    for name, precision, share in rows:
        print(f"  {name:<15} {precision.mean():.2f}  {share:.4f}")
    every = np.concatenate([precision for _, precision, _ in rows])
    error = every.std() / np.sqrt(len(every))
    print(f"  {'all':<15} {every.mean():.3f} ± {error:.3f}  {np.mean([share for *_, share in rows]):.4f}")


if __name__ == "__main__":
    sys.exit(main())
