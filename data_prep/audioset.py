"""AudioSet from its official address to a prepared dataset, in one step that may be interrupted at any moment.

How it carries on after a kill. Everything that arrives goes into a hidden folder beside the dataset,
`.<name>.download`, which vanishes when the dataset stands. `full` stores the archive there and asks for the bytes it
lacks (`data_prep.download`). `balanced` stores only the shards it wants and the way back into the archive
(`data_prep.kept`), converts while they arrive, and stops reading when both small splits are complete: when every shard
that their published lists imply has been seen. Converting is quick, so it starts over each time. What lies on disk is
believed only if its sha256 is the one noted, and goes on only with the same file: length, CRC-32C and ETag must agree.
An answer that does not begin as the file does (a login page, say) takes nothing of it.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from data_prep.arriving import ARCHIVE, arriving_shards
from data_prep.atomic import as_output_error, check_target
from data_prep.convert import convert
from data_prep.download import Begin, fetch_file
from data_prep.errors import ChangedError, DataError, DownloadError, InputError, OutputError
from data_prep.files import file_facts
from data_prep.kept import Kept
from data_prep.labels import read_labels
from data_prep.progress import Meter, Progress
from data_prep.remote import RemoteFile, ShouldStop, stop_if
from data_prep.report import Report
from data_prep.room import check_room, free, of_shards, said, to_make, while_converting
from data_prep.segments import SegmentList
from earshot_common.atomic import remove_leftovers
from earshot_common.locks import lock_file

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
_BEGINS = {ARCHIVE: b"\x1f\x8b", _LABELS: b"index,mid,display_name", "ontology.json": b"["}  # a list begins with #
_MOST_BYTES = 1 << 30  # of a table; the biggest has about 100 MB
_SHA256 = (
    "cd95d500ab2422d4233cb822e25cf73033633e2068eab64d39024e85125cb760"  # printed in a public notebook, not by Google
)

NAMES: dict[Subset, str] = {"balanced": "audioset", "full": "audioset-full"}  # of the datasets, in the folder data


def room_for(subset: Subset, out: Path) -> tuple[int, int]:
    """Return how many bytes the making of `out` still needs, by the published sizes, and how many its disk has free.

    For a word before anything is asked of a server; `download_audioset` reckons with what the server says.
    """
    download, converting = to_make(subset)
    files = f"*{ARCHIVE}*" if subset == "full" else "shards.tar"
    here = [file.stat().st_size for file in _work_path(out).glob(files)]
    disk = next(folder for folder in out.absolute().parents if folder.exists())
    return max(0, download - sum(here)) + converting, free(disk)


def left_behind(out: Path) -> str:
    """Say what an ended download of `out` has left, and where; "" when that is nothing."""
    folder = _work_path(out)
    n_bytes = sum(file.stat().st_size for file in folder.glob("*"))
    if not n_bytes:
        return ""
    return f"what has come ({said(n_bytes)}) is kept in {folder}: remove that folder if you do not want to carry on"


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

    `balanced`: the balanced and the evaluation clips, 42,531. `full`: all 2,084,320; `data_prep.room` reckons what disk
    they take. `mirrors`: where to look instead of at Google's, in this order (so does the environment's
    EARSHOT_AUDIOSET).
    `progress` is called a few times a second, `should_stop` often. Raises DataErrors only: among them DownloadError
    when no address answers well, OutputError when `out` exists (unless `overwrite`), or its disk is full or has too
    little room, which is said before much is downloaded; StoppedError on request. After each of them, and after a
    kill, the same call carries on.
    """
    check_target(out, overwrite=overwrite)
    named = os.environ.get(MIRRORS_VARIABLE, "").split()
    with _work_folder(out) as folder:
        remove_leftovers(out)
        published = _Published(folder, mirrors or named or MIRRORS, progress, should_stop)
        notes = published.fetch_tables(subset)
        n_clips = sum(_n_rows(folder / name) for name in _LISTS[subset])
        room = partial(check_room, folder, to_write=while_converting(n_clips, frames=frames))
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
                published.convert_full(make, notes, room)
                if subset == "full"
                else published.convert_balanced(make, notes, room, of_shards(n_clips))
            )
        except InputError as error:
            faulty = published.discard_faulty(subset)
            raise InputError(f"{error}\n{faulty} discarded: run it again to get them anew") from error
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

    def discard_faulty(self, subset: Subset) -> str:
        """Drop what could not be converted, and say what that was: the tables, or, if they are good, the archive."""
        try:
            labels = read_labels(self._folder / _LABELS)
            for name in _LISTS[subset]:
                SegmentList(self._folder / name, labels)
        except InputError:
            words, faulty = "the tables that came are", [_LABELS, *_LISTS[subset], "ontology.json"]
        else:
            words, faulty = "the features that came are", [ARCHIVE, "shards.tar", "shards.json"]
        for name in faulty:
            (self._folder / name).unlink(missing_ok=True)
        return words

    def convert_full(self, make: Callable[..., Report], notes: list[str], room: Begin) -> Report:
        """Fetch the archive, then convert it. `room` is asked for what is to come."""
        archive = self._folder / ARCHIVE
        if archive.exists():
            room(0)
        self._fetch(ARCHIVE, self._addresses(f"features/{ARCHIVE}"), begin=room)
        found = file_facts(archive)["sha256"]
        if found != _SHA256:
            notes.append(
                f"The archive's sha256 is {found}, a public notebook prints {_SHA256}; all checksums inside fit."
            )
        meter = self._meter("converting")
        return make(archive, notes=notes, progress=self._show(meter))

    def convert_balanced(self, make: Callable[..., Report], notes: list[str], room: Begin, n_bytes: int) -> Report:
        """Convert the two small splits while they arrive. `room` is asked for what is missing of their `n_bytes`."""
        labels = read_labels(self._folder / _LABELS)
        wanted = {shard for name in _LISTS["balanced"] for shard in SegmentList(self._folder / name, labels).shards()}
        addresses = self._addresses(f"features/{ARCHIVE}")
        with Kept(self._folder) as kept:
            room(0 if kept.complete else max(0, n_bytes - kept.n_bytes))
            for changes_left in (2, 1, 0):
                meter = self._meter("downloading and converting")
                remote = RemoteFile(
                    addresses,
                    identity=kept.identity,
                    begins=_BEGINS[ARCHIVE],
                    tell=meter.say_trouble,
                    should_stop=self._should_stop,
                )
                try:
                    return make(partial(arriving_shards, remote, kept, wanted), notes=notes, progress=self._show(meter))
                except ChangedError:
                    if not changes_left:
                        raise
                    kept.discard()
        raise AssertionError

    def _addresses(self, path: str) -> list[str]:
        return [f"{mirror}/{path}" for mirror in self._mirrors]

    def _fetch(self, name: str, addresses: Sequence[str], most: int = 1 << 34, begin: Begin = lambda _: None) -> None:
        fetch_file(
            addresses,
            self._folder / name,
            begins=_BEGINS.get(name, b"#"),
            most=most,
            begin=begin,
            progress=self._tell,
            should_stop=self._should_stop,
        )

    def _meter(self, doing: str) -> Meter:
        """Return what tells of the conversion, which begins with something slow."""
        self._tell(Progress("reading the tables and starting TensorFlow", 0, None))
        return Meter(doing, self._tell)

    def _show(self, meter: Meter) -> Callable[[int, int, int], None]:
        def show(done: int, total: int, clips: int) -> None:
            stop_if(self._should_stop, "converting")
            meter.show(done, total or None, clips)

        return show


def _n_rows(table: Path) -> int:
    """Return how many clips a list of segments names; its head is comments."""
    with table.open("rb") as file:
        return sum(not line.startswith((b"#", b"\n")) for line in file)


def _work_path(out: Path) -> Path:
    return out.absolute().parent / f".{out.absolute().name}.download"


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Yield the folder beside `out` that outlives a kill, locked."""
    folder = _work_path(out)
    try:
        with as_output_error(folder), contextlib.ExitStack() as stack:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(lock_file(folder / "lock"))
            except BlockingIOError:
                raise OutputError(f"another download of {out} is going on: wait for it, or stop it") from None
            try:
                yield folder
            except DataError as error:
                if kept := left_behind(out):
                    error.add_note(kept)
                raise
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # if nothing is left in it
