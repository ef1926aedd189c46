"""Much is parsed by a process of its own, so that parsing and preparing keep two processors busy.

Threads would not do: both are Python for the most part, and one interpreter runs one of them at a time. And the memory
that TensorFlow takes goes with the process. That is this module (`python -m data_prep.reading FEATURES N_LABELS
KEEP_FRAMES`). It writes each batch to its standard output, a line of JSON and then the bytes of the arrays that this
names, and waits while nobody reads them. FEATURES may be `-`: then it takes shards from its standard input.
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

from data_prep.ahead import read_ahead
from data_prep.archive import Shard, read_shards
from data_prep.errors import DamageError, InputError, RecordError
from data_prep.framing import check_shard
from data_prep.label_sets import LabelSets
from data_prep.parsing import Batch, Batches, parse_shards
from data_prep.processes import environment, last_words
from data_prep.tfrecord import ParsedRecords, tensorflow

_SMALL = 1 << 25  # bytes of an archive that is read sooner than a process starts
_AHEAD = 2  # batches that wait for whoever asked for them

Progress = Callable[[int, int], None]  # bytes read, bytes in all
Shards = Generator[Shard, None, None]
Reader = Callable[[Progress], Shards]


@contextlib.contextmanager
def parsed_batches(
    features: Path | Reader, n_labels: int, progress: Progress, *, keep_frames: bool
) -> Iterator[Batches]:
    """Give the batches of an archive, of a folder or one shard, or of what a reader yields, made while others are used.

    The process, where there is one, begins with the block, and has ended when that ends. Raises what `read_shards` or
    the reader raises.
    """
    if _is_much(features):
        with _parsed_elsewhere(features, n_labels, progress, keep_frames=keep_frames) as batches:
            yield batches
        return
    shards = read_shards(features, progress) if isinstance(features, Path) else features(progress)
    parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
    with contextlib.closing(parsed), contextlib.closing(read_ahead(parsed, _AHEAD)) as batches:
        yield batches


def _is_much(features: Path | Reader) -> bool:
    return not isinstance(features, Path) or (features.is_file() and features.stat().st_size > _SMALL)


@contextlib.contextmanager
def _parsed_elsewhere(
    features: Path | Reader, n_labels: int, progress: Progress, *, keep_frames: bool
) -> Iterator[Batches]:
    named = str(features) if isinstance(features, Path) else "-"
    with TemporaryFile() as noise:
        process = subprocess.Popen(
            [sys.executable, "-m", "data_prep.reading", named, str(n_labels), str(int(keep_frames))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,
            env=environment(),
            process_group=0,  # Ctrl-C is this process's affair: the other ends when nobody reads what it writes
        )
        assert process.stdin  # noqa: S101  they are pipes, as asked for
        assert process.stdout  # noqa: S101
        feeding = None if isinstance(features, Path) else _Feeding(features(progress), process.stdin)

        def received(pipe: IO[bytes]) -> Iterator[Batch]:
            try:
                yield from _receive(pipe, progress if feeding is None else lambda _done, _total: None)
            except EOFError:
                process.kill()
                if feeding and (trouble := feeding.end()):
                    raise trouble from None
                ended = f"ended with {process.wait()}{last_words(noise)}"
                raise InputError(f"the process that parses the features {ended}") from None

        batches = read_ahead(received(process.stdout), _AHEAD)
        try:
            yield batches
        finally:
            process.kill()  # first, for until then threads may wait for what it sends or takes
            batches.close()
            if feeding:
                feeding.end()
            process.stdin.close()
            process.stdout.close()
            process.wait()


class _Feeding:
    """A thread that hands shards to a process, until there are no more, or it ends."""

    def __init__(self, shards: Shards, pipe: IO[bytes]) -> None:
        self._shards = shards
        self._pipe = pipe
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, name="feeding", daemon=True)
        self._thread.start()

    def end(self) -> BaseException | None:
        """Wait for its end, and return what kept the shards from coming, if anything did."""
        self._thread.join()
        return self._trouble

    def _feed(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._pipe, contextlib.closing(self._shards) as shards:
            try:
                for shard in shards:
                    _tell(self._pipe, name=shard.name, source=shard.source, size=len(shard.data))
                    self._pipe.write(shard.data)
                _tell(self._pipe)
            except DamageError as error:
                _tell(self._pipe, damaged=(error.file, error.offset, error.reason))
            except BrokenPipeError:  # it ended: whoever reads from it says why
                raise
            except BaseException as error:  # noqa: BLE001  # raised where the batches are used
                self._trouble = error


def _receive(pipe: IO[bytes], progress: Progress) -> Iterator[Batch]:
    """Yield the batches that a process sends, or raise what it met; EOFError when it ended before the last one."""
    while (line := pipe.readline()).endswith(b"\n"):
        told: dict[str, Any] = json.loads(line)
        if "unusable" in told:
            raise InputError(told["unusable"])
        if "ids" not in told:
            return
        start_s, end_s, label_offsets, label_values, n_frames, sums, frames, shard, offsets = (
            _read_array(pipe, np.dtype(dtype), shape) for dtype, shape in told["arrays"]
        )
        clips = ParsedRecords(
            told["ids"].split(),
            start_s,
            end_s,
            LabelSets(label_offsets, label_values),
            n_frames,
            sums,
            frames if told["keep_frames"] else None,
        )
        shards = [Shard(name, source, b"") for name, source in told["shards"]]
        damages = [(RecordError if of_record else DamageError)(*what) for of_record, *what in told["damages"]]
        yield Batch(shards, damages, clips, shard, offsets)
        progress(*told["read"])
    raise EOFError


def _read_array(pipe: IO[bytes], dtype: np.dtype[Any], shape: list[int]) -> npt.NDArray[Any]:
    array = np.empty(shape, dtype)
    if pipe.readinto(array.reshape(-1).view(np.uint8)) < array.nbytes:  # type: ignore[attr-defined]
        raise EOFError
    return array


def _send(batches: Iterable[Batch], read: list[int], out: IO[bytes]) -> None:
    """Write the batches for another process, and tell it what ended them."""
    try:
        for batch in batches:
            clips = batch.clips
            arrays = [clips.start_s, clips.end_s, *clips.labels, clips.n_frames, clips.sums]
            arrays += [np.empty(0) if clips.frames is None else clips.frames, batch.shard, batch.offsets]
            _tell(
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
        _tell(out)
    except InputError as error:
        _tell(out, unusable=str(error))


def _fed(pipe: IO[bytes]) -> Iterator[Shard]:
    """Yield the shards that another process sends; EOFError when they end before the last one."""
    while (line := pipe.readline()).endswith(b"\n"):
        told: dict[str, Any] = json.loads(line)
        if "damaged" in told:
            raise DamageError(*told["damaged"])
        if "name" not in told:
            return
        data = pipe.read(told["size"])
        if len(data) < told["size"]:
            break
        yield Shard(told["name"], told["source"], data)
    raise EOFError


def _tell(out: IO[bytes], **facts: Any) -> None:
    out.write(json.dumps(facts).encode() + b"\n")


def main() -> None:
    """Read the archive that the command line names, and write its batches to standard output."""
    features, n_labels, keep_frames = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    read = [0, 0]

    def note(*position: int) -> None:
        read[:] = position

    with contextlib.suppress(BrokenPipeError):
        gc.disable()  # while half a million objects come that stay
        tensorflow()
        gc.freeze()
        gc.enable()
        shards = _fed(sys.stdin.buffer) if features == "-" else read_shards(Path(features), note)
        parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
        with contextlib.suppress(EOFError):  # whoever fed it is in trouble, and knows
            _send(parsed, read, sys.stdout.buffer)
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries to write the rest as it ends


if __name__ == "__main__":
    main()
