"""Conversion speed of AudioSet archives beside the speed of reading alone: `python -m benchmarks.conversion FILE`.

FILE is an archive that `benchmarks.synthetic_archive` wrote, with its tables beside it. Reading is to decompress it,
to walk its tar members and to check both CRC-32C of every record; it is timed with one thread, and with a second one
that decompresses. Both and the conversion are timed once per round; each conversion runs in a process of its own.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from isal import igzip

from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe
from benchmarks.markdown import table
from data_prep.audioset.archive import Shard, read_shards, shards_of_tar
from data_prep.audioset.framing import read_records
from data_prep.errors import DataError
from data_prep.processes import environment
from earshot_common import command_line
from earshot_common.atomic import WriteError, write_errors
from earshot_common.command_line import whole_number

_MEMORY_INTERVAL_S = 1.0  # between two readings of the memory, each of which takes some hundredths of a second
_HEAD = ["run", "read by 1 thread", "by 2", "converted", "clips/s", "speed / 1 thread's", "/ 2 threads'"]


class Conversion(NamedTuple):
    """One conversion. busy: processors kept busy on average; memory: maximum bytes of all its processes together."""

    seconds: float
    busy: float
    memory: int


def main(arguments: list[str] | None = None) -> int:
    """Print a row per round and the medians; return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversion",
        description="Time the conversion of an archive, and reading it alone.",
    )
    parser.add_argument("archive", type=Path, metavar="FILE", help="archive features.tar.gz, with its tables beside it")
    parser.add_argument(
        "--rounds", type=whole_number(1, 1000), default=6, metavar="N", help="number of timing rounds (default: 6)"
    )
    options = parser.parse_args(arguments)
    return command_line.run(lambda: _run(options.archive, options.rounds), (DataError, BenchmarkError, WriteError))


def _run(archive: Path, n_rounds: int) -> None:
    rows: list[list[float]] = []
    cells: list[list[str]] = []
    for done in range(1, n_rounds + 1):
        by_two, n = _read(read_shards(archive))  # first, since its errors say what is wrong with the file
        by_one, _ = _read(_shards_by_one_thread(archive))
        converted = convert(archive)
        seconds = converted.seconds
        rows.append([by_one, by_two, seconds, n / seconds, by_one / seconds, by_two / seconds, *converted[1:]])
        cells.append([str(done), *_cells(rows[-1])])
        command_line.log(f"round {done} of {n_rounds}: {', '.join(cells[-1][1:])}")
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    print(f"{describe()}\n")
    print(table([*_HEAD, "busy", "memory"], [*cells, ["median", *_cells(medians)]], text_columns=()))


def convert(archive: Path) -> Conversion:
    """Convert an archive with its lists of segments into a temporary folder next to it."""
    with write_errors(archive.parent / "dataset"), TemporaryDirectory(dir=archive.parent) as folder:
        files = ["--features", archive, "--labels", archive.with_name("class_labels_indices.csv"), "--segments"]
        files += [*sorted(archive.parent.glob("*_segments.csv")), "--out", Path(folder, "dataset")]
        before, start = os.times(), time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "data_prep", "convert", *map(str, files)],
            env=environment(),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        memory = 0
        while process.poll() is None:
            memory = max(memory, _memory(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_MEMORY_INTERVAL_S)
        seconds, after = time.perf_counter() - start, os.times()
    if process.returncode:
        raise BenchmarkError(f"the conversion of {archive} ended with exit code {process.returncode}")
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return Conversion(seconds, busy / seconds, memory)


def _read(shards: Iterable[Shard]) -> tuple[float, int]:
    """Read and check all records; return the seconds it takes and the number of records."""
    start = time.perf_counter()
    n = sum(1 for shard in shards for _ in read_records(shard.data, shard.name))
    return time.perf_counter() - start, n


def _shards_by_one_thread(archive: Path) -> Iterator[Shard]:
    with igzip.open(archive) as stream:
        yield from shards_of_tar(stream, archive.name)


def _memory(pid: int) -> int:
    """Return the bytes that a process and its descendants hold, shared pages counted once; 0 except on Linux."""
    own = 0
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        children = Path(f"/proc/{pid}").glob("task/*/children")
        return own + sum(_memory(int(child)) for path in children for child in path.read_text(encoding="ascii").split())
    except OSError:  # the process has just ended, or this is not Linux
        return own


def _cells(values: Iterable[float]) -> list[str]:
    by_one, by_two, seconds, clips, of_one, of_two, busy, memory = values
    times = [f"{by_one:.1f} s", f"{by_two:.1f} s", f"{seconds:.1f} s", f"{clips:,.0f}"]
    return [*times, f"{of_one:.0%}", f"{of_two:.0%}", f"{busy:.2f}", f"{memory / 1e9:.2f} GB"]


if __name__ == "__main__":
    sys.exit(main())
