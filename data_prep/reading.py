"""Shards read and checked by a process of their own, so that reading and parsing keep two processors busy.

Threads would not do: parsing's Python keeps the interpreter to itself, and reading waits for it at every shard. The
process is this module (`python -m data_prep.reading FEATURES FD`). It lays shards into slots of a file that both map,
one after another, and for each writes a line of JSON to its standard output; a byte on its standard input says that the
next slot has been emptied.
"""

import contextlib
import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

from data_prep.archive import Shard, read_shards
from data_prep.atomic import as_output_error
from data_prep.errors import DamageError, InputError, RecordError
from data_prep.framing import CheckedShard, check_shard, payloads_between
from data_prep.processes import environment, last_words

_SMALL = 1 << 25  # bytes of an archive that is read sooner than a process starts
_SLOTS, _SLOT = 64, 1 << 20  # how many, and bytes of each: a shard that is bigger goes through the pipe

Progress = Callable[[int, int], None]  # bytes read, bytes in all


def read_checked(features: Path, progress: Progress) -> Generator[CheckedShard, None, None]:
    """Yield what `read_shards` does, checked; a big archive is read by a process of its own.

    That has ended when this iterator ends or is closed. Raises what `read_shards` does.
    """
    if features.is_file() and features.stat().st_size > _SMALL:
        yield from _read_elsewhere(features, progress)
    else:
        yield from map(check_shard, read_shards(features, progress))


def _read_elsewhere(features: Path, progress: Progress) -> Iterator[CheckedShard]:
    with TemporaryFile() as noise, _new_slots() as file, mmap.mmap(file.fileno(), _SLOTS * _SLOT) as slots:
        process = subprocess.Popen(
            [sys.executable, "-m", "data_prep.reading", str(features), str(file.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,
            bufsize=1 << 16,
            pass_fds=[file.fileno()],
            env=environment(),
            process_group=0,  # Ctrl-C is this process's affair: the other ends when nobody reads what it writes
        )
        try:
            yield from _receive(process, slots, progress)
        except EOFError:
            process.kill()
            words = last_words(noise)
            raise InputError(f"the process that reads {features} ended with {process.wait()}{words}") from None
        finally:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def _new_slots() -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        with as_output_error(Path(gettempdir())):  # a hole for which the disk has no room would end who fills it
            file.write(bytes(_SLOTS * _SLOT))
            file.flush()
        yield file


def _receive(process: "subprocess.Popen[bytes]", slots: mmap.mmap, progress: Progress) -> Iterator[CheckedShard]:
    """Yield the shards that a process reads, or raise what it met; EOFError when it ended before the last one."""
    assert process.stdin  # noqa: S101  they are pipes, as asked for
    assert process.stdout  # noqa: S101
    number = 0
    while (line := process.stdout.readline()).endswith(b"\n"):
        told: dict[str, Any] = json.loads(line)
        if "unusable" in told:
            raise InputError(told["unusable"])
        if "damaged" in told:
            raise DamageError(*told["damaged"])
        if "shard" not in told:
            return
        bounds, size = told["bounds"], told["size"]
        if size <= _SLOT:
            payloads = payloads_between(bounds, slots, number % _SLOTS * _SLOT)
        else:
            data = process.stdout.read(size)
            if len(data) < size:
                break
            payloads = payloads_between(bounds, data)
        number += 1
        with contextlib.suppress(BrokenPipeError):  # it may have ended, with its last messages still to be read
            os.write(process.stdin.fileno(), b".")
        damage = RecordError(told["shard"], *told["damage"]) if told["damage"] else None
        yield CheckedShard(Shard(told["shard"], told["source"], b""), bounds[:-1], payloads, damage)
        progress(*told["read"])
    raise EOFError


def _send(features: Path, slots: mmap.mmap, emptied: IO[bytes], out: IO[bytes]) -> None:
    """Read the shards for another process, and tell it what ended them."""
    read = [0, 0]

    def note(*position: int) -> None:
        read[:] = position

    try:
        for number, shard in enumerate(read_shards(features, note)):
            checked, size = check_shard(shard), len(shard.data)
            if number >= _SLOTS and not emptied.read(1):
                return  # nobody wants more
            if size <= _SLOT:
                begin = number % _SLOTS * _SLOT
                slots[begin : begin + size] = shard.data
            _tell(
                out,
                shard=shard.name,
                source=shard.source,
                size=size,
                bounds=checked.bounds,
                damage=checked.damage and (checked.damage.offset, checked.damage.reason),
                read=read,
            )
            if size > _SLOT:
                out.write(shard.data)
            out.flush()
        _tell(out)
    except DamageError as error:
        _tell(out, damaged=(error.file, error.offset, error.reason))
    except InputError as error:
        _tell(out, unusable=str(error))


def _tell(out: IO[bytes], **facts: Any) -> None:
    out.write(json.dumps(facts).encode() + b"\n")


def main() -> None:
    """Read the archive that the command line names into the slots of the file that it has open."""
    with mmap.mmap(int(sys.argv[2]), _SLOTS * _SLOT) as slots, contextlib.suppress(BrokenPipeError):
        _send(Path(sys.argv[1]), slots, sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries to write the rest as it ends


if __name__ == "__main__":
    main()
