"""Re-encoding of a dataset: the same clips, with their features stored in another dtype."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from data_prep.arrays import FeatureDtype
from data_prep.dataset.features import FeatureEncoder
from data_prep.dataset.manifest import manifest_bytes
from data_prep.dataset.npy import npy_header
from data_prep.dataset.reader import Dataset
from data_prep.dataset.schema import FORMAT_VERSION, MANIFEST, SPLITS
from data_prep.errors import InputError

_CHUNK = 16_384  # rows encoded at a time

Blocks = Iterator[bytes]


def reencode(dataset: Dataset, dtype: FeatureDtype) -> tuple[bytes, dict[str, Callable[[], Blocks]]]:
    """Return the manifest of the dataset with features in a dtype, and for each array of features its new bytes.

    No arrays are returned if they have that dtype already. They are computed block by block each time that they are
    read, so that nothing is stored. The other files are those of the dataset. Raises InputError for features that the
    dtype cannot store.
    """
    if dtype == dataset.dtype:
        return (dataset.path / MANIFEST).read_bytes(), {}
    encoder = FeatureEncoder(dtype)
    for split in SPLITS:
        features = dataset.features(split)
        for start in range(0, len(features), _CHUNK):
            some = np.asarray(features[start : start + _CHUNK])
            if np.abs(some).max() > encoder.largest:
                raise InputError(
                    f"{dataset.path}: features of {split} exceed {encoder.largest:g}, which {dtype} cannot store: "
                    "choose float32"
                )
            encoder.widen(some)
    arrays: dict[str, Callable[[], Blocks]] = {
        f"{split}.npy": partial(_blocks, dataset, split, encoder) for split in SPLITS
    }
    files = dict(dataset.manifest["files"])
    for name, blocks in arrays.items():
        size, sha256 = 0, hashlib.sha256()
        for block in blocks():
            size += len(block)
            sha256.update(block)
        files[name] = {"bytes": size, "sha256": sha256.hexdigest()}
    about = {name: value for name, value in dataset.manifest["features"].items() if name not in {"scale", "offset"}}
    changed = {"format_version": FORMAT_VERSION, "features": {**about, **encoder.facts()}, "files": files}
    return manifest_bytes({**dataset.manifest, **changed}), arrays


def _blocks(dataset: Dataset, split: str, encoder: FeatureEncoder) -> Blocks:
    """Yield the bytes of a split's array: the header, then some rows at a time."""
    features = dataset.features(split)
    yield npy_header(encoder.dtype, features.shape)
    for start in range(0, len(features), _CHUNK):
        yield encoder.encode(np.asarray(features[start : start + _CHUNK])).tobytes()
