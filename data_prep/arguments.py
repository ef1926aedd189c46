"""Options that several commands of `python -m data_prep` share."""

import argparse
from pathlib import Path
from typing import Any

from data_prep.arrays import FEATURE_DTYPES

OUT = "folder of the dataset to write"


def add_dataset(command: argparse.ArgumentParser) -> None:
    """Add the folder of a prepared dataset, to be read."""
    command.add_argument("dataset", type=Path, metavar="DIR", help="folder of a prepared dataset")


def add_out(command: argparse.ArgumentParser, about: str = OUT, **options: Any) -> None:
    """Add the folder to write; `options` are those of `add_argument`."""
    command.add_argument("--out", type=Path, metavar="DIR", help=about, **options)


def add_frames(command: argparse.ArgumentParser) -> None:
    """Add the option to store frames."""
    command.add_argument(
        "--frames", action="store_true", help="also store the frames of each clip (default: only their mean)"
    )


def add_dtype(command: argparse.ArgumentParser, default: str) -> None:
    """Add the type of stored features; `default` is its description."""
    command.add_argument(
        "--dtype",
        choices=FEATURE_DTYPES,
        help="type in which features are stored: float32, float16 (half the size) or uint8 (a quarter, in 255 "
        f"steps; default: {default})",
    )


def add_overwrite(
    command: argparse.ArgumentParser, about: str = "replace an existing dataset in DIR (default: stop)"
) -> None:
    """Add the option to replace a dataset."""
    command.add_argument("--overwrite", action="store_true", help=about)


def add_no_index(command: argparse.ArgumentParser) -> None:
    """Add the option to save no index."""
    command.add_argument(
        "--no-index",
        action="store_true",
        help="do not save the index that the app opens first (default: save it, of 50,000 clips or more)",
    )
