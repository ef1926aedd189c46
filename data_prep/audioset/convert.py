"""Conversion of AudioSet's TFRecords and label tables to a prepared dataset.

Steps: archive -> shards -> verified records -> TensorFlow -> features -> splits -> writer. Damage stops the conversion
with the file and offset; with `keep_going` that record, or the rest of that shard where no later record can be located,
is left out and reported.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.arrays import BoolArray, FeatureDtype
from data_prep.audioset.labels import read_labels
from data_prep.audioset.parse_process import Reader, parsed_batches
from data_prep.audioset.parsing import Batch, Batches
from data_prep.audioset.report import Loss, Report
from data_prep.audioset.seen_ids import SeenIds
from data_prep.audioset.segments import SegmentList
from data_prep.audioset.splits import SOURCES, split_of
from data_prep.audioset.tfrecord import MAX_FRAMES, require_tensorflow
from data_prep.dataset.output_folder import check_target
from data_prep.dataset.schema import ClipBatch
from data_prep.dataset.writer import DatasetWriter, new_dataset
from data_prep.errors import DamageError, InputError, RecordError

_PER_SHARD = 1000  # an id's origin is this times the number of its shard, plus the millisecond at which its clip starts

ClipProgress = Callable[[int, int, int], None]  # bytes read, total bytes, clips so far
Parse = Callable[..., AbstractContextManager[Batches]]  # its arguments are those of `parsed_batches`


def convert(
    features: Path | Reader | str,
    labels_csv: Path,
    out: Path,
    *,
    segments: Sequence[Path] = (),
    clips: Path | None = None,
    ontology: Path | None = None,
    definitions: bool = True,
    frames: bool = False,
    dtype: FeatureDtype = "float32",
    keep_going: bool = False,
    overwrite: bool = False,
    notes: Sequence[str] = (),
    parse: Parse = parsed_batches,
    progress: ClipProgress = lambda _done, _total, _clips: None,
) -> Report:
    """Convert an archive, a folder, one shard, or the shards that a reader yields, to the prepared dataset `out`.

    `segments`: AudioSet's lists of clips, to detect missing ones. `clips`: text file with one clip id per line, or the
    name of a folder, such as bal_train, for all clips in it; only these are converted, and each must be there: any
    archive that has them gives the same files. `ontology`: gives
    the parents of labels, and with `definitions` also what they mean, in sentences under a licence of their own.
    `frames`: also store the frames of clips. `dtype`: of the stored features. `notes`: sentences about the input for
    the manifest. `parse`: how the features are parsed, such as by `cluster.parsed_on_cluster`. `progress` gets the
    bytes read, the total and the clips so far.
    Raises InputError (unless `keep_going`, for damage) or OutputError, and then leaves nothing on disk.
    """
    check_target(out, overwrite=overwrite)
    require_tensorflow()
    labels = read_labels(labels_csv, ontology)
    if not definitions:
        labels = [replace(label, definition="") for label in labels]
    wanted = None if clips is None else _read_wanted(clips)
    report = Report()
    read = [0, 0]  # bytes so far, total bytes

    def show(done: int, total: int) -> None:
        read[:] = done, total
        progress(done, total, report.n_clips)

    with (
        new_dataset(out, labels, dtype=dtype, overwrite=overwrite) as writer,
        parse(features, len(labels), show, keep_frames=frames) as batches,
    ):
        lists = [SegmentList(path, labels) for path in segments]  # while the first batches are parsed
        conversion = _Conversion(report, writer, lists, wanted, keep_going=keep_going)
        conversion.run(batches)
        if wanted is not None:
            _check_complete(wanted, conversion.n_listed, report, f"{clips}")
        show(*read)  # with the final number of clips
        del lists  # frees some 100 bytes per clip for the writer
        report.notes += notes
        writer.finish(report.about(), skipped=[asdict(loss) for loss in report.losses], notes=report.notes)
    return report


class _Wanted(NamedTuple):
    """The clips to convert: those with these ids, and all of these sources."""

    ids: frozenset[str]
    sources: frozenset[str]


def _read_wanted(path: Path) -> _Wanted:
    try:
        lines = path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected a text file with one clip id per line") from error
    if twice := [line for line, count in Counter(lines).items() if count > 1]:
        raise InputError(f"{path} lists {twice[0]!r} more than once; expected each clip id once")
    if not lines:
        raise InputError(f"{path} is empty; expected one clip id per line, such as '--PJHxphWEs_30'")
    names = frozenset(lines)
    return _Wanted(names.difference(SOURCES), names.intersection(SOURCES))


def _check_complete(wanted: _Wanted, n_listed: int, report: Report, path: str) -> None:
    if n_listed < (n := len(wanted.ids)):
        raise InputError(f"{path}: {n - n_listed:,} of its {n:,} clips are not in the features")
    for source in sorted(wanted.sources):
        if not report.by_source[source]:
            raise InputError(f"{path} lists {source}, of which no clip is in the features")


class _Conversion:
    """State of one conversion: counts so far, and losses."""

    def __init__(
        self,
        report: Report,
        writer: DatasetWriter,
        lists: Sequence[SegmentList],
        wanted: _Wanted | None,
        *,
        keep_going: bool,
    ) -> None:
        self._report = report
        self._writer = writer
        self._lists = lists
        self._wanted = wanted  # None: all
        self.n_listed = 0  # clips so far that are wanted by their ids
        self._keep_going = keep_going
        self._seen = SeenIds()
        self._number_of_shard: dict[str, int] = {}
        self._clips_of_shard: Counter[str] = Counter()
        self._shards: dict[str, dict[str, str]] = {source: {} for source in SOURCES}  # names of those read, by key

    def run(self, batches: Iterable[Batch]) -> None:
        """Convert every batch, then compare the clips with the published lists."""
        report = self._report
        for batch in batches:
            self._add(batch)
        if not report.n_clips and self._wanted is None:
            reasons = "".join(f"\n  {loss}" for loss in report.losses[:10])
            raise InputError(f"no clip can be read: get the features again{reasons}")
        numbers = self._number_of_shard
        report.losses.sort(key=lambda loss: (numbers.get(loss.where, len(numbers)), loss.offset))  # for any batches
        for segment_list in self._lists:
            self._compare_with(segment_list)
        for loss in report.losses:
            of_shard = loss.where in self._number_of_shard  # else of the archive
            loss.clips_kept = self._clips_of_shard[loss.where] if of_shard else report.n_clips
        if report.n_short:
            self._note(f"{report.n_short:,} clips have fewer than {MAX_FRAMES} frames")

    def _add(self, batch: Batch) -> None:
        """Pass the new clips of a batch to the writer, and count them."""
        for damage in batch.damages:
            self._add_loss(damage, clips_lost=1 if isinstance(damage, RecordError) else None)
        for shard in batch.shards:
            self._shards[shard.source][shard.key] = shard.name
            self._number_of_shard.setdefault(shard.name, len(self._number_of_shard))
        ids, source_of_shard = batch.clips.clip_ids(), [shard.source for shard in batch.shards]
        if self._wanted is not None:
            by_id, whole = self._wanted
            places = batch.shard.tolist()
            pairs = zip(ids, places, strict=True)
            wanted = np.array([clip_id in by_id or source_of_shard[at] in whole for clip_id, at in pairs], bool)
            columns = {"shard": batch.shard[wanted], "offsets": batch.offsets[wanted]}
            batch, ids = replace(batch, clips=batch.clips.only(wanted), **columns), list(compress(ids, wanted))
        clips, shard_of_clip = batch.clips, batch.shard
        new = self._new_clips(ids, batch)
        if not new.all():
            clips, ids, shard_of_clip = clips.only(new), list(compress(ids, new)), shard_of_clip[new]
        if self._wanted is not None:
            self.n_listed += sum(map(self._wanted.ids.__contains__, ids))
        sources = [source_of_shard[place] for place in shard_of_clip.tolist()]
        splits = [split_of(source, video_id) for source, video_id in zip(sources, clips.video_id, strict=True)]
        self._writer.add(
            ClipBatch(
                clip_id=ids,
                split=splits,
                media=clips.video_id,
                start_s=clips.start_s,
                end_s=clips.end_s,
                labels=clips.labels,
                n_frames=clips.n_frames,
                features=clips.sums,
                frames=clips.frames,
            )
        )
        for segment_list in self._lists:
            listed = np.array([source == segment_list.source for source in source_of_shard], bool)
            segment_list.compare(clips, np.flatnonzero(listed[shard_of_clip]))
        for shard, count in zip(batch.shards, np.bincount(shard_of_clip, minlength=len(batch.shards)), strict=True):
            self._clips_of_shard[shard.name] += int(count)
            self._report.by_source[shard.source] += int(count)
        self._report.by_split.update(splits)
        self._report.n_frames += int(clips.n_frames.sum())
        self._report.n_short += int((clips.n_frames < MAX_FRAMES).sum())

    def _new_clips(self, ids: list[str], batch: Batch) -> BoolArray:
        """Return which clips occur neither earlier in the batch nor in an earlier batch: bool[n].

        Where another clip of the video starts within the same second, the id of the later one gets the millisecond, in
        place.
        """
        milliseconds = batch.clips.milliseconds()
        numbers = np.array([self._number_of_shard[shard.name] for shard in batch.shards], np.int32)[batch.shard]
        origins = _PER_SHARD * numbers + milliseconds.astype(np.int32)
        new = np.ones(len(ids), bool)
        if self._seen.add(ids, origins):
            return new
        exact = [f"{clip_id}.{ms:03d}" for clip_id, ms in zip(ids, milliseconds.tolist(), strict=True)]
        earlier, earlier_exact = self._seen.origins(ids).tolist(), self._seen.origins(exact).tolist()
        names, here = list(self._number_of_shard), dict[str, int]()
        for i, origin in enumerate(origins.tolist()):
            known = here.get(ids[i], earlier[i])
            if known >= 0 and known % _PER_SHARD != milliseconds[i]:
                ids[i], known = exact[i], here.get(exact[i], earlier_exact[i])
            if known < 0:
                here[ids[i]] = origin
                continue
            new[i] = False
            reason = (
                f"clip {ids[i]!r} is also in {names[known // _PER_SHARD]}; ids must be unique: remove one of the two"
            )
            damage = RecordError(batch.shards[batch.shard[i]].name, int(batch.offsets[i]), reason)
            self._add_loss(damage, clips_lost=0)
        self._seen.add(list(here), np.fromiter(here.values(), np.int32, len(here)))
        return new

    def _compare_with(self, listed: SegmentList) -> None:
        """Count how a list and the features differ. A shard that lacks listed clips was cut between two records."""
        shortfall = listed.shortfall(self._shards[listed.source])
        losses: dict[str, list[Loss]] = {}
        for loss in self._report.losses:
            losses.setdefault(loss.where, []).append(loss)
        for shard, video_ids in shortfall.lost.items():
            known = losses.get(shard, [])
            n_cut = max(0, len(video_ids) - sum(loss.clips_lost or 0 for loss in known))  # without the bad records
            cut = next((loss for loss in known if loss.clips_lost is None), None)
            if cut:
                cut.clips_lost = n_cut
            elif n_cut:
                reason = f"lacks clips that {listed.file} lists, such as {video_ids[0]!r}: it may be cut, get it again"
                self._add_loss(DamageError(shard, 0, reason), clips_lost=n_cut)
        if shortfall.without_shard:
            missing, listed_in_all = shortfall.without_shard, shortfall.n_rows
            self._note(f"{missing:,} of the {listed_in_all:,} clips that {listed.file} lists have no shard here")
        if listed.unlisted:
            self._note(f"{listed.unlisted:,} clips are not listed in {listed.file}")
        if listed.other_times:
            self._note(f"{listed.other_times:,} clips have other times than {listed.file} says: the features' are kept")
        if listed.other_labels:
            self._note(
                f"{listed.other_labels:,} clips have other labels than {listed.file} says: the features' are kept"
            )

    def _note(self, sentence: str) -> None:
        self._report.notes.append(f"{sentence}.")

    def _add_loss(self, error: DamageError, clips_lost: int | None = None) -> None:
        """Raise the error, or report it as a loss and continue."""
        if not self._keep_going:
            raise error
        self._report.losses.append(Loss(error.file, error.offset, error.reason, clips_lost=clips_lost))
