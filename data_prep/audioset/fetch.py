"""Downloading AudioSet and converting it to a prepared dataset; may be interrupted at any time, and resumes.

Downloaded files go into a hidden folder beside the dataset, `.<name>.download`, which is removed when the dataset is
complete. `full` stores the archive there and resumes at the first missing byte (`resumable`). `balanced` stores only
the shards it needs and the position in the archive (`resume`), converts during the download, and stops reading when
every shard that the two published lists imply has been read. The conversion is quick, so it starts over in each run.
Stored bytes are used only if their sha256 is the recorded one, and continued only with the same remote file: length,
CRC-32C and ETag must agree. A response that does not begin like the file (such as a login page) is never written.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from data_prep.arrays import FeatureDtype
from data_prep.audioset.archive import GZIP
from data_prep.audioset.convert import convert
from data_prep.audioset.disk_space import (
    check_disk_space,
    conversion_bytes,
    format_bytes,
    free_bytes,
    published_bytes,
    shard_bytes,
)
from data_prep.audioset.labels import read_labels
from data_prep.audioset.report import Report
from data_prep.audioset.resume import SavedShards
from data_prep.audioset.segments import SegmentList
from data_prep.audioset.stream import ARCHIVE, stream_shards
from data_prep.audioset.tfrecord import require_tensorflow
from data_prep.dataset.hashed_file import file_facts
from data_prep.dataset.output_folder import as_output_error, check_target
from data_prep.download.progress import Meter, Progress, ProgressCallback
from data_prep.download.remote import RemoteFile, ShouldStop, Signature, stop_if
from data_prep.download.resumable import BeforeWriting, fetch_file
from data_prep.errors import ChangedError, DataError, DownloadError, InputError, OutputError
from earshot_common.atomic import remove_leftovers
from earshot_common.locks import lock_file

Subset = Literal["balanced", "full"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)
NAMES: dict[Subset, str] = {"balanced": "audioset", "full": "audioset-full"}  # dataset names in the folder data

MIRRORS = tuple(
    f"https://storage.googleapis.com/{region}_audioset/youtube_corpus/v1" for region in ("us", "eu", "asia")
)
MIRRORS_VARIABLE = "EARSHOT_AUDIOSET"  # other base addresses, separated by spaces

_ONTOLOGY = "ontology.json"
_ONTOLOGY_ADDRESS = "https://raw.githubusercontent.com/audioset/ontology/master/ontology.json"
_LABELS = "class_labels_indices.csv"
_LISTS = {
    "balanced": ("balanced_train_segments.csv", "eval_segments.csv"),
    "full": ("balanced_train_segments.csv", "eval_segments.csv", "unbalanced_train_segments.csv"),
}
_BOM = "\ufeff".encode()
_LIST_SIGNATURE = [(0, b"#"), (0, _BOM)]
_SIGNATURES: dict[str, Signature] = {
    ARCHIVE: [(0, GZIP), (257, b"ustar")],  # gzipped, or a plain tar file
    _LABELS: [(0, b"index,mid,display_name"), (0, _BOM + b"index,mid,display_name")],
    _ONTOLOGY: b"[",
}
_MAX_TABLE_BYTES = 1 << 30  # the largest has about 100 MB
_MAX_CHANGES = 2  # of the published archive while it is downloaded
_SHA256 = (
    "cd95d500ab2422d4233cb822e25cf73033633e2068eab64d39024e85125cb760"  # printed in a public notebook, not by Google
)


def disk_space_for(subset: Subset, out: Path) -> tuple[int, int]:
    """Return an estimate of the bytes that making `out` still needs, and the free bytes of its disk.

    The estimate uses published sizes, without network access; `download_audioset` uses those that the server states.
    """
    download, conversion = published_bytes(subset)
    files = f"*{ARCHIVE}*" if subset == "full" else "shards.tar"
    downloaded = sum(file.stat().st_size for file in _work_path(out).glob(files))
    disk = next(folder for folder in out.absolute().parents if folder.exists())
    return max(0, download - downloaded) + conversion, free_bytes(disk)


def describe_partial_download(out: Path) -> str:
    """Return a sentence about the files that an interrupted download of `out` left; "" if there are none."""
    folder = _work_path(out)
    n_bytes = sum(file.stat().st_size for file in folder.glob("*"))
    if not n_bytes:
        return ""
    size = format_bytes(n_bytes)
    return f"{size} of downloaded files are in {folder}: run it again to resume, or remove that folder"


def download_audioset(
    subset: Subset,
    out: Path,
    *,
    frames: bool = False,
    dtype: FeatureDtype = "float32",
    overwrite: bool = False,
    mirrors: Sequence[str] | None = None,
    progress: ProgressCallback = lambda _: None,
    should_stop: ShouldStop = lambda: False,
) -> Report:
    """Download AudioSet's features and tables, and convert them to the prepared dataset `out`.

    subset: "balanced", the 42,531 balanced and evaluation clips; or "full", all 2,084,320.
    frames: also store the frames of clips. dtype: of the stored features.
    mirrors: base addresses, tried in this order; default: those in the environment variable EARSHOT_AUDIOSET, else
        Google's.
    progress: called a few times per second. should_stop: called often; a true result stops the download.

    Raises only DataErrors, such as DownloadError when all addresses fail, OutputError when `out` exists (unless
    `overwrite`) or its disk has too little space (checked before the download), and StoppedError on request. After
    each of them, and after a kill, the same call resumes.
    """
    check_target(out, overwrite=overwrite)
    require_tensorflow()
    from_environment = os.environ.get(MIRRORS_VARIABLE, "").split()
    with _work_folder(out) as folder:
        remove_leftovers(out)
        download = _Download(folder, mirrors or from_environment or MIRRORS, progress, should_stop)
        notes = download.fetch_tables(subset)
        n_clips = sum(_n_rows(folder / name) for name in _LISTS[subset])
        check_space = partial(check_disk_space, folder, conversion=conversion_bytes(n_clips, dtype, frames=frames))
        make = partial(
            convert,
            labels_csv=folder / _LABELS,
            out=out,
            segments=[folder / name for name in _LISTS[subset]],
            ontology=folder / _ONTOLOGY if (folder / _ONTOLOGY).exists() else None,
            frames=frames,
            dtype=dtype,
            overwrite=overwrite,
        )
        try:
            report = (
                download.convert_full(make, notes, check_space)
                if subset == "full"
                else download.convert_balanced(make, notes, check_space, shard_bytes(n_clips))
            )
        except InputError as error:
            discarded = download.discard_faulty(subset)
            raise InputError(f"{error}\n{discarded} discarded: run it again to download them anew") from error
        shutil.rmtree(folder, ignore_errors=True)
    return report


class _Download:
    """Downloads the files of AudioSet from mirrors into `folder`, and converts them."""

    def __init__(
        self, folder: Path, mirrors: Sequence[str], progress: ProgressCallback, should_stop: ShouldStop
    ) -> None:
        self._folder = folder
        self._mirrors = [mirror.rstrip("/") for mirror in mirrors]
        self._progress = progress
        self._should_stop = should_stop

    def fetch_tables(self, subset: Subset) -> list[str]:
        """Fetch the label table, the lists of segments and the ontology; return notes about missing ones."""
        for name in (_LABELS, *_LISTS[subset]):
            self._fetch(name, self._addresses(f"csv/{name}"), _MAX_TABLE_BYTES)
        official = self._mirrors == list(MIRRORS)
        try:
            self._fetch(_ONTOLOGY, [_ONTOLOGY_ADDRESS] if official else self._addresses(_ONTOLOGY), _MAX_TABLE_BYTES)
        except DownloadError:
            return ["The ontology could not be downloaded: labels have no parents here."]
        return []

    def discard_faulty(self, subset: Subset) -> str:
        """Remove the invalid files: the tables, or the archive if the tables are valid. Describe which."""
        try:
            labels = read_labels(self._folder / _LABELS)
            for name in _LISTS[subset]:
                SegmentList(self._folder / name, labels)
        except InputError:
            text, faulty = "the downloaded tables are", [_LABELS, *_LISTS[subset], _ONTOLOGY]
        else:
            text, faulty = "the downloaded features are", [ARCHIVE, "shards.tar", "shards.json"]
        for name in faulty:
            (self._folder / name).unlink(missing_ok=True)
        return text

    def convert_full(self, make: Callable[..., Report], notes: list[str], check_space: BeforeWriting) -> Report:
        """Download the archive, then convert it; `check_space` is called with the bytes to download."""
        archive = self._folder / ARCHIVE
        if archive.exists():
            check_space(0)
        self._fetch(ARCHIVE, self._addresses(f"features/{ARCHIVE}"), before_writing=check_space)
        found = file_facts(archive)["sha256"]
        if found != _SHA256:
            notes.append(
                f"The archive's sha256 is {found}, a public notebook prints {_SHA256}; all checksums inside fit."
            )
        meter = self._meter("converting")
        return make(archive, notes=notes, progress=self._show(meter))

    def convert_balanced(
        self, make: Callable[..., Report], notes: list[str], check_space: BeforeWriting, n_bytes: int
    ) -> Report:
        """Convert the two small splits (`n_bytes` of shards) while they are downloaded."""
        labels = read_labels(self._folder / _LABELS)
        wanted = {shard for name in _LISTS["balanced"] for shard in SegmentList(self._folder / name, labels).shards()}
        addresses = self._addresses(f"features/{ARCHIVE}")
        with contextlib.closing(SavedShards(self._folder)) as saved:
            check_space(0 if saved.complete else max(0, n_bytes - saved.n_bytes))
            n_changes = 0
            while True:
                meter = self._meter("downloading and converting")
                remote = RemoteFile(
                    addresses,
                    identity=saved.identity,
                    signature=_SIGNATURES[ARCHIVE],
                    report_problem=meter.report_problem,
                    should_stop=self._should_stop,
                )
                try:
                    return make(partial(stream_shards, remote, saved, wanted), notes=notes, progress=self._show(meter))
                except ChangedError:
                    n_changes += 1
                    if n_changes > _MAX_CHANGES:
                        raise
                    saved.discard()

    def _addresses(self, path: str) -> list[str]:
        return [f"{mirror}/{path}" for mirror in self._mirrors]

    def _fetch(
        self,
        name: str,
        addresses: Sequence[str],
        max_bytes: int = 1 << 34,
        before_writing: BeforeWriting = lambda _: None,
    ) -> None:
        fetch_file(
            addresses,
            self._folder / name,
            signature=_SIGNATURES.get(name, _LIST_SIGNATURE),
            max_bytes=max_bytes,
            before_writing=before_writing,
            progress=self._progress,
            should_stop=self._should_stop,
        )

    def _meter(self, activity: str) -> Meter:
        """Report the start of a conversion, which takes seconds, and return its meter."""
        self._progress(Progress("reading the tables and starting TensorFlow", 0, None))
        return Meter(activity, self._progress)

    def _show(self, meter: Meter) -> Callable[[int, int, int], None]:
        def show(done: int, total: int, clips: int) -> None:
            stop_if(self._should_stop, "converting")
            meter.show(done, total or None, clips)

        return show


def _n_rows(table: Path) -> int:
    """Return the number of clips in a list of segments, whose header lines are comments."""
    with table.open("rb") as file:
        return sum(bool(line.strip()) and not line.startswith((b"#", _BOM)) for line in file)


def _work_path(out: Path) -> Path:
    return out.absolute().parent / f".{out.absolute().name}.download"


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Yield the folder of downloaded files beside `out`, locked; it stays after a failure."""
    folder = _work_path(out)
    try:
        with as_output_error(folder), contextlib.ExitStack() as stack:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(lock_file(folder / "lock"))
            except BlockingIOError:
                raise OutputError(f"another download of {out} is running: wait for it, or stop it") from None
            try:
                yield folder
            except DataError as error:
                if left := describe_partial_download(out):
                    error.add_note(left)
                raise
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # if nothing is left in it
