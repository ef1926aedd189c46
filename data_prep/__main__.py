"""Command line `python -m data_prep`: convert, download, verify and pack datasets."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.arguments import (
    OUT,
    add_dataset,
    add_dtype,
    add_frames,
    add_lists,
    add_no_index,
    add_no_map,
    add_out,
    add_overwrite,
    add_sounds,
    add_vectors,
)
from data_prep.audioset.disk_space import format_bytes, published_bytes
from data_prep.errors import DataError, InputError
from data_prep.progress_bar import ProgressBar
from data_prep.sample import MAX_CLIPS
from earshot_common import command_line

if TYPE_CHECKING:
    from data_prep.audioset.report import Report

_DONE, _INCOMPLETE = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: done, but something was left out (`convert --keep-going`, `folder`, an index that could not be saved) or
    is damaged (`verify`). 2: failed, nothing was written. 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    return command_line.run(
        lambda: options.run(options), (DataError,), interrupted="interrupted: no incomplete file is left"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data_prep", description="Prepare datasets for Earshot.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        command.set_defaults(run=run)
        return command

    convert = add("convert", _convert, "convert AudioSet's TFRecords and CSV files to a prepared dataset")
    convert.add_argument(
        "--features",
        required=True,
        metavar="DIR_OR_TAR_GZ_OR_SHARD",
        help="features.tar.gz or features.tar (not unpacked), a folder of shards, or one shard",
    )
    convert.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="address of a Dask scheduler, such as tcp://192.168.0.5:8786: parse on its workers, which must be able to "
        "read the features at the same path, or at an address such as s3://bucket/folder (default: on this machine)",
    )
    convert.add_argument(
        "--labels", type=Path, required=True, metavar="CSV", help="the label table, class_labels_indices.csv"
    )
    add_lists(convert)
    add_out(convert, required=True)
    add_frames(convert)
    add_dtype(convert, "float32")
    convert.add_argument(
        "--keep-going",
        action="store_true",
        help="leave out damaged records, or the rest of a shard of which no more can be read, and report each "
        "(default: stop at the first damage)",
    )
    add_no_index(convert)
    add_overwrite(convert)

    audioset = add("audioset", _audioset, "download AudioSet's features from Google and prepare them")
    audioset.add_argument(
        "--subset",
        choices=("balanced", "full"),
        default="balanced",
        help="balanced: 42,531 clips; full: all 2,084,320 clips, "
        f"{format_bytes(sum(published_bytes('full')))} of disk while it is made (default: balanced)",
    )
    add_out(audioset, f"{OUT} (default: data/audioset, or data/audioset-full)")
    add_frames(audioset)
    add_dtype(audioset, "float32")
    add_no_index(audioset)
    add_overwrite(audioset)

    add_dataset(add("verify", _verify, "check every hash and count of a prepared dataset"))

    layout = add(
        "map", _map, "add a two-dimensional map of the clips (t-SNE) to a prepared dataset, for the app's Map page"
    )
    add_dataset(layout)
    seeds = command_line.whole_number(0, 2**32 - 1)
    layout.add_argument("--seed", type=seeds, default=0, metavar="N", help="seed of the layout (default: 0)")

    folder = add("folder", _folder, "convert a folder of your own sounds to a prepared dataset")
    add_sounds(folder)
    add_out(folder, "folder of the dataset to write or to update", required=True)
    add_dtype(folder, "that of the dataset to update, else float32")
    add_no_index(folder)
    add_no_map(folder)
    add_overwrite(folder, "replace the dataset in DIR even if it was not made from SOUNDS (default: stop)")

    add_vectors(add("vectors", _vectors, "convert a file of your own embeddings to a prepared dataset"))

    pack = add("pack", _pack, "pack a prepared dataset into one zip file, which a hosted app can download")
    add_dataset(pack)
    pack.add_argument("--out", type=Path, required=True, metavar="FILE", help="zip file to write")
    add_dtype(pack, "that of the dataset")
    pack.add_argument(
        "--with-tables",
        action="store_true",
        help="also pack its saved hash tables, for a host with too little memory to build them (default: only its "
        "saved sketches, as tables take longer to download than to build)",
    )

    sample = add("sample", _sample, "synthesise the sample dataset that comes with Earshot")
    add_out(sample, required=True)
    numbers = command_line.whole_number(1, MAX_CLIPS)
    sample.add_argument("--clips", type=numbers, default=20_000, metavar="N", help="number of clips (default: 20,000)")
    add_overwrite(sample)
    return parser


def _convert(options: argparse.Namespace) -> int:
    from data_prep.audioset.convert import convert
    from data_prep.download.progress import Meter

    features: Any = options.features
    parse: dict[str, Any] = {}
    if options.scheduler:
        from data_prep.audioset.cluster import parsed_on_cluster  # needs an extra

        parse["parse"] = partial(parsed_on_cluster, scheduler=options.scheduler)
    elif "://" in features:
        raise InputError(f"{features} is read by the workers of a cluster: give its --scheduler, or download it first")
    else:
        features = Path(features)
    began = time.perf_counter()
    with ProgressBar() as bar:
        report = convert(
            features,
            options.labels,
            options.out,
            segments=options.segments,
            clips=options.clips,
            ontology=options.ontology,
            definitions=options.definitions,
            frames=options.frames,
            dtype=options.dtype or "float32",
            keep_going=options.keep_going,
            overwrite=options.overwrite,
            **parse,
            progress=partial(Meter("reading", bar.show).show, at_once=True),
        )
    for loss in report.losses:
        print(f"left out: {loss}", file=sys.stderr)
    _summarise(options.out, report, time.perf_counter() - began)
    return max(_INCOMPLETE if report.losses else _DONE, _save_index(options.out, options))


def _audioset(options: argparse.Namespace) -> int:
    from data_prep.audioset.fetch import NAMES, describe_partial_download, download_audioset

    out = options.out or Path("data") / NAMES[options.subset]
    began = time.perf_counter()
    try:
        with ProgressBar() as bar:
            report = download_audioset(
                options.subset,
                out,
                frames=options.frames,
                dtype=options.dtype or "float32",
                overwrite=options.overwrite,
                progress=bar.show,
            )
    except KeyboardInterrupt:
        if left := describe_partial_download(out):
            print(left, file=sys.stderr)
        raise
    _summarise(out, report, time.perf_counter() - began)
    return _save_index(out, options)


def _save_index(out: Path, options: argparse.Namespace) -> int:
    """Save the default index of a dataset that was just written, the last step of a command; return its exit status."""
    from data_prep.dataset.indexes import build_default_index

    if options.no_index:
        return _DONE
    try:
        saved = build_default_index(out)
    except DataError as error:
        print(f"left out: {error}", file=sys.stderr)
        return _INCOMPLETE
    if saved:
        print(f"  {saved}")
    return _DONE


def _save_map(out: Path, options: argparse.Namespace) -> None:
    """Add the map of a dataset of one's own that was just written."""
    from data_prep.dataset.add_map import map_new

    if not options.no_map:
        print(f"  {map_new(out)}")


def _summarise(out: Path, report: "Report", seconds: float) -> None:
    splits = ", ".join(f"{split} {count:,}" for split, count in sorted(report.by_split.items()))
    print(f"{out}: {report.about().title}, {report.n_frames:,} frames; {splits}; {seconds:.1f} s")
    for note in report.notes:
        print(f"  {note}")


def _verify(options: argparse.Namespace) -> int:
    from data_prep.dataset.indexes import index_files, problems_of_indexes
    from data_prep.dataset.reader import open_dataset
    from data_prep.dataset.verify import verify_dataset

    problems = verify_dataset(options.dataset)
    if problems:
        print(f"error: {options.dataset} is damaged:", *problems, sep="\n  ", file=sys.stderr)
        return _INCOMPLETE
    dataset = open_dataset(options.dataset)
    if problems := problems_of_indexes(dataset):
        print(
            f"error: {options.dataset} is valid, but not its indexes:",
            *problems,
            "the app sets such an index aside and builds it again; so does `python -m lsh build`",
            sep="\n  ",
            file=sys.stderr,
        )
        return _INCOMPLETE
    indexes = len(index_files(dataset))
    and_indexes = f", {indexes} saved index{'es' if indexes > 1 else ''}" if indexes else ""
    print(f"{options.dataset} is valid: {dataset.title}, {len(dataset.manifest['files'])} files{and_indexes}")
    return _DONE


def _map(options: argparse.Namespace) -> int:
    from data_prep.dataset.add_map import map_and_report

    map_and_report(options.dataset, options.seed)
    return _DONE


def _folder(options: argparse.Namespace) -> int:
    from data_prep.sounds.command import prepare_and_report

    outcome = prepare_and_report(options.sounds, options.out, dtype=options.dtype, overwrite=options.overwrite)
    if outcome.remaining:
        return command_line.INTERRUPTED
    _save_map(options.out, options)
    return max(_INCOMPLETE if outcome.refused else _DONE, _save_index(options.out, options))


def _vectors(options: argparse.Namespace) -> int:
    from data_prep.vectors.command import prepare_and_report

    outcome = prepare_and_report(options)
    _save_map(options.out, options)
    return max(_INCOMPLETE if outcome.left_out else _DONE, _save_index(options.out, options))


def _pack(options: argparse.Namespace) -> int:
    from data_prep.download.packed_dataset import pack

    sha256 = pack(options.dataset, options.out, options.dtype, with_tables=options.with_tables)
    print(
        f"{options.out}: {options.out.stat().st_size:,} bytes; publish it at an address that the app can reach, and set"
    )
    print(f"EARSHOT_DATASET=https://your.address/{options.out.name}#sha256={sha256}")
    return _DONE


def _sample(options: argparse.Namespace) -> int:
    from data_prep.sample.build import write_sample

    write_sample(options.out, clips=options.clips, overwrite=options.overwrite)
    return _DONE


if __name__ == "__main__":
    sys.exit(main())
