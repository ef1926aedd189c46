"""How fast an archive can be read at all: `python -m benchmarks.read_limit FILE`.

One thread inflates the archive, walks its tar and checks both CRC-32C of every record, and does nothing with them. What
`python -m data_prep convert` reaches is to be compared with this.
"""

import argparse
import sys
import time
from pathlib import Path

from data_prep.archive import read_shards
from data_prep.errors import DataError
from data_prep.framing import read_records


def main() -> int:
    """Print the archive's records, and records a second."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_limit", description=__doc__.split("\n")[0])
    parser.add_argument("archive", type=Path, metavar="FILE", help="features.tar.gz")
    archive: Path = parser.parse_args().archive
    began, busy = time.perf_counter(), time.process_time()
    try:
        records = sum(1 for shard in read_shards(archive) for _ in read_records(shard.data, shard.name))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    size = archive.stat().st_size
    print(
        f"{archive}: {records:,} records in {seconds:.1f} s, {records / seconds:,.0f} records/s, "
        f"{size / seconds / 1e6:.0f} MB/s; {busy:.1f} s of processor time, {records / busy:,.0f} records a second of it"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
