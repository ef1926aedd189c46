"""Prepared datasets: the file format (docs/FORMAT.md), its reader, writer and verification."""

from data_prep.dataset.features import dequantised
from data_prep.dataset.map_layout import PrincipalPlane, as_coordinates, corners_of, principal_plane
from data_prep.dataset.reader import Dataset, find_datasets, open_dataset
from data_prep.dataset.schema import FORMAT_VERSION, SPLITS, Clip
from data_prep.dataset.verify import verify_dataset

__all__ = [
    "FORMAT_VERSION",
    "SPLITS",
    "Clip",
    "Dataset",
    "PrincipalPlane",
    "as_coordinates",
    "corners_of",
    "dequantised",
    "find_datasets",
    "open_dataset",
    "principal_plane",
    "verify_dataset",
]
