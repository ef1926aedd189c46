"""Parsing of verified shards into batches of clips, each with a list of the damage found."""

import contextlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Int64Array
from data_prep.audioset.archive import Shard
from data_prep.audioset.framing import CheckedShard
from data_prep.audioset.tfrecord import ParsedRecords, Records, parse_records
from data_prep.errors import DamageError, RecordError
from data_prep.read_ahead import read_ahead

_BATCH = 8192  # minimum number of records per batch, of whole shards
_AHEAD = 2  # batches verified ahead of parsing


@dataclass(frozen=True, slots=True)
class Batch:
    """The valid clips of some shards, and the damage in them. The first bad record ends its shard.

    `shard`: int32[n], the index in `shards` of each clip's shard; `offsets`: int64[n], the byte of the shard at
    which its record begins.
    """

    shards: list[Shard]
    damages: list[DamageError]
    clips: ParsedRecords
    shard: npt.NDArray[np.int32]
    offsets: Int64Array


Batches = Generator[Batch, None, None]


def parse_shards(shards: Iterable[CheckedShard], n_labels: int, *, keep_frames: bool) -> Batches:
    """Yield the clips of shards in batches; a thread verifies the next shards while TensorFlow parses.

    Damage to the archive itself is listed in the last batch.
    """
    with contextlib.closing(read_ahead(_record_batches(shards), _AHEAD)) as batches:
        for records, damages in batches:
            yield _parsed(records, damages, n_labels, keep_frames=keep_frames)


def _record_batches(shards: Iterable[CheckedShard]) -> Iterator[tuple[Records, list[DamageError]]]:
    records, damages = Records(), list[DamageError]()
    try:
        for checked in shards:
            records.extend(checked)
            if checked.damage:
                damages.append(checked.damage)
            if len(records) >= _BATCH:
                yield records, damages
                records, damages = Records(), []
    except DamageError as error:  # of the archive: nothing after it can be read
        damages.append(error)
    if records.shards or damages:
        yield records, damages


def _parsed(records: Records, damages: list[DamageError], n_labels: int, *, keep_frames: bool) -> Batch:
    broken: dict[str, DamageError] = {}  # the first damage of each shard
    while True:
        try:
            clips = parse_records(records, n_labels, keep_frames=keep_frames)
            break
        except RecordError as error:
            broken[error.file] = error
            places = zip(map(records.name, range(len(records))), records.offsets, strict=True)
            records = records.only([name != error.file or offset < error.offset for name, offset in places])
    damages = [*broken.values(), *(damage for damage in damages if damage.file not in broken)]
    return Batch(records.shards, damages, clips, np.array(records.shard, np.int32), np.array(records.offsets, np.int64))
