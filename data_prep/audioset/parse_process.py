"""Parser process: parses AudioSet's archives in a subprocess, so that parsing and writing use two processors.

Threads would share one interpreter lock. The memory of TensorFlow is freed with the process, which runs this module
(`python -m data_prep.audioset.parse_process FEATURES N_LABELS KEEP_FRAMES`). It writes batches to standard output, one
message per batch. With FEATURES `-` it reads shards from standard input.
"""

import contextlib
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from data_prep.audioset.archive import Shard, read_shards
from data_prep.audioset.framing import check_shard
from data_prep.audioset.parsing import Batch, Batches, parse_shards
from data_prep.audioset.tfrecord import ParsedRecords, tensorflow
from data_prep.dataset.label_sets import LabelSets
from data_prep.errors import DamageError, InputError, RecordError
from data_prep.processes import Message, environment, last_line, read_message, write_message
from data_prep.read_ahead import read_ahead

_MAX_IN_PROCESS_BYTES = 1 << 25  # a smaller archive is read in less time than a process starts
_AHEAD = 2  # batches parsed ahead of use

ReadProgress = Callable[[int, int], None]  # bytes read, total bytes
Shards = Generator[Shard, None, None]
Reader = Callable[[ReadProgress], Shards]


@contextlib.contextmanager
def parsed_batches(
    features: Path | Reader, n_labels: int, progress: ReadProgress, *, keep_frames: bool
) -> Iterator[Batches]:
    """Yield an iterator over the batches of an archive, a folder, one shard, or a reader's shards, parsed ahead of use.

    The parser process, if one is needed, runs as long as the block. Raises what `read_shards` or the reader raises.
    """
    if not isinstance(features, Path) or (features.is_file() and features.stat().st_size > _MAX_IN_PROCESS_BYTES):
        with _parsed_in_process(features, n_labels, progress, keep_frames=keep_frames) as batches:
            yield batches
        return
    with _parsed_here(read_shards(features, progress), n_labels, keep_frames=keep_frames) as batches:
        yield batches


@contextlib.contextmanager
def _parsed_here(shards: Iterable[Shard], n_labels: int, *, keep_frames: bool) -> Iterator[Batches]:
    parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
    with contextlib.closing(parsed), contextlib.closing(read_ahead(parsed, _AHEAD)) as batches:
        yield batches


@contextlib.contextmanager
def _parsed_in_process(
    features: Path | Reader, n_labels: int, progress: ReadProgress, *, keep_frames: bool
) -> Iterator[Batches]:
    name = str(features) if isinstance(features, Path) else "-"
    with TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "data_prep.audioset.parse_process", name, str(n_labels), str(int(keep_frames))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(),
            process_group=0,  # Ctrl-C reaches only this process; the parser ends when its output is closed
        )
        assert process.stdin  # noqa: S101  # for mypy: both are pipes
        assert process.stdout  # noqa: S101
        feeder = None if isinstance(features, Path) else _Feeder(features(progress), process.stdin)

        def received(pipe: IO[bytes]) -> Iterator[Batch]:
            try:
                yield from _receive(pipe, progress if feeder is None else lambda _done, _total: None)
            except EOFError:
                process.kill()
                if feeder and (error := feeder.wait()):
                    raise error from None
                ended = f"ended with {process.wait()}{last_line(stderr)}"
                raise InputError(f"the process that parses the features {ended}") from None

        batches = read_ahead(received(process.stdout), _AHEAD)
        try:
            yield batches
        finally:
            process.kill()  # first: threads may be blocked on its input or output
            batches.close()
            if feeder:
                feeder.wait()
            process.stdin.close()
            process.stdout.close()
            process.wait()


class _Feeder:
    """A thread that sends shards to a process until none are left or the process ends."""

    def __init__(self, shards: Shards, pipe: IO[bytes]) -> None:
        self._shards = shards
        self._pipe = pipe
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, name="feeding", daemon=True)
        self._thread.start()

    def wait(self) -> BaseException | None:
        """Wait for the thread, and return the exception that the shards raised, if any."""
        self._thread.join()
        return self._error

    def _feed(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._pipe, contextlib.closing(self._shards) as shards:
            try:
                for shard in shards:
                    data = np.frombuffer(shard.data, np.uint8)
                    write_message(self._pipe, {"name": shard.name, "source": shard.source}, [data])
                write_message(self._pipe, {})
            except DamageError as error:
                write_message(self._pipe, {"damaged": (error.file, error.offset, error.reason)})
            except BrokenPipeError:  # the process ended: `_receive` reports why
                raise
            except BaseException as error:  # noqa: BLE001  # raised where the batches are used
                self._error = error


def _receive(pipe: IO[bytes], progress: ReadProgress) -> Iterator[Batch]:
    """Yield the batches that a process sends; raise its InputError, or EOFError when it ends without a last message."""
    for facts, arrays in _messages(pipe):
        if "unusable" in facts:
            raise InputError(facts["unusable"])
        start_s, end_s, label_offsets, label_values, n_frames, sums, shard, offsets, *frames = arrays
        clips = ParsedRecords(
            facts["ids"].split(),
            start_s,
            end_s,
            LabelSets(label_offsets, label_values),
            n_frames,
            sums,
            frames[0] if frames else None,
        )
        shards = [Shard(name, source, b"") for name, source in facts["shards"]]
        damages = [(RecordError if of_record else DamageError)(*what) for of_record, *what in facts["damages"]]
        yield Batch(shards, damages, clips, shard, offsets)
        progress(*facts["read"])


def _send(batches: Iterable[Batch], read: list[int], out: IO[bytes]) -> None:
    """Write the batches as messages, and at the end an empty message or the InputError."""
    try:
        for batch in batches:
            clips = batch.clips
            arrays = [clips.start_s, clips.end_s, *clips.labels, clips.n_frames, clips.sums, batch.shard, batch.offsets]
            facts = {
                "ids": " ".join(clips.video_id),
                "shards": [(shard.name, shard.source) for shard in batch.shards],
                "damages": [(isinstance(it, RecordError), it.file, it.offset, it.reason) for it in batch.damages],
                "read": read,
            }
            write_message(out, facts, arrays if clips.frames is None else [*arrays, clips.frames])
        write_message(out, {})
    except InputError as error:
        write_message(out, {"unusable": str(error)})


def _receive_shards(pipe: IO[bytes]) -> Iterator[Shard]:
    """Yield the shards that the parent process sends; raise EOFError when it ends before the last one."""
    for facts, arrays in _messages(pipe):
        if "damaged" in facts:
            raise DamageError(*facts["damaged"])
        yield Shard(**facts, data=arrays[0].tobytes())


def _messages(pipe: IO[bytes]) -> Iterator[Message]:
    """Yield the messages up to an empty one; EOFError when the pipe ends before that."""
    while (message := read_message(pipe))[0]:
        yield message


def main() -> None:
    """Parse the archive named on the command line, and write its batches to standard output."""
    features, n_labels, keep_frames = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    read = [0, 0]

    def record(*position: int) -> None:
        read[:] = position

    with contextlib.suppress(BrokenPipeError):
        gc.disable()  # the import creates half a million objects that stay
        tensorflow()
        gc.freeze()
        gc.enable()
        shards = _receive_shards(sys.stdin.buffer) if features == "-" else read_shards(Path(features), record)
        parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
        with contextlib.suppress(EOFError):  # the parent process reports the error of its reader
            _send(parsed, read, sys.stdout.buffer)
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes to the closed pipe at exit


if __name__ == "__main__":
    main()
