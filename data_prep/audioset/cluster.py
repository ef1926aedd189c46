"""Parsing of shards on the workers of a Dask cluster, from files that each of them can read.

Features are at a path, or at an address that fsspec knows, such as s3://bucket/audioset. A task takes some whole
shards: of a folder it reads them itself, while an archive, which can only be read from its beginning, is read here and
sent in pieces. Batches come in the order of the shards, so the dataset is that of one machine. When a worker is lost,
Dask gives its tasks to another.
"""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec
from distributed import Client

from data_prep.audioset.archive import (
    SUFFIXES,
    Shard,
    check_size,
    is_shard,
    missing,
    shards_of_archive,
    source_of,
    without_shards,
)
from data_prep.audioset.framing import check_shard
from data_prep.audioset.parse_process import ReadProgress
from data_prep.audioset.parsing import Batch, Batches, parse_shards
from data_prep.audioset.tfrecord import require_tensorflow
from data_prep.errors import ClusterError, DamageError, InputError
from earshot_common.dask_cluster import Cluster, large_arguments

_TASK_BYTES = 1 << 23  # of shards per task: some 6,000 clips
_PER_THREAD = 2  # tasks per thread of the workers, so that none waits for the next one
_READABLE = "expected a file that every worker can read at this address"
_CLUSTER = Cluster(ClusterError, repeat="convert again", parts="shards")


class Stored(NamedTuple):
    """A shard in a file: its path in the file system of `url`, its AudioSet folder, its bytes."""

    url: str
    path: str
    source: str
    size: int

    def read(self) -> Shard:
        """Return the shard in memory."""
        try:
            data = fsspec.core.url_to_fs(self.url)[0].cat_file(self.path)
        except Exception as error:  # noqa: BLE001  each kind of store has its own
            raise InputError(f"a worker cannot read {self.path} ({_short(error)}); {_READABLE}") from None
        return Shard(f"{self.source}/{PurePosixPath(self.path).name}", self.source, data)


class Task(NamedTuple):
    """Shards for one worker, the damage that ends their archive, if any, and the bytes read up to them, and in all."""

    shards: list[Shard | Stored]
    damage: DamageError | None
    position: tuple[int, int]


@contextlib.contextmanager
def parsed_on_cluster(
    features: str, n_labels: int, progress: ReadProgress, *, keep_frames: bool, scheduler: str
) -> Iterator[Batches]:
    """Yield an iterator over the batches of an archive, a folder or one shard, as `parsed_batches` does.

    features: a path or an address; scheduler: the address of a Dask scheduler. Raises InputError, and ClusterError
    where the cluster fails.
    """
    with contextlib.ExitStack() as stack:
        tasks = stack.enter_context(contextlib.closing(_tasks(features)))
        client = stack.enter_context(_CLUSTER.connect(scheduler))
        batches = _parsed(client, tasks, n_labels, progress, keep_frames=keep_frames)
        yield stack.enter_context(contextlib.closing(batches))


def _parsed(
    client: Client, tasks: Iterable[Task], n_labels: int, progress: ReadProgress, *, keep_frames: bool
) -> Batches:
    most = _PER_THREAD * sum(_CLUSTER.workers_of(client).values())
    running: deque[tuple[Any, tuple[int, int]]] = deque()

    def first() -> Iterator[Batch]:
        future, position = running.popleft()
        yield from _CLUSTER.gathered(client, [future])[0]
        progress(*position)

    for task in tasks:
        with _CLUSTER.errors(), large_arguments():
            future = client.submit(_parse, task, n_labels, keep_frames, pure=False)
        running.append((future, task.position))
        if len(running) >= most:
            yield from first()
    while running:
        yield from first()


def _parse(task: Task, n_labels: int, keep_frames: bool) -> list[Batch]:
    """Return the batches of a task; runs on a worker."""
    require_tensorflow()

    def shards() -> Iterator[Shard]:
        for shard in task.shards:
            yield shard.read() if isinstance(shard, Stored) else shard
        if task.damage is not None:
            raise task.damage

    return list(parse_shards(map(check_shard, shards()), n_labels, keep_frames=keep_frames))


def _tasks(features: str) -> Generator[Task, None, None]:
    """Yield the tasks of features; raise InputError where they cannot be read."""
    try:
        files, path = fsspec.core.url_to_fs(features)
        is_folder = files.isdir(path)
        if not is_folder and not files.isfile(path):
            yield from _missing(features)
        elif is_folder or path.endswith(SUFFIXES):
            yield from _of_files(features, _listed(files, path, features) if is_folder else {path: files.size(path)})
        else:
            with files.open(path, "rb") as file:
                yield from _of_archive(file, features, files.size(path))
    except InputError:
        raise
    except Exception as error:  # each kind of store has its own
        raise InputError(f"cannot read {features} ({_short(error)})") from error


def _missing(features: str) -> list[Task]:
    raise missing(features)


def _listed(files: Any, folder: str, features: str) -> dict[str, int]:
    """Return the sizes of the shards in a folder, by path, in the order of one machine."""
    below = len(folder.rstrip("/")) + 1
    found = {path: info["size"] for path, info in files.find(folder, detail=True).items()}
    paths = sorted(PurePosixPath(path) for path in found if is_shard(PurePosixPath(path[below:])))
    if not paths:
        raise without_shards(features)
    return {str(path): found[str(path)] for path in paths}


def _of_files(features: str, sizes: dict[str, int]) -> Iterator[Task]:
    shards: list[Shard | Stored] = []
    held, done, total = 0, 0, sum(sizes.values())
    for path, size in sizes.items():
        check_size(path, size)
        shards.append(Stored(features, path, source_of(PurePosixPath(path).parent.name, path), size))
        held, done = held + size, done + size
        if held >= _TASK_BYTES:
            yield Task(shards, None, (done, total))
            shards, held = [], 0
    if shards:
        yield Task(shards, None, (done, total))


def _of_archive(file: Any, features: str, total: int) -> Iterator[Task]:
    shards: list[Shard | Stored] = []
    held, damage = 0, None
    try:
        for shard in shards_of_archive(file, features, total):
            shards.append(shard)
            held += len(shard.data)
            if held >= _TASK_BYTES:
                yield Task(shards, None, (file.tell(), total))
                shards, held = [], 0
    except DamageError as error:  # nothing after it can be read
        damage = error
    if shards or damage:
        yield Task(shards, damage, (total, total))


def _short(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0]
