"""Adding a map (clip coordinates in two dimensions) to a prepared dataset, or replacing its map."""

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from data_prep.dataset.map_layout import MIN_CLIPS, PRINCIPAL_PLANE, as_coordinates, plane_layout, tsne_layout
from data_prep.dataset.npy import npy_header
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.revise import revision
from data_prep.dataset.schema import MAP, SPLITS
from data_prep.errors import InputError

MAX_AT_ONCE = 20_000  # clips that are laid out by t-SNE as they become a dataset


def add_map(
    path: str | Path, *, seed: int = 0, plane: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Dataset:
    """Compute the coordinates of every clip, store them in the dataset, and return it, reopened.

    plane: project the clips onto their principal plane, in seconds, instead of laying them out by t-SNE. `progress` is
    called with the number of clips laid out so far, in t-SNE's first part as many as its steps correspond to; what it
    raises ends the work. The new dataset replaces the old one in one step; no other file changes. Raises DatasetError,
    OutputError, and InputError (too few clips, no openTSNE).
    """
    path = Path(path).resolve()
    dataset = open_dataset(path)
    if plane:
        parts = [dataset.features(split) for split in SPLITS if dataset.n_rows(split)]
        places = plane_layout(parts, progress)
        made: dict[str, str | int] = {"method": PRINCIPAL_PLANE}
    else:
        places = tsne_layout(dataset.all_features(), dataset.metric, seed, progress)
        made = {"method": "t-SNE", "library": f"openTSNE {version('openTSNE')}", "seed": seed}
    coordinates = as_coordinates(places)
    with revision(path) as revised:
        revised.write(MAP, npy_header(coordinates.dtype, coordinates.shape), coordinates)
        revised.manifest["map"] = made
    return open_dataset(path)


def map_new(path: str | Path) -> str:
    """Give a dataset that was just made its map, with a bar; return what is to be said of it, in a sentence.

    It is laid out by t-SNE, or in its principal plane where it has fewer than 16 clips, or more than t-SNE lays out in
    some two minutes, or where openTSNE is not installed.
    """
    n_clips, command = _n_clips(path), f"python -m data_prep map {path}"
    if not MIN_CLIPS <= n_clips <= MAX_AT_ONCE:
        _with_bar(path, plane=True)
        return f"a map of its principal plane; `{command}` lays it out by t-SNE" if n_clips > MAX_AT_ONCE else "a map"
    try:
        _with_bar(path)
    except InputError as error:  # no openTSNE
        _with_bar(path, plane=True)
        return f"a map of its principal plane; for t-SNE {error}, then run `{command}`"
    return f"a map of {n_clips:,} clips"


def map_and_report(path: Path, seed: int) -> None:
    """Run the command `python -m data_prep map`: lay a dataset out by t-SNE, with a bar, and print how long it took."""
    began = time.perf_counter()
    dataset = _with_bar(path, seed=seed)
    print(f"{path}: {dataset.title}, a map of {_n_clips(path):,} clips; {time.perf_counter() - began:.1f} s")


def _n_clips(path: str | Path) -> int:
    rows: dict[str, int] = open_dataset(path).manifest["rows"]
    return sum(rows.values())


def _with_bar(path: str | Path, *, seed: int = 0, plane: bool = False) -> Dataset:
    from tqdm import tqdm

    with tqdm(desc="laying out", total=_n_clips(path), unit=" clips", mininterval=1, file=sys.stderr) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        return add_map(path, seed=seed, plane=plane, progress=show)
