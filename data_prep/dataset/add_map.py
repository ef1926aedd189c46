"""Adding a map (clip coordinates in two dimensions) to a prepared dataset, or replacing its map."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from data_prep.dataset.map_layout import PRINCIPAL_PLANE, as_coordinates, plane_layout, tsne_layout
from data_prep.dataset.npy import npy_header
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.revise import revision
from data_prep.dataset.schema import MAP, SPLITS


def add_map(
    path: str | Path, *, seed: int = 0, plane: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Dataset:
    """Compute the coordinates of every clip, store them in the dataset, and return it, reopened.

    plane: project the clips onto their principal plane, in seconds, instead of laying them out by t-SNE. `progress` is
    called with the number of clips laid out so far; what it raises ends the work. The new dataset replaces the old one
    in one step; no other file changes. Raises DatasetError, OutputError, and InputError (too few
    clips, no openTSNE).
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
