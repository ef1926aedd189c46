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
from data_prep.audioset.archive import Shard, read_shards, shards_of_tar
from data_prep.audioset.framing import read_records
from data_prep.errors import DataError
from data_prep.processes import environment
from earshot_common import command_line

_WATCH_EVERY = 1.0  # seconds between two looks at the memory, each of which costs some hundredths of one


class Converted(NamedTuple):
    """A conversion: seconds, how many processors were busy, and the most bytes that all its processes held together."""

    seconds: float
    busy: float
    memory: int


def main() -> int:
    """Print a row for each round, and the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversion", description=__doc__.split("\n")[0])
    parser.add_argument("archive", type=Path, metavar="FILE", help="features.tar.gz, with tables beside it")
    parser.add_argument("--rounds", type=int, default=6, metavar="N")
    options = parser.parse_args()
    return command_line.run(lambda: run(options.archive, options.rounds), (DataError, BenchmarkError))


def run(archive: Path, n_rounds: int) -> None:
    """Take turns, and print what they took."""
    print(f"{describe()}\n")
    print(
        "| run | read by one thread | read by two | converted | clips/s | of one's speed | of two's | busy | memory |"
    )
    print("| --: | --: | --: | --: | --: | --: | --: | --: | --: |")
    rows = []
    for number in range(1, n_rounds + 1):
        by_two, n = _read(read_shards(archive))  # the first, for it says what is wrong with the file
        by_one, _ = _read(_shards_by_one_thread(archive))
        converted = convert(archive)
        seconds = (by_one, by_two, converted.seconds)
        rows.append((*seconds, n / converted.seconds, by_one / seconds[2], by_two / seconds[2], *converted[1:]))
        print(f"| {number} {_row(rows[-1])}", flush=True)
    print(f"| median {_row([statistics.median(column) for column in zip(*rows, strict=True)])}")


def convert(archive: Path) -> Converted:
    """Convert an archive with its lists of segments, beside which the dataset is written, and removed again."""
    with TemporaryDirectory(dir=archive.parent) as folder:
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
                process.wait(_WATCH_EVERY)
        seconds, after = time.perf_counter() - start, os.times()
    if process.returncode:
        raise BenchmarkError(f"the conversion of {archive} ended with {process.returncode}")
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return Converted(seconds, busy / seconds, memory)


def _read(shards: Iterable[Shard]) -> tuple[float, int]:
    """Return the seconds in which an archive is read and checked, and the number of its records."""
    start = time.perf_counter()
    n = sum(1 for shard in shards for _ in read_records(shard.data, shard.name))
    return time.perf_counter() - start, n


def _shards_by_one_thread(archive: Path) -> Iterator[Shard]:
    with igzip.open(archive) as stream:
        yield from shards_of_tar(stream, archive.name)


def _memory(pid: int) -> int:
    """Return the bytes that a process and those it began hold, shared pages counted once; 0 on other than Linux."""
    own = 0
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        begun = Path(f"/proc/{pid}").glob("task/*/children")
        return own + sum(_memory(int(child)) for path in begun for child in path.read_text(encoding="ascii").split())
    except OSError:  # it has just ended, or this is no Linux
        return own


def _row(values: Iterable[float]) -> str:
    by_one, by_two, seconds, clips, of_one, of_two, busy, memory = values
    times = f"| {by_one:.1f} s | {by_two:.1f} s | {seconds:.1f} s | {clips:,.0f} "
    return f"{times}| {of_one:.0%} | {of_two:.0%} | {busy:.2f} | {memory / 1e9:.2f} GB |"


if __name__ == "__main__":
    sys.exit(main())
