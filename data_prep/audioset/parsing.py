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
from data_prep.errors import DamageError
from data_prep.read_ahead import read_ahead

_BATCH = 8192  # minimum number of records per batch, of whole shards
_AHEAD = 2  # batches verified ahead of parsing


@dataclass(frozen=True, slots=True)
class Batch:
    """The valid clips of some shards, and the damage in them, in order.

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
            damages.extend(checked.damages)
            if len(records) >= _BATCH:
                yield records, damages
                records, damages = Records(), []
    except DamageError as error:  # of the archive: nothing after it can be read
        damages.append(error)
    if records.shards or damages:
        yield records, damages


def _parsed(records: Records, damages: list[DamageError], n_labels: int, *, keep_frames: bool) -> Batch:
    good, clips, errors = parse_records(records, n_labels, keep_frames=keep_frames)
    place = {shard.name: i for i, shard in enumerate(records.shards)}
    last = len(place)  # damage to the archive itself comes after that of its shards
    damages = sorted([*errors, *damages], key=lambda error: (place.get(error.file, last), error.offset))
    return Batch(records.shards, damages, clips, np.array(good.shard, np.int32), np.array(good.offsets, np.int64))
