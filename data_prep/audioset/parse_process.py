"""Parsing of AudioSet's archives in a process of its own, so that parsing and writing use two processors.

Threads would not do: both are mostly Python, and one interpreter runs one thread at a time. The memory that TensorFlow
takes is freed with the process, which is this module (`python -m data_prep.audioset.parse_process FEATURES N_LABELS
KEEP_FRAMES`). It writes batches to its standard output, each a line of JSON and then the bytes of the arrays that this
describes, and waits while they are not read. FEATURES may be `-`: then it reads shards from its standard input.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from data_prep.audioset.archive import Shard, read_shards
from data_prep.audioset.framing import check_shard
from data_prep.audioset.parsing import Batch, Batches, parse_shards
from data_prep.audioset.tfrecord import ParsedRecords, tensorflow
from data_prep.dataset.label_sets import LabelSets
from data_prep.errors import DamageError, InputError, RecordError
from data_prep.processes import environment, last_line
from data_prep.read_ahead import read_ahead

_MAX_IN_PROCESS_BYTES = 1 << 25  # of an archive that is read sooner than a process starts
_AHEAD = 2  # batches that wait to be used

ReadProgress = Callable[[int, int], None]  # bytes read, bytes in all
Shards = Generator[Shard, None, None]
Reader = Callable[[ReadProgress], Shards]


@contextlib.contextmanager
def parsed_batches(
    features: Path | Reader, n_labels: int, progress: ReadProgress, *, keep_frames: bool
) -> Iterator[Batches]:
    """Return the batches of an archive, of a folder or one shard, or of what a reader yields, parsed ahead of use.

    A parsing process, where there is one, starts and ends with the block. Raises what `read_shards` or the reader
    raises.
    """
    if not isinstance(features, Path) or (features.is_file() and features.stat().st_size > _MAX_IN_PROCESS_BYTES):
        with _parsed_in_process(features, n_labels, progress, keep_frames=keep_frames) as batches:
            yield batches
        return
    parsed = parse_shards(map(check_shard, read_shards(features, progress)), n_labels, keep_frames=keep_frames)
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
            process_group=0,  # Ctrl-C is for this process only: the other ends when its output is not read
        )
        assert process.stdin  # noqa: S101  they are pipes, as asked for
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
            process.kill()  # first, as threads may be waiting for its input or output
            batches.close()
            if feeder:
                feeder.wait()
            process.stdin.close()
            process.stdout.close()
            process.wait()


class _Feeder:
    """A thread that sends shards to a process, until there are no more, or it ends."""

    def __init__(self, shards: Shards, pipe: IO[bytes]) -> None:
        self._shards = shards
        self._pipe = pipe
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, name="feeding", daemon=True)
        self._thread.start()

    def wait(self) -> BaseException | None:
        """Wait for the end of the thread, and return the error that ended the shards, if any."""
        self._thread.join()
        return self._error

    def _feed(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._pipe, contextlib.closing(self._shards) as shards:
            try:
                for shard in shards:
                    _write(self._pipe, name=shard.name, source=shard.source, size=len(shard.data))
                    self._pipe.write(shard.data)
                _write(self._pipe)
            except DamageError as error:
                _write(self._pipe, damaged=(error.file, error.offset, error.reason))
            except BrokenPipeError:  # the process ended: `_receive` says why
                raise
            except BaseException as error:  # noqa: BLE001  # raised where the batches are used
                self._error = error


def _receive(pipe: IO[bytes], progress: ReadProgress) -> Iterator[Batch]:
    """Yield the batches that a process sends, or raise the InputError it sends; EOFError when it ends before either."""
    while (line := pipe.readline()).endswith(b"\n"):
        message: dict[str, Any] = json.loads(line)
        if "unusable" in message:
            raise InputError(message["unusable"])
        if "ids" not in message:
            return
        start_s, end_s, label_offsets, label_values, n_frames, sums, frames, shard, offsets = (
            _read_array(pipe, np.dtype(dtype), shape) for dtype, shape in message["arrays"]
        )
        clips = ParsedRecords(
            message["ids"].split(),
            start_s,
            end_s,
            LabelSets(label_offsets, label_values),
            n_frames,
            sums,
            frames if message["keep_frames"] else None,
        )
        shards = [Shard(name, source, b"") for name, source in message["shards"]]
        damages = [(RecordError if of_record else DamageError)(*what) for of_record, *what in message["damages"]]
        yield Batch(shards, damages, clips, shard, offsets)
        progress(*message["read"])
    raise EOFError


def _read_array(pipe: IO[bytes], dtype: np.dtype[Any], shape: list[int]) -> npt.NDArray[Any]:
    array = np.empty(shape, dtype)
    if pipe.readinto(array.reshape(-1).view(np.uint8)) < array.nbytes:  # type: ignore[attr-defined]
        raise EOFError
    return array


def _send(batches: Iterable[Batch], read: list[int], out: IO[bytes]) -> None:
    """Send the batches to another process, and at the end an empty message, or the error that ended them."""
    try:
        for batch in batches:
            clips = batch.clips
            arrays = [clips.start_s, clips.end_s, *clips.labels, clips.n_frames, clips.sums]
            arrays += [np.empty(0) if clips.frames is None else clips.frames, batch.shard, batch.offsets]
            _write(
                out,
                ids=" ".join(clips.video_id),
                shards=[(shard.name, shard.source) for shard in batch.shards],
                damages=[(isinstance(it, RecordError), it.file, it.offset, it.reason) for it in batch.damages],
                keep_frames=clips.frames is not None,
                read=read,
                arrays=[(array.dtype.str, array.shape) for array in arrays],
            )
            for array in arrays:
                out.write(np.ascontiguousarray(array).data)
            out.flush()
        _write(out)
    except InputError as error:
        _write(out, unusable=str(error))


def _receive_shards(pipe: IO[bytes]) -> Iterator[Shard]:
    """Yield the shards that another process sends; raise EOFError when it ends before the last one."""
    while (line := pipe.readline()).endswith(b"\n"):
        message: dict[str, Any] = json.loads(line)
        if "damaged" in message:
            raise DamageError(*message["damaged"])
        if "name" not in message:
            return
        data = pipe.read(message["size"])
        if len(data) < message["size"]:
            break
        yield Shard(message["name"], message["source"], data)
    raise EOFError


def _write(out: IO[bytes], **facts: Any) -> None:
    out.write(json.dumps(facts).encode() + b"\n")


def main() -> None:
    """Parse the archive that the command line names, and write its batches to standard output."""
    features, n_labels, keep_frames = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    read = [0, 0]

    def note(*position: int) -> None:
        read[:] = position

    with contextlib.suppress(BrokenPipeError):
        gc.disable()  # the import makes half a million objects, none of which are garbage
        tensorflow()
        gc.freeze()
        gc.enable()
        shards = _receive_shards(sys.stdin.buffer) if features == "-" else read_shards(Path(features), note)
        parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
        with contextlib.suppress(EOFError):  # the process that sends the shards reports its error itself
            _send(parsed, read, sys.stdout.buffer)
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries to write the rest as it ends


if __name__ == "__main__":
    main()
