"""How well a recording finds its own kind: `python -m benchmarks.query_by_recording DATASET RECORDINGS`.

RECORDINGS is ESC-10 (K. J. Piczak, "ESC: Dataset for environmental sound classification", ACM MM 2015): a folder a
kind. Each recording is a query as the app would ask it, and a neighbour is right when it carries a label of that name.
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

KINDS = {
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
    """Print precision@10 of each kind beside its share of the collection; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.query_by_recording", description="Ask a dataset with ESC-10."
    )
    parser.add_argument("dataset", type=Path, help="a prepared dataset with AudioSet's labels")
    parser.add_argument("recordings", type=Path, help="the folder of ESC-10's kinds")
    options = parser.parse_args(arguments)
    return command_line.run(
        lambda: _run(open_dataset(options.dataset), options.recordings), (BenchmarkError, DataError, LSHError)
    )


def _run(dataset: Dataset, recordings: Path) -> None:
    embedder, search = SoundEmbedder(dataset), ExactSearch(dataset.features("train"), "cosine")
    rows = []
    for kind, names in KINDS.items():
        folder = recordings / kind
        paths = [Path(entry.path) for entry in os.scandir(folder)] if folder.is_dir() else []
        if not paths:
            raise BenchmarkError(f"{folder} holds no recordings; expected the folders of ESC-10")
        known = [dataset.label_names.index(name) for name in names if name in dataset.label_names]
        right = np.unique(np.concatenate([dataset.rows_with_label("train", label) for label in known]))
        queries = np.stack([embedder.embed(path.read_bytes(), path.name).feature for path in paths])
        precision = np.isin(search.search(queries, _K).ids, right).mean(axis=1)
        rows.append((kind, precision, len(right) / dataset.n_rows("train")))
    print(f"{dataset.title}: precision@{_K} by the {embedder.method}, beside the share of clips with the label")
    for kind, precision, share in rows:
        print(f"  {kind:<15} {precision.mean():.2f}  {share:.4f}")
    every = np.concatenate([precision for _, precision, _ in rows])
    error = every.std() / np.sqrt(len(every))
    print(f"  {'all':<15} {every.mean():.3f} ± {error:.3f}  {np.mean([share for *_, share in rows]):.4f}")


if __name__ == "__main__":
    sys.exit(main())
