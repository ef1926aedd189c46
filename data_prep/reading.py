"""A big archive is read and parsed by a process of its own, so that parsing and preparing keep two processors busy.

Threads would not do: both are Python for the most part, and one interpreter runs one of them at a time. The process is
this module (`python -m data_prep.reading FEATURES N_LABELS KEEP_FRAMES`). It writes each batch to its standard output,
a line of JSON and then the bytes of the arrays that this names, and waits while nobody reads them.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
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
Reader = Callable[[Progress], Iterator[Shard]]


@contextlib.contextmanager
def parsed_batches(
    features: Path | Reader, n_labels: int, progress: Progress, *, keep_frames: bool
) -> Iterator[Batches]:
    """Give the batches of an archive, of a folder or one shard, or of what a reader yields, made while others are used.

    A big archive's process begins with the block, and has ended when that ends. Raises what `read_shards` does.
    """
    if isinstance(features, Path) and features.is_file() and features.stat().st_size > _SMALL:
        with _parsed_elsewhere(features, n_labels, progress, keep_frames=keep_frames) as batches:
            yield batches
        return
    shards = read_shards(features, progress) if isinstance(features, Path) else features(progress)
    parsed = parse_shards(map(check_shard, shards), n_labels, keep_frames=keep_frames)
    with contextlib.closing(parsed), contextlib.closing(read_ahead(parsed, _AHEAD)) as batches:
        yield batches


@contextlib.contextmanager
def _parsed_elsewhere(features: Path, n_labels: int, progress: Progress, *, keep_frames: bool) -> Iterator[Batches]:
    with TemporaryFile() as noise:
        process = subprocess.Popen(
            [sys.executable, "-m", "data_prep.reading", str(features), str(n_labels), str(int(keep_frames))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=noise,
            env=environment(),
            process_group=0,  # Ctrl-C is this process's affair: the other ends when nobody reads what it writes
        )
        assert process.stdout  # noqa: S101  it is a pipe, as asked for

        def received(pipe: IO[bytes]) -> Iterator[Batch]:
            try:
                yield from _receive(pipe, progress)
            except EOFError:
                process.kill()
                ended = f"ended with {process.wait()}{last_words(noise)}"
                raise InputError(f"the process that reads {features} {ended}") from None

        batches = read_ahead(received(process.stdout), _AHEAD)
        try:
            yield batches
        finally:
            process.kill()  # first, for until then a thread may wait for what it sends
            batches.close()
            process.communicate()


def _receive(pipe: IO[bytes], progress: Progress) -> Iterator[Batch]:
    """Yield the batches that a process sends, or raise what it met; EOFError when it ended before the last one."""
    while (line := pipe.readline()).endswith(b"\n"):
        told: dict[str, Any] = json.loads(line)
        if "unusable" in told:
            raise InputError(told["unusable"])
        if "ids" not in told:
            return
        start_s, end_s, labels, ends, n_frames, sums, frames, shard, offsets = (
            _read_array(pipe, np.dtype(dtype), shape) for dtype, shape in told["arrays"]
        )
        clips = ParsedRecords(
            told["ids"].split(),
            start_s,
            end_s,
            LabelSets(labels, ends),
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
            arrays = [clips.start_s, clips.end_s, clips.labels.labels, clips.labels.ends, clips.n_frames, clips.sums]
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


def _tell(out: IO[bytes], **facts: Any) -> None:
    out.write(json.dumps(facts).encode() + b"\n")


def main() -> None:
    """Read the archive that the command line names, and write its batches to standard output."""
    features, n_labels, keep_frames = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    read = [0, 0]

    def note(*position: int) -> None:
        read[:] = position

    with contextlib.suppress(BrokenPipeError):
        gc.disable()  # while half a million objects come that stay
        tensorflow()
        gc.freeze()
        gc.enable()
        shards = map(check_shard, read_shards(features, note))
        _send(parse_shards(shards, n_labels, keep_frames=keep_frames), read, sys.stdout.buffer)
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries to write the rest as it ends


if __name__ == "__main__":
    main()
