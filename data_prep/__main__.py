"""`python -m data_prep`: make a prepared dataset, or check one."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

from data_prep.errors import DataError
from data_prep.room import said, to_make
from earshot_common import command_line

if TYPE_CHECKING:
    from data_prep.progress import Progress
    from data_prep.report import Report

_WHOLE, _INCOMPLETE = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: done, but something was lost (`convert --keep-going`) or is damaged (`verify`). 2: not done, nothing
    was written. 130: interrupted, nothing is left half-written.
    """
    options = _parser().parse_args(arguments)
    return command_line.run(
        lambda: options.run(options), (DataError,), interrupted="interrupted: nothing is left half-written"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data_prep", description="Prepare datasets for Earshot.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    convert = commands.add_parser("convert", help="AudioSet's TFRecords and CSV files into a prepared dataset")
    convert.add_argument(
        "--features",
        type=Path,
        required=True,
        metavar="DIR_OR_TAR_GZ_OR_SHARD",
        help="features.tar.gz (read as it is), a folder of shards, or one shard",
    )
    convert.add_argument("--labels", type=Path, required=True, metavar="CSV", help="class_labels_indices.csv")
    convert.add_argument(
        "--segments",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="CSV",
        help="balanced_train_segments.csv, ...: what should be there, so that a missing clip is noticed",
    )
    convert.add_argument("--ontology", type=Path, metavar="JSON", help="ontology.json, for the parents of labels")
    convert.add_argument("--out", type=Path, required=True, metavar="DIR", help="the dataset to write")
    convert.add_argument("--frames", action="store_true", help="keep the clips' frames beside their means")
    convert.add_argument("--keep-going", action="store_true", help="leave out what is damaged, and say what was lost")
    convert.add_argument("--overwrite", action="store_true", help="replace DIR when the new dataset is whole")
    convert.set_defaults(run=_convert)

    audioset = commands.add_parser("audioset", help="download AudioSet's features from Google and prepare them")
    audioset.add_argument(
        "--subset",
        choices=("balanced", "full"),
        default="balanced",
        help="balanced (the default): 42,531 clips; full: all 2,084,320, "
        f"{said(sum(to_make('full')))} of disk while it is made",
    )
    audioset.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the dataset to write: data/audioset, or data/audioset-full, if not said",
    )
    audioset.add_argument("--frames", action="store_true", help="keep the clips' frames beside their means")
    audioset.add_argument("--overwrite", action="store_true", help="replace DIR when the new dataset is whole")
    audioset.set_defaults(run=_audioset)

    verify = commands.add_parser("verify", help="check every hash and count of a prepared dataset")
    verify.add_argument("dataset", type=Path, metavar="DIR")
    verify.set_defaults(run=_verify)

    layout = commands.add_parser("map", help="lay the clips of a prepared dataset out in the plane, for the page Map")
    layout.add_argument("dataset", type=Path, metavar="DIR")
    layout.add_argument("--seed", type=int, default=0, metavar="N", help="another seed is another layout")
    layout.set_defaults(run=_map)

    folder = commands.add_parser("folder", help="a folder of your own sounds into a prepared dataset")
    folder.add_argument(
        "sounds", type=Path, metavar="SOUNDS", help="wav, flac, ogg, mp3, aiff; its sub-folders are labels"
    )
    folder.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the dataset to write, or to bring up to date"
    )
    folder.add_argument("--overwrite", action="store_true", help="replace DIR even where it is another dataset")
    folder.set_defaults(run=_folder)

    pack = commands.add_parser("pack", help="a prepared dataset into one file, to be fetched by a hosted app")
    pack.add_argument("dataset", type=Path, metavar="DIR")
    pack.add_argument("--out", type=Path, required=True, metavar="FILE", help="the zip file to write")
    pack.set_defaults(run=_pack)

    sample = commands.add_parser("sample", help="synthesise the sample that comes with Earshot")
    sample.add_argument("--out", type=Path, required=True, metavar="DIR", help="the dataset to write")
    sample.add_argument("--clips", type=int, metavar="N", help="how many clips to make")
    sample.add_argument("--overwrite", action="store_true", help="replace DIR when the new sample is whole")
    sample.set_defaults(run=_sample)
    return parser


def _convert(options: argparse.Namespace) -> int:
    from data_prep.convert import convert

    began = time.perf_counter()
    with _Bar() as bar:
        report = convert(
            options.features,
            options.labels,
            options.out,
            segments=options.segments,
            ontology=options.ontology,
            frames=options.frames,
            keep_going=options.keep_going,
            overwrite=options.overwrite,
            progress=bar.show,
        )
    for loss in report.losses:
        print(f"lost: {loss}", file=sys.stderr)
    _summarise(options.out, report, time.perf_counter() - began)
    return _INCOMPLETE if report.losses else _WHOLE


def _audioset(options: argparse.Namespace) -> int:
    from data_prep.audioset import NAMES, download_audioset, left_behind

    out = options.out or Path("data") / NAMES[options.subset]
    began = time.perf_counter()
    try:
        with _Bar() as bar:
            report = download_audioset(
                options.subset, out, frames=options.frames, overwrite=options.overwrite, progress=bar.tell
            )
    except KeyboardInterrupt:
        if left := left_behind(out):
            print(left, file=sys.stderr)
        raise
    _summarise(out, report, time.perf_counter() - began)
    return _WHOLE


def _summarise(out: Path, report: "Report", seconds: float) -> None:
    splits = ", ".join(f"{split} {count:,}" for split, count in sorted(report.by_split.items()))
    print(f"{out}: {report.about().title}, {report.n_frames:,} frames; {splits}; {seconds:.1f} s")
    for note in report.notes:
        print(f"  {note}")


def _verify(options: argparse.Namespace) -> int:
    from data_prep.dataset import open_dataset
    from data_prep.verify import verify_dataset

    problems = verify_dataset(options.dataset)
    if problems:
        print(f"error: {options.dataset} is not whole:", *problems, sep="\n  ", file=sys.stderr)
        return _INCOMPLETE
    dataset = open_dataset(options.dataset)
    print(f"{options.dataset} is whole: {dataset.title}, {len(dataset.manifest['files'])} files")
    return _WHOLE


def _map(options: argparse.Namespace) -> int:
    from data_prep.dataset import open_dataset
    from data_prep.mapping import add_map

    n_clips = sum(open_dataset(options.dataset).manifest["rows"].values())
    began = time.perf_counter()
    with tqdm(desc="laying out", total=n_clips, unit=" clips", mininterval=1, file=sys.stderr) as bar:
        dataset = add_map(options.dataset, seed=options.seed, tell=lambda done: _advance(bar, done))
    seconds = time.perf_counter() - began
    print(f"{options.dataset}: {dataset.title}, a map of {n_clips:,} clips; {seconds:.1f} s")
    return _WHOLE


def _advance(bar: "tqdm[NoReturn]", done: int) -> None:
    bar.update(done - bar.n)


def _folder(options: argparse.Namespace) -> int:
    from data_prep.sounds.command import listen

    outcome = listen(options.sounds, options.out, overwrite=options.overwrite)
    if outcome.waiting:
        return command_line.INTERRUPTED
    return _INCOMPLETE if outcome.refused else _WHOLE


def _pack(options: argparse.Namespace) -> int:
    from data_prep.parcel import pack

    sha256 = pack(options.dataset, options.out)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes; put it where your app can fetch it, and set")
    print(f"EARSHOT_DATASET=https://your.address/{options.out.name}#sha256={sha256}")
    return _WHOLE


def _sample(options: argparse.Namespace) -> int:
    from data_prep.sample import write_sample

    chosen = {} if options.clips is None else {"clips": options.clips}
    write_sample(options.out, overwrite=options.overwrite, **chosen)
    return _WHOLE


class _Bar:
    """A progress bar on stderr, from the first byte read: the share of the input, clips so far, clips a second."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._doing = ""
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int, clips: int) -> None:
        rate = clips / (time.perf_counter() - self._began)
        self._update("reading", done, total, f", {clips:,} clips, {rate:,.0f} clips/s")

    def tell(self, progress: "Progress") -> None:
        clips = f", {progress.clips:,} clips" if progress.clips else ""
        speed = f"{progress.bytes_per_second / 1e6:,.1f} MB/s"
        self._update(progress.doing, progress.done, progress.total, f", {speed}{clips}")

    def _update(self, doing: str, done: int, total: int | None, more: str) -> None:
        if self._bar is None or self._doing != doing:
            self.__exit__()
            self._doing = doing
            form = "{l_bar}{bar}| {n_fmt}/{total_fmt}B [{elapsed}<{remaining}{postfix}]"
            patience = 0.1 if sys.stderr.isatty() else 10  # a log file wants a line now and then, not a picture
            self._bar = tqdm(
                desc=doing, total=total, initial=done, unit_scale=True, mininterval=patience, bar_format=form
            )
        self._bar.total = total
        self._bar.set_postfix_str(more.removeprefix(", "), refresh=False)
        self._bar.update(done - self._bar.n)


if __name__ == "__main__":
    sys.exit(main())
