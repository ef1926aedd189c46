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


def add_lists(command: argparse.ArgumentParser) -> None:
    """Add AudioSet's lists of clips and its ontology."""
    command.add_argument(
        "--segments",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="CSV",
        help="AudioSet's lists of clips, such as balanced_train_segments.csv, to detect missing clips (default: none)",
    )
    command.add_argument(
        "--clips",
        type=Path,
        metavar="FILE",
        help=(
            "convert only what this text file lists: one clip id per line, each of which must be there, or a folder, "
            "such as bal_train, for all clips in it (default: all clips)"
        ),
    )
    command.add_argument(
        "--ontology",
        type=Path,
        metavar="JSON",
        help="ontology.json, for the parents and definitions of labels (default: neither)",
    )
    command.add_argument(
        "--no-definitions",
        dest="definitions",
        action="store_false",
        help="leave out the definitions of labels, which are under the licence CC BY-SA 4.0",
    )


def add_sounds(command: argparse.ArgumentParser) -> None:
    """Add the folder of one's own sounds."""
    command.add_argument(
        "sounds",
        type=Path,
        metavar="SOUNDS",
        help="folder of sound files, in any format that FFmpeg or libsndfile decodes (wav, flac, ogg, mp3, m4a, aiff, "
        "webm, wma ...); the names of its sub-folders are labels",
    )


def add_no_map(command: argparse.ArgumentParser) -> None:
    """Add the option that leaves out the map."""
    command.add_argument(
        "--no-map",
        action="store_true",
        help="do not lay the clips out in the plane, for the app's Map page (default: by t-SNE, of more than 20,000 "
        "clips in their principal plane)",
    )


def add_vectors(command: argparse.ArgumentParser) -> None:
    """Add the options of one's own embeddings."""
    command.add_argument(
        "vectors",
        type=Path,
        metavar="FILE",
        help=".npy, .npz, Parquet, CSV, TSV or JSON Lines, one vector of at most 4,096 numbers per row",
    )
    command.add_argument(
        "--meta",
        type=Path,
        metavar="FILE",
        help="table of metadata (Parquet, CSV, TSV or JSON Lines), joined by ids where both files have them, else by "
        "position if both have as many rows (default: the columns of FILE alone)",
    )
    named = "(default: one with a usual name, which is reported)"
    command.add_argument(
        "--vector",
        metavar="COL",
        help="column of vectors, array of the .npz file, or prefix of columns of one number each (default: the one "
        "column of lists of numbers, else the largest group of columns named by a prefix and 0, 1, 2, ...)",
    )
    command.add_argument("--id", metavar="COL", help=f"column of ids {named}; without one the number of the row")
    command.add_argument(
        "--label",
        metavar="COL",
        action="append",
        default=[],
        help=f"column of labels; may be given several times {named}",
    )
    command.add_argument(
        "--audio", metavar="COL", help=f"column of paths or of addresses (http, https) of sounds {named}"
    )
    command.add_argument(
        "--audio-folder",
        type=Path,
        metavar="DIR",
        help="folder to which paths of sounds are relative (default: that of the vectors)",
    )
    command.add_argument(
        "--start", metavar="COL", help=f"column of the time in the sound at which a row begins {named}"
    )
    command.add_argument("--end", metavar="COL", help=f"column of the time at which it ends {named}")
    command.add_argument(
        "--time-unit",
        choices=("s", "ms"),
        help="unit of times that are numbers (default: ms for columns named so, else s); mm:ss is recognised",
    )
    command.add_argument("--title", metavar="COL", help=f"column of titles {named}")
    command.add_argument(
        "--pool",
        choices=("mean",),
        help="take the mean of the frames of each row (default: refuse rows of several frames)",
    )
    add_out(command, required=True)
    add_dtype(command, "float32")
    add_no_index(command)
    add_no_map(command)
    add_overwrite(command, "replace the dataset in DIR even if it was not made from FILE (default: stop)")
