"""AudioSet from its official address to a prepared dataset, in one step that may be interrupted at any moment.

How it carries on after a kill. Everything that arrives goes into a hidden folder beside the dataset,
`.<name>.download`, which vanishes when the dataset stands. `full` stores the archive there and asks for the bytes it
lacks (`data_prep.download`). `balanced` stores only the shards it wants and the way back into the archive
(`data_prep.kept`), converts while they arrive, and stops reading when both small splits are complete: when every shard
that their published lists imply has been seen. Converting is quick, so it starts over each time. What lies on disk is
believed only if its sha256 is the one noted, and goes on only with the same file: length, CRC-32C and ETag must agree.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from data_prep.arriving import ARCHIVE, arriving_shards
from data_prep.atomic import as_output_error, check_target
from data_prep.convert import convert
from data_prep.download import fetch_file
from data_prep.errors import ChangedError, DownloadError, InputError, OutputError
from data_prep.files import file_facts
from data_prep.kept import Kept
from data_prep.labels import read_labels
from data_prep.progress import Meter, Progress
from data_prep.remote import RemoteFile, ShouldStop, stop_if
from data_prep.report import Report
from data_prep.segments import SegmentList

Subset = Literal["balanced", "full"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)

MIRRORS = tuple(
    f"https://storage.googleapis.com/{region}_audioset/youtube_corpus/v1" for region in ("us", "eu", "asia")
)
MIRRORS_VARIABLE = "EARSHOT_AUDIOSET"  # other addresses that hold features/ and csv/, with spaces between them

_ONTOLOGY = "https://raw.githubusercontent.com/audioset/ontology/master/ontology.json"
_LABELS = "class_labels_indices.csv"
_LISTS = {
    "balanced": ("balanced_train_segments.csv", "eval_segments.csv"),
    "full": ("balanced_train_segments.csv", "eval_segments.csv", "unbalanced_train_segments.csv"),
}
_MOST_BYTES = 1 << 30  # of a table; the biggest has about 100 MB
_SHA256 = (
    "cd95d500ab2422d4233cb822e25cf73033633e2068eab64d39024e85125cb760"  # printed in a public notebook, not by Google
)
_ROOM = {False: 2.0, True: 4.5}  # disk that `full` needs beside the archive, in archives: without and with frames


def download_audioset(
    subset: Subset,
    out: Path,
    *,
    frames: bool = False,
    overwrite: bool = False,
    mirrors: Sequence[str] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    should_stop: ShouldStop = lambda: False,
) -> Report:
    """Download AudioSet's features and tables and make of them the prepared dataset `out`.

    `balanced`: the balanced and the evaluation clips, 42,531. `full`: all 2,084,320, and some 5 GB of disk while it is
    made. `mirrors`: where to look instead of at Google's, in this order (so does the environment's EARSHOT_AUDIOSET).
    `progress` is called a few times a second, `should_stop` often. Raises DataErrors only: among them DownloadError
    when no address answers well, OutputError when `out` exists (unless `overwrite`) or the disk is full, StoppedError
    on request. After each of them, and after a kill, the same call carries on.
    """
    check_target(out, overwrite=overwrite)
    named = os.environ.get(MIRRORS_VARIABLE, "").split()
    with _work_folder(out) as folder:
        published = _Published(folder, mirrors or named or MIRRORS, progress, should_stop)
        notes = published.fetch_tables(subset)
        make = partial(
            convert,
            labels_csv=folder / _LABELS,
            out=out,
            segments=[folder / name for name in _LISTS[subset]],
            ontology=folder / "ontology.json" if (folder / "ontology.json").exists() else None,
            frames=frames,
            overwrite=overwrite,
        )
        try:
            report = (
                published.convert_full(make, notes) if subset == "full" else published.convert_balanced(make, notes)
            )
        except InputError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(f"{error}\nwhat was downloaded is discarded: run it again to get it anew") from error
        shutil.rmtree(folder, ignore_errors=True)
    return report


class _Published:
    """What lies at the mirrors, and what of it has come into `folder`."""

    def __init__(
        self, folder: Path, mirrors: Sequence[str], progress: Callable[[Progress], None], should_stop: ShouldStop
    ) -> None:
        self._folder = folder
        self._mirrors = [mirror.rstrip("/") for mirror in mirrors]
        self._tell = progress
        self._should_stop = should_stop

    def fetch_tables(self, subset: Subset) -> list[str]:
        """Fetch the label table, the lists of segments and the ontology; return remarks on what could not be had."""
        for name in (_LABELS, *_LISTS[subset]):
            self._fetch(name, self._addresses(f"csv/{name}"), _MOST_BYTES)
        official = self._mirrors == list(MIRRORS)
        try:
            self._fetch("ontology.json", [_ONTOLOGY] if official else self._addresses("ontology.json"), _MOST_BYTES)
        except DownloadError:
            return ["The ontology could not be downloaded: labels have no parents here."]
        return []

    def convert_full(self, make: Callable[..., Report], notes: list[str]) -> Report:
        """Fetch the archive, then convert it."""
        archive = self._folder / ARCHIVE
        self._fetch(ARCHIVE, self._addresses(f"features/{ARCHIVE}"))
        found = file_facts(archive)["sha256"]
        if found != _SHA256:
            notes.append(
                f"The archive's sha256 is {found}, a public notebook prints {_SHA256}; all checksums inside fit."
            )
        meter = Meter("converting", self._tell)
        return make(archive, notes=notes, progress=self._show(meter))

    def convert_balanced(self, make: Callable[..., Report], notes: list[str]) -> Report:
        """Convert the two small splits while they arrive."""
        labels = read_labels(self._folder / _LABELS)
        wanted = {shard for name in _LISTS["balanced"] for shard in SegmentList(self._folder / name, labels).shards()}
        addresses = self._addresses(f"features/{ARCHIVE}")
        with Kept(self._folder) as kept:
            for changes_left in (2, 1, 0):
                remote = RemoteFile(addresses, identity=kept.identity, should_stop=self._should_stop)
                meter = Meter("downloading and converting", self._tell)
                try:
                    return make(partial(arriving_shards, remote, kept, wanted), notes=notes, progress=self._show(meter))
                except ChangedError:
                    if not changes_left:
                        raise
                    kept.discard()
        raise AssertionError

    def _addresses(self, path: str) -> list[str]:
        return [f"{mirror}/{path}" for mirror in self._mirrors]

    def _fetch(self, name: str, addresses: Sequence[str], most: int = 1 << 34) -> None:
        fetch_file(addresses, self._folder / name, most=most, progress=self._tell, should_stop=self._should_stop)

    def _show(self, meter: Meter) -> Callable[[int, int, int], None]:
        def show(done: int, total: int, clips: int) -> None:
            stop_if(self._should_stop, "converting")
            meter.show(done, total or None, clips)

        return show


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Yield the folder beside `out` that outlives a kill, locked."""
    folder = out.absolute().parent / f".{out.absolute().name}.download"
    with as_output_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise OutputError(f"another download of {out} is going on: wait for it, or stop it") from None
        try:
            yield folder
        finally:
            os.close(lock)
