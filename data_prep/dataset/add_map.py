"""Adding a map (clip coordinates in two dimensions) to a prepared dataset, or replacing its map."""

import json
import os
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from data_prep.dataset.hashed_file import HashedFile
from data_prep.dataset.manifest import manifest_bytes
from data_prep.dataset.map_layout import PRINCIPAL_PLANE, as_coordinates, plane_layout, tsne_layout
from data_prep.dataset.npy import npy_header
from data_prep.dataset.output_folder import new_folder
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.schema import MANIFEST, MAP, SPLITS
from earshot_common.atomic import write_file


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
    with new_folder(path, with_all=True) as work:
        unfinished = shutil.ignore_patterns(".*.tmp", ".*.lock")  # an index that is being written
        shutil.copytree(path, work, copy_function=_link, dirs_exist_ok=True, ignore=unfinished)
        for name in (MANIFEST, MAP):  # hard links: writing to them would change the old dataset
            (work / name).unlink(missing_ok=True)
        with HashedFile(work / MAP) as file:
            file.write(npy_header(coordinates.dtype, coordinates.shape))
            file.write(coordinates)
        manifest = json.loads((path / MANIFEST).read_bytes())
        files = dict(sorted({**manifest["files"], MAP: file.facts}.items()))
        write_file(work / MANIFEST, manifest_bytes({**manifest, "map": made, "files": files}))
        open_dataset(work)
    return open_dataset(path)


def _link(source: str, target: str) -> None:
    """Create a hard link; copy the file where the disk has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
